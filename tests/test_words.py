"""What an operator reads: what waits for approval and where it is said, the next step, short lists, who is silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from wherry.cli import grouped, nexts, options, summary
from wherry.cli.progress import ailing
from wherry.http import Limit
from wherry.operating import desk
from wherry.wording import a
from wherry_quickbooks import client as quickbooks

from .shop import Shop, shop


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with shop(tmp_path, monkeypatch, capsys) as made:
        yield made


def charges(at: Shop, count: int, number: str = "{n}") -> None:
    """So many invoices more, of one customer."""
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    rows = [f"{number.format(n=600000 + n)},1001,Oak bench,1,05/12/2010 08:26,2.55,17850,United Kingdom"
            for n in range(count)]  # fmt: skip
    (at.folder / "more.csv").write_text(head + "\n".join(rows) + "\n", "utf-8")
    at.does("workspace import online-retail more.csv")


def next_of(said: str) -> list[str]:
    """The commands behind ``Next:``."""
    _, _, after = said.partition("Next: ")
    return [line.strip() for line in after.splitlines()]


# -- approval ----------------------------------------------------------------------------------------------------------


def test_every_list_of_what_waits_says_what_waits_for_approval(at: Shop) -> None:
    at.setting('"automatic"', '"required"')
    at.does("run invoices")
    listed = at.does("errors list")
    assert "nothing waits for you but your approval" in listed
    assert "3 invoices wait for approval   invoices   130.00 GBP" in listed
    assert "with     2 customers, 3 products" in listed
    assert next_of(listed) == ["wherry approve invoices"]
    assert "goes on by itself" not in listed
    assert next_of(at.does("status")) == ["wherry approve invoices"]
    assert at.ask("errors list")["approval"][0]["documents"] == {"invoice": 3}


def test_what_waits_for_approval_counts_documents_and_not_what_goes_with_them(at: Shop) -> None:
    at.setting('"automatic"', '"required"')
    ran = at.ask("run invoices")
    assert ran["approval"] == 3
    assert ran["for_approval"]["also"] == {"customer": 2, "product": 3}
    assert at.ask("status")["flows"][0]["approval"] == 3


def test_a_customer_whose_document_was_refused_is_counted_when_it_alone_waits() -> None:
    told = "\n".join(summary.for_approval({"documents": {}, "also": {"customer": 1}}))
    assert told == "  approval 1 customer waits for somebody's word"


def test_a_plan_says_what_would_wait_for_approval_and_why(at: Shop) -> None:
    at.setting("books_from = 2010-12-01", "books_from = 2010-12-02")
    said = at.does("plan invoices")
    assert "2 invoices would wait for approval: dated before the books begin (2010-12-02)" in said
    assert "with 1 customer, 2 products" in said
    at.does("run invoices")
    assert "2 invoices waiting for approval since before: wherry approve invoices" in at.does("plan invoices")
    assert next_of(at.does("plan invoices")) == ["wherry approve invoices"]
    at.does("approve invoices --all")
    said = at.does("plan invoices")
    assert "approv" not in said
    assert next_of(said) == []


def test_what_only_old_documents_need_is_not_made_in_the_books_before_they_are_approved(at: Shop) -> None:
    at.setting("books_from = 2010-12-01", "books_from = 2010-12-02")
    at.does("run invoices")
    assert [one["DisplayName"] for one in at.books.objects("Customer")] == ["13047"]
    assert [one["Name"] for one in at.books.objects("Item")] == ["Oak bench"]
    at.does("approve invoices --all")
    assert len(at.books.objects("Invoice")) == 3
    assert {one["DisplayName"] for one in at.books.objects("Customer")} == {"13047", "17850"}


# -- what is held up ---------------------------------------------------------------------------------------------------


def test_what_was_approved_behind_a_refused_customer_says_so_and_what_to_do(at: Shop) -> None:
    at.setting('"automatic"', '"required"')
    at.does("run invoices")
    at.books.write("Vendor", {"DisplayName": "17850"})
    said = at.does("approve invoices --all", 4)
    assert said.count("waits for customer 17850 (E-1), which was refused") == 2
    assert "fix  that comes first, then it goes on by itself: wherry errors show E-1" in said
    assert next_of(said) == ["wherry errors show E-1"]
    listed = at.does("errors list")
    assert "2 invoices held up by something that needs you   invoices   48.40 GBP" in listed
    assert "waiting for something else" in at.does("status", 4)
    assert "goes on by itself" not in listed.replace("then it goes on by itself", "")


def test_what_a_run_says_to_do_about_a_taken_name_works_as_it_is_printed(at: Shop) -> None:
    at.books.write("Vendor", {"DisplayName": "17850"})
    ran = at.does("run invoices", 4)
    assert "wherry errors resolve E-1 --link" in ran
    assert "E-N" not in ran
    at.setting('environment = "simulator"', 'environment = "simulator"\nname_taken = "suffix"')
    assert "created" in at.does("errors retry E-1")


def test_an_open_question_is_told_where_a_person_looks_and_by_what_it_holds_up(at: Shop) -> None:
    at.setting('"name"]\nunmatched = "create"', '"name"]\nunmatched = "triage"')
    at.does("run invoices", 4)
    listed = at.does("errors list")
    assert "3 questions of triage: which one is it?" in listed
    assert "nothing waits for you" not in listed
    assert next_of(listed)[-1] == "wherry triage list"
    held = {row["label"]: row["held_up_by"] for row in at.ask("errors list")["items"]}
    assert held["536366"] == at.ask("triage list --limit 10")["items"][2]["id"] == "T-3"
    assert at.does("errors list --class refused").splitlines() == ["nothing of that waits for you"]


# -- the next step -----------------------------------------------------------------------------------------------------


def test_the_next_step_is_what_a_person_would_do_and_never_the_command_itself(at: Shop) -> None:
    at.setting('"automatic"', '"required"')
    at.does("run invoices")
    id = at.ask("approve invoices")["items"][0]["id"]
    number = at.ask("approve invoices")["items"][0]["number"]
    assert next_of(at.does(f"explain {number} --short")) == [f"wherry approve invoices {id}"]
    shown = at.does(f"errors show {id}")
    assert next_of(shown) == [f"wherry approve invoices {id}"]
    assert f"errors show {id}" not in shown
    assert "waits for approval" in shown.splitlines()[0]
    at.does("approve invoices --all")
    assert next_of(at.does(f"explain {number} --short")) == []


def test_of_a_refused_document_its_retry_is_next_and_a_run_leads_to_the_list(at: Shop) -> None:
    at.books.close_books("2010-12-01")
    said = at.does("run invoices", 4)
    assert next_of(said) == ["wherry errors list"]
    assert next_of(at.does("errors list"))[0].startswith("wherry errors show E-")
    id = at.ask("errors list")["items"][0]["id"]
    assert next_of(at.does(f"errors show {id}")) == [f"wherry errors retry {id}"]
    assert next_of(at.does("explain 536365 --short")) == [f"wherry errors show {id}"]


ITEM = {"id": "E-7", "flow": "invoices", "approval": "", "evidence": None, "needs": [], "questions": [],
        "leaves_with": "the next run"}  # fmt: skip
NEED = {"id": "E-3", "flow": "invoices", "approval": "", "class": "queued"}


@pytest.mark.parametrize(
    ("item", "commands"),
    [
        ({"class": "queued"}, ["wherry run invoices"]),
        ({"class": "queued", "leaves_with": "the next update of the Web Connector"}, []),
        ({"class": "queued", "approval": "wanted"}, ["wherry approve invoices E-7"]),
        ({"class": "differs"}, ["wherry errors resolve E-7", "wherry errors retry E-7"]),
        ({"class": "unknown"}, ["wherry errors retry E-7"]),
        ({"class": "decide", "evidence": {"found": [{"target": "145"}]}}, ["wherry errors resolve E-7 --link 145"]),
        ({"class": "decide", "evidence": {"found": []}}, ["wherry errors resolve E-7 --send-again"]),
        ({"class": "decide"}, ["wherry errors resolve E-7 --link ID", "wherry errors resolve E-7 --send-again"]),
        ({"class": "triage", "questions": ["T-2"]}, ["wherry triage show T-2"]),
        ({"class": "waiting", "questions": ["T-2"]}, ["wherry triage show T-2"]),
        ({"class": "waiting", "needs": [NEED]}, ["wherry run invoices"]),
        ({"class": "waiting", "needs": [{**NEED, "approval": "wanted"}]}, ["wherry approve invoices E-7"]),
        ({"class": "waiting", "needs": [NEED, {**NEED, "class": "refused"}]}, ["wherry errors show E-3"]),
        ({"class": "waiting"}, ["wherry run invoices"]),
    ],
)
def test_each_state_has_its_next_step(item: dict[str, Any], commands: list[str]) -> None:
    assert nexts.of_item({**ITEM, **item}) == commands


# -- long lists --------------------------------------------------------------------------------------------------------


def test_a_plan_of_many_shows_the_first_of_each_kind_and_all_where_asked(at: Shop) -> None:
    charges(at, 40)
    said = at.does("plan invoices")
    assert re.search(r'invoice "\d+", "\d+", "\d+" and 40 more', said)
    assert len(said.splitlines()) < 12
    assert "all of them: --all" in said
    whole = at.does("plan invoices --all")
    assert len(re.findall(r'^ +invoice "\d+"$', whole, re.MULTILINE)) == 43


def test_what_is_refused_for_one_cause_is_told_once(at: Shop) -> None:
    charges(at, 30)
    at.books.close_books("2010-12-31")
    ran = at.does("run invoices", 4)
    assert "33 invoices: " in ran
    assert len(ran.splitlines()) < 20
    listed = at.does("errors list")
    assert "… and 30 more (--all)" in listed
    assert len(listed.splitlines()) < 30
    assert listed.count("2010-12-31") < 8
    assert len(re.findall(r"^ +E-\d+ ", at.does("errors list --all"), re.MULTILINE)) == 33
    paged = at.does("errors list --limit 5")
    assert len(re.findall(r"^ +E-\d+ ", paged, re.MULTILINE)) == 5
    assert "--cursor E-" in paged


def test_many_outcomes_are_the_first_and_a_sum(at: Shop) -> None:
    charges(at, 30)
    at.setting('"automatic"', '"required"')
    at.does("run invoices")
    assert "… and 13 more (--limit 33)" in at.does("approve invoices")
    approved = at.does("approve invoices --all")
    assert re.search(r"^… and 13 more created   [\d.]+ GBP$", approved, re.MULTILINE)
    assert approved.count("created") == 21


def test_reasons_that_differ_in_what_they_quote_are_one() -> None:
    said = {'SKU "1" equals "1"': 1, 'SKU "2" equals "2"': 2, "named alike": 1, 'only "this"': 4}
    assert summary.alike(said) == {"SKU … equals …": 3, "named alike": 1, 'only "this"': 4}


def test_what_needs_a_person_is_shown_before_all_else() -> None:
    row = {"state": "created", "amount": 100, "currency": "GBP"}
    shown, rest = grouped.split([row] * 30 + [{**row, "state": "refused"}])
    assert shown[0]["state"] == "refused"
    assert rest == [("created", 11, {"GBP": 1100})]


# -- words -------------------------------------------------------------------------------------------------------------


def test_before_it_is_done_nothing_is_told_as_done(at: Shop) -> None:
    said = at.does("plan invoices")
    assert "3 to create · 1 to skip" in said
    assert not re.search(r"\d (created|skipped|updated)", said)


def test_a_field_has_one_name_at_the_source_and_in_the_target(at: Shop) -> None:
    at.does("run invoices")
    at.does("workspace edit invoice 536366 due_date=2011-02-28")
    assert 'due_date "2010-12-31" → "2011-02-28"' in at.does("plan invoices")


@pytest.mark.parametrize(
    ("noun", "said"),
    [("invoice", "an invoice"), ("deal", "a deal"), ("unit", "a unit"), ("estimate", "an estimate"),
     ("Item", "an Item"), ("user", "a user"), ("asset", "an asset")],
)  # fmt: skip
def test_a_noun_has_its_article(noun: str, said: str) -> None:
    assert a(noun) == said


# -- who is silent -----------------------------------------------------------------------------------------------------


def client(name: str, retries: int, refused: int = 0) -> Any:
    return SimpleNamespace(connection=name, retries=retries, refused=refused)


@pytest.mark.parametrize(
    ("clients", "said"),
    [
        ([client("platform", 0), client("books", 2)], "books does not answer, trying again …"),
        ([client("crm", 1), client("books", 2)], "books and crm do not answer, trying again …"),
        ([client("books", 1, 1)], "books asks for fewer calls, trying again …"),
        ([client("books", 0)], ""),
    ],
)
def test_the_connection_that_is_silent_is_named(clients: list[Any], said: str) -> None:
    assert ailing(clients) == said


def test_a_dead_target_is_named_and_not_the_source(at: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    at.books.faults.add("dropped", path="/v3/", times=1000)
    said = at.type("plan invoices")
    assert at.code == 6
    assert said == ""
    assert "books does not answer, trying again" in at.err
    assert "platform" not in at.err


def test_a_run_says_for_what_it_waits_and_until_when_while_a_budget_is_used_up(
    at: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickbooks, "LIMITS", {"batch": Limit(2, 60.0)})
    at.setting('environment = "simulator"', 'environment = "simulator"\nbatch = 2\nwidth = 1')
    at.does("run invoices")
    [said] = [line for line in at.err.splitlines() if "books takes" in line]
    assert re.fullmatch(r"books takes 2 such calls in 60 s, and they are used up; waits \d\d s, until [\d:]{8} …", said)


# -- again -------------------------------------------------------------------------------------------------------------


def test_after_an_undo_the_same_records_are_brought_over_again_by_one_command(at: Shop) -> None:
    run = at.ask("run invoices")["run"]
    at.does(f"runs undo {run} --yes")
    at.does("run invoices")
    assert len(at.books.objects("Invoice")) == 3
    at.does(f"resync invoices --run {run} --yes")
    held = at.books.objects("Invoice")
    assert sorted(str(one["TotalAmt"]) for one in held if one["TotalAmt"]) == ["11.10", "37.30", "81.60"]
    assert len(held) == 6
    at.does("resync invoices --run 6gzsn09qxx2n30e --yes", 3)
    at.does("resync invoices --yes", 2)


def test_after_an_undo_a_changed_map_makes_everything_anew(at: Shop) -> None:
    run = at.ask("run invoices")["run"]
    at.does(f"runs undo {run} --yes")
    at.setting("[flows.invoices.match.customer]", '[flows.invoices.map.invoice]\nmemo = "invoice.number"\n'
               "[flows.invoices.match.customer]")  # fmt: skip
    at.does("run invoices")
    assert len([one for one in at.books.objects("Invoice") if one["TotalAmt"]]) == 3


def test_causes_that_differ_only_in_what_they_quote_are_one_with_the_first_of_it() -> None:
    """400 documents whose customers are not there were 400 causes, of which twenty were told."""
    row = {"class": "refused", "flow": "invoices", "entity": "invoice", "field": "customer", "key": "", "target": "",
           "record": "", "amount": 100, "currency": "GBP", "held_up_by": "", "fix": ""}  # fmt: skip
    rows = [
        {**row, "id": f"E-{n}", "label": f"INV-{n}", "reason": f'customer "Yard {n}" is not in "books"'}
        for n in range(400)
    ]
    [group] = desk.grouped(rows)
    assert (group["cause"], group["count"], group["sums"]) == ('customer … is not in "books"', 400, {"GBP": 40_000})
    assert group["values"][:2] == ["Yard 0", "Yard 1"]
    assert desk.grouped(rows[:1])[0]["cause"] == 'customer "Yard 0" is not in "books"'
    [told] = grouped.refusals([("invoice", one["label"], one) for one in rows[:4]])
    assert told == ['4 invoices: customer … is not in "books"   "Yard 0", "Yard 1", "Yard 2" and 1 more',
                    '  "INV-0", "INV-1", "INV-2" and 1 more']  # fmt: skip


def test_a_list_goes_on_where_its_page_ended_in_whatever_order_it_was_asked_for() -> None:
    """Behind a row of a list by another field stood whatever has a later name, and what was cut was not told."""
    rows = [{"flow": name, "state": state} for name, state in (("a", "2"), ("b", "3"), ("c", "1"))]
    found, cursor = list[str](), ""
    while (shown := options.page(rows, "flow", 1, cursor, "-state"))[1]:
        found, cursor = [*found, shown[0][0]["flow"]], shown[1]
    assert [*found, shown[0][0]["flow"]] == ["b", "a", "c"]
    assert list(options.more(cursor)) == ["more with --cursor a"]
