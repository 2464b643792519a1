"""What plugins hand over as plain data: of the types that its shape has, in text that can be stored.

A part of a plugin may be text of a library's own type, or text of bytes that were never Unicode; either would come up
only where it is stored, together with the answers of others.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from wherry.records import Answer

T = TypeVar("T", bound=Struct)
_WORDS = ("reason", "field", "fix", "code")


def copied(given: T) -> T:
    """The same, of plain types alone; an infinite number of seconds becomes none. Raises ValueError where anything in
    it has another type than its shape says, or is text that cannot be stored, unless it is an answer's words."""
    try:
        try:
            return _copied(given)
        except UnicodeEncodeError:
            if not isinstance(given, Answer):
                raise
            return _copied(msgspec.structs.replace(given, **{name: _legible(getattr(given, name)) for name in _WORDS}))
    except (msgspec.MsgspecError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _copied(given: T) -> T:
    return msgspec.json.decode(_encode(given), type=type(given))


def _text(value: Any) -> str:
    """A text of a type of its own, such as an XML library's."""
    if isinstance(value, str):
        return "".join(value)
    raise TypeError(f"a {type(value).__name__} is no plain data")


_encode = msgspec.json.Encoder(enc_hook=_text).encode


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
