"""``wherry simulate xero --set NAME=VALUE``: what the stand-in's organisations are to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from wherry.settings.values import Currency
from wherry.simulator import Options

from . import XeroSimulator


class XeroOptions(Options):
    """``tenants``: names of organisations, with commas between them."""

    currency: Currency = "GBP"
    limits: Literal["real", "none"] = "real"
    tenants: str = "Demo Company (UK)"


def simulator(options: Mapping[str, str]) -> XeroSimulator:
    """The stand-in with these options. Raises ConfigError for one that it does not have."""
    said = XeroOptions.of(options)
    names = tuple(name for name in said.tenants.split(",") if name)
    return XeroSimulator(tenants=names, currency=said.currency, limits=said.limits)
