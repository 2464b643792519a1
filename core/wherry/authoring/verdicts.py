"""What was found of one rule, with its evidence."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Outcome = Literal["met", "missed", "not measured", "not asked"]
MARKS: dict[Outcome, str] = {"met": "✓", "missed": "✗", "not measured": "?", "not asked": "–"}


class Verdict(Struct, frozen=True):
    """``evidence`` is a sentence; ``at`` is ``file:line``, several with commas, or empty."""

    outcome: Outcome
    evidence: str
    at: str = ""

    @property
    def holds(self) -> bool:
        """Whether the rule keeps nobody from its tier."""
        return self.outcome in ("met", "not asked")


def met(evidence: str, at: str = "") -> Verdict:
    return Verdict("met", evidence, at)


def missed(evidence: str, at: str = "") -> Verdict:
    return Verdict("missed", evidence, at)


def unmeasured(evidence: str) -> Verdict:
    return Verdict("not measured", evidence)
