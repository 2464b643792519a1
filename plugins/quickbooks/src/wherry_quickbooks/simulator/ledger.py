"""The general ledger behind the documents: every transaction books to accounts, and each booking balances."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from .values import ZERO

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Posting:
    """One booking in the home currency: positive is debit, negative credit."""

    account: str
    amount: Decimal
    date: str
    party: str = ""


class Unbalanced(Exception):
    """A document was about to book debits that differ from its credits: a mistake of the stand-in, never answered."""


class Ledger:
    """Postings by document; a document that changes books anew, one that goes books nothing."""

    def __init__(self) -> None:
        self.postings: dict[Key, tuple[Posting, ...]] = {}
        self.balances: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.parties: defaultdict[str, Decimal] = defaultdict(Decimal)

    def book(self, key: Key, postings: Iterable[Posting]) -> None:
        """Replace what a document has booked."""
        new = tuple(p for p in postings if p.amount)
        if sum((p.amount for p in new), ZERO):
            raise Unbalanced(f"{key}: {new}")
        self._sum(self.postings.pop(key, ()), -1)
        self._sum(new, 1)
        if new:
            self.postings[key] = new

    def _sum(self, postings: Sequence[Posting], sign: int) -> None:
        for posting in postings:
            self.balances[posting.account] += sign * posting.amount
            if posting.party:
                self.parties[posting.party] += sign * posting.amount

    def until(self, date: str) -> dict[str, Decimal]:
        """Balances at the end of a day."""
        totals: defaultdict[str, Decimal] = defaultdict(Decimal)
        for posting in (p for booked in self.postings.values() for p in booked if p.date <= date):
            totals[posting.account] += posting.amount
        return totals


def today(now: float, zone: dt.tzinfo) -> str:
    """The date in the company's zone."""
    return dt.datetime.fromtimestamp(now, zone).date().isoformat()
