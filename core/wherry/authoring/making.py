"""A new plugin as a whole distribution, from the templates beside: it is green before its author has written a line.

Templates are plain text with ``$name`` for what differs (``string.Template``); ``__package__`` in a path is the name of
the package, ``dot_`` a leading dot, and ``.tmpl`` keeps tools from reading a template as what it becomes.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from string import Template
from typing import Literal, get_args

from wherry import __version__
from wherry.errors import ConfigError
from wherry.plugins import catalogue_of_installed

Kind = Literal["source", "sink", "mapper", "matcher"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LONGEST = 24
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DOES: dict[Kind, str] = {
    "source": "as a source for Wherry: items, which become products.",
    "sink": "as a target for Wherry: invoices.",
    "mapper": "for Wherry: a mapper that makes tickets of orders.",
    "matcher": "for Wherry: a matcher that finds renumbered products.",
}


def make(name: str, kind: Kind, folder: Path | None = None) -> list[Path]:
    """Writes the distribution ``wherry-NAME`` into ``folder`` (``wherry-NAME`` here, where none is given); its files.

    Raises ConfigError for a bad or taken name, and for a folder that has something in it.
    """
    _check_name(name)
    _check_free(name)
    place = folder or Path(f"wherry-{name}")
    _check_empty(place)
    words = words_of(name, kind)
    written = []
    for path, text in rendered(kind, words):
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        written.append(target)
    return written


def words_of(name: str, kind: Kind) -> dict[str, str]:
    """What the templates are filled with."""
    parts = name.split("-")
    title = " ".join(part.capitalize() for part in parts)
    return {
        "system": name,
        "title": title,
        "CODE": name.upper(),
        "ENV": name.upper().replace("-", "_"),
        "package": f"wherry_{name.replace('-', '_')}",
        "distribution": f"wherry-{name}",
        "api": api(__version__),
        "summary": f"{title} {_DOES[kind]}",
    }


def api(version: str) -> str:
    """The range of the core that a plugin made today declares: this minor version and the next one, in which all still
    works that works now without a warning; a major one from 1.0 on."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 2}"


def rendered(kind: Kind, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, text) of every file, those of every kind first."""
    with as_file(files("wherry.authoring") / "templates") as templates:
        for part in ("common", kind):
            base = templates / part
            for path in sorted(base.rglob("*.tmpl")):
                place = str(path.relative_to(base)).removesuffix(".tmpl")
                place = place.replace("__package__", words["package"]).replace("dot_", ".")
                yield place, Template(path.read_text("utf-8")).substitute(words)


def _check_name(name: str) -> None:
    if len(name) > LONGEST or not _NAME.fullmatch(name) or keyword.iskeyword(name):
        near = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").lstrip("0123456789-")[:LONGEST]
        raise ConfigError(
            f"{name[:80]!r} cannot be the name of a plugin: it takes small letters, digits and single hyphens, "
            f"begins with a letter and has at most {LONGEST} characters",
            fix=f"for example: wherry plugin new {near or 'field-book'}", code="WHERRY-2401",
        )  # fmt: skip


def _check_free(name: str) -> None:
    taken = next((one for one in catalogue_of_installed() if one.name == name), None)
    if taken is not None:
        raise ConfigError(
            f"{taken.title} is installed and has the plugin name {name}: two of one name are never loaded",
            fix=f"choose another name, or first: pip uninstall {taken.distribution}", code="WHERRY-2402", plugin=name,
        )  # fmt: skip


def _check_empty(place: Path) -> None:
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise ConfigError(
            f"{place} exists and has something in it; nothing was written",
            fix="choose another folder with --to, or remove it", code="WHERRY-2403",
        )  # fmt: skip
