"""``wherry reconcile``: source, ledger and target compared, document by document; books tied out account by account."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click
import msgspec

from wherry.bookkeeping import trail, tying
from wherry.cli import tied
from wherry.cli.context import Face
from wherry.cli.drawing import amount, clean, plural, spelled
from wherry.cli.options import face
from wherry.errors import EXIT_PERSON
from wherry.operating import reconciling
from wherry.records import DESK

_WORDS = {"posted": "posted", "reversed": "taken back", "held": "held", "skipped": "left out"}
_HELD = {
    "wanted": "waits for approval", "queued": "ready, goes with the next run", "waiting": "waits for something else",
    "triage": "in triage", "unknown": "being looked up", "refused": "refused, must be corrected",
    "decide": "to decide", "differs": "held otherwise in the target",
}  # fmt: skip
_SHOWN = 50
_NAMED = 5


@click.command()
@click.argument("flow", metavar="FLOW")
@click.option("--period", default="", metavar="2010-12", help="Only documents of a year, a month or a day.")
def reconcile(flow: str, period: str) -> None:
    """Compare what the source says, what was written, and what the target holds now. Writes nothing.

    Source = posted + taken back + held + left out, to the penny; every difference is listed. Exit 4 if there is one.
    A flow that books journals is tied out: account by account, balance = opening + entries of this hub + others.

    \b
    Examples:
      wherry reconcile invoices
      wherry reconcile invoices --period 2010-12
      wherry reconcile wallet-journals --period 2026-01
    """
    own = face()
    if own.hub.wiring.flow(flow).books_journals:
        _tie_out(own, flow, period)
        return
    found = reconciling.reconcile(own.hub, flow, period)
    data: dict[str, Any] = {**msgspec.to_builtins(found), "agrees": not found.differences}
    after = [f"wherry explain {shlex.quote(one.record.partition(' ')[2])}" for one in found.differences[:1]]
    own.print("wherry.reconcile/1", data, lambda: _lines(found), after or _held_by(found))
    if found.differences:
        own.code = EXIT_PERSON


def _held_by(found: reconciling.Reconciled) -> list[str]:
    """What a person can do about what is held."""
    name = shlex.quote(found.flow)
    told = [f"wherry approve {name}"] if "wanted" in found.held else []
    return told + ([f"wherry errors list --flow {name}"] if found.held.keys() & DESK else [])


def _tie_out(own: Face, name: str, period: str) -> None:
    flow = trail.booking_flow(own.hub, name)
    days = tying.days_of(own.hub, flow, period)
    found = tying.tie_out(own.hub, flow.sink, [flow], days)
    source = tying.source(own.hub, flow, days)
    agrees = found.passes and not source.differences
    data = {**tied.data(found), "source": msgspec.to_builtins(source), "passes": agrees}
    entry = next((one.name for one in found.found.problems if one.entry), "")
    after = [f"wherry journal show {shlex.quote(entry)}"] if entry else []

    def lines() -> Iterator[str]:
        yield from tied.lines(found)
        yield from _source(source)
        yield from tied.verdict(agrees)

    own.print("wherry.reconcile.books/1", data, lines, after)
    own.code = 0 if agrees else EXIT_PERSON


def _source(found: reconciling.Reconciled) -> Iterator[str]:
    """What the source says, and what of it is in the books or was left out before it got there."""
    taken = {**_WORDS, "posted": "taken in"}
    yield f"source   {plural(sum(found.counts.values()), 'record')}   {_sums(found.source)}"
    yield from _states(found, taken)
    yield from _differences(found)


def _lines(found: reconciling.Reconciled) -> Iterator[str]:
    total = sum(found.counts.values())
    yield f"{found.flow}   {found.period or 'everything seen'}   {plural(total, 'record')}"
    yield f"  {'source'.ljust(12)} {str(total).rjust(7)}   {_sums(found.source)}"
    yield from _states(found, _WORDS)
    if not found.asked:
        yield "  the target could not be asked what it holds"
    yield from _differences(found)
    yield _verdict(found)


def _verdict(found: reconciling.Reconciled) -> str:
    decided = f"{plural(len(found.decided), 'difference')} decided already" if found.decided else ""
    if not found.differences:
        return f"They agree, but for {decided}." if decided else "They agree."
    return plural(len(found.differences), "difference") + (f", and {decided}" if decided else "")


def _states(found: reconciling.Reconciled, words: dict[str, str]) -> Iterator[str]:
    for state in reconciling.STATES:
        if found.counts.get(state) or found.sums.get(state):
            count = str(found.counts.get(state, 0)).rjust(7)
            yield f"  {words[state].ljust(12)} {count}   {_sums(found.sums.get(state, {}))}"
        if state == "held":
            yield from _listed({_HELD.get(why, why): one for why, one in found.held.items()})
    yield from _listed(found.left_out)
    if found.undated:
        yield f"  {plural(found.undated, 'record')} of these left out before a day was known: in any period"


def _listed(found: Mapping[str, reconciling.Listed]) -> Iterator[str]:
    for reason, one in sorted(found.items()):
        names = ", ".join(_called(name.partition(" ")[2], number) for name, number in _some(one))
        more = f" and {one.count - _NAMED:,} more" if one.count > _NAMED else ""
        yield f"    {str(one.count).rjust(7)}   {_sums(one.sums)}   {clean(reason)}: {clean(names)}{more}"


def _some(one: reconciling.Listed) -> Iterable[tuple[str, str]]:
    return zip(one.records[:_NAMED], one.numbers[:_NAMED], strict=True)


def _differences(found: reconciling.Reconciled) -> Iterator[str]:
    for one in found.differences[:_SHOWN]:
        where = f"   {one.target}" if one.target else ""
        yield click.style(f"  ! {spelled(one.what)}   {_name(one)}{where}: {clean(one.says)}", fg="red")
    if len(found.differences) > _SHOWN:
        yield f"    and {len(found.differences) - _SHOWN:,} more: --output json"
    for one in found.decided[:_SHOWN]:
        where = f"   {one.target}" if one.target else ""
        yield f"  = {spelled(one.what)}   {_name(one)}{where}: {clean(one.says)}; {clean(one.decided)}"
    if len(found.decided) > _SHOWN:
        yield f"    and {len(found.decided) - _SHOWN:,} more: --output json"


def _name(one: reconciling.Difference) -> str:
    """``invoice INV-1 (record 7)``."""
    kind, _, id = one.record.partition(" ")
    return f"{spelled(kind)} {clean(_called(id, one.number))}"


def _called(id: str, number: str) -> str:
    """What people call a document, and its record's id where that is another word."""
    return id if number in ("", id) else f"{number} (record {id})"


def _sums(sums: dict[str, int]) -> str:
    return "   ".join(amount(minor, currency) for currency, minor in sorted(sums.items())) or "-"
