"""Rows of calls in the store."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from wherry.records import Call, Reply
from wherry.store import Store, calls
from wherry.store.calls import CallRow
from wherry.testing.clock import FakeClock

LONG = 40_000
PAGE = 4_096


def test_settling_a_call_writes_nothing_anew_of_what_was_sent_and_answered(tmp_path: Path) -> None:
    call = Call(method="POST", path="things", body=os.urandom(LONG), items=("s",))
    with contextlib.closing(Store(f"sqlite:///{tmp_path / 'wherry.db'}", FakeClock(), tmp_path)) as store:
        row = CallRow(id=1, sink=1, state="sending", at=store.now(), call=call)
        with store.write() as tx:
            calls.put_calls(tx, [row])
        row.state, row.reply, row.answered_at = "answered", Reply(status=200, body=os.urandom(LONG)), store.now()
        with store.write() as tx:
            calls.put_calls(tx, [row])
        written = (log := tmp_path / "wherry.db-wal").stat().st_size
        with store.write() as tx:
            assert calls.find_calls(tx, 1, ["sending", "answered"]) == [row]
            calls.mark_calls(tx, [1], "settled")
        assert log.stat().st_size - written < 8 * PAGE
        with store.read() as tx:
            assert calls.calls_by_id(tx, [1])[1].state == "settled"
