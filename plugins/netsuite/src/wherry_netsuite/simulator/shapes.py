"""The records of the stand-in: which fields they have, and what may stand in them.

The names are those of contracts/netsuite; ``invoice`` and ``creditMemo`` have those of ``salesOrder``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

Obj = dict[str, Any]


class Shape(NamedTuple):
    """Field → its sort: text, number, bool, date, ref, refs; of a record with lines the sublist, and theirs."""

    fields: Mapping[str, str]
    sublist: str = ""
    line: Mapping[str, str] = {}
    code: str = ""
    """Of a transaction: its type in SuiteQL."""


class Fault(Exception):
    """What NetSuite would answer: a status, a code, words, and the field that it is about."""

    def __init__(self, code: str, detail: str, status: int = 400, path: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.status, self.path = code, detail, status, path


def _fields(**sorts: str) -> dict[str, str]:
    return {name: sort for sort, names in sorts.items() for name in names.split()}


_HEAD = {"text": "externalId memo tranId", "date": "tranDate", "number": "exchangeRate",
         "ref": "currency subsidiary class department location"}  # fmt: skip
_SALE = _fields(
    text=f"{_HEAD['text']} otherRefNum email message", date="tranDate dueDate", number="exchangeRate",
    ref=f"{_HEAD['ref']} entity terms",
)  # fmt: skip
_SOLD = _fields(
    text="description", number="quantity rate amount line", bool="isClosed",
    ref="item price taxCode class department location",
)  # fmt: skip
_ADDRESS = _fields(bool="defaultBilling defaultShipping", text="label", address="addressBookAddress")
SHAPES: Mapping[str, Shape] = {
    "customer": Shape(
        _fields(text="externalId companyName entityId accountNumber email phone url comments firstName lastName",
                bool="isPerson isInactive", ref="subsidiary currency terms"),
        "addressBook", _ADDRESS,
    ),
    "serviceSaleItem": Shape(
        _fields(text="externalId itemId displayName salesDescription upcCode", number="rate", bool="isInactive",
                ref="incomeAccount taxSchedule class department location", refs="subsidiary"),
    ),
    "invoice": Shape(_SALE, "item", _SOLD, "CustInvc"),
    "salesOrder": Shape(_SALE | {"orderStatus": "ref"}, "item", _SOLD, "SalesOrd"),
    "creditMemo": Shape({name: sort for name, sort in _SALE.items() if name != "dueDate"}, "item", _SOLD, "CustCred"),
    "journalEntry": Shape(
        _fields(**_HEAD, bool="approved"), "line",
        _fields(text="memo", number="debit credit line", ref="account entity class department location"), "Journal",
    ),
}  # fmt: skip


def read(shape: Shape, body: Obj, strict: bool) -> Obj:
    """The fields of a body, checked. Raises Fault for a name (where ``strict``) or a value that there is not."""
    made: Obj = {}
    for name, value in body.items():
        if name == shape.sublist:
            made[name] = [
                _line(shape, line, strict, f"{name}.items[{n}]") for n, line in enumerate(_items(value, name))
            ]
        elif name not in shape.fields:
            _unknown(name, strict)
        else:
            made[name] = _value(shape.fields[name], value, name)
    return made


def _items(value: Any, name: str) -> list[Any]:
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise _invalid(name)
    return items


def _line(shape: Shape, line: Any, strict: bool, path: str) -> Obj:
    if not isinstance(line, dict):
        raise _invalid(path)
    for name in line.keys() - shape.line.keys():
        _unknown(f"{path}.{name}", strict)
    return {
        name: _value(shape.line[name], value, f"{path}.{name}") for name, value in line.items() if name in shape.line
    }


def _unknown(path: str, strict: bool) -> None:
    if strict:
        raise Fault("INVALID_CONTENT", f"Invalid content in the request body. Unknown property {path}.", path=path)


def _value(sort: str, value: Any, path: str) -> Any:
    if value is None:
        return None
    if sort == "ref":
        if isinstance(value, dict) and any(isinstance(value.get(name), str) for name in ("id", "externalId")):
            return dict(value)
    elif sort == "refs":
        return [_value("ref", one, path) for one in _items(value, path)]
    elif sort == "address":
        if isinstance(value, dict):
            return dict(value)
    elif sort == "number":
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
    elif sort == "bool":
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and (sort == "text" or _is_day(value)):
        return value
    raise _invalid(path)


def _is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _invalid(path: str) -> Fault:
    return Fault("INVALID_CONTENT", "Invalid content in the request body. Invalid value.", path=path)
