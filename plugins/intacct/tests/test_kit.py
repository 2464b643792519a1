"""The kit's suite for stand-ins: the company that is written to."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from lxml import etree
from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.simulators import Exchange, SimulatorSuite, SimulatorTrial
from wherry_intacct import envelope
from wherry_intacct.queries import query
from wherry_intacct.simulator import IntacctSimulator
from wherry_intacct.xml import Obj

PASSWORD = "kit-canary-password-1f7c"
PATH = f"/{envelope.PATH}"


class TestIntacct(SimulatorSuite):
    @pytest.fixture
    def trial(self) -> SimulatorTrial:
        def make(clock: Clock, **options: Any) -> Simulator:
            return IntacctSimulator(clock=clock, **options)

        def customer(n: int) -> Exchange:
            made = {"CUSTOMERID": f"C-{n}", "NAME": f"Acme {n}", "DISPLAYCONTACT": {"PRINTAS": f"Acme {n}"}}
            return asked(f"kit-{n}", {"create": {"CUSTOMER": made}}, unique=True)

        return SimulatorTrial(
            system="intacct", make=make, headers={"content-type": "application/xml"}, secrets=(PASSWORD,),
            valid=is_response, read=asked("read", query("CUSTOMER", ("CUSTOMERID",))), write=customer,
        )  # fmt: skip


def asked(control: str, function: Obj, *, unique: bool = False) -> Exchange:
    """A request of somebody who signs in with each."""
    login = {"login": {"userid": "gateway", "companyid": "acme-sandbox", "password": PASSWORD}}
    body = envelope.framed([(control, function)], control=control, unique=unique)
    return Exchange(method="POST", path=PATH, content=envelope.signed(body, "wherry", PASSWORD, login))


def is_response(answer: httpx.Response) -> None:
    """Every answer has the form of the vendor's, whatever its status."""
    root = etree.fromstring(answer.content)
    assert root.tag == "response"
    assert root.findtext("control/status") in ("success", "failure")
