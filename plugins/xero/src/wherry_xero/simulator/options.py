"""``wherry simulate xero --set NAME=VALUE``: what the stand-in's organisations are to be."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.errors import ConfigError

from . import XeroSimulator

_KNOWN = ("currency", "limits", "tenants")


def simulator(options: Mapping[str, str]) -> XeroSimulator:
    """The stand-in with these options. Raises ConfigError for one that it does not have."""
    limits = options.get("limits", "real")
    if wrong := [name for name in options if name not in _KNOWN] or (
        [limits] if limits not in ("real", "none") else []
    ):
        raise ConfigError(
            f"the stand-in of Xero has no option {wrong[0]!r}", code="WHERRY-2577",
            fix=f"options: {', '.join(_KNOWN)}; limits are real or none",
        )  # fmt: skip
    names = tuple(name for name in options.get("tenants", "Demo Company (UK)").split(",") if name)
    return XeroSimulator(tenants=names, currency=options.get("currency", "GBP"), limits=limits)
