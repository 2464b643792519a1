"""How runs are told of: of one whose process was killed nobody says that it is running."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from wherry.hub import Hub
from wherry.operating import overview
from wherry.settings import load
from wherry.store import registry
from wherry.testing.clock import FakeClock
from wherry.testing.commands import Commands

from .drained import books

PROJECT = """
version = 1
[project]
name = "yard"
currency = "USD"
[plugins]
enabled = ["workspace"]
[connections.platform]
plugin = "workspace"
[connections.other]
plugin = "workspace"
[flows.copies]
source = "platform"
sink = "other"
kinds = ["product"]
"""
RUN = "6gzxefh6g6hjxe9a"


def begun(folder: Path) -> Hub:
    """A hub in whose store a run began and did not end."""
    (folder / "wherry.toml").write_text(PROJECT, "utf-8")
    hub = Hub.open(folder, environ={})
    with hub.store.write() as tx:
        registry.start_run(tx, RUN, "copies", "manual", hub.store.now())
    return hub


def test_a_run_whose_process_was_killed_is_said_to_be_cut_off_and_not_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(tmp_path).close()
    typed = Commands(tmp_path, capsys)
    told = typed.type("status")
    assert "copies  cut off" in told
    assert "its last run ended without finishing (killed?), and the next goes on from there" in told
    for line in ("runs list", f"runs show {RUN}", "flow show copies"):
        said = typed.type(line)
        assert "cut off" in said, line
        assert "running" not in said, line
    typed.type("explain ACME-1")
    assert "its last run: cut off" in typed.err


def test_a_run_whose_process_lives_is_running(tmp_path: Path) -> None:
    hub = begun(tmp_path)
    with hub, hub.store.lock("flow:copies"):
        assert overview.flow_rows(hub)[0]["health"] == "running"
        assert overview.runs(hub)[0]["state"] == "running"


def test_a_run_that_ended_while_it_was_looked_at_is_not_said_to_be_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = begun(tmp_path)

    def ended_meanwhile(name: str) -> bool:
        with hub.store.write() as tx:
            registry.finish_run(tx, RUN, "ok", 0, hub.store.now(), {})
        return False

    monkeypatch.setattr(hub.store, "is_held", ended_meanwhile)
    with hub:
        assert overview.runs(hub)[0]["state"] == "ok"


def test_a_flow_whose_sign_in_was_refused_says_so_until_its_connection_is_signed_in_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its connection was said to be connected, and the flow to need a new sign-in."""
    hub = begun(tmp_path)
    with hub, hub.store.write() as tx:
        told = {"error": {"message": "no longer let in", "connection": "other"}}
        registry.finish_run(tx, RUN, "access", 5, hub.store.now(), told)
        other = registry.bind(tx, "other", "workspace", "1", "Other", "", hub.store.now())
        registry.update_connection(tx, other, state="reconnect", reason="no longer let in")
    typed = Commands(tmp_path, capsys)
    assert "copies  reconnect" in typed.type("status")
    with Hub.open(tmp_path, environ={}) as hub, hub.store.write() as tx:
        registry.update_connection(tx, other, state="ok", reason="")
    told = typed.type("status")
    assert ("copies  signed in again" in told, "the next run goes on" in told) == (True, True)
    assert "no longer" not in told


def test_a_store_that_was_lost_is_not_begun_anew_unless_somebody_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """case_A20"""
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
    with Hub.open(tmp_path, environ={}) as hub, hub.store.lock("flow:copies"):
        pass
    store = tmp_path / ".wherry" / "wherry.db"
    for lose in (lambda: store.write_bytes(b""), store.unlink):
        lose()
        typed = Commands(tmp_path, capsys)
        typed.does("status", 2)
        told = typed.err
        assert "WHERRY-2316" in told
        assert "put a backup in its place" in told
    (left,) = Path(f"{store}-locks").iterdir()
    left.unlink()
    left.parent.rmdir()
    with Hub.open(tmp_path, environ={}) as hub:
        assert overview.status(hub)["waiting"] == {}


def test_the_doctor_tells_of_a_store_that_cannot_be_opened_among_all_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wherry.toml").write_text(f'{PROJECT}[store]\nurl = "sqlite:///{tmp_path}"\n', "utf-8")
    typed = Commands(tmp_path, capsys)
    told = typed.does("doctor", 2)
    assert "ok    plugin workspace" in told
    assert "unable to open database file" in told
    assert typed.err == ""


def test_the_doctor_tells_of_a_clock_that_was_set_back(tmp_path: Path) -> None:
    begun(tmp_path).close()
    for hours, state in ((0, "ok"), (-2, "warn")):
        clock = FakeClock(dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours))
        with Hub(load(tmp_path, {}), clock=clock) as hub:
            told = {check["what"]: check["state"] for check in overview.doctor(hub)["checks"]}
        assert told["clock"] == state


def test_the_doctor_tells_of_a_key_that_is_none_and_looks_at_every_connection_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
    monkeypatch.setenv("WHERRY_KEY", "none")
    told = Commands(tmp_path, capsys).does("doctor", 2)
    assert "is not a Fernet key" in told
    assert "ok    connection" in told


def test_what_waits_of_a_flow_is_told_in_records_as_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as desk:
        desk.bills(3)
        desk.crash("before", "_send")
        desk.died()
        with desk.open() as hub:
            [row] = [row for row in overview.flow_rows(hub) if row["flow"] == "invoices"]
        assert sum(sum(kinds.values()) for kinds in row["waiting"].values()) > row["records_waiting"] == 3
