"""The kit's suite for matchers, on the core's own: every order and every end of its chain."""

from __future__ import annotations

import pytest
from wherry.matching import RuleMatcher
from wherry.roles import Matcher
from wherry.testing.matchers import MatcherSuite


class TestRuleMatcher(MatcherSuite):
    @pytest.fixture(params=["create", "triage", "skip"])
    def matcher(self, request: pytest.FixtureRequest) -> Matcher:
        return RuleMatcher.from_settings(("link", "sku", "name"), request.param)


class TestLikeness(MatcherSuite):
    @pytest.fixture
    def matcher(self) -> Matcher:
        return RuleMatcher.from_settings(("link", "sku", "name", "fuzzy"), "triage")


class TestLinksAlone(MatcherSuite):
    by_number = False

    @pytest.fixture
    def matcher(self) -> Matcher:
        return RuleMatcher.from_settings(("link",), "create")
