"""``wherry simulate qbwc``: its options, and the control API that a person looks through."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx
import pytest
from wherry import plugins
from wherry.errors import ConfigError
from wherry.simulator import serve
from wherry_qbwc.simulator import QbwcSimulator
from wherry_qbwc.simulator.options import simulator

from .company_bench import desktop, order, rq, set_of

ADD = set_of(rq("SalesOrderAdd", order()))


@pytest.fixture
def company() -> QbwcSimulator:
    return desktop()


@pytest.fixture
def control(company: QbwcSimulator) -> Iterator[httpx.Client]:
    with serve(company.app()) as base, httpx.Client(base_url=base) as client:
        yield client


def test_the_plugin_brings_the_stand_in() -> None:
    found = plugins.load(["qbwc"]).simulator("qbwc", {"edition": "enterprise", "closing": "2025-12-31"})
    assert isinstance(found, QbwcSimulator)
    assert (found.company().edition, found.company().closing) == ("enterprise", "2025-12-31")
    assert found.connector is None


@pytest.mark.parametrize("more", [{}, {"user": "u", "password": ""}])
def test_a_connector_needs_all_that_it_polls_with(more: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        simulator({"url": "http://127.0.0.1:9", **more})
    assert caught.value.code == "WHERRY-2853"


def test_with_a_service_it_polls_by_itself() -> None:
    polled = threading.Event()

    async def app(scope: object, receive: object, send: object) -> None:
        polled.set()
        raise ConnectionResetError

    with serve(app) as base:
        made = simulator({"url": base, "user": "u", "password": "p", "every": "1"})
        assert made.connector is not None
        made.app()
        assert polled.wait(10)
        made.connector.stop()


def test_a_person_can_look_enter_change_and_remove(company: QbwcSimulator, control: httpx.Client) -> None:
    key = control.post("/__sim/enter", json={"kind": "Customer", "body": {"Name": "New"}}).text
    control.post("/__sim/change", json={"id": key, "body": {"Name": "Newer"}}).raise_for_status()
    assert "Newer" in [told["FullName"] for told in control.get("/records/Customer").json()]
    control.post("/__sim/remove", json={"id": key}).raise_for_status()
    told = [entry["what"] for entry in control.get("/history").json() if entry["kind"] == "effect"]
    assert told[-3:] == ["Customer.add", "Customer.mod", "Customer.del"]


def test_what_a_person_may_not_do_is_said(control: httpx.Client) -> None:
    taken = control.post("/__sim/enter", json={"kind": "Customer", "body": {"Name": "Cook, Brian"}})
    assert (taken.status_code, taken.json()["error"][:4]) == (400, "3100")
    assert control.get("/records/Unicorn").status_code == 404
    assert control.post("/__sim/session").status_code == 400
    assert control.get("/__sim/session").status_code == 405


def test_qbxml_can_be_tried_by_hand(company: QbwcSimulator, control: httpx.Client) -> None:
    assert 'statusCode="0"' in control.post("/qbxml", content=ADD).text
    refused = control.post("/qbxml", content="<x/>")
    assert (refused.status_code, refused.json()["hresult"]) == (400, "0x80040400")
    assert control.get("/").json()["files"][r"C:\QB\Rock Castle.QBW"]["SalesOrder"] == 1


def test_faults_the_closing_date_and_the_open_file_can_be_set(company: QbwcSimulator, control: httpx.Client) -> None:
    both = [{"kind": "lost"}, {"kind": "status", "code": 3175}]
    assert control.post("/__sim/mishaps", json=both).json() == {"waiting": 2}
    assert control.post("/__sim/mishaps", json=[]).json() == {"waiting": 0}
    assert control.post("/__sim/mishaps", json={"kind": "meteor"}).status_code == 400
    control.post("/__sim/closing", json={"until": "2026-03-31"})
    assert 'statusCode="3171"' in control.post("/qbxml", content=ADD).text
    control.post("/__sim/files", json={"open": r"C:\QB\Landscaping.QBW"})
    assert 'statusCode="3140"' in control.post("/qbxml", content=ADD).text
    control.post("/__sim/files", json={"open": ""})
    assert control.post("/qbxml", content=ADD).json()["hresult"] == "0x80040416"
    assert control.post("/__sim/files", json={"open": "C:\\none"}).status_code == 400
