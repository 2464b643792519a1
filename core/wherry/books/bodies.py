"""What the subledger keeps of a movement, read as the books need it: typed, and in one pass over its JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from wherry.accounting import Movement, MovementLine, Side
from wherry.money import decimals, text
from wherry.records import Ref
from wherry.store.movements import MovementRow

_EXACT = "fiat_exact"
"""The custom field of a movement that says its value unrounded, as decimal text."""


def movement_of(row: MovementRow, *, gains: bool) -> Movement:
    """The row as it is booked; with its realised gain or loss beside it where the flow books those."""
    body = _body(row.body)
    lines = [_line(line) for line in body.lines]
    if gains and body.gain is not None and body.gain.currency in ("", row.currency):
        lines += _gain(body.gain.minor, back=bool(row.undoes))
    return Movement(
        id=row.id, key=row.key, date=dt.date.fromisoformat(row.date), currency=row.currency, lines=tuple(lines),
        partition=row.partition, reference=body.reference or "", description=body.description or "",
        type=body.type or "", exchange_source=body.exchange_source or "",
        exchange_rate=Decimal(body.exchange_rate) if body.exchange_rate else None,
    )  # fmt: skip


def unrounded(rows: Iterable[MovementRow], *, gains: bool) -> dict[int, Decimal]:
    """Values that are too small for their currency, unrounded, in minor units: they are left out, but told exactly.
    What has a gain or loss that is booked is not, nor what takes back something that was booked."""
    found = {}
    for row in rows:
        body: dict[str, Any] = msgspec.json.decode(row.body) if _EXACT in row.body and not row.undoes else {}
        told = (body.get("custom") or {}).get(_EXACT)
        if told and not (gains and (body.get("gain") or {}).get("minor")):
            found[row.id] = Decimal(str(told)).scaleb(decimals(row.currency))
    return found


def gain_elsewhere(row: MovementRow) -> str:
    """Why the gain or loss of a movement cannot be booked with it, in words: it is in another currency."""
    gain = _body(row.body).gain if '"gain"' in row.body else None
    if gain is None or not gain.minor or gain.currency in ("", row.currency):
        return ""
    told = f"{_told(gain.minor, gain.currency)} {gain.currency}"
    return (f"its gain is told in {gain.currency} ({told}), and the movement is in {row.currency}: say both in one "
            f"currency, at the source or in the map")  # fmt: skip


def _told(minor: int, currency: str) -> str:
    try:
        return text(minor, currency)
    except ValueError:
        return f"{minor} minor units of"


class _Amount(Struct):
    minor: int
    currency: str = ""


class _Line(Struct):
    side: Side
    amount: _Amount
    account: str | None = None
    category: str | None = None
    party: Ref | str | None = None
    description: str | None = None
    dimensions: dict[str, str] | None = None


class _Body(Struct):
    """What the books need of a movement's body."""

    lines: list[_Line]
    gain: _Amount | None = None
    reference: str | None = None
    description: str | None = None
    type: str | None = None
    exchange_source: str | None = None
    exchange_rate: str | int | None = None


_body = msgspec.json.Decoder(_Body).decode


def _line(line: _Line) -> MovementLine:
    party = line.party or ""
    return MovementLine(
        side=line.side, minor=line.amount.minor, account=line.account or "", category=line.category or "",
        party=party if isinstance(party, str) else party.key, description=line.description or "",
        dimensions=tuple(sorted(line.dimensions.items())) if line.dimensions else (),
    )  # fmt: skip


def _gain(minor: int, *, back: bool) -> list[MovementLine]:
    """The lines of a gain or loss. What takes a gain back is booked to the accounts of the gain, not to those of a
    loss: with ``back`` the amount is that of a movement that takes another back."""
    if minor == 0:
        return []
    category, worth = ("gain" if (minor > 0) != back else "loss"), -abs(minor) if back else abs(minor)
    return [MovementLine(side=side, minor=worth, category=category) for side in ("debit", "credit")]
