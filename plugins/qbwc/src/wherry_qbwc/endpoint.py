"""The address that the Web Connector calls: eight operations in SOAP, the contract, and the page for people.

What goes wrong in a session is told in the contract's own words (``nvu``, ``busy``, a number below zero, the text of
getLastError), so that a person reads it in the Web Connector; a fault of SOAP is for what is no call of it at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from wherry import __version__
from wherry.errors import Busy, Guarded, NotFound, WherryError
from wherry.roles import Connection, Services
from wherry.web.routes import Host, HttpRequest, HttpResponse, HttpRoute
from wherry.web.throttle import Throttle

from wherry_qbwc import contacts, passwords
from wherry_qbwc.sessions import Session, Sessions, Work, new_ticket, sentence
from wherry_qbwc.soap import guard, messages
from wherry_qbwc.soap.messages import MEDIA, Asked
from wherry_qbwc.soap.words import Result, Version
from wherry_qbwc.soap.wsdl import wsdl

PATH = "/hooks/qbwc/{connection}"
OPEN = "signs in by user and password of its own"
NO_OP = "NoOp"
POSTPONED = 60
"""Seconds after which the Web Connector comes again that found another session going on."""
_DONE = "Everything is done."

T = TypeVar("T")
Begin = Callable[[Connection], Work]
"""Starts the work of a session."""


def routes(
    services: Services, host: Host, begin: Begin, company_file: Callable[[Connection], str]
) -> Sequence[HttpRoute]:
    """What is mounted for all connections of the plugin. ``company_file``: which one the Web Connector opens; empty:
    whichever is open."""
    endpoint = Endpoint(services, host, begin, company_file)
    return [
        HttpRoute(method="POST", path=PATH, handle=endpoint.post, open=OPEN, most=guard.MOST_BYTES,
                  about="Calls of the QuickBooks Web Connector."),
        HttpRoute(method="GET", path=PATH, handle=endpoint.get, open="public: the contract, which holds no data",
                  most=0, about="The contract of these calls, with ?wsdl."),
        HttpRoute(method="GET", path=f"{PATH}/support", handle=endpoint.support, open="public: a page of help", most=0,
                  about="Where the Web Connector sends people for help."),
    ]  # fmt: skip


class Endpoint:
    """Answers the calls. Safe for threads; one for a process."""

    def __init__(self, services: Services, host: Host, begin: Begin, company_file: Callable[[Connection], str]) -> None:
        self._host, self._log, self._begin, self._company_file = host, services.log, begin, company_file
        self.sessions = Sessions(host, services)
        self._clock, self._throttle = services.clock, Throttle(services.clock)
        self._clients: dict[str, str] = {}
        self._operations: Mapping[str, Callable[[Connection, Asked, HttpRequest], Result]] = {
            "serverVersion": lambda *_: f"Wherry {__version__}",
            "clientVersion": self._client_version,
            "authenticate": self._authenticate,
            "sendRequestXML": self._send,
            "receiveResponseXML": self._receive,
            "connectionError": self._connection_error,
            "getLastError": self._last_error,
            "closeConnection": self._close,
        }

    # -- addresses -----------------------------------------------------------------------------------------------------

    def post(self, call: HttpRequest) -> HttpResponse:
        """One call. Raises NotFound for a connection that there is not, Guarded for a caller who guessed too often."""
        connection = self._connection(call)
        try:
            asked = messages.read(call.headers, call.body)
            result = self._operations[asked.operation](connection, asked, call)
        except Guarded as error:
            if error.code == "WHERRY-7061":
                raise
            self._log.warning("call refused", connection=connection.name, code=error.code, reason=error.message)
            return _fault(messages.version_of(call.headers), f"{error.message} ({error.code})")
        content = messages.answer(asked.version, asked.operation, result)
        return HttpResponse(content=content, media=MEDIA[asked.version])

    def get(self, call: HttpRequest) -> HttpResponse:
        """The contract with ``?wsdl``; without it a word of what this is."""
        self._connection(call)
        if any(name.lower() == "wsdl" for name, _ in call.query):
            return HttpResponse(content=wsdl(call.url.partition("?")[0]), media="text/xml; charset=utf-8")
        return _page("This address is for the QuickBooks Web Connector. Its contract: the same address with ?wsdl")

    def support(self, call: HttpRequest) -> HttpResponse:
        """The page of help. The Web Connector asks for it before it takes the file."""
        name = self._connection(call).name
        return _page(f"Help is where Wherry runs: wherry qbwc status {name}")

    def _connection(self, call: HttpRequest) -> Connection:
        name = str(call.given.get("connection", ""))
        found = self._host.connections.get(name)
        if found is None:
            raise NotFound(
                "there is no such connection of QuickBooks Desktop",
                fix="make the .QWC file again: wherry qbwc file NAME", code="WHERRY-3350",
            )  # fmt: skip
        return found

    # -- before a session ----------------------------------------------------------------------------------------------

    def _client_version(self, connection: Connection, asked: Asked, call: HttpRequest) -> str:
        said = asked.text("strVersion")[:40]
        self._clients[connection.name] = said if said.isprintable() else ""
        return ""

    def _authenticate(self, connection: Connection, asked: Asked, call: HttpRequest) -> list[str]:
        self._throttle.check(call.address)
        with self._host.reading() as documents:
            access = passwords.load(documents, connection.name)
        user, now = asked.text("strUserName"), self._clock.now()
        right = passwords.matches(access, user, asked.text("strPassword"))
        if access is None or not right:
            self._throttle.note(call.address)
            self._log.warning("wrong user or password", connection=connection.name, client=call.address)
            with self._host.changing("qbwc") as change:
                contacts.refused(change.documents, connection.name, access, now, call.address, user)
            return [new_ticket(), "nvu"]
        with self._host.changing("qbwc") as change:
            contacts.admitted(change.documents, connection.name, access, now)
        try:
            return self._admitted(connection, call)
        except Busy as error:
            self._log.info("told to come later", connection=connection.name, reason=error.message)
            return [new_ticket(), "busy", str(POSTPONED)]

    def _admitted(self, connection: Connection, call: HttpRequest) -> list[str]:
        client = self._clients.get(connection.name, "")
        with self.sessions.turn(connection.name):
            self.sessions.make_room(connection.name)
            work = self._begin(connection)
            ticket = self.sessions.open(connection.name, work, address=call.address, client=client)
        self._log.info("session opened", connection=connection.name, client=call.address)
        return [ticket, self._company_file(connection)]

    # -- in a session --------------------------------------------------------------------------------------------------

    def _send(self, connection: Connection, asked: Asked, call: HttpRequest) -> str:
        session = self._session(connection, asked, call)
        if session is None:
            return ""
        with _turn(session):
            if not self._same_file(session, asked.text("strCompanyFileName")):
                return ""
            told = self._caught(session, lambda: self._next(session, asked), "")
            if not self.sessions.alive(session):
                return ""  # it ended while the work was waited for: what nobody will answer is not handed out
            if told:
                session.out = True
                session.learn(handed=session.kept.handed + 1)
            elif session.problem != NO_OP:
                session.end(session.problem)
            return told

    def _next(self, session: Session, asked: Asked) -> str:
        return session.work.next(
            asked.text("strHCPResponse"), session.kept.company_file, asked.text("qbXMLCountry"),
            asked.number("qbXMLMajorVers"), asked.number("qbXMLMinorVers"),
        )  # fmt: skip

    def _same_file(self, session: Session, said: str) -> bool:
        """A ticket is good for the company file that its session began with."""
        held = session.kept.company_file
        if not said or said == held:
            return True
        if held:
            session.end("Another company file was opened during the session. Open the right one and update again.")
            return False
        session.learn(company_file=said[:500])
        return True

    def _receive(self, connection: Connection, asked: Asked, call: HttpRequest) -> int:
        session = self._session(connection, asked, call)
        if session is None:
            return -1
        with _turn(session):
            return self._heard(session, asked.text("response"), asked.text("hresult"), asked.text("message"))

    def _heard(self, session: Session, response: str, hresult: str, message: str) -> int:
        mark = hash((response, hresult))
        if not session.out:
            return self._unasked(session, mark)
        session.listen(response, hresult, message)
        session.out, session.last = False, mark
        session.percent = self._caught(session, lambda: _percent(session.work.heard(response, hresult, message)), -1)
        if session.percent in (-1, 100):
            session.end(session.problem if session.percent < 0 else "")
        return session.percent

    def _unasked(self, session: Session, mark: int) -> int:
        """The first answer counts. The same one again gets the same number; another is nobody's."""
        self._log.warning("an answer that nothing asked for", connection=session.connection, again=mark == session.last)
        if mark == session.last:
            return session.percent
        session.end("An answer came that nothing was asked for. Update again: what is open is looked up first.")
        return -1

    def _connection_error(self, connection: Connection, asked: Asked, call: HttpRequest) -> str:
        """No other company file is tried instead: whether the right one cannot be opened is for a person to see."""
        session = self._session(connection, asked, call)
        if session is not None:
            hresult, message = asked.text("hresult"), asked.text("message")
            session.listen("", hresult or "0x80040402", message)
            with _turn(session):
                self._caught(session, lambda: session.work.broken(hresult, message), None)
            session.end(session.problem)
        return "done"

    def _last_error(self, connection: Connection, asked: Asked, call: HttpRequest) -> str:
        try:
            session = self.sessions.find(connection.name, asked.text("ticket"))
        except Guarded as error:
            return sentence(error)
        return session.problem or _DONE

    def _close(self, connection: Connection, asked: Asked, call: HttpRequest) -> str:
        try:
            session = self.sessions.find(connection.name, asked.text("ticket"))
        except Guarded:
            return "Closed"
        said = self.sessions.close(session)
        self._log.info("session closed", connection=connection.name, handed=session.kept.handed)
        return said or "Closed"

    # -- what all of them share ----------------------------------------------------------------------------------------

    def _session(self, connection: Connection, asked: Asked, call: HttpRequest) -> Session | None:
        """The session of a ticket; None where there is none, which counts as a guess."""
        self._throttle.check(call.address)
        try:
            return self.sessions.find(connection.name, asked.text("ticket"))
        except Guarded as error:
            self._throttle.note(call.address)
            self._log.warning("wrong ticket", connection=connection.name, client=call.address, code=error.code)
            return None

    def _caught(self, session: Session, do: Callable[[], T], failed: T) -> T:
        """What the work raises ends the session, with its sentence for the person."""
        try:
            return do()
        except WherryError as error:
            session.end(sentence(error))
        except Exception as error:
            self._log.error("the work of a session failed", connection=session.connection, exc_info=error)
            session.end("Wherry failed at this; its log says why. Update again: what is open is looked up first.")
        return failed


@contextlib.contextmanager
def _turn(session: Session) -> Iterator[None]:
    """One call of a session at a time. Raises Guarded (WHERRY-7353) for the second."""
    if not session.turn.acquire(blocking=False):
        raise Guarded("this session is asking already", fix="call again when it is answered", code="WHERRY-7353")
    try:
        yield
    finally:
        session.turn.release()


def _percent(said: int) -> int:
    """1 to 100, or -1: the Web Connector takes nothing else."""
    return -1 if said < 0 else min(max(said, 1), 100)


def _page(text: str) -> HttpResponse:
    return HttpResponse(content=f"{text}\n".encode(), media="text/plain; charset=utf-8")


def _fault(version: Version, message: str) -> HttpResponse:
    """SOAP 1.1 knows one status for faults; 1.2 tells whose fault it was."""
    content = messages.fault(version, message)
    return HttpResponse(status=500 if version == "1.1" else 400, content=content, media=MEDIA[version])
