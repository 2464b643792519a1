"""The kit is worth what it catches: a sound matcher passes it, each planted bug fails the check made for it."""

from __future__ import annotations

import inspect
import random
from collections.abc import Sequence
from typing import Any

import pytest
from wherry.matching import RuleMatcher
from wherry.records import Ask, Candidate, Create, Decision, Draft, Link, Same, Skip
from wherry.roles import Catalogue, Matcher
from wherry.testing.matchers import MatcherSuite, usual_drafts, usual_listing


class Plain:
    """Leaves the work to the core's rules; each bug spoils one thing about them."""

    def __init__(self) -> None:
        self.rules = RuleMatcher(("link", "sku", "name"), "triage")

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return self.rules.match(drafts, catalogue)


class TrimsItsDrafts(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        for draft in drafts:
            draft.body["name"] = str(draft.body.get("name", "")).upper()
        return super().match(drafts, catalogue)


class DropsRepeats(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return super().match(list({draft.key: draft for draft in drafts}.values()), catalogue)


class LosesTheOrder(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return super().match(drafts, catalogue)[::-1]


class Guesses(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Link(f"I-{random.randint(1, 10**9)}", "guess") for _ in drafts]


class DecidesByCounting(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Create() if n % 2 else Skip("every other") for n, _ in enumerate(drafts)]


class LooksAhead(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Same(drafts[-1].ref, "ahead") if n == 0 else Create() for n, _ in enumerate(drafts)]


class LinksThePending(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        hits = [catalogue.by_name(str(draft.body.get("name", ""))) for draft in drafts]
        return [Link(found[0].id, "name") if found else Create() for found in hits]


class RemembersTargets(Plain):
    """Links to what it saw in an earlier catalogue."""

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Link("I-1", "memory") for _ in drafts]


class SaysNothing(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Skip("") for _ in drafts]


class WorstFirst(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        asked = [catalogue.nearest(str(draft.body.get("name", "")), limit=5) for draft in drafts]
        return [Ask(tuple(sorted(near, key=lambda one: one.score)), "look") for near in asked]


class CountsPercent(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Ask((Candidate("I-1", "Bolt", 93.0, "near"),), "look") for _ in drafts]


class StumblesOverLength(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        assert all(len(str(draft.body.get("name", ""))) < 256 for draft in drafts)
        return super().match(drafts, catalogue)


class NeedsAName(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Skip(draft.body["name"].strip() or "nameless") for draft in drafts]


class MergesByName(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        hits = [catalogue.by_name(str(draft.body.get("name", ""))) for draft in drafts]
        return [Link(found[0].id, "name") if len(found) == 1 else Create() for found in hits]


class LinksTheNameless(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Link("I-1", "name") if not draft.label.strip() else Create() for draft in drafts]


class TakesTheFirst(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        hits = [catalogue.by_name(str(draft.body.get("name", ""))) for draft in drafts]
        return [Link(found[0].id, "name") if found else Create() for found in hits]


class RemembersTheOthers(Plain):
    """Calls a thing known once it has seen twenty more."""

    seen = 0

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        self.seen += len(drafts)
        return [Skip("known") for _ in drafts] if self.seen > 20 else super().match(drafts, catalogue)


class CannotBeKept(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Skip(object()) for _ in drafts]  # type: ignore[arg-type]


class Prints(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        print("matching", len(drafts))  # noqa: T201
        return super().match(drafts, catalogue)


class KeepsEverything(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Draft] = []

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        self.kept.extend(drafts)
        return super().match(drafts, catalogue)


class LinksByName(Plain):
    """Whatever became of it before."""

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        hits = [catalogue.by_name(str(draft.body.get("name", ""))) for draft in drafts]
        return [Link(found[0].id, "name") if len(found) == 1 else Create() for found in hits]


class MakesEverything(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        return [Create() for _ in drafts]


class TakesAPart(Plain):
    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        decided = super().match(drafts, catalogue)
        return [self.part(draft, catalogue) or one for draft, one in zip(drafts, decided, strict=True)]

    def part(self, draft: Draft, catalogue: Catalogue) -> Link | None:
        """By a number that only begins so."""
        sku = str(draft.body.get("sku") or "?")
        held = [one for n in range(10) for one in catalogue.by_sku(f"{sku}X{n}")]
        return Link(held[0].id, "sku", "it begins so") if held else None


class TakesTheNearest(TakesAPart):
    def part(self, draft: Draft, catalogue: Catalogue) -> Link | None:
        near = catalogue.nearest(str(draft.body.get("name") or ""), "", 1)
        return Link(near[0].id, "name", "the nearest") if near else None


WRONG: list[tuple[type[Plain], str]] = [
    (LinksByName, "test_a_thing_that_is_linked_is_linked_again_by_its_own_number_alone"),
    (MakesEverything, "test_a_product_that_is_there_by_its_very_number_is_not_made_again"),
    (TrimsItsDrafts, "test_drafts_and_catalogue_are_left_as_they_were"),
    (DropsRepeats, "test_there_is_one_decision_a_draft"),
    (LosesTheOrder, "test_decisions_stand_in_the_order_of_the_drafts"),
    (Guesses, "test_the_same_question_has_the_same_answer"),
    (Guesses, "test_links_lead_to_what_is_there_and_name_their_rule"),
    (DecidesByCounting, "test_drafts_of_one_key_are_decided_alike"),
    (LooksAhead, "test_same_points_to_an_earlier_draft_or_an_earlier_create"),
    (LinksThePending, "test_nothing_is_linked_to_a_create_that_is_not_written_yet"),
    (RemembersTargets, "test_an_empty_catalogue_links_nothing"),
    (SaysNothing, "test_what_is_not_decided_says_why"),
    (WorstFirst, "test_candidates_are_there_best_first_with_a_score_and_a_reason"),
    (CountsPercent, "test_candidates_are_there_best_first_with_a_score_and_a_reason"),
    (StumblesOverLength, "test_hostile_text_is_only_text"),
    (NeedsAName, "test_a_body_without_the_usual_fields_is_no_reason_to_fail"),
    (MergesByName, "test_two_records_of_the_source_are_not_linked_to_one_target_by_name"),
    (RemembersTargets, "test_two_records_share_a_target_only_by_its_own_number"),
    (MergesByName, "test_a_thing_that_is_linked_is_not_linked_again_by_name"),
    (LinksTheNameless, "test_no_name_and_no_number_is_nobodys_name"),
    (TakesTheFirst, "test_the_order_of_the_catalogue_makes_no_difference"),
    (TakesTheFirst, "test_of_two_that_are_alike_neither_is_taken"),
    (RemembersTheOthers, "test_one_question_does_not_change_the_next"),
    (CannotBeKept, "test_a_decision_can_be_kept_and_read_again"),
    (Prints, "test_no_connection_is_opened_and_nothing_is_printed"),
    (KeepsEverything, "test_nothing_is_kept_of_what_was_asked"),
    (TakesAPart, "test_what_only_resembles_is_not_linked"),
    (TakesTheNearest, "test_the_nearest_name_is_a_question_at_most"),
]


class TestPlainMatcher(MatcherSuite):
    @pytest.fixture
    def matcher(self) -> Matcher:
        return Plain()


def given(bug: type[Plain], check: str, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The fixtures of a check, as pytest would hand them over."""
    held = {"matcher": bug(), "drafts": usual_drafts("product"), "listing": usual_listing(), "text": "a" * 10_000,
            "capfd": capfd}  # fmt: skip
    return {name: held[name] for name in inspect.signature(getattr(MatcherSuite, check)).parameters if name != "self"}


@pytest.mark.parametrize(("bug", "check"), WRONG, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_bug_in_a_matcher_is_caught(bug: type[Plain], check: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((AssertionError, KeyError, AttributeError, TypeError)):
        getattr(MatcherSuite(), check)(**given(bug, check, capfd))


def test_every_check_of_the_matcher_suite_catches_something() -> None:
    checks = {name for name in vars(MatcherSuite) if name.startswith("test_")}
    assert checks == {check for _, check in WRONG}
