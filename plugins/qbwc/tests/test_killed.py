"""``wherry serve`` is killed (kill -9) in the middle of sessions, and started again: real processes, real time."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from wherry.hub import Hub
from wherry.store import ledger
from wherry_qbwc import passwords, sessions
from wherry_qbwc.simulator import Outcome, QbwcSimulator
from wherry_qbwc.simulator.calling import Caller
from wherry_workspace.charge_import import import_charges
from wherry_workspace.layouts import ONLINE_RETAIL

from .work_rig import CHARGES, NAME, PROJECT, TOTALS, once

SERVE = [sys.executable, "-c", "from wherry.cli import main; main()", "serve", "--port", "0", "--output", "json"]
Process = subprocess.Popen[str]


class Killing(Caller):
    """A Web Connector's calls. At the n-th answer that tells of a request, the service is killed: before it has the
    answer, or while it works on it."""

    def __init__(self, url: str, http: httpx.Client, process: Process, request: str, number: int, after: float) -> None:
        super().__init__(url, http=http)
        self._process, self._request, self._left, self._after = process, f"{request}Rs", number, after

    def _answer(self, operation: str, told: Mapping[str, str | int]) -> bytes:
        if self._left <= 0:  # however fast it was: nothing follows what it was to be killed at
            self._process.wait(10)
        if operation == "receiveResponseXML" and self._request in str(told["response"]):
            self._left -= 1
            if not self._left and self._after:
                threading.Timer(self._after, self._process.kill).start()
            elif not self._left:
                self._process.kill()
                self._process.wait(10)
        return super()._answer(operation, told)


class Place:
    """The project and the computer. The service comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.desktop, self.http = folder, QbwcSimulator(), httpx.Client(timeout=60)
        (folder / "wherry.toml").write_text(PROJECT.format(document="sales-order", more=""), "utf-8")
        (folder / "charges.csv").write_text(CHARGES, "utf-8")
        access, self.password = passwords.rotated(passwords.new(NAME), "2026-01-01T00:00:00.000Z")
        self.user = access.user
        with self.hub() as hub:
            with hub.store.documents("qbwc") as documents:
                passwords.save(documents, NAME, access)
            with hub.store.documents("workspace") as documents:
                import_charges(documents, ONLINE_RETAIL, folder / "charges.csv", "GBP", now=hub.clock.now())

    @contextlib.contextmanager
    def hub(self) -> Iterator[Hub]:
        with Hub.open(self.folder, environ={}) as hub:
            yield hub

    @contextlib.contextmanager
    def served(self) -> Iterator[tuple[Process, str]]:
        with subprocess.Popen(SERVE, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONUNBUFFERED": "1"}) as process:  # fmt: skip
            try:
                assert process.stdout is not None
                url = json.loads(process.stdout.readline())["data"]["url"]
                yield process, f"{url}/hooks/qbwc/{NAME}"
            finally:
                process.kill()

    def update(self, url: str, caller: Caller | None = None) -> Outcome:
        """Somebody presses Update, three minutes after whatever was before."""
        with self.hub() as hub, hub.store.documents("qbwc") as documents:
            for name, held in list(documents.each(sessions.KIND)):
                before = dt.datetime.fromisoformat(held["seen_at"]) - dt.timedelta(seconds=sessions.SILENCE)
                documents.put(sessions.KIND, [(name, {**held, "seen_at": before.isoformat()})])
        connector = self.desktop.connect(url, self.user, self.password, http=self.http, wait=lambda seconds: None)
        connector.caller = caller or connector.caller
        return connector.session()

    def run(self) -> dict[str, int]:
        """What waits after a run."""
        with self.hub() as hub:
            hub.run("invoices")
            with hub.store.read() as tx:
                return {state: sum(told.values()) for state, told in ledger.count_open(tx, "invoices").items()}


@pytest.mark.parametrize("after", [0.0, 0.004], ids=["before it has the answer", "while it has it"])
def test_killed_in_the_middle_of_sessions_it_goes_on_and_writes_nothing_twice(tmp_path: Path, after: float) -> None:
    """case_A1, case_A2, I2, I3"""
    place = Place(tmp_path)
    with place.served() as (process, url):
        assert place.update(url).how == "done"
        assert place.run()["queued"] > 0
        outcome = place.update(url, Killing(url, place.http, process, "SalesOrderAdd", 2, after))
        assert outcome.how == "broken"
        assert process.wait(10) == -9
    assert len(place.desktop.records("SalesOrder")) >= 2
    with place.served() as (_, url):
        assert place.update(url).how == "done"
        assert not any(place.run().values())
        assert place.update(url).how == "done"
    assert once(place.desktop.records("SalesOrder")) == TOTALS
