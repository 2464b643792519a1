"""What the kit does not ask of every source: how few calls it makes, and what is Dynamics' alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from wherry.errors import AccessLost, ConfigError, TryAgain, WherryError
from wherry.records import Page, Record
from wherry.roles import Query
from wherry_dynamics import client
from wherry_dynamics.objects import ISO as CURRENCY
from wherry_dynamics.simulator.options import fill, simulator
from wherry_dynamics.source import DynamicsSource

from .conftest import PAGE, Environments, Standing

FIELDS = ("name", "actualvalue", "statuscode", "statuscodename", "currency", "customeridtype", "owneridname")
NEAR: dict[str, tuple[str, ...]] = {"company": ("name",), "line_item": ("quantity",), "file": ("name",)}
OVERLAP = 300.0


def deals(
    source: DynamicsSource, after: str | None = None, relatives: Mapping[str, tuple[str, ...]] = NEAR
) -> tuple[list[Record], str]:
    pages: list[Page] = list(source.read(Query("deal", after, None, FIELDS, relatives)))
    return [record for page in pages for record in page.records], pages[-1].mark


@pytest.fixture
def filled(environment: Standing) -> Standing:
    """Four deals with two lines each, the first with a file; long ago."""
    fill(environment.sim, 4)
    environment.sim.clock.advance(2 * OVERLAP)
    environment.calls()
    return environment


def settled(one: Standing) -> str:
    """The mark of a read before and after which nothing happens for long."""
    one.sim.clock.advance(2 * OVERLAP)
    _, mark = deals(one.source())
    one.sim.clock.advance(2 * OVERLAP)
    one.calls()
    return mark


# -- calls -------------------------------------------------------------------------------------------------------------


def test_a_read_with_all_that_belongs_to_it_makes_a_call_for_each_table(filled: Standing) -> None:
    source = filled.source()
    records = source.complete(deals(source)[0], NEAR)
    assert filled.calls() == {
        "GET /opportunities": 1, "GET /accounts": 1, "GET /opportunityproducts": 1, "GET /annotations": 1,
    }  # fmt: skip
    assert [len(record.relatives["line_item"]) for record in records] == [2, 2, 2, 2]
    assert [[file.fields["name"] for file in record.relatives["file"]] for record in records] == [
        ["plan.txt"],
        [],
        [],
        [],
    ]
    product, write_in = records[0].relatives["line_item"]
    assert (product.fields["product_name"], product.fields["sku"]) == ("GTX Pro", "GTX-PRO")
    assert (write_in.fields["product_name"], write_in.fields["sku"], write_in.fields["productid"]) == (
        "Survey",
        None,
        None,
    )


def test_a_read_without_changes_makes_three(filled: Standing) -> None:
    """Heads, lines and files; tables are described once an hour."""
    mark = settled(filled)
    assert deals(filled.source(), mark)[0] == []
    assert filled.calls() == {"GET /opportunities": 1, "GET /opportunityproducts": 1, "GET /annotations": 1}


def test_a_row_has_its_labels_and_codes_and_its_numbers_digit_by_digit(filled: Standing) -> None:
    (record, *_), _ = deals(filled.source())
    told = record.fields
    assert (told["statuscode"], told["statuscodename"], told["customeridtype"], told["owneridname"]) == (
        3, "Won", "account", "Ann Lee",
    )  # fmt: skip
    assert (told["currency"], told["pipeline"], told["actualvalue"]) == ("USD", "default", Decimal("552.05"))
    assert b'"actualvalue":552.0500' in record.payload
    assert {"modifiedon", "versionnumber", "@odata.etag"}.isdisjoint(told)


def test_two_changes_within_a_second_are_two_versions(filled: Standing) -> None:
    """Stamps are whole seconds: the version is that of the ETag."""
    (deal, *_) = filled.sim.org.rows["opportunity"]
    versions = []
    for name in ("one", "two"):
        filled.sim.change("opportunity", deal, name=name)
        versions.append(filled.source().fetch("deal", [deal.upper(), "' or 1 eq 1"], FIELDS)[0].version)
    assert versions[0] != versions[1]


# -- what changes beside the heads -------------------------------------------------------------------------------------


def test_a_clock_that_went_back_loses_nothing(filled: Standing) -> None:
    """case_B7: what changed since has earlier stamps than the mark."""
    mark, sim = settled(filled), filled.sim
    sim.clock.advance(-5 * OVERLAP)
    (_, _, deal, other) = sim.org.rows["opportunity"]
    sim.change("opportunity", deal, name="changed")
    sim.add("annotation", filename="new.txt", documentbody="eA==", objectid=other)
    found = [(record.id, record.touched) for record in deals(filled.source(), mark)[0]]
    assert {(deal, False), (other, True)} <= set(found)


def test_a_merger_of_accounts_brings_their_deals_again(filled: Standing) -> None:
    """Nothing on them shows that they belong to another now."""
    rows = filled.sim.org.rows
    every = Query("deal", settled(filled), None, FIELDS, NEAR, complete=tuple(NEAR), repeats=True)
    assert [record for page in filled.source().read(every) for record in page.records] == []
    loser, survivor, *_ = rows["account"]
    moved = [id for id, row in rows["opportunity"].items() if row["_customerid_value"] == loser]
    filled.sim.org.merge("account", survivor, loser)
    found = [record for page in filled.source().read(every) for record in page.records]
    assert {record.id for record in found} >= set(moved)
    assert len(moved) == 3
    assert all(record.touched for record in found)


def test_a_new_file_and_a_replaced_one_bring_their_deal_again(
    filled: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b_001_54: neither leaves a trace on the deal. A file comes in blocks."""
    mark, sim = settled(filled), filled.sim
    (first, second, *_) = sim.org.rows["opportunity"]
    sim.add("annotation", filename="new.txt", documentbody="eA==", objectid=second)
    sim.add("annotation", filename="of an account", documentbody="eA==", objectid=next(iter(sim.org.rows["account"])))
    assert [(record.id, record.touched) for record in deals(filled.source(), mark)[0]] == [(second, True)]
    mark = settled(filled)
    note = next(iter(sim.org.rows["annotation"]))
    sim.change("annotation", note, documentbody=base64.b64encode(b"another plan").decode())
    source = filled.source()
    records, _ = deals(source, mark)
    assert [record.id for record in records] == [first]
    (file,) = source.complete(records, NEAR)[0].relatives["file"]
    assert (file.id, file.fields["size"], file.fields["media_type"]) == (note, 12, "text/plain")
    monkeypatch.setattr(client, "BLOCK", 5)
    filled.calls()
    with source.open_file(file.id) as pieces:
        assert list(pieces) == [b"anoth", b"er pl", b"an"]
    assert filled.calls() == {
        "POST /InitializeAnnotationBlocksDownload": 1,
        "POST /DownloadBlock": 3,
    }


def test_a_mark_in_the_middle_of_a_read_stays_behind_the_clock_as_well(filled: Standing) -> None:
    """case_B6: a long transaction shows its rows under an earlier stamp, whether the read came to its end or not."""
    sim = filled.sim
    for n in range(2 * PAGE):
        sim.add("opportunity", name=f"New {n}")
    pages = filled.source().read(Query("deal", None, None, FIELDS, {}))
    cut = [next(pages), next(pages)][-1].mark
    late = sim.add("opportunity", name="late")
    sim.org.rows["opportunity"][late]["modifiedon"] = "2026-02-02T09:06:00Z"
    sim.clock.advance(2 * OVERLAP)
    assert late in [record.id for record in deals(filled.source(), cut)[0]]


def test_a_rest_of_relatives_that_was_not_looked_at_is_looked_at_by_the_next_run(filled: Standing) -> None:
    """The heads' pages were handed over, the relatives' were not: their mark stays where it was."""
    mark, sim = settled(filled), filled.sim
    line = next(iter(sim.org.rows["opportunityproduct"].values()))
    sim.change("opportunityproduct", line["opportunityproductid"], description="another")
    sim.clock.advance(2 * OVERLAP)
    pages: Iterator[Page] = filled.source().read(Query("deal", mark, None, FIELDS, NEAR))
    cut = next(pages).mark
    assert [record.id for record in deals(filled.source(), cut)[0]] == [line["_opportunityid_value"]]


# -- what is Dynamics' alone -------------------------------------------------------------------------------------------


def test_a_customer_may_be_a_contact_and_one_that_is_not_there_is_told_of(filled: Standing) -> None:
    sim = filled.sim
    person = sim.add("contact", firstname="Ann", lastname="Lee", address1_city="Bath")
    deal = sim.add("opportunity", name="A", customerid=person)
    gone = next(iter(sim.org.rows["account"]))
    sim.org.delete("account", gone)
    source = filled.source()
    wanted = {"company": ("name", "address1_city", "industrycodename"), "owner": ("fullname",)}
    records = {record.id: record for record in source.complete(deals(source)[0], wanted)}
    (company,) = records[deal].relatives["company"]
    assert (company.kind, company.id, company.fields["name"], company.fields["address1_city"]) == (
        "company", person, "Ann Lee", "Bath",
    )  # fmt: skip
    assert records[deal].relatives["owner"][0].fields["fullname"] == "Ann Lee"
    missing = next(record for record in records.values() if not record.relatives["company"])
    assert gone in missing.fields["company_problem"]


def test_money_says_its_own_currency(environments: Environments) -> None:
    one = environments(currencies=("USD", "EUR"), limit=None)
    euro = one.sim.org.currencies["EUR"]
    one.sim.add("opportunity", name="A", estimatedvalue=Decimal("10.5"), transactioncurrencyid=euro)
    fields = (
        "estimatedvalue",
        "estimatedvalue_base",
        "exchangerate",
        "currency",
        "transactioncurrencyidname",
        CURRENCY,
    )
    (page, *_) = one.source().read(Query("deal", fields=fields))
    told = page.records[0].fields
    assert [told[name] for name in fields] == [Decimal("10.5"), Decimal("13.125"), Decimal("0.8"), "EUR", "Eur", euro]


def test_what_comes_along_or_is_said_beside_a_lookup_takes_no_column_s_place(environment: Standing) -> None:
    """A new rate of the currency changes no deal; a column that is called like a label is itself."""
    sim = environment.sim
    table = sim.org.tables["opportunity"]
    table.columns |= {"new_site": "Lookup", "new_sitetype": "String"}
    table.lookups["new_site"] = ["account"]
    sim.add("opportunity", name="A", new_site=sim.add("account", name="Jetty"), new_sitetype="Depot")
    payloads = []
    for rate in ("1", "1.1"):
        sim.change("transactioncurrency", sim.org.currencies["USD"], exchangerate=Decimal(rate))
        fields = ("new_sitetype", "new_site", "new_sitename", "currency")
        (page, *_) = environment.source().read(Query("deal", fields=fields))
        told = page.records[0].fields
        assert (told["new_sitetype"], told["new_sitename"], CURRENCY in told) == ("Depot", "Jetty", False)
        payloads.append(page.records[0].payload)
    assert payloads[0] == payloads[1]


def test_won_is_what_dynamics_counts_as_won_whatever_the_status_reason_is_called(filled: Standing) -> None:
    """A reason that was just made has them asked anew; one may have no label in the user's language."""
    source = filled.source()
    stages = source.describe("deal").pipelines[0].stages
    assert [(stage.id, stage.closed, stage.probability) for stage in stages] == [
        ("1", False, ""), ("2", False, ""), ("3", True, "1"), ("4", True, "0"), ("5", True, "0"),
    ]  # fmt: skip
    choices = filled.sim.org.tables["opportunity"].choices["statuscode"]
    choices += [type(choices[0])(100000001, "Signed", 1), type(choices[0])(100000002, None, 1)]
    deal = next(iter(filled.sim.org.rows["opportunity"]))
    filled.sim.change("opportunity", deal, statecode=1, statuscode=100000001)
    deals(source)
    signed, unnamed = filled.source().describe("deal").pipelines[0].stages[-2:]
    assert (signed.label, signed.closed, signed.probability, unnamed.label) == ("Signed", True, "1", "")


def test_a_merged_account_says_into_which_by_a_read_as_by_a_sweep(environment: Standing) -> None:
    sim = environment.sim
    survivor, loser, gone = (sim.add("account", name=name) for name in ("A", "B", "C"))
    sim.org.merge("account", survivor, loser)
    sim.org.delete("account", gone)
    source = environment.source()
    wanted = {survivor: ("", ""), loser: ("merged", survivor), gone: ("deleted", "")}
    swept = {one.id: (one.gone, one.merged_into) for one in source.sweep("company", list(wanted), ("name",))}
    assert swept == wanted
    (page, *_) = source.read(Query("company", fields=("name",)))
    assert {one.id: (one.gone, one.merged_into) for one in page.records} == {id: wanted[id] for id in (survivor, loser)}


def test_locations_are_a_table_of_the_environment_under_our_own_names(environment: Standing) -> None:
    """b_001_63 b_001_65"""
    sim = environment.sim
    account = sim.add("account", name="Acme")
    sim.custom("new_site", "new_name", "new_name:String new_street:String", "new_accountid:account,contact")
    site = sim.add("new_site", new_name="Jetty", new_street="Quay 1", new_accountid=account)
    place = {"table": "new_site", "street": "new_street", "account": "new_accountid"}
    source = environment.source(location=place)
    (page, *_) = source.read(Query("location", None, None, ("name", "street")))
    (record,) = source.complete(page.records, {"company": ("name",)})
    assert (record.id, record.fields["name"], record.fields["street"]) == (site, "Jetty", "Quay 1")
    assert record.relatives["company"][0].fields["name"] == "Acme"
    sim.change("new_site", site, new_accountid=sim.add("contact", firstname="Ann", lastname="Lee"))
    (record,) = source.complete(source.fetch("location", [site], ("name",)), {"company": ("name",)})
    assert record.relatives["company"][0].fields["name"] == "Ann Lee"
    with pytest.raises(ConfigError, match="new_strasse"):
        list(environment.source(location={**place, "street": "new_strasse"}).read(Query("location")))
    assert "location" not in environment.source().kinds


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_column_that_there_is_not_is_named_before_anything_is_read(filled: Standing) -> None:
    """case_B17, b_001_61"""
    with pytest.raises(ConfigError, match=r"deal\.statuscodnam .*") as caught:
        list(filled.source().read(Query("deal", fields=("statuscodnam",))))
    assert "statuscodename" in caught.value.fix
    assert filled.calls() == {}


def test_columns_that_were_made_within_the_hour_are_found_in_each_table(filled: Standing) -> None:
    """Both were described, and kept, before."""
    deals(filled.source())
    for table in ("opportunity", "account"):
        filled.sim.org.tables[table].columns["new_code"] = "String"
    query = Query("deal", fields=("new_code",), relatives={"company": ("new_code",)})
    filled.sim.org.rows["opportunity"].clear()
    assert [page.records for page in filled.source().read(query)] == [[], []]


def test_a_column_or_table_that_went_within_the_hour_is_named(filled: Standing) -> None:
    source = filled.source()
    deals(source)
    del filled.sim.org.tables["opportunity"].columns["actualvalue"]
    with pytest.raises(ConfigError, match="actualvalue") as caught:
        deals(source)
    assert caught.value.code == "WHERRY-2721"
    del filled.sim.org.tables["incident"]
    with pytest.raises(ConfigError, match="no table incident"):
        list(source.read(Query("ticket")))


def test_a_right_that_is_missing_is_told_from_a_user_that_is_missing(filled: Standing) -> None:
    source = filled.source()
    records, _ = deals(source)
    filled.sim.hidden.add("opportunityproduct")
    with pytest.raises(AccessLost, match="prvReadOpportunityproduct") as caught:
        source.complete(records, NEAR)
    assert caught.value.code == "WHERRY-5723"
    filled.sim.member = False
    with pytest.raises(AccessLost, match="not a member") as caught:
        source.check()
    assert (caught.value.code, "Application users" in caught.value.fix) == ("WHERRY-5722", True)


@pytest.mark.parametrize(("code", "words"), [
    ("0x80072322", "too many calls"), ("0x80072321", "take too long"), ("0x80072326", "too many at once"),
])  # fmt: skip
def test_limits_are_told_apart_and_the_rest_that_they_ask_for_is_kept(filled: Standing, code: str, words: str) -> None:
    """case_E7"""
    body = {"error": {"code": code, "message": "limit"}}
    filled.sim.faults.add("status", status=429, body=body, headers={"Retry-After": "900"}, times=99)
    with pytest.raises(TryAgain, match=words) as caught:
        filled.source().check()
    assert caught.value.after == 900.0


def test_links_that_do_not_advance_end_the_read(filled: Standing) -> None:
    """case_B10: the same link again, empty pages for ever, rows that go back, a link that is refused."""
    link = f"{filled.url}/api/data/v9.2/opportunities?$skiptoken=1"
    (row,) = filled.told("/opportunities", select="statuscode,modifiedon", top="1")["value"]
    old = {**row, "modifiedon": "2020-01-01T00:00:00Z"}
    said: list[list[Any]] = [[[row], [row]], [[], [], [], []], [[row], [old]], [[row], None]]
    for n, pages in enumerate(said):
        for place, rows in enumerate(pages):
            body = {"value": rows, "@odata.nextLink": f"{link}{place if n else ''}"}
            filled.sim.faults.add("status", status=400 if rows is None else 200, body=body, path="opportunities$")
        with pytest.raises(TryAgain, match="sends nothing new"):
            list(filled.source().read(Query("deal", fields=("statuscode",))))
        filled.sim.faults.clear()


def test_a_file_that_is_gone_or_no_file_is_refused(filled: Standing) -> None:
    source = filled.source()
    for wrong in ("nothing", "00000000-0000-0000-0000-000000000000"):
        with pytest.raises(Exception, match="does not give out") as caught, source.open_file(wrong) as pieces:
            list(pieces)
        assert getattr(caught.value, "code", "") == "WHERRY-4721"
    note = next(iter(filled.sim.org.rows["annotation"]))
    for status, code in ((403, "WHERRY-4721"), (401, "WHERRY-5721")):
        filled.sim.faults.add("status", status=status, times=9, path="Initialize")
        with pytest.raises(WherryError) as lost, source.open_file(note) as pieces:
            list(pieces)
        assert lost.value.code == code
        filled.sim.faults.clear()


def test_the_stand_in_is_made_by_options() -> None:
    made = simulator({"deals": "3", "currency": "GBP", "limit": "0"})
    assert (len(made.org.rows["opportunity"]), list(made.org.currencies)) == (3, ["GBP"])
    yen = simulator({"deals": "4", "currency": "JPY"}).org.rows["opportunity"].values()
    assert {row["totalamount"] % 1 for row in yen} == {0}, "a yen has no decimals"


def test_a_deal_of_many_pages_of_lines_has_all_of_them_in_their_order(filled: Standing) -> None:
    deal = filled.sim.add("opportunity", name="Many")
    for n in range(PAGE + 3):
        more = {"productdescription": f"Line {n}", "quantity": 1, "priceperunit": 1}
        filled.sim.add("opportunityproduct", opportunityid=deal, lineitemnumber=PAGE + 3 - n, **more)
    source = filled.source()
    (record,) = source.complete(source.fetch("deal", [deal], FIELDS), NEAR)
    lines = [json.loads(line.payload)["product_name"] for line in record.relatives["line_item"]]
    assert lines == [f"Line {n}" for n in range(PAGE + 2, -1, -1)]
