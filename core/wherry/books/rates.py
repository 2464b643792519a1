"""Exchange rates: read from a table, and what an entry in another currency is worth in the organisation's own.

Each line is rounded by itself, half up, in integers of minor units; what that leaves between the two sides is told, and
booked to an account that the flow names. A rate is decimal text, never a float. Source: faults-and-security.md, C3, C5.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from wherry import money
from wherry.accounting import BookedLine, Entry, LeftOut, Side
from wherry.books.tables import Line, records
from wherry.errors import ConfigError

COLUMNS = ("date", "from", "to", "rate", "source")
"""The columns of a table of rates: one ``from`` is worth ``rate`` of ``to`` on that date, as ``source`` says."""
OLDEST = dt.timedelta(days=7)
"""How old a rate may be: there are none on weekends and holidays."""
LEAST_ROUNDING, MOST_ROUNDING = 10, 100
"""What rounding may leave of an entry: so many minor units in any case, and so many ten thousandths of its worth."""
_OTHER: dict[Side, Side] = {"debit": "credit", "credit": "debit"}


class Rate(Struct, frozen=True, kw_only=True):
    """A rate, and where it comes from in words, with its date."""

    rate: Decimal
    source: str


class _Row(Struct, frozen=True):
    date: dt.date
    rate: Decimal
    source: str


class Rates:
    """The rates of a table. Raises ConfigError where one date has two of them."""

    def __init__(self, name: str = "", rows: Iterable[tuple[str, str, _Row]] = ()) -> None:
        self.name = name
        self._by_pair: dict[tuple[str, str], list[_Row]] = defaultdict(list)
        for source, to, row in rows:
            self._by_pair[source, to].append(row)
        for held in self._by_pair.values():
            held.sort(key=lambda row: row.date)

    def told(self) -> list[str]:
        """Everything that is said here, in words."""
        return [self.name, *(f"{pair} {rows}" for pair, rows in sorted(self._by_pair.items()))]

    def find(self, day: dt.date, currency: str, home: str) -> Rate | None:
        """The rate of the day, or else the last one of the seven days before it."""
        held = self._by_pair.get((currency, home), [])
        at = bisect_right(held, day, key=lambda row: row.date) - 1
        if at < 0 or day - held[at].date > OLDEST:
            return None
        row = held[at]
        return Rate(rate=row.rate, source=f"{row.source or self.name}, {row.date}")

    def missing(self, day: dt.date, currency: str, home: str) -> str:
        """Why there is none, and what to do, in words."""
        wanted = f"no rate from {currency} to {home} for {day}"
        if not self.name:
            return f"{wanted}: name a table of rates on the flow (rates), or give the record an exchange_rate"
        if (home, currency) in self._by_pair and (currency, home) not in self._by_pair:
            return f"{wanted}: {self.name} has {home} to {currency} only, and a rate is not turned round by itself"
        return f"{wanted} or the seven days before it: add it to {self.name}"


def read_rates(path: Path, name: str) -> Rates:
    """The table of rates, called by ``name`` in messages.

    Raises ConfigError, with ``file``, ``row`` and ``column`` in ``where``, for whatever is not as it should be.
    """
    seen: dict[tuple[str, str, dt.date], int] = {}
    rows = []
    for line in records(path, COLUMNS, COLUMNS[:4], dates=("date",)):
        pair, row = (_currency(path, line, "from"), _currency(path, line, "to")), _row(path, line)
        first = seen.setdefault((*pair, row.date), line.row)
        if first != line.row:
            raise _wrong(path, line.row, "date", f"{pair[0]} to {pair[1]} on {row.date} stands in row {first} already",
                         "keep one of the two rows")  # fmt: skip
        rows.append((*pair, row))
    return Rates(name, rows)


def _row(path: Path, line: Line) -> _Row:
    told = line.cells.get("date", "")
    try:
        day = dt.date.fromisoformat(told)
    except ValueError:
        raise _wrong(path, line.row, "date", f"{told!r} is no date", "write it as 2026-01-31") from None
    return _Row(day, _rate(path, line), line.cells.get("source", ""))


def _rate(path: Path, line: Line) -> Decimal:
    told = line.cells.get("rate", "")
    fix = "write it with a point and nothing else, as in 1.0850"
    try:
        rate = money.exact(told)
    except ValueError:
        raise _wrong(path, line.row, "rate", f"{told!r} is no plain decimal number", fix) from None
    if rate <= 0:
        raise _wrong(path, line.row, "rate", f"{told} is no rate: it is above zero", fix)
    return rate


def _currency(path: Path, line: Line, column: str) -> str:
    told = line.cells.get(column, "").upper()
    if told not in money.DECIMALS:
        raise _wrong(path, line.row, column, f"{told!r} is no currency of ISO 4217", "write it as USD")
    return told


def _wrong(path: Path, row: int, column: str, what: str, fix: str) -> ConfigError:
    return ConfigError(
        f"{path}, row {row}, column {column}: {what}", fix=fix, code="WHERRY-2650", file=str(path), row=row,
        column=column,
    )  # fmt: skip


# -- entries in the organisation's own currency ------------------------------------------------------------------------


def converted(minor: int, currency: str, rate: Decimal, home: str) -> int:
    """Minor units of ``home`` for minor units of ``currency``, rounded half up. Raises ValueError out of range."""
    return money.times(Decimal(money.text(minor, currency)), rate, home)[0].minor


def valued(entry: Entry, rate: Rate, home: str) -> Entry:
    """The entry with what each line is worth in ``home``, and what rounding left between its sides, nowhere booked yet.

    Raises ValueError for an amount that is out of range.
    """
    lines = tuple(replace(line, home=converted(line.minor, entry.currency, rate.rate, home)) for line in entry.lines)
    left = sum(line.home if line.side == "credit" else -line.home for line in lines)
    return replace(entry, lines=lines, exchange_rate=rate.rate, exchange_source=rate.source, home=home, rounding=left)


class Terms(Struct, frozen=True, kw_only=True):
    """How entries in other currencies are valued in ``home``. ``account`` takes what rounding leaves; ``own`` is the
    account where the target books that itself, empty where it leaves it to us."""

    home: str
    rates: Rates
    account: str = ""
    own: str = ""


def appraised(entry: Entry, terms: Terms) -> Entry | LeftOut:
    """The entry with its home amounts and what rounding left of them, booked; why it cannot be booked, else."""
    if entry.currency == terms.home:
        return entry
    said = entry.exchange_rate
    rate = Rate(rate=said, source=entry.exchange_source) if said is not None else None
    rate = rate or terms.rates.find(entry.date, entry.currency, terms.home)
    if rate is None:
        return _without(entry, "no-rate", terms.rates.missing(entry.date, entry.currency, terms.home))
    try:
        found = valued(entry, rate, terms.home)
    except ValueError as error:
        return _without(entry, "no-rate", f"at the rate {rate.rate} ({rate.source}): {error}")
    if found.rounding and (why := _unplaced(found, terms)):
        return _without(entry, "rounding", why)
    return replace(found, rounding_account=terms.account) if found.rounding else found


def _unplaced(entry: Entry, terms: Terms) -> str:
    """Why what rounding left cannot be booked; empty where it can."""
    if entry.rounding and (why := _too_much(entry)):
        return why
    if terms.account and terms.account == (terms.own or terms.account):
        return ""
    left = f"{money.text(abs(entry.rounding), terms.home)} {terms.home}"
    lines = f"{entry.number}: at {_plain(entry.exchange_rate)} the sides are {left} apart in {terms.home}"
    if not terms.account:
        told = f' = "{terms.own}", where the target books it' if terms.own else " to the account that takes it"
        return f"{lines}: set rounding{told}, on the flow"
    return f'{lines}, and the target books that on {terms.own}: set rounding = "{terms.own}" on the flow'


def _too_much(entry: Entry) -> str:
    """Why what rounding left is no rounding any more: lines too small for the rate come to nothing, or to the double,
    and what they are worth would go to the account of rounding. Empty below the limit."""
    whole = worth(entry)
    if abs(entry.rounding) <= max(LEAST_ROUNDING, whole * MOST_ROUNDING // 10_000):
        return ""
    left, total = (f"{money.text(minor, entry.home)} {entry.home}" for minor in (abs(entry.rounding), whole))
    return (f"{entry.number}: at {_plain(entry.exchange_rate)} rounding would take {left} of {total}, since its lines "
            f"are too small for that rate: check the rate, or book fewer and larger lines (fewer dimensions, a longer "
            f"group)")  # fmt: skip


def _without(entry: Entry, reason: Literal["no-rate", "rounding"], detail: str) -> LeftOut:
    minor = sum(line.minor for line in entry.lines if line.side == "debit")
    return LeftOut(reason=reason, detail=detail, members=entry.members, minor=minor, currency=entry.currency)


def _plain(rate: Decimal | None) -> str:
    return format(rate or Decimal(0), "f")


def worth(entry: Entry) -> int:
    """The larger side of an entry in its home currency, minor units; 0 for one that is in that currency."""
    sides = {side: sum(line.home for line in entry.lines if line.side == side) for side in _OTHER}
    return max(sides.values())


def off(entry: Entry) -> int:
    """By how much the debits are too large at home, what rounding left being booked: 0 for an entry as it should be."""
    lines = with_rounding(entry).lines if entry.exchange_rate is not None else ()
    return sum(line.home if line.side == "debit" else -line.home for line in lines)


def places(entry: Entry) -> int:
    """The decimals of the entry's rate."""
    told = format((entry.exchange_rate or Decimal(0)).normalize(), "f")
    return len(told.partition(".")[2])


def with_rounding(entry: Entry) -> Entry:
    """The entry with its rounding as a line of its own: nothing in the entry's currency, something at home."""
    if not entry.rounding:
        return entry
    line = BookedLine(account=entry.rounding_account, side="debit" if entry.rounding > 0 else "credit", minor=0,
                      description="Rounding", home=abs(entry.rounding))  # fmt: skip
    return replace(entry, lines=(*entry.lines, line))


def at_home(entry: Entry) -> Entry:
    """The entry in the organisation's own currency, in balance there; one that is in it already as it is.

    Lines that come to nothing at home are left out.
    """
    if entry.exchange_rate is None:
        return entry
    lines = tuple(replace(line, minor=line.home, home=0) for line in with_rounding(entry).lines if line.home)
    return replace(entry, currency=entry.home, lines=lines, home="", exchange_rate=None, exchange_source="", rounding=0,
                   rounding_account="")  # fmt: skip


def in_one(currencies: Collection[str], entries: Iterable[Entry]) -> bool:
    """Whether books in these currencies are kept in one alone, the home currency of the entries that have another."""
    homes = {entry.home for entry in entries if entry.exchange_rate is not None}
    return len(currencies) == 1 and homes <= set(currencies)


def all_at_home(entries: Iterable[Entry]) -> list[Entry]:
    """Several of them."""
    return [at_home(entry) for entry in entries]


def said(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the body of a journal entry says of its worth at home, as fields of an entry."""
    if not body.get("exchange_rate"):
        return {}
    return {
        "exchange_rate": Decimal(str(body["exchange_rate"])), "home": str(body.get("home") or ""),
        "exchange_source": str(body.get("exchange_source") or ""),
        "rounding": int((body.get("rounding") or {}).get("minor", 0)),
        "rounding_account": str(body.get("rounding_account") or ""),
    }  # fmt: skip


def turned(entry: Entry) -> Entry:
    """The entry with its sides changed over, that of its rounding too."""
    lines = tuple(replace(line, side=_OTHER[line.side]) for line in entry.lines)
    return replace(entry, lines=lines, rounding=-entry.rounding)
