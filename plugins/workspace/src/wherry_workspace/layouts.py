"""Files of charges as other systems write them, as data: which column says what, and how its days are spelt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from wherry_workspace.table import header_of


class Layout(Struct, frozen=True, kw_only=True, eq=False):
    """One form of file, one charge a row. ``columns`` is what we call it → the column's name, folded."""

    name: str
    title: str
    columns: Mapping[str, str]
    moments: Mapping[str, tuple[str, ...]]
    """Order of day, month and year → how a day is written, with or without its time, for ``strptime``."""
    days: str
    """The order that such files are known to have."""
    legacy: str = ""
    """The encoding of rows that are not UTF-8."""
    capitals: bool = False
    """Names of products are in capitals; what is not is somebody's note."""


ONLINE_RETAIL = Layout(
    name="online-retail",
    title="online retail: InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country",
    columns={
        "invoice": "invoiceno",
        "sku": "stockcode",
        "description": "description",
        "quantity": "quantity",
        "date": "invoicedate",
        "rate": "unitprice",
        "customer": "customerid",
        "country": "country",
    },
    moments={
        "day-month-year": ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"),
        "month-day-year": ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y"),
    },
    days="day-month-year",
    legacy="cp1252",
    capitals=True,
)
"""Source: the data set "Online Retail" (UCI Machine Learning Repository 352), as its CSV form has it."""

LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (ONLINE_RETAIL,)}
_OF_KINDS = frozenset({"charge", "charges", "invoice", "invoices"})


def layout_of(name: str, path: Path) -> Layout | None:
    """The layout of that name; for charges and invoices, the one whose columns are exactly those of the file."""
    if is_named(name):
        return LAYOUTS[_plain(name)]
    return _recognised(header_of(path)) if _plain(name) in _OF_KINDS else None


def is_named(name: str) -> bool:
    """Whether this is the name of a layout: then a file is said to be of it."""
    return _plain(name) in LAYOUTS


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(" ", "-")


def _recognised(header: Collection[str]) -> Layout | None:
    return next((layout for layout in LAYOUTS.values() if {*layout.columns.values()} == {*header}), None)
