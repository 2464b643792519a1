"""A new plugin as a whole distribution, from the templates beside: it is green before its author has written a line.

Templates are plain text with ``$name`` for what differs (``string.Template``); ``__package__`` in a path is the name of
the package, ``dot_`` a leading dot, and ``.tmpl`` keeps tools from reading a template as what it becomes.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from string import Template
from typing import Literal, get_args

from wherry import __version__
from wherry.errors import ConfigError
from wherry.plugins import catalogue_of_installed

Kind = Literal["source", "sink", "mapper", "matcher"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SYSTEM: tuple[Kind, ...] = ("source", "sink")
"""The two halves of a system, which may be made together."""
LONGEST = 24
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SECTION = re.compile(r" *#\[(?P<what>[a-z ]+)\]")
"""A line of a template that begins a part for a kind (``#[sink]``; ``#[only sink]``: where it is alone), or ends it."""
_DOES: dict[tuple[Kind, ...], str] = {
    ("source",): "it reads items, which become products",
    ("sink",): "invoices are written to it",
    SYSTEM: "it reads items, which become products, and invoices are written to it",
    ("mapper",): "a mapper that makes tickets of orders",
    ("matcher",): "a matcher that finds renumbered products",
}
_STANDS: dict[tuple[Kind, ...], str] = {("source",): "items", ("sink",): "invoices", SYSTEM: "items and invoices"}
_ROLES: dict[Kind, str] = {"source": "SourceConnector", "sink": "SinkWriter"}


def make(name: str, kinds: Kind | Sequence[Kind], folder: Path | None = None) -> list[Path]:
    """Writes the distribution ``wherry-NAME`` into ``folder`` (``wherry-NAME`` here, where none is given); its files.

    Raises ConfigError for a bad or taken name, for kinds that are no one plugin, and for a folder that has something in
    it.
    """
    kinds = _together((kinds,) if isinstance(kinds, str) else kinds)
    _check_name(name)
    _check_free(name)
    place = folder or Path(f"wherry-{name}")
    _check_empty(place)
    words = words_of(name, kinds)
    written = []
    for path, text in rendered(kinds, words):
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        written.append(target)
    return written


def words_of(name: str, kinds: tuple[Kind, ...]) -> dict[str, str]:
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
        "summary": f"{title} for Wherry: {_DOES[kinds]}.",
        "does": _DOES[kinds],
        "stands": _STANDS.get(kinds, ""),
        "rights": "reading and writing invoices"
        if kinds == ("sink",)
        else f"reading {_STANDS.get(kinds, '')}" + ", writing invoices" * ("sink" in kinds),
        "kinds": ", ".join(f'"{kind}"' for kind in kinds),
        "roles": ", ".join(sorted(_ROLES.get(kind, "") for kind in kinds)),
    }


def _together(kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """The kinds of one plugin, in order. Raises ConfigError for a mapper or matcher beside anything else."""
    found = tuple(kind for kind in KINDS if kind in kinds)
    if len(found) > 1 and found != SYSTEM:
        raise ConfigError(
            f"each of {', '.join(found)} is a plugin of its own; only source and sink are halves of one system",
            fix="one command for each, or write its hooks into the other's plugin.py", code="WHERRY-2410",
        )  # fmt: skip
    return found


def api(version: str) -> str:
    """The range of the core that a plugin made today declares: this minor version and the next one, in which all still
    works that works now without a warning; a major one from 1.0 on."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 2}"


def rendered(kinds: tuple[Kind, ...], words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(path, text) of every file, those of every kind first."""
    with as_file(files("wherry.authoring") / "templates") as templates:
        for part in ("common", *(["system"] if kinds[0] in SYSTEM else []), *kinds):
            base = templates / part
            for path in sorted(base.rglob("*.tmpl")):
                place = str(path.relative_to(base)).removesuffix(".tmpl")
                place = place.replace("__package__", words["package"]).replace("dot_", ".")
                if len(kinds) > 1:  # each half has its own
                    place = place.replace("test_contract", f"test_{part}_contract")
                yield place, Template(_part(path.read_text("utf-8"), kinds)).substitute(words)


def _part(text: str, kinds: tuple[Kind, ...]) -> str:
    """The template without the parts for other kinds."""
    lines, wanted = list[str](), True
    for line in text.splitlines(keepends=True):
        if (mark := _SECTION.fullmatch(line.rstrip())) is None:
            lines += [line] if wanted else []
        elif mark["what"] == "end":
            wanted = True
        else:
            only, _, kind = mark["what"].rpartition(" ")
            wanted = kind in kinds and (not only or len(kinds) == 1)
    return "".join(lines)


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
