"""The month end: what stops it is told, nothing is closed while something is open, and done again it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from wherry.bookkeeping import checklist
from wherry.books.pack import Amount, Sheet, workbook

from .treasury import Treasury, named_treasury

FLOW = "wallet-journals"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with named_treasury(tmp_path, monkeypatch, capsys) as made:
        yield made


def closed(desk: Treasury, said: str, code: int = 0) -> dict[str, Any]:
    [one] = desk.ask(f"close {said}", code)["items"]
    return dict(one)


def steps(one: dict[str, Any]) -> list[tuple[str, str]]:
    return [(step["name"], step["state"]) for step in one["steps"]]


def open_rows(one: dict[str, Any]) -> dict[str, tuple[int, bool]]:
    return {row["what"]: (row["count"], row["stops"]) for row in one["open"]}


def month(desk: Treasury) -> None:
    desk.moved(
        ("2026-01-05", "100.00 USD", "payout", "W1", "p1", "Rent"),
        ("2026-01-07", "1.05 USD", "fee", "W1", "=1+1", "Gas", "2.00 USD"),
        ("2026-01-13", "0.00 USD", "fee", "W1", "p3"),
        ("2026-02-02", "3.00 USD", "fee", "W1", "p4"),
    )


def test_what_is_held_since_the_target_is_closed_in_the_middle_of_the_month_stops_its_close(desk: Treasury) -> None:
    """case_C12: or it would be closed without it, and nobody would ever look."""
    month(desk)
    desk.books.close_books("2026-01-06")
    done = closed(desk, "2026-01 --approve --yes", 4)
    assert open_rows(done)["held"] == (1, True)
    assert steps(done)[-1] == ("checklist", "stopped")
    assert done["closed_until"] == ""


def test_a_month_is_checked_approved_posted_tied_out_packed_and_closed_in_one_go(desk: Treasury) -> None:
    """b_000_15, b_004_04, b_004_16"""
    month(desk)
    file = desk.folder / "2026-01.xlsx"
    done = closed(desk, f"2026-01 --approve --second-person ben --yes --pack {file}")
    assert steps(done) == [(name, "done") for name in
                           ("read", "checklist", "approve", "post", "reconcile", "pack", "close")]  # fmt: skip
    assert open_rows(done) == {"under one cent": (1, False)}
    assert "approved by anna and ben" in done["steps"][2]["says"]
    assert (done["tie_out"]["passes"], done["closed_until"]) == (True, "2026-01-31")
    assert desk.balances()["Operating expenses"] == Decimal("100.00")
    assert [entry["TxnDate"] for entry in desk.journals()] == ["2026-01-11"]  # February waits
    _is_whole(openpyxl.load_workbook(file))
    said = {row["action"]: row["detail"] for row in desk.ask("audit list")["items"]}
    assert said["close.approve"]["second"] == "ben"
    assert (said["close.reconcile"]["passes"], said["close.pack"]["file"]) == (True, "2026-01.xlsx")
    assert "second person ben" in said["periods.close"]["note"]


def _is_whole(book: Any) -> None:
    """The sheets, codes as text, amounts as numbers to the cent, nothing that a spreadsheet would run."""
    assert book.sheetnames == ["entries", "members", "left-out", "tie-out", "trial balance", "audit"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f"]
    rows = {sheet.title: [dict(zip([cell.value for cell in sheet[1]], row, strict=True))
                          for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book}  # fmt: skip
    debits = sum(Decimal(str(row["debit"] or 0)) for row in rows["entries"])
    assert debits == sum(Decimal(str(row["credit"] or 0)) for row in rows["entries"]) == Decimal("103.05")
    assert {row["approved by"] for row in rows["entries"]} == {"anna and ben"}
    assert [(row["movement"], row["reference"], row["amount"]) for row in rows["members"]] == [
        ("M-1", "p1", 100), ("M-2", "'=1+1", 1.05)]  # fmt: skip
    assert [(row["why"], row["number"]) for row in rows["left-out"]] == [("under-one-cent", 1)]
    assert rows["tie-out"][-1]["account or number"] == "passed"
    balances = {row["account"]: (row["before posting"], row["posted since"], row["debit"], row["credit"])
                for row in rows["trial balance"]}  # fmt: skip
    assert balances["Operating expenses"] == (0, 100, 100, 0)
    assert [row["what"] for row in rows["audit"]][:1] == ["close.approve"]


def test_without_approve_nothing_is_sent_and_what_stops_it_is_told_with_what_to_do(desk: Treasury) -> None:
    """b_004_09, b_004_11"""
    month(desk)
    desk.type(f"run {FLOW} --record nobody")  # which is not to have read the period
    first = closed(desk, "2026-01", code=4)
    assert (open_rows(first), steps(first)) == ({"not read": (0, True)}, [("checklist", "stopped")])
    desk.moved(("2026-01-20", "9.00 USD", "donation", "W1", "p5"))
    blocked = closed(desk, "2026-01 --approve --yes", code=4)
    assert steps(blocked) == [("read", "done"), ("checklist", "stopped")]
    assert open_rows(blocked)["uncategorised"] == (1, True)
    assert blocked["steps"][-1]["fix"] == f"wherry accounts map {FLOW}"
    path = desk.folder / "tables" / "accounts.csv"
    path.write_text(path.read_text("utf-8") + "donation,Operating expenses,Digital assets\n", "utf-8")
    desk.does(f"run {FLOW}")
    ready = closed(desk, "2026-01", code=4)
    assert steps(ready) == [("checklist", "done"), ("approve", "stopped")]
    assert "2 entries, 112.05 USD" in ready["steps"][-1]["says"]
    desk.does("close 2026-01 --approve", code=2)  # nobody is there to say yes
    assert desk.journals() == []


def test_documents_that_a_flow_left_out_are_told_at_the_month_end_by_reason_and_stop_nothing(desk: Treasury) -> None:
    """b_004_11: nobody else would ask for an invoice that is in no books."""
    flow = '[flows.invoices]\nsource = "platform"\nsink = "books"\nkinds = ["invoice"]\n'
    project = desk.folder / "wherry.toml"
    project.write_text(project.read_text("utf-8") + flow, "utf-8")
    sold = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    (desk.folder / "sold.csv").write_text(sold + "7,S,Fitting,2,13/01/2026 10:00,5.00,,UK\n", "utf-8")
    desk.does("workspace import online-retail sold.csv")
    desk.does("run invoices")
    [row] = [row for row in closed(desk, "2026-01", 4)["open"] if row["what"] == "left out"]
    assert (row["flow"], row["count"], row["sums"], row["stops"]) == ("invoices", 1, {"USD": 1000}, False)
    assert (row["detail"], row["fix"]) == (
        "no customer location, so no GL number, of any day", "wherry reconcile invoices --period 2026-01")  # fmt: skip


def test_what_was_left_out_for_reasons_that_differ_in_what_they_quote_is_one_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [(f'customer "C{n}" has no account', "USD", 1, 100) for n in range(400)]
    monkeypatch.setattr(checklist.leavings, "never_in", lambda *_: rows)
    tx: Any = None
    flow: Any = SimpleNamespace(name="invoices")
    period: Any = SimpleNamespace(name="2026-01")
    [row] = checklist._never_in(tx, flow, period)
    assert (row.detail, row.count, row.sums) == ("customer … has no account, of any day", 400, {"USD": 40_000})


def test_a_document_that_is_to_be_moved_out_of_the_month_stops_its_close_as_it_could_not_leave_afterwards(
    desk: Treasury,
) -> None:
    """case_C12, b_004_09: nor is anything sent without the word for it."""
    flow = '[flows.invoices]\nsource = "platform"\nsink = "books"\nkinds = ["invoice"]\nrepeat = "always"\n'
    project = desk.folder / "wherry.toml"
    project.write_text(project.read_text("utf-8") + flow, "utf-8")
    sold = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    (desk.folder / "sold.csv").write_text(sold + "7,S,Fitting,2,13/01/2026 10:00,2255.00,17850,UK\n", "utf-8")
    desk.does("workspace import online-retail sold.csv")
    desk.does("run invoices")
    desk.setting(flow, flow + 'approval = "required"\n')
    desk.does("workspace edit invoice 7 date=2026-02-03")
    desk.does("run invoices")
    desk.does(f"run {FLOW}")
    stopped = closed(desk, "2026-01 --yes", 4)
    assert "1 document, 4,510.00 USD waits" in stopped["steps"][-1]["says"]
    desk.books.faults.add("status", path="companyinfo", status=503, times=20)
    desk.type("approve invoices --all --yes")
    desk.books.faults.clear()
    assert [row["what"] for row in closed(desk, "2026-01 --yes", 4)["open"]] == []
    assert [one["TxnDate"] for one in desk.books.objects("Invoice")] == ["2026-01-13"]
    assert steps(closed(desk, "2026-01 --approve --yes"))[-1] == ("close", "done")
    assert [one["TxnDate"] for one in desk.books.objects("Invoice")] == ["2026-02-03"]


def test_it_goes_on_where_it_stopped_and_a_period_that_is_closed_refuses_what_comes_late(desk: Treasury) -> None:
    """case_C14"""
    month(desk)
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    [entry] = [one for one in desk.journals() if one["TxnDate"] == "2026-01-11"]
    told = {"Id": entry["Id"], "SyncToken": entry["SyncToken"], "sparse": True}
    desk.books.write("JournalEntry", {**told, "TxnDate": "2026-01-12"}, "update")
    stopped = closed(desk, "2026-01 --yes", code=4)
    assert steps(stopped)[-1] == ("reconcile", "stopped")
    assert entry["DocNumber"] in stopped["steps"][-1]["says"]
    desk.books.write("JournalEntry", {**told, "SyncToken": "1", "TxnDate": "2026-01-11"}, "update")
    assert steps(closed(desk, "2026-01 --yes"))[-1] == ("close", "done")
    again = closed(desk, "2026-01 --yes")
    assert steps(again) == [("close", "nothing to do")]
    desk.moved(("2026-01-30", "5.00 USD", "fee", "W1", "late"))
    [left] = [one for one in desk.ask(f"run {FLOW}")["books"]["left_out"] if "closed" in one["detail"] and one["minor"]]
    assert (left["reason"], left["minor"]) == ("held", 500)
    february = closed(desk, "2026-02 --approve --yes")  # what is held in a closed month stops no later one
    assert open_rows(february)["held"][1] is False
    assert [entry["TxnDate"] for entry in desk.journals()] == ["2026-01-11", "2026-02-08"]


def test_nothing_is_closed_while_something_is_open_unless_somebody_says_why(desk: Treasury) -> None:
    month(desk)
    desk.does(f"run {FLOW}")
    assert steps(closed(desk, "2026-01 --yes", code=4))[-1] == ("approve", "stopped")
    desk.does("close 2026-01 --yes --leave-open ' '", code=2)
    done = closed(desk, "2026-01 --yes --leave-open 'the bank is late'")
    assert steps(done) == [("checklist", "done"), ("approve", "left open"), ("post", "done"), ("reconcile", "done"),
                           ("close", "done")]  # fmt: skip
    [left] = [row["detail"] for row in desk.ask("audit list")["items"] if row["action"] == "close.left_open"]
    assert (left["reason"], left["open"]) == ("the bank is late", ["approve: 1 entry, 103.05 USD waits for approval"])
    desk.does(f"approve {FLOW} --all --yes")  # what was prepared for the closed month is not sent by a later word
    assert [entry["TxnDate"] for entry in desk.journals()] == ["2026-02-08"]


def test_the_second_person_is_another_one(desk: Treasury) -> None:
    month(desk)
    desk.does("close 2026-01 --approve --yes --second-person ' Anna '", code=7)
    assert "WHERRY-7089" in desk.err
    assert desk.journals() == []


def test_a_month_that_is_not_over_and_one_that_there_is_not_are_not_closed(desk: Treasury) -> None:
    desk.moved(("2026-01-05", "100.00 USD", "payout", "W1", "p1"))
    desk.does("close 2026-13", code=2)
    assert open_rows(closed(desk, "2999-01", code=4))["not over"] == (0, True)


def test_cells_keep_every_digit_and_run_nothing(tmp_path: Path) -> None:
    """case_D5"""
    amounts = [Amount(1, "USD"), Amount(-123456789012345, "USD"), Amount(10**17 + 1, "USD"), Amount(7, "JPY")]
    rows: list[list[Any]] = [["0042", amount, "=HYPERLINK(1)", 3] for amount in amounts]
    (tmp_path / "x.xlsx").write_bytes(workbook([Sheet(title="a", columns=("code", "x", "text", "n"), rows=rows)]))
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["a"]
    read = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert [str(row[1]) for row in read] == ["0.01", "-1234567890123.45", "1000000000000000.01", "7"]
    assert {row[0] for row in read} == {"0042"}
    assert {row[2] for row in read} == {"'=HYPERLINK(1)"}
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


# -- two people, and packs that stay -----------------------------------------------------------------------------------


def test_an_empty_second_person_is_nobody_and_no_approval(desk: Treasury) -> None:
    month(desk)
    desk.does("close 2026-01 --approve --yes --second-person ''", code=2)
    assert "it is empty; say who else agreed" in desk.err
    assert desk.journals() == []


def test_where_two_have_to_agree_one_neither_posts_nor_approves_nor_closes(desk: Treasury) -> None:
    desk.setting('approval = "required"', 'approval = "required"\napprovers = 2')
    month(desk)
    for said in (f"journal post {FLOW} --yes", "close 2026-01 --approve --yes", f"approve {FLOW} --all --yes"):
        desk.does(said, code=7)
        assert "two people have to agree (approvers = 2), and no second one was named" in desk.err
        assert "--second-person NAME" in desk.err
    assert desk.journals() == []
    desk.does(f"journal post {FLOW} --period 2026-01 --yes --second-person ben")
    assert len(desk.journals()) == 1
    assert [row["by"] for row in desk.ask("exports list")["items"]] == ["anna and ben"]
    assert steps(closed(desk, "2026-01 --yes", code=7))[-1] == ("close", "stopped")
    file = desk.folder / "p.xlsx"
    assert steps(closed(desk, f"2026-01 --yes --second-person ben --pack {file}"))[-1] == ("close", "done")
    [rows] = [list(sheet.values) for sheet in openpyxl.load_workbook(file) if sheet.title == "entries"]
    assert {row[rows[0].index("approved by")] for row in rows[1:]} == {"anna and ben"}


def test_where_two_have_to_agree_one_takes_nothing_back_alone(desk: Treasury) -> None:
    desk.setting('approval = "required"', 'approval = "required"\napprovers = 2')
    month(desk)
    desk.does(f"journal post {FLOW} --period 2026-01 --yes --second-person ben")
    [entry], run = desk.journals(), desk.ask("runs list")["items"][0]["id"]
    for said in (f"journal reverse {FLOW} '{entry['DocNumber']}' --yes", f"runs undo {run} --yes"):
        desk.does(said, code=7)
        assert "two people have to agree (approvers = 2), and no second one was named" in desk.err
        assert desk.journals() == [entry]
        desk.does(f"{said} --second-person anna", code=7)
    desk.does(f"journal reverse {FLOW} '{entry['DocNumber']}' --yes --second-person ben")
    assert len(desk.journals()) == 2
    [told] = [row for row in desk.ask("audit list")["items"] if row["action"] == "journal.reverse"]
    assert told["detail"]["second"] == "ben"


def test_a_pack_is_never_written_over(desk: Treasury) -> None:
    """The audit log keeps its SHA-256: the file has to stay what it was."""
    month(desk)
    file = desk.folder / "2026-01.xlsx"
    closed(desk, f"2026-01 --approve --yes --pack {file}")
    first = file.read_bytes()
    again = closed(desk, f"2026-01 --pack {file}")
    assert file.read_bytes() == first
    assert again["pack"] == str(desk.folder / "2026-01-2.xlsx")
    assert "is kept as it is" in again["steps"][-1]["says"]
    books = [openpyxl.load_workbook(path) for path in (file, again["pack"])]
    sheets = [{sheet.title: list(sheet.values) for sheet in book} for book in books]
    assert {name for name, rows in sheets[0].items() if rows != sheets[1][name]} == {"audit"}
    third = closed(desk, f"2026-01 --pack {again['pack']}")
    assert (third["pack"], third["steps"][-1]["state"]) == (again["pack"], "nothing to do")
    said = [row["detail"]["file"] for row in desk.ask("audit list")["items"] if row["action"] == "close.pack"]
    assert said == ["2026-01-2.xlsx", "2026-01-2.xlsx", "2026-01.xlsx"]
