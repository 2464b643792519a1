"""``wherry explain``: one sentence says whether a document is in the target, or why it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .counter import Counter, counter


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Counter]:
    with counter(tmp_path, monkeypatch, capsys) as made:
        yield made


def test_one_sentence_says_why_a_document_is_there_or_is_not(at: Counter) -> None:
    """I16"""
    at.desk.bill("1", "12.50")
    at.desk.bill("2", "7.50", status="draft")
    at.desk.bill("3", "1.00", customer={"id": "7", "name": "N" * 50, "number": "C-7"})
    at.desk.run()
    there = at.desk.number("1")["id"]
    for word in ("INV-1", "1", there):
        assert "INV-1 is in books" in at.text("explain", word, "--short")
    assert "left out" in at.text("explain", "2", "--short")
    assert "refused" in at.text("explain", "INV-3", "--short")
    at.fails("explain", "99", code=3)


def test_from_a_document_in_the_target_back_to_request_and_answer(at: Counter) -> None:
    at.desk.bill("1", "12.50")
    at.desk.run()
    told = at.text("explain", "--target", at.desk.number("1")["id"])
    assert "invoice 1 of shelf" in told
    assert "request" in told
    assert "answer" in told
    assert "drain-canary" not in told


def sentence(at: Counter, word: str) -> str:
    return str(at.ask("explain", word)["items"][0]["sentence"])


def test_each_way_of_not_being_there_has_its_sentence(at: Counter) -> None:
    """I16: left out, never read, refused, and waiting for what was refused"""
    at.desk.bill("1", "12.50", status="draft")
    at.desk.bill("2", "7.50", number="INV-" + "9" * 45)
    at.desk.bill("3", "1.00", customer={"id": "7", "name": "N" * 50, "number": "C-7"})
    at.desk.run()
    held = {item.entity: f"E-{item.id}" for item in at.desk.items().values()}
    assert "was left out" in sentence(at, "1")
    assert "(12.50 GBP)" in sentence(at, "1")
    refused = sentence(at, f"E-{at.desk.item('2').id}")
    assert "it was refused (E-" in refused
    assert "its number has 49 characters" in refused
    waits = sentence(at, "INV-3")
    assert f"waits for its customer {'N' * 50}, which was refused ({held['customer']})" in waits
    assert "name has 50 characters" in waits
    missing = at.fails("explain", "--target", "X-999", code=3)
    assert (missing["code"], "X-999" in missing["message"]) == ("WHERRY-3085", True)
    at.text("explain", code=2)


def test_a_number_that_is_done_tells_what_became_of_it(at: Counter) -> None:
    """What left in the end, what was given up, and what has another number by now"""
    at.desk.bill("1", "12.50", number="INV-" + "9" * 45)
    at.desk.bill("2", "7.50", number="INV-" + "8" * 45)
    at.desk.run()
    first, second = (f"E-{at.desk.item(id).id}" for id in "12")
    at.desk.bill("1", "12.50", number="INV-1")
    at.desk.run()
    assert sentence(at, first).startswith(f"{first} is no longer open: Invoice INV-1 is in books")
    at.text("errors", "resolve", second, "--abandon")
    assert "is not in books" in sentence(at, second)
    assert "gave it up" in sentence(at, second)
    at.fails("explain", "E-999", code=3)


def test_a_message_that_ends_with_a_full_stop_does_not_leave_it_in_the_middle(at: Counter) -> None:
    """It said ``… is closed.; correct it …``"""
    told = {"error": {"code": "bad-amount", "message": "The period is closed."}}
    at.desk.fault("status", path="things", status=422, body=told, times=3)
    at.desk.bill("1", "12.50")
    at.desk.run()
    said = sentence(at, "INV-1")
    assert "The period is closed" in said
    assert ".;" not in said
    assert ".)" not in said


def test_what_a_person_has_to_say_is_in_the_sentence(at: Counter) -> None:
    """I16: approval, a decision, an edit in the target"""
    there = at.desk.target.enter("invoice", number="INV-1", total="12.50", currency="GBP")
    at.desk.clock.sleep(at.desk.target.lag + 1)
    at.desk.bill("1", "12.50")
    at.desk.bill("2", "7.50")
    at.desk.run()
    assert "waits for your decision" in sentence(at, "INV-1")
    assert f"--link {there}; it is not: the same with --send-again" in sentence(at, "INV-1")
    at.desk.target.edit(at.desk.number("2")["id"], memo="paid by card")
    at.desk.bill("2", "8.00")
    at.desk.run()
    assert "is in books" in sentence(at, "INV-2")
    assert "; but it was edited there since" in sentence(at, "INV-2")
    assert "memo is paid by card there" in sentence(at, "INV-2")
    at.desk.flows["invoices"] = 'approval = "required"'
    at.desk.bill("3", "1.00")
    at.desk.run()
    assert f"is prepared and waits for approval (E-{at.desk.item('3').id})" in sentence(at, "INV-3")
    assert at.text("explain", "INV-3").splitlines()[-1].endswith(f"approve invoices E-{at.desk.item('3').id}")


def test_of_a_batch_only_the_documents_own_part_is_shown_and_all_of_it_to_programs(at: Counter) -> None:
    at.desk.batch = 10
    at.desk.bills(4)
    at.desk.run()
    told = at.text("explain", "INV-3")
    assert "POST batch   with 3 others" in told
    assert ('"total": "3.10"' in told, '"number": "INV-3"' in told) == (True, True)
    assert ("INV-2" in told, "INV-4" in told) == (False, False)
    assert "carried customer id:1 and 1 more: wherry explain --target" in at.text("explain", "INV-1")
    assert "drain-canary" not in told
    [row] = at.ask("explain", "INV-3")["items"]
    whole = [call["body"]["operations"] for call in row["calls"] if len(call["items"]) == 4]
    assert [operation["thing"]["number"] for operation in whole[0]] == ["INV-1", "INV-2", "INV-3", "INV-4"]


def test_a_long_request_is_cut_with_the_command_that_shows_all_of_it(at: Counter) -> None:
    lines = [{"id": str(n), "product": "p1", "name": f"Sleeper number {n}", "sku": "p1", "quantity": "1",
              "amount": "1.00"} for n in range(100)]  # fmt: skip
    at.desk.shelf.put([{**at.desk.bill("1", "100.00"), "lines": lines}])
    at.desk.run()
    told = at.text("-C", str(at.desk.folder), "explain", "INV-1")
    assert "and 88 more lines" in told
    assert f"more characters; all of it: wherry -C {at.desk.folder} explain INV-1 --output json" in told
    assert len(told) < 12_000


def test_a_flow_that_ran_and_found_nothing_is_not_said_to_have_never_run(at: Counter) -> None:
    with at.desk.open():
        pass
    before = at.fails("explain", "INV-1", code=3)
    assert "which never ran" in before["message"]
    assert "wherry run invoices" in before["fix"]
    at.desk.run()
    after = at.fails("explain", "INV-1", code=3)
    assert "never ran" not in after["message"]
    assert "wherry run" not in after["fix"]
