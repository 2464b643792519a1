"""Rows of an answer whose values stay bytes until somebody looks at them: a number never becomes a float, and most of
what was sent is handed on unread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw

from wherry.decoding import decoder

Row = dict[str, Raw]
"""Field → its value as it was sent."""
A = TypeVar("A")
_decode = msgspec.json.Decoder().decode


def text(raw: Raw | None) -> str:
    """A text of a row; empty for null and for what was not sent."""
    return str(_decode(raw) or "") if raw is not None else ""


def named(rows: Iterable[Row], field: str) -> set[str]:
    """The ids that rows name in a field."""
    return {text(row.get(field)) for row in rows} - {""}


def nested(raw: Raw | None) -> Row | None:
    """The row that came along in a field; None for null and for what was not sent."""
    found: Row | None = None if raw is None else decoder(Row | None).decode(raw)
    return found


def pieces(items: Iterable[A], size: int) -> list[Sequence[A]]:
    """The items, each once, in runs of at most ``size``: what one question may name."""
    distinct = list(dict.fromkeys(items))
    return [distinct[start : start + size] for start in range(0, len(distinct), size)]
