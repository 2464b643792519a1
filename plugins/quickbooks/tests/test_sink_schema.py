"""Every payload of the sink validates against Intuit's schemas: each entity, each operation, alone and in batches."""

from __future__ import annotations

import importlib.util
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from wherry.records import Call

pytest.importorskip("lxml.etree", reason="lxml is a development extra")


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"quickbooks_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_contract, _bench = _beside("test_simulator_contract"), _beside("test_sink")
pytestmark = _contract.pytestmark
item, update, gbp, made = _bench.item, _bench.update, _bench.gbp, _bench.made


class Judged:
    """A sink's bench whose calls are put into XML and judged by the schemas before they are sent."""

    def __init__(self, bench: Any) -> None:
        self.bench, self.count = bench, 0
        encode = bench.sink.encode

        def judging(items: Any) -> list[Call]:
            calls: list[Call] = encode(items)
            for call in calls:
                self._judge(call)
            return calls

        bench.sink.encode = judging

    def _judge(self, call: Call) -> None:
        body = json.loads(call.body, parse_float=Decimal, parse_int=Decimal)
        resource = call.path.rpartition("/")[2]
        if resource == "batch":
            node = _contract.converted("IntuitBatchRequest", "IntuitBatchRequest", body)
        else:
            name = {"creditmemo": "CreditMemo", "journalentry": "JournalEntry"}.get(resource, resource.capitalize())
            node = _contract.converted("IntuitResponse", "IntuitResponse", {name: body})
        etree, schema = _contract.etree, _contract.SCHEMAS.compiled
        assert schema.validate(etree.fromstring(etree.tostring(node))), "\n".join(map(str, schema.error_log))
        self.count += 1


@pytest.fixture(params=["none", "us-automatic", "us-manual", "uk"])
def judged(request: pytest.FixtureRequest, made: Any) -> Judged:
    table = {"uk": [{"rate": "20", "code": "2"}], "us-manual": [{"rate": "20", "code": "2"}]}.get(request.param, [])
    return Judged(made(table, {"tax": request.param}))


def bodies(bench: Any, entity: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Everything that an entity can say, and as little as it can."""
    if entity == "customer":
        place = {"street": "1 Quay\nYard", "city": "Leeds", "region": "WY", "postal_code": "LS1", "country": "GB"}
        more = {"email": "a@b.example", "phone": "1", "website": "https://b.example", "description": "x", "number": "7"}
        return {"name": "Acme: North", "currency": "GBP", **place, **more}, {"name": "Acme: North"}
    if entity == "product":
        return {"name": "Bolt", "sku": "B", "price": "1.5", "description": "M8", "type": "part"}, {"name": "Bolt"}
    if entity == "journal_entry":
        lines = [{"account": "84", "side": "debit", "amount": gbp(100), "customer": bench.customer("Debtor")}]
        lines += [{"account": "79", "side": "credit", "amount": gbp(100), "description": "x"}]
        small = {"number": "J-1", "date": "2026-03-31", "lines": lines}
        return {**small, "memo": "March", "currency": "GBP"}, small
    small = bench.invoice()
    rated = {} if bench.sim.company().tax == "none" else {"tax_rate": "20"}
    lines = [{**small["lines"][0], "description": "Oak", **rated}, {"description": "as agreed"}]
    lines[1] |= rated
    return {**small, "memo": "March", "due_date": "2026-04-30", "lines": lines}, small


@pytest.mark.parametrize(
    "entity", ["customer", "product", "invoice", "estimate", "sales_order", "credit_memo", "journal_entry"]
)
def test_all_that_is_said_of_an_entity_is_valid(judged: Judged, entity: str) -> None:
    bench = judged.bench
    whole, small = bodies(bench, entity)
    sent = judged.count
    first = item(entity, whole)
    answer = bench.one(first)
    assert answer.fate == "created"
    second = update(first, answer, small)
    answer = bench.one(second)
    assert answer.fate == "updated"
    if entity not in ("customer", "product"):
        told = {"target": answer.target, "token": answer.token, "before": second.body}
        assert bench.one(item(entity, small, "void", action="void", **told)).fate == "reversed"
    field = "name" if entity in ("customer", "product") else "number"
    several = [item(entity, {**whole, field: f"N{n}"}, key=f"id:{n}") for n in range(3)]
    assert {one.fate for one in bench.send(*several).values()} == {"created"}
    assert judged.count == sent + (3 if entity in ("customer", "product") else 4)
