"""What the entries of a flow are made by: its tables, the target's chart of accounts, and how far its books are closed.

The chart is read from the target before anything is booked, so that what is sent is checked against a fresh one
(case C16), and kept, so that a preview needs nobody. Periods are closed by the target's word or by ours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wherry.accounting import BooksRounding, ChartAccount, LimitsLines, Mapped
from wherry.books import subledger
from wherry.books.charts import Chart, Was
from wherry.books.gathering import Basis, Selection
from wherry.books.periods import Calendar, local_day, read_periods
from wherry.books.rates import Rates, read_rates
from wherry.books.tables import read
from wherry.errors import ConfigError
from wherry.protocol import closed_days
from wherry.protocol.steps import Lane
from wherry.roles import Clock, HasAccounts, HasPeriods
from wherry.runs.job import Wired
from wherry.settings import Flow, Project
from wherry.store import Store
from wherry.store.documents import DocumentView

_T = TypeVar("_T")


class Bookkeeper:
    """What is known here of the books that the flows of a project book into."""

    def __init__(self, project: Project, store: Store, clock: Clock) -> None:
        self.project, self.store, self.clock = project, store, clock

    def basis(self, wired: Wired, pick: Selection | None = None) -> Basis:
        """Everything that a flow is booked by, the target asked for its chart and its closed periods."""
        assert wired.posting is not None
        lane, flow = wired.posting, wired.flow
        return Basis(
            flow=flow, route=lane.route, calendar=self.calendar(flow), table=self.table(flow),
            chart=self.refresh(lane), today=self.today(),
            home=self.project.currency, closed_until=self.closed_until(lane),
            most_lines=lane.sink.most_lines if isinstance(lane.sink, LimitsLines) else 0, books_from=flow.books_from,
            rates=self.rates(flow), own_rounding=self.own_rounding(lane), pick=pick or Selection(),
        )  # fmt: skip

    def today(self) -> dt.date:
        """The day it is where the organisation keeps its books."""
        return local_day(self.clock.now(), self.project.timezone)

    def calendar(self, flow: Flow) -> Calendar:
        return Calendar(read_periods(self._path(flow, "periods")) if flow.periods else None)

    def table(self, flow: Flow) -> list[Mapped]:
        """The rows of the accounts table of a flow."""
        return read(self._path(flow, "accounts")) if flow.accounts else []

    def rates(self, flow: Flow) -> Rates:
        """The exchange rates of a flow; none where it names no table."""
        return read_rates(self._path(flow, "rates"), flow.rates) if flow.rates else Rates()

    def own_rounding(self, lane: Lane) -> str:
        """Where the target itself books what rounding leaves of an entry; empty where it does not."""
        return lane.sink.rounding_account() if isinstance(lane.sink, BooksRounding) else ""

    def _path(self, flow: Flow, key: str) -> Path:
        told = str(getattr(flow, key))
        path = (self.project.folder / told).resolve()
        if not path.is_relative_to(self.project.folder.resolve()) or not path.is_file():
            raise ConfigError(
                f"flows.{flow.name}.{key}: there is no file {told} in the project folder",
                fix=f"wherry accounts map {flow.name}" if key == "accounts" else "make the table, or leave the key out",
                code="WHERRY-2094", key=f"flows.{flow.name}.{key}",
            )  # fmt: skip
        return path

    # -- the chart -----------------------------------------------------------------------------------------------------

    def refresh(self, lane: Lane) -> Chart:
        """The chart as the target has it now, kept; as it was kept where the target has none to show."""
        if not isinstance(lane.sink, HasAccounts):
            return self.chart(lane.route.sink)
        accounts = list(lane.sink.accounts())
        kind, was = _kind(lane.route.sink), _was(lane.route.sink)
        with self.store.write() as tx:
            view = DocumentView(tx, subledger.NAMESPACE)
            held = dict(view.each(kind))
            fresh = {one.id: msgspec.to_builtins(one) for one in accounts}
            view.remove(kind, held.keys() - fresh.keys())
            changed = [(id, body) for id, body in fresh.items() if held.get(id) != body]
            view.put(kind, changed)
            if changed and held:
                renamed = Chart(accounts).changed(Chart(_read(held.values(), ChartAccount)), self.store.now())
                view.put(was, [(f"{one.until} {one.id}", msgspec.to_builtins(one)) for one in renamed])
            return Chart(accounts, _read((body for _, body in view.each(was)), Was))

    def chart(self, sink: int) -> Chart:
        """The chart of a target as it was last read."""
        with self.store.read() as tx:
            view = DocumentView(tx, subledger.NAMESPACE)
            accounts = _read((body for _, body in view.each(_kind(sink))), ChartAccount)
            return Chart(accounts, _read((body for _, body in view.each(_was(sink))), Was))

    # -- periods -------------------------------------------------------------------------------------------------------

    def closed_until(self, lane: Lane) -> dt.date | None:
        """The last closed day of a target's books."""
        theirs = lane.sink.closed_until() if isinstance(lane.sink, HasPeriods) else None
        return _latest((theirs, self.closed_here(lane.route.sink)))

    def closed_here(self, sink: int) -> dt.date | None:
        """Up to when we keep the books of a target closed, whatever it says itself."""
        with self.store.read() as tx:
            return closed_days.until(tx, sink)

    def close(self, sink: int, day: dt.date | None) -> None:
        """Close the books of a target here up to a day; None opens them."""
        with self.store.write() as tx:
            closed_days.put(tx, sink, day)


def _kind(sink: int) -> str:
    return f"account:{sink}"


def _was(sink: int) -> str:
    return f"account-was:{sink}"


def _read(bodies: Iterable[Any], shape: type[_T]) -> list[_T]:
    return [msgspec.convert(body, shape) for body in bodies]


def _latest(days: Iterable[dt.date | None]) -> dt.date | None:
    return max((day for day in days if day is not None), default=None)
