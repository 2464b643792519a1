"""A Web Connector: a SOAP client that runs sessions between a service and QuickBooks as Intuit's does.

authenticate, then sendRequestXML → QuickBooks → receiveResponseXML until the service answers 100, closeConnection at
the end. Facts: Intuit's programmer's guide. Its faults are in `mishaps`.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from .calling import Caller, Unanswered
from .computer import HCP, Computer
from .mishaps import OF_CONNECTOR, Mishaps
from .program import Session
from .reading import NEWEST
from .refusals import HResult

PAUSE = 5.0
"""Seconds between a NoOp and the next sendRequestXML."""
TRIES = 2
"""How often QuickBooks is tried to be opened."""
VERSION = "2.3.0.207"
OWNER = "{00000000-0000-0000-0000-000000000000}"
MAJOR, MINOR = NEWEST


@dataclass(slots=True)
class Outcome:
    """How a session ended.

    `how`: ``done``; ``none``, ``nvu`` or ``busy`` (not let in); ``refused`` (by clientVersion or connectionError);
    ``error`` (the service gave up); ``closed`` (in the middle of an exchange); ``broken`` (a call came to nothing);
    ``gone`` (the Connector itself died).
    """

    how: str
    ticket: str = ""
    status: str = ""
    """What the service said in the end: the text of the status column."""
    exchanges: int = 0
    percents: list[int] = field(default_factory=list)
    waited: int = 0


class Late(NamedTuple):
    """An answer that was kept back, with the ticket of its session."""

    ticket: str
    response: str


class _Gone(Exception):
    """The session ends here, without a closeConnection."""


class WebConnector:
    """One application in a Web Connector: its service, its user, and the computer it runs on.

    `wait` sleeps so many seconds (tests count them instead); `patience` is how many NoOps in a row it bears.
    """

    def __init__(
        self, computer: Computer, caller: Caller, user: str, password: str, *, owner: str = OWNER,
        version: str = VERSION, wait: Callable[[float], object] | None = None, patience: int = 120,
        interval: float = 60.0,
    ) -> None:  # fmt: skip
        self.computer, self.caller, self.user, self.password = computer, caller, user, password
        self.owner, self.version, self.patience, self.interval = owner, version, patience, interval
        self._stopped, self._one = threading.Event(), threading.Lock()
        self._wait = wait or self._stopped.wait
        self.outcomes: list[Outcome] = []
        self.postponed = 0.0
        self.held: list[Late] = []
        self.server_version = ""

    # Sessions

    @property
    def busy(self) -> bool:
        """Whether a session is under way."""
        return self._one.locked()

    def session(self) -> Outcome:
        """Run one session, to whatever end; never two at once."""
        with self._one:
            return self._session()

    def _session(self) -> Outcome:
        outcome = Outcome("done")
        swapped = self.computer.swap() if self.computer.mishaps.take("wrong-file") else ""
        try:
            self._run(outcome)
        except _Gone:
            outcome.how = outcome.how if outcome.how == "broken" else "gone"
        except Unanswered as error:
            outcome.how, outcome.status = "broken", str(error)
        finally:
            self.computer.open = swapped or self.computer.open
        self.outcomes.append(outcome)
        return outcome

    def run(self, sessions: int | None = None) -> None:
        """Session after session, `interval` apart or as the service asked, until `stop`."""
        while (sessions is None or sessions > 0) and not self._stopped.is_set():
            self.session()
            sessions = None if sessions is None else sessions - 1
            self._wait(max(self.interval, self.postponed))

    def stop(self) -> None:
        """Run no more sessions."""
        self._stopped.set()

    def deliver_late(self) -> list[str]:
        """Deliver the answers that were kept back, with their old tickets; what the service says to each.

        A session does so by itself once a request of its own is out."""
        held, self.held = self.held, []
        return [self._receive(one.ticket, one.response) for one in held]

    def _run(self, outcome: Outcome) -> None:
        if not self._welcome(outcome):
            return
        path = self._authenticate(outcome)
        if path is None:
            return
        opened = self._opened(path, outcome)
        if opened is None:
            return
        self._exchange(opened, outcome)
        self._close(outcome)

    def _welcome(self, outcome: Outcome) -> bool:
        self.server_version = self.caller.text("serverVersion")
        said = self.caller.text("clientVersion", strVersion=self.version)
        if said[:2] in ("E:", "O:") and not (said[:2] == "O:" and _old_enough(said[2:], self.version)):
            outcome.how, outcome.status = "refused", said[2:]
            return False
        if said and said[:2] not in ("E:", "W:", "O:"):
            outcome.how, outcome.status = "refused", f"QBWC1046: {said!r} is no answer to clientVersion"
            return False
        return True

    def _authenticate(self, outcome: Outcome) -> str | None:
        """The company file to open ("" the open one), or None when the service let nobody in."""
        said = self.caller.texts("authenticate", strUserName=self.user, strPassword=self.password)
        if len(said) < 2:
            outcome.how, outcome.status = "broken", "QBWC1012: authenticate answered less than two texts"
            return None
        outcome.ticket, word = said[0], said[1]
        self.postponed = float(said[2]) if len(said) > 2 and said[2].strip().isdigit() else 0.0
        if len(said) > 3 and said[3].strip().isdigit():
            self.interval = max(self.interval, float(said[3]))
        if word.lower() in ("none", "nvu", "busy"):
            outcome.how = word.lower()
            outcome.status = "QBWC1040" if outcome.how == "nvu" else outcome.how
            return None
        return word

    def _opened(self, path: str, outcome: Outcome) -> Session | None:
        """QuickBooks with a company file open; the service is asked what to do when that fails."""
        for _ in range(TRIES):
            try:
                return self.computer.begin(path)
            except HResult as wrong:
                told = {"ticket": outcome.ticket, "hresult": wrong.code, "message": wrong.message}
                said = self.caller.text("connectionError", **told)
                outcome.status = wrong.code
                if said.lower() == "done":
                    break
                path = said
        outcome.how = "refused"
        self._close(outcome)
        return None

    # Exchanges

    def _exchange(self, opened: Session, outcome: Outcome) -> None:
        hcp, before, noops = self._hcp(opened), "", 0
        while True:
            request = self._send(opened, outcome.ticket, hcp)
            hcp = ""
            if not request:
                if not self._idle(outcome, noops):
                    return
                noops += 1
                continue
            noops = 0
            self.deliver_late()
            if self.computer.mishaps.take("closes", request):
                outcome.how = "closed"
                return
            response, hresult, message = self._executed(opened, request)
            outcome.exchanges += 1
            said = self._answered(outcome, request, response, before, hresult, message)
            before = response
            outcome.percents.append(said)
            if said < 0:
                outcome.how = "error"
                outcome.status = self.caller.text("getLastError", ticket=outcome.ticket)
            if not 0 <= said < 100:
                return

    def _send(self, opened: Session, ticket: str, hcp: str) -> str:
        company = opened.company
        return self.caller.text(
            "sendRequestXML", ticket=ticket, strHCPResponse=hcp, strCompanyFileName=company.path, qbXMLCountry="US",
            qbXMLMajorVers=MAJOR, qbXMLMinorVers=MINOR,
        )  # fmt: skip

    def _idle(self, outcome: Outcome, noops: int) -> bool:
        """After an empty request: whether to ask again."""
        said = self.caller.text("getLastError", ticket=outcome.ticket)
        if said.lower() == "noop" and noops < self.patience and not self._stopped.is_set():
            outcome.waited += 1
            self._wait(PAUSE)
            return True
        outcome.how, outcome.status = "error", said
        return False

    def _executed(self, opened: Session, request: str) -> tuple[str, str, str]:
        """What QuickBooks makes of a message set: its response, or an HRESULT with a message."""
        if self.computer.mishaps.take("dies", request):
            raise _Gone
        try:
            return opened.execute(request), "", ""
        except HResult as wrong:
            return "", wrong.code, wrong.message

    def _answered(self, outcome: Outcome, request: str, response: str, before: str, hresult: str, message: str) -> int:
        """What the service says to an answer, however it is delivered."""
        mishap = self.computer.mishaps.take(_DELIVERY, request)
        kind = mishap.kind if mishap else ""
        if kind in ("dies-executed", "lost"):
            outcome.how = "broken" if kind == "lost" else "gone"
            raise _Gone
        if kind == "late":
            self.held.append(Late(outcome.ticket, response))
            raise _Gone
        ticket = str(uuid.uuid4()) if kind == "other-ticket" else outcome.ticket
        said = self._receive(ticket, before if kind == "earlier" else response, hresult, message)
        if kind == "doubled":
            said = self._receive(ticket, response, hresult, message)
        if kind == "unheard":
            outcome.how = "broken"
            raise _Gone
        return _number(said)

    def _receive(self, ticket: str, response: str, hresult: str = "", message: str = "") -> str:
        told = {"ticket": ticket, "response": response, "hresult": hresult, "message": message}
        return self.caller.text("receiveResponseXML", **told)

    def _close(self, outcome: Outcome) -> None:
        said = self.caller.text("closeConnection", ticket=outcome.ticket)
        outcome.status = outcome.status or said

    def _hcp(self, opened: Session) -> str:
        # QuickBooks' own scripted faults are for what the service asks.
        return Session(opened.company, Mishaps()).execute(HCP.format(version=f"{MAJOR}.{MINOR}", owner=self.owner))


_DELIVERY = OF_CONNECTOR - {"dies", "closes", "wrong-file"}


def _number(said: str) -> int:
    try:
        return int(said)
    except ValueError:
        raise Unanswered("receiveResponseXML", f"{said!r} is no number") from None


def _old_enough(wanted: str, own: str) -> bool:
    def parts(text: str) -> list[int]:
        return [int(part) for part in text.strip().split(".") if part.isdigit()]

    return parts(own) >= parts(wanted)
