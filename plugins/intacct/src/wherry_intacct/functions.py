"""From a document to the function that makes, changes or takes it back.

Facts: ``create_invoice``, ``update_invoice``, ``create_sotransaction``, ``update_sotransaction``, ``GLBATCH``
(contracts/intacct); ``create_aradjustment``, ``update_aradjustment``, ``reverse_invoice`` (Sage's reference). Elements
of those in small letters stand in order. An adjustment below zero is a credit memo; ``line_num`` counts from 1; a debit
has TR_TYPE 1, a credit -1, and its amount no sign (API.md).
"""

from __future__ import annotations

from decimal import Decimal

from wherry.posting.bodies import ZERO

from .books import Books
from .papers import Line, Paper
from .places import DIMENSIONS, generic, legacy
from .texts import american, parts
from .xml import Obj

_BEFORE_ITEM, _NEAR = ("project", "vendor", "employee"), ("location", "department")


def invoice(paper: Paper, books: Books, stamp: str) -> Obj:
    """A new invoice of Accounts Receivable."""
    return {
        "create_invoice": {
            "customerid": paper.customer, "datecreated": parts(paper.date), **_due(paper, books),
            "action": _action(books), "invoiceno": paper.number, "description": paper.memo, "externalid": stamp,
            **_currency(paper, books), "invoiceitems": {"lineitem": [_ar_line(line) for line in paper.lines]},
        }
    }  # fmt: skip


def invoice_update(paper: Paper, books: Books, key: str, old: int) -> Obj:
    """Other words and amounts of one; ``old`` is how many lines it has."""
    return {
        "update_invoice": {
            "@key": key, "customerid": paper.customer, "datecreated": parts(paper.date),
            **_due(paper, books), "invoiceno": paper.number, "description": paper.memo,
            **_currency(paper, books), "updateinvoiceitems": _lines(paper, old, "lineitem"),
        }
    }  # fmt: skip


def invoice_reversal(key: str, date: str) -> Obj:
    """What takes an invoice of Accounts Receivable back."""
    return {"reverse_invoice": {"@key": key, "datereversed": parts(date)}}


def adjustment(paper: Paper, books: Books, stamp: str) -> Obj:
    """A new adjustment of Accounts Receivable: a credit memo, or with amounts below zero the debit memo against it."""
    lines = [_ar_line(line, -1) for line in paper.lines]
    return {
        "create_aradjustment": {
            "customerid": paper.customer, "datecreated": parts(paper.date), "adjustmentno": paper.number,
            "action": _action(books), "description": paper.memo, "externalid": stamp, **_currency(paper, books),
            "aradjustmentitems": {"lineitem": lines},
        }
    }  # fmt: skip


def adjustment_update(paper: Paper, books: Books, key: str, old: int) -> Obj:
    """Other words and amounts of one."""
    return {
        "update_aradjustment": {
            "@key": key, "customerid": paper.customer, "datecreated": parts(paper.date), "adjustmentno": paper.number,
            "description": paper.memo, **_currency(paper, books),
            "updatearadjustmentitems": _lines(paper, old, "lineitem", -1),
        }
    }  # fmt: skip


def order(paper: Paper, books: Books, stamp: str, definition: str) -> Obj:
    """A new document of Order Entry."""
    state = "Draft" if books.settings.status == "draft" else "Pending"
    return {
        "create_sotransaction": {
            "transactiontype": definition, "datecreated": parts(paper.date), "customerid": paper.customer,
            "documentno": paper.number, **_due(paper, books), "message": paper.memo,
            "externalid": stamp, **_currency(paper, books, base=True), "state": state,
            "sotransitems": {"sotransitem": [_so_line(line, books) for line in paper.lines]},
            "subtotals": _subtotals(paper, books, "subtotal"),
        }
    }  # fmt: skip


def order_update(paper: Paper, books: Books, key: str, old: int) -> Obj:
    """Other words, quantities and prices of one: its customer and its number stay."""
    return {
        "update_sotransaction": {
            "@key": key, "datecreated": parts(paper.date), **_due(paper, books),
            "message": paper.memo, **_currency(paper, books, base=True),
            "updatesotransitems": _lines(paper, old, "sotransitem", books=books),
            "updatesubtotals": _subtotals(paper, books, "updatesubtotal"),
        }
    }  # fmt: skip


def order_closed(key: str) -> Obj:
    """What takes an order back."""
    return {"update_sotransaction": {"@key": key, "state": "Closed"}}


def batch(paper: Paper, books: Books, stamp: str, key: str | None = None) -> Obj:
    """A journal entry, new or with other lines."""
    made = {
        "BATCH_DATE": american(paper.date), "BATCH_TITLE": paper.memo, "REFERENCENO": paper.number,
        "ENTRIES": {"GLENTRY": [_entry(one, paper, books, stamp) for one in paper.lines]},
    }  # fmt: skip
    if key is not None:
        return {"update": {"GLBATCH": {"RECORDNO": key, **made}}}
    state = books.settings.status.title()
    return {"create": {"GLBATCH": {"JOURNAL": books.settings.journal, **made, "STATE": state}}}


def _due(paper: Paper, books: Books) -> Obj:
    return {"datedue": parts(paper.due)} if paper.due else {"termname": books.settings.term}


def _action(books: Books) -> str | None:
    return "Draft" if books.settings.status == "draft" else None


def _currency(paper: Paper, books: Books, *, base: bool = False) -> Obj:
    """What a document says of its currency: nothing in a company that keeps one."""
    if not books.settings.currencies:
        return {}
    told: Obj = {"basecurr": books.home} if base else {}
    return {**told, "currency": paper.currency, "exchratetype": books.settings.rate_type}


def _lines(paper: Paper, old: int, name: str, sign: int = 1, books: Books | None = None) -> Obj:
    """Those that are there by their numbers, and more behind them."""
    made = [_ar_line(one, sign) if books is None else _so_line(one, books) for one in paper.lines]
    there: list[Obj] = [{"@line_num": str(n), **line} for n, line in enumerate(made[:old], start=1)]
    more = {name: made[old:]} if made[old:] else {}
    return {f"update{name}": there, **more}


def _ar_line(line: Line, sign: int = 1) -> Obj:
    entry = {"taxentry": {"detailid": line.detail, "trx_tax": _text(line.tax * sign)}} if line.detail else None
    return {
        "glaccountno": line.account, "amount": _text(line.amount * sign), "memo": line.text,
        **legacy(line.places, _NEAR), **legacy(line.places, _BEFORE_ITEM), "itemid": line.item,
        **legacy(line.places, ("class",)), "taxentries": entry,
    }  # fmt: skip


def _so_line(line: Line, books: Books) -> Obj:
    return {
        "itemid": line.item, "quantity": _text(line.quantity or ZERO), "unit": books.settings.unit,
        "price": _text(line.price), **legacy(line.places, _NEAR), "memo": line.text,
        **legacy(line.places, (*_BEFORE_ITEM, "class")),
    }  # fmt: skip


def _subtotals(paper: Paper, books: Books, name: str) -> Obj | None:
    return {name: {"description": books.settings.tax_subtotal, "total": _text(paper.tax)}} if paper.tax else None


def _entry(line: Line, paper: Paper, books: Books, stamp: str) -> Obj:
    told: Obj = {}
    if books.settings.currencies:
        told = {"CURRENCY": paper.currency}
        told |= {"EXCHANGE_RATE": paper.rate} if paper.rate else {"EXCH_RATE_TYPE_ID": books.settings.rate_type}
    return {
        "DOCUMENT": stamp, "ACCOUNTNO": line.account, **told, "TRX_AMOUNT": _text(abs(line.amount)),
        "TR_TYPE": "1" if line.amount > 0 else "-1", "DESCRIPTION": line.text,
        **{generic(name): line.places[name] for name in DIMENSIONS if name in line.places},
        "CUSTOMERID": line.customer,
    }  # fmt: skip


def _text(value: Decimal) -> str:
    return format(value + 0, "f")
