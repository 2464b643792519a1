"""The people who own deals and tickets: one list, kept for an hour."""

from __future__ import annotations

import threading

import msgspec
from wherry.records import Record
from wherry.roles import Cache

from .client import Client, Owner
from .errors import no_progress

FIELDS = ("name", "email", "first_name", "last_name")
HOUR = 3_600.0


class Owners:
    """Owners by id, those who have left included, since deals still name them."""

    def __init__(self, client: Client, cache: Cache, key: str) -> None:
        self._client, self._cache, self._key = client, cache, key
        self._lock = threading.Lock()
        self._held: dict[str, Record] | None = None
        self._complete = False

    def find(self, owner_id: str) -> Record | None:
        """The owner; None for nobody, or for an id that HubSpot no longer knows."""
        if not owner_id:
            return None
        with self._lock:
            held = self._held if self._held is not None else self._kept()
            if owner_id not in held and not self._complete:
                held = self._fresh()
            self._held = held
        return held.get(owner_id)

    def _kept(self) -> dict[str, Record]:
        kept = self._cache.get(self._key, HOUR)
        owners = msgspec.convert(kept, list[Owner]) if kept is not None else []
        return {owner.id: owner_record(owner) for owner in owners}

    def _fresh(self) -> dict[str, Record]:
        """Both lists, asked at most once a run: those who are here and those who have left."""
        owners = [owner for archived in (True, False) for owner in self.all(archived=archived)]
        self._cache.set(self._key, msgspec.to_builtins(owners))
        self._complete = True
        return {owner.id: owner_record(owner) for owner in owners}

    def all(self, *, archived: bool = False) -> list[Owner]:
        """Every owner, page by page."""
        found: list[Owner] = []
        seen, after = {""}, ""
        while True:
            page = self._client.owners(after, archived=archived)
            found += page.results
            after = page.paging.next.after if page.paging and page.paging.next else ""
            if not after:
                return found
            if after in seen:
                raise no_progress("owners")
            seen.add(after)


def owner_record(owner: Owner) -> Record:
    """An owner as a record; its name is the person's, else the address."""
    name = " ".join(part for part in (owner.firstName, owner.lastName) if part)
    fields = {
        "name": name or owner.email or f"owner {owner.id}",
        "email": owner.email or "",
        "first_name": owner.firstName or "",
        "last_name": owner.lastName or "",
    }
    gone = "archived" if owner.archived else ""
    return Record(kind="owner", id=owner.id, version=owner.updatedAt, payload=msgspec.json.encode(fields), gone=gone)
