"""Dataverse's error bodies as Wherry's errors. A body is ``{"error": {"code": "0x…", "message": "…"}}``."""

from __future__ import annotations

from typing import Any

from wherry.decoding import object_in
from wherry.errors import AccessLost, ConfigError, TryAgain, WherryError
from wherry.http import Response

TOO_MUCH = {"0x80072322": "too many calls", "0x80072321": "calls that take too long", "0x80072326": "too many at once"}
"""The limits that protect the service, each within five minutes and for one user."""
NO_USER, NO_ROLE = "0x80072560", "0x80042f09"
_UNKNOWN = ("Could not find a property named", "doesn't contain attribute with", "Resource not found for the segment")


def said(response: Response) -> tuple[str, str]:
    """The code and the message of an error answer; empty where it has none."""
    error: Any = object_in(response.content).get("error")
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code") or "").lower(), str(error.get("message") or "")[:300]


def classify(response: Response) -> WherryError | None:
    """The error that an answer stands for; None leaves it to the core's table by status."""
    code, message = said(response)
    if response.status == 429:
        what = TOO_MUCH.get(code, "too much")
        return TryAgain(f"Dynamics asks for a rest: {what} in five minutes ({message})", code="WHERRY-6721")
    if response.status == 401:
        return _signed_out(message)
    if response.status == 403:
        return _no_user(message) if code in (NO_USER, NO_ROLE) else _forbidden(code, message)
    if response.status in (400, 404) and any(words in message for words in _UNKNOWN):
        return _unknown(message)
    return None


def _signed_out(message: str) -> AccessLost:
    return AccessLost(
        f"Dynamics does not accept the sign-in of this connection ({message})",
        fix="sign in again: wherry connect NAME; base_url must be the environment that the app user is in",
        code="WHERRY-5721",
    )  # fmt: skip


def _no_user(message: str) -> AccessLost:
    return AccessLost(
        f"the app is known, but it is no user with a security role in this environment: {message}",
        fix="Power Platform admin center > the environment > Settings > Application users: add the app and give it a "
        "role, then: wherry connection test NAME",
        code="WHERRY-5722",
    )  # fmt: skip


def _forbidden(code: str, message: str) -> AccessLost:
    return AccessLost(
        f"Dynamics refused access: {code}: {message}",
        fix="give the user's security role Read on that table, for the whole organisation, then: wherry connection "
        "test NAME",
        code="WHERRY-5723",
    )  # fmt: skip


def missing_table(kind: str, table: str) -> ConfigError:
    """A table that this environment does not have."""
    return ConfigError(
        f"there is no table {table} in this environment of Dynamics",
        fix="install the app that brings it, leave the kind out of the flow, or correct the logical name",
        code="WHERRY-2723", kind=kind, table=table,
    )  # fmt: skip


def _unknown(message: str) -> ConfigError:
    return ConfigError(
        f"Dynamics does not know what was asked for: {message}",
        fix="a column or table was removed lately: wherry connection discover NAME, then correct the map",
        code="WHERRY-2721",
    )  # fmt: skip


def no_progress(what: str) -> TryAgain:
    """Dynamics promises more and brings nothing new."""
    return TryAgain(
        f"Dynamics says that there is more of {what}, and sends nothing new",
        fix="run it again later; if it stays, tell Microsoft's support that the query does not advance",
        code="WHERRY-6722",
    )  # fmt: skip
