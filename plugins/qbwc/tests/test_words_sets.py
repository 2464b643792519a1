"""Message sets: their ids, their bytes, and what QuickBooks is asked about older ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from wherry.errors import ContractBroken
from wherry_qbwc.words import shapes
from wherry_qbwc.words.requests import request
from wherry_qbwc.words.sets import clearing, message_set, set_id, spoken
from wherry_qbwc.words.shapes import Shape

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
    ask = message_set([], new_id=ID, old_id=ID)
    for made, sample in ((ask, "recovery-2-ask-status.rq.xml"), (clearing(ID), "recovery-3-clear.rq.xml")):
        assert complaints(made) == []
        told = (contract / "samples" / sample).read_bytes().replace(b"hub000000000000001043", ID.encode())
        assert same(made, told)


TYPED: dict[str, Callable[[str], Any]] = {"bool": lambda said: said == "true", "count": int}


def body_of(element: etree._Element, shape: Shape) -> dict[str, Any]:
    """What an element of a sample says, as a body."""
    body: dict[str, Any] = {}
    for child in element:
        field = next(field for field in shape if field.name == child.tag)
        if len(child):
            ref = {one.tag: one.text for one in child}
            value = ref if field.kind == "ref" else body_of(child, shapes.shape(field.kind))
        else:
            value = TYPED.get(field.kind, str)(child.text or "")
        body.setdefault(child.tag, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in body.items()}


def test_every_sample_of_a_request_can_be_said_in_the_same_words(contract: Path) -> None:
    """case_F9: bodies are taken apart, and put together again by our builders."""
    samples = sorted((contract / "samples").glob("*.rq.xml"))
    assert len(samples) >= 15
    for sample in samples:
        told = etree.fromstring(sample.read_bytes())[0]
        made = []
        for asked in told:
            name = asked.tag.removesuffix("Rq")
            known = shapes.requests()[name]
            attributes = {key: value for key, value in asked.attrib.items() if key != "requestID"}
            body = body_of(asked[0] if known.body else asked, known.shape)
            made.append(request(name, body, id=asked.get("requestID", ""), attributes=attributes))
        ids = {"new_id": told.get("newMessageSetID", ""), "old_id": told.get("oldMessageSetID", "")}
        assert same(message_set(made, **ids), sample.read_bytes()), sample.name


@pytest.mark.parametrize(
    "said", [{"new_id": "a" * 24}, {"old_id": "a b"}, {"new_id": '"/>'}, {"version": "13"}, {"version": '13.0"?>'},
             {"on_error": "rollbackOnError"}],
)  # fmt: skip
def test_an_envelope_that_quickbooks_does_not_take_is_a_fault_of_the_plugin(said: dict[str, str]) -> None:
    with pytest.raises(ContractBroken) as broken:
        message_set([], **said)  # type: ignore[arg-type]
    assert broken.value.code == "WHERRY-1851"
