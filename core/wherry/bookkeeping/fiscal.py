"""Periods of the books as people name them: which days they are, whether they are open, closing and opening them.

Source: behaviours.md 000.10; cases C3 and C14.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from wherry.accounting import Period
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Selection
from wherry.books.periods import Calendar, month_of, months, read_periods
from wherry.errors import ConfigError, Guarded, NotFound, WherryError
from wherry.hub import Hub
from wherry.records import OPEN
from wherry.roles import HasPeriods
from wherry.runs.job import Job, Options
from wherry.settings import Flow
from wherry.store import audit, exported, inquiries, movements, registry
from wherry.store.database import Tx

_MONTH = re.compile(r"(\d{4})-(\d{2})").fullmatch
_ONE_DAY = dt.timedelta(days=1)
_FEW_MONTHS = 400


class Asked(Struct, frozen=True, kw_only=True):
    """What somebody wants to see or post: of a period, some partitions, some days, grouped otherwise than the flow."""

    period: str = ""
    group: str = ""
    partitions: tuple[str, ...] = ()
    first: dt.date | None = None
    last: dt.date | None = None


def selection(hub: Hub, flow: Flow, asked: Asked) -> Selection:
    """The movements that are meant. Raises ConfigError for a period that there is not, or for days back to front."""
    first, last = asked.first, asked.last
    if asked.period:
        period = named(hub, flow, asked.period)
        first = max(first or period.first, period.first)
        last = min(last or period.last, period.last)
    if first is not None and last is not None and last < first:
        raise ConfigError(
            f"nothing lies between {first} and {last}", fix="give the earlier day first", code="WHERRY-2146"
        )
    return Selection(partitions=asked.partitions, first=first, last=last)


def named(hub: Hub, flow: Flow, name: str) -> Period:
    """The period of that name in a flow's calendar. Raises ConfigError."""
    if not flow.periods:
        parts = _MONTH(name)
        if parts is not None and 1 <= int(parts[2]) <= 12 and int(parts[1]) >= 1900:
            return month_of(dt.date(int(parts[1]), int(parts[2]), 1))
        raise ConfigError(f"{name!r} is no period: they are months", fix="write 2026-01", code="WHERRY-2155")
    listed = table_of(hub, flow)
    found = next((one for one in listed if one.name.casefold() == name.casefold()), None)
    if found is None:
        raise ConfigError(
            f"{flow.periods} has no period {name!r}", fix=f"it goes from {listed[0].name} to {listed[-1].name}",
            code="WHERRY-2155",
        )  # fmt: skip
    return found


def table_of(hub: Hub, flow: Flow) -> list[Period]:
    """The flow's own periods; none where they are months."""
    hub.bookkeeper.calendar(flow)  # raises where the table is not there
    return read_periods(hub.project.folder / flow.periods) if flow.periods else []


# -- whose books -------------------------------------------------------------------------------------------------------


def flows_into(hub: Hub, name: str) -> tuple[str, list[Flow]]:
    """The connection whose books are meant, by its own name or by a flow's, and the flows that book into it.

    Raises NotFound for a name that is neither, ConfigError where nothing is booked there.
    """
    if name in hub.project.flows:
        flow = hub.project.flows[name]
        connection, flows = flow.sink, [flow] if flow.books_journals else []
    else:
        if name not in hub.project.connections:
            raise NotFound(
                f"there is no connection or flow {name}", fix="see: wherry connection list, wherry flow list",
                code="WHERRY-3088", name=name,
            )  # fmt: skip
        connection = name
        flows = [one for one in hub.project.flows.values() if one.sink == name and one.books_journals]
    if not flows:
        raise ConfigError(
            f"no flow books journals into {connection}", fix='set document = "journal" on one', code="WHERRY-2156"
        )
    return connection, flows


def bound(tx: Tx, connection: str) -> int:
    """The store id of a connection. Raises NotFound for one that was never reached."""
    row = registry.connection(tx, connection)
    if row is None:
        raise NotFound(
            f"connection {connection} was never reached", fix=f"wherry connection test {connection}",
            code="WHERRY-3089", connection=connection,
        )  # fmt: skip
    return row.id


def _one_calendar(hub: Hub, connection: str, flows: list[Flow]) -> Flow:
    """A flow whose calendar speaks for the connection's books. Raises ConfigError where flows have different ones."""
    tables = {flow.periods for flow in flows}
    if len(tables) > 1:
        raise ConfigError(
            f"flows into {connection} have different periods: {', '.join(sorted(one or 'months' for one in tables))}",
            fix=f"name the flow whose periods are meant: {', '.join(flow.name for flow in flows)}", code="WHERRY-2149",
        )  # fmt: skip
    return flows[0]


# -- looking -----------------------------------------------------------------------------------------------------------


def listed(hub: Hub, name: str) -> dict[str, Any]:
    """The periods of the books with something in them, oldest first, up to today's: open or closed, and what they hold.

    The target is asked how far its own books are closed, where it can tell.
    """
    connection, flows = flows_into(hub, name)
    flow = _one_calendar(hub, connection, flows)
    theirs = closed_there(hub, connection)
    with hub.store.read() as tx:
        sink = bound(tx, connection)
        days = _days(tx, sink, flows)
    here, calendar = hub.bookkeeper.closed_here(sink), hub.bookkeeper.calendar(flow)
    periods = _span(hub, flow, calendar, [*days, hub.bookkeeper.today()])
    rows = [_told(period, here, theirs, days) for period in periods]
    return {
        "connection": connection, "flow": flow.name, "items": rows, "closed_here": here.isoformat() if here else "",
        "closed_there": theirs.isoformat() if theirs else "",
    }  # fmt: skip


def closed_there(hub: Hub, connection: str) -> dt.date | None:
    """The last day of the books that the target itself has closed; None where it says nothing."""
    sink = hub.wiring.writer(connection)
    return sink.closed_until() if isinstance(sink, HasPeriods) else None


def _days(tx: Tx, sink: int, flows: list[Flow]) -> dict[dt.date, dict[str, int]]:
    """Day → how many movements are dated there, entries prepared for it, and posted."""
    found: dict[dt.date, dict[str, int]] = {}

    def count(day: str, what: str) -> None:
        held = found.setdefault(dt.date.fromisoformat(day), {"movements": 0, "prepared": 0, "posted": 0})
        held[what] += 1

    for flow in flows:
        for row in movements.of_flow(tx, sink, flow.name):
            count(row.date, "movements")
        for one in inquiries.items_in(tx, OPEN, flow=flow.name):
            if one.item.entity == ENTITY and one.route.sink == sink and one.item.draft.body.get("date"):
                count(one.item.draft.body["date"], "prepared")
    for written in exported.written(tx, sinks=[sink]):
        if written.link.entity == ENTITY and (day := exported.said(written.link, "date")):
            count(day, "posted")
    return found


def _span(hub: Hub, flow: Flow, calendar: Calendar, days: list[dt.date]) -> list[Period]:
    first, last = min(days), max(days)
    if flow.periods:
        listed = table_of(hub, flow)
        return [one for one in listed if one.first <= last and one.last >= first] or listed[-1:]
    return months(first, last)[-_FEW_MONTHS:]


def _told(
    period: Period, here: dt.date | None, theirs: dt.date | None, days: dict[dt.date, dict[str, int]]
) -> dict[str, Any]:  # fmt: skip
    mine = [held for day, held in days.items() if period.first <= day <= period.last]
    sums = {what: sum(held[what] for held in mine) for what in ("movements", "prepared", "posted")}
    return {
        "period": period.name, "first": period.first.isoformat(), "last": period.last.isoformat(),
        "state": _state(period, here, theirs), **sums,
    }  # fmt: skip


def _state(period: Period, here: dt.date | None, theirs: dt.date | None) -> str:
    if theirs is not None and period.last <= theirs:
        return "closed in the target"
    if here is not None and period.last <= here:
        return "closed here"
    latest = max((day for day in (here, theirs) if day is not None), default=None)
    return f"closed up to {latest}" if latest is not None and period.first <= latest else "open"


# -- closing -----------------------------------------------------------------------------------------------------------


def close(hub: Hub, name: str, period: str, note: str = "") -> dict[str, Any]:
    """Book nothing more into a period, nor into any before it. Says what of it was prepared and not posted: that is
    booked anew, by each flow's policy; ``kept``: where it could not be.

    Raises ConfigError for a period that there is not. Closing what is closed already changes nothing.
    """
    connection, flows = flows_into(hub, name)
    meant = named(hub, _one_calendar(hub, connection, flows), period)
    with hub.store.read() as tx:
        sink = bound(tx, connection)
        days = _days(tx, sink, flows)
    before = hub.bookkeeper.closed_here(sink)
    if before is None or before < meant.last:
        hub.bookkeeper.close(sink, meant.last)
        _note(hub, "periods.close", connection, meant, before, meant.last, note)
    unposted = sum(held["prepared"] for day, held in days.items() if day <= meant.last)
    return {
        "connection": connection, "period": meant.name,
        "closed_until": max(before or meant.last, meant.last).isoformat(),
        "before": before.isoformat() if before else "", "prepared": unposted,
        "kept": _book_anew(hub, flows) if unposted else [],
    }  # fmt: skip


def _book_anew(hub: Hub, flows: Iterable[Flow]) -> list[dict[str, str]]:
    """What was prepared goes by each flow's policy from now on, so that nothing of it can be sent as it was; and why
    that could not be done for a flow. What that one has prepared stays as it is, and the drain lets none of it out."""
    kept = []
    for flow in flows:
        try:
            with hub.store.lock(f"flow:{flow.name}"):
                wired = hub.wiring.wire(flow.name, "close")
                hub.book(Job(wired=wired, options=Options(), catalogues=hub.wiring.catalogues(wired)))
        except WherryError as error:
            kept.append({"flow": flow.name, "why": error.message, "fix": error.fix})
    return kept


def reopen(hub: Hub, name: str, period: str, note: str = "") -> dict[str, Any]:
    """Book into a period again, and into all after it. Raises Guarded where the target itself has it closed."""
    connection, flows = flows_into(hub, name)
    flow = _one_calendar(hub, connection, flows)
    meant = named(hub, flow, period)
    theirs = closed_there(hub, connection)
    if theirs is not None and meant.last <= theirs:
        raise Guarded(
            f"{meant.name} is closed in {connection} itself, up to {theirs}", code="WHERRY-7082",
            fix="open it there first", connection=connection, period=meant.name,
        )  # fmt: skip
    with hub.store.read() as tx:
        sink = bound(tx, connection)
    before = hub.bookkeeper.closed_here(sink)
    until = meant.first - _ONE_DAY
    also: list[str] = []
    if before is not None and before > until:
        hub.bookkeeper.close(sink, until)
        _note(hub, "periods.reopen", connection, meant, before, until, note)
        span = _span(hub, flow, hub.bookkeeper.calendar(flow), [meant.first, before])
        also = [one.name for one in span if one.first > meant.last and one.last <= before]
    return {
        "connection": connection, "period": meant.name, "before": before.isoformat() if before else "",
        "closed_until": min(before, until).isoformat() if before is not None else "", "also": also,
    }  # fmt: skip


def _note(
    hub: Hub, action: str, connection: str, period: Period, before: dt.date | None, after: dt.date, note: str
) -> None:  # fmt: skip
    told = {"before": before.isoformat() if before else "", "after": after.isoformat(), "note": note}
    with hub.store.write() as tx:
        audit.write(tx, hub.store.now(), action, f"{connection} {period.name}", told)
