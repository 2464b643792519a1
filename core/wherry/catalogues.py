"""The sink's listings, each read when a matcher first looks into it and kept up to date through the run.

Without the creates decided earlier in a run, every line item of a new product would make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.known import is_id
from wherry.matching.listing import Asked, Listing
from wherry.matching.namesakes import NOBODY, Named
from wherry.matching.text import code_of, name_key, sku_key
from wherry.records import Candidate, Draft, Listed

Load = Callable[[str], tuple[Listing, int]]
"""Entity → its listing, and the number of the sink's last change when it was read."""


def listed_as(draft: Draft, target: str) -> Listed:
    """A draft as it will stand in its target's listing."""
    said = draft.body.get
    return Listed(target, str(said("name", "")), str(said("sku", "")), str(said("type", "")), str(said("number", "")))


class LazyCatalogue:
    """The catalogue of a listing that is read when somebody first asks, and stays on disk until somebody asks for what
    comes nearest: that is looked for among all in memory. Implements ``wherry.roles.Catalogue``.
    """

    def __init__(self, load: Callable[[], Listing]) -> None:
        self._load = load
        self._listing: Listing | None = None
        self._whole: ListingCatalogue | None = None
        self._about: Sequence[Draft] = ()
        self._found: dict[tuple[str, ...], bool] = {}
        """Column and key, and what has rivals → whether there is a line: for most of what is new there is none."""

    @property
    def is_read(self) -> bool:
        """Whether it has to be told of what changes. What was never read will be read with it."""
        return self._listing is not None

    @property
    def listing(self) -> Listing:
        if self._listing is None:
            self._listing = self._load()
        return self._listing

    def about(self, drafts: Sequence[Draft]) -> None:
        """What will be asked for next: what nothing has is told from the rest at once."""
        self._about, self._found = drafts, {}

    def by_sku(self, sku: str) -> Sequence[Listed]:
        if self._whole is not None:
            return self._whole.by_sku(sku)
        return self.listing.by_sku(key) if self._has("sku_key", key := sku_key(sku)) else ()

    def by_number(self, number: str) -> Sequence[Listed]:
        if self._whole is not None:
            return self._whole.by_number(number)
        return self.listing.by_number(key) if self._has("number_key", key := sku_key(number)) else ()

    def by_name(self, name: str) -> Sequence[Listed]:
        return self.namesakes(name).all

    def namesakes(self, name: str) -> Named:
        if self._whole is not None:
            return self._whole.namesakes(name)
        return _Named(self.listing, key, self._found) if self._has("name_key", key := name_key(name)) else NOBODY

    def nearest(self, name: str, sku: str = "", limit: int = 5) -> Sequence[Candidate]:
        if self._whole is None:
            self._whole = ListingCatalogue(self.listing.each(), self.listing.keys_of)
        return self._whole.nearest(name, sku, limit)

    def keys_of(self, target: str) -> Sequence[str]:
        return self.listing.keys_of(target) if self._whole is None else self._whole.keys_of(target)

    def learn(self, listed: Listed, keys: Sequence[str]) -> None:
        """Something was created or linked."""
        if self._whole is not None:
            self._whole.add(listed, keys)
        elif self._listing is not None:
            self._listing.learn(listed, keys)
            self._found = {}

    def _has(self, column: str, key: str) -> bool:
        if self._about:
            self._look_up(self._about)
        if key and (column, key) not in self._found:
            self._found[column, key] = bool(self.listing.there(column, [key]))
        return bool(key) and self._found[column, key]

    def _look_up(self, drafts: Sequence[Draft]) -> None:
        self._about = ()
        names, skus, numbers, rivals = map(set, zip(*map(_sought, drafts), strict=True))
        for column, keys in (("name_key", names), ("sku_key", skus), ("number_key", numbers)):
            there = self.listing.there(column, list(keys))
            self._found.update(((column, key), key in there) for key in keys)
        contested = self.listing.contested(rivals)
        self._found.update((asked, asked in contested) for asked in rivals)


class _Named(Struct, frozen=True):
    """The lines that have a name, on disk. Implements ``Named``."""

    listing: Listing
    name: str
    found: dict[tuple[str, ...], bool]

    @property
    def all(self) -> Sequence[Listed]:
        return self.listing.by_name(self.name)

    def __bool__(self) -> bool:
        return True

    def first(self, most: int) -> Sequence[Listed]:
        return self.listing.by_name(self.name, most)

    def rivals(self, key: str, sku: str) -> Sequence[Listed]:
        asked = (self.name, code_of(sku), key if is_id(key) else "")
        return self.listing.rivals(asked) if self.found.get(asked, True) else ()


def _sought(draft: Draft) -> tuple[str, str, str, Asked]:
    """Name, SKU and number that a draft is looked for by, and what its rivals are asked for by."""
    said, key = draft.body.get, draft.key
    name, sku, number = str(said("name") or draft.label), str(said("sku") or ""), str(said("number") or "")
    name = name_key(name)
    return name, sku_key(sku), sku_key(number), (name, sku and code_of(sku), key if is_id(key) else "")


class Catalogues:
    """One lazy catalogue an entity, and how far the sink had come when they were read."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._of: dict[str, LazyCatalogue] = {}
        self._sequence: int | None = None

    def of(self, entity: str, about: Sequence[Draft] = ()) -> LazyCatalogue:
        """``about``: what it is going to be asked about."""
        if entity not in self._of:
            self._of[entity] = LazyCatalogue(lambda: self._loaded(entity))
        if about:
            self._of[entity].about(about)
        return self._of[entity]

    def _loaded(self, entity: str) -> Listing:
        """A listing read later tells of what came meanwhile, but what was decided by an earlier one does not know it:
        the first reading is the one that counts."""
        listing, sequence = self._load(entity)
        if self._sequence is None:
            self._sequence = sequence
        return listing

    def holds_for(self, sequence: int) -> bool:
        """Whether nobody else has written into the sink since the first listing was read."""
        return self._sequence in (None, sequence)

    def moved(self, sequence: int) -> None:
        """The sink's last change is our own, and the listings know of it."""
        if self._sequence is not None:
            self._sequence = sequence

    def forget(self) -> None:
        """Read everything anew when it is asked for again."""
        self._of, self._sequence = {}, None
