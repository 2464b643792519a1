"""What the kit does not ask of every source: how few calls it makes, and what is Salesforce's alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from wherry.errors import AccessLost, ConfigError, Rejected, TryAgain
from wherry.records import Page, Record
from wherry.roles import Query
from wherry_salesforce import client, soql
from wherry_salesforce.client import pace
from wherry_salesforce.simulator.options import fill, simulator
from wherry_salesforce.source import SalesforceSource

from .conftest import PAGE, Orgs, Standing

FIELDS = ("Name", "Amount", "StageName", "CurrencyIsoCode", "pipeline")
NEAR = {"company": ("Name",), "owner": ("Name",), "line_item": ("Quantity",), "file": ("name",)}
OVERLAP = 300.0


def deals(
    source: SalesforceSource, after: str | None = None, relatives: Mapping[str, tuple[str, ...]] = NEAR
) -> tuple[list[Record], str]:
    pages: list[Page] = list(source.read(Query("deal", after, None, FIELDS, relatives)))
    return [record for page in pages for record in page.records], pages[-1].mark


@pytest.fixture
def filled(org: Standing) -> Standing:
    """Four deals with two lines each, the first with a file; long ago."""
    fill(org.sim, 4)
    org.sim.clock.advance(2 * OVERLAP)
    org.calls()
    return org


def settled(org: Standing) -> str:
    """The mark of a read before and after which nothing happens for long."""
    org.sim.clock.advance(2 * OVERLAP)
    _, mark = deals(org.source())
    org.sim.clock.advance(2 * OVERLAP)
    org.calls()
    return mark


# -- calls ---------------------------------------------------------------------------------------------------------


def test_a_read_with_all_that_belongs_to_it_makes_three_calls(filled: Standing) -> None:
    """One for the fields of all objects and the stages, one for the heads, one for all relatives."""
    source = filled.source()
    records = source.complete(deals(source)[0], NEAR)
    assert filled.calls() == {"POST /composite": 2, "GET /query": 1}
    assert [len(record.relatives["line_item"]) for record in records] == [2, 2, 2, 2]
    assert [[file.fields["name"] for file in record.relatives["file"]] for record in records] == [
        ["plan.txt"],
        [],
        [],
        [],
    ]
    line = records[0].relatives["line_item"][1]
    assert (line.fields["product_name"], line.fields["sku"]) == ("Ballast", "BAL-1")
    assert {record.relatives["owner"][0].fields["Name"] for record in records} == {"Ann Lee"}


def test_a_read_without_changes_makes_one(filled: Standing) -> None:
    """Heads, lines and files together."""
    mark = settled(filled)
    assert deals(filled.source(), mark)[0] == []
    assert filled.calls() == {"POST /composite": 1}


def test_a_stamp_of_more_rows_than_a_page_holds_ends(filled: Standing) -> None:
    """Airbyte 17148: the same query for ever, or all but the first page lost. The ids have digits, capitals and small
    letters, and in which order those come is for Salesforce to say: here without case."""
    mark = settled(filled)
    more = {"StageName": "Prospecting", "CloseDate": "2026-03-31"}
    ids = [filled.sim.add("Opportunity", Name=f"Load {n}", **more) for n in range(8 * PAGE + 1)]
    records, _ = deals(filled.source(), mark)
    assert [record.id for record in records] == sorted(ids, key=str.lower) != sorted(ids)
    assert filled.calls() == {"POST /composite": 1, "GET /query": 8}


def test_a_page_that_is_shorter_than_it_could_be_is_not_taken_for_the_last(filled: Standing) -> None:
    """Wide rows come fewer at a time, whatever was asked for."""
    fill(filled.sim, 5)
    filled.sim.page = 2
    assert len(deals(filled.source())[0]) == 9


def test_ids_that_do_not_fit_into_an_address_go_in_a_body(filled: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    records, _ = deals(filled.source())
    monkeypatch.setattr(client, "LONGEST_URL", 100)
    filled.calls()
    assert len(filled.source().fetch("deal", [record.id for record in records], FIELDS)) == 4
    assert filled.calls() == {"POST /composite": 1}


def test_a_sweep_asks_for_a_thousand_at_once_and_looks_into_the_bin_for_the_rest_alone(filled: Standing) -> None:
    source, (first, *rest) = filled.source(), list(filled.sim.org.rows["Opportunity"])
    source.describe("deal")
    filled.sim.org.delete("Opportunity", first)
    filled.calls()
    told = {record.id: record.gone for record in source.sweep("deal", [first, *rest], FIELDS)}
    assert told == {first: "deleted", **dict.fromkeys(rest, "")}
    assert filled.calls() == {"GET /query": 1, "GET /queryAll": 1}


# -- what changes beside the heads ---------------------------------------------------------------------------------


def test_a_clock_that_went_back_loses_nothing(filled: Standing) -> None:
    """case_B7: what changed since has earlier stamps than the mark."""
    mark, sim = settled(filled), filled.sim
    sim.clock.advance(-5 * OVERLAP)
    (_, _, deal, other) = sim.org.rows["Opportunity"]
    sim.change("Opportunity", deal, Name="changed")
    sim.add("ContentVersion", PathOnClient="new.txt", VersionData="eA==", FirstPublishLocationId=other)
    found = [(record.id, record.touched) for record in deals(filled.source(), mark)[0]]
    assert {(deal, False), (other, True)} <= set(found)


def test_a_new_file_and_a_new_version_of_one_bring_their_deal_again(filled: Standing) -> None:
    """b_001_54: neither leaves a trace on the deal."""
    mark, sim = settled(filled), filled.sim
    (first, second, *_) = sim.org.rows["Opportunity"]
    sim.add("ContentVersion", PathOnClient="new.txt", VersionData="eA==", FirstPublishLocationId=second)
    records, _ = deals(filled.source(), mark)
    assert [(record.id, record.touched) for record in records] == [(second, True)]
    mark = settled(filled)
    document = next(iter(sim.org.rows["ContentDocument"]))
    sim.add("ContentVersion", PathOnClient="plan.txt", VersionData="eHk=", ContentDocumentId=document)
    source = filled.source()
    records, _ = deals(source, mark)
    assert [record.id for record in records] == [first]
    (file,) = source.complete(records, NEAR)[0].relatives["file"]
    with source.open_file(file.id) as pieces:
        assert b"".join(pieces) == b"xy"


def test_a_deal_that_got_a_file_and_was_deleted_is_told_of_so_that_its_return_is_a_change(filled: Standing) -> None:
    """case_B12: restored as it was it would be dropped as a repeat, and the file with it."""
    mark, org = settled(filled), filled.sim.org
    deal = next(iter(org.rows["Opportunity"]))
    filled.sim.add("ContentVersion", PathOnClient="new.txt", VersionData="eA==", FirstPublishLocationId=deal)
    org.delete("Opportunity", deal)
    records, mark = deals(filled.source(), mark)
    assert [(record.id, record.gone, record.touched) for record in records] == [(deal, "deleted", False)]
    assert filled.calls() == {"POST /composite": 1, "GET /query": 1, "GET /queryAll": 1}


def test_a_deleted_line_and_a_merger_of_accounts_bring_their_deals_again(filled: Standing) -> None:
    """Salesforce touches the survivor of a merger, and none of the opportunities that go over to it."""
    org, rows = filled.sim.org, filled.sim.org.rows
    every = Query("deal", settled(filled), None, FIELDS, NEAR, complete=tuple(NEAR), repeats=True)
    assert [record for page in filled.source().read(every) for record in page.records] == []
    assert filled.calls() == {"POST /composite": 1}
    loser, survivor, *_ = rows["Account"]
    last = list(rows["Opportunity"])[3]
    line = next(id for id, row in rows["OpportunityLineItem"].items() if row["OpportunityId"] == last)
    org.delete("OpportunityLineItem", line)
    moved = [id for id, row in rows["Opportunity"].items() if row["AccountId"] == loser]
    org.merge("Account", survivor, loser)
    found = {record.id for page in filled.source().read(every) for record in page.records}
    assert found == {*moved, last}
    assert len(moved) == 3


def test_a_rest_of_relatives_that_was_not_looked_at_is_looked_at_by_the_next_run(filled: Standing) -> None:
    """The heads' pages were handed over, the relatives' were not: their mark stays where it was."""
    mark, sim = settled(filled), filled.sim
    line, deal = next((row["Id"], row["OpportunityId"]) for row in sim.org.rows["OpportunityLineItem"].values())
    sim.change("OpportunityLineItem", line, Description="another")
    sim.clock.advance(2 * OVERLAP)
    pages: Iterator[Page] = filled.source().read(Query("deal", mark, None, FIELDS, NEAR))
    cut = next(pages).mark
    assert [record.id for record in deals(filled.source(), cut)[0]] == [deal]


def test_a_first_read_that_goes_on_looks_at_no_relative_that_it_had(orgs: Orgs) -> None:
    org = orgs()
    ids = fill(org.sim, PAGE + 3)
    org.sim.clock.advance(2 * OVERLAP)
    page = next(iter(org.source().read(Query("deal", None, None, FIELDS, NEAR))))
    assert [record.id for record in page.records] == ids[:PAGE]
    assert [(one.id, one.touched) for one in deals(org.source(), page.mark)[0]] == [(id, False) for id in ids[PAGE:]]


# -- what is Salesforce's alone ------------------------------------------------------------------------------------


def test_record_types_are_pipelines_and_won_is_what_salesforce_calls_won(orgs: Orgs) -> None:
    """b_001_64"""
    org = orgs(record_types=("Rental", "Sale"))
    rental = next(iter(org.sim.org.record_types))
    fill(org.sim, 3)
    org.sim.add("Opportunity", Name="Old", StageName="Closed Won", CloseDate="2026-01-01")
    for row in org.sim.org.rows["OpportunityStage"].values():
        row["DefaultProbability"] = 90 if row["IsWon"] else row["DefaultProbability"]
    source = org.source()
    assert [record.fields["pipeline"] for record in deals(source)[0]][::3] == [rental, "default"]
    pipelines = source.describe("deal").pipelines
    assert [pipeline.label for pipeline in pipelines] == ["without a record type", "Rental", "Sale"]
    won = [stage.id for stage in pipelines[1].stages if stage.closed and stage.probability == "1"]
    assert won == ["Closed Won"]


def test_a_currency_is_asked_for_only_where_there_are_several(orgs: Orgs) -> None:
    one, several = orgs(), orgs(currencies=("EUR", "JPY"))
    for org in (one, several):
        org.sim.add("Opportunity", Name="A", StageName="Prospecting", CloseDate="2026-01-01", Amount=Decimal("10.5"))
    ((plain,), _), ((foreign,), _) = deals(one.source()), deals(several.source(currency="GBP"))
    assert "CurrencyIsoCode" not in plain.fields
    assert [record.fields["CurrencyIsoCode"] for record in deals(one.source(currency="GBP"))[0]] == ["GBP"]
    assert (foreign.fields["CurrencyIsoCode"], foreign.fields["Amount"]) == ("EUR", Decimal("10.5"))
    assert {"CurrencyIsoCode"} <= {field.name for field in one.source().describe("deal").fields}


def test_a_person_account_is_a_company_with_an_address_of_its_own(orgs: Orgs) -> None:
    org = orgs(person_accounts=True)
    person = org.sim.add("Account", Name="Ann Lee", PersonMailingCity="Bath", PersonEmail="ann@example.org")
    deal = org.sim.add("Opportunity", Name="A", StageName="Prospecting", CloseDate="2026-01-01", AccountId=person)
    source = org.source()
    wanted = {"company": ("Name", "BillingCity", "PersonMailingCity")}
    (record,) = source.complete(source.fetch("deal", [deal], FIELDS), wanted)
    assert record.relatives["company"][0].fields["PersonMailingCity"] == "Bath"


def test_an_account_that_the_user_does_not_see_is_told_of(filled: Standing) -> None:
    account = next(iter(filled.sim.org.rows["Account"]))
    filled.sim.org.delete("Account", account)
    source = filled.source()
    record = source.complete(deals(source)[0], NEAR)[0]
    assert record.relatives["company"] == []
    assert account in record.fields["company_problem"]


def test_locations_are_an_object_of_the_org_under_our_own_names(org: Standing) -> None:
    """b_001_63 b_001_65"""
    account = org.sim.add("Account", Name="Acme")
    org.sim.org.custom("Site__c", "a00", Name="string", Street__c="string", Account__c="reference")
    site = org.sim.add("Site__c", Name="Jetty", Street__c="Quay 1", Account__c=account)
    source = org.source(location={"object": "Site__c", "street": "Street__c", "account": "Account__c"})
    ((page, _), _) = (list(source.read(Query("location", None, None, ("name", "street")))), None)
    (record,) = source.complete(page.records, {"company": ("Name",)})
    assert (record.id, record.fields["name"], record.fields["street"]) == (site, "Jetty", "Quay 1")
    assert record.relatives["company"][0].fields["Name"] == "Acme"
    with pytest.raises(ConfigError, match="Street2__c"):
        list(org.source(location={"object": "Site__c", "street": "Street2__c"}).read(Query("location")))
    assert "location" not in org.source().kinds


def test_an_id_of_fifteen_characters_is_that_of_eighteen(filled: Standing) -> None:
    """The example is Salesforce's own."""
    assert soql.long_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    deal = next(iter(filled.sim.org.rows["Opportunity"]))
    assert [record.id for record in filled.source().fetch("deal", [deal[:15], "' OR Id != '"], FIELDS)] == [deal]


def test_users_are_read_and_swept_though_they_are_never_deleted(org: Standing) -> None:
    source = org.source()
    (page, *_) = source.read(Query("owner", None, None, ("Name", "Email")))
    assert [record.fields["Name"] for record in page.records] == ["Ann Lee"]
    other = soql.long_id("0050000000000zz")
    assert [(one.id, one.gone) for one in source.sweep("owner", [org.sim.org.user, other], ("Name",))] == [
        (org.sim.org.user, ""), (other, "deleted"),
    ]  # fmt: skip


def test_what_is_quoted_stays_one_text(org: Standing) -> None:
    """case_G15"""
    name = "O'Neil \\' OR Name != '"
    org.sim.add("Account", Name=name)
    found = org.soql(soql.select(["Id", "Name"], "Account", f"Name = {soql.quoted(name)}"))
    assert [row["Name"] for row in found] == [name]


# -- what goes wrong -----------------------------------------------------------------------------------------------


def test_a_field_that_the_user_does_not_see_is_named_before_anything_is_read(filled: Standing) -> None:
    """case_B17, b_001_61"""
    with pytest.raises(ConfigError, match=r"deal\.StageNam .*") as caught:
        list(filled.source().read(Query("deal", fields=("StageNam",))))
    assert "StageName" in caught.value.fix
    assert filled.calls() == {"POST /composite": 2}


def test_what_no_map_names_need_not_be_granted(filled: Standing) -> None:
    for object, name in (("Opportunity", "OwnerId"), ("OpportunityLineItem", "SortOrder"), ("Product2", "ProductCode")):
        shape = filled.sim.org.objects[object]
        rest = {one: type for one, type in shape.fields.items() if one != name}
        filled.sim.org.objects[object] = replace(shape, fields=rest)
    source = filled.source()
    wanted = {"line_item": ("Quantity",), "company": ("Name",)}
    (record, *_) = source.complete(deals(source, relatives=wanted)[0], wanted)
    assert [line.fields["sku"] for line in record.relatives["line_item"]] == [None, None]


def test_an_object_that_the_user_does_not_see_is_named(filled: Standing) -> None:
    filled.sim.hidden.add("OpportunityLineItem")
    source = filled.source()
    records, _ = deals(source, relatives={})
    for wanted in (NEAR, {"product": ()}):
        with pytest.raises(AccessLost, match="OpportunityLineItem"):
            source.complete(records, wanted)


def test_a_refused_part_of_a_call_is_no_answer_that_there_is_nothing(filled: Standing) -> None:
    """case_B11: the whole answers 200."""
    source = filled.source()
    records, _ = deals(source)
    filled.sim.hidden.add("Account")
    with pytest.raises(ConfigError, match="Account"):
        source.complete(records, NEAR)


def test_a_part_that_took_too_long_is_asked_by_itself(filled: Standing) -> None:
    source = filled.source()
    records, _ = deals(source)
    slow = {"httpStatusCode": 400, "body": [{"errorCode": "QUERY_TIMEOUT", "message": "too long"}]}
    body = {"compositeResponse": [slow] * len(NEAR)}
    filled.sim.faults.add("status", status=200, body=body, path="composite")
    filled.calls()
    assert source.complete(records, NEAR)[0].relatives["file"]
    assert filled.calls()["GET /query"] == len(NEAR)


def test_a_cursor_that_is_forgotten_is_for_a_later_run_and_a_file_that_is_gone_for_a_person(filled: Standing) -> None:
    """case_B10: Salesforce keeps ten cursors of a user. A file may go between its listing and its copying."""
    source = filled.source()
    records, _ = deals(source)
    filled.sim.page = 2
    body = [{"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}]
    filled.sim.faults.add("status", status=400, body=body, path="/query/", times=9)
    with pytest.raises(TryAgain, match="sends nothing new"):
        source.complete(records, NEAR)
    gone = soql.long_id("0680000000000zz")
    with pytest.raises(Rejected, match=f"does not give out file {gone}"), source.open_file(gone) as pieces:
        b"".join(pieces)


def test_a_version_of_the_api_that_is_not_alive_is_named(filled: Standing) -> None:
    with pytest.raises(ConfigError, match=r"v199\.0"):
        filled.source(api="199.0").check()


def test_a_stage_that_was_just_made_has_the_stages_asked_anew(filled: Standing) -> None:
    source = filled.source()
    source.describe("deal")
    filled.sim.org.put("OpportunityStage", {"ApiName": "Signed", "IsActive": True, "IsClosed": True, "IsWon": True})
    deal = next(iter(filled.sim.org.rows["Opportunity"]))
    filled.sim.change("Opportunity", deal, StageName="Signed")
    deals(source)
    assert "Signed" in [stage.id for stage in filled.source().describe("deal").pipelines[0].stages]


def test_the_days_calls_are_told_from_too_many_at_once(filled: Standing) -> None:
    """case_E8: both are 403 with one code, and none of them a lost sign-in."""
    for message, after in (("TotalRequests Limit exceeded.", 3_600.0), ("ConcurrentRequests Limit exceeded.", 30.0)):
        body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": message}]
        filled.sim.faults.add("status", status=403, body=body, times=99)
        with pytest.raises(TryAgain) as caught:
            filled.source().check()
        assert caught.value.after == after
        filled.sim.faults.clear()


def test_the_less_the_org_has_left_the_slower_we_go() -> None:
    told = [pace({"sforce-limit-info": f"api-usage={said}"}) for said in ("10/15010", "14950/15000; per-app=1/2", "x")]
    assert [one and (one.limit, one.seconds) for one in told] == [(250, 60.0), (1, 60.0), None]


def test_the_stand_in_is_made_by_options() -> None:
    made = simulator({"deals": "3", "multicurrency": "yes", "currency": "GBP", "record_types": "Sale", "limit": "50"})
    assert (len(made.org.rows["Opportunity"]), made.org.currencies[0]) == (3, "GBP")


def test_bytes_are_numbers_digit_by_digit(filled: Standing) -> None:
    """What the wire says is what is hashed and mapped."""
    ((record, *_), _) = deals(filled.source())
    assert json.loads(record.payload)["AccountId"]
    assert record.fields["Amount"] == Decimal("552.05")
