"""Webhooks: whether a delivery is Intuit's, and what it tells, in both shapes; judged by samples and the stand-in."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import Rejected
from wherry.simulator import Clock
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_quickbooks.webhooks import HEADER, MOST, Event, events, moment, verify

ROOT = Path(__file__).parents[3]
CONTRACT = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "quickbooks"
published = pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the published contract is not at {CONTRACT}")
OLD, NEW = "verifier-old", "verifier-new"
REALMS = ("123146000000001", "123146000000002")


def signed(body: bytes, token: str) -> str:
    return base64.b64encode(hmac.new(token.encode(), body, hashlib.sha256).digest()).decode()


# -- whose it is -------------------------------------------------------------------------------------------------------


@published
def test_the_published_signature_is_good_for_the_exact_bytes_alone():
    told = json.loads((CONTRACT / "samples" / "webhook-signature.json").read_text())
    body = (CONTRACT / "samples" / told["file"]).read_bytes()
    assert told["header"] == HEADER
    assert verify(body, told["value"], [told["verifier_token"]])
    assert not verify(body.rstrip(), told["value"], [told["verifier_token"]]) or body == body.rstrip()
    assert not verify(json.dumps(json.loads(body)).encode(), told["value"], [told["verifier_token"]])


def test_both_tokens_are_good_while_one_replaces_the_other():
    body = b'{"eventNotifications":[]}'
    for token in (OLD, NEW):
        assert verify(body, signed(body, token), [OLD, NEW])
    assert not verify(body, signed(body, OLD), [NEW])


@pytest.mark.parametrize("signature", ["", "=", "not base64", "ü", "AAAA", "\x00" * 44, signed(b"other", NEW)])
def test_a_header_that_is_no_signature_is_refused_without_an_error(signature):
    assert not verify(b"{}", signature, [NEW])


def test_without_a_token_nobody_is_believed():
    body = b"{}"
    assert not verify(body, signed(body, ""), [""])
    assert not verify(body, signed(body, ""), [])


@given(st.binary(max_size=200), st.text(min_size=1, max_size=30), st.integers(0, 199))
def test_one_changed_byte_breaks_the_signature(body, token, at):
    token = token.encode("utf-8", "replace").decode()
    good = signed(body, token)
    assert verify(body, good, [token])
    changed = bytearray(body or b"x")
    changed[at % len(changed)] ^= 1
    assert not verify(bytes(changed), good, [token])


# -- what it tells -----------------------------------------------------------------------------------------------------


@published
def test_the_published_samples_are_read_in_both_shapes():
    old = events((CONTRACT / "samples" / "webhook-legacy.json").read_bytes())
    assert [(e.realm, e.entity, e.entity_id, e.operation) for e in old] == [
        ("123146000000001", "Customer", "58", "updated"), ("123146000000001", "Account", "84", "created")
    ]  # fmt: skip
    assert old[0].time == dt.datetime(2026, 3, 31, 17, tzinfo=dt.UTC)
    new = events((CONTRACT / "samples" / "webhook-cloudevents.json").read_bytes())
    assert [(e.realm, e.entity, e.entity_id, e.operation) for e in new] == [
        ("123146000000001", "Customer", "58", "updated"), ("123146000000002", "Invoice", "145", "voided")
    ]  # fmt: skip
    assert new[0].id == "88cd52aa-33b6-4351-9aa4-47572edbd068"
    assert new[0].time == dt.datetime(2026, 3, 31, 17, 0, 7, 34359, tzinfo=dt.UTC)


def busy() -> QuickBooksSimulator:
    sim = QuickBooksSimulator(clock=Clock("2026-03-31T17:00:00.25+00:00"), companies=REALMS)
    customer = sim.write("Customer", {"DisplayName": "Acme"})["Id"]
    item = sim.write("Item", {"Name": "Work", "Type": "Service", "IncomeAccountRef": {"value": "79"}})["Id"]
    line = {"DetailType": "SalesItemLineDetail", "Amount": 10, "SalesItemLineDetail": {"ItemRef": {"value": item}}}
    for operation in ("void", "delete"):
        made = sim.write("Invoice", {"CustomerRef": {"value": customer}, "Line": [line]})
        sim.write("Invoice", {"Id": made["Id"], "SyncToken": made["SyncToken"]}, operation)
    sim.write("Customer", {"DisplayName": "Other"}, realm=REALMS[1])
    debit, credit = ({"DetailType": "JournalEntryLineDetail", "Amount": 5,
                      "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": account}}}
                     for side, account in (("Debit", "35"), ("Credit", "79")))  # fmt: skip
    sim.write("JournalEntry", {"Line": [debit, credit]}, realm=REALMS[1])
    return sim


@pytest.mark.parametrize("shape", ["legacy", "cloudevents"])
def test_what_the_stand_in_sends_is_believed_and_understood(shape):
    body, headers = busy().webhook(NEW, shape)
    assert verify(body, headers[HEADER], [OLD, NEW])
    told = [(e.realm, e.entity, e.operation) for e in events(body)]
    first, second = REALMS
    assert told == [
        (first, "Customer", "created"), (first, "Item", "created"), (first, "Invoice", "created"),
        (first, "Invoice", "voided"), (first, "Invoice", "created"), (first, "Invoice", "deleted"),
        (second, "Customer", "created"), (second, "JournalEntry", "created"),
    ]  # fmt: skip


def test_both_shapes_tell_the_same_but_for_ids_and_digits():
    def said(event: Event) -> tuple[Any, ...]:
        return event.realm, event.entity, event.entity_id, event.operation, event.time.replace(microsecond=0)

    old, new = ([said(e) for e in events(busy().webhook(NEW, shape)[0])] for shape in ("legacy", "cloudevents"))
    assert old == new


@pytest.mark.parametrize("shape", ["legacy", "cloudevents"])
def test_a_delivery_that_comes_twice_has_the_same_ids(shape):
    body, _ = busy().webhook(NEW, shape)
    assert [e.id for e in events(body)] == [e.id for e in events(body)]
    assert len({e.id for e in events(body)}) == 8


def test_an_event_that_stands_twice_in_a_delivery_is_told_once():
    body, _ = busy().webhook(NEW, "cloudevents")
    assert len(events(json.dumps(json.loads(body) * 2).encode())) == 8


def test_the_older_shape_tells_two_changes_of_one_thing_apart_by_their_time():
    def one(time: str) -> bytes:
        entity = {"name": "Customer", "id": "58", "operation": "Update", "lastUpdated": time}
        return json.dumps(
            {"eventNotifications": [{"realmId": "1", "dataChangeEvent": {"entities": [entity]}}]}
        ).encode()

    assert events(one("2026-03-31T17:00:00Z"))[0].id != events(one("2026-03-31T17:00:01Z"))[0].id


@pytest.mark.parametrize(
    ("text", "micro"),
    [("2026-03-31T17:00:07.034359333Z", 34359), ("2026-03-31T17:00:07Z", 0), ("2026-03-31T17:00:07.5Z", 500_000),
     ("2026-03-31T10:00:07.000000001-07:00", 0), ("2026-03-31T17:00:07.123456", 123_456),
     ("2026-03-31T13:00:07-0400", 0)],
)  # fmt: skip
def test_a_time_may_have_any_number_of_digits_and_any_zone(text, micro):
    assert moment(text) == dt.datetime(2026, 3, 31, 17, 0, 7, micro, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "now", "2026-02-30T00:00:00Z", "2026-03-31", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_is_none_is_refused(text):
    with pytest.raises(Rejected) as caught:
        moment(text)
    assert caught.value.code == "WHERRY-4752"


STRANGE = [
    b"", b"{}", b"null", b"7", b"[7]", b"[{}]", b"\xff", b"[" * 5000, b'{"eventNotifications":{}}',
    b'{"eventNotifications":[{}]}', b'{"eventNotifications":[{"realmId":"1"}]}',
    b'{"eventNotifications":[{"realmId":7,"dataChangeEvent":{"entities":[]}}]}',
    b'[{"type":"qbo.customer.updated.v1","intuitaccountid":"1","time":"2026-03-31T17:00:07Z"}]',
    b'[{"type":"something.else","intuitaccountid":"1","intuitentityid":"2","time":"2026-03-31T17:00:07Z"}]',
    b" " * (MOST + 1),
]  # fmt: skip


@pytest.mark.parametrize("body", STRANGE, ids=range(len(STRANGE)))
def test_a_body_of_neither_shape_is_refused_in_a_sentence(body):
    """I16, I18"""
    with pytest.raises(Rejected) as caught:
        events(body)
    assert caught.value.fix


def test_an_entity_that_is_new_here_is_told_as_it_comes():
    body = {"type": "qbo.newthing.created.v2", "id": "x", "intuitaccountid": "1", "intuitentityid": "2",
            "time": "2026-03-31T17:00:07Z"}  # fmt: skip
    [event] = events(json.dumps([body]).encode())
    assert (event.entity, event.operation) == ("newthing", "created")


WORDS = st.sampled_from(["eventNotifications", "realmId", "dataChangeEvent", "entities", "name", "id", "operation",
                         "lastUpdated", "type", "time", "intuitentityid", "intuitaccountid"])  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("qbo.item.updated.v1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=15,
)  # fmt: skip


@given(ANY)
def test_no_body_however_strange_raises_anything_else(body):
    """I21"""
    with contextlib.suppress(Rejected):
        assert all(isinstance(event, Event) for event in events(json.dumps(body).encode()))
