"""The sink's listings, each read when a matcher first looks into it and kept up to date through the run.

Without the creates decided earlier in a run, every line item of a new product would make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wherry.matching.catalogue import ListingCatalogue
from wherry.records import Candidate, Listed


class LazyCatalogue:
    """A catalogue that is not read before somebody asks. Implements ``wherry.roles.Catalogue``."""

    def __init__(self, load: Callable[[], ListingCatalogue]) -> None:
        self._load, self._loaded = load, False
        self._catalogue: ListingCatalogue | None = None

    @property
    def catalogue(self) -> ListingCatalogue:
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    def by_sku(self, sku: str) -> Sequence[Listed]:
        return self.catalogue.by_sku(sku)

    def by_name(self, name: str) -> Sequence[Listed]:
        return self.catalogue.by_name(name)

    def nearest(self, name: str, sku: str = "", limit: int = 5) -> Sequence[Candidate]:
        return self.catalogue.nearest(name, sku, limit)

    def keys_of(self, target: str) -> Sequence[str]:
        return self.catalogue.keys_of(target)

    def learn(self, listed: Listed, keys: Iterable[str]) -> None:
        """Something was created or linked. What was never read needs no telling: it will be read with it."""
        if self._catalogue is not None:
            self._catalogue.add(listed)
            for key in keys:
                self._catalogue.link(listed.id, key)


class Catalogues:
    """One lazy catalogue an entity."""

    def __init__(self, load: Callable[[str], ListingCatalogue]) -> None:
        self._load = load
        self._of: dict[str, LazyCatalogue] = {}

    def of(self, entity: str) -> LazyCatalogue:
        if entity not in self._of:
            self._of[entity] = LazyCatalogue(lambda: self._load(entity))
        return self._of[entity]
