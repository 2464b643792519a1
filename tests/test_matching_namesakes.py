"""What has one name, sorted by who of it a draft can still be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.matching import ListingCatalogue, RuleMatcher, pending_id
from wherry.matching.known import holder_of
from wherry.matching.namesakes import Namesakes
from wherry.matching.text import code_of
from wherry.records import Draft, Listed, Ref

SKUS = st.sampled_from(["", "-", "GTX-1", "gtx1", "GTX-2"])
KEYS = st.sampled_from(["id:1", "id:2", "id:3", "sku:gtx-1", "name:post"])


@st.composite
def things(draw: st.DrawFn) -> list[tuple[Listed, list[str]]]:
    drawn = draw(st.lists(st.tuples(SKUS, st.lists(KEYS, max_size=3, unique=True)), max_size=6))
    return [(Listed(f"I-{n}", "Post", sku), keys) for n, (sku, keys) in enumerate(drawn)]


def can_be(listed: Listed, keys: list[str], key: str, sku: str) -> bool:
    """Neither another SKU nor another id speaks against it."""
    ours, theirs = code_of(sku), code_of(listed.sku)
    if ours and theirs and ours != theirs:
        return False
    return not key.startswith("id:") or not any(one.startswith("id:") and one != key for one in keys)


@settings(deadline=None)
@given(things(), KEYS, SKUS)
def test_its_rivals_are_those_that_neither_sku_nor_id_speaks_against(
    held: list[tuple[Listed, list[str]]], key: str, sku: str
) -> None:
    found = Namesakes()
    for listed, keys in held:
        found.enter(listed, holder_of(listed.id, keys))
    wanted = [listed.id for listed, keys in held if can_be(listed, keys, key, sku)]
    assert sorted(listed.id for listed in found.rivals(key, sku)) == wanted
    assert found.all == [listed for listed, _ in held]


class Plain:
    """A catalogue that sorts nothing."""

    def __init__(self, catalogue: ListingCatalogue) -> None:
        self.by_sku, self.by_name = catalogue.by_sku, catalogue.by_name
        self.nearest, self.keys_of = catalogue.nearest, catalogue.keys_of


@settings(deadline=None, max_examples=60)
@given(things(), st.lists(st.tuples(KEYS, SKUS), min_size=1, max_size=5), st.data())
def test_a_catalogue_kept_sorted_through_a_run_gives_the_same_decisions(
    held: list[tuple[Listed, list[str]]], asked: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Whatever was asked, entered and linked before."""
    kept, fresh = ListingCatalogue(), ListingCatalogue()
    matcher = RuleMatcher(("sku", "name"), "create")
    drafts = [Draft(entity="product", key=key, body={"name": "Post", "sku": sku}) for key, sku in asked]
    for listed, keys in held:
        if data.draw(st.booleans()):
            matcher.match(drafts, kept)  # the name is sorted from here on
        for catalogue in (kept, fresh):
            catalogue.add(listed, keys[:1])
            for key in keys[1:]:
                catalogue.link(listed.id, key)
    assert matcher.match(drafts, kept) == matcher.match(drafts, fresh) == matcher.match(drafts, Plain(fresh))


@pytest.mark.parametrize("sku", ["", "GTX-1"])
def test_what_is_on_its_way_is_known_by_its_own_key(sku: str) -> None:
    ref = Ref("product", "id:1")
    catalogue = ListingCatalogue([Listed(pending_id(ref), "Post", sku)])
    assert list(catalogue.namesakes("post").rivals("id:2", sku)) == []
    assert [one.id for one in catalogue.namesakes("post").rivals("id:1", sku)] == [pending_id(ref)]


def test_what_is_linked_in_a_run_is_nobody_elses_from_then_on() -> None:
    """Of thousands of one name each would otherwise be looked at again for every draft."""
    catalogue = ListingCatalogue([Listed("I-1", "Post")])
    assert [one.id for one in catalogue.namesakes("post").rivals("id:2", "")] == ["I-1"]
    catalogue.link("I-1", "id:1")
    assert list(catalogue.namesakes("post").rivals("id:2", "")) == []
