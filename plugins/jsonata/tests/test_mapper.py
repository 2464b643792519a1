"""What a map in JSONata makes of a record, and what it says where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.errors import ConfigError, Rejected
from wherry.records import Ref, Skip
from wherry.settings import Flow
from wherry_jsonata.mapper import make_mapper

from .deals import FIELDS, MAP, deal, fresh, mapper


def flow(**said: Any) -> Flow:
    table = {
        "plugin": "jsonata",
        "map": "maps/deals.jsonata",
        "fields": FIELDS,
        "makes": ["project"],
        **said.pop("mapper", {}),
    }
    return Flow.model_validate({"source": "crm", "sink": "platform", "kinds": ["deal"], "mapper": table, **said})


def test_a_deal_becomes_a_customer_and_a_project_that_refers_to_it() -> None:
    found = mapper().map(deal())
    assert isinstance(found, list)
    customer, project = found
    assert (customer.entity, customer.key, customer.body) == ("customer", "id:17", {"name": "Acme"})
    assert (project.root, project.refs, project.label) == (True, (Ref("customer", "id:17"),), "Rail & Sons")
    assert project.body["amount"] == {"minor": 105410, "currency": "USD"}
    assert [line["amount"]["minor"] for line in project.body["lines"]] == [1999, 1]
    assert [line["quantity"] for line in project.body["lines"]] == ["2.5", "1"]


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**14), 10**14))
def test_an_amount_is_the_same_to_the_cent_as_text_and_as_number(minor: int) -> None:
    sign, whole = "-" if minor < 0 else "", abs(minor)
    told = f"{sign}{whole // 100}.{whole % 100:02d}"
    for payload in (f'{{"amount":{told},"currency":"USD"}}', f'{{"amount":"{told}","currency":"USD"}}'):
        record = deal(dealname="x")
        record.payload = payload[:-1].encode() + b',"dealname":"x"}'
        found = mapper().map(record)
        assert isinstance(found, list)
        assert found[-1].body["amount"]["minor"] == minor


def test_the_gate_says_why() -> None:
    assert mapper().triggers([deal(), deal(dealstage="open")]) == [None, Skip("at stage open")]
    plain = fresh(when="deal.dealstage = 'closedwon'")
    assert plain.triggers([deal(dealstage="open")]) == [Skip("not taken by flows.won-deals.mapper.when")]
    plain.close()


def test_a_record_that_the_gate_cannot_tell_is_refused_and_does_not_hold_up_its_page() -> None:
    made = fresh(when="$number(deal.amount) > 5")
    assert made.triggers([deal(), deal(amount="many"), deal(amount="1")])[1:] == [
        None, Skip("not taken by flows.won-deals.mapper.when"),
    ]  # fmt: skip
    with pytest.raises(Rejected, match=r"deal 901: flows\.won-deals\.mapper\.when, line 1, column 9: .*many"):
        made.map(deal(amount="many"))
    made.close()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("\n\n  deal.dealname + 1", "WHERRY-4880", "maps/deals.jsonata, line 3, column 18: The left side of the +"),
        ("$nope(1)", "WHERRY-4880", "line 1, column 7: Attempted to invoke a non-function (T1006)"),
        ("$error('no such stage')", "WHERRY-4880", "no such stage"),
        ("1 / 0", "WHERRY-4883", "something is divided by zero"),
        ("$power(10, 1000)", "WHERRY-4883", "a number becomes larger than numbers can be"),
        ("$money('1.005', 'USD')", "WHERRY-4883", "1.005"),
        ("$date('soon')", "WHERRY-4883", "'soon' is not an ISO date or time"),
        ("{'entity': 'project', 'key': 'a', 'body': {'name': 'x', 'custom': {'n': 0.1 + 0.2}}}", "WHERRY-4883",
         "body.custom.n is 0.30000000000000004, a number that is not exact"),
        ("[1, 2]", "WHERRY-4882", "gives what is no draft"),
        ("{'entity': 'project', 'key': 'a', 'body': {}, 'colour': 'red'}", "WHERRY-4882", "unknown field `colour`"),
        ("{'entity': 'project', 'key': '', 'body': {'name': 'x'}}", "WHERRY-4882", "without a key"),
        ("[{'entity': 'project', 'key': 'a', 'root': true, 'body': {'name': 'x'}},"
         " {'entity': 'project', 'key': 'b', 'root': true, 'body': {'name': 'y'}}]", "WHERRY-4882", "2 roots"),
        ("{'entity': 'project', 'key': 'a', 'body': {'nmae': 'x'}}", "WHERRY-4884", "nmae"),
        ("{'entity': 'ticket', 'key': 'a', 'body': {'subject': 'x'}}", "WHERRY-4882", "does not say it makes"),
        ("{'entity': 'customer', 'key': 'a', 'body': {'name': 'x'}}", "WHERRY-4882", "is to be a project"),
        ("$sum", "WHERRY-4883", "is a function, not a value"),
    ],
)  # fmt: skip
def test_an_error_names_record_place_and_remedy(text: str, code: str, said: str) -> None:
    made = fresh(text)
    with pytest.raises(Rejected) as caught:
        made.map(deal())
    made.close()
    assert caught.value.message.startswith("deal 901: ")
    assert said in caught.value.message
    assert (caught.value.code, caught.value.where["record"]) == (code, "deal 901")
    assert caught.value.fix


@pytest.mark.parametrize("text", ["null", "[]", "deal.nothing", "{'skip': 'too small'}",
                                  "[{'skip': 'too small', 'amount': $money('1.50', 'USD')}]"])  # fmt: skip
def test_a_map_can_leave_a_record_out(text: str) -> None:
    made = fresh(text)
    found = made.map(deal())
    made.close()
    assert isinstance(found, Skip)
    assert found.reason in ("the map makes nothing of it", "too small")
    assert (found.amount, found.currency) == ((150, "USD") if "money" in text else (None, ""))


def test_syntax_is_read_when_the_flow_is_wired(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "deals.jsonata").write_text('{\n  "entity": \n}')
    with pytest.raises(ConfigError, match=r"maps/deals.jsonata, line 3, column 2: ") as caught:
        make_mapper(flow(), "deal", tmp_path)
    assert caught.value.code == "WHERRY-2883"
    (tmp_path / "maps" / "deals.jsonata").write_text(MAP)
    with pytest.raises(ConfigError, match=r"flows\.\.mapper\.when, line 1"):
        make_mapper(flow(mapper={"when": "deal ="}), "deal", tmp_path)
    make_mapper(flow(), "deal", tmp_path).close()


@pytest.mark.parametrize(
    ("said", "code", "key"),
    [
        ({"mapper": {"map": "maps/none.jsonata"}}, "WHERRY-2882", "mapper.map"),
        ({"mapper": {"map": "../secret"}}, "WHERRY-2882", "mapper.map"),
        ({"mapper": {"colour": "red"}}, "WHERRY-2880", "mapper.colour"),
        ({"mapper": {"fields": "deal"}}, "WHERRY-2880", "mapper.fields"),
        ({"mapper": {"makes": []}}, "WHERRY-2880", "mapper.makes"),
        ({"mapper": {"seconds": 0}}, "WHERRY-2880", "mapper.seconds"),
        ({"mapper": {"currency": "XXQ"}}, "WHERRY-2880", "mapper.currency"),
        ({"mapper": {"timezone": "Mars/North"}}, "WHERRY-2230", "mapper.timezone"),
        ({"map": {"project": {"name": "deal.dealname"}}}, "WHERRY-2881", "map"),
        ({"filter": "deal.amount > 5"}, "WHERRY-2881", "filter"),
    ],
)
def test_settings_that_cannot_stand_name_their_key(tmp_path: Path, said: Any, code: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_mapper(flow(**said), "deal", tmp_path)
    assert (caught.value.code, caught.value.where["key"]) == (code, f"flows..{key}")
    assert caught.value.fix


def test_a_changed_map_has_another_fingerprint() -> None:
    usual = fresh()
    others = [fresh(MAP + " "), fresh(when="true"), fresh(currency="EUR"), fresh(timezone="Europe/Paris")]
    same = fresh(steps=200_000)
    assert usual.fingerprint == same.fingerprint, "a bound does not change what is made"
    assert len({usual.fingerprint, *(other.fingerprint for other in others)}) == 5
    for made in (usual, same, *others):
        made.close()


def test_the_map_of_the_guide_is_the_one_that_is_tried_here() -> None:
    guide = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "map-with-jsonata.md"
    assert MAP in guide.read_text("utf-8")
