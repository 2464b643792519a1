"""Sales tax of a document: which code each line gets, and what QuickBooks will work out of it.

Facts: in the United States a line is taxable or not, and one item of sales tax, whose rate QuickBooks knows, is of the
whole document; elsewhere the code of a line says its rate. QuickBooks works the tax out itself: no amount can be told.
Where nothing is said, lines and customers are taxable.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from wherry.errors import Rejected
from wherry.posting.bodies import ZERO, known_tax, rate_of, reckoned_tax, refusal, times
from wherry.records import Item

from .books import Books
from .taxtable import TaxItem

Obj = dict[str, Any]


class Taxed(Struct, frozen=True, kw_only=True):
    """What a document says of tax: in its head, and for each line its code's id; ``total`` is what comes on top."""

    head: Obj = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    total: Decimal = ZERO


def taxed(item: Item, books: Books, amounts: Sequence[Decimal]) -> Taxed:
    """The tax of a document whose lines come to these amounts. Raises Rejected."""
    rates = [rate_of(line) for line in item.body.get("lines", ())]
    told = known_tax(item)
    if told and not any(rates):
        raise refusal(
            item,
            f"it has {told} of tax, and no line says at which rate",
            "lines",
            "add the tax rate to its lines at the source, then try it again",
            "WHERRY-4364",
        )
    if not books.taxes.taxable:
        return _untaxed(item, rates)
    if all(rate is None for rate in rates):
        return Taxed(codes=(books.taxes.free,) * len(rates))
    return _by_line(item, books, rates, amounts) if books.taxes.by_line else _american(item, books, rates, amounts)


def _untaxed(item: Item, rates: Sequence[Decimal | None]) -> Taxed:
    found = next((n for n, rate in enumerate(rates) if rate), None)
    if found is not None:
        raise refusal(
            item,
            f"line {found + 1} is taxed at {rates[found]} %, but the company file keeps no sales tax",
            f"lines[{found}].tax_rate",
            "switch sales tax on in QuickBooks (Edit > Preferences > Sales Tax) and update "
            "again, or leave tax out of the map",
            "WHERRY-4360",
        )
    return Taxed(codes=("",) * len(rates))


def _american(item: Item, books: Books, rates: Sequence[Decimal | None], amounts: Sequence[Decimal]) -> Taxed:
    codes = tuple(books.taxes.taxable if rate else books.taxes.free for rate in rates)
    owed = sorted({rate for rate in rates if rate})
    if not owed:
        return Taxed(codes=codes)
    if len(owed) > 1:
        raise refusal(
            item,
            f"it is taxed at {' and '.join(map(str, owed))} %, and QuickBooks takes one rate for a document",
            "lines",
            "make it two documents, or one sales tax item in QuickBooks that combines both",
            "WHERRY-4361",
        )
    first = next(n for n, rate in enumerate(rates) if rate)
    found = books.taxes.items.get(_name(item, books, first, owed[0]).casefold())
    if found is None:
        raise _unknown(item, books, first, owed[0])
    base = sum((worth for rate, worth in zip(rates, amounts, strict=True) if rate), ZERO)
    total, reckoned = (_share(base, rate, books) for rate in (owed[0] if found.rate is None else found.rate, owed[0]))
    _agrees(item, found, total, reckoned)
    head = {"ItemSalesTaxRef": {"ListID": found.id}, "CustomerSalesTaxCodeRef": {"ListID": books.taxes.taxable}}
    return Taxed(head=head, codes=codes, total=total)


def _share(base: Decimal, rate: Decimal, books: Books) -> Decimal:
    return times(base, rate / 100, books.currency or "USD")


def _agrees(item: Item, found: TaxItem, total: Decimal, reckoned: Decimal) -> None:
    """Raises Rejected where QuickBooks would work out another tax than the source has."""
    told = known_tax(item)
    wanted = reckoned if told is None else told
    if total == wanted:
        return
    raise refusal(
        item,
        f"its tax is {wanted}, and QuickBooks would work out {total}, by {found.name}",
        "tax",
        "correct the rate of that item in QuickBooks or the row in the table; a difference of rounding is entered by "
        "hand",
        "WHERRY-4363",
    )


def _by_line(item: Item, books: Books, rates: Sequence[Decimal | None], amounts: Sequence[Decimal]) -> Taxed:
    codes = []
    for n, rate in enumerate(rates):
        found = books.taxes.codes.get(_name(item, books, n, rate).casefold(), "")
        if not found:
            raise _unknown(item, books, n, rate)
        codes.append(found)
    told = known_tax(item)
    reckoned = reckoned_tax(item, amounts, books.currency or "USD")
    return Taxed(codes=tuple(codes), total=reckoned if told is None else told)


def _name(item: Item, books: Books, n: int, rate: Decimal | None) -> str:
    table = books.taxes
    if found := table.table.get(rate):
        return found
    told = "has no tax rate while others have one" if rate is None else f"has the tax rate {rate} %"
    row = "a row without a rate" if rate is None else f"a row for {rate}"
    raise refusal(
        item,
        f"line {n + 1} {told}, and {table.path} names no tax of QuickBooks for that",
        f"lines[{n}].tax_rate",
        f"add {row} to {table.path} (columns rate, code), then try it again",
        "WHERRY-4362",
    )


def _unknown(item: Item, books: Books, n: int, rate: Decimal | None) -> Rejected:
    known = books.taxes.codes if books.taxes.by_line else {one.name: "" for one in books.taxes.items.values()}
    word = _name(item, books, n, rate)
    return refusal(
        item,
        f"{books.taxes.path} names the tax {word}, which QuickBooks does not have",
        f"lines[{n}].tax_rate",
        f"correct the table; QuickBooks has: {', '.join(sorted(known)[:12]) or 'none'}; a new one is known after the "
        "next session",
        "WHERRY-4365",
    )
