"""What an operator sets of a Salesforce connection."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from wherry.settings import ClientAuth, ConnectionSettings, OAuth2Auth
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address
from wherry.settings.values import Currency

KINDS = ("deal", "company", "product", "ticket", "owner", "location")
LOCATION_FIELDS = ("name", "street", "city", "region", "postal_code", "country", "gl_number", "description")
_GENERAL = frozenset({"login.salesforce.com", "test.salesforce.com"})
_OVERLAP = re.compile(r"([0-9]{1,5})(s|m)\Z")
_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
"""What Salesforce allows in the API name of an object or field."""


def _my_domain(value: str) -> str:
    found = address(value)
    if found is None or urlsplit(found).hostname in _GENERAL:
        raise wrong(
            "must be the address of your own org", 'write its My Domain, such as "https://acme.my.salesforce.com"'
        )
    return found


def _overlap(value: str) -> str:
    if not _OVERLAP.match(value):
        raise wrong("is not a time", 'write seconds or minutes: "90s", "5m"')
    return value


class Location(BaseModel):
    """Where sites live in this org: a custom object, and which of its fields hold what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    object: str = Field(pattern=_NAME, description='The object, by its API name: "Site__c".')
    name: str = Field("Name", pattern=_NAME, description="The field with the site's name.")
    account: str | None = Field(None, pattern=_NAME, description="The field that names the account: Account__c.")
    street: str | None = Field(None, pattern=_NAME, description="The field with street and number.")
    city: str | None = Field(None, pattern=_NAME, description="The field with the town.")
    region: str | None = Field(None, pattern=_NAME, description="The field with state or province.")
    postal_code: str | None = Field(None, pattern=_NAME, description="The field with the postal code.")
    country: str | None = Field(None, pattern=_NAME, description="The field with the country.")
    gl_number: str | None = Field(None, pattern=_NAME, description="The field with the number in the general ledger.")
    description: str | None = Field(None, pattern=_NAME, description="The field with a description.")

    @property
    def named(self) -> dict[str, str]:
        """Our field → the object's, as far as the operator named them."""
        given = {field: getattr(self, field) for field in LOCATION_FIELDS}
        return {field: name for field, name in given.items() if name}


class SalesforceSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "salesforce"``."""

    base_url: Annotated[str, AfterValidator(_my_domain)] = Field(
        description="The org's My Domain: https://acme.my.salesforce.com, or https://acme--dev.sandbox.my.salesforce.com."
    )
    auth: Annotated[ClientAuth | OAuth2Auth, Field(discriminator="kind")] = Field(
        description="The External Client App: by itself (kind = client), or with a user who consents (kind = oauth2)."
    )
    api: str = Field("67.0", pattern=r"^[4-9][0-9]\.0$|^1[0-9]{2}\.0$", description="The version of the API.")
    overlap: Annotated[str, AfterValidator(_overlap)] = Field(
        "5m", description="How long a transaction may take to show: reading goes over this much again."
    )
    currency: Currency | None = Field(
        None,
        description="The org's currency where it has one alone, which it does not tell; the project's if left out.",
    )
    location: Location | None = Field(None, description="Where sites live, if locations are read: a custom object.")

    @property
    def overlap_ms(self) -> int:
        """``overlap`` in milliseconds."""
        match = _OVERLAP.match(self.overlap)
        assert match
        return int(match[1]) * (60_000 if match[2] == "m" else 1_000)
