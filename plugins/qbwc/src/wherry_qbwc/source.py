"""A company file as a source: its customers, items and accounts, as the latest session read them.

The lists are kept here, so reading needs no Web Connector and finds what was there when it came last. A version is the
entry's EditSequence; inactive customers and items are ``archived``, inactive accounts stay records.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from wherry.errors import ContractBroken
from wherry.records import Description, Page, Record
from wherry.roles import Account, Connection, Query, Services

from . import company, mirror
from .books import SOLD
from .fields import described, value_of

LISTS = {"product": "item", "customer": "customer", "account": "account"}
"""Record kind → the list it is read from."""
CHUNK = 500
_MARK, _FORMER = re.compile(r"[0-9]{1,18}"), re.compile(r"[0-9]{16} \S+")
_encode = msgspec.json.Encoder(order="sorted").encode


class QbwcSource:
    """Reads what is kept of one company file. Made once per run."""

    kinds: Sequence[str] = tuple(LISTS)
    chunk = CHUNK

    def __init__(self, connection: Connection, services: Services) -> None:
        self._name, self._services = connection.name, services

    def check(self) -> Account:
        """The company file, as it was in the latest session. Raises TryAgain before the first."""
        found = company.known(self._services.documents, self._name)
        return Account(found.id, found.name, {"product": found.product, "country": found.country})

    def read(self, query: Query) -> Iterator[Page]:
        """What changed here since the mark, oldest change first; everything when there is none. Ends after as many as
        there were at its start: what changes meanwhile comes next time."""
        kept, after, since = _list(query.kind), _position(query.after), query.since.timestamp() if query.since else 0.0
        with self._services.documents() as documents:
            left = documents.count(kept)
        while left > 0:
            with self._services.documents() as documents:
                found, now = mirror.changes(documents, self._name, kept, after, min(CHUNK, left))
            if now == after:
                return
            after, left = now, left - CHUNK
            mine = [one for one in found if _is_of(query.kind, one) and one.changed >= since]
            yield Page([_record(query.kind, one, query.fields) for one in mine], str(after))

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records: entries of lists have no relatives."""
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id, in the order asked for."""
        found = {one.row["ListID"]: one for one in self._entries(kind)}
        return [_record(kind, found[id], fields) for id in dict.fromkeys(ids) if id in found]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id; what is no longer in its list was deleted, or merged into another."""
        found = {one.row["ListID"]: one for one in self._entries(kind)}
        for id in ids:
            gone = Record(kind=kind, id=id, version="deleted", gone="deleted")
            yield _record(kind, found[id], fields) if id in found else gone

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """The fields of Intuit's schema; ``fresh`` looks for what else the entries of this company hold."""
        return Description(described(kind, [one.row for one in self._entries(kind)] if fresh else ()))

    def _entries(self, kind: str) -> list[mirror.Entry]:
        with self._services.documents() as documents:
            found = list(mirror.entries(documents, self._name, _list(kind)))
        return [one for one in found if _is_of(kind, one)]


def _list(kind: str) -> str:
    if kind not in LISTS:
        raise ContractBroken(
            f"QuickBooks Desktop has no records of kind {kind!r}", code="WHERRY-1854", kind=kind,
            fix=f"kinds: {', '.join(LISTS)}",
        )  # fmt: skip
    return LISTS[kind]


def _is_of(kind: str, entry: mirror.Entry) -> bool:
    return kind != "product" or entry.kind in SOLD


def _position(mark: str | None) -> int:
    """How far the store's order was read; from its start for a mark of former versions, which went by QuickBooks'
    clock. Raises ContractBroken where it is none of ours."""
    if mark is None or _FORMER.fullmatch(mark):
        return 0
    if not _MARK.fullmatch(mark):
        raise ContractBroken(
            "the saved mark of this flow is none that this version of the QuickBooks Desktop plugin wrote",
            fix="install the plugin version that wrote it, or have the flow read from the start again",
            code="WHERRY-1858",
        )  # fmt: skip
    return int(mark)


def _record(kind: str, entry: mirror.Entry, fields: tuple[str, ...]) -> Record:
    row = {**entry.row, "Type": entry.kind.removeprefix("Item").removesuffix("Ret")}
    archived = row.get("IsActive") == "false" and kind != "account"
    told = {name: value_of(row, name) for name in fields if name != "id"}
    return Record(
        kind=kind, id=str(row["ListID"]), version=str(row.get("EditSequence") or ""), payload=_encode(told),
        gone="archived" if archived else "",
    )  # fmt: skip
