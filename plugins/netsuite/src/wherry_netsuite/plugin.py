"""Oracle NetSuite for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.endpoints import OAuthEndpoints
from wherry.hookspecs import Manifest, hookimpl

from .settings import HOSTS, NetSuiteSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter

SYSTEM = "netsuite"
OAUTH = OAuthEndpoints(token_url="/services/rest/auth/oauth2/v1/token")
"""Below the account's own address."""
MATCH = {
    "customer": {"order": ["link", "reference", "name"], "unmatched": "create"},
    "product": {"order": ["link", "sku", "name"], "unmatched": "triage"},
}


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Oracle NetSuite",
        group="accounting",
        roles=("sink", "simulator"),
        sign_in=("client", "token"),
        oauth=OAUTH,
        hosts=HOSTS,
        scopes=("rest_webservices",),
        docs="https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/book_1559132836.html",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a NetSuite connection."""
    return NetSuiteSettings if system == SYSTEM else None


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that writes into one account's books."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .sink import NetSuiteSink

    return NetSuiteSink(Client(services, connection.settings), connection.settings, services)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """NetSuite's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
