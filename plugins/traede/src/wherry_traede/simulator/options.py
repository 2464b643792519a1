"""``wherry simulate traede --set NAME=VALUE``: how the stand-in's company is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from wherry.settings.values import Currency
from wherry.simulator import Options

from . import MOST, SPELLINGS, TraedeSimulator


class TraedeOptions(Options):
    """``entries`` of the sample month; ``token`` and ``app_key`` are the only ones that are let in; ``most`` is the
    longest page."""

    entries: int = Field(200, ge=0, le=100_000)
    currency: Currency = "DKK"
    token: str | None = None
    app_key: str | None = None
    spelling: Literal["both", "not_exported_since", "not_export_since"] = "both"
    sorts: bool = True
    moments: Literal["plain", "iso"] = "plain"
    most: int = Field(MOST, ge=1, le=MOST)


def simulator(options: Mapping[str, str]) -> TraedeSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    said = TraedeOptions.of(options)
    return TraedeSimulator(
        entries=said.entries, currency=said.currency, most=said.most, sorts=said.sorts, iso=said.moments == "iso",
        spelling=SPELLINGS if said.spelling == "both" else (said.spelling,),
        tokens=_only(said.token), app_keys=_only(said.app_key),
    )  # fmt: skip


def _only(said: str | None) -> frozenset[str] | None:
    return None if said is None else frozenset({said})
