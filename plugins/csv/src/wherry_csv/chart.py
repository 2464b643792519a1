"""The chart of accounts that may lie in a folder: ``accounts.csv`` with code and name, and whatever else is known.

``type`` is the canonical type, ``parent`` the parent's code, ``posting`` and ``active`` yes or no, ``debit`` and
``credit`` the opening balance in ``currency``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from wherry import money
from wherry.accounting import ChartAccount
from wherry.errors import ConfigError
from wherry.project.folder import read_table

_NO = frozenset({"no", "n", "false", "0"})


class ChartRow(Struct, frozen=True):
    """An account, and what stood on it before the first journal: debits positive, in minor units."""

    account: ChartAccount
    opening: int


def read(folder: Path, name: str) -> list[ChartRow]:
    """The rows of the chart; none where there is no such file. Raises ConfigError for one that cannot be used."""
    rows: dict[str, ChartRow] = {}
    for number, said in enumerate(read_table(folder, name), 2):
        code = said.get("code", "")
        if not code or code in rows:
            why = "has no code" if not code else f"names account {code} a second time"
            raise _bad(name, number, why)
        rows[code] = ChartRow(_account(code, said), _opening(name, number, said))
    return list(rows.values())


def by_code(rows: Sequence[ChartRow]) -> dict[str, ChartAccount]:
    """Code → account."""
    return {row.account.code: row.account for row in rows}


def _account(code: str, said: dict[str, str]) -> ChartAccount:
    return ChartAccount(
        id=code, code=code, name=said.get("name") or code, type=said.get("type", "").lower(),
        posting=said.get("posting", "").lower() not in _NO, active=said.get("active", "").lower() not in _NO,
        currency=said.get("currency", "").upper(), parent=said.get("parent", ""),
    )  # fmt: skip


def _opening(name: str, number: int, said: dict[str, str]) -> int:
    debit, credit = said.get("debit", ""), said.get("credit", "")
    if not debit and not credit:
        return 0
    try:
        currency = said.get("currency", "").upper()
        return money.parse(debit or 0, currency).minor - money.parse(credit or 0, currency).minor
    except ValueError as error:
        raise _bad(name, number, str(error)) from None


def _bad(name: str, number: int, why: str) -> ConfigError:
    return ConfigError(f"row {number} of {name} {why}", fix="correct it there", code="WHERRY-2490", row=number)
