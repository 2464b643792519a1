"""Field maps: from a source record to drafts, as a plugin's default says and as operators change it."""

from __future__ import annotations

import json
import tomllib
from types import SimpleNamespace
from typing import Any

import pytest
from wherry.errors import ConfigError, ContractBroken, Rejected
from wherry.mapping import MapMapper, build, explain
from wherry.records import Draft, Record, Ref, Skip
from wherry.roles import Description, FieldInfo, FieldMapper, Pipeline, Stage

LINE = {
    "product": "ref(product)",
    "source": "id(line_item.id)",
    "quantity": "decimal(line_item.quantity)",
    "price": "decimal(line_item.price)",
}
DEFAULT: dict[str, Any] = {
    "trigger": {"pipeline": "deal.pipeline", "stage": "deal.dealstage"},
    "customer": {"from": "company", "optional": True, "key": "id(company.id)",
                 "fields": {"name": "company.name", "city": "company.city"}},
    "product": {"from": "line_item", "each": True,
                "key": "product(line_item.hs_product_id, line_item.hs_sku, line_item.name)",
                "fields": {"name": "line_item.name", "sku": "line_item.hs_sku"}},
    "project": {"root": True, "key": "id(deal.id)", "label": "deal.dealname",
                "fields": {"name": "deal.dealname", "close_date": "date(deal.closedate)",
                           "amount": "money(deal.amount, deal.deal_currency_code)",
                           "customer": "ref(customer)", "lines": {"each": "line_item", "fields": LINE}}},
    "file": {"from": "file", "each": True, "key": "id(file.id, deal.id)", "file": "file.id",
             "fields": {"name": "file.name", "project": "ref(project)"}},
}  # fmt: skip
SALES = Pipeline(
    "default",
    "Sales",
    (Stage("sent", "Contract sent", "0.9"), Stage("closedwon", "Closed won", "1.0", closed=True)),
)
RENTALS = Pipeline("rentals", "Rentals", (Stage("signed", "Signed", "1.0", closed=True),))
SOURCE = Description(
    fields=tuple(
        FieldInfo(name)
        for name in ("dealname", "amount", "deal_currency_code", "closedate", "pipeline", "dealstage", "po_number")
    ),
    pipelines=(SALES, RENTALS),
)


def flow(text: str = "", **said: Any) -> Any:
    """The part of a flow's settings that a map reads, as it stands in the project file."""
    found: dict[str, Any] = {
        "kinds": ("deal",),
        "filter": None,
        "changed_since": None,
        "map": {},
        "files": True,
        "pipelines": (),
        "document": None,
        "when": None,
    }
    found |= tomllib.loads(text) | said
    found["pipelines"] = [SimpleNamespace(**{"map": None, "active": True} | one) for one in found["pipelines"]]
    return SimpleNamespace(name="won-deals", **found)


def mapper(text: str = "", default: dict[str, Any] = DEFAULT, **options: Any) -> MapMapper:
    usual: dict[str, Any] = {"currency": "USD", "timezone": "America/Chicago", "description": SOURCE}
    return build(flow(text), "deal", default, **usual | options)


def record(
    kind: str = "deal", id: str = "7", /, relatives: dict[str, list[Record]] | None = None, **fields: Any
) -> Record:
    return Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode(), relatives=relatives or {})


def deal(**fields: Any) -> Record:
    lines = [
        record("line_item", "31", name="GTX Pro", hs_sku="GTX-1", quantity="2", price="10.5"),
        record("line_item", "32", name="GTXPro", hs_sku="GTX-1", quantity="1", price="9"),
        record("line_item", "33", name="Delivery", quantity="1"),
    ]
    relatives = {
        "company": [record("company", "4", name="Acme", city="Berlin"), record("company", "5", name="Other")],
        "line_item": lines,
        "file": [record("file", "90", name="offer.pdf")],
    }
    usual = {"dealname": "Won", "amount": "1054.00", "deal_currency_code": "EUR", "closedate": "2017-03-01"}
    place = {"pipeline": "default", "dealstage": "closedwon"}
    return record("deal", "7", relatives, **usual | place | fields)


def only(drafts: list[Draft], entity: str) -> Draft:
    found = [draft for draft in drafts if draft.entity == entity]
    assert len(found) == 1, found
    return found[0]


def test_a_deal_becomes_customer_products_files_and_the_project_last() -> None:
    """b_001_06, b_001_07, b_001_08, b_001_31, b_001_32, b_001_34"""
    drafts = mapper().map(deal())
    assert [(draft.entity, draft.key) for draft in drafts] == [
        ("customer", "id:4"),
        ("product", "sku:gtx-1"),
        ("product", "name:delivery"),
        ("file", "id:90/7"),
        ("project", "id:7"),
    ]
    assert [draft.root for draft in drafts] == [False, False, False, False, True]
    assert drafts[0].body == {"name": "Acme", "city": "Berlin"}


def test_the_project_carries_exact_money_its_accounting_date_and_its_lines() -> None:
    project = mapper().map(deal())[-1]
    assert project.label == "Won"
    assert project.body["amount"] == {"minor": 105400, "currency": "EUR"}
    assert project.body["close_date"] == "2017-03-01"
    assert [line["quantity"] for line in project.body["lines"]] == ["2", "1", "1"]
    assert project.body["lines"][0]["price"] == "10.5"
    assert [line["source"] for line in project.body["lines"]] == ["id:31", "id:32", "id:33"]


def test_a_line_refers_to_the_product_of_its_own_line_item() -> None:
    project = mapper().map(deal())[-1]
    assert [line["product"]["key"] for line in project.body["lines"]] == ["sku:gtx-1", "sku:gtx-1", "name:delivery"]


def test_references_stay_symbolic_and_are_listed_once() -> None:
    drafts = mapper().map(deal())
    customer, first, second = (Ref("customer", "id:4"), Ref("product", "sku:gtx-1"), Ref("product", "name:delivery"))
    assert drafts[-1].refs == (customer, first, second)
    assert only(drafts, "file").refs == (Ref("project", "id:7"),)
    assert only(drafts, "file").file == "90"


def test_two_line_items_of_one_product_make_one_product_draft() -> None:
    """The first line item says what the product is called."""
    products = [draft for draft in mapper().map(deal()) if draft.entity == "product"]
    assert [draft.label for draft in products] == ["GTX Pro", "Delivery"]


def test_a_deal_without_a_company_has_no_customer_where_the_map_calls_it_optional() -> None:
    lonely = deal()
    lonely.relatives["company"] = []
    drafts = mapper().map(lonely)
    assert "customer" not in {draft.entity for draft in drafts}
    assert "customer" not in drafts[-1].body


def test_a_missing_relative_that_the_map_needs_is_refused_with_what_to_do() -> None:
    needy = DEFAULT | {"customer": {**DEFAULT["customer"], "optional": False}}
    lonely = deal()
    del lonely.relatives["company"]
    with pytest.raises(Rejected, match="deal 7 has no company") as refused:
        mapper(default=needy).map(lonely)
    assert refused.value.code == "WHERRY-4203"
    assert "give it a company" in refused.value.fix


def test_a_line_item_that_nothing_identifies_is_refused_by_name() -> None:
    blank = deal()
    blank.relatives["line_item"] = [record("line_item", "40", quantity="1", name="  ")]
    with pytest.raises(Rejected, match=r"nothing identifies its product.*line_item\.hs_sku") as refused:
        mapper().map(blank)
    assert refused.value.code == "WHERRY-4204"


@pytest.mark.parametrize("name", ["", "   ", None])
def test_a_required_field_left_empty_is_refused_naming_record_target_and_source(name: str | None) -> None:
    with pytest.raises(Rejected) as refused:
        mapper().map(deal(dealname=name))
    error = refused.value
    assert error.where["record"] == "deal 7"
    assert error.where["field"] == "project.name"
    assert error.where["source"] == "deal.dealname"
    assert "first(deal.dealname, 'unnamed')" in error.fix


def test_an_unreadable_amount_is_refused_with_field_source_and_remedy() -> None:
    """case_C18"""
    with pytest.raises(Rejected) as refused:
        mapper().map(deal(amount="1,234.50"))
    assert "deal 7: project.amount cannot be made from deal.amount, deal.deal_currency_code" in refused.value.message
    assert "plain decimal text" in refused.value.fix


def test_digits_beyond_the_currency_are_refused_and_the_remedy_names_round_money() -> None:
    with pytest.raises(Rejected, match="more than 2 decimals of EUR") as refused:
        mapper().map(deal(amount="10.005"))
    assert "round_money" in refused.value.fix


def test_a_float_on_the_way_of_an_amount_is_refused() -> None:
    """case_C1"""
    inexact = deal()
    inexact.decoded = inexact.fields | {"amount": 0.1 + 0.2}
    with pytest.raises(Rejected, match="not an exact number"):
        mapper().map(inexact)


def test_rounding_is_counted_per_currency_and_not_for_what_was_refused_or_skipped() -> None:
    rounding = mapper('[map.project]\namount = "round_money(deal.amount, deal.deal_currency_code)"')
    assert rounding.map(deal(amount="10.005"))[-1].body["amount"] == {"minor": 1001, "currency": "EUR"}
    rounding.map(deal(amount="0.101", deal_currency_code="USD"))
    with pytest.raises(Rejected):
        rounding.map(deal(amount="5.001", dealname=""))
    rounding.triggers([deal(amount="5.001", dealstage="sent")])
    assert {currency: str(rest) for currency, rest in rounding.residue.items()} == {"EUR": "-0.005", "USD": "0.001"}


def test_another_run_with_the_same_map_counts_from_nothing() -> None:
    first = mapper('[map.project]\namount = "round_money(deal.amount, deal.deal_currency_code)"')
    first.map(deal(amount="10.005"))
    second = first.anew()
    assert (second.residue, second.fingerprint) == ({}, first.fingerprint)
    second.map(deal(amount="10.001"))
    assert {currency: str(rest) for currency, rest in first.residue.items()} == {"EUR": "-0.005"}
    assert {currency: str(rest) for currency, rest in second.residue.items()} == {"EUR": "0.001"}


def test_missing_null_and_empty_are_three_things_in_a_custom_field() -> None:
    """case_B20"""
    custom = mapper('[map.project]\n"custom.po_number" = "deal.po_number"')
    assert "custom" not in custom.map(deal())[-1].body
    assert custom.map(deal(po_number=None))[-1].body["custom"] == {"po_number": None}
    assert custom.map(deal(po_number=""))[-1].body["custom"] == {"po_number": ""}


def test_default_keeps_an_empty_text_and_first_does_not() -> None:
    """case_B20"""
    text = "[map.project]\nowner = \"default(deal.po_number, 'none')\"\nstage = \"first(deal.po_number, 'none')\""
    body = mapper(text).map(deal(po_number=""))[-1].body
    assert (body.get("owner", ""), body["stage"]) == ("", "none")
    body = mapper(text).map(deal(po_number=None))[-1].body
    assert (body["owner"], body["stage"]) == ("none", "none")


def test_the_flow_overrides_adds_and_drops_single_fields() -> None:
    """b_001_05, b_001_31, b_001_50"""
    changed = mapper(
        """
        [map.project]
        name = "join(' / ', deal.po_number, deal.dealname)"
        close_date = false
        custom.po_number = "deal.po_number"
        "custom.worth" = "decimal(deal.amount)"
        [map.project.lines]
        price = false
        description = "upper(line_item.name)"
        """
    )
    body = changed.map(deal(po_number="P1"))[-1].body
    assert body["name"] == "P1 / Won"
    assert "close_date" not in body
    assert body["custom"] == {"po_number": "P1", "worth": "1054.00"}
    assert body["lines"][0]["description"] == "GTX PRO"
    assert "price" not in body["lines"][0]


def test_dropping_lines_drops_the_whole_list() -> None:
    drafts = mapper("[map.project]\nlines = false").map(deal())
    assert "lines" not in drafts[-1].body


def test_a_flow_without_files_neither_reads_nor_maps_them() -> None:
    """b_001_52"""
    without = mapper("files = false")
    assert "file" not in without.fields
    assert "file" not in {draft.entity for draft in without.map(deal())}


def test_dropping_an_entity_drops_the_default_references_to_it() -> None:
    drafts = mapper("[map]\ncustomer = false").map(deal())
    assert "customer" not in {draft.entity for draft in drafts}
    assert "customer" not in drafts[-1].body


NAMED = """
pipelines = [
    { id = "default", stages = ["won"] },
    { id = "rentals", stages = ["signed"], map = "rental-map" },
]
[map.project]
description = "'a sale'"
"""


def test_a_pipeline_can_have_a_map_of_its_own_in_place_of_the_flows() -> None:
    """b_001_40, b_001_41"""
    named = mapper(NAMED, named_maps={"rental-map": {"project": {"name": "upper(deal.dealname)", "amount": False}}})
    sale, rental = named.map(deal())[-1].body, named.map(deal(pipeline="rentals"))[-1].body
    assert (sale["name"], sale["description"], "amount" in sale) == ("Won", "a sale", True)
    assert (rental["name"], rental.get("description"), "amount" in rental) == ("WON", None, False)


def test_fields_lists_what_map_and_gate_use_by_kind() -> None:
    used = mapper('[map.project]\ndescription = "contact.email"', kinds=["contact"]).fields
    assert used == {
        "deal": ("amount", "closedate", "deal_currency_code", "dealname", "dealstage", "pipeline"),
        "company": ("city", "name"),
        "contact": ("email",),
        "file": ("name",),
        "line_item": ("hs_product_id", "hs_sku", "name", "price", "quantity"),
    }


def test_the_mapper_fills_the_role() -> None:
    assert isinstance(mapper(), FieldMapper)


def test_a_skip_keeps_the_amount_that_was_left_out() -> None:
    skips = mapper().triggers([deal(), deal(dealstage="sent"), deal(dealstage="sent", amount="?")])
    reason = "stage Contract sent is not a trigger stage"
    assert skips == [None, Skip(reason, 105400, "EUR"), Skip(reason)]


def test_a_record_on_which_the_filter_cannot_be_told_is_refused_by_the_map() -> None:
    filtered = mapper('filter = "deal.amount > 1000"')
    junk = deal(amount="many")
    assert filtered.triggers([junk, deal()]) == [None, None]
    with pytest.raises(Rejected, match=r"filter deal\.amount > 1000 cannot be told for deal 7"):
        filtered.map(junk)


def test_the_fingerprint_is_the_same_on_every_machine() -> None:
    """A run must not look like a changed map because it runs elsewhere."""
    assert mapper().fingerprint == mapper().fingerprint == "29505c73da727f606e6cc48312a36e4e"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('[map.project]\nname = "upper(deal.dealname)"', {}),
        ("[map.project]\nclose_date = false", {}),
        ('pipelines = [{ id = "default", stages = ["sent"] }]', {}),
        ('filter = "deal.amount > 5"', {}),
        ("changed_since = 2016-01-01", {}),
        ("files = false", {}),
        ("", {"currency": "EUR"}),
        ("", {"timezone": "UTC"}),
    ],
)
def test_the_fingerprint_changes_with_whatever_could_change_a_draft(text: str, options: dict[str, Any]) -> None:
    assert mapper(text, **options).fingerprint != mapper().fingerprint


def test_explain_tells_every_line_with_its_origin() -> None:
    text = '[map.project]\nname = "upper(deal.dealname)"\nclose_date = false'
    rows = {row.target: row for row in explain(mapper(text))}
    assert rows["project.amount"].origin == "plugin default"
    assert (rows["project.name"].expression, rows["project.name"].origin) == ("upper(deal.dealname)", "flow won-deals")
    assert rows["project.name"].required
    assert rows["project.close_date"].expression == ""
    assert rows["project.lines.quantity"].expression == "decimal(line_item.quantity)"


def test_explain_marks_the_lines_of_a_named_map() -> None:
    named = mapper(NAMED, named_maps={"rental-map": {"project": {"name": "upper(deal.dealname)"}}})
    rows = [row for row in explain(named) if row.target == "project.name"]
    assert [(row.map, row.origin) for row in rows] == [("", "plugin default"), ("rental-map", "map rental-map")]


def test_a_plugins_transform_is_used_by_name_and_wins_over_the_cores() -> None:
    shout = mapper('[map.project]\nname = "upper(deal.dealname)"', transforms={"upper": lambda value: f"{value}!"})
    assert shout.map(deal())[-1].body["name"] == "Won!"


def test_a_transform_that_raises_what_it_may_not_breaks_the_contract() -> None:
    def careless(value: str) -> str:
        raise KeyError(value)

    broken = mapper('[map.project]\nname = "careless(deal.dealname)"', transforms={"careless": careless})
    with pytest.raises(ContractBroken, match=r"transform of project\.name failed with KeyError"):
        broken.map(deal())


def test_a_value_the_shape_refuses_names_the_line_that_gave_it() -> None:
    with pytest.raises(Rejected) as refused:
        mapper('[map.project]\nowner = "deal.po_number"').map(deal(po_number=12))
    assert refused.value.where["field"] == "project.owner"
    assert refused.value.where["source"] == "deal.po_number"
    assert refused.value.where["line"] == "flows.won-deals.map.project.owner"
    assert "text(…)" in refused.value.fix


def test_a_value_refused_inside_a_line_names_the_lines_field() -> None:
    odd = deal()
    odd.relatives["line_item"][0].decoded = {"name": 5, "hs_sku": "A", "quantity": "1"}
    with pytest.raises(Rejected) as refused:
        mapper('[map]\nproduct = false\n[map.project]\n"lines.name" = "line_item.name"').map(odd)
    assert refused.value.where["field"] == "project.lines.name"


def test_what_a_relative_lacks_is_not_taken_from_the_one_before() -> None:
    body = mapper('[map.project]\n"lines.sku" = "line_item.hs_sku"').map(deal())[-1].body
    assert [line.get("sku") for line in body["lines"]] == ["GTX-1", "GTX-1", None]


def test_a_relatives_own_relative_is_seen_from_it_alone() -> None:
    nested = deal()
    nested.relatives["line_item"][0].relatives = {"stock": [record("stock", "1", unit="box")]}
    body = mapper('[map.project]\n"lines.description" = "stock.unit"', kinds=["stock"]).map(nested)[-1].body
    assert [line.get("description") for line in body["lines"]] == ["box", None, None]


def test_a_source_field_whose_name_is_no_word_is_reached_with_brackets() -> None:
    described = Description(pipelines=SOURCE.pipelines)
    odd = mapper("[map.project]\nowner = 'deal[\"Owner Name\"]'", description=described)
    assert odd.map(deal(**{"Owner Name": "Ada"}))[-1].body["owner"] == "Ada"


# -- conditions: what is made of a record, and whether anything is ----------------------------------------------------

BILL: dict[str, Any] = {
    "trigger": {"amount": "money(deal.amount, deal.deal_currency_code)"},
    "customer": {"from": "company", "when": "company.known", "key": "id(company.id)",
                 "fields": {"name": "company.name"}},
    "ticket": {"root": True, "document": ["ticket", "case"], "key": "id(deal.id)", "void": "deal.void",
               "fields": {"subject": "deal.dealname"}},
    "charge": {"root": True, "document": "bill", "when": "deal.is_charge", "key": "id(deal.id)", "skip": "deal.why",
               "fields": {"service": "deal.dealname", "date": "date(deal.closedate)", "customer": "ref(customer)"}},
    "project": {"root": True, "document": "bill", "key": "id(deal.id)",
                "fields": {"name": "deal.dealname", "customer": "ref(customer)"}},
}  # fmt: skip


def bill(document: str | None = "bill", default: dict[str, Any] = BILL, text: str = "", **fields: Any) -> Any:
    relatives = {"company": [record("company", "4", name="Acme", known=fields.pop("known", True))]}
    usual = {"dealname": "Won", "closedate": "2017-03-01", "amount": "12.50", "deal_currency_code": "EUR"}
    made = build(
        flow(text, document=document), "deal", default, currency="USD", timezone="UTC", description=Description()
    )  # fmt: skip
    return made.map(record("deal", "7", relatives, **usual | fields))


def entities(drafts: list[Draft]) -> list[str]:
    return [draft.entity for draft in drafts]


def test_of_several_roots_the_first_that_holds_is_made_else_the_last() -> None:
    assert entities(bill(is_charge=True)) == ["customer", "charge"]
    assert entities(bill(is_charge="yes")) == ["customer", "charge"]
    assert entities(bill(is_charge=False)) == entities(bill()) == ["customer", "project"]
    assert [draft.root for draft in bill(is_charge=True)] == [False, True]


def test_an_entity_whose_condition_does_not_hold_is_not_made_and_nothing_refers_to_it() -> None:
    [project] = bill(known=False)
    assert (project.entity, project.refs) == ("project", ())


def test_a_condition_that_is_neither_yes_nor_no_refuses_the_record() -> None:
    with pytest.raises(Rejected, match=r"charge \(when\) cannot be made from deal.is_charge: 'perhaps' is neither"):
        bill(is_charge="perhaps")


def test_a_reason_to_skip_comes_with_the_amount_and_counts_for_the_root_that_would_be_made() -> None:
    assert bill(is_charge=True, why="no GL number") == Skip("no GL number", 1250, "EUR")
    assert entities(bill(is_charge=True, why=" ")) == ["customer", "charge"]
    assert entities(bill(is_charge=False, why="no GL number")) == ["customer", "project"]
    assert bill(is_charge=True, why="late", amount="junk") == Skip("late")


def test_the_document_of_a_flow_chooses_among_the_roots_and_the_first_is_usual() -> None:
    assert entities(bill("ticket")) == entities(bill("case")) == entities(bill(None)) == ["customer", "ticket"]
    assert entities(bill("bill")) == ["customer", "project"]


def test_what_is_void_says_so() -> None:
    assert [draft.void for draft in bill("case", void=True)] == [False, True]
    assert [draft.void for draft in bill("case", void="no")] == [False, False]


@pytest.mark.parametrize(
    ("document", "default", "said"),
    [
        ("bil", BILL, "did you mean 'bill'"),
        ("bill", DEFAULT, "this kind becomes no document"),
    ],
)
def test_a_document_that_the_map_does_not_make_is_a_mistake(document: str, default: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bill(document, default)
    assert said in f"{caught.value.message} {caught.value.fix}"
    assert (caught.value.code, caught.value.where["key"]) == ("WHERRY-2212", "flows.won-deals.document")


def test_a_kind_of_several_that_becomes_no_document_is_left_alone() -> None:
    assert entities(bill("invoice", DEFAULT | {"trigger": {}}, 'kinds = ["deal", "invoice"]'))[-1] == "project"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"charge": BILL["charge"] | {"when": ""}}, "so it must say when"),
        ({"project": BILL["project"] | {"when": "deal.x"}}, "so it must not say when"),
        ({"ticket": BILL["ticket"] | {"root": False}}, "an entity must say root"),
        ({"project": BILL["project"] | {"wen": "deal.x"}}, "did you mean 'when'"),
    ],
)
def test_roots_that_leave_it_open_what_is_made_are_the_plugins_mistake(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        bill("bill", BILL | change)


def test_what_conditions_use_is_read_and_changes_the_fingerprint() -> None:
    def made(**change: Any) -> MapMapper:
        default = BILL | {"charge": BILL["charge"] | change}
        options: Any = {"currency": "USD", "timezone": "UTC", "description": Description()}
        return build(flow(document="bill"), "deal", default, **options)

    assert {"amount", "deal_currency_code", "is_charge", "why"} <= set(made().fields["deal"])
    assert made().fields["company"] == ("known", "name")
    assert made().roots == ("charge", "project")
    assert made().root == "project"
    assert made().fingerprint != made(when="deal.other").fingerprint != made(skip="deal.other").fingerprint
