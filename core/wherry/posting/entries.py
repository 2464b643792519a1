"""What the body of a journal entry says, read the same way by every sink that posts entries."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from wherry.books.numbering import reversing
from wherry.money import exact
from wherry.posting.bodies import Line, refusal
from wherry.posting.texts import clean, cut
from wherry.records import Item

OTHER = {"debit": "credit", "credit": "debit"}
"""The side that an amount below zero is booked on."""
BEHIND = ": "
"""What stands between number and memo where entries have no number of their own."""
REVERSES = "Reverses "
"""How the memo of an entry begins that takes back another."""


def balanced(item: Item, debits: Decimal, credits: Decimal, lines: int, currency: str) -> None:
    """Raises Rejected for an entry whose sides differ as they would be sent, or that has no two lines."""
    if debits == credits and lines > 1:
        return
    why = f"debits are {debits} and credits {credits} {currency}" if debits != credits else "it has no two lines"
    raise refusal(item, why, "lines", "correct the entry at its source or in the map, then try it again", "WHERRY-4636")


def exchange_rate(item: Item, currency: str, home: str) -> Decimal | None:
    """What one of its currency is worth in ``home``, which the books are kept in; None where it does not say, or is in
    that. Raises Rejected for a rate to another currency."""
    rate = item.body.get("exchange_rate")
    if not rate or currency == home:
        return None
    if (to := str(item.body.get("home") or home)) != home:
        raise refusal(
            item, f"its exchange rate is to {to}, and the books are kept in {home}", "exchange_rate",
            f"set currency of the project to {home}, or book where the books are kept in {to}", "WHERRY-4637",
        )  # fmt: skip
    return exact(str(rate))


def turned(item: Item) -> Item:
    """An entry called as the one that takes it back is: an R behind its number, ``Reverses`` before its memo. Its lines
    are still to be turned over."""
    number, memo = str(item.body.get("number") or ""), str(item.body.get("memo") or "")
    what = number or (f"entry {item.target}" if item.target else "an entry")
    body = {**item.body, "number": reversing(number), "memo": f"{REVERSES}{what}. {memo}".strip()}
    return replace(item, body=body)


def lines_at_home(item: Item, home: str) -> Iterator[Line]:
    """The lines in the one currency that the target keeps entries in, with what rounding left to it as a line of its
    own. Raises Rejected for a line in another currency that has no amount at home."""
    for n, line in enumerate(item.body.get("lines", ())):
        told = line["amount"] if line["amount"]["currency"] == home else line.get("home")
        if not told or told["currency"] != home:
            raise refusal(
                item, f"line {n + 1} is in {line['amount']['currency']}, and entries are in {home} there",
                f"lines[{n}].amount",
                f"set currency of the project to {home}, and name a rate for the day in the table of rates",
                "WHERRY-4639",
            )  # fmt: skip
        yield {**line, "amount": told}
    left, account = item.body.get("rounding"), item.body.get("rounding_account")
    if left and account:
        yield {"account": account, "side": "debit", "amount": left, "description": "Rounding"}


def narration(item: Item, longest: int) -> str:
    """Number and memo, for a target whose entries have no number; never empty, since people find an entry by it."""
    number, memo = clean(item.body.get("number")), clean(item.body.get("memo"))
    told = f"{number}{BEHIND}{memo}" if number and memo else number or memo or f"Journal {item.body['date']}"
    return cut(told, longest)


def number_in(told: str) -> str:
    """The number that a narration of ours begins with."""
    return told.partition(BEHIND)[0]
