"""What is installed, from metadata alone: nothing here imports a plugin.

stevedore's own scan is passed over on purpose: its cache can hide a changed entry point for two minutes and carries
no distribution, so nobody could be told which package and version a plugin came from.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Set
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distributions, version
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

GROUP = "wherry.plugins"
CORE = "wherry"
NAMELESS = "a distribution without a name"
_TOLD = ("Name", "Version", "Summary")


class Installed(Struct, frozen=True):
    """One entry point of the group, as its distribution's metadata tells it.

    ``api`` is the distribution's requirement on the core, such as ``>=0.1,<0.3``; empty where it states none.
    ``origin`` is the folder or address it was installed from, where that is known. ``problem`` says why the metadata
    is of no use; ``entry`` is then None.
    """

    name: str
    distribution: str
    version: str
    summary: str = ""
    api: str = ""
    editable: bool = False
    origin: str = ""
    problem: str = ""
    entry: EntryPoint | None = None
    needs: tuple[Requirement, ...] = ()
    """What it requires beside the core."""

    @property
    def title(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".strip()

    def fits(self, core: str) -> bool:
        """Whether this version of the core is in the range that the plugin was made for."""
        return in_range(core, self.api)


def in_range(version: str, wanted: str) -> bool:
    """Whether a version lies in a range such as ``>=1.2,<2``; an empty range takes every version."""
    try:
        return not wanted or SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False


def catalogue_of_installed(wanted: Set[str] | None = None) -> list[Installed]:
    """Every installed plugin, by name. Two entries of one name are both here; loading refuses them.

    Where only some are ``wanted``, nothing but the name is read of the others. Looked at anew once something was
    installed or taken out: then a folder of the path has changed.
    """
    return list(_found(_places(), None if wanted is None else frozenset(wanted)))


def _places() -> tuple[tuple[str, int], ...]:
    """Where packages are looked for, each with the moment it changed."""
    found = []
    for path in sys.path:
        with contextlib.suppress(OSError):
            found.append((path, os.stat(path or os.curdir).st_mtime_ns))
    return tuple(found)


@functools.lru_cache(maxsize=16)
def _found(places: tuple[tuple[str, int], ...], wanted: Set[str] | None) -> list[Installed]:
    seen: set[str] = set()
    found: list[Installed] = []
    for distribution in distributions():
        declared = _declared(distribution, wanted)
        name = declared[0].distribution if declared else ""
        if name in ("", NAMELESS) or _normal(name) not in seen:
            seen.add(_normal(name))
            found += declared
    return sorted(found, key=lambda one: (one.name, one.distribution))


def _declared(distribution: Distribution, wanted: Set[str] | None) -> list[Installed]:
    try:
        text = distribution.read_text("entry_points.txt") or ""
    except (OSError, UnicodeDecodeError):
        return []
    if GROUP not in text:
        return []
    try:
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        if wanted is not None and wanted.isdisjoint(entry.name for entry in entries):
            return [Installed(entry.name, "", "") for entry in entries]
        return [_installed(distribution, entry) for entry in entries]
    except Exception as error:  # metadata is foreign text; whatever it breaks, the other plugins are still listed
        name, version, _ = _told(distribution)
        problem = f"its metadata cannot be read ({type(error).__name__})"
        return [Installed(name, name, version, problem=problem)]


def _installed(distribution: Distribution, entry: EntryPoint) -> Installed:
    name, version, summary = _told(distribution)
    editable, origin = _origin(distribution)
    wanted = list(_requirements(distribution))
    return Installed(
        name=entry.name,
        distribution=name,
        version=version,
        summary=summary,
        api=_api(wanted),
        editable=editable,
        origin=origin,
        entry=entry,
        needs=tuple(one for one in wanted if _normal(one.name) != CORE),
    )


def clash(one: Installed) -> str:
    """What another package does not have that a plugin asks of it, as half a sentence; empty where all is well."""
    for wanted in one.needs:
        found = _version_of(wanted.name)
        if not found:
            return f"needs {wanted.name}, which is not installed"
        if not in_range(found, str(wanted.specifier)):
            return f"needs {wanted.name} {wanted.specifier}; {found} is installed"
    return ""


@functools.cache
def _version_of(package: str) -> str:
    try:
        return version(package)
    except (PackageNotFoundError, KeyError, OSError, TypeError, ValueError):
        return ""


def _told(distribution: Distribution) -> tuple[str, str, str]:
    """Name, version and summary: the file is parsed anew whenever it is asked for."""
    try:
        metadata = distribution.metadata
        name, version, summary = (str(metadata[key] or "")[:500] if key in metadata else "" for key in _TOLD)
    except (KeyError, OSError, ValueError, TypeError, AttributeError):
        return NAMELESS, "", ""
    return name or NAMELESS, version, summary


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _api(wanted: Iterable[Requirement]) -> str:
    ranges = (str(one.specifier) for one in wanted if _normal(one.name) == CORE)
    return ",".join(sorted(filter(None, ranges)))


def _requirements(distribution: Distribution) -> Iterator[Requirement]:
    """Those that hold here: for this Python and system, without extras."""
    for line in distribution.requires or []:
        try:
            wanted = Requirement(line)
            applies = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        except (InvalidRequirement, UndefinedEnvironmentName):
            continue
        if applies:
            yield wanted


def _origin(distribution: Distribution) -> tuple[bool, str]:
    try:
        told = json.loads(distribution.read_text("direct_url.json") or "{}")
        address = urlsplit(str(told.get("url", "")))
        editable = bool(told.get("dir_info", {}).get("editable"))
    except (OSError, ValueError, AttributeError):
        return False, ""
    place = unquote(address.path) if address.scheme == "file" else f"{address.hostname or ''}{address.path}"
    return editable, place
