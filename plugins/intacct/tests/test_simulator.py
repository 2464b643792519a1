"""The stand-in, and what the sink sends, beside the contract: names and order of elements, answers, samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree
from wherry.records import Item
from wherry.simulator import serve
from wherry.testing.samples import sample
from wherry_intacct.documents import ENTITIES
from wherry_intacct.simulator import CELL, IntacctSimulator, Login, obj_of
from wherry_intacct.simulator.options import simulator
from wherry_intacct.simulator.shapes import GENERIC, LEGACY, Refused
from wherry_intacct.xml import parsed

from .test_sink import sink_of
from .test_sink_contract import furnished

CONTRACT = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "intacct"
OBJECTS = {"create_invoice": "ARINVOICE", "update_invoice": "ARINVOICE", "create_sotransaction": "SODOCUMENT",
           "update_sotransaction": "SODOCUMENT"}  # fmt: skip
"""Functions of the contract; those of adjustments and reversals are on Sage's pages only."""


def contract(name: str) -> Path:
    path = CONTRACT / name
    if not path.is_file():
        pytest.skip(f"needs the contract at {path}")
    return path


def told(name: str) -> etree._Element:
    return etree.parse(contract(f"samples/{name}.xml")).getroot()


def fields(object: str, group: str) -> list[str]:
    """The names of a group in the contract's order, over all functions of the object."""
    found: dict[str, None] = {}
    for one in json.loads(contract(f"fields/{object}.json").read_text("utf-8"))["functions"]:
        if group in (one["group"], one["function"] if one["group"] is None else None):
            found |= {field["name"]: None for field in one["fields"]}
    return list(found)


@pytest.fixture
def api(sim: IntacctSimulator) -> Iterator[httpx.Client]:
    """Signed in as the samples are."""
    sim.sessions["SESSION-1"] = ["", float("inf")]
    with serve(sim.app()) as url:
        yield httpx.Client(base_url=url, headers={"content-type": "application/xml"})


def asked(api: httpx.Client, name: str, change: tuple[str, str] = ("", ""), path: str = CELL) -> etree._Element:
    content = contract(f"samples/{name}.request.xml").read_text("utf-8").replace(*change)
    return parsed(api.post(path, content=content).content)


def form(node: etree._Element) -> set[str]:
    """The paths of all elements, and of attributes."""
    found = set()
    for one in node.iter():
        path = "/".join([*(str(up.tag) for up in reversed(list(one.iterancestors()))), str(one.tag)])
        found |= {path, *(f"{path}@{name}" for name in map(str, one.attrib))}
    return found


# -- names ------------------------------------------------------------


@pytest.mark.parametrize("function", OBJECTS)
def test_legacy_functions_have_the_elements_of_the_contract_in_its_order(function: str) -> None:
    names = LEGACY[function].split()
    known = [name for name in fields(OBJECTS[function], function) if name in names]
    assert known == names


def test_lines_and_generic_objects_have_the_names_of_the_contract() -> None:
    for object, group, names in (
        ("ARINVOICE", "lineitem", LEGACY["lineitem"]),
        ("SODOCUMENT", "create_sotransaction.sotransitems.sotransitem", LEGACY["sotransitem"]),
    ):
        assert [name for name in fields(object, group) if name in names.split()] == names.split()
    for object, group in (("CUSTOMER", "CUSTOMER"), ("CUSTOMER", "DISPLAYCONTACT"), ("ITEM", "ITEM"),
                          ("GLBATCH", "GLBATCH"), ("GLBATCH", "GLENTRY")):  # fmt: skip
        assert set(GENERIC[group].split()) - set(fields(object, group)) == set()


# -- samples ------------------------------------------------------------


def test_the_samples_of_the_contract_are_taken_and_answered_as_it_says(
    sim: IntacctSimulator, api: httpx.Client
) -> None:
    contact = {"PRINTAS": "Acme"}
    sim.make({"create": {"CUSTOMER": {"CUSTOMERID": "C-1001", "NAME": "Acme", "DISPLAYCONTACT": contact}}})
    for id in ("SVC-INST", "PANEL"):
        sim.make({"create": {"ITEM": {"ITEMID": id, "NAME": id, "ITEMTYPE": "Non-Inventory"}}})
    for name, sample_of in (("glbatch-create", "create"), ("sotransaction-create", "sotransaction-create"),
                            ("invoice-create", "sotransaction-create")):  # fmt: skip
        answer = asked(api, name)
        assert answer.findtext("operation/result/status") == "success", etree.tostring(answer)
        assert form(answer) == form(told(f"{sample_of}.response"))
    assert answer.findtext("control/uniqueid") == "true"
    again = asked(api, "glbatch-create")
    assert again.findtext("operation/result/status") == "failure", "the function's control ID was completed before"
    answer = asked(api, "query-glaccount")
    assert form(answer) == form(told("query-glaccount.response"))
    row = answer.find("operation/result/data/GLACCOUNT[ACCOUNTNO='1200']")
    wanted = told("query-glaccount.response").find("operation/result/data/GLACCOUNT[ACCOUNTNO='1200']")
    assert row is not None and wanted is not None  # noqa: PT018
    assert {**obj_of(row), "RECORDNO": ""} == {**obj_of(wanted), "RECORDNO": ""}


def test_a_session_is_given_with_its_endpoint_and_known_there_alone(api: httpx.Client) -> None:
    answer = asked(api, "session", path="/ia/xml/xmlgw.phtml")
    assert form(answer) == form(told("session.response"))
    assert str(answer.findtext(".//endpoint")).endswith(CELL)
    turned = asked(api, "query-glaccount", path="/ia/xml/xmlgw.phtml")
    assert turned.findtext("operation/authentication/status") == "failure"


def test_the_older_questions_are_answered_page_by_page(sim: IntacctSimulator, api: httpx.Client) -> None:
    for n, name in enumerate(("O'Brien", "O'Brien", "Other"), start=1001):
        made = {"CUSTOMERID": f"C-{n}", "NAME": name, "DISPLAYCONTACT": {"PRINTAS": name}}
        sim.make({"create": {"CUSTOMER": made}})
    [row] = asked(api, "readbyquery").iter("customer")
    assert obj_of(row) == {"RECORDNO": row.findtext("RECORDNO"), "CUSTOMERID": "C-1001", "NAME": "O'Brien",
                           "STATUS": "active"}  # fmt: skip
    first = asked(
        api, "readbyquery", ("CUSTOMERID = 'C-1001'</query><pagesize>1000", r"NAME = 'O\'Brien'</query><pagesize>1")
    )
    [data] = first.iter("data")
    assert (data.get("numremaining"), len(data)) == ("1", 1)
    more = asked(api, "readmore", ("7765623332WU1hh8", str(data.get("resultId"))))
    assert [one.findtext("CUSTOMERID") for one in more.iter("customer")] == ["C-1002"]
    wrong = asked(api, "readbyquery", ("CUSTOMERID = 'C-1001'", "CUSTOMERID = 'C-1001' OR 1=1"))
    assert wrong.findtext("operation/result/status") == "failure"


def test_errors_have_the_form_and_the_numbers_of_the_samples(sim: IntacctSimulator, api: httpx.Client) -> None:
    answers = {"error-function": asked(api, "glbatch-create", ('transaction="true"', ""))}
    whole = contract("samples/glbatch-create.request.xml").read_text("utf-8")
    question = "<query><object>GLACCOUNT</object><select><field>TITLE</field></select></query>"
    second = whole.replace("</function>", f'</function><function controlid="f2">{question}</function>')
    aborted = parsed(api.post(CELL, content=second).content)
    [result] = [one for one in aborted.iter("result") if one.findtext("status") == "aborted"]
    assert result.findtext("errormessage/error/errorno") == "XL03000009"
    sim.forget()
    answers["error-auth"] = asked(api, "query-glaccount")
    sim.login = Login("hub_sender", "another", "x", "y")
    answers["error-control"] = asked(api, "query-glaccount")
    sim.faults.add("status", status=429)
    answers["error-gateway-429"] = asked(api, "query-glaccount")
    for name, answer in answers.items():
        assert form(answer) == form(told(f"{name}.response")), name
        if name != "error-function":  # there are too many rules to have a number for each
            assert answer.findtext(".//errorno") == told(f"{name}.response").findtext(".//errorno")


def refused(sim: IntacctSimulator, function: Any) -> str:
    with pytest.raises(Refused) as caught:
        sim.make(function)
    return caught.value.text


LINE = {"glaccountno": "4000", "amount": "5.00", "locationid": "100"}
DATE = {"year": "2026", "month": "01", "day": "05"}
HEAD = {"datecreated": DATE, "customerid": "C-1"}
ORDER = {"itemid": "SLEEPER", "quantity": "1", "unit": "Each", "price": "5.00", "locationid": "100"}


def test_the_stand_in_is_no_kinder_than_the_contract(sim: IntacctSimulator) -> None:
    furnished(sim)
    assert "ITEMTYPE" in refused(sim, {"create": {"ITEM": {"ITEMID": "X", "NAME": "X"}}})
    entries = {"GLENTRY": [{"ACCOUNTNO": "4000", "TR_TYPE": side, "TRX_AMOUNT": "1", "LOCATION": "100"}
                           for side in ("1", "-1")]}  # fmt: skip
    batch = {"JOURNAL": "none", "BATCH_DATE": "01/05/2026", "BATCH_TITLE": "x", "ENTRIES": entries}
    assert "journal" in refused(sim, {"create": {"GLBATCH": batch}})
    order = {"transactiontype": "Sales Invoice", **HEAD, "sotransitems": {"sotransitem": ORDER}}
    assert "termname" in refused(sim, {"create_sotransaction": order})
    next(iter(sim.company.lines("GLACCOUNT", "ACCOUNTNO", "4000")))["REQUIREPROJECT"] = "true"
    invoice = {"customerid": "C-1", "datecreated": DATE, "termname": "Net 30", "invoiceitems": {"lineitem": LINE}}
    assert "requires a Project" in refused(sim, {"create_invoice": invoice})


def test_an_order_that_the_stand_in_refuses_stays_as_it_was(sim: IntacctSimulator) -> None:
    furnished(sim)
    items = {"sotransitems": {"sotransitem": ORDER}}
    key = sim.make(
        {"create_sotransaction": {"transactiontype": "Sales Invoice", **HEAD, "termname": "Net 30", **items}}
    )
    sim.company.closed = "2026-01-31"
    lines = {"updatesotransitems": {"updatesotransitem": {"@line_num": "1", **ORDER, "price": "9.00"}}}
    assert "closed" in refused(sim, {"update_sotransaction": {"@key": key, **lines}})
    assert [one["TRX_VALUE"] for one in sim.company.tables["SODOCUMENTENTRY"].values()] == ["5.00"]


def test_a_request_is_taken_as_the_contract_words_it(sim: IntacctSimulator, api: httpx.Client) -> None:
    """A session is asked for alone, ``control`` has its order, and what does not say ``uniqueid`` is unique."""
    whole = contract("samples/session.request.xml").read_text("utf-8")
    second = whole.replace("</function>", '</function><function controlid="f2"><getAPISession/></function>')
    told = parsed(api.post("/ia/xml/xmlgw.phtml", content=second).content)
    assert {one.text for one in told.iterfind("operation/result/status")} == {"failure"}
    swapped = asked(api, "query-glaccount", ("<control>", "<control><dtdversion>3.0</dtdversion>"))
    assert swapped.findtext("errormessage/error/errorno") == "XL03000003"
    sim.make({"create": {"CUSTOMER": {"CUSTOMERID": "C-1001", "NAME": "A", "DISPLAYCONTACT": {"PRINTAS": "A"}}}})
    unsaid = ("<uniqueid>true</uniqueid>", "")
    answers = [asked(api, "glbatch-create", unsaid).findtext("operation/result/status") for _ in range(2)]
    assert answers == ["success", "failure"]


# -- what is sent ------------------------------------------------------------


@pytest.mark.parametrize("entity", ENTITIES)
def test_what_is_sent_is_what_the_contract_knows(entity: str, tmp_path: Path, sim: IntacctSimulator) -> None:
    with sink_of(sim, tmp_path) as (sink, thing):
        item: Item = thing(entity)
        [call], looks = sink.encode([item]), sink.ask([item, sample(entity, 2, "C-1", "1/S", "6000", "4000")])
    sent = parsed(call.body)
    signed = told("glbatch-create.request")
    assert [one.tag for one in sent.iterfind("control/*")] == [one.tag for one in signed.iterfind("control/*")]
    assert [str(one.tag) for one in sent.iterfind("operation/*")] == ["authentication", "content"]
    schema = etree.XMLSchema(etree.parse(contract("xsd/query.xsd")))
    for look in looks:
        for query in parsed(look.body).iter("query"):
            schema.assertValid(etree.fromstring(etree.tostring(query)))
    for group, object in (("create_invoice", "ARINVOICE"), ("create_sotransaction", "SODOCUMENT"),
                          ("CUSTOMER", "CUSTOMER"), ("ITEM", "ITEM"), ("GLBATCH", "GLBATCH"), ("GLENTRY", "GLBATCH"),
                          ("lineitem", "ARINVOICE")):  # fmt: skip
        for node in sent.iter(group):
            names = [str(one.tag) for one in node]
            assert set(names) <= set(fields(object, group))
            assert group.isupper() or names == [name for name in fields(object, group) if name in names]


def test_the_stand_in_is_made_by_options() -> None:
    made: Any = simulator({"company": "acme", "entities": "100,200", "currency": "GBP", "currencies": "USD"})
    assert (made.company.id, made.company.entities, made.company.currencies) == ("acme", ("100", "200"), ("GBP", "USD"))
