"""The sink against the stand-in over loopback: what is encoded is sent by the core's own client, and decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry import plugins
from wherry.entities import check
from wherry.errors import ConfigError, ContractBroken, Rejected
from wherry.records import Answer, Found, Item, Reply
from wherry.roles import Asks, CallSinkWriter, Connection, Lists
from wherry.simulator import Clock, serve
from wherry.testing.services import SharedClock, services
from wherry_quickbooks.client import Client
from wherry_quickbooks.names import digest
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.sink import QuickBooksSink

REALM = "123146000000001"
AUTH = {"kind": "token", "token": {"env": "BOOKS_TOKEN"}}


class Bench:
    """A sink and the company it writes to. ``send`` does what the core's drain does with one group of items."""

    def __init__(self, sim: QuickBooksSimulator, sink: QuickBooksSink) -> None:
        self.sim, self.sink = sim, sink
        self.account = sink.check()

    def send(self, *items: Item) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for call in self.sink.encode(items):
            mine = [item for item in items if item.stamp in call.items]
            answers |= self.sink.decode(call, mine, self.sink.http.send(call))
        return answers

    def one(self, item: Item) -> Answer:
        [answer] = self.send(item).values()
        return answer

    def written(self, item: Item, fate: str = "created") -> Answer:
        answer = self.one(item)
        assert answer.fate == fate, answer
        assert answer.facts == self.sink.facts(item)
        return answer

    def look(self, *items: Item) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for call in self.sink.ask(items):
            mine = [item for item in items if item.stamp in call.items]
            found |= self.sink.found(call, mine, self.sink.http.send(call))
        return found

    def held(self, kind: str, key: str = "") -> dict[str, Any]:
        [one] = [body for body in self.sim.objects(kind) if key in ("", body["Id"])]
        return one

    def customer(self, name: str = "Acme Ltd", **more: Any) -> str:
        return self.written(item("customer", {"name": name, **more})).target

    def product(self, name: str = "Installation", **more: Any) -> str:
        return self.written(item("product", {"name": name, "type": "service", **more})).target

    def invoice(self, number: str = "536365", **more: Any) -> dict[str, Any]:
        """A body with one line, for a customer and a service made on the way."""
        who = next((c["Id"] for c in self.sim.objects("Customer")), None) or self.customer()
        what = next((i["Id"] for i in self.sim.objects("Item")), None) or self.product()
        line = {"product": what, "quantity": "2", "rate": "12.5"}
        return {"number": number, "date": "2026-03-31", "customer": who, "lines": [line], **more}


def item(entity: str, body: dict[str, Any], key: str = "", **more: Any) -> Item:
    """An item as the core makes it: its body checked against the shape, its stamp a hash of what it says."""
    checked = check(entity, body)
    stamp = digest(json.dumps([entity, key, checked, {n: v for n, v in more.items() if n != "before"}]), 26)
    return Item(entity=entity, key=key or "id:1", body=checked, **{"stamp": stamp, **more})


def update(old: Item, answer: Answer, body: dict[str, Any], **more: Any) -> Item:
    """The item that changes what an earlier one wrote."""
    return item(old.entity, body, target=answer.target, token=answer.token, before=old.body, **more)


def gbp(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "GBP"}


JOURNAL = [
    {"account": name, "side": side, "amount": gbp(4200)}
    for side, name in (("debit", "Checking"), ("credit", "Services"))
]
Made = Callable[..., Bench]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    with ExitStack() as stack:

        def make(table: list[dict[str, str]] | None = None, sim: dict[str, Any] | None = None, **told: Any) -> Bench:
            clock = Clock("2026-03-31T17:00:00+00:00")
            options: dict[str, Any] = {"tax": "none", "currency": "GBP", "limits": "none", "companies": (REALM,)}
            stand_in = QuickBooksSimulator(**{"clock": clock, **options, **(sim or {})})
            url = stack.enter_context(serve(stand_in.app()))
            settings = QuickBooksSettings.model_validate(
                {"auth": AUTH, "environment": "simulator", "base_url": url, "realm": REALM, **told}
            )
            core = stack.enter_context(services(tmp_path, clock=SharedClock(clock)))
            core = msgspec.structs.replace(core, table=lambda path: table or [])
            return Bench(stand_in, QuickBooksSink(Client(core, settings), settings, core))

        yield make


@pytest.fixture
def bench(made: Made) -> Bench:
    return made()


def test_it_plays_the_roles_of_a_sink_that_is_sent_calls(bench: Bench) -> None:
    assert isinstance(bench.sink, CallSinkWriter)
    assert isinstance(bench.sink, Asks)
    assert isinstance(bench.sink, Lists)
    assert bench.account.id == REALM


def test_customer_service_and_invoice_are_written_and_come_back_as_they_were_sent(bench: Bench) -> None:
    bench.customer(
        email="a@acme.example", phone="0100 55", street="1 High Street\nTop floor", city="Leeds", number="17850"
    )
    bench.product(sku="SVC", price="12.50", currency="GBP", description="On site")
    answer = bench.written(item("invoice", bench.invoice(total=gbp(2500), memo="March", due_date="2026-04-30")))
    kept = bench.held("Invoice")
    assert (kept["Id"], kept["DocNumber"], kept["TxnDate"], kept["DueDate"]) == (
        answer.target, "536365", "2026-03-31", "2026-04-30",
    )  # fmt: skip
    assert kept["TotalAmt"] == Decimal("25.00")
    assert kept["PrivateNote"].startswith("March\nwherry:")
    assert answer.facts == {
        "number": "536365", "date": "2026-03-31", "due_date": "2026-04-30", "customer": bench.held("Customer")["Id"],
        "total": "25.00 GBP", "memo": "March", "lines": "1", "state": "stands",
        "line 1": f"2 x item {bench.held('Item')['Id']} = 25.00 GBP",
    }  # fmt: skip


# -- updates ----------------------------------------------------------------------------------------------------------


def test_an_update_empties_what_only_the_last_body_named_and_leaves_what_a_person_entered(bench: Bench) -> None:
    first = item(
        "customer", {"name": "Acme", "email": "a@b.example", "city": "Leeds", "street": "1 Quay", "phone": "1"}
    )
    answer = bench.written(first)
    held = bench.held("Customer")
    bench.sim.write(
        "Customer",
        {"Id": held["Id"], "SyncToken": held["SyncToken"], "sparse": True, "SalesTermRef": {"value": "3"}}, "update",
    )  # fmt: skip
    answer.token = bench.held("Customer")["SyncToken"]
    bench.written(update(first, answer, {"name": "Acme", "city": "York", "phone": "2"}), "updated")
    held = bench.held("Customer")
    assert "PrimaryEmailAddr" not in held
    assert held["BillAddr"] == {"City": "York"}
    assert held["PrimaryPhone"] == {"FreeFormNumber": "2"}
    assert held["SalesTermRef"]["value"] == "3"


def test_an_update_of_a_product_takes_away_its_price_number_and_text_and_keeps_its_account(bench: Bench) -> None:
    first = item("product", {"name": "Bolt", "sku": "B-1", "price": "0.125", "description": "M8", "type": "part"})
    answer = bench.written(first)
    assert (bench.held("Item")["Type"], bench.held("Item")["UnitPrice"]) == ("NonInventory", Decimal("0.125"))
    answer = bench.written(update(first, answer, {"name": "Bolt M8"}), "updated")
    held = bench.held("Item")
    assert (held["Name"], held["UnitPrice"], held["IncomeAccountRef"]["value"]) == ("Bolt M8", 0, "1")
    assert {"Sku", "Description"}.isdisjoint(held)


def test_an_update_of_an_invoice_replaces_its_lines_and_total(bench: Bench) -> None:
    first = item("invoice", bench.invoice(due_date="2026-04-30", memo="March"))
    answer = bench.written(first)
    more = {"product": first.body["lines"][0]["product"], "quantity": "3", "amount": gbp(1000)}
    body = {**first.body, "lines": [*first.body["lines"], more], "total": gbp(3500)}
    del body["due_date"], body["memo"]
    answer = bench.written(update(first, answer, body), "updated")
    held = bench.held("Invoice")
    assert (held["TotalAmt"], held["DueDate"], held["SyncToken"]) == (Decimal(35), "2026-03-31", answer.token)
    assert held["PrivateNote"].startswith("wherry:")


def test_a_stale_version_is_looked_at_and_a_persons_edit_shows(bench: Bench) -> None:
    first = item("invoice", bench.invoice(memo="March"))
    answer = bench.written(first)
    held = bench.held("Invoice")
    told = {"Id": held["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": held["PrivateNote"] + " call first"}
    bench.sim.write("Invoice", told, "update")
    change = update(first, answer, {**first.body, "date": "2026-04-01"})
    answer = bench.one(change)
    assert (answer.fate, answer.after) == ("unknown", 0.0)
    [hit] = bench.look(change)[change.stamp]
    before = bench.sink.facts(msgspec.structs.replace(change, body=first.body))
    assert {name for name in before if before[name] != hit.facts[name]} == {"memo"}
    assert hit.token == "1"


# -- taking back ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("entity", ["invoice", "estimate", "credit_memo", "journal_entry"])
def test_what_is_taken_back_books_nothing_any_more_and_nothing_is_deleted(bench: Bench, entity: str) -> None:
    body = bench.invoice(memo="March")
    if entity == "journal_entry":
        body = {"number": "J-1", "date": "2026-03-31", "lines": JOURNAL}
    first = item(entity, body)
    answer = bench.written(first)
    told = {"target": answer.target, "token": answer.token, "before": first.body}
    void = item(entity, body, "void", action="void", **told)
    assert bench.written(void, "reversed").target == answer.target
    assert set(bench.sim.company().ledger.balances.values()) <= {Decimal(0)}
    assert not [e for e in bench.sim.history.effects() if e.what.endswith("deleted")]
    [hit] = bench.look(void)[void.stamp]
    assert hit.facts == bench.sink.facts(void)


def test_entries_of_a_list_are_never_taken_back(bench: Bench) -> None:
    first = item("customer", {"name": "Acme"})
    answer = bench.written(first)
    with pytest.raises(Rejected, match="not taken back") as caught:
        bench.send(item("customer", {"name": "Acme"}, action="void", target=answer.target, token=answer.token))
    assert caught.value.code == "WHERRY-4745"


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_takes_good_items_and_refuses_the_bad_one_by_itself(bench: Bench) -> None:
    bench.invoice()
    items = [item("invoice", bench.invoice(number=f"A{n}"), key=f"id:{n}") for n in range(12)]
    items[4].body["customer"] = "999"
    answers = bench.send(*items)
    fates = [answers[one.stamp].fate for one in items]
    assert fates == ["created"] * 4 + ["refused"] + ["created"] * 7
    assert answers[items[4].stamp].code == "2500"
    assert len(bench.sim.history.requests("/batch$")) == 2
    assert len(bench.sim.objects("Invoice")) == 11


def test_answers_in_another_order_and_with_one_missing_go_to_their_items(bench: Bench) -> None:
    items = [item("customer", {"name": f"C{n}"}, key=f"id:{n}") for n in range(5)]
    bench.sim.mishaps.reverse, bench.sim.mishaps.leave_out = True, 2
    answers = bench.send(*items)
    told = {one.stamp: bench.held("Customer", answers[one.stamp].target)["DisplayName"] for one in items[2:]}
    assert told == {one.stamp: one.body["name"] for one in items[2:]}
    assert {one.stamp for one in items[:2]}.isdisjoint(answers)


def test_a_batch_that_broke_off_half_way_leaves_all_unknown_and_a_look_tells(bench: Bench) -> None:
    """quickbooks-ruby 343: batches of 30 run into the time limit, a plain retry duplicates them."""
    items = [item("customer", {"name": f"C{n}"}, key=f"id:{n}") for n in range(4)]
    bench.sim.mishaps.stop_after = 2
    assert bench.send(*items) == {}
    found = bench.look(*items)
    assert [[hit.ours for hit in found[one.stamp]] for one in items] == [[True], [True], [], []]


def test_items_of_a_batch_that_was_refused_as_a_whole_go_alone(bench: Bench) -> None:
    items = [item("customer", {"name": f"C{n}"}, key=f"id:{n}") for n in range(3)]
    [call] = bench.sink.encode(items)
    call.body = call.body.replace(b"BatchItemRequest", b"BatchItemReq")
    answers = bench.sink.decode(call, items, bench.sink.http.send(call))
    assert {(one.fate, one.memo, one.after) for one in answers.values()} == {("queued", "alone", 0.0)}
    again = [msgspec.structs.replace(one, memo=answers[one.stamp].memo) for one in items]
    assert [len(call.items) for call in bench.sink.encode(again)] == [1, 1, 1]


def test_one_item_or_a_batch_of_one_is_a_call_of_its_own(made: Made) -> None:
    one = made(batch=1)
    items = [item("customer", {"name": f"C{n}"}, key=f"id:{n}") for n in range(3)]
    calls = one.sink.encode(items)
    assert [call.path.rpartition("/")[2] for call in calls] == ["customer"] * 3
    assert [call.params["requestid"] for call in calls] == [one.stamp for one in items]


def test_keys_of_a_batch_are_as_short_as_intuit_wants_them(bench: Bench) -> None:
    items = [item("customer", {"name": f"C{n}"}, key=f"id:{n}") for n in range(10)]
    [call] = bench.sink.encode(items)
    told = json.loads(call.body)["BatchItemRequest"]
    assert max(len(part["bId"]) for part in told) <= 10
    assert len(call.params["requestid"]) <= 36
    assert call.lane == "batch"
    [other] = bench.sink.encode([*items[1:], items[0]])
    assert other.params["requestid"] != call.params["requestid"]


# -- names and numbers that are taken ---------------------------------------------------------------------------------


def taken(bench: Bench, one: Item) -> Item:
    """The item as it is after QuickBooks said that its name or number is taken."""
    answer = bench.one(one)
    assert (answer.fate, answer.after) == ("unknown", 0.0)
    return msgspec.structs.replace(one, memo=answer.memo)


def test_a_name_that_a_vendor_has_is_refused_with_the_vendors_id(bench: Bench) -> None:
    """QBO PHP 241: one namespace for customers, vendors and employees."""
    vendor = bench.sim.write("Vendor", {"DisplayName": "Acme"})["Id"]
    one = taken(bench, item("customer", {"name": "ACME"}))
    assert bench.look(one) == {one.stamp: []}
    with pytest.raises(Rejected, match=f"id {vendor} in QuickBooks has the name") as caught:
        bench.send(one)
    assert (caught.value.code, caught.value.where["item"]) == ("WHERRY-4742", one.stamp)


def test_with_suffix_a_taken_name_gets_a_mark_and_keeps_it(made: Made) -> None:
    bench = made(name_taken="suffix")
    bench.sim.write("Customer", {"DisplayName": "Acme"})
    one = taken(bench, item("customer", {"name": "Acme", "phone": "1"}))
    assert bench.look(one) == {one.stamp: []}
    answer = bench.written(one)
    name = f"Acme ({one.stamp[:6]})"
    assert bench.held("Customer", answer.target)["DisplayName"] == name
    assert answer.reason.startswith(f"its name is {name} there: ")
    bench.written(update(one, answer, {"name": "Acme", "phone": "2"}), "updated")
    assert bench.held("Customer", answer.target)["DisplayName"] == name


def test_a_taken_name_can_be_our_own_whose_answer_was_lost(bench: Bench) -> None:
    """case_A12: a company that ignores requestid answers the repeated create with 6240."""
    one = item("customer", {"name": "Acme"})
    bench.sim.replays.lying = True
    bench.send(one)
    again = taken(bench, one)
    [hit] = bench.look(again)[one.stamp]
    assert (hit.ours, hit.target) == (True, bench.held("Customer")["Id"])


def test_products_of_one_name_and_other_content_are_told_apart(made: Made) -> None:
    bench = made(name_taken="suffix")
    bench.written(item("product", {"name": "Lantern", "sku": "71053"}))
    other = taken(bench, item("product", {"name": "Lantern", "sku": "71054"}))
    assert bench.look(other) == {other.stamp: []}
    bench.written(other)
    assert {held["Sku"] for held in bench.sim.objects("Item")} == {"71053", "71054"}


def test_a_number_that_is_taken_is_looked_for(bench: Bench) -> None:
    """The core asks: it is ours, or something alike that a person entered."""
    bench.written(item("invoice", bench.invoice(memo="by hand")))
    other = taken(bench, item("invoice", bench.invoice(memo="other"), key="id:2"))
    [hit] = bench.look(other)[other.stamp]
    assert (hit.ours, hit.alike, hit.facts["total"]) == (False, True, "25.00 GBP")
    bench.written(other)
    assert len(bench.sim.objects("Invoice")) == 2, "it was sent again on a person's word"


@pytest.mark.parametrize("entity", ["invoice", "estimate", "credit_memo", "journal_entry"])
def test_a_document_that_was_taken_back_does_not_keep_its_number_from_the_next(bench: Bench, entity: str) -> None:
    body = {"number": "J-1 ", "date": "2026-03-31", "lines": JOURNAL} if entity == "journal_entry" else bench.invoice()
    first = item(entity, body)
    answer = bench.written(first)
    told = {"target": answer.target, "token": answer.token, "before": first.body}
    bench.written(item(entity, body, "void", action="void", **told), "reversed")
    second = taken(bench, item(entity, body, "again"))
    assert bench.look(second) == {second.stamp: []}
    answer = bench.written(second)
    [hit] = bench.look(second)[second.stamp]
    assert (hit.target, hit.ours) == (answer.target, True)


# -- closed books -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["6200", "6210", "5010"])
def test_a_closed_period_is_refused_with_its_date_whatever_its_number(bench: Bench, code: str) -> None:
    """python-quickbooks 208: some companies answer a closed period with the number of a stale object."""
    one = item("invoice", bench.invoice())
    bench.sim.close_books("2026-03-31", code)
    answer = bench.one(one)
    assert (answer.fate, answer.code, answer.field) == ("refused", "period closed", "date")
    assert "2026-03-31" in answer.fix


def test_books_that_were_closed_before_the_session_hold_the_record_unsent(bench: Bench) -> None:
    one = item("invoice", bench.invoice())
    bench.sim.close_books("2026-03-31")
    bench.sink._client._company = None
    bench.sink.check()
    with pytest.raises(Rejected, match="closed up to 2026-03-31") as caught:
        bench.send(one)
    assert caught.value.where["field"] == "date"
    assert bench.written(item("estimate", {**bench.invoice(), "date": "2026-04-01"})).target


# -- the company and its settings -------------------------------------------------------------------------------------


def test_nothing_is_encoded_before_the_company_was_looked_at(bench: Bench) -> None:
    """I12: no write leaves before the company's identity was read in this session."""
    fresh = QuickBooksSink(bench.sink._client, bench.sink._settings, bench.sink._services)
    with pytest.raises(ContractBroken, match="whose books"):
        fresh.encode([item("customer", {"name": "Acme"})])


@pytest.mark.parametrize("word", ["Sales of Product Income", "79", "sales of product income"])
def test_new_items_sell_to_the_income_account_of_the_settings(made: Made, word: str) -> None:
    bench = made(income_account=word)
    bench.product()
    assert bench.held("Item")["IncomeAccountRef"]["value"] == "79"


def test_an_income_account_that_the_company_has_not_stops_the_flow(made: Made) -> None:
    with pytest.raises(ConfigError, match="no income account") as caught:
        made(income_account="Checking")
    assert "Services" in caught.value.fix


def test_products_and_parts_become_what_the_setting_says_and_services_services(made: Made) -> None:
    bench = made(item_type="Service")
    for kind in ("product", "part", "service"):
        bench.written(item("product", {"name": kind, "type": kind}, key=kind))
    assert [held["Type"] for held in bench.sim.objects("Item")] == ["Service"] * 3
    bench = made()
    bench.written(item("product", {"name": "part", "type": "part"}))
    assert bench.held("Item")["Type"] == "NonInventory"


def test_listings_tell_what_customers_products_and_accounts_are_matched_by(bench: Bench) -> None:
    bench.customer("Acme Ltd", number="17850", description="Old friends")
    bench.product("Installation", sku="SVC")
    gone = bench.sim.write("Customer", {"DisplayName": "Gone"})
    bench.sim.write("Customer", {"Id": gone["Id"], "SyncToken": "0", "sparse": True, "Active": False}, "update")
    [customer] = bench.sink.listing("customer")
    assert (customer.name, customer.number) == ("Acme Ltd", "17850")
    [product] = bench.sink.listing("product")
    assert (product.name, product.sku, product.type) == ("Installation", "SVC", "service")
    assert ("84", "Accounts Receivable (A/R)") in {(one.id, one.name) for one in bench.sink.listing("account")}
    with pytest.raises(Rejected, match="no list of invoice"):
        bench.sink.listing("invoice")


# -- what is left alone, and what may no longer be said ---------------------------------------------------------------


def test_lines_that_did_not_change_keep_what_people_entered_in_them(bench: Bench) -> None:
    first = item("invoice", bench.invoice())
    answer = bench.written(first)
    north = bench.sim.write("Class", {"Name": "North"})["Id"]
    held = bench.held("Invoice")
    held["Line"][0]["SalesItemLineDetail"]["ClassRef"] = {"value": north}
    told = {"Id": held["Id"], "SyncToken": "0", "sparse": True, "Line": held["Line"][:1]}
    answer.token = bench.sim.write("Invoice", told, "update")["SyncToken"]
    bench.written(update(first, answer, {**first.body, "memo": "March"}), "updated")
    held = bench.held("Invoice")
    assert held["PrivateNote"].startswith("March")
    assert held["Line"][0]["SalesItemLineDetail"]["ClassRef"]["value"] == north


def test_what_was_written_can_still_be_compared_after_its_period_was_closed(bench: Bench) -> None:
    one = item("invoice", bench.invoice())
    bench.send(one)
    bench.sim.close_books("2026-03-31")
    bench.sink._client._company = None
    bench.sink.check()
    [hit] = bench.look(one)[one.stamp]
    assert hit.ours
    assert hit.facts == bench.sink.facts(one)


def test_facts_never_stand_in_the_way(bench: Bench) -> None:
    """What could not be sent cannot be compared: nothing is told, nothing is raised."""
    assert bench.sink.facts(item("invoice", bench.invoice(customer=None))) == {}


def test_a_number_is_looked_for_as_it_was_sent(bench: Bench) -> None:
    """Another spelling of it would be proved absent, and sent again."""
    one = item("invoice", bench.invoice(number=" A  1\t"))
    bench.send(one)
    assert bench.held("Invoice")["DocNumber"] == "A 1"
    [hit] = bench.look(one)[one.stamp]
    assert hit.ours


@pytest.mark.parametrize(
    "name", ["O'Brien \\ Sons", '100% "Wool"', "Ünïcode 😀 – Ltd", "a:b", "x" * 600, "select * from"]
)
def test_every_name_is_found_again(bench: Bench, name: str) -> None:
    """case_G15: names are quoted in questions."""
    items = [item("customer", {"name": name}), item("product", {"name": name})]
    answers = bench.send(*items)
    assert {one.fate for one in answers.values()} == {"created"}
    found = bench.look(*items)
    assert [[hit.target for hit in found[one.stamp]] for one in items] == [[answers[one.stamp].target] for one in items]


def test_many_items_are_looked_for_in_few_calls(bench: Bench) -> None:
    body = bench.invoice()
    items = [item("invoice", {**body, "number": f"N{n}"}, key=f"id:{n}") for n in range(260)]
    assert len(bench.sink.ask(items)) == 2
    assert set(map(len, bench.look(*items).values())) == {0}


def test_the_plugin_makes_the_sink_of_its_own_connections_only(bench: Bench) -> None:
    hub = plugins.load(["quickbooks"])
    manifest = hub.manifests["quickbooks"]
    assert set(manifest.roles) == {"source", "sink", "simulator"}
    assert manifest.administrator == "mandatory"
    assert manifest.oauth is not None
    at_home = manifest.oauth.at("http://127.0.0.1:1", stand_in=True)
    assert at_home.token_url == "http://127.0.0.1:1/oauth2/v1/tokens/bearer"
    connection = Connection("books", "quickbooks", bench.sink._settings)
    assert isinstance(hub.sink(connection, bench.sink._services), QuickBooksSink)


@pytest.mark.parametrize("entity", ["invoice", "estimate", "credit_memo", "journal_entry"])
def test_what_still_stands_is_never_taken_for_what_was_taken_back(bench: Bench, entity: str) -> None:
    """I3: facts are compared by what both sides tell, so both must tell it."""
    body = {"number": "J-1 ", "date": "2026-03-31", "lines": JOURNAL} if entity == "journal_entry" else bench.invoice()
    first = item(entity, body)
    answer = bench.written(first)
    void = item(entity, body, "void", action="void", target=answer.target, token=answer.token, before=first.body)
    [hit] = bench.look(void)[void.stamp]
    sent = bench.sink.facts(void)
    assert [name for name in sent if name in hit.facts and hit.facts[name] != sent[name]] == ["state"]
    assert not hit.ours
    before = bench.sink.facts(msgspec.structs.replace(void, body=first.body, action="write"))
    assert before == hit.facts


def test_an_answer_that_is_so_full_that_it_may_hide_some_proves_nothing(bench: Bench) -> None:
    one = item("invoice", bench.invoice())
    [call] = bench.sink.ask([one])
    rows = [{"Id": str(n), "SyncToken": "0", "DocNumber": f"X{n}"} for n in range(1000)]
    nothing: dict[str, list[Found]] = {one.stamp: []}
    for kept, found in ((999, nothing), (1000, {})):
        body = msgspec.json.encode({"QueryResponse": {"Invoice": rows[:kept]}})
        assert bench.sink.found(call, [one], Reply(status=200, body=body)) == found


@pytest.mark.parametrize(
    ("full", "told"), [((), True), (("recent-0",), True), (("of-0",), True), (("recent-0", "of-0"), False)]
)
def test_where_too_much_is_recent_to_be_told_nothing_is_proved_absent(
    bench: Bench, full: tuple[str, ...], told: bool
) -> None:  # fmt: skip
    """I2: all that was made since, or all that was made for its customer, must have been told."""
    one = msgspec.structs.replace(item("invoice", bench.invoice()), since="2026-03-31T16:59:00.000Z", sent=True)
    [call] = bench.sink.ask([one])
    names = [part["bId"] for part in json.loads(call.body)["BatchItemRequest"]]
    assert names == ["look", "recent-0", "of-0"]
    rows = [{"Id": str(n), "SyncToken": "0", "DocNumber": f"X{n}"} for n in range(1000)]
    parts = [{"bId": name, "QueryResponse": {"Invoice": rows if name in full else []}} for name in names]
    body = msgspec.json.encode({"BatchItemResponse": parts})
    assert bench.sink.found(call, [one], Reply(status=200, body=body)) == ({one.stamp: []} if told else {})
    for lacking in ([0], [1, 2]):
        some = [part for number, part in enumerate(parts) if number not in lacking]
        body = msgspec.json.encode({"BatchItemResponse": some})
        assert bench.sink.found(call, [one], Reply(status=200, body=body)) == {}


def test_what_bears_the_stamp_is_ours_also_where_it_was_found_by_a_number_that_is_not_quite_the_same(
    bench: Bench,
) -> None:
    """I2: it was left out of the look, which was to compare its number, and of what is recent, as known already."""
    sent = item("invoice", bench.invoice(number="É-1"))
    bench.send(sent)
    row = {**bench.held("Invoice"), "DocNumber": "E-1"}
    one = msgspec.structs.replace(sent, since="2026-03-31T16:59:00.000Z", sent=True)
    [call] = bench.sink.ask([one])
    parts = [{"bId": name, "QueryResponse": {"Invoice": [row]}} for name in ("look", "recent-0", "of-0")]
    body = msgspec.json.Encoder(decimal_format="number").encode({"BatchItemResponse": parts})
    [hit] = bench.sink.found(call, [one], Reply(status=200, body=body))[one.stamp]
    assert (hit.ours, hit.target) == (True, row["Id"])


def test_of_what_has_no_customer_pages_are_told(bench: Bench) -> None:
    """I2: a store that was restored looks among all that was made since."""
    one = msgspec.structs.replace(item("customer", {"name": "Acme"}), since="2026-03-31T16:59:00.000Z")
    [call] = bench.sink.ask([one])
    asked = {part["bId"]: part["Query"] for part in json.loads(call.body)["BatchItemRequest"]}
    assert "startposition 1001 " in asked["recent-1"]
    rows = [{"Id": str(n), "SyncToken": "0", "DisplayName": f"X{n}"} for n in range(1000)]
    for last, found in (([], {one.stamp: []}), (rows, {})):
        told = {**dict.fromkeys(asked, rows), "look": [], "recent-9": last}
        parts = [{"bId": name, "QueryResponse": {"Customer": held}} for name, held in told.items()]
        body = msgspec.json.encode({"BatchItemResponse": parts})
        assert bench.sink.found(call, [one], Reply(status=200, body=body)) == found
