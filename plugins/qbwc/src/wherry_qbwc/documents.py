"""Which object of QuickBooks each entity becomes, and the one request that creates, changes or takes back one."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from wherry.posting.bodies import refusal
from wherry.records import Item

from . import journals, lists, sales
from .books import Books

Obj = dict[str, Any]
LISTED = frozenset({"customer", "product"})
KINDS = {
    "customer": "Customer", "sales_order": "SalesOrder", "estimate": "Estimate", "invoice": "Invoice",
    "credit_memo": "CreditMemo", "journal_entry": "JournalEntry",
}  # fmt: skip
"""Entity → QuickBooks' own name; of a product its sort decides."""
SALES = frozenset({"sales_order", "estimate", "invoice", "credit_memo"})
POSTING = frozenset({"invoice", "credit_memo", "journal_entry"})
ENTITIES = ("product", *KINDS)
CLOSED: dict[str, Obj] = {"SalesOrder": {"IsManuallyClosed": True}, "Estimate": {"IsActive": False}}
"""What books nothing cannot be voided, and is closed instead."""


class Operation(Struct, frozen=True):
    """One request: its name and its body."""

    name: str
    body: Obj


def kind_of(item: Item, books: Books) -> str:
    """QuickBooks' own name of what an item becomes: ``SalesOrder``."""
    return lists.element_of(item, books) if item.entity == "product" else KINDS[item.entity]


def operation(item: Item, books: Books) -> Operation:
    """What is to be sent for an item. Raises Rejected for one that cannot be said in QuickBooks' words."""
    kind = kind_of(item, books)
    _offered(item, kind, books)
    _open_period(item, books)
    if item.action == "void":
        return _taken_back(item, kind, books)
    if item.target is None:
        return Operation(f"{kind}Add", _built(item, books, kind))
    if item.entity == "customer":
        address: Obj = {"ListID": item.target, "EditSequence": item.token}
        return Operation("CustomerMod", {**address, **_emptied(item, books), **lists.customer(item, books)})
    if item.entity in SALES:
        return Operation(
            f"{kind}Mod", {"TxnID": item.target, "EditSequence": item.token, **sales.changed(item, books, kind)}
        )
    raise refusal(
        item, f"Wherry writes a {item.entity.replace('_', ' ')} of QuickBooks Desktop once and does not change it", "",
        "change it by hand in QuickBooks, then: wherry errors resolve E-N", "WHERRY-4351",
    )  # fmt: skip


def _built(item: Item, books: Books, kind: str) -> Obj:
    if item.entity == "customer":
        return lists.customer(item, books)
    if item.entity == "product":
        return lists.product(item, books)
    return journals.added(item, books) if item.entity == "journal_entry" else sales.added(item, books, kind)


def _emptied(item: Item, books: Books) -> Obj:
    """Blanks for what the last body of a customer named and this one does not."""
    if item.before is None:
        return {}
    old = lists.customer(replace(item, body={"name": item.body.get("name"), **item.before}), books)
    return {name: "" for name, value in old.items() if isinstance(value, str)}


def _taken_back(item: Item, kind: str, books: Books) -> Operation:
    """An invoice or credit memo is voided: it stays, with nothing in it. A sales order or an estimate is closed, as a
    person would close it: it stays with all that is in it. An entry is reversed by a second one, so that both stay."""
    if item.entity in LISTED or item.target is None:
        raise refusal(
            item, "entries of a list are not taken back: nothing is booked under them", "",
            "make it inactive in QuickBooks if it is no longer used", "WHERRY-4340",
        )  # fmt: skip
    if item.entity == "journal_entry":
        return Operation("JournalEntryAdd", journals.added(journals.reversal(item), books))
    if kind in CLOSED:
        # An edit sequence that is not known goes as one that is stale for sure: then it is looked at first.
        return Operation(f"{kind}Mod", {"TxnID": item.target, "EditSequence": item.token or "0", **CLOSED[kind]})
    return Operation("TxnVoid", {"TxnVoidType": kind, "TxnID": item.target})


def _offered(item: Item, kind: str, books: Books) -> None:
    if kind == "SalesOrder" and not books.company.sales_orders:
        raise refusal(
            item, f"{books.company.product} has no sales orders; they need QuickBooks Premier or Enterprise", "",
            'set document = "invoice" or "estimate" on the flow and run it again: what was refused goes as that',
            "WHERRY-4341",
        )  # fmt: skip


def _open_period(item: Item, books: Books) -> None:
    """Raises Rejected for a date in closed books, old or new; QuickBooks would answer 3171."""
    closed = books.company.closed_until
    old, new = (str(body.get("date") or "") for body in (item.before or {}, item.body))
    dates = [date for date in (old, new) if date]
    if not closed or item.entity not in POSTING or not dates or min(dates) > closed:
        return
    there = "" < old <= closed
    date, later = (f"{old} there", "") if there else (new, ", or give it a later date")
    raise refusal(
        item, f"it is dated {date}, and the books are closed up to {closed}", "date",
        f"in QuickBooks, set the closing date before {old if there else new}{later}; then try it again",
        "WHERRY-4342",
    )  # fmt: skip
