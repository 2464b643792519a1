"""Where a document came from, who let it go, and what became of its newer versions: ``wherry explain`` tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.redaction import clean, is_secret_name

from .shop import CHARGES, Shop, shop


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    with shop(tmp_path, monkeypatch, capsys) as made:
        yield made


def sentence(books: Shop, word: str) -> str:
    return str(books.ask(f"explain {word}")["items"][0]["sentence"])


def test_a_newer_version_that_was_left_out_is_told_with_its_reason_and_amount(books: Shop) -> None:
    """I16"""
    first = books.ask("run invoices")
    assert set(first["reasons"]["invoice"]) == set(first["fates"]["invoice"]) - {"created"}, "nothing waits any more"
    books.does("workspace edit invoice 536367 status=draft")
    run = books.ask("run invoices")["run"]
    said = sentence(books, "536367")
    assert "Invoice 536367 is in books" in said
    assert "; a newer version of it was left out, its status is draft; this flow takes invoiced (81.60 GBP)" in said
    assert said.endswith(f"seen by run {run}")
    books.does("workspace edit invoice 536367 status=invoiced")
    books.does("run invoices")
    assert "left out" not in sentence(books, "536367")


def test_a_document_that_was_taken_back_and_issued_again_is_found_by_both_its_ids(books: Shop) -> None:
    """I18: who sees the void one in the target was told that Wherry never wrote it"""
    ids = []
    for status in ("invoiced", "void", "invoiced"):
        books.does(f"workspace edit invoice 536367 status={status}")
        books.does("run invoices")
        ids.append(books.ask("explain 536367")["items"][0]["target"]["id"])
    [one] = books.ask(f"explain --target {ids[0]} --kind invoice")["items"]
    assert (one["document"], one["target"]["id"]) == ("invoice 536367", ids[2])
    assert f"; as {ids[0]} it was taken back there on 20" in one["sentence"]


def test_who_approved_is_named_with_the_version_that_was_approved(books: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """I17"""
    books.setting('"automatic"', '"required"')
    books.does("run invoices")
    assert books.ask("explain 536367")["items"][0]["approved"] is None
    monkeypatch.setenv("WHERRY_ACTOR", "berta")
    [row] = [one for one in books.ask("approve invoices")["items"] if one["number"] == "536367"]
    books.does(f"approve invoices {row['id']}")
    monkeypatch.setenv("WHERRY_ACTOR", "anna")
    assert sentence(books, "536367").endswith(", approved by berta")
    assert "  approved   berta, 20" in books.does("explain 536367")
    assert "approved" not in sentence(books, "536365").replace("approval", "")


def test_the_file_that_a_record_came_from_is_named_and_who_imported_it(
    books: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.does("run invoices")
    assert "  from file  charges.csv, imported by anna, 20" in books.does("explain 536367")
    again = CHARGES.replace("536367,1001,Oak bench,32", "536367,1001,Oak bench,30")
    (books.folder / "again.csv").write_text(again, "utf-8")
    monkeypatch.setenv("WHERRY_ACTOR", "berta")
    books.does("workspace import online-retail again.csv")
    [row] = books.ask("explain 536367")["items"]
    assert [(one["file"], one["by"]) for one in row["imports"]] == [("charges.csv", "anna"), ("again.csv", "berta")]
    assert all(len(one["sha256"]) == 64 for one in row["imports"])
    assert [one["file"] for one in books.ask("explain 536365")["items"][0]["imports"]] == ["charges.csv"]


def test_the_number_of_a_version_is_shown_since_it_is_no_secret(books: Shop) -> None:
    """Intuit calls it SyncToken; whoever asks why a change was not taken needs to see it."""
    books.does("run invoices")
    told = books.does("explain 536367")
    assert '"SyncToken": "0"' in told
    assert "***" not in told
    assert (is_secret_name("SyncToken"), is_secret_name("AccessToken"), is_secret_name("token")) == (False, True, True)
    assert clean({"SyncToken": "3", "refresh_token": "canary"}) == {"SyncToken": "3", "refresh_token": "***"}


def test_what_a_flow_wrote_before_it_was_renamed_is_told_as_there(books: Shop) -> None:
    """I16: before the new name has read it, and when it leaves it out"""
    books.does("run invoices")
    path = books.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace("[flows.invoices", "[flows.bills"), "utf-8")
    assert told(books) == {"Invoice 536365 is in books"}
    when = 'when = { status = "invoiced" }'
    books.setting(when, f'{when}\nfilter = "invoice.number == 0"')
    books.does("run bills")
    assert told(books) == {"Invoice 536365 is in books"}


def test_what_stands_under_an_earlier_name_of_its_flow_is_written_although_it_is_left_out_now(books: Shop) -> None:
    """I7, I9: reconcile called it left out, and nobody was told that it was taken back at its source"""
    books.setting('repeat = "always"', 'repeat = "once"')
    books.does("run invoices")
    path = books.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace("[flows.invoices", "[flows.bills"), "utf-8")
    books.does("workspace edit invoice INV-1001 status=void")
    assert "INV-1001" in books.does("run bills")
    assert books.ask("reconcile bills")["counts"]["posted"] == 3
    assert "a newer version of it was left out, its status is void" in sentence(books, "536365")


def told(books: Shop) -> set[str]:
    """How the sentences about an invoice begin."""
    return {one["sentence"].partition(" (")[0] for one in books.ask("explain INV-1001")["items"]}
