"""What the company file's parser takes, and what it refuses as a whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry_qbwc.simulator import HResult, QbwcSimulator
from wherry_qbwc.simulator.reading import read

from .company_bench import ask, code, desktop, one, order, row, rq, set_of

CUSTOMER = '<CustomerAddRq requestID="1"><CustomerAdd>{}</CustomerAdd></CustomerAddRq>'


def refused(text: str) -> str:
    with pytest.raises(HResult) as caught:
        read(text)
    return caught.value.code


@pytest.mark.parametrize(
    "body",
    [
        "<CompanyName>X</CompanyName><Name>A</Name>",
        "<CompanyName>X</CompanyName>",
        "<Name>A</Name><Name>B</Name>",
        "<Name>A</Name><Colour>red</Colour>",
        "<Name>A</Name>stray",
        "<Name><b>A</b></Name>",
        '<Name kind="x">A</Name>',
        "<Name>A</Name><JobStatus>Perhaps</JobStatus>",
        "<Name>A</Name><TermsRef><FullName>Net 15</FullName><ListID>1</ListID></TermsRef>",
    ],
)
def test_a_set_out_of_the_schemas_order_is_refused_whole(body: str) -> None:
    assert refused(set_of(CUSTOMER.format(body))) == "0x80040400"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no xml",
        '<?xml version="1.0"?><QBXML><QBXMLMsgsRq onError="stopOnError"/></QBXML>',
        set_of(CUSTOMER.format("<Name>a\x01b</Name>")),
        set_of(CUSTOMER.format("<Name>a & b</Name>")),
        set_of("<FlyToTheMoonRq/>"),
        set_of('<AccountQueryRq iterator="Start"><MaxReturned>5</MaxReturned></AccountQueryRq>'),
        set_of("<CustomerQueryRq><ListID>1</ListID><FullName>A</FullName></CustomerQueryRq>"),
        set_of("<TxnVoidRq><TxnVoidType>SalesOrder</TxnVoidType><TxnID>1</TxnID></TxnVoidRq>"),
        set_of(on_error="rollbackOnError"),
        '<!DOCTYPE a [<!ENTITY b "c">]>' + set_of(),
    ],
)
def test_what_is_no_message_set_is_refused_whole(text: str) -> None:
    assert refused(text) == "0x80040400"


def test_a_version_that_quickbooks_does_not_speak_is_refused() -> None:
    assert refused(set_of(version="17.0")) == "0x80040423"


def test_a_refused_set_does_nothing_and_is_not_kept() -> None:
    company = desktop()
    with pytest.raises(HResult):
        ask(company, CUSTOMER.format("<Name>Good</Name>"), CUSTOMER.format("<Wrong/>"), newMessageSetID="a1")
    assert "Good" not in [told["FullName"] for told in company.records("Customer")]
    assert company.company().kept == {}


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("CreditLimit", "10.5", 3040),
        ("IsActive", "yes", 3010),
        ("JobStartDate", "2026-02-30", 3020),
        ("CompanyName", "x" * 42, 3070),
    ],
)
def test_a_value_of_a_wrong_form_is_the_requests_own_error(field: str, value: str, expected: int) -> None:
    order_of = ["IsActive", "CompanyName", "CreditLimit", "JobStartDate"]
    assert field in order_of
    answer = one(desktop(), CUSTOMER.format(f"<Name>A</Name><{field}>{value}</{field}>"))
    assert code(answer) == (expected, "Error")


def test_a_request_id_of_more_than_fifty_characters_is_refused() -> None:
    assert code(one(desktop(), f'<HostQueryRq requestID="{"x" * 51}"/>')) == (1060, "Error")


def test_letters_outside_windows_1252_become_question_marks_and_the_history_tells() -> None:
    company = desktop()
    made = row(one(company, rq("SalesOrderAdd", order(Memo="Łódź – 5 €"))))
    assert made.findtext("Memo") == "?ód? – 5 €"
    assert [entry.detail["text"] for entry in company.history.effects("lossy")] == ["Memo: Łódź – 5 €"]


@given(st.text(st.characters(codec="cp1252", exclude_categories=["Cc"]), min_size=1, max_size=60))
def test_a_memo_of_windows_1252_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    asked = read(set_of(rq("SalesOrderAdd", order(Memo=escaped))))
    assert asked.requests[0].body["SalesOrderAdd"]["Memo"] == text


def test_after_an_error_the_rest_is_done_or_not_as_was_asked() -> None:
    bad, good = CUSTOMER.format("<Name>a:b</Name>"), CUSTOMER.format("<Name>Good</Name>")
    stopped, went_on = desktop(), desktop()
    assert [code(a)[0] for a in ask(stopped, bad, good)] == [3080, 3231]
    assert [code(a)[0] for a in ask(went_on, bad, good, on_error="continueOnError")] == [3080, 0]


def samples(contract: Path) -> list[Path]:
    found = sorted((contract / "samples").glob("*.rq.xml"))
    assert found, "the contract has sample requests"
    return found


def test_every_sample_of_intuits_is_valid_by_its_schema_and_is_taken(
    contract: Path, complaints: Callable[[bytes], list[str]]
) -> None:
    """Every sample request is valid by the schema, and each is taken."""
    for sample in samples(contract):
        assert complaints(sample.read_bytes()) == []
        read(sample.read_text("utf-8"))


def test_every_answer_is_valid_by_intuits_schema(contract: Path, complaints: Callable[[bytes], list[str]]) -> None:
    company = desktop(multicurrency=True, owner="{6F1C3E0A-9F55-4F0B-8E0D-0C5B6B1F2A01}",
                      file_id="{B2A7E3B4-0B0E-4C57-9C43-1E0B8F6D7C02}")  # fmt: skip
    for sample in samples(contract):
        told = company.execute(sample.read_text("utf-8"))
        assert complaints(told.encode()) == [], sample.name
    for text in _scenario(company):
        assert complaints(company.execute(text).encode()) == [], text


def _scenario(company: QbwcSimulator) -> list[str]:
    made = row(one(company, rq("SalesOrderAdd", order())))
    invoice = company.enter("Invoice", CustomerRef={"FullName": "Cook, Brian"}, Memo="by hand",
                            InvoiceLineAdd=[{"ItemRef": {"FullName": "Panel"}}])  # fmt: skip
    key = {"TxnID": made.findtext("TxnID"), "EditSequence": made.findtext("EditSequence")}
    every = [f"<{kind}QueryRq><IncludeLineItems>true</IncludeLineItems></{kind}QueryRq>"
             for kind in ("SalesOrder", "Invoice", "JournalEntry", "Estimate")]  # fmt: skip
    return [
        set_of(rq("SalesOrderMod", {**key, "Memo": "changed"})),
        set_of(rq("EstimateAdd", {"CustomerRef": {"FullName": "Cook, Brian"},
                                  "EstimateLineAdd": {"ItemRef": {"FullName": "Consulting"}}})),
        set_of(*every),
        set_of(rq("TxnVoid", {"TxnVoidType": "Invoice", "TxnID": invoice})),
        set_of(rq("TxnDel", {"TxnDelType": "SalesOrder", "TxnID": made.findtext("TxnID") or ""})),
        set_of("<TxnDeletedQueryRq><TxnDelType>SalesOrder</TxnDelType></TxnDeletedQueryRq>"),
        set_of("<ItemQueryRq/>", "<CustomerQueryRq/>", "<AccountQueryRq/>"),
    ]  # fmt: skip
