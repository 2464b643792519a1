"""What has to be settled before a period of the books is closed: everything of it that is open, and what stops it.

All flows into the target count, those that book journals and those that write documents. Nothing is written.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from wherry import wording
from wherry.accounting import Entry, LeftOut, Period
from wherry.bookkeeping import trail
from wherry.books import gathering, stuck
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Arrangement, Selection
from wherry.errors import Guarded
from wherry.hub import Hub
from wherry.money import figure
from wherry.operating import desk
from wherry.protocol import homing
from wherry.records import OPEN
from wherry.settings import Flow
from wherry.store import inquiries, leavings, ledger, posted, registry
from wherry.store.database import Tx
from wherry.store.inquiries import Placed
from wherry.store.movements import MovementRow

_FIXES = {
    "refused": "wherry errors list --class refused", "unknown": "wherry errors list --class unknown",
    "decide": "wherry errors list --class decide", "differs": "wherry errors list --class differs",
    "waiting": "wherry errors list --class waiting", "triage": "wherry triage list",
    "uncategorised": "wherry accounts map {flow}", "no account": "name an account or a category at the source",
    "held": "wherry journal preview {flow}", "no rate": "add the rate to the table of rates of {flow}",
    "rounding": "set rounding on {flow}", "not prepared": "wherry run {flow}", "not read": "wherry run {flow}",
}  # fmt: skip
_WORDS = {"decide": "undecided", "triage": "waiting for a match"}
_ENDED = ("ok",)


class Row(Struct, frozen=True, kw_only=True):
    """One sort of thing that is open: how many, their sum by currency, ``who`` the first of them are. ``stops``: the
    period cannot be closed yet."""

    what: str
    flow: str = ""
    count: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    detail: str = ""
    who: str = ""
    fix: str = ""
    stops: bool = True

    @property
    def which(self) -> str:
        """What they are, and the first of them by name."""
        return f"{self.detail} ({self.who})" if self.who else self.detail


class Checklist(Struct, kw_only=True):
    """Everything open. ``wanted`` are the entries that wait for a person's word, by flow; ``ready`` those that have it
    and were not sent yet."""

    rows: list[Row] = field(default_factory=list)
    wanted: dict[str, list[Placed]] = field(default_factory=dict)
    ready: list[Placed] = field(default_factory=list)

    @property
    def stops(self) -> list[Row]:
        return [row for row in self.rows if row.stops]

    @property
    def is_clear(self) -> bool:
        """Nothing stops it, and nothing is left to approve or to send."""
        return not self.stops and not self.ready and not any(self.wanted.values())


def check(hub: Hub, connection: str, sink: int, flows: Sequence[Flow], period: Period) -> Checklist:
    """What of the period, and of any before it, is open; ``flows`` are those that book into the connection."""
    found = Checklist()
    if period.last >= hub.bookkeeper.today():
        found.rows.append(
            Row(what="not over", detail=f"{period.name} ends on {period.last}", fix="wait until it is over")
        )
    every = [one for one in hub.project.flows.values() if one.sink == connection]
    with hub.store.read() as tx:
        found.rows += [row for one in every if (row := _not_read(hub, tx, one, period)) is not None]
        _items(tx, sink, period, found)
        found.rows += [row for one in every if not one.books_journals for row in _never_in(tx, one, period)]
        open_keys = posted.keys_open(tx, sink, ENTITY)
        late = [row for one in flows if (row := _late(tx, one, period)) is not None]
    for one in flows:
        found.rows += _movements(hub, one, period, open_keys)
    found.rows += late
    return found


def _not_read(hub: Hub, tx: Tx, flow: Flow, period: Period) -> Row | None:
    """A flow whose source was not read since the period ended may know nothing of its last days."""
    if flow.source not in hub.project.connections:
        return None
    runs = registry.find_runs(tx, flow=flow.name, limit=50, whole=True)
    zone = zoneinfo.ZoneInfo(hub.project.timezone)
    over = dt.datetime.combine(period.last + dt.timedelta(days=1), dt.time(), zone)
    if any(run.state in _ENDED and dt.datetime.fromisoformat(run.started_at) >= over for run in runs):
        return None
    detail = "was not read since the period ended" if runs else "was never run"
    return Row(what="not read", flow=flow.name, detail=detail, fix=_FIXES["not read"].format(flow=flow.name))


def _never_in(tx: Tx, flow: Flow, period: Period) -> list[Row]:
    """Documents that the flow left out, by reason. They may be of any day, which is not kept of them."""
    sums: dict[str, dict[str, int]] = {}
    counts: Counter[str] = Counter()
    reasons: dict[str, list[str]] = {}
    for reason, currency, number, minor in leavings.never_in(tx, flow.name):
        said = homing.in_general(reason) or "no reason was kept"
        why = wording.in_general(said)
        counts[why] += number
        reasons.setdefault(why, []).append(said)
        desk.add(sums.setdefault(why, {}), minor, currency)
    fix = f"wherry reconcile {flow.name} --period {period.name}"
    return [
        Row(what="left out", flow=flow.name, count=n, sums=sums[why],
            detail=f"{wording.alike(reasons[why])[0]}, of any day", fix=fix, stops=False)
        for why, n in counts.items()
    ]  # fmt: skip


# -- what is open in the ledger ----------------------------------------------------------------------------------------


def _items(tx: Tx, sink: int, period: Period, found: Checklist) -> None:
    groups: dict[tuple[str, str], list[Placed]] = {}
    for one in inquiries.items_in(tx, OPEN):
        if one.route.target != sink or not any(day <= period.last.isoformat() for day in _days(tx, one)):
            continue
        if one.item.state == "queued":
            if one.item.approval == "wanted":
                found.wanted.setdefault(one.item.flow, []).append(one)
            else:
                found.ready.append(one)
        else:
            groups.setdefault((one.item.state, one.item.flow), []).append(one)
    found.rows += [
        Row(what=_WORDS.get(state, state), flow=flow, count=len(some), sums=sums_of(some), detail=_named(some),
            fix=_FIXES.get(state, "wherry errors list"))
        for (state, flow), some in sorted(groups.items())
    ]  # fmt: skip


def _days(tx: Tx, one: Placed) -> Iterator[str]:
    """The day that a document is to have, and the one that it has in the target: it does not leave closed books."""
    bodies = [one.item.draft.body]
    if one.item.target and (link := ledger.find_links(tx, one.route, [one.item.ref]).get(one.item.ref)) and link.body:
        bodies.append(msgspec.json.decode(link.body))
    yield from (str(body["date"])[:10] for body in bodies if body.get("date"))


def _named(some: Sequence[Placed]) -> str:
    names = [one.item.label or one.item.key for one in some[:5]]
    return ", ".join(names) + (f" and {len(some) - 5} more" if len(some) > 5 else "")


def sums_of(some: Iterable[Placed]) -> dict[str, int]:
    """Their amounts by currency."""
    sums: dict[str, int] = {}
    for one in some:
        desk.add(sums, one.item.amount, one.item.currency)
    return sums


# -- what never became an entry, or became one elsewhere ---------------------------------------------------------------


def _movements(hub: Hub, flow: Flow, period: Period, open_keys: set[str]) -> list[Row]:
    """What is left out of the books; what is dated in a period that was closed before stops no later one. What is dated
    in this one does, also where the target's books are closed up to a day in the middle of it."""
    basis = hub.bookkeeper.basis(hub.wiring.wire(flow.name, "close"))
    closed = basis.closed_until
    if closed is not None and period.first <= closed < period.last:
        closed = period.first - dt.timedelta(days=1)
    after = closed + dt.timedelta(days=1) if closed is not None else None
    earlier = msgspec.structs.replace(basis, pick=Selection(last=closed))
    try:
        with hub.store.read() as tx:
            now = gathering.arrange(tx, msgspec.structs.replace(basis, pick=Selection(first=after, last=period.last)))
            before = gathering.arrange(tx, earlier).left if closed is not None else []
    except Guarded as error:
        return [Row(what="stopped", flow=flow.name, detail=error.message, fix=error.fix)]
    rows = [_left(flow, one, {row.id: row for row in now.free}) for one in now.left]
    rows += [msgspec.structs.replace(_left(flow, one, {}), stops=False) for one in before]
    rows += _unprepared(flow, now, period, open_keys)
    return rows


def _left(flow: Flow, one: LeftOut, rows: Mapping[int, MovementRow]) -> Row:
    what = one.reason.replace("-", " ")
    stops = one.reason in ("uncategorised", "no-account", "held", "no-rate", "rounding")
    who = stuck.named(stuck.names(rows, one.members, stuck.FEW), len(one.members)) if stops else ""
    return Row(
        what=what, flow=flow.name, count=len(one.members), sums={one.currency: one.minor}, detail=one.detail, who=who,
        fix=_FIXES.get(what, "").format(flow=flow.name), stops=stops,
    )  # fmt: skip


def _unprepared(flow: Flow, now: Arrangement, period: Period, open_keys: set[str]) -> list[Row]:
    mine = [one for one in now.bookings if one.entry.date <= period.last]
    new = [one.entry for one in mine if one.key not in open_keys] if not now.blocked else []
    coming = [entry for entry in now.coming if entry.date <= period.last]
    rows = []
    if new:
        rows.append(_entries("not prepared", flow, new))
    if coming:
        rows.append(_entries("in groups that are not over", flow, coming))
    later = [one.entry for one in now.bookings if one.entry.date > period.last]
    if later:
        rows.append(_entries("late: booked in a later period", flow, later, stops=False))
    return rows


def _entries(what: str, flow: Flow, entries: Sequence[Entry], *, stops: bool = True) -> Row:
    sums: dict[str, int] = {}
    for entry in entries:
        desk.add(sums, sum(line.minor for line in entry.lines if line.side == "debit"), entry.currency)
    names = ", ".join(entry.number for entry in entries[:5])
    fix = _FIXES.get(what, "").format(flow=flow.name)
    return Row(what=what, flow=flow.name, count=len(entries), sums=sums, detail=names, fix=fix, stops=stops)


def _late(tx: Tx, flow: Flow, period: Period) -> Row | None:
    """Movements of the period that were posted in a later one."""
    dates = {one.entry.key: one.entry.date for one in trail.known(tx, flow) if one.is_posted}
    rows: list[MovementRow] = [
        row for row in trail.subledger_rows(tx, flow)
        if row.entry in dates and dt.date.fromisoformat(row.date) <= period.last < dates[row.entry]
    ]  # fmt: skip
    if not rows:
        return None
    sums: dict[str, int] = {}
    for row in rows:
        desk.add(sums, row.minor, row.currency)
    return Row(what="late: posted in a later period", flow=flow.name, count=len(rows), sums=sums, stops=False)


# -- words -------------------------------------------------------------------------------------------------------------


def told(row: Row) -> str:
    """``2 refused (12.50 USD) of wallet-journals: JE 1, JE 2``."""
    number = f"{row.count:,} " if row.count else ""
    worth = f" ({said(row.sums)})" if any(row.sums.values()) else ""
    flow = f" of {row.flow}" if row.flow else ""
    return f"{number}{row.what}{worth}{flow}" + (f": {row.which}" if row.detail else "")


def said(sums: Mapping[str, int]) -> str:
    """``12.50 USD + 3.00 EUR``; ``0`` where there is nothing."""
    return " + ".join(f"{figure(minor, currency)} {currency}" for currency, minor in sorted(sums.items())) or "0"
