"""The things of one name. Thousands may share it, and nearly all of them are other records or have another SKU."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from wherry.matching.text import code_of
from wherry.records import Listed

_ID = "id:"

Coded = dict[str, list[Listed]]
"""Code of the SKU (see ``code_of``; empty: it has none) → the things that have it."""


class Namesakes:
    """What has a name, in the order in which it was entered, ready to be asked who of it a draft can still be."""

    __slots__ = ("_coded", "_held", "all")

    def __init__(self) -> None:
        self.all: list[Listed] = []
        self._coded: Coded = {}
        self._held: dict[str, Coded] = {}
        """The one id that a thing is known by (empty: none) → what is known so. By two ids it is nobody else's."""

    def enter(self, listed: Listed, keys: Iterable[str]) -> None:
        """``keys`` are the draft keys that the thing is known by."""
        code, ids = code_of(listed.sku), {key for key in keys if key.startswith(_ID)}
        self.all.append(listed)
        self._coded.setdefault(code, []).append(listed)
        if len(ids) < 2:
            self._held.setdefault("".join(ids), {}).setdefault(code, []).append(listed)

    def rivals(self, key: str, sku: str) -> Iterable[Listed]:
        """All but those that have another SKU, or are known by another id than ``key``."""
        code = code_of(sku)
        if not key.startswith(_ID):
            return chain.from_iterable(_alike(self._coded, code)) if code else self.all
        known = [self._held[holder] for holder in ("", key) if holder in self._held]
        return chain.from_iterable(some for coded in known for some in _alike(coded, code))


def _alike(coded: Coded, code: str) -> Iterable[list[Listed]]:
    return (coded.get(code, []), coded.get("", [])) if code else coded.values()


NOBODY = Namesakes()
