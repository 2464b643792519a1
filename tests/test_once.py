"""A source document reaches a target as a document or as a journal, whatever flows carry it, and never as both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.runs import engine

from .shop import Shop, shop
from .treasury import Treasury, named_treasury

LEDGER = """
[flows.{name}]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "journal"
accounts = "tables/accounts.csv"
group = "month"
books_from = 2010-12-01
approval = "required"
clearing = "Checking"
"""
ACCOUNTS = """category,debit,credit
product,Sales of Product Income,Sales of Product Income
receivable,Checking,Checking
"""
RULE = "a record goes into a target as a document or as a journal, never as both"
NO_NUMBER = "no customer location, so no GL number"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str
) -> Iterator[Shop]:  # fmt: skip
    """A shop with two flows for its invoices: ``invoices`` makes documents of them, ``ledger`` books them."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "accounts.csv").write_text(ACCOUNTS, "utf-8")
    with shop(tmp_path, monkeypatch, capsys, store=store_url, more=LEDGER.format(name="ledger")) as made:
        yield made


def ran(desk: Shop, flow: str, code: int = 0) -> dict[str, int]:
    """Run the flow; fate → number of its invoices."""
    return dict(desk.ask(f"run {flow}", code)["fates"].get("invoice", {}))


def standing(desk: Shop) -> tuple[int, int]:
    """How many invoices and journal entries the books hold that were not taken back."""
    invoices = [one for one in desk.books.objects("Invoice") if float(one["TotalAmt"])]
    return len(invoices), len(desk.books.objects("JournalEntry"))


def why(desk: Shop, flow: str, number: str) -> str:
    """What explain says of an invoice in a flow."""
    told = [one for one in desk.ask(f"explain {number}")["items"] if one["flow"] == flow]
    return str(told[0]["sentence"])


def undone(desk: Shop) -> None:
    """Everything that the last run of the flow of documents made is taken back in the target."""
    run = desk.ask("runs list --flow invoices")["items"][0]["id"]
    desk.does(f"runs undo {run} --yes")


def test_what_is_a_document_is_not_booked_and_the_sentence_names_the_flow_and_the_document(desk: Shop) -> None:
    """I10, b_000_03"""
    assert ran(desk, "invoices") == {"created": 3, "skipped": 1}
    told = desk.ask("run ledger")
    assert told["fates"] == {"invoice": {"skipped": 4}}
    assert told["reasons"]["invoice"]["skipped"] == {"flow invoices has it already": 3, NO_NUMBER: 1}
    assert told["books"]["entries"] == []
    first = "flow invoices has it already, as invoice 536365 (145)"
    assert f"{first}: {RULE}" in why(desk, "ledger", "INV-1001")
    desk.does("approve ledger --all --yes")
    assert standing(desk) == (3, 0)


def test_what_is_booked_does_not_become_a_document(desk: Shop) -> None:
    """I10, b_000_03"""
    assert ran(desk, "ledger") == {"created": 3, "skipped": 1}
    told = desk.ask("run invoices")
    assert told["fates"] == {"invoice": {"skipped": 4}}
    assert told["items"] == {}, "no customer or product is made for what is left out"
    assert f"flow ledger has it already, as movement 536365 (M-1): {RULE}" in why(desk, "invoices", "INV-1001")
    desk.does("approve ledger --all --yes")
    assert standing(desk) == (0, 1)
    assert ran(desk, "invoices") == {}


def test_what_only_waits_for_approval_has_its_home_already(desk: Shop) -> None:
    desk.setting('approval = "automatic"', 'approval = "required"')
    assert ran(desk, "invoices")["waiting"] == 3
    assert ran(desk, "ledger") == {"skipped": 4}
    assert "(on its way)" in why(desk, "ledger", "INV-1001")


def test_the_rule_holds_in_the_transaction_that_queues_when_the_gate_knew_nothing(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run may have come between reading and settling."""
    monkeypatch.setattr(engine, "leave_to_others", lambda job, mapper, kind, entries: {})
    assert ran(desk, "ledger") == {"created": 3, "skipped": 1}
    assert ran(desk, "invoices") == {"skipped": 4}
    assert ran(desk, "ledger") == {}
    assert standing(desk) == (0, 0)


def test_what_stands_as_a_document_of_a_flow_that_books_journals_now_is_told_when_it_is_taken_back(desk: Shop) -> None:
    """I7: the flow takes no document back"""
    assert ran(desk, "invoices") == {"created": 3, "skipped": 1}
    path = desk.folder / "wherry.toml"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("[flows.invoices]")] + LEDGER.format(name="invoices"), "utf-8")
    desk.does("workspace edit invoice INV-1001 status=void")
    notices = [one["what"] for one in desk.ask("run invoices")["notices"] if one["record"] == "INV-1001"]
    assert notices == [f"its status is void; flow invoices has it already, as invoice 536365 (145): {RULE}"]
    assert standing(desk) == (3, 0)


def test_what_a_flow_booked_under_another_name_is_told_when_it_is_taken_back(desk: Shop) -> None:
    """I7: nothing else would tell of it"""
    assert ran(desk, "ledger") == {"created": 3, "skipped": 1}
    desk.does("approve ledger --all --yes")
    path = desk.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace("[flows.ledger", "[flows.journals"), "utf-8")
    desk.does("workspace edit invoice INV-1001 status=void")
    [notice] = [one["what"] for one in desk.ask("run journals")["notices"] if one["record"] == "INV-1001"]
    assert notice.startswith("its status is void; flow ledger has it already, as movement 536365 (M-1)")


def test_once_the_document_is_taken_back_the_other_flow_books_it_by_itself(desk: Shop) -> None:
    """I10"""
    ran(desk, "invoices")
    assert ran(desk, "ledger") == {"skipped": 4}
    undone(desk)
    assert standing(desk) == (0, 0)
    told = desk.ask("run ledger")
    assert told["fates"]["invoice"] == {"created": 3}
    assert [one["movements"] for one in told["books"]["entries"]] == [3]
    desk.does("workspace edit invoice INV-1001 memo=again")
    assert ran(desk, "invoices")["skipped"] == 1
    assert standing(desk) == (0, 0)


def test_once_the_movement_is_taken_back_the_other_flow_makes_the_document(desk: Shop) -> None:
    """I10"""
    desk.books.write("Customer", {"DisplayName": "Seventeen", "Notes": "Number: 17850"})
    ran(desk, "ledger")
    assert ran(desk, "invoices") == {"skipped": 4}
    desk.does("workspace edit invoice INV-1001 status=void")
    assert ran(desk, "ledger") == {"reversed": 1}
    desk.does("workspace edit invoice INV-1001 status=invoiced")
    assert ran(desk, "invoices") == {"created": 1}
    told = desk.ask("run ledger")
    assert told["fates"]["invoice"] == {"skipped": 1}
    assert [(one["movements"], one["lines"][0]["minor"]) for one in told["books"]["entries"]] == [(2, 8160)]
    assert standing(desk) == (1, 0)


def test_what_another_flow_is_about_to_make_is_not_made_a_second_time(desk: Shop) -> None:
    """I2: a customer of this number waits for approval there; whoever needs it waits for it."""
    ran(desk, "ledger")
    desk.does("workspace edit invoice INV-1001 status=void")
    ran(desk, "ledger")
    desk.does("workspace edit invoice INV-1001 status=invoiced")
    assert ran(desk, "invoices") == {"waiting": 1, "skipped": 3}
    desk.does("approve ledger --all")
    ran(desk, "invoices")
    assert standing(desk) == (1, 1)
    notes = [one.get("Notes", "") for one in desk.books.objects("Customer")]
    assert sum("Number: 17850" in note for note in notes) == 1


def test_two_flows_do_not_both_book_a_record(desk: Shop) -> None:
    """I10"""
    project = desk.folder / "wherry.toml"
    project.write_text(project.read_text("utf-8") + LEDGER.format(name="second"), "utf-8")
    assert ran(desk, "ledger") == {"created": 3, "skipped": 1}
    assert ran(desk, "second") == {"skipped": 4}
    assert "a record is booked by one flow alone" in why(desk, "second", "INV-1002")
    desk.does("approve ledger --all --yes")
    desk.does("approve second --all --yes")
    assert standing(desk) == (0, 1)


def test_what_a_rule_takes_out_of_the_queue_again_is_free_for_the_other_flow(desk: Shop) -> None:
    desk.setting('approval = "automatic"', 'approval = "required"')
    ran(desk, "invoices")
    assert ran(desk, "ledger") == {"skipped": 4}
    desk.does("workspace edit invoice INV-1001 status=draft")
    assert ran(desk, "invoices")["skipped"] == 1
    desk.does("workspace edit invoice INV-1001 status=invoiced")
    assert ran(desk, "ledger")["created"] == 1


def test_flows_of_which_one_would_leave_out_everything_are_refused_by_config_check(desk: Shop) -> None:
    [_, told] = [one for one in desk.ask("config check")["not_checked"] if "invoice" in one]
    assert told == "which of invoices and ledger has an invoice: the first that takes it; none goes into books twice"
    desk.setting('when = { status = "invoiced" }\n', "")
    said = desk.type("config check")
    assert desk.code == 2
    assert "flows.invoices and flows.ledger both take every invoice of platform into books" in desk.err + said


# -- what was prepared of a movement that says something else now ------------------------------------------------------


@pytest.fixture
def treasury(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str
) -> Iterator[Treasury]:  # fmt: skip
    with named_treasury(tmp_path, monkeypatch, capsys, store=store_url) as made:
        yield made


def moves(desk: Treasury, *rows: str) -> None:
    lines = ["id,date,amount,category,partition,reference", *rows]
    (desk.folder / "moves.csv").write_text("\n".join(lines) + "\n", "utf-8")
    desk.does("workspace import ledger-transaction moves.csv")


def booked(desk: Treasury) -> list[tuple[str, Any]]:
    """Everything that waits is approved: (number, amount) of the entries in the books."""
    desk.does("approve wallet-journals --all --yes")
    return [(one["DocNumber"], one["Line"][0]["Amount"]) for one in desk.journals()]


def test_a_movement_that_changes_its_week_before_it_was_posted_is_posted_once(treasury: Treasury) -> None:
    """I10"""
    moves(treasury, "TX-1001,2026-01-05,100.00 USD,payout,W1,p1")
    treasury.ask("run wallet-journals")
    moves(treasury, "TX-1001,2026-01-20,100.00 USD,payout,W1,p1")
    treasury.ask("run wallet-journals")
    assert [number for number, _ in booked(treasury)] == ["JE W1 2026W04"]


def test_a_movement_that_leaves_others_behind_in_its_week_leaves_their_sum_right(treasury: Treasury) -> None:
    """I8, I10"""
    moves(treasury, "TX-1001,2026-01-05,100.00 USD,payout,W1,p1", "TX-1002,2026-01-06,1.00 USD,payout,W1,p2")
    treasury.ask("run wallet-journals")
    moves(treasury, "TX-1001,2026-01-20,100.00 USD,payout,W1,p1")
    treasury.ask("run wallet-journals")
    assert [(number, float(amount)) for number, amount in booked(treasury)] == [
        ("JE W1 2026W02", 1.0), ("JE W1 2026W04", 100.0)]  # fmt: skip


# -- the way of a movement ---------------------------------------------------------------------------------------------


def told(desk: Treasury, word: str) -> str:
    [one] = desk.ask(f"explain {word}")["items"]
    return str(one["sentence"])


def test_explain_tells_the_way_of_a_movement_by_its_reference_its_record_and_its_number(treasury: Treasury) -> None:
    """b_000_15, I16"""
    treasury.does("explain M-1", 3)
    assert "there is no movement M-1: flow wallet-journals" in treasury.err
    assert "which never ran" in treasury.err
    moves(treasury, "TX-1001,2026-01-05,100.00 USD,payout,W1,p1", "TX-1002,2026-01-06,0.00 USD,fee,W1,p2",
          "TX-1003,2026-01-07,2.50 USD,fee,W1,p3")  # fmt: skip
    treasury.ask("run wallet-journals")
    first = "Movement p1 (100.00 USD of 2026-01-05)"
    for word in ("p1", "TX-1001", "M-1"):
        said = told(treasury, word)
        assert said.startswith(f"{first} is not in books")
        assert "booked with its week, 2026-W02, one of 2 movements" in said
        assert "in journal entry JE W1 2026W02, which is prepared and waits for approval" in said
    assert told(treasury, "p2").endswith(": under 0.01 USD")
    [(_, _)] = booked(treasury)
    [entry] = treasury.journals()
    assert f"in journal entry JE W1 2026W02 as {entry['Id']}: booked with its week" in told(treasury, "p1")
    treasury.does('journal reverse wallet-journals "JE W1 2026W02" --yes')
    assert "its entry was reversed (JE W1 2026W02)" in told(treasury, "p3")
    moves(treasury, "TX-1004,2026-01-20,7.00 USD,donation,W1,p4")
    treasury.ask("run wallet-journals", 4)
    assert 'category "donation" is not in the accounts table' in told(treasury, "p4")
    for word, missing in {"p9": "no flow has ever read p9", "M-99": "there is no movement M-99: flow wallet-journals",
                          "E-99": "E-99 is not open: it is done by now, or never was",
                          "t-99": "fix      wherry triage show T-99"}.items():  # fmt: skip
        treasury.does(f"explain {word}", 3)
        assert missing in treasury.err
