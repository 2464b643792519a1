"""The whole way: invoices become sales orders in a company file, once each, whatever the Web Connector does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from wherry import hookimpl
from wherry.errors import NotFound
from wherry.operating import deciding, explaining, undoing
from wherry.store.calls import replies_of
from wherry.store.inquiries import Placed, items_in
from wherry_qbwc import mirror
from wherry_qbwc.simulator.calling import Caller
from wherry_qbwc.words import replies

from .work_rig import CHARGES, NAME, TOTALS, Shop, shop

SHARED = Path(os.environ.get("WHERRY_SHARED", Path(__file__).resolve().parents[4] / "shared"))
SESSIONS = 6
CUSTOMERS = ["13047", "17850"]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Shop]:
    """A shop whose Web Connector was here once."""
    with shop(tmp_path) as one:
        assert one.session().how == "done"
        yield one


def settled(made: Shop) -> None:
    """Runs and sessions until nothing waits."""
    for _ in range(SESSIONS):
        made.run()
        made.session()
        if not any(made.waiting().get(state) for state in ("queued", "unknown", "waiting")):
            return
    raise AssertionError(f"never settles: {made.waiting()}")


def once_each(made: Shop) -> None:
    assert made.totals() == TOTALS
    assert sorted(one["AccountNumber"] for one in made.written("Customer") if "AccountNumber" in one) == CUSTOMERS
    names = [one["FullName"] for one in made.written("ItemService")] + [
        one["FullName"] for one in made.written("ItemNonInventory")
    ]
    assert len(set(names)) == len(names)
    assert not {"decide", "differs", "refused", "unknown"} & {s for s, n in made.waiting().items() if n}


def test_every_invoice_becomes_one_sales_order_of_the_same_total(made: Shop) -> None:
    """b_003_01, b_003_11: documents wait for the Web Connector; a second session and a second run change nothing."""
    made.run()
    assert made.written() == []
    assert made.waiting()["queued"] > 0
    assert made.session().how == "done"
    once_each(made)
    before = len(made.desktop.history.entries)
    made.run()
    assert made.session().how == "done"
    once_each(made)
    added = made.desktop.history.entries[before:]
    assert not [one for one in added if one.kind == "effect" and one.what.endswith((".add", ".mod"))]


def test_an_observer_hears_of_what_a_session_settled_under_the_run_that_prepared_it(made: Shop) -> None:
    heard: list[tuple[str, str, Any]] = []

    class Observer:
        @hookimpl
        def wherry_batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
            heard.extend((flow, run, told) for told in fates.items())

    made.hub.plugins._loaded.relay.register(Observer(), "observer")
    run = made.run()["run"]
    heard.clear()
    made.session()
    assert {(flow, of_run) for flow, of_run, _ in heard} == {("invoices", run)}
    assert sum(told["created"] for _, _, (kind, told) in heard if kind == "invoice") == len(TOTALS)


def test_undoing_a_run_takes_back_what_a_session_wrote_of_it(tmp_path: Path) -> None:
    """What leaves outside of any run belongs to the run that prepared it."""
    with shop(tmp_path, document="invoice") as made:
        made.session()
        run = made.run()["run"]
        made.session()
        assert len(undoing.undo(made.hub, run).items) == len(TOTALS)
        made.session()
        assert {one["TotalAmount"] for one in made.written("Invoice")} == {"0.00"}


def test_what_was_deleted_there_is_written_anew_on_a_persons_word_while_nobody_calls(tmp_path: Path) -> None:
    """case_E16: QuickBooks told that it is gone when it refused the change; under the same message set it would tell
    that again."""
    with shop(tmp_path, document="invoice") as made:
        made.session()
        made.run()
        made.session()
        [there] = [one["id"] for one in made.written("Invoice") if one["RefNumber"] == "536365"]
        made.desktop.remove(there)
        made.memo("536365", "Back door")
        made.run()
        made.session()
        [one] = refused(made)
        deciding.send_again(made.hub, one.item.id)
        assert made.session().how == "done"
        assert made.totals("Invoice") == TOTALS


def test_a_credit_memo_that_a_person_entered_anew_is_linked_and_kept_up(tmp_path: Path) -> None:
    """case_E16"""
    with shop(tmp_path, document="invoice") as made:
        made.imports(f"{CHARGES.splitlines()[0]}\nC536366,1003,Hand warmer,-6,01/12/2010 08:28,1.85,17850,UK\n")
        for memo in ("", "Back door"):
            made.memo("C536366", memo)
            made.session()
            made.run()
            made.session()
            for there in made.written("CreditMemo"):
                made.desktop.remove(there["id"])
        [one] = refused(made)
        line = {"ItemRef": {"FullName": "Hand warmer"}, "Desc": "Hand warmer", "Quantity": "6", "Rate": "1.85"}
        head = {"CustomerRef": {"FullName": "17850"}, "TxnDate": "2010-12-01", "RefNumber": "C536366"}
        anew = made.desktop.enter("CreditMemo", **head, CreditMemoLineAdd=[line])
        deciding.adopt(made.hub, one.item.id, anew)
        made.memo("C536366", "Side door")
        made.run()
        made.session()
        assert [(one["id"], one["Memo"].split(" wherry")[0]) for one in made.written("CreditMemo")] == [
            (anew, "Side door")
        ]
        assert not any(made.waiting().values())


def test_what_a_person_says_it_is_counts_once_the_company_file_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """I3: nothing of that id is there; another document is, and is taken when a person has seen what it is"""
    monkeypatch.setenv("WHERRY_ACTOR", "anna")
    with shop(tmp_path, document="invoice") as made:
        made.session()
        made.run()
        made.session()
        ids = {one["RefNumber"]: one["id"] for one in made.written("Invoice")}
        made.desktop.remove(ids["536365"])
        made.memo("536365", "Back door")
        made.run()
        made.session()
        [one] = refused(made)
        line = {"ItemRef": {"FullName": "Hand warmer"}, "Desc": "Hand warmer", "Quantity": "1", "Rate": "9.99"}
        other = made.desktop.enter("Invoice", CustomerRef={"FullName": "17850"}, TxnDate="2010-12-01",
                                   RefNumber="9", InvoiceLineAdd=[line])  # fmt: skip
        told: list[Any] = []
        for word in ("1F-404", other, other):
            deciding.adopt(made.hub, one.item.id, word)
            told.append(made.waiting().get("unknown", 0))
            made.session()
            with made.hub.store.read() as tx:
                told += [placed.item.reason for placed in items_in(tx, ["decide"])]
        assert told[:2] == [1, "books holds no invoice 1F-404, which anna said it is; nothing was linked"]
        assert told[2] == 1
        assert "which anna said it is, differs: " in told[3]
        assert told[4:] == [0]
        assert not any(made.waiting().values())


def test_what_a_person_edited_there_is_not_taken_back_until_somebody_says_so(tmp_path: Path) -> None:
    """case_E16: a void has no edit sequence, so what was edited is found by looking first."""
    with shop(tmp_path, document="invoice") as made:
        made.session()
        made.run()
        made.session()
        [there] = [one["id"] for one in made.written("Invoice") if one["RefNumber"] == "536365"]
        made.desktop.change(there, TxnDate="2010-11-11")
        made.clock.advance(1)
        with made.hub.store.documents("workspace") as documents:
            [(id, held)] = [one for one in documents.each("invoice") if one[1]["fields"]["number"] == "536365"]
            documents.put("invoice", [(id, {**held, "fields": {**held["fields"], "status": "Void"}})])
        made.run()
        made.session()
        assert made.totals("Invoice") == TOTALS
        with made.hub.store.read() as tx:
            [one] = items_in(tx, ["differs"])
        assert "was not taken back: date is 2010-11-11 there" in one.item.reason
        deciding.retry(made.hub, [one])
        made.session()
        assert made.totals("Invoice")["536365"] == 0


def test_an_invoice_that_turned_into_a_credit_note_before_it_left_leaves_as_that_alone(tmp_path: Path) -> None:
    """case_C7, I10: and the other way round."""
    with shop(tmp_path, document="invoice") as made:
        made.session()
        for quantity in ("-6", "6", "-6"):
            made.imports(f"{CHARGES.splitlines()[0]}\nC1,1003,Hand warmer,{quantity},01/12/2010 08:28,1.85,17850,UK\n")
            made.clock.advance(1)
            made.run()
        made.session()
        assert [len(made.written(kind)) for kind in ("Invoice", "CreditMemo")] == [len(TOTALS), 1]


def test_a_customer_that_a_person_entered_with_its_number_is_not_made_again(made: Shop) -> None:
    """I2: whatever it is called there."""
    made.desktop.enter("Customer", Name="Seventeen Ltd", AccountNumber="17850")
    made.clock.advance(15_000)
    made.session()
    settled(made)
    once_each(made)
    assert {one["Customer"] for one in made.written("SalesOrder")} == {"Seventeen Ltd", "13047"}


def test_what_somebody_enters_by_hand_at_any_time_is_found_by_its_number_and_not_made_twice(made: Shop) -> None:
    """case_C20: QuickBooks would take the number twice."""
    for _ in range(2):
        made.run()
        made.session()
    customer, thing = (made.desktop.records(kind)[-1]["id"] for kind in ("Customer", "ItemNonInventory"))
    made.imports(f"{CHARGES.splitlines()[0]}\n536369,1002,Tin lantern,2,03/12/2010 08:45,2.75,17850,UK\n")
    line = {"ItemRef": {"ListID": thing}, "Amount": "5.50"}
    made.desktop.enter(
        "SalesOrder",
        CustomerRef={"ListID": customer},
        RefNumber="536369",
        TxnDate="2010-12-03",
        SalesOrderLineAdd=[line],
    )
    made.run()
    made.session()
    assert made.totals().keys() == {*TOTALS, "536369"}
    assert made.waiting()["decide"] == 1


def test_a_plan_of_entries_that_name_customers_looks_for_them_in_the_lists_that_are_kept(tmp_path: Path) -> None:
    """It ended as a fault of the plugin: a plan is one transaction, and its lists are documents."""
    (tmp_path / "tables").mkdir()
    rows = "product,,40100\nservice,,40100\nreceivable,11000,\n"
    (tmp_path / "tables" / "accounts.csv").write_text(f"category,debit,credit\n{rows}", "utf-8")
    with shop(tmp_path, document='journal"\naccounts = "tables/accounts.csv', more='currency = "GBP"') as made:
        made.session()
        told = made.hub.plan("invoices").data
        assert set(told["items"]) == {"customer", "journal_entry", "movement"}
        assert made.waiting() == {}


def test_a_run_before_the_first_session_says_what_to_do(tmp_path: Path) -> None:
    with shop(tmp_path) as fresh:
        report = fresh.run()
        assert report["error"]["code"] == "WHERRY-6852"
        assert "press Update" in report["error"]["fix"]


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        *((kind, "SalesOrderAdd") for kind in ("dies", "dies-executed", "unheard", "doubled", "late", "other-ticket")),
        ("dies-executed", "CustomerAdd"),
        ("lost", "Item.*Add"),
        ("closes", "CustomerAdd"),
    ],
)
def test_a_web_connector_that_fails_at_a_write_leaves_no_duplicate(made: Shop, kind: str, request_: str) -> None:
    made.desktop.mishaps.add(kind, request=request_)
    made.run()
    made.session()
    assert len(made.desktop.mishaps) == 0
    settled(made)
    once_each(made)


@pytest.mark.parametrize("kind", ["dies-executed", "late", "unheard"])
def test_our_own_end_with_a_write_on_its_way_leaves_no_duplicate(made: Shop, kind: str) -> None:
    made.desktop.mishaps.add(kind, request="SalesOrderAdd", after=1)
    made.run()
    made.session()
    made.restart()
    settled(made)
    once_each(made)


def test_an_answer_that_quickbooks_could_not_keep_is_looked_up(made: Shop) -> None:
    made.desktop.mishaps.add("hresult", request="SalesOrderAdd", done=True)
    made.run()
    made.session()
    settled(made)
    once_each(made)


def test_nothing_is_written_while_another_company_file_is_open(made: Shop) -> None:
    """case_F6"""
    made.run()
    made.desktop.mishaps.add("wrong-file")
    outcome = made.session()
    assert outcome.how == "error"
    assert "WHERRY-7850" in outcome.status
    assert "Larry's Landscaping" in outcome.status
    assert made.written() == made.desktop.records("SalesOrder", r"C:\QB\Landscaping.QBW") == []
    settled(made)
    once_each(made)


def test_a_changed_invoice_changes_its_sales_order_and_a_persons_edit_is_shown(made: Shop) -> None:
    """b_003_10: an update under the edit sequence; what a person changed is not written over."""
    made.run()
    made.session()
    made.memo("536365", "Deliver to the back door")
    settled(made)
    [changed] = [one for one in made.written() if one["RefNumber"] == "536365"]
    assert changed["Memo"].startswith("Deliver to the back door wherry:")
    assert made.totals() == TOTALS
    made.desktop.change(changed["id"], Memo="Mine")
    made.memo("536365", "Deliver at the front")
    made.run()
    made.session()
    assert made.waiting()["differs"] == 1
    [kept] = [one for one in made.written() if one["RefNumber"] == "536365"]
    assert kept["Memo"] == "Mine"


def test_what_somebody_had_open_is_sent_again_as_another_message_set(made: Shop) -> None:
    """case_A13: under the same id QuickBooks would give the refusal that it kept."""
    made.desktop.mishaps.add("status", code="3175", request="SalesOrderAdd")
    made.run()
    made.session()
    settled(made)
    once_each(made)


# -- what QuickBooks remembers, and what is remembered of it -----------------------------------------------------------


def sets(made: Shop, name: str) -> list[str]:
    """Ids of the message sets with a request of that name that QuickBooks was given, in order."""
    return [one.detail["id"] for one in made.desktop.history.effects("set") if name in one.detail["requests"]]


def test_a_lost_answer_is_asked_for_by_the_id_of_its_message_set(made: Shop) -> None:
    """case_A2: QuickBooks gives the answer that it kept, and does nothing a second time."""
    made.desktop.mishaps.add("dies-executed", request="SalesOrderAdd")
    made.run()
    made.session()
    [lost] = sets(made, "SalesOrderAdd")
    made.restart()
    made.session()
    assert sets(made, "SalesOrderAdd")[1] == lost
    assert len(made.desktop.history.effects("SalesOrder.add")) == len(TOTALS)
    once_each(made)


def test_quickbooks_forgets_a_message_set_when_nobody_may_send_it_again_and_not_before(made: Shop) -> None:
    made.run()
    made.session()
    kept = made.desktop.company().kept
    written = set(kept)
    assert written >= set(sets(made, "SalesOrderAdd"))
    made.clock.advance(80_000)
    made.session()
    assert set(kept) == written
    made.clock.advance(10_000)
    made.session()
    assert not set(kept) & written
    before = len(made.desktop.history.effects("set"))
    made.session()
    cleared = [one.detail["old"] for one in made.desktop.history.effects("set")[before:] if one.detail["old"]]
    assert cleared == []


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Each time that lists are read: those of which only the changes are."""
    told: list[list[str]] = []

    def read(ask: Any, version: str, kinds: Any, since: Any) -> Any:
        told.append(sorted(since))
        return real(ask, version, kinds, since)

    real = mirror.read
    monkeypatch.setattr(mirror, "read", read)
    return told


def test_of_long_lists_the_changes_are_read_and_once_a_day_the_whole(made: Shop, readings: list[list[str]]) -> None:
    made.run()
    made.session()
    assert readings == [], "what a look does not find is no reason"
    made.desktop.enter("Customer", Name="Delta Ltd", AccountNumber="D-4")
    made.clock.advance(15_000)
    made.session()
    assert readings == [["customer", "item"]]
    with made.hub.store.documents("qbwc") as documents:
        names = {one.row["Name"] for one in mirror.entries(documents, "books", "customer")}
    assert "Delta Ltd" in names
    assert len(names) == len(made.written("Customer"))
    made.clock.advance(86_400)
    made.session()
    assert readings[1:] == [[]]


def test_a_write_that_meets_a_name_the_lists_do_not_know_has_them_read_whole(
    made: Shop, readings: list[list[str]]
) -> None:
    made.desktop.mishaps.add("status", code="3100", request="CustomerAdd")
    made.run()
    made.session()
    assert readings == []
    made.session()
    assert readings == [[]]


def test_an_iterator_that_ended_is_begun_anew(made: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """b_003_02, case_F8: what was read before it ended counts for nothing."""
    monkeypatch.setattr(mirror, "PAGE", 2)
    made.desktop.mishaps.add("status", code="3391", request="CustomerQuery", after=1)
    made.clock.advance(100_000)
    assert made.session().how == "done"
    assert len(made.desktop.mishaps) == 0
    with made.hub.store.documents("qbwc") as documents:
        assert len(list(mirror.entries(documents, "books", "customer"))) == len(made.written("Customer")) > 2


def test_who_asks_again_for_a_request_gets_it_again(made: Shop) -> None:
    """A proxy may lose the answer to sendRequestXML, and call once more."""
    caller = Twice(made, "sendRequestXML")
    made.run()
    assert made.session(caller=caller).how == "done"
    once_each(made)


class Twice(Caller):
    """Makes each call of an operation twice, and goes by the second answer."""

    def __init__(self, made: Shop, operation: str) -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._twice = operation

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        answer = super()._answer(operation, told)
        return super()._answer(operation, told) if operation == self._twice else answer


def refused(made: Shop) -> list[Placed]:
    with made.hub.store.read() as tx:
        return items_in(tx, ["refused"])


def test_what_a_document_lacked_is_known_at_the_next_update_after_somebody_added_it(tmp_path: Path) -> None:
    """Lists that were read an hour ago would refuse it for hours more, whatever its sentence says to do."""
    with shop(tmp_path, multicurrency=True) as made:
        [pounds] = [one["id"] for one in made.desktop.records("Currency") if "British" in one["FullName"]]
        made.desktop.change(pounds, IsActive="false")
        made.session()
        made.run()
        made.session()
        held = refused(made)
        assert {one.item.entity for one in held} == {"customer"}
        assert "update again" in held[0].item.fix
        made.session()
        made.desktop.change(pounds, IsActive="true")
        made.session()
        deciding.retry(made.hub, held)
        settled(made)
        once_each(made)


def test_explain_tells_of_the_document_and_not_of_the_products_that_were_made_for_it(made: Shop) -> None:
    """I16: it was taken back while nobody called, and they were made later."""
    made.run()
    made.clock.advance(1)
    with made.hub.store.documents("workspace") as documents:
        [(id, held)] = [one for one in documents.each("invoice") if one[1]["fields"]["number"] == "536367"]
        held["fields"]["status"] = "Void"
        documents.put("invoice", [(id, held)])
    made.run()
    made.session()
    [told] = explaining.explain(made.hub, "536367")
    assert told["document"] == "sales order 536367"
    assert "is not in books" in told["sentence"]


def test_a_document_is_found_by_the_number_that_quickbooks_gave_it(made: Shop) -> None:
    """The Trans # of QuickBooks' reports."""
    made.run()
    made.session()
    with made.hub.store.read() as tx:
        told = [replies.parse(reply.body) for sink in (1, 2) for reply in replies_of(tx, sink)]
    rows = [row for one in told for answer in one.answers for row in answer.rows]
    id, number = next((row["TxnID"], row["TxnNumber"]) for row in rows if row.get("RefNumber") == "536366")
    [found] = explaining.explain(made.hub, number)
    assert (found["document"], found["target"]["id"]) == ("sales order 536366", id)
    with pytest.raises(NotFound):
        explaining.explain(made.hub, f"{number}00")
