"""Where sites live in a system that has no record of its own for them: a connection's ``location``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LOCATION_FIELDS = ("name", "street", "city", "region", "postal_code", "country", "gl_number", "description")
"""The fields of a location, as its record has them."""
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
"""A name that can stand in a query as it is."""


class Sites(BaseModel):
    """Which field of the system holds what of a site. A plugin adds in which object they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: FieldName | None = Field(None, description="The field with the site's name.")
    street: FieldName | None = Field(None, description="The field with street and number.")
    city: FieldName | None = Field(None, description="The field with the town.")
    region: FieldName | None = Field(None, description="The field with state or province.")
    postal_code: FieldName | None = Field(None, description="The field with the postal code.")
    country: FieldName | None = Field(None, description="The field with the country.")
    gl_number: FieldName | None = Field(None, description="The field with the number in the general ledger.")
    description: FieldName | None = Field(None, description="The field with a description.")

    @property
    def named(self) -> dict[str, str]:
        """Our field → the system's, as far as the operator named them."""
        given = {field: getattr(self, field) for field in LOCATION_FIELDS}
        return {field: name for field, name in given.items() if name}
