"""A plan on one screen, and the differences that a re-sync shows before it asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from wherry.cli.drawing import clean, cut, plural, size, spelled
from wherry.cli.formats import as_json

if TYPE_CHECKING:
    from wherry.hub import Hub

_MOST_QUESTIONS, _MOST_REASONS, _MOST_ROWS = 3, 3, 20


def ends(hub: Hub, flow: str) -> dict[str, str]:
    """Where the flow reads and writes, with the account behind it."""
    from wherry import connections

    settings = hub.wiring.flow(flow)
    known = {row["connection"]: row["account"] for row in connections.listed(hub)}
    return {
        end: f"{name}({known[name]})" if known.get(name) else name
        for end, name in (("source", settings.source), ("sink", settings.sink))
    }


def lines(data: Mapping[str, Any], *, saved: bool = True) -> Iterator[str]:
    """The whole plan."""
    read = ", ".join(plural(sum(words.values()), kind) for kind, words in data["fates"].items()) or "nothing new"
    yield f"{data['flow']}   {clean(data['source'])} -> {clean(data['sink'])}     {read} read"
    made = _group(data, "created", "waiting")
    yield from _line("+ create", made, "green")
    yield from _line("~ change", _group(data, "updated"), "green")
    yield from _line("& link", _group(data, "linked"), "green")
    yield from _line("= same", _group(data, "unchanged"), "")
    yield from _left_out(data)
    yield from _questions(data)
    refused = sum(words.get("refused", 0) for words in data["fates"].values())
    yield from _line("! refused", [plural(refused, "record")] if refused else [], "red")
    if data["files"]["count"]:
        yield f"  files      {data['files']['count']} to copy, {size(data['files']['bytes'])}"
    if not data["pending"]:
        yield "  nothing to do"
    yield "Nothing was written." + (f"   Saved: plan {data['plan']} (valid until the source changes)" if saved else "")


def _group(data: Mapping[str, Any], *words: str) -> list[str]:
    totals = {kind: sum(found.get(word, 0) for word in words) for kind, found in data["items"].items()}
    return [plural(number, kind) for kind, number in totals.items() if number]


def _line(mark: str, parts: list[str], color: str) -> Iterator[str]:
    if parts:
        head = click.style(f"  {mark.ljust(10)} ", fg=color) if color else f"  {mark.ljust(10)} "
        yield head + "   ".join(parts)


def _left_out(data: Mapping[str, Any]) -> Iterator[str]:
    """Records that no rule lets in, with why; those synced once before with the command that brings them again."""
    for kind in data["fates"]:
        left_out = list(data.get("reasons", {}).get(kind, {}).get("skipped", {}).items())
        for n, (reason, number) in enumerate(left_out):
            if n == _MOST_REASONS:
                yield f"             and {len(left_out) - n} more reasons: --output json"
                break
            again = f"   (wherry resync {data['flow']} ID)" if reason == "already synced once" else ""
            yield f"  {'= skip'.ljust(10)} {plural(number, kind)}: {clean(reason)}{again}"


def _questions(data: Mapping[str, Any]) -> Iterator[str]:
    asked = msgspec.to_builtins(data["questions"])
    triage = _group(data, "triage")
    if not triage:
        return
    one = asked[0] if asked else None
    yield click.style("  ? triage   ", fg="yellow") + "   ".join(triage) + (" " + _question(one) if one else "")
    for other in asked[1:_MOST_QUESTIONS]:
        yield f"             {_question(other)}"
    if len(asked) > _MOST_QUESTIONS:
        yield f"             and {len(asked) - _MOST_QUESTIONS} more"


def _question(one: Mapping[str, Any]) -> str:
    best = one["candidates"][0] if one["candidates"] else None
    said = f'best {float(best["score"]):.2f} "{clean(best["name"])}"' if best else "nothing is like it"
    return f'"{clean(one["name"])}" {said}'


def differences(data: Mapping[str, Any], edited: Sequence[Any] = ()) -> Iterator[str]:
    """What a re-sync would change: field by field, before and after. ``edited`` is kept as it was edited there."""
    rows = msgspec.to_builtins(data["changes"])
    shown = [row for row in rows if row["changes"] or row["fate"] in ("created", "waiting", "triage", "refused")]
    if not shown:
        yield "no differences" + (" but what was edited there, which is kept (see --overwrite-local)" if edited else "")
    yield from _rows(shown)
    yield from _rows(msgspec.to_builtins(edited), "kept")


def _rows(shown: Sequence[Mapping[str, Any]], word: str = "") -> Iterator[str]:
    for row in shown[:_MOST_ROWS]:
        name = f"{spelled(row['entity'])} {clean(row['target'] or row['label'] or row['key'])}"
        yield f"{name}   {word or row['fate']}" + (f": {clean(row['reason'])}" if row["reason"] else "")
        for change in row["changes"]:
            kept = f"   kept: {clean(change['kept'])}" if change.get("kept") else ""
            yield f"  {change['field']}  {_value(change['before'])} → {_value(change['after'])}{kept}"
    if len(shown) > _MOST_ROWS:
        yield f"and {len(shown) - _MOST_ROWS} more"


def _value(value: Any) -> str:
    if value in (None, ""):
        return "(empty)"
    return cut(clean(value if isinstance(value, str) else as_json(value)))
