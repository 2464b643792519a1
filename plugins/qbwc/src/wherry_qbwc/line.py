"""The line to QuickBooks while its Web Connector is here: who wants to send waits, who calls takes and answers.

Two threads meet in a ``Wire``, which is one session's: the worker that asks, and the Web Connector's calls. A ``Line``
is a connection's, in this process, and leads to the wire whose company file was found to be the right one. Nothing
here outlives the process: what was handed out and not answered is unknown to the core, which looks it up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from wherry.errors import TryAgain
from wherry.http import Response
from wherry.records import Call, Reply

from .words import statuses
from .words.sets import set_id

PATH = "qbxml"
ANSWERED, NOT_READ = 200, 400
"""The status of a reply to what QuickBooks could not read: an HRESULT that proves that nothing was done."""
HRESULT = "hresult"
GONE = "WHERRY-6850"
"""The code of the error that the Web Connector is not here."""
FAILED = "WHERRY-6851"
"""The same of QuickBooks' own failure, which is no answer."""
UNTAKEN, UNANSWERED = 180.0, 1800.0
"""Seconds after which nobody comes for a request any more, and after which no answer to one that was taken counts: the
silence after which another session may begin, and the life of a ticket."""
_LOOK_EVERY = 15.0
NAME_TAKEN, NOT_FOUND = 'statusCode="3100"', 'statusCode="500"'


class Heard(Struct, frozen=True):
    """What QuickBooks answered: a response, or an HRESULT with a message."""

    response: str = ""
    hresult: str = ""
    message: str = ""


Ready = Literal["request", "finished", "slow"]


class Wire:
    """One session: requests one after the other, each answered once. Safe for threads.

    A request that is out is handed out again to who asks again: the Web Connector makes one call after the other, so it
    never got the first. Should it have both, QuickBooks knows a write by its message-set id, and does nothing twice.

    Nobody is waited for without end: where the Web Connector's calls go to another process, nothing ends the session
    here. ``elsewhere`` is asked now and then whether one has it.
    """

    def __init__(
        self, elsewhere: Callable[[], bool] = lambda: False, *, untaken: float = UNTAKEN,
        unanswered: float = UNANSWERED, look_every: float = _LOOK_EVERY,
    ) -> None:  # fmt: skip
        self._elsewhere, self._untaken, self._unanswered = elsewhere, untaken, unanswered
        self._look_every = look_every
        self._changed = threading.Condition()
        self._one = threading.Lock()
        self._request: bytes | None = None
        self._heard: Heard | None = None
        self._taken = False
        self._since = 0.0
        self._finished = False
        self.over = False
        self.given_up: TryAgain | None = None
        """Why nobody is waited for any more, where the Web Connector has not ended the session itself."""
        self.handed = 0
        self.answered: list[str] = []
        """Ids of the message sets of writes that QuickBooks answered, and that nobody else was ever given."""
        self.lists_moved = False
        """Whether a write was answered with a name that the lists kept here do not know."""
        self.missed = False
        """Whether something was not sent because the lists kept here lack what it names."""

    # -- the worker's end --------------------------------------------------------------------------------------------

    def ask(self, content: bytes) -> Heard:
        """QuickBooks' answer. Raises TryAgain, whose ``sent`` tells whether the request was handed out."""
        with self._one, self._changed:
            if self.over:
                raise gone("no")
            self._request, self._heard, self._taken = content, None, False
            self._since = time.monotonic()
            self._changed.notify_all()
            while not self._changed.wait_for(lambda: self._heard is not None or self.over, self._look_every):
                self._give_up()
            taken, heard = self._put_away()
        if heard is None:
            raise gone("perhaps" if taken else "no", self.given_up)
        if heard.hresult and statuses.of_hresult(heard.hresult).fate != "refused":
            raise _failed(heard)
        return heard

    def _give_up(self) -> None:
        """End the session where nobody will come for its request, or answer it."""
        waited = time.monotonic() - self._since
        if self._elsewhere():
            self.given_up = _taken_over()
        elif waited >= (self._unanswered if self._taken else self._untaken):
            self.given_up = _silent(waited, taken=self._taken)
        self.over = self.over or self.given_up is not None
        self._changed.notify_all()

    def _put_away(self) -> tuple[bool, Heard | None]:
        found = self._taken, self._heard
        self._request, self._heard, self._taken = None, None, False
        return found

    def finish(self) -> None:
        """Nothing more will be asked."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    # -- the Web Connector's end -------------------------------------------------------------------------------------

    def wait(self, seconds: float) -> Ready:
        """Whether there is a request to take, or will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished or self.over or self._waiting(), seconds)
            return "request" if self._waiting() else "finished" if self._finished or self.over else "slow"

    def take(self) -> bytes:
        """The request that waits, which counts as sent from here on; empty where there is none."""
        with self._changed:
            if not self._waiting() or self._request is None:
                return b""
            if not self._taken:
                self.handed, self._taken, self._since = self.handed + 1, True, time.monotonic()
            return self._request

    def hear(self, heard: Heard) -> None:
        """The answer to what was taken; anything else is passed over."""
        with self._changed:
            if self._taken and self._heard is None:
                self._heard = heard
                self._changed.notify_all()

    def end(self) -> None:
        """The session is over: who waits is told."""
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def _waiting(self) -> bool:
        return self._request is not None and self._heard is None and not self.over


class Line:
    """A connection's way to QuickBooks. Implements ``wherry.roles.Transport``."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._worker = 0

    @property
    def present(self) -> bool:
        """Whether a Web Connector is here, at the right company file, and the asking thread is its session's: a run
        beside it leaves the sending to the session, and does not wait for a Web Connector that may be gone."""
        wire = self._wire
        return wire is not None and not wire.over and self._worker == threading.get_ident()

    def admit(self, wire: Wire) -> None:
        """Lead to this session, whose worker this is: its company file is the right one."""
        self._wire, self._worker = wire, threading.get_ident()

    def leave(self, wire: Wire) -> None:
        """Lead to this session no longer."""
        if self._wire is wire:
            self._wire = None

    def miss(self) -> None:
        """Something that is to be sent names what the lists kept here lack."""
        if self._wire is not None and self.present:
            self._wire.missed = True

    def send(self, call: Call) -> Reply:
        """One attempt. Raises TryAgain as ``Transport`` says, also to a thread that is not the session's own."""
        wire = self._wire
        if wire is None or not self.present:
            raise gone("no")
        heard = wire.ask(call.body)
        if not call.again:  # who took it before may come to it at any time: QuickBooks has to know it for ever
            wire.answered += [set_id(stamp) for stamp in call.items]
        wire.lists_moved = wire.lists_moved or NAME_TAKEN in heard.response or NOT_FOUND in heard.response
        if heard.hresult:
            return Reply(status=NOT_READ, headers={HRESULT: heard.hresult}, body=heard.message.encode())
        return Reply(status=ANSWERED, body=heard.response.encode())

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, lane: str = "",
    ) -> Response:  # fmt: skip
        """A question. Raises TryAgain where there is no answer."""
        wire = self._wire
        if wire is None:
            raise gone("no")
        heard = wire.ask(content or b"")
        if heard.hresult:
            raise _failed(heard)
        return Response(status=ANSWERED, headers={}, content=heard.response.encode(), url=path)


_lines: dict[tuple[Path, str], Line] = {}
_lock = threading.Lock()


def line_of(folder: Path, connection: str) -> Line:
    """The one line of a project's connection in this process."""
    with _lock:
        return _lines.setdefault((folder.resolve(), connection), Line())


def gone(sent: Literal["no", "perhaps"], why: TryAgain | None = None) -> TryAgain:
    """The Web Connector is not here (any more); ``why`` says more where it is known."""
    said = why or TryAgain(
        "the QuickBooks Web Connector is not here now",
        fix="it goes on when the Web Connector updates next", code=GONE,
    )  # fmt: skip
    return TryAgain(said.message, fix=said.fix, code=said.code, sent=sent)


def _taken_over() -> TryAgain:
    return TryAgain(
        "another wherry serve answers the Web Connector now: this session was given up, and what it sent is looked up",
        fix="let one wherry serve alone answer at the address of the Web Connector", code="WHERRY-6857",
    )  # fmt: skip


def _silent(seconds: float, *, taken: bool) -> TryAgain:
    what = "QuickBooks answered nothing" if taken else "the Web Connector came for nothing"
    return TryAgain(
        f"{what} for {seconds / 60:.0f} minutes: its session was given up, and what was on its way is looked up",
        fix="look whether QuickBooks shows a window that waits for somebody, then update again", code="WHERRY-6858",
    )  # fmt: skip


def _failed(heard: Heard) -> TryAgain:
    status = statuses.of_hresult(heard.hresult)
    return TryAgain(
        f"QuickBooks gave no answer ({heard.hresult}): {status.meaning}", fix=status.fix, code=FAILED,
        sent="perhaps",
    )  # fmt: skip
