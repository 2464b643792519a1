"""``wherry simulate quickbooks --set NAME=VALUE``: how the stand-in's company is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from wherry.errors import ConfigError
from wherry.money import DECIMALS

from . import QuickBooksSimulator
from .company import Chart, Tax

_COMMON = ("USD", "EUR", "GBP", "CAD", "AUD")
"""Currencies that a company with several has from the start; nobody having said one, it may be asked for any."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "currency": tuple(DECIMALS),
    "tax": get_args(Tax),
    "multicurrency": ("yes", "no"),
    "limits": ("real", "none"),
    "chart": get_args(Chart),
}


def simulator(options: Mapping[str, str]) -> QuickBooksSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    for name, value in options.items():
        if name not in _CHOICES:
            known = ", ".join(sorted(_CHOICES))
            raise ConfigError(f"the stand-in of QuickBooks has no option {name!r}", fix=f"options: {known}",
                              code="WHERRY-2755")  # fmt: skip
        if value not in _CHOICES[name]:
            allowed = "an ISO 4217 code" if name == "currency" else ", ".join(_CHOICES[name])
            raise ConfigError(f"{value!r} is no {name} of the stand-in", fix=f"write {allowed}", code="WHERRY-2756")
    several = options.get("multicurrency", "no" if "currency" in options else "yes") == "yes"
    told: dict[str, Any] = {"chart": "full", **options, "multicurrency": several}
    made = QuickBooksSimulator(**told)
    for code in _COMMON if several else ():
        if code != options.get("currency", "USD"):
            made.write("CompanyCurrency", {"Code": code})
    return made
