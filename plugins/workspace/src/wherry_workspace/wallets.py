"""Wallet transactions as rows of a file: each read exactly, each row that cannot be told by its number and the reason.

A value of less than the smallest coin of its currency is kept whole, as text, so that what is not uploaded for being
under one cent can be added up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from wherry import money
from wherry.errors import ConfigError

from wherry_workspace.bodies import Refusal
from wherry_workspace.cells import original
from wherry_workspace.movements import DIMENSIONS, EXACT, SIDE_CATEGORY
from wherry_workspace.names import folded
from wherry_workspace.sheets import SUFFIX, read_sheet
from wherry_workspace.spellings import NUMBERS as SPELLED
from wherry_workspace.spellings import Spelling, day, number
from wherry_workspace.table import Row, Table, header_of, read_table

Value = TypeVar("Value")

NAME = "wallet"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "wallet": ("wallet", "wallet_name"),
    "date": ("date", "timestamp", "time", "date_time", "datetime"),
    "asset": ("asset", "token", "coin", "symbol"),
    "quantity": ("amount", "quantity", "asset_amount"),
    "value": ("fiat_value", "fiat_amount", "value"),
    "currency": ("fiat_currency", "currency"),
    "debit": ("debit_account", "debit"),
    "debit_category": ("debit_category",),
    "credit": ("credit_account", "credit"),
    "credit_category": ("credit_category",),
    "category": ("category",),
    "gain": ("gain/loss", "gain_loss", "realised_gain", "realized_gain", "gain"),
    "reference": ("reference", "transaction_id", "transaction", "tx_hash", "hash", "txid"),
    "description": ("description", "memo", "note"),
    "type": ("type", "transaction_type"),
    "rate": ("rate", "fiat_rate", "price"),
    "rate_source": ("rate_source", "price_source"),
    "exchange_rate": ("exchange_rate",),
    "exchange_source": ("exchange_source",),
    "status": ("status", "state"),
    **{name: (name,) for name in DIMENSIONS},
}
"""What we call it → the column names it may have, folded."""
NUMBERS = ("quantity", "value", "gain", "rate", "exchange_rate")
NEEDED = ("wallet", "date", "value")
_KINDS = frozenset({"ledger-transaction", "ledger-transactions"})
_NAMES = frozenset({NAME, f"{NAME}s", f"{NAME}-transaction", f"{NAME}-transactions"})
_TEXTS = ("debit", "credit", "category", "reference", "description", "type", "asset", "rate_source", "exchange_source",
          "status")  # fmt: skip
_SIDES = tuple(SIDE_CATEGORY.format(side) for side in ("debit", "credit"))


class Transaction(Struct, frozen=True, kw_only=True):
    """One row as the body of a ledger transaction. ``rest`` is what rounding cut (value, gain), ``small`` the whole
    value where it is less than the smallest coin; ``mark`` tells it apart from every other row."""

    row: int
    body: dict[str, Any]
    mark: str
    rest: Decimal
    small: Decimal | None = None


def table_of(path: Path) -> Table:
    """The rows of a file of wallet transactions, CSV or XLSX. Raises NotFound, ConfigError."""
    known = [column for columns in COLUMNS.values() for column in columns]
    if path.suffix.lower() != SUFFIX:
        return read_table(path, known)
    return read_sheet(path, known, [column for name in NUMBERS for column in COLUMNS[name]], COLUMNS["date"])


def is_wallet(name: str, path: Path) -> bool:
    """Whether an import of that name is one of wallet transactions: by name, or by the file's own columns."""
    plain = name.strip().lower().replace("_", "-").replace(" ", "-")
    return plain in _NAMES or (plain in _KINDS and _recognised(header_of(path)))


def _recognised(header: Collection[str]) -> bool:
    return all({*COLUMNS[name]} & {*header} for name in NEEDED)


def columns_of(header: Collection[str], path: Path) -> dict[str, str]:
    """What we call it → the file's column. Raises ConfigError for one that is missing, or there under two names."""
    found = {name: [column for column in spellings if column in header] for name, spellings in COLUMNS.items()}
    twice = next((columns for columns in found.values() if len(columns) > 1), None)
    if twice:
        raise _unusable(path, f"columns {' and '.join(twice)} say the same", "leave one of them out")
    if missing := [name for name in NEEDED if not found[name]]:
        told = ", ".join(" or ".join(COLUMNS[name]) for name in missing)
        raise _unusable(path, f"it has no column {told}", f"wallet transactions need the columns {', '.join(NEEDED)}")
    return {name: columns[0] for name, columns in found.items() if columns}


def _unusable(path: Path, problem: str, fix: str) -> ConfigError:
    return ConfigError(
        f"{path.name}: {problem}", fix=f"nothing was imported; {fix}", code="WHERRY-2860", file=str(path)
    )


class Reader:
    """Reads the rows of one file. ``columns`` is what we call it → the file's column."""

    def __init__(self, columns: Mapping[str, str], spelling: Spelling, currency: str) -> None:
        self._columns, self._spelling, self._currency = columns, spelling, currency

    def read(self, row: Row) -> Transaction:
        """The row's transaction. Raises Refusal that names the column."""
        if row.problem:
            raise Refusal("", row.problem)
        cells = self.cells(row)
        if not cells["wallet"]:
            raise Refusal(self._columns["wallet"], "says no wallet")
        currency = self._code(cells)
        value = self._needed(cells, "value")
        small = value if value and abs(value) < Decimal(1).scaleb(-money.decimals(currency)) else None
        amount, rest = self._rounded(value if small is None else Decimal(0), currency, "value")
        gain, cut = self._gain(cells, currency)
        date, moment = self._told("date", lambda: day(cells["date"], self._spelling))
        quantity = self._number(cells, "quantity")
        body: dict[str, Any] = {
            "date": date, "amount": amount, "gain": gain, "partition": cells["wallet"],
            "quantity": _plain(quantity), "rate": _plain(self._number(cells, "rate")),
            "exchange_rate": _plain(self._number(cells, "exchange_rate")),
            **{name: cells[name] for name in _TEXTS if cells.get(name)},
            "custom": self._custom(row, cells, small, moment),
        }  # fmt: skip
        body = {name: one for name, one in body.items() if one is not None}
        what = (moment or date, cells.get("asset", ""), body.get("quantity", ""), _plain(value), currency)
        return Transaction(row=row.number, body=body, mark=_mark(cells, what), rest=rest + cut, small=small)

    def cells(self, row: Row) -> dict[str, str]:
        """What we call a column → its text. Numbers of a spreadsheet are spelled as the texts of the file are."""
        cells = {name: original(row.cells[column]).strip() for name, column in self._columns.items()}
        _, point = SPELLED[self._spelling.numbers]
        for name in NUMBERS if row.typed else ():
            if self._columns.get(name) in row.typed:
                cells[name] = cells[name].replace(".", point)
        return cells

    def _custom(self, row: Row, cells: Mapping[str, str], small: Decimal | None, moment: str) -> dict[str, str]:
        own = {column.removeprefix("custom."): original(cell) for column, cell in row.cells.items()
               if column.startswith("custom.") and cell}  # fmt: skip
        named = {name: cells[name] for name in (*_SIDES, *DIMENSIONS) if cells.get(name)}
        exact = {EXACT: format(small, "f")} if small is not None else {}
        return {**own, **named, **exact, **({"moment": moment} if moment else {})}

    # -- cells ------------------------------------------------------------

    def _told(self, name: str, read: Callable[[], Value]) -> Value:
        """Raises Refusal that names the column for whatever cannot be read."""
        try:
            return read()
        except ValueError as error:
            raise Refusal(self._columns.get(name, name), str(error)) from None

    def _number(self, cells: Mapping[str, str], name: str) -> Decimal | None:
        text = cells.get(name, "")
        return self._told(name, lambda: number(text, self._spelling)) if text else None

    def _needed(self, cells: Mapping[str, str], name: str) -> Decimal:
        found = self._number(cells, name)
        if found is None:
            raise Refusal(self._columns[name], "is empty; a movement without a value cannot be booked")
        return found

    def _code(self, cells: Mapping[str, str]) -> str:
        code = (cells.get("currency") or self._currency).upper()
        self._told("currency", lambda: money.decimals(code))
        return code

    def _gain(self, cells: Mapping[str, str], currency: str) -> tuple[dict[str, Any] | None, Decimal]:
        found = self._number(cells, "gain")
        return (None, Decimal(0)) if found is None else self._rounded(found, currency, "gain")

    def _rounded(self, value: Decimal, currency: str, name: str) -> tuple[dict[str, Any], Decimal]:
        amount, rest = self._told(name, lambda: money.rounded(value, currency, bankers=True))
        return {"minor": amount.minor, "currency": amount.currency}, rest


def _plain(value: Decimal | None) -> str | None:
    """A number as text, the same however it was written: 1.50 is 1.5."""
    if value is None:
        return None
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _mark(cells: Mapping[str, str], what: tuple[str | None, ...]) -> str:
    """What stays the same when the row is exported again: its reference, else what moved and when. How it is
    categorised may change meanwhile."""
    wallet, reference = folded(cells["wallet"]), cells.get("reference", "")
    if reference:
        return _digest("reference", wallet, reference, folded(cells.get("asset", "")))
    return _digest("row", wallet, *what, cells.get("description", ""))


def mark_of(fields: Mapping[str, Any]) -> str:
    """The mark of a ledger transaction that has a reference, whoever wrote it; empty for one that has none."""
    reference = fields.get("reference", "")
    wallet, asset = folded(fields.get("partition", "")), folded(fields.get("asset", ""))
    return _digest("reference", wallet, reference, asset) if reference else ""


def _digest(*parts: str | None) -> str:
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]
