"""A PostgreSQL session without waiting: what gives no rows is told, and travels with the next question or at the end.

On libpq's own functions, which psycopg publishes as ``psycopg.pq``: its cursors take about three times the CPU for a
statement, which was most of what an item cost that is written by itself (decision 0016).
"""

from __future__ import annotations

import itertools
import select
from collections import deque
from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError, errors, pq
from psycopg.adapt import Transformer

from wherry import clock
from wherry.store.statements import Row

_DONE = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_AT_ONCE = 64
"""Statements after which what was told so far is handed to the network, so that it does not pile up here."""
_SILENT, _LEAVING = 120, 5
"""Seconds that a server is waited for which says nothing; and by a process that is to end."""
_numbers = itertools.count(1)


class Answer:
    """What came of a statement, once it has arrived."""

    __slots__ = ("result",)

    def __init__(self) -> None:
        self.result: pq.abc.PGresult | None = None


class Pipeline:
    """Statements of one session, each prepared once and as long as it lasts.

    Raises psycopg's errors: that of the first statement that failed, when its outcome is read.
    """

    def __init__(self, session: Connection[Any]) -> None:
        self._session = session
        self._prepared: dict[str, bytes] = {}
        self._pq, self._due = session.pgconn, deque[Answer | None]()
        self._failed: pq.abc.PGresult | None = None
        self._rows = Transformer(session)

    @property
    def is_under_way(self) -> bool:
        """Whether there is something that has been told and has not been waited for, and nothing that failed."""
        return self._pq.pipeline_status == pq.PipelineStatus.ON

    def tell(self, sql: str, values: Row, answer: Answer | None = None) -> None:
        """Run a statement; its rows, where anybody wants them, come with the ``answer``. It may not have left yet."""
        if self._pq.pipeline_status == pq.PipelineStatus.OFF:
            self._pq.enter_pipeline_mode()
        name = self._prepared.get(sql) or self._prepare(sql, len(values))
        self._pq.send_query_prepared(name, [_sent(value) for value in values], [type(v) is bytes for v in values])
        self._due.append(answer)
        if len(self._due) % _AT_ONCE == 0:
            self.depart()

    def ask(self, sql: str, values: Row) -> Answer:
        """What a statement is going to answer. Several may be on their way: the first that is read brings them all."""
        answer = Answer()
        self.tell(sql, values, answer)
        return answer

    def read(self, answer: Answer) -> Sequence[Row]:
        """The rows, after everything that was told before them."""
        if answer.result is None:
            self._pq.send_flush_request()
            self._collect()
        self._raise_failed()
        assert answer.result is not None
        self._rows.set_pgresult(answer.result)
        rows: Sequence[Row] = self._rows.load_rows(0, answer.result.ntuples, tuple)
        return rows

    def depart(self) -> None:
        """Hand everything to the network, and wait for nothing. Who sends also reads, or both might wait for ever."""
        while self._pq.flush():
            self._wait(select.POLLIN | select.POLLOUT)
            self._pq.consume_input()

    def close(self) -> None:
        """Wait until everything that was told is done, and leave the session to others."""
        if self._pq.pipeline_status == pq.PipelineStatus.OFF:
            return
        self._pq.pipeline_sync()
        self._collect()
        self._next()  # the mark of the end
        self._pq.exit_pipeline_mode()
        self._raise_failed()

    def _prepare(self, sql: str, values: int) -> bytes:
        name = self._prepared[sql] = b"wherry_%d" % next(_numbers)
        marks = [f"${number}" for number in range(1, values + 1)]
        text = "".join(itertools.chain.from_iterable(zip(sql.split("%s"), [*marks, ""], strict=True)))
        self._pq.send_prepare(name, text.replace("%%", "%").encode())
        self._due.append(None)
        return name

    def _collect(self) -> None:
        """Read what every statement so far came to."""
        self.depart()
        while self._due:
            answer = self._due.popleft()
            while (result := self._next()) is not None:
                if answer is not None:
                    answer.result = result
                if result.status not in _DONE:
                    self._failed = self._failed or result

    def _raise_failed(self) -> None:
        if self._failed is not None:
            failed, self._failed = self._failed, None
            self._prepared.clear()  # what was to be prepared after it was not, and a plan of before may have failed
            state = (failed.error_field(pq.DiagnosticField.SQLSTATE) or b"XX000").decode()
            said = failed.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"the statement failed"
            raise errors.lookup(state)(said.decode(errors="replace"))  # its details tell what was being written

    def _next(self) -> pq.abc.PGresult | None:
        while self._pq.is_busy():
            self._wait(select.POLLIN)
            self._pq.consume_input()
        return self._pq.get_result()

    def _wait(self, events: int) -> None:
        if self._session.closed:
            raise OperationalError("the connection to the server was lost")
        poll = select.poll()
        poll.register(self._pq.socket, events)
        for seconds in itertools.count(1):
            if poll.poll(1000):
                return
            if seconds >= (_LEAVING if clock.is_stopping() else _SILENT):
                self._session.close()
                raise OperationalError(f"the server has not answered for {seconds} s")


def _sent(value: Any) -> bytes | None:
    """A value in PostgreSQL's words. Its text has no NUL: what a source sends with one is kept with the sign for what
    cannot be shown."""
    if isinstance(value, str):
        return (value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value).encode()
    if value is None or type(value) is bytes:
        return value
    if type(value) is bool:
        return b"t" if value else b"f"
    if type(value) is int:
        return b"%d" % value
    raise TypeError(f"a {type(value).__name__} is not kept in the store: texts, whole numbers, truths and bytes are")
