"""The things of one name. Thousands may share it, and nearly all of them are other records or have another SKU."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from wherry.matching.text import code_of
from wherry.records import Listed

_ID = "id:"
_SEVERAL = "several ids"

Held = dict[str, list[Listed]]
"""The one id that a thing is known by (empty: none) → what is known so. By several it is nobody else's."""


class Namesakes:
    """What has a name, in the order in which it was entered, ready to be asked who of it a draft can still be."""

    __slots__ = ("_coded", "all")

    def __init__(self) -> None:
        self.all: list[Listed] = []
        self._coded: dict[str, Held] = {}
        """Code of the SKU (see ``code_of``; empty: it has none) → what has it."""

    def enter(self, listed: Listed, keys: Iterable[str]) -> None:
        """``keys`` are the draft keys that the thing is known by."""
        holder = ""
        for key in keys:
            if key.startswith(_ID) and key != holder:
                holder = _SEVERAL if holder else key
        self.all.append(listed)
        code = code_of(listed.sku)
        held = self._coded.get(code)
        if held is None:
            self._coded[code] = {holder: [listed]}
        else:
            held.setdefault(holder, []).append(listed)

    def rivals(self, key: str, sku: str) -> Iterable[Listed]:
        """All but those that have another SKU, or are known by another id than ``key``; whoever asks stops at one."""
        code = code_of(sku)
        alike = [held for one in (code, "") if (held := self._coded.get(one))] if code else self._coded.values()
        if not alike:
            return ()
        if not key.startswith(_ID):
            return chain.from_iterable(some for held in alike for some in held.values())
        return chain.from_iterable([held[one] for held in alike for one in ("", key) if one in held])


NOBODY = Namesakes()
