"""Bugs planted in copies of a plugin, each to be caught by the plugin's own suites of the kit, and by nothing else.

A plugin's bugs stand in its ``tests/planted.toml``: the suites to run, and for each bug the file below ``src``, the
text that is taken out and the text that comes in its place. Each is tried in a fresh copy that holds the source, the
suites and what they share; the plugin's own tests are not there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from wherry.errors import ConfigError
from wherry.testing.nursery import Nursery, Work

FILE = "planted.toml"
PATIENCE = 900
KNOWN = (
    "pytest", "wherry.hub", "wherry.testing.atomic", "wherry.testing.mappers", "wherry.testing.matchers",
    "wherry.testing.polled", "wherry.testing.simulators", "wherry.testing.sinks", "wherry.testing.sources",
    "wherry.testing.webhooks",
)  # fmt: skip
CONFIG = "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider -p no:xdist\n"


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``out`` is replaced by ``put`` in ``file``, where it stands once."""

    file: str
    out: str
    put: str


class Planted(Change, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bug; ``what`` says which mistake it is."""

    name: str
    what: str
    also: tuple[Change, ...] = ()
    """What else is changed, such as a stand-in that answers as another vendor does."""
    quick: bool = False
    """Whether it is tried in every run of the tests, as one of the sample."""
    suites: tuple[str, ...] = ()
    """Those of the plugin's suites that try what it is in; empty: all of them."""


class Plantation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plugin's ``planted.toml`` says."""

    suites: tuple[str, ...]
    """Files with suites of the kit, below ``tests``."""
    bug: tuple[Planted, ...] = field(default=())


class Caught(Struct, frozen=True, kw_only=True):
    """What became of a bug: the checks that failed over it, or why nothing can be said."""

    plugin: str
    bug: str
    what: str
    checks: tuple[str, ...] = ()
    problem: str = ""

    @property
    def caught(self) -> bool:
        """Whether a check of the kit failed. A copy that cannot even be imported proves nothing."""
        return bool(self.checks) and not self.problem


def plantation(plugin: Path) -> Plantation:
    """The bugs of a plugin's folder. Raises ConfigError for a file that cannot be read."""
    path = plugin / "tests" / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(told, Plantation)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"the planted bugs of {plugin.name} cannot be read: {error}",
            fix=f"write {path} with suites = […] and [[bug]] tables", code="WHERRY-2190", file=str(path),
        ) from None  # fmt: skip


def tried(plugin: Path, bug: Planted | None, folder: Path, warm: Nursery) -> Caught:
    """Plant a bug (None: none) in a copy below ``folder`` and run the suites until one check fails."""
    there = plantation(plugin).suites
    suites = (bug.suites if bug is not None else ()) or there
    copy = copied(plugin, there, folder)
    if bug is not None and (problem := planted(copy / "src", bug)):
        return Caught(plugin=plugin.name, bug=bug.name, what=bug.what, problem=problem)
    report = folder / "report.json"
    said, ended = _run(folder, [str((copy / "tests" / name).relative_to(folder)) for name in suites], report, warm)
    checks = _failed(report)
    name, what = (bug.name, bug.what) if bug is not None else ("", "")
    problem = "" if ended in (0, 1) else f"the suites did not run ({ended}): {_last(said)}"
    if ended == 1 and not checks:
        problem = f"something failed that is no check of the kit: {_last(said)}"
    return Caught(plugin=plugin.name, bug=name, what=what, checks=checks, problem=problem)


def copied(plugin: Path, suites: Sequence[str], folder: Path) -> Path:
    """The plugin's source, its suites and what they share, below ``folder``, and nothing else of its tests."""
    place = folder / plugin.parent.name / plugin.name
    shutil.copytree(plugin / "src", place / "src")  # compiled too: what is changed is newer, and compiled anew
    (place / "tests").mkdir(parents=True)
    for path in (plugin / "tests").iterdir():
        if path.is_file() and (not path.name.startswith("test_") or path.name in suites):
            shutil.copy(path, place / "tests" / path.name)
    (folder / "pytest.ini").write_text(CONFIG)
    return place


def planted(source: Path, bug: Planted) -> str:
    """Change the copy; why that cannot be done, or empty."""
    return next(filter(None, (_change(source, one) for one in (bug, *bug.also))), "")


def _change(source: Path, one: Change) -> str:
    path = source / one.file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if text.count(one.out) != 1:
        return f"{one.file} holds the text to be replaced {text.count(one.out)} times, not once: the bug is out of date"
    changed = text.replace(one.out, one.put)
    if path.suffix == ".py" and (wrong := _unreadable(changed)):
        return f"{one.file} is no Python with it ({wrong}): the bug is out of date"
    path.write_text(changed, encoding="utf-8")
    return ""


def _unreadable(source: str) -> str:
    """Why Python cannot read it, or empty."""
    try:
        compile(source, "", "exec")
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    return ""


def nursery() -> Nursery:
    """A warm parent for ``tried``: it knows pytest and the kit, and none of the plugins."""
    return Nursery([__name__, *KNOWN])


def _run(folder: Path, suites: Sequence[str], report: Path, warm: Nursery) -> tuple[str, int]:
    """What pytest said, and its exit code; 0: nothing failed, 1: something did."""
    path = [*map(str, folder.glob("*/*/src")), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "WHERRY"))}
    environ |= {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
    environ["TMPDIR"] = str(_made(folder / "tmp"))
    words = ["-q", "-x", "-c", str(folder / "pytest.ini"), "--rootdir", str(folder), "--tb=line",
             f"--wherry-report={report}", *suites]  # fmt: skip
    told = {"folder": str(folder), "environ": environ, "words": words}
    ended = warm.run(Work(function=f"{__name__}:_pytest", told=told, patience=PATIENCE))
    return (folder / "said").read_text(encoding="utf-8", errors="replace"), ended.code


def _pytest(told: dict[str, Any]) -> int:
    """In a child of the warm parent: what ``python -m pytest`` would do there, with nothing left to be imported."""
    import pytest

    place = os.open(f"{told['folder']}/said", os.O_WRONLY | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(place, stream)
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environ"])
    sys.path[:0] = told["environ"]["PYTHONPATH"].split(os.pathsep)
    sys.dont_write_bytecode, tempfile.tempdir = True, None
    return int(pytest.main(told["words"]))


def _failed(report: Path) -> tuple[str, ...]:
    """The checks of the kit that failed."""
    if not report.is_file():
        return ()
    checks: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["checks"]
    return tuple(f"{one['suite'].rpartition('::')[2]}: {one['name']}" for one in checks if one["outcome"] == "failed")


def _last(said: str) -> str:
    """The errors that it names, or what it ended with."""
    lines = [line for line in said.splitlines() if line.strip()]
    return " / ".join([line for line in lines if line.startswith("E   ")][:3] or lines[-3:])[-400:]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
