"""The kit's suite for sinks that live in the hub's own store: documents with lines and references, and plain things."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry.records import Item
from wherry.roles import Services
from wherry.testing.atomic import AtomicSinkSuite, AtomicTrial
from wherry.testing.clock import FakeClock
from wherry.testing.services import services
from wherry_workspace import work
from wherry_workspace.sink import WorkspaceSink

CUSTOMER = Item(entity="customer", key="id:1", body={"name": "Acme Rail"})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kit(tmp_path: Path, clock: FakeClock) -> Iterator[Services]:
    with services(tmp_path, connection="platform", clock=clock) as made:
        yield made


def thing(entity: str, number: int, customer: str) -> Item:
    """The n-th thing to write, always the same."""
    money = {"minor": 250 + number, "currency": "USD"}
    bodies: dict[str, dict[str, Any]] = {
        "invoice": {
            "number": f"N-{number}", "date": "2026-01-31", "customer": customer, "memo": "from the yard",
            "total": money, "lines": [{"service": "Storage", "quantity": "2", "rate": "1.25", "amount": money}],
        },
        "product": {"name": f"Thing {number}", "sku": f"T-{number}", "description": "Oak", "price": "1.25"},
        "project": {
            "name": f"Fence {number}", "stage": "won", "customer": customer, "amount": money,
            "lines": [{"name": "Post", "source": "901", "quantity": "4", "price": "10.50"}],
        },
    }  # fmt: skip
    return Item(entity=entity, key=f"id:{number}", body=bodies[entity])


FIELD = {"invoice": "memo", "product": "description", "project": "stage"}
OTHER = {"invoice": {"date": "2026-02-01"}, "product": {"price": "3"}, "project": {"name": "Gate"}}


class TestSink(AtomicSinkSuite):
    @pytest.fixture(params=["invoice", "product", "project"])
    def trial(self, request: pytest.FixtureRequest, kit: Services, clock: FakeClock) -> AtomicTrial:
        entity, sink = request.param, WorkspaceSink(kit.documents, clock, "workspace")
        with kit.documents() as documents:
            customer = sink.apply(documents, [CUSTOMER])[0].target

        def edit(target: str, field: str, text: str) -> None:
            with kit.documents() as documents:
                work.edit(documents, entity, target, {field: text})

        first = thing(entity, 0, customer)
        return AtomicTrial(
            make=lambda: WorkspaceSink(kit.documents, clock, "workspace"),
            opened=kit.documents,
            items=lambda count: [thing(entity, number, customer) for number in range(count)],
            changed=lambda item: {**copy.deepcopy(item.body), FIELD[entity]: "Another", **OTHER[entity]},
            field=FIELD[entity],
            wait=clock.advance,
            gone={"invoice": "INV-99999", "product": "I-99999", "project": "P-99999"}[entity],
            bad=Item(entity=entity, key="id:bad", body={**first.body, "name": 4, "number": 4}),
            dangling=None if entity == "product" else _for_nobody(first),
            edit=edit,
        )


def _for_nobody(item: Item) -> Item:
    return Item(entity=item.entity, key="id:dangling", body={**item.body, "customer": "C-99999"})
