"""What an entry of Traede becomes in the books, as data, and the arithmetic behind it.

An entry has one amount and two accounts: ``account`` is debited, ``contra_account`` credited. A negative amount means
the opposite, so its sides are changed over and the amount loses its sign. A flow may replace or drop every single line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct
from wherry.money import exact

ENTRY, LINE = "accounting_entry", "accounting_entry_line"
_AMOUNT = f"money({ENTRY}.amount, {ENTRY}.currency)"


class Line(Struct, frozen=True):
    """One side of an entry. ``amount`` is plain decimal text, or what Traede sent where that is no number."""

    side: str
    account: int | str | None
    amount: Any


def lines_of(amount: Any, account: int | str | None, contra: int | str | None) -> tuple[Line, Line]:
    """The two lines of an entry, debit first. What is no exact number is handed on for the map to refuse."""
    try:
        number = exact(amount)
    except ValueError:
        return Line("debit", account, amount), Line("credit", contra, amount)
    debit, credit = (contra, account) if number < 0 else (account, contra)
    positive = format(abs(number), "f")
    return Line("debit", debit, positive), Line("credit", credit, positive)


def utc(value: str | None) -> str | None:
    """A moment as Traede sends it, with the zone that it leaves out; a plain date stays one."""
    if not isinstance(value, str) or len(value) <= len("2026-01-31"):
        return value
    moment = dt.datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).isoformat()


def no_amount(value: Decimal | int | str | None) -> str | None:
    """Why nothing is booked of an entry over nothing; else nothing."""
    try:
        return "its amount is zero" if value is not None and exact(value) == 0 else None
    except ValueError:
        return None


def currency(value: dict[str, Any] | None) -> str | None:
    """The currency of an amount: the entry's own, in capitals, or the project's where it names none."""
    return None if value is None else str(value["currency"])


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "traede_utc": utc,
    "traede_no_amount": no_amount,
    "traede_currency": currency,
}

MAPS: dict[str, dict[str, Any]] = {
    ENTRY: {
        "trigger": {"amount": _AMOUNT},
        "movement": {
            "root": True,
            "document": "journal",
            "key": f"id({ENTRY}.id)",
            "label": f"{ENTRY}.text",
            "skip": f"traede_no_amount({ENTRY}.amount)",
            "fields": {
                "date": f"date(traede_utc({ENTRY}.date))",
                "currency": f"traede_currency({_AMOUNT})",
                "reference": f"{ENTRY}.id",
                "description": f"default({ENTRY}.text, '')",
                "lines": {
                    "each": LINE,
                    "fields": {
                        "side": f"{LINE}.side",
                        "account": f"default(text({LINE}.account), '')",
                        "amount": f"money({LINE}.amount, {ENTRY}.currency)",
                        "description": f"default({ENTRY}.text, '')",
                    },
                },
            },
        },
    },
}

MATCH: dict[str, dict[str, Any]] = {"movement": {"order": ["link"], "unmatched": "create"}}
"""An entry is itself and nothing else: there is nothing to match it by."""
