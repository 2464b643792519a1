"""In which order a file of charges writes its days: as it was said, or as all of its days together tell.

Never cell by cell: ``12/1/2010`` and ``13/1/2010`` of one file are of one order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from wherry.errors import ConfigError

from wherry_workspace.layouts import Layout

Read = tuple[str, str]
"""A day, ISO, and its time of day; empty where none was written."""


@lru_cache(maxsize=16384)
def read(forms: tuple[str, ...], text: str) -> Read | None:
    """A cell in one of the forms of an order; None where it is in none."""
    for form in forms:
        try:
            moment = dt.datetime.strptime(text, form)  # noqa: DTZ007 - a plain day has no zone
        except ValueError:
            continue
        return moment.date().isoformat(), moment.strftime("%H:%M") if "%H" in form else ""
    return None


def order(layout: Layout, cells: Mapping[str, int], path: Path, *, named: bool) -> tuple[str, str]:
    """The order of days, and what to tell of it. ``cells`` are all days of the file, text → the first row that has it;
    ``named``: somebody said that the file is of this layout, and not only its header.

    Raises ConfigError where the days are of several orders, or may be of either and nobody said which.
    """
    fitting = {text: [name for name, forms in layout.moments.items() if read(forms, text)] for text in cells}
    only = {name: [text for text, fits in fitting.items() if fits == [name]] for name in layout.moments}
    sure = [name for name, texts in only.items() if texts]
    if len(sure) > 1:
        raise _several(path, [(cells[only[name][0]], only[name][0]) for name in sure], layout.moments)
    if sure:
        told = "" if sure[0] == layout.days else f"its days are written {sure[0]}, as those past the 12th show"
        return sure[0], told
    either = next((text for text, fits in fitting.items() if len(fits) > 1 and _differs(layout, text)), "")
    if not either:
        return layout.days, ""
    if not named:
        raise _ambiguous(path, either, layout.moments)
    return layout.days, _read_as(layout, either)


def _read_as(layout: Layout, text: str) -> str:
    other = next(name for name in layout.moments if name != layout.days)
    return (
        f"its days fit {' and '.join(layout.moments)} alike, and were read as {layout.days}: {text} is "
        f"{_day(layout, layout.days, text)}; if that is wrong, import it again with --days {other}"
    )


def _differs(layout: Layout, text: str) -> bool:
    return len({_day(layout, name, text) for name in layout.moments}) > 1


def _day(layout: Layout, name: str, text: str) -> str:
    found = read(layout.moments[name], text)
    return found[0] if found is not None else ""


def _several(path: Path, examples: Iterable[tuple[int, str]], orders: Iterable[str]) -> ConfigError:
    shown = " and ".join(f"row {row} has {text!r}" for row, text in examples)
    return ConfigError(
        f"{path.name} writes its days in several orders: {shown}",
        fix=f"nothing was imported; correct the file, or say --days {' or --days '.join(orders)}: rows that are "
        "otherwise are then left out and told",
        code="WHERRY-2863",
    )  # fmt: skip


def _ambiguous(path: Path, text: str, orders: Iterable[str]) -> ConfigError:
    return ConfigError(
        f"it cannot be told in which order {path.name} writes its days: {text!r} is a day in either",
        fix=f"nothing was imported; find out, and say --days {' or --days '.join(orders)}",
        code="WHERRY-2862",
    )  # fmt: skip
