"""The sink's listings, each read when a matcher first looks into it and kept up to date through the run.

Without the creates decided earlier in a run, every line item of a new product would make another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from msgspec import Struct

from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.known import is_id, said
from wherry.matching.listing import Asked, Listing
from wherry.matching.namesakes import NOBODY, Named
from wherry.matching.text import code_of, name_key, sku_key
from wherry.records import Candidate, Draft, Listed

T = TypeVar("T")
Load = Callable[[str], tuple[Listing, int]]
"""Entity → its listing, and the number of the sink's last change when it was read."""


def listed_as(draft: Draft, target: str) -> Listed:
    """A draft as it will stand in its target's listing."""
    held = draft.body.get
    return Listed(target, str(held("name", "")), str(held("sku", "")), str(held("type", "")), str(held("number", "")))


class LazyCatalogue:
    """The catalogue of a listing that is read when somebody first asks, and stays on disk until somebody asks for what
    comes nearest: that is looked for among all in memory. Implements ``wherry.roles.Catalogue``.
    """

    def __init__(self, load: Callable[[], Listing]) -> None:
        self._load = load
        self._listing: Listing | None = None
        self._whole: ListingCatalogue | None = None
        self._about: Sequence[Draft] = ()
        self._looked: _Looked | None = None
        """What was asked since something was learned last."""

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
        self._about, self._looked = drafts, None

    def strangers(self, drafts: Sequence[Draft]) -> list[bool]:
        """Of each draft whether nothing here, and none of the others, can be the same: it shares neither key nor SKU,
        and a name only with what is known by other ids. The rest will be asked for next."""
        if self._whole is not None:
            return [False] * len(drafts)
        self._about, sought = (), [_sought(draft) for draft in drafts]
        looked = self._look()
        looked.skus.ask({one.sku for one in sought})
        looked.rivals.ask({one.rival for one in sought})
        keys, names = _several(one.key for one in sought), _several(one.name for one in sought)
        skus, rivals = looked.skus.there | _several(one.sku for one in sought), looked.rivals.there
        met = [
            one.key in keys or one.sku in skus or one.rival in rivals or (one.name in names and not is_id(one.key))
            for one in sought
        ]
        shared = {one.name for one, is_met in zip(sought, met, strict=True) if is_met and one.name}
        found = [not is_met and one.name not in shared for one, is_met in zip(sought, met, strict=True)]
        self._about = [draft for draft, stranger in zip(drafts, found, strict=True) if not stranger]
        return found

    def by_sku(self, sku: str) -> Sequence[Listed]:
        if self._whole is not None:
            return self._whole.by_sku(sku)
        return self.listing.by_sku(key) if self._look().skus.has(key := sku_key(sku)) else ()

    def by_number(self, number: str) -> Sequence[Listed]:
        if self._whole is not None:
            return self._whole.by_number(number)
        return self.listing.by_number(key) if self._look().numbers.has(key := sku_key(number)) else ()

    def by_name(self, name: str) -> Sequence[Listed]:
        return self.namesakes(name).all

    def namesakes(self, name: str) -> Named:
        if self._whole is not None:
            return self._whole.namesakes(name)
        looked, key = self._look(), name_key(name)
        return _Named(self.listing, key, looked.rivals) if looked.names.has(key) else NOBODY

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
            self._looked = None

    def _look(self) -> _Looked:
        looked = self._looked
        if looked is None:
            looked = self._looked = _Looked(self.listing)
        if self._about:
            looked.ask([_sought(draft) for draft in self._about])
            self._about = ()
        return looked


class _Known(Generic[T]):
    """What was asked for, and what of it there is a line for: for most of what is new there is none."""

    __slots__ = ("_ask", "_asked", "there")

    def __init__(self, ask: Callable[[AbstractSet[T]], set[T]]) -> None:
        self._ask = ask
        self._asked, self.there = set[T](), set[T]()

    def ask(self, keys: AbstractSet[T]) -> None:
        new = keys - self._asked
        self._asked |= new
        self.there |= self._ask(new)

    def has(self, key: T) -> bool:
        if key not in self._asked:
            self.ask({key})
        return key in self.there


class _Looked:
    """What a listing was asked for, by name, SKU, number and rivals."""

    __slots__ = ("names", "numbers", "rivals", "skus")

    def __init__(self, listing: Listing) -> None:
        self.names = _Known[str](partial(listing.there, "name_key"))
        self.skus = _Known[str](partial(listing.there, "sku_key"))
        self.numbers = _Known[str](partial(listing.there, "number_key"))
        self.rivals = _Known[Asked](listing.contested)

    def ask(self, sought: Sequence[_Sought]) -> None:
        self.names.ask({one.name for one in sought})
        self.skus.ask({one.sku for one in sought})
        self.numbers.ask({one.number for one in sought})
        self.rivals.ask({one.rival for one in sought})


class _Named(Struct, frozen=True):
    """The lines that have a name, on disk. Implements ``Named``."""

    listing: Listing
    name: str
    contested: _Known[Asked]

    @property
    def all(self) -> Sequence[Listed]:
        return self.listing.by_name(self.name)

    def __bool__(self) -> bool:
        return True

    def first(self, most: int) -> Sequence[Listed]:
        return self.listing.by_name(self.name, most)

    def rivals(self, key: str, sku: str) -> Sequence[Listed]:
        asked = (self.name, code_of(sku), key if is_id(key) else "")
        return self.listing.rivals(asked) if self.contested.has(asked) else ()


class _Sought(NamedTuple):
    """What a draft is looked for by."""

    key: str
    name: str
    sku: str
    number: str
    rival: Asked


def _sought(draft: Draft) -> _Sought:
    key, sku, number = draft.key, said(draft, "sku"), said(draft, "number")
    name = name_key(said(draft, "name") or draft.label)
    rival = name, sku and code_of(sku), key if is_id(key) else ""
    return _Sought(key, name, sku and sku_key(sku), number and sku_key(number), rival)


def _several(values: Iterable[str]) -> set[str]:
    """What several have; nothing is not shared."""
    return {value for value, count in Counter(values).items() if count > 1 and value}


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
