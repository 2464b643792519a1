"""The table of contents: hook implementations only. The work is done in the modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wherry.hookspecs import Manifest, hookimpl

from .client import HOSTS
from .mapping import MAPS, MATCH, ShipmentMapper
from .matcher import PartMatcher
from .settings import AcmeSettings
from .source import KINDS, AcmeSource

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, FieldMapper, Matcher, Services, Simulator, SourceConnector
    from wherry.settings import Flow

SYSTEM = "acme-warehouse"


@hookimpl
def wherry_manifest() -> Manifest:
    return Manifest(
        system=SYSTEM,
        title="Acme Warehouse",
        group="other",
        roles=("source", "mapper", "matcher", "simulator"),
        kinds=KINDS,
        maps=MAPS,
        match=MATCH,
        sign_in=("token",),
        hosts=HOSTS,
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    return AcmeSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    return AcmeSource(connection, services) if connection.plugin == SYSTEM else None


@hookimpl
def wherry_field_mapper(connection: Connection, kind: str) -> FieldMapper | None:
    return ShipmentMapper() if connection.plugin == SYSTEM and kind == "shipment" else None


@hookimpl
def wherry_matcher(connection: Connection, flow: Flow, entity: str) -> Matcher | None:
    return PartMatcher.of(flow) if connection.plugin == SYSTEM and entity == "product" else None


@hookimpl
def wherry_simulator(system: str) -> Simulator | None:
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator import AcmeSimulator

    return AcmeSimulator()
