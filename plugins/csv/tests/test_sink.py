"""What lies in the folder: files as readers see them, corrections, refusals, and the trial balance of a chart.

Behaviours 000.8 to 000.13; cases A28, C7, D13.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.books.cells import clean, original
from wherry.errors import ConfigError, Rejected
from wherry.http import Files
from wherry.records import Item, Reply
from wherry.roles import Asks, CallSinkWriter, Connection, HasAccounts, HasBalances
from wherry.testing.services import services
from wherry.testing.sink_trial import created, update_of, void_of, write
from wherry.testing.sinks import stamp_of
from wherry_csv import plugin
from wherry_csv.settings import CsvSettings
from wherry_csv.sink import CsvSink, CsvSinkWithChart

CHART = """code,name,type,currency,parent,debit,credit,posting
0100,Bank,bank,USD,,,,no
0110,Checking,bank,USD,0100,100.00,,yes
3000,Capital,equity,USD,,,100.00,
4000,Sales,income,USD,,,,
"""


class Trial:
    """Just what ``update_of`` needs of a trial."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.changed = lambda item: body


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    return folder


def sink_of(tmp_path: Path, kind: type[CsvSink] = CsvSink, **more: Any) -> CsvSink:
    folder = folder_of(tmp_path)
    made = kind(Files(folder), CsvSettings.model_validate({"folder": folder, **more}))
    made.check()
    return made


def journal(n: int = 1, minor: int = 1250, **more: Any) -> Item:
    lines = [
        {
            "account": "0110",
            "side": "debit",
            "amount": money(minor),
            "customer": "Acme",
            "dimensions": {"class": "North"},
        },
        {"account": "4000", "side": "credit", "amount": money(minor)},
    ]
    body = {"number": f"J-{n}", "date": "2026-01-31", "currency": "USD", "memo": "January", "lines": lines, **more}
    return Item(entity="journal_entry", key=f"k:{n}", body=body, stamp=stamp_of(f"j {n}"))


def money(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def files_in(sink: CsvSink) -> dict[str, list[dict[str, str]]]:
    """File name → rows, in the order of their names."""
    paths = sorted(path for path in sink.http.folder.glob("*.csv") if path.name != "accounts.csv")
    return {path.name: list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""))) for path in paths}


def balance(rows: Sequence[dict[str, str]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in rows:
        total = Decimal(row["Debit"] or 0) - Decimal(row["Credit"] or 0)
        found[row["Account"]] = found.get(row["Account"], Decimal(0)) + total
    return found


# -- roles -------------------------------------------------------------------------------------------------------------


def test_the_sink_is_one_that_can_be_asked_and_recognises_calls_for_ever(tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    assert isinstance(sink, CallSinkWriter)
    assert isinstance(sink, Asks)
    assert not isinstance(sink, HasAccounts | HasBalances)
    assert sink.resend_for == math.inf


def test_a_chart_in_the_folder_gives_accounts_and_balances(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    settings = CsvSettings.model_validate({"folder": "out"})
    with services(tmp_path) as core:
        core = msgspec.structs.replace(core, folder=tmp_path)
        connection = Connection("books", "csv", settings)
        assert not isinstance(plugin.wherry_sink_writer(connection, core), HasAccounts)
        (folder / "accounts.csv").write_text(CHART)
        sink = plugin.wherry_sink_writer(connection, core)
    assert isinstance(sink, HasAccounts)
    assert isinstance(sink, HasBalances)
    assert [(one.code, one.posting, one.parent) for one in sink.accounts()][:2] == [
        ("0100", False, ""),
        ("0110", True, "0100"),
    ]


def test_a_connection_of_another_plugin_is_left_to_it(tmp_path: Path) -> None:
    with services(tmp_path) as core:
        other = Connection("books", "sap", None)
        assert plugin.wherry_sink_writer(other, core) is None
        assert plugin.wherry_source_connector(other, core) is None


# -- journals ----------------------------------------------------------------------------------------------------------


def test_an_entry_is_a_file_with_all_a_journal_row_needs(tmp_path: Path) -> None:
    """b_000_08 b_000_10 b_000_11 b_000_12 b_000_13"""
    (folder_of(tmp_path) / "accounts.csv").write_text(CHART)
    sink, item = sink_of(tmp_path), journal(period="2026-P1", type="transaction")
    created(sink, [item])
    ((name, rows),) = files_in(sink).items()
    assert name == f"journal_entry-J-1-{item.stamp}.csv"
    told = (
        "Date",
        "Period",
        "Account",
        "Account Description",
        "Debit",
        "Credit",
        "Type",
        "Party",
        "Class",
        "External ID",
    )
    assert [[row[column] for column in told] for row in rows] == [
        ["2026-01-31", "2026-P1", "0110", "Checking", "12.50", "", "transaction", "Acme", "North", f"J-1-{item.stamp}"],
        ["2026-01-31", "2026-P1", "4000", "Sales", "", "12.50", "transaction", "", "", f"J-1-{item.stamp}"],
    ]


def test_the_form_of_an_import_screen_is_kept_to(tmp_path: Path) -> None:
    (folder_of(tmp_path) / "accounts.csv").write_text(CHART)
    sink = sink_of(tmp_path, profile="qbo", date_format="DD/MM/YYYY", delimiter="semicolon")
    created(sink, [journal()])
    (path,) = sink.http.folder.glob("journal*")
    assert path.read_text().splitlines()[1] == "J-1;31/01/2026;Bank:Checking;12.50;;January;Acme;USD;;North"


def test_several_entries_go_into_a_file_as_far_as_the_screen_allows(tmp_path: Path) -> None:
    lines = [{"account": "1", "side": s, "amount": money(1)} for s in ("debit", "credit") for _ in range(60)]
    items = [journal(n, lines=lines) for n in range(7)]
    sink = sink_of(tmp_path, profile="xero", per_file=5)
    assert [len(call.items) for call in sink.encode(items)] == [2, 2, 2, 1]
    assert [len(call.items) for call in sink_of(tmp_path, per_file=5).encode(items)] == [5, 2]


def test_what_differs_in_kind_or_currency_has_a_file_of_its_own(tmp_path: Path) -> None:
    yen = [{**line, "amount": {"minor": 5, "currency": "JPY"}} for line in journal().body["lines"]]
    items = [journal(1), journal(2), journal(3, currency="JPY", lines=yen), customer("Acme"), customer("Bolt")]
    calls = sink_of(tmp_path, per_file=10).encode(items)
    assert [len(call.items) for call in calls] == [2, 1, 2]


def test_a_new_version_is_written_as_reversal_and_entry(tmp_path: Path) -> None:
    """A file that somebody may have imported cannot be changed: what was imported twice adds up all the same."""
    sink, item = sink_of(tmp_path), journal()
    (first,) = created(sink, [item])
    update = update_of(Trial(journal(minor=900).body), item, first)  # type: ignore[arg-type]
    assert write(sink, [update])[update.stamp].fate == "updated"
    rows = [row for some in files_in(sink).values() for row in some]
    assert balance(rows) == {"0110": Decimal("9.00"), "4000": Decimal("-9.00")}
    assert len({row["Journal No"] for row in rows}) == len({row["External ID"] for row in rows}) == 3


def test_a_void_is_the_reversing_entry_of_the_same_day(tmp_path: Path) -> None:
    sink, item = sink_of(tmp_path), journal()
    (first,) = created(sink, [item])
    void = void_of(item, first)
    assert write(sink, [void])[void.stamp].fate == "reversed"
    rows = [row for some in files_in(sink).values() for row in some]
    assert set(balance(rows).values()) == {Decimal(0)}
    assert {row["Date"] for row in rows} == {"2026-01-31"}


def test_a_new_version_of_what_nobody_knows_is_refused(tmp_path: Path) -> None:
    item = msgspec.structs.replace(journal(), target="J-1")
    with pytest.raises(Rejected, match="not known") as caught:
        sink_of(tmp_path).encode([item])
    assert caught.value.where["item"] == item.stamp


def test_a_negative_line_is_booked_on_the_other_side_and_one_of_zero_not_at_all(tmp_path: Path) -> None:
    """case_C7"""
    lines = [
        {"account": "a", "side": "debit", "amount": money(-500)},
        {"account": "b", "side": "credit", "amount": money(-500)},
        {"account": "c", "side": "credit", "amount": money(0)},
    ]
    sink = sink_of(tmp_path)
    created(sink, [journal(lines=lines)])
    (rows,) = files_in(sink).values()
    assert balance(rows) == {"a": Decimal("-5.00"), "b": Decimal("5.00")}
    assert sink.facts(journal(lines=lines))["total"] == "5.00 USD"


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"lines": [*journal().body["lines"][:1], {**journal().body["lines"][1], "amount": money(1249)}]},
        "out of balance by 0.01",
    ),
    ({"lines": [{**line, "account": "9"} for line in journal().body["lines"]]}, "'9'"),
    ({"lines": []}, "two lines"),
    ({"currency": "EUR"}, "lines in USD"),
]


@pytest.mark.parametrize(("wrong", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_an_entry_that_cannot_be_booked_is_refused_by_its_stamp_and_the_others_go_on(
    tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    """case_C8, case_C16"""
    (folder_of(tmp_path) / "accounts.csv").write_text(CHART)
    sink, bad = sink_of(tmp_path, per_file=5), journal(2, **wrong)
    with pytest.raises(Rejected, match=says) as caught:
        sink.encode([journal(1), bad, journal(3)])
    assert caught.value.where["item"] == bad.stamp
    assert caught.value.fix


# -- customers, products, invoices -------------------------------------------------------------------------------------


def customer(name: str, **more: Any) -> Item:
    return Item(entity="customer", key=f"id:{name}", body={"name": name, **more}, stamp=stamp_of(f"c {name}"))


def test_an_invoice_has_a_row_for_each_line_and_names_its_customer(tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    (acme,) = created(sink, [customer("Acme Rail")])
    lines = [
        {"service": "Storage", "quantity": "2", "rate": "3.50", "amount": money(700)},
        {"description": "-10 %", "amount": money(-70)},
    ]
    body = {"number": "I-1", "date": "2026-01-05", "customer": acme.target, "total": money(630), "lines": lines}
    item = Item(entity="invoice", key="id:1", body=body, stamp=stamp_of("i"))
    (done,) = created(sink, [item])
    rows = next(rows for name, rows in files_in(sink).items() if name.startswith("invoice"))
    told = ("action", "id", "number", "customer", "total", "currency", "line", "service", "description", "amount")
    assert [[row[name] for name in told] for row in rows] == [
        ["create", done.target, "I-1", "Acme Rail", "6.30", "USD", "1", "Storage", "", "7.00"],
        ["create", done.target, "I-1", "Acme Rail", "6.30", "USD", "2", "", "'-10 %", "-0.70"],
    ]
    void = void_of(item, done)
    write(sink, [void])
    actions = [rows[0]["action"] for name, rows in files_in(sink).items() if name.startswith("invoice")]
    assert sorted(actions) == ["create", "void"]


hostile = st.text(max_size=30) | st.sampled_from(
    ["=1+1", "@x", "+1-1", "\t=1", "'=1", "a\r\nb", '"', ",;", "\x00", "..", "/"]
)


@given(name=hostile, number=hostile, note=hostile)
@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_hostile_texts_come_back_as_they_were_and_run_nowhere(
    tmp_path_factory: pytest.TempPathFactory, name: str, number: str, note: str
) -> None:
    """case_D13, case_D14, case_D9: through the file, its name and its cells."""
    tmp_path = tmp_path_factory.mktemp("hostile")
    sink, item = sink_of(tmp_path), customer("x" + name, number=number, description=note)
    created(sink, [item])
    ((_, (row,)),) = files_in(sink).items()
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    for column, text in (("name", "x" + name), ("number", number), ("description", note)):
        wanted = clean(text, lines=True)
        assert original(row[column]) == wanted
        plain = row[column].lstrip("+-").replace(".", "", 1).isdecimal()
        assert plain or not row[column] or row[column][0] not in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def test_a_letter_that_the_encoding_lacks_is_refused_by_name(tmp_path: Path) -> None:
    sink, bad = sink_of(tmp_path, encoding="cp1252", per_file=5), customer("東")
    with pytest.raises(Rejected, match=r"U\+6771") as caught:
        sink.encode([customer("Acme"), bad])
    assert caught.value.where["item"] == bad.stamp


def test_an_entity_that_files_do_not_take_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="cannot be written to a file"):
        sink_of(tmp_path).encode([Item(entity="ticket", key="1", body={"subject": "x"}, stamp=stamp_of("t"))])


# -- what the folder holds ---------------------------------------------------------------------------------------------


def look(sink: CsvSink, item: Item) -> list[Any]:
    (call,) = sink.ask([item])
    response = sink.http.read(call.method, call.path, content=call.body)
    return sink.found(call, [item], Reply(status=response.status, body=response.content))[item.stamp]


def test_a_file_that_was_edited_there_differs_from_what_was_written(tmp_path: Path) -> None:
    """case_E16: an edit is shown, never written over."""
    sink, item = sink_of(tmp_path), journal()
    created(sink, [item])
    (path,) = sink.http.folder.glob("*.csv")
    path.write_text(path.read_text().replace("12.50", "99.50"))
    (hit,) = look(sink, item)
    assert hit.facts["file"] != sink.facts(item)["file"]


def test_a_file_that_was_fetched_is_still_what_was_written(tmp_path: Path) -> None:
    sink, item = sink_of(tmp_path), journal()
    created(sink, [item])
    next(sink.http.folder.glob("*.csv")).unlink()
    (hit,) = look(sink, item)
    assert (hit.ours, hit.facts) == (True, sink.facts(item))


def test_a_taken_name_is_refused_with_what_to_do(tmp_path: Path) -> None:
    sink, item = sink_of(tmp_path), journal()
    (call,) = sink.encode([item])
    (sink.http.folder / call.path).write_text("by hand")
    answer = sink.decode(call, [item], sink.http.send(call))[item.stamp]
    assert (answer.fate, bool(answer.fix)) == ("refused", True)


def test_a_reply_about_other_bytes_settles_nothing(tmp_path: Path) -> None:
    """I3: no false success, whatever the status says."""
    sink, item = sink_of(tmp_path), journal()
    (call,) = sink.encode([item])
    (other,) = sink.encode([journal(minor=99)])
    reply = sink.http.send(other)
    assert (call.path, sink.decode(call, [item], reply)) == (other.path, {})


def test_balances_are_the_opening_and_every_entry_with_what_takes_it_back(tmp_path: Path) -> None:
    """b_000_03, b_004_16: a trial balance of the folder, before and after."""
    (folder_of(tmp_path) / "accounts.csv").write_text(CHART)
    sink = sink_of(tmp_path, CsvSinkWithChart, per_file=2)
    items = [journal(1, 1000), journal(2, 250), journal(3, 7, date="2026-02-01")]
    answers = created(sink, items)
    update = update_of(Trial(journal(2, 300).body), items[1], answers[1])  # type: ignore[arg-type]
    write(sink, [update])
    write(sink, [void_of(items[2], answers[2])])
    assert isinstance(sink, CsvSinkWithChart)
    said = {one.code: (one.debit, one.credit) for one in sink.balances(None, dt.date(2026, 1, 31))}
    assert said == {"0110": (11300, 0), "3000": (0, 10000), "4000": (0, 1300)}
    moved = {one.code: (one.debit, one.credit) for one in sink.balances(dt.date(2026, 2, 1), dt.date(2026, 2, 28))}
    assert moved == {"0110": (0, 0), "4000": (0, 0)}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("code,name\n1,A\n1,B\n", "second time"),
        ("code,name\n,A\n", "no code"),
        ('code,debit,currency\n1,"1,5",USD\n', "1,5"),
    ],
)
def test_a_chart_that_cannot_be_used_is_a_mistake_with_its_row(tmp_path: Path, table: str, says: str) -> None:
    (folder_of(tmp_path) / "accounts.csv").write_text(table)
    with pytest.raises(ConfigError, match=says):
        sink_of(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [{"profile": "sap"}, {"per_file": 0}, {"accounts": "../a.csv"}, {"records": {"deal": {}}}, {"encoding": "utf-7"}],
)
def test_settings_that_cannot_stand_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        CsvSettings.model_validate({"folder": tmp_path, **wrong})


def test_a_call_names_only_what_a_file_may_be_called(tmp_path: Path) -> None:
    """case_D9"""
    item = journal(number="../../J 1\n=x")
    (call,) = sink_of(tmp_path).encode([item])
    assert call.path == f"journal_entry-J-1-x-{item.stamp}.csv"
