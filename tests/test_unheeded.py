"""What a person says and nothing heeds is refused: keys of a flow, of a connection, and options."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from wherry.cli import app

from .projects import INVOICES, WON_DEALS

CSV = """
version = 1
[project]
name = "files"
currency = "GBP"
[plugins]
enabled = ["workspace", "csv"]
[connections.platform]
plugin = "workspace"
[connections.files]
plugin = "csv"
folder = "."
[flows.goods]
source = "files"
sink = "platform"
kinds = ["product"]
"""
Said = Callable[[str, str], str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """What a command says of a project that it refuses."""
    for name in ("HUBSPOT_URL", "BOOKS_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("HUBSPOT_TOKEN", "BOOKS_CLIENT_ID", "BOOKS_CLIENT_SECRET"):
        monkeypatch.setenv(name, "canary-unheeded-7")

    def refused(project: str, line: str) -> str:
        (tmp_path / "wherry.toml").write_text(project, "utf-8")
        with contextlib.chdir(tmp_path):
            assert app.run(shlex.split(line)) in (2, 3)
        return capsys.readouterr().err

    return refused


@pytest.mark.parametrize(
    ("project", "before", "key"),
    [
        (WON_DEALS, "pipelines = [", 'approval = "required"'),
        (WON_DEALS, "pipelines = [", "approvers = 2"),
        (WON_DEALS, "pipelines = [", "books_from = 2030-01-01"),
        (WON_DEALS, 'kinds = ["deal"]', 'when = { status = "won" }'),
        (WON_DEALS, 'kinds = ["deal"]', 'document = "estimate"'),
        (INVOICES, 'kinds = ["invoice"]', 'pipelines = [{ id = "x" }]'),
        (INVOICES, 'document = "invoice"', 'group = "month"'),
        (INVOICES, 'document = "invoice"', 'match.project = { unmatched = "skip" }'),
        (INVOICES, 'repeat = "always"', 'repeat = { project = "once" }'),
        (INVOICES, 'order = ["link", "sku", "name"]', 'order = ["sku", "link", "name"]'),
    ],
    ids=lambda value: value.partition(" =")[0].replace(".", "-") if value.count("\n") == 0 else "",
)
def test_a_key_that_nothing_of_its_flow_heeds_is_refused(said: Said, project: str, before: str, key: str) -> None:
    """An approval that is waited for by nothing looks like one that is."""
    swapped = before.startswith(("kinds", "repeat", "order"))
    told = said(project.replace(before, key if swapped else f"{key}\n{before}"), "config check")
    assert "WHERRY-2654" in told
    assert f".{key.partition(' ')[0]}" in told


def test_a_map_that_no_pipeline_uses_is_refused(said: Said) -> None:
    told = said(f'{INVOICES}[maps.spare.invoice]\nmemo = "invoice.memo"\n', "config check")
    assert "maps.spare would change nothing: no pipeline of a flow uses it" in told


def test_a_status_that_is_nearly_one_of_the_sources_is_guessed(said: Said) -> None:
    """A flow that takes what never comes looks like one that has nothing to do."""
    told = said(INVOICES.replace('status = "invoiced"', 'status = "invoyced"'), "config check")
    assert "WHERRY-2227" in told
    assert "did you mean invoiced?" in told


def test_a_table_that_is_named_and_not_there_is_refused_with_key_line_and_file(said: Said) -> None:
    project = INVOICES.replace('environment = "simulator"', 'environment = "simulator"\ntax_table = "tables/vat.csv"')
    told = said(project, "config check")
    assert "connections.books.tax_table: there is no file 'tables/vat.csv' in the project folder (wherry.toml" in told
    assert "put the table there" in told


def test_a_run_refuses_it_too(said: Said) -> None:
    project = CSV.replace('kinds = ["product"]', 'kinds = ["product"]\napproval = "required"')
    assert "what goes into platform never waits for approval" in said(project, "run goods")


def test_a_start_date_that_the_project_file_does_not_hold_is_refused(said: Said) -> None:
    """b_001_46: a run goes by the file alone."""
    assert "write changed_since = 2030-01-01" in said(CSV, "flow activate goods --since 2030-01-01")


def test_an_address_of_what_has_none_is_no_key(said: Said) -> None:
    project = CSV.replace('folder = "."', 'folder = "."\nbase_url = "http://127.0.0.1:9"')
    assert "connections.files.base_url" in said(project, "config check")


def test_a_sweep_of_what_cannot_tell_is_refused(said: Said) -> None:
    assert "files cannot tell what became of its records" in said(CSV, "run goods --sweep")


def test_a_kind_that_is_misspelt_is_guessed(said: Said) -> None:
    assert "did you mean product?" in said(CSV, "map show goods --kind prodct")
    assert "did you mean product?" in said(CSV, "connection discover platform --kind prodct")


def test_a_connection_that_is_misspelt_is_guessed(said: Said) -> None:
    assert "did you mean files?" in said(CSV, "connect fils")
