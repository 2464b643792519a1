"""Through what changed, oldest change first.

Rows are walked by (SystemModstamp, Id), never by offset or cursor: each query starts behind the last row that was read.
So an edit while we page moves nothing past us, a stamp that a bulk load gave to more rows than a page holds ends like
any other, and a run that breaks off goes on from its last page. A long transaction shows its rows under an earlier
stamp: that is what the overlap is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from wherry.marks import Mark, Span
from wherry.rows import Row, text

from . import client
from .client import Found
from .errors import no_progress
from .objects import STAMP, ms_of
from .soql import moment, quoted

Ask = Callable[[str, str], tuple[Found, Mapping[str, str]]]
"""Asks for the rows that meet a condition, with the end of the statement; and the headers of the answer."""


class Walk:
    """All rows of one object that changed at or after ``since`` and where the span begins; those of its very moment
    behind its id."""

    def __init__(self, ask: Ask, span: Span, since: int, what: str) -> None:
        self._ask, self._span, self._since, self._what = ask, span, since, what

    def pages(self) -> Iterator[tuple[list[Row], Mark]]:
        """Rows and the mark behind them. Raises TryAgain when Salesforce's paging does not advance."""
        span, place = self._span, self._begin()
        while True:
            found, headers = self._ask(self._where(place), f"ORDER BY {STAMP}, Id LIMIT {client.PAGE}")
            rows = found.records
            span.note(headers)
            if span.turned_back():
                place = self._begin()
                continue
            if rows:
                last = ms_of(rows[-1]), text(rows[-1]["Id"])
                if last == place or last[0] < place[0]:  # how ids are ordered is Salesforce's own affair
                    raise no_progress(self._what)
                place = last
            elif not found.done:
                raise no_progress(self._what)
            yield rows, span.mark(*place)
            if found.done and len(rows) < client.PAGE:
                return

    def _begin(self) -> tuple[int, str]:
        start = self._span.start
        return (start.at, start.id) if start.at >= self._since else (self._since, "")

    def _where(self, place: tuple[int, str]) -> str:
        at, id = place
        parts = [f"{STAMP} >= {moment(at)}"] if at else []
        parts += [f"({STAMP} > {moment(at)} OR Id > {quoted(id)})"] if id else []
        parts += [f"{STAMP} <= {moment(self._span.late)}"] if self._span.late is not None else []
        return " AND ".join(parts)
