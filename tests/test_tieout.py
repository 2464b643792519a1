"""The tie-out: to the cent it holds, and whatever a person did to an entry in the target is found and named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from wherry.accounting import Balance, BookedLine, Entry, Side
from wherry.bookkeeping import tying
from wherry.books import tieout
from wherry.books.held import BothSides, Cancelled, Written
from wherry.testing import plain_ledgers

from .drained import books
from .treasury import Treasury, named_treasury

FLOW = "wallet-journals"
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 1, 31)
DAY = dt.date(2026, 1, 15)


# -- pure --------------------------------------------------------------------------------------------------------------


class Line(Struct, frozen=True):
    account: str
    side: Side
    minor: int
    home: int
    party: str = ""


class Held(Struct, frozen=True, kw_only=True):
    id: str
    number: str = ""
    date: dt.date = DAY
    currency: str = "USD"
    note: str = ""
    stamp: str = ""
    lines: tuple[Line, ...] = ()
    at_home: bool = False


def lines(minor: int, debit: str = "5000", credit: str = "1000", rate: int = 1) -> tuple[Line, ...]:
    return Line(debit, "debit", minor, minor * rate), Line(credit, "credit", minor, minor * rate)


def entry(number: str, minor: int, date: dt.date = DAY, currency: str = "USD") -> Entry:
    made = tuple(BookedLine(account=one.account, side=one.side, minor=one.minor) for one in lines(minor))
    return Entry(key=f"flow|{number}", number=number, date=date, period="2026-01", bucket="", currency=currency,
                 memo="", lines=made, members=())  # fmt: skip


def written(number: str, minor: int, **more: Any) -> Written:
    return Written(entry=entry(number, minor, **more), id=number)


def moved(*held: Held) -> list[Balance]:
    """The target's trial balance of these entries, in dollars."""
    sums: dict[str, int] = {}
    for one in (line for each in held if FIRST <= each.date <= LAST for line in each.lines):
        sums[one.account] = sums.get(one.account, 0) + (one.home if one.side == "debit" else -one.home)
    return [Balance(code, code, max(minor, 0), max(-minor, 0), "USD") for code, minor in sums.items()]


def tie(ours: list[Written], held: list[Held], more: list[Held] | None = None, **told: Any) -> tieout.TieOut:
    balances = moved(*held, *(more or []))
    return tieout.tie(BothSides(first=FIRST, last=LAST, written=ours, held=held, opening=[], moved=balances, **told))


def names(found: tieout.TieOut) -> list[tuple[str, str]]:
    return [(one.what, one.name) for one in found.problems]


MINORS = st.integers(1, 10**14)


@given(st.lists(st.tuples(MINORS, MINORS, st.sampled_from(["same", "edited", "gone", "moved", "copied"])), max_size=12),
       st.lists(MINORS, max_size=4))  # fmt: skip
def test_every_balance_is_opening_hub_off_others_and_documents_and_it_passes_only_where_all_stand_as_written(
    entries: list[tuple[int, int, str]], foreign: list[int]
) -> None:
    """b_000_03, b_004_16"""
    ours = [written(f"JE {n}", minor) for n, (minor, _, _) in enumerate(entries)]
    held: list[Held] = []
    for n, (minor, other, what) in enumerate(entries):
        if what == "gone":
            continue
        date = dt.date(2026, 2, 1) if what == "moved" else DAY
        worth = other if what == "edited" else minor
        held.append(Held(id=f"JE {n}", number=f"JE {n}", stamp=f"s{n}", date=date, lines=lines(worth)))
        if what == "copied":
            held.append(Held(id=f"copy {n}", number="", stamp=f"s{n}", lines=lines(minor)))
    held += [Held(id=f"other {n}", lines=lines(minor, "6000")) for n, minor in enumerate(foreign)]
    found = tie(ours, held)
    for row in found.rows:
        assert None not in (row.opening, row.others, row.documents, row.closing)
        assert row.closing == row.opening + row.hub + row.off + row.others + row.documents  # type: ignore[operator]
        assert row.documents == 0
    spoilt = [f"JE {n}" for n, (a, b, what) in enumerate(entries) if what != "same" and (what != "edited" or a != b)]
    assert sorted(one.name for one in found.problems) == sorted(spoilt)
    assert found.passes is (not spoilt)
    assert len(found.foreign) == len(foreign)


def test_an_entry_and_the_one_that_reverses_it_come_to_nothing_and_one_that_was_posted_anew_stands_alone() -> None:
    first, again = written("JE 1", 100), Written(entry=entry("JE 2", 70), id="8")
    back = Written(entry=Entry(**{**_fields(entry("reversal of JE 1", 100)), "lines": tuple(
        BookedLine(account=line.account, side="credit" if line.side == "debit" else "debit", minor=line.minor)
        for line in entry("", 100).lines)}), id="", stamps=frozenset({"v"}), reverses="JE 1")  # fmt: skip
    held = [
        Held(id="JE 1", number="JE 1", stamp="a", lines=lines(100)),
        Held(id="5", number="JE 1R", stamp="v", lines=lines(100, "1000", "5000")),
        Held(id="6", number="JE 2", stamp="b", lines=lines(70)),
        Held(id="7", number="JE 2R", stamp="w", lines=lines(70, "1000", "5000")),
        Held(id="8", number="JE 2", stamp="c", lines=lines(70)),
    ]
    former = Cancelled(name="JE 2", entry="flow|JE 2", id="6", stamps=frozenset({"w"}))
    found = tie([first, back, again], held, cancelled=[former])
    assert (found.problems, found.passes) == ([], True)
    assert {row.account: row.hub for row in found.rows} == {"1000": -70, "5000": 70}
    spoilt = tie([first, back, again], [one for one in held if one.id != "7"], cancelled=[former])
    assert ("edited", "JE 2") in names(spoilt)
    assert not spoilt.passes


def _fields(one: Entry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_a_mark_that_nobody_knows_and_what_was_sent_but_never_linked_are_not_taken_for_entries_of_others() -> None:
    stamps = ("known", "?", "lost")
    held = [Held(id=str(n), number=str(8 + n), stamp=stamp, lines=lines(4 + n)) for n, stamp in enumerate(stamps, 1)]
    found = tie([], held, sent=frozenset({"known"}), open={"lost": "nobody knows yet: wherry errors show E-3"})
    assert names(found) == [("stray", "9"), ("stray", "10"), ("open", "11")]
    assert "was sent by this hub and is linked to nothing" in found.problems[0].says
    assert "E-3" in found.problems[2].says
    assert not found.foreign


def test_what_no_entry_explains_fails_on_an_account_of_the_hub_and_is_told_elsewhere() -> None:
    ours, held = [written("JE 1", 100)], [Held(id="JE 1", stamp="a", lines=lines(100))]
    elsewhere = tie(ours, held, more=[Held(id="bill", lines=lines(9, "6000", "2000"))])
    assert elsewhere.passes
    assert {row.account: row.documents for row in elsewhere.rows}["6000"] == 9
    found = tie(ours, held, more=[Held(id="invoice", lines=lines(9, "1000", "4000"))])
    assert names(found) == [("unexplained", "1000")]
    assert "0.09 debit" in found.problems[0].says


def test_an_entry_in_another_currency_is_compared_in_it_and_summed_in_that_of_the_books() -> None:
    ours = [written("JE 1", 100, currency="EUR")]
    held = [Held(id="JE 1", stamp="a", currency="EUR", lines=lines(100, rate=2))]
    found = tie(ours, held)
    assert found.passes
    assert {(row.account, row.currency): row.hub for row in found.rows} == {("1000", "USD"): -200, ("5000", "USD"): 200}
    edited = tie(ours, [Held(id="JE 1", stamp="a", currency="EUR", lines=lines(101, rate=2))])
    assert names(edited) == [("edited", "JE 1")]
    assert "1.01 there, 1.00 was written" in edited.problems[0].says


def test_an_entry_of_a_target_that_knows_one_currency_is_compared_at_home() -> None:
    """As in Xero: what went there by its home amounts was not edited because it is in another currency."""
    made = entry("JE 1", 100, currency="EUR")
    worth = [msgspec.structs.replace(line, home=109) for line in made.lines]
    made = msgspec.structs.replace(made, lines=tuple(worth), home="USD", exchange_rate=Decimal("1.09"))
    ours = [Written(entry=made, id="JE 1")]
    assert tie(ours, [Held(id="JE 1", stamp="a", lines=lines(109), at_home=True)]).passes
    edited = tie(ours, [Held(id="JE 1", stamp="a", lines=lines(110), at_home=True)])
    assert "1.10 there, 1.09 was written" in edited.problems[0].says


# -- in QuickBooks: one served stand-in, a day for each test -----------------------------------------------------------


class _Unread:
    """What pytest captures belongs to tests; before them nobody reads."""

    def readouterr(self) -> Any:
        class Said:
            out = err = ""

        return Said()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Treasury]:
    folder: Path = tmp_path_factory.mktemp("tieout")
    with pytest.MonkeyPatch.context() as patch, named_treasury(folder, patch, _Unread()) as made:  # type: ignore[arg-type]
        made.setting('group = "week"', 'group = "day"')
        made.moved(
            *((f"2026-01-{day:02}", f"{day}0.10 USD", "payout", "W1", f"p{day}") for day in range(11, 19)),
            ("2026-01-19", "77.70 USD", "payout", "W2", "p19"),
            ("2026-01-19", "0.35 USD", "fee", "W2", "p20"),
        )
        made.does(f"run {FLOW}")
        made.does(f"approve {FLOW} --all --yes")
        yield made


@pytest.fixture
def desk(shared: Treasury, capsys: pytest.CaptureFixture[str]) -> Treasury:
    shared._capsys = capsys
    return shared


def posted(desk: Treasury, day: int) -> dict[str, Any]:
    [found] = [one for one in desk.journals() if one["TxnDate"] == f"2026-01-{day}"]
    return found


def changed(desk: Treasury, held: dict[str, Any], operation: str = "update", **fields: Any) -> None:
    told = {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True, **fields}
    desk.books.write("JournalEntry", told, operation)


def reconciled(desk: Treasury, day: int, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = desk.ask(f"reconcile {FLOW} --period 2026-01-{day}", code)
    return found


def problems(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["what"], one["name"]) for one in found["problems"]]


def test_what_stands_as_it_was_written_ties_out_at_0_00(desk: Treasury) -> None:
    """b_000_03, I2"""
    found = reconciled(desk, 11)
    assert (found["passes"], found["entries"], found["problems"]) == (True, 1, [])
    rows = {row["account"]: (row["hub"], row["off"], row["closing"] - row["opening"]) for row in found["accounts"]}
    assert rows == {"Digital assets": (-11010, 0, -11010), "Operating expenses": (11010, 0, 11010)}
    assert "off by 0.00 USD" in desk.does(f"reconcile {FLOW} --period 2026-01-11")


def test_what_a_rule_leaves_out_is_told_in_the_period_of_its_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I9"""
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as target:
        target.bills(1)
        target.bill("5", "50.00", status="draft")
        assert target.run().exit_code == 0
        days = tying.Days(dt.date(2026, 7, 1), dt.date(2026, 7, 31), "2026-07")
        with target.open() as hub:
            found = tying.source(hub, hub.wiring.flow("invoices"), days)
            other = tying.source(hub, hub.wiring.flow("invoices"), tying.Days(days.last, days.last, "2026-07-31"))
    assert (found.counts, found.undated) == ({"posted": 1, "skipped": 1}, 0)
    assert other.counts == {}


def test_one_cent_that_a_person_changes_in_the_target_is_found_and_named(desk: Treasury) -> None:
    """case_E16"""
    held = posted(desk, 12)
    off = [{**line, "Amount": "120.11"} for line in held["Line"]]
    changed(desk, held, Line=off)
    found = reconciled(desk, 12, code=4)
    assert problems(found) == [("edited", held["DocNumber"])]
    assert "Digital assets is 120.11 there, 120.10 was written" in found["problems"][0]["says"]
    assert {row["account"]: row["off"] for row in found["accounts"]}["Operating expenses"] == 1


def test_what_takes_back_an_entry_of_nothing_is_not_missed() -> None:
    """Somebody voided the entry there first."""
    found = tie([written("JE 1", 0), written("JE 2", 5)], [])
    assert names(found) == [("missing", "JE 2")]


def test_an_entry_that_was_deleted_there_is_missing(desk: Treasury) -> None:
    held = posted(desk, 13)
    desk.books.write("JournalEntry", {"Id": held["Id"], "SyncToken": held["SyncToken"]}, "delete")
    found = reconciled(desk, 13, code=4)
    assert problems(found) == [("missing", held["DocNumber"])]
    assert "130.10 USD of 2026-01-13" in found["problems"][0]["says"]


def test_an_entry_that_got_another_day_is_told_on_both_days(desk: Treasury) -> None:
    held = posted(desk, 14)
    changed(desk, held, TxnDate="2026-03-03")
    for day in ("2026-01-14", "2026-03-03"):
        found = desk.ask(f"reconcile {FLOW} --period {day}", code=4)
        assert problems(found) == [("re-dated", held["DocNumber"])]
        assert "dated 2026-03-03 there, 2026-01-14 was written" in found["problems"][0]["says"]


def test_an_entry_that_was_copied_there_is_doubled(desk: Treasury) -> None:
    held = posted(desk, 15)
    desk.books.write("JournalEntry", {name: held[name] for name in ("TxnDate", "Line", "PrivateNote")})
    found = reconciled(desk, 15, code=4)
    assert problems(found) == [("doubled", held["DocNumber"])]
    assert {row["account"]: row["off"] for row in found["accounts"]}["Operating expenses"] == 15010


def test_an_entry_that_was_typed_again_under_its_number_is_doubled() -> None:
    found = tie([written("JE 1", 100)], [Held(id="JE 1", number="JE 1", stamp="a", lines=lines(100)),
                                         Held(id="9", number="JE 1", lines=lines(100))])  # fmt: skip
    assert names(found) == [("doubled", "JE 1")]
    assert "by hand" in found.problems[0].says


def test_an_entry_of_somebody_else_is_listed_and_nothing_is_wrong(desk: Treasury) -> None:
    held = posted(desk, 17)
    desk.books.write("JournalEntry", {"TxnDate": "2026-01-17", "Line": held["Line"], "DocNumber": "ACCR-1",
                                      "PrivateNote": "accrued by hand"})  # fmt: skip
    found = reconciled(desk, 17)
    [other] = found["others"]
    assert (other["number"], other["note"], other["minor"], other["like"]) == (
        "ACCR-1", "accrued by hand", 17010, held["DocNumber"])  # fmt: skip
    assert {row["account"]: row["others"] for row in found["accounts"]}["Operating expenses"] == 17010
    assert "ACCR-1" in desk.does(f"reconcile {FLOW} --period 2026-01-17")


def test_an_entry_that_was_reversed_and_posted_anew_ties_out_with_all_three_in_the_target(desk: Treasury) -> None:
    """I10"""
    number = posted(desk, 18)["DocNumber"]
    desk.does(f"journal reverse {FLOW} '{number}' --repost --yes")
    assert reconciled(desk, 18)["passes"]
    desk.does(f"run {FLOW}")
    desk.does(f"approve {FLOW} --all --yes")
    found = reconciled(desk, 18)
    assert (found["passes"], found["others"]) == (True, [])
    assert len([one for one in desk.journals() if one["TxnDate"] == "2026-01-18"]) == 3
    assert {row["account"]: row["hub"] for row in found["accounts"]}["Operating expenses"] == 18010


@pytest.mark.parametrize("program", sorted(plain_ledgers.FORMS))
def test_the_hub_the_target_and_the_exported_file_come_to_the_same(desk: Treasury, program: str) -> None:
    """b_000_03, b_004_16"""
    readers = plain_ledgers.installed()
    if program not in readers:
        pytest.skip(f"{program} is not installed here")
    form, folder = plain_ledgers.FORMS[program], desk.folder / program
    again = "--reexport-since 2026-01-01" if program == "ledger" else ""
    desk.does(f"journal export {FLOW} --profile {form} --to {folder} --partition W2 {again}")
    [file] = folder.iterdir()
    read = {name.rpartition(":")[2].replace("-", " "): minor for (name, _), minor in readers[program](file).items()}
    rows = reconciled(desk, 19)["accounts"]
    assert read == {row["account"]: row["hub"] for row in rows if row["hub"]}
    assert read == {row["account"]: row["closing"] - row["opening"] for row in rows if row["hub"]}


def owed(party: str, code: str = "1100") -> tuple[Line, ...]:
    return Line(code, "debit", 100, 100, party), Line("4010", "credit", 100, 100, "")


@pytest.mark.parametrize(
    ("there", "says"),
    [("9", ["debit 1100 of 9 is 1.00 there, 0.00 was written", "debit 1100 of Acme is 0.00 there, 1.00 was written"]),
     ("", ["debit 1100 of nobody is 1.00 there", "debit 1100 of Acme is 0.00 there"]), ("7", [])],
)  # fmt: skip
def test_a_receivable_that_was_moved_to_another_customer_is_edited_though_no_account_changed(
    there: str, says: list[str]
) -> None:
    """b_000_03"""
    made = tuple(BookedLine(account=one.account, side=one.side, minor=one.minor, party=one.party) for one in owed("7"))
    ours = Written(entry=msgspec.structs.replace(entry("JE 1", 100), lines=made), id="1")
    found = tie([ours], [Held(id="1", number="JE 1", lines=owed(there))], parties={"7": "Acme"})
    assert names(found) == [("edited", "JE 1")] * bool(says)
    assert [part for part in says if part not in found.problems[0].says] == []
    assert all(row.off == 0 for row in found.rows)
