"""The listing on disk answers as the one in memory does, whatever was entered and linked before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wherry.catalogues import LazyCatalogue
from wherry.errors import TryAgain
from wherry.matching import ListingCatalogue, RuleMatcher, pending_id
from wherry.matching.listing import Listing
from wherry.records import Draft, Listed, Ref

KEYS = st.sampled_from(("id:1", "id:2", "id:3", "sku:a", "name:post", ""))
WORDS = st.sampled_from(("", "Post", "post ", "GTX Pro", "gtx-pro", "A-1", "a 1", "A1", "?"))
IDS = st.sampled_from(("T1", "T2", "T3", "T4", pending_id(Ref("product", "id:2"))))
LINES = st.builds(Listed, IDS, WORDS, WORDS, st.just(""), WORDS)
LEARNED = st.lists(st.tuples(LINES, st.lists(KEYS.filter(bool), max_size=2)), max_size=6)
DRAFTS = st.lists(st.tuples(KEYS, WORDS, WORDS, WORDS), min_size=1, max_size=5)


def drafts(asked: Sequence[tuple[str, str, str, str]]) -> list[Draft]:
    return [
        Draft(entity="product", key=key, body={"name": name, "sku": sku, "number": number}, label="Post")
        for key, name, sku, number in asked
    ]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(LINES, max_size=5, unique_by=lambda line: line.id), st.dictionaries(IDS, st.lists(KEYS, max_size=2)),
    st.lists(st.tuples(LEARNED, DRAFTS, st.booleans()), min_size=1, max_size=3),
    st.sampled_from(("create", "skip", "triage")),
)  # fmt: skip
def test_what_is_decided_does_not_hang_on_where_the_listing_is_kept(
    lines: list[Listed],
    linked: dict[str, list[str]],
    rounds: list[tuple[list[tuple[Listed, list[str]]], list[tuple[str, str, str, str]], bool]],
    unmatched: str,
) -> None:
    """I2"""
    matcher = RuleMatcher.from_settings(("reference", "sku", "name"), unmatched)
    here, there = ListingCatalogue(lines, linked), LazyCatalogue(lambda: Listing(lines, linked))
    for learned, asked, announced in rounds:
        wanted = drafts(asked)
        if announced:
            there.about(wanted)
        decided = [
            [type(one), getattr(one, "target", ""), getattr(one, "ref", "")] for one in matcher.match(wanted, there)
        ]
        assert decided == [
            [type(one), getattr(one, "target", ""), getattr(one, "ref", "")] for one in matcher.match(wanted, here)
        ]
        if unmatched != "triage":
            assert matcher.match(wanted, there) == matcher.match(wanted, here)
        for line, keys in learned if there.is_read else ():
            here.add(line, keys)
            there.learn(line, keys)
            assert set(there.keys_of(line.id)) == set(here.keys_of(line.id))


NAMES, SKUS = st.sampled_from(("Post", "post ", "Rail", "")), st.sampled_from(("", "A-1", "a 1", "B"))
THINGS = st.lists(st.tuples(KEYS, NAMES, SKUS, st.just("")), min_size=1, max_size=4)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.builds(Listed, IDS, NAMES, SKUS), max_size=2, unique_by=lambda line: line.id), THINGS)
@example([Listed("T3", "Rail")], [("id:1", "Post", "", ""), ("id:1", "Rail", "", "")])
def test_what_nothing_can_be_is_created_without_a_look_and_nothing_else(
    lines: list[Listed], asked: list[tuple[str, str, str, str]]
) -> None:
    """I2"""
    matcher, linked = RuleMatcher.from_settings(("link", "sku", "name"), "create"), {"T1": ["id:1"], "T2": ["sku:a"]}
    there = LazyCatalogue(lambda: Listing(lines, linked))
    assert matcher.match(drafts(asked), there) == matcher.match(drafts(asked), ListingCatalogue(lines, linked))
    assert all(LazyCatalogue(Listing).strangers(drafts([("id:1", "Post", "A", ""), ("id:2", "post", "B", "")])))


@given(st.lists(LINES, max_size=8, unique_by=lambda line: line.id))
def test_all_of_a_listing_is_there_in_its_order_when_the_nearest_is_asked_for(lines: list[Listed]) -> None:
    """Every draft may be near to any of them."""
    assert list(Listing(lines).each()) == lines
    assert LazyCatalogue(lambda: Listing(lines)).nearest("GTX", "A-1") == ListingCatalogue(lines).nearest("GTX", "A-1")


def test_a_folder_for_temporary_files_that_is_full_is_said_so() -> None:
    """Nothing was written when it is."""
    listing = Listing([Listed(f"T{number}", f"Post {number}") for number in range(4_000)])
    listing._database.execute("PRAGMA max_page_count = 8")
    with pytest.raises(TryAgain, match="could not be kept: database or disk is full") as caught:
        listing.by_name("post1")
    assert (caught.value.code, "TMPDIR" in caught.value.fix) == ("WHERRY-6022", True)
    assert isinstance(caught.value.__cause__, sqlite3.Error)


def test_what_could_not_be_looked_up_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for something that nobody has."""
    line = Listed("T1", "Post", "A-1")
    listing = Listing([line])
    there = LazyCatalogue(lambda: listing)

    def full(*asked: object) -> None:
        raise TryAgain("the target's listing could not be kept", fix="make room", code="WHERRY-6022")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(listing, "having", full)
        with pytest.raises(TryAgain):
            there.by_sku("A-1")
    assert there.by_sku("A-1") == [line]
