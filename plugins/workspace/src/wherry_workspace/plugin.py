"""The workspace plugin: hook implementations only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wherry.hookspecs import Manifest, hookimpl

from wherry_workspace.kinds import READABLE
from wherry_workspace.mapping import MAPS, MATCH, TRANSFORMS
from wherry_workspace.settings import WorkspaceSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, SinkWriter, SourceConnector
    from wherry.web.routes import Host, HttpRoute

SYSTEM = "workspace"


@hookimpl
def wherry_manifest() -> Manifest:
    return Manifest(
        system=SYSTEM, title="Workspace", group="platform", roles=("source", "sink"), kinds=READABLE,
        maps=MAPS, match=MATCH, docs="plugins/workspace/README.md",
    )  # fmt: skip


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    return WorkspaceSettings if system == SYSTEM else None


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What the default map of invoices needs beyond the core's transforms."""
    return TRANSFORMS


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    if connection.plugin != SYSTEM:
        return None
    from wherry_workspace.source import WorkspaceSource

    settings: WorkspaceSettings = connection.settings
    return WorkspaceSource(services.documents, settings.title, settings.page_size)


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    if connection.plugin != SYSTEM:
        return None
    from wherry_workspace.sink import WorkspaceSink

    settings: WorkspaceSettings = connection.settings
    return WorkspaceSink(services.documents, services.clock, settings.title)


@hookimpl
def wherry_http_routes(services: Services, host: Host) -> Sequence[HttpRoute]:
    """The export API of accounting entries."""
    from wherry_workspace.export_api import routes

    return routes(services, host)
