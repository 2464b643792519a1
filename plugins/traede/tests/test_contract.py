"""The kit's suite for sources: on a Traede that sorts as it is asked to, and on one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from wherry.testing.services import SECRET, SharedClock
from wherry.testing.sources import SourceSuite, Trial
from wherry_traede.mapping import ENTRY, LINE
from wherry_traede.settings import MOST
from wherry_traede.walk import LAG


class TestEntries(SourceSuite):
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def trial(self, standing: Any, sources: Any) -> Trial:
        api = standing(**self.options)
        clock = api.sim.clock

        def create(count: int) -> Sequence[str]:
            return [str(api.sim.add(text=f"entry {n}", amount=("12.50", "-3.20", "0.00")[n % 3])) for n in range(count)]

        def write(name: str, text: str) -> str:
            api.sim.change(int(name), text=text)
            return str(holds(name)["text"])

        def holds(name: str) -> dict[str, Any]:
            with api.sim.stage.lock:
                entry = api.sim.entries.find(int(name))
            return {"text": entry.text, "amount": entry.amount, "currency": entry.currency}

        return Trial(
            make=lambda: sources(api), kind=ENTRY, fields=("text", "amount", "date", "currency"), create=create,
            change=lambda name: api.sim.change(int(name), text=f"at {clock.now()}"),
            wait=clock.advance, clock=SharedClock(clock), page=MOST, relatives={LINE: ("side", "account", "amount")},
            overlap=LAG, faults=api.sim.faults, secret=SECRET,
            stage=api.sim.stage, write=write, holds=holds,
            exact=("amount", lambda name, text: api.sim.change(int(name), amount=text)),
        )  # fmt: skip


class TestEntriesOfATraedeThatDoesNotSort(TestEntries):
    options: ClassVar[dict[str, Any]] = {"sorts": False}

    def test_a_read_that_breaks_off_keeps_what_it_had_and_goes_on_from_there(self) -> None:
        pytest.skip("a list that is not sorted has to be read whole before any of it is handed over")


class TestEntriesWithMomentsOfNewerVersions(TestEntries):
    options: ClassVar[dict[str, Any]] = {"iso": True}
