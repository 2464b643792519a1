"""What a request and its answer say of one item: its operation in a batch, and what was answered to that.

A batch is a list of tables, one for each item. Which is whose is told by the item's stamp, or by the beginning of it
where a target takes shorter keys; else by the names that only one of them holds, such as its number and its id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from wherry.decoding import NO_JSON
from wherry.redaction import clean, scrub

_SHORTEST_KEY = 8
"""The shortest beginning of a stamp that is taken for it."""


class Number(float):
    """A number of a JSON text that keeps its digits: ``15.30`` stays ``15.30``."""

    text: str

    def __new__(cls, text: str) -> Number:
        self = super().__new__(cls, text)
        self.text = text
        return self


_decode = msgspec.json.Decoder(float_hook=Number).decode


def readable(body: bytes) -> Any:
    """A body as it is read: the value where it is JSON, else its text; secrets masked, numbers in their own digits."""
    try:
        return clean(_decode(body))
    except NO_JSON:
        return scrub(body.decode("utf-8", "replace"))


def encoded(one: Any) -> Any:
    """For encoders: a number as it was written; anything else that JSON has no word for as its text."""
    return msgspec.Raw(one.text.encode()) if isinstance(one, Number) else str(one)


def of_item(call: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, Any]:
    """What the call says of an item, and what its answer does; None where that cannot be told.

    ``call`` has ``items`` (stamps), ``body`` and ``answer``. ``names`` are the item's stamp and what else it is called.
    """
    if len(call["items"]) < 2:
        return call["body"], call["answer"]
    stamp = _stamp(call, names)
    return _part(call["body"], stamp, names), _part(call["answer"], stamp, names)


def _stamp(call: Mapping[str, Any], names: Sequence[str]) -> str:
    """The stamp that the item went out with: one of its own, or the one beside its names."""
    own = next((name for name in names if name in call["items"]), "")
    for side in () if own else (call["answer"], call["body"]):
        part = _named(side, names)
        told = [stamp for stamp in call["items"] if part is not None and _says(part, stamp)]
        if len(told) == 1:
            return str(told[0])
    return own


def _part(side: Any, stamp: str, names: Sequence[str]) -> Any:
    mine = [part for part in _list_of_parts(side) if stamp and _says(part, stamp)]
    return mine[0] if len(mine) == 1 else _named(side, names)


def _named(side: Any, names: Sequence[str]) -> Any:
    """The part that holds more of the names than any other; None where two hold as many."""
    wanted = {name for name in names if name}
    held = [(len(wanted.intersection(_texts(part))), part) for part in _list_of_parts(side)]
    most = max((number for number, _ in held), default=0)
    best = [part for number, part in held if number == most]
    return best[0] if most and len(best) == 1 else None


def _list_of_parts(side: Any) -> list[Mapping[str, Any]]:
    """The outermost list of tables."""
    todo = deque([side])
    while todo:
        now = todo.popleft()
        if isinstance(now, list) and any(isinstance(one, Mapping) for one in now):
            return [one for one in now if isinstance(one, Mapping)]
        todo.extend(now.values() if isinstance(now, Mapping) else ())
    return []


def _says(part: Any, stamp: str) -> bool:
    return any(stamp in text or (len(text) >= _SHORTEST_KEY and stamp.startswith(text)) for text in _texts(part))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)
    elif isinstance(value, str | int):
        yield str(value)
