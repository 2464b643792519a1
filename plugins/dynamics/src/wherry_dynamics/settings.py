"""What an operator sets of a Dynamics connection."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from wherry.settings import ClientAuth, ConnectionSettings, OAuth2Auth
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address

KINDS = ("deal", "company", "product", "ticket", "owner", "location")
LOCATION_FIELDS = ("name", "street", "city", "region", "postal_code", "country", "gl_number", "description")
_OVERLAP = re.compile(r"([0-9]{1,5})(s|m)\Z")
_NAME = r"^[a-z][a-z0-9_]*$"
"""What Dataverse allows in the logical name of a table or column."""
_ENVIRONMENT = 'write the address of the environment alone: "https://acme.crm.dynamics.com"'


def _environment(value: str) -> str:
    found = address(value)
    if found is None or urlsplit(found).path:
        raise wrong("must be the address of your environment", _ENVIRONMENT)
    return found


def _overlap(value: str) -> str:
    if not _OVERLAP.match(value):
        raise wrong("is not a time", 'write seconds or minutes: "90s", "5m"')
    return value


class Location(BaseModel):
    """Where sites live in this environment: a table, and which of its columns hold what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = Field(pattern=_NAME, description='The table, by its logical name: "new_site".')
    name: str | None = Field(None, pattern=_NAME, description="The column with the site's name; its primary column.")
    account: str | None = Field(None, pattern=_NAME, description="The lookup of the account: new_accountid.")
    street: str | None = Field(None, pattern=_NAME, description="The column with street and number.")
    city: str | None = Field(None, pattern=_NAME, description="The column with the town.")
    region: str | None = Field(None, pattern=_NAME, description="The column with state or province.")
    postal_code: str | None = Field(None, pattern=_NAME, description="The column with the postal code.")
    country: str | None = Field(None, pattern=_NAME, description="The column with the country.")
    gl_number: str | None = Field(None, pattern=_NAME, description="The column with the number in the general ledger.")
    description: str | None = Field(None, pattern=_NAME, description="The column with a description.")

    def named(self, primary: str) -> dict[str, str]:
        """Our field → the table's column, as far as the operator named them."""
        given = {field: getattr(self, field) for field in LOCATION_FIELDS}
        return {field: name for field, name in (given | {"name": self.name or primary}).items() if name}


class DynamicsSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "dynamics"``."""

    base_url: Annotated[str, AfterValidator(_environment)] = Field(
        description="The environment: https://acme.crm.dynamics.com, or https://acme.crm4.dynamics.com."
    )
    tenant: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$",
        description="The directory (tenant) that the app is registered in: its id, or a domain of it.",
    )
    auth: Annotated[ClientAuth | OAuth2Auth, Field(discriminator="kind")] = Field(
        description="The app registration: by itself (kind = client), or with a user who consents (kind = oauth2)."
    )
    overlap: Annotated[str, AfterValidator(_overlap)] = Field(
        "5m", description="How long a transaction may take to show: reading goes over this much again."
    )
    location: Location | None = Field(None, description="Where sites live, if locations are read: a table.")

    @property
    def overlap_seconds(self) -> int:
        """``overlap`` in seconds."""
        match = _OVERLAP.match(self.overlap)
        assert match
        return int(match[1]) * (60 if match[2] == "m" else 1)
