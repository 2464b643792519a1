"""Acme Warehouse's endpoints and its paging. Knows requests, not records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct
from wherry.http import Http, Limit, Profile

from .settings import VENDOR, AcmeSettings

HOSTS = (VENDOR.removeprefix("https://"),)
PAGE = 100
Thing = dict[str, Any]
"""A part or a shipment as the system tells it; ``id`` and ``changed`` (UTC, whole seconds) are always there."""


class Owner(Struct):
    """Whose warehouse it is."""

    id: str
    name: str


class Listing(Struct):
    """A page of changes, oldest first, and the system's own time."""

    now: str
    items: list[Thing]
    more: bool


class Things(Struct):
    """What was found of the ids that were asked for, in no order of note."""

    items: list[Thing]


def profile_of(settings: AcmeSettings) -> Profile:
    """Where the account is reached, and how often it may be asked."""
    return Profile(base_url=settings.url, hosts=HOSTS, limits={"": Limit(10, 1.0)})


class Client:
    """The calls that the source makes."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def owner(self) -> Owner:
        owner: Owner = self._http.read("GET", "/api/v1/account", expect=Owner).data
        return owner

    def changed(self, kind: str, start: str, after: str) -> Listing:
        """Changes of ``start`` and later; with ``after``, those behind that id at ``start``."""
        asked = {"from": start, "after": after or None, "limit": PAGE}
        listing: Listing = self._http.read("GET", f"/api/v1/{kind}s", params=asked, expect=Listing).data
        return listing

    def by_id(self, kind: str, ids: Iterable[str]) -> Iterator[Thing]:
        """Things by id, a hundred a call; what is not there is missing."""
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), PAGE):
            some = ",".join(wanted[start : start + PAGE])
            yield from self._http.read("GET", f"/api/v1/{kind}s/batch", params={"ids": some}, expect=Things).data.items
