"""The contract of a matcher, as checks that bite: a plugin's test subclasses ``MatcherSuite`` and names its matcher.

class TestMatcher(MatcherSuite):
    @pytest.fixture
    def matcher(self) -> Matcher:
        return PartMatcher(...)
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import msgspec
import pytest

from wherry.matching import ListingCatalogue, pending_id, pending_ref
from wherry.records import Ask, Candidate, Create, Decision, Draft, Link, Listed, Ref, Same, Skip
from wherry.roles import Catalogue, Matcher
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee
from wherry.testing.hostile import HOSTILE
from wherry.testing.sinks_guarding import usual_growth
from wherry.testing.trial import strays

ROUNDS, FEW = 10, 2
__all__ = ["HOSTILE", "MatcherSuite", "usual_drafts", "usual_listing"]


def usual_listing() -> list[Listed]:
    """A sink with things that are told apart by number, by name, or not at all."""
    return [
        Listed("I-1", "Bolt M8", "B-8"), Listed("I-2", "Bolt M10", "B-10"), Listed("I-3", "GTX Pro", "GTX-1"),
        Listed("I-4", "Crane pad L", "CP-L"), Listed("I-5", "Crane pad L", "CP-L2"), Listed("I-6", "Nameless", ""),
    ]  # fmt: skip


def usual_drafts(entity: str) -> list[Draft]:
    """Drafts known by number, by name, by nearly a name, twice the same, and not at all."""
    rows = [
        ("id:1", "Bolt, eight millimetres", "B-8"), ("id:2", "GTXPro", ""), ("id:3", "Crane pad XL", "CP-XL"),
        ("id:4", "Crane pad L", ""), ("id:5", "Rail anchor", "RA-1"), ("id:5", "Rail anchor", "RA-1"),
        ("name:railanchor", "Rail Anchor", ""), ("id:6", "Ballast", ""), ("id:7", "", ""),
    ]  # fmt: skip
    return [_draft(entity, key, name, sku) for key, name, sku in rows]


class MatcherSuite:
    """Subclass it, name the class ``Test…`` and give it the fixture ``matcher``; override ``drafts`` or ``listing``
    where the matcher looks at more than name and SKU."""

    entity = "product"
    by_number = True
    """Whether it looks at numbers at all; one that goes by links alone makes what is not linked."""

    @pytest.fixture
    def listing(self) -> list[Listed]:
        """What the sink holds."""
        return usual_listing()

    @pytest.fixture
    def drafts(self) -> list[Draft]:
        """What comes from the source."""
        return usual_drafts(self.entity)

    @guarantee(promise.DECIDES)
    def test_there_is_one_decision_a_draft(self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]) -> None:
        decisions = matcher.match(drafts, _catalogue(listing))
        assert len(decisions) == len(drafts)
        assert [type(one) for one in decisions if not isinstance(one, get_args(Decision))] == []
        assert matcher.match([], _catalogue(listing)) == []

    @guarantee(promise.DECIDES)
    def test_decisions_stand_in_the_order_of_the_drafts(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        alone = {draft.key: matcher.match([draft], _catalogue(listing))[0] for draft in drafts}
        for draft, decision in zip(drafts, matcher.match(drafts, _catalogue(listing)), strict=True):
            if isinstance(decision, Link):
                assert decision == alone[draft.key], f"{draft.key} is linked otherwise when it comes alone"

    @guarantee(promise.DECIDES)
    def test_the_same_question_has_the_same_answer(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        first = matcher.match(drafts, _catalogue(listing))
        assert matcher.match(drafts, _catalogue(listing)) == first

    @guarantee(promise.HANDS_OFF)
    def test_drafts_and_catalogue_are_left_as_they_were(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        catalogue, before = ListingCatalogue(listing), copy.deepcopy(drafts)
        matcher.match(drafts, catalogue)
        assert drafts == before
        assert len(catalogue) == len(listing), "the engine enters what was decided, once it stands"

    @guarantee(promise.DECIDES)
    def test_drafts_of_one_key_are_decided_alike(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        decided: dict[Ref, Decision] = {}
        for draft, decision in zip(drafts, matcher.match(drafts, _catalogue(listing)), strict=True):
            same = decided.setdefault(draft.ref, decision)
            assert decision == same or decision == Same(draft.ref, getattr(decision, "rule", ""))

    @guarantee(promise.RIGHT_LINK)
    def test_links_lead_to_what_is_there_and_name_their_rule(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        there = {listed.id for listed in listing}
        for decision in matcher.match(drafts, _catalogue(listing)):
            if isinstance(decision, Link):
                assert decision.target in there
                assert decision.rule, "a person wants to know which rule found it"

    @guarantee(promise.ASKS_PEOPLE)
    def test_of_two_that_are_alike_neither_is_taken(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """Which of them is meant is for a person to say, and not for the order in which they come."""
        for draft in drafts:
            [decision] = matcher.match([draft], _catalogue(listing))
            if isinstance(decision, Link):
                twins = [
                    msgspec.structs.replace(one, id=f"{one.id}-twin") for one in listing if one.id == decision.target
                ]
                [again] = matcher.match([draft], _catalogue([*listing, *twins]))
                assert not isinstance(again, Link), f"{draft.key} is linked to {again}, and there are two of it"

    @guarantee(promise.RIGHT_LINK)
    def test_same_points_to_an_earlier_draft_or_an_earlier_create(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        waiting = Ref(self.entity, "id:earlier")
        pending = Listed(pending_id(waiting), "Ballast", "")
        earlier = {waiting}
        for draft, decision in zip(drafts, matcher.match(drafts, _catalogue([*listing, pending])), strict=True):
            if isinstance(decision, Same):
                assert decision.ref in earlier, f"{draft.key} is said to be {decision.ref}, which comes later or never"
            earlier.add(draft.ref)

    @guarantee(promise.RIGHT_LINK)
    def test_nothing_is_linked_to_a_create_that_is_not_written_yet(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """Neither among what is there, nor where all that could be meant is still to be written."""
        pending = Listed(pending_id(Ref(self.entity, "id:earlier")), "Ballast", "BA-1")
        usual = [_draft(self.entity, "id:8", "Ballast", "BA-1"), _draft(self.entity, "id:9", "Ballast", "")]
        refs = [Ref(self.entity, f"id:waiting-{n}") for n in range(len(listing))]
        waiting = [Listed(pending_id(ref), one.name, one.sku) for ref, one in zip(refs, listing, strict=True)]
        for some, held in ((usual, [*listing, pending]), (drafts, waiting)):
            for decision in matcher.match(some, _catalogue(held)):
                assert not (isinstance(decision, Link) and pending_ref(decision.target)), "say Same(ref) instead"
                assert not any(pending_ref(candidate.id) for candidate in _candidates(decision))

    @guarantee(promise.RIGHT_LINK)
    def test_an_empty_catalogue_links_nothing(self, matcher: Matcher, drafts: list[Draft]) -> None:
        for decision in matcher.match(drafts, _catalogue([])):
            assert not isinstance(decision, Link)
            assert _candidates(decision) == ()

    @guarantee(promise.ASKS_PEOPLE)
    def test_what_is_not_decided_says_why(self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]) -> None:
        for decision in matcher.match(drafts, _catalogue(listing)):
            if isinstance(decision, Skip):
                assert decision.reason.strip()
            if isinstance(decision, Ask):
                assert decision.why.strip()

    @guarantee(promise.ASKS_PEOPLE)
    def test_candidates_are_there_best_first_with_a_score_and_a_reason(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        there = {listed.id for listed in listing}
        for decision in matcher.match(drafts, _catalogue(listing)):
            scores = [candidate.score for candidate in _candidates(decision)]
            assert scores == sorted(scores, reverse=True)
            assert all(0 <= score <= 1 for score in scores)
            assert {candidate.id for candidate in _candidates(decision)} <= there
            assert all(candidate.why for candidate in _candidates(decision))

    @guarantee(promise.HARMLESS)
    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_text_is_only_text(self, matcher: Matcher, listing: list[Listed], text: str) -> None:
        held = [*listing, *(Listed(f"H-{n}", name, name) for n, name in enumerate(HOSTILE))]
        drafts = [_draft(self.entity, "id:1", text, ""), _draft(self.entity, "id:2", "Bolt", text)]
        drafts += [_draft(self.entity, "id:3", "", ""), _draft(self.entity, text, text, text)]
        for decision in matcher.match(drafts, _catalogue(held)):
            assert isinstance(decision, get_args(Decision))
            assert not isinstance(decision, Link) or decision.target in {listed.id for listed in held}

    @guarantee(promise.HARMLESS)
    def test_a_body_without_the_usual_fields_is_no_reason_to_fail(
        self, matcher: Matcher, listing: list[Listed]
    ) -> None:
        bodies: list[dict[str, Any]] = [{}, {"name": None, "sku": None}, {"name": "Bolt M8", "custom": {}}]
        drafts = [Draft(entity=self.entity, key=f"id:{n}", body=body) for n, body in enumerate(bodies)]
        assert len(matcher.match(drafts, _catalogue(listing))) == len(bodies)

    @guarantee(promise.RIGHT_LINK)
    def test_two_records_of_the_source_are_not_linked_to_one_target_by_name(
        self, matcher: Matcher, listing: list[Listed]
    ) -> None:
        """Two ids are two things: the second is asked about, created or skipped, never merged into the first."""
        drafts = [_draft(self.entity, "id:1", "GTX Pro", ""), _draft(self.entity, "id:2", "GTX Pro", "")]
        decisions = matcher.match(drafts, _catalogue(listing))
        targets = [decision.target for decision in decisions if isinstance(decision, Link)]
        assert len(targets) == len(set(targets))

    @guarantee(promise.RIGHT_LINK)
    def test_two_records_share_a_target_only_by_its_own_number(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """Whatever else a rule goes by, two records that it leads to one thing are merged in the target."""
        numbers = {listed.id: listed.sku.casefold() for listed in listing}
        linked: dict[str, dict[str, str]] = {}
        for draft, decision in zip(drafts, matcher.match(drafts, _catalogue(listing)), strict=True):
            if isinstance(decision, Link):
                linked.setdefault(decision.target, {})[draft.key] = str(draft.body.get("sku") or "").casefold()
        shared = {target: keys for target, keys in linked.items() if len(keys) > 1}
        assert {target for target, keys in shared.items() if set(keys.values()) != {numbers[target]}} == set()

    @guarantee(promise.RIGHT_LINK)
    def test_no_name_and_no_number_is_nobodys_name(self, matcher: Matcher) -> None:
        """What has neither is not the thing that has neither."""
        held = [Listed("I-1", "", ""), Listed("I-2", " ", " "), Listed("I-3", "", "B-8")]
        drafts = [_draft(self.entity, f"id:{n}", name, sku) for n, (name, sku) in enumerate([("", ""), (" ", " ")])]
        for decision in matcher.match(drafts, _catalogue(held)):
            assert not isinstance(decision, Link | Same), "nothing in common is not a match"

    @guarantee(promise.DECIDES)
    def test_the_order_of_the_catalogue_makes_no_difference(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        first = matcher.match(drafts, _catalogue(listing))
        turned = matcher.match(drafts, _catalogue(listing[::-1]))
        links = [[d.target if isinstance(d, Link) else type(d).__name__ for d in some] for some in (first, turned)]
        assert links[0] == links[1]

    @guarantee(promise.DECIDES)
    def test_one_question_does_not_change_the_next(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """A matcher is kept for a run of many pages: what it saw of one is forgotten."""
        alone = matcher.match(drafts, _catalogue(listing))
        others = [_draft(self.entity, f"id:9{n}", f"Other thing {n}", f"O-{n}") for n in range(20)]
        matcher.match(others, _catalogue([Listed(f"O-{n}", f"Other thing {n}", f"O-{n}") for n in range(20)]))
        assert matcher.match(drafts, _catalogue(listing)) == alone

    @guarantee(promise.ASKS_PEOPLE)
    def test_a_decision_can_be_kept_and_read_again(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        for decision in matcher.match(drafts, _catalogue(listing)):
            kept = msgspec.json.encode(decision)
            assert msgspec.json.decode(kept, type=type(decision)) == decision

    @guarantee(promise.ONE_DOOR)
    def test_no_connection_is_opened_and_nothing_is_printed(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed], capfd: pytest.CaptureFixture[str]
    ) -> None:
        with strays() as found:
            matcher.match(drafts, _catalogue(listing))
        assert found == []
        assert tuple(capfd.readouterr()) == ("", "")

    @guarantee(promise.BOUNDED)
    def test_nothing_is_kept_of_what_was_asked(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        catalogue = _catalogue(listing)

        def once() -> None:
            matcher.match([copy.deepcopy(draft) for draft in drafts], catalogue)

        once()
        grown = usual_growth(once, ROUNDS)
        assert grown < FEW * ROUNDS * len(drafts), f"{grown} more blocks after each {ROUNDS} questions"

    @guarantee(promise.RIGHT_LINK)
    def test_a_thing_that_is_linked_is_not_linked_again_by_name(self, matcher: Matcher, listing: list[Listed]) -> None:
        """Another record of the source has it already: a second one of that name is another thing."""
        catalogue = ListingCatalogue(listing, {"I-3": ["id:77"]})
        (decision,) = matcher.match([_draft(self.entity, "id:1", "GTX Pro", "")], catalogue)
        assert not isinstance(decision, Link)

    @guarantee(promise.RIGHT_LINK)
    def test_a_thing_that_is_linked_is_linked_again_by_its_own_number_alone(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """Whatever else a rule goes by: what another record became is not this one, too."""
        numbers = {listed.id: listed.sku.casefold() for listed in listing}
        for draft in drafts:
            [decision] = matcher.match([draft], _catalogue(listing))
            if isinstance(decision, Link) and str(draft.body.get("sku") or "").casefold() != numbers[decision.target]:
                taken = _Seen(ListingCatalogue(listing, {decision.target: ["id:77"]}))
                [again] = matcher.match([draft], taken)
                assert not isinstance(again, Link), f"{draft.key} is linked to what id:77 became"

    @guarantee(promise.RIGHT_LINK)
    def test_what_only_resembles_is_not_linked(
        self, matcher: Matcher, drafts: list[Draft], listing: list[Listed]
    ) -> None:
        """A number that begins with another is another number, and so is a name: B-80 is not B-8."""
        for draft in [*drafts, *usual_drafts(self.entity)]:
            [decision] = matcher.match([draft], _catalogue(listing))
            there = next((one for one in listing if isinstance(decision, Link) and one.id == decision.target), None)
            for other in _resembling(there) if there else ():
                [again] = matcher.match([draft], _catalogue([other]))
                assert not isinstance(again, Link), f"{draft.key} is linked to {other.name!r} {other.sku!r}: {again}"

    @guarantee(promise.RIGHT_LINK)
    def test_the_nearest_name_is_a_question_at_most(self, matcher: Matcher, listing: list[Listed]) -> None:
        """What is only alike may be another thing: a person says so, or it is made."""
        for n, listed in enumerate(one for one in listing if len(one.name.split()) > 1):
            near = _draft(self.entity, f"id:{n}", f"{listed.name} XL", "")
            [decision] = matcher.match([near], _catalogue([listed]))
            assert not isinstance(decision, Link), f"{near.label!r} is linked to {listed.name!r}"

    @guarantee(promise.RIGHT_LINK)
    def test_a_product_that_is_there_by_its_very_number_is_not_made_again(
        self, matcher: Matcher, listing: list[Listed]
    ) -> None:
        """It is linked, or a person is asked."""
        if self.entity != "product" or not self.by_number:
            pytest.skip("only products have a number that is theirs everywhere, and not every matcher looks at it")
        for listed in (one for one in listing if one.sku and one.name):
            [decision] = matcher.match([_draft(self.entity, "id:1", listed.name, listed.sku)], _catalogue(listing))
            assert not isinstance(decision, Create), f"{listed.sku} would be there twice"


class _Seen:
    """A catalogue that shows what the protocol promises, and nothing else."""

    def __init__(self, catalogue: ListingCatalogue) -> None:
        self.by_sku, self.by_name = catalogue.by_sku, catalogue.by_name
        self.nearest, self.keys_of = catalogue.nearest, catalogue.keys_of


def _catalogue(listing: Sequence[Listed]) -> Catalogue:
    return _Seen(ListingCatalogue(listing))


def _resembling(listed: Listed) -> Iterator[Listed]:
    """Things of which number and name only begin or end with those of another, or are a part of them."""
    for sku in (f"{listed.sku}X7", f"X7{listed.sku}", listed.sku[:-1]) if len(listed.sku) > 1 else ():
        yield msgspec.structs.replace(listed, name="Kit: nothing of the sort", sku=sku, number="")
    if listed.name:
        yield msgspec.structs.replace(listed, name=f"{listed.name} kit extra", sku="", number="")


def _draft(entity: str, key: str, name: str, sku: str) -> Draft:
    body = {field: value for field, value in (("name", name), ("sku", sku)) if value}
    return Draft(entity=entity, key=key, body=body, label=name)


def _candidates(decision: Decision) -> tuple[Candidate, ...]:
    return decision.candidates if isinstance(decision, Ask) else ()
