"""The operator's table of taxes, and what a company file knows of tax."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct, field
from wherry.errors import ConfigError
from wherry.money import exact


class TaxItem(Struct, frozen=True):
    """An item of sales tax. ``rate`` is None for a group of several, whose rate is not told."""

    id: str
    name: str
    rate: Decimal | None


class Taxes(Struct, frozen=True, kw_only=True):
    """The operator's table at ``path`` and what the company file knows of tax; without ``taxable`` it keeps none.

    ``table`` is rate (percent) → name in QuickBooks; ``blank`` the name for lines without a rate, where the table has a
    row for them. ``items`` and ``codes`` are by their names in small letters; ``taxable`` and ``free`` are the ids of
    the codes for lines that are taxed, and that are not.
    """

    path: str = "tables/tax.csv"
    table: Mapping[Decimal, str] = field(default_factory=dict)
    blank: str = ""
    items: Mapping[str, TaxItem] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    taxable: str = ""
    free: str = ""
    by_line: bool = False
    """Whether the code of a line says its rate, as outside the United States."""


def read_table(path: str, rows: Iterable[Mapping[str, str]]) -> tuple[dict[Decimal, str], str]:
    """Rate → name, and the name of the row without a rate. Raises ConfigError."""
    found: dict[Decimal, str] = {}
    blank = ""
    for line, row in enumerate(rows, start=2):
        rate, name = row.get("rate", "").strip().removesuffix("%").strip(), row.get("code", "").strip()
        if not name:
            raise _wrong(path, line, "it names no tax of QuickBooks", "write its name into the column code")
        if not rate:
            blank = name
        elif found.setdefault(_percent(path, line, rate), name) != name:
            raise _wrong(path, line, f"the rate {rate} has two names", "keep one row for each rate")
    return found, blank


def _percent(path: str, line: int, told: str) -> Decimal:
    try:
        return exact(told)
    except ValueError:
        raise _wrong(path, line, f"the rate {told!r} is no number", "write percent, such as 20 or 8.25") from None


def _wrong(path: str, line: int, what: str, fix: str) -> ConfigError:
    return ConfigError(f"{path}, line {line}: {what}", fix=fix, code="WHERRY-2856", file=path, line=line)
