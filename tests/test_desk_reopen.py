"""What was given up, or is no longer in the target, is put before a person again: documents and what they need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from wherry.records import Ref
from wherry.store import ledger

from .counter import Counter, counter
from .drained import ROUTE
from .shop import Shop, shop

LONG = "INV-" + "9" * 45


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    monkeypatch.setenv("WHERRY_ACTOR", "anna")
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with shop(tmp_path, monkeypatch, capsys) as made:
        yield made


def sentence(at: Counter, word: str) -> str:
    return str(at.ask("explain", word)["items"][0]["sentence"])


def given_up(at: Counter) -> str:
    """A refused document that somebody gives up. Its number E-N."""
    at.desk.bill("1", "12.50", number=LONG)
    at.desk.run()
    id = f"E-{at.desk.item('1').id}"
    told = at.text("errors", "resolve", id, "--abandon", "--note", "a test")
    assert f"fix  wherry errors reopen {id} takes it up again" in told
    return id


# -- what was given up -------------------------------------------------------------------------------------------------


def test_what_was_given_up_is_taken_up_again_under_its_number(at: Counter) -> None:
    id = given_up(at)
    assert sentence(at, "1").endswith("; wherry errors reopen 1 takes it up again")
    [row] = at.ask("errors", "reopen", id, "--note", "a mistake")["items"]
    assert (row["id"], row["state"]) == (id, "refused")
    assert "has 49 characters" in row["reason"]
    assert at.said()[-1] == ("errors.reopen", id)
    assert f"it was refused ({id})" in sentence(at, "1")
    at.text("errors", "edit", id, "number=INV-1")
    assert at.ask("errors", "retry", id)["items"][0]["state"] == "created"
    assert at.desk.done("1") == [("created", "12.50")]
    assert at.desk.run().exit_code == 0
    assert len(at.desk.effects()) == 1


def test_it_is_taken_up_again_by_the_name_of_its_document_once(at: Counter) -> None:
    id = given_up(at)
    at.text("errors", "reopen", "1")
    error = at.fails("errors", "reopen", "1", code=7)
    assert (error["code"], id in error["message"]) == ("WHERRY-7110", True)
    at.text("errors", "resolve", id, "--abandon")
    assert at.ask("errors", "reopen", id)["items"][0]["id"] == id


def test_what_might_be_there_already_waits_for_the_same_decision_again(at: Counter) -> None:
    there = at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    at.desk.bill("1", "12.50")
    at.desk.run()
    id = f"E-{at.desk.item('1').id}"
    at.text("errors", "resolve", id, "--abandon")
    assert at.ask("errors", "reopen", id)["items"][0]["state"] == "decide"
    assert at.ask("errors", "resolve", id, "--link", there)["items"][0]["target"] == there
    assert at.desk.done("1") == [("entered", "12.50")]


def test_nothing_is_opened_that_is_unknown_or_as_it_was_written(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.bill("2", "1.00", status="draft")
    at.desk.run()
    assert at.fails("errors", "reopen", "99", code=3)["code"] == "WHERRY-3095"
    assert at.fails("errors", "reopen", "INV-1", code=7)["code"] == "WHERRY-7112"
    assert at.fails("errors", "reopen", "2", code=7)["code"] == "WHERRY-7112"
    assert at.fails("errors", "reopen", code=2)
    assert at.fails("errors", "reopen", "id:1", "--kind", "customer", code=7)["code"] == "WHERRY-7112"
    assert at.desk.items() == {}


# -- what was overtaken since ------------------------------------------------------------------------------------------


def second_given_up(at: Counter) -> str:
    """The second version of a document is refused and given up. Its number E-N."""
    at.desk.bill("1", "10.00")
    at.desk.run()
    at.desk.bill("1", "20.00", number=LONG)
    at.desk.run()
    id = f"E-{at.desk.item('1').id}"
    at.text("errors", "resolve", id, "--abandon")
    return id


def test_an_older_version_is_not_taken_up_over_a_newer_one_that_was_written(at: Counter) -> None:
    """I9"""
    id = second_given_up(at)
    at.desk.bill("1", "30.00", number="INV-1")
    at.desk.run()
    error = at.fails("errors", "reopen", id, code=7)
    there = at.desk.number("1")["id"]
    assert error["code"] == "WHERRY-7114"
    assert error["message"].endswith(f"stays given up: a newer version of it was written since, as {there}")
    assert at.desk.items() == {}
    assert at.desk.number("1")["total"] == "30.00"
    at.desk.target.edit(there, memo="paid by card")
    assert at.ask("errors", "reopen", "INV-1")["items"][0]["state"] == "differs", "by its name: what is there now"


def test_an_update_that_was_given_up_last_is_taken_up_again(at: Counter) -> None:
    id = second_given_up(at)
    at.text("errors", "reopen", id)
    assert at.ask("errors", "retry", id, code=4)["items"][0]["state"] == "refused", "as it was: the target was asked"
    at.text("errors", "edit", id, "number=INV-1")
    at.text("errors", "retry", id)
    assert at.desk.number("1")["total"] == "20.00"


def test_what_was_given_up_says_which_newer_version_of_it_is_open(at: Counter) -> None:
    id = second_given_up(at)
    at.desk.bill("1", "30.00", number=LONG + "1")
    at.desk.run()
    newer = f"E-{at.desk.item('1').id}"
    error = at.fails("errors", "reopen", id, code=7)
    assert (error["code"], error["fix"]) == ("WHERRY-7110", f"wherry errors show {newer}")
    assert f"{LONG}1 is open already as {newer}" in error["message"]
    assert at.desk.item("1").state == "refused"


def test_what_its_record_is_left_out_by_now_is_not_taken_up_again(at: Counter) -> None:
    id = second_given_up(at)
    at.desk.bill("1", "30.00", status="draft")
    at.desk.run()
    error = at.fails("errors", "reopen", id, code=7)
    assert error["code"] == "WHERRY-7114"
    assert "the newer version of its record is left out (" in error["message"]


def test_a_document_that_changed_while_it_was_given_up_is_taken_up_as_it_is_now(at: Counter) -> None:
    """I9"""
    id = given_up(at)
    at.desk.bill("1", "99.00", number=LONG)
    assert at.desk.run().exit_code == 0
    [row] = at.ask("errors", "reopen", id)["items"]
    assert (row["state"], row["amount"]) == ("refused", 9900)
    at.text("errors", "edit", id, "number=INV-1")
    at.text("errors", "retry", id)
    assert at.desk.done("1") == [("created", "99.00")]


def test_one_that_might_be_there_is_written_as_it_is_now_once_that_is_decided(at: Counter) -> None:
    """I9"""
    there = at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    at.desk.bill("1", "12.50")
    at.desk.run()
    id = f"E-{at.desk.item('1').id}"
    at.text("errors", "resolve", id, "--abandon")
    at.desk.bill("1", "99.00")
    at.desk.run()
    at.text("errors", "reopen", id)
    at.text("errors", "resolve", id, "--send-again", "--yes")
    mine = [one["total"] for one in at.desk.target.things.values() if one["kind"] == "invoice" and one["id"] != there]
    assert mine == ["99.00"]


# -- what is no longer there -------------------------------------------------------------------------------------------


def lost(at: Counter, entity: str = "invoice") -> str:
    """A document, or its customer, is deleted there. What it was there."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.clock.sleep(at.desk.target.lag + 1)
    [there] = [one["id"] for one in at.desk.target.things.values() if one["kind"] == entity]
    gone(at, there)
    return str(there)


def gone(at: Counter, there: str) -> None:
    """Somebody deletes a thing. Its id is not used again."""
    held = at.desk.target.things.pop(there)
    at.desk.target.things[f"was {there}"] = {**held, "kind": "deleted", "number": "", "name": "", "stamp": ""}


def test_a_document_that_was_deleted_there_is_written_anew_on_a_persons_word(at: Counter) -> None:
    there = lost(at)
    [row] = at.ask("errors", "reopen", "INV-1")["items"]
    assert (row["state"], row["reason"]) == ("decide", f"invoice {there} is no longer there")
    assert at.desk.writes().count("POST /things") == 3
    [done] = at.ask("errors", "resolve", row["id"], "--send-again", "--yes")["items"]
    assert (done["state"], done["target"] != there) == ("created", True)
    assert len(set(at.desk.stamps("1"))) == 2
    assert at.desk.done("1") == [("created", "12.50"), ("created", "12.50")]
    assert at.ask("reconcile", "invoices")["differences"] == []
    at.desk.bill("1", "13.00")
    assert at.desk.run().exit_code == 0
    assert at.desk.number("1")["total"] == "13.00"


def test_a_document_that_was_deleted_there_may_stay_so(at: Counter) -> None:
    there = lost(at)
    [row] = at.ask("errors", "reopen", "INV-1")["items"]
    at.text("errors", "resolve", row["id"], "--abandon", "--note", "credited by hand")
    [one] = at.ask("reconcile", "invoices")["decided"]
    assert (one["what"], one["target"]) == ("missing", there)
    assert sentence(at, "INV-1").endswith("; decided by anna on 2026-07-06: given up (credited by hand)")
    assert at.desk.items() == {}


def test_an_edit_there_that_no_change_has_met_yet_is_decided_about(at: Counter) -> None:
    """case_E16"""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid by card")
    [row] = at.ask("errors", "reopen", "INV-1")["items"]
    assert (row["state"], "memo is paid by card there" in row["reason"]) == ("differs", True)
    at.text("errors", "resolve", row["id"])
    assert [one["what"] for one in at.ask("reconcile", "invoices")["decided"]] == ["edited"]
    at.desk.target.edit(at.desk.number("1")["id"], memo="paid twice")
    [row] = at.ask("errors", "reopen", "INV-1")["items"]
    assert at.ask("errors", "retry", row["id"], "--yes")["items"][0]["state"] == "updated"
    assert at.desk.number("1")["memo"] == ""
    assert at.ask("reconcile", "invoices")["decided"] == []


def test_a_newer_version_goes_on_waiting_behind_what_is_sent_again(at: Counter) -> None:
    """I1: it came while somebody was to decide about a document that was deleted there."""
    lost(at, "invoice")
    [row] = at.ask("errors", "reopen", "INV-1")["items"]
    at.desk.bill("1", "77.00")
    at.desk.run()
    at.text("errors", "resolve", row["id"], "--send-again", "--yes")
    assert at.desk.number("1")["total"] == "77.00"


def test_what_was_refused_after_its_document_was_taken_back_is_made_when_it_is_tried_again(at: Counter) -> None:
    """I1: it was called unchanged, and nothing of it was there."""
    at.desk.bill("1", "12.50")
    at.desk.run()
    at.desk.bill("1", "12.50", status="void")
    at.desk.run()
    at.desk.bill("1", "12.50", status="invoiced", number=LONG)
    at.desk.run()
    id = f"E-{at.desk.item('1').id}"
    at.text("errors", "edit", id, "number=INV-1")
    assert at.ask("errors", "retry", id)["items"][0]["state"] == "created"


def test_a_customer_that_was_deleted_there_is_made_anew_and_what_was_refused_goes_on(at: Counter) -> None:
    lost(at, "customer")
    at.desk.bill("2", "2.00")
    assert at.desk.run().exit_code == 4
    assert at.desk.item("2").state == "refused"
    [row] = at.ask("errors", "reopen", "id:1", "--kind", "customer")["items"]
    assert (row["entity"], row["state"]) == ("customer", "decide")
    told = at.text("errors", "resolve", row["id"], "--send-again", "--yes")
    assert "created" in told
    assert told.splitlines()[-1].endswith("errors retry --class refused --flow invoices")
    at.text("errors", "retry", "--class", "refused", "--flow", "invoices")
    [party] = {one["party"] for one in at.desk.target.things.values() if one["number"] == "INV-2"}
    assert at.desk.target.things[party]["name"] == "Acme Rail"
    assert at.desk.items() == {}


def test_a_customer_that_was_deleted_there_is_linked_to_another(at: Counter) -> None:
    lost(at, "customer")
    other = at.desk.target.enter("customer", name="Acme Railways")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    [row] = at.ask("errors", "reopen", "id:1", "--kind", "customer")["items"]
    assert at.ask("errors", "resolve", row["id"], "--link", other)["items"][0]["target"] == other
    at.desk.bill("2", "2.00")
    assert at.desk.run().exit_code == 0
    assert [one["party"] for one in at.desk.target.things.values() if one["number"] == "INV-2"] == [other]
    assert len(at.desk.effects("customer")) == 2


def test_what_is_sent_anew_refers_to_what_stands_there_by_then(at: Counter) -> None:
    """The customer was made anew as well: the document that was deleted goes to the new one."""
    there = lost(at, "customer")
    gone(at, at.desk.number("1")["id"])
    for word, kind in (("id:1", "customer"), ("INV-1", "invoice")):
        [row] = at.ask("errors", "reopen", word, "--kind", kind)["items"]
        at.text("errors", "resolve", row["id"], "--send-again", "--yes")
    party = at.desk.number("1")["party"]
    assert (party != there, at.desk.target.things[party]["name"]) == (True, "Acme Rail")


def test_quickbooks_says_that_a_customer_was_made_inactive_and_it_is_decided_about(books: Shop) -> None:
    """Entries of lists are never deleted in QuickBooks; what refers to them is refused"""
    books.does("run invoices")
    id = books.number("536367")["CustomerRef"]["value"]
    held = next(one for one in books.books.objects("Customer") if one["Id"] == id)
    told = {"Id": id, "SyncToken": held["SyncToken"], "sparse": True, "Active": False}
    books.books.write("Customer", told, "update")
    books.does("workspace edit invoice 536367 due_date=2011-02-28")
    books.does("run invoices", 4)
    [refused] = books.ask("errors list")["items"]
    assert "; to decide about that customer: wherry errors reopen id:13047 --kind customer" in refused["fix"]
    [row] = books.ask("errors reopen id:13047 --kind customer")["items"]
    assert (row["state"], row["reason"]) == ("decide", f"customer {id} is inactive there")
    books.does(f"errors resolve {row['id']} --send-again --yes")
    books.does("errors retry --class refused --flow invoices")
    assert books.number("536367")["CustomerRef"]["value"] != id
    assert books.ask("reconcile invoices")["differences"] == []


# -- several things of one id ------------------------------------------------------------------------------------------


def test_an_id_that_two_things_have_tells_of_both_and_of_the_one_that_is_meant(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    there = at.desk.number("1")["id"]
    with at.desk.stored() as store, store.write() as tx:
        [link] = ledger.find_links(tx, ROUTE, [Ref("customer", "id:1")]).values()
        ledger.put_links(tx, ROUTE, [msgspec.structs.replace(link, target=there)])
    told = at.ask("explain", "--target", there)["items"]
    assert [one["ref"]["entity"] for one in told] == ["invoice", "customer"]
    shown = at.text("explain", "--target", there, "--short")
    assert shown.splitlines()[-1].endswith(f"explain --target {there} --kind customer")
    [one] = at.ask("explain", "--target", there, "--kind", "customer")["items"]
    assert one["sentence"].startswith("Customer C-1 is in books")
    assert at.fails("explain", "--target", there, "--kind", "product", code=3)["code"] == "WHERRY-3085"
    error = at.fails("errors", "reopen", "--target", there, code=7)
    assert (error["code"], "customer, invoice" in error["message"]) == ("WHERRY-7111", True)
