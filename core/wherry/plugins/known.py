"""The catalogue of known systems: data beside the code, because the core names no system."""

from __future__ import annotations

import functools
import tomllib
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

Status = Literal["available", "on request", "coming soon"]


class KnownSystem(Struct, frozen=True):
    """A system that there is a plugin for, or will be, and how to get it."""

    name: str
    title: str
    group: Literal["CRM", "accounting", "platform", "files", "mapping"]
    status: Status
    how: str


@functools.cache
def known_systems() -> tuple[KnownSystem, ...]:
    """All known systems, in the order of their file: by group, then as operators look for them."""
    table = tomllib.loads(files("wherry").joinpath("systems.toml").read_text(encoding="utf-8"))
    return tuple(msgspec.convert({"name": name, **row}, KnownSystem) for name, row in table.items())


def how_to_get(name: str) -> str:
    """What an operator does to get the plugin of a system."""
    found = next((system for system in known_systems() if system.name == name), None)
    if found is None:
        return "install the package that brings it; those that are known here: wherry plugin list"
    if found.status == "available":
        return f"pip install wherry-{name}"
    return f"{found.title} is {found.status}: {found.how}"
