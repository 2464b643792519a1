"""Journal entries: from the body of an item to lines with signed amounts.

Facts: amounts are signed, debits above zero, and net to zero for company and ledger (API.md). An entry goes by its home
amounts, into the ledger of the company's own currency. Number and memo are one explanation of 30 letters.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace
from wherry.posting import entries
from wherry.posting.bodies import ZERO, Line, amount
from wherry.posting.facts import plain
from wherry.posting.texts import clean
from wherry.records import Item

from .books import Books
from .lines import Fields, beside, fitting
from .texts import EXPLANATION, NUMBER


def journal(item: Item, books: Books) -> tuple[Fields, list[Fields]]:
    """Head and lines. Raises Rejected, and nothing of the item is sent."""
    return _entry(item, books, 1)


def reversal(item: Item, books: Books) -> tuple[Fields, list[Fields]]:
    """The entry that takes one back: its sides turned over, on the same day, called as a reversal."""
    return _entry(entries.turned(replace(item, target=None)), books, -1)


def _entry(item: Item, books: Books, sign: int) -> tuple[Fields, list[Fields]]:
    lines = [(n, line) for n, line in enumerate(entries.lines_at_home(item, books.home)) if line["amount"]["minor"]]
    amounts = [sign * _signed(line) for _, line in lines]
    debits = sum((one for one in amounts if one > 0), ZERO)
    entries.balanced(item, debits, debits - sum(amounts, ZERO), len(lines), books.home)
    head = {
        "date": str(item.body["date"]), "explanation": entries.narration(item, EXPLANATION),
        "number": fitting(item, "number", NUMBER), "memo": clean(item.body.get("memo")), "total": plain(debits),
    }  # fmt: skip
    return head, [_line(item, books, n, line, worth) for (n, line), worth in zip(lines, amounts, strict=True)]


def _signed(line: Line) -> Decimal:
    worth = amount(line["amount"])
    return worth if line["side"] == "debit" else -worth


def _line(item: Item, books: Books, n: int, line: Line, worth: Decimal) -> Fields:
    account = books.chart.account(str(line["account"]), item, f"lines[{n}].account")
    return {
        "account": account.code, "amount": format(worth, "f"), "customer": clean(line.get("customer")),
        **beside(item, books, n, line),
    }  # fmt: skip
