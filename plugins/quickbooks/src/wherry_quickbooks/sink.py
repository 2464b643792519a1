"""Writing to QuickBooks Online: items into calls, answers into what became of them. Does no I/O of its own.

``check`` reads what encoding needs to know of the company; everything else is pure (``roles.CallSinkWriter``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.accounting import Balance, Barred, HeldDocument, HeldEntry
from wherry.errors import ContractBroken, Rejected
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account

from . import accounts, asking, balances, calls, decoding, entries, facts, journals, postings
from .books import Books, read_books
from .client import Client, Obj
from .documents import KINDS
from .lists import NUMBER
from .settings import MOST_IN_BATCH, QuickBooksSettings

if TYPE_CHECKING:
    from wherry.accounting import ChartAccount
    from wherry.http import Http
    from wherry.roles import Services

_SORTS = {"Service": "service", "NonInventory": "product", "Inventory": "product"}


class QuickBooksSink:
    """One company of QuickBooks Online. See ``documents.KINDS`` for what each entity becomes there."""

    barred: Sequence[Barred] = (
        Barred(type="receivable", why="QuickBooks wants a customer on each line", with_party=True),
        Barred(type="payable", why="QuickBooks wants a vendor on each line, and Wherry writes no vendors"),
    )

    def __init__(self, client: Client, settings: QuickBooksSettings, services: Services) -> None:
        self.entities: Sequence[str] = tuple(KINDS)
        self.http: Http = client.http
        self.batch = min(settings.batch, MOST_IN_BATCH)
        self.width = settings.width
        self.settle: float = settings.settle
        self.resend_for: float | None = settings.resend_for or None
        self.repeats_numbers: Sequence[str] = ()
        """Only a preference, which may be off, keeps people from giving a number twice."""
        self._client, self._settings, self._services = client, settings, services
        self._read: Books | None = None
        self._exchange: str | None = None

    def check(self) -> Account:
        """The company, its chart and its tax codes, read once. Raises ConfigError for settings it does not fit."""
        self._read = read_books(self._client, self._settings, self._services)
        self.repeats_numbers = asking.numbered(self._read)
        company = self._read.company
        return Account(company.id, company.name, {"currency": company.currency, "country": company.country})

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the QuickBooks sink was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1730",
            )  # fmt: skip
        return self._read

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """The calls that carry the items: batches, and single calls for voids and items to be sent alone.

        Raises Rejected, its ``item`` the stamp, for an item that cannot be said in QuickBooks' words.
        """
        return calls.encoded(items, self._books, self._client, self.batch)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, items, reply, self._books)

    def facts(self, item: Item) -> Facts:
        """What QuickBooks would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Queries that look for the items: by id, else by number or name, else by day and customer."""
        return asking.calls(items, self._books, self._client)

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what QuickBooks holds of it."""
        return asking.found(items, reply, self._books)

    def listing(self, entity: str) -> Iterator[Listed]:
        """Active customers, products and services, or accounts. Raises Rejected for another entity."""
        if entity == "customer":
            return map(_customer, self._client.query("Customer"))
        if entity == "product":
            return (_product(row) for row in self._client.query("Item") if row.get("Type") in _SORTS)
        if entity == "account":
            return map(_account, self._client.query("Account"))
        raise Rejected(
            f"QuickBooks has no list of {entity} to match against", code="WHERRY-4748", entity=entity,
            fix="match it by link only",
        )  # fmt: skip

    # -- the books ------------------------------------------------------------

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts, inactive ones too."""
        home, rows = self._client.company().currency, accounts.rows(self._client)
        self._exchange = accounts.exchange_account(rows)
        yield from accounts.chart(rows, home)

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why the company does not take a line at this class or location, and what to do; both empty where it does."""
        return journals.misplaced(self._books, dimension, word)

    def rounding_account(self) -> str:
        """The account for exchange gains and losses, as of the chart that was read last; empty without one."""
        if self._exchange is None:
            self._exchange = accounts.exchange_account(accounts.rows(self._client))
        return self._exchange

    def closed_until(self) -> dt.date | None:
        """The closing date as it is set now; None where there is none."""
        return self._client.close_date()

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """The trial balance at the end of ``last``, in the home currency; with ``first`` only what moved since.

        As QuickBooks reports it: what was earned and spent before the fiscal year of ``last`` stands in the retained
        earnings. What moved since ``first`` is told by account, whatever years it lies in.
        """
        return balances.trial_balance(self._client, first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The journal entries dated from ``first`` to ``last``, whoever made them."""
        return entries.listed(self._client, first, last)

    def documents_on(
        self, accounts: Collection[str], first: dt.date, last: dt.date
    ) -> Iterator[HeldDocument]:  # fmt: skip
        """What booked on these accounts (codes) in these days, of the general ledger report."""
        return postings.documents(self._client, accounts, first, last)


def _customer(row: Obj) -> Listed:
    """``number`` is what Wherry, or a person, wrote into the notes as ``Number: 17850``."""
    lines = str(row.get("Notes") or "").splitlines()
    number = next((line.removeprefix(NUMBER).strip() for line in lines if line.startswith(NUMBER)), "")
    return Listed(str(row["Id"]), str(row.get("DisplayName") or ""), number=number)


def _product(row: Obj) -> Listed:
    return Listed(str(row["Id"]), str(row.get("Name") or ""), str(row.get("Sku") or ""), _SORTS[row["Type"]])


def _account(row: Obj) -> Listed:
    name = str(row.get("FullyQualifiedName") or row.get("Name") or "")
    return Listed(str(row["Id"]), name, "", str(row.get("AccountType") or ""), str(row.get("AcctNum") or ""))
