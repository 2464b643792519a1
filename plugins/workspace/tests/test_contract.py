"""The kit's suite for sources, on invoices: what every source must keep to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from wherry.records import Item
from wherry.testing.clock import FakeClock
from wherry.testing.services import services
from wherry.testing.sources import SourceSuite, Trial
from wherry_workspace import work
from wherry_workspace.sink import WorkspaceSink
from wherry_workspace.source import WorkspaceSource

PAGE = 4


class TestInvoices(SourceSuite):
    @pytest.fixture
    def trial(self, tmp_path: Path):
        clock = FakeClock()
        with services(tmp_path, connection="platform", clock=clock) as kit:
            sink = WorkspaceSink(kit.documents, clock, "workspace")
            customer = _write(kit, sink, [Item(entity="customer", key="id:1", body={"name": "Acme Rail"})])[0]

            def create(count: int) -> Sequence[str]:
                body = {"date": "2026-01-31", "customer": customer}
                items = [
                    Item(entity="invoice", key=f"id:{clock.monotonic()}/{n}", body={**body, "number": str(n)})
                    for n in range(count)
                ]
                return _write(kit, sink, items)

            def change(name: str) -> None:
                with kit.documents() as documents:
                    work.edit(documents, "invoice", name, {"memo": f"at {clock.now()}"})

            def write(name: str, text: str) -> str:
                with kit.documents() as documents:
                    work.edit(documents, "invoice", name, {"memo": text})
                return str(holds(name)["memo"])

            def holds(name: str) -> dict[str, Any]:
                with kit.documents() as documents:
                    fields = documents.get("invoice", [name])[name]["fields"]
                return {"memo": fields.get("memo", ""), "number": fields["number"], "customer": customer}

            def remove(name: str) -> None:
                with kit.documents() as documents:
                    documents.remove("invoice", [name])

            yield Trial(
                make=lambda: WorkspaceSource(kit.documents, "workspace", PAGE),
                kind="invoice",
                fields=("memo", "customer", "number"),
                relatives={"customer": ("name",)},
                create=create,
                change=change,
                wait=clock.advance,
                clock=clock,
                page=PAGE,
                write=write,
                holds=holds,
                remove=remove,
                family=lambda name: {"customer": [customer]},
            )


def _write(kit, sink: WorkspaceSink, items: Sequence[Item]) -> list[str]:
    with kit.documents() as documents:
        return [answer.target for answer in sink.apply(documents, items)]
