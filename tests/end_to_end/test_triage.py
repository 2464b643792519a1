"""What waits for a person: questions, refusals, and everything that goes on by itself once one was answered."""

from __future__ import annotations

from typing import Any

import pytest
from wherry.errors import Guarded, NotFound
from wherry.hub import Hub
from wherry.operating import answers, overview
from wherry.runs.job import Options
from wherry.store import audit, ledger, questions

from .desk import Crm, Desk, held, image

ODD = "Fendor 600 mm"


# -- refused by the map -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ({"amount": "12.345"}, {"amount": "12.34"}, "decimals"),
        ({"currency": "XQQ"}, {"deal_currency_code": "EUR"}, "currency"),
    ],
)
def test_an_amount_that_is_no_money_is_refused_and_kept_until_the_crm_is_corrected(
    desk: Desk, small_crm: Crm, wrong: dict[str, str], right: dict[str, str], says: str
) -> None:
    """case_C4, case_C5, I8, I16"""
    deal, good = small_crm.deal("Odd", **wrong), small_crm.deal("Good")
    report = desk.run()
    assert (report.exit_code, report.data["fates"]["deal"]) == (4, {"created": 1, "refused": 1})
    [item] = desk.ask(overview.open_items)
    assert (item["state"], item["record"], "amount" in item["field"]) == ("refused", f"deal {deal}", True)
    assert says in item["reason"]
    assert item["fix"] or item["field"]
    again = desk.run()
    assert (again.exit_code, desk.seen()) == (4, {"created": 1, "refused": 1}), "it waits"
    assert len(desk.ask(overview.open_items)) == 1
    small_crm.change("deals", deal, **right)
    report = desk.run()
    assert (report.exit_code, desk.ask(overview.open_items)) == (0, [])
    assert sorted(str(p["name"]) for p in desk.held("project").values()) == ["Good", "Odd"], good


def test_a_refused_deal_that_is_lost_after_all_waits_for_nobody(desk: Desk, small_crm: Crm) -> None:
    """I16"""
    deal = small_crm.deal("Odd", amount="12.345")
    assert desk.run().exit_code == 4
    small_crm.change("deals", deal, dealstage="closedlost")
    assert desk.run().exit_code == 0
    assert desk.ask(overview.open_items) == []


def test_a_refused_line_names_its_field_and_the_deal_is_kept_whole(desk: Desk, small_crm: Crm) -> None:
    """case_C18, I16"""
    deal = small_crm.deal("Odd", lines=("Bollard",))
    [line] = small_crm.sim.portal.shelf(small_crm.sim.portal.kind("line_items")).records
    small_crm.sim.record("line_items", line).properties["quantity"] = "1.234,50"
    assert desk.run().exit_code == 4
    [item] = desk.ask(overview.open_items, state="refused")
    assert "quantity" in f"{item['field']} {item['reason']}"
    assert desk.held("project") == {}
    small_crm.change("line_items", line, quantity="2")
    small_crm.change("deals", deal, description="corrected")
    assert desk.run().exit_code == 4, "now its product is asked for"
    desk.ask(answers.create, 1)
    [project] = desk.held("project").values()
    assert project["lines"][0]["quantity"] == "2"


# -- questions --------------------------------------------------------------------------------------------------------


def test_many_deals_wait_for_one_answer_and_go_on_together(desk: Desk, small_crm: Crm) -> None:
    """b_001_71, b_001_73, b_001_74, I1"""
    for n in range(30):
        small_crm.deal(f"Deal {n}", lines=(ODD, "FENDOR  600 MM", f"Other {n % 2}"), company="")
    report = desk.run()
    assert report.data["fates"]["deal"] == {"waiting": 30}
    asked = desk.ask(answers.questions)
    assert [question["waiting"] for question in asked] == [30, 15, 15]
    assert desk.ask(answers.create, 1).settled == {"product": {"created": 1}}
    assert desk.held("project") == {}, "each has another thing to wait for"
    assert desk.ask(answers.ignore, 2, "not ours").settled["project"] == {"created": 15}
    assert desk.ask(answers.match, 3, "I-1001").settled["project"] == {"created": 15}
    assert desk.seen() == {"created": 30}
    assert desk.ask(overview.open_items) == []
    without = [line for body in desk.held("project").values() for line in body["lines"] if not line.get("product")]
    assert len(without) == 15, "the ignored product leaves its lines without one"
    assert {line["name"] for line in without} == {"Other 0"}


def test_a_product_that_was_ignored_stays_ignored(desk: Desk, small_crm: Crm) -> None:
    """b_001_73"""
    small_crm.deal("First", lines=(ODD,))
    desk.run()
    desk.ask(answers.ignore, 1, "not ours")
    small_crm.deal("Second", lines=(ODD,))
    assert desk.run().exit_code == 0
    assert len(desk.held("project")) == 2
    assert desk.ask(answers.questions) == []


def test_a_product_that_a_rule_skips_keeps_nobody_waiting(desk: Desk, small_crm: Crm) -> None:
    """I1: one line is skipped by the rule, the other is asked about; the answer to the second is enough."""
    for name in ("Twin", "twin"):
        small_crm.product(name)
    desk.rewrite(('unmatched = "triage"', 'unmatched = "skip"'))
    small_crm.deal("Deal", lines=("Twin", "Nothing like it"))
    report = desk.run()
    assert report.data["items"]["product"].get("triage") == 1, report.data["items"]
    [question] = desk.ask(answers.questions)
    desk.ask(answers.match, 1, question["candidates"][0]["id"])
    assert desk.ask(overview.open_items) == []
    [project] = desk.held("project").values()
    assert [bool(line.get("product")) for line in project["lines"]] == [True, False]


def test_an_undone_answer_is_waited_for_again_by_what_had_not_gone_on(desk: Desk, small_crm: Crm) -> None:
    """b_001_73, I17"""
    small_crm.deal("Deal", lines=(ODD, "Another thing"))
    desk.run()
    desk.ask(answers.create, 1)
    desk.ask(answers.undo, 1)
    desk.ask(answers.create, 2)
    assert desk.held("project") == {}, "the first question is open again"
    desk.ask(answers.ignore, 1, "not ours")
    [project] = desk.held("project").values()
    assert [bool(line.get("product")) for line in project["lines"]] == [False, True]


def test_one_answer_may_be_given_to_every_question_of_the_name(desk: Desk, small_crm: Crm) -> None:
    """b_001_73: two flows ask for the same name, each under a system of its own."""
    small_crm.product("Fender 600", "FEN-600")
    small_crm.deal("Deal", lines=(ODD,))
    desk.run()
    second = Crm(other := type(small_crm.sim)(currency="USD", portal_id=99), "", small_crm.watch)
    second.deal("Theirs", lines=(ODD.upper(),))
    from wherry.simulator import serve

    with serve(other.app()) as url:
        desk.environ["OTHER_URL"] = url
        path = desk.folder / "wherry.toml"
        path.write_text(path.read_text() + OTHER)
        assert desk.run("theirs").exit_code == 4
        assert len(desk.ask(answers.questions)) == 2
        with pytest.raises(Guarded, match="not answered"):
            desk.ask(answers.apply_identical, 1)
        [target] = desk.held("product")
        answered = desk.ask(answers.match, 1, target, identical=True)
        assert answered.also == [2]
        assert len(desk.held("project")) == 2
        assert desk.ask(answers.questions) == []

        def linked(hub: Hub) -> list[tuple[int, str, str]]:
            with hub.store.read() as tx:
                sink = next(q.sink for q in questions.find_questions(tx))
                return ledger.links_of_target(tx, sink, "product", target)

        assert len({source for source, _, _ in desk.ask(linked)}) == 2, "one product, linked to both systems"
        assert desk.run("theirs").exit_code == 0
        assert len(desk.held("product")) == 1


OTHER = """
[connections.other]
plugin = "hubspot"
base_url = "${OTHER_URL}"
auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }
[flows.theirs]
source = "other"
sink = "platform"
kinds = ["deal"]
[flows.theirs.match.product]
order = ["link", "sku", "name"]
unmatched = "triage"
"""


def test_two_deals_of_one_company_share_one_customer_whenever_they_come(desk: Desk, small_crm: Crm) -> None:
    """I2"""
    company = small_crm.company("North Pier")
    small_crm.deal("One", company=company)
    small_crm.deal("Two", company=company)
    desk.run()
    small_crm.deal("Three", company=company)
    desk.run()
    [customer] = desk.held("customer")
    assert {body["customer"] for body in desk.held("project").values()} == {customer}


@pytest.mark.parametrize("wrong", ["P-404", "", "../etc"])
def test_an_answer_that_names_nothing_there_is_refused(desk: Desk, small_crm: Crm, wrong: str) -> None:
    """I16"""
    small_crm.deal("Deal", lines=(ODD,))
    desk.run()
    with pytest.raises(NotFound):
        desk.ask(answers.match, 1, wrong)
    assert desk.ask(answers.question, 1)["state"] == "open"
    with pytest.raises(NotFound):
        desk.ask(answers.create, 99)
    with pytest.raises(Guarded, match="nothing to undo"):
        desk.ask(answers.undo, 1)


def test_an_answer_is_given_once(desk: Desk, small_crm: Crm) -> None:
    """I2, I17"""
    small_crm.deal("Deal", lines=(ODD,))
    desk.run()
    desk.ask(answers.create, 1)
    with pytest.raises(Guarded, match="answered already"):
        desk.ask(answers.create, 1)
    assert len(desk.held("product")) == 1

    def whole(hub: Hub) -> str:
        with hub.store.read() as tx:
            return audit.verify(tx)

    assert desk.ask(whole) == ""


# -- the same on PostgreSQL -------------------------------------------------------------------------------------------


def test_waiting_answering_refusing_and_resuming_are_the_same_on_postgresql(
    desk: Desk, small_crm: Crm, postgres_url: str
) -> None:
    """I1, I2, b_001_74"""

    def story(overrides: dict[str, Any]) -> list[Any]:
        desk.overrides = overrides
        with desk.open() as hub:
            told: list[Any] = [hub.run("won-deals").data["fates"]]
            told.append(answers.match(hub, 1, answers.question(hub, 1)["candidates"][0]["id"]).settled)
            [deal] = [id for id, name in synced(hub).items() if name == "Deal 0"]
            options = Options(records=(deal,), resync=True)
            told += [
                hub.plan("won-deals", options).data["items"],
                hub.resync("won-deals", options, write=True).data["items"],
            ]
            told += [hub.run("won-deals").data["items"], image(hub), overview.status(hub)["waiting"]]
            return told

    small_crm.stock()
    odd = small_crm.deal("Odd", amount="1.999")
    assert story({}) == story({"store.url": postgres_url}), odd


def synced(hub: Hub) -> dict[str, str]:
    with hub.store.read() as tx:
        found = dict(ledger.synced_ids(tx, "won-deals", "deal"))
    names = held(hub, "project")
    return {deal: str(names[project]["name"]) for deal, project in found.items()}
