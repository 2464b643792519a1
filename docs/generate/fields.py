"""The part of a connector's how-to that comes from its default map: which field goes where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

PART = re.compile(r"(<!-- fields: (\S+) from the default map by docs/build.py -->\n).*?(<!-- end -->\n)", re.DOTALL)


def guides(folder: Path, plugins: Iterable[tuple[str, Any]]) -> dict[Path, str]:
    """Path → text of every how-to of a connector, its field table made anew."""
    maps = {system: module.wherry_manifest().maps for system, module in plugins}

    def part(found: re.Match[str]) -> str:
        return f"{found[1]}\n{table(maps[found[2]])}\n{found[3]}"

    told = {path: path.read_text("utf-8") for path in sorted(folder.glob("connect-*.md"))}
    return {path: PART.sub(part, text) for path, text in told.items()}


def table(maps: Mapping[str, Mapping[str, Any]]) -> str:
    """One table for each record kind and entity, in the order of the map."""
    parts, known = [], dict[str, str]()
    for kind, entities in maps.items():
        for entity, told in entities.items():
            if "fields" in told:
                title, rows = f"{kind} → {entity}", list(_rows(told["fields"]))
                earlier = known.setdefault("\n".join(rows), title)
                parts += [f"**{title}**{_whence(told)}" + (f"; fields as in {earlier}" if earlier != title else ""), ""]
                parts += ["| field | comes from |", "|---|---|", *rows, ""] if earlier == title else []
    return "\n".join(parts)


def _rows(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, said in _lines(fields, ""):
        yield f"| `{name}` | `{_cell(said)}` |"


def _whence(told: Mapping[str, Any]) -> str:
    said = (
        f", one for each {told['from']}" if told.get("each") else f", from its {told['from']}" if "from" in told else ""
    )
    return f"{said}; known by `{_cell(str(told['key']))}`" if "key" in told else said


def _lines(fields: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for name, said in fields.items():
        if isinstance(said, Mapping):
            yield from _lines(said.get("fields", said), f"{above}{name}[]." if "each" in said else f"{above}{name}.")
        else:
            yield f"{above}{name}", str(said)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
