"""The kit's own target on trial: how the checks of ``wherry.testing.sinks`` are given it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wherry.http import Http, Profile
from wherry.money import parse
from wherry.records import Item
from wherry.roles import CallSinkWriter
from wherry.simulator import Entry
from wherry.testing.holding import Holding, Line
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sink_trial import SinkTrial, stamp_of
from wherry.testing.target import LONGEST, Ability, Target
from wherry.testing.target_sink import TargetSink, make, said

START = "2026-01-05T09:00:00Z"
Make = Callable[[Http, Ability, int], TargetSink]
NOT_HELD = (
    "due_date", "email", "phone", "website", "street", "city", "region", "postal_code", "country", "description",
)  # fmt: skip
"""Fields that the target has no place for."""


def usual(http: Http, ability: Ability, batch: int) -> TargetSink:
    """The sink as it should be."""
    return make(http, ability, batch=batch)


@contextmanager
def target_trial(
    target: Target, url: str, folder: Path, entity: str = "invoice", batch: int = 1, made: Make = usual
) -> Iterator[SinkTrial]:
    """A trial of the target that is served at ``url``; ``made`` makes the sink, so that a wrong one can be tried."""
    customer = target.enter("customer", name="Acme Rail")
    product = target.enter("product", name="Sleeper", number="S-1")
    clock = SharedClock(target.stage.clock)
    with services(folder, clock=clock) as told:

        def sink() -> CallSinkWriter:
            return made(told.http(Profile(base_url=url)), target.ability, batch)

        yield SinkTrial(
            make=sink,
            stage=target.stage,
            items=lambda count: [item_of(entity, number, customer, product) for number in range(count)],
            changed=changed,
            wait=target.stage.clock.advance,
            effects=lambda item: effects_of(target, item),
            latest=target.lag,
            rejected=too_long(item_of(entity, 0, customer, product)),
            enter=lambda item: target.enter(entity, **said(item)),
            twin=lambda item: target.enter(entity, **said(item), stamp=item.stamp),
            edit=lambda id: target.edit(id, note="looked at"),
            renumber=lambda id: target.edit(id, **{"number" if entity == "invoice" else "name": "R-1"}),
            pays=(lambda id: target.edit(id, status="paid")) if entity == "invoice" else None,
            muddle=lambda: setattr(target, "muddled", True),
            refused=for_nobody(item_of(entity, 1, customer, product)) if entity == "invoice" else None,
            gone="X-99999",
            holds=lambda item: held(target, item),
            move=lambda: target.reach("T-2"),
            voids=entity == "invoice",
            ignored=NOT_HELD,
            secret=SECRET,
        )


def item_of(entity: str, number: int, customer: str, product: str) -> Item:
    """The n-th thing to write, always the same."""
    body: dict[str, Any] = {"name": f"Thing {number}", "number": f"N-{number}"}
    if entity == "invoice":
        amounts = [125 + number, 1_000]
        lines = [{"product": product, "quantity": "2", "amount": money(minor)} for minor in amounts]
        body = {"number": f"INV-{number}", "date": "2026-01-05", "customer": customer, "total": money(sum(amounts)),
                "memo": "by rail", "lines": lines}  # fmt: skip
    key = f"id:{number}"
    return Item(entity=entity, key=key, body=body, label=f"{entity} {number}", stamp=stamp_of(f"{entity} {key}"))


def money(minor: int) -> dict[str, Any]:
    """An amount as bodies hold it."""
    return {"minor": minor, "currency": "GBP"}


def changed(item: Item) -> dict[str, Any]:
    """The body with a line of one pound more; of a customer, with another number."""
    body = copy.deepcopy(item.body)
    if item.entity != "invoice":
        return {**body, "number": f"{body['number']}b"}
    body["lines"].append({"description": "Carriage", "quantity": "1", "amount": money(100)})
    return {**body, "total": money(body["total"]["minor"] + 100)}


def too_long(item: Item) -> Item:
    """An item that the target cannot take."""
    field = "number" if item.entity == "invoice" else "name"
    body = {**item.body, field: "x" * (LONGEST + 1)}
    return msgspec.structs.replace(item, key="id:long", body=body, stamp=stamp_of("too long"))


def for_nobody(item: Item) -> Item:
    """An item that the target refuses: whom it is for is not there."""
    body = {**item.body, "number": "INV-R", "customer": "X-99999"}
    return msgspec.structs.replace(item, key="id:refused", body=body, stamp=stamp_of("refused"))


def held(target: Target, item: Item) -> Holding | None:
    """What the target holds of an item."""
    thing = next((one for one in target.things.values() if one["stamp"] == item.stamp), None)
    if thing is None:
        return None
    lines = [Line(line["product"], "", pennies(line["amount"])) for line in thing["lines"]]
    return Holding(
        total=pennies(thing["total"]), lines=tuple(lines), date=thing["date"], currency=thing["currency"],
        party=thing["party"],
    )  # fmt: skip


def pennies(text: str) -> int:
    """Minor units of an amount as the target holds it."""
    return parse(text, "GBP").minor


def effects_of(target: Target, item: Item) -> Sequence[Entry]:
    """What the target's history holds of an item."""
    return [effect for effect in target.stage.history.effects() if effect.detail["stamp"] == item.stamp]
