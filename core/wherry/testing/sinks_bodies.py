"""Checks of a sink with bodies that its author may not have thought of: with less in them, with the same line twice,
below zero; and of documents that differ in their lines alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec
import pytest

from wherry.errors import Rejected
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.altering import below_zero, doubled, half_a_penny, lacking, moved, rich, unsaid
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import JOURNAL, Holding, Line, differs, expected
from wherry.testing.sink_trial import AskingSink, SinkTrial, created, needed, steps_of, write


class Bodies:
    """What a flow may bring, beside what the trial's own things say."""

    @guarantee(promise.EACH_ITS_OWN)
    def test_what_a_body_need_not_say_may_be_missing(self, trial: SinkTrial) -> None:
        """What the target cannot do without is rejected by its name. Anything else that is raised would hold up all
        that waits behind it."""
        sink, item, stumbles = trial.make(), rich(trial.items(1)[0]), {}
        for name, body in lacking(item):
            tried("fields left out")
            if why := _stumbles(sink, msgspec.structs.replace(item, body=body)):
                stumbles[name] = why
        assert stumbles == {}

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_change_can_be_said_whatever_is_known_of_what_stands_there(self, trial: SinkTrial) -> None:
        """What was linked by hand has no former body, and perhaps no version that is known."""
        sink, items = trial.make(), list(trial.items(1))
        steps, stumbles = steps_of(trial, items, created(sink, items)), {}
        for step in steps:
            for less in ({"before": None}, {"token": ""}, {"before": None, "token": ""}):
                if why := _stumbles(sink, msgspec.structs.replace(step, **less)):
                    stumbles[f"{step.action} without {' and '.join(less)}"] = why
        assert stumbles == {}

    @guarantee(promise.EXACT)
    def test_two_equal_lines_stay_two(self, trial: SinkTrial) -> None:
        """The same thing sold twice is no mistake, and so it is taken."""
        self._arrives(trial, doubled, refused=False)

    @guarantee(promise.EXACT)
    def test_an_amount_below_zero_keeps_its_meaning(self, trial: SinkTrial) -> None:
        """A rebate is no charge, and a debit below zero is a credit. What the target does not take is rejected."""
        self._arrives(trial, below_zero)

    @guarantee(promise.EXACT)
    def test_half_a_penny_is_rounded_as_the_source_did(self, trial: SinkTrial) -> None:
        """A target that multiplies by itself may round the other way: 17 at 12.345 is 209.87, or 209.86 to the even
        penny. Where the two differ it is told the amount, or the document is rejected."""
        if trial.items(1)[0].entity == JOURNAL:
            pytest.skip("the lines of journal entries have no rate")
        self._arrives(trial, half_a_penny)

    @guarantee(promise.EXACT)
    def test_facts_tell_two_documents_apart_by_their_lines(self, trial: SinkTrial) -> None:
        """What a person moved from one line to another leaves the total as it was."""
        sink, item = trial.make(), trial.items(1)[0]
        if "lines" in trial.ignored or len(item.body.get("lines") or ()) < 2:
            pytest.skip("the things of the trial have no two lines that the system tells")
        for what, *bodies in moved(item.body):
            before, after = (sink.facts(msgspec.structs.replace(item, body=body)) for body in bodies)
            assert before != after, f"{what}: nobody would notice"

    @guarantee(promise.EXACT)
    def test_what_a_line_comes_to_is_worked_out_where_it_is_not_said(self, trial: SinkTrial) -> None:
        """Quantity times rate, rounded once, as the kit does it. Who cannot tell rejects it."""
        if trial.items(1)[0].entity == JOURNAL:
            pytest.skip("the lines of journal entries have no rate")
        self._arrives(trial, unsaid, refused=False)

    def _arrives(self, trial: SinkTrial, turned: Callable[[Item], Item], *, refused: bool = True) -> None:
        """Written as it was said, or rejected or refused, and then not there."""
        holds = needed(trial.holds, "does not tell what the system holds of a thing")
        item = trial.items(1)[0]
        if not item.body.get("lines"):
            pytest.skip("the things of the trial have no lines")
        other = turned(item)
        try:
            answer = write(trial.make(), [other]).get(other.stamp)
        except Rejected:
            return
        if answer is not None and answer.fate == "created":
            wanted = summed(expected(other))
            assert wanted is not None
            assert differs(summed(holds(other)), wanted) == ""
        else:
            assert refused, f"it is not taken: {answer}"
            assert holds(other) is None, f"the system holds it, and the sink says {answer}"


def _stumbles(sink: CallSinkWriter, item: Item) -> str:
    """Why the sink cannot cope with an item; empty where it takes or rejects it."""
    acts: list[Callable[[], object]] = [lambda: sink.encode([item]), lambda: sink.facts(item)]
    if isinstance(sink, AskingSink):
        acts.append(partial(sink.ask, [item]))
    for act in acts:
        try:
            act()
        except Rejected as error:
            if error.where.get("item") != item.stamp:
                return f"rejected, and not said which of them: {error.message}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return ""


def summed(held: Holding | None) -> Holding | None:
    """The same with one line for all that stand at one place: two lines may be booked as one."""
    if held is None or held.lines is None:
        return held
    sums: Counter[tuple[str, Literal["", "debit", "credit"]]] = Counter()
    for line in held.lines:
        sums[line.what, line.side] += line.minor
    return msgspec.structs.replace(held, lines=tuple(Line(what, side, n) for (what, side), n in sums.items()))
