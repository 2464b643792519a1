"""Which entry in a target is which of the hub's, and what is the matter with those that are not what was written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from wherry.accounting import Entry, HeldEntry, Side
from wherry.books.held import BothSides, Cancelled, Foreign, Problem, Written
from wherry.books.rates import at_home
from wherry.money import figure

_SHOWN = 6


class Pairs:
    """Which entry in the target is which of ours."""

    def __init__(self, sides: BothSides) -> None:
        self.sides = sides
        self._held = {one.id: one for one in sides.held or ()}
        self._called = {one.number: one for one in self._held.values() if one.number and not one.stamp}
        self._found: dict[int, HeldEntry] = {}
        self._shared: set[int] = set()
        """Those whose entry in the target stands for another one of ours already."""
        self._taken: set[str] = set()
        self._by_number: dict[str, list[Written]] = defaultdict(list)
        self._by_print: dict[_Print, list[Written]] = defaultdict(list)
        for one in sides.written:
            self._by_number[one.entry.number].append(one)
            self._by_print[_print_of(one.entry)].append(one)
        self._pair()
        self._former = [(one, self._of_cancelled(one)) for one in sides.cancelled]
        self._rest = [one for one in self._held.values() if one.id not in self._taken]
        self._copied = {held.stamp: sides.written[n].entry.number for n, held in self._found.items() if held.stamp}

    def _pair(self) -> None:
        """By the target's id; what takes an entry back by a stamp that went out for it, else by what it says."""
        for number, one in enumerate(self.sides.written):
            held = self._held.get(one.id) or self._called.get(one.id)
            if held is not None and held.id in self._taken:
                self._shared.add(number)
            elif held is not None:
                self._take(number, held)
        linked = {one.id for one in self.sides.written} | {one.id for one in self.sides.cancelled}
        free = [held for held in self._held.values() if held.stamp and held.id not in linked]
        for number, one in enumerate(self.sides.written):
            if not one.id:
                mine = [held for held in free if held.id not in self._taken]
                stamped = (held for held in mine if held.stamp in one.stamps)
                day = [held for held in mine if held.date == one.entry.date]
                same = (held for held in day if _print_held(held) == _print_of(one.entry))
                if (held := next(stamped, None) or next(same, None)) is not None:
                    self._take(number, held)

    def _of_cancelled(self, one: Cancelled) -> list[HeldEntry]:
        """What stands there of an entry that was taken back: the entry, and the one that reverses it."""
        first = self._held.get(one.id)
        free = [held for held in self._held.values() if held.stamp and held.id not in self._taken and held is not first]
        stamped = (held for held in free if held.stamp in one.stamps)
        turned = (held for held in free if first is not None and not any(_left([first, held]).values()))
        found = [held for held in (first, next(stamped, None) or next(turned, None)) if held is not None]
        self._taken |= {held.id for held in found}
        return found

    def _take(self, number: int, held: HeldEntry) -> None:
        self._found[number] = held
        self._taken.add(held.id)

    @property
    def entries(self) -> set[str]:
        """The target's ids of journal entries, as far as they are known."""
        own, former = (one.id for one in self.sides.written), (one.id for one in self.sides.cancelled)
        return {*self._held, *own, *former} - {""}

    def mine(self) -> list[tuple[Written, HeldEntry | None]]:
        """Our entries of these days, with what stands for them there."""
        told = ((one, self._found.get(number)) for number, one in enumerate(self.sides.written))
        return [(one, held) for one, held in told if self.sides.spans(one.entry.date)]

    def ours(self) -> list[HeldEntry]:
        """What stands in the target on the hub's account: its entries, what doubles them, and what it lost sight of."""
        stray = (held for held in self._rest if self._sort_of(held) is not None)
        former = (held for _, some in self._former for held in some)
        return [held for held in (*self._found.values(), *former, *stray) if self.sides.spans(held.date)]

    def foreign(self) -> list[HeldEntry]:
        return [held for held in self._rest if self.sides.spans(held.date) and self._sort_of(held) is None]

    def told(self, held: HeldEntry) -> Foreign:
        """An entry of somebody else, as people are told of it."""
        return Foreign(target=held.id, number=held.number, date=held.date, currency=held.currency, minor=debits(held),
                       note=held.note, like=self._like(held))  # fmt: skip

    def _like(self, held: HeldEntry) -> str:
        """The number of an entry of ours that books the same, on the same day, else within the days that it is for."""
        same = self._by_print.get(_print_held(held), ())
        own = (one for one in same if one.entry.date == held.date)
        near = (one for one in same if one.days is not None and one.days[0] <= held.date <= one.days[1])
        found = next(own, None) or next(near, None)
        return found.entry.number if found is not None else ""

    def problems(self) -> Iterator[Problem]:
        for number, written in enumerate(self.sides.written):
            held = self._found.get(number)
            if self.sides.spans(written.entry.date) or (held is not None and self.sides.spans(held.date)):
                yield from _compared(written, held, self.sides.parties, shared=number in self._shared)
        for one, some in self._former:
            if any(_left(some).values()) and any(self.sides.spans(held.date) for held in some):
                yield Problem(what="edited", name=one.name, target=one.id, entry=one.entry,
                              says="was taken back, and what is left of it there does not come to nothing")  # fmt: skip
        for held in self._rest:
            if self.sides.spans(held.date) and (problem := self._sort_of(held)) is not None:
                yield problem

    def _sort_of(self, held: HeldEntry) -> Problem | None:
        """What is the matter with an entry that none of ours is; None where somebody else simply made it."""
        worth = f"{figure(debits(held), held.currency)} {held.currency} on {held.date}"
        name = held.number or held.id
        if held.stamp in self._copied:
            return Problem(what="doubled", name=self._copied[held.stamp], target=held.id,
                           says=f"stands there a second time as {name} ({worth})")  # fmt: skip
        like = (one.entry for one in self._by_number.get(held.number, ()) if _wanted(one.entry) == _said(held))
        if held.number and (twin := next(like, None)) is not None:
            return Problem(what="doubled", name=twin.number, target=held.id, entry=twin.key,
                           says=f"stands there a second time, entered by hand ({worth})")  # fmt: skip
        if not held.stamp:
            return None
        if held.stamp in self.sides.open:
            return Problem(what="open", name=name, target=held.id,
                           says=f"stands there ({worth}), but {self.sides.open[held.stamp]}")  # fmt: skip
        told = "was sent by this hub and is linked to nothing" if held.stamp in self.sides.sent else (
            "carries a hub's mark that this ledger does not know: it was restored from a backup, or another project "
            "posts into the same books")  # fmt: skip
        return Problem(what="stray", name=name, target=held.id, says=f"{told} ({worth})")


def _compared(
    one: Written, held: HeldEntry | None, parties: Mapping[str, str], *, shared: bool
) -> Iterator[Problem]:  # fmt: skip
    entry = one.entry
    if shared:
        yield Problem(what="doubled", name=entry.number, target=one.id, entry=entry.key,
                      says="is linked to an entry that stands for another one already")  # fmt: skip
        return
    if held is None and not any(line.minor for line in entry.lines):
        return  # what takes back an entry that somebody voided there books nothing, and is not sent
    if held is None:
        worth = figure(sum(line.minor for line in entry.lines if line.side == "debit"), entry.currency)
        yield Problem(what="missing", name=entry.number, target=one.id, entry=entry.key,
                      says=f"is not there any more: {worth} {entry.currency} of {entry.date}")  # fmt: skip
        return
    if held.date != entry.date:
        yield Problem(what="re-dated", name=entry.number, target=held.id, entry=entry.key,
                      says=f"is dated {held.date} there, {entry.date} was written")  # fmt: skip
    if says := differences(entry, held, parties):
        yield Problem(what="edited", name=entry.number, target=held.id, entry=entry.key, says=says)


def differences(entry: Entry, held: HeldEntry, parties: Mapping[str, str] | None = None) -> str:
    """What of an entry was changed there, by account and side, and by party where ours names one; empty where nothing
    was that is booked otherwise. ``parties`` are the target's id → name."""
    entry = at_home(entry) if held.at_home else entry
    currency = entry.currency
    if held.currency != currency:
        return f"is in {held.currency} there, {currency} was written"
    told = _changes(_wanted(entry), _said(held), currency) or _owed(entry, held, parties or {})
    more = [f"{len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
    return "; ".join([*told[:_SHOWN], *more]) or _revalued(entry, held)


def _changes(ours: Counter[tuple[str, Side]], theirs: Counter[tuple[str, Side]], currency: str) -> list[str]:
    return [f"{side} {account} is {figure(theirs[account, side], currency)} there, "
            f"{figure(ours[account, side], currency)} was written"
            for account, side in sorted({*ours, *theirs}) if ours[account, side] != theirs[account, side]]  # fmt: skip


def _owed(entry: Entry, held: HeldEntry, parties: Mapping[str, str]) -> list[str]:
    """Whose receivables and payables were changed: the same lines, and somebody else is named on them."""
    whose = {line.account for line in entry.lines if line.party}
    ours, theirs = Counter[tuple[str, Side, str]](), Counter[tuple[str, Side, str]]()
    for line in entry.lines if whose else ():
        ours[line.account, line.side, line.party] += line.minor if line.account in whose else 0
    for each in held.lines if whose else ():
        theirs[each.account, each.side, each.party] += each.minor if each.account in whose else 0
    return [f"{side} {account} of {parties.get(party, party) or 'nobody'} is "
            f"{figure(theirs[account, side, party], entry.currency)} there, "
            f"{figure(ours[account, side, party], entry.currency)} was written"
            for account, side, party in sorted({*ours, *theirs})
            if ours[account, side, party] != theirs[account, side, party]]  # fmt: skip


def _revalued(entry: Entry, held: HeldEntry) -> str:
    """Whether the same lines are worth something else at home: somebody changed the rate."""
    if entry.exchange_rate is None:
        return ""
    ours = sum(line.home for line in entry.lines if line.side == "debit")
    theirs = sum(line.home for line in held.lines if line.side == "debit" and line.minor)
    if ours == theirs:
        return ""
    return (f"is worth {figure(theirs, entry.home)} {entry.home} there, {figure(ours, entry.home)} {entry.home} was "
            f"written at {entry.exchange_rate:f}: its exchange rate was changed")  # fmt: skip


def _wanted(entry: Entry) -> Counter[tuple[str, Side]]:
    found: Counter[tuple[str, Side]] = Counter()
    for line in entry.lines:
        found[line.account, line.side] += line.minor
    return found


def _said(held: HeldEntry) -> Counter[tuple[str, Side]]:
    found: Counter[tuple[str, Side]] = Counter()
    for line in held.lines:
        if line.minor:
            found[line.account, line.side] += line.minor
    return found


def _by_account(sides: Mapping[tuple[str, Side], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (account, side), minor in sides.items():
        found[account] += minor if side == "debit" else -minor
    return found


def _left(some: Sequence[HeldEntry]) -> Counter[tuple[str, str]]:
    """What several entries come to together, by currency and account."""
    found: Counter[tuple[str, str]] = Counter()
    for held in some:
        for account, minor in _by_account(_said(held)).items():
            found[held.currency, account] += minor
    return found


def debits(held: HeldEntry) -> int:
    return sum(line.minor for line in held.lines if line.side == "debit")


def signed(minor: int, currency: str) -> str:
    """``12.50 debit``."""
    side = "" if not minor else " debit" if minor > 0 else " credit"
    return f"{figure(abs(minor), currency)}{side}"


_Print = tuple[str, frozenset[tuple[tuple[str, Side], int]]]
"""What an entry books, whatever it is called, and on whatever day."""


def _print_of(entry: Entry) -> _Print:
    return entry.currency, frozenset(_wanted(entry).items())


def _print_held(held: HeldEntry) -> _Print:
    return held.currency, frozenset(_said(held).items())
