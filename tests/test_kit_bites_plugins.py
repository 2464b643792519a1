"""Bugs planted in copies of our own plugins: a few are tried here, all of them by ``make kit-bites``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.authoring.making import KINDS, Kind, make
from wherry.errors import ConfigError
from wherry.testing.kit_bites import cases
from wherry.testing.nursery import Nursery
from wherry.testing.planting import FILE, Planted, copied, nursery, plantation, planted, tried

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = sorted(path.parents[1] for path in ROOT.glob(f"*/*/tests/{FILE}"))
QUICK = list(cases(PLUGINS, (), quick=True))


@pytest.fixture(scope="module")
def warm() -> Iterator[Nursery]:
    with nursery() as parent:
        yield parent


def test_there_are_bugs_for_every_plugin_that_reads_or_writes() -> None:
    assert {path.name for path in PLUGINS} >= {
        "acme_warehouse", "csv", "dynamics", "hubspot", "intacct", "jde", "netsuite", "qbwc", "quickbooks",
        "salesforce", "traede", "workspace", "xero",
    }  # fmt: skip
    assert sum(len(plantation(path).bug) for path in PLUGINS) >= 50


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_every_planted_bug_has_a_place_in_the_plugin_as_it_is(plugin: Path) -> None:
    """A bug whose text is gone would count as caught by nothing, or be forgotten."""
    told = plantation(plugin)
    places = {bug.name: (plugin / "src" / bug.file).read_text().count(bug.out) for bug in told.bug}
    assert {name: count for name, count in places.items() if count != 1} == {}
    assert len(places) == len(told.bug), "every bug has a name of its own"
    assert [name for name in told.suites if not (plugin / "tests" / name).is_file()] == []


@pytest.mark.parametrize(("plugin", "bug"), QUICK, ids=lambda value: value.name)
def test_a_bug_planted_in_a_plugin_is_caught_by_its_suites_of_the_kit(
    plugin: Path, bug: Planted, tmp_path: Path, warm: Nursery
) -> None:
    found = tried(plugin, bug, tmp_path, warm)
    assert found.caught, found.problem or found.what


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_with_a_planted_bug_can_still_be_read(plugin: Path) -> None:
    """A copy that cannot be imported proves nothing of the kit."""
    for bug in (one for one in plantation(plugin).bug if one.file.endswith(".py")):
        compile((plugin / "src" / bug.file).read_text().replace(bug.out, bug.put), bug.name, "exec")


@pytest.mark.parametrize("kind", KINDS)
def test_every_bug_planted_in_a_generated_plugin_has_a_place_in_it(kind: Kind, tmp_path: Path) -> None:
    make(f"field-{kind}", kind, tmp_path)
    shutil.copy(ROOT / "tests" / "planted" / f"{kind}.toml", tmp_path / "tests" / FILE)
    told = plantation(tmp_path)
    assert len({bug.name for bug in told.bug}) == len(told.bug) >= 6
    for bug in told.bug:
        shutil.copytree(tmp_path / "src", tmp_path / "copy", dirs_exist_ok=True)
        assert planted(tmp_path / "copy", bug) == "", bug.name


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_bug_names_suites_that_its_plugin_has(plugin: Path) -> None:
    told = plantation(plugin)
    assert {name for bug in told.bug for name in bug.suites} <= set(told.suites)


def test_a_copy_holds_the_suites_and_none_of_the_plugins_own_tests(tmp_path: Path) -> None:
    plugin = ROOT / "plugins" / "csv"
    place = copied(plugin, plantation(plugin).suites, tmp_path)
    tests = {path.name for path in (place / "tests").glob("test_*.py")}
    assert tests == set(plantation(plugin).suites)


def test_a_bug_that_is_out_of_date_is_no_catch(tmp_path: Path, warm: Nursery) -> None:
    bug = Planted(name="old", what="was there once", file="wherry_csv/sink.py", out="no such text", put="")
    found = tried(ROOT / "plugins" / "csv", bug, tmp_path, warm)
    assert not found.caught
    assert "out of date" in found.problem


def test_a_bug_that_no_python_can_read_is_no_catch(tmp_path: Path, warm: Nursery) -> None:
    bug = Planted(name="odd", what="indented wrongly", file="wherry_csv/sink.py", out="def check(", put="def def (")
    found = tried(ROOT / "plugins" / "csv", bug, tmp_path, warm)
    assert not found.caught
    assert "no Python" in found.problem


def test_planted_bugs_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / FILE).write_text("suites = 4")
    with pytest.raises(ConfigError) as caught:
        plantation(tmp_path)
    assert caught.value.code == "WHERRY-2190"
