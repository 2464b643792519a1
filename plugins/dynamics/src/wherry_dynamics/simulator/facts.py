"""What the stand-in's environment is made of: tables, columns, choices, and who refers to whom. See facts.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STAMPS = {"createdon": "DateTime", "modifiedon": "DateTime", "versionnumber": "BigInt"}
DATES = frozenset({"estimatedclosedate", "actualclosedate"})
"""Columns of type DateTime that are dates alone, and Edm.Date in the Web API."""
POLYMORPHIC = {"customerid": "Customer", "ownerid": "Owner"}
LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})


@dataclass(frozen=True, slots=True)
class Option:
    value: int
    label: str
    state: int = 0


@dataclass(slots=True)
class Table:
    """One table: column → type, lookup → the tables it may lead to, column → its choices."""

    name: str
    set: str
    primary: str
    columns: dict[str, str]
    lookups: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[Option]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.name}id"

    @property
    def api(self) -> dict[str, str]:
        """Columns as the Web API names them."""
        return {f"_{name}_value" if type in LOOKUPS else name: type for name, type in self.columns.items()}

    def navigations(self) -> dict[str, tuple[str, str]]:
        """Name of a navigation → the lookup and the table that it leads to."""
        found: dict[str, tuple[str, str]] = {}
        for name, targets in self.lookups.items():
            several = len(targets) > 1
            found |= {f"{name}_{one}" if several else name: (name, one) for one in targets}
        return found


def table(
    name: str, set: str, primary: str, columns: str, lookups: str = "", choices: Mapping[str, str] | None = None
) -> Table:
    """A table from the words of facts.toml."""
    leads = {one: targets.split(",") for one, _, targets in (pair.partition(":") for pair in lookups.split())}
    own = dict(pair.split(":") for pair in columns.split())
    types = {one: POLYMORPHIC.get(one, "Lookup") for one in leads}
    options = {one: [_option(text) for text in said.split()] for one, said in (choices or {}).items()}
    return Table(name, set, primary, {f"{name}id": "Uniqueidentifier", **STAMPS, **own, **types}, leads, options)


def _option(text: str) -> Option:
    value, label, *state = text.split(":")
    return Option(int(value), label.replace("_", " "), int(state[0]) if state else 0)


_TOLD = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_CHOICES = _TOLD.pop("choices")


def standard() -> dict[str, Table]:
    """The tables that the environment begins with."""
    return {name: table(name, **told, choices=_CHOICES.get(name)) for name, told in _TOLD.items()}
