"""``wherry simulate traede --set NAME=VALUE``: how the stand-in's company is to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.errors import ConfigError
from wherry.money import DECIMALS

from . import MOST, SPELLINGS, TraedeSimulator

ENTRIES = 200
"""Entries of the sample month where nobody says how many."""
_LARGEST = 100_000
_KNOWN = ("entries", "currency", "token", "app_key", "spelling", "sorts", "moments", "most")


def simulator(options: Mapping[str, str]) -> TraedeSimulator:
    """The stand-in with these options. Raises ConfigError for a name or value that it does not have."""
    if unknown := [name for name in options if name not in _KNOWN]:
        raise ConfigError(f"the stand-in of Traede has no option {unknown[0]!r}", fix=f"options: {', '.join(_KNOWN)}",
                          code="WHERRY-2841")  # fmt: skip
    told: dict[str, Any] = {
        "entries": _number(options, "entries", ENTRIES, 0, _LARGEST),
        "most": _number(options, "most", MOST, 1, MOST),
        "currency": _choice(options, "currency", "DKK", tuple(DECIMALS)),
        "spelling": _spelling(_choice(options, "spelling", "both", ("both", *SPELLINGS))),
        "sorts": _choice(options, "sorts", "yes", ("yes", "no")) == "yes",
        "iso": _choice(options, "moments", "plain", ("plain", "iso")) == "iso",
        "tokens": _only(options, "token"),
        "app_keys": _only(options, "app_key"),
    }
    return TraedeSimulator(**told)


def _spelling(said: str) -> tuple[str, ...]:
    return SPELLINGS if said == "both" else (said,)


def _only(options: Mapping[str, str], name: str) -> frozenset[str] | None:
    return frozenset({options[name]}) if name in options else None


def _number(options: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    said = options.get(name, str(usual))
    if said.isascii() and said.isdigit() and least <= int(said) <= most:
        return int(said)
    raise _wrong(name, said, f"a number from {least} to {most}")


def _choice(options: Mapping[str, str], name: str, usual: str, known: tuple[str, ...]) -> str:
    said = options.get(name, usual)
    if said in known:
        return said
    raise _wrong(name, said, "an ISO 4217 code" if name == "currency" else ", ".join(known))


def _wrong(name: str, said: str, allowed: str) -> ConfigError:
    return ConfigError(f"{said!r} is no {name} of the stand-in", fix=f"write {allowed}", code="WHERRY-2842")
