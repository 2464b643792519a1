"""Xero's error bodies, and what each means for a call that only reads; and what its words mean for a write.

Facts: a refused write is answered by 400 with ``Elements``, or by 200 with ``StatusAttributeString`` ERROR of the
element, each with ``ValidationErrors``; 401, 403 and 404 have ``Title``, ``Status`` and ``Detail``; 429 may be empty
(API.md). Xero has no codes for refusals, only sentences: what they tell apart here is looked at, or told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from wherry.decoding import object_in
from wherry.errors import AccessLost, Rejected, TryAgain, WherryError

if TYPE_CHECKING:
    from wherry.http import Response

Verdict = Literal["refused", "exists", "closed"]
LIMITS = {"minute": "a minute", "day": "a day", "appminute": "a minute for the whole app", "concurrent": "at once"}
_FINE = 300
_EXISTS = ("already assigned to another contact", "already exists", "must be unique")
_CLOSED = ("lock date", "period is locked", "locked period")
_ABOUT = (("contact name", "name"), ("invoice #", "number"), ("credit note #", "number"), ("account code", "lines"),
          ("item code", "lines"), ("tax type", "lines"), ("currency", "currency"), ("contact", "customer"),
          ("date", "date"))  # fmt: skip
"""Words of a refusal → the record's field that it is about."""


def said(part: Mapping[str, Any]) -> str:
    """What an error, or an element that was refused, says of itself; empty where it says nothing."""
    told = [one.get("Message") for one in part.get("ValidationErrors") or () if isinstance(one, dict)]
    words = [word for word in told or [part.get("Message"), part.get("Detail")] if isinstance(word, str) and word]
    return " ".join(" ".join(dict.fromkeys(words)).split())[:_FINE]


def judged(words: str) -> Verdict:
    """What a refusal means for what is to be done next."""
    told = words.casefold()
    if any(one in told for one in _CLOSED):
        return "closed"
    return "exists" if any(one in told for one in _EXISTS) else "refused"


def field_of(words: str) -> str:
    """The record's field that a refusal is about; empty where that cannot be told."""
    told = words.casefold()
    return next((field for word, field in _ABOUT if word in told), "")


def throttled(headers: Mapping[str, str]) -> str:
    """In words, which limit is used up."""
    which = LIMITS.get(headers.get("x-rate-limit-problem", "").casefold(), "")
    return f"Xero takes no more calls {which}" if which else "Xero asks for fewer calls"


def classify(response: Response) -> WherryError | None:
    """The error of an answer to a read; None leaves it to the core's table by status (``Profile.classify``)."""
    body = object_in(response.content)
    words = said(body)
    told = f" ({words})" if words else ""
    if response.status == 429:
        return TryAgain(throttled(response.headers), code="WHERRY-6571")
    if response.status == 401:
        return AccessLost(
            f"Xero does not accept the sign-in of this connection{told}", code="WHERRY-5571",
            fix="sign in again: wherry connect NAME",
        )  # fmt: skip
    if response.status == 403:
        return AccessLost(
            f"Xero does not let this connection do that{told}: a scope is missing, or it has no such tenant",
            code="WHERRY-5572",
            fix="compare tenant where it is set; else sign in again and consent to all: wherry connect NAME",
        )  # fmt: skip
    if response.status != 400:
        return None
    elements = [said(one) for one in body.get("Elements") or () if isinstance(one, dict)]
    detail = next(filter(None, elements), words)
    return Rejected(
        f"Xero refused the call{f' ({detail})' if detail else ''}", code="WHERRY-4571",
        fix="do what Xero says, then run it again",
    )  # fmt: skip
