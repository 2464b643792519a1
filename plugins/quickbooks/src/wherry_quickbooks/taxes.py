"""Sales tax and VAT of a sales document: which code each line gets, and what the document says of tax.

Facts: companies in the United States take TAX or NON on a line and, where they keep rates by hand, one code for the
whole document; elsewhere each line takes a code of its own, or the document says that no tax applies (Intuit's API
reference on GlobalTaxCalculation, TxnTaxDetail and fault 6100).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from wherry.posting.bodies import known_tax, rate_of, refusal
from wherry.records import Item

from .books import Books
from .client import Obj


def taxed(item: Item, books: Books, lines: Sequence[Obj]) -> Obj:
    """What the head of a document says of tax; the codes of its lines are put into ``lines``. Raises Rejected.

    ``lines`` are QuickBooks' lines for the lines of the item's body, one for one.
    """
    rates = [rate_of(line) for line in item.body.get("lines", ())]
    if all(rate is None for rate in rates):
        return {"GlobalTaxCalculation": "NotApplicable"} if books.company.tax == "other" else {}
    if books.company.tax == "none":
        return _untaxed(item, rates)
    if books.company.tax == "other":
        return _by_line(item, books, rates, lines)
    return _american(item, books, rates, lines)


def _untaxed(item: Item, rates: Sequence[Decimal | None]) -> Obj:
    found = next((n for n, rate in enumerate(rates) if rate), None)
    if found is None:
        return {}
    raise refusal(
        item, f"line {found + 1} is taxed at {rates[found]} %, but the QuickBooks company keeps no sales tax",
        f"lines[{found}].tax_rate", "switch sales tax on in QuickBooks, or leave tax out of the map", "WHERRY-4747",
    )  # fmt: skip


def _by_line(item: Item, books: Books, rates: Sequence[Decimal | None], lines: Sequence[Obj]) -> Obj:
    for n, (rate, line) in enumerate(zip(rates, lines, strict=True)):
        if (detail := line.get("SalesItemLineDetail")) is not None:
            detail["TaxCodeRef"] = {"value": _code(item, books, n, rate)}
    return {"GlobalTaxCalculation": "TaxExcluded"}


def _american(item: Item, books: Books, rates: Sequence[Decimal | None], lines: Sequence[Obj]) -> Obj:
    for rate, line in zip(rates, lines, strict=True):
        if (detail := line.get("SalesItemLineDetail")) is not None:
            detail["TaxCodeRef"] = {"value": "TAX" if rate else "NON"}
    owed = sorted({rate for rate in rates if rate})
    if books.company.tax == "us-automatic" or not owed:
        return {}
    if len(owed) > 1:
        raise refusal(
            item, f"it is taxed at {' and '.join(map(str, owed))} %, QuickBooks takes one rate for a whole document",
            "lines", "make it two documents, or one tax rate in QuickBooks that combines both", "WHERRY-4747",
        )  # fmt: skip
    code = _code(item, books, next(n for n, rate in enumerate(rates) if rate), owed[0])
    told = known_tax(item)
    return {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": code}, **({} if told is None else {"TotalTax": told})}}


def _code(item: Item, books: Books, n: int, rate: Decimal | None) -> str:
    if found := books.taxes.get(rate):
        return found
    told = "has no tax rate while others have one" if rate is None else f"has the tax rate {rate} %"
    row = "a row without a rate" if rate is None else f"a row for {rate}"
    table = books.tax_table
    raise refusal(
        item, f"line {n + 1} {told}, and {table} names no QuickBooks tax code for that",
        f"lines[{n}].tax_rate", f"add {row} to {table} (columns rate, code), then try it again", "WHERRY-4735",
    )  # fmt: skip
