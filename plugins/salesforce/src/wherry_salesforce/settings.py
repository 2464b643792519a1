"""What an operator sets of a Salesforce connection."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from wherry.settings import ClientAuth, ConnectionSettings, OAuth2Auth
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address
from wherry.settings.sites import FieldName, Sites
from wherry.settings.values import Currency, Seconds

KINDS = ("deal", "company", "product", "ticket", "owner", "location")
_GENERAL = frozenset({"login.salesforce.com", "test.salesforce.com"})


def _my_domain(value: str) -> str:
    found = address(value)
    if found is None or urlsplit(found).hostname in _GENERAL:
        raise wrong(
            "must be the address of your own org", 'write its My Domain, such as "https://acme.my.salesforce.com"'
        )
    return found


class Location(Sites):
    """Where sites live in this org: a custom object, and which of its fields hold what."""

    object: FieldName = Field(description='The object, by its API name: "Site__c".')
    name: FieldName = Field("Name", description="The field with the site's name.")
    account: FieldName | None = Field(None, description="The field that names the account: Account__c.")


class SalesforceSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "salesforce"``."""

    base_url: Annotated[str, AfterValidator(_my_domain)] = Field(
        description="The org's My Domain: https://acme.my.salesforce.com, or https://acme--dev.sandbox.my.salesforce.com."
    )
    auth: Annotated[ClientAuth | OAuth2Auth, Field(discriminator="kind")] = Field(
        description="The External Client App: by itself (kind = client), or with a user who consents (kind = oauth2)."
    )
    api: str = Field("67.0", pattern=r"^[4-9][0-9]\.0$|^1[0-9]{2}\.0$", description="The version of the API.")
    overlap: Seconds = Field(
        "5m",
        validate_default=True,
        description="How long a transaction may take to show: reading goes over this much again.",
    )
    currency: Currency | None = Field(
        None,
        description="The org's currency where it has one alone, which it does not tell; the project's if left out.",
    )
    location: Location | None = Field(None, description="Where sites live, if locations are read: a custom object.")
