"""Both sides of a tie-out: the entries that a target holds, whoever made them, and those that the hub wrote there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from wherry.accounting import Balance, Entry, HeldDocument, HeldEntry

FAR = dt.date(2199, 12, 31)
"""Behind every entry that there may be."""
What = Literal["edited", "re-dated", "missing", "doubled", "stray", "open", "untold", "unexplained"]


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
