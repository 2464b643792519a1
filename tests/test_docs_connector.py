"""The tutorial on connectors is done here, line by line: it is little to write, and what comes of it is green.

``make authoring`` does the same from a fresh environment, and runs everything; here a few checks of each must do.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from wherry.authoring.making import Kind, make

from .warm import warm

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial" / "connector.md"
BLOCK = re.compile(r"^```diff (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FEW = (
    "every_record_comes_once or another_account or in_its_place or refusal_names or single_records or becomes or "
    "found_as_ours or proved_absent or exact_decimal"
)
MOST = {"depot": 30, "bookly": 60}
"""Lines that are written by hand."""


class Change(NamedTuple):
    """Lines of a file that are replaced."""

    path: str
    before: str
    after: str


def changes(plugin: str) -> list[Change]:
    """What the page tells to change in a plugin, in its order."""
    found = []
    for path, text in BLOCK.findall(PAGE.read_text("utf-8")):
        for hunk in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)+)", text, re.MULTILINE):
            before, after = ("".join(f"{line[1:]}\n" for line in part.splitlines()) for part in hunk)
            found.append(Change(path, before, after))
    own = [one for one in found if f"wherry_{plugin}" in one.path]
    tests = [one for one in found if one.path.startswith("tests/")] if plugin == "bookly" else []
    return own + tests


def written(plugin: str, kind: Kind, folder: Path) -> None:
    """The plugin as it is at the end of the page."""
    make(plugin, kind, folder)
    for one in changes(plugin):
        path = folder / one.path
        text = path.read_text("utf-8")
        assert text.count(one.before) == 1, f"{one.path} has this {text.count(one.before)} times:\n{one.before}"
        path.write_text(text.replace(one.before, one.after), "utf-8")


@pytest.mark.parametrize("plugin", MOST)
def test_few_lines_are_written_by_hand(plugin: str) -> None:
    assert 0 < sum(one.after.count("\n") for one in changes(plugin)) <= MOST[plugin]


def test_every_block_of_the_page_belongs_to_a_plugin() -> None:
    told = sum(text.count("\n+") + text.startswith("+") for _, text in BLOCK.findall(PAGE.read_text("utf-8")))
    assert told == sum(one.after.count("\n") for plugin in MOST for one in changes(plugin))


def test_what_comes_of_the_page_is_green_and_clean(tmp_path: Path) -> None:
    written("depot", "source", tmp_path / "depot")
    written("bookly", "sink", tmp_path / "bookly")
    path = os.pathsep.join(str(tmp_path / name / "src") for name in MOST)
    command = ["pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-k", FEW, str(tmp_path)]
    for words in (command, ["ruff", "check", "--no-cache", "."], ["ruff", "format", "--no-cache", "--check", "."]):
        done = warm.python("-m", *words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def test_a_false_claim_would_be_found_as_the_page_says(tmp_path: Path) -> None:
    written("bookly", "sink", tmp_path)
    sink = tmp_path / "src" / "wherry_bookly" / "sink.py"
    sink.write_text(sink.read_text("utf-8").replace("resend_for: float | None = None", "resend_for = 3600.0"), "utf-8")
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "repeated_create", "tests"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    done = warm.python(*command, cwd=tmp_path, env=environ)
    assert done.returncode == 1
    assert "resend_for is not true" in done.stdout
