"""Xero for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.endpoints import OAuthEndpoints
from wherry.hookspecs import Manifest, hookimpl

from .settings import HOSTS, XeroSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter

SYSTEM = "xero"
OAUTH = OAuthEndpoints(
    token_url="https://identity.xero.com/connect/token",
    revoke_url="https://identity.xero.com/connect/revocation",
    authorize_url="https://login.xero.com/identity/connect/authorize",
    client_by="basic",
)
SCOPES = (
    "offline_access", "accounting.invoices", "accounting.manualjournals", "accounting.contacts", "accounting.settings",
    "accounting.reports.trialbalance.read",
)  # fmt: skip
"""The granular ones, which are all that apps made since March 2026 get."""


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Xero",
        group="accounting",
        roles=("sink", "simulator"),
        sign_in=("oauth2", "client", "token"),
        oauth=OAUTH,
        hosts=HOSTS,
        scopes=SCOPES,
        administrator="recommended",
        docs="https://developer.xero.com/documentation/api/accounting/overview",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a Xero connection."""
    return XeroSettings if system == SYSTEM else None


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that writes into one organisation's books."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .sink import XeroSink

    return XeroSink(Client(services, connection.settings), connection.settings, services)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """Xero's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
