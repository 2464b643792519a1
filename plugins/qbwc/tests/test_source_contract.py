"""The kit's suite for sources, on the lists that a session keeps of a company file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from wherry.roles import Connection
from wherry.testing.services import SharedClock, services
from wherry.testing.sources import SourceSuite, Trial
from wherry_qbwc import source
from wherry_qbwc.settings import QbwcSettings
from wherry_qbwc.source import QbwcSource

from .company_bench import desktop
from .test_sink_contract import NAME, read

PAGE = 4
"""It stands for the five hundred that a page holds."""


class TestCustomers(SourceSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
        monkeypatch.setattr(source, "CHUNK", PAGE)
        sim, numbers = desktop(sample=False), count(1)
        with services(tmp_path, connection=NAME, clock=SharedClock(sim.clock)) as core:
            connection = Connection(NAME, "qbwc", QbwcSettings())

            def did(act: Callable[..., Any]) -> Callable[..., Any]:
                """What a person did is seen once the Web Connector was here."""

                def seen(*given: Any) -> Any:
                    done = act(*given)
                    read(sim, core)
                    return done

                return seen

            def create(wanted: int) -> Sequence[str]:
                return [sim.enter("Customer", Name=f"Thing {next(numbers)}") for _ in range(wanted)]

            def write(name: str, text: str) -> str:
                sim.change(name, CompanyName="".join(one for one in text if one.isprintable())[:41] or "x")
                return str(holds(name)["CompanyName"])

            def holds(name: str) -> dict[str, Any]:
                body = sim.company().records[name].body
                return {field: body.get(field) for field in ("CompanyName", "Name")}

            did(create)(0)
            yield Trial(
                make=lambda: QbwcSource(connection, core), kind="customer", fields=("CompanyName", "Name", "FullName"),
                create=did(create), change=did(lambda name: sim.change(name, CompanyName=f"at {sim.clock.now()}")),
                wait=sim.clock.advance, clock=SharedClock(sim.clock), page=PAGE, write=did(write),
                holds=holds, remove=did(sim.remove),
            )  # fmt: skip
