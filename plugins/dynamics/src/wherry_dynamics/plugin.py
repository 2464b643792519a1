"""Dynamics 365 Sales for Wherry: the table of contents. Everything here is a hook; the work is done beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.crm import MATCH
from wherry.endpoints import OAuthEndpoints
from wherry.hookspecs import Manifest, hookimpl

from .mapping import MAPS
from .settings import KINDS, DynamicsSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SourceConnector

SYSTEM = "dynamics"
HOSTS = ("*.dynamics.com", "login.microsoftonline.com")
ENTRA = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
SIGN_IN = OAuthEndpoints(
    token_url=f"{ENTRA}/token",
    authorize_url=f"{ENTRA}/authorize",
    client_scope="{base_url}/.default",
)
"""A token is good for one environment, whose address it names. Nothing ends one before its time."""


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Microsoft Dynamics 365",
        group="CRM",
        roles=("source", "simulator"),
        kinds=KINDS,
        maps=MAPS,
        match=MATCH,
        sign_in=("client", "oauth2"),
        oauth=SIGN_IN,
        hosts=HOSTS,
        scopes=("{base_url}/user_impersonation", "offline_access"),
        docs="https://learn.microsoft.com/power-apps/developer/data-platform/webapi/overview",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a Dynamics connection."""
    return DynamicsSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads one environment."""
    if connection.plugin != SYSTEM:
        return None
    from .source import DynamicsSource

    return DynamicsSource(connection, services)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """The offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
