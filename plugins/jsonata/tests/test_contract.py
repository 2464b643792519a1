"""The kit's suite of mappers, tried on a map in JSONata."""

from __future__ import annotations

import pytest
from wherry.testing.mappers import MapperSuite, MapperTrial

from .deals import MAP, WHEN, deal, fresh, mapper


class TestDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        shared = mapper()  # a process for each check would be slow, and is the same one in a run
        return MapperTrial(
            make=lambda: shared,
            records=lambda: [deal(), deal(id="902", relatives=False)],
            left_out=lambda: [deal(dealstage="open")],
            another=[lambda: fresh(f" {MAP}", when=WHEN), lambda: fresh(when=f" {WHEN}"), fresh],
        )
