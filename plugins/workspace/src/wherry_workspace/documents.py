"""How a thing lies in the store: its body, what was edited here, and which source filled which field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from wherry.roles import Documents

from wherry_workspace.kinds import Kind

Document = dict[str, Any]
"""``{"fields", "local": {path: true}, "origin": {"by", "written": {key: [field]}}, "created", "changed"}``"""


@lru_cache(16)
def stamp(now: dt.datetime) -> str:
    """A moment as it is stored: ISO 8601, UTC, to the millisecond, sortable as text."""
    return now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def changed_since(document: Document, since: dt.datetime | None) -> bool:
    return since is None or dt.datetime.fromisoformat(document["changed"]) >= since


def made(fields: dict[str, Any], *, by: str, now: dt.datetime, key: str = "", names: Iterable[str] = ()) -> Document:
    """A new document. ``key`` is the source's own key of it, ``names`` the fields that source fills."""
    moment = stamp(now)
    written = {key: list(names)} if key else {}
    return {
        "fields": fields,
        "local": {},
        "origin": {"by": by, "written": written},
        "created": moment,
        "changed": moment,
    }


def remade(
    held: Document,
    fields: dict[str, Any],
    *,
    by: str,
    now: dt.datetime,
    local: Iterable[str],
    written: dict[str, Any],
) -> Document:
    """A document with another body. ``changed`` moves only if the body did."""
    moved = fields != held["fields"]
    return {
        **held,
        "fields": fields,
        "local": dict.fromkeys(sorted(local), True),
        "origin": {"by": by if moved else held["origin"]["by"], "written": written},
        "changed": stamp(now) if moved else held["changed"],
    }


ROW = "row:"
"""How the note of a document's origin begins that tells by which row of a file it came."""


def sources_of(document: Document) -> list[str]:
    """What the sources call it, such as the id of a deal; ``sku:…`` or ``name:…`` where only that is known."""
    return sorted(key.removeprefix("id:") for key in document["origin"]["written"] if not key.startswith(ROW))


def fresh_ids(documents: Documents, kind: Kind, count: int) -> list[str]:
    """New ids that no document has: an import may have brought ids that the counter has not reached yet."""
    free: list[str] = []
    draw = count
    while len(free) < count:
        ids = documents.new_ids(kind.name, kind.prefix, draw)
        taken = documents.known(kind.name, ids)
        free += [name for name in ids if name not in taken]
        draw *= 2
    return free[:count]
