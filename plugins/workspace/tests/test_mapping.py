"""Invoices on their way into books: what the default map makes of them, and what it leaves out with its amount."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ConfigError
from wherry.mapping import MapMapper, build
from wherry.records import Draft, Item, Record, Ref, Skip
from wherry.roles import Query
from wherry.settings import Flow
from wherry.testing.clock import FakeClock
from wherry_workspace import work
from wherry_workspace.mapping import MAPS, TRANSFORMS, opposite
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.source import WorkspaceSource

if TYPE_CHECKING:
    from .conftest import Retail

DAY = "2026-03-29"


def mapper(**said: Any) -> MapMapper:
    """The default map of invoices for a flow of the project file."""
    flow = Flow.model_validate({"source": "platform", "sink": "books", "kinds": ("invoice",), **said})
    return build(
        flow, "invoice", MAPS["invoice"], transforms=TRANSFORMS, currency="GBP", timezone="Europe/London",
        kinds=WorkspaceSource.kinds,
    )  # fmt: skip


def records(source: WorkspaceSource, of: MapMapper) -> Iterator[Record]:
    relatives = {kind: fields for kind, fields in of.fields.items() if kind != "invoice"}
    for page in source.read(Query("invoice", fields=of.fields["invoice"], relatives=relatives)):
        yield from source.complete(page.records, relatives)


def gbp(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "GBP"}


class Platform:
    """A workspace with one customer at a place, two products, and invoices as a test wants them."""

    def __init__(self, opened: Any, clock: FakeClock) -> None:
        self.opened, self.source = opened, WorkspaceSource(opened, "workspace", 100)
        self.sink, self.made = WorkspaceSink(opened, clock, "workspace"), 0
        self.customer = self.put("customer", name="Acme")
        self.place = self.put("location", name="Yard 7", customer=self.customer, gl_number="4711", country="Ireland")
        self.post = self.put("product", name="Post", sku="POST-1")

    def put(self, entity: str, **body: Any) -> str:
        self.made += 1
        with self.opened() as documents:
            [answer] = self.sink.apply(documents, [Item(entity=entity, key=f"id:{self.made}", body=body)])
        assert answer.target, answer.reason
        return answer.target

    def invoice(self, **body: Any) -> str:
        line = {"product": self.post, "quantity": "2", "rate": "6.25", "amount": gbp(1250), "description": "oak"}
        usual = {"number": "17", "date": DAY, "status": "Invoiced", "total": gbp(1250), "lines": [line]}
        return self.put("invoice", **{"customer": self.customer, "location": self.place, **usual, **body})

    def record(self, name: str, of: MapMapper | None = None) -> Record:
        return next(record for record in records(self.source, of or mapper()) if record.id == name)

    def drafts(self, name: str, **flow: Any) -> list[Draft]:
        of = mapper(**flow)
        found = of.map(self.record(name, of))
        assert isinstance(found, list), found
        return found


@pytest.fixture
def platform(opened: Any, clock: FakeClock) -> Platform:
    return Platform(opened, clock)


def test_an_invoice_goes_with_its_customer_by_gl_number_and_its_products(platform: Platform) -> None:
    """b_003_11, b_003_12, b_003_13, b_003_14, I11"""
    customer, product, invoice = platform.drafts(name := platform.invoice(memo="thanks"))
    assert (customer.entity, customer.key, customer.reference) == ("customer", "id:4711", True)
    assert customer.body == {"name": "4711", "number": "4711", "country": "Ireland", "currency": "GBP"}
    assert (product.entity, product.key, product.reference) == ("product", f"id:{platform.post}", True)
    assert product.body == {"name": "Post", "sku": "POST-1"}
    assert (invoice.entity, invoice.key, invoice.label, invoice.root) == ("invoice", f"id:{name}", "17", True)
    assert invoice.body == {
        "number": "17", "date": DAY, "total": gbp(1250), "memo": "thanks",
        "customer": {"entity": "customer", "key": "id:4711"},
        "lines": [{"service": "Post", "product": {"entity": "product", "key": f"id:{platform.post}"},
                   "description": "oak", "quantity": "2", "rate": "6.25", "amount": gbp(1250)}],
    }  # fmt: skip
    assert invoice.refs == (Ref("customer", "id:4711"), Ref("product", f"id:{platform.post}"))


def test_each_line_names_its_own_product_and_a_service_is_one_too(platform: Platform) -> None:
    """b_003_12: what is charged without a product is a service of that name."""
    rail = platform.put("product", name="Rail", sku="R-2", type="part")
    lines = [
        {"service": "Storage", "amount": gbp(1)}, {"product": rail, "amount": gbp(2)},
        {"product": platform.post, "amount": gbp(3)}, {"description": "rounding", "amount": gbp(4)},
        {"product": rail, "amount": gbp(5)},
    ]  # fmt: skip
    *others, invoice = platform.drafts(platform.invoice(lines=lines, total=gbp(15)))
    storage, part, post = (f"name:{'storage'}", f"id:{rail}", f"id:{platform.post}")
    made = {draft.key: draft.body for draft in others if draft.entity == "product"}
    assert list(made) == [storage, part, post]
    assert made[storage] == {"name": "Storage", "type": "service"}
    assert made[part]["type"] == "part"
    named = [line.get("product", {"key": None})["key"] for line in invoice.body["lines"]]
    assert named == [storage, part, post, None, part]
    assert [line["amount"]["minor"] for line in invoice.body["lines"]] == [1, 2, 3, 4, 5]


def test_below_zero_it_is_a_credit_memo_with_the_signs_turned(platform: Platform) -> None:
    """case_C7"""
    lines = [
        {"product": platform.post, "quantity": "-2", "rate": "6.25", "amount": gbp(-1250), "tax": gbp(-250)},
        {"product": platform.post, "quantity": "1", "rate": "0.50", "amount": gbp(50), "tax_rate": "20"},
    ]
    credit = platform.drafts(platform.invoice(lines=lines, total=gbp(-1200), tax=gbp(-240)))[-1]
    assert (credit.entity, credit.root) == ("credit_memo", True)
    assert (credit.body["total"], credit.body["tax"]) == (gbp(1200), gbp(240))
    first, second = credit.body["lines"]
    assert (first["quantity"], first["rate"], first["amount"], first["tax"]) == ("2", "6.25", gbp(1250), gbp(250))
    assert (second["quantity"], second["amount"], second["tax_rate"]) == ("-1", gbp(-50), "20")


def test_the_document_of_the_flow_decides_what_an_invoice_becomes(platform: Platform) -> None:
    name = platform.invoice()
    for document, entity in (("invoice", "invoice"), ("estimate", "estimate"), ("sales-order", "sales_order")):
        assert platform.drafts(name, document=document)[-1].entity == entity
    assert mapper(document="estimate").roots == ("estimate",)
    assert mapper().roots == ("credit_memo", "invoice")
    prints = {mapper(document=document).fingerprint for document in ("invoice", "estimate", "sales-order")}
    assert len(prints) == 3, "another document is another draft"
    assert mapper(document="invoice").fingerprint == mapper().fingerprint


def test_the_class_of_a_line_goes_along_be_it_the_lines_own_or_the_documents(platform: Platform) -> None:
    lines = [{"service": "Storage", "amount": gbp(100), "custom": {"class": "North"}},
             {"service": "Moves", "amount": gbp(100)},
             {"service": "Gates", "amount": gbp(100),
              "dimensions": {"class": "West", "department": "Yard"}}]  # fmt: skip
    whole = platform.invoice(lines=lines, total=gbp(300), custom={"class": "South", "location": "L"})
    made = platform.drafts(whole)[-1]
    told = [line.get("dimensions") for line in made.body["lines"]]
    assert told == [{"class": "North"}, {"class": "South"}, {"class": "West", "department": "Yard"}]
    bare = platform.drafts(platform.invoice(lines=lines[1:2], total=gbp(100)))[-1]
    assert "dimensions" not in bare.body["lines"][0]


def test_a_document_that_the_map_does_not_make_is_told_with_those_it_does() -> None:
    flow = Flow.model_validate({"source": "platform", "sink": "books", "kinds": ("charge",), "document": "invoice"})
    with pytest.raises(ConfigError, match="map of charge makes no invoice") as caught:
        build(flow, "charge", MAPS["charge"], transforms=TRANSFORMS, currency="GBP", timezone="UTC")
    assert caught.value.code == "WHERRY-2212"
    assert "it makes: journal" in caught.value.fix


def test_a_credit_note_is_no_estimate_and_is_listed_with_its_amount(platform: Platform) -> None:
    of = mapper(document="estimate")
    found = of.map(platform.record(platform.invoice(total=gbp(-1200)), of))
    assert found == Skip("a credit note is no estimate", -1200, "GBP", date=DAY)


@pytest.mark.parametrize("number", ["", "  "])
def test_without_a_gl_number_it_is_left_out_with_the_place_and_the_amount(platform: Platform, number: str) -> None:
    """b_003_15"""
    bare = platform.put("location", name="Yard 9", gl_number=number)
    found = mapper().map(platform.record(platform.invoice(location=bare, total=gbp(8800))))
    assert found == Skip(f'no GL number on customer location "Yard 9" ({bare})', 8800, "GBP", date=DAY)
    nowhere = mapper().map(platform.record(platform.invoice(location=None, total=gbp(-250))))
    assert nowhere == Skip("no customer location, so no GL number", -250, "GBP", date=DAY)


def test_by_default_only_what_was_invoiced_goes_and_the_rest_is_listed_with_its_amount(platform: Platform) -> None:
    """b_003_16"""
    names = [platform.invoice(status=status) for status in ("Draft", "Assigned", "Finalized", "INVOICED", "Paid", "")]
    answers = mapper().triggers([platform.record(name) for name in names])
    told = [None if answer is None else (answer.reason, answer.amount, answer.void) for answer in answers]
    assert told == [
        ("its status is Draft; this flow takes invoiced", 1250, False),
        ("its status is Assigned; this flow takes invoiced", 1250, False),
        ("its status is Finalized; this flow takes invoiced", 1250, False),
        None,
        ("its status is Paid; this flow takes invoiced", 1250, False),
        ("its status is Draft; this flow takes invoiced", 1250, False),
    ]


def test_a_flow_may_take_invoices_earlier_and_takes_what_is_further_along_too(platform: Platform) -> None:
    """b_003_17"""
    names = [platform.invoice(status=status) for status in ("Draft", "Assigned", "Finalized", "Invoiced", "Paid")]
    heads = [platform.record(name) for name in names]
    taken = [answer is None for answer in mapper(when={"status": "Assigned"}).triggers(heads)]
    assert taken == [False, True, True, True, False]
    taken = [answer is None for answer in mapper(when={"status": ["finalized", "paid"]}).triggers(heads)]
    assert taken == [False, False, True, True, True]


@pytest.mark.parametrize("status", ["Void", "voided", "Cancelled", "CANCELED"])
def test_what_was_made_void_is_to_be_taken_back(platform: Platform, status: str) -> None:
    name = platform.invoice()
    with platform.opened() as documents:
        work.edit(documents, "invoice", name, {"status": status})
    for of in (mapper(), mapper(when={"status": "draft"})):
        assert of.triggers([platform.record(name)]) == [Skip(f"its status is {status}", 1250, "GBP", True, DAY)]


def test_a_change_of_a_line_is_a_change_of_the_record(platform: Platform) -> None:
    """b_003_10"""
    name = platform.invoice()
    before = platform.record(name).payload
    with platform.opened() as documents:
        work.edit(documents, "invoice", name, {"lines[0].description": "elm"})
    assert platform.record(name).payload != before


def test_a_flow_may_overrule_single_lines(platform: Platform) -> None:
    said = {"customer": {"name": "join(' ', location.gl_number, customer.name)"}, "invoice": {"memo": False}}
    customer, *_, invoice = platform.drafts(platform.invoice(memo="thanks"), map=said)
    assert customer.body["name"] == "4711 Acme"
    assert "memo" not in invoice.body


def test_of_the_real_invoices_every_penny_is_carried_or_listed_as_left_out(retail: Retail, tmp_path: Path) -> None:
    """b_003_15, I8: invoices less credit memos and what was left out come to what the file says."""
    with retail.store(tmp_path) as store:
        carried_to_the_penny(retail.path, WorkspaceSource(lambda: store.documents("workspace"), "workspace", 500))


def carried_to_the_penny(path: Path, source: WorkspaceSource) -> None:
    of, carried, left = mapper(document="invoice"), 0, 0
    seen: dict[str, Draft] = {}
    for record in records(source, of):
        assert of.triggers([record]) == [None]
        found = of.map(record)
        if isinstance(found, Skip):
            assert found.amount is not None
            left += found.amount
            continue
        root = found[-1]
        seen[root.label] = root
        assert root.body["total"]["minor"] == sum(line["amount"]["minor"] for line in root.body["lines"]) >= 0
        carried += root.body["total"]["minor"] * (-1 if root.entity == "credit_memo" else 1)
    with path.open(encoding="cp1252", newline="") as handle:
        rows = [row for row in csv.reader(handle) if len(row) == 8][1:]
    whole = [(row[0], bool(row[6]), Decimal(row[3]) * Decimal(row[5])) for row in rows]
    assert Decimal(carried) / 100 == sum(amount for _, known, amount in whole if known)
    assert Decimal(left) / 100 == sum(amount for _, known, amount in whole if not known)
    assert set(seen) == {number for number, known, _ in whole if known}
    assert {n for n, root in seen.items() if root.entity == "credit_memo"} == {n for n in seen if n.startswith("C")}
    assert all(Decimal(line["quantity"]) > 0 for root in seen.values() for line in root.body["lines"])
    hand = seen["536365"].body
    assert (hand["date"], hand["total"], len(hand["lines"])) == ("2010-12-01", gbp(13912), 7)


@given(st.integers(-(2**60), 2**60), st.decimals(allow_nan=False, allow_infinity=False, places=6, max_value=10**12))
def test_the_opposite_of_the_opposite_is_the_thing_itself(minor: int, number: Decimal) -> None:
    assert opposite(opposite(gbp(minor))) == gbp(minor)
    if number > -(10**12):
        assert opposite(opposite(number)) == number
        assert "-" not in format(opposite(abs(number)), "f") or opposite(abs(number)) < 0  # type: ignore[arg-type,operator]


def test_nothing_has_no_opposite() -> None:
    assert (opposite(None), opposite("")) == (None, None)
