"""A command imports what it needs, and nothing else: told by what is left in ``sys.modules``, never by a clock."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from wherry.cli import app, main, plugged
from wherry.plugins import catalogue_of_installed, installed

from .projects import INVOICES
from .shop import CHARGES

LIBRARIES = ("httpx", "tenacity", "cryptography", "rapidfuzz", "simpleeval", "alembic", "apscheduler", "openpyxl",
             "lxml", "uvicorn", "starlette", "psycopg")  # fmt: skip
"""What no command needs that only asks the store."""
RUNNING = (
    "wherry.project.wiring",
    "wherry.runs.engine",
    "wherry.protocol.drain",
    "wherry.protocol.flight",
    "wherry.protocol.boundary",
    "wherry.mapping",
    "wherry.matching",
    "wherry.http",
    "wherry.signin",
    "wherry.runs.job",
    "wherry.books.booking",
    "wherry.project.bookkeeper",
    "wherry.operating.deciding",
    "wherry.simulator",
    "wherry.testing",
)
"""What only a run needs, or an operator who changes something."""
PLUGINS = (
    "wherry_csv",
    "wherry_dynamics",
    "wherry_hubspot",
    "wherry_intacct",
    "wherry_jde",
    "wherry_netsuite",
    "wherry_quickbooks",
    "wherry_salesforce",
    "wherry_traede",
    "wherry_workspace",
    "wherry_xero",
)
LIGHT = ("--version", "--help")
BEYOND_LIGHT = ("pydantic", "pydantic_settings", "sqlalchemy", "structlog", "msgspec", "pluggy", "stevedore",
                "packaging", "importlib.metadata", "pathlib", "difflib", "dotenv", "tomllib", "json", "tempfile",
                "wherry.errors", "wherry.settings", "wherry.store", "wherry.hub")  # fmt: skip
MOST = 60
"""How many plugins are installed beside those of the project."""

Ship = Callable[[int], Mapping[str, str]]


def imported(*arguments: str, cwd: Path, environ: Mapping[str, str]) -> tuple[str, set[str]]:
    """What a command prints, and the modules that it imported."""
    program = (
        "import sys\nat_first = set(sys.modules)\nsys.argv = ['wherry', *sys.argv[1:]]\nfrom wherry.cli import main\n"
        "code = main()\nprint('|', *set(sys.modules) - at_first, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=cwd, env=environ, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.rpartition("|")[2].split())


@pytest.fixture
def ship(tmp_path: Path) -> Ship:
    """Installs plugins whose import fails; the environment that sees them."""

    def ship(number: int) -> Mapping[str, str]:
        for n in range(number):
            info = tmp_path / "site" / f"made_up_{n}-1.0.dist-info"
            info.mkdir(parents=True)
            about = f"Metadata-Version: 2.1\nName: made-up-{n}\nVersion: 1.0\nSummary: Made up {n}.\n"
            (info / "METADATA").write_text(f"{about}Requires-Dist: wherry>=0.1\n")
            groups = (f"[wherry.{group}]\nmade-up-{n} = made_up_{n}:it\n" for group in ("plugins", "commands"))
            (info / "entry_points.txt").write_text("".join(groups))
            (tmp_path / "site" / f"made_up_{n}.py").write_text("raise SystemExit('imported')")
        return {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "BOOKS_URL": "https://books.example"}

    return ship


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with invoices on its platform, which nothing was read of."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "wherry.toml").write_text(INVOICES, "utf-8")
    (folder / "charges.csv").write_text(CHARGES, "utf-8")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BOOKS_URL", "https://books.example")
    assert app.run(["workspace", "import", "online-retail", "charges.csv"]) == 0
    return folder


@pytest.mark.parametrize("command", LIGHT)
def test_version_and_help_import_click_at_most_however_many_plugins_there_are(
    command: str, tmp_path: Path, ship: Ship
) -> None:
    out, modules = imported(command, cwd=tmp_path, environ=ship(MOST))
    assert modules & {*BEYOND_LIGHT, *LIBRARIES, *RUNNING, *PLUGINS} == set()
    assert not [name for name in modules if name.startswith("made_up")]
    assert ("made-up-59" in out) is (command == "--help")


def test_version_imports_no_more_than_the_package_itself(tmp_path: Path, ship: Ship) -> None:
    _, modules = imported("--version", cwd=tmp_path, environ=ship(1))
    assert {name for name in modules if name.startswith("wherry")} == {"wherry", "wherry.cli"}
    assert "typing" not in modules


def test_explain_imports_the_store_and_the_plugins_of_the_project_but_nothing_that_runs_a_flow(
    shop: Path, ship: Ship
) -> None:
    out, modules = imported("explain", "536365", cwd=shop, environ=ship(MOST))
    assert out.startswith("Invoice 536365 is not in books")
    assert modules & {*LIBRARIES, *RUNNING} == set()
    assert modules & set(PLUGINS) == {"wherry_workspace", "wherry_quickbooks"}
    assert modules & {f"wherry_quickbooks.{part}" for part in ("client", "sink", "simulator")} == set()
    assert not [name for name in modules if name.startswith("made_up")]


def test_what_waits_is_listed_without_what_runs_a_flow(shop: Path, ship: Ship) -> None:
    out, modules = imported("errors", "list", cwd=shop, environ=ship(1))
    assert out
    assert modules & {*LIBRARIES, *RUNNING} == set()


def test_modules_of_commands_that_no_project_is_at_work_for_import_neither_hub_nor_store() -> None:
    entries = [one for entry in app.COMMANDS.values() for one in (entry, *entry.commands.values()) if one.target]
    light = {one.target.partition(":")[0] for one in entries if not one.at_work}
    program = f"import sys, {', '.join(light)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(light) == 7
    assert set(done.stdout.split()) & {"wherry.hub", "wherry.store", "sqlalchemy"} == set()


def test_a_command_of_the_core_runs_before_anything_is_read_of_what_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plugged, "declared", lambda: pytest.fail("the folders of packages were read"))
    assert app.run(["completion", "bash"]) == 0


def test_what_runs_a_flow_comes_without_what_few_runs_need() -> None:
    """Near names are sought where nothing else is found, secrets opened where some are kept."""
    program = "import sys, wherry.cli.running, wherry.runs.engine, wherry.protocol.drain; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"rapidfuzz", "cryptography", "wherry.books.booking", "alembic"} == set()


def test_a_command_ends_without_taking_apart_what_it_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(gc, "freeze", lambda: left.append("as it is"))
    monkeypatch.setattr(gc, "set_threshold", lambda young: None)
    monkeypatch.setattr(sys, "argv", ["wherry", "--help"])
    assert (main(), left) == (0, ["as it is"])


def test_a_plugins_table_of_contents_imports_no_client(tmp_path: Path) -> None:
    program = f"import sys, {', '.join(f'{name}.plugin' for name in PLUGINS)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert modules & {*LIBRARIES, *RUNNING} == set()
    parts = {f"{name}.{part}" for name in PLUGINS for part in ("sink", "simulator", "hooks", "commands")}
    assert modules & parts == set()


def test_of_a_plugin_that_is_not_wanted_nothing_but_its_name_is_read(
    tmp_path: Path, ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    ship(3)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    whole = {one.name: one.version for one in catalogue_of_installed() if one.name.startswith("made-up")}
    assert whole == {"made-up-0": "1.0", "made-up-1": "1.0", "made-up-2": "1.0"}
    read: list[str] = []
    told = installed._told

    def noted(one: Distribution) -> tuple[str, str, str]:
        read.append(told(one)[0])
        return told(one)

    monkeypatch.setattr(installed, "_told", noted)
    some = {one.name: one.version for one in catalogue_of_installed({"made-up-1"}) if one.name.startswith("made-up")}
    assert some == {"made-up-0": "", "made-up-1": "1.0", "made-up-2": ""}
    assert read == ["made-up-1"]
