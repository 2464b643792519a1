"""What went to a target, or out as a file: by whom, when, as what. Reads of links, and the exports that are noted.

A file of entries is an export as well: its note is kept under the profile it was written in, with a fingerprint of what
it said, so that nothing is handed out twice and a later change shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, convert, to_builtins
from msgspec.json import decode

from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.inquiries import Written
from wherry.store.ledger import LinkRow, Route
from wherry.store.tables import audit, history, links

_NAMESPACE, _FILES, _SAID = "books", "file_export", "file_entry"
_columns = [links.c.source, links.c.sink, *(links.c[name] for name in LinkRow.__struct_fields__)]


def links_of(tx: Tx, route: Route, entity: str, beginning: str) -> list[LinkRow]:
    """The links of an entity whose keys begin so, by key; those of what was given up or ignored are left out."""
    mine = (links.c.source == route.source) & (links.c.sink == route.sink) & (links.c.entity == entity)
    begins = links.c.key.startswith(beginning, autoescape=True)
    rows = tx.rows(sa.select(*_columns).where(mine, begins, links.c.target != "").order_by(links.c.key))
    return [LinkRow(*row[2:]) for row in rows]


def written(tx: Tx, *, sinks: Iterable[int] = (), since: str = "") -> list[Written]:
    """Everything that is linked in these targets (none: in all), newest first; with ``since`` not older than that."""
    statement = sa.select(*_columns).where(links.c.target != "").order_by(links.c.made_at.desc(), links.c.key)
    if chosen := sorted(set(sinks)):
        statement = statement.where(links.c.sink.in_(chosen))
    if since:
        statement = statement.where(links.c.made_at >= since)
    return [Written(Route(row[0], row[1]), LinkRow(*row[2:])) for row in tx.rows(statement)]


def flows_of(tx: Tx, entities: Iterable[str]) -> dict[tuple[str, str], str]:
    """(entity, key) → the flow that last wrote or linked a thing."""
    mine = history.c.entity.in_(sorted(set(entities))) & (history.c.target != "")
    rows = tx.rows(sa.select(history.c.entity, history.c.key, history.c.flow).where(mine).order_by(history.c.id))
    return {(str(entity), str(key)): str(flow) for entity, key, flow in rows}


def approvers(tx: Tx) -> dict[str, str]:
    """``entity/key`` → who gave the last word that a thing may be sent; both of two people."""
    rows = tx.rows(sa.select(audit.c.actor, audit.c.detail).where(audit.c.action == "approve").order_by(audit.c.id))
    told = [(str(actor), decode(detail)) for actor, detail in rows if detail]
    return {str(said.get("key", "")): " and ".join(filter(None, [who, said.get("second")])) for who, said in told}


class FileExport(Struct, frozen=True, kw_only=True):
    """An entry that was written into a file. ``key`` is the entry's; ``digest`` stands for what the file says of it.

    ``state`` is how the entry stood then: ``posted``, ``prepared`` or ``reversed``.
    """

    profile: str
    flow: str
    key: str
    number: str
    state: str
    digest: str
    file: str
    at: str
    by: str
    minor: int = 0
    currency: str = ""
    round: int = 1
    """Rises each time that the entry goes out again after it was taken back."""

    @property
    def id(self) -> str:
        return id_of(self.profile, self.key, self.state)


def id_of(profile: str, key: str, state: str) -> str:
    """Under what an export is noted: what takes an entry back is an export of its own."""
    return f"{profile}|{'reversed' if state == 'reversed' else 'booked'}|{key}"


def put_files(tx: Tx, rows: Iterable[FileExport]) -> None:
    """Note exports; an earlier one of the same entry in the same profile is replaced."""
    DocumentView(tx, _NAMESPACE).put(_FILES, [(row.id, to_builtins(row)) for row in rows])


def drop_files(tx: Tx, ids: Iterable[str]) -> None:
    """Forget exports, by their ids, with what is kept of what they said."""
    view, gone = DocumentView(tx, _NAMESPACE), list(ids)
    view.remove(_FILES, gone)
    view.remove(_SAID, gone)


def files(tx: Tx, profile: str = "") -> dict[str, FileExport]:
    """Id → export, in the order in which they were made."""
    rows = ((id, convert(body, FileExport)) for id, body in DocumentView(tx, _NAMESPACE).each(_FILES))
    return {id: row for id, row in rows if not profile or row.profile == profile}


def put_said(tx: Tx, entries: Mapping[str, dict[str, Any]]) -> None:
    """Keep what went out, by the export's id, of what nothing else keeps: it was only prepared."""
    DocumentView(tx, _NAMESPACE).put(_SAID, entries.items())


def find_said(tx: Tx, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What went out under these ids, where it was kept."""
    return DocumentView(tx, _NAMESPACE).get(_SAID, ids)


def said(link: LinkRow, field: str) -> str:
    """A text of the body that was written last."""
    body = decode(link.body) if link.body else {}
    return str(body.get(field) or "") if isinstance(body, dict) else ""
