"""The kinds of records that files can hold, with the columns that are numbers."""

from __future__ import annotations

LINE = "movement_line"
"""The kind of the relatives that carry the two sides of a transaction to a map."""
SIDES = ("debit", "credit")
KINDS: dict[str, tuple[str, ...]] = {
    "transaction": ("amount", "gain", "quantity", "rate", "exchange_rate"),
    "customer": (),
    "product": ("price",),
}
"""Kind → the columns that hold numbers."""
DAY = "date"
"""The column that holds a day."""
NEEDED = ("id", "problem", "amount", "currency", "category", "description", *SIDES, "debit_category", "credit_category")
"""Columns of a transaction that its lines are made of."""
