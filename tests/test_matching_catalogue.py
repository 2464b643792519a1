"""The catalogue: equal SKUs and names at once, the nearest names with a score and a reason."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.matching import ListingCatalogue, name_key, pending_id, pending_ref
from wherry.records import Candidate, Listed, Ref
from wherry.roles import Catalogue

NAMES = ["GTX Pro", "GTX Basic", "GTX Plus Basic", "GTX Plus Pro", "MG Special", "MG Advanced", "GTK 500"]


def catalogue(names: Sequence[str] = NAMES) -> ListingCatalogue:
    return ListingCatalogue(Listed(f"P{n}", name, f"S-{n}") for n, name in enumerate(names))


def nearest(held: ListingCatalogue, name: str, sku: str = "") -> Candidate:
    return held.nearest(name, sku)[0]


def test_it_is_a_catalogue_as_matchers_know_it() -> None:
    held: Catalogue = catalogue()
    assert [listed.id for listed in held.by_sku("s-4")] == ["P4"]
    assert [listed.id for listed in held.by_name("mg-special")] == ["P4"]
    assert held.keys_of("P4") == []


def test_an_empty_sku_or_name_finds_nothing_even_where_targets_have_none() -> None:
    held = ListingCatalogue([Listed("1", "?"), Listed("2", ""), Listed("3", "A", "-")])
    assert held.by_name("???") == held.by_name("") == held.by_sku("") == held.by_sku("--") == []
    assert held.nearest("", "") == []


def test_a_target_entered_twice_is_there_once() -> None:
    held = catalogue()
    held.add(Listed("P0", "GTX Pro", "S-0"))
    assert len(held.by_name("GTX Pro")) == len(held.by_sku("S-0")) == 1
    assert len(held) == len(NAMES)


def test_what_is_entered_during_the_run_is_found_by_every_way() -> None:
    held = catalogue()
    assert held.nearest("Crane pad XL") == []
    held.add(Listed("P9", "Crane pad L", "CP-1"))
    assert [listed.id for listed in (*held.by_name("crane-pad l"), *held.by_sku("cp-1"))] == ["P9", "P9"]
    assert nearest(held, "Crane pad XL").id == "P9"


@pytest.mark.parametrize("linked", [{"P0": ["id:1"]}, lambda target: ["id:1"] if target == "P0" else []])
def test_links_of_before_and_of_this_run_are_told(linked: object) -> None:
    held = ListingCatalogue([Listed("P0", "GTX Pro")], linked)  # type: ignore[arg-type]
    held.link("P0", "name:gtxpro")
    assert held.keys_of("P0") == ["id:1", "name:gtxpro"]
    assert held.keys_of("P1") == []


def test_a_pending_create_carries_its_reference_and_a_real_target_none() -> None:
    ref = Ref("product", "id:17/4:a")
    assert pending_ref(pending_id(ref)) == ref
    assert pending_ref("P-1042") is None


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("GTX Pr0", "GTX Pro"), ("Pro GTX", "GTX Pro"), ("MG Spcial", "MG Special"), ("GTK500 pump", "GTK 500"),
        ("GTX Plus Bsic", "GTX Plus Basic"), ("The MG Advanced", "MG Advanced"),
    ],
)  # fmt: skip
def test_a_damaged_name_finds_the_product_it_was(asked: str, wanted: str) -> None:
    assert nearest(catalogue(), asked).name == wanted


def test_an_equal_name_stands_first_with_the_full_score() -> None:
    best = nearest(catalogue(), "gtx-pro")
    assert (best.name, best.score, best.why) == ("GTX Pro", 1.0, "same name")


def test_a_name_that_differs_by_a_symbol_is_near_but_never_full() -> None:
    best = nearest(catalogue(), "GTX Pro+")
    assert best.name == "GTX Pro"
    assert best.score < 1


def test_an_equal_sku_stands_first_whatever_its_name() -> None:
    best = nearest(catalogue(), "Something else", "s-5")
    assert (best.name, best.score) == ("MG Advanced", 0.95)
    assert best.why.startswith("same SKU S-5; name 0.")


def test_an_equal_sku_is_found_behind_a_crowd_of_likelier_names() -> None:
    crowd = [Listed(f"P{n}", f"Gate valve brass {n} mm") for n in range(60)]
    held = ListingCatalogue([*crowd, Listed("Z", "Zeppelin", "7")])
    assert nearest(held, "Gate valve", "7").id == "Z"


def test_a_name_of_common_words_alone_is_found_by_what_has_them_together() -> None:
    makes, things, sizes = ("Alder", "Birch", "Cedar", "Maple"), ("valve", "pump", "meter", "relay"), range(10, 90)
    names = [f"{make} {thing} {size} mm" for make in makes for thing in things for size in sizes]
    held = catalogue(names)
    assert nearest(held, "Birch 45 mm pmp").name == "Birch pump 45 mm"
    held.add(Listed("later", "Birch pump relay mm"))
    assert nearest(held, "Birhc mm pump relay").id == "later"


def test_another_sku_is_told_beside_the_likeness() -> None:
    assert nearest(catalogue(), "GTX Pro", "S-9").why == "same name; other SKU S-0"


def test_a_shared_model_number_is_told_however_it_is_broken_up() -> None:
    held = catalogue([*NAMES, "Panasonic KX-TG9372B Expandable Cordless Phone", "Panasonic Cordless Phone Black"])
    best = nearest(held, "Panasonic Black Expandable Digital Phone System - KXTG9372B")
    assert best.name.startswith("Panasonic KX-TG9372B")
    assert best.why.endswith("same model number KXTG9372B")
    assert "begins alike: KXTG937" in nearest(held, "Phone KXTG9375S").why


def test_a_sku_inside_a_name_leads_to_its_target() -> None:
    held = ListingCatalogue([Listed("1", "Gate valve", "GV-20-B"), Listed("2", "Gate valve brass", "GV-25-B")])
    assert nearest(held, "Valve GV20B").id == "1"
    assert nearest(held, "", "GV 20 B").id == "1"
    assert nearest(ListingCatalogue([Listed("1", "", "GV-20-B")]), "Valve GV20B").id == "1"


def test_ties_keep_the_order_of_the_listing() -> None:
    held = catalogue(["Relay module", "Relay-module", "RELAY MODULE"])
    assert [candidate.id for candidate in held.nearest("relay modul")] == ["P0", "P1", "P2"]


def test_no_more_candidates_than_asked_for_and_none_at_all_from_an_empty_catalogue() -> None:
    assert len(catalogue().nearest("GTX", limit=2)) == 2
    assert ListingCatalogue().nearest("GTX Pro", "S-1") == []


TEXT = st.text(alphabet="abc12 -+é", max_size=12)


@settings(max_examples=150)
@given(st.lists(TEXT, max_size=8), TEXT, TEXT)
def test_scores_lie_between_zero_and_one_and_only_equal_names_reach_one(names: list[str], asked: str, sku: str) -> None:
    held = ListingCatalogue(Listed(str(n), name, name[::-1]) for n, name in enumerate(names))
    found = held.nearest(asked, sku, limit=8)
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    for candidate in found:
        assert 0 <= candidate.score <= 1
        assert (candidate.score == 1) == (name_key(candidate.name) == name_key(asked) != "")
        assert candidate.why


@given(st.lists(TEXT, max_size=8), TEXT)
def test_equal_names_are_always_among_the_nearest(names: list[str], asked: str) -> None:
    held = ListingCatalogue(Listed(str(n), name) for n, name in enumerate(names))
    near = {candidate.id for candidate in held.nearest(asked, limit=8)}
    assert {listed.id for listed in held.by_name(asked)} <= near


def test_a_key_that_was_linked_before_its_target_is_listed_is_not_lost() -> None:
    catalogue = ListingCatalogue()
    catalogue.link("I-1", "id:7")
    assert catalogue.keys_of("I-1") == ["id:7"]
    catalogue.add(Listed("I-1", "Post"), ["id:8"])
    catalogue.link("I-1", "id:9")
    assert catalogue.keys_of("I-1") == ["id:7", "id:8", "id:9"]
