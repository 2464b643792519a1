"""What an operator sets of a Dynamics connection."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from wherry.settings import ClientAuth, ConnectionSettings, OAuth2Auth
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address
from wherry.settings.sites import FieldName, Sites
from wherry.settings.values import Seconds

KINDS = ("deal", "company", "product", "ticket", "owner", "location")
_ENVIRONMENT = 'write the address of the environment alone: "https://acme.crm.dynamics.com"'


def _environment(value: str) -> str:
    found = address(value)
    if found is None or urlsplit(found).path:
        raise wrong("must be the address of your environment", _ENVIRONMENT)
    return found


class Location(Sites):
    """Where sites live in this environment: a table, and which of its columns hold what."""

    table: FieldName = Field(description='The table, by its logical name: "new_site".')
    account: FieldName | None = Field(None, description="The lookup of the account: new_accountid.")


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
    overlap: Seconds = Field(
        "5m",
        validate_default=True,
        description="How long a transaction may take to show: reading goes over this much again.",
    )
    location: Location | None = Field(None, description="Where sites live, if locations are read: a table.")
