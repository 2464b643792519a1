"""NetSuite under the kill sweep: its stand-in, signed in to with a certificate, so that sign-ins are points too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from wherry.simulator import Clock, Entry, serve
from wherry.testing.rigs import Effect, Names, Rig, Stand
from wherry_netsuite.simulator import App, NetSuiteSimulator

KINDS = {"invoice": "invoice", "customer": "customer", "serviceSaleItem": "product"}
CONNECTION = """
plugin = "netsuite"
base_url = "${BOOKS_URL}"
account = "1234567"
subsidiary = "1"
currencies = { GBP = "1" }
settle = 120
auth = { kind = "client", client_id = "wherry", certificate = "c-1", client_secret = { env = "BOOKS_KEY" } }
"""


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """One account, and the certificate that it knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    sim = NetSuiteSimulator(clock=clock, app=App("wherry", {"c-1": public}))
    people = People(sim)
    with serve(sim.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_KEY": private.decode()}, effects=people.effects_of_others,
            stage=sim.stage, writes=r"/record/v1/", enter=people.enter, edit=people.edit,
        )  # fmt: skip


class People:
    """Who works in the account's browser: what they do has no call behind it."""

    def __init__(self, sim: NetSuiteSimulator) -> None:
        self.sim = sim

    def effects_of_others(self, names: Names) -> list[Effect]:
        """What was done by nobody here: by the sink."""
        return [_effect(entry, names) for entry in self.sim.history.effects() if entry.detail["cause"]]

    def enter(self, row: dict[str, Any]) -> str:
        """An invoice of the same number."""
        customer = self.sim.make("customer", {"companyName": "Somebody", "subsidiary": {"id": "1"}})["id"]
        item = self.sim.make("serviceSaleItem", {"itemId": "Something", "incomeAccount": {"id": "54"}})["id"]
        head = {"tranId": row["number"], "tranDate": row["date"], "entity": {"id": customer}}
        return str(self.sim.make("invoice", {**head, "item": {"items": [{"item": {"id": item}, "rate": 5}]}})["id"])

    def edit(self, number: str, really: bool) -> None:
        """What it says is changed, or only the number of the customer's own order."""
        held = next(one for one in self.sim.account.records["invoice"].values() if one["tranId"] == number)
        if really:
            lines = [{**line, "rate": 99, "amount": 99} for line in held["item"]]
            self.sim.change("invoice", held["id"], {"item": {"items": lines}}, "item")
        else:
            self.sim.change("invoice", held["id"], {"otherRefNum": "PO-7"})


def _effect(entry: Entry, names: Names) -> Effect:
    kind, _, what = entry.what.partition(".")
    told = entry.detail
    voided = str(told["memo"]).startswith("Voided")
    thing = names.get(f"{KINDS[kind]} {told['name']}", f"{kind} {told['id']}")
    total = "" if voided else told["total"]  # what is emptied has nothing on it
    return Effect(thing, "voided" if voided else what, told["id"], total, told["date"], told["external"])


def rigs() -> list[Rig]:
    """One call an item."""
    return [
        Rig(
            name="netsuite", plugins=("netsuite",), modules=("wherry_netsuite.plugin", "wherry_netsuite.sink"),
            connection=CONNECTION, stand=stand, asks=True, resends=True, offers=frozenset({"enter", "edit"}),
        )
    ]  # fmt: skip
