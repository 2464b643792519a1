"""The things of one name. Thousands may share it, and nearly all of them are other records or have another SKU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.matching.text import code_of
from wherry.records import Listed

_ID = "id:"
_SEVERAL = "several ids"

Held = tuple[str, Listed] | dict[str, list[Listed]]
"""The one id that a thing is known by (empty: none), and the thing; or of several of one code, id → those known so. By
several ids it is nobody else's."""


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
            self._coded[code] = holder, listed  # nearly every code is one thing's: a table for each would be its weight
            return
        if isinstance(held, tuple):
            held = self._coded[code] = {held[0]: [held[1]]}
        held.setdefault(holder, []).append(listed)

    def rivals(self, key: str, sku: str) -> Iterator[Listed]:
        """All but those that have another SKU, or are known by another id than ``key``; whoever asks stops at one."""
        code = code_of(sku)
        alike = [held for one in (code, "") if (held := self._coded.get(one))] if code else self._coded.values()
        holders = ("", key) if key.startswith(_ID) else None
        for held in alike:
            if isinstance(held, tuple):
                if holders is None or held[0] in holders:
                    yield held[1]
            else:
                for holder in held if holders is None else holders:
                    yield from held.get(holder, ())


NOBODY = Namesakes()
