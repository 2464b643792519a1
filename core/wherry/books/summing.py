"""What movements add up to, line by line: one group of them becomes one entry, or several where it has too many lines.

Sums are integers of minor units; what is out of balance, or says no account, is refused by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from wherry import money
from wherry.accounting import Dimensions, Movement
from wherry.errors import Rejected

Key = tuple[bool, str, str, Dimensions]
"""Whether it is a credit, its account, party and dimensions: what lines are summed by."""


class Sum:
    """What was added up under one key: the amount, credits below zero, how many lines, and the first and last text."""

    __slots__ = ("count", "first", "last", "minor")

    def __init__(self, text: str) -> None:
        self.minor, self.count, self.first, self.last = 0, 0, text, text


Sums = dict[Key, Sum]


class Group:
    """What becomes one entry: its ids and sums, and the first of its members; all of them only where there is a limit
    to the lines of an entry, since a group above it is shared out."""

    __slots__ = ("first", "ids", "members", "sums")

    def __init__(self, first: Movement) -> None:
        self.first, self.ids, self.members, self.sums = first, list[int](), list[Movement](), Sums()


class Summing:
    """Adds up the lines of movements, shared out where there would be too many."""

    def __init__(self, moved: AbstractSet[str], clearing: str, max_lines: int) -> None:
        self._moved, self._clearing, self._max = moved, clearing, max_lines

    def parts(self, group: Group) -> Iterator[Group]:
        """The group, or what it is shared out among, in the order of days and keys."""
        if not group.sums:
            raise Rejected(
                f"{group.first.key} has no amount: there is nothing to book", code="WHERRY-4622",
                fix="leave out movements under one cent", key=group.first.key,
            )  # fmt: skip
        if not self._max or len(group.sums) <= self._max:
            yield group
        else:
            yield from self._shared(sorted(group.members, key=lambda one: (one.date, one.key, one.id)))

    def _shared(self, members: Sequence[Movement]) -> Iterator[Group]:
        part = Group(members[0])
        for movement in members:
            own = Group(movement)
            self.add(own, movement)
            if len(own.sums) > self._max:
                raise Rejected(
                    f"{movement.key} has {len(own.sums)} lines, and the target takes {self._max} in an entry",
                    fix="split it at the source", code="WHERRY-4623", key=movement.key,
                )  # fmt: skip
            if len(part.sums.keys() | own.sums.keys()) > self._max:
                yield part
                part = Group(movement)
            self.add(part, movement)
        yield part

    def add(self, group: Group, movement: Movement) -> None:
        """The innermost loop of the books: a million lines go through it."""
        moved, sums, difference = self._moved, group.sums, 0
        group.ids.append(movement.id)
        if self._max:
            group.members.append(movement)
        for line in movement.lines:
            minor, account, party = line.minor, line.account, line.party
            if not minor:
                continue
            if line.side == "credit":
                minor = -minor
            difference += minor
            if account in moved:
                account, party = self._clearing, ""
            text = line.description or movement.description
            key = (minor < 0, account, party, line.dimensions)
            held = sums.get(key)
            if held is None:
                if not account:
                    raise _no_account(movement)
                held = sums[key] = Sum(text)
            held.minor += minor
            held.count += 1
            if text < held.first:
                held.first = text
            elif text > held.last:
                held.last = text
        if difference:
            raise _unbalanced(movement, difference)


def _no_account(movement: Movement) -> Rejected:
    return Rejected(
        f"{movement.key} has a line without account", fix="map its category to an account", code="WHERRY-4624",
        key=movement.key,
    )  # fmt: skip


def _unbalanced(movement: Movement, difference: int) -> Rejected:
    amount, side = worded(abs(difference), movement.currency), "debits" if difference > 0 else "credits"
    return Rejected(
        f"{movement.key} is out of balance: its {side} are {amount} {movement.currency} too much", code="WHERRY-4620",
        fix="correct the amounts at the source", key=movement.key, difference=difference,
    )  # fmt: skip


def worded(minor: int, currency: str) -> str:
    try:
        return money.text(minor, currency)
    except ValueError:
        return f"{minor} minor units of"
