"""The main job: won deals become projects, with their company, their lines matched to products, and their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry import mapping
from wherry.errors import ConfigError, Guarded, NotFound, WherryError
from wherry.hub import Hub
from wherry.operating import answers, flows, overview
from wherry.records import Description, FieldInfo
from wherry.runs.job import Options
from wherry.simulator import serve
from wherry.store import audit
from wherry.testing.clock import hurried
from wherry_hubspot import demo
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_hubspot.source import HubSpotSource

from ..projects import WON_DEALS
from ..staging import Stage, stages
from .conftest import TOKEN, OpenHub


def _filled() -> HubSpotSimulator:
    crm = HubSpotSimulator()
    with serve(crm.app()) as url:
        demo.fill(url, TOKEN)
    return crm


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage[HubSpotSimulator]]:
    """A CRM that is filled, once for all; nobody waits for a place in its budget."""
    hurried(monkeypatch)
    with stages.taken("filled crm", _filled) as stage:
        yield stage


@pytest.fixture
def crm(stage: Stage[HubSpotSimulator]) -> HubSpotSimulator:
    return stage.sim


@pytest.fixture
def crm_url(stage: Stage[HubSpotSimulator]) -> str:
    return stage.url


@pytest.fixture
def ran(stage: Stage[HubSpotSimulator], folder: Path, environ: dict[str, str]) -> Iterator[Hub]:
    """The won deals were carried over once."""

    def run() -> None:
        with Hub.open(folder, environ=environ) as hub:
            hub.run("won-deals")

    stage.once("ran", folder, run)
    with Hub.open(folder, environ=environ) as hub:
        yield hub


def held(hub: Hub, kind: str) -> dict[str, dict[str, Any]]:
    with hub.store.documents("workspace") as documents:
        return {id: body["fields"] for id, body in documents.each(kind)}


def total(fates: dict[str, int]) -> int:
    return sum(fates.values())


def test_won_deals_become_projects_with_customers_products_and_files(hub: Hub) -> None:
    """b_001_06, b_001_07, b_001_08, b_001_33, b_001_53, I1"""
    report = hub.run("won-deals")
    assert report.exit_code == 4, "one question waits for a person"
    assert total(report.data["fates"]["deal"]) == len(demo.DEALS)
    assert report.data["fates"]["deal"]["waiting"] == demo.EXPECTED["waiting"]
    answers.match(hub, 1, answers.questions(hub)[0]["candidates"][0]["id"])
    for kind in ("project", "customer", "product", "file"):
        assert len(held(hub, kind)) == demo.EXPECTED[kind], kind


def test_each_entity_has_one_matcher_through_a_run_however_many_batches_it_takes(hub: Hub) -> None:
    matchers = hub.wiring.wire("won-deals", "r1").matchers
    assert matchers("product") is matchers("product")
    assert matchers("product") is not matchers("customer")


def test_a_service_builds_a_map_once_and_anew_when_the_source_has_another_field(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    built, described = [], list[FieldInfo]()
    build, describe = mapping.build, HubSpotSource.describe

    def told(self: HubSpotSource, kind: str, **asked: Any) -> Description:
        found = describe(self, kind, **asked)
        return msgspec.structs.replace(found, fields=(*found.fields, *described))

    monkeypatch.setattr(mapping, "build", lambda *a, **kw: built.append(a[1]) or build(*a, **kw))
    monkeypatch.setattr(HubSpotSource, "describe", told)
    hub.run("won-deals")
    once = list(built)
    assert len(set(once)) == len(once), "each kind of a flow once"
    hub.run("won-deals")
    assert built == once
    described.append(FieldInfo("made_meanwhile"))
    hub.run("won-deals")
    assert len(built) > len(once)


def test_a_second_run_writes_nothing(ran: Hub) -> None:
    """I2, b_001_14"""
    before = {kind: held(ran, kind) for kind in ("project", "customer", "product", "file")}
    again = ran.run("won-deals")
    assert {kind: held(ran, kind) for kind in before} == before
    assert again.data["items"] == {}
    assert set(again.data["fates"]["deal"]) <= {"unchanged", "skipped", "waiting"}


def test_the_question_names_what_was_meant_first_and_says_why(ran: Hub) -> None:
    """b_001_71, b_001_72"""
    [question] = answers.questions(ran)
    assert question["name"] == demo.UNKNOWN_PRODUCT
    assert question["candidates"][0]["sku"] == demo.MEANT
    assert question["candidates"][0]["why"]
    assert question["waiting"] == demo.EXPECTED["waiting"]


def test_one_answer_settles_everything_that_waited_without_asking_the_source(ran: Hub, crm: HubSpotSimulator) -> None:
    """b_001_73, b_001_74"""
    crm.history.reset_stats()
    settled = answers.match(ran, 1, "I-1001").settled
    assert settled["project"] == {"created": demo.EXPECTED["waiting"]}
    assert crm.history.stats()["requests"] == 0
    assert overview.open_items(ran) == []
    assert ran.run("won-deals").exit_code == 0


def test_an_answer_can_be_create_or_ignore_and_can_be_undone(ran: Hub) -> None:
    """b_001_73"""
    answers.create(ran, 1)
    assert len(held(ran, "product")) == demo.EXPECTED["product"] + 1
    undone = answers.undo(ran, 1)
    assert undone["written"] == demo.EXPECTED["waiting"] + 1 or undone["written"] >= demo.EXPECTED["waiting"]
    assert answers.question(ran, 1)["state"] == "open"
    answers.ignore(ran, 1, "not ours")
    assert answers.question(ran, 1)["reason"] == "not ours"
    assert ran.run("won-deals").exit_code == 0


def test_a_question_that_a_later_product_answers_closes_itself(ran: Hub, crm: HubSpotSimulator) -> None:
    crm.create("products", 1, name=demo.UNKNOWN_PRODUCT, hs_sku="NEW-1")
    ran.run("won-deals")
    assert answers.question(ran, 1)["state"] == "closed"
    assert len(held(ran, "project")) == demo.EXPECTED["project"]


def test_every_decision_is_in_the_audit_log(ran: Hub) -> None:
    """I17"""
    answers.match(ran, 1, "I-1001")
    flows.pause(ran, "won-deals", "month close")
    with ran.store.read() as tx:
        assert audit.verify(tx) == ""
    actions = {row["action"] for row in overview.audit_rows(ran)}
    assert {"triage.match", "flow.paused", "file.synced"} <= actions


def test_a_change_of_pipelines_is_in_the_audit_log(ran: Hub, folder: Path, environ: Any) -> None:
    """b_001_43: and of the flow nothing else, since nothing else was changed."""
    file = folder / "wherry.toml"
    file.write_text(file.read_text().replace('stages = ["closedwon"]', 'stages = ["closedwon", "closedlost"]'))
    with Hub.open(folder, environ=environ) as hub:
        assert flows.record_settings(hub) == ["flow won-deals"]
        [row] = [row for row in overview.audit_rows(hub) if row["action"] == "config.changed"]
        assert flows.record_settings(hub) == [], "once"
    assert row["object"] == "flow won-deals"
    assert {key: list(said) for key, said in row["detail"].items()} == {"before": ["pipelines"], "after": ["pipelines"]}
    assert [row["detail"][key]["pipelines"][0]["stages"] for key in ("before", "after")] == [
        ["closedwon"], ["closedwon", "closedlost"]
    ]  # fmt: skip


def test_a_paused_flow_refuses_to_run_until_it_is_activated(hub: Hub) -> None:
    """b_001_50"""
    flows.pause(hub, "won-deals", "month close")
    with pytest.raises(Guarded, match="month close") as caught:
        hub.run("won-deals")
    assert caught.value.exit_code == 7
    flows.activate(hub, "won-deals")
    assert hub.run("won-deals").exit_code == 4


def test_a_plan_shows_what_a_run_does_and_writes_nothing(hub: Hub) -> None:
    """I19"""
    plan = hub.plan("won-deals").data
    assert held(hub, "project") == {}
    hub.run("catalogue")
    plan = hub.plan("won-deals").data
    done = hub.run("won-deals", plan=plan["plan"]).data
    assert plan["fates"] == done["fates"]
    assert plan["items"] == done["items"]
    assert plan["questions"][0]["name"] == demo.UNKNOWN_PRODUCT
    assert plan["files"]["count"] == demo.EXPECTED["file"]


def test_a_stale_plan_is_refused(hub: Hub, crm: HubSpotSimulator) -> None:
    hub.run("catalogue")
    plan = hub.plan("won-deals").data["plan"]
    crm.create("deals", 1, dealname="new", pipeline="default", dealstage="closedwon", amount="1")
    with pytest.raises(Guarded, match="stale"):
        hub.run("won-deals", plan=plan)


def test_a_plan_is_stale_too_once_what_goes_before_it_has_written_something(hub: Hub) -> None:
    """I19: products that were to be asked about were there by then, and projects made that no plan had shown"""
    plan = hub.plan("won-deals").data["plan"]
    with pytest.raises(Guarded, match="stale"):
        hub.run("won-deals", plan=plan)
    assert held(hub, "project") == {}
    assert held(hub, "product") != {}
    plan = hub.plan("won-deals").data
    assert hub.run("won-deals", plan=plan["plan"]).data["items"] == plan["items"]


def test_later_changes_at_the_source_do_not_override_by_themselves_but_a_resync_does(
    ran: Hub, crm: HubSpotSimulator
) -> None:
    """b_001_15, b_001_16, b_001_69"""
    [(deal, project)] = list(synced(ran).items())[:1]
    name = held(ran, "project")[project]["name"]
    change(crm, "deals", deal, dealname="Renamed in the CRM")
    report = ran.run("won-deals")
    assert held(ran, "project")[project]["name"] == name
    assert report.data["reasons"]["deal"]["skipped"]["already synced once"] == 1
    shown = ran.resync("won-deals", Options(records=(deal,), resync=True), write=False).data
    changes = [change for row in shown["changes"] for change in row["changes"]]
    assert [(c.field, c.before, c.after) for c in changes] == [("name", name, "Renamed in the CRM")]
    assert held(ran, "project")[project]["name"] == name, "the diff is shown first"
    ran.resync("won-deals", Options(records=(deal,), resync=True), write=True)
    assert held(ran, "project")[project]["name"] == "Renamed in the CRM"


def test_local_edits_survive_a_resync_unless_somebody_says_otherwise(hub: Hub, crm: HubSpotSimulator) -> None:
    """b_001_18"""
    from wherry_workspace.work import edit

    hub.run("won-deals")
    [(deal, project)] = list(synced(hub).items())[:1]
    with hub.store.documents("workspace") as documents:
        edit(documents, "project", project, {"name": "Ours"})
    change(crm, "deals", deal, dealname="Theirs")
    hub.resync("won-deals", Options(records=(deal,), resync=True), write=True)
    assert held(hub, "project")[project]["name"] == "Ours"
    hub.resync("won-deals", Options(records=(deal,), resync=True, overwrite_local=True), write=True)
    assert held(hub, "project")[project]["name"] == "Theirs"


def test_a_resync_of_chosen_fields_leaves_the_others_as_they_are(ran: Hub, crm: HubSpotSimulator) -> None:
    """b_001_16"""
    [(deal, project)] = list(synced(ran).items())[:1]
    before = held(ran, "project")[project]
    change(crm, "deals", deal, dealname="New name", amount="1.00")
    ran.resync("won-deals", Options(records=(deal,), resync=True, fields=("name",)), write=True)
    assert held(ran, "project")[project] == {**before, "name": "New name"}


def test_an_archived_deal_is_reported_by_the_next_sweep_and_its_project_is_kept(
    ran: Hub, crm: HubSpotSimulator
) -> None:
    """case_B12, I7"""
    [(deal, project)] = list(synced(ran).items())[:1]
    remove(crm, "deals", deal)
    assert ran.run("won-deals").data["notices"] == [], "a search does not show what was archived"
    [notice] = ran.run("won-deals", Options(sweep=True)).data["notices"]
    assert (notice.record, notice.target) == (deal, project)
    assert "archived" in notice.what
    assert project in held(ran, "project")
    assert ran.run("won-deals", Options(sweep=True)).data["notices"] == [], "it is said once"


def test_new_files_keep_coming_for_a_project_that_was_synced_once(
    ran: Hub, crm: HubSpotSimulator, crm_url: str
) -> None:
    """b_001_54, b_001_57"""
    files = len(held(ran, "file"))
    [(deal, project)] = list(synced(ran).items())[:1]
    attach(crm, crm_url, deal, "late.txt", b"late")
    report = ran.run("won-deals")
    assert len(held(ran, "file")) == files + 1
    late = next(f for f in held(ran, "file").values() if f["name"] == "late.txt")
    assert late["project"] == project
    assert report.data["items"] == {"file": {"created": 1}}
    rows = [row for row in overview.audit_rows(ran, what="file.synced") if row["detail"]["name"] == "late.txt"]
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('kinds = ["deal"]', 'kinds = ["deals"]', "deal"),
        ('stages = ["closedwon"]', 'stages = ["closedwonn"]', "closedwon"),
        ('stages = ["closedwon"]', 'stages = ["Closed Won"]', "closedwon"),
        ('id = "default"', 'id = "defualt"', "default"),
        ("unmatched", "unmatchd", "unmatched"),
        ('plugin = "hubspot"', 'plugin = "hubspt"', "hubspot"),
        ('enabled = ["hubspot", "workspace"]', 'enabled = ["hubspt", "workspace"]', "hubspot"),
        ('sink = "platform"', 'sink = "platfrom"', "platform"),
        ('after = ["catalogue"]', 'after = ["catalog"]', "catalogue"),
        ("changed_since = 2016-01-01", "changed_since = 2016", "changed_since"),
        ('order = ["link", "sku", "name"]', 'order = ["link", "sku", "nmae"]', "name"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_project_file_is_named_with_its_place_and_what_was_meant(
    open_hub: OpenHub, folder: Path, old: str, new: str, says: str
) -> None:
    (folder / "wherry.toml").write_text(WON_DEALS.replace(old, new))
    error = _error_of(open_hub)
    assert error.exit_code == 2
    assert says in f"{error.message} {error.fix} {error.where}"


def _error_of(open_hub: OpenHub) -> WherryError:
    try:
        error = open_hub().run("won-deals").error
    except (ConfigError, NotFound) as caught:
        return caught
    assert error is not None, "accepted"
    return error


def test_a_missing_secret_is_a_sentence_and_exit_code_2(open_hub: OpenHub, environ: dict[str, str]) -> None:
    del environ["HUBSPOT_TOKEN"]
    report = open_hub().run("won-deals")
    assert report.exit_code == 2
    assert "HUBSPOT_TOKEN" in str(report.error)


def test_an_unknown_flow_is_exit_code_3_with_the_nearest_name(hub: Hub) -> None:
    with pytest.raises(NotFound, match="catalogue, won-deals") as caught:
        hub.run("won-deal")
    assert "won-deals" in caught.value.fix


# -- helpers ---------------------------------------------------------------------------------------------------------


def synced(hub: Hub) -> dict[str, str]:
    from wherry.store import ledger

    with hub.store.read() as tx:
        return dict(ledger.synced_ids(tx, "won-deals", "deal"))


def change(crm: HubSpotSimulator, kind: str, id: str, **properties: str) -> None:
    import httpx

    with httpx.Client(base_url=URLS[id_of(crm)], headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        client.patch(f"/crm/objects/2026-03/{kind}/{id}", json={"properties": properties}).raise_for_status()


def remove(crm: HubSpotSimulator, kind: str, id: str) -> None:
    import httpx

    with httpx.Client(base_url=URLS[id_of(crm)], headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        client.delete(f"/crm/objects/2026-03/{kind}/{id}").raise_for_status()


URLS: dict[int, str] = {}


def id_of(crm: HubSpotSimulator) -> int:
    return id(crm)


@pytest.fixture(autouse=True)
def known_url(crm: HubSpotSimulator, crm_url: str) -> None:
    URLS[id(crm)] = crm_url


def attach(crm: HubSpotSimulator, url: str, deal: str, name: str, content: bytes) -> None:
    import httpx

    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        uploaded = client.post("/files/2026-03/files", files={"file": (name, content)},
                               data={"options": '{"access": "PRIVATE"}', "folderPath": "/x"})  # fmt: skip
        uploaded.raise_for_status()
        link = {"to": {"id": deal}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 214}]}
        note = {"properties": {"hs_note_body": "late", "hs_timestamp": "2026-01-01T00:00:00Z",
                               "hs_attachment_ids": uploaded.json()["id"]}, "associations": [link]}  # fmt: skip
        client.post("/crm/objects/2026-03/notes", json=note).raise_for_status()
