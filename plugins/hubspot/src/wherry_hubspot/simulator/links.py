"""Associations: typed, labelled, readable from both ends."""

from .facts import ASSOCIATIONS, KINDS, PRIMARY, Kind, Tie

End = tuple[str, str]


class Ties:
    """Which association types exist between two object types; unknown pairs get numbers of their own."""

    def __init__(self) -> None:
        self._by_pair: dict[tuple[str, str], list[Tie]] = {}
        self._next = 1000
        known = {kind.name: kind.type_id for kind in KINDS}
        for one, other, forth, back, primary, primary_back in ASSOCIATIONS:
            self.define(known[one], known[other], Tie(forth, back))
            if primary:
                self.define(known[one], known[other], Tie(primary, primary_back, PRIMARY))

    def define(self, one: str, other: str, tie: Tie) -> Tie:
        """Add an association type, in both directions."""
        self._by_pair.setdefault((one, other), []).append(tie)
        if one != other:
            self._by_pair.setdefault((other, one), []).append(tie.mirrored)
        return tie

    def new_label(self, one: str, other: str, label: str) -> Tie:
        """A label of the account's own."""
        self._next += 2
        return self.define(one, other, Tie(self._next, self._next + 1, label, "USER_DEFINED"))

    def between(self, one: str, other: str) -> list[Tie]:
        """All types from `one` to `other`, the plain one first."""
        if (one, other) not in self._by_pair:
            self._next += 2
            self.define(one, other, Tie(self._next, self._next + 1))
        return self._by_pair[one, other]

    def known(self, one: str, other: str) -> list[Tie]:
        """All types from `one` to `other`, none made up."""
        return self._by_pair.get((one, other), [])

    def find(self, one: str, other: str, type_id: int) -> Tie | None:
        """The type with this number."""
        return next((tie for tie in self.between(one, other) if tie.type_id == type_id), None)


class Links:
    """Who is linked with whom, by which types."""

    def __init__(self, ties: Ties) -> None:
        self.ties = ties
        self._links: dict[End, dict[str, dict[str, set[Tie]]]] = {}

    def add(self, one: End, other: End, tie: Tie, *, replace_primary: bool = True) -> None:
        """Link two records; a primary link brings the plain one, and ends an earlier primary."""
        if tie.label == PRIMARY and replace_primary:
            for held in self._links.get(one, {}).get(other[0], {}):
                self._drop(one, (other[0], held), tie)
        for each in (tie, self.ties.between(one[0], other[0])[0]):
            self._half(one, other).add(each)
            self._half(other, one).add(each.mirrored)

    def _half(self, one: End, other: End) -> set[Tie]:
        return self._links.setdefault(one, {}).setdefault(other[0], {}).setdefault(other[1], set())

    def _drop(self, one: End, other: End, tie: Tie) -> None:
        self._half(one, other).discard(tie)
        self._half(other, one).discard(tie.mirrored)

    def remove(self, one: End, other: End) -> None:
        """Unlink two records altogether."""
        for near, far in ((one, other), (other, one)):
            self._links.get(near, {}).get(far[0], {}).pop(far[1], None)

    def of(self, one: End, other_type: str) -> list[tuple[str, list[Tie]]]:
        """Linked ids of a type with their types, in order of id."""
        held = self._links.get(one, {}).get(other_type, {})
        return [(to, sorted(held[to], key=lambda t: t.type_id)) for to in sorted(held, key=int)]

    def move(self, loser: End, survivor: End) -> None:
        """Hand every link of a merged record to its survivor, which keeps its own primary."""
        for other_type, held in self._links.pop(loser, {}).items():
            for to, ties in held.items():
                self._links.get((other_type, to), {}).get(loser[0], {}).pop(loser[1], None)
                self._adopt(survivor, (other_type, to), ties)

    def _adopt(self, survivor: End, other: End, ties: set[Tie]) -> None:
        if survivor == other:
            return
        held = {tie for _, own in self.of(survivor, other[0]) for tie in own}
        for tie in ties:
            if tie.label != PRIMARY or tie not in held:
                self.add(survivor, other, tie)


def label_of(tie: Tie, one: Kind, other: Kind) -> str:
    """How an inline association names its type: ``deal_to_company``, and ``_unlabeled`` beside a primary."""
    name = f"{one.singular}_to_{other.singular}"
    has_primary = {one.name, other.name} in (
        {"contacts", "companies"},
        {"deals", "companies"},
        {"tickets", "companies"},
    )
    return f"{name}_unlabeled" if has_primary and tie.label is None else name
