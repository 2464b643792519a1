"""What is done in one session: whose company file is open, its lists, then whatever waits to be sent.

It is done by a thread of its own, so that a write takes as long as it takes; the calls of the Web Connector meet it at
the session's ``Wire``. Implements ``sessions.Work``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from wherry.errors import Busy, WherryError
from wherry.roles import Connection, Services
from wherry.web.routes import Host

from . import company, mirror, places, remembered, sessions, statements, twins
from .endpoint import NO_OP
from .line import Heard, Line, Wire, line_of
from .settings import QbwcSettings
from .words import statuses
from .words.sets import clearing

PATIENCE = 20.0
"""Seconds that a call of the Web Connector waits for the worker; then it is told to ask again."""
_ENDING = 5.0
_TIMES = 4
_MOST = 99


class SessionWork:
    """One session's work. It begins with the first request that the Web Connector asks for."""

    def __init__(self, connection: Connection, services: Services, host: Host) -> None:
        self._connection, self._services, self._host = connection, services, host
        self._settings: QbwcSettings = connection.settings
        self._line: Line = line_of(services.folder, connection.name)
        self._wire = Wire(self._is_elsewhere)
        self._ticket = self._file = ""
        self._thread: threading.Thread | None = None
        self._version = (0, 0)
        self._why = ""
        self.problem = ""

    # -- the Web Connector's calls -----------------------------------------------------------------------------------

    def next(self, hcp: str, company_file: str, country: str, major: int, minor: int) -> str:
        """The next message set. What QuickBooks says of itself unasked (``hcp``) is asked for again, by our own id."""
        if self._thread is None:
            self._version, self._file = (major, minor), company_file
            self._thread = threading.Thread(target=self._run, name=f"qbwc-{self._connection.name}", daemon=True)
            self._thread.start()
        ready = self._wire.wait(PATIENCE)
        self.problem = NO_OP if ready == "slow" else self._why
        return self._wire.take().decode() if ready == "request" else ""

    def heard(self, response: str, hresult: str, message: str) -> int:
        """Gives the answer to the worker, and waits for what it asks next: 100 where that is nothing."""
        self._wire.hear(Heard(response, hresult, message))
        if hresult and statuses.of_hresult(hresult).fate != "refused":
            self._leave(_said(hresult, message))
            return -1
        ready = self._wire.wait(PATIENCE)
        if ready != "finished":
            return min(self._wire.handed, _MOST)
        self.problem = self._why
        return -1 if self._why else 100

    def broken(self, hresult: str, message: str) -> None:
        """QuickBooks cannot be reached: a person must look."""
        self._leave(_said(hresult, message))

    def close(self) -> str:
        """Lets go whoever waits. What was on its way is looked up in the next session."""
        self._leave("")
        if self._thread is not None:
            self._thread.join(_ENDING)
        return self._why or f"{self._wire.handed} exchanged"

    def _leave(self, why: str) -> None:
        self._why = self._why or why
        self.problem = self._why
        self._line.leave(self._wire)
        self._wire.end()

    # -- the worker --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._work()
        except WherryError as error:
            if not self._wire.over or self._wire.given_up is not None:
                self._why = sessions.sentence(self._wire.given_up or error)
        except Exception as error:
            self._services.log.error("the work of a session failed", connection=self._connection.name, exc_info=error)
            self._why = self._why or "Wherry failed at this; its log says why. Update again: what is open is looked up."
        finally:
            self._line.leave(self._wire)
            self._wire.finish()

    def _is_elsewhere(self) -> bool:
        """Whether another process has ended this session, or begun the next one."""
        try:
            return self._noted() not in ("", self._ticket)
        except WherryError:  # the store is not to be had now, which says nothing of the session
            return False

    def _noted(self) -> str:
        """The hash of the ticket of the session that goes on; a mark of its own once that was closed."""
        with self._host.reading() as documents:
            kept = sessions.load(documents, self._connection.name)
        return "" if kept is None else f"closed {kept.ticket}" if kept.closed_at else kept.ticket

    def _work(self) -> None:
        name = self._connection.name
        self._ticket = self._noted()
        found = company.read(self._asked(company.questions(*self._version)), *self._version)
        company.right(found, self._host.account(name), name)
        with self._host.changing("qbwc") as change:
            objection = places.objection(change.documents, name, found, self._file, self._settings.company_file)
            if objection is None:
                company.save(change.documents, name, found)
        if objection is not None:
            raise objection
        self._read_lists(found)
        self._line.admit(self._wire)
        try:
            self._drain()
        finally:
            self._line.leave(self._wire)
            self._note()
        refused = self._tell(found)
        self._clear(found)
        self._count_twins()
        if refused is not None:
            raise refused

    def _asked(self, content: bytes) -> str:
        return self._wire.ask(content).response

    def _read_lists(self, found: company.Company) -> None:
        name, now = self._connection.name, self._services.clock.now()
        with self._host.reading() as documents:
            due = mirror.is_due(documents, name, now, self._settings.lists_every)
            since = mirror.since(documents, name, now) if due else mirror.NEVER
        if due:
            lists = mirror.read(self._asked, found.qbxml, found.lists, since)
            with self._host.changing("qbwc") as change:
                mirror.keep(change.documents, name, lists, now, since)

    def _note(self) -> None:
        """What the session's writes leave to do for later ones."""
        name, answered = self._connection.name, self._wire.answered
        if not answered and not self._wire.lists_moved and not self._wire.missed:
            return
        with self._host.changing("qbwc") as change:
            remembered.note(change.documents, name, answered, self._services.clock.now())
            if self._wire.lists_moved:
                mirror.forget(change.documents, name)
            if self._wire.missed:
                mirror.miss(change.documents, name, self._services.clock.now())

    def _clear(self, found: company.Company) -> None:
        """Lets QuickBooks forget the answers that nobody will ask for again."""
        name, now = self._connection.name, self._services.clock.now()
        with self._host.reading() as documents:
            due = remembered.due(documents, name, now, self._settings.resend_for)
        for id in due:
            self._asked(clearing(id, version=found.qbxml))
        if due:
            with self._host.changing("qbwc") as change:
                remembered.cleared(change.documents, name, due)

    def _count_twins(self) -> None:
        """Looks once more for what another computer may have done since. Raises Guarded where it did."""
        name, now = self._connection.name, self._services.clock.now()
        with self._host.reading() as documents:
            due = twins.due(documents, name, now)
        told = {id: twins.found(self._asked(one.content.encode())) for id, one in due.items()}
        if due:
            with self._host.changing("qbwc") as change:
                twins.keep(change.documents, due, [id for id, groups in told.items() if groups])
        for rows in (rows for groups in told.values() for rows in groups):
            raise twins.alarm(rows)

    def _tell(self, found: company.Company) -> WherryError | None:
        """Answers what was asked of the books since the sessions before. What QuickBooks refused of it, if it did."""
        name, now = self._connection.name, self._services.clock.now()
        with self._host.reading() as documents:
            asked = statements.open_questions(documents, name, now)
            if not documents.count(statements.KIND):
                return None
        told, refused = statements.read_all(self._asked, asked, found.qbxml, found.year_from)
        with self._host.changing("qbwc") as change:
            statements.keep(change.documents, name, told, now)
        return refused

    def _drain(self) -> None:
        """Sends what waits. A session before may still be letting go."""
        for left in reversed(range(_TIMES)):
            try:
                self._host.drain(self._connection.name)
            except Busy:
                if self._wire.over or not left:
                    raise
            else:
                return


def begin(services: Services, host: Host) -> Callable[[Connection], SessionWork]:
    """Starts the work of a session (``endpoint.Begin``)."""
    return lambda connection: SessionWork(connection, services, host)


def _said(hresult: str, message: str) -> str:
    status = statuses.of_hresult(hresult)
    words = f"{status.meaning} ({hresult}{f': {message}' if message else ''})"
    return f"{words[:1].upper()}{words[1:]}." + (f" {status.fix[:1].upper()}{status.fix[1:]}." if status.fix else "")
