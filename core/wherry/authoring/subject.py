"""A plugin under judgement: where it lies, what it says of itself, and its sources as trees."""

from __future__ import annotations

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel

from wherry.errors import ConfigError, NotFound
from wherry.hookspecs import Manifest
from wherry.plugins import GROUP, Installed, catalogue_of_installed, how_to_get, load

TABLE = "quality"
STAND_IN = ("simulator", "demo", "sample")
"""Modules that stand in for the system, or play it: rules on what a connector may do are not for them."""


class Subject:
    """An installed plugin, imported. ``root`` is its folder, with its tests, or None where only the wheel is there."""

    def __init__(self, found: Installed, manifest: Manifest, model: type[BaseModel] | None, package: Path) -> None:
        self.installed, self.manifest, self.model, self.package = found, manifest, model, package
        self.root = next((one for one in package.parents if (one / "pyproject.toml").is_file()), None)
        if self.root is not None and found.name not in _entries(self.root):
            self.root = None

    @property
    def name(self) -> str:
        return self.installed.name

    @property
    def roles(self) -> frozenset[str]:
        """What it claims to be; a source that brings maps as data needs no mapper of its own."""
        return frozenset(self.manifest.roles)

    @property
    def reaches_network(self) -> bool:
        """Whether it signs in somewhere, names hosts, or makes a client: of a server that everybody has of his own."""
        return bool(self.manifest.hosts or self.manifest.sign_in) or self._makes_client

    @cached_property
    def _makes_client(self) -> bool:
        calls = (node.func for tree in self.trees.values() for node in ast.walk(tree) if isinstance(node, ast.Call))
        return any("Profile" in (getattr(one, "id", ""), getattr(one, "attr", "")) for one in calls)

    @cached_property
    def project(self) -> dict[str, Any]:
        """pyproject.toml; empty where the folder is not there."""
        return tomllib.loads((self.root / "pyproject.toml").read_text("utf-8")) if self.root else {}

    @property
    def declared(self) -> dict[str, Any]:
        """``[tool.wherry.quality]``."""
        found: Any = self.project.get("tool", {}).get("wherry", {}).get(TABLE, {})
        return found if isinstance(found, dict) else {}

    @cached_property
    def trees(self) -> dict[Path, ast.Module]:
        """The package's modules, but for what stands in for the system."""
        return {path: ast.parse(path.read_text("utf-8")) for path in self._modules()}

    def _modules(self) -> Iterator[Path]:
        for path in sorted(self.package.rglob("*.py")):
            if not any(part.startswith(STAND_IN) for part in path.relative_to(self.package).parts):
                yield path

    @property
    def tests(self) -> Path | None:
        """Its tests, where they are there."""
        folder = self.root / "tests" if self.root else None
        return folder if folder is not None and folder.is_dir() else None

    def at(self, path: Path, line: int = 0) -> str:
        """``file:line``, below the plugin's folder."""
        base = self.root or self.package.parent
        told = str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
        return f"{told}:{line}" if line else told

    def line_of(self, path: Path, text: str) -> str:
        """Where a text stands first in a file."""
        lines = path.read_text("utf-8").splitlines() if path.is_file() else []
        return self.at(path, next((number for number, line in enumerate(lines, 1) if text in line), 0))


def subject(name: str) -> Subject:
    """The plugin of that name, or of the folder ``name``. Raises NotFound, ConfigError, or why it cannot be used."""
    folder, name = name, _name_of(name)
    try:
        found, loaded = installed(name), load([name])
    except NotFound as error:
        error.fix = f"pip install -e '{Path(folder or '.').resolve()}[testing]'" if folder != name else error.fix
        raise
    manifest = loaded.require(name)
    return Subject(found, manifest, loaded.settings_model(name), _package(found))


def installed(name: str) -> Installed:
    """What is installed of a plugin, from metadata alone. Raises NotFound."""
    found = next((one for one in catalogue_of_installed() if one.name == name), None)
    if found is None:
        raise NotFound(f"the plugin {name} is not installed", fix=how_to_get(name), code="WHERRY-3060", plugin=name)
    return found


def _name_of(name: str) -> str:
    folder = Path(name or ".")
    if name and "/" not in name and name != "." and not (folder / "pyproject.toml").is_file():
        return name
    if entries := _entries(folder):
        return entries[0]
    raise ConfigError(
        f"{folder.resolve()} is not the folder of a plugin: no pyproject.toml there has an entry point of {GROUP}",
        fix="name an installed plugin, or work in a plugin's folder: wherry plugin check NAME", code="WHERRY-2404",
    )  # fmt: skip


def _entries(folder: Path) -> list[str]:
    """The plugins that a folder's pyproject.toml declares."""
    try:
        told = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        return list(msgspec.convert(told["project"]["entry-points"][GROUP], dict[str, str]))
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, msgspec.ValidationError):
        return []


def _package(found: Installed) -> Path:
    """The folder of the top package that the entry point leads into."""
    assert found.entry is not None
    spec = importlib.util.find_spec(found.entry.module.partition(".")[0])
    assert spec is not None
    return Path(spec.origin or "").parent
