"""``wherry simulate netsuite --set NAME=VALUE``: how the stand-in's account is to be."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.errors import ConfigError

from . import NetSuiteSimulator

_KNOWN = ("account", "currency", "subsidiaries")
"""Currencies are known by their ids alone: that of a project, which the command brings along, changes nothing."""


def simulator(options: Mapping[str, str]) -> NetSuiteSimulator:
    """The stand-in with these options. Raises ConfigError for a name that it does not have."""
    for name in options:
        if name not in _KNOWN:
            raise ConfigError(
                f"the stand-in of NetSuite has no option {name!r}", fix=f"options: {', '.join(_KNOWN)}",
                code="WHERRY-2794",
            )  # fmt: skip
    parts = tuple(part for part in options.get("subsidiaries", "1").split(",") if part)
    return NetSuiteSimulator(account=options.get("account", "1234567"), subsidiaries=parts)
