"""The kit's suites of mappers and stand-ins: what an item becomes, and the computer that it is read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from wherry.records import Record
from wherry.testing.mappers import MapperSuite, MapperTrial, default_mapper
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial


def record(kind: str, id: str = "901", relatives: Mapping[str, list[Record]] | None = None, **fields: Any) -> Record:
    made = Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode())
    made.relatives = dict(relatives or {})
    return made


class TestQuickBooksDesktopItems(MapperSuite):
    @pytest.fixture
    def trial(self) -> MapperTrial:
        told = {"FullName": "Rail:Bolt", "Name": "Bolt", "ManufacturerPartNumber": "B-8", "Type": "ItemService",
                "SalesOrPurchase_Price": "12.50", "SalesOrPurchase_Desc": "A bolt"}  # fmt: skip
        return MapperTrial(
            make=lambda: default_mapper("qbwc", "product"), records=lambda: [record("product", "80-1", **told)]
        )


class TestQuickBooksDesktop(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        from wherry_qbwc.simulator import QbwcSimulator

        def customer(n: int) -> Exchange:
            told = (
                '<?xml version="1.0"?><?qbxml version="16.0"?><QBXML><QBXMLMsgsRq onError="stopOnError">'
                f"<CustomerAddRq><CustomerAdd><Name>Kit {n}</Name></CustomerAdd></CustomerAddRq></QBXMLMsgsRq></QBXML>"
            )
            return Exchange(method="POST", path="/qbxml", content=told.encode(), headers={"content-type": "text/xml"})

        return SimulatorTrial(
            system="qbwc", make=lambda clock: QbwcSimulator(clock=clock), read=Exchange(path="/records/Customer"),
            write=customer,
        )  # fmt: skip
