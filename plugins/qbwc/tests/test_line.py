"""The line to QuickBooks: a repetition that nobody took, waits that end, and whose thread may send."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from wherry.errors import TryAgain
from wherry.records import Call
from wherry_qbwc.line import GONE, Line, Wire
from wherry_qbwc.simulator import Unanswered
from wherry_qbwc.simulator.calling import Caller

from .test_work import once_each, sets
from .work_rig import CHARGES, NAME, Shop, shop

NEW = "536400,1001,Oak bench,1,05/12/2010 08:26,2.55,17850,United Kingdom\n"
SOON = {"untaken": 0.02, "unanswered": 0.02, "look_every": 0.01}


class Leaving(Caller):
    """A Web Connector that goes before it takes the n-th request."""

    def __init__(self, made: Shop, number: int) -> None:
        super().__init__(f"{made.url}/hooks/qbwc/{NAME}", http=made.http)
        self._left = number

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        self._left -= operation == "sendRequestXML"
        if not self._left:
            raise Unanswered(operation, "the computer is off")
        return super()._answer(operation, told)


def test_a_repetition_that_no_session_took_is_offered_to_the_next_one(tmp_path: Path) -> None:
    """case_A5: however many sessions ended before they took it, it is asked for by the id of its message set."""
    with shop(tmp_path) as made:
        made.session()
        made.desktop.mishaps.add("dies-executed", request="SalesOrderAdd")
        made.run()
        made.session()
        [lost] = sets(made, "SalesOrderAdd")
        for _ in range(4):
            assert made.session(caller=Leaving(made, 2)).how == "broken"
        made.restart()
        made.session()
        assert sets(made, "SalesOrderAdd")[:2] == [lost, lost]
        once_each(made)


def asked(wire: Wire) -> TryAgain:
    with pytest.raises(TryAgain) as caught:
        wire.ask(b"<QBXML/>")
    return caught.value


def test_who_waits_for_a_web_connector_that_comes_no_more_is_told_so() -> None:
    wire = Wire(**SOON)
    error = asked(wire)
    assert (error.code, error.where["sent"]) == ("WHERRY-6858", "no")
    assert wire.over
    assert asked(wire).where["sent"] == "no"


def test_what_was_taken_and_never_answered_may_have_been_done() -> None:
    """I4"""
    wire = Wire(untaken=60, unanswered=0.02, look_every=0.01)
    threading.Thread(target=lambda: (wire.wait(10), wire.take()), daemon=True).start()
    error = asked(wire)
    assert (error.code, error.where["sent"]) == ("WHERRY-6858", "perhaps")


def test_a_session_that_another_process_has_taken_over_ends_here() -> None:
    """Else its worker would keep the drain's lock for good, and nothing would ever leave."""
    error = asked(Wire(lambda: True, look_every=0.01))
    assert (error.code, error.where["sent"]) == ("WHERRY-6857", "no")
    assert "one wherry serve alone" in error.fix


def test_only_the_thread_of_the_session_sends() -> None:
    line, wire = Line(), Wire()
    threads = [threading.Thread(target=line.admit, args=(wire,))]
    threads[0].start()
    threads[0].join()
    with pytest.raises(TryAgain) as caught:
        line.send(Call(method="POST", path="qbxml", items=("a",), body=b"<QBXML/>"))
    assert (caught.value.code, caught.value.where["sent"]) == (GONE, "no")


def test_a_store_that_is_restored_on_a_new_machine_writes_nothing_that_quickbooks_was_told_to_forget(
    tmp_path: Path,
) -> None:
    """case_A21, I2: the answers by which a repetition would be known were cleared since the backup was made."""
    with shop(tmp_path) as made:
        made.session()
        made.run()
        made.session()
        made.run()  # from here on nothing is looked for before it is made
        made.imports(CHARGES + NEW)
        made.run()
        made.stop()
        kept = tmp_path / ".wherry"
        backup = [(path, path.read_bytes()) for path in kept.glob("wherry.db*") if path.is_file()]
        made.start()
        made.session()
        before = made.totals()
        assert "536400" in before
        made.clock.advance(3 * 86_400)
        made.session()
        assert made.desktop.company().kept == {}
        made.stop()
        for path, content in backup:
            path.write_bytes(content)
        (kept / "calls-sent").unlink()
        made.start()
        made.session()
        made.run()
        made.session()
        assert made.totals() == before
        assert not {"queued", "unknown", "decide"} & {state for state, number in made.waiting().items() if number}
