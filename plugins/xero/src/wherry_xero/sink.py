"""Writing to Xero: items into calls, answers into what became of them. Does no I/O of its own.

``check`` reads what encoding needs to know of the organisation; everything else is pure (``roles.CallSinkWriter``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.accounting import Balance, Barred, ChartAccount, HeldEntry
from wherry.errors import ContractBroken, Rejected
from wherry.posting.texts import clean
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account

from . import asking, books, decoding, documents, facts, ledger, places
from .books import BARRED, Books, read_books
from .client import Client, Obj
from .settings import XeroSettings
from .texts import stamp_in

if TYPE_CHECKING:
    from wherry.http import Http
    from wherry.roles import Services


class XeroSink:
    """One organisation of Xero. See ``documents.KINDS`` for what each entity becomes."""

    barred: Sequence[Barred] = tuple(Barred(type=type, why="Xero takes no manual journals there") for type in BARRED)

    def __init__(self, client: Client, settings: XeroSettings, services: Services) -> None:
        self.entities: Sequence[str] = tuple(documents.KINDS)
        self.http: Http = client.http
        self.batch, self.width = settings.batch, settings.width
        self.settle: float = settings.settle
        self.resend_for: float | None = settings.resend_for or None
        self._client, self._settings, self._services = client, settings, services
        self._read: Books | None = None

    def check(self) -> Account:
        """The organisation, its chart and lists. Raises ConfigError for settings that it does not fit."""
        self._read = read_books(self._client, self._settings, self._services)
        return Account(self._read.id, self._read.name, {"currency": self._read.home})

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the Xero sink was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1570",
            )  # fmt: skip
        return self._read

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """The calls that carry the items. Raises Rejected, its ``item`` the stamp."""
        return documents.encoded(items, self._books)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, items, reply, self._books)

    def facts(self, item: Item) -> Facts:
        """What Xero would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Calls that look for the items: by id, else by stamp, number or name."""
        return asking.calls(items, self._books)

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what Xero holds of it."""
        return asking.found(call, items, reply, self._books)

    def listing(self, entity: str) -> Iterator[Listed]:
        """Active contacts, or items that are sold. Raises Rejected for another entity."""
        if entity == "customer":
            # The archived ones too: one that is archived while pages are read would move others to a page before.
            every = self._client.each("Contacts", includeArchived="true")
            return (_contact(row) for row in every if row.get("ContactStatus", "ACTIVE") == "ACTIVE")
        if entity == "product":
            return (_product(row) for row in self._client.rows("Items") if row.get("IsSold") is not False)
        raise Rejected(
            f"Xero has no list of {entity} to match against", code="WHERRY-4591", entity=entity,
            fix="match it by link only",
        )  # fmt: skip

    # -- the books ------------------------------------------------------------

    def _looked(self) -> Books:
        """What is read of the books may be asked for outside a session that writes."""
        if self._read is None:
            self.check()
        return self._books

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts, archived ones too."""
        return books.chart(self._client)

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line cannot bear it, and what to do; both empty where it can."""
        return places.misplaced(self._books, dimension, word)

    def closed_until(self) -> dt.date | None:
        """The later lock date as it is now; None where there is none."""
        return books.locked(books.organisation(self._client))

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """The trial balance at the end of ``last``, in the base currency; with ``first`` only what moved since."""
        return ledger.balances(self._client, self._looked(), first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The manual journals dated from ``first`` to ``last``, whoever made them."""
        return ledger.entries(self._client, self._looked(), first, last)


def _contact(row: Obj) -> Listed:
    """His number: the account number, else a contact number that another system gave him."""
    other = clean(row.get("ContactNumber"))
    number = clean(row.get("AccountNumber")) or ("" if stamp_in(other) else other)
    return Listed(str(row["ContactID"]), clean(row.get("Name")), number=number)


def _product(row: Obj) -> Listed:
    code = clean(row.get("Code"))
    return Listed(f"{row['ItemID']}/{code}", clean(row.get("Name")) or code, code, "service")
