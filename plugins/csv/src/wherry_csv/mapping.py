"""Default field maps as data. Columns are named as Wherry names the fields; ``columns`` of the settings renames others.

A transaction (of a wallet, say) is one movement: from its credit to its debit account, or by categories.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kinds import LINE

_ADDRESS = ("street", "city", "region", "postal_code", "country")
_CUSTOMER = ("number", "domain", "website", "email", "phone", "industry", "description", "currency", *_ADDRESS)


def whole(problem: str | None, value: Any) -> Any:
    """The value, unless its row could not be read: then why."""
    if problem:
        raise ValueError(problem)
    return value


TRANSFORMS: dict[str, Callable[..., Any]] = {"csv_whole": whole}


def _named(kind: str, fields: tuple[str, ...], **more: str) -> dict[str, Any]:
    told = {name: f"default({kind}.{name}, '')" for name in fields}
    name = f"csv_whole({kind}.problem, {kind}.name)"
    return {
        "root": True,
        "key": f"id({kind}.id)",
        "label": f"first({kind}.name, {kind}.id)",
        "fields": {"name": name, **told, **more},
    }


_LINES = {
    "each": LINE,
    "fields": {
        "side": f"{LINE}.side",
        "amount": f"round_money({LINE}.amount, transaction.currency)",
        "account": f"default({LINE}.account, '')",
        "category": f"default({LINE}.category, '')",
        "description": f"default({LINE}.description, '')",
    },
}
_TOLD = ("reference", "description", "type", "rate_source", "exchange_source")

MAPS: dict[str, dict[str, Any]] = {
    "transaction": {
        "movement": {
            "root": True,
            "document": "journal",
            "key": "id(transaction.id)",
            "label": "first(transaction.reference, transaction.id)",
            "fields": {
                "date": "date(csv_whole(transaction.problem, transaction.date))",
                "currency": "transaction.currency",
                **{name: f"default(transaction.{name}, '')" for name in _TOLD},
                "partition": "first(transaction.wallet, transaction.partition, '')",
                "gain": "round_money(transaction.gain, transaction.currency)",
                "rate": "decimal(transaction.rate)",
                "exchange_rate": "decimal(transaction.exchange_rate)",
                "custom.asset": "transaction.asset",
                "custom.quantity": "transaction.quantity",
                "lines": _LINES,
            },
        },
    },
    "customer": {"customer": _named("customer", _CUSTOMER)},
    "product": {
        "product": _named("product", ("sku", "unit", "description", "currency"), price="decimal(product.price)"),
    },
}

MATCH: dict[str, dict[str, Any]] = {
    "movement": {"order": ["link"], "unmatched": "create"},
    "customer": {"order": ["link", "reference", "name"], "unmatched": "create"},
    "product": {"order": ["link", "sku", "name"], "unmatched": "create"},
}
