"""What plugins hand over as plain data: of the types that its shape has, in text that can be stored.

A part of a plugin may be text of a library's own type, or text of bytes that were never Unicode; either would come up
only where it is stored, together with the answers of others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from wherry.records import Answer

T = TypeVar("T", bound=Struct)
_WORDS = ("reason", "field", "fix", "code")


def copied(given: Sequence[T], kind: type[T]) -> list[T]:
    """The same, of plain types alone; an infinite number of seconds becomes none. Raises ValueError where anything in
    them has another type than its shape says, or is text that cannot be stored, unless it is an answer's words."""
    try:
        try:
            return _decoder(kind)(_encode(given))
        except UnicodeEncodeError:
            if kind is not Answer:
                raise
            return _decoder(kind)(_encode([_in_legible_words(one) for one in given]))
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


@cache
def _decoder(kind: type[T]) -> Callable[[bytes], list[T]]:
    return msgspec.json.Decoder(list[kind]).decode  # type: ignore[valid-type]


def _text(value: Any) -> str:
    """A text of a type of its own, such as an XML library's."""
    if isinstance(value, str):
        return "".join(value)
    raise TypeError(f"a {type(value).__name__} is no plain data")


_encode = msgspec.json.Encoder(enc_hook=_text).encode


def _in_legible_words(answer: T) -> T:
    return msgspec.structs.replace(answer, **{name: _legible(getattr(answer, name)) for name in _WORDS})


def _legible(text: Any) -> Any:
    """What cannot be shown of a vendor's words is shown so."""
    if not isinstance(text, str):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_json(value: object) -> bool:
    """Whether a value is plain JSON; a float is not: no amount may take that path (case C1)."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and is_json(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(is_json, value))
    return value is None or isinstance(value, str | int)
