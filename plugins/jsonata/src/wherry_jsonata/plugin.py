"""JSONata for Wherry: the table of contents. A mapper is a plugin like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.hookspecs import Manifest, hookimpl

if TYPE_CHECKING:
    from wherry.roles import FieldMapper, Services
    from wherry.settings import Flow

SYSTEM = "jsonata"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(system=SYSTEM, title="JSONata", roles=("mapper",), docs="https://docs.jsonata.org")


@hookimpl
def wherry_field_mapper(flow: Flow, kind: str, services: Services) -> FieldMapper | None:
    """The mapper of a flow that asks for it."""
    if flow.mapper is None or flow.mapper.plugin != SYSTEM:
        return None
    from .mapper import make_mapper

    return make_mapper(flow, kind, services.folder)
