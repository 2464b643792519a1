"""The sink's listings, each read when a matcher first looks into it and kept up to date through the run.

Without the creates decided earlier in a run, every line item of a new product would make another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

from msgspec import Struct

from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.known import is_id, said
from wherry.matching.listing import Asked, Listing
from wherry.matching.namesakes import Named
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
        self._about, looked = (), self._look()
        names, skus = [_name_of(draft) for draft in drafts], [_sku_of(draft) for draft in drafts]
        rivals = [_rival(draft, name) for draft, name in zip(drafts, names, strict=True)]
        known_skus, contested = looked.skus.ask(skus) | _several(skus), looked.rivals.ask(rivals)
        keys, several = _several([draft.key for draft in drafts]), _several(names)
        met = [
            draft.key in keys or sku in known_skus or rival in contested or (name in several and not is_id(draft.key))
            for draft, name, sku, rival in zip(drafts, names, skus, rivals, strict=True)
        ]
        shared = {name for name, is_met in zip(names, met, strict=True) if is_met and name}
        found = [not is_met and name not in shared for name, is_met in zip(names, met, strict=True)]
        looked.about([draft for draft, stranger in zip(drafts, found, strict=True) if not stranger])
        return found

    def by_sku(self, sku: str) -> Sequence[Listed]:
        return self._look().skus.lines(sku_key(sku)) if self._whole is None else self._whole.by_sku(sku)

    def by_number(self, number: str) -> Sequence[Listed]:
        return self._look().numbers.lines(sku_key(number)) if self._whole is None else self._whole.by_number(number)

    def by_name(self, name: str) -> Sequence[Listed]:
        return self.namesakes(name).all

    def namesakes(self, name: str) -> Named:
        if self._whole is not None:
            return self._whole.namesakes(name)
        return _Named(self.listing, name_key(name), self._look())

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
            looked.about(self._about)
            self._about = ()
        return looked


class _Known(Generic[T]):
    """What was asked for, and what of it there is a line for: for most of what is new there is none."""

    def __init__(self, ask: Callable[[AbstractSet[T]], Iterable[T]], of: Callable[[Draft], T]) -> None:
        self._ask, self._of = ask, of
        self._asked, self._there = set[T](), set[T]()
        self.about: Sequence[Draft] = ()
        """What will be asked for next: it is, with the first of it."""

    def ask(self, keys: Iterable[T]) -> set[T]:
        """What there is a line for, of these and what was asked before."""
        new = set(keys) - self._asked
        self._there.update(self._ask(new))
        self._asked |= new  # not before: what could not be looked up is not known to be missing
        return self._there

    def has(self, key: T) -> bool:
        if key not in self._asked:
            self.ask([key, *map(self._of, self.about)])
            self.about = ()
        return key in self._there


class _Lines(_Known[str]):
    """The same, and the lines themselves: few have one SKU, or one number."""

    def __init__(self, listing: Listing, column: str, of: Callable[[Draft], str]) -> None:
        lines: dict[str, list[Listed]] = {}

        def keep(keys: AbstractSet[str]) -> Iterable[str]:
            found = listing.having(column, keys)
            lines.update(found)
            return found

        super().__init__(keep, of)
        self._lines = lines

    def lines(self, key: str) -> Sequence[Listed]:
        return self._lines[key] if self.has(key) else ()


class _Looked:
    """What a listing was asked for, by name, SKU, number and rivals."""

    def __init__(self, listing: Listing) -> None:
        self.names = _Known[str](listing.named, _name_of)
        self.skus = _Lines(listing, "sku_key", _sku_of)
        self.numbers = _Lines(listing, "number_key", _number_of)
        self.rivals = _Known[Asked](listing.contested, _rival_of)

    def about(self, drafts: Sequence[Draft]) -> None:
        """Most are decided by the first thing that they are asked for by."""
        self.names.about = self.skus.about = self.numbers.about = self.rivals.about = drafts


class _Named(Struct, frozen=True):
    """The lines that have a name, on disk. Implements ``Named``."""

    listing: Listing
    name: str
    looked: _Looked

    @property
    def all(self) -> Sequence[Listed]:
        return self.first(-1)

    def first(self, most: int) -> list[Listed]:
        return self.listing.by_name(self.name, most) if self.looked.names.has(self.name) else []

    def rivals(self, key: str, sku: str) -> Sequence[Listed]:
        asked = (self.name, code_of(sku), key if is_id(key) else "")
        return self.listing.rivals(asked) if self.looked.rivals.has(asked) else ()


def _name_of(draft: Draft) -> str:
    return name_key(said(draft, "name") or draft.label)


def _sku_of(draft: Draft) -> str:
    return sku_key(said(draft, "sku"))


def _number_of(draft: Draft) -> str:
    return sku_key(said(draft, "number"))


def _rival_of(draft: Draft) -> Asked:
    return _rival(draft, _name_of(draft))


def _rival(draft: Draft, name: str) -> Asked:
    return name, code_of(said(draft, "sku")), draft.key if is_id(draft.key) else ""


def _several(values: list[str]) -> set[str]:
    """What several have; nothing is not shared."""
    if len(set(values)) == len(values):
        return set()
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
