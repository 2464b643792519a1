"""A sink's listing of one entity and the creates decided earlier in the run, ready to be searched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from wherry.matching.known import holder_of
from wherry.matching.listing import Linked
from wherry.matching.namesakes import NOBODY, Namesakes
from wherry.matching.places import Index, enter, places
from wherry.matching.text import name_key, sku_key
from wherry.records import Candidate, Listed

if TYPE_CHECKING:
    from wherry.matching.nearest import NameIndex, Near

_SAME_SKU = 0.95
_NOT_EQUAL = 0.99


class ListingCatalogue:
    """The catalogue of ``wherry.roles`` over a listing that fits into memory.

    ``linked`` gives the draft keys of this source connection that are linked to a target: a mapping or a function of
    the target's id. ``add`` and ``link`` keep it up to date in the run: a create that was decided enters as
    ``Listed(pending_id(ref), ...)``. The index for ``nearest`` is built at its first call.
    """

    def __init__(self, listing: Iterable[Listed] = (), linked: Linked | None = None) -> None:
        self._listed: list[Listed] = []
        self._places: dict[str, int] = {}
        self._skus: Index = {}
        self._names: Index = {}
        self._numbers: Index = {}
        self._linked: Callable[[str], Sequence[str]] = (
            linked if callable(linked) else lambda target: (linked or {}).get(target, ())
        )
        self._keys: dict[str, tuple[str, ...]] = {}
        """Target → the draft keys that were linked to it in this run."""
        self._namesakes: dict[str, Namesakes] = {}
        """Of the names that were asked for, so far as they stand."""
        self._index: NameIndex | None = None
        for listed in listing:
            self.add(listed)

    def __len__(self) -> int:
        return len(self._listed)

    def add(self, listed: Listed, keys: Sequence[str] = ()) -> None:
        """Enters a target, or a create decided in this run; ``keys`` are the draft keys that it is known by. A target
        that is there already is not entered twice."""
        for key in keys:
            self.link(listed.id, key)
        place = len(self._listed)
        if self._places.setdefault(listed.id, place) != place:
            return
        self._listed.append(listed)
        if key := name_key(listed.name):
            enter(self._names, key, place)
            if self._namesakes and (namesakes := self._namesakes.get(key)) is not None:
                namesakes.enter(listed, holder_of(listed.id, self.keys_of(listed.id)))
        if listed.sku and (key := sku_key(listed.sku)):
            enter(self._skus, key, place)
        if listed.number and (key := sku_key(listed.number)):
            enter(self._numbers, key, place)

    def link(self, target: str, key: str) -> None:
        """Notes that a draft key was linked to the target in this run."""
        self._keys[target] = (*self._keys.get(target, ()), key)
        if self._namesakes and (place := self._places.get(target)) is not None:
            self._namesakes.pop(name_key(self._listed[place].name), None)  # sorted anew when asked for

    def by_sku(self, sku: str) -> list[Listed]:
        """The targets whose SKU is equal (see ``sku_key``)."""
        return self._at(self._skus, sku_key(sku))

    def by_number(self, number: str) -> list[Listed]:
        """The targets whose number is equal (numbers are compared as SKUs are, see ``sku_key``)."""
        return self._at(self._numbers, sku_key(number))

    def by_name(self, name: str) -> list[Listed]:
        """The targets whose name is equal (see ``name_key``)."""
        return self._at(self._names, name_key(name))

    def namesakes(self, name: str) -> Namesakes:
        """The targets whose name is equal, sorted by who they can still be."""
        key = name_key(name)
        found = self._namesakes.get(key)
        if found is not None or key not in self._names:
            return NOBODY if found is None else found
        found = self._namesakes[key] = Namesakes()
        for listed in self._at(self._names, key):
            found.enter(listed, holder_of(listed.id, self.keys_of(listed.id)))
        return found

    def keys_of(self, target: str) -> list[str]:
        """The draft keys of this source connection that are linked to the target, before or in this run."""
        return [*self._linked(target), *self._keys.get(target, ())]

    def nearest(self, name: str, sku: str = "", limit: int = 5) -> list[Candidate]:
        """The targets that come nearest, best first, with a score from 0 to 1 and why in a few words."""
        index = self._indexed()
        same_name = places(self._names, name_key(name))[:limit]
        same_sku = places(self._skus, sku_key(sku))[:limit]
        near = index.nearest(name, sku, limit, also={*same_name, *same_sku})
        found = [self._candidate(one, sku, one.position in same_name, one.position in same_sku) for one in near]
        return sorted(found, key=lambda candidate: -candidate.score)[:limit]

    def _indexed(self) -> NameIndex:
        from wherry.matching.nearest import NameIndex  # what it needs takes longer to import than all of matching

        self._index = self._index or NameIndex()
        for listed in self._listed[len(self._index) :]:
            self._index.add(listed.name, listed.sku)
        return self._index

    def _candidate(self, near: Near, sku: str, same_name: bool, same_sku: bool) -> Candidate:
        listed = self._listed[near.position]
        score = 1.0 if same_name else max(min(near.score, _NOT_EQUAL), _SAME_SKU if same_sku else 0.0)
        why = "same name" if same_name else f"name {near.names:.2f}"
        if same_sku:
            why = f"same SKU {listed.sku}; {why}"
        elif near.code and not same_name:
            shared = "same model number" if near.whole else "model number begins alike:"
            why = f"{why}; {shared} {near.code.upper()}"
        if sku and listed.sku and not same_sku:
            why = f"{why}; other SKU {listed.sku}"
        return Candidate(listed.id, listed.name, round(score, 4), why, listed.sku)

    def _at(self, index: Index, key: str) -> list[Listed]:
        return [self._listed[place] for place in places(index, key)] if key in index else []
