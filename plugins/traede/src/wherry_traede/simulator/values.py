"""Moments and entries as Traede spells them. Amounts are JSON numbers, written from decimal text."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from .entries import Entry


def moment(said: object) -> int:
    """Seconds since 1970 of a date and time, UTC where no zone is told. Raises ValueError."""
    try:
        found = dt.datetime.fromisoformat(said if isinstance(said, str) else "")
    except ValueError:
        raise ValueError(f"{said!r} is not a valid date.") from None
    return int((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp())


@functools.lru_cache(maxsize=4096)
def text_of(seconds: int, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A moment in the form that databases keep: UTC, to the second."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime(form)


def number(value: Decimal) -> msgspec.Raw:
    """As PHP writes a float: no zeros at the end, no exponent where none is needed."""
    digits = format(value, "f")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return msgspec.Raw((digits or "0").encode())


class Spelled:
    """How entries are shown: moments without a zone, or with `iso` as newer versions of Laravel show them."""

    def __init__(self, iso: bool) -> None:
        self._form = "%Y-%m-%dT%H:%M:%S.000000Z" if iso else "%Y-%m-%d %H:%M:%S"

    def entry(self, entry: Entry) -> dict[str, Any]:
        """The accounting entry object."""
        return {
            "id": entry.id,
            "currency": entry.currency,
            "amount": number(entry.amount),
            "account": entry.account,
            "contra_account": entry.contra_account,
            "date": text_of(entry.date, self._form),
            "text": entry.text,
            "created_at": text_of(entry.created, self._form),
            "updated_at": text_of(entry.updated, self._form),
        }
