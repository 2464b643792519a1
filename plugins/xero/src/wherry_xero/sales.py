"""Invoices and credit notes: from the body of an item to Xero's own.

Facts: a line has an item's code, or a description and an account; it may leave out its unit price where it has quantity
and amount; without ``LineAmountTypes`` amounts are without tax (contracts/xero). What a line's item sells to, Xero
takes from the item (general knowledge).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wherry.money import exact
from wherry.posting.bodies import ZERO, comes_to, customer_of, lines_of, rate_of, refusal, worth_of
from wherry.posting.texts import clean, cut
from wherry.records import Item

from .amounts import UNIT_PLACES, currency_of, taxes_of
from .books import Books
from .client import Obj
from .places import tracked
from .texts import DESCRIPTION, REFERENCE, SIGN

LONGEST_NUMBER = 255
_ASKABLE = str.maketrans('"\\', "'/")


def invoice(item: Item, books: Books) -> Obj:
    """A sales invoice. Raises Rejected, and nothing of the item is sent."""
    made = _document(item, books, "ACCREC")
    due, before = item.body.get("due_date"), (item.before or {}).get("due_date")
    if due or before:
        made["DueDate"] = due or item.body["date"]  # it cannot be emptied: due at once
    if item.target is None:
        made["Url"] = f"{books.settings.link}/{item.stamp}"
    return {**made, **_numbered(item, "InvoiceNumber"), "Reference": cut(item.body.get("memo"), REFERENCE)}


def credit_note(item: Item, books: Books) -> Obj:
    """A credit note for a customer."""
    made = _document(item, books, "ACCRECCREDIT")
    return {**made, **_numbered(item, "CreditNoteNumber"), "Reference": reference(item)}


def reference(item: Item) -> str:
    """The memo of a credit note, and behind it the key of what was last written: it has no link to bear that. It is
    looked for as a whole, so it has none of the marks that cannot be asked for."""
    sign, memo = f"{SIGN}{item.stamp}", str(item.body.get("memo") or "").translate(_ASKABLE)
    return f"{cut(memo, REFERENCE - len(sign) - 1)} {sign}".strip()


def _document(item: Item, books: Books, type: str) -> Obj:
    currency = currency_of(item, books)
    lines = lines_of(item)
    nets = [worth_of(item, n, line, currency) for n, line in enumerate(lines)]
    taxes = taxes_of(item, nets, currency)
    comes_to(item, sum(nets, ZERO) + sum(taxes or (), ZERO), currency)
    made = [_line(item, books, n, line, nets[n]) for n, line in enumerate(lines)]
    if taxes is not None:
        made = [
            {**one, "TaxType": _tax_type(item, books, n, lines[n]), "TaxAmount": taxes[n]} for n, one in enumerate(made)
        ]
    return {
        "Type": type, "Contact": {"ContactID": customer_of(item)}, "Date": item.body["date"], "CurrencyCode": currency,
        "LineAmountTypes": "NoTax" if taxes is None else "Exclusive", "LineItems": made,
    }  # fmt: skip


def total_of(made: Obj) -> Decimal:
    """What a document of ours comes to."""
    parts = (line[name] for line in made["LineItems"] for name in ("LineAmount", "TaxAmount") if name in line)
    return sum(parts, ZERO)


def _numbered(item: Item, name: str) -> Obj:
    number = clean(item.body.get("number"))
    if len(number) > LONGEST_NUMBER:
        raise refusal(
            item, f"its number has {len(number)} characters, and Xero takes {LONGEST_NUMBER}", "number",
            "give it a shorter number at the source", "WHERRY-4595",
        )  # fmt: skip
    return {name: number} if number else {}


def _line(item: Item, books: Books, n: int, line: dict[str, Any], net: Decimal) -> Obj:
    quantity = exact(line.get("quantity", 1))
    if net and not quantity:
        raise refusal(
            item, f"line {n + 1} comes to {net} at a quantity of nothing", f"lines[{n}].quantity",
            "correct quantity or amount at the source", "WHERRY-4594",
        )  # fmt: skip
    made: Obj = {"Quantity": quantity, **_priced(line, quantity, net), "LineAmount": net}
    code, words = code_of(line.get("product")), cut(line.get("description") or line.get("service"), DESCRIPTION)
    if not code and not (words and books.sales):
        raise refusal(
            item, f"line {n + 1} names no item of Xero, and has no {'account' if words else 'description'} to go by",
            f"lines[{n}].product", "match the line's product or service, then try it again", "WHERRY-4580",
        )  # fmt: skip
    made |= {"ItemCode": code} if code else {"AccountCode": books.sales}
    return {**made, **({"Description": words} if words else {}), **tracked(item, books, n, line)}


def _priced(line: dict[str, Any], quantity: Decimal, net: Decimal) -> Obj:
    """The unit price where nothing has to be rounded; else Xero works it out of quantity and amount."""
    if line.get("rate") is None:
        return {}
    unit = exact(line["rate"])
    fits = unit == round(unit, UNIT_PLACES) and quantity * unit == net
    return {"UnitAmount": unit} if fits else {}


def code_of(target: Any) -> str:
    """The code of an item by its target, ``ID/CODE``: Xero names items on lines by their codes."""
    told = str(target or "")
    return told.partition("/")[2] or told


def _tax_type(item: Item, books: Books, n: int, line: dict[str, Any]) -> str:
    rate = rate_of(line)
    several = books.rates.get(rate, ()) if rate is not None else ()
    if found := books.taxes.get(rate) or (several[0] if len(several) == 1 else ""):
        return found
    told = f"has the tax rate {rate} %" if rate is not None else "has no tax rate while others have one"
    why = f"Xero has {', '.join(several)} of that rate" if several else "Xero has no tax rate for sales of that"
    if rate is None:
        why = "it is not known which of Xero's tax rates that is"
    raise refusal(
        item, f"line {n + 1} {told}, and {why}", f"lines[{n}].tax_rate",
        f"add a row for it to {books.settings.tax_table} (columns rate, type), then try it again", "WHERRY-4581",
    )  # fmt: skip
