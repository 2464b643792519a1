"""The things of one name. Thousands may share it, and nearly all of them are other records or have another SKU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from wherry.matching.known import is_id
from wherry.matching.text import code_of
from wherry.records import Listed

Held = tuple[str, Listed] | dict[str, list[Listed]]
"""The one id that a thing is known by (empty: none), and the thing; or of several of one code, id → those known so. By
several ids it is nobody else's."""


class Named(Protocol):
    """What has a name, ready to be asked who of it a draft can still be."""

    @property
    def all(self) -> Sequence[Listed]: ...
    def first(self, most: int) -> Sequence[Listed]: ...
    def rivals(self, key: str, sku: str) -> Iterable[Listed]:
        """All but those that have another SKU, or are known by another id than ``key``."""
        ...


class Namesakes:
    """What has a name, in the order in which it was entered, ready to be asked who of it a draft can still be."""

    __slots__ = ("_coded", "all")

    def __init__(self) -> None:
        self.all: list[Listed] = []
        self._coded: dict[str, Held] = {}
        """Code of the SKU (see ``code_of``; empty: it has none) → what has it."""

    def first(self, most: int) -> Sequence[Listed]:
        return self.all[:most]

    def enter(self, listed: Listed, holder: str) -> None:
        """``holder`` is the one id that the thing is known by (see ``holder_of``)."""
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
        """Whoever asks stops at one."""
        code = code_of(sku)
        alike = [held for one in (code, "") if (held := self._coded.get(one))] if code else self._coded.values()
        holders = ("", key) if is_id(key) else None
        for held in alike:
            if isinstance(held, tuple):
                if holders is None or held[0] in holders:
                    yield held[1]
            else:
                for holder in held if holders is None else holders:
                    yield from held.get(holder, ())


NOBODY = Namesakes()
