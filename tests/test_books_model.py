"""Whatever people do in whatever order, the books come to what the records say: on the store alone, nothing is sent.

Records are entered, changed and taken back; entries are posted, reversed and posted anew; periods are closed and
opened; a clearing account is set and dropped. In closed books nothing is booked, and no number is given out twice.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.accounting import ChartAccount, Entry, Mapped
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

from .test_books_taken_back import opened as opened

ROUTE, END = Route(1, 2), dt.date(2026, 1, 31)
KINDS = {"1100": "receivable", "1199": "asset", "1205": "asset", "4010": "income", "4020": "income", "4090": "income",
         "4091": "income"}  # fmt: skip
TABLE = (
    Mapped(category="storage", debit="1100", credit="4010", party="Acme"),
    Mapped(category="switching", debit="1205", credit="4020"),
    Mapped(category="gain", debit="1205", credit="4090"),
    Mapped(category="loss", debit="4091", credit="1205"),
)
OTHER = (
    Mapped(category="storage", debit="1205", credit="4020", party="Bolt"),
    Mapped(category="switching", debit="1100", credit="4010", party="Bolt"),
    Mapped(category="gain", debit="1205", credit="4020"),
    Mapped(category="loss", debit="4020", credit="1205"),
)
DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(60)]
RATES = [Rates("t", [("EUR", "USD", _Row(day, Decimal(rate), "ECB")) for day in DAYS]) for rate in ("1.0850", "1.2")]
Said = tuple[int, str, str, str, int]
"""Amount, category, day, wallet and gain of a record."""
SAID = st.tuples(
    st.sampled_from([1000, -703, 251, 1]), st.sampled_from(["storage", "switching"]),
    st.sampled_from(["2026-01-05", "2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02"]),
    st.sampled_from(["", "W"]), st.sampled_from([0, 30, -20]),
)  # fmt: skip
KEYS = st.sampled_from(["K1", "K2", "K3"])
MORE = st.one_of(
    st.tuples(st.just("maps"), st.sampled_from([TABLE, OTHER])), st.tuples(st.just("rates_as"), st.sampled_from(RATES)),
    st.tuples(st.just("gains_are"), st.booleans()),
    st.tuples(st.just("says"), KEYS, SAID, st.just("EUR"), st.sampled_from(["", "1.0851"])),
)  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.just("says"), KEYS, SAID), st.tuples(st.just("voids"), KEYS), st.just(("posts",)), st.just(("posts",)),
    st.tuples(st.just("closes"), st.booleans()), st.tuples(st.just("reverses"), st.integers(0, 9)),
    st.tuples(st.just("clears"), st.sampled_from(["", "1199"])),
)  # fmt: skip


class People:
    """What people do to the books of one flow, in one open transaction."""

    def __init__(self, tx: Tx, late: str, closed: str, group: str) -> None:
        self.tx, self.targets, self.records = tx, dict[str, str](), dict[str, Said]()
        self.chart = Chart([ChartAccount(id=code, code=code, name=code, type=kind) for code, kind in KINDS.items()])
        self.flow = Flow.model_validate({
            "source": "a", "sink": "b", "document": "journal", "accounts": "x.csv", "gains": True, "late": late,
            "closed": closed, "group": group,
        })  # fmt: skip
        self.closed_until: dt.date | None = None
        self.table, self.rates = TABLE, RATES[0]
        self.posted: list[tuple[str, Entry]] = []
        self.numbers: set[str] = set()
        self.set()

    def maps(self, table: tuple[Mapped, ...]) -> None:
        self.table = table

    def rates_as(self, rates: Rates) -> None:
        self.rates = rates

    def gains_are(self, booked: bool) -> None:
        self.set(gains=booked)

    def set(self, **more: Any) -> None:
        self.flow = self.flow.model_copy(update=more)
        self.flow._name = "flow"

    def says(self, key: str, said: Said | None, currency: str = "USD", rate: str = "") -> None:
        amount, category, day, wallet, gain = said or (0, "", "2026-01-05", "", 0)
        lines = [{"side": side, "amount": {"minor": amount, "currency": currency}, "category": category}
                 for side in ("debit", "credit")]  # fmt: skip
        body: dict[str, Any] = {
            "date": day,
            "currency": currency,
            "partition": wallet,
            "lines": lines,
            "reference": key,
        }
        if rate:
            body |= {"exchange_rate": rate, "exchange_source": "the record"}
        if gain and currency == "USD":
            body["gain"] = {"minor": gain, "currency": "USD"}
        target = self.targets.get(key) or None
        item = Item(entity="movement", key=key, body=body, target=target, action="write" if said else "void")
        [answer] = Subledger("flow", ROUTE).apply(DocumentView(self.tx, "books"), [item])
        self.targets[key] = (answer.target or "") if said else ""
        self.records.pop(key, None)
        self.records |= {key: said} if said else {}

    def voids(self, key: str) -> None:
        if key in self.records:
            self.says(key, None)

    def closes(self, really: bool) -> None:
        self.closed_until = END if really else None

    def clears(self, clearing: str) -> None:
        self.set(clearing=clearing)

    def posts(self) -> Arrangement:
        basis = Basis(flow=self.flow, route=ROUTE, calendar=Calendar(), table=self.table, chart=self.chart,
                      home="USD", rates=self.rates, own_rounding="7990",
                      today=dt.date(2026, 3, 1), closed_until=self.closed_until)  # fmt: skip
        found = gathering.arrange(self.tx, basis)
        gathering.keep(self.tx, basis, found)
        for one in found.bookings:
            assert self.closed_until is None or one.entry.date > self.closed_until
            assert one.entry.number not in self.numbers
            self.numbers.add(one.entry.number)
            self.posted.append((one.key, one.entry))
        ledger.put_links(self.tx, ROUTE, [
            LinkRow(ENTITY, one.key, f"T-{one.key}", "ours", made_at="2026-02-01",
                    body=msgspec.json.encode(one.draft.body).decode())
            for one in found.bookings
        ])  # fmt: skip
        return found

    def reverses(self, which: int) -> None:
        """An entry is taken back, and its movements are booked anew."""
        if not self.posted:
            return
        key, entry = self.posted[which % len(self.posted)]
        if self.closed_until is not None and entry.date <= self.closed_until:
            return
        self.posted.remove((key, entry))
        ref = Ref(ENTITY, key)
        link = ledger.find_links(self.tx, ROUTE, [ref])[ref]
        ledger.put_links(self.tx, ROUTE, [msgspec.structs.replace(link, rule="reversed")])
        unbooked.wish(self.tx, ROUTE.sink, key, unbooked.Wish(repost=True))
        unbooked.fulfil(self.tx, ROUTE.sink, "flow", key)

    def balances(self) -> dict[str, int]:
        """What stands on each account; what is owed is one, wherever it is kept."""
        found: Counter[str] = Counter()
        for line in (line for _, entry in self.posted for line in entry.lines):
            account = "1100" if line.account == "1199" else line.account
            found[account] += line.minor if line.side == "debit" else -line.minor
        return {account: minor for account, minor in found.items() if minor}

    def owed(self) -> dict[Any, int]:
        """What stands on each account, by currency and party."""
        found: Counter[Any] = Counter()
        for entry, line in ((one, line) for _, one in self.posted for line in one.lines):
            found[entry.currency, line.account, line.party] += line.minor if line.side == "debit" else -line.minor
        return {where: minor for where, minor in found.items() if minor}

    def at_home(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for entry, line in ((one, line) for _, one in self.posted for line in one.lines):
            worth = line.home if entry.exchange_rate is not None else line.minor
            found[line.account] += worth if line.side == "debit" else -worth
        return dict(found)

    def wanted(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        by_category = {row.category: row for row in TABLE}
        for amount, category, _, _, gain in self.records.values():
            sides = [(by_category[category], amount), (by_category["gain" if gain > 0 else "loss"], abs(gain))]
            for row, minor in sides:
                found[row.debit] += minor
                found[row.credit] -= minor
        return {account: minor for account, minor in found.items() if minor}


@given(
    st.lists(STEPS, min_size=3, max_size=14), st.sampled_from(["correct", "next-period", "hold"]),
    st.sampled_from(["hold", "next-period", "true-up"]), st.sampled_from(["week", "month", "day", "none"]),
)  # fmt: skip
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_do_the_books_come_to_what_the_records_say(
    opened: Store, steps: list[Any], late: str, closed: str, group: str
) -> None:
    """b_000_03, b_004_15, case_C10, case_C11, case_C12"""
    with opened.rehearse() as tx:
        people = People(tx, late, closed, group)
        for name, *told in steps:
            getattr(people, name)(*told)
        people.closes(False)
        people.set(late="correct")
        people.posts()
        assert people.posts().bookings == []
        assert people.balances() == people.wanted()


@given(st.lists(st.one_of(STEPS, MORE), min_size=3, max_size=14),
       st.sampled_from(["week", "month", "day", "none"]))  # fmt: skip
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_when_every_record_is_taken_back_nothing_is_left_whatever_the_tables_said_meanwhile(
    opened: Store, steps: list[Any], group: str
) -> None:
    """case_C6, case_C11: to the account, the customer and the cent; at home but for what each entry is rounded by."""
    with opened.rehearse() as tx:
        people = People(tx, "correct", "hold", group)
        for name, *told in steps:
            getattr(people, name)(*told)
        people.closes(False)
        people.posts()
        for key in list(people.records):
            people.voids(key)
        people.posts()
        assert people.posts().bookings == []
        assert people.owed() == {}
        assert all(abs(minor) <= len(people.posted) for minor in people.at_home().values())


def test_what_was_taken_back_is_booked_once_more_as_it_was_where_its_entry_was_reversed(opened: Store) -> None:
    """case_C11: the two come to nothing, whatever the table says by then."""
    with opened.rehearse() as tx:
        people = People(tx, "correct", "hold", "week")
        people.says("K1", (250, "switching", "2026-01-05", "", 0))
        people.posts()
        people.maps(OTHER)
        people.voids("K1")
        people.posts()
        people.reverses(0)
        people.posts()
        assert people.owed() == {}


def test_two_wallets_of_one_customer_give_their_entries_of_a_day_two_numbers(opened: Store) -> None:
    """case_C9: the number has no room for the wallet; the letters at its end stand for it."""
    with opened.rehearse() as tx:
        people = People(tx, "correct", "hold", "day")
        for key, wallet in (("K1", ""), ("K2", "W"), ("K3", "Cold")):
            people.says(key, (250, "storage", "2026-02-02", wallet, 0))
            people.posts()
        assert len(people.numbers) == len(people.posted) == 3


@pytest.mark.parametrize(("first", "then"), [("2026-01-05", "2026-02-02"), ("2026-02-02", "2026-01-05")])
def test_what_replaces_a_movement_is_held_with_what_takes_that_back(opened: Store, first: str, then: str) -> None:
    """case_C11: its day is in another group, of which nothing was posted; both would stand in the books."""
    with opened.rehearse() as tx:
        people = People(tx, "hold", "hold", "week")
        people.says("K1", (250, "storage", first, "", 0))
        people.posts()
        people.says("K1", (250, "storage", then, "", 0))
        assert people.posts().bookings == []
        people.set(late="correct")
        people.posts()
        assert people.balances() == people.wanted()
