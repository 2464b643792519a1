"""A plan on one screen, and the differences that a re-sync shows before it asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
import msgspec

from wherry.cli.drawing import clean, counts, cut, plural, plurals, size, spelled, value
from wherry.cli.grouped import FEW, named, refusals
from wherry.store.leavings import ONCE

if TYPE_CHECKING:
    from wherry.hub import Hub

_MOST_QUESTIONS, _MOST_REASONS, _MOST_ROWS, _MOST_CHANGED = 3, 3, 20, 10
_TO_BE = {
    "created": "to create", "linked": "to link", "updated": "to change", "reversed": "to take back",
    "skipped": "to skip", "triage": "to ask about", "refused": "that would be refused",
    "differs": "that somebody edited there",
}  # fmt: skip
"""What the word for something that was done is before it is done."""


def ends(hub: Hub, flow: str) -> dict[str, Any]:
    """Where the flow reads and writes, with the account behind it; ``never_ran``: what goes before it."""
    from wherry.operating import connections
    from wherry.store import registry

    settings = hub.wiring.flow(flow)
    known = {row["connection"]: row["account"] for row in connections.listed(hub)}
    with hub.store.read() as tx:
        new = [one for one in settings.after if not registry.find_runs(tx, flow=one, limit=1)]
    names = (("source", settings.source), ("sink", settings.sink))
    return {
        **{end: f"{name}({known[name]})" if known.get(name) else name for end, name in names}, "never_ran": new,
    }  # fmt: skip


def lines(data: Mapping[str, Any], *, saved: bool = True, whole: bool = False) -> Iterator[str]:
    """The whole plan; ``whole``: with every single thing in it, instead of the first few."""
    fates = {kind: words for kind, words in data["fates"].items() if words}
    read = ", ".join(plural(sum(words.values()), kind) for kind, words in fates.items()) or "nothing new"
    yield f"{data['flow']}   {clean(data['source'])} -> {clean(data['sink'])}     {read} read"
    for kind, words in fates.items():
        yield f"  {'read'.ljust(10)} {plural(sum(words.values()), kind)}: {counts(_to_be(words))}"
    rows = msgspec.to_builtins(data["changes"])
    for other in data.get("never_ran", ()):
        yield from _line(
            "! first", [f"{clean(other)} never ran: it goes first, and what it brings is not seen here"], "yellow"
        )
    yield from _unfinished(data["unfinished"])
    yield from _line("+ create", _group(data, "created", "waiting"), "green")
    yield from _new([row for row in rows if data["items"].get(row["entity"], {}).get(row["fate"])], whole)
    yield from _line("~ change", _group(data, "updated"), "green")
    yield from _changed([row for row in rows if row["changes"] and row["fate"] not in ("reversed", "refused")], whole)
    yield from _line("- take back", _group(data, "reversed"), "yellow")
    yield from _changed([row for row in rows if row["fate"] == "reversed"], whole, "- take back")
    yield from _line("? edited", _group(data, "differs"), "yellow")
    yield from _edited([row for row in rows if row["fate"] == "differs"], whole)
    yield from _line("& link", _group(data, "linked"), "green")
    yield from _line("= same", _same(data), "")
    yield from _refused(data, rows, whole)
    yield from _left_out(data, whole)
    if data.get("former"):
        yield click.style(f"  {'! form'.ljust(10)} ", fg="yellow") + clean(data["former"])
    yield from _questions(data)
    if data["files"]["count"]:
        yield f"  files      {data['files']['count']} to copy, {size(data['files']['bytes'])}"
    if not data["pending"]:
        yield "  nothing to do"
    yield from _approval(data)
    yield "Nothing was written." + (f"   Saved: plan {data['plan']} (valid until the source changes)" if saved else "")


def _unfinished(found: Mapping[str, int]) -> Iterator[str]:
    """What was sent before, and is looked up or finished before anything newer of it goes."""
    if found:
        yield from _line(
            "? first", [f"{plurals(found)} sent before: looked up, or finished; then what is newer"], "yellow"
        )


def _same(data: Mapping[str, Any]) -> list[str]:
    """Records and other things that are there already as they should be."""
    totals = {kind: words.get("unchanged", 0) for kind, words in data["fates"].items()}
    return [plural(number, kind) for kind, number in totals.items() if number] + _group(data, "unchanged")


def _to_be(words: Mapping[str, int]) -> dict[str, int]:
    """``3 to create`` instead of ``3 created``: nothing is done yet."""
    return {_TO_BE.get(word, word): number for word, number in words.items()}


def _new(rows: Sequence[Mapping[str, Any]], whole: bool) -> Iterator[str]:
    """What would be made, by label: the first few of each kind."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["fate"] in ("created", "waiting"):
            groups.setdefault((row["fate"], row["entity"]), []).append(row["label"] or row["key"])
    for (fate, entity), names in sorted(groups.items()):
        later = "   waits for an answer" if fate == "waiting" else ""
        for some in [[name] for name in names] if whole else [names]:
            yield f"             {spelled(entity)} {named(some)}{later}"
    if not whole and any(len(names) > FEW for names in groups.values()):
        yield "             all of them: --all"


def _approval(data: Mapping[str, Any]) -> Iterator[str]:
    """What would wait for a person's word, and why; and what waits for it already."""
    found, held = data.get("approval") or {}, data.get("for_approval") or {}
    for told, verb, said in (
        (found, "would wait for approval", found.get("why", "")),
        (held, "waiting for approval since before", f"wherry approve {data['flow']}"),
    ):
        documents, also = told.get("documents", {}), told.get("also", {})
        if parts := [plural(number, kind) for kind, number in (documents or also).items()]:
            yield click.style(f"  {'? approve'.ljust(10)} ", fg="yellow") + f"{', '.join(parts)} {verb}: {clean(said)}"
        if documents and also:
            yield f"             with {plurals(also)}"


def _edited(rows: Sequence[Mapping[str, Any]], whole: bool) -> Iterator[str]:
    """A line for each target that a person edited, so that it would be shown, and not written over."""
    for row in rows if whole else rows[:_MOST_CHANGED]:
        yield f"    ? {_which(row)}: {clean(row['reason'])}; it would be listed, and not written over"
    if len(rows) > _MOST_CHANGED and not whole:
        yield f"    and {len(rows) - _MOST_CHANGED:,} more (--all)"


def _which(row: Mapping[str, Any]) -> str:
    label = f" {_quoted(row['label'])}" if row["label"] else ""
    return f"{spelled(row['entity'])} {clean(row['target'] or row['key'])}{label}"


def _changed(rows: Sequence[Mapping[str, Any]], whole: bool, mark: str = "~ change") -> Iterator[str]:
    """A line for each target that would change: which one, and every field from what to what."""
    for row in rows if whole else rows[:_MOST_CHANGED]:
        fields = ", ".join(
            f"{name} {before} → {after}" for change in row["changes"] for name, before, after in _fields(change)
        )
        yield f"    {mark} {_which(row)}" + (f": {fields}" if fields else "")
    if len(rows) > _MOST_CHANGED and not whole:
        yield f"    and {len(rows) - _MOST_CHANGED:,} more (--all)"


def _fields(change: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(field, before, after) of everything that differs; a list of things is told line by line."""
    name, before, after = str(change["field"]), change["before"], change["after"]
    kept = "; kept: " + clean(change["kept"]) if change.get("kept") else ""
    if not _is_things(before) or not _is_things(after):
        yield name, _shown(before), _shown(after) + kept
        return
    for number in range(max(len(before), len(after))):
        old, new = (side[number] if number < len(side) else None for side in (before, after))
        at = f"{name} {number + 1}"
        if old is None or new is None:
            yield at, _shown(old), _shown(new) + kept
            continue
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield f"{at} {key}", _shown(old.get(key)), _shown(new.get(key)) + kept


def _is_things(one: object) -> bool:
    return isinstance(one, list | tuple) and bool(one) and all(isinstance(inner, Mapping) for inner in one)


def _shown(one: Any) -> str:
    if one in (None, "", [], {}):
        return "(empty)"
    return _quoted(one) if isinstance(one, str) else cut(value(one))


def _quoted(text: str) -> str:
    return f'"{cut(clean(text))}"'


def _refused(data: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], whole: bool) -> Iterator[str]:
    """What would be refused: which record, why, and what to do; what has one cause is told once."""
    number = sum(words.get("refused", 0) for words in data["fates"].values())
    yield from _line("! refused", [plural(number, "record")] if number else _group(data, "refused"), "red")
    met: list[tuple[str, str, Mapping[str, Any]]] = [
        (one["kind"], one["record"], {**one, "id": ""}) for one in data.get("refused", ())
    ]
    met += [(row["entity"], row["label"] or row["key"], row) for row in rows if row["fate"] == "refused"]
    told = list(refusals(met, whole=whole))
    if not told:
        told = [[f"{plural(n, kind)}: {clean(reason)}"] for kind in data["fates"]
                for reason, n in data.get("reasons", {}).get(kind, {}).get("refused", {}).items()]  # fmt: skip
    for block in told:
        yield from (f"             {line}" for line in block)


def _group(data: Mapping[str, Any], *words: str) -> list[str]:
    totals = {kind: sum(found.get(word, 0) for word in words) for kind, found in data["items"].items()}
    return [plural(number, kind) for kind, number in totals.items() if number]


def _line(mark: str, parts: list[str], color: str) -> Iterator[str]:
    if parts:
        head = click.style(f"  {mark.ljust(10)} ", fg=color) if color else f"  {mark.ljust(10)} "
        yield head + "   ".join(parts)


def _left_out(data: Mapping[str, Any], whole: bool) -> Iterator[str]:
    """Records that no rule lets in, with why; those synced once before with the command that brings them again."""
    for kind in data["fates"]:
        left_out = list(data.get("reasons", {}).get(kind, {}).get("skipped", {}).items())
        for n, (reason, number) in enumerate(left_out):
            if n == _MOST_REASONS and not whole:
                yield f"             and {plural(len(left_out) - n, 'more reason')} (--all)"
                break
            again = f"   (wherry resync {data['flow']} ID)" if reason == ONCE else ""
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
        said = word or _TO_BE.get(row["fate"], row["fate"])
        yield f"{name}   {said}" + (f": {clean(row['reason'])}" if row["reason"] else "")
        for change in row["changes"]:
            yield from (f"  {field}  {before} → {after}" for field, before, after in _fields(change))
    if len(shown) > _MOST_ROWS:
        yield f"and {len(shown) - _MOST_ROWS} more"
