"""QuickBooks Desktop for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.hookspecs import Manifest, hookimpl

if TYPE_CHECKING:
    from pydantic import BaseModel

SYSTEM = "qbwc"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(system=SYSTEM, title="QuickBooks Desktop", group="accounting")


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """A connection to QuickBooks Desktop has no settings but those of every connection."""
    return None
