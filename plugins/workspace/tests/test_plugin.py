"""The plugin as the core meets it: entry points, manifest, makers."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest
from pydantic import ValidationError
from wherry.hookspecs import PROJECT_NAME, Specs
from wherry.roles import Connection
from wherry.testing.clock import FakeClock
from wherry_workspace import plugin
from wherry_workspace.settings import WorkspaceSettings
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.source import WorkspaceSource


@pytest.fixture
def hooks() -> Any:
    manager = pluggy.PluginManager(PROJECT_NAME)
    manager.add_hookspecs(Specs)
    manager.register(plugin)
    manager.check_pending()
    return manager.hook


def connection(system: str) -> Connection:
    return Connection("platform", system, WorkspaceSettings())


def test_its_manifest_says_what_it_reads_and_writes(hooks: Any) -> None:
    [manifest] = hooks.wherry_manifest()
    assert (manifest.system, manifest.group, set(manifest.roles)) == ("workspace", "platform", {"source", "sink"})
    assert set(manifest.kinds) == set(WorkspaceSource.kinds)
    assert manifest.hosts == ()


def test_it_makes_parts_for_its_own_connections_only(hooks: Any, opened: Any, clock: FakeClock) -> None:
    services = SimpleNamespace(documents=opened, clock=clock)
    source = hooks.wherry_source_connector(connection=connection("workspace"), services=services)
    sink = hooks.wherry_sink_writer(connection=connection("workspace"), services=services)
    assert isinstance(source, WorkspaceSource)
    assert isinstance(sink, WorkspaceSink)
    assert source.check() == sink.check()
    assert hooks.wherry_source_connector(connection=connection("other"), services=services) is None
    assert hooks.wherry_sink_writer(connection=connection("other"), services=services) is None


def test_its_settings_refuse_keys_they_do_not_know(hooks: Any) -> None:
    model = hooks.wherry_settings(system="workspace")
    assert hooks.wherry_settings(system="other") is None
    assert all(field.description for field in model.model_fields.values())
    with pytest.raises(ValidationError, match="titel"):
        model(titel="Acme")


def test_its_entry_points_load() -> None:
    points = metadata.distribution("wherry-workspace").entry_points
    loaded = {(point.group, point.name): point.load() for point in points}
    assert loaded["wherry.plugins", "workspace"] is plugin
    assert loaded["wherry.commands", "workspace"].name == "workspace"


def test_loading_the_plugin_does_not_load_its_commands() -> None:
    code = "import wherry_workspace.plugin, sys; print('wherry_workspace.commands' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
