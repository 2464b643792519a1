"""The chain of rules: what links by itself, what is the same as something else, and what a person must say."""

from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ConfigError
from wherry.matching import ListingCatalogue, RuleMatcher, name_key, pending_id
from wherry.records import Ask, Create, Decision, Draft, Link, Listed, Ref, Same, Skip
from wherry.roles import Matcher

TARGETS = [
    Listed("P1", "GTX Pro", "GTX-1"),
    Listed("P2", "GTX Basic", "GTX-2"),
    Listed("P3", "Crane pad L"),
    Listed("P4", "Twin"),
    Listed("P5", "TWIN"),
    Listed("P6", "Left gate", "DUP"),
    Listed("P7", "Right gate", "dup"),
]
DEFAULT = ("link", "sku", "name")


def draft(key: str, name: str, sku: str = "", label: str = "") -> Draft:
    return Draft(entity="product", key=key, body={"name": name, "sku": sku}, label=label)


def match(
    *drafts: Draft, order: Sequence[str] = DEFAULT, unmatched: str = "triage", catalogue: ListingCatalogue | None = None
) -> list[Decision]:
    held = ListingCatalogue(TARGETS) if catalogue is None else catalogue
    matcher: Matcher = RuleMatcher.from_settings(order, unmatched)
    return matcher.match(drafts, held)


def decide(one: Draft, **how: object) -> Decision:
    return match(one, **how)[0]  # type: ignore[arg-type]


# -- SKU and name ------------------------------------------------------------------------------------------------------


def test_an_equal_sku_links_before_the_name_is_looked_at() -> None:
    decision = decide(draft("id:9", "GTX Basic", "gtx-1"))
    assert decision == Link("P1", "sku", 'SKU "gtx-1" equals "GTX-1" of "GTX Pro"')


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("GTX Pro", 'name "GTX Pro" equals "GTX Pro"'),
        ("GTXPro", 'name "GTXPro" equals "GTX Pro" but for spaces'),
        ("gtx pro", 'name "gtx pro" equals "GTX Pro" but for case'),
        ("GTX-Pro", 'name "GTX-Pro" equals "GTX Pro" but for spaces and punctuation'),
        ("GTX Pró", 'name "GTX Pró" equals "GTX Pro" but for case, accents or unicode form'),
    ],
)
def test_an_equal_name_links_and_says_in_what_it_differs(name: str, why: str) -> None:
    """case_D7"""
    assert decide(draft("name:gtxpro", name)) == Link("P1", "name", why)


def test_the_order_of_the_rules_is_the_order_of_the_settings() -> None:
    both = draft("id:9", "GTX Pro", "GTX-2")
    assert decide(both, order=("sku", "name")) == Link("P2", "sku", 'SKU "GTX-2" equals "GTX-2" of "GTX Basic"')
    asked = decide(both, order=("name",))
    assert isinstance(asked, Ask)
    assert "its SKU is GTX-1, not GTX-2" in asked.why
    assert isinstance(decide(draft("id:9", "GTX Pro", "GTX-2"), order=("link",)), Ask)


@pytest.mark.parametrize(("name", "sku", "found"), [("twin", "", ["P4", "P5"]), ("right gate x", "Dup", ["P7", "P6"])])
def test_several_equal_targets_are_a_question_with_the_likest_first(name: str, sku: str, found: list[str]) -> None:
    decision = decide(draft("id:9", name, sku), unmatched="create")
    assert isinstance(decision, Ask)
    assert [candidate.id for candidate in decision.candidates] == found
    assert decision.why.startswith("2 things in the target have the ")


def test_one_name_with_two_skus_is_not_linked_by_name() -> None:
    decision = decide(draft("id:9", "GTX Pro", "OTHER-7"))
    assert isinstance(decision, Ask)
    assert decision.candidates[0].id == "P1"
    assert decision.why == 'product "GTX Pro": "GTX Pro" has the same name, but its SKU is GTX-1, not OTHER-7'
    assert decide(draft("id:9", "GTX Pro", "OTHER-7"), unmatched="create") == Create()


def test_skus_that_differ_in_punctuation_alone_do_not_contradict_an_equal_name() -> None:
    assert isinstance(decide(draft("id:9", "GTX Pro", "GTX 1")), Link)


def test_two_records_of_the_source_with_one_name_are_two_things() -> None:
    held = ListingCatalogue(TARGETS, {"P1": ["id:1"]})
    decision = decide(draft("id:2", "GTX Pro"), catalogue=held)
    assert isinstance(decision, Ask)
    assert "it is linked to another record of the source (1)" in decision.why
    assert isinstance(decide(draft("id:1", "GTX Pro"), catalogue=held), Link)
    assert isinstance(decide(draft("name:gtxpro", "GTX Pro"), catalogue=held), Link)


def test_two_records_of_one_batch_with_one_name_are_two_things_too() -> None:
    first, second, line = match(draft("id:1", "GTX Pro"), draft("id:2", "GTX Pro"), draft("name:gtxpro", "GTXPro"))
    assert isinstance(first, Link)
    assert isinstance(second, Ask)
    assert isinstance(line, Link)


IDS = st.sampled_from(["id:1", "id:2", "id:3", "sku:a", "name:twin"])


@given(held=st.lists(st.lists(IDS, max_size=2), max_size=4), keys=st.lists(IDS, min_size=1, max_size=5, unique=True))
def test_of_things_of_one_name_only_those_that_are_no_other_record_count(
    held: list[list[str]], keys: list[str]
) -> None:
    """However many share the name: told by reading every one of them, draft by draft, batch or no batch."""
    links = {f"T{n}": known for n, known in enumerate(held)}
    catalogue = ListingCatalogue([Listed(target, "Twin") for target in links], dict(links))
    decisions = match(*[draft(key, "Twin") for key in keys], order=("name",), unmatched="create", catalogue=catalogue)
    for key, decision in zip(keys, decisions, strict=True):
        ids = {target: {own for own in known if own.startswith("id:")} - {key} for target, known in links.items()}
        rivals = [target for target, others in ids.items() if not (key.startswith("id:") and others)]
        only = Same if next(iter(links), "").startswith("pending:") else Link
        assert type(decision) is (Create if not rivals else Ask if len(links) > 1 else only)
        if isinstance(decision, Create):
            links[pending_id(Ref("product", key))] = [key]
        elif isinstance(decision, Link):
            links[decision.target] = [*links[decision.target], key]
        elif isinstance(decision, Same):
            links[pending_id(decision.ref)].append(key)


class _Counting(ListingCatalogue):
    asked = 0

    def keys_of(self, target: str) -> list[str]:
        self.asked += 1
        return super().keys_of(target)


def test_things_of_one_name_are_looked_at_once_a_batch_and_not_once_a_draft() -> None:
    held = _Counting([Listed(f"T{n}", "Consulting") for n in range(200)], {f"T{n}": [f"id:{n}"] for n in range(200)})
    decisions = match(*[draft(f"id:{n}", "Consulting") for n in range(200, 400)], unmatched="create", catalogue=held)
    assert decisions == [Create()] * 200
    assert held.asked < 200 + 5 * 200


@pytest.mark.parametrize("name", ["", "???", "\u200b"])
def test_a_thing_without_a_name_matches_nothing(name: str) -> None:
    held = ListingCatalogue([Listed("P1", "?"), Listed("P2", "")])
    assert decide(draft("id:1", name), catalogue=held, unmatched="create") == Create()


# -- what no rule finds ------------------------------------------------------------------------------------------------


def test_triage_asks_with_the_nearest_candidates_best_first() -> None:
    decision = decide(draft("name:cranepadxl", "Crane pad XL"))
    assert isinstance(decision, Ask)
    assert decision.candidates[0].id == "P3"
    assert decision.candidates[0].why.startswith("name 0.")
    assert decision.why == 'product "Crane pad XL": nothing in the target has the name "Crane pad XL"'


def test_a_question_takes_what_the_rule_of_likeness_has_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    held = ListingCatalogue(TARGETS)
    monkeypatch.setattr(held, "nearest", look := Mock(wraps=held.nearest))
    decision, _ = match(draft("id:9", "Crane pad X"), draft("id:8", "GTX"), order=("name", "fuzzy"), catalogue=held)
    assert isinstance(decision, Ask)
    assert decision.candidates[0].id == "P3"
    assert [call.args[0] for call in look.call_args_list] == ["Crane pad X", "GTX"]


def test_skip_names_the_thing_and_why() -> None:
    decision = decide(draft("id:9", "Zeppelin", "Z-1", label="Zeppelin, blue"), unmatched="skip")
    assert decision == Skip('product "Zeppelin, blue": nothing in the target has the SKU "Z-1" or the name "Zeppelin"')


def test_of_many_drafts_of_a_new_thing_one_is_created_and_the_rest_are_the_same() -> None:
    decisions = match(
        draft("id:1", "Winch", "W-1"), draft("name:winch", "winch"), draft("sku:w-1", "Cable winch", "w-1"),
        draft("id:2", "Winch"), unmatched="create",
    )  # fmt: skip
    ref = Ref("product", "id:1")
    assert decisions == [Create(), Same(ref, "name"), Same(ref, "sku"), Create()]


def test_creates_of_earlier_batches_are_found_under_their_pending_id() -> None:
    held = ListingCatalogue(TARGETS)
    ref = Ref("product", "id:17/4")
    held.add(Listed(pending_id(ref), "Winch", "W-1"))
    later = match(draft("name:winch", "WINCH"), draft("id:17/4", "Winch"), catalogue=held, unmatched="create")
    assert later == [Same(ref, "name"), Create()]


def test_nobody_is_asked_to_choose_what_is_not_written_yet() -> None:
    held = ListingCatalogue([Listed("P1", "Winch L"), Listed(pending_id(Ref("product", "id:1")), "Winch XL", "W-1")])
    decision = decide(draft("name:winchxxl", "Winch XXL"), catalogue=held)
    assert isinstance(decision, Ask)
    assert [candidate.id for candidate in decision.candidates] == ["P1"]


def test_drafts_of_one_key_are_decided_once_and_equal() -> None:
    asked = match(draft("name:x", "Crane pad XL"), draft("name:x", "Crane pad XL"))
    assert asked[0] is asked[1]
    made = match(draft("id:1", "Winch"), draft("id:1", "Winch renamed"), unmatched="create")
    assert made == [Create(), Create()]


def test_drafts_without_a_key_are_each_decided_for_themselves() -> None:
    assert [type(decision) for decision in match(draft("", "GTX Pro"), draft("", "Winch"))] == [Link, Ask]


WORDS = st.lists(st.sampled_from(["gtx", "pro", "GTX", "basic", "1", "2", "-", " ", "+"]), max_size=5).map("".join)
DRAFTS = st.lists(
    st.builds(draft, st.sampled_from(["id:1", "id:2", "name:a", "sku:b", ""]), WORDS, st.sampled_from(["", "A", "B"])),
    max_size=8,
)


@given(DRAFTS, st.lists(WORDS, max_size=5))
def test_every_draft_gets_one_decision_and_links_only_to_what_is_there(drafts: list[Draft], names: list[str]) -> None:
    held = ListingCatalogue(Listed(f"P{n}", name) for n, name in enumerate(names))
    decisions = match(*drafts, catalogue=held, unmatched="create")
    assert len(decisions) == len(drafts)
    created = {one.ref for one, decision in zip(drafts, decisions, strict=True) if isinstance(decision, Create)}
    for one, decision in zip(drafts, decisions, strict=True):
        if isinstance(decision, Link):
            assert decision.target in {f"P{n}" for n in range(len(names))}
        if isinstance(decision, Same):
            assert decision.ref in created
            assert decision.ref != one.ref


@given(DRAFTS)
def test_the_creates_of_one_batch_have_distinct_names_unless_id_or_sku_tells_them_apart(drafts: list[Draft]) -> None:
    named = [one for one in drafts if one.key and not one.key.startswith("id:") and not one.body["sku"]]
    decisions = match(*named, catalogue=ListingCatalogue(), unmatched="create")
    made = {one.ref: name_key(one.body["name"]) for one, d in zip(named, decisions, strict=True) if d == Create()}
    names = [name for name in made.values() if name]
    assert len(names) == len(set(names))


# -- fuzzy -------------------------------------------------------------------------------------------------------------

DISC = Listed("D1", "Sony DPF-D70 Digital Photo Frame", "S-1")
FUZZY = ("sku", "name", "fuzzy")


def fuzzy(asked: str, *targets: Listed, sku: str = "") -> Decision:
    held = ListingCatalogue([*targets, Listed("X1", "Canon Ink Tank"), Listed("X2", "Weber Gas Grill")])
    return decide(draft("name:x", asked, sku), catalogue=held, order=FUZZY)


def test_a_model_number_that_one_target_has_links_where_the_names_agree() -> None:
    decision = fuzzy("Sony 7' Digital Photo Frame In Black - DPFD70", DISC)
    assert isinstance(decision, Link)
    assert (decision.target, decision.rule) == ("D1", "fuzzy")
    assert "share the model number DPFD70, which no other target has" in decision.why


def test_likeness_does_not_link_unless_the_rule_is_asked_for() -> None:
    held = ListingCatalogue([DISC])
    assert isinstance(decide(draft("name:x", "Sony Digital Photo Frame DPFD70"), catalogue=held), Ask)


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("Acme hex bolt 12 mm black", "Acme hex bolt 12 mm blacks"),
        ("Acme hex bolt HB1200 black", "Acme hex bolt HB1200 white"),
        ("Acme hex bolt 12 mm HB1200", "Acme hex bolt 16 mm HB1200"),
        ("Case for Acme X1000", "Acme X1000"),
        ("Leather carrying case for Acme photo camera X1000", "Acme camera X1000"),
        ("Acme television 1080p flat", "Acme television 1080p"),
        ("Acme flat washer WF920SWH WF9200", "Acme flat washer WF920SXX WF9200"),
        ("Acme cushion pad 45x45cm", "Acme cushion pad grey 45x45cm"),
        ("Acme power supply 12V/5A", "Acme power supply 12V/5A white"),
        ("Acme hex bolt M12x40", "Acme hex bolt zinc M12x40"),
        ("Acme printer cable USB2.0", "Acme printer cable USB2.0 black"),
        ("Zenith ink tank Pro9000", "Acme webcam Pro9000"),
    ],
)
def test_twins_variants_and_accessories_are_left_to_a_person(asked: str, held: str) -> None:
    decision = fuzzy(asked, Listed("D1", held))
    assert isinstance(decision, Ask)
    assert decision.candidates[0].id == "D1"


def test_a_model_number_that_two_targets_have_is_left_to_a_person() -> None:
    two = Listed("D2", "Sony DPF-D70 Digital Photo Frame White")
    assert isinstance(fuzzy("Sony Digital Photo Frame DPFD70 boxed", DISC, two), Ask)


def test_another_sku_or_another_record_forbids_a_link_by_model_number() -> None:
    asked = fuzzy("Sony Digital Photo Frame DPFD70", DISC, sku="S-2")
    assert isinstance(asked, Ask)
    assert "has the same model number, but its SKU is S-1, not S-2" in asked.why
    held = ListingCatalogue([DISC], {"D1": ["id:1"]})
    assert isinstance(decide(draft("id:2", "Sony Photo Frame DPFD70"), catalogue=held, order=FUZZY), Ask)


# -- settings ----------------------------------------------------------------------------------------------------------


def test_an_unknown_rule_names_the_nearest_one_and_all_that_are_allowed() -> None:
    with pytest.raises(ConfigError) as caught:
        RuleMatcher.from_settings(["sku", "nmae"], key="flows.won-deals.match.product")
    error = caught.value
    assert error.code == "WHERRY-2055"
    assert error.message == 'flows.won-deals.match.product.order: "nmae" is not known'
    assert error.fix == 'did you mean "name"? allowed: link, reference, sku, name, fuzzy'
    assert error.where["key"] == "flows.won-deals.match.product.order"


def test_an_unknown_word_for_the_unmatched_names_all_that_are_allowed() -> None:
    with pytest.raises(ConfigError, match=r'match\.unmatched: "drop" is not known') as caught:
        RuleMatcher.from_settings(["sku"], "drop")
    assert caught.value.fix == "allowed: create, triage, skip"


def test_a_rule_named_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match='names the rule "sku" twice'):
        RuleMatcher.from_settings(["sku", "name", "sku"])


# -- reference ---------------------------------------------------------------------------------------------------------

BOOKS = [
    Listed("C1", "Acme Rail", number="4711"),
    Listed("C2", "4712"),
    Listed("C3", "Bolt", sku="4713"),
    Listed("C4", "4714", number="9"),
    Listed("C5", "Twin", number="4715"),
    Listed("C6", "4715"),
    Listed("C7", "A-17", number="b 18"),
]


def numbered(number: str, key: str = "", name: str = "") -> Draft:
    return Draft(entity="customer", key=key or f"id:{number}", body={"name": name or number, "number": number})


def refer(*drafts: Draft, order: Sequence[str] = ("link", "reference"), unmatched: str = "create") -> list[Decision]:
    return match(*drafts, order=order, unmatched=unmatched, catalogue=ListingCatalogue(BOOKS))


def test_a_reference_links_by_number_by_sku_and_where_there_is_neither_by_name() -> None:
    """b_003_13: customers in books are known by their GL numbers."""
    assert refer(numbered("4711"), numbered("4712"), numbered("4713")) == [
        Link("C1", "reference", 'number "4711" equals the number "4711" of "Acme Rail"'),
        Link("C2", "reference", 'number "4712" equals the name "4712" of "4712"'),
        Link("C3", "reference", 'number "4713" equals the SKU "4713" of "Bolt"'),
    ]


def test_a_reference_is_exact_and_the_name_of_what_has_another_number_is_no_reference() -> None:
    assert refer(numbered("4714"), numbered("471"), numbered("04711"), numbered("A17")) == [Create()] * 4
    assert refer(numbered("B18")) == [Link("C7", "reference", 'number "B18" equals the number "b 18" of "A-17"')]


def test_several_that_go_by_one_reference_are_asked_about() -> None:
    [decision] = refer(numbered("4715"))
    assert isinstance(decision, Ask)
    assert {candidate.id for candidate in decision.candidates} == {"C5", "C6"}
    assert decision.why == '2 things in the target have the number "4715"'


def test_without_a_number_a_reference_says_nothing_and_the_next_rule_is_asked() -> None:
    drafts = [numbered("", "id:1", "Acme Rail"), numbered("-", "id:2", "Bolt")]
    found = refer(*drafts, order=("reference", "name"))
    assert [(one.target, one.rule) for one in found if isinstance(one, Link)] == [("C1", "name"), ("C3", "name")]


def test_two_drafts_of_one_number_are_one_thing() -> None:
    first, second = refer(numbered("5000", "id:a"), numbered("5000", "id:b"))
    assert (first, second) == (Create(), Same(Ref("customer", "id:a"), "reference"))


def test_what_no_reference_finds_is_told_by_its_number() -> None:
    [decision] = refer(numbered("5000"), unmatched="skip")
    assert decision == Skip('customer "5000": nothing in the target has the number "5000" or the name "5000"')


def test_a_catalogue_that_knows_no_numbers_is_searched_by_sku_and_name() -> None:
    class Plain:
        """A catalogue of somebody else, from before there were numbers."""

        def __init__(self) -> None:
            held = ListingCatalogue(BOOKS)
            self.by_sku, self.by_name, self.nearest, self.keys_of = (
                held.by_sku, held.by_name, held.nearest, held.keys_of,
            )  # fmt: skip

    found = RuleMatcher(("reference",), "create").match([numbered("4711"), numbered("4712")], Plain())
    assert found == [Create(), Link("C2", "reference", 'number "4712" equals the name "4712" of "4712"')]
