"""Writing to QuickBooks Desktop: items into message sets, answers into what became of them. Does no I/O of its own.

It is polled: what it sends leaves while the Web Connector is here (``present``), by the connection's line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from wherry.accounting import Balance, Barred, ChartAccount, HeldDocument, HeldEntry
from wherry.books.numbering import reversing
from wherry.errors import ContractBroken, Rejected
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account, Connection, Services

from . import asking, company, decoding, documents, facts, ledger, mirror, statements
from .books import SOLD, Books, read_books
from .line import PATH, line_of
from .names import numbered
from .settings import QbwcSettings
from .statements import Question, Rows
from .visits import Visits
from .words.requests import request
from .words.sets import message_set, set_id

OF_LISTS = frozenset({"WHERRY-4348", "WHERRY-4350", "WHERRY-4352", "WHERRY-4359", "WHERRY-4363", "WHERRY-4365",
                      "WHERRY-4366", "WHERRY-4367", "WHERRY-4852", "WHERRY-4853", "WHERRY-4863"})  # fmt: skip
"""What an item is refused with that somebody puts right in a list of QuickBooks, and updates."""
_SORTS = {"ItemServiceRet": "service"}


class QbwcSink:
    """One company file of QuickBooks Desktop. See ``documents.kind_of`` for what each entity becomes there."""

    barred: Sequence[Barred] = (
        Barred(type="receivable", why="QuickBooks wants a customer on its line", with_party=True),
        Barred(type="payable", why="QuickBooks wants a vendor on its line, and Wherry writes no vendors"),
    )
    repeats_numbers: Sequence[str] = tuple(one for one in documents.ENTITIES if one not in documents.LISTED)
    batch = width = 1
    """One write a message set: what becomes of it is then known, or asked for, by itself."""

    def __init__(self, connection: Connection, services: Services) -> None:
        self.entities: Sequence[str] = documents.ENTITIES
        self._name, self._services = connection.name, services
        self._settings: QbwcSettings = connection.settings
        self._line = line_of(services.folder, connection.name)
        self._visits = Visits(self._line, connection.name, services)
        self.http = self._visits
        self.settle: float = self._settings.settle
        self.resend_for: float | None = self._settings.resend_for or None
        self._read: Books | None = None

    @property
    def present(self) -> bool:
        """Whether the Web Connector is here, at the right company file."""
        return self.http.present

    def check(self) -> Account:
        """The company file, as it was in the latest session. Raises TryAgain before the first."""
        self._read = read_books(self._name, self._settings, self._services)
        found = self._read.company
        return Account(found.id, found.name, {"product": found.product, "country": found.country})

    @property
    def _books(self) -> Books:
        if self._read is None:
            raise ContractBroken(
                "the sink of QuickBooks Desktop was asked to write before it had looked whose books these are",
                fix="report this; nothing was sent", code="WHERRY-1853",
            )  # fmt: skip
        return self._read

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """One message set an item, known by the beginning of its stamp. Raises Rejected, its ``item`` the stamp."""
        return [self._encoded(item) for item in items]

    def _encoded(self, item: Item) -> Call:
        try:
            made = documents.operation(item, self._books)
        except Rejected as error:
            if error.code in OF_LISTS:
                self._line.miss()
            raise
        try:
            asked = request(made.name, made.body, id=item.stamp)
        except Rejected as error:
            error.where.setdefault("item", item.stamp)
            raise
        body = message_set([asked], new_id=set_id(item.stamp), version=self._books.company.qbxml)
        return Call(method="POST", path=PATH, items=(item.stamp,), body=body)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer; an item that is missing is unknown."""
        return decoding.answers(call, items, reply)

    def facts(self, item: Item) -> Facts:
        """What QuickBooks would hold once the item is written; empty for one that ``encode`` would reject."""
        return facts.of_item(item, self._books)

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Questions that look for the items."""
        calls = asking.calls(items, self._books)
        self._visits.expect(calls)
        return calls

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what QuickBooks holds of it."""
        return asking.found(call, items, reply, self._books) if reply.status == 200 else {}

    def listing(self, entity: str) -> Iterator[Listed]:
        """Active customers, items or accounts, as they were read last. Raises Rejected for another entity."""
        kind = {"customer": "customer", "product": "item", "account": "account"}.get(entity)
        if kind is None:
            raise Rejected(
                f"QuickBooks Desktop has no list of {entity} to match against", code="WHERRY-4343", entity=entity,
                fix="match it by link only",
            )  # fmt: skip
        with self._services.documents() as opened:
            held = [one for one in mirror.entries(opened, self._name, kind) if one.row.get("IsActive") != "false"]
        yield from (_listed(kind, one) for one in held if kind != "item" or one.kind in SOLD)

    # -- the books -----------------------------------------------------------------------------------------------------

    def accounts(self) -> Iterator[ChartAccount]:
        """The chart of accounts as of the latest session, inactive ones too."""
        return ledger.chart(self._accounts(), read_books(self._name, self._settings, self._services))

    def misplaced(self, dimension: str, word: str) -> tuple[str, str]:
        """Why the company file does not take a line at this class, and what to do; both empty where it does."""
        return self._books.misplaced(dimension, word)

    def numbers_there(self, number: str) -> Sequence[str]:
        """As what QuickBooks shows it, and what takes an entry back."""
        return [numbered(number), numbered(reversing(number))]

    def ids_of(self, number: str, replies: Iterable[Reply]) -> Sequence[str]:
        """The TxnIDs of what these answers show under a TxnNumber: *Trans #*, as QuickBooks' reports call it."""
        return decoding.with_number(number, replies)

    def rounding_account(self) -> str:
        """The account for exchange gains and losses; empty without one."""
        return ledger.special(self._accounts(), ledger.EXCHANGE)

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """The trial balance at the end of ``last``; with ``first`` what moved since, whatever years that lies in.

        Raises TryAgain until a session told it, after the first question.
        """
        books = read_books(self._name, self._settings, self._services)
        ledger.home(books)  # what it needs to be known for is refused before anything is asked and waited for
        asked = ledger.days(first, last, books.company.year_from)
        told = self._told(asked, statements.around(last) if first is None else ())
        days = {one.last: rows for one, rows in zip(asked, told, strict=True) if one.last}
        return ledger.balances(days, self._accounts(), books, first, last)

    def journal_entries(self, first: dt.date | None, last: dt.date) -> Iterator[HeldEntry]:
        """The journal entries dated from ``first`` to ``last``, whoever made them. Raises TryAgain as ``balances``."""
        [found] = self._told([statements.entries(first, last)])
        return ledger.listed(found, self._accounts(), read_books(self._name, self._settings, self._services))

    def documents_on(
        self, accounts: Collection[str], first: dt.date, last: dt.date
    ) -> Iterator[HeldDocument]:  # fmt: skip
        """What booked on these accounts (codes) in these days. Raises TryAgain as ``balances``."""
        [found] = self._told([statements.documents(first, last)])
        books = read_books(self._name, self._settings, self._services)
        return ledger.documents(found, set(accounts), self._accounts(), books)

    def _told(self, asked: Sequence[Question], soon: Iterable[Question] = ()) -> list[Rows]:
        with self._services.documents() as opened:
            found = statements.answers(opened, self._name, asked, soon, self._services.clock.now())
        if found is None:
            raise statements.later(asked)
        return found

    def _accounts(self) -> list[dict[str, Any]]:
        with self._services.documents() as opened:
            return [one.row for one in mirror.entries(opened, self._name, "account")]

    def closed_until(self) -> dt.date | None:
        """The closing date as of the latest session; None where there is none."""
        found = company.known(self._services.documents, self._name).closed_until
        return dt.date.fromisoformat(found) if found else None


def _listed(kind: str, entry: mirror.Entry) -> Listed:
    row = entry.row
    id, name = str(row["ListID"]), str(row.get("FullName") or row.get("Name") or "")
    if kind == "item":
        return Listed(id, name, str(row.get("ManufacturerPartNumber") or ""), _SORTS.get(entry.kind, "product"))
    type = str(row.get("AccountType") or "") if kind == "account" else ""
    return Listed(id, name, "", type, str(row.get("AccountNumber") or ""))
