"""JD Edwards EnterpriseOne for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wherry.hookspecs import Manifest, hookimpl

from .settings import JdeSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter

SYSTEM = "jde"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="JD Edwards EnterpriseOne",
        group="accounting",
        roles=("sink", "simulator"),
        unmatched={"product": "triage"},
        docs="https://docs.oracle.com/en/applications/jd-edwards/cross-product/9.2/rest-api/",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a JD Edwards connection."""
    return JdeSettings if system == SYSTEM else None


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that writes into one company's books, by the orchestrations of its site."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .sink import sink

    return sink(Client(services, connection.settings), connection.settings)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """The offline stand-in of an AIS server with the template's orchestrations."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
