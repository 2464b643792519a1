"""The operator's table of taxes, and what a company file knows of tax."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field


class TaxItem(Struct, frozen=True):
    """An item of sales tax. ``rate`` is None for a group of several, whose rate is not told."""

    id: str
    name: str
    rate: Decimal | None


class Taxes(Struct, frozen=True, kw_only=True):
    """The operator's table at ``path`` and what the company file knows of tax; without ``taxable`` it keeps none.

    ``table`` is rate (percent) → name in QuickBooks; None is the rate of lines without one. ``items`` and ``codes`` are
    by their names in small letters; ``taxable`` and ``free`` are the ids of the codes for lines that are taxed, and
    that are not.
    """

    path: str = "tables/tax.csv"
    table: Mapping[Decimal | None, str] = field(default_factory=dict)
    items: Mapping[str, TaxItem] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    taxable: str = ""
    free: str = ""
    by_line: bool = False
    """Whether the code of a line says its rate, as outside the United States."""
