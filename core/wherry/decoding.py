"""JSON: typed decoders, each made once and alone, and objects with exact numbers.

msgspec (0.22) builds what it knows of a Struct on the type's first use and does not guard that against threads: two
first uses at once have crashed the interpreter. A decoder that was made before is safe to share.
"""

from __future__ import annotations

import json
import threading
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are none of what it reads: of another encoding, too, or nested without end."""

_made: dict[Any, msgspec.json.Decoder[Any]] = {}
_making = threading.Lock()


def decoder(type: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a type, for use from any thread."""
    found = _made.get(type)
    if found is None:
        with _making:
            found = _made.setdefault(type, msgspec.json.Decoder(type))
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"it says {word} where a number belongs, which is no JSON")


_exactly = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
"""Made once: ``json.loads`` with other number types makes a decoder for each answer, and the memory of it grows."""


def exact_object(content: bytes) -> dict[str, Any]:
    """The JSON object of an answer, every number a Decimal. Raises ValueError where it is none."""
    try:
        body = _exactly.decode(content.decode(json.detect_encoding(content), "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)[:100]) from None
    if not isinstance(body, dict):
        raise ValueError("it is no object")
    return body


def object_in(content: bytes) -> dict[str, Any]:
    """The JSON object of a body; empty where it is none. Not for amounts: its fractions are floats."""
    try:
        body = msgspec.json.decode(content)
    except NO_JSON:
        return {}
    return body if isinstance(body, dict) else {}
