"""The kit's suite for sinks, on the kit's own target: every way in which a system can recognise a repeated call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.simulator import Clock, serve
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial
from wherry.testing.target import Ability, Target
from wherry.testing.target_trial import START, target_trial

TRIALS: list[tuple[Ability, str, int]] = [
    ("key", "invoice", 4), ("upsert", "invoice", 4), ("query", "invoice", 1), ("query", "customer", 3),
    ("none", "invoice", 2),
]  # fmt: skip
BRIEF: list[tuple[Ability, str, int]] = [("key", "invoice", 1), ("upsert", "customer", 1), ("query", "invoice", 4)]
"""What the target can recognise, what is written, and how many to a call."""


class TestTarget(SinkSuite):
    @pytest.fixture(params=TRIALS, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkTrial]:
        ability, entity, batch = request.param
        target = Target(ability, clock=Clock(START))
        with serve(target.app()) as url, target_trial(target, url, tmp_path, entity, batch) as trial:
            yield trial


class TestFurther(BriefSinkSuite):
    @pytest.fixture(params=BRIEF, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkTrial]:
        ability, entity, batch = request.param
        target = Target(ability, clock=Clock(START))
        with serve(target.app()) as url, target_trial(target, url, tmp_path, entity, batch) as trial:
            yield trial
