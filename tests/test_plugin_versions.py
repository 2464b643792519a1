"""What plugins are written against: a range is looked at before import, and nothing ends without a warning."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from wherry import __version__
from wherry.hookspecs import Specs
from wherry.plugins.outdated import RENAMED

NOW = Version(__version__)
BEFORE = f"{NOW.major}.{NOW.minor - 1}" if NOW.minor else f"{NOW.major - 1}.99"
THIS = f"{NOW.major}.{NOW.minor}"
AFTER = f"{NOW.major}.{NOW.minor + 1}"
PLUGIN = """
from wherry import Page, Record, hookimpl
from wherry.hookspecs import Manifest
from wherry.roles import Account

class Source:
    kinds, chunk = ("part",), 10
    def __init__(self, connection): self.connection = connection
    def check(self): return Account("1", self.connection.name)
    def read(self, query): yield Page([Record(kind="part", id="7", version="1", payload=b'{"name": "Bolt"}')], "m")
    def complete(self, records, relatives): return records

class Mapper:
    fields, fingerprint = {"part": ("name",)}, "1"
    def triggers(self, records): return [None] * len(records)
    def map(self, record): return []

@hookimpl
def wherry_manifest():
    return Manifest(system="older", title="Older", roles=("source", "mapper"), kinds=("part",))

@hookimpl
def wherry_source_connector(connection):
    return Source(connection) if connection.plugin == "older" else None

@hookimpl
def wherry_mapper_of_old(kind):
    return Mapper() if kind == "part" else None
"""
SCRIPT = """
import sys
from wherry.protocol import boundary
from wherry import plugins
from wherry.logs import configure_logging
from wherry.plugins import loading, outdated
from wherry.roles import Connection, Query
from wherry.settings import Flow
configure_logging("critical")
loading.__version__ = sys.argv[1]
outdated.RENAMED["wherry_mapper_of_old"] = outdated.Renamed("wherry_field_mapper", *sys.argv[2:4])
loaded = plugins.load(["older"])
for problem in loaded.problems:
    print(problem.code, problem.stops, problem.message, "|", problem.fix)
if "older" in loaded.manifests:
    connection = Connection("there", "older", None)
    source = loaded.source(connection, None)
    [page] = boundary.pages(source, Query("part"))
    mapper = loaded.mapper(Flow(source="there", sink="here"), "part", connection, None)
    print(source.check().name, page.records[0].fields, boundary.drafts(source, mapper, page.records[0]))
print("imported" if "older_plugin" in sys.modules else "not imported")
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Callable[[str], Path]:
    """Builds the wheel of a plugin that was made for a range of the core."""

    def build(needs: str) -> Path:
        path = tmp_path / "wherry_older-3.1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as made:
            info = "wherry_older-3.1.dist-info"
            about = "Metadata-Version: 2.1\nName: wherry-older\nVersion: 3.1\n"
            made.writestr(f"{info}/METADATA", f"{about}Requires-Dist: wherry{needs}\n")
            made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            made.writestr(f"{info}/entry_points.txt", "[wherry.plugins]\nolder = older_plugin\n")
            made.writestr("older_plugin.py", textwrap.dedent(PLUGIN))
        return path

    return build


def loaded(wheel: Path, core: str = __version__, since: str = THIS, until: str = AFTER) -> list[str]:
    """What a process says that loads the wheel in a core of that version, and reads a record through it."""
    program = f"import sys; sys.path.insert(0, {str(wheel)!r})\n{SCRIPT}"
    done = subprocess.run([sys.executable, "-c", program, core, since, until], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_plugin_built_for_the_previous_minor_version_loads_and_runs_and_is_told_of_once(
    wheel: Callable[[str], Path],
) -> None:
    """case_G18"""
    said = loaded(wheel(f">={BEFORE},<{AFTER}"))
    assert said == [
        "WHERRY-1125 False wherry-older 3.1 implements wherry_mapper_of_old, which is called wherry_field_mapper since "
        f"wherry {THIS}; the old name works until wherry {AFTER} | its author renames it to wherry_field_mapper; "
        "nothing else changes",
        "there {'name': 'Bolt'} []",
        "imported",
    ]


@pytest.mark.parametrize(("needs", "core"), [(f">={BEFORE},<{AFTER}", AFTER), (f">={AFTER}", __version__)])
def test_a_range_that_does_not_hold_this_version_is_refused_before_import(
    wheel: Callable[[str], Path], needs: str, core: str
) -> None:
    """case_G18"""
    said = loaded(wheel(needs), core)
    assert [line.split()[0] for line in said] == ["WHERRY-2032", "not"]
    assert f"this is wherry {core}" in said[0]


def test_nothing_that_was_renamed_stays_longer_or_goes_sooner_than_was_said() -> None:
    """One cycle: it goes with the minor version after the one that warned, and with no other."""
    hooks = {name for name in vars(Specs) if name.startswith("wherry_")}
    for old, told in RENAMED.items():
        assert told.new in hooks, f"{old} is said to be {told.new} now, which is no hook"
        assert old not in hooks
        assert Version(told.until) > NOW, f"{old} was to go with {told.until}: take it out"
        assert NOW in SpecifierSet(f">={told.since}", prereleases=True)
