"""Traede for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wherry.hookspecs import Manifest, hookimpl

from .mapping import ENTRY, MAPS, MATCH, TRANSFORMS
from .settings import HOSTS, TraedeSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SourceConnector

SYSTEM = "traede"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="Traede",
        group="platform",
        roles=("source", "simulator"),
        kinds=(ENTRY,),
        maps=MAPS,
        match=MATCH,
        sign_in=("token",),
        hosts=HOSTS,
        docs="https://developer.traede.com/export-apis/intro",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a Traede connection."""
    return TraedeSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads a company's accounting entries, and confirms what the books have taken."""
    if connection.plugin != SYSTEM:
        return None
    from .source import TraedeSource

    return TraedeSource(connection, services)


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What Traede's default map needs beyond the core's transforms."""
    return TRANSFORMS


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """Traede's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
