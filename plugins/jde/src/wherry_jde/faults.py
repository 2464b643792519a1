"""What JD Edwards says went wrong, and what that means: of a call that only reads, and of a write.

Facts: errors have ``message``, a text or an object of steps with ``ERRORS`` (CODE, TITLE), ``exception``, ``status``
and ``userDefinedErrorText``; a business error comes as 500; a 200 can hold errors where steps go on after one
(API.md). So a 500 is a refusal only where it names errors of a step, or the designer's own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wherry.decoding import object_in
from wherry.errors import AccessLost, Rejected, WherryError
from wherry.posting.texts import clean

if TYPE_CHECKING:
    from wherry.http import Response

_FINE, _DEEP = 300, 6
_LISTS = ("errors", "ERRORS", "sysErrors")
_ABOUT = (("account", "lines"), ("gl date", "date"), ("g/l date", "date"), ("period", "date"), ("date", "date"),
          ("item", "lines"), ("sold to", "customer"), ("customer", "customer"), ("address", "customer"),
          ("currency", "currency"))  # fmt: skip
"""Words of a refusal → the record's field that it is about."""


def errors_in(body: Any, deep: int = _DEEP) -> Iterator[tuple[str, str]]:
    """Code and words of each error that a body lists, wherever a step has put it."""
    if not deep:
        return
    for name, value in body.items() if isinstance(body, dict) else enumerate(body):
        if name in _LISTS and isinstance(value, list):
            yield from (_error(one) for one in value)
        elif isinstance(value, dict | list):  # a step that is repeated gives an array
            yield from errors_in(value, deep - 1)


def _error(told: Any) -> tuple[str, str]:
    if not isinstance(told, dict):
        return "", clean(told) or "an error without words"
    upper = {str(name).upper(): value for name, value in told.items()}
    words = next((clean(upper[name]) for name in ("TITLE", "DESC", "MESSAGE") if upper.get(name)), "")
    return clean(upper.get("CODE")), words.removeprefix("Error:").strip() or "an error without words"


def said(body: Mapping[str, Any]) -> str:
    """What an error body says: the designer's words, and the errors of the steps, or else its message."""
    own, message = clean(body.get("userDefinedErrorText")), body.get("message")
    steps = [f"{words} ({code})" if code else words for code, words in errors_in(dict(body))]
    plain = clean(message) if isinstance(message, str) else ""
    told = [own, *steps] if own or steps else [plain, clean(body.get("errorText"))]
    return "; ".join(dict.fromkeys(one for one in told if one))[:_FINE]


def code_of(body: Mapping[str, Any]) -> str:
    """The vendor's code of the first error that has one."""
    return next((code for code, _ in errors_in(dict(body)) if code), "")


def is_refusal(body: Mapping[str, Any]) -> bool:
    """Whether an error body names what is wrong with the record: any other may be trouble on the way."""
    return bool(clean(body.get("userDefinedErrorText"))) or any(errors_in(dict(body)))


def field_of(words: str) -> str:
    """The record's field that a refusal is about; empty where that cannot be told."""
    told = words.casefold()
    return next((field for word, field in _ABOUT if word in told), "")


def classify(response: Response) -> WherryError | None:
    """The error of an answer to a read; None leaves it to the core's table by status (``Profile.classify``)."""
    body = object_in(response.content)
    told = f" ({words})" if (words := said(body)) else ""
    if response.status == 403:
        return AccessLost(
            f"JD Edwards does not let this user do that{told}", code="WHERRY-5941",
            fix="give the user the rights that the set-up names, then: wherry connection test NAME",
        )  # fmt: skip
    if response.status == 444:
        return AccessLost(
            f"JD Edwards ended the session, and the next one too{told}", code="WHERRY-5942",
            fix="look whether something signs this user out, or sessions have run out there; then run it again",
        )  # fmt: skip
    if response.status == 500 and is_refusal(body):
        return Rejected(
            f"JD Edwards refused the call{told}", code="WHERRY-4941", fix="do what it says, then run it again"
        )
    return None
