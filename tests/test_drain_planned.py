"""A plan shows the requests that the following run sends: but for ids that nobody knows yet, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from wherry.records import Call, Item
from wherry.testing.target_sink import AskingSink

from .drained import Books, books


@pytest.fixture(params=[1, 3])
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        made.batch = request.param
        yield made


def planned(desk: Books) -> list[dict[str, Any]]:
    with desk.open() as hub:
        calls: list[dict[str, Any]] = hub.plan("invoices").data["calls"]
        return calls


def told(calls: list[dict[str, Any]], ids: dict[str, str]) -> list[tuple[str, str, str]]:
    """Method, path and body of each call, its symbols replaced by the ids that came of them."""
    return [
        (one["method"], one["path"], re.sub(r"<id of (\w+ [^>\"]+)>", lambda found: ids[found[1]], one["body"]))
        for one in calls
    ]


def ids(desk: Books) -> dict[str, str]:
    return {f"{thing['kind']} {thing['name']}": id for id, thing in desk.target.things.items()}


def sent(desk: Books, after: int = 0) -> list[tuple[str, str, str]]:
    return [(row.call.method, row.call.path, row.call.body.decode()) for row in desk.sent()[after:]]


def test_the_bytes_of_a_plan_are_the_bytes_of_the_run(desk: Books) -> None:
    """I19, and rule 2: references are shown as symbols and filled in when they are sent"""
    desk.bills(4)
    foreseen = planned(desk)
    assert desk.writes() == []
    assert any("<id of customer Acme Rail>" in call["body"] for call in foreseen)
    assert desk.run().exit_code == 0
    assert told(foreseen, ids(desk)) == sent(desk)
    assert [item["stamp"] for call in foreseen for item in call["items"]] == [
        stamp for row in desk.sent() for stamp in row.call.items
    ]


def test_changes_and_reversals_are_planned_as_they_are_sent(desk: Books) -> None:
    desk.bills(2)
    assert desk.run().exit_code == 0
    before = len(desk.sent())
    desk.bill("1", "12.00")
    desk.bill("2", status="void")
    foreseen = planned(desk)
    assert {item["action"] for call in foreseen for item in call["items"]} == {"write", "void"}
    assert desk.run().exit_code == 0
    assert told(foreseen, {}) == sent(desk, before)


def test_a_planned_change_is_told_against_what_the_target_holds_now(desk: Books) -> None:
    desk.bill("1", "10.00")
    assert desk.run().exit_code == 0
    desk.bill("1", "12.00")
    with desk.open() as hub:
        [row] = [row for row in hub.plan("invoices").data["changes"] if row["changes"]]
    [change] = [change for change in row["changes"] if change.field == "total"]
    assert (change.before, change.after) == ("10.00 GBP", "12.00 GBP")


def test_a_plan_says_what_somebody_edited_there_and_is_not_written_over(desk: Books) -> None:
    desk.bill("1", "10.00")
    assert desk.run().exit_code == 0
    desk.target.edit(desk.number("1")["id"], date="2026-09-09")
    desk.bill("1", "12.00")
    with desk.open() as hub:
        plan = hub.plan("invoices").data
    [row] = [row for row in plan["changes"] if row["entity"] == "invoice"]
    assert (row["fate"], "date is 2026-09-09 there" in row["reason"], row["changes"]) == ("differs", True, ())
    assert [*plan["fates"].values(), plan["items"]["invoice"]] == [{"differs": 1}] * 2
    assert desk.run().exit_code == 4


def test_a_saved_plan_that_was_overtaken_is_refused(desk: Books) -> None:
    desk.bill("1", "10.00")
    with desk.open() as hub:
        saved = hub.plan("invoices").data["plan"]
    desk.bill("1", "11.00")
    with desk.open() as hub, pytest.raises(Exception, match="stale"):
        hub.run("invoices", plan=saved)
    assert desk.writes() == []


def test_secrets_are_in_no_planned_request(desk: Books) -> None:
    desk.bill("1", "10.00")
    assert "drain-canary" not in json.dumps(planned(desk))


def test_what_an_interrupted_run_left_to_send_is_in_the_plan(desk: Books) -> None:
    desk.bills(2)
    desk.crash("before", "_advance")
    desk.died()
    with desk.open() as hub:
        report = hub.plan("invoices")
    assert report.data["pending"]
    left = {item["entity"] for call in report.data["calls"] for item in call["items"]}
    assert left == {"customer", "product"}, "the invoices wait for these"


def test_what_the_target_has_no_words_for_is_told_although_its_customer_is_still_to_be_made(desk: Books) -> None:
    """I16: the first plan called it ``created``, and the run refused it; here for its number, not for the customer"""
    desk.bill("1", number="INV-" + "9" * 45)
    desk.bill("2")
    with desk.open() as hub:
        changes = hub.plan("invoices").data["changes"]
    told = {one["key"]: (one["fate"], one["reason"]) for one in changes if one["entity"] == "invoice"}
    assert [told["id:1"][0], told["id:2"][0]] == ["refused", "created"]
    assert "its number has 49 characters" in told["id:1"][1]


class WholeNumbers(AskingSink):
    """Of a target whose ids are numbers."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        for item in items:
            if item.entity == "invoice":
                int(item.body["customer"].removeprefix("X-"))
        return super().encode(items)


def test_what_cannot_be_said_before_its_customer_has_an_id_is_planned_without_its_request(desk: Books) -> None:
    """I19, I21: a partner's sink made a whole number of each id, and the plan fell"""
    desk.made = lambda real: WholeNumbers(real.http, real.ability, batch=real.batch, settle=real.settle)
    desk.bills(2)
    with desk.open() as hub:
        plan = hub.plan("invoices").data
    assert [one["fate"] for one in plan["changes"]].count("refused") == 0
    assert {item["entity"] for call in plan["calls"] for item in call["items"]} == {"customer", "product"}
    assert desk.run().exit_code == 0
    assert desk.done("1") == [("created", "1.10")]
