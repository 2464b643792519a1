"""HubSpot for Wherry: the table of contents. Everything here is a hook; the work is done in the modules beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wherry.crm import MATCH
from wherry.hookspecs import Manifest, hookimpl

from .mapping import MAPS, product_type
from .settings import HubSpotSettings
from .vendor import HOSTS, KINDS, OAUTH, SCOPES

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SourceConnector

SYSTEM = "hubspot"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="HubSpot",
        group="CRM",
        roles=("source", "simulator"),
        kinds=KINDS,
        maps=MAPS,
        match=MATCH,
        sign_in=("token", "oauth2"),
        oauth=OAUTH,
        hosts=HOSTS,
        scopes=SCOPES,
        administrator="recommended",
        docs="https://developers.hubspot.com/docs/api/overview",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a HubSpot connection."""
    return HubSpotSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads one HubSpot account."""
    if connection.plugin != SYSTEM:
        return None
    from .source import HubSpotSource

    return HubSpotSource(connection, services)


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What HubSpot's default maps need beyond the core's transforms."""
    return {"hubspot_product_type": product_type}


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """HubSpot's offline stand-in. It may be told the ``currency`` of its account, and nothing else."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator import HubSpotOptions, HubSpotSimulator

    return HubSpotSimulator(currency=HubSpotOptions.of(options).currency)
