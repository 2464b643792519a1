"""What things of the workspace become in books, as data. A flow may replace or drop every single line.

Customers in books are named after GL numbers, service items after products or service types; the accounting date is the
invoice's own. Prices stay as they are: books keep their own price lists.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wherry.errors import Rejected
from wherry.money import exact

from wherry_workspace.movements import EXACT, LINE

Amount = dict[str, Any]


def amount(value: Amount | None) -> Amount | None:
    """An amount of the workspace as it stands: it is exact already. Raises ValueError for what is none."""
    if value is None or (isinstance(value, dict) and type(value.get("minor")) is int and value.get("currency")):
        return value
    raise ValueError(f"{value!r} is no amount with minor units and currency")


def opposite(value: Amount | str | Decimal | None) -> Amount | Decimal | None:
    """An amount or a number with the other sign: what an invoice takes back is what a credit memo gives."""
    if value is None or value == "":
        return None
    if isinstance(value, dict):
        whole = amount(value)
        return {**whole, "minor": -whole["minor"]} if whole else None
    number = exact(value)
    return -number if number else Decimal(0)


def negative(value: Amount | None) -> bool:
    """Whether an amount is below zero."""
    whole = amount(value)
    return whole is not None and whole["minor"] < 0


def currency(value: Amount | None) -> str:
    """The currency of an amount: books keep a customer in the one that he is invoiced in."""
    whole = amount(value)
    return str(whole["currency"]) if whole is not None else ""


def no_gl_number(location: str | None, name: str | None, gl_number: str | None) -> str | None:
    """Why an invoice cannot go into books, where its customer's location has no GL number; else nothing."""
    if str(gl_number or "").strip():
        return None
    if not location:
        return "no customer location, so no GL number"
    return f'no GL number on customer location "{name}" ({location})'


def no_estimate(total: Amount | None, reason: str | None) -> str | None:
    """The reason given, else that an estimate cannot stand for what is given back."""
    return reason or ("a credit note is no estimate" if negative(total) else None)


def no_order(total: Amount | None, reason: str | None) -> str | None:
    """The reason given, else that an order cannot stand for what is given back."""
    return reason or ("a credit note is no sales order" if negative(total) else None)


def booked(value: Amount | None, problem: str | None) -> Amount | None:
    """The amount of a line to be booked. Raises Rejected where the record as a whole cannot be booked."""
    if problem:
        raise Rejected(
            f"it cannot be booked: {problem}",
            fix="correct its amounts where it comes from, then sync it again", code="WHERRY-4869",
        )  # fmt: skip
    return value


def party(owed: bool | None, *names: str | None) -> str | None:
    """Whose receivable a line is: the first name there is, such as a GL number; nothing where it is nobody's."""
    found = [str(name).strip() for name in names if name]
    return next((name for name in found if name), None) if owed else None


def dimensions(said: dict[str, str] | None) -> dict[str, str]:
    """Class, department, location, subsidiary and tax of a line, as they stand."""
    return _table(said)


def placed(said: dict[str, str] | None, *customs: dict[str, Any] | None) -> dict[str, str]:
    """The dimensions of a line of a sale as they stand; its class may be a custom field, of the line or of the
    document."""
    found = [str(word) for one in customs if (word := _table(one).get("class")) not in (None, "")]
    return {**({"class": found[0]} if found else {}), **_table(said)}


def custom(said: dict[str, Any] | None, name: str) -> Any:
    """One custom field; nothing where it is not there."""
    return _table(said).get(name)


def _table(said: dict[str, Any] | None) -> dict[str, Any]:
    if said is None or isinstance(said, dict):
        return said or {}
    raise ValueError(f"{said!r} is no table of names and values")


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "workspace_amount": amount,
    "workspace_opposite": opposite,
    "workspace_negative": negative,
    "workspace_currency": currency,
    "workspace_no_gl_number": no_gl_number,
    "workspace_no_estimate": no_estimate,
    "workspace_no_order": no_order,
    "workspace_booked": booked,
    "workspace_party": party,
    "workspace_dimensions": dimensions,
    "workspace_placed": placed,
    "workspace_custom": custom,
}

_NO_GL_NUMBER = "workspace_no_gl_number(location.id, location.name, location.gl_number)"


def _line(sign: str) -> dict[str, Any]:
    quantity = {"amount": "decimal", "opposite": "workspace_opposite"}[sign]
    return {
        "each": "invoice_line",
        "fields": {
            "service": "first(invoice_line.service, product.name, '')",
            "product": "ref(product)",
            "description": "first(invoice_line.description, product.name, '')",
            "quantity": f"{quantity}(invoice_line.quantity)",
            "rate": "decimal(invoice_line.rate)",
            "amount": f"workspace_{sign}(invoice_line.amount)",
            "tax_rate": "decimal(invoice_line.tax_rate)",
            "tax": f"workspace_{sign}(invoice_line.tax)",
            "dimensions": "workspace_placed(invoice_line.dimensions, invoice_line.custom, invoice.custom)",
        },
    }


def _document(*documents: str, sign: str = "amount", **header: str) -> dict[str, Any]:
    return {
        "root": True,
        "document": documents,
        "key": "id(invoice.id)",
        "label": "invoice.number",
        **header,
        "fields": {
            "number": "invoice.number",
            "date": "date(invoice.date)",
            "due_date": "date(invoice.due_date)",
            "customer": "ref(customer)",
            "total": f"workspace_{sign}(invoice.total)",
            "tax": f"workspace_{sign}(invoice.tax)",
            "memo": "default(invoice.memo, '')",
            "lines": _line(sign),
        },
    }


_LINES: dict[str, Any] = {
    "each": LINE,
    "fields": {
        "side": f"{LINE}.side",
        "amount": f"workspace_booked({LINE}.amount, {LINE}.problem)",
        "account": f"{LINE}.account",
        "category": f"first({LINE}.category, product.type, '')",
        "party": f"workspace_party({LINE}.owed, location.gl_number, customer.number, customer.name)",
        "description": f"default({LINE}.description, '')",
        "dimensions": f"workspace_dimensions({LINE}.dimensions)",
    },
}


def _movement(kind: str, fields: dict[str, str], **header: str) -> dict[str, Any]:
    """One movement of a journal, with the lines that ``movements`` makes of the record."""
    return {
        "root": True,
        "document": "journal",
        "key": f"id({kind}.id)",
        **header,
        "fields": {
            "date": f"date({kind}.date)",
            "currency": f"workspace_currency({LINE}.amount)",
            **fields,
            "lines": _LINES,
        },
    }


def _transaction() -> dict[str, Any]:
    kind = "ledger_transaction"
    told = ("partition", "reference", "description", "type", "rate_source", "exchange_source")
    fields = {
        **{name: f"default({kind}.{name}, '')" for name in told},
        "gain": f"workspace_amount({kind}.gain)",
        "rate": f"decimal({kind}.rate)",
        "exchange_rate": f"decimal({kind}.exchange_rate)",
        "custom.asset": f"join('', {kind}.asset)",
        "custom.quantity": f"text({kind}.quantity)",
        f"custom.{EXACT}": f"workspace_custom({kind}.custom, '{EXACT}')",
    }
    return _movement(kind, fields, label=f"first({kind}.reference, {kind}.id)")


def _entry() -> dict[str, Any]:
    kind = "journal_entry"
    fields = {
        "reference": f"{kind}.number",
        "description": f"default({kind}.memo, '')",
        "type": f"default({kind}.type, '')",
        "exchange_rate": f"decimal({kind}.exchange_rate)",
        "exchange_source": f"default({kind}.exchange_source, '')",
    }
    return _movement(kind, fields, label=f"{kind}.number")


_DOCUMENTS = ("invoice", "estimate", "sales-order")

MAPS: dict[str, dict[str, Any]] = {
    "ledger_transaction": {
        "trigger": {"status": "ledger_transaction.status", "amount": "workspace_amount(ledger_transaction.amount)"},
        "movement": _transaction(),
    },
    "journal_entry": {"movement": _entry()},
    "charge": {
        "trigger": {"status": "charge.status", "when": "invoiced", "amount": "workspace_amount(charge.amount)"},
        "movement": _movement(
            "charge",
            {
                "reference": "charge.id",
                "description": "first(charge.description, charge.service)",
                "type": "'transaction'",
            },
            label="first(charge.description, charge.service, charge.id)",
            skip=_NO_GL_NUMBER,
        ),
    },
    "invoice": {
        "trigger": {"status": "invoice.status", "when": "invoiced", "amount": "workspace_amount(invoice.total)"},
        "customer": {
            "document": _DOCUMENTS,
            "from": "location",
            "reference": True,
            "key": "id(location.gl_number)",
            "label": "location.gl_number",
            "fields": {
                "name": "location.gl_number",
                "number": "location.gl_number",
                "country": "default(location.country, '')",
                "currency": "workspace_currency(invoice.total)",
            },
        },
        "product": {
            "document": _DOCUMENTS,
            "from": "invoice_line",
            "each": True,
            "optional": True,
            "reference": True,
            "key": "product(product.id, product.sku, invoice_line.service)",
            "fields": {
                "name": "first(product.name, invoice_line.service)",
                "sku": "default(product.sku, '')",
                "type": "first(product.type, 'service')",
                "description": "default(product.description, '')",
            },
        },
        "credit_memo": _document(
            "invoice", sign="opposite", when="workspace_negative(invoice.total)", skip=_NO_GL_NUMBER
        ),
        "estimate": _document("estimate", skip=f"workspace_no_estimate(invoice.total, {_NO_GL_NUMBER})"),
        "sales_order": _document("sales-order", skip=f"workspace_no_order(invoice.total, {_NO_GL_NUMBER})"),
        "invoice": _document("invoice", skip=_NO_GL_NUMBER),
        "movement": _movement(
            "invoice",
            {
                "reference": "invoice.number",
                "description": "default(invoice.memo, '')",
                "type": "'transaction'",
            },
            label="invoice.number",
            skip=_NO_GL_NUMBER,
        ),
    },
}

MATCH: dict[str, dict[str, Any]] = {
    "customer": {"order": ["link", "reference"], "unmatched": "create"},
    "product": {"order": ["link", "sku", "name"], "unmatched": "create"},
    "invoice": {"order": ["link"], "unmatched": "create"},
    "credit_memo": {"order": ["link"], "unmatched": "create"},
    "estimate": {"order": ["link"], "unmatched": "create"},
    "sales_order": {"order": ["link"], "unmatched": "create"},
    "movement": {"order": ["link"], "unmatched": "create"},
}
"""The platform is where customers and services are known first: what books do not have is made there."""
