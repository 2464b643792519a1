"""``wherry simulate netsuite --set NAME=VALUE``: how the stand-in's account is to be."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.simulator import Options

from . import NetSuiteSimulator


class NetSuiteOptions(Options):
    """``subsidiaries``: internal ids, with commas between them. Currencies are known by their ids alone: that of a
    project, which the command brings along, changes nothing."""

    account: str = "1234567"
    currency: str = ""
    subsidiaries: str = "1"


def simulator(options: Mapping[str, str]) -> NetSuiteSimulator:
    """The stand-in with these options. Raises ConfigError for a name that it does not have."""
    said = NetSuiteOptions.of(options)
    parts = tuple(part for part in said.subsidiaries.split(",") if part)
    return NetSuiteSimulator(account=said.account, subsidiaries=parts)
