"""What takes a booked movement back goes where that was booked, and what is held stays held: on the store alone."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from wherry.accounting import ChartAccount, Entry, Mapped
from wherry.bookkeeping import reversing
from wherry.books import gathering, unbooked
from wherry.books.charts import Chart
from wherry.books.frozen import ENTITY
from wherry.books.gathering import Arrangement, Basis
from wherry.books.periods import Calendar
from wherry.books.rates import Rates, _Row
from wherry.books.subledger import Subledger
from wherry.records import Item, Ref
from wherry.settings import Flow
from wherry.store import Store, ledger
from wherry.store.database import Tx
from wherry.store.documents import DocumentView
from wherry.store.ledger import LinkRow, Route
from wherry.testing.clock import FakeClock

ROUTE = Route(1, 2)
TABLE = (
    Mapped(category="storage", debit="1205", credit="4010", dimensions=(("class", "Rail"),)),
    Mapped(category="gain", debit="1205", credit="4090"),
    Mapped(category="loss", debit="4091", credit="1205"),
)
OTHER = (Mapped(category="storage", debit="1206", credit="4020"), *TABLE[1:])


class Desk:
    """The books of one flow in one open transaction; nothing is sent, what is posted is linked."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.targets = tx, dict[str, str]()
        self.table: Sequence[Mapped] = TABLE
        self.flow = Flow.model_validate({
            "source": "a", "sink": "b", "document": "journal", "accounts": "x.csv", "gains": True,
            "late": "correct", "rounding": "7990", "group": "week",
        })  # fmt: skip
        self.flow._name = "flow"
        self.rates, self.chart, self.posted = Rates(), Chart(()), list[Entry]()

    def says(self, key: str, minor: int | None, *, gain: tuple[int, str] | None = None, **more: Any) -> list[str]:
        """What the record of that key says now; None: it is taken back. What became of it."""
        body = _body(minor or 0, gain, **more)
        action = "void" if minor is None else "write"
        item = Item(entity="movement", key=key, body=body, target=self.targets.get(key), action=action)  # type: ignore[arg-type]
        [answer] = Subledger("flow", ROUTE).apply(DocumentView(self.tx, "books"), [item])
        self.targets[key] = answer.target or ""
        return [answer.fate, answer.reason]

    def basis(self) -> Basis:
        return Basis(
            flow=self.flow, route=ROUTE, calendar=Calendar(), table=self.table, chart=self.chart, home="USD",
            today=dt.date(2026, 3, 1), rates=self.rates,
        )  # fmt: skip

    def gather(self) -> Arrangement:
        found = gathering.arrange(self.tx, self.basis())
        gathering.keep(self.tx, self.basis(), found)
        return found

    def post(self) -> list[Entry]:
        """Everything that can be booked is, by the target."""
        found = self.gather()
        links = [LinkRow(ENTITY, one.key, f"T-{one.key}", "ours", made_at="2026-02-01",
                         body=msgspec.json.encode(one.draft.body).decode())
                 for one in found.bookings]  # fmt: skip
        ledger.put_links(self.tx, ROUTE, links)
        self.posted += [one.entry for one in found.bookings]
        return [one.entry for one in found.bookings]

    def reverse(self, wish: unbooked.Wish, *, fulfilled: bool = True) -> None:
        """Everything that the target holds is reversed there; ``fulfilled``: and the books know."""
        for entry in self.posted:
            ref = Ref(ENTITY, f"flow|{entry.bucket}||{entry.key}")
            link = ledger.find_links(self.tx, ROUTE, [ref])[ref]
            ledger.put_links(self.tx, ROUTE, [msgspec.structs.replace(link, rule="reversed")])
            unbooked.wish(self.tx, ROUTE.sink, ref.key, wish)
            if fulfilled:
                unbooked.fulfil(self.tx, ROUTE.sink, "flow", ref.key)
        self.posted.clear()

    def balances(self, home: bool = False) -> dict[Any, int]:
        """What stands on each account, with its class."""
        found: Counter[Any] = Counter()
        for line in (line for entry in self.posted for line in entry.lines):
            found[line.account, line.dimensions] += (line.home if home else line.minor) * (1, -1)[line.side == "credit"]
        return {" ".join((at, *(own for _, own in more))): minor for (at, more), minor in found.items() if minor}


def _body(
    minor: int, gain: tuple[int, str] | None, currency: str = "USD", exact: str = "", lines: Any = None
) -> dict[str, Any]:
    lines = lines or [{"side": side, "amount": {"minor": minor, "currency": currency}, "category": "storage"}
             for side in ("debit", "credit")]  # fmt: skip
    body: dict[str, Any] = {"date": "2026-01-05", "currency": currency, "lines": lines, "reference": "W-1"}
    if gain:
        body["gain"] = {"minor": gain[0], "currency": gain[1]}
    return {**body, "custom": {"fiat_exact": exact}} if exact else body


@pytest.fixture(scope="module")
def opened() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/wherry.db", FakeClock(), Path(folder) / "files")
        yield store
        store.close()


class _Done(Exception):
    pass


@contextlib.contextmanager
def rolled_back(store: Store) -> Iterator[Any]:
    """A transaction of which nothing stays."""
    with contextlib.suppress(_Done), store.write() as tx:
        yield tx
        raise _Done


@pytest.fixture
def desk(opened: Store) -> Iterator[Desk]:
    with rolled_back(opened) as tx:
        yield Desk(tx)


# -- as it was booked --------------------------------------------------------------------------------------------------


def test_what_takes_a_movement_back_is_booked_to_the_accounts_that_it_was_booked_to(desk: Desk) -> None:
    """case_C11"""
    desk.says("W-1", 10000)
    desk.post()
    assert desk.balances() == {"1205 Rail": 10000, "4010 Rail": -10000}
    desk.table = OTHER
    desk.says("W-1", 9000)
    desk.post()
    assert desk.balances() == {"1206": 9000, "4020": -9000}
    desk.says("W-1", None)
    desk.post()
    assert desk.balances() == {}


def test_what_takes_a_movement_back_goes_to_its_account_whatever_number_that_has_by_now(desk: Desk) -> None:
    """case_C11, case_C16"""
    accounts = [ChartAccount(id=code, code=code, name=code) for code in ("1205", "4010", "4020")]
    desk.chart = Chart(accounts)
    desk.says("W-1", 10000)
    desk.post()
    renamed = Chart([msgspec.structs.replace(accounts[0], code="1299", name="1299"), *accounts[1:]])
    desk.chart = Chart(renamed, was=renamed.changed(desk.chart, "2026-03-01"))
    desk.says("W-1", None)
    [back] = desk.post()
    assert {line.account: line.side for line in back.lines} == {"4010": "debit", "1299": "credit"}


@pytest.mark.parametrize("before", [True, False])
def test_a_gain_is_taken_back_if_and_only_if_it_was_booked(desk: Desk, before: bool) -> None:
    """case_C11"""
    desk.flow = desk.flow.model_copy(update={"gains": before})
    desk.says("W-1", 10000, gain=(5000, "USD"))
    desk.post()
    desk.flow = desk.flow.model_copy(update={"gains": not before})
    desk.says("W-1", 9000)
    desk.post()
    assert desk.balances() == {"1205 Rail": 9000, "4010 Rail": -9000}


def test_what_was_booked_at_a_rate_is_taken_back_at_that_rate(desk: Desk) -> None:
    """case_C11"""
    desk.rates = Rates("r", [("EUR", "USD", _Row(dt.date(2026, 1, 9), Decimal("1.085"), "bank"))])
    desk.says("W-1", 10000, currency="EUR")
    desk.post()
    assert desk.balances(home=True) == {"1205 Rail": 10850, "4010 Rail": -10850}
    desk.rates = Rates("r", [("EUR", "USD", _Row(dt.date(2026, 1, 9), Decimal("1.2"), "bank"))])
    desk.says("W-1", None)
    desk.post()
    assert (desk.balances(), desk.balances(home=True)) == ({}, {})


def test_what_went_to_a_clearing_account_is_taken_back_from_there(desk: Desk) -> None:
    """case_C11"""
    desk.chart = Chart([ChartAccount(id=code, code=code, name=code, type=kind)
                        for code, kind in (("1100", "receivable"), ("1199", "asset"), ("4010", "income"))])  # fmt: skip
    desk.table = (Mapped(category="storage", debit="1100", credit="4010", party="Acme"),)
    desk.flow = desk.flow.model_copy(update={"clearing": "1199"})
    desk.says("W-1", 10000)
    desk.post()
    assert desk.balances() == {"1199": 10000, "4010": -10000}
    desk.flow = desk.flow.model_copy(update={"clearing": ""})
    desk.says("W-1", None)
    desk.post()
    assert desk.balances() == {}


def receivables(desk: Desk) -> None:
    desk.chart = Chart([ChartAccount(id=code, code=code, name=code, type=kind)
                        for code, kind in (("1100", "receivable"), ("1199", "asset"), ("4010", "income"))])  # fmt: skip
    desk.table = (Mapped(category="storage", debit="1100", credit="4010", party="Acme"),)


@pytest.mark.parametrize("says", [None, 4000])
def test_what_stands_with_a_customer_is_taken_back_from_him_also_once_there_is_a_clearing_account(
    desk: Desk, says: int | None
) -> None:
    """case_C11: what is new goes to the clearing account, what is taken back comes from where it was booked."""
    receivables(desk)
    desk.says("W-1", 10000)
    desk.says("W-2", 500)
    desk.post()
    desk.flow = desk.flow.model_copy(update={"clearing": "1199"})
    desk.says("W-1", says)
    made = desk.post()
    assert desk.balances() == {"1100": 500, "4010": -500 - (says or 0)} | ({"1199": says} if says else {})
    assert {line.party for one in made for line in one.lines if line.account == "1100"} == {"Acme"}
    assert len({one.number for one in desk.posted}) == len(desk.posted)


def before_notes(desk: Desk) -> None:
    """What is posted was posted by a version that did not note how."""
    view = DocumentView(desk.tx, "wherry.books")
    view.remove("booked_by", [id for id, _ in view.each("booked_by")])


@pytest.mark.parametrize("says", [None, 9000])
def test_what_was_booked_before_it_was_noted_how_is_not_taken_back_by_the_table_of_today(
    desk: Desk, says: int | None
) -> None:
    """case_C11: it is held with what to do, and with it what the record says now."""
    desk.says("W-1", 10000)
    desk.says("W-2", 500)
    [entry] = desk.post()
    before_notes(desk)
    desk.table = OTHER
    desk.says("W-1", says)
    desk.says("W-3", 70)
    assert [[line.minor for line in one.lines] for one in desk.post()] == [[70, 70]]
    [left] = desk.gather().left
    assert (left.reason, len(left.members)) == ("held", 1 if says is None else 2)
    assert entry.number in left.detail
    assert "journal reverse" in left.detail
    assert "--repost" in left.detail


def test_what_names_its_accounts_itself_is_taken_back_without_any_note(desk: Desk) -> None:
    """case_C11: today's table has no say in it."""
    own = [{"side": side, "amount": {"minor": 100, "currency": "USD"}, "account": account}
           for side, account in (("debit", "1205"), ("credit", "4010"))]  # fmt: skip
    desk.says("W-1", 100, lines=own)
    desk.post()
    before_notes(desk)
    desk.says("W-1", None)
    desk.post()
    assert desk.balances() == {}


def test_once_its_entry_was_reversed_what_was_held_without_a_note_is_booked_anew(desk: Desk) -> None:
    """case_C11"""
    desk.says("W-1", 10000)
    desk.says("W-2", 500)
    desk.post()
    before_notes(desk)
    desk.says("W-1", 9000)
    assert desk.post() == []
    desk.reverse(unbooked.Wish(repost=True))
    desk.post()
    assert desk.balances() == {"1205 Rail": 9500, "4010 Rail": -9500}


# -- gains -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("currency", "gain", "told"), [
    ("USD", (500, "JPY"), "its gain is told in JPY (500 JPY), and the movement is in USD"),
    ("EUR", (500, "USD"), "its gain is told in USD (5.00 USD), and the movement is in EUR"),
])  # fmt: skip
def test_a_gain_in_another_currency_is_never_booked_as_if_it_were_in_that_of_its_movement(
    desk: Desk, currency: str, gain: tuple[int, str], told: str
) -> None:
    """case_C6"""
    desk.rates = Rates("r", [("EUR", "USD", _Row(dt.date(2026, 1, 9), Decimal("1.085"), "bank"))])
    desk.says("W-1", 10000, currency=currency, gain=gain)
    [left] = desk.gather().left
    assert (left.reason, left.minor, left.currency) == ("held", 10000, currency)
    assert told in left.detail
    assert desk.post() == []
    desk.flow = desk.flow.model_copy(update={"gains": False})
    desk.post()
    assert desk.balances() == {"1205 Rail": 10000, "4010 Rail": -10000}


@pytest.mark.parametrize(("minor", "exact", "gain", "loss"), [
    (0, "0.003", -50000, 50000), (1, "0.006", -50000, 50000), (0, "0.003", 1, 0), (1, "0.006", 0, None),
    (0, "0.006", -1, 1), (0, "0", 0, None),
])  # fmt: skip
def test_a_loss_is_booked_however_little_its_movement_is_worth(
    desk: Desk, minor: int, exact: str, gain: int, loss: int | None
) -> None:
    """b_004_04"""
    desk.says("W-1", minor, exact=exact, gain=(gain, "USD"))
    desk.says("W-2", minor, exact=exact)
    left = desk.gather().left
    assert [(one.reason, one.members) for one in left] == [("under-one-cent", (2,) if loss is not None else (1, 2))]
    desk.post()
    assert desk.balances().get("4091", None if loss is None else 0) == loss


# -- reversed entries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["week", "none"])
def test_what_is_booked_anew_after_a_reversal_has_a_key_and_a_number_of_its_own(desk: Desk, group: str) -> None:
    """b_000_15"""
    desk.flow = desk.flow.model_copy(update={"group": group})
    desk.says("W-1", 10000)
    found = []
    for _ in range(3):
        found += desk.post()
        desk.reverse(unbooked.Wish(repost=True))
    assert len({one.key for one in found}) == len({one.number for one in found}) == 3


@pytest.mark.parametrize("fulfilled", [True, False])
def test_a_held_movement_is_not_freed_by_a_change_at_its_source(desk: Desk, fulfilled: bool) -> None:
    """b_000_15"""
    desk.says("W-1", 10000)
    desk.post()
    desk.reverse(unbooked.Wish(reason="its entry was reversed (JE 1)"), fulfilled=fulfilled)
    desk.says("W-1", 10100)
    assert desk.post() == []
    [left] = desk.gather().left
    assert (left.reason, left.detail, left.minor) == ("held", "its entry was reversed (JE 1)", 10100)


def test_what_was_edited_in_the_target_keeps_the_class_of_each_of_its_lines() -> None:
    """b_000_15"""
    ours = [("6000", "debit", 10000, "East"), ("6000", "debit", 5000, "West"), ("1000", "credit", 15000, "")]
    lines = [{"account": account, "side": side, "amount": {"minor": minor}, "dimensions": {"class": name}}
             for account, side, minor, name in ours]  # fmt: skip
    there = [("6000", "debit", 6000), ("6000", "debit", 10000), ("6000", "debit", 70), ("1000", "credit", 16070)]
    held: Any = SimpleNamespace(currency="USD", lines=[
        SimpleNamespace(account=account, side=side, minor=minor, home=0, party="") for account, side, minor in there
    ])  # fmt: skip
    found = list(reversing._lines({"lines": lines}, held))
    told = [(one["amount"]["minor"], one.get("dimensions", {}).get("class", "")) for one in found]
    assert told == [(6000, "West"), (10000, "East"), (70, "East"), (16070, "")]


def test_a_movement_that_comes_to_more_than_a_store_holds_is_refused_and_the_others_are_entered(store: Store) -> None:
    """Each of its lines is within bounds; their sum goes past 64 bits."""
    with store.write() as tx:
        desk = Desk(tx)
        [fate, reason] = desk.says("a", 10**19)
        assert (fate, "out of range" in reason) == ("refused", True)
        assert desk.says("b", 10**18)[0] == "created"
