"""``wherry simulate quickbooks --set NAME=VALUE``: how the stand-in's company is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from wherry.settings.values import Currency
from wherry.simulator import Options

from . import QuickBooksSimulator
from .company import Chart, Tax

_COMMON = ("USD", "EUR", "GBP", "CAD", "AUD")
"""Currencies that a company with several has from the start; nobody having said one, it may be asked for any."""


class QuickBooksOptions(Options):
    """``multicurrency``: unless it is said, where no currency is."""

    currency: Currency | None = None
    tax: Tax = "none"
    multicurrency: bool | None = None
    limits: Literal["real", "none"] = "real"
    chart: Chart = "full"


def simulator(options: Mapping[str, str]) -> QuickBooksSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    said = QuickBooksOptions.of(options)
    several = said.currency is None if said.multicurrency is None else said.multicurrency
    home = said.currency or "USD"
    made = QuickBooksSimulator(currency=home, tax=said.tax, limits=said.limits, chart=said.chart, multicurrency=several)
    for code in _COMMON if several else ():
        if code != home:
            made.write("CompanyCurrency", {"Code": code})
    return made
