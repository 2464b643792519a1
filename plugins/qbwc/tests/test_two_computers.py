"""Two computers have the application in their Web Connectors: one takes a request and comes to it when another is done.

Nothing tells Wherry of it: the first may sleep for days with a request in hand, and execute it when it wakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from lxml import etree
from wherry_qbwc import twins
from wherry_qbwc.simulator import Unanswered
from wherry_qbwc.simulator.calling import Caller
from wherry_qbwc.simulator.program import Session
from wherry_qbwc.words.sets import claiming

from .test_work import SESSIONS, once_each, sets, settled
from .work_rig import NAME, TOTALS, Shop, shop

DAY = 90_000.0
"""Seconds: more than a lost request is sent again for."""
ITEMS = ("Oak bench", "Tin lantern", "Hand warmer")
STAMPED = f"wherry:{'k3xq7amz2f' * 2}wxyzab"
HANDED_OUT = b"SalesOrderAddRq"


class Sleeping(Caller):
    """A Web Connector that takes the first request with an order, and comes to it after what happens ``meanwhile``."""

    def __init__(self, made: Shop, meanwhile: Callable[[], object]) -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._meanwhile, self._slept = meanwhile, False

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        answer = super()._answer(operation, told)
        if HANDED_OUT in answer and not self._slept:
            self._slept = True
            self._meanwhile()
        return answer


class Losing(Caller):
    """A Web Connector that dies with the answer to a write, such as an order."""

    def __init__(self, made: Shop, request: str = "SalesOrderAdd") -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._lost = f"{request}Rs"

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        if operation == "receiveResponseXML" and self._lost in str(told["response"]):
            raise Unanswered(operation, "the computer is off")
        return super()._answer(operation, told)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Shop]:
    with shop(tmp_path) as one:
        assert one.session().how == "done"
        one.run()
        yield one


def later(made: Shop, *seconds: float) -> Callable[[], None]:
    """Another computer comes after so long each time."""

    def come() -> None:
        for one in seconds:
            made.clock.advance(one)
            made.session()

    return come


@pytest.mark.parametrize("seconds", [(0.0,), (DAY,), (0.0, DAY)], ids=["at once", "a day later", "now and then"])
def test_a_computer_that_wakes_with_a_request_another_one_has_done_does_it_no_more(
    made: Shop, seconds: tuple[float, ...]
) -> None:
    """case_A2, I2: another sends it again, or finds nothing of it and sends it anew; a day later its id is not cleared,
    as that of a request is that nobody else was given."""
    outcome = made.session(caller=Sleeping(made, later(made, *seconds)))
    assert outcome.how == "error", "its session was taken over"
    settled(made)
    once_each(made)
    assert len(made.desktop.history.effects("SalesOrder.add")) == len(TOTALS)


def test_what_was_not_found_is_sent_anew_only_once_the_first_can_do_nothing_more(made: Shop) -> None:
    """case_A2: QuickBooks refuses other content under an id that it knows (9001), so the look takes the id first."""
    made.session(caller=Sleeping(made, later(made, DAY)))
    ids = sets(made, "SalesOrderAdd")
    assert ids.count(ids[0]) == 1
    [taken] = [one for one in made.desktop.company().kept if one == ids[0]]
    assert 'messageSetStatusCode="9001"' in Session(made.desktop.company(), made.desktop.mishaps).execute(
        claiming(taken).decode().replace("HostQuery", "CompanyQuery")
    )


def test_a_look_whose_claim_quickbooks_does_not_keep_proves_nothing(made: Shop) -> None:
    made.desktop.mishaps.add("unstored", request="HostQuery")
    made.session(caller=Sleeping(made, later(made, DAY)))
    assert len(made.desktop.mishaps) == 0
    settled(made)
    once_each(made)


def test_a_claim_at_which_quickbooks_fails_each_time_holds_up_nothing_else(made: Shop) -> None:
    """I20: what is lost by it ends with a person, and all that waits behind it leaves."""
    made.desktop.mishaps.add("dies", request="SalesOrderAdd")
    made.session()
    made.clock.advance(DAY)
    made.desktop.mishaps.add("hresult", request="^HostQuery$", times=100)
    for _ in range(SESSIONS):
        made.session()
    assert len(made.written()) == len(TOTALS) - 1
    assert {state: count for state, count in made.waiting().items() if count} == {"decide": 1}


def test_what_a_person_has_made_another_of_meanwhile_is_known_by_what_quickbooks_answered(made: Shop) -> None:
    """case_C18, I2: neither number nor memo tells that it is ours; for an item of the list nothing ever did."""
    made.session(caller=Losing(made, "ItemNonInventoryAdd"))
    item = made.written("ItemNonInventory")[-1]
    assert item["FullName"] in ITEMS
    made.desktop.change(item["id"], Name="Called otherwise", ManufacturerPartNumber="X-1")
    made.clock.advance(DAY)
    made.session(caller=Losing(made))
    [order] = made.written()
    made.desktop.change(order["id"], RefNumber="BY-HAND", Memo="", TxnDate="2010-11-11")
    made.clock.advance(DAY)
    settled(made)
    numbers = sorted(one["RefNumber"] for one in made.written())
    assert numbers == sorted({*TOTALS, "BY-HAND"} - {order["RefNumber"]})
    assert made.waiting()["differs"] == 2, "a person is shown both"
    written = [one for one in made.desktop.history.effects("ItemNonInventory.add") if one.detail.get("request")]
    assert len(written) == len(ITEMS)


def test_a_claim_is_a_message_set_as_intuit_has_it(complaints: Callable[[bytes], list[str]]) -> None:
    told = claiming("k3xq7amz2fwe5dhr6tby4cp")
    assert complaints(told) == []
    assert etree.fromstring(told).xpath("//@newMessageSetID") == ["k3xq7amz2fwe5dhr6tby4cp"]


def test_should_quickbooks_do_both_at_once_somebody_is_told_until_one_is_gone(made: Shop) -> None:
    """No program outside can keep it from that; what was on its way with another is counted again, for days."""
    made.session(caller=Losing(made))
    made.session()
    with made.hub.store.documents("qbwc") as documents:
        [asked] = [body["content"] for _, body in documents.each("doubt")]
    assert asked.count("SalesOrderQueryRq ") == 1, "all that is recent is not asked for each time"
    [first, *_] = made.written()
    held = made.desktop.company().records[first["id"]]
    kept = ("CustomerRef", "RefNumber", "TxnDate", "Memo")
    lines = [{name: body[name] for name in ("ItemRef", "Quantity", "Amount")} for _, body in held.lines]
    twin = made.desktop.enter("SalesOrder", **{name: held.body[name] for name in kept}, SalesOrderLineAdd=lines)
    for _ in range(2):
        made.clock.advance(600)
        outcome = made.session()
        assert (outcome.how, "WHERRY-7852" in outcome.status) == ("error", True)
        assert f"{first['RefNumber']} 2 times ({first['id']}, {twin})" in outcome.status
    made.desktop.remove(twin)
    for _ in range(7):
        made.clock.advance(7 * 86_400)
        assert made.session().how == "done"
    with made.hub.store.documents("qbwc") as documents:
        assert documents.count("doubt") == 0


def test_two_documents_of_one_number_that_say_something_else_are_no_twins() -> None:
    """A source may give a number twice, to two customers say; what was corrected says something else as well."""
    told = {"TxnID": "1", "RefNumber": "7", "TxnDate": "2026-01-05", "TotalAmount": "5.00", "Memo": STAMPED}

    def answer(*rows: dict[str, str]) -> str:
        said = ["".join(f"<{name}>{text}</{name}>" for name, text in row.items()) for row in rows]
        shown = "".join(f"<InvoiceRet>{one}</InvoiceRet>" for one in said)
        inside = f'<InvoiceQueryRs requestID="a" statusCode="0" statusSeverity="Info">{shown}</InvoiceQueryRs>'
        return f"<QBXML><QBXMLMsgsRs>{inside}</QBXMLMsgsRs></QBXML>"

    assert [len(group) for group in twins.found(answer(told, {**told, "TxnID": "2"}))] == [2]
    others = ({"TotalAmount": "6.00"}, {"TxnDate": "2026-01-06"}, {"Memo": "by hand"}, {"Memo": f"VOID: {STAMPED}"})
    for other in others:
        assert twins.found(answer(told, {**told, "TxnID": "2", **other})) == []
