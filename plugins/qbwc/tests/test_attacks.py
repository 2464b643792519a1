"""What strangers send: each is refused by its shape, before anything is made of it, and opens nothing.

Their times and memory are measured by ``benchmarks/soap.py``, with the same bodies.
"""

from __future__ import annotations

import gzip
import socket
import zlib
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from wherry.errors import Guarded
from wherry_qbwc.soap import guard, messages
from wherry_qbwc.soap.words import OPERATIONS

from .attack_bodies import ATTACKS, enveloped
from .web_rig import NAME, TNS, Served, wrapped

HEADERS = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{TNS}serverVersion"'}
CALL = wrapped("serverVersion").encode()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_whatever_it_is(name: str) -> None:
    """case_F10, case_F11, case_F13, case_F14"""
    with pytest.raises(Guarded) as refused:
        messages.read(HEADERS, ATTACKS[name])
    assert refused.value.code in ("WHERRY-7350", "WHERRY-7351")
    assert len(refused.value.message) < 300


def test_attacks_on_the_served_address_get_a_fault_and_begin_nothing(site: Served) -> None:
    """case_F10, case_F11, case_F13, case_F14"""
    site.script("<x/>")
    for name, body in ATTACKS.items():
        answer = site.post(body)
        assert answer.status_code == 500, name
        assert b"<soap:Fault>" in answer.content, name
        assert b"root:" not in answer.content
    assert site.desk.begun == []
    assert site.post(CALL).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"soapaction": f'"{TNS}authenticate"'}, {"soapaction": '""'}, {"soapaction": "-"},
        {"soapaction": '"serverVersion"'}, {"soapaction": '"http://evil.example/serverVersion"'},
        {"content_type": "text/xml; charset=utf-16"}, {"content_type": "text/xml; charset=utf-7"},
        {"content_type": "application/xml"}, {"content_type": "multipart/related; type=text/xml"},
        {"content_type": "application/soap+xml"}, {"content_type": "-"}, {"content_encoding": "gzip"},
    ],
)  # fmt: skip
def test_a_header_that_contradicts_the_body_is_refused(site: Served, headers: dict[str, str]) -> None:
    """case_F13, case_F14"""
    answer = site.post(CALL, **headers)
    assert answer.status_code in (400, 500)
    assert b"Fault>" in answer.content


def test_the_same_call_with_its_own_headers_is_answered(site: Served) -> None:
    for headers in ({}, {"soapaction": f"{TNS}serverVersion"}, {"content_type": 'Text/XML; charset="UTF-8"'}):
        assert site.post(CALL, **headers).status_code == 200
    modern = wrapped("serverVersion", version="1.2")
    for kind in ("application/soap+xml", f'application/soap+xml; charset=utf-8; action="{TNS}serverVersion"'):
        assert site.post(modern, content_type=kind, soapaction="-").status_code == 200
    wrong = site.post(modern, content_type=f'application/soap+xml; action="{TNS}authenticate"')
    assert wrong.status_code == 400
    assert b"soap:Sender" in wrong.content


# -- size --------------------------------------------------------------------------------------------------------------


def test_a_body_beyond_the_limit_is_refused_unread(site: Served) -> None:
    """case_F12"""
    assert site.post(b"<" + b" " * guard.MOST_BYTES).status_code == 413
    with pytest.raises(Guarded, match="bytes"):
        guard.envelope(CALL + b" " * guard.MOST_BYTES)


def test_a_body_in_parts_without_end_is_cut_off(site: Served) -> None:
    """case_F12"""
    where = urlsplit(site.url)
    part = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", where.port or 0), 20) as peer:
        peer.sendall(
            f"POST /hooks/qbwc/{NAME} HTTP/1.1\r\nHost: localhost\r\ncontent-type: text/xml\r\n"
            "transfer-encoding: chunked\r\n\r\n".encode()
        )
        try:
            while sent < 100 << 20:
                peer.sendall(part)
                sent += len(part)
        except OSError:
            pass
    assert sent < 40 << 20


def test_a_compressed_bomb_is_never_unpacked(site: Served) -> None:
    """case_F12"""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(100)) + packer.flush()
    assert gzip.decompress(bomb)[:1] == b" "
    for headers in ({"content_encoding": "gzip"}, {}):
        assert site.post(bomb, **headers).status_code == 500


def test_a_long_answer_of_quickbooks_is_no_attack() -> None:
    """Its tags travel as text, escaped or in a section of data."""
    text = '<AccountRet a="1">&amp; é</AccountRet>' * 50_000
    plain = text.replace("&", "&amp;").replace("<", "&lt;")
    headers = {**HEADERS, "soapaction": f"{TNS}receiveResponseXML"}
    for inside in (plain, f"<![CDATA[{text}]]>"):
        asked = messages.read(headers, wrapped("receiveResponseXML", ("response", inside)).encode())
        assert asked.text("response") == text


def test_control_characters_that_people_paste_into_quickbooks_become_blanks() -> None:
    headers = {**HEADERS, "soapaction": f"{TNS}receiveResponseXML"}
    told = "a&#x0B;b&#11;c&#xFFFF;d&#x9;e&#10;f&#xE9;g&amp;#x0B;h"
    asked = messages.read(headers, wrapped("receiveResponseXML", ("response", told)).encode())
    assert asked.text("response") == "a b c d\te\nfég&#x0B;h"


# -- whatever else ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_no_bytes_make_anything_but_a_refusal(body: bytes) -> None:
    with pytest.raises(Guarded):
        messages.read(HEADERS, body)


@given(st.integers(0, len(CALL)), st.integers(0, len(CALL)), st.binary(max_size=8))
def test_a_call_that_is_damaged_anywhere_is_refused_or_still_the_same_call(start: int, end: int, put: bytes) -> None:
    try:
        asked = messages.read(HEADERS, CALL[:start] + put + CALL[max(start, end) :])
    except Guarded:
        return
    assert (asked.operation, asked.given) == ("serverVersion", {})


@given(st.sampled_from(sorted(OPERATIONS)), st.text(), st.integers(-9, 100))
def test_whatever_an_answer_holds_it_is_one_text_of_one_answer(name: str, text: str, number: int) -> None:
    """case_F18"""
    kind = OPERATIONS[name].result
    result = [text, "", text] if kind == "strings" else number if kind == "int" else text
    for version in ("1.1", "1.2"):
        root = etree.fromstring(messages.answer(version, name, result))  # type: ignore[arg-type]
        (told,) = root[-1][0]
        assert told.tag == f"{{{TNS}}}{name}Result"
        assert len(told) == (3 if kind == "strings" else 0)
        clean = "".join(one if messages._UNWRITABLE.match(one) is None else " " for one in text)
        heard = [one.text or "" for one in told] if kind == "strings" else [told.text or ""]
        wanted = [clean, "", clean] if kind == "strings" else [str(number) if kind == "int" else clean]
        assert [one.replace("\r", "\n") for one in heard] == [one.replace("\r", "\n") for one in wanted]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿")))
def test_a_texts_way_through_a_call_changes_nothing(text: str) -> None:
    inside = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
    headers = {**HEADERS, "soapaction": f"{TNS}closeConnection"}
    asked = messages.read(headers, wrapped("closeConnection", ("ticket", inside)).encode())
    assert asked.text("ticket") == text


def test_a_parameter_twice_or_with_elements_inside_or_no_number_is_refused() -> None:
    """case_F13"""
    numbers = (("qbXMLMajorVers", "16"), ("qbXMLMinorVers", "0"))
    headers = {**HEADERS, "soapaction": f"{TNS}sendRequestXML"}
    good = wrapped("sendRequestXML", ("ticket", "t"), *numbers).encode()
    assert messages.read(headers, good).number("qbXMLMajorVers") == 16
    for wrong in (
        (("ticket", "t"), ("ticket", "u"), *numbers), (("ticket", "<b>t</b>"), *numbers), (("ticket", "t"), numbers[0]),
        (("ticket", "t"), numbers[0], ("qbXMLMinorVers", "1.5")), (numbers[0], ("qbXMLMinorVers", "9" * 40)),
    ):  # fmt: skip
        with pytest.raises(Guarded) as refused:
            messages.read(headers, wrapped("sendRequestXML", *wrong).encode())
        assert refused.value.code == "WHERRY-7351"


def test_a_message_of_a_fault_cannot_leave_its_text() -> None:
    assert enveloped("") != CALL
    for version in ("1.1", "1.2"):
        root = etree.fromstring(messages.fault(version, "</x><b>\x00&"))  # type: ignore[arg-type]
        assert "</x><b> &" in "".join(root.itertext())
