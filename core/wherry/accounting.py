"""The words of the books: a movement, an account and what it is mapped to, a journal entry with its members.

Amounts are integer minor units of their currency, days are plain accounting dates. Source: behaviours.md 000, 004.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from wherry.records import Reply

Side = Literal["debit", "credit"]
Dimensions = tuple[tuple[str, str], ...]
"""Class, department, location, subsidiary and tax of a line: (name, value), sorted by name, empty ones left out."""


class MovementLine(Struct, frozen=True, kw_only=True, gc=False):
    """One side of a movement: an account by its code where the source knows one, else a category to be mapped.

    ``minor`` may be negative: such a line flips to the other side when it is booked.
    """

    side: Side
    minor: int
    account: str = ""
    category: str = ""
    party: str = ""
    """Whose receivable or payable it is: the target's id of a customer, or a name; empty where it is nobody's."""
    description: str = ""
    dimensions: Dimensions = ()


class Movement(Struct, frozen=True, kw_only=True, gc=False):
    """What happened once, in balance: the smallest thing that is booked, with the id that the subledger gave it."""

    id: int
    key: str
    """Kind and id of the record it came from, as in ``ledger_transaction/LT-1001``."""
    date: dt.date
    currency: str
    lines: tuple[MovementLine, ...]
    partition: str = ""
    """The wallet, or whatever else divides the books for uploading."""
    reference: str = ""
    description: str = ""
    type: str = ""
    """The type of journal, such as ``asset-movement``, ``valuation``, ``transaction``, ``gain-loss``, ``true-up``."""
    late: bool = False
    """Its own period was posted before it came."""
    moved: str = ""
    """The period that it is moved from, since that is closed or was posted before it came; empty in its own."""
    exchange_rate: Decimal | None = None
    """What one of ``currency`` is worth in the organisation's own, where the record says so itself."""
    exchange_source: str = ""


class ChartAccount(Struct, frozen=True, kw_only=True):
    """An account of a target's chart. ``code`` is its number, or its full name where the target has no numbers."""

    id: str
    code: str
    name: str
    type: str = ""
    """The canonical type: ``bank``, ``receivable``, ``payable``, ``asset``, ``liability``, ``equity``, ``income``,
    ``expense`` or ``other``."""
    posting: bool = True
    active: bool = True
    currency: str = ""
    parent: str = ""
    """The parent's id."""


class Mapped(Struct, frozen=True, kw_only=True):
    """A row of the accounts table: what a category is booked to. Codes as text, leading zeros kept."""

    category: str
    debit: str = ""
    credit: str = ""
    dimensions: Dimensions = ()
    party: str = ""
    row: int = 0
    """The row of the table, the header being 1: for messages."""


class BookedLine(Struct, frozen=True, kw_only=True, gc=False):
    """One line of an entry. ``minor`` is above zero; ``home`` is what it is worth in the organisation's own currency,
    0 where the entry is in that."""

    account: str
    """The code of an account in the target's chart."""
    side: Side
    minor: int
    description: str = ""
    party: str = ""
    dimensions: Dimensions = ()
    home: int = 0


class Period(Struct, frozen=True):
    """A stretch of days, both ends included, that no entry crosses: ``2026-01``, or whatever the books call it."""

    name: str
    first: dt.date
    last: dt.date


class Bucket(Struct, frozen=True):
    """What is grouped into one entry: days of one period. ``name`` is ``2026-01-31``, ``2026-W05``, ``2026-W05a`` (cut
    at a period's end) or ``2026-01``."""

    name: str
    first: dt.date
    last: dt.date
    period: str


class Entry(Struct, frozen=True, kw_only=True):
    """A balanced journal entry of one currency in one period, with the ids of the movements it is made of."""

    key: str
    """Unique in its flow and target: bucket, currency, party, and the number of its part."""
    number: str
    """What it is called in the target, at most 21 characters."""
    date: dt.date
    period: str
    bucket: str
    currency: str
    memo: str
    lines: tuple[BookedLine, ...]
    members: tuple[int, ...]
    party: str = ""
    type: str = ""
    moved: str = ""
    """The period that its movements are moved from, since that is closed or was posted before they came."""
    exchange_rate: Decimal | None = None
    """What one of ``currency`` is worth in ``home``; None where the entry is in the organisation's own currency."""
    exchange_source: str = ""
    """Where the rate comes from, in words."""
    home: str = ""
    """The organisation's own currency, where the entry is in another."""
    rounding: int = 0
    """What has to be added to the debits (below zero: to the credits) so that both sides are equal in ``home``, in
    its minor units: the lines are rounded one by one."""
    rounding_account: str = ""
    """Where that is booked."""


class LeftOut(Struct, frozen=True, kw_only=True):
    """Movements that are not booked, for one reason: how many, and their sum of debits by currency."""

    reason: Literal["under-one-cent", "uncategorised", "no-account", "held", "before-books", "no-rate", "rounding"]
    detail: str
    """In words, with the category or the account that is missing."""
    members: tuple[int, ...]
    minor: int
    currency: str


# -- optional abilities: what a target tells of its books, what a source is told of them -------------------------------


class Balance(Struct, frozen=True):
    """One account in a trial balance: what stands on its two sides, minor units of ``currency``."""

    code: str
    name: str
    debit: int
    credit: int
    currency: str


@runtime_checkable
class HasAccounts(Protocol):
    """Optional: a sink whose target keeps a chart of accounts."""

    def accounts(self) -> Iterator[ChartAccount]:
        """Every account, header and inactive ones too."""
        ...


@runtime_checkable
class HasPeriods(Protocol):
    """Optional: a sink whose target tells up to when its books are closed."""

    def closed_until(self) -> dt.date | None:
        """The last closed day; None where everything is open."""
        ...


@runtime_checkable
class HasBalances(Protocol):
    """Optional: a sink whose target makes a trial balance."""

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """The balance of every account at the end of ``last``; with ``first`` only what moved since."""
        ...


class HeldLine(Struct, frozen=True, kw_only=True):
    """One line of an entry in the target: ``minor`` in the entry's currency, ``home`` in that of its balances."""

    account: str
    """Its code in the chart."""
    side: Side
    minor: int
    home: int
    party: str = ""
    """The target's id of whose receivable or payable it is."""


class HeldEntry(Struct, frozen=True, kw_only=True):
    """A journal entry as the target holds it, whoever made it. One that was voided has no lines."""

    id: str
    number: str
    date: dt.date
    currency: str
    note: str
    stamp: str
    """The hub's own sign in it, empty where somebody else made it."""
    lines: Sequence[HeldLine]
    at_home: bool = False
    """Whether the target keeps entries in its own currency alone: one in another was written by its home amounts."""


@runtime_checkable
class ListsEntries(Protocol):
    """Optional: a sink whose target can list its journal entries."""

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """Those dated from ``first`` (None: from the beginning) to ``last``, both included."""
        ...


class HeldPosting(Struct, frozen=True, kw_only=True):
    """What a document booked on an account, in minor units of the currency that the target keeps its balances in."""

    account: str
    """Its code in the chart."""
    side: Side
    minor: int


class HeldDocument(Struct, frozen=True, kw_only=True):
    """What is no journal entry and was booked all the same: an invoice, a bill, a payment."""

    id: str
    """The one that a link to it holds."""
    kind: str
    """The target's own word for what it is, in the company's language."""
    number: str
    date: dt.date
    postings: Sequence[HeldPosting]


@runtime_checkable
class ListsDocuments(Protocol):
    """Optional: a sink whose target can list what invoices, bills, payments and the like booked."""

    def documents_on(self, accounts: Collection[str], first: dt.date, last: dt.date) -> Iterator[HeldDocument]:
        """Those dated from ``first`` to ``last``, both included, that booked on one of these accounts (codes), each
        once, with what it booked there at least. Journal entries may be among them, by the ids of ``ListsEntries``."""
        ...


class Barred(Struct, frozen=True, kw_only=True):
    """A type of account on which a target takes no lines of journals, or only those that name a party."""

    type: str
    """The canonical type, such as ``receivable``."""
    why: str
    """What the target wants, as in ``the target wants a customer on each line``."""
    with_party: bool = False
    """Whether a line that names one is taken."""


@runtime_checkable
class BarsAccounts(Protocol):
    """Optional: a sink whose target does not take every account in journals."""

    @property
    def barred(self) -> Sequence[Barred]:
        """What it bars. Known without asking the target."""
        ...


@runtime_checkable
class KnowsPlaces(Protocol):
    """Optional: a sink that knows which classes, locations and the like its target has for the lines of journals."""

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line cannot bear it, and what to do; both empty where it can. Asked once the account was looked at."""
        ...


@runtime_checkable
class LimitsLines(Protocol):
    """Optional: a sink whose target takes so many lines in a journal entry and no more. What is grouped becomes several
    entries then, each of whole movements."""

    most_lines: int
    """The most lines of an entry."""


@runtime_checkable
class ShortensNumbers(Protocol):
    """Optional: a sink that cuts the number of a document which is too long for its target, and marks it behind a
    tilde: ``26W05a~5yys``. So a document is found by the number that people see there."""

    def numbers_there(self, number: str) -> Sequence[str]:
        """As what a document of this number is shown there, and what takes it back. Pure."""
        ...


@runtime_checkable
class GivesNumbers(Protocol):
    """Optional: a sink whose target gives each document a number of its own beside ours. A document is found by that
    number too, as far as a stored answer tells it."""

    def ids_of(self, number: str, replies: Iterable[Reply]) -> Sequence[str]:
        """The ids of what these answers show under the target's own number. Pure; there may be many answers."""
        ...


@runtime_checkable
class RepeatsNumbers(Protocol):
    """Optional: a sink whose target takes two documents of one number. What somebody has entered by hand there would
    stand twice: what is new is looked for before it is made each time, not only until a flow has run through."""

    repeats_numbers: Sequence[str]
    """The entities of which that is so."""


@runtime_checkable
class Replaces(Protocol):
    """Optional: a sink whose target does not let some things be changed once they were written, such as posted
    documents. A newer version of one is two items of the core: what stands there is taken back, and once that is known
    the new one is written. What a person entered there is never taken back for that."""

    replaces: Sequence[str]
    """The entities that are taken back and written anew. The sink is sent no change of what was written of them."""


@runtime_checkable
class BooksRounding(Protocol):
    """Optional: a sink whose target itself books what rounding leaves between the home amounts of an entry."""

    def rounding_account(self) -> str:
        """The code of the account where it does; empty where it has none, as it knows one currency only."""
        ...


@runtime_checkable
class Confirms(Protocol):
    """Optional: a source that wants to be told what the target has really taken, so that it offers it no more."""

    confirm_batch: int
    """The most records that one call confirms."""

    def confirm(self, kind: str, notes: Mapping[str, str]) -> Mapping[str, str]:
        """Record id → a note for people, of at most ``confirm_batch`` records. Doing it twice changes nothing.

        Returns the ids that the source will never confirm, with its reason. Raises TryAgain, AccessLost.
        """
        ...
