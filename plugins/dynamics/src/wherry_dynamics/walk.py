"""Through what changed, oldest change first.

Rows are asked for in order of (modifiedon, id), and page by page by Dataverse's own links. A long transaction shows its
rows under an earlier stamp: that is what the overlap is for. Stamps are whole seconds: a mark means its second and all
later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from wherry.marks import Mark, Span
from wherry.rows import Row

from .client import moment
from .errors import no_progress
from .objects import STAMP, stamp_of

Asked = Callable[[str], Iterator[tuple[list[Row], Mapping[str, str]]]]
"""Pages of the rows that meet a condition, in order, with the headers of the answer."""


def changed(since: int) -> str:
    """The condition that a row changed at or after a moment."""
    return f"{STAMP} ge {moment(since)}" if since else ""


class Walk:
    """All rows of one table that changed at or after ``since`` and where the span begins."""

    def __init__(self, ask: Asked, span: Span, since: int, what: str) -> None:
        self._ask, self._span, self._since, self._what = ask, span, since, what

    def pages(self) -> Iterator[tuple[list[Row], Mark]]:
        """Rows and the mark behind them, until what changed after this walk began. Raises TryAgain when Dataverse's
        paging does not advance."""
        span = self._span
        place = max(span.start.at, self._since)
        for rows, headers in self._ask(changed(place)):
            span.note(headers)
            if span.turned_back():
                yield from self.pages()
                return
            last = stamp_of(rows[-1]) if rows else place
            if last < place:
                raise no_progress(self._what)
            place = last
            yield rows, span.mark(place)
            if span.passed(place):
                return
