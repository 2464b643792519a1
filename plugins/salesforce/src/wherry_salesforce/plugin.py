"""Salesforce for Wherry: the table of contents. Everything here is a hook; the work is done in the modules beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.crm import MATCH
from wherry.endpoints import OAuthEndpoints
from wherry.hookspecs import Manifest, hookimpl

from .mapping import MAPS
from .settings import KINDS, SalesforceSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SourceConnector

SYSTEM = "salesforce"
HOSTS = ("*.my.salesforce.com",)
SIGN_IN = OAuthEndpoints(
    token_url="/services/oauth2/token",
    revoke_url="/services/oauth2/revoke",
    authorize_url="/services/oauth2/authorize",
)
"""Below the org's own address: the general login hosts refuse an External Client App."""


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Salesforce",
        group="CRM",
        roles=("source", "simulator"),
        kinds=KINDS,
        maps=MAPS,
        match=MATCH,
        sign_in=("client", "oauth2"),
        oauth=SIGN_IN,
        hosts=HOSTS,
        scopes=("api", "refresh_token"),
        docs="https://developer.salesforce.com/docs/platform/api-rest/guide/intro-rest.html",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a Salesforce connection."""
    return SalesforceSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads one org."""
    if connection.plugin != SYSTEM:
        return None
    from .source import SalesforceSource

    return SalesforceSource(connection, services)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """Salesforce's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
