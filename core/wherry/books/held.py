"""Both sides of a tie-out: the entries that a target holds, whoever made them, and those that the hub wrote there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct, field

from wherry.accounting import Balance, Entry, Side

FAR = dt.date(2199, 12, 31)
"""Behind every entry that there may be."""
What = Literal["edited", "re-dated", "missing", "doubled", "stray", "open", "untold", "unexplained"]


class HeldLine(Protocol):
    """One line of an entry in the target: ``minor`` in the entry's currency, ``home`` in that of its balances.
    ``party`` is the target's id of whose receivable or payable it is."""

    @property
    def account(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def minor(self) -> int: ...
    @property
    def home(self) -> int: ...
    @property
    def party(self) -> str: ...


class HeldEntry(Protocol):
    """A journal entry as the target holds it. ``stamp`` is the hub's own sign in it, empty where somebody else made
    it; accounts go by their code in the chart."""

    @property
    def id(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def date(self) -> dt.date: ...
    @property
    def currency(self) -> str: ...
    @property
    def note(self) -> str: ...
    @property
    def stamp(self) -> str: ...
    @property
    def lines(self) -> Sequence[HeldLine]: ...


@runtime_checkable
class ListsEntries(Protocol):
    """Optional: a sink whose target can list its journal entries."""

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """Those dated from ``first`` (None: from the beginning) to ``last``, both included."""
        ...


class HeldPosting(Protocol):
    """What a document booked on an account, in minor units of the currency that the target keeps its balances in."""

    @property
    def account(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def minor(self) -> int: ...


class HeldDocument(Protocol):
    """What is no journal entry and was booked all the same: an invoice, a bill, a payment. ``kind`` is the target's
    own word for it, ``id`` the one that a link to it holds; accounts go by their code in the chart."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def date(self) -> dt.date: ...
    @property
    def postings(self) -> Sequence[HeldPosting]: ...


@runtime_checkable
class ListsDocuments(Protocol):
    """Optional: a sink whose target can list what invoices, bills, payments and the like booked."""

    def documents_on(self, accounts: Collection[str], first: dt.date, last: dt.date) -> Iterator[HeldDocument]:
        """Those dated from ``first`` to ``last``, both included, that booked on one of these accounts (codes), each
        once, with what it booked there at least. Journal entries may be among them, by the ids of ``ListsEntries``."""
        ...


# -- what the hub wrote, and what is compared with it -----------------------------------------------------------------


class Written(Struct, frozen=True, kw_only=True):
    """An entry that the hub wrote and the target's id of it, accounts by their code there. What takes another back has
    no id of its own where it is not known: it is found by its ``stamps`` or by what it says."""

    entry: Entry
    id: str
    stamps: frozenset[str] = frozenset()
    reverses: str = ""
    """The number of the entry that this one takes back."""
    days: tuple[dt.date, dt.date] | None = None
    """From when to when its movements are dated: it bears one of these days."""


class Cancelled(Struct, frozen=True, kw_only=True):
    """An entry that was taken back and posted anew since: what is left of the first has to come to nothing."""

    name: str
    entry: str
    id: str
    stamps: frozenset[str]
    """Those that went out to take it back."""


class BothSides(Struct, frozen=True, kw_only=True):
    """Both sides. ``held`` None: the target cannot list its entries; ``moved`` None: it makes no trial balance."""

    first: dt.date
    last: dt.date
    written: Sequence[Written]
    cancelled: Sequence[Cancelled] = ()
    held: Sequence[HeldEntry] | None = None
    documents: Sequence[HeldDocument] | None = None
    """What else booked on the hub's accounts; None where the target cannot list it."""
    made: Mapping[str, str] = field(default_factory=dict)
    """The target's id of a document that the hub wrote → what it is, in words."""
    opening: Sequence[Balance] | None = None
    moved: Sequence[Balance] | None = None
    sent: frozenset[str] = frozenset()
    """Stamps that went out with the hub's requests."""
    open: Mapping[str, str] = field(default_factory=dict)
    """Stamp of what may have been written → what it is, and how to find out."""
    told: Sequence[Problem] = ()
    """What the target said of single entries, where it cannot list them."""
    parties: Mapping[str, str] = field(default_factory=dict)
    """The target's id of a party → what the books call it."""

    def spans(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


class Problem(Struct, frozen=True, kw_only=True):
    """Something that does not tie out: an entry by its number, or an account; ``says`` is the whole of it in words."""

    what: What
    name: str
    says: str
    target: str = ""
    entry: str = ""
    """The key of the entry in the ledger."""


class Booked(Struct, frozen=True, kw_only=True):
    """What a document booked on one of the hub's accounts; debits positive, minor units. ``made`` says in words which
    of the hub's it is, and is empty where the hub did not make it."""

    target: str
    kind: str
    number: str
    date: dt.date
    account: str
    currency: str
    minor: int
    made: str = ""


class Foreign(Struct, frozen=True, kw_only=True):
    """An entry that the hub did not make. It moves balances, and is nothing amiss."""

    target: str
    number: str
    date: dt.date
    currency: str
    minor: int
    note: str
    like: str = ""
    """The number of an entry of the hub that says the very same."""
