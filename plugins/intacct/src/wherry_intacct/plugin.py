"""Sage Intacct for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.hookspecs import Manifest, hookimpl

from .settings import HOSTS, IntacctSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter

SYSTEM = "intacct"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Sage Intacct",
        group="accounting",
        roles=("sink", "simulator"),
        sign_in=("login",),
        hosts=HOSTS,
        docs="https://developer.intacct.com/web-services/",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a Sage Intacct connection."""
    return IntacctSettings if system == SYSTEM else None


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that writes into one company's books."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .sink import IntacctSink

    return IntacctSink(Client(services, connection.settings), connection.settings, services)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """Sage Intacct's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
