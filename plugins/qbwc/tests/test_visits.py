"""What a sink is told while nobody is there: the latest session's answer, and never for what it is sending."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.errors import TryAgain
from wherry.hub import Hub
from wherry.operating import deciding, desk, reconciling, reopening
from wherry.records import Call
from wherry_qbwc import statements
from wherry_qbwc.line import GONE, Line, Wire
from wherry_qbwc.visits import Visits

from .test_forms import void
from .work_rig import NAME, shop

BODY = b"<QBXML/>"
CALL = Call(method="POST", path="qbxml", items=("s",), body=BODY)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with shop(tmp_path) as made:
        yield made.hub


def visits(hub: Hub, line: Line) -> Visits:
    return Visits(line, NAME, hub.wiring.services(hub.wiring.connection(NAME)))


def tell(hub: Hub, now: dt.datetime) -> None:
    with hub.store.documents("qbwc") as documents:
        asked = statements.open_questions(documents, NAME, now)
        statements.keep(documents, NAME, {one: [{"answer": f"told {one.content}"}] for one in asked}, now)


def test_all_that_is_expected_is_asked_at_once_and_told_by_the_next_session(hub: Hub) -> None:
    away = visits(hub, Line())
    away.expect([CALL, Call(method="POST", path="qbxml", items=("t",), body=b"<other/>")])
    with pytest.raises(TryAgain) as caught:
        away.read("POST", "qbxml", content=BODY)
    assert caught.value.code == "WHERRY-6855"
    tell(hub, hub.clock.now())
    assert away.read("POST", "qbxml", content=BODY).content == b"told <QBXML/>"
    assert away.read("POST", "qbxml", content=b"<other/>").content == b"told <other/>"


def test_what_is_looked_up_while_sending_is_never_told_from_memory(hub: Hub) -> None:
    """case_A26: an answer of an earlier session would say that what was sent since is not there."""
    line, wire = Line(), Wire()
    away = visits(hub, line)
    with pytest.raises(TryAgain):
        away.read("POST", "qbxml", content=BODY)
    tell(hub, hub.clock.now())
    line.admit(wire)
    assert away.present
    wire.end()
    assert not away.present
    for ask in (lambda: away.read("POST", "qbxml", content=BODY), lambda: away.send(CALL)):
        with pytest.raises(TryAgain) as caught:
            ask()
        assert caught.value.code == GONE


def test_what_a_restored_company_file_holds_of_what_was_taken_back_is_told_and_decided_with_two_visits(
    tmp_path: Path,
) -> None:
    """I3: the one asks, the other tells."""
    with shop(tmp_path) as made:
        made.session()
        made.run()
        made.session()
        backup = copy.deepcopy(made.desktop.company().records)
        void(made, "536365")
        made.run()
        made.session()
        made.desktop.company().records = backup
        with pytest.raises(TryAgain):
            reconciling.reconcile(made.hub, "invoices")
        made.session()
        told = reconciling.reconcile(made.hub, "invoices").differences
        assert [(one.what, one.record) for one in told] == [("stands", "invoice INV-1001")]
        with pytest.raises(TryAgain):
            reopening.reopen(made.hub, "536365")
        made.session()
        [one] = reopening.reopen(made.hub, "536365").items
        deciding.retry(made.hub, desk.pick(made.hub, [int(one["id"][2:])]))
        made.session()
        closed = [order["RefNumber"] for order in made.written() if order.get("IsManuallyClosed") == "true"]
        assert closed == ["536365"]
