"""Signing in: a session by login, and a new one where the gateway no longer knows it.

Facts: ``getAPISession`` stands alone in its request and answers with a session and its endpoint; later calls must go to
that endpoint; each call extends the session (API.md). A request that is turned away for its session had no function
executed, so it goes again with a new one, once, whatever its effect.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator
from typing import Any

import httpx
from msgspec import Struct
from wherry.errors import AccessLost, TryAgain, WherryError
from wherry.http.transport import HANDED
from wherry.redaction import remember

from . import envelope
from .envelope import HEADERS, PATH, THROTTLED, Told
from .settings import IntacctSettings
from .xml import unreadable

Flow = Generator[httpx.Request, httpx.Response, None]
_TURNED_AWAY = re.compile(rb"<authentication>\s*<status>failure")
_SHUT_OUT = re.compile(rb"<(control|authentication)>\s*<status>failure")
NOT_LET_IN = "XL03000006"
_HEAD = 4096
"""Bytes of an answer that its two upper levels stand in."""


class Session(Struct, frozen=True):
    """A session, and where it is to be used."""

    id: str
    endpoint: str


class SessionAuth(httpx.Auth):
    """Fills the credentials of a connection into its requests. Shared between threads."""

    def __init__(self, settings: IntacctSettings, reveal: Callable[[Any], str]) -> None:
        self._settings, self._reveal = settings, reveal
        self._lock = threading.Lock()
        self._held: Session | None = None

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Sign; where the session is no longer known, log in again and send the same once more. Raises AccessLost where
        nobody is let in any more."""
        body = request.content
        session = yield from self._session(None)
        response = yield self._signed(request, body, session)
        if _says(response, _TURNED_AWAY):
            request.extensions.pop(HANDED, None)  # it had no effect, as if it had not left
            session = yield from self._session(session)
            response = yield self._signed(request, body, session)
        if _says(response, _SHUT_OUT):
            told = envelope.told(response.content)
            if told.fault.number == NOT_LET_IN and (error := failure(told)):
                request.extensions.pop(HANDED, None)
                raise error

    def _session(self, stale: Session | None) -> Generator[httpx.Request, httpx.Response, Session]:
        with self._lock:
            if self._held is None or self._held == stale:
                self._held = yield from self._login()
            return self._held

    def _login(self) -> Generator[httpx.Request, httpx.Response, Session]:
        told = self._settings
        login = {"userid": told.user, "companyid": told.company, "password": self._reveal(told.password)}
        if told.entity:
            login["locationid"] = told.entity
        frame = envelope.framed([("session", {"getAPISession": {}})], control="session", unique=False)
        body = envelope.signed(frame, told.sender, self._reveal(told.sender_password), {"login": login})
        response = yield httpx.Request("POST", f"{told.url}/{PATH}", content=body, headers=HEADERS)
        response.read()
        return _session_in(response)

    def _signed(self, request: httpx.Request, body: bytes, session: Session) -> httpx.Request:
        """The very request, at the session's endpoint: who sent it is told by it whether anything left."""
        told, sign = self._settings, {"sessionid": session.id}
        made = envelope.signed(body, told.sender, self._reveal(told.sender_password), sign)
        request.url = httpx.URL(session.endpoint or f"{told.url}/{PATH}")
        request.stream = httpx.ByteStream(made)
        request.headers["Host"] = request.url.netloc.decode("ascii")
        request.headers["Content-Length"] = str(len(made))
        return request


def _says(response: httpx.Response, what: re.Pattern[bytes]) -> bool:
    """Whether its upper levels say so."""
    if response.status_code != httpx.codes.OK:
        return False
    response.read()
    return what.search(response.content[:_HEAD]) is not None


def _session_in(response: httpx.Response) -> Session:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise throttled()
    if response.status_code != httpx.codes.OK:
        raise TryAgain(f"Sage Intacct is out of order: status {response.status_code}", code="WHERRY-6712")
    told = envelope.told(response.content)
    if error := failure(told):
        raise error
    row = next((one for result in told.results for one in result.rows if one.get("sessionid")), None)
    if row is None:
        raise unreadable("it has no session")
    return Session(remember(row["sessionid"]), row.get("endpoint", ""))


def failure(told: Told) -> WherryError | None:
    """The error of an answer whose upper levels failed; None where they did not."""
    words = f": {told.fault.text}" if told.fault.text else ""
    if not told.failed:
        return None
    if told.fault.number == THROTTLED:
        return throttled()
    if told.fault.number.startswith("GW-"):
        return TryAgain(f"the gateway of Sage Intacct did not take the call{words}", code="WHERRY-6712")
    if told.failed == "control":
        return AccessLost(
            f"Sage Intacct does not accept the sender of this connection{words}", code="WHERRY-5710",
            fix="compare sender and sender_password with the developer licence; then run it again",
        )  # fmt: skip
    return AccessLost(
        f"Sage Intacct does not let this connection in{words}", code="WHERRY-5711",
        fix="compare company, entity, user and password, and look whether the company has authorised the sender "
        "(Company > Security > Web Services authorizations); then run it again",
    )  # fmt: skip


def throttled() -> TryAgain:
    """The error for too many calls."""
    return TryAgain("Sage Intacct takes no more calls for now", code="WHERRY-6711")
