"""HubSpot's error bodies as Wherry's errors, and its rate headers as a pace.

Facts: "Handling errors" and "Usage guidelines" on developers.hubspot.com. Every field of a body is optional there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wherry.decoding import object_in
from wherry.errors import AccessLost, ConfigError, TryAgain, WherryError

if TYPE_CHECKING:
    from wherry.http import Response

LOCKED_WAIT = 2.0
MIGRATION, LOCKED = 477, 423
_SCOPE = re.compile(r"\b[a-z][a-z_-]*(?:[.-][a-z_]+)+\b")


def body_of(response: Response) -> dict[str, Any]:
    """The error body; empty when it is no JSON object. Some bodies nest a JSON text inside ``message``."""
    return object_in(response.content)


def classify(response: Response) -> WherryError | None:
    """The error an answer stands for; None leaves it to the table by status.

    Returns AccessLost (401, 403: names the missing scopes), TryAgain (daily quota, locks, migration) or ConfigError
    (an object type that the account does not have).
    """
    body = body_of(response)
    if response.status == 401:
        return _signed_out(body)
    if response.status == 403:
        return _forbidden(body)
    if response.status == 429 and body.get("policyName") == "DAILY":
        return _daily_quota()
    if response.status in (LOCKED, MIGRATION):
        return _busy(response)
    if response.status == 400 and "infer object type" in said(body):
        return _unknown_type(body)
    return None


def said(body: Mapping[str, Any]) -> str:
    """HubSpot's own sentence."""
    return str(body.get("message") or "")


def _signed_out(body: Mapping[str, Any]) -> AccessLost:
    return AccessLost(
        "HubSpot does not accept the token of this connection" + _quoted(body),
        fix="sign in again, or give it a valid service key: wherry connect NAME",
        code="WHERRY-5701",
    )


def _forbidden(body: Mapping[str, Any]) -> AccessLost:
    scopes = missing_scopes(body)
    what = f"the token lacks the scopes {', '.join(scopes)}" if scopes else "the token may not read this"
    return AccessLost(
        f"HubSpot refused access: {what}" + _quoted(body),
        fix="add the scopes to the service key or app in HubSpot, then run `wherry connection test NAME`",
        code="WHERRY-5702",
        scopes=", ".join(scopes),
    )


def missing_scopes(body: Mapping[str, Any]) -> list[str]:
    """The scopes that a MISSING_SCOPES body names, in its contexts or else in its message."""
    contexts = [body.get("context"), *(e.get("context") for e in body.get("errors") or () if isinstance(e, dict))]
    named = [
        str(scope)
        for context in contexts
        if isinstance(context, dict)
        for key, scopes in context.items()
        if "scope" in key.lower() and isinstance(scopes, list)
        for scope in scopes
    ]
    return list(dict.fromkeys(named or _SCOPE.findall(said(body).partition("scope")[2])))


def _daily_quota() -> TryAgain:
    """The account's calls of the day are used up; only midnight brings new ones."""
    return TryAgain(
        "HubSpot's daily number of calls is used up for this account",
        fix="nothing was lost; it goes on by itself after midnight in the time zone of the HubSpot account",
        code="WHERRY-6701",
        policy="DAILY",
    )


def _busy(response: Response) -> TryAgain:
    if response.status == LOCKED:
        return TryAgain("HubSpot has locked the record", after=LOCKED_WAIT, code="WHERRY-6702")
    return TryAgain("HubSpot is moving this account between data centres", code="WHERRY-6703")


def _unknown_type(body: Mapping[str, Any]) -> ConfigError:
    return ConfigError(
        "the HubSpot account has no such object type" + _quoted(body),
        fix="check `object` in the connection's `location`; custom objects are named `2-…` or `p_…`",
        code="WHERRY-2701",
    )


def _quoted(body: Mapping[str, Any]) -> str:
    text = said(body)
    return f" (HubSpot says: {text[:200]})" if text else ""


def no_progress(what: str, times: int = 0) -> TryAgain:
    """HubSpot promises more and brings nothing new."""
    how = (
        f"answered {times} times that there are more {what}, and sent none that are new"
        if times
        else (f"names a page of {what} that was read already: its paging goes round in a circle")
    )
    return TryAgain(
        f"HubSpot {how}",
        fix="run it again later; if it stays, tell HubSpot's support that its paging does not advance",
        code="WHERRY-6705",
    )
