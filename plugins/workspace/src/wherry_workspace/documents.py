"""How a thing lies in the store: its body, what was edited here, and which source filled which field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from wherry.roles import Documents

from wherry_workspace.kinds import Kind

Document = dict[str, Any]
"""``{"fields", "local": {path: true}, "origin": {"by", "written": {key: id}}, "created", "changed"}``

``written`` says of each source which list of fields it filled: nearly all documents of a kind have the same few lists,
so each is kept once, see ``keep_lists``."""
LISTS = "list"
"""The kind of those lists."""
Lists = dict[str, Sequence[str]]
"""Id → names of fields."""


@lru_cache(16)
def stamp(now: dt.datetime) -> str:
    """A moment as it is stored: ISO 8601, UTC, to the millisecond, sortable as text."""
    return now.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def changed_since(document: Document, since: dt.datetime | None) -> bool:
    return since is None or dt.datetime.fromisoformat(document["changed"]) >= since


def made(fields: dict[str, Any], *, by: str, now: dt.datetime, key: str = "", filled: str = "") -> Document:
    """A new document. ``key`` is the source's own key of it, ``filled`` the list of fields which that source fills."""
    moment = stamp(now)
    written = {key: filled} if key else {}
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


def keep_lists(documents: Documents, lists: Lists) -> Lists:
    """Those that are not kept yet are, from now on. All of them."""
    fresh = lists.keys() - documents.known(LISTS, lists)
    if fresh:
        documents.put(LISTS, [(id, {"names": [*lists[id]]}) for id in sorted(fresh)])
    return lists


def kept_lists(documents: Documents, held: Iterable[Document]) -> Lists:
    """Every list that these documents speak of."""
    ids = {id for document in held for id in document["origin"]["written"].values() if isinstance(id, str)}
    return {id: kept["names"] for id, kept in documents.get(LISTS, ids).items()} if ids else {}


def filled_by(document: Document, key: str, lists: Lists) -> Sequence[str]:
    """The fields that a source filled. An earlier version kept their names in the document."""
    said = document["origin"]["written"].get(key, "")
    return said if isinstance(said, list) else lists.get(said, ())


ROW = "row:"
"""How the note of a document's origin begins that tells by which row of a file it came."""


def sources_of(document: Document) -> list[str]:
    """What the sources call it, such as the id of a deal; ``sku:…`` or ``name:…`` where only that is known."""
    return sorted(key.removeprefix("id:") for key in document["origin"]["written"] if not key.startswith(ROW))


_DRAWN = "drawn"
"""One document for each kind of which every id was drawn here: none lies ahead of the counter."""


def bring(documents: Documents, kind: Kind, rows: Sequence[tuple[str, Document]]) -> None:
    """Put new documents whose ids somebody else chose: the counter of ids may not have reached them yet."""
    if rows:
        documents.put(kind.name, rows)
        documents.remove(_DRAWN, [kind.name])


def fresh_ids(documents: Documents, kind: Kind, count: int) -> list[str]:
    """New ids that no document has. Where others were brought, or may have been, each is looked for."""
    if _all_drawn(documents, kind):
        return documents.new_ids(kind.name, kind.prefix, count)
    free: list[str] = []
    draw = count
    while len(free) < count:
        ids = documents.new_ids(kind.name, kind.prefix, draw)
        taken = documents.known(kind.name, ids)
        free += [name for name in ids if name not in taken]
        draw *= 2
    return free[:count]


def _all_drawn(documents: Documents, kind: Kind) -> bool:
    if documents.known(_DRAWN, [kind.name]):
        return True
    if documents.changed(kind.name, 0, 1):  # a file's, or of an earlier version, which did not note it
        return False
    documents.put(_DRAWN, [(kind.name, {})])
    return True
