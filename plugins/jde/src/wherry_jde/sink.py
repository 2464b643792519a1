"""Writing to JD Edwards: items into calls, answers into what became of them. Does no I/O of its own.

What a connection can do depends on what its site has built: with find orchestrations its target can be asked, with one
for the ledger it tells of its books. Without a find, what was sent and not answered is for a person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from wherry.accounting import Balance, ChartAccount, HeldEntry
from wherry.errors import ContractBroken, Rejected
from wherry.posting.bodies import refusal
from wherry.posting.texts import clean
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account

from . import asking, books, decoding, documents, facts, ledger, lines
from .books import Books, read_books
from .client import Client, Obj
from .settings import JdeSettings

if TYPE_CHECKING:
    from wherry.http import Http

_KEY = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


class JdeSink:
    """One company of JD Edwards. See ``kinds.KINDS`` for what each entity becomes."""

    batch = 1
    width = 1
    """One write on its way for a company: nothing there tells two apart."""
    resend_for: float | None = None

    def __init__(self, client: Client, settings: JdeSettings) -> None:
        self.entities: Sequence[str] = tuple(dict.fromkeys((*settings.kinds, "customer", "product")))
        self.replaces: Sequence[str] = ("journal_entry", *(one for one, kind in settings.kinds.items() if kind.void))
        self.http: Http = client.http
        self.settle: float = settings.settle
        self._client, self._settings = client, settings
        self._read: Books | None = None

    def check(self) -> Account:
        """The company, its chart, the orchestrations. Raises ConfigError for settings that the site does not fit."""
        self._read = read_books(self._client, self._settings)
        details = {"currency": self._read.home, **({"release": self._read.release} if self._read.release else {})}
        return Account(self._read.id, self._read.name, details)

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the JD Edwards sink was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1940",
            )  # fmt: skip
        return self._read

    def _looked(self) -> Books:
        """What is read of the books may be asked for outside a session that writes."""
        if self._read is None:
            self.check()
        return self._books

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """One call an item. Raises Rejected, its ``item`` the stamp."""
        return [documents.call_of(self._written(item), self._books) for item in items]

    def _written(self, item: Item) -> Item:
        if item.entity in self._books.kinds:
            return item
        raise refusal(
            item, "no orchestration makes such here", "", f"make it in JD Edwards and match it, or name one: "
            f"[connections.NAME.orchestrations.{item.entity}]", "WHERRY-4957",
        )  # fmt: skip

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, list(items), reply, self._books)

    def facts(self, item: Item) -> Facts:
        """What JD Edwards would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books) if item.entity in self._books.kinds else {}

    def listing(self, entity: str) -> Iterator[Listed]:
        """The customers of the address book, or the items. Raises Rejected for another entity."""
        table, columns = books.listing_of(entity)
        if not table:
            raise Rejected(
                f"JD Edwards has no list of {entity} to match against", code="WHERRY-4958", entity=entity,
                fix="match it by link only",
            )  # fmt: skip
        kind = self._settings.search_type if entity == "customer" else ""
        rows = self._client.browse(table, columns, **({"AT1": kind} if kind else {}))
        return map(_customer if entity == "customer" else _product, rows)

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts of the company, headings and inactive ones too."""
        return books.chart(self._client)

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why a line of a journal cannot bear it, and what to do; both empty where it can."""
        return lines.misplaced(self._books, "journal_entry", dimension, word)


class Asks(JdeSink):
    """The sink of a site that can find what was written by our key."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Calls that look for the items, by key."""
        return asking.calls([self._written(item) for item in items], self._books)

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what JD Edwards holds of it."""
        return asking.found(call, items, reply, self._books)


class TellsBooks(JdeSink):
    """The sink of a site that tells the lines of its general ledger."""

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """What stands on each account at the end of ``last``; with ``first`` only what moved since."""
        names = {one.code: one.name for one in self.accounts()}
        return ledger.balances(self._client, self._looked(), names, first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The journal entries dated from ``first`` to ``last``, whoever made them."""
        return ledger.entries(self._client, self._looked(), first, last)


class AsksAndTellsBooks(Asks, TellsBooks):
    """The sink of a site that has built both."""


def sink(client: Client, settings: JdeSettings) -> JdeSink:
    """The sink that goes with what the site has built."""
    if settings.finds:
        return (AsksAndTellsBooks if settings.ledger else Asks)(client, settings)
    return (TellsBooks if settings.ledger else JdeSink)(client, settings)


def _customer(row: Obj) -> Listed:
    """His number: the long address number, unless it holds a key of ours, else the address number."""
    long, id = clean(row.get("ALKY")), clean(row.get("AN8"))
    ours = len(long) == 20 and set(long) <= _KEY
    return Listed(id, clean(row.get("ALPH")), number=id if ours or not long else long)


def _product(row: Obj) -> Listed:
    name = " ".join(filter(None, (clean(row.get("DSC1")), clean(row.get("DSC2")))))
    code = clean(row.get("LITM"))
    return Listed(code, name or code, code, "product" if clean(row.get("STKT")) == "S" else "service")
