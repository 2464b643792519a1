"""What an answer, or the lack of one, means: the core's own table by status, and the words for a person.

A plugin's ``classify`` may narrow what a vendor's error body says. Source: architecture.md section 6;
faults-and-security.md E5, E7, E18.
"""

from __future__ import annotations

import datetime as dt
import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpcore
import msgspec
from msgspec import Struct

from wherry.clock import date_of
from wherry.decoding import NO_JSON
from wherry.errors import AccessLost, ContractBroken, Rejected, TryAgain, WherryError
from wherry.http.profile import Profile, Response
from wherry.redaction import scrub
from wherry.wording import of_connection

NETWORK_ERRORS = (
    httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError,
)  # fmt: skip
LONGEST_AFTER = 24 * 3600.0
"""Seconds: whoever asks to be left alone for longer is asked again after a day."""

_CORRELATION = re.compile(r"(?i)(?:^|[-_])(?:correlation|request|trace|transaction|activity)[-_]?id$|_tid$")
_MESSAGE_KEYS = ("message", "error_description", "detail", "title", "Message", "error", "errors", "fault", "Fault")
_NOT_THERE = frozenset({404, 410})
_ASKED_WRONGLY = frozenset({405, 406, 411, 414, 415, 431, 501, 505})
_LATER = frozenset({408, 423, 425})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

_NO_ANSWERER = ("WHERRY-6046", "WHERRY-6053")
_ADDRESS = "check the address (base_url), and whether what is to answer there runs; then run it again: nothing was lost"


class Asked(Struct, frozen=True):
    """What an error may say of a request: never its query, headers or body."""

    connection: str
    method: str
    host: str
    path: str

    @property
    def title(self) -> str:
        """For sentences: ``crm (api.example.com)``."""
        return f"{self.connection} ({self.host})" if self.connection else self.host

    def where(self, **more: Any) -> dict[str, Any]:
        """The error's ``where``."""
        return {"connection": self.connection, "method": self.method, "path": scrub(self.path), **more}


def error_of(call: Asked, response: Response, profile: Profile, after: float | None) -> WherryError:
    """The error that an answer stands for: the plugin's word, else the table's. ``after``: seconds to wait."""
    error = profile.classify(response) if profile.classify is not None else None
    if error is None:
        return _by_status(call, response, profile, after)
    error.message, error.fix = scrub(error.message), scrub(of_connection(error.fix, call.connection))
    error.args = (error.message,)
    for name, value in _evidence(call, response).items():
        error.where.setdefault(name, value)
    if isinstance(error, TryAgain) and error.after is None:
        error.after = after
    return error


def _by_status(call: Asked, response: Response, profile: Profile, after: float | None) -> WherryError:
    status, where = response.status, _evidence(call, response)
    said = _said(response)
    if status == 429:
        return TryAgain(f"{call.title} asks for fewer calls{said}", after=after, code="WHERRY-6043", **where)
    if status == 407:
        return TryAgain(
            f"a proxy stands before {call.title} and wants a sign-in of its own (407){said}",
            fix="ask whoever runs the network to let this machine through to that host",
            code="WHERRY-6050", **where, sent="no",
        )  # fmt: skip
    if status in profile.retry_statuses or status in _LATER or (status >= 500 and status not in _ASKED_WRONGLY):
        return TryAgain(
            f"{call.title} is out of order: status {status}{said}", after=after, code="WHERRY-6044", **where
        )
    if status in (401, 402, 403):
        return _access_lost(call, status, said, where)
    if status in _NOT_THERE:
        return Rejected(f"{call.title} has no {scrub(call.path)}{said}", code="WHERRY-4041", **where)
    if status in _ASKED_WRONGLY or status < 400:
        return ContractBroken(
            f"{call.title} does not know such a call: {call.method} {scrub(call.path)} gave status {status}{said}",
            fix="the plugin and the system are not of one version: look for a newer plugin",
            code="WHERRY-1140", **where,
        )  # fmt: skip
    return Rejected(f"{call.title} refused the call with status {status}{said}", code="WHERRY-4042", **where)


def _access_lost(call: Asked, status: int, said: str, where: dict[str, Any]) -> AccessLost:
    name = call.connection or "NAME"
    if status == 401:
        return AccessLost(
            f"{call.title} no longer accepts the sign-in{said}",
            fix=f"sign in again: wherry connect {name}", code="WHERRY-5041", **where,
        )  # fmt: skip
    what = (
        "this needs a subscription that the account does not have" if status == 402 else "a right or scope is missing"
    )
    return AccessLost(
        f"{call.title} does not allow {call.method} {scrub(call.path)}: {what}{said}",
        fix=f"grant it there, then check: wherry connection test {name}", code="WHERRY-5042", **where,
    )  # fmt: skip


def junk(call: Asked, response: Response, why: Exception) -> TryAgain:
    """A good status with a body that cannot be what was asked for."""
    kind = response.headers.get("content-type", "no type").partition(";")[0]
    return TryAgain(
        f"{call.title} answered {scrub(call.path)} with a body that cannot be read ({kind}, {len(response.content)} "
        f"bytes): {scrub(str(why))[:200]}",
        code="WHERRY-6045", **_evidence(call, response),
    )  # fmt: skip


def failure(call: Asked, error: Exception) -> TryAgain:
    """No answer, or half of one. ``where["sent"]`` is "no" where the request provably never left."""
    sent, code, why = _cause(error)
    return TryAgain(
        f"{call.title} {why}", code=code, fix=_ADDRESS if code in _NO_ANSWERER else "",
        **call.where(sent="no" if not sent else "perhaps"),
    )  # fmt: skip


def _cause(error: Exception) -> tuple[bool, str, str]:
    """Whether the request may have been sent, the code, and a sentence that says which of the many it was."""
    if isinstance(error, httpcore.PoolTimeout):
        return False, "WHERRY-6051", "was not asked: all connections were in use for too long"
    if isinstance(error, httpcore.ProxyError):
        return False, "WHERRY-6050", f"could not be reached through the proxy: {scrub(str(error))}"
    if isinstance(error, httpcore.ConnectTimeout):
        return False, "WHERRY-6049", "could not be reached: nobody answered in time"
    if isinstance(error, httpcore.ConnectError):
        return False, *_connect_cause(error)
    if isinstance(error, httpcore.TimeoutException):
        return True, "WHERRY-6049", f"did not answer in time: {error or 'it fell silent'}"
    return True, "WHERRY-6052", f"broke off before its answer was complete: {scrub(str(error)) or type(error).__name__}"


def _connect_cause(error: Exception) -> tuple[str, str]:
    for cause in _chain(error):
        if isinstance(cause, socket.gaierror | UnicodeError):
            return "WHERRY-6046", "could not be found: its name is not known to the name server (DNS)"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "WHERRY-6047", f"showed a certificate that is not valid (TLS): {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "WHERRY-6047", f"could not agree on encryption (TLS): {cause.reason or cause}"
        if isinstance(cause, ConnectionRefusedError):
            return "WHERRY-6053", "refused the connection: nothing listens at that address and port"
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return "WHERRY-6054", "has an address that this machine has no route to (perhaps it has IPv6 only)"
    return "WHERRY-6055", f"could not be reached: {scrub(str(error))}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def retry_after(headers: Mapping[str, str], now: dt.datetime) -> float | None:
    """Seconds that Retry-After asks for, by number or by date, at most a day; None when it is absent or senseless.

    A date is counted from the answer's own Date where there is one: the two come from one clock.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return min(float(text), LONGEST_AFTER)
    until = date_of(text)
    if until is None:
        return None
    start = date_of(headers.get("date", "")) or now
    return min(max((until - start).total_seconds(), 0.0), LONGEST_AFTER)


def _evidence(call: Asked, response: Response) -> dict[str, Any]:
    names = (name for name in response.headers if _CORRELATION.search(name))
    ids = [response.headers[name] for name in names] or _ids_in(_body(response))
    return call.where(status=response.status, correlation=scrub(ids[0])[:100] if ids else "")


def _ids_in(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return []
    return [value for name, value in body.items() if isinstance(value, str) and _CORRELATION.search(_snake(name))]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


def _body(response: Response) -> Any:
    try:
        return msgspec.json.decode(response.content)
    except NO_JSON:
        return None


def _said(response: Response) -> str:
    text = _message(_body(response), 4)
    return f": {scrub(text)[:300]}" if text else ""


def _message(body: Any, depth: int) -> str:
    """The vendor's sentence, wherever vendors are wont to put it."""
    if isinstance(body, str):
        return " ".join(body.split())
    if depth and isinstance(body, list) and body:
        return _message(body[0], depth - 1)
    if depth and isinstance(body, dict):
        return next((text for key in _MESSAGE_KEYS if (text := _message(body.get(key), depth - 1))), "")
    return ""
