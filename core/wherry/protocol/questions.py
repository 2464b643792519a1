"""The questions of one settlement: what is asked anew, what ever was about its things, and what is answered now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wherry.protocol.steps import Lane, Outcome, Step
from wherry.records import DONE, Ref
from wherry.store import audit, questions
from wherry.store.database import Tx
from wherry.store.questions import Question

ANSWERED = frozenset({"waiting", "queued"})
"""States of an item whose question is answered, but of which nothing is written yet."""


class Questions:
    """What is asked in one transaction, and what was asked before."""

    def __init__(self, tx: Tx, lane: Lane, now: str) -> None:
        self._tx, self._route, self._now = tx, lane.route, now
        self.new: list[Question] = []
        self._looked_up: set[Ref] = set()
        self._coming: Iterator[Question] = iter(())
        self._known: dict[Ref, Question] = {}

    def look_up(self, refs: Iterable[Ref]) -> None:
        """``ever_of`` will want to know of these: asked for at once, once for all."""
        self._looked_up = set(refs)
        self._coming = questions.questions_asked(self._tx, self._route, self._looked_up)

    def ever_of(self, refs: Iterable[Ref]) -> dict[Ref, Question]:
        """The questions that were ever asked about these things."""
        self._known.update((question.ref, question) for question in self._coming)
        wanted = set(refs)
        if unknown := wanted - self._looked_up:
            self._looked_up |= unknown
            self._known |= questions.questions_of(self._tx, self._route, unknown)
        return {ref: self._known[ref] for ref in wanted if ref in self._known}

    def store(self, steps: Mapping[Ref, Step], outcomes: Mapping[Ref, Outcome]) -> None:
        """A question asked again keeps its number; one that was answered, or whose draft found its target, closes."""
        asked = {step.ref for step in steps.values() if step.item or step.by_person}
        asked |= {question.ref for question in self.new}
        old = self.ever_of(asked)
        for question in self.new:
            if question.ref in old:
                question.id, question.asked_at = old[question.ref].id, old[question.ref].asked_at
        told = [(old[ref], steps[ref], outcomes[ref]) for ref in old if ref in outcomes]
        closed = [self._closed(*one) for one in told if _closes(*one)]
        questions.put_questions(self._tx, [*self.new, *closed])

    def _closed(self, question: Question, step: Step, outcome: Outcome) -> Question:
        person = step.by_person or question.state == "answered"
        question.state = "answered" if person else "closed"
        question.answer, question.reason = outcome.target, outcome.reason
        question.rule = outcome.fate
        question.answered_at, question.answered_by = self._now, audit.actor() if person else "wherry"
        return question


def _closes(question: Question, step: Step, outcome: Outcome) -> bool:
    """Also one that was answered while its draft had to wait for something else: that was its answer."""
    if question.state == "open" and outcome.fate in ANSWERED:
        return step.by_person
    open_or_unsettled = question.state == "open" or question.rule in ANSWERED
    return open_or_unsettled and (outcome.fate in DONE or outcome.fate == "skipped")
