"""Writing to Sage Intacct: items into calls, answers into what became of them. Does no I/O of its own.

``check`` reads what encoding needs to know of the company; everything else is pure (``roles.CallSinkWriter``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.accounting import Balance, ChartAccount, HeldEntry
from wherry.errors import ContractBroken, Rejected
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account

from . import asking, books, decoding, documents, facts, ledger, places
from .books import Books, read_books
from .client import Client
from .settings import IntacctSettings

if TYPE_CHECKING:
    from wherry.http import Http
    from wherry.roles import Services


class IntacctSink:
    """One company, or one of its entities. See ``documents.form_of`` for what each entity becomes."""

    def __init__(self, client: Client, settings: IntacctSettings, services: Services) -> None:
        self.entities: Sequence[str] = documents.ENTITIES
        self.http: Http = client.http
        self.batch, self.width = settings.batch, 1  # a company takes two calls at once, from all its programs
        self.settle: float = settings.settle
        # A repeated call is refused once the first is completed, and not while it is at work: it is never sent blindly.
        self.resend_for: float | None = None
        self._client, self._settings, self._services = client, settings, services
        self._read: Books | None = None

    def check(self) -> Account:
        """The company and its chart. Raises ConfigError for another company than the one named."""
        self._read = read_books(self._client, self._settings, self._services)
        company, entity = self._settings.company, self._settings.entity
        name = f"Sage Intacct company {company}" + (f", entity {entity}" if entity else "")
        return Account(f"{company}/{entity}" if entity else company, name, {"currency": self._settings.currency})

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the Sage Intacct sink was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1710",
            )  # fmt: skip
        return self._read

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """Many functions a request, or the reading back of many. Raises Rejected, its ``item`` the stamp."""
        return documents.encoded(items, self._books)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, items, reply, self._books)

    def facts(self, item: Item) -> Facts:
        """What Sage Intacct would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Calls that look for the items: by key, else by stamp, number or name."""
        return asking.calls(items, self._books)

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what Sage Intacct holds of it."""
        return asking.found(call, items, reply, self._books)

    def listing(self, entity: str) -> Iterator[Listed]:
        """Active customers or items. Raises Rejected for another entity."""
        if entity not in documents.LISTED:
            raise Rejected(
                f"Sage Intacct has no list of {entity} to match against", code="WHERRY-4711", entity=entity,
                fix="match it by link only",
            )  # fmt: skip
        form = documents.FORMS[documents.LISTED[entity]]
        for row in self._client.each(form.object, form.fields):
            if row.get("STATUS", "active") == "active":
                yield _customer(row) if entity == "customer" else _product(row)

    # -- the books ------------------------------------------------------------

    def _looked(self) -> Books:
        """What is read of the books may be asked for outside a session that writes."""
        if self._read is None:
            self.check()
        return self._books

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts, inactive ones too."""
        return books.chart_of(self._client)

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line cannot bear it, and what to do; both empty where it can."""
        return places.misplaced(dimension, word)

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """What stands at the end of ``last``, in the base currency; with ``first`` only what moved since."""
        return ledger.balances(self._client, self._looked(), first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The journal entries dated from ``first`` to ``last``, whoever made them."""
        return ledger.entries(self._client, self._looked(), first, last)


def _customer(row: dict[str, str]) -> Listed:
    id = row["CUSTOMERID"]
    return Listed(id, row.get("NAME") or id, number=id)


def _product(row: dict[str, str]) -> Listed:
    """An item's ID is what others call its SKU."""
    sku = row.get("ITEMID", "")
    return Listed(f"{row['RECORDNO']}/{sku}", row.get("NAME") or sku, sku, "product")
