"""The scripted Web Connector against a small service that answers as Intuit's WSDL says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wherry.simulator import serve
from wherry_qbwc.simulator import Outcome, QbwcSimulator, WebConnector
from wherry_qbwc.simulator.calling import NAMESPACE, Caller, Soap, Unanswered, envelope

from .company_bench import answers, desktop, order, rq, set_of

TICKET = "{ticket-1}"
ADD = set_of(rq("SalesOrderAdd", order()), newMessageSetID="s1")
ASK = set_of("<SalesOrderQueryRq/>")


@dataclass
class Service:
    """Hands out `work` one by one, and says 100 after the last; `says` overrides what an operation answers."""

    work: list[str] = field(default_factory=list)
    says: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)

    def heard(self, operation: str) -> list[dict[str, str]]:
        return [told for name, told in self.calls if name == operation]

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        self.raw.append(body)
        root = etree.fromstring(body)
        space = etree.QName(root).namespace
        call = root[0][0]
        operation = etree.QName(call).localname
        told = {etree.QName(each).localname: each.text or "" for each in call}
        self.calls.append((operation, told))
        if operation in self.faults:
            return self._sent(space, f"<f:Fault xmlns:f='{space}'><faultstring>broken</faultstring></f:Fault>", 500)
        result = self._result(operation, told)
        inside = "".join(f"<string>{each}</string>" for each in result) if isinstance(result, list) else result
        made = f"<{operation}Result>{inside}</{operation}Result>"
        return self._sent(space, f"<{operation}Response xmlns='{NAMESPACE}'>{made}</{operation}Response>", 200)

    def _sent(self, space: str | None, body: str, status: int) -> Response:
        text = f"<e:Envelope xmlns:e='{space}'><e:Body>{body}</e:Body></e:Envelope>"
        return Response(text, status, media_type="text/xml")

    def _result(self, operation: str, told: dict[str, str]) -> Any:
        said = self.says.get(operation)
        if isinstance(said, list) and operation != "authenticate":
            said = said.pop(0)
        if said is not None:
            return said(told) if callable(said) else said
        return {
            "serverVersion": lambda: "tiny 1.0",
            "clientVersion": lambda: "",
            "authenticate": lambda: [TICKET, ""],
            "sendRequestXML": lambda: etree_escaped(self.work.pop(0)),
            "receiveResponseXML": lambda: "100" if not self.work else "50",
            "getLastError": lambda: "something is wrong",
            "connectionError": lambda: "done",
            "closeConnection": lambda: "all well",
        }[operation]()


def etree_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    async def answer(request: Request) -> Response:
        return await service.answer(request)

    with serve(Starlette(routes=[Route("/qbwc", answer, methods=["POST"])])) as base:
        yield f"{base}/qbwc"


@pytest.fixture
def computer() -> QbwcSimulator:
    return desktop()


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


@pytest.fixture
def connector(computer: QbwcSimulator, url: str, http: httpx.Client) -> WebConnector:
    return computer.connect(url, "user", "secret", http=http, wait=lambda seconds: None, patience=3)


# A session as it should be


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_a_session_calls_the_operations_in_their_order(
    service: Service, url: str, computer: QbwcSimulator, soap: Soap
) -> None:
    service.work = [ADD, ASK]
    outcome = computer.connect(url, "user", "secret", soap=soap).session()
    assert service.operations() == ["serverVersion", "clientVersion", "authenticate", "sendRequestXML",
                                    "receiveResponseXML", "sendRequestXML", "receiveResponseXML",
                                    "closeConnection"]  # fmt: skip
    assert outcome == Outcome("done", TICKET, "all well", 2, [50, 100], 0)
    assert len(computer.records("SalesOrder")) == 1


def test_what_the_connector_says_is_valid_by_intuits_wsdl(
    service: Service, connector: WebConnector, contract: Path
) -> None:
    tree = etree.parse(str(contract / "QBWebConnectorSvc.wsdl"))
    found = tree.find(".//{http://www.w3.org/2001/XMLSchema}schema")
    assert found is not None
    schema = etree.XMLSchema(etree.fromstring(etree.tostring(found)))
    service.work, service.says = ["", ADD], {"getLastError": "NoOp"}
    connector.session()
    connector.computer.mishaps.add("closed")
    connector.session()
    assert {name for name, _ in service.calls} == {
        "serverVersion", "clientVersion", "authenticate", "sendRequestXML", "receiveResponseXML", "getLastError",
        "connectionError", "closeConnection"}  # fmt: skip
    for body in service.raw:
        schema.assertValid(etree.fromstring(body)[0][0])


def test_the_first_request_alone_brings_host_company_and_preferences(service: Service, connector: WebConnector) -> None:
    service.work = [ASK, ASK]
    connector.session()
    first, second = service.heard("sendRequestXML")
    assert [str(each.tag) for each in answers(first["strHCPResponse"])] == [
        "HostQueryRs", "CompanyQueryRs", "PreferencesQueryRs"]  # fmt: skip
    assert second["strHCPResponse"] == ""
    assert (first["strCompanyFileName"], first["qbXMLMajorVers"]) == (r"C:\QB\Rock Castle.QBW", "16")


def test_the_qbxml_travels_as_text(service: Service, connector: WebConnector) -> None:
    service.work = [ADD]
    connector.session()
    (told,) = service.heard("receiveResponseXML")
    assert answers(told["response"])[0].get("statusCode") == "0"
    assert (told["ticket"], told["hresult"]) == (TICKET, "")


def test_what_the_parser_refuses_comes_back_as_an_hresult_and_no_response(
    service: Service, connector: WebConnector
) -> None:
    """The service sees no more of it than this."""
    service.work = ["<nonsense/>"]
    connector.session()
    (told,) = service.heard("receiveResponseXML")
    assert (told["response"], told["hresult"]) == ("", "0x80040400")


# Answers of the service


@pytest.mark.parametrize(
    ("said", "how"),
    [(["x", "none"], "none"), (["x", "NVU"], "nvu"), (["x", "busy"], "busy"), (["x"], "broken")],
)
def test_who_is_not_let_in_asks_for_nothing(
    service: Service, connector: WebConnector, said: list[str], how: str
) -> None:
    service.says["authenticate"] = said
    assert connector.session().how == how
    assert service.heard("sendRequestXML") == []


@pytest.mark.parametrize(
    ("said", "how"),
    [("", "done"), ("W:old", "done"), ("O:2.3", "done"), ("O:2.4", "refused"), ("E:no", "refused"), ("?", "refused")],
)
def test_the_service_may_refuse_a_version(service: Service, connector: WebConnector, said: str, how: str) -> None:
    service.work, service.says = [ASK], {"clientVersion": said}
    assert connector.session().how == how


def test_the_service_may_postpone_and_slow_down(service: Service, connector: WebConnector) -> None:
    service.says["authenticate"] = ["x", "none", "90", "300"]
    waits: list[float] = []
    connector._wait = waits.append
    connector.run(2)
    assert waits == [300.0, 300.0]
    assert connector.postponed == 90.0


def test_noop_waits_and_asks_again_until_patience_ends(service: Service, connector: WebConnector) -> None:
    service.work, service.says = ["", "", ASK], {"getLastError": "NoOp"}
    assert (connector.session().waited, connector.outcomes[-1].how) == (2, "done")
    service.work = [""] * 9
    assert (connector.session().how, connector.outcomes[-1].waited) == ("error", 3)


@pytest.mark.parametrize("operation", ["sendRequestXML", "receiveResponseXML"])
def test_an_error_of_the_service_is_asked_for_and_ends_the_session(
    service: Service, connector: WebConnector, operation: str
) -> None:
    service.work, service.says = [ASK], {operation: "" if operation == "sendRequestXML" else "-1"}
    outcome = connector.session()
    assert (outcome.how, outcome.status) == ("error", "something is wrong")
    assert service.operations()[-2:] == ["getLastError", "closeConnection"]


def test_a_fault_breaks_the_session_with_the_connectors_own_code(service: Service, connector: WebConnector) -> None:
    service.work, service.faults = [ASK], {"receiveResponseXML"}
    outcome = connector.session()
    assert (outcome.how, outcome.status[:8]) == ("broken", "QBWC1042")


def test_a_service_that_is_not_there_breaks_the_session(computer: QbwcSimulator) -> None:
    outcome = computer.connect("http://127.0.0.1:9/qbwc", "user", "secret").session()
    assert outcome.how == "broken"


@pytest.mark.parametrize("answer", [b"", b"<a/>", b"<!DOCTYPE a><a/>"])
def test_an_answer_that_is_no_envelope_is_told_so(answer: bytes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Response(answer)(scope, receive, send)

    with serve(app) as base, pytest.raises(Unanswered):
        Caller(base).text("serverVersion")


def test_a_value_cannot_close_its_element() -> None:
    """On the Connector's own side."""
    told = etree.fromstring(envelope("receiveResponseXML", {"response": "</response><x/>"}))
    assert [each.text for each in told[0][0]] == ["</response><x/>"]


# QuickBooks cannot be opened


@pytest.mark.parametrize(
    ("said", "how", "tries"), [("DONE", "refused", 1), ("", "refused", 2), (r"C:\QB\Landscaping.QBW", "refused", 2)]
)
def test_the_service_says_what_to_do_when_quickbooks_does_not_open(
    service: Service, connector: WebConnector, said: str, how: str, tries: int
) -> None:
    connector.computer.mishaps.add("closed", code="0x80040414", times=2)
    service.says["connectionError"] = said
    outcome = connector.session()
    assert (outcome.how, outcome.status) == (how, "0x80040414")
    assert len(service.heard("connectionError")) == tries
    assert service.operations()[-1] == "closeConnection"


def test_another_file_than_the_one_that_is_open_cannot_be_asked_for(service: Service, connector: WebConnector) -> None:
    service.says["authenticate"] = [TICKET, r"C:\QB\Landscaping.QBW"]
    connector.session()
    assert service.heard("connectionError")[0]["hresult"] == "0x8004040A"


# Scripted faults


def deliveries(service: Service) -> list[str]:
    return [told["ticket"] for told in service.heard("receiveResponseXML")]


@pytest.mark.parametrize(
    ("kind", "how", "executed", "delivered", "closed"),
    [
        ("dies", "gone", 0, 0, False),
        ("dies-executed", "gone", 1, 0, False),
        ("lost", "broken", 1, 0, False),
        ("unheard", "broken", 1, 1, False),
        ("doubled", "done", 1, 2, True),
        ("late", "gone", 1, 0, False),
        ("closes", "closed", 0, 0, True),
    ],
)
def test_a_scripted_fault_leaves_what_it_says(
    service: Service, connector: WebConnector, computer: QbwcSimulator,
    kind: str, how: str, executed: int, delivered: int, closed: bool,
) -> None:  # fmt: skip
    """Whatever the Connector does, what QuickBooks did is told apart from what the service heard."""
    service.work = [ADD]
    computer.mishaps.add(kind, request="SalesOrderAdd")
    assert connector.session().how == how
    assert len(computer.records("SalesOrder")) == executed
    assert len(deliveries(service)) == delivered
    assert (service.operations()[-1] == "closeConnection") == closed


def test_a_late_answer_comes_with_its_old_ticket_while_another_request_is_out(
    service: Service, connector: WebConnector, computer: QbwcSimulator
) -> None:
    service.work = [ADD]
    computer.mishaps.add("late")
    connector.session()
    service.work, service.says = [ASK], {"authenticate": ["{ticket-2}", ""]}
    connector.session()
    assert deliveries(service) == [TICKET, "{ticket-2}"]
    assert service.operations()[-4:] == ["sendRequestXML", "receiveResponseXML", "receiveResponseXML",
                                         "closeConnection"]  # fmt: skip
    late = answers(service.heard("receiveResponseXML")[0]["response"])
    assert late.get("newMessageSetID") == "s1"


def test_an_answer_of_before_comes_in_place_of_this_ones(service: Service, connector: WebConnector) -> None:
    service.work = [ASK, ADD]
    connector.computer.mishaps.add("earlier", request="SalesOrderAdd")
    connector.session()
    first, second = service.heard("receiveResponseXML")
    assert first["response"] == second["response"]


def test_a_ticket_that_nobody_gave_out(service: Service, connector: WebConnector) -> None:
    service.work = [ASK]
    connector.computer.mishaps.add("other-ticket")
    connector.session()
    assert deliveries(service)[0] != TICKET


def test_another_company_file_is_open_for_one_session(service: Service, connector: WebConnector) -> None:
    """Host, company and path are those of the other file, and after it the first is open again."""
    service.work = [ASK]
    connector.computer.mishaps.add("wrong-file")
    connector.session()
    service.work = [ASK]
    connector.session()
    paths = [told["strCompanyFileName"] for told in service.heard("sendRequestXML")]
    assert paths == [r"C:\QB\Landscaping.QBW", r"C:\QB\Rock Castle.QBW"]
    told = answers(service.heard("sendRequestXML")[0]["strHCPResponse"])
    assert told.findtext(".//CompanyName") == "Larry's Landscaping"


def test_a_company_file_that_refuses_answers_through_the_connector(
    service: Service, connector: WebConnector, computer: QbwcSimulator
) -> None:
    """The set was done, and neither response nor code say so."""
    service.work = [ADD]
    computer.mishaps.add("hresult", request="SalesOrderAdd", code="0x80040402", done=True)
    connector.session()
    (told,) = service.heard("receiveResponseXML")
    assert (told["response"], told["hresult"], len(computer.records("SalesOrder"))) == ("", "0x80040402", 1)


def test_iterators_live_as_long_as_the_session(service: Service, connector: WebConnector) -> None:
    start = set_of('<CustomerQueryRq iterator="Start"><MaxReturned>1</MaxReturned></CustomerQueryRq>')
    service.work = [start]
    connector.session()
    key = answers(service.heard("receiveResponseXML")[0]["response"])[0].get("iteratorID")
    more = set_of(
        f'<CustomerQueryRq iterator="Continue" iteratorID="{key}"><MaxReturned>1</MaxReturned></CustomerQueryRq>'
    )
    service.work = [more]
    connector.session()
    assert answers(service.heard("receiveResponseXML")[1]["response"])[0].get("statusCode") == "3391"


def test_two_connectors_may_poll_for_one_file(service: Service, url: str, computer: QbwcSimulator) -> None:
    """Each computer has its own Connector."""
    made: list[Callable[[], Outcome]] = [computer.connect(url, "user", "secret").session for _ in range(2)]
    service.work = [ASK]
    service.says["authenticate"] = lambda told: ["x", ""] if not service.heard("sendRequestXML") else ["x", "none"]
    assert [each().how for each in made] == ["done", "none"]
