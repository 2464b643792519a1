"""``wherry simulate jde --set NAME=VALUE``: what the stand-in is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from wherry.settings.values import Currency
from wherry.simulator import Options

from . import JdeSimulator


class JdeOptions(Options):
    """``decimals`` is the service user's decimal sign, ``page`` the longest page of the site, ``dates`` how its
    orchestrations take days: as ISO 8601, as the user writes them (MM/dd/yyyy), or in milliseconds since 1970."""

    currency: Currency = "USD"
    company: str = "00001"
    password: str = ""
    decimals: Literal[".", ","] = "."
    form: Literal["generic", "standard"] = "generic"
    page: int = 100
    dates: Literal["iso", "user", "epoch"] = "iso"


def simulator(options: Mapping[str, str]) -> JdeSimulator:
    """The stand-in with these options. Raises ConfigError for one that it does not have."""
    said = JdeOptions.of(options)
    return JdeSimulator(
        currency=said.currency, company=said.company, password=said.password, decimals=said.decimals, form=said.form,
        page=said.page, dates=said.dates,
    )  # fmt: skip
