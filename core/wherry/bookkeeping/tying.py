"""The tie-out of a target's books: what the ledger says was written, what the target holds, and what is in neither.

All entries that any flow wrote into the target count as the hub's. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from wherry.accounting import Entry, HeldDocument, HeldEntry, LeftOut, ListsEntries
from wherry.bookkeeping import documented, fiscal, trail
from wherry.bookkeeping.trail import TrialBalance
from wherry.books import gathering, rates, tieout
from wherry.books.charts import Chart
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Selection
from wherry.books.held import FAR, BothSides, Cancelled, Problem, Written
from wherry.books.keys import parts, spelled
from wherry.books.periods import Calendar
from wherry.books.tieout import TieOut
from wherry.errors import ConfigError, Guarded, Rejected
from wherry.hub import Hub
from wherry.operating import comparing, desk, reconciling
from wherry.operating.reconciling import Reconciled
from wherry.protocol.flight import Target
from wherry.protocol.rows import REVERSED
from wherry.protocol.steps import fill, references
from wherry.roles import Asks, Balance, HasBalances
from wherry.settings import Flow
from wherry.store import exported, inquiries, ledger, movements, posted
from wherry.store.database import Tx
from wherry.store.ledger import LinkRow, Route

_ONE_DAY = dt.timedelta(days=1)
_LOST = ("unknown", "decide")


class Days(Struct, frozen=True):
    """From when to when; None: from the first thing that there is, to today."""

    first: dt.date | None = None
    last: dt.date | None = None
    name: str = ""


class Tied(Struct, kw_only=True):
    """The tie-out of a target's books for some days, with what of some flows is not in it."""

    connection: str
    flows: list[str]
    days: Days
    found: TieOut
    waiting: list[Waiting] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Why something could not be told, in words."""
    before: list[Balance] | None = None
    """The target's balances as these days begin."""
    after: list[Balance] | None = None
    written: list[Written] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        return self.found.passes


class Waiting(Struct, frozen=True, kw_only=True):
    """Entries of a flow that are not in the target yet: how many, and their debits by currency."""

    flow: str
    what: str
    entries: int
    sums: dict[str, int]


def days_of(hub: Hub, flow: Flow, period: str) -> Days:
    """The days of a fiscal period, a year, a month or a day; all of them where nothing is said. Raises ConfigError."""
    if not period:
        return Days()
    if flow.periods or period.count("-") == 1:
        meant = fiscal.named(hub, flow, period)
        return Days(meant.first, meant.last, meant.name)
    try:
        if "-" not in period:
            return Days(dt.date(int(period), 1, 1), dt.date(int(period), 12, 31), period)
        day = dt.date.fromisoformat(period)
    except ValueError:
        fix = "write a year, a month or a day: 2026, 2026-01, 2026-01-31"
        raise ConfigError(f"{period!r} is no period", fix=fix, code="WHERRY-2147") from None
    return Days(day, day, period)


def tie_out(hub: Hub, connection: str, flows: Sequence[Flow], days: Days) -> Tied:
    """Compare ledger and target for these days, and itemise what of these flows is left out. Raises what a read does.

    ``flows`` book into the connection; entries of others there count as the hub's as well.
    """
    lane = hub.wiring.wire(flows[0].name, "tie-out").posting
    assert lane is not None
    target = desk.reach(hub, lane.route.sink, away=True)
    assert target is not None
    chart = hub.bookkeeper.refresh(lane)
    with hub.store.read() as tx:
        ours = _Ours(hub, tx, lane.route.sink, chart)
        span = _span(hub, tx, flows, ours.written, days)
        open_now = _open(tx, lane.route.sink)
        lost = _lost_movements(tx, flows, ours.keys | posted.keys_open(tx, lane.route.sink, ENTITY))
    first, last = span.first or hub.bookkeeper.today(), span.last or hub.bookkeeper.today()
    there = _read(target, ours, first, last)
    asked = [] if there.held is not None else _asked(target, ours, first, last)
    sides = BothSides(
        first=first, last=last, written=ours.written, cancelled=ours.cancelled, held=there.held, opening=there.before,
        moved=there.moved, sent=_sent(hub, lane.route.sink, ours, there.held),
        open={stamp: says for stamp, (_, says) in open_now.items()},
        told=[*lost, *asked, *_not_found(open_now, there.held)], parties=ours.parties, documents=there.documents,
        made=documented.made(hub, ours.others, there.documents),
    )  # fmt: skip
    names = {one.code: trail.name_of(chart, one.code) for one in chart}
    found = Tied(connection=connection, flows=[one.name for one in flows], days=Days(first, last, days.name),
                 found=tieout.tie(sides, names), before=there.before, after=there.after,
                 written=ours.written)  # fmt: skip
    if there.documents is None and any(one.what == "unexplained" for one in found.found.problems):
        found.notes += documented.itemised(ours.others.values(), first, last)
    for flow in flows:
        _left_out(hub, flow, Selection(first=first, last=last), found)
    if there.held is None and not isinstance(target.sink, Asks):
        found.notes.append(f"{connection} can neither list its entries nor be asked for them")
    return found


class _There(NamedTuple):
    """What the target says; None of what it cannot tell."""

    before: list[Balance] | None
    moved: list[Balance] | None
    after: list[Balance] | None
    held: list[HeldEntry] | None
    documents: list[HeldDocument] | None


def _read(target: Target, ours: _Ours, first: dt.date, last: dt.date) -> _There:
    return _There(*trail.together(
        target.sink,
        lambda: _balances(target, None, first - _ONE_DAY),
        lambda: _balances(target, first, last),
        lambda: _balances(target, None, last),
        lambda: _held(target, first, last, ours),
        lambda: documented.listed(target, ours.accounts, first, last),
    ))  # fmt: skip


# -- what the ledger says ----------------------------------------------------------------------------------------------


class _Ours:
    """The entries that the ledger has written into a target, by any flow, accounts by their codes there."""

    def __init__(self, hub: Hub, tx: Tx, sink: int, chart: Chart) -> None:
        all_of_it = exported.written(tx, sinks=[sink])
        links = [one for one in all_of_it if one.link.entity == ENTITY and one.link.body]
        self.parties = trail.parties(tx, sink, [one.link for one in links])
        self.links: dict[str, tuple[Route, LinkRow]] = {one.link.key: (one.route, one.link) for one in links}
        self.keys = {one.link.key for one in all_of_it if one.link.entity == ENTITY}
        self.others = {one.link.target: one.link for one in all_of_it if documented.is_document(one.link)}
        back = posted.reversed_ever(tx, ENTITY)
        stamps = posted.stamps_of_calls(tx, [one.call for one in back])
        self.written: list[Written] = []
        spans = _Spans(hub)
        known = {(one.key, one.target) for one in back}
        for key, (_, link) in sorted(self.links.items()):
            if link.rule == REVERSED and (key, link.target) not in known:
                continue  # it was deleted there, or is not ours: nothing of it stands for the hub
            said = trail.entry_of(key, _as_sent(tx, self.links[key][0], link), {})
            entry = trail.in_codes(said, chart, link.made_at)
            self.written.append(Written(entry=entry, id=link.target, days=spans(entry)))
            if link.rule == REVERSED:
                mine = (one.call for one in back if (one.key, one.target) == (key, link.target))
                out = frozenset(stamp for call in mine for stamp in stamps.get(call, ()))
                self.written.append(Written(entry=turned(entry), id="", stamps=out, reverses=entry.number))
        self.cancelled = [
            Cancelled(name=spelled(key), entry=key, id=one.target, stamps=stamps.get(one.call, frozenset()))
            for one in back
            if (key := one.key) in self.links and self.links[key][1].target != one.target
        ]

    @property
    def accounts(self) -> set[str]:
        """The codes of the accounts that the hub's entries book on."""
        rounded = {one.entry.rounding_account for one in self.written if one.entry.rounding}
        return {line.account for one in self.written for line in one.entry.lines} | rounded

    def stands(self) -> list[LinkRow]:
        return [link for _, link in self.links.values() if link.rule != REVERSED]


def _as_sent(tx: Tx, route: Route, link: LinkRow) -> dict[str, Any]:
    """The body with its parties by the target's ids, also where a person marked it as exported before it was sent."""
    body: dict[str, Any] = msgspec.json.decode(link.body)
    refs = references(body)
    links = ledger.find_links(tx, route, refs) if refs else {}
    known = {ref: links[ref].target if ref in links else "" for ref in refs}
    return fill(body, refs, known)  # type: ignore[no-any-return]


class _Spans:
    """The days that the group of an entry is for."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._calendars: dict[str, Calendar] = {}

    def __call__(self, entry: Entry) -> tuple[dt.date, dt.date] | None:
        """None for an entry of a flow that there is no more, or that groups otherwise by now."""
        name = parts(entry.key).flow
        flow = self._hub.project.flows.get(name)
        if flow is None or not flow.books_journals or flow.group == "none":
            return None
        try:
            if name not in self._calendars:
                self._calendars[name] = self._hub.bookkeeper.calendar(flow)
            bucket = self._calendars[name].bucket_of(entry.date, flow.group, gathering.week_start(flow))
        except (ConfigError, Rejected):
            return None
        return (bucket.first, bucket.last) if bucket.name == entry.bucket else None


def turned(entry: Entry) -> Entry:
    """What takes an entry back: its sides changed over, on the same day."""
    return msgspec.structs.replace(rates.turned(entry), number=f"reversal of {entry.number}")


def source(hub: Hub, flow: Flow, days: Days) -> Reconciled:
    """What the source says now of a flow's records, and what of them was taken into the books or left out."""

    def takes(date: str) -> bool:
        if not date:
            return True  # left out before its day was known: rather told in two periods than in none
        after = days.first is None or date >= days.first.isoformat()
        return after and (days.last is None or date <= days.last.isoformat())

    return reconciling.compared(hub, flow.name, days.name, takes)


def _span(hub: Hub, tx: Tx, flows: Sequence[Flow], written: Sequence[Written], days: Days) -> Days:
    if days.first is not None:
        return days
    known = [one.entry.date for one in written]
    known += [dt.date.fromisoformat(row.date) for flow in flows for row in trail.subledger_rows(tx, flow)]
    known += [flow.books_from for flow in flows if flow.books_from is not None]
    today = hub.bookkeeper.today()
    return Days(min([*known, today]), max([*(one.entry.date for one in written), today]))


def _open(tx: Tx, sink: int) -> dict[str, tuple[str, str]]:
    """Stamp of what may have been written and has no answer → its name, and how to find out."""
    return {
        one.item.stamp: (one.item.label or one.item.key,
                         f"nobody knows yet whether it was written: wherry errors show E-{one.item.id}")
        for one in inquiries.items_in(tx, _LOST) if one.route.sink == sink and one.item.entity == ENTITY
    }  # fmt: skip


def _not_found(open_now: Mapping[str, tuple[str, str]], held: Sequence[HeldEntry] | None) -> list[Problem]:
    there = {one.stamp for one in held or ()}
    return [Problem(what="open", name=name, says=says)
            for stamp, (name, says) in open_now.items() if stamp not in there]  # fmt: skip


def _lost_movements(tx: Tx, flows: Sequence[Flow], known: set[str]) -> list[Problem]:
    """Movements that are noted as booked in an entry that is neither written nor on its way."""
    stray: dict[str, list[int]] = {}
    for flow in flows:
        route = trail.route_of(tx, flow)
        for row in movements.of_flow(tx, route.sink, flow.name) if route is not None else ():
            if row.state == "booked" and row.entry not in known:
                stray.setdefault(row.entry, []).append(row.id)
    return [
        Problem(what="open", name=spelled(key), entry=key,
                says=f"{len(ids)} movements stand in it (M-{ids[0]} …), and it is neither posted nor prepared: "
                     "run the flow")
        for key, ids in sorted(stray.items())
    ]  # fmt: skip


# -- what the target says ----------------------------------------------------------------------------------------------


def _balances(target: Target, first: dt.date | None, last: dt.date) -> list[Balance] | None:
    """None where the target makes no trial balance."""
    return target.sink.balances(first, last) if isinstance(target.sink, HasBalances) else None


def _held(target: Target, first: dt.date, last: dt.date, ours: _Ours) -> list[HeldEntry] | None:
    """The entries of these days; all there are where one of ours is not among them: it may have another date now."""
    sink = target.sink
    if not isinstance(sink, ListsEntries):
        return None
    held = list(sink.journal_entries(first, last))
    there = {one.id for one in held}
    if all(one.id in there for one in ours.written if one.id and first <= one.entry.date <= last):
        return held
    return list(sink.journal_entries(None, FAR))


def _sent(hub: Hub, sink: int, ours: _Ours, held: Iterable[HeldEntry] | None) -> frozenset[str]:
    """The stamps that went out, where something carries one and none of ours is it."""
    linked = {one.id for one in ours.written}
    if not any(one.stamp and one.id not in linked for one in held or ()):
        return frozenset()
    with hub.store.read() as tx:
        return posted.stamps_sent(tx, sink)


def _asked(target: Target, ours: _Ours, first: dt.date, last: dt.date) -> list[Problem]:
    """What a target that cannot list says of each of ours."""
    numbers = {one.entry.key: one.entry for one in ours.written if one.id and first <= one.entry.date <= last}
    items = {link.key: reconciling.item_of(link, link.key) for link in ours.stands() if link.key in numbers}
    held = comparing.in_target(target, items, {link.target for _, link in ours.links.values()}) if items else {}
    found: list[Problem] = []
    for key, there in held.items():
        for one in reconciling.differences(numbers[key].number, items[key], there):
            dated = any(change.field == "date" for change in there.changes)
            what: Any = {"missing": "missing", "edited": "re-dated" if dated else "edited"}.get(one.what, "doubled")
            found.append(Problem(what="untold" if one.what == "untold" else what, name=one.record, says=one.says,
                                 target=one.target, entry=key))  # fmt: skip
    return found


# -- what is not in it -------------------------------------------------------------------------------------------------


def _left_out(hub: Hub, flow: Flow, pick: Selection, found: Tied) -> None:
    """What of a flow's movements would be booked now, and what is left out and why. Reads alone."""
    basis = hub.bookkeeper.basis(hub.wiring.wire(flow.name, "tie-out"), pick)
    try:
        with hub.store.read() as tx:
            now = gathering.arrange(tx, basis)
    except Guarded as error:
        found.notes.append(error.message)
        return
    found.found.left += now.left
    ready = [one.entry for one in now.bookings]
    for what, entries in (("to be posted", ready), ("in groups that are not over", now.coming)):
        if entries:
            found.waiting.append(Waiting(flow=flow.name, what=what, entries=len(entries), sums=sums_of(entries)))


def sums_of(entries: Iterable[Entry]) -> dict[str, int]:
    """Debits by currency, minor units."""
    sums: dict[str, int] = {}
    for entry in entries:
        desk.add(sums, sum(line.minor for line in entry.lines if line.side == "debit"), entry.currency)
    return sums


def total_left(left: Iterable[LeftOut]) -> dict[str, int]:
    """What is left out, by currency."""
    sums: dict[str, int] = {}
    for one in left:
        desk.add(sums, one.minor, one.currency)
    return sums


# -- a trial balance ---------------------------------------------------------------------------------------------------


def trial_balance(hub: Hub, name: str, asked: fiscal.Asked) -> TrialBalance:
    """As ``trail.trial_balance``, each entry as it stands in the target: what is off in one is ours, not of others."""
    found = trail.trial_balance(hub, name, asked)
    lane = hub.wiring.wire(name, "trial-balance").posting
    assert lane is not None
    if found.theirs is None or not isinstance(lane.sink, ListsEntries):
        return found
    target = desk.reach(hub, lane.route.sink, away=True)
    assert target is not None
    with hub.store.read() as tx:
        ours = _Ours(hub, tx, lane.route.sink, hub.bookkeeper.chart(lane.route.sink))
    first = found.first or min([found.last, *(one.entry.date for one in ours.written)])
    held = _held(target, first, found.last, ours)
    sides = BothSides(first=first, last=found.last, written=ours.written, cancelled=ours.cancelled, held=held,
                  moved=found.theirs, parties=ours.parties)  # fmt: skip
    hub_part, off, problems = tieout.standing(sides, found.keys)
    names = {one.code: one.name for one in (*found.ours, *found.theirs)}
    found.ours = [Balance(code, names.get(code, ""), max(minor, 0), max(-minor, 0), currency)
                  for (currency, code), minor in sorted(hub_part.items())]  # fmt: skip
    found.off, found.problems = off, problems
    return found
