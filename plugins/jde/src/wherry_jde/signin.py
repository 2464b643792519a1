"""Signing in to the AIS server: a session for each client, by user and password, ended when the client is closed.

Facts: ``tokenrequest`` gives a token that is bound to the device name and to one node behind a load balancer, so the
cookies of its answer go along; 444 says that a token is not valid or has expired, and the call did not run; sessions
are licensed, those that nobody ends time out (API.md). The password leaves in that one request, and nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from http.cookies import CookieError, SimpleCookie
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from wherry.decoding import object_in
from wherry.errors import AccessLost, ConfigError, TryAgain
from wherry.redaction import remember
from wherry.signin import REPLAY

from .faults import said
from .settings import FIXED, JdeSettings

EXPIRED = 444
LOGIN, LOGOUT, OPEN = "/jderest/v2/tokenrequest", "/jderest/v2/tokenrequest/logout", "/jderest/defaultconfig"
Flow = Generator[httpx.Request, httpx.Response, None]


class _Session(Struct):
    token: str
    cookies: dict[str, str]
    user: dict[str, Any]
    environment: str


class SessionAuth(httpx.Auth):
    """One session, shared between threads. Only what may be repeated is sent again after it has expired."""

    def __init__(self, settings: JdeSettings, password: Callable[[], str]) -> None:
        self._settings, self._password = settings, password
        self._session: _Session | None = None
        self._lock = threading.Lock()

    @property
    def environment(self) -> str:
        """Where the session is, as the server says; empty where there is none."""
        return self._session.environment if self._session else ""

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Sign in where nobody is, sign, and log in once more where the session has ended."""
        if request.url.path.endswith(OPEN):
            yield request
            return
        session = yield from self._current()
        response = yield self._signed(request, session)
        self._heard(session, response)
        if response.status_code == EXPIRED:
            self._forget(session)
            if request.extensions.get(REPLAY):
                session = yield from self._current()
                self._heard(session, (yield self._signed(request, session)))

    def sign_out(self) -> httpx.Request | None:
        """The request that gives the session back (``wherry.http.signing.SignsOut``)."""
        session, self._session = self._session, None
        if session is None:
            return None
        return self._signed(self._post(LOGOUT, {"token": session.token}), session)

    def _current(self) -> Generator[httpx.Request, httpx.Response, _Session]:
        with self._lock:
            if self._session is None:
                settings = self._settings
                response = yield self._post(LOGIN, {
                    "username": settings.username, "password": self._password(),
                    "environment": settings.environment, "role": settings.role, "deviceName": settings.device,
                })  # fmt: skip
                response.read()
                self._session = self._opened(response)
            return self._session

    def _forget(self, session: _Session) -> None:
        with self._lock:
            if self._session is session:
                self._session = None

    def _post(self, path: str, body: dict[str, str]) -> httpx.Request:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return httpx.Request(
            "POST", f"{self._settings.base_url}{path}", content=msgspec.json.encode(body), headers=headers
        )

    def _signed(self, request: httpx.Request, session: _Session) -> httpx.Request:
        request.headers["jde-AIS-Auth"] = session.token
        request.headers["jde-AIS-Auth-Device"] = self._settings.device
        if session.cookies:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
        return request

    @staticmethod
    def _heard(session: _Session, response: httpx.Response) -> None:
        session.cookies |= _cookies(response)

    # -- what the server says -----------------------------------------------------------------------------------------

    def _opened(self, response: httpx.Response) -> _Session:
        """The session. Raises AccessLost, TryAgain, and ConfigError for one that is not as it was meant."""
        body = object_in(response.content)
        if response.status_code in (400, 401, 403, EXPIRED):
            raise self._refused(said(body))
        user = body.get("userInfo")
        token = user.get("token") if isinstance(user, dict) else None
        if response.status_code != 200 or not isinstance(user, dict) or not isinstance(token, str) or not token:
            raise TryAgain(
                f"JD Edwards did not open a session (status {response.status_code})", code="WHERRY-6940",
                after=_after(response),
            )  # fmt: skip
        session = _Session(remember(token), _cookies(response), user, str(body.get("environment") or "").strip())
        if cookie := body.get("aisSessionCookie"):
            session.cookies.setdefault("aisSessionCookie", remember(str(cookie)))
        try:
            self._fits(user, session.environment)
        except ConfigError:
            self._session = session  # so that it is given back when the client is closed
            raise
        return session

    def _refused(self, words: str) -> AccessLost:
        told = f" ({words})" if words else ""
        who = f"{self._settings.username} in {self._settings.environment} with the role {self._settings.role}"
        return AccessLost(
            f"JD Edwards does not let {who} in{told}", code="WHERRY-5940",
            fix="compare username, password, environment and role; then run it again",
        )  # fmt: skip

    def _fits(self, user: dict[str, Any], environment: str) -> None:
        if environment and environment.casefold() != self._settings.environment.casefold():
            raise ConfigError(
                f"JD Edwards opened a session in {environment}, and the connection is for {self._settings.environment}",
                code="WHERRY-2950", key="environment",
                fix="write the environment that is meant; the user, or the AIS server, may be bound to another",
            )  # fmt: skip
        sign, form = str(user.get("decimalFormat") or ""), str(user.get("simpleDateFormat") or "")
        if sign != ".":
            raise ConfigError(
                f"the JD Edwards user {self._settings.username} has {sign!r} as decimal sign, and amounts are sent "
                "with a point", code="WHERRY-2941", key="username",
                fix='set the decimal format of that user to "." in its user profile (P0092)',
            )  # fmt: skip
        if self._settings.dates not in FIXED and form != self._settings.dates:
            raise ConfigError(
                f"dates is {self._settings.dates!r}, and the JD Edwards user {self._settings.username} has {form!r}",
                code="WHERRY-2942", key="dates",
                fix=f'write dates = "{form or "iso"}", or whatever else the orchestrations take',
            )  # fmt: skip


def _after(response: httpx.Response) -> float | None:
    told = response.headers.get("retry-after", "")
    return float(told) if response.status_code == 429 and told.isdecimal() else None


def _cookies(response: httpx.Response) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in response.headers.get_list("set-cookie"):
        try:
            found |= {name: remember(morsel.value) for name, morsel in SimpleCookie(line).items()}
        except CookieError:
            continue
    return found
