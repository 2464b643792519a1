"""Customers, products, invoices and credit memos as rows of CSV: one row for each line, all fields by name.

``action`` says what the row is: create, update or void. ``id`` is the same in every file about one thing.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from wherry import money
from wherry.books import cells
from wherry.books.profiles import DELIMITERS
from wherry.records import Item

_ADDRESS = ("street", "city", "region", "postal_code", "country")
HEADS: dict[str, tuple[str, ...]] = {
    "customer": (
        "name",
        "number",
        "domain",
        "website",
        "email",
        "phone",
        "industry",
        "currency",
        *_ADDRESS,
        "description",
    ),
    "product": ("name", "sku", "type", "price", "currency", "unit", "description"),
    "invoice": ("number", "date", "due_date", "customer", "location", "status", "currency", "total", "tax", "memo"),
    "credit_memo": ("number", "date", "due_date", "customer", "location", "status", "currency", "total", "tax", "memo"),
}
LINES = ("service", "product", "description", "quantity", "rate", "amount", "tax_rate", "tax", "location")
_TYPED = frozenset({"date", "due_date", "total", "tax", "line_tax", "amount", "quantity", "rate", "tax_rate", "price"})


def columns(entity: str) -> list[str]:
    """The heading of the files of an entity."""
    lines = ["line", *(_of_line(name, entity) for name in LINES)] if has_lines(entity) else []
    return ["action", "id", *HEADS[entity], *lines]


def has_lines(entity: str) -> bool:
    """Whether there is a row for each line of a document."""
    return entity in ("invoice", "credit_memo")


def _of_line(name: str, entity: str) -> str:
    return f"line_{name}" if name in HEADS[entity] else name


def render(told: Sequence[tuple[Item, str]], *, delimiter: str, encoding: str, spreadsheet: bool) -> bytes:
    """The file of some items of one entity, each with its id. Raises UnicodeEncodeError."""
    entity = told[0][0].entity
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=DELIMITERS[delimiter], lineterminator="\r\n")
    writer.writerow(columns(entity))
    for item, id in told:
        for row in _rows(item, id):
            writer.writerow([_cell(name, row.get(name, ""), spreadsheet) for name in columns(entity)])
    return text.getvalue().encode(encoding)


def _cell(name: str, text: str, spreadsheet: bool) -> str:
    if name in _TYPED:
        return text
    clean = cells.clean(text, lines=True)
    return cells.neutral(clean) if spreadsheet else clean


def _rows(item: Item, id: str) -> Iterator[dict[str, str]]:
    body = (item.before if item.action == "void" else None) or item.body
    action = "void" if item.action == "void" else "create" if item.target is None else "update"
    head = {"action": action, "id": id, **{name: _text(body.get(name)) for name in HEADS[item.entity]}}
    if has_lines(item.entity):
        head["currency"] = currency_of(body)
    lines = body.get("lines") or [{}] if has_lines(item.entity) else [None]
    for number, line in enumerate(lines, 1):
        told = {} if line is None else {**line, "amount": _worth(line, head["currency"])}
        said = {_of_line(name, item.entity): _text(told.get(name)) for name in LINES if told}
        yield {**head, **said, "line": str(number) if line else ""}


def _worth(line: dict[str, Any], currency: str) -> Any:
    """What a line comes to, as it says; else its quantity times its rate, rounded once."""
    if line.get("amount") or line.get("rate") is None or not currency:
        return line.get("amount")
    return str(money.times(money.exact(line.get("quantity", "1")), money.exact(line["rate"]), currency)[0])


def currency_of(body: dict[str, Any]) -> str:
    """The currency of a document's amounts."""
    amounts = [body.get("total"), *(line.get("amount") for line in body.get("lines") or ())]
    return next((str(amount["currency"]) for amount in amounts if amount), "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and "minor" in value:
        return money.text(int(value["minor"]), str(value["currency"]))
    return str(value)
