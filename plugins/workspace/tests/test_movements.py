"""What ledger transactions, journal entries, invoices and charges come to in the books: the lines of movements."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.errors import Rejected
from wherry.mapping import MapMapper, build
from wherry.records import Draft, Item, Record, Skip
from wherry.roles import Query
from wherry.settings import Flow
from wherry.testing.clock import FakeClock
from wherry_workspace.bodies import full
from wherry_workspace.kinds import KINDS
from wherry_workspace.mapping import MAPS, TRANSFORMS
from wherry_workspace.movements import lines_of
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.source import WorkspaceSource


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD"}


def mapper(kind: str, **said: Any) -> MapMapper:
    """The default map of a kind for a flow into a journal."""
    flow = Flow.model_validate({"source": "platform", "sink": "books", "kinds": (kind,), "document": "journal", **said})
    return build(
        flow, kind, MAPS[kind], transforms=TRANSFORMS, currency="USD", timezone="America/New_York",
        kinds=WorkspaceSource.kinds,
    )  # fmt: skip


class Platform:
    """A workspace with a customer at a place that has a GL number, and one at a place that has none."""

    def __init__(self, opened: Any, clock: FakeClock) -> None:
        self.opened, self.source = opened, WorkspaceSource(opened, "workspace", 100)
        self.sink, self.made = WorkspaceSink(opened, clock, "workspace"), 0
        self.customer = self.put("customer", name="Acme Rail", number="C-17")
        self.place = self.put("location", name="Yard 7", customer=self.customer, gl_number="4711")
        self.bare = self.put("location", name="Yard 8", customer=self.customer)

    def put(self, entity: str, **body: Any) -> str:
        self.made += 1
        with self.opened() as documents:
            [answer] = self.sink.apply(documents, [Item(entity=entity, key=f"id:{self.made}", body=body)])
        assert answer.target, answer.reason
        return answer.target

    def invoice(self, **body: Any) -> str:
        usual = {"number": "17", "date": "2026-03-29", "status": "Invoiced", "location": self.place}
        return self.put("invoice", **{"customer": self.customer, **usual, **body})

    def records(self, kind: str, of: MapMapper) -> Iterator[Record]:
        relatives = {other: fields for other, fields in of.fields.items() if other != kind}
        for page in self.source.read(Query(kind, fields=of.fields[kind], relatives=relatives)):
            yield from self.source.complete(page.records, relatives)

    def mapped(self, kind: str, name: str, **flow: Any) -> list[Draft] | Skip:
        of = mapper(kind, **flow)
        return of.map(next(record for record in self.records(kind, of) if record.id == name))

    def movement(self, kind: str, name: str, **flow: Any) -> dict[str, Any]:
        found = self.mapped(kind, name, **flow)
        assert isinstance(found, list), found
        [draft] = found
        assert (draft.entity, draft.root, draft.key, draft.refs) == ("movement", True, f"id:{name}", ())
        return draft.body


@pytest.fixture
def platform(opened: Any, clock: FakeClock) -> Platform:
    return Platform(opened, clock)


# -- ledger transactions ------------------------------------------------------------


def test_a_ledger_transaction_is_a_debit_and_a_credit_of_its_category(platform: Platform) -> None:
    """b_004_01, b_004_08; the wallet and the gain go along."""
    name = platform.put(
        "ledger_transaction", date="2026-01-31", amount=usd(1250), category="staking", partition="Hot",
        reference="TX-1", description="Reward", type="transaction", gain=usd(-3), asset="ETH", quantity="0.5",
        rate="25", rate_source="exchange",
    )  # fmt: skip
    line = {"amount": usd(1250), "category": "staking", "description": "Reward"}
    assert platform.movement("ledger_transaction", name) == {
        "date": "2026-01-31", "currency": "USD", "partition": "Hot", "reference": "TX-1", "description": "Reward",
        "type": "transaction", "gain": usd(-3), "rate": "25", "rate_source": "exchange",
        "custom": {"asset": "ETH", "quantity": "0.5"},
        "lines": [{"side": "debit", **line}, {"side": "credit", **line}],
    }  # fmt: skip


def test_an_account_that_is_given_stands_before_the_category(platform: Platform) -> None:
    name = platform.put(
        "ledger_transaction", date="2026-01-31", amount=usd(1), category="staking", debit="0105",
        custom={"credit_category": "rewards", "class": "West", "fiat_exact": "0.0042"},
    )  # fmt: skip
    body = platform.movement("ledger_transaction", name)
    sides = [(line["side"], line.get("account", ""), line.get("category", "")) for line in body["lines"]]
    assert sides == [("debit", "0105", ""), ("credit", "", "rewards")]
    assert {line["dimensions"]["class"] for line in body["lines"]} == {"West"}
    assert body["custom"] == {"fiat_exact": "0.0042"}


def test_a_movement_that_nobody_categorised_goes_on_so_that_the_gate_can_list_it(platform: Platform) -> None:
    """b_004_11"""
    name = platform.put("ledger_transaction", date="2026-01-31", amount=usd(-5))
    lines = platform.movement("ledger_transaction", name)["lines"]
    assert lines == [{"side": "debit", "amount": usd(-5)}, {"side": "credit", "amount": usd(-5)}]


# -- journal entries ------------------------------------------------------------


def test_a_journal_entry_keeps_its_lines_and_names_whose_receivable_one_is(platform: Platform) -> None:
    """b_000_02"""
    lines = [
        {"account": "1100", "side": "debit", "amount": usd(900), "customer": platform.customer},
        {"account": "0400", "side": "credit", "amount": usd(1000), "dimensions": {"class": "West"}},
        {"account": "5000", "side": "debit", "amount": usd(100), "description": "fee"},
    ]  # fmt: skip
    name = platform.put("journal_entry", number="J-1", date="2026-01-31", memo="January", type="valuation", lines=lines)
    assert platform.movement("journal_entry", name) == {
        "date": "2026-01-31", "currency": "USD", "reference": "J-1", "description": "January", "type": "valuation",
        "lines": [
            {"side": "debit", "amount": usd(900), "account": "1100", "party": "C-17"},
            {"side": "credit", "amount": usd(1000), "account": "0400", "dimensions": {"class": "West"}},
            {"side": "debit", "amount": usd(100), "account": "5000", "description": "fee"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("credit", "currency", "told"), [
    (999, "USD", r"its debits are 10\.00 USD, its credits 9\.99 USD: 0\.01 USD differs"),
    (1000, "EUR", "EUR and USD"),
])  # fmt: skip
def test_an_entry_that_does_not_balance_is_refused_with_the_difference(
    platform: Platform, credit: int, currency: str, told: str
) -> None:
    """case_C6, case_C8"""
    lines = [{"account": "1", "side": "debit", "amount": usd(1000)},
             {"account": "2", "side": "credit", "amount": {"minor": credit, "currency": currency}}]  # fmt: skip
    name = platform.put("journal_entry", number="J-1", date="2026-01-31", lines=lines)
    with pytest.raises(Rejected, match=told) as caught:
        platform.mapped("journal_entry", name)
    assert caught.value.code == "WHERRY-4869"


def test_an_entry_without_lines_is_refused(platform: Platform) -> None:
    name = platform.put("journal_entry", number="J-1", date="2026-01-31")
    with pytest.raises(Rejected, match="none of its amounts names a currency"):
        platform.mapped("journal_entry", name)


# -- invoices and charges ------------------------------------------------------------


def test_an_invoice_is_owed_by_its_customer_and_earned_by_service_or_type_of_product(platform: Platform) -> None:
    """b_003_12, b_003_13, b_003_14"""
    rail = platform.put("product", name="Rail", sku="R-2", type="part")
    lines = [
        {"service": "Storage", "amount": usd(1000), "description": "June", "custom": {"department": "Yard"}},
        {"product": rail, "quantity": "3", "rate": "0.335"},
        {"service": "Storage", "amount": usd(-200)},
        {"description": "thank you"},
    ]  # fmt: skip
    name = platform.invoice(lines=lines, total=usd(981), tax=usd(80), memo="June", custom={"class": "West"})
    body = platform.movement("invoice", name)
    assert {field: value for field, value in body.items() if field != "lines"} == {
        "date": "2026-03-29", "currency": "USD", "reference": "17", "description": "June", "type": "transaction",
    }  # fmt: skip
    west = {"dimensions": {"class": "West"}}
    assert body["lines"] == [
        {"side": "debit", "amount": usd(981), "category": "receivable", "party": "4711", "description": "June", **west},
        {"side": "credit", "amount": usd(1000), "category": "Storage", "description": "June",
         "dimensions": {"class": "West", "department": "Yard"}},
        {"side": "credit", "amount": usd(101), "category": "part", **west},
        {"side": "credit", "amount": usd(-200), "category": "Storage", **west},
        {"side": "credit", "amount": usd(80), "category": "tax"},
    ]  # fmt: skip


@pytest.mark.parametrize(("lines", "tax"), [
    ([{"service": "S", "amount": usd(1000), "tax": usd(99), "tax_rate": "8.25"}], 99),
    ([{"amount": usd(1000), "tax_rate": "8.25"}, {"amount": usd(3), "tax_rate": "8.25"}], 83),
    ([{"service": "S", "amount": usd(1000), "tax_rate": "0"}], 0),
    ([{"service": "S", "amount": usd(-1000), "tax_rate": "20"}], -200),
])  # fmt: skip
def test_tax_is_a_line_of_its_own_also_where_only_its_rate_is_known(
    platform: Platform, lines: list[dict[str, Any]], tax: int
) -> None:
    """case_C3, case_C7"""
    booked = platform.movement("invoice", platform.invoice(lines=lines))["lines"]
    assert [line["amount"]["minor"] for line in booked if line.get("category") == "tax"] == ([tax] if tax else [])
    assert booked[0]["amount"]["minor"] == sum(line["amount"]["minor"] for line in booked[1:])


def test_an_invoice_of_nothing_still_books_the_lines_that_cancel_out(platform: Platform) -> None:
    """case_C7"""
    lines = [{"service": "Storage", "amount": usd(500)}, {"service": "Discount", "amount": usd(-500)}]
    booked = platform.movement("invoice", platform.invoice(lines=lines, total=usd(0)))["lines"]
    told = [(line["side"], line["category"], line["amount"]["minor"]) for line in booked]
    assert told == [("debit", "receivable", 0), ("credit", "Storage", 500), ("credit", "Discount", -500)]


def test_one_cent_off_is_refused_with_the_difference(platform: Platform) -> None:
    """case_C8"""
    name = platform.invoice(lines=[{"service": "Storage", "amount": usd(999)}], total=usd(1000))
    with pytest.raises(Rejected, match=r"total is 10\.00 USD, its lines and tax come to 9\.99 USD: 0\.01 USD differs"):
        platform.mapped("invoice", name)


def test_a_charge_is_owed_by_its_customer_too(platform: Platform) -> None:
    """b_003_16"""
    name = platform.put("charge", service="Switching", date="2026-01-31", status="Invoiced", amount=usd(700),
                        customer=platform.customer, location=platform.place)  # fmt: skip
    assert platform.movement("charge", name)["lines"] == [
        {"side": "debit", "amount": usd(700), "category": "receivable", "party": "4711", "description": "Switching"},
        {"side": "credit", "amount": usd(700), "category": "Switching", "description": "Switching"},
    ]


def test_a_charge_that_says_no_amount_is_refused(platform: Platform) -> None:
    name = platform.put("charge", service="Switching", date="2026-01-31", location=platform.place)
    with pytest.raises(Rejected, match="neither an amount nor a rate"):
        platform.mapped("charge", name)


@pytest.mark.parametrize("kind", ["invoice", "charge"])
def test_without_a_gl_number_it_is_left_out_with_its_amount(platform: Platform, kind: str) -> None:
    """b_003_15"""
    body = {"number": "17", "total": usd(700)} if kind == "invoice" else {"service": "Storage", "amount": usd(700)}
    name = platform.put(kind, date="2026-01-31", status="Invoiced", location=platform.bare, **body)
    found = platform.mapped(kind, name)
    assert isinstance(found, Skip)
    assert found == Skip(found.reason, 700, "USD", date="2026-01-31")
    assert "no GL number" in found.reason


def test_a_flow_may_say_itself_what_a_line_is_booked_under(platform: Platform) -> None:
    name = platform.invoice(lines=[{"service": "Storage", "amount": usd(500)}])
    own = {"map": {"movement": {"lines": {"category": "join('/', movement_line.category, movement_line.side)"}}}}
    booked = platform.movement("invoice", name, **own)["lines"]
    assert [line["category"] for line in booked] == ["receivable/debit", "Storage/credit"]


def test_the_same_flow_without_journal_still_makes_documents(platform: Platform) -> None:
    name = platform.invoice(lines=[{"service": "Storage", "amount": usd(500)}])
    found = platform.mapped("invoice", name, document="invoice")
    assert isinstance(found, list)
    assert [draft.entity for draft in found] == ["customer", "product", "invoice"]


# -- properties ------------------------------------------------------------

CENTS = st.integers(-(10**9), 10**9)
RATES = st.sampled_from([None, "0", "5", "8.25", "20"])


@given(st.lists(st.tuples(CENTS, RATES), max_size=12))
@settings(deadline=None)
def test_an_invoice_is_in_balance_whatever_its_lines(parts: list[tuple[int, str | None]]) -> None:
    """I8: debits are credits, and tax is the sum by rates, each rounded once."""
    kind = KINDS["invoice"]
    body = full(kind, {"number": "1", "date": "2026-01-31", "tax": None, "total": None, "lines": [
        {"amount": usd(minor), "tax_rate": rate} for minor, rate in parts
    ]})  # fmt: skip
    lines = lines_of("invoice", body) if parts else []
    sides = {side: sum(line.amount["minor"] for line in lines if line.side == side) for side in ("debit", "credit")}
    assert sides["debit"] == sides["credit"]
    bases: dict[str, int] = {}
    for minor, rate in parts:
        bases[rate or "0"] = bases.get(rate or "0", 0) + minor
    tax = sum((Decimal(base) * Decimal(rate) / 100).quantize(Decimal(1), ROUND_HALF_UP) for rate, base in bases.items())
    assert sides["debit"] == sum(minor for minor, _ in parts) + tax


@given(st.lists(st.tuples(st.sampled_from(["debit", "credit"]), CENTS), min_size=1, max_size=12))
@settings(deadline=None)
def test_an_entry_is_booked_in_balance_or_not_at_all(parts: list[tuple[str, int]]) -> None:
    """case_C8"""
    lines = [{"account": str(n), "side": side, "amount": usd(minor)} for n, (side, minor) in enumerate(parts)]
    found = lines_of(
        "journal_entry", full(KINDS["journal_entry"], {"number": "1", "date": "2026-01-31", "lines": lines})
    )
    off = sum(minor if side == "debit" else -minor for side, minor in parts)
    assert bool(found[0].problem) == (off != 0)
    assert off != 0 or [line.amount["minor"] for line in found] == [minor for _, minor in parts]
