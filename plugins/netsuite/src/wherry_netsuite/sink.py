"""Writing to NetSuite: items into calls, answers into what became of them. Does no I/O of its own.

``check`` reads what encoding needs to know of the account; everything else is pure (``roles.CallSinkWriter``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.accounting import Balance, Barred, ChartAccount, HeldDocument, HeldEntry
from wherry.errors import ContractBroken, Rejected
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account

from . import asking, books, decoding, documents, facts, ledger, places
from .books import Books, read_books
from .client import Client, Obj
from .settings import NetSuiteSettings
from .texts import is_stamp

if TYPE_CHECKING:
    from wherry.http import Http
    from wherry.roles import Services

_ACTIVE = "isinactive = 'F'"


class NetSuiteSink:
    """One account of NetSuite, or one of its subsidiaries. See ``documents.KINDS`` for what each entity becomes."""

    barred: Sequence[Barred] = tuple(
        Barred(type=type, why="NetSuite wants a name on each line", with_party=True)
        for type in ("receivable", "payable")
    )

    def __init__(self, client: Client, settings: NetSuiteSettings, services: Services) -> None:
        self.entities: Sequence[str] = tuple(documents.KINDS)
        self.http: Http = client.http
        self.batch, self.width = 1, settings.width
        self.settle: float = settings.settle
        self.repeats_numbers = documents.NUMBERED if settings.numbers == "wherry" else ()
        self.resend_for: float | None = settings.resend_for or None
        self._client, self._settings, self._services = client, settings, services
        self._read: Books | None = None

    def check(self) -> Account:
        """The account, its chart and its periods. Raises ConfigError for another account than the one named."""
        self._read = read_books(self._client, self._settings, self._services)
        part = self._settings.subsidiary
        name = f"NetSuite account {self._read.account}" + (f", subsidiary {part}" if part else "")
        id = f"{self._read.account}/{part}" if part else self._read.account
        return Account(id, name, {"currency": self._settings.home})

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the NetSuite sink was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1790",
            )  # fmt: skip
        return self._read

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """One call an item: a write, or the reading back of one. Raises Rejected, its ``item`` the stamp."""
        return [documents.call_of(item, self._books) for item in items]

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, list(items), reply, self._books)

    def facts(self, item: Item) -> Facts:
        """What NetSuite would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Calls that look for the items: by id or external id, else by number or name."""
        return asking.calls(items, self._books)

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what NetSuite holds of it."""
        return asking.found(call, items, reply, self._books)

    def listing(self, entity: str) -> Iterator[Listed]:
        """Active customers or items. Raises Rejected for another entity."""
        if entity == "customer":
            columns = "id, entityid, companyname, altname, accountnumber, externalid"
            return map(self._customer, self._client.each(columns, "customer", _ACTIVE))
        if entity == "product":
            return map(_product, self._client.each("id, itemid, displayname, itemtype", "item", _ACTIVE))
        raise Rejected(
            f"NetSuite has no list of {entity} to match against", code="WHERRY-4782", entity=entity,
            fix="match it by link only",
        )  # fmt: skip

    def _customer(self, row: Obj) -> Listed:
        """His number: what the connection writes it to, else the external id that somebody else gave him."""
        told = {name: str(value) for name, value in row.items() if isinstance(value, str)}
        number = told.get("entityid" if self._settings.customer_ids == "number" else "accountnumber", "")
        other = told.get("externalid", "")
        name = told.get("companyname") or told.get("altname") or told.get("entityid", "")
        return Listed(told["id"], name, number=number or ("" if is_stamp(other) else other))

    # -- the books ------------------------------------------------------------

    def _looked(self) -> Books:
        """What is read of the books may be asked for outside a session that writes."""
        if self._read is None:
            self.check()
        return self._books

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts, headings and inactive ones too."""
        return books.chart(self._client)

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line cannot bear it, and what to do; both empty where it can."""
        return places.misplaced(dimension, word, self._settings.subsidiary)

    def closed_until(self) -> dt.date | None:
        """The last day of the closed periods as they are now; None where none is."""
        return books.closed_until(self._client)

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """What was booked up to the end of ``last``, in the base currency; with ``first`` only what moved since."""
        return ledger.balances(self._client, self._looked(), first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The journal entries dated from ``first`` to ``last``, whoever made them."""
        return ledger.entries(self._client, self._looked(), first, last)

    def documents_on(self, accounts: Collection[str], first: dt.date, last: dt.date) -> Iterator[HeldDocument]:
        """What else booked on these accounts (codes) in these days."""
        return ledger.documents(self._client, self._looked(), accounts, first, last)


def _product(row: Obj) -> Listed:
    """An item's ID is what others call its SKU."""
    sku = str(row.get("itemid") or "")
    sort = "service" if row.get("itemtype") == "Service" else "product"
    return Listed(str(row["id"]), str(row.get("displayname") or sku), sku, sort)
