"""QuickBooks' answers as they are read, and what is no answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from wherry.errors import ContractBroken
from wherry_qbwc.words.replies import MOST, MOST_ATTRIBUTES, MOST_TAGS, many, parse

Judge = Callable[[bytes], list[str]]
OK = 'statusCode="0" statusSeverity="Info" statusMessage="Status OK"'


def answer(inside: str, *, name: str = "HostQuery", attributes: str = OK) -> str:
    return (
        f'<?xml version="1.0" ?>\n<QBXML>\n<QBXMLMsgsRs>\n<{name}Rs requestID="7" {attributes}>{inside}</{name}Rs>'
        "\n</QBXMLMsgsRs>\n</QBXML>"
    )


# -- the contract's samples --------------------------------------------------------------------------------------------


def test_every_sample_of_an_answer_is_read_and_is_valid(contract: Path, complaints: Judge) -> None:
    samples = sorted((contract / "samples").glob("*.rs.xml"))
    assert len(samples) >= 10
    for sample in samples:
        told = sample.read_bytes()
        assert complaints(told) == []
        assert parse(told) == parse(told.decode())


def test_a_sales_orders_answer_holds_its_ids_and_lines(contract: Path) -> None:
    reply = parse((contract / "samples" / "sales-order-add.rs.xml").read_text("utf-8"))
    (told,) = reply.answers
    assert (told.name, told.request_id, told.code) == ("SalesOrderAdd", "50", 0)
    assert told.kinds == ["SalesOrderRet"]
    (row,) = told.rows
    assert (row["TxnID"], row["EditSequence"], row["TotalAmount"]) == ("1F3-1700000000", "1700000010", "1249.50")
    assert row["CustomerRef"] == {"ListID": "80000001-1700000000", "FullName": "Acme Ltd"}
    assert [line["Amount"] for line in row["SalesOrderLineRet"]] == ["250.00"]


def test_an_iterators_answer_holds_its_id_what_remains_and_the_type_of_each_item(contract: Path) -> None:
    (told,) = parse((contract / "samples" / "item-query-iterator.rs.xml").read_text("utf-8")).answers
    assert (told.iterator_id, told.remaining) == ("{1d2f4a70-0a51-4ec0-8a8c-5a1f0f1e2b33}", 37)
    assert [(kind, row["Name"]) for kind, row in zip(told.kinds, told.rows, strict=True)] == [
        ("ItemServiceRet", "Installation")
    ]


def test_a_refusal_holds_its_code_and_quickbooks_own_words(contract: Path) -> None:
    (told,) = parse((contract / "samples" / "name-not-unique.rs.xml").read_text("utf-8")).answers
    assert (told.code, told.rows) == (3100, [])
    assert told.message == 'The name "Acme Ltd" of the list element is already in use.'


def test_what_became_of_an_older_set_is_read_with_its_status(contract: Path) -> None:
    """case_F1."""
    found = parse((contract / "samples" / "recovery-2-found.rs.xml").read_text("utf-8"))
    assert (found.status, len(found.answers)) == ("0", 1)
    nothing = parse((contract / "samples" / "recovery-2-nothing-stored.rs.xml").read_text("utf-8"))
    assert (nothing.status, nothing.answers) == ("600", [])


# -- rows --------------------------------------------------------------------------------------------------------------


def test_what_may_come_several_times_is_a_list_even_of_one() -> None:
    told = parse(answer("<JournalEntryRet><TxnID>2A</TxnID><JournalDebitLine><Amount>1.00</Amount></JournalDebitLine>"
                        "<Odd>1</Odd><Odd>2</Odd></JournalEntryRet>", name="JournalEntryAdd"))  # fmt: skip
    row = told.answers[0].rows[0]
    assert row["JournalDebitLine"] == [{"Amount": "1.00"}]
    assert row["Odd"] == ["1", "2"]
    assert many(row, "JournalDebitLine") == [{"Amount": "1.00"}]
    assert many(row, "JournalCreditLine") == []
    assert many({"Other": {"A": "1"}}, "Other") == [{"A": "1"}]


def test_a_void_returns_one_row_of_its_own_kind() -> None:
    told = parse(answer("<TxnVoidType>Invoice</TxnVoidType><TxnID>1F3</TxnID>", name="TxnVoid")).answers[0]
    assert (told.kinds, told.rows) == (["TxnVoid"], [{"TxnVoidType": "Invoice", "TxnID": "1F3"}])


def test_what_quickbooks_tells_of_an_object_it_could_not_save_is_kept_apart() -> None:
    inside = "<ErrorRecovery><TxnID>1F3</TxnID><EditSequence>17</EditSequence></ErrorRecovery>"
    told = parse(answer(inside, name="InvoiceMod", attributes='statusCode="3180" statusSeverity="Error"')).answers[0]
    assert (told.recovery, told.rows) == ({"TxnID": "1F3", "EditSequence": "17"}, [])


def test_answers_are_found_by_request_id_and_never_by_being_the_latest() -> None:
    """case_F3."""
    one, two = (f'<HostQueryRs requestID="{id}" {OK}/>' for id in "12")
    reply = parse(f"<QBXML><QBXMLMsgsRs>{one}{two}</QBXMLMsgsRs></QBXML>")
    assert (found := reply.answer("1")) is not None
    assert found.request_id == "1"
    assert reply.answer("3") is None
    assert parse(f"<QBXML><QBXMLMsgsRs>{one}{one}</QBXMLMsgsRs></QBXML>").answer("1") is None


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=40
    )
)
def test_a_text_comes_back_as_it_was_written(text: str) -> None:
    element = etree.Element("FullName")
    element.text = text
    told = answer(f"<HostRet>{etree.tostring(element, encoding='unicode')}</HostRet>")
    assert parse(told).answers[0].rows[0]["FullName"] == text
    assert parse(told.encode()) == parse(told)


@pytest.mark.parametrize(
    "odd", ["&#x14;", "&#11;", "&#xFFFE;", "&#x110000;", "&#99999999;", "\x0b", "\x00", "&#xd800;"]
)
def test_a_character_that_xml_forbids_and_quickbooks_sends_becomes_a_blank(odd: str) -> None:
    assert parse(answer(f"<HostRet><Memo>a{odd}b&#246;</Memo></HostRet>")).answers[0].rows[0] == {"Memo": "a bö"}


# -- what is no answer -------------------------------------------------------------------------------------------------

BOMB = '<?xml version="1.0"?><!DOCTYPE QBXML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
NO_ANSWERS = {
    "empty": "",
    "blank": " \n ",
    "text": "QuickBooks is busy",
    "html": "<html><body>502</body></html>",
    "cut": answer("")[:-20],
    "request": "<QBXML><QBXMLMsgsRq onError='stopOnError'/></QBXML>",
    "two sets": "<QBXML><QBXMLMsgsRs/><QBXMLMsgsRs/></QBXML>",
    "something beside": "<QBXML><QBXMLMsgsRs/><Other/></QBXML>",
    "no code": answer("", attributes=""),
    "odd code": answer("", attributes='statusCode="OK"'),
    "bomb": BOMB + answer("<HostRet><A>&b;</A></HostRet>")[22:],
    "external": '<!DOCTYPE QBXML SYSTEM "file:///etc/passwd"><QBXML><QBXMLMsgsRs/></QBXML>',
    "hidden": '<!DOC\x00TYPE QBXML SYSTEM "x"><QBXML><QBXMLMsgsRs/></QBXML>',
    "entity": answer("<HostRet><A>&xxe;</A></HostRet>"),
    "deep": answer("<a>" * 5000 + "</a>" * 5000),
    "wide": answer("<HostRet/>" * (MOST_TAGS + 1)),
    "attributes": answer("", attributes=OK + "".join(f" a{n}=''" for n in range(MOST_ATTRIBUTES))),
    "latin": answer("<HostRet><A>Söhne</A></HostRet>").encode("latin-1"),
    "utf-16": answer("").encode("utf-16"),
    "long": b" " * (MOST + 1),
}


@pytest.mark.parametrize("told", NO_ANSWERS.values(), ids=list(NO_ANSWERS))
def test_what_is_no_answer_is_refused_with_a_reason(told: str | bytes) -> None:
    """case_F10, case_F11, case_F14."""
    with pytest.raises(ContractBroken, match="the answer of QuickBooks cannot be read: it") as broken:
        parse(told)
    assert broken.value.code == "WHERRY-1852"


@given(st.text(st.sampled_from('<>&;#x!?/"=[]ab QBXMLMsgsRs'), max_size=80) | st.binary(max_size=80))
def test_nothing_makes_the_parser_fall_over(told: str | bytes) -> None:
    try:
        parse(told)
    except ContractBroken as broken:
        assert broken.fix  # noqa: PT017
