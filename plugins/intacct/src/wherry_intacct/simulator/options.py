"""``wherry simulate intacct --set NAME=VALUE``: how the stand-in's company is to be."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.settings.values import Currency
from wherry.simulator import Options

from . import IntacctSimulator


class IntacctOptions(Options):
    """``currency`` is the base one, ``currencies`` are the others, ``entities`` location IDs: with commas between."""

    company: str = "acme-sandbox"
    currency: Currency = "USD"
    currencies: str = ""
    entities: str = ""


def simulator(options: Mapping[str, str]) -> IntacctSimulator:
    """The stand-in with these options. Raises ConfigError for one that it does not have."""
    said = IntacctOptions.of(options)
    more, entities = (tuple(part for part in told.split(",") if part) for told in (said.currencies, said.entities))
    return IntacctSimulator(company=said.company, entities=entities, currencies=(said.currency, *more))
