"""QuickBooks Desktop for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from wherry.hookspecs import Manifest, hookimpl

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Simulator

SYSTEM = "qbwc"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(system=SYSTEM, title="QuickBooks Desktop", group="accounting", roles=("simulator",))


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """A connection to QuickBooks Desktop has no settings but those of every connection."""
    return None


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """QuickBooks Desktop's offline stand-in: a computer with company files, and a Web Connector."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return cast("Simulator", simulator(options))
