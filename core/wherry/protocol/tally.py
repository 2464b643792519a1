"""Counting fates: what a run says at its end adds up, because it is counted where fates are stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from wherry.records import DONE
from wherry.wording import in_general

_MOST_REASONS = 1_000
MOST_KEPT = 20
"""Reasons of a kind and fate that are told, the most frequent ones."""
_MOST_NOTICES = 500


class Notice(Struct, frozen=True):
    """Something an operator should know that is no fate: a deal archived, merged, out of its stage."""

    kind: str
    record: str
    what: str
    target: str = ""


class Refusal(Struct, frozen=True):
    """A record that cannot be carried as it is: which, why, the field at fault and what to do."""

    kind: str
    record: str
    reason: str
    field: str = ""
    fix: str = ""


class Tally(Struct):
    """Record kind → fate → number, and item kind → fate → number, with what else is worth telling."""

    records: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    items: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: defaultdict[str, defaultdict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    """Kind → fate → reason in words → number."""
    amounts: defaultdict[str, defaultdict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    """Kind → reason in words → currency → minor units of what was left out for it."""
    notices: list[Notice] = field(default_factory=list)
    notices_left_out: int = 0
    refused: list[Refusal] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for mine, theirs in ((self.records, other.records), (self.items, other.items)):
            for kind, counts in theirs.items():
                mine[kind].update(counts)
        for kind, fates in other.reasons.items():
            for fate, reasons in fates.items():
                for reason, number in reasons.items():
                    self.reasons[kind][fate][_told_as(reason, self.reasons[kind][fate])] += number
        for kind, by_reason in other.amounts.items():
            for reason, sums in by_reason.items():
                self.amounts[kind][_told_as(reason, self.amounts[kind])].update(sums)
        for notice in other.notices:
            self.notice(notice)
        self.notices_left_out += other.notices_left_out
        self.refused.extend(other.refused[: max(0, _MOST_NOTICES - len(self.refused))])

    def reason(self, kind: str, fate: str, reason: str, number: int = 1) -> None:
        """Why records of a kind are not done, or with a negative number, are so no more."""
        if reason and fate not in DONE:
            self.reasons[kind][fate][reason] += number

    def notice(self, notice: Notice) -> None:
        """Tell something; what is too much to tell is counted."""
        if len(self.notices) < _MOST_NOTICES:
            self.notices.append(notice)
        else:
            self.notices_left_out += 1

    def has(self, *fates: str) -> bool:
        """Whether any record or item of the run ended in one of these fates."""
        groups = [*self.records.values(), *self.items.values()]
        return any(counts[fate] for counts in groups for fate in fates)

    def as_data(self) -> dict[str, Any]:
        return {
            "fates": plain(self.records),
            "items": plain(self.items),
            "reasons": {
                kind: {
                    fate: dict((+reasons).most_common(MOST_KEPT)) for fate, reasons in sorted(fates.items()) if +reasons
                }
                for kind, fates in sorted(self.reasons.items())
            },
            "amounts": {
                kind: {reason: dict(sums) for reason, sums in sorted(by_reason.items())}
                for kind, by_reason in sorted(self.amounts.items())
            },
            "refused": [asdict(refusal) for refusal in self.refused],
            "notices": self.notices,
            "notices_left_out": self.notices_left_out,
        }


def _told_as(reason: str, told: Collection[str]) -> str:
    """Reasons that name one record each are as many as the records: beyond some, what they quote is left out."""
    return reason if reason in told or len(told) < _MOST_REASONS else in_general(reason)


def plain(counts: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {kind: {fate: n for fate, n in sorted(fates.items()) if n > 0} for kind, fates in sorted(counts.items())}
