"""A run's summary on one screen: what was read and how it ended, what was written, what waits and for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from wherry.books.stuck import REASONS, named
from wherry.cli.drawing import amount, clean, counts, lasted, plural, plurals, spelled
from wherry.cli.grouped import refusals
from wherry.operating.leaving import fetched
from wherry.protocol.tally import MOST_KEPT
from wherry.wording import in_general

FOR_A_PERSON = ("triage", "refused", "decide", "differs")
_MOST_REASONS, _MOST_NOTICES = 3, 5


def lines(data: Mapping[str, Any]) -> Iterator[str]:
    """All flows that ran, the ones before first."""
    for before in data.get("before", ()):
        yield from lines(before)
    head = [str(data["flow"]), _ended(data), lasted(data.get("started", ""), data.get("finished", "")),
            f"run {data['run']}" if data.get("run") else ""]  # fmt: skip
    yield "   ".join(part for part in head if part)
    left_out = [kind for kind, words in data["fates"].items() if words.get("skipped") or words.get("refused")]
    yield from labelled("read", data["fates"], nothing="" if data.get("error") else "nothing new")
    yield from _refused(data)
    yield from _reasons(data, left_out)
    yield from labelled("written", data["items"])
    yield from _reasons(data, [kind for kind in data["items"] if kind not in left_out])
    yield from former(data)
    yield from booked(data.get("books"))
    yield from waits(data.get("waiting", {}), [data.get("for_approval") or {}])
    yield from leaves(fetched([data]))
    yield from for_approval(data.get("for_approval") or {})
    yield from notices(data)
    yield f"  requests {data['requests']:,}" + (f"   {data['retried']} tried again" if data.get("retried") else "")


def _ended(data: Mapping[str, Any]) -> str:
    if data.get("error"):
        return click.style("stopped", fg="red")
    if data.get("exit_code") == 130:
        return click.style("interrupted", fg="yellow")
    if data.get("exit_code") == 4:
        return click.style("done, something waits for you", fg="yellow")
    return click.style("done", fg="green")


def labelled(label: str, found: Mapping[str, Mapping[str, int]], nothing: str = "") -> Iterator[str]:
    """Kind by kind, how many ended how; the label stands before the first. ``nothing`` is said where there is none."""
    kinds = {kind: words for kind, words in found.items() if any(words.values())}
    if not kinds and nothing:
        yield f"  {label.ljust(8)} {nothing}"
    wide = max((len(spelled(kind)) for kind in kinds), default=0)
    for n, (kind, words) in enumerate(kinds.items()):
        said = counts(words)
        total = f"{sum(words.values()):>6,}  " if label == "read" else ""
        yield f"  {(label if n == 0 else '').ljust(8)} {spelled(kind).ljust(wide)}  {total}{said}"


def _refused(data: Mapping[str, Any]) -> Iterator[str]:
    """What was refused, with why and what to do: nobody should have to look for that. One cause is told once."""
    met = [(*str(row["record"]).split(" ", 1), row) for row in data.get("refused", ())]
    for block in refusals(met, cut=sum(data["waiting"].get("refused", {}).values()) > len(met)):
        for n, line in enumerate(block):
            yield click.style(f"           {'! ' if n == 0 else '  '}{line}", fg="red")


def _reasons(data: Mapping[str, Any], kinds: Iterable[str]) -> Iterator[str]:
    """The most frequent reasons of some kinds: why records were left out, or how things were recognised."""
    for kind in kinds:
        by_word = data.get("reasons", {}).get(kind, {})
        words = ("skipped", "linked") if data.get("refused") else ("refused", "skipped", "linked")
        shown = [pair for word in words for pair in alike(by_word.get(word, {})).items()]
        left_out = data.get("amounts", {}).get(kind, {})
        cut = any(len(by_word.get(word, {})) >= MOST_KEPT for word in words)
        for reason, number in shown[:_MOST_REASONS]:
            sums, more = _sums(left_out.get(reason, {})), " and more" if cut and number > 1 else ""
            yield click.style(f"             {plural(number, kind)}{more}{sums}: {clean(reason)}", dim=True)
        if len(shown) > _MOST_REASONS:
            yield click.style(f"             and {plural(len(shown) - _MOST_REASONS, 'more reason')}", dim=True)


def alike(reasons: Mapping[str, int]) -> dict[str, int]:
    """Reasons that differ only in what they quote are one: ``SKU … equals … of …``."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        found.setdefault(in_general(reason), []).append(reason)
    return {
        same[0] if len(same) == 1 else general: sum(reasons[reason] for reason in same)
        for general, same in found.items()
    }


def _sums(sums: Mapping[str, int]) -> str:
    """What was left out, in each currency: ``, 1,234.50 GBP``."""
    return "".join(f", {amount(minor, currency)}" for currency, minor in sums.items())


def for_approval(held: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """What waits for somebody's word, and what goes with it."""
    documents, also = held.get("documents", {}), held.get("also", {})
    if first := documents or also:
        verb = "waits" if sum(first.values()) == 1 else "wait"
        yield f"  approval {plurals(first)} {verb} for somebody's word"
    if documents and also:
        yield f"           with {plurals(also)}"


def waits(waiting: Mapping[str, Mapping[str, int]], held: Iterable[Mapping[str, Any]] = ()) -> Iterator[str]:
    """What is open now, whoever has to act; but for what waits for approval (``held``), which is told apart."""
    states = [one.get("states", {}) for one in held]
    waiting = {
        state: {kind: n - sum(each.get(state, {}).get(kind, 0) for each in states) for kind, n in kinds.items()}
        for state, kinds in waiting.items()
    }
    alone = not any(any(waiting.get(state, {}).values()) for state in FOR_A_PERSON)
    words = {
        "triage": "in triage: which one is it?",
        "waiting": "waiting, goes on by itself" if alone else "waiting for something else", "queued": "ready",
        "refused": "refused, must be corrected", "unknown": "being looked up", "decide": "to decide",
        "differs": "held otherwise by the target than sent",
    }  # fmt: skip
    first = True
    for state, kinds in sorted(waiting.items(), key=lambda pair: list(words).index(pair[0]) if pair[0] in words else 9):
        for kind, number in kinds.items():
            if number:
                line = f"  {'waits' if first else '     '}    {plural(number, kind)} {words.get(state, state)}"
                yield click.style(line, fg="yellow") if state in FOR_A_PERSON else line
                first = False


def leaves(fetched: Mapping[str, int], indent: str = " " * 11) -> Iterator[str]:
    """Of what is ready, what a system that calls us has to come for: with what → how many."""
    for with_what, number in fetched.items():
        yield f"{indent}{number:,} ready {'leaves' if number == 1 else 'leave'} with {clean(with_what)}"


def former(data: Mapping[str, Any]) -> Iterator[str]:
    """What stands in the target in a form that the flow no longer makes."""
    if data.get("former"):
        yield click.style(f"  form     {clean(data['former'])}", fg="yellow")


def booked(books: Mapping[str, Any] | None) -> Iterator[str]:
    """Of a flow that books: what its movements came to, and what of them is left out, with its sum."""
    if books is None:
        return
    entries, left = books["entries"], books["left_out"]
    if books["blocked"]:
        yield click.style("  books    nothing is booked until every movement has its accounts", fg="yellow")
    elif entries:
        told = sum(int(entry["movements"]) for entry in entries)
        yield f"  books    {plural(len(entries), 'journal entry')} of {plural(told, 'movement')}"
    for one in left:
        sums = amount(one["minor"], one["currency"])
        who = named(one.get("names", ()), one["movements"]) if one["reason"] in REASONS else ""
        said = f"{plural(one['movements'], 'movement')}, {sums}: {clean(one['detail'])}"
        said += f" ({clean(who)})" if who else ""
        yield click.style(f"             {said}", dim=True)


def notices(data: Mapping[str, Any]) -> Iterator[str]:
    """What an operator should know of single records: archived, merged, out of their stage."""
    from msgspec import to_builtins

    found = [to_builtins(notice) for notice in data.get("notices", ())]
    for one in found[:_MOST_NOTICES]:
        target = f"   ({one['target']} is kept)" if one.get("target") else ""
        yield f"  notice   {spelled(one['kind'])} {clean(one['record'])}: {clean(one['what'])}{target}"
    if len(found) > _MOST_NOTICES:
        yield f"           {len(found) - _MOST_NOTICES} more: --output json"
