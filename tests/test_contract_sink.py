"""The kit's suite for sinks, on the kit's own target: every way in which a system can recognise a repeated call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.http import Http
from wherry.simulator import Clock, serve
from wherry.testing.sinks import BriefSinkSuite, SinkSuite, SinkTrial
from wherry.testing.target import Ability, Target
from wherry.testing.target_sink import TargetSink, make
from wherry.testing.target_trial import START, effects_of, target_trial

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


class TestSteps(BriefSinkSuite):
    """Invoices that take two calls, and such as are never changed."""

    @pytest.fixture(params=["drafts", "posted"])
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkTrial]:
        told: dict[str, Any] = {"drafts": {"drafts": True}, "posted": {"updates": "anew"}}[request.param]
        target = Target("query", clock=Clock(START), **{request.param: True})

        def made(http: Http, ability: Ability, batch: int) -> TargetSink:
            return make(http, ability, batch=batch, **told)

        with serve(target.app()) as url, target_trial(target, url, tmp_path, made=made) as trial:
            trial.updates = not target.posted
            trial.effects = lambda item: effects_of(target, item)[-1:] if target.drafts else effects_of(target, item)
            yield trial


class TestFurther(BriefSinkSuite):
    @pytest.fixture(params=BRIEF, ids=lambda told: "-".join(map(str, told)))
    def trial(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SinkTrial]:
        ability, entity, batch = request.param
        target = Target(ability, clock=Clock(START))
        with serve(target.app()) as url, target_trial(target, url, tmp_path, entity, batch) as trial:
            yield trial
