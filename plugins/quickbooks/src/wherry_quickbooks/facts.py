"""What an object of QuickBooks comes to, in words that ours and theirs can be compared by (``records.Facts``).

Left out is what QuickBooks adds by itself: subtotals, its own ids, tax codes and tax lines. What they come to shows in
the total. Left out as well is what neither this body of an item names nor the last one. What is named and not there is
an empty text, since only what both sides tell is compared.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec
from wherry.errors import Rejected
from wherry.posting.bodies import total_of
from wherry.posting.facts import TAKEN_BACK, money, names, names_on_lines, plain
from wherry.records import Facts, Item

from .books import Books
from .client import Obj
from .documents import CLOSED, KINDS
from .journals import side_total
from .lists import ADDRESS
from .names import NAME_LENGTHS, unmarked, unstamped, voided
from .sales import currency_of, nets_of, untaxed

_SCHEME = re.compile(r"\Ahttps?://", re.IGNORECASE)
_NO_DIGIT = re.compile(r"[^0-9+]")


def of_item(item: Item, books: Books) -> Facts:
    """What QuickBooks would hold once the item is written; nothing where that cannot be said (any more)."""
    if item.action == "void":
        return dict(TAKEN_BACK)
    try:
        return of_object(item, _expected(msgspec.structs.replace(item, memo=""), books), books)
    except Rejected:
        return {}


def _expected(item: Item, books: Books) -> Obj:
    if item.entity in NAME_LENGTHS or item.entity == "journal_entry":
        return KINDS[item.entity].build(item, books)
    made = untaxed(item, books)
    return {**made, "TotalAmt": total_of(item, nets_of(made["Line"]), currency_of(item, books))}


def of_object(item: Item, held: Obj, books: Books) -> Facts:
    """What QuickBooks holds, of what the item speaks of."""
    if item.entity == "customer":
        return _customer(item, held)
    if item.entity == "product":
        return _product(item, held)
    if taken_back(item.entity, held):
        return dict(TAKEN_BACK)
    return {"state": "stands", **_document(item, held, books)}


def taken_back(entity: str, held: Obj) -> bool:
    """Whether a document was voided, emptied or closed. A journal entry does not show that it was reversed."""
    if entity in ("estimate", "sales_order"):
        return held.get("TxnStatus") == CLOSED
    return entity != "journal_entry" and voided(held.get("PrivateNote")) and not Decimal(held.get("TotalAmt") or 0)


# -- lists ------------------------------------------------------------


def _customer(item: Item, held: Obj) -> Facts:
    told = {
        "email": str(_part(held, "PrimaryEmailAddr", "Address")).casefold(),
        "phone": _NO_DIGIT.sub("", _part(held, "PrimaryPhone", "FreeFormNumber")),
        "website": _SCHEME.sub("", _part(held, "WebAddr", "URI")).rstrip("/").casefold(),
        "address": _address(held.get("BillAddr") or {}),
        "notes": unstamped(held.get("Notes")),
    }
    named = {name: names(item, name) for name in ("email", "phone", "website")}
    named |= {"address": any(names(item, field) for field in ADDRESS), "notes": True}
    name = unmarked(str(held.get("DisplayName") or ""), NAME_LENGTHS["customer"])
    return {"name": name, **_inactive(held), **{field: value for field, value in told.items() if named[field]}}


def _inactive(held: Obj) -> Facts:
    """An entry of a list is made inactive, never deleted. Told where it is so: ours is not compared with it, since what
    was made inactive on purpose is updated all the same."""
    return {"state": "inactive"} if held.get("Active") is False else {}


def _part(held: Obj, name: str, inner: str) -> str:
    return str((held.get(name) or {}).get(inner) or "")


def _address(held: Obj) -> str:
    names = ("Line1", "Line2", "Line3", "Line4", "Line5", *ADDRESS.values())
    told = dict.fromkeys(" ".join(str(held.get(name) or "").split()) for name in dict.fromkeys(names))
    return ", ".join(part for part in told if part)


def _product(item: Item, held: Obj) -> Facts:
    told = {
        "sku": str(held.get("Sku") or ""),
        "description": " ".join(str(held.get("Description") or "").split()),
        # QuickBooks keeps an item without a price as one for nothing.
        "price": plain(held.get("UnitPrice")),
    }
    name = unmarked(str(held.get("Name") or ""), NAME_LENGTHS["product"])
    return {"name": name, **_inactive(held), **{field: value for field, value in told.items() if names(item, field)}}


# -- documents ------------------------------------------------------------


def _document(item: Item, held: Obj, books: Books) -> Facts:
    currency = str((held.get("CurrencyRef") or {}).get("value") or books.company.currency)
    custom = books.company.custom_numbers or item.entity == "journal_entry"
    line = _journal_line if item.entity == "journal_entry" else _sales_line
    lines = [one for one in held.get("Line") or () if one.get("DetailType") != "SubTotalLineDetail"]
    told = {
        "date": str(held.get("TxnDate") or "")[:10],
        "customer": _value(held, "CustomerRef"),
        "total": money(_total(item, held), currency),
        "memo": unstamped(held.get("PrivateNote")),
        "lines": str(len(lines)),
    }
    if names(item, "exchange_rate"):
        told["exchange rate"] = plain(held.get("ExchangeRate") or 1)
    if custom and names(item, "number"):
        told["number"] = str(held.get("DocNumber") or "")
    if names(item, "due_date") and item.entity != "credit_memo":
        told["due_date"] = str(held.get("DueDate") or "")[:10]
    return told | {f"line {n}": line(item, one, currency) for n, one in enumerate(lines, start=1)}


def _total(item: Item, held: Obj) -> Any:
    return side_total(held.get("Line") or [], "Debit") if item.entity == "journal_entry" else held.get("TotalAmt")


def _sales_line(item: Item, line: Obj, currency: str) -> str:
    told = _description(item, line)
    detail = line.get("SalesItemLineDetail") or {}
    if not detail:
        return f"{line.get('DetailType')}{_amounting(line, currency)}{told}"
    quantity = f"{plain(detail['Qty'])} x " if detail.get("Qty") is not None else ""
    return f"{quantity}item {_value(detail, 'ItemRef')}{_amounting(line, currency)}{_placed(item, detail)}{told}"


def _journal_line(item: Item, line: Obj, currency: str) -> str:
    detail = line.get("JournalEntryLineDetail") or {}
    party = _value(detail.get("Entity") or {}, "EntityRef")
    whom = f", customer {party}" if party else ""
    side, account = str(detail.get("PostingType") or "").lower(), _value(detail, "AccountRef")
    where = _placed(item, detail)
    return f"{side} account {account}{_amounting(line, currency)}{whom}{where}{_description(item, line)}"


def _placed(item: Item, detail: Obj) -> str:
    """Class and department of a line, unless none of ours has any: people may have entered them there."""
    if not names_on_lines(item, "dimensions"):
        return ""
    told = (("class", "ClassRef"), ("department", "DepartmentRef"))
    return "".join(f", {name} {_value(detail, field)}" for name, field in told if _value(detail, field))


def _amounting(line: Obj, currency: str) -> str:
    return f" = {money(line.get('Amount'), currency)}" if line.get("Amount") else ""


def _description(item: Item, line: Obj) -> str:
    """The text of a line, unless none of ours has one: QuickBooks may then take the item's own."""
    if not names_on_lines(item, "description"):
        return ""
    told = " ".join(str(line.get("Description") or "").split())
    return f": {told}" if told else ""


# -- values ------------------------------------------------------------


def _value(held: Obj, name: str) -> str:
    return str((held.get(name) or {}).get("value") or "")
