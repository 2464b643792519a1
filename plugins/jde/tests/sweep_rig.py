"""JD Edwards under the kill sweep: its stand-in, once where what was written can be found, once where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from wherry.simulator import Clock, Entry, serve
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry_jde.simulator import JdeSimulator

PASSWORD = "sweep-canary-jde-83f0"
MADE = '[flows.invoices.match.product]\norder = ["link"]\nunmatched = "create"\n'
"""Items that match nothing are asked for, unless a flow says so."""
FIRST = "POST /jderest/v3/orchestrator/HUB_AddSalesOrder#1"
FIND = {"customer": "HUB_FindCustomer", "product": "HUB_FindItem", "invoice": "HUB_FindSalesOrder"}


def connection(finds: bool) -> str:
    told = {entity: f'find = "{name if finds else ""}"' for entity, name in FIND.items()}
    told["invoice"] += ', void = "HUB_CancelSalesOrder"'
    said = "\n".join(f"{entity} = {{ {line} }}" for entity, line in told.items())
    return f"""
plugin = "jde"
base_url = "${{BOOKS_URL}}"
username = "HUBSVC"
password = {{ env = "BOOKS_PASSWORD" }}
environment = "JDV920"
company = "1"
[connections.books.orchestrations]
{said}
"""


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """One company."""
    sim = JdeSimulator(clock=clock, password=PASSWORD)
    people = People(sim)
    with serve(sim.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_PASSWORD": PASSWORD}, effects=people.effects_of_others, stage=sim.stage,
            writes=r"/orchestrator/HUB_(Add|Cancel)", twin=people.twin,
        )  # fmt: skip


class People:
    """Who works in a browser: what they do has no call behind it."""

    def __init__(self, sim: JdeSimulator) -> None:
        self.sim = sim

    def effects_of_others(self, names: Names) -> list[Effect]:
        """What was done by nobody here: by the sink."""
        return [_effect(entry, names) for entry in self.sim.history.effects() if entry.detail["cause"]]

    def twin(self, number: str) -> str:
        """A second order with the same key, as a person may copy one."""
        row = next(row for row in self.sim.site.tables["F4201"] if row["inputs"]["Number"] == number)
        made: Any = self.sim.run("HUB_AddSalesOrder", row["inputs"])
        return f"{made['OrderNumber']}/{made['OrderType']}"


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    thing = names.get(f"{kind} {told['name']}", f"{kind} {told['id']}")
    total = str(Decimal(told["total"]).quantize(Decimal("0.01"))) if told["total"] else ""
    return Effect(thing, what, told["id"], total, told["date"], told["stamp"])


def rigs() -> list[Rig]:
    """One call an item; an order is changed by another one in its place. The second rig has nobody to ask."""
    common: dict[str, Any] = {
        "plugins": ("jde",), "modules": ("wherry_jde.plugin", "wherry_jde.sink"), "stand": stand, "updates": "anew",
        "flow": MADE,
    }  # fmt: skip
    return [
        Rig(name="jde", connection=connection(True), asks=True, offers=frozenset({"twin"}), deaths=45, **common),
        Rig(name="jde-unasked", connection=connection(False), asks=False, deaths=20, unasked=FIRST, **common),
    ]
