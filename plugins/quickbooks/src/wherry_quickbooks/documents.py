"""Which object of QuickBooks each entity becomes, and what is sent to create, change or take back one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec import Struct
from wherry.posting.bodies import ZERO, as_before, refusal
from wherry.records import Item

from . import journals, lists, sales
from .books import Books
from .client import Obj

Verb = Literal["create", "update", "void"]
Build = Callable[[Item, Books], Obj]

CLOSED = "Closed"
"""The status of an estimate that was taken back."""


class Kind(Struct, frozen=True):
    """One entity. ``name`` is QuickBooks' own; ``unique`` the field that an entry is looked for by.

    ``void`` builds what is sent to take one back, by the operation of ``voiding``; None where nothing is booked.
    """

    name: str
    build: Build
    unique: str
    note: str = ""
    void: Build | None = None
    voiding: Verb = "update"


def _closed(item: Item, books: Books) -> Obj:
    return {"TxnStatus": CLOSED}


def _nothing(item: Item, books: Books) -> Obj:
    return {}


KINDS: dict[str, Kind] = {
    "customer": Kind("Customer", lists.customer, "DisplayName", "Notes"),
    "product": Kind("Item", lists.product, "Name"),
    "invoice": Kind("Invoice", sales.sale, "DocNumber", "PrivateNote", _nothing, "void"),
    "estimate": Kind("Estimate", sales.sale, "DocNumber", "PrivateNote", _closed),
    "sales_order": Kind("Estimate", sales.sale, "DocNumber", "PrivateNote", _closed),
    "credit_memo": Kind("CreditMemo", sales.sale, "DocNumber", "PrivateNote", sales.voided),
    "journal_entry": Kind("JournalEntry", journals.journal, "DocNumber", "PrivateNote", journals.reversal, "create"),
}
"""Entity → what it is in QuickBooks. There are no sales orders: they become estimates. Only invoices are voided. A
credit memo is emptied by an update, an estimate closed, and a journal entry reversed by a second entry: the closest
that Intuit documents without deleting anything."""
LISTED = frozenset({"customer", "product"})
KEPT = frozenset({"Line", "TxnTaxDetail", "CurrencyRef", "GlobalTaxCalculation", "CustomerRef"})
"""What a sparse update replaces as a whole, or that cannot be taken away."""


_LEFT_ALONE = {True: ("DisplayName", "CompanyName", "Name"), False: ("Line", "TxnTaxDetail")}
"""Of lists and of documents: what an update leaves out if it did not change."""


class Operation(Struct, frozen=True):
    """One thing to do in QuickBooks for one item."""

    item: Item
    kind: Kind
    verb: Verb
    body: Obj


def operation(item: Item, books: Books) -> Operation:
    """What is to be sent for an item. Raises Rejected for one that cannot be said in QuickBooks' words."""
    kind = KINDS[item.entity]
    if item.action == "void":
        return _void(item, kind, books)
    sales.open_period(item, books)
    if item.target is None:
        made = kind.build(item, books)
        return Operation(item, kind, "create", made | sales.exchanged(item, books, made))
    return Operation(item, kind, "update", {**_addressed(item), **_changed(item, kind, books)})


def _void(item: Item, kind: Kind, books: Books) -> Operation:
    if kind.void is None or item.target is None:
        raise refusal(
            item, "entries of a list are not taken back: nothing is booked under them", "",
            "make it inactive in QuickBooks if it is no longer used", "WHERRY-4745",
        )  # fmt: skip
    last = msgspec.structs.replace(item, body=item.before or item.body)
    sales.open_period(last, books)
    body = kind.void(last, books)
    return Operation(item, kind, kind.voiding, body if kind.voiding == "create" else {**_addressed(item), **body})


def _addressed(item: Item) -> Obj:
    """Id and version; a version that is not known goes as the first one, which is stale if anybody changed it since."""
    return {"Id": item.target, "SyncToken": item.token or "0", "sparse": True}


def _changed(item: Item, kind: Kind, books: Books) -> Obj:
    """What a sparse update says: the whole of what the body names, and blanks for what only the last body named.

    Sparse, since a full update would also blank what people entered beside it: terms, classes, addresses of e-mail.
    What did not change is left out where it may carry more than ours: a name with a mark, lines with classes. Nothing
    is where a person said to write over what others made of it.
    """
    made = kind.build(item, books)
    old = as_before(item, lambda last: kind.build(last, books))
    for name in () if item.overwrite_local else _LEFT_ALONE[item.entity in LISTED]:
        if name in made and made[name] == old.get(name):
            del made[name]
    return {**made, **_untaxed(made, old), **_emptied(made, old)}


def _untaxed(made: Obj, old: Obj) -> Obj:
    """A document that was taxed and is no more must say so: the tax that stands there would be against it (6170)."""
    name, none = "GlobalTaxCalculation", "NotApplicable"
    return {"TxnTaxDetail": {"TotalTax": ZERO}} if made.get(name) == none and old.get(name) != none else {}


def _emptied(made: Obj, old: Obj) -> Obj:
    """Blanks for what the old object held and the new one does not."""
    blanks: Obj = {}
    for name, value in old.items():
        if name == "TxnTaxDetail" and name not in made and "Line" in made:
            blanks[name] = {"TotalTax": ZERO}
        elif name in KEPT or name in (made.keys() if not isinstance(value, dict) else ()):
            continue
        elif isinstance(value, dict):
            inner = made.get(name, {})
            if missing := {part: "" for part in value if part not in inner}:
                blanks[name] = {**inner, **missing}
        elif name not in _LEFT_ALONE[True]:
            blanks[name] = "" if isinstance(value, str) else ZERO
    return blanks
