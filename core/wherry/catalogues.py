"""The sink's listings, each read when a matcher first looks into it and kept up to date through the run.

Without the creates decided earlier in a run, every line item of a new product would make another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.matching.catalogue import ListingCatalogue
from wherry.matching.namesakes import Namesakes
from wherry.records import Candidate, Draft, Listed

Load = Callable[[str], tuple[ListingCatalogue, int]]
"""Entity → its listing, and the number of the sink's last change when it was read."""


def listed_as(draft: Draft, target: str) -> Listed:
    """A draft as it will stand in its target's listing."""
    said = draft.body.get
    return Listed(target, str(said("name", "")), str(said("sku", "")), str(said("type", "")), str(said("number", "")))


class LazyCatalogue:
    """A catalogue that is not read before somebody asks. Implements ``wherry.roles.Catalogue``."""

    def __init__(self, load: Callable[[], ListingCatalogue]) -> None:
        self._load = load
        self._catalogue: ListingCatalogue | None = None

    @property
    def is_read(self) -> bool:
        """Whether it has to be told of what changes. What was never read will be read with it."""
        return self._catalogue is not None

    @property
    def catalogue(self) -> ListingCatalogue:
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    def by_sku(self, sku: str) -> Sequence[Listed]:
        return self.catalogue.by_sku(sku)

    def by_name(self, name: str) -> Sequence[Listed]:
        return self.catalogue.by_name(name)

    def namesakes(self, name: str) -> Namesakes:
        return self.catalogue.namesakes(name)

    def nearest(self, name: str, sku: str = "", limit: int = 5) -> Sequence[Candidate]:
        return self.catalogue.nearest(name, sku, limit)

    def keys_of(self, target: str) -> Sequence[str]:
        return self.catalogue.keys_of(target)

    def learn(self, listed: Listed, keys: Sequence[str]) -> None:
        """Something was created or linked."""
        if self._catalogue is not None:
            self._catalogue.add(listed, keys)


class Catalogues:
    """One lazy catalogue an entity, and how far the sink had come when they were read."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._of: dict[str, LazyCatalogue] = {}
        self._sequence: int | None = None

    def of(self, entity: str) -> LazyCatalogue:
        if entity not in self._of:
            self._of[entity] = LazyCatalogue(lambda: self._loaded(entity))
        return self._of[entity]

    def _loaded(self, entity: str) -> ListingCatalogue:
        """A listing read later tells of what came meanwhile, but what was decided by an earlier one does not know it:
        the first reading is the one that counts."""
        catalogue, sequence = self._load(entity)
        if self._sequence is None:
            self._sequence = sequence
        return catalogue

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
