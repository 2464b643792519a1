"""Message sets: their ids, their bytes, and what QuickBooks is asked about older ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from wherry.errors import ContractBroken
from wherry_qbwc.words.requests import request
from wherry_qbwc.words.sets import asking, clearing, message_set, set_id, spoken

Judge = Callable[[bytes], list[str]]
STAMP = "k3xq7amz2fwe5dhr6tby4cpl3n"
ID = set_id(STAMP)


def same(one: bytes, other: bytes) -> bool:
    """Whether two sets say the same, whatever blanks stand between their elements."""

    def bare(told: bytes) -> bytes:
        root = etree.fromstring(told)
        for element in root.iter():
            element.text, element.tail = (element.text or "").strip(), ""
        return etree.tostring(root, method="c14n")

    return bare(one) == bare(other)


def test_the_id_of_a_set_is_the_beginning_of_the_stamp_and_no_longer_than_quickbooks_takes() -> None:
    assert ID == "k3xq7amz2fwe5dhr6tby4cp"
    assert len(ID) == 23


def test_an_older_quickbooks_is_spoken_to_in_its_own_version() -> None:
    assert [spoken(*theirs) for theirs in ((16, 0), (13, 0), (12, 0), (6, 1))] == ["13.0", "13.0", "12.0", "6.1"]


def test_a_set_begins_with_both_processing_instructions_and_is_the_same_bytes_each_time() -> None:
    once, again = (message_set([request("HostQuery", {}, id=STAMP)], new_id=ID) for _ in range(2))
    assert once == again
    assert once == (
        b'<?xml version="1.0" encoding="utf-8"?>\n<?qbxml version="13.0"?>\n'
        b'<QBXML><QBXMLMsgsRq newMessageSetID="k3xq7amz2fwe5dhr6tby4cp" onError="stopOnError">'
        b'<HostQueryRq requestID="k3xq7amz2fwe5dhr6tby4cpl3n"/></QBXMLMsgsRq></QBXML>'
    )


def test_letters_beyond_ascii_go_as_numbers() -> None:
    told = message_set([request("CustomerAdd", {"Name": "Kern & Söhne – Škoda €"})])
    assert b"<Name>Kern &amp; S&#246;hne &#8211; &#352;koda &#8364;</Name>" in told
    assert etree.fromstring(told).findtext(".//Name") == "Kern & Söhne – Škoda €"


def test_the_requests_stay_where_they_are_when_a_set_is_made_of_them() -> None:
    asked = request("HostQuery", {})
    assert message_set([asked, asked]).count(b"<HostQueryRq") == 2
    assert asked.getparent() is None


def test_an_older_set_is_asked_for_and_cleared_as_intuit_demands(complaints: Judge, contract: Path) -> None:
    for made, sample in ((asking(ID), "recovery-2-ask-status.rq.xml"), (clearing(ID), "recovery-3-clear.rq.xml")):
        assert complaints(made) == []
        told = (contract / "samples" / sample).read_bytes().replace(b"hub000000000000001043", ID.encode())
        assert same(made, told)


@pytest.mark.parametrize(
    ("sample", "requests"),
    [
        ("host-company-prefs.rq.xml", [("HostQuery", {}, "1"),
            ("CompanyQuery", {"OwnerID": "{6F1C3E0A-9F55-4F0B-8E0D-0C5B6B1F2A01}"}, "2"),
            ("PreferencesQuery", {}, "3")]),
        ("customer-mod.rq.xml", [("CustomerMod", {"Phone": "512-555-0101", "EditSequence": "1700000000",
            "ListID": "80000001-1700000000"}, "33")]),
        ("sales-order-query-by-ref.rq.xml", [("SalesOrderQuery", {"RefNumber": "INV-1042"}, "62")]),
        ("account-query-all.rq.xml", [("AccountQuery", {"ActiveStatus": "All"}, "10")]),
    ],
)  # fmt: skip
def test_a_set_says_what_the_contracts_sample_says(sample: str, requests: list[tuple], contract: Path) -> None:
    made = message_set([request(name, body, id=id) for name, body, id in requests])
    assert same(made, (contract / "samples" / sample).read_bytes())


@pytest.mark.parametrize(
    "said", [{"new_id": "a" * 24}, {"old_id": "a b"}, {"new_id": '"/>'}, {"version": "13"}, {"version": '13.0"?>'},
             {"on_error": "rollbackOnError"}],
)  # fmt: skip
def test_an_envelope_that_quickbooks_does_not_take_is_a_fault_of_the_plugin(said: dict[str, str]) -> None:
    with pytest.raises(ContractBroken) as broken:
        message_set([], **said)  # type: ignore[arg-type]
    assert broken.value.code == "WHERRY-1851"
