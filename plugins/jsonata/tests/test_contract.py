"""The kit's suite of mappers, tried on a map in JSONata."""

from __future__ import annotations

from pathlib import Path

import pytest
from wherry.testing.mappers import MapperSuite, MapperTrial

from .deals import MAP, deal, mapper


class TestDeals(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        shared = mapper()  # a process for each check would be slow, and is the same one in a run
        return MapperTrial(
            make=lambda: shared,
            records=lambda: [deal(), deal(id="902", relatives=False)],
            left_out=lambda: [deal(dealstage="open")],
        )


def test_the_map_of_the_guide_is_the_one_that_is_tried_here() -> None:
    guide = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "map-with-jsonata.md"
    assert MAP in guide.read_text("utf-8")
