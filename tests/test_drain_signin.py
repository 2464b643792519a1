"""A sign-in that becomes another company's while a drain is at work: nothing is sent or concluded with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.errors import Guarded
from wherry.hub import Hub
from wherry.protocol import flight

from .drained import TOKEN, Books, books

OTHER = "drain-canary-of-another-company"


class Filed(Books):
    """Books whose token lies in a file that somebody may replace."""

    @property
    def secret(self) -> Path:
        return self.folder / "token.txt"

    def open(self, clock: Any = None) -> Hub:
        super().open(clock).close()
        project = self.folder / "wherry.toml"
        project.write_text(project.read_text().replace('{ env = "BOOKS_TOKEN" }', f'{{ file = "{self.secret}" }}'))
        hub = Hub.open(self.folder, environ={}, clock=clock or self.clock)
        hub.store.database.pause = self._pause
        return hub


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filed]:
    url, told = f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", {OTHER: "T-2"}
    with books(tmp_path, url, monkeypatch, tokens=told) as made:
        filed = Filed(tmp_path, url, made.target, made.url)
        filed.secret.write_text(TOKEN)
        filed.bill("1")
        filed.run()
        yield filed


def companies(desk: Filed) -> set[str]:
    return {str(one.detail["company"]) for one in desk.target.stage.history.effects()}


def test_a_sign_in_of_another_company_that_comes_while_it_sends_is_not_sent_with(
    desk: Filed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I12, case_E6: the old token ended in the same moment, as after a mistake in a vault"""
    real, sent = flight.exchange, list[str]()

    def exchange(target: flight.Target, one: flight.Exchange) -> flight.Exchange:
        sent.append(one.row.call.path)
        if len(sent) == 2:
            desk.secret.write_text(OTHER)
        return real(target, one)

    monkeypatch.setattr(flight, "exchange", exchange)
    desk.bills(5)
    desk.fault("expired", after=1)
    report = desk.run()
    assert isinstance(report.error, Guarded)
    assert companies(desk) == {"T-1"}
    desk.secret.write_text(TOKEN)
    assert desk.run().exit_code == 0
    assert companies(desk) == {"T-1"}
    assert [desk.done(str(number)) for number in range(2, 6)] == [[("created", f"{n}.10")] for n in range(2, 6)]


def test_what_a_look_into_another_company_told_is_not_believed(desk: Filed) -> None:
    """It holds nothing of ours: taken for proof of absence, everything would be sent once more"""
    desk.bill("2", "20.00")
    desk.fault("lost")

    def swapped() -> None:
        desk.secret.write_text(OTHER)
        desk.target.stage.faults.add("expired", method="GET", path="things")

    desk.clock.at(5.0, swapped)
    assert isinstance(desk.run().error, Guarded)
    assert desk.item("2").state == "unknown"
    desk.secret.write_text(TOKEN)
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "20.00")]


def test_another_sign_in_of_the_same_company_is_gone_on_with(desk: Filed, monkeypatch: pytest.MonkeyPatch) -> None:
    real = flight.exchange

    def exchange(target: flight.Target, one: flight.Exchange) -> flight.Exchange:
        desk.secret.write_text("drain-canary-renewed-by-hand")
        return real(target, one)

    monkeypatch.setattr(flight, "exchange", exchange)
    desk.bills(4)
    desk.fault("expired", after=1)
    assert desk.run().exit_code == 0
    assert [desk.done(str(number)) for number in range(2, 5)] == [[("created", f"{n}.10")] for n in range(2, 5)]
