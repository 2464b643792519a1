"""A record keeps the one home that it has: when its flow becomes another, and when its document is given up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.protocol import homing

from .shop import Shop, shop
from .test_once import ACCOUNTS, LEDGER, RULE, ran, standing, why
from .test_once import desk as desk

LONG = "9" * 40
"""More than the books take."""


# -- a flow that becomes another ---------------------------------------------------------------------------------------


@pytest.fixture
def alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str
) -> Iterator[Shop]:  # fmt: skip
    """A shop with one flow, which makes documents."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "accounts.csv").write_text(ACCOUNTS, "utf-8")
    with shop(tmp_path, monkeypatch, capsys, store=store_url) as made:
        yield made


def becomes(desk: Shop, flow: str) -> None:
    """The table of the flow is replaced by another of the same name."""
    path = desk.folder / "wherry.toml"
    text = path.read_text("utf-8")
    path.write_text(text[: text.index("[flows.invoices]")] + flow, "utf-8")


def table(desk: Shop) -> str:
    text = (desk.folder / "wherry.toml").read_text("utf-8")
    return text[text.index("[flows.invoices]") :]


def test_a_flow_that_becomes_a_journal_flow_does_not_book_what_it_made_documents_of(alone: Shop) -> None:
    """I10"""
    assert ran(alone, "invoices") == {"created": 3, "skipped": 1}
    becomes(alone, LEDGER.format(name="invoices"))
    assert ran(alone, "invoices") == {"skipped": 4}
    assert f"flow invoices has it already, as invoice 536365 (145): {RULE}" in why(alone, "invoices", "INV-1001")
    alone.does("workspace edit invoice INV-1001 memo=again")
    assert ran(alone, "invoices") == {"skipped": 1}
    alone.does("approve invoices --all --yes")
    assert standing(alone) == (3, 0)


def test_once_those_documents_were_taken_back_it_books_them(alone: Shop) -> None:
    """I10"""
    ran(alone, "invoices")
    run = alone.ask("runs list --flow invoices")["items"][0]["id"]
    documents = table(alone)
    becomes(alone, LEDGER.format(name="invoices"))
    ran(alone, "invoices")
    becomes(alone, documents)
    alone.does(f"runs undo {run} --yes")
    becomes(alone, LEDGER.format(name="invoices"))
    told = alone.ask("run invoices")
    assert told["fates"]["invoice"] == {"created": 3}
    assert [one["movements"] for one in told["books"]["entries"]] == [3]
    assert standing(alone) == (0, 0)


def test_a_flow_that_becomes_one_of_documents_makes_none_of_what_it_booked(alone: Shop) -> None:
    """I10"""
    documents = table(alone)
    becomes(alone, LEDGER.format(name="invoices"))
    assert ran(alone, "invoices") == {"created": 3, "skipped": 1}
    becomes(alone, documents)
    told = alone.ask("run invoices")
    assert (told["fates"], told["items"]) == ({"invoice": {"skipped": 4}}, {})
    alone.does("approve invoices --all --yes")
    assert standing(alone)[0] == 0


def test_what_a_flow_gives_free_under_another_name_is_free_for_others(desk: Shop) -> None:
    """I10"""
    desk.setting('approval = "automatic"', 'approval = "required"')
    ran(desk, "invoices")
    assert ran(desk, "ledger") == {"skipped": 4}
    path = desk.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace("[flows.invoices", "[flows.bills"), "utf-8")
    ran(desk, "bills")
    desk.does("workspace edit invoice INV-1001 status=draft")
    ran(desk, "bills")
    desk.does("workspace edit invoice INV-1001 status=invoiced")
    assert ran(desk, "ledger")["created"] == 1


def test_what_one_of_two_flows_withdraws_is_carried_by_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """I1: both had taken it, and it waited as that of the second."""
    with shop(tmp_path, monkeypatch, capsys) as made:
        made.setting('approval = "automatic"', 'approval = "required"')
        path, one = made.folder / "wherry.toml", 'filter = "invoice.number == 536365"\n'
        first = table(made)
        second = first.replace("flows.invoices", "flows.second")
        path.write_text(path.read_text("utf-8").replace(first, first + second.replace("when", f"{one}when")), "utf-8")
        assert [ran(made, flow).get("waiting") for flow in ("invoices", "second")] == [3, 1]
        made.setting("number == 536365", "number == 0")
        assert ran(made, "second") == {"skipped": 4}
        assert ran(made, "invoices") == {"waiting": 1}


def test_what_was_taken_back_before_a_flow_was_renamed_is_told_as_that(alone: Shop) -> None:
    """I9: it may stand there again, which reconcile looks for."""
    ran(alone, "invoices")
    alone.does("workspace edit invoice INV-1001 status=void")
    ran(alone, "invoices")
    alone.setting("[flows.invoices", "[flows.bills")
    ran(alone, "bills")
    assert alone.ask("reconcile bills")["counts"] == {"posted": 2, "reversed": 1, "skipped": 1}


def test_what_a_flow_wrote_before_it_was_renamed_is_not_counted_by_the_flow_beside_it(alone: Shop) -> None:
    """I9: reconcile told it twice, as posted by both."""
    path, first, rule = alone.folder / "wherry.toml", table(alone), 'filter = "invoice.number {} 536365"\nwhen'
    second = first.replace("flows.invoices", "flows.second").replace("when", rule.format("=="))
    both = first.replace("when", rule.format("!=")) + second
    path.write_text(path.read_text("utf-8").replace(first, both), "utf-8")
    assert [ran(alone, flow)["created"] for flow in ("invoices", "second")] == [2, 1]
    alone.setting("flows.second", "flows.bids")
    ran(alone, "bids")
    counted = [alone.ask(f"reconcile {flow}")["counts"] for flow in ("invoices", "bids")]
    assert counted == [{"posted": 2, "skipped": 2}, {"posted": 1, "skipped": 3}]


# -- a document that is given up ---------------------------------------------------------------------------------------


def test_what_a_flow_prepared_under_another_name_is_withdrawn_once_its_record_is_left_out(alone: Shop) -> None:
    """Nobody is asked for a word about it any more."""
    alone.setting('approval = "automatic"', 'approval = "required"')
    ran(alone, "invoices")
    alone.setting("[flows.invoices", "[flows.bills")
    alone.does("workspace edit invoice INV-1001 status=draft")
    assert ran(alone, "bills") == {"skipped": 2, "waiting": 2}
    assert "its status is draft" in why(alone, "bills", "536365")
    alone.type("approve invoices --all --yes")
    alone.does("approve bills --all --yes")
    assert standing(alone) == (2, 0)


def waiting(desk: Shop) -> str:
    """The number E-N of the one thing that waits for a person."""
    [one] = desk.ask("errors list")["items"]
    return str(one["id"])


def refused(desk: Shop) -> str:
    """An invoice that the books do not take is given up. Its number E-N."""
    desk.does(f"workspace edit invoice INV-1001 number={LONG}")
    assert ran(desk, "invoices", 4) == {"created": 2, "refused": 1, "skipped": 1}
    id = waiting(desk)
    desk.does(f"errors resolve {id} --abandon --note x")
    return id


def test_what_was_given_up_is_not_taken_up_again_once_another_flow_has_booked_it(desk: Shop) -> None:
    """I10"""
    id = refused(desk)
    assert ran(desk, "ledger") == {"created": 1, "skipped": 3}
    desk.does("approve ledger --all --yes")
    error = json.loads(desk.does(f"errors reopen {id} --output json", 7))["error"]
    assert error["code"] == "WHERRY-7113"
    assert f"flow ledger has it already, as movement {LONG} (M-1): {RULE}" in error["message"]
    assert [one for one in desk.ask("errors list")["items"] if one["entity"] == "invoice"] == []
    desk.does("run invoices")
    assert standing(desk)[0] == 2


def test_what_is_taken_up_again_has_its_home_before_another_flow_comes(desk: Shop) -> None:
    """I10"""
    id = refused(desk)
    desk.does(f"errors reopen {id}")
    assert ran(desk, "ledger") == {"skipped": 4}
    desk.does(f"errors edit {id} number=536365")
    desk.does(f"errors retry {id}")
    assert standing(desk) == (3, 0)


def test_what_was_taken_up_without_its_home_is_not_sent_again_once_another_flow_has_booked_it(
    desk: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I10: as an earlier release left it. The rule holds where it is put into the queue, too."""
    held = desk.entered("536365")
    ran(desk, "invoices", 4)
    id = waiting(desk)
    with monkeypatch.context() as patch:
        patch.setattr(homing, "_stays_as_it_is", lambda step, outcome: False)
        patch.setattr(homing, "take_up", lambda tx, lane, item: None)
        desk.does(f"errors resolve {id} --abandon")
        desk.does(f"errors reopen {id}")
    assert ran(desk, "ledger")["created"] == 1
    desk.does(f"errors resolve {id} --send-again --yes")
    desk.does("run invoices")
    numbers = [(one["Id"], one["DocNumber"]) for one in desk.books.objects("Invoice")]
    assert [id for id, number in numbers if number == "536365"] == [held]
    assert desk.ask("errors list")["items"] == []
    assert f"flow ledger has it already, as movement 536365 (M-1): {RULE}" in why(desk, "invoices", "INV-1001")


def test_what_may_stand_there_by_hand_keeps_its_home_when_it_is_given_up(desk: Shop) -> None:
    """I10: nobody could tell that the books do not hold it, so no other flow books it, also not when it changes."""
    desk.entered("536365")
    ran(desk, "invoices", 4)
    id = waiting(desk)
    desk.does(f"errors resolve {id} --abandon --note by_hand")
    assert ran(desk, "ledger") == {"skipped": 4}
    assert "(given up, as it may be there already)" in why(desk, "ledger", "INV-1001")
    desk.does("workspace edit invoice INV-1001 memo=again")
    assert ran(desk, "invoices") == {"skipped": 1}
    assert ran(desk, "ledger") == {"skipped": 1}
    desk.does("approve ledger --all --yes")
    assert standing(desk) == (3, 0)
