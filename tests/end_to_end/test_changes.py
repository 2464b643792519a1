"""What people do in the CRM between runs and in the middle of them: edit, archive, restore, merge, move, import."""

from __future__ import annotations

import re

import pytest
from wherry.hub import Hub
from wherry.operating import answers, overview
from wherry.store import ledger, registry
from wherry_hubspot.source import HubSpotSource

from .desk import Crm, Desk, notices, total

DAY = 86_400 + 60


def projects(desk: Desk) -> list[str]:
    return sorted(str(body["name"]) for body in desk.held("project").values())


# -- reading ----------------------------------------------------------------------------------------------------------


def test_10050_deals_of_one_moment_are_each_seen_once(desk: Desk, small_crm: Crm) -> None:
    """case_B1, case_B2, I6"""
    first = small_crm.deal("First")
    assert desk.run().exit_code == 0
    sim = small_crm.sim
    deals = sim.create("deals", 10_020, dealname="Bulk {n}", pipeline="default", dealstage="qualifiedtobuy", amount="1")
    won = sim.create("deals", 30, dealname="Won {n}", pipeline="default", dealstage="closedwon", amount="1",
                     deal_currency_code="USD")  # fmt: skip
    stamp = sim.record("deals", first).modified + 1
    with sim.stage.lock:
        shelf = sim.portal.shelf(sim.portal.kind("deals"))
        for deal in (*deals, *won):
            record = shelf.records[deal]
            record.modified = stamp
            sim.portal._stamp(record)
        shelf.by_stamp = sorted(record.stamp for record in shelf.records.values())
        shelf.version += 1
    report = desk.run()
    assert report.exit_code == 0, report.error
    assert total(report.data["fates"]["deal"]) == 10_050 + 1, "and the first one again, inside the lag of the index"
    assert report.data["items"] == {"project": {"created": 30}}
    assert total(desk.seen()) == 10_051
    assert report.data["requests"] < 130


@pytest.mark.parametrize("first", [True, False], ids=["by list", "by search"])
def test_deals_that_change_while_they_are_read_end_up_as_they_stand_in_the_crm(
    desk: Desk, small_crm: Crm, first: bool
) -> None:
    """case_B3, case_B4, I6"""
    sim, kept = small_crm.sim, small_crm.deal("Kept")
    if not first:
        assert desk.run().exit_code == 0
    deals = sim.create("deals", 450, dealname="Deal {n}", pipeline="default", dealstage="qualifiedtobuy", amount="1",
                       deal_currency_code="USD")  # fmt: skip
    turn = iter(range(1, 10))

    def edit(method: str, path: str) -> None:
        if re.search(r"/objects/2026-03/deals(/search)?$", path) and (n := next(turn, 0)):
            for deal in deals[n::10][:5]:
                small_crm.change("deals", deal, dealstage="closedwon")
            small_crm.archive("deals", deals[n * 40])
            small_crm.deal(f"New {n}")

    small_crm.watch.before = edit
    desk.run()
    small_crm.watch.before = lambda method, path: None
    assert desk.run().exit_code == 0
    with sim.stage.lock:
        shelf = sim.portal.shelf(sim.portal.kind("deals")).records.values()
        won = sorted(
            str(r.properties["dealname"]) for r in shelf
            if r.properties["dealstage"] == "closedwon" and r.archived_at is None
        )  # fmt: skip
    assert len(won) > 10
    assert projects(desk) == won
    assert total(desk.seen()) >= 450 + 1
    assert kept


def test_a_source_that_shows_far_less_than_before_is_not_believed(desk: Desk, small_crm: Crm) -> None:
    """case_B11, I7"""
    deals = [small_crm.deal(f"Deal {n}") for n in range(30)]
    assert desk.run().exit_code == 0
    mark = desk.mark()
    desk.rewrite(("changed_since = 2016-01-01", "map = { project = { description = \"'new'\" } }"))
    for deal in deals[12:]:
        small_crm.archive("deals", deal)
    before = desk.image()
    for _ in range(2):
        report = desk.run()
        assert report.exit_code == 7
        assert "12 deal" in str(report.error)
        assert "30" in str(report.error)
        assert desk.mark() == mark
        assert desk.image()["project"] == before["project"]
    for deal in deals[12:]:
        small_crm.sim.restore("deals", deal)
    assert desk.run().exit_code == 0
    assert desk.image()["project"] == before["project"]


def test_a_source_of_many_batches_that_shows_less_is_not_believed_the_second_time_either(
    desk: Desk, small_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_B11, I5, I7: batches are settled before all is counted, but no mark goes along with them."""
    monkeypatch.setattr(HubSpotSource, "chunk", 20)
    deals = [small_crm.deal(f"Deal {n}") for n in range(150)]
    assert desk.run().exit_code == 0
    mark = desk.mark()
    changed = "map = { project = { description = \"'new'\" } }\nlimits = { fall = 0.1 }"
    desk.rewrite(("changed_since = 2016-01-01", changed))
    for deal in deals[120:]:
        small_crm.archive("deals", deal)
    assert [desk.run().exit_code, desk.run().exit_code] == [7, 7]
    assert desk.mark() == mark


def test_an_empty_answer_to_a_full_read_is_not_believed(desk: Desk, small_crm: Crm) -> None:
    """case_B11, I7"""
    deals = [small_crm.deal(f"Deal {n}") for n in range(12)]
    desk.run()
    desk.rewrite(("changed_since = 2016-01-01", "map = { project = { description = \"'new'\" } }"))
    for deal in deals:
        small_crm.archive("deals", deal)
    assert desk.run().exit_code == 7
    assert len(desk.held("project")) == 12


def test_most_records_gone_at_once_is_not_believed_by_the_sweep(desk: Desk, small_crm: Crm) -> None:
    """case_B11, case_B12, I7"""
    deals = [small_crm.deal(f"Deal {n}") for n in range(20)]
    desk.run()
    for deal in deals[8:]:
        small_crm.archive("deals", deal)
    desk.clock.advance(DAY)
    report = desk.run()
    assert report.exit_code == 7
    assert "12 of 20" in str(report.error)
    assert report.data["notices"] == []


# -- what leaves ------------------------------------------------------------------------------------------------------


def test_a_run_that_is_due_no_sweep_does_not_list_what_it_could_look_for(
    desk: Desk, small_crm: Crm, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_crm.stock()
    desk.run()
    monkeypatch.setattr(ledger, "synced_ids", lambda *told: pytest.fail("every record that was ever written was read"))
    assert desk.run().error is None


def test_an_archived_deal_is_reported_once_kept_and_welcome_back(desk: Desk, small_crm: Crm) -> None:
    """case_B12"""
    deals = [small_crm.deal(f"Deal {n}") for n in range(4)]
    desk.run()
    small_crm.archive("deals", deals[0])
    assert desk.run().data["notices"] == [], "a search does not show it, and the sweep is not due"
    desk.clock.advance(DAY)
    report = desk.run()
    assert list(notices(report)) == [deals[0]]
    assert "archived" in notices(report)[deals[0]]
    assert len(desk.held("project")) == 4
    desk.clock.advance(DAY)
    assert desk.run().data["notices"] == [], "it was told before"
    small_crm.sim.restore("deals", deals[0])
    assert desk.run().exit_code == 0
    assert len(desk.held("project")) == 4
    assert total(desk.seen()) == 4


def test_a_deal_that_is_there_again_as_it_was_is_not_said_to_be_gone(desk: Desk, small_crm: Crm) -> None:
    """case_B12: a restored record need not have a new stamp, and what waited of it is to be written after all."""
    synced, waits = small_crm.deal("Bench"), small_crm.deal("Asking", lines=("Nothing like it",))
    desk.run()
    stamps = {deal: small_crm.sim.record("deals", deal).modified for deal in (synced, waits)}
    for deal in stamps:
        small_crm.archive("deals", deal)
    desk.clock.advance(DAY)
    assert len(desk.run().data["notices"]) == 2
    for deal, stamp in stamps.items():
        small_crm.sim.restore("deals", deal)
        small_crm.sim.portal.touch(small_crm.sim.record("deals", deal), stamp)
    assert desk.run(records=(synced, waits)).data["fates"]["deal"] == {"unchanged": 1, "waiting": 1}
    assert len(desk.held("project")) == 1
    small_crm.archive("deals", synced)
    desk.clock.advance(DAY)
    assert list(notices(desk.run())) == [synced], "it is looked after again"


def test_a_deal_that_leaves_while_its_flow_is_renamed_is_reported_once_and_welcome_back(
    desk: Desk, small_crm: Crm
) -> None:
    """case_B12, I7: the new name has never seen it."""
    synced, waits = small_crm.deal("Bench"), small_crm.deal("Asking", lines=("Nothing like it",))
    small_crm.deal("Stays")
    desk.run()
    desk.rewrite(("[flows.won-deals", "[flows.deals"))
    for deal in (synced, waits):
        small_crm.archive("deals", deal)
    assert desk.run("deals").data["notices"] == []
    desk.clock.advance(DAY)
    told = notices(desk.run("deals"))
    assert set(told) == {synced, waits}
    assert "is kept" in told[synced]
    assert "nothing was written" in told[waits]
    desk.clock.advance(DAY)
    assert desk.run("deals").data["notices"] == [], "it was told before"
    small_crm.sim.restore("deals", synced)
    assert desk.run("deals").data["fates"]["deal"]["unchanged"] >= 1
    assert len(desk.held("project")) == 2


def test_a_deal_that_leaves_its_stage_is_reported_and_its_return_makes_no_second_project(
    desk: Desk, small_crm: Crm
) -> None:
    """case_B13"""
    deal = small_crm.deal("Back and forth")
    desk.run()
    small_crm.change("deals", deal, dealstage="qualifiedtobuy")
    report = desk.run()
    assert list(notices(report)) == [deal]
    assert report.data["fates"]["deal"] == {"skipped": 1}
    assert len(desk.held("project")) == 1
    assert desk.run().data["notices"] == []
    small_crm.change("deals", deal, dealstage="closedwon")
    report = desk.run()
    assert (report.exit_code, report.data["items"]) == (0, {})
    assert len(desk.held("project")) == 1


def test_a_merged_deal_hands_its_project_to_the_one_that_it_went_up_in(desk: Desk, small_crm: Crm) -> None:
    """case_B12"""
    loser = small_crm.deal("Loser")
    desk.run()
    survivor = small_crm.deal("Survivor")
    small_crm.merge(survivor, loser)
    report = desk.run()
    assert report.exit_code == 0
    assert f"took over from {loser}" in notices(report)[survivor]
    assert len(desk.held("project")) == 1
    desk.clock.advance(DAY)
    assert desk.run().exit_code == 0
    assert len(desk.held("project")) == 1


def test_the_files_of_a_survivor_go_to_the_project_it_took_over(desk: Desk, small_crm: Crm) -> None:
    """case_B12, b_001_54"""
    from .test_first_crossing import attach

    loser = small_crm.deal("Loser")
    desk.run()
    survivor = small_crm.deal("Survivor")
    attach(small_crm.sim, small_crm.url, survivor, "plan.txt", b"plan")
    small_crm.merge(survivor, loser)
    assert desk.run().exit_code == 0
    assert desk.ask(overview.open_items) == []
    [project] = desk.held("project")
    assert [file["project"] for file in desk.held("file").values()] == [project]


def test_two_deals_that_were_both_synced_and_then_merged_stay_two_projects_and_somebody_is_told(
    desk: Desk, small_crm: Crm
) -> None:
    """case_B12"""
    loser, survivor = small_crm.deal("Loser"), small_crm.deal("Survivor")
    desk.run()
    small_crm.merge(survivor, loser)
    report = desk.run()
    assert loser in notices(report)[survivor]
    assert len(desk.held("project")) == 2
    assert report.data["items"] == {}


def test_a_merged_deal_that_was_never_synced_leaves_no_trace(desk: Desk, small_crm: Crm) -> None:
    """case_B12"""
    loser, survivor = small_crm.deal("Loser", stage="qualifiedtobuy"), small_crm.deal("Survivor")
    desk.run()
    small_crm.merge(survivor, loser)
    report = desk.run()
    assert (report.exit_code, report.data["notices"]) == (0, [])
    assert len(desk.held("project")) == 1


def test_a_deal_that_waits_and_is_merged_away_makes_no_second_project_when_the_answer_comes(
    desk: Desk, small_crm: Crm
) -> None:
    """case_B12, I2"""
    loser, survivor = small_crm.deal("Loser", lines=("Unknown thing",)), small_crm.deal("Survivor")
    assert desk.run().exit_code == 4
    small_crm.merge(survivor, loser)
    desk.run()
    desk.ask(answers.create, 1)
    assert projects(desk) == ["Survivor"]
    assert not desk.ask(overview.open_items)


@pytest.mark.parametrize("change", ["left its stage", "lost"])
def test_a_deal_that_waits_and_leaves_its_stage_is_not_written_when_the_answer_comes(
    desk: Desk, small_crm: Crm, change: str
) -> None:
    """case_B13: a newer version replaces one that was not written yet, also where it says no."""
    deal = small_crm.deal("Waiting", lines=("Unknown thing",))
    assert desk.run().data["fates"]["deal"] == {"waiting": 1}
    small_crm.change("deals", deal, dealstage="closedlost" if change == "lost" else "qualifiedtobuy")
    assert desk.run().data["fates"]["deal"] == {"skipped": 1}
    desk.ask(answers.create, 1)
    assert projects(desk) == []
    assert desk.seen() == {"skipped": 1}
    small_crm.change("deals", deal, dealstage="closedwon")
    assert desk.run().exit_code == 0
    assert projects(desk) == ["Waiting"]


def test_a_deal_that_waits_and_is_archived_is_told_and_not_written_when_the_answer_comes(
    desk: Desk, small_crm: Crm
) -> None:
    """case_B12"""
    deal = small_crm.deal("Waiting", lines=("Unknown thing",))
    desk.run()
    small_crm.archive("deals", deal)
    desk.clock.advance(DAY)
    assert list(notices(desk.run())) == [deal]
    desk.ask(answers.create, 1)
    assert projects(desk) == []


# -- edits ------------------------------------------------------------------------------------------------------------


def test_a_newer_version_of_a_waiting_deal_takes_the_place_of_the_older(desk: Desk, small_crm: Crm) -> None:
    """b_001_14, I1"""
    deal = small_crm.deal("Old name", lines=("Unknown thing",), amount="10.00")
    desk.run()
    [before] = desk.ask(overview.open_items, state="waiting")
    small_crm.change("deals", deal, dealname="New name", amount="20.00")
    assert desk.run().data["fates"]["deal"] == {"waiting": 1}
    [after] = desk.ask(overview.open_items, state="waiting")
    assert (after["id"], after["label"]) == (before["id"], "New name")
    assert len(desk.ask(answers.questions)) == 1
    desk.ask(answers.create, 1)
    [project] = desk.held("project").values()
    assert (project["name"], project["amount"]) == ("New name", {"minor": 2000, "currency": "USD"})


def test_a_waiting_deal_that_no_longer_needs_what_it_waited_for_goes_on(desk: Desk, small_crm: Crm) -> None:
    """I1"""
    small_crm.product("Bollard", "BOL-1")
    deal = small_crm.deal("Deal", lines=("Bolard 50 t",))
    desk.run()
    [line] = small_crm.sim.portal.shelf(small_crm.sim.portal.kind("line_items")).records
    small_crm.change("line_items", line, name="Bollard")
    small_crm.change("deals", deal, description="corrected the line")
    report = desk.run()
    assert report.data["fates"]["deal"] == {"created": 1}
    assert projects(desk) == ["Deal"]


def test_counts_of_every_run_add_up_to_what_was_read(desk: Desk, small_crm: Crm) -> None:
    """I1, I5"""
    deals = small_crm.stock()
    reports = [desk.run()]
    small_crm.change("deals", deals[0], dealname="x")
    small_crm.change("deals", deals[1], dealstage="closedlost")
    reports.append(desk.run())

    def books(hub: Hub) -> list[int]:
        with hub.store.read() as tx:
            seen = sum(ledger.count_seen(tx, "won-deals")["deal"].values())
            assert registry.mark(tx, "won-deals", "deal") is not None
        return [seen, *(total(r.data["fates"]["deal"]) for r in reports)]

    assert desk.ask(books) == [14, 14, 14]
