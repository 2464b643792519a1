"""Items as the company file gets them, and what its answers come to: one message set each, judged by the schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from wherry.errors import Rejected
from wherry.records import Answer, Call, Found, Item, Reply
from wherry_qbwc import asking, company, decoding, documents, facts, mirror
from wherry_qbwc.books import Books, made
from wherry_qbwc.line import HRESULT, NOT_READ
from wherry_qbwc.settings import QbwcSettings
from wherry_qbwc.simulator import QbwcSimulator
from wherry_qbwc.words.requests import request
from wherry_qbwc.words.sets import message_set, set_id

from .company_bench import desktop

STAMPS = iter(f"{n:026d}"[::-1].translate(str.maketrans("0189", "abcd")) for n in range(10_000))
"""They differ in the part that a message-set id keeps."""


class Bench:
    """A company file, and what would be sent to it."""

    def __init__(self, sim: QbwcSimulator, taxes: Sequence[tuple[str, str]] = (), **settings: Any) -> None:
        self.sim, self.settings = sim, QbwcSettings(**settings)
        self.taxes = [{"rate": rate, "code": code} for rate, code in taxes]
        self.read()

    def read(self) -> None:
        found = company.read(self.sim.execute(company.questions(13, 0).decode()), 13, 0)
        lists = mirror.read(lambda content: self.sim.execute(content.decode()), found.qbxml, found.lists)
        self.books: Books = made(found, self.settings, lists, self.taxes, "books")
        self.lists = lists

    def sent(self, item: Item) -> bytes:
        made = documents.operation(item, self.books)
        return message_set([request(made.name, made.body, id=item.stamp)], new_id=set_id(item.stamp))

    def write(self, item: Item) -> Answer | None:
        content = self.sent(item)
        reply = Reply(status=200, body=self.sim.execute(content.decode()).encode())
        call = Call(method="POST", path="qbxml", items=(item.stamp,), body=content)
        return decoding.answers(call, [item], reply).get(item.stamp)

    def written(self, item: Item) -> Item:
        """The item as it is known after it was written as sent."""
        answer = self.write(item)
        assert answer is not None
        assert answer.fate in ("created", "updated"), answer
        assert answer.facts == facts.of_item(item, self.books)
        return replace(item, target=answer.target, token=answer.token, before=item.body, stamp=next(STAMPS), memo="")

    def look(self, item: Item) -> list[Found]:
        [call] = asking.calls([item], self.books)
        reply = Reply(status=200, body=self.sim.execute(call.body.decode()).encode())
        return asking.found(call, [item], reply, self.books)[item.stamp]


def item(entity: str, body: dict[str, Any], **more: Any) -> Item:
    return Item(entity=entity, key="id:1", body=body, stamp=next(STAMPS), **more)


def money(minor: int, currency: str = "USD") -> dict[str, Any]:
    return {"minor": minor, "currency": currency}


@pytest.fixture
def bench() -> Bench:
    return Bench(desktop())


def order(bench: Bench, **more: Any) -> dict[str, Any]:
    """The body of an order for one customer: two lines, 40.60 together."""
    customers = {one.row["Name"]: one.row["ListID"] for one in bench.lists["customer"]}
    items = {one.row["Name"]: one.row["ListID"] for one in bench.lists["item"]}
    lines = [
        {"service": "a", "product": items["Panel"], "description": "Roof", "quantity": "3", "rate": "10.20"},
        {"service": "b", "product": items["Consulting"], "quantity": "3", "amount": money(1000), "description": "Talk"},
    ]
    return {"number": "INV-1042", "date": "2026-03-31", "customer": customers["Cook, Brian"], "memo": "As agreed",
            "total": money(4060), "lines": lines, **more}  # fmt: skip


def test_what_quickbooks_has_no_letters_or_no_room_for_is_told_with_the_document(bench: Bench) -> None:
    body = order(bench, memo="m" * 5000)
    body["lines"] = [{**body["lines"][0], "description": "Š — ł 株"}, body["lines"][1]]
    answer = bench.write(item("sales_order", body))
    assert answer is not None
    assert answer.reason == (
        "memo: cut from 5000 to 4061 characters; text of line 1: letters that QuickBooks cannot hold were written "
        "otherwise: ł as l, letters that QuickBooks cannot hold became question marks: 株"
    )
    [held] = bench.sim.records("SalesOrder")
    assert len(held["Memo"].partition(" wherry:")[0]) == 4061


@pytest.mark.parametrize(
    ("entity", "kind", "standing"),
    [
        ("sales_order", "SalesOrder", {"IsManuallyClosed": "true", "TotalAmount": "30.60"}),
        ("estimate", "Estimate", {"IsActive": "false", "TotalAmount": "30.60"}),
        ("invoice", "Invoice", {"TotalAmount": "0.00"}),
        ("credit_memo", "CreditMemo", {"TotalAmount": "0.00"}),
    ],
)
def test_a_document_is_written_changed_found_and_taken_back(
    bench: Bench, entity: str, kind: str, standing: dict[str, str]
) -> None:
    """b_003_10, b_003_11: what books something is voided; an order or estimate is closed, and nothing is deleted."""
    first = item(entity, order(bench))
    assert bench.look(first) == []
    held = bench.written(first)
    [hit] = bench.look(first)
    assert (hit.ours, hit.target, hit.facts["total"]) == (True, held.target, "40.60")
    body = {**order(bench), "memo": "", "total": money(3060)}
    body["lines"] = body["lines"][:1]
    again = bench.written(replace(held, body=body))
    [hit] = bench.look(replace(again, stamp=held.stamp))
    assert (hit.facts["total"], hit.facts["lines"], hit.facts["memo"]) == ("30.60", "1", "")
    gone = replace(again, action="void")
    answer = bench.write(gone)
    assert answer is not None
    assert answer.fate == "reversed"
    assert [one.facts for one in bench.look(gone)] == [facts.TAKEN_BACK]
    record = bench.sim.company().records[str(again.target)]
    assert (record.kind, {name: record.body[name] for name in standing}) == (kind, standing)
    assert bench.look(item(entity, order(bench))) == [], "a number that was taken back is free"


def test_a_change_over_a_persons_edit_is_looked_at_and_not_written(bench: Bench) -> None:
    """case_E15: the edit sequence is the lock, and the look shows what the person made of it."""
    held = bench.written(item("sales_order", order(bench)))
    bench.sim.change(str(held.target), Memo="Mine now")
    answer = bench.write(replace(held, body=order(bench, memo="Other")))
    assert answer is not None
    assert (answer.fate, answer.after) == ("unknown", 0.0)
    [hit] = bench.look(held)
    assert hit.facts["memo"] == "Mine now"
    assert hit.facts != facts.of_item(held, bench.books)


def test_lines_that_did_not_change_are_left_alone(bench: Bench) -> None:
    held = bench.written(item("sales_order", order(bench)))
    assert b"SalesOrderLineMod" not in bench.sent(replace(held, body=order(bench, memo="Other")))


def test_an_entry_is_written_found_by_the_stamp_in_its_lines_and_reversed(bench: Bench) -> None:
    lines = [{"side": "debit", "account": "10100", "amount": money(1250), "description": "Till"},
             {"side": "credit", "account": "40100", "amount": money(1250)},
             {"side": "credit", "account": "40200", "amount": money(0)}]  # fmt: skip
    first = item("journal_entry", {"number": "W-2026-000123", "date": "2026-03-31", "lines": lines})
    held = bench.written(first)
    [hit] = bench.look(first)
    assert (hit.ours, hit.facts["total"], hit.facts["lines"]) == (True, "12.50", "2")
    back = replace(held, action="void")
    assert bench.look(back) == []
    answer = bench.write(back)
    assert answer is not None
    assert (answer.fate, answer.target) == ("reversed", held.target)
    [hit] = bench.look(back)
    assert (hit.ours, hit.target, hit.facts) == (True, held.target, facts.TAKEN_BACK)
    assert bench.look(item("journal_entry", first.body)) == [], "what was taken back is not what is booked anew"
    one, other = bench.sim.records("JournalEntry")
    assert one["RefNumber"] != other["RefNumber"]
    sides = [{(line["element"], line["Amount"]) for line in entry["lines"]} for entry in (one, other)]
    assert {("JournalDebitLine", "12.50"), ("JournalCreditLine", "12.50")} == sides[0] == sides[1]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "99999"}, "WHERRY-4852"),
        ({"account": "11000"}, "WHERRY-4350"),
        ({"account": "20000"}, "WHERRY-4350"),
        ({"amount": money(1)}, "WHERRY-4636"),
        ({"dimensions": {"class": "Remodle"}}, "WHERRY-4359"),
        ({"dimensions": {"location": "Leeds"}}, "WHERRY-4359"),
    ],
)
def test_an_entry_that_the_books_would_not_take_is_not_sent(bench: Bench, change: dict[str, Any], code: str) -> None:
    lines = [{"side": "debit", "account": "10100", "amount": money(1250)},
             {"side": "credit", "account": "40100", "amount": money(1250), **change}]  # fmt: skip
    with pytest.raises(Rejected) as caught:
        bench.sent(item("journal_entry", {"number": "W-1", "date": "2026-03-31", "lines": lines}))
    assert caught.value.code == code


def test_an_edition_without_sales_orders_is_known_before_anything_is_sent() -> None:
    """It says what to set; as an estimate or an invoice the same document is taken."""
    pro = Bench(desktop(edition="pro"))
    with pytest.raises(Rejected) as caught:
        pro.sent(item("sales_order", order(pro)))
    assert caught.value.code == "WHERRY-4341"
    assert 'document = "invoice" or "estimate"' in caught.value.fix
    pro.written(item("invoice", order(pro)))
    pro.written(item("estimate", order(pro)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"customer": ""}, "WHERRY-4631"),
        ({"lines": []}, "WHERRY-4630"),
        ({"total": money(4061)}, "WHERRY-4634"),
        ({"tax": money(100)}, "WHERRY-4364"),
        ({"total": money(4060, "GBP")}, "WHERRY-4632"),
    ],
)
def test_a_document_that_cannot_be_said_is_held_with_the_reason(
    bench: Bench, change: dict[str, Any], code: str
) -> None:  # fmt: skip
    with pytest.raises(Rejected) as caught:
        bench.sent(item("sales_order", order(bench, **change)))
    assert caught.value.code == code
    assert caught.value.where["item"]


def test_a_document_in_another_currency_than_the_files_is_held() -> None:
    bench = Bench(desktop(), currency="GBP")
    with pytest.raises(Rejected) as caught:
        bench.sent(item("sales_order", order(bench)))
    assert caught.value.code == "WHERRY-4353"


def test_closed_books_hold_an_invoice_and_not_an_order(bench: Bench) -> None:
    bench.sim.company().closing = "2026-03-31"
    bench.read()
    bench.sent(item("sales_order", order(bench)))
    with pytest.raises(Rejected) as caught:
        bench.sent(item("invoice", order(bench)))
    assert (caught.value.code, "a later date" in caught.value.fix) == ("WHERRY-4342", True)
    body = order(bench)
    moved = item("invoice", {**body, "date": "2026-04-02"}, target="1", before=body)
    with pytest.raises(Rejected) as caught:
        bench.sent(moved)
    assert ("there, and" in caught.value.message, "a later date" in caught.value.fix) == (True, False)


@pytest.mark.parametrize("how", ["refuse", "suffix"])
def test_a_name_that_a_vendor_has_is_held_or_marked(how: str) -> None:
    bench = Bench(desktop(), name_taken=how)
    who = item("customer", {"name": "Holly Heating and Electric", "number": "17850"})
    answer = bench.write(who)
    assert answer is not None
    assert (answer.fate, answer.memo) == ("unknown", "taken")
    again = replace(who, memo=answer.memo, stamp=next(STAMPS))
    assert bench.look(again) == []
    if how == "refuse":
        with pytest.raises(Rejected) as caught:
            bench.sent(again)
        assert caught.value.code == "WHERRY-4859"
    else:
        bench.written(again)
        assert bench.look(again)[0].ours


def test_long_names_and_letters_that_quickbooks_lacks_stay_two_names(bench: Bench) -> None:
    names = ["Ω beam", "Ψ beam", "a" * 40, "a" * 39 + "b"]
    made = [bench.written(item("product", {"name": name, "type": "service"})) for name in names]
    assert len({one.target for one in made}) == len(names)
    told = [one["FullName"] for one in bench.sim.records("ItemService")]
    assert len({name.casefold() for name in told}) == len(told)
    assert max(map(len, told)) <= 31


def test_everything_that_is_sent_is_valid(bench: Bench, complaints: Callable[[bytes], list[str]]) -> None:
    who = item(
        "customer", {"name": "Zoë", "number": "1", "street": "1 Road\nBack", "city": "Leeds", "email": "z@x.org"}
    )
    held = bench.written(item("sales_order", order(bench)))
    entry = {"number": "1", "date": "2026-03-31", "lines": [
        {"side": side, "account": account, "amount": money(5)}
        for side, account in (("debit", "10100"), ("credit", "40100"))
    ]}  # fmt: skip
    things = [
        who, replace(who, target="80000001-1", token="1", before={**who.body, "phone": "1"}), held,
        replace(held, body=order(bench, due_date="2026-05-01")),
        replace(held, action="void"), item("invoice", order(bench)), item("journal_entry", entry),
        item("product", {"name": "Bolt", "price": "1.5", "sku": "B-1"}),
    ]  # fmt: skip
    assert [wrong for one in things for wrong in complaints(bench.sent(one))] == []
    asked = [call.body for one in things for call in asking.calls([one], bench.books)]
    assert [wrong for content in asked for wrong in complaints(content)] == []


def test_what_quickbooks_could_not_read_is_refused_and_what_it_garbled_is_unknown(bench: Bench) -> None:
    one = item("sales_order", order(bench))
    call = Call(method="POST", path="qbxml", items=(one.stamp,), body=b"")
    told = decoding.answers(call, [one], Reply(status=NOT_READ, headers={HRESULT: "0x80040400"}, body=b"no"))
    assert told[one.stamp].fate == "refused"
    assert decoding.answers(call, [one], Reply(status=200, body=b"<QBXML>")) == {}
    other = Reply(status=200, body=bench.sim.execute(bench.sent(item("sales_order", order(bench))).decode()).encode())
    assert decoding.answers(call, [one], other) == {}


def test_the_answer_to_another_look_proves_nothing_of_this_one(bench: Bench) -> None:
    """b_003_12: an answer that comes twice would make the next question's documents absent, and send them again"""
    one = item("invoice", order(bench))
    other = item("invoice", {**order(bench), "number": "another"})
    [call], [next_call] = asking.calls([one], bench.books), asking.calls([other], bench.books)
    late = Reply(status=200, body=bench.sim.execute(call.body.decode()).encode())
    assert asking.found(call, [one], late, bench.books) == {one.stamp: []}
    assert asking.found(next_call, [other], late, bench.books) == {}


def test_a_feature_that_is_switched_off_proves_nothing_absent(bench: Bench) -> None:
    """b_003_12: it is switched on again, and what was written before is there"""
    estimate = item("estimate", order(bench))
    [call] = asking.calls([estimate], bench.books)
    off = bench.sim.execute(call.body.decode()).replace('statusCode="1"', 'statusCode="3250"')
    assert "3250" in off
    assert asking.found(call, [estimate], Reply(status=200, body=off.encode()), bench.books) == {}
