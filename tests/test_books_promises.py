"""What accounting is promised as a whole: all that moved goes out, for every system; teams apart; what status says."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.cli.connections import drawn
from wherry.hub import Hub
from wherry.operating import connections
from wherry.simulator import serve
from wherry.store import registry
from wherry.testing.clock import hurried
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator
from wherry_quickbooks.sink import QuickBooksSink

from .shop import Shop, shop
from .treasury import CHART, PROJECT, SECRET, Treasury, treasury

FLOW = "wallet-journals"
TYPED = """id,date,amount,category,partition,reference,gain,type
TX-1,2026-01-05,100.00 USD,storage,hot,W-1,,asset-movement
TX-2,2026-01-06,40.50 USD,switching,hot,W-2,,valuation
TX-3,2026-01-28,12.00 USD,storage,cold,W-3,1.00 USD,transaction
TX-4,2026-01-29,3.00 USD,storage,cold,W-4,,asset-movement
"""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    """Four movements of three types, two wallets and two weeks; the table is filled in."""
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        (tmp_path / "typed.csv").write_text(TYPED, "utf-8")
        made.once("typed", lambda: made.does("workspace import ledger-transaction typed.csv"))
        yield made


def rows(at: Treasury, data: dict[str, Any]) -> list[dict[str, str]]:
    """The lines of the files that an export has written."""
    found = []
    for name in data["files"]:
        with (at.folder / name).open(encoding="utf-8-sig", newline="") as file:
            found += list(csv.DictReader(file))
    return found


# -- all that moved ----------------------------------------------------------------------------------------------------


def test_movements_valuations_and_transactions_all_go_out_each_type_in_entries_of_its_own(at: Treasury) -> None:
    """b_000_01 b_000_02 b_000_05"""
    at.does(f"journal post {FLOW} --yes")
    assert len(at.entries()) == 4
    told = at.ask(f"journal export {FLOW} --profile generic --to out")
    lines = rows(at, told)
    assert {row["Type"] for row in lines} == {"asset-movement", "valuation", "transaction"}
    assert sum(Decimal(row["Debit"] or 0) for row in lines) == Decimal("156.50")
    members = [one["record"] for item in told["items"] for one in at.ask(f"journal show '{item['number']}'")["members"]]
    assert sorted(members) == [f"ledger_transaction TX-{n}" for n in range(1, 5)]


def test_what_a_sink_says_of_the_lines_that_its_target_takes_is_heeded(
    at: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_C9"""
    monkeypatch.setattr(QuickBooksSink, "most_lines", 2, raising=False)
    at.does(f"journal post {FLOW} --yes", code=4)
    assert "TX-3 has 3 lines, and the target takes 2 in an entry" in at.err
    assert at.journals() == []


def test_each_row_of_what_goes_out_says_day_period_account_side_reference_and_description(at: Treasury) -> None:
    """b_000_10 b_000_11 b_000_12 b_000_13: of entries as they come from movements, not of one made for the test."""
    at.does(f"journal post {FLOW} --yes")
    lines = rows(at, at.ask(f"journal export {FLOW} --profile generic --to out"))
    names = {code: name for code, (name, _) in CHART.items()}
    assert len(lines) == 9
    for row in lines:
        assert row["Period"] == row["Date"][:7] == "2026-01"
        assert row["Account Description"] == names[row["Account"]]
        assert bool(row["Debit"]) != bool(row["Credit"])
        assert row["Reference"]
        assert row["Description"]
    assert {row["Date"] for row in lines} == {"2026-01-11", "2026-01-31"}


def test_a_later_movement_is_all_that_a_later_export_has(at: Treasury) -> None:
    """b_000_14"""
    at.does(f"journal post {FLOW} --yes")
    assert len(at.ask(f"journal export {FLOW} --profile generic --to out")["items"]) == 4
    at.moves("TX-5,2026-02-03,7.00 USD,storage,hot,W-5,")
    at.does(f"journal post {FLOW} --yes")
    later = rows(at, at.ask(f"journal export {FLOW} --profile generic --to out"))
    assert [(row["Account"], row["Debit"] or row["Credit"]) for row in later] == [("1205", "7.00"), ("4010", "7.00")]
    assert at.ask(f"journal export {FLOW} --profile generic --to out")["items"] == []


def test_a_category_goes_to_an_account_of_the_chart_that_was_imported_before_anything_goes_out(at: Treasury) -> None:
    """b_004_03 b_004_02: of one that the chart has not got nothing goes out; one that was entered there since is
    there once the chart is read again."""
    at.does("accounts import books")
    at.mapped("category,debit,credit\nstorage,1205,4011\nswitching,1205,4020\ngain,1205,4090\n")
    told = at.does(f"accounts check {FLOW}", 4)
    assert 'storage: there is no account "4011" in the chart' in told
    at.does(f"journal post {FLOW} --yes", 4)
    assert at.balances() == {"Storage clearing": Decimal("40.50"), "Switching income": Decimal("-40.50")}
    at.books.write("Account", {"Name": "Crane storage", "AcctNum": "4011", "AccountType": "Income"})
    at.does("accounts import books")
    at.does(f"accounts check {FLOW}")
    at.does(f"run {FLOW}")
    at.does(f"journal post {FLOW} --yes")
    assert at.balances()["Crane storage"] == Decimal("-115.00")


def test_a_wallet_is_uploaded_whole_or_from_day_to_day_and_the_others_stay(at: Treasury) -> None:
    """b_004_10"""
    at.does(f"journal post {FLOW} --partition cold --to 2026-01-28 --yes")
    assert at.balances() == {"Storage clearing": Decimal("13.00"), "Storage income": Decimal("-12.00"),
                             "Realised gains": Decimal("-1.00")}  # fmt: skip
    at.does(f"journal post {FLOW} --partition hot --yes")
    assert at.balances()["Storage clearing"] == Decimal("153.50")


def test_realised_gains_go_out_where_the_flow_says_so_and_stay_out_where_not(at: Treasury) -> None:
    """b_004_12"""
    at.setting("gains = true", "gains = false")
    at.does(f"journal post {FLOW} --yes")
    assert at.balances() == {"Storage clearing": Decimal("155.50"), "Storage income": Decimal("-115.00"),
                             "Switching income": Decimal("-40.50")}  # fmt: skip


SUMS = {"1205": Decimal("156.50"), "4010": Decimal("-115.00"), "4020": Decimal("-40.50"), "4090": Decimal("-1.00")}


@pytest.mark.parametrize(
    ("profile", "account", "debit", "credit", "entry"),
    [
        pytest.param("netsuite", "Account", "Debit", "Credit", "External ID", id="netsuite: b_000_04"),
        pytest.param("intacct", "ACCT_NO", "DEBIT", "CREDIT", "REFERENCE_NO", id="intacct: b_000_06"),
        pytest.param("xero", "*AccountCode", "*Amount", "", "*Narration", id="xero: b_000_07"),
        pytest.param("generic", "Account", "Debit", "Credit", "External ID", id="any: b_000_08"),
    ],
)
def test_a_system_without_a_connector_gets_every_entry_in_the_file_that_its_screen_takes(
    at: Treasury, profile: str, account: str, debit: str, credit: str, entry: str
) -> None:
    """b_000_04 b_000_06 b_000_07 b_000_08: many at once, exact when added up."""
    at.does(f"journal post {FLOW} --yes")
    lines = rows(at, at.ask(f"journal export {FLOW} --profile {profile} --to out"))
    found: Counter[str] = Counter()
    for row in lines:
        found[row[account]] += Decimal(row[debit] or 0) - Decimal((row[credit] if credit else "") or 0)  # type: ignore[assignment]
    assert found == SUMS
    assert len({row[entry] for row in lines} - {""}) == 4


# -- invoices and items ------------------------------------------------------------------------------------------------

ITEMS = """
[flows.items]
source = "books"
sink = "platform"
kinds = ["product"]
"""


@pytest.fixture
def till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    """A shop that reads the items of its books, too."""
    with shop(tmp_path, monkeypatch, capsys, more=ITEMS) as made:
        yield made


def numbers(till: Shop) -> list[str]:
    return sorted(one["DocNumber"] for one in till.books.objects("Invoice"))


def test_a_finalised_invoice_goes_out_by_itself_and_one_that_is_not_yet_waits(till: Shop) -> None:
    """b_001_02 b_003_01 b_003_09"""
    [held] = [one for one in till.ask("workspace list invoice")["items"] if one["number"] == "536366"]
    till.does(f"workspace edit invoice {held['id']} status=assigned")
    till.does("run invoices")
    assert numbers(till) == ["536365", "536367"]
    till.does(f"workspace edit invoice {held['id']} status=invoiced")
    till.does("run invoices")
    assert numbers(till) == ["536365", "536366", "536367"]


def test_items_of_the_books_are_read_again_and_status_says_when_and_what_waits_in_triage(till: Shop) -> None:
    """b_001_79 b_001_81 b_001_82"""
    income = next(one for one in till.books.objects("Account") if one["AccountType"] == "Income")
    for asked, name in enumerate(("Garden gnome", "Copper kettle"), 1):
        told = {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": income["Id"]}}
        till.books.write("Item", told)
        till.does("run items", 4)
        data = till.ask("status", 4)
        assert data["open_questions"] == asked
        assert {row["flow"]: list(row["last_sync"]) for row in data["flows"]}["items"] == ["product"]
    said = till.does("status", 4)
    assert "by items" in said
    assert "wherry triage list" in said


# -- connected ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def books() -> QuickBooksSimulator:
    app = OAuthApp(client_id="treasury", client_secret=SECRET)
    return QuickBooksSimulator(oauth=app, currency="USD", limits="none")


@pytest.fixture
def fresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], books: QuickBooksSimulator
) -> Iterator[Treasury]:
    """A project of which nobody has connected the books yet."""
    hurried(monkeypatch)
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
    with serve(books.app()) as url:
        for name, value in {"URL": url, "CLIENT_ID": "treasury", "CLIENT_SECRET": SECRET}.items():
            monkeypatch.setenv(f"BOOKS_{name}", value)
        yield Treasury(tmp_path, books, capsys)


def test_connecting_what_a_flow_books_into_reads_its_chart(fresh: Treasury) -> None:
    """b_004_02 b_004_06 b_004_07"""
    fresh.books.write("Account", {"Name": "Old wallet", "AccountType": "Bank", "Active": False})
    chart = fresh.ask("connect books --no-browser")["chart"]
    assert chart["posting"] > 0
    listed = fresh.ask("accounts list books")["items"]
    assert len(listed) == chart["posting"]
    active = {one["Name"] for one in fresh.books.objects("Account") if one["Active"]}
    assert {row["name"] for row in listed} <= active


def test_a_chart_that_cannot_be_read_now_leaves_the_connection_and_names_the_command(fresh: Treasury) -> None:
    """b_004_02"""
    fresh.books.faults.add("status", path="query", status=503, times=20)
    fresh.does("connect books --no-browser")
    assert "Later: wherry accounts import books" in fresh.err
    fresh.books.faults.clear()
    fresh.does("connection test books")
    assert "Next: wherry accounts import books" in fresh.does("accounts list books")


def test_connecting_what_no_flow_books_into_reads_no_chart(fresh: Treasury) -> None:
    fresh.setting('document = "journal"\naccounts = "tables/accounts.csv"', 'document = "invoice"')
    assert fresh.ask("connect books --no-browser")["chart"] is None


def test_each_team_has_a_connection_a_chart_and_entries_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_004_05: a team is a project; equal names in two of them have nothing to do with each other."""
    for name in ("east", "west"):
        (tmp_path / name).mkdir()
    with treasury(tmp_path / "east", monkeypatch, capsys) as east:
        with Hub.open(east.folder) as hub:
            url = hub.project.connections["books"].model_dump()["base_url"]
        east.setting('"${BOOKS_URL}"', f'"{url}"')
        east.mapped()
        with treasury(tmp_path / "west", monkeypatch, capsys) as west:
            east.books.write("Account", {"Name": "East only", "AcctNum": "4030", "AccountType": "Income"})
            east.does("accounts import books")
            assert "4030" in {row["code"] for row in east.ask("accounts list books")["items"]}
            assert "4030" not in {row["code"] for row in west.ask("accounts list books")["items"]}
            east.moves("TX-1,2026-01-05,100.00 USD,storage,hot,W-1,")
            east.does(f"journal post {FLOW} --yes")
            assert (len(east.entries()), west.entries(), west.ask("exports list")["items"]) == (1, [], [])
            west.does("connection disconnect books --yes")
            west.does("connection test books", 5)
            east.does("connection test books")


# -- what status says --------------------------------------------------------------------------------------------------


def test_status_says_synchronizing_while_entries_go_out_and_connected_before_and_after(
    at: Treasury, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b_004_13"""
    judged, during = at.books._judged, dict[str, str]()

    def watched(call: Any, handler: Any) -> Any:
        during[f"{call.method} {call.path.rsplit('/', 1)[-1]}"] = state(at.folder)
        return judged(call, handler)

    assert state(at.folder) == "connected"
    at.does(f"run {FLOW}")
    monkeypatch.setattr(at.books, "_judged", watched)
    at.does(f"approve {FLOW} --all --yes")
    assert len(at.entries()) == 4
    assert {said for call, said in during.items() if call.startswith("POST")} == {"synchronizing"}
    assert state(at.folder) == "connected"
    assert "connected" in at.does("status")


def state(folder: Path) -> str:
    """The state of the books' connection as ``status`` shows it, looked up by somebody else."""
    with Hub.open(folder) as hub:
        [row] = [one for one in connections.listed(hub) if one["connection"] == "books"]
        return list(drawn([row], hub.clock.now()))[1].split()[2]


def test_a_run_that_a_crash_ended_is_not_shown_as_going_on(at: Treasury) -> None:
    with Hub.open(at.folder) as hub, hub.store.write() as tx:
        registry.start_run(tx, registry.new_id(1), FLOW, "person", hub.store.now())
    assert state(at.folder) == "connected"
    with Hub.open(at.folder) as hub, hub.store.lock(f"flow:{FLOW}"):
        assert state(at.folder) == "synchronizing"
