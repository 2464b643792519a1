"""The pages that say, line by line of what the product is to do, which tests prove it.

The lines stand in ``proved.toml`` in our own words; tests name them in their docstrings (``b_002_08``, ``case_A2``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from generate import coverage

LINES = Path(__file__).with_name("proved.toml")
NAMED = re.compile(r"\b(?:b_\d\w*|case_[A-Z]\w*)")
"""Whatever is meant as a number of a behaviour or a case, well written or not."""
NONE = "no test"
HOW = "A test is run by its name: `.venv/bin/python -m pytest PATH::NAME`."


class Section(NamedTuple):
    """A list of lines. ``proved``: each of them must have a test."""

    title: str
    proved: bool
    lines: Mapping[str, str]
    """Id → what holds, in our own words."""


def sections(sort: str) -> dict[str, Section]:
    """The sections of ``behaviours`` or ``cases``, by their number or letter."""
    told = tomllib.loads(LINES.read_text("utf-8"))
    form = {"behaviours": "b_{}_{:02d}", "cases": "case_{}{}"}[sort]
    return {
        name: Section(
            title=one["title"], proved=one.get("proved", False),
            lines={form.format(name, n): line for n, line in enumerate(one["lines"], 1)},
        )
        for name, one in told[sort].items()
    }  # fmt: skip


def part() -> dict[str, str]:
    """Id → what of the line is not there yet."""
    return dict(tomllib.loads(LINES.read_text("utf-8"))["part"])


def known() -> set[str]:
    """Every id that there is."""
    return {id for sort in ("behaviours", "cases") for one in sections(sort).values() for id in one.lines}


def proofs(root: Path) -> dict[str, list[str]]:
    """Id → the tests that say they prove it. What only the text of a module names is no proof."""
    found = {id: [test for test in tests if "::" in test] for id, tests in coverage.carried(root).items()}
    return {id: tests for id, tests in found.items() if tests}


def strangers(root: Path) -> list[str]:
    """Ids in docstrings that there are not, or that are not written as they should be, each with its test."""
    have = known()
    return [
        f"{id} in {test}" for test, text in coverage.texts(root) for id in NAMED.findall(text) if id not in have
    ]  # fmt: skip


def unproved(root: Path) -> list[str]:
    """Ids that must have a test and have none."""
    found = proofs(root)
    return [id for one in sections("behaviours").values() if one.proved for id in one.lines if id not in found]


# -- pages -------------------------------------------------------------------------------------------------------------


def behaviours(root: Path) -> str:
    """The page of behaviours."""
    head = ["# Behaviours and their tests", "",
            "What Wherry is to do, in short, and the tests that prove it. Sections whose title ends in a `*` are",
            f"proved line by line: a test fails where a line is not. {HOW}", ""]  # fmt: skip
    return _page(head, sections("behaviours"), proofs(root))


def cases(root: Path) -> str:
    """The page of cases."""
    head = ["# Faults and their tests", "",
            "What goes wrong, in a few words, and the tests that make it go wrong and look what happens. Where no test",
            f"names a case, it says so. {HOW}", ""]  # fmt: skip
    return _page(head, sections("cases"), proofs(root))


def _page(head: Sequence[str], found: Mapping[str, Section], tests: Mapping[str, Sequence[str]]) -> str:
    rows = ["| section | lines | with a test |", "|---|---|---|"]
    for name, one in found.items():
        rows.append(f"| {name} {one.title} | {len(one.lines)} | {sum(id in tests for id in one.lines)} |")
    return "\n".join([*head, *rows, *(line for name, one in found.items() for line in _table(name, one, tests))])


def _table(name: str, section: Section, tests: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield from ("", f"## {name} {section.title}{' *' * section.proved}", "")
    yield from ("| id | what | tests |", "|---|---|---|")
    lacks = part()
    for id, line in section.lines.items():
        so_far = f" (so far: {lacks[id]})" if id in lacks else ""
        yield f"| {id} | {line}{so_far} | {'<br>'.join(f'`{test}`' for test in tests.get(id, ())) or NONE} |"
