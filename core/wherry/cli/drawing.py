"""Text for people: tables, pairs, numbers, sizes, times. Nothing a foreign system sends can move the cursor."""

from __future__ import annotations

import datetime as dt
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

WIDEST = 60


def clean(text: object) -> str:
    """Text without control characters, on one line."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def width(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, most: int = WIDEST) -> str:
    """Shortened for a terminal only: what goes to a file or another program, and a command to paste, stays whole."""
    whole = len(text) <= most or "wherry " in text or not sys.stdout.isatty()
    return text if whole else f"{text[: most - 1]}…"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, most: int = WIDEST) -> Iterator[str]:
    """Columns as wide as they need to be; numbers stand to the right."""
    body = [list(row) for row in rows]
    cells = [[cut(clean("" if cell is None else cell), most) for cell in row] for row in (header, *body)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(header))]
    numeric = [bool(body) and all(isinstance(row[c], int) for row in body) for c in range(len(header))]
    for row in cells:
        yield "  ".join(map(_padded, row, widths, numeric)).rstrip()


def _padded(cell: str, wide: int, right: bool) -> str:
    room = " " * (wide - width(cell))
    return room + cell if right else cell + room


def pairs(rows: Iterable[tuple[str, object]], indent: str = "  ") -> Iterator[str]:
    """``name  value`` lines with the values below each other; empty values are left out."""
    shown = [(name, clean(value)) for name, value in rows if value not in (None, "", [], {}, ())]
    wide = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        yield f"{indent}{name.ljust(wide)}  {value}"


def plural(number: int, noun: str) -> str:
    """``1 deal``, ``4,238 deals``, ``2 companies``."""
    word = spelled(noun)
    if number == 1:
        return f"1 {word}"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{number:,} {word[:-1]}ies"
    return f"{number:,} {word}{'es' if word.endswith(('s', 'x', 'ch')) else 's'}"


def plurals(found: Mapping[str, int]) -> str:
    """``3 invoices, 1 customer``."""
    return ", ".join(plural(number, noun) for noun, number in found.items())


def spelled(noun: str) -> str:
    """``line_item`` as people write it."""
    return noun.replace("_", " ")


def value(one: Any) -> str:
    """A value as people read it: ``1,054.00 USD``, ``customer id:17``, ``won, signed``, ``yes``."""
    if one is None:
        return ""
    if isinstance(one, bool):
        return "yes" if one else "no"
    if isinstance(one, list | tuple):
        return ", ".join(value(inner) for inner in one)
    return _table_value(one) if isinstance(one, Mapping) else clean(one)


def _table_value(one: Mapping[str, Any]) -> str:
    if one.keys() == {"minor", "currency"}:
        return amount(one["minor"], one["currency"])
    if one.keys() == {"entity", "key"}:
        return f"{spelled(one['entity'])} {clean(one['key'])}"
    if one.get("name"):
        return clean(one["name"])
    return ", ".join(f"{clean(name)} {value(inner)}" for name, inner in one.items() if inner not in (None, "", {}, []))


def amount(minor: int, currency: str) -> str:
    """``1,054.00 USD``."""
    from wherry.money import figure

    return f"{figure(minor, currency)} {currency}"


def size(number: int) -> str:
    """``38 MB``."""
    amount, unit = float(number), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 10 else f"{amount:.1f} {unit}"


def counts(found: Mapping[str, int]) -> str:
    """``18 created · 3 waiting``."""
    return " · ".join(f"{number:,} {word}" for word, number in found.items() if number)


def ago(at: str, now: dt.datetime) -> str:
    """A stored time as people say it: ``4 min ago``, ``yesterday``."""
    if not at:
        return "-"
    return spell_gap(now - dt.datetime.fromisoformat(at)) + " ago"


def until(at: dt.datetime | None, now: dt.datetime) -> str:
    """``11 min``, ``now`` when it is due, ``-`` when it never comes."""
    if at is None:
        return "-"
    return "now" if at <= now else spell_gap(at - now)


def spell_gap(gap: dt.timedelta) -> str:
    seconds = max(0, int(gap.total_seconds()))
    for step, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= step:
            return f"{seconds // step} {unit}"
    return f"{seconds} s"


def lasted(started: str, finished: str) -> str:
    """``2.1 s`` between two stored times."""
    if not started or not finished:
        return ""
    seconds = (dt.datetime.fromisoformat(finished) - dt.datetime.fromisoformat(started)).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"
