"""Journal entries of items as entries of the books, and what corrects them: a file cannot be changed once it was taken.

A new version of an entry is written as the reversal of what was written before and the entry as it is to be; a void as
the reversal alone. So whatever has imported the files holds what it should, and nothing twice.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from wherry.accounting import BookedLine, Entry, Side
from wherry.books import rates
from wherry.errors import Rejected
from wherry.records import Item

OTHER: dict[str, Side] = {"debit": "credit", "credit": "debit"}


def entries(item: Item, id: str) -> list[Entry]:
    """What stands in the file for an item. Raises Rejected."""
    if item.action == "void":
        return [_reversed(_entry(item, item.before or item.body, f"{id}-void"), item)]
    entry = _entry(item, item.body, id)
    if item.target is None:
        return [entry]
    if item.before is None:
        raise held(
            item, "was written before, and what was written is not known", "lines",
            "correct it in the target by hand, then: wherry errors resolve E-N --abandon", "WHERRY-4823",
        )  # fmt: skip
    before = _reversed(_entry(item, item.before, f"{id}-{item.stamp[:6]}-reversal"), item)
    again = msgspec.structs.replace(entry, key=f"{id}-{item.stamp[:6]}", number=_behind(entry.number, "V", item))
    return [before, again]


def _reversed(entry: Entry, item: Item) -> Entry:
    return msgspec.structs.replace(
        rates.turned(entry),
        number=_behind(entry.number, "R", item),
        memo=f"Reverses {entry.number}. {entry.memo}".strip(),
    )


def _behind(number: str, letter: str, item: Item) -> str:
    """A number of its own: a system that has the first one takes no second of that number."""
    return f"{number}-{letter}{item.stamp[:4]}"


def _entry(item: Item, body: dict[str, Any], key: str) -> Entry:
    lines = tuple(line for n, said in enumerate(body.get("lines") or ()) if (line := _line(item, n, said)) is not None)
    currencies = {said["amount"]["currency"] for said in body.get("lines") or ()}
    currency = str(body.get("currency") or "") or next(iter(currencies), "")
    if currencies - {currency}:
        raise held(
            item, f"is in {currency}, and has lines in {', '.join(sorted(currencies - {currency}))}", "currency",
            "book each currency in an entry of its own", "WHERRY-4824",
        )  # fmt: skip
    date = dt.date.fromisoformat(body["date"])
    number = str(body.get("number") or "") or item.stamp[:10]
    period = str(body.get("period") or "") or f"{date:%Y-%m}"
    bucket = str((body.get("custom") or {}).get("bucket") or period)
    return Entry(
        key=key, number=number, date=date, period=period, bucket=bucket,
        currency=currency, memo=str(body.get("memo") or ""), lines=lines, members=(), type=str(body.get("type") or ""),
        **rates.said(body),
    )  # fmt: skip


def _line(item: Item, n: int, said: dict[str, Any]) -> BookedLine | None:
    """A line; None for one of zero, which books nothing. One below zero is booked on the other side (case C7)."""
    minor = int(said["amount"]["minor"])
    if minor == 0:
        return None
    account = said["account"]
    if not isinstance(account, str) or not account.strip():
        where, fix = f"lines[{n}].account", "name the account's code in the map"
        raise held(item, f"has no account in line {n + 1}", where, fix, "WHERRY-4825")
    told = said.get("dimensions") or {}
    return BookedLine(
        account=account, side=said["side"] if minor > 0 else OTHER[said["side"]], minor=abs(minor),
        description=str(said.get("description") or ""), party=str(said.get("customer") or ""),
        dimensions=tuple(sorted((str(name), str(value)) for name, value in told.items() if value)),
        home=abs(int((said.get("home") or {}).get("minor", 0))),
    )  # fmt: skip


def held(item: Item, what: str, field: str, fix: str, code: str) -> Rejected:
    """Why an item cannot be written, by its stamp."""
    return Rejected(
        f"{item.entity.replace('_', ' ')} {item.label or item.key} {what}",
        field=field,
        fix=fix,
        code=code,
        item=item.stamp,
    )
