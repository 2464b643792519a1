"""Files for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wherry.hookspecs import Manifest, hookimpl

from .kinds import KINDS
from .mapping import MAPS, MATCH, TRANSFORMS
from .settings import CsvSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.http import Files
    from wherry.roles import Connection, Services, SinkWriter, SourceConnector

SYSTEM = "csv"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM, title="Files (CSV)", group="files", roles=("source", "sink"), kinds=tuple(KINDS), maps=MAPS,
        match=MATCH, docs="plugins/csv/README.md",
    )  # fmt: skip


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a connection to a folder."""
    return CsvSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads the rows of a folder's files."""
    if connection.plugin != SYSTEM:
        return None
    from .source import CsvSource

    return CsvSource(_files(connection, services), connection.settings, services.clock)


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that places files in a folder; where a chart of accounts lies there, one that knows it."""
    if connection.plugin != SYSTEM:
        return None
    from .sink import CsvSink, CsvSinkWithChart

    files = _files(connection, services)
    charted = (files.folder / connection.settings.accounts).is_file()
    return (CsvSinkWithChart if charted else CsvSink)(files, connection.settings)


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What the default maps need beyond the core's transforms."""
    return TRANSFORMS


def _files(connection: Connection, services: Services) -> Files:
    from wherry.http import Files

    return Files(services.folder / connection.settings.folder, connection=connection.name)
