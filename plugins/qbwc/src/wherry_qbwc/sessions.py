"""Sessions of the Web Connector: one live one a connection, known by a ticket of which only the hash is kept.

A session lives in this process, with the work that is done in it; what people want to know of it is kept in the
plugin's documents. Two computers that poll for one connection take turns: the second is told that the first is there.
Losing a session loses nothing: what was on its way is unknown to the core, and looked up in the next one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import threading
import uuid
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

import msgspec
from msgspec import Struct
from wherry.clock import stored
from wherry.errors import Busy, Guarded, WherryError
from wherry.roles import Documents, Services
from wherry.web.routes import Host

from wherry_qbwc import contacts

KIND = "session"
LIFE = 30 * 60.0
"""Seconds that a ticket is good for after the last call that carried it."""
SILENCE = 180.0
"""Seconds without a call after which another session may begin in this one's place."""
NOTED_EVERY = 60.0
"""Seconds between two notes of a session that goes on: each costs a transaction."""
_ERROR = re.compile(r'<[^<>]{0,2000}\sstatusSeverity="Error"[^<>]{0,2000}>')
_CODE = re.compile(r'\sstatusCode="([0-9]{1,6})"')


class Work(Protocol):
    """What is done in one session. Every method may be called from any thread; ``close`` at any time."""

    problem: str
    """Why ``next`` had nothing, for the person at the Web Connector; ``NoOp``: it shall ask again in five seconds."""

    def next(self, hcp: str, company_file: str, country: str, major: int, minor: int) -> str:
        """The qbXML to hand out; empty where there is none left, none yet, or the session must end."""
        ...

    def heard(self, response: str, hresult: str, message: str) -> int:
        """What QuickBooks answered. Percent done, 1 to 100; below zero where the session must end."""
        ...

    def broken(self, hresult: str, message: str) -> None:
        """QuickBooks could not be reached."""
        ...

    def close(self) -> str:
        """The session is over, or another takes its place; what waits is let go. Text for the status column."""
        ...


class Kept(Struct, frozen=True, kw_only=True):
    """What is known of a connection's latest session. Times are ISO 8601, UTC."""

    ticket: str
    """Its hash."""
    process: str
    opened_at: str
    seen_at: str
    closed_at: str = ""
    address: str = ""
    client: str = ""
    """The version that the Web Connector says it is."""
    company_file: str = ""
    handed: int = 0
    """Message sets handed out."""
    problem: str = ""
    code: str = ""
    """The last error that QuickBooks answered: a status code, or an HRESULT."""
    said: str = ""
    """QuickBooks' own words for it."""


class Session:
    """A live one. ``turn`` is held while one of its calls is answered."""

    def __init__(self, connection: str, kept: Kept, work: Work, now: float) -> None:
        self.connection, self.kept, self.work = connection, kept, work
        self.seen = self.noted = now
        self.turn = threading.Lock()
        self.out = self.ending = False
        self.last = 0
        self.percent = 1

    @property
    def problem(self) -> str:
        return self.kept.problem or self.work.problem

    def learn(self, **facts: Any) -> None:
        """Something more to keep; written with the next note."""
        self.kept = msgspec.structs.replace(self.kept, **facts)

    def end(self, problem: str = "") -> None:
        """Only its closing is expected from here; another session may begin at once."""
        self.ending = True
        if problem:
            self.learn(problem=problem)

    def listen(self, response: str, hresult: str, message: str) -> None:
        """Notes the error that QuickBooks answered, if it did."""
        if hresult:
            self.learn(code=hresult[:20], said=message[:300])
        elif 'statusSeverity="Error"' in response and (found := _ERROR.search(response)):
            code, said = _CODE.search(found[0]), re.search(r'\sstatusMessage="([^"]*)"', found[0])
            self.learn(code=code[1] if code else "", said=said[1][:300] if said else "")


class Sessions:
    """The sessions of every connection of this process. Safe for threads."""

    def __init__(self, host: Host, services: Services) -> None:
        self._host, self._clock, self._log = host, services.clock, services.log
        self._process = secrets.token_hex(8)
        self._live: dict[str, Session] = {}
        self._locks = {name: threading.RLock() for name in host.connections}

    def turn(self, connection: str) -> threading.RLock:
        """Held while a session of the connection begins or ends."""
        return self._locks[connection]

    def make_room(self, connection: str) -> None:
        """Ends what is left of an earlier session. Raises Busy (WHERRY-9350) where one is going on."""
        with self.turn(connection):
            live = self._live.get(connection)
            if live is None:
                self._check_elsewhere(connection)
                return
            if not live.ending and self._clock.monotonic() - live.seen < SILENCE:
                _busy(connection)
            live.learn(problem=live.kept.problem or "it was not closed: another session began")
            self.close(live)

    def open(self, connection: str, work: Work, *, address: str = "", client: str = "") -> str:
        """A new session and its ticket, which nobody else can know."""
        ticket, now = new_ticket(), self._now()
        kept = Kept(
            ticket=_hash(ticket), process=self._process, opened_at=now, seen_at=now, address=address, client=client
        )
        live = Session(connection, kept, work, self._clock.monotonic())
        with self.turn(connection):
            self._save(live)
            self._live[connection] = live
        return ticket

    def find(self, connection: str, ticket: str) -> Session:
        """The live session that a ticket stands for. Raises Guarded (WHERRY-7352) where there is none."""
        live = self._live.get(connection)
        if live is None or not hmac.compare_digest(live.kept.ticket, _hash(ticket)):
            self._bury(connection, ticket)
            raise _ended()
        if self._clock.monotonic() - live.seen >= LIFE:
            live.learn(problem="its ticket ran out: nothing was heard for half an hour")
            self.close(live)
            raise _ended()
        live.seen = self._clock.monotonic()
        if live.seen - live.noted >= NOTED_EVERY:
            self._save(live)
        return live

    def alive(self, session: Session) -> bool:
        """Whether nothing has ended it or taken its place."""
        return self._live.get(session.connection) is session

    def close(self, live: Session) -> str:
        """The session is over. Gives what its work says at the end; the second time nothing happens."""
        with self.turn(live.connection):
            if self._live.get(live.connection) is not live:
                return ""
            del self._live[live.connection]
        try:
            said = live.work.close()
        except Exception as error:
            self._log.error("the work of a session did not end well", connection=live.connection, exc_info=error)
            said = ""
        live.learn(closed_at=self._now())
        self._save(live)
        return said

    def _check_elsewhere(self, connection: str) -> None:
        """Whether another process of the hub has the connection's session, as far as it was noted."""
        with self._host.reading() as documents:
            kept = load(documents, connection)
        if kept is None or kept.closed_at or kept.process == self._process:
            return
        silent = self._clock.now() - dt.datetime.fromisoformat(kept.seen_at)
        if silent.total_seconds() < SILENCE:
            _busy(connection)

    def _bury(self, connection: str, ticket: str) -> None:
        """A session of a process that has ended is over as soon as its Web Connector shows up here."""
        with self._host.reading() as documents:
            kept = load(documents, connection)
        if kept is None or kept.closed_at or not hmac.compare_digest(kept.ticket, _hash(ticket)):
            return
        over = msgspec.structs.replace(kept, closed_at=self._now(), problem="Wherry was started anew while it went on")
        with self._host.changing("qbwc") as change:
            change.documents.put(KIND, [(connection, msgspec.to_builtins(over))])

    def _save(self, live: Session) -> None:
        live.noted = self._clock.monotonic()
        live.learn(seen_at=self._now())
        with self._host.changing("qbwc") as change:
            change.documents.put(KIND, [(live.connection, msgspec.to_builtins(live.kept))])
            contacts.seen(change.documents, live.connection, live.kept.seen_at, live.kept.problem)

    def _now(self) -> str:
        return stored(self._clock.now())


def sentence(error: WherryError) -> str:
    """An error as a person reads it at the Web Connector."""
    return f"{_begun(error.message)} ({error.code})." + (f" {_begun(error.fix)}." if error.fix else "")


def _begun(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def new_ticket() -> str:
    """128 random bits, written as a GUID; nobody's, until a session is opened with it."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16)))


def load(documents: Documents, connection: str) -> Kept | None:
    """A connection's latest session; None before the first."""
    found: Mapping[str, Any] | None = documents.get(KIND, [connection]).get(connection)
    return None if found is None else msgspec.convert(found, Kept)


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _ended() -> Guarded:
    return Guarded(
        "this session has ended, or there never was one",
        fix="let the Web Connector update again; what was on its way is looked up then",
        code="WHERRY-7352",
    )


def _busy(connection: str) -> NoReturn:
    raise Busy(
        "another session of the Web Connector is going on",
        fix="wait until it is done; if two computers have the application in their Web Connector, remove it from one",
        code="WHERRY-9350", connection=connection,
    )  # fmt: skip
