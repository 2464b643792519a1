"""What a record comes to in the books: its lines, one side each, before any category is mapped to an account.

A ledger transaction has two lines, a journal entry its own. An invoice (and a charge) is owed by its customer, and
earned by the service or the type of product of each line; lines that take something back stay negative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field
from wherry import money

LINE = "movement_line"
"""The kind of the relatives that carry these lines to a map."""
RECEIVABLE, TAX = "receivable", "tax"
DIMENSIONS = ("class", "department", "location", "subsidiary", "tax")
"""Custom fields that say where a line belongs."""
EXACT = "fiat_exact"
"""The custom field that holds, as decimal text, a value too small for its currency's minor unit."""
SIDE_CATEGORY = "{}_category"
"""The custom fields of a ledger transaction whose two sides have categories of their own."""

Body = Mapping[str, Any]
Amount = dict[str, Any]


class Line(Struct, frozen=True, kw_only=True):
    """One side. ``owed`` says that the record's customer (else the line's own) is the party of it.

    ``problem`` is why the record cannot be booked, in words; it stands in its first line.
    """

    side: str
    amount: Amount
    account: str = ""
    category: str = ""
    description: str = ""
    owed: bool = False
    dimensions: dict[str, str] = field(default_factory=dict)
    product: str | None = None
    customer: str | None = None
    problem: str = ""


FIELDS = ("side", "amount", "account", "category", "description", "owed", "dimensions", "problem")
"""What a map may use of a line; product and customer are relatives of it."""


def lines_of(kind: str, body: Body) -> list[Line]:
    """The lines of a full body. What cannot be added up is told in ``problem``, never raised."""
    read = _READERS.get(kind)
    try:
        return read(body) if read else []
    except ValueError as error:
        return [Line(side="debit", amount=_amount(0, "USD"), problem=str(error))]


def fields_of(line: Line) -> dict[str, Any]:
    """The line as the fields of a record."""
    return {name: getattr(line, name) for name in FIELDS}


def dimensions_of(*customs: Mapping[str, Any]) -> dict[str, str]:
    """The dimensions among custom fields, those of a line over those of its document."""
    said = {name: custom[name] for custom in customs for name in DIMENSIONS if custom.get(name) not in (None, "")}
    return {name: str(said[name]) for name in DIMENSIONS if name in said}


# -- ledger transactions and journal entries ------------------------------------------------------------


def _transaction(body: Body) -> list[Line]:
    placed = dimensions_of(body["custom"])
    return [
        Line(
            side=side, amount=body["amount"], account=body[side], description=body["description"], dimensions=placed,
            category="" if body[side] else _category(body, side),
        )
        for side in ("debit", "credit")
    ]  # fmt: skip


def _category(body: Body, side: str) -> str:
    return str(body["custom"].get(SIDE_CATEGORY.format(side)) or body["category"])


def _entry(body: Body) -> list[Line]:
    lines = [
        Line(
            side=line["side"], amount=line["amount"], account=line["account"], description=line["description"],
            owed=bool(line["customer"]), customer=line["customer"],
            dimensions=line.get("dimensions") or dimensions_of(body["custom"], line["custom"]),
        )
        for line in body["lines"]
    ]  # fmt: skip
    currency = _currency(body)
    debits, credits = (sum(line.amount["minor"] for line in lines if line.side == side) for side in ("debit", "credit"))
    if debits != credits:
        raise ValueError(f"its debits are {_told(debits, currency)}, its credits {_told(credits, currency)}: "
                         f"{_told(abs(debits - credits), currency)} differs")  # fmt: skip
    return lines


# -- what a customer owes ------------------------------------------------------------


def _invoice(body: Body) -> list[Line]:
    currency = _currency(body)
    sold = [(line, _worth(line, currency)) for line in body["lines"]]
    net = sum(minor for _, minor in sold)
    tax = _tax(body, sold, currency)
    total = body["total"]["minor"] if body["total"] else net + tax
    if total != (parts := net + tax):
        raise ValueError(f"its total is {_told(total, currency)}, its lines and tax come to "
                         f"{_told(parts, currency)}: {_told(abs(total - parts), currency)} differs")  # fmt: skip
    owed = Line(side="debit", amount=_amount(total, currency), category=RECEIVABLE, owed=True,
                description=body["memo"], dimensions=dimensions_of(body["custom"]))  # fmt: skip
    earned = [_earned(line, _amount(minor, currency), body["custom"]) for line, minor in sold if minor]
    due = [Line(side="credit", amount=_amount(tax, currency), category=TAX)] if tax else []
    return [owed, *earned, *due]


def _earned(line: Body, amount: Amount, custom: Mapping[str, Any]) -> Line:
    return Line(side="credit", amount=amount, category=line["service"], description=line["description"],
                product=line["product"], dimensions=dimensions_of(custom, line["custom"]))  # fmt: skip


def _charge(body: Body) -> list[Line]:
    if body["amount"] is None and body["rate"] is None:
        raise ValueError("it has neither an amount nor a rate")
    currency = _currency(body)
    amount, placed = _amount(_worth(body, currency), currency), dimensions_of(body["custom"])
    told = body["description"] or body["service"]
    return [
        Line(side="debit", amount=amount, category=RECEIVABLE, owed=True, description=told, dimensions=placed),
        Line(side="credit", amount=amount, category=body["service"], description=told, dimensions=placed),
    ]


def _worth(line: Body, currency: str) -> int:
    """What a line comes to: as it says, else its quantity times its rate, rounded once."""
    if line["amount"] is not None:
        return int(line["amount"]["minor"])
    if line["rate"] is None:
        return 0
    return money.times(money.exact(line["quantity"]), money.exact(line["rate"]), currency)[0].minor


def _tax(body: Body, sold: Sequence[tuple[Body, int]], currency: str) -> int:
    """The tax as the invoice says it, else as its lines do, else by their rates, rounded once for each rate."""
    if body["tax"]:
        return int(body["tax"]["minor"])
    if any(line["tax"] for line, _ in sold):
        return sum(line["tax"]["minor"] for line, _ in sold if line["tax"])
    bases: dict[Decimal, int] = {}
    for line, minor in sold:
        if rate := money.exact(line["tax_rate"] or 0):
            bases[rate] = bases.get(rate, 0) + minor
    return sum(_percent(base, rate, currency) for rate, base in bases.items())


def _percent(minor: int, rate: Decimal, currency: str) -> int:
    base = Decimal(money.text(minor, currency)).scaleb(-2)
    return money.times(base, rate, currency)[0].minor


# -- amounts ------------------------------------------------------------


def _currency(body: Body) -> str:
    """The one currency of a body. Raises ValueError for several, and for amounts that name none."""
    lines = body.get("lines") or ()
    amounts = [body.get("total"), body.get("amount"), body.get("tax")]
    amounts += [line.get(name) for line in lines for name in ("amount", "tax")]
    named = {str(amount["currency"]) for amount in amounts if amount} | {str(body.get("currency") or "")} - {""}
    if len(named) > 1:
        raise ValueError(f"its amounts are in {' and '.join(sorted(named))}, and one record is booked in one currency")
    if not named:
        raise ValueError("none of its amounts names a currency")
    return named.pop()


def _amount(minor: int, currency: str) -> Amount:
    return {"minor": minor, "currency": currency}


def _told(minor: int, currency: str) -> str:
    return f"{money.text(minor, currency)} {currency}"


_READERS: dict[str, Callable[[Body], list[Line]]] = {
    "ledger_transaction": _transaction,
    "journal_entry": _entry,
    "invoice": _invoice,
    "charge": _charge,
}
MADE_OF: Mapping[str, tuple[str, ...]] = {
    "ledger_transaction": ("amount", "debit", "credit", "category", "description", "custom"),
    "journal_entry": ("custom",),
    "invoice": ("total", "tax", "memo", "custom"),
    "charge": ("amount", "quantity", "rate", "service", "description", "custom"),
}
"""Kind → the fields that its lines are made of, beside its own ``lines``: a change of one changes what is booked."""
