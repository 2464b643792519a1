"""A month of a Danish wholesaler of clothes: invoices with VAT and cost of goods, payments, credit notes, fees.

The same entries every time. Those of one invoice are made in the same second, as Traede makes them; a credit note has
negative amounts on the invoice's own accounts; now and then a rounding comes to nothing.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from wherry.money import text

Obj = dict[str, Any]
SALES, SALES_ABROAD, FREIGHT, COST, FEES, ROUNDING = 1010, 1050, 1080, 1310, 4340, 4390
STOCK, DEBTORS, BANK, VAT = 5530, 5600, 5820, 6902
"""Numbers of a Danish chart of accounts."""
FIRST = dt.datetime(2026, 1, 2, 8, 0, tzinfo=dt.UTC)
_DAYS, _VAT_PERCENT = 30, 25


class Shop(NamedTuple):
    """A customer, and the currency that he is invoiced in; empty: the company's own."""

    name: str
    currency: str = ""


SHOPS = (
    Shop("Havblik Tøj ApS"), Shop("Butik Nørregade"), Shop("Løkke & Lund I/S"), Shop("Sko og Stil A/S"),
    Shop("Gråbrødre Mode ApS"), Shop("Kystens Garderobe"), Shop("Västra Kläder AB", "SEK"),
    Shop("Hansa Mode GmbH", "EUR"),
)  # fmt: skip


def sample(count: int, currency: str) -> list[Obj]:
    """The first ``count`` entries; amounts are decimal text."""
    return list(islice(_entries(currency), count))


def _entries(home: str) -> Iterator[Obj]:
    chance, number = random.Random(20260101), 10_001
    while True:
        day = min((number - 10_001) // 2, _DAYS - 1)
        at = FIRST + dt.timedelta(days=day, minutes=chance.randrange(480))
        shop = SHOPS[chance.randrange(len(SHOPS))]
        net, cost = chance.randrange(20_000, 2_500_000), chance.randrange(55, 75)
        sign = -1 if number % 7 == 0 else 1
        name = f"{'Kreditnota' if sign < 0 else 'Faktura'} {number} – {shop.name}"
        code = shop.currency or home
        yield from _invoice(name, at, code, sign * net, sign * (net * cost // 100), home)
        if number % 3 == 0:
            paid = net if shop.currency else net + _vat(net)
            yield _entry(f"Indbetaling {number} – {shop.name}", at + dt.timedelta(days=1), code, paid, BANK, DEBTORS)
            yield _entry(f"Gebyr, indbetaling {number}", at + dt.timedelta(days=1), home, 750, FEES, BANK)
        if number % 10 == 0:
            rounding = chance.randrange(-24, 25) if number % 20 else 0
            yield _entry(f"Øreafrunding {number}", at, home, rounding, DEBTORS, ROUNDING)
        number += 1


def _invoice(name: str, at: dt.datetime, code: str, net: int, cost: int, home: str) -> Iterator[Obj]:
    abroad = code != home
    yield _entry(name, at, code, net, DEBTORS, SALES_ABROAD if abroad else SALES)
    if abroad:
        yield _entry(f"Fragt, {name}", at, code, net // 50, DEBTORS, FREIGHT)
    else:
        yield _entry(f"Moms, {name}", at, code, _vat(net), DEBTORS, VAT)
    yield _entry(f"Vareforbrug, {name}", at, home, cost, COST, STOCK)


def _vat(net: int) -> int:
    return (abs(net) * _VAT_PERCENT + 50) // 100 * (1 if net >= 0 else -1)


def _entry(name: str, at: dt.datetime, code: str, minor: int, account: int, contra: int) -> Obj:
    return {
        "currency": code, "amount": text(minor, code), "account": account, "contra_account": contra, "text": name,
        "date": at.strftime("%Y-%m-%d"), "created_at": at.strftime("%Y-%m-%d %H:%M:%S"),
    }  # fmt: skip
