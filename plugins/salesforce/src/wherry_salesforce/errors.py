"""Salesforce's error bodies as Wherry's errors. A body is a list of ``{errorCode, message}``."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from wherry.decoding import NO_JSON
from wherry.errors import AccessLost, ConfigError, TryAgain, WherryError
from wherry.http import Response

HOUR, HALF_MINUTE = 3_600.0, 30.0
TEMPORARY = frozenset({"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION"})
UNKNOWN_NAMES = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
_RECORD = re.compile(r"/sobjects/|/query/")
SIGNED_OUT = frozenset({"INVALID_SESSION_ID", "INVALID_AUTH_HEADER"})


def said(response: Response) -> tuple[str, str]:
    """The code and the message of an error answer; empty where it has none."""
    try:
        body = msgspec.json.decode(response.content)
    except NO_JSON:
        return "", ""
    first: Any = body[0] if isinstance(body, list) and body else body
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("errorCode") or ""), str(first.get("message") or "")[:300]


def classify(response: Response) -> WherryError | None:
    """The error that an answer stands for; None leaves it to the core's table by status."""
    code, message = said(response)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limit(message)
    if response.status == 401 or code in SIGNED_OUT:
        return _signed_out(message)
    if response.status == 403:
        return _forbidden(code, message)
    if response.status in (404, 410) and not _RECORD.search(response.url):
        return _no_such_version(response.url)
    if code == "INVALID_QUERY_LOCATOR":
        return no_progress("a query's pages")
    if code in TEMPORARY:
        return TryAgain(f"Salesforce could not answer now: {code}: {message}", code="WHERRY-6762")
    if code in UNKNOWN_NAMES:
        return _unknown(message)
    return None


def _limit(message: str) -> TryAgain:
    """One code for two things: the day's calls, and too many long calls at once. The message tells them apart."""
    if message.startswith("TotalRequests"):
        return TryAgain(
            "the calls that Salesforce allows the org in 24 hours are used up",
            after=HOUR, fix="nothing was lost; it goes on by itself. Setup → Company Information shows the count",
            code="WHERRY-6761",
        )  # fmt: skip
    return TryAgain(f"Salesforce has too many long calls at once: {message}", after=HALF_MINUTE, code="WHERRY-6763")


def _signed_out(message: str) -> AccessLost:
    return AccessLost(
        f"Salesforce does not accept the sign-in of this connection ({message})",
        fix="sign in again: wherry connect NAME", code="WHERRY-5761",
    )  # fmt: skip


def _forbidden(code: str, message: str) -> AccessLost:
    return AccessLost(
        f"Salesforce refused access: {code}: {message}",
        fix="give the user API access and the permission set for what is read, then: wherry connection test NAME",
        code="WHERRY-5762",
    )  # fmt: skip


def hidden(what: str, kind: str, connection: str) -> AccessLost:
    """An object that the user does not see. Salesforce answers the same for one that there is not."""
    return AccessLost(
        f"Salesforce shows the user of this connection no object {what}: there is none, or it may not read it",
        fix="correct its name, or give the user a permission set with Read on it, then: "
        f"wherry connection discover {connection} --kind {kind}",
        code="WHERRY-5763", kind=kind, connection=connection,
    )  # fmt: skip


def _no_such_version(url: str) -> ConfigError:
    """The paths that are asked without a record's id are there in every version that is alive."""
    return ConfigError(
        f"Salesforce has nothing at {url.partition('?')[0]}: the org does not know this version of the API, or "
        "the address is none of an org",
        fix="check base_url and api of the connection; the org lists its versions at /services/data",
        code="WHERRY-2765",
    )  # fmt: skip


def _unknown(message: str) -> ConfigError:
    return ConfigError(
        f"Salesforce does not know what was asked for: {message}",
        fix="a field or object was removed or hidden lately: wherry connection discover NAME, then correct the map",
        code="WHERRY-2761",
    )  # fmt: skip


def no_progress(what: str) -> TryAgain:
    """Salesforce promises more and brings nothing new."""
    return TryAgain(
        f"Salesforce says that there is more of {what}, and sends nothing new",
        fix="run it again later; if it stays, tell Salesforce's support that the query does not advance",
        code="WHERRY-6764",
    )  # fmt: skip
