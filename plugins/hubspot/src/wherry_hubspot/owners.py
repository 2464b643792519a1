"""The people who own deals and tickets: one list, kept for an hour."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
from wherry.records import Record
from wherry.roles import Cache

from .client import Client
from .errors import no_progress
from .shapes import Owner

FIELDS = ("name", "email", "first_name", "last_name")
HOUR = 3_600.0
ASKING = 2


class Owners:
    """Owners by id, those who have left included, since deals still name them."""

    def __init__(self, client: Client, cache: Cache, key: str) -> None:
        self._client, self._cache, self._key = client, cache, key
        self._lock = threading.Lock()
        self._known: dict[str, Owner] = {}
        self._records: dict[str, Record] = {}
        self._to_ask: list[Callable[[], list[Owner]]] = [self._kept, self.all, lambda: self.all(archived=True)]
        """Where to look next for an owner not yet known, the cheapest first; each is asked once a run."""

    def find(self, owner_id: str) -> Record | None:
        """The owner; None for nobody, or for an id that HubSpot no longer knows."""
        if not owner_id:
            return None
        with self._lock:
            while owner_id not in self._known and self._to_ask:
                self._take(self._to_ask.pop(0)())
            return self._records.get(owner_id)

    def _take(self, owners: list[Owner]) -> None:
        self._known.update((owner.id, owner) for owner in owners)
        self._records.update((owner.id, owner_record(owner)) for owner in owners)
        if len(self._to_ask) < ASKING:
            self._cache.set(self._key, msgspec.to_builtins(list(self._known.values())))

    def _kept(self) -> list[Owner]:
        return msgspec.convert(self._cache.get(self._key, HOUR) or [], list[Owner])

    def all(self, *, archived: bool = False) -> list[Owner]:
        """Every owner, page by page."""
        found: list[Owner] = []
        seen, after = {""}, ""
        while True:
            page = self._client.owners(after, archived=archived)
            found += page.results
            after = page.after
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
    return Record(
        kind="owner",
        id=owner.id,
        version=owner.updatedAt,
        payload=msgspec.json.encode(fields),
        gone="archived" if owner.archived else "",
    )
