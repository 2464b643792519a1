"""Long lists kept short: like lines are one with their number, and the first few stand for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wherry.cli.drawing import clean, cut, plural, spelled
from wherry.operating.desk import add, cause
from wherry.records import FOR_A_PERSON

FEW = 3
_CAUSES, _OUTCOMES = 10, 20


def named(names: Sequence[str], most: int = FEW) -> str:
    """``"A", "B", "C" and 183 more``."""
    shown = ", ".join(f'"{cut(clean(name))}"' for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def refusals(rows: Iterable[tuple[str, str, Mapping[str, Any]]], *, whole: bool = False) -> Iterator[list[str]]:
    """What was refused, by cause: a block of lines for each. Rows are (kind, name, row with ``reason``, ``fix``)."""
    groups: dict[tuple[str, str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    for kind, name, row in rows:
        names = {"label": name, "key": "", "target": "", "record": "", "id": "", **row}
        said, fix = cause(names), cause({**names, "reason": row.get("fix") or ""})
        groups.setdefault((kind, said, fix), []).append((name, row))
    for n, ((kind, said, fix), found) in enumerate(groups.items()):
        if n == _CAUSES and not whole:
            yield [f"and {plural(len(groups) - n, 'more cause')}"]
            return
        yield _refusal(kind, said, fix, found, whole)


def _refusal(kind: str, said: str, fix: str, found: Sequence[tuple[str, Mapping[str, Any]]], whole: bool) -> list[str]:
    name, row = found[0]
    if len(found) == 1:
        head, fix = f"{spelled(kind)} {clean(name)}: {clean(row['reason'])}", str(row.get("fix") or "")
    else:
        head = f"{plural(len(found), kind)}: {clean(said)}"
    names = named([one for one, _ in found], len(found) if whole else FEW)
    return [head, *([f"  {names}"] if len(found) > 1 else []), *([f"  fix  {clean(fix)}"] if fix else [])]


def split(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[tuple[str, int, dict[str, int]]]]:
    """What is shown one by one, what needs a person first, and of the rest (state, number, sums)."""
    if len(rows) <= _OUTCOMES:
        return list(rows), []
    ordered = sorted(rows, key=lambda row: row["state"] not in FOR_A_PERSON)
    rest, sums = ordered[_OUTCOMES:], dict[str, dict[str, int]]()
    for row in rest:
        add(sums.setdefault(row["state"], {}), row["amount"], row["currency"])
    return ordered[:_OUTCOMES], [(state, n, sums[state]) for state, n in Counter(r["state"] for r in rest).items()]
