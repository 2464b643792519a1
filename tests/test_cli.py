"""The frame of the command line: what is imported, how mistakes are told, what every command shares."""

from __future__ import annotations

import gc
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import pytest
from wherry import __version__, cli, clock
from wherry.cli import app, drawing, formats, options, plugged
from wherry.cli.context import Face
from wherry.cli.lazy import Lazy, LazyGroup
from wherry.cli.progress import EVERY, Progress
from wherry.errors import ConfigError, TryAgain
from wherry.protocol.tally import Tally
from wherry.redaction import remember
from wherry.testing.commands import logging_as_it_was

HEAVY = (
    *("httpx", "pydantic", "sqlalchemy", "structlog", "msgspec", "pluggy", "stevedore", "alembic"),
    *("wherry.hub", "wherry_workspace", "wherry_hubspot", "importlib.metadata"),
)
PROJECT = """
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["workspace"]
[connections.platform]
plugin = "workspace"
"""

Wherry = Callable[..., int]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def wherry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wherry:
    """The command line in this process, in an empty folder; returns the exit code."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: app.run(arguments)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "wherry.toml").write_text(PROJECT)
    return tmp_path


def imported(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints, and the modules it leaves in ``sys.modules``."""
    program = (
        "import sys\nsys.argv = ['wherry', *sys.argv[1:]]\nfrom wherry.cli import main\nmain()\n"
        "print('|', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.rpartition("|")[2].split())


# -- start-up ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("triage", "--help"), ("-v", "--version"), ("-h",)])
def test_help_and_version_import_no_plugin_and_nothing_heavy(arguments: tuple[str, ...]) -> None:
    out, modules = imported(*arguments)
    assert out.startswith(("wherry 0", "Usage: wherry"))
    assert modules.isdisjoint(HEAVY)


def test_version_alone_does_not_even_import_click() -> None:
    out, modules = imported("--version")
    assert out == f"wherry {__version__}\n"
    assert "click" not in modules


def test_help_names_the_commands_of_plugins_by_their_distribution(
    capsys: pytest.CaptureFixture[str], wherry: Wherry
) -> None:
    assert wherry("--help") == 0
    assert "workspace  The embedded operational platform" in capsys.readouterr().out


def test_what_a_command_of_a_plugin_does_is_told_whole(
    capsys: pytest.CaptureFixture[str], wherry: Wherry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert wherry("workspace", "--help") == 0
    assert [one for one in capsys.readouterr().out.splitlines() if one.startswith("  ") and one.endswith("...")] == []


def test_every_command_of_the_table_is_there_and_has_help() -> None:
    def walk(table: dict[str, Lazy]) -> Iterator[tuple[str, Lazy]]:
        for name, entry in table.items():
            yield from walk(dict(entry.commands)) if entry.commands else [(name, entry)]

    group = LazyGroup("wherry", {})
    for name, entry in walk(app.COMMANDS):
        command = group.make(name, entry)
        assert command.name == name
        assert command.help


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(("statsu",), "wherry status"), (("triage", "lst"), "wherry triage list"), (("wrkspace",), "wherry workspace")],
)
def test_an_unknown_command_is_exit_2_and_names_the_nearest(
    typed: tuple[str, ...], meant: str, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry(*typed) == 2
    told = capsys.readouterr()
    assert f"did you mean {meant}?" in told.err
    assert told.out == ""


def test_help_is_a_word_too(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    for typed, meant in ((("help",), ()), (("help", "errors", "list"), ("errors", "list")), (("db", "help"), ("db",))):
        assert wherry(*typed) == wherry(*meant, "--help") == 0
        first, _, second = capsys.readouterr().out.partition("Usage: ")[2].partition("Usage: ")
        assert first == second


@pytest.mark.parametrize(
    "command", ["status", "triage list", "run x", "config check", "workspace list project", "doctor"]
)
def test_outside_a_project_it_says_where_it_looked_and_how_to_make_one(
    command: str, tmp_path: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry(*command.split()) == 2
    told = capsys.readouterr().err
    assert str(tmp_path) in told
    assert "wherry init" in told


def test_a_mistake_under_json_is_an_envelope_on_stdout_and_a_sentence_on_stderr(
    wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("status", "--output", "json") == 2
    told = capsys.readouterr()
    envelope = json.loads(told.out)
    assert envelope["schema"] == "wherry.status/1"
    assert envelope["data"] is None
    assert envelope["error"]["code"] == "WHERRY-2001"
    assert told.err.startswith("error WHERRY-2001  no wherry.toml")


def test_a_wrong_option_under_json_is_an_envelope_too(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    assert wherry("plan", "x", "--nope", "--output=json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["error"] == "UsageError"


def test_every_mistake_of_a_project_file_is_told_with_its_line(
    project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (project / "wherry.toml").read_text().replace("currency", "curency")
    (project / "wherry.toml").write_text(text + "\n[flows.a]\nsource = 'platform'\nsink = 'nope'\n")
    assert wherry("config", "check") == 2
    told = capsys.readouterr().err
    assert "curency" in told
    assert "flows.a.sink" in told
    assert "currency" in told.partition("fix")[2]


def test_a_debug_run_shows_the_stack_and_a_plain_one_does_not(
    wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    wherry("status")
    assert "Traceback" not in capsys.readouterr().err
    wherry("status", "--debug")
    assert "Traceback" in capsys.readouterr().err


def _break(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("wherry.operating.overview.status", fail)


def test_a_bug_is_one_sentence_and_a_report_without_secrets(
    project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_G12, I14: a known secret is in neither the sentence nor the report, nor in the stack of --debug."""
    secret = remember("canary-7d1f-very-secret")
    _break(monkeypatch, RuntimeError(f"token={secret}\x1b[2J"))
    assert wherry("status") == 1
    told = capsys.readouterr().err
    assert "WHERRY-1000" in told
    assert "Traceback" not in told
    [report] = (project / ".wherry" / "reports").iterdir()
    assert str(report) in told
    text = report.read_text()
    assert "RuntimeError" in text
    assert secret not in text + told
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    wherry("status", "--debug")
    stack = capsys.readouterr().err
    assert "Traceback" in stack
    assert secret not in stack
    assert "\x1b" not in stack


def test_an_interrupt_is_exit_130(
    project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch, KeyboardInterrupt())
    assert wherry("status") == 130
    assert "goes on from there" in capsys.readouterr().err


def test_a_stop_by_a_service_manager_is_an_interrupt_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or no vendor's session would be given back: some are licensed."""
    set_to: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", set_to.__setitem__)
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_DFL)  # the tests themselves may run in the rear
    monkeypatch.setattr(sys, "argv", ["wherry", "status"])
    for name in ("freeze", "set_threshold"):
        monkeypatch.setattr(gc, name, lambda *told: None)
    monkeypatch.setattr(app, "run", lambda arguments: 0)
    assert cli.main() == 0
    assert set_to == {signal.SIGINT: cli._interrupt, signal.SIGTERM: cli._interrupt}


def test_who_waits_in_another_thread_when_the_process_is_to_end_waits_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C was not heard for minutes while calls waited for their vendor: they had to leave first."""
    monkeypatch.setattr(clock, "_stopping", threading.Event())
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(clock.SystemClock().sleep, 60.0)
        with pytest.raises(KeyboardInterrupt):
            cli._interrupt(signal.SIGINT, None)
        with pytest.raises(TryAgain, match="told to end"):
            waits.result(timeout=10)


def test_a_reader_that_has_seen_enough_is_no_error(project: Path) -> None:
    command = f"{sys.executable} -m wherry.cli -C {project} config show | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_an_answer_for_which_there_is_no_room_is_told_and_a_mistake_keeps_its_exit_code(tmp_path: Path) -> None:
    """case_A19"""
    wherry = f"{sys.executable} -m wherry.cli"
    command = f"unset PYTHONUNBUFFERED; {wherry} --version >/dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, "make room on the disk" in done.stderr) == (2, True)
    silent = f"cd {tmp_path}; {wherry} run x >&- 2>/dev/full"
    assert subprocess.run(["sh", "-c", silent], check=False).returncode == 2


def test_a_letter_that_the_terminal_has_none_for_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="latin-1"))
    cli._open_streams()
    sys.stdout.write("Größe 日")
    sys.stdout.flush()
    assert out.getvalue() == "Größe \\u65e5".encode("latin-1")


def test_json_has_no_letters_beyond_ascii_where_the_output_is_not_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    """What wrote it for a latin-1 terminal was no JSON: an emoji has no escape of eight digits there"""
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="latin-1"))
    for kind in ("json", "ndjson"):
        Face(output=kind).print("wherry.x/1", {"name": "Größe 日 😀"}, "")
    sys.stdout.flush()
    envelope, row = out.getvalue().splitlines()
    assert json.loads(envelope)["data"] == json.loads(row) == {"name": "Größe 日 😀"}


# -- what every command shares -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("--output", "json", "workspace", "count"),
        ("workspace", "--output", "json", "count"),
        ("workspace", "count", "--output", "json"),
        ("status", "--output", "json"),
        ("--output", "json", "status"),
    ],
)
def test_global_options_stand_before_or_after_the_command_also_of_plugins(
    arguments: tuple[str, ...], project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry(*arguments) == 0
    envelope = json.loads(capsys.readouterr().out)
    assert set(envelope) == {"schema", "data", "warnings", "next"}


def test_a_project_is_found_by_folder_or_file_and_the_next_command_says_so(
    project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert wherry("status", "-C", str(project)) == 0
    assert wherry("--config", str(project / "wherry.toml"), "connection", "test", "platform") == 0
    assert f"Next: wherry --config {project / 'wherry.toml'} connection discover" in capsys.readouterr().out


def test_quiet_leaves_the_answer_alone(project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    assert wherry("connection", "test", "platform", "--quiet") == 0
    told = capsys.readouterr()
    assert "Next:" not in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("color", "environ", "wanted"),
    [("auto", {}, None), ("always", {"NO_COLOR": "1"}, True), ("never", {}, False),
     ("auto", {"NO_COLOR": "1"}, False), ("auto", {"TERM": "dumb"}, False)],
)  # fmt: skip
def test_colour_is_as_asked_for_and_as_the_environment_says(
    color: str, environ: dict[str, str], wanted: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Face(color=color).colors is wanted


def test_meaning_is_never_by_colour_alone(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    wherry("status", "--color", "always")
    assert "\x1b[" in (coloured := capsys.readouterr().err)
    wherry("status", "--color", "never")
    assert click.unstyle(coloured) == capsys.readouterr().err


def test_text_from_outside_cannot_move_the_cursor() -> None:
    [_, row] = drawing.table(["NAME"], [["a\x1b[2Jb\nc"]])
    assert row == "a [2Jb c"


def test_csv_cells_cannot_be_formulas() -> None:
    text = formats.as_csv({"items": [{"a": "=1+1", "b": 3, "c": -2, "d": ["x"], "e": None}]})
    assert text == 'a,b,c,d,e\n\'=1+1,3,-2,"[""x""]",\n'


def test_a_file_is_written_whole_where_its_link_leads_or_told_as_one_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old", "utf-8")
    (tmp_path / "link").symlink_to("real")
    formats.write(tmp_path / "link", "new")
    assert ((tmp_path / "real").read_text("utf-8"), (tmp_path / "link").is_symlink()) == ("new", True)
    with pytest.raises(ConfigError, match="cannot write to") as caught:
        formats.write(tmp_path / "real" / "below", "new", make=True)
    assert caught.value.code == "WHERRY-2093"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "real"]


def test_ndjson_is_one_object_a_line() -> None:
    lines = formats.as_ndjson({"items": [{"a": 1}, {"a": 2}]}).splitlines()
    assert [json.loads(line) for line in lines] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "deal", "1 deal"), (4238, "deal", "4,238 deals"), (2, "company", "2 companies"),
     (2, "line_item", "2 line items"), (0, "journal_entry", "0 journal entries"), (2, "key", "2 keys"),
     (2, "address", "2 addresses")],
)  # fmt: skip
def test_numbers_are_said_as_people_say_them(number: int, noun: str, said: str) -> None:
    assert drawing.plural(number, noun) == said


def test_a_date_that_is_none_is_a_usage_mistake(
    project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("audit", "list", "--since", "yesterday") == 2
    assert "2026-01-31" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_for_three_shells(shell: str, wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    assert wherry("completion", shell) == 0
    assert "_WHERRY_COMPLETE" in capsys.readouterr().out


def test_a_shell_completes_commands(project: Path) -> None:
    environ = {**os.environ, "_WHERRY_COMPLETE": "bash_complete", "COMP_WORDS": "wherry tri", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "wherry.cli"], env=environ, capture_output=True, text=True, check=False
    )
    assert "plain,triage" in done.stdout


@pytest.mark.parametrize(
    ("value", "said"),
    [({"minor": 105400, "currency": "USD"}, "1,054.00 USD"), ({"minor": -50, "currency": "EUR"}, "-0.50 EUR"),
     ({"minor": 1234567, "currency": "JPY"}, "1,234,567 JPY"), (["won", "signed"], "won, signed"), (True, "yes"),
     ({"entity": "customer", "key": "id:17"}, "customer id:17"), (None, "")],
)  # fmt: skip
def test_values_are_said_as_people_say_them(value: object, said: str) -> None:
    assert drawing.value(value) == said


def test_text_is_cut_on_a_terminal_only_and_a_command_never(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing.cut("x" * 100) == "x" * 100
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert drawing.cut("x" * 100, 10) == "xxxxxxxxx…"
    assert drawing.cut(f"wherry flow activate {'x' * 100}") == f"wherry flow activate {'x' * 100}"


def test_a_stand_in_that_nobody_brings_is_told_with_those_there_are(
    wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("simulate", "hubspott") == 2
    told = capsys.readouterr().err
    assert "did you mean hubspot?" in told
    assert "pip install" not in told


def test_a_stand_in_without_a_web_server_says_what_to_install(
    wherry: Wherry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("wherry.plugins.facade.find_spec", lambda name: None)
    assert wherry("simulate", "hubspot") == 2
    assert "pip install 'wherry[serve]'" in capsys.readouterr().err


def test_ctrl_c_ends_a_stand_in_as_it_ends_a_server(
    wherry: Wherry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wherry.simulator.run", stopped)
    assert wherry("simulate", "hubspot") == 0
    assert capsys.readouterr().err == "stopped\n"


def test_a_busy_port_is_told_before_anything_else(wherry: Wherry, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert wherry("simulate", "hubspot", "--port", str(port)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "cannot listen on" in told.err


def test_every_code_in_the_sources_is_on_the_page_that_errors_point_to() -> None:
    root = Path(__file__).resolve().parents[1]
    page = (root / "docs" / "reference" / "errors.md").read_text()
    sources = [*root.glob("core/wherry/**/*.py"), *root.glob("plugins/*/src/**/*.py")]
    used = {code for path in sources for code in re.findall(r'"(WHERRY-\d{4})"', path.read_text())}
    assert sorted(code for code in used if code not in page) == []


# -- progress ----------------------------------------------------------------------------------------------------------


def test_progress_off_a_terminal_is_a_line_per_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    tally = Tally()
    tally.records["deal"]["created"] = 1240
    tally.items["invoice"].update(created=180, refused=1, queued=29, unknown=2)
    tally.items["project"]["created"] = 12
    with Progress(Face(), now=lambda: now[0], moving=False) as progress:
        for second in range(25):
            now[0] = float(second)
            progress("won-deals", tally)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == int(24 // EVERY)
    assert lines[0] == "won-deals   1,240 deals read   181 of 212 invoices, 12 projects settled   10 s"


def test_progress_on_a_terminal_moves_and_leaves_nothing_behind(capsys: pytest.CaptureFixture[str]) -> None:
    now, face = [0.0], Face()
    with Progress(face, now=lambda: now[0], moving=True) as progress:
        now[0] = 1.0
        progress("won-deals", Tally())
        face.note("books is awaited")
        assert capsys.readouterr().err.endswith(" \rbooks is awaited\n")
        now[0] = 2.0
        progress("won-deals", Tally())
    assert capsys.readouterr().err.endswith(" \r")


# -- commands of plugins -----------------------------------------------------------------------------------------------


def install(folder: Path, name: str, body: str) -> None:
    """A distribution with a plugin and a command, as an installer would leave it on the path."""
    (folder / f"{name}_commands.py").write_text(body)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: Does {name} things.\n")
    entry_points = f"[wherry.plugins]\n{name} = {name}_commands\n\n[wherry.commands]\n{name} = {name}_commands:group\n"
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    plugged.declared.cache_clear()
    yield folder
    plugged.declared.cache_clear()


def test_commands_of_a_plugin_that_is_not_enabled_say_so(
    site: Path, project: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    install(site, "extra", "raise SystemExit(9)")
    assert wherry("--help") == 0
    assert "Does extra things." in capsys.readouterr().out
    assert wherry("extra", "go") == 2
    assert "not enabled" in capsys.readouterr().err


@pytest.mark.parametrize("body", ["raise SystemExit(9)", "1 / 0", "group = 3", ""])
def test_a_broken_plugin_command_shows_its_error_and_stops_nothing_else(
    body: str,
    site: Path,
    project: Path,
    wherry: Wherry,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(site, "extra", body)
    monkeypatch.delitem(sys.modules, "extra_commands", raising=False)
    (project / "wherry.toml").write_text(PROJECT.replace('["workspace"]', '["workspace", "extra"]'))
    assert wherry("extra", "go") == 1
    assert "extra" in capsys.readouterr().err
    assert wherry("--help") == 0
    assert wherry("workspace", "count") == 0


def test_a_plugin_with_junk_for_metadata_does_not_hide_the_others(
    site: Path, wherry: Wherry, capsys: pytest.CaptureFixture[str]
) -> None:
    info = site / "junk-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(b"[wherry.commands\xff\n= =\n")
    assert wherry("--help") == 0
    assert "workspace" in capsys.readouterr().out


def test_a_plugin_command_gets_the_global_options_it_does_not_define_itself() -> None:
    @click.command("own")
    @click.option("--output")
    def own(output: str) -> None: ...

    equipped = options.equip(own)
    names = [name for param in equipped.params for name in param.opts]
    assert names.count("--output") == 1
    assert "--quiet" in names
