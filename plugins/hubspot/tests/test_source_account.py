"""What a source says of its account: who it is, what it holds, what became of records, and where sites live."""

from __future__ import annotations

import json

import httpx
import pytest
from pydantic import ValidationError
from wherry.errors import AccessLost, ConfigError, TryAgain
from wherry.records import Record
from wherry.roles import Describes, Fetches, OpensFiles, SourceConnector, Sweeps
from wherry_hubspot.settings import HubSpotSettings

LIST, SEARCH = "GET /crm/objects/{type}", "POST /crm/objects/{type}/search"
READ = "POST /crm/objects/{type}/batch/read"


def test_the_source_has_every_ability_of_its_role(account):
    """The core asks with isinstance."""
    source = account.source()
    for ability in (SourceConnector, Describes, Sweeps, Fetches, OpensFiles):
        assert isinstance(source, ability)
    assert source.kinds == ("deal", "company", "product", "ticket", "owner")
    assert source.chunk == 1000


def test_the_account_is_known_by_its_portal_id(hubspot):
    """case_B18: the connection is bound to it."""
    checked = hubspot(portal_id=7_654_321).source().check()
    assert (checked.id, checked.name) == ("7654321", "HubSpot account 7654321")
    assert checked.details["timezone"] == "Europe/Berlin"


def test_a_token_that_hubspot_does_not_accept_is_access_lost(hubspot):
    """case_E5"""
    with pytest.raises(AccessLost, match="does not accept the token"):
        hubspot(tokens=["another"]).source().check()


def test_missing_scopes_are_named(hubspot, read):
    """case_E5: what is missing, not that something is."""
    account = hubspot(scopes=["oauth"])
    with pytest.raises(AccessLost, match=r"lacks the scopes crm\.objects\.deals\.read") as lost:
        read(account.source())
    assert "service key" in lost.value.fix


def test_stages_are_described_by_metadata_and_asked_once_an_hour(account):
    """b_001_35, b_001_36: won is closed at probability 1, whatever the label."""
    described = account.source().describe("deal")
    (pipeline,) = described.pipelines
    stages = {stage.id: stage for stage in pipeline.stages}
    assert (stages["closedwon"].probability, stages["closedwon"].closed) == ("1", True)
    assert (stages["closedlost"].probability, stages["closedlost"].closed) == ("0", True)
    assert (stages["contractsent"].probability, stages["contractsent"].closed) == ("0.9", False)
    assert {"dealname", "company_problem"} <= {field.name for field in described.fields}
    assert sum(account.calls().values()) == 2
    assert account.source().describe("deal") == described
    assert account.calls() == {}
    account.source().describe("deal", fresh=True)
    account.advance(3700)
    account.calls()
    account.source().describe("deal")
    assert sum(account.calls().values()) == 2


def test_kinds_of_our_own_are_described_without_asking(account):
    """Files and owners have no properties in HubSpot."""
    source = account.source()
    assert "media_type" in {field.name for field in source.describe("file").fields}
    assert "name" in {field.name for field in source.describe("owner").fields}
    assert account.calls() == {}


def test_a_sweep_tells_what_became_of_every_record(account):
    """case_B12: absence is asked for twice before it counts."""
    kept, gone, lost, loser = account.sim.create("deals", 4, dealname="Deal {n}")
    portal, record = account.sim.portal, account.sim.record
    portal.archive(record("deals", gone))
    portal.merge(record("deals", kept), record("deals", loser))
    account.calls()
    ids = [kept, gone, "123", loser, lost]
    found = list(account.source().sweep("deal", ids, ("dealname",)))
    assert [(r.id, r.gone, r.merged_into) for r in found] == [
        (kept, "", ""),
        (gone, "archived", ""),
        ("123", "deleted", ""),
        (loser, "merged", kept),
        (lost, "", ""),
    ]
    assert found[0].merged_ids == (loser,)
    assert account.calls() == {READ: 2}


def test_a_sweep_finds_the_survivor_that_was_not_asked_for(account):
    """case_B12: only the merged id is known here."""
    survivor, loser = account.sim.create("deals", 2)
    portal, record = account.sim.portal, account.sim.record
    portal.merge(record("deals", survivor), record("deals", loser))
    (found,) = account.source().sweep("deal", [loser], ())
    assert (found.gone, found.merged_into) == ("merged", survivor)


def test_a_sweep_tells_which_owners_have_left(account):
    """case_B12: a flow of owners is swept once a day like any other."""
    here, left = account.sim.add_owner("a@example.com"), account.sim.add_owner("b@example.com", archived=True)
    found = account.source().sweep("owner", [left, "77", here], ("name",))
    assert [(r.kind, r.id, r.gone) for r in found] == [
        ("owner", left, "archived"),
        ("owner", "77", "deleted"),
        ("owner", here, ""),
    ]


def test_a_restored_deal_is_a_head_again(account):
    """case_B12"""
    (deal,) = account.sim.create("deals", 1)
    account.sim.portal.archive(account.sim.record("deals", deal))
    account.sim.restore("deals", deal)
    (found,) = account.source().sweep("deal", [deal], ())
    assert found.gone == ""


def test_single_records_are_fetched_by_id(account):
    """b_001_17: re-sync; what is not there is missing."""
    one, two = account.sim.create("deals", 2, dealname="Deal {n}")
    found = account.source().fetch("deal", [two, "55", one], ("dealname",))
    assert [(r.id, r.fields["dealname"]) for r in found] == [(two, "Deal 1"), (one, "Deal 0")]


def test_owners_are_a_kind_of_their_own(account, read):
    """A list without a search: always whole, those without change left out."""
    account.sim.add_owner("ann@example.com", "Ann", "Lee")
    got = read(account.source(), kind="owner", fields=("name",))
    assert "Ann Lee" in [r.fields["name"] for r in got.records]
    account.advance(60)
    account.sim.add_owner("cid@example.com", "Cid", "Ray")
    again = read(account.source(), kind="owner", fields=("name",), after=got.mark)
    assert [r.fields["name"] for r in again.records][-1] == "Cid Ray"


def test_an_owner_whose_change_shows_late_is_read(account, read):
    """I6, decision 0006: the mark was the newest change of all, and what showed after it with an older stamp was never
    read"""
    late, shown = account.sim.add_owner("late@example.com"), account.sim._owners.owners
    account.advance(5)
    account.sim.add_owner("ann@example.com")
    hidden = shown.pop(late)
    mark = read(account.source(), kind="owner", fields=("name",)).mark
    shown[late] = hidden
    assert late in read(account.source(), kind="owner", fields=("name",), after=mark).ids


def test_tickets_can_be_cut_by_pipeline(account, read):
    """Support and claims in one account, one of them of interest."""
    portal = account.sim.portal
    tickets = portal.kind("tickets")
    stage = {"label": "New", "stageId": "n", "metadata": {"ticketState": "OPEN"}}
    portal.pipelines.add(tickets, {"pipelineId": "claims", "label": "Claims", "stages": [stage]})
    account.sim.create("tickets", 1, subject="support", hs_pipeline="0", hs_pipeline_stage="1")
    account.sim.create("tickets", 1, subject="claim", hs_pipeline="claims", hs_pipeline_stage="n")
    source = account.source(ticket_pipeline="claims")
    got = read(source, kind="ticket", fields=("subject",))
    assert [r.fields["subject"] for r in got.records] == ["claim"]
    account.advance(10)
    again = read(source, kind="ticket", fields=("subject",), after=got.mark)
    assert [r.fields["subject"] for r in again.records] == ["claim"]


def test_a_tickets_deal_is_named_without_reading_it(account):
    """The map needs its id only."""
    (ticket,) = account.sim.create("tickets", 1)
    (deal,) = account.sim.create("deals", 1)
    account.sim.link("tickets", ticket, "deals", deal, 28)
    account.calls()
    (done,) = account.source().complete([Record(kind="ticket", id=ticket, version="")], {"deal": ()})
    assert [r.id for r in done.relatives["deal"]] == [deal]
    assert READ not in account.calls()


# -- sites --


def _group(account):
    portal = account.sim.portal
    deals = portal.kind("deals")
    portal.properties.add_group(deals, {"name": "site_information", "label": "Site"})
    for name in ("site_name", "site_street", "site_zip", "site_gl_number"):
        given = {"name": name, "type": "string", "groupName": "site_information", "label": name}
        portal.properties.add(deals, given)


def test_a_group_of_deal_properties_becomes_locations(account, read):
    """b_001_09: what is what is told by the properties' names."""
    _group(account)
    (deal,) = account.sim.create("deals", 1, site_name="Pier 4", site_zip="04109", site_gl_number="4100")
    account.sim.create("deals", 1, dealname="no site")
    source = account.source(location={"group": "site_information", "on": "deal"})
    assert "location" in source.kinds
    got = read(source, kind="location", fields=("name", "postal_code"))
    (record,) = got.records
    assert record.id == deal
    assert record.fields == {"name": "Pier 4", "street": None, "postal_code": "04109", "gl_number": "4100"}
    account.advance(20)
    assert read(source, kind="location", fields=("name",), after=got.mark).ids == [deal]


def test_where_locations_live_chooses_which_are_read(account):
    """I1: once it is another place, what is there has not changed since the mark either."""
    places = [{"group": "site_information"}, {"group": "site_information", "city": "site_town"}, {"object": "2-1"}]
    said = [account.source(location=place).choice("location") for place in places]
    assert len({*said, account.source().choice("location")}) == 4
    assert account.source(location=places[0]).choice("deal") == ""


def test_a_custom_object_becomes_locations(account, read):
    """b_001_09: with properties that an operator named."""
    schema = {
        "name": "sites",
        "labels": {"singular": "Site", "plural": "Sites"},
        "primaryDisplayProperty": "title",
        "requiredProperties": [],
        "associatedObjects": [],
        "properties": [{"name": n, "label": n, "type": "string", "fieldType": "text"} for n in ("title", "city")],
    }
    made = httpx.post(
        f"{account.url}/crm-object-schemas/2026-03/schemas", json=schema, headers={"Authorization": "Bearer x"}
    ).json()
    kind = made["objectTypeId"]
    (site,) = account.sim.create(kind, 1, title="Yard", city="Portland")
    got = read(account.source(location={"object": kind, "name": "title"}), kind="location", fields=("name",))
    assert [(r.id, r.fields["name"], r.fields["city"]) for r in got.records] == [(site, "Yard", "Portland")]


def test_a_site_property_that_is_not_there_is_refused(account, read):
    """case_B17"""
    _group(account)
    source = account.source(location={"group": "site_information", "name": "site_title"})
    with pytest.raises(ConfigError, match=r"location\.name"):
        read(source, kind="location", fields=("name",))


def test_an_object_type_that_is_not_there_is_refused(account, read):
    """HubSpot calls it a bad request; it is a wrong setting."""
    with pytest.raises(ConfigError, match="no such object type"):
        read(account.source(location={"object": "2-99"}), kind="location", fields=("name",))


# -- settings --


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api": "v3"}, "no version of HubSpot's API"),
        ({"index_lag": "soon"}, "is not a time"),
        ({"location": {"object": "2-1", "group": "g"}}, "either object or group"),
        ({"locaton": {}}, "Extra inputs"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(given, words):
    """What would have been right stands beside."""
    with pytest.raises(ValidationError, match=words):
        HubSpotSettings.model_validate({"auth": {"kind": "token", "token": {"env": "X"}}, **given})


def test_the_daily_quota_is_gone_until_midnight_of_the_account(hubspot, read):
    """case_E8: Berlin is at nine; fifteen hours are left."""
    account = hubspot(limits="free")
    account.source().check()
    account.sim.limits.daily.used = account.sim.limits.daily.limit
    with pytest.raises(TryAgain, match="daily number of calls") as later:
        read(account.source())
    assert later.value.after == 15 * 3600
    assert "midnight" in later.value.fix


def test_a_stage_made_since_is_asked_for_once(account, read):
    """Metadata is kept for an hour; a deal in a stage nobody knows brings it up to date for the next run."""
    account.source().describe("deal")
    portal = account.sim.portal
    pipeline = portal.pipelines.of(portal.kind("deals"))["default"]
    portal.pipelines.add_stage(pipeline, {"stageId": "signed", "label": "Signed", "metadata": {"probability": "1.0"}})
    account.sim.create("deals", 150, pipeline="default", dealstage="signed")
    source = account.source()
    source.describe("deal")
    account.calls()
    read(source)
    assert sum(account.calls().values()) == 2 + 2
    (described,) = account.source().describe("deal").pipelines
    assert "signed" in {stage.id for stage in described.stages}
    assert account.calls() == {}


def test_owners_who_left_are_only_asked_for_when_missed(account):
    """The cheapest place first."""
    here, left = account.sim.add_owner("a@example.com"), account.sim.add_owner("b@example.com", archived=True)
    deals = account.sim.create("deals", 2)
    account.calls()
    source = account.source()

    def owner_of(owner):
        head = Record(kind="deal", id=deals[0], version="", payload=json.dumps({"hubspot_owner_id": owner}).encode())
        return source.complete([head], {"owner": ("name",)})[0].relatives["owner"]

    assert owner_of(here)[0].id == here
    assert account.calls() == {"GET /crm/owners": 1}
    assert owner_of(left)[0].id == left
    assert owner_of("999") == []
    assert account.calls() == {"GET /crm/owners": 1}
