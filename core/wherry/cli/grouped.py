"""Long lists kept short: like lines are one with their number, and the first few stand for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from wherry.cli.drawing import clean, cut, plural, spelled
from wherry.operating.desk import add, alike, told_of
from wherry.records import FOR_A_PERSON

FEW = 3
_CAUSES, _OUTCOMES = 10, 20


def named(names: Sequence[str], most: int = FEW) -> str:
    """``"A", "B", "C" and 183 more``."""
    shown = ", ".join(f'"{cut(clean(name))}"' for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def refusals(
    rows: Iterable[tuple[str, str, Mapping[str, Any]]], *, whole: bool = False, cut: bool = False
) -> Iterator[list[str]]:
    """What was refused, by cause: a block of lines for each. Rows are (kind, name, row with ``reason``, ``fix``);
    ``cut``: there are more than these."""
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for kind, name, row in rows:
        said = str(row["reason"]).removeprefix(f"{kind} {name}: ")  # it is named before the sentence
        one = {"label": name, "key": "", "target": "", "record": "", "id": "", **row, "name": name, "reason": said}
        groups.setdefault((kind, alike(one), alike(_fix_of(one))), []).append(one)
    for n, ((kind, _, _), found) in enumerate(groups.items()):
        if n == _CAUSES and not whole:
            yield [f"and {'at least ' if cut else ''}{plural(len(groups) - n, 'more cause')}"]
            return
        yield _refusal(kind, found, whole)


def _fix_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "reason": row.get("fix") or ""}


def _refusal(kind: str, found: Sequence[Mapping[str, Any]], whole: bool) -> list[str]:
    first, (said, values) = found[0], told_of(found)
    fix, fixes = told_of([_fix_of(one) for one in found])
    values = values or fixes
    many = len(found) > 1
    whose = plural(len(found), kind) if many else f"{spelled(kind)} {clean(first['name'])}"
    most = len(found) if whole else FEW
    names, such = named([one["name"] for one in found], most), f"   {named(values, most)}" if values else ""
    head = f"{whose}: {clean(said)}{such}"
    return [head, *([f"  {names}"] if many else []), *([f"  fix  {clean(fix)}"] if fix else [])]


def split(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[tuple[str, int, dict[str, int]]]]:
    """What is shown one by one, what needs a person first, and of the rest (state, number, sums)."""
    if len(rows) <= _OUTCOMES:
        return list(rows), []
    ordered = sorted(rows, key=lambda row: row["state"] not in FOR_A_PERSON and not row.get("held_up_by"))
    rest, sums = ordered[_OUTCOMES:], dict[str, dict[str, int]]()
    for row in rest:
        add(sums.setdefault(row["state"], {}), row["amount"], row["currency"])
    return ordered[:_OUTCOMES], [(state, n, sums[state]) for state, n in Counter(r["state"] for r in rest).items()]
