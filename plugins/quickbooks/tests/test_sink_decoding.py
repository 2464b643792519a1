"""What raw answers of QuickBooks come to, line by line of the table: nothing is sent here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.records import Answer, Call, Item, Reply
from wherry_quickbooks import decoding
from wherry_quickbooks.books import Books, Chart
from wherry_quickbooks.calls import encoded
from wherry_quickbooks.client import Company
from wherry_quickbooks.refusals import CODES

ROOT = Path(__file__).parents[3]
CONTRACT = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "quickbooks"
COMPANY = Company("1", "Acme", "GBP", "GB", False, "none", None, True)
BOOKS = Books(COMPANY, Chart([]), "tables/tax.csv", {}, "79", "NonInventory", "refuse")
STAMP = "abcdefghijklmnopqrstuvwxyz"


class Addresses:
    """As much of a client as encoding needs: addresses."""

    params: dict[str, str] = {"minorversion": "75"}  # noqa: RUF012

    def path(self, resource: str) -> str:
        return f"v3/company/1/{resource}"


def thing(number: int = 0, **more: Any) -> Item:
    stamp = STAMP[number:] + STAMP[:number]
    body = {"name": f"C{number}"}
    return Item(entity="customer", key=f"id:{number}", body=body, **{"stamp": stamp, **more})


def calls(*items: Item) -> Call:
    client: Any = Addresses()
    [call] = encoded(items, BOOKS, client, 30)
    return call


def fault(code: str, message: str = "", detail: str = "", kind: str = "ValidationFault") -> dict[str, Any]:
    error = {"Message": message, "Detail": detail, "code": code, "element": "Field"}
    return {"Fault": {"Error": [error], "type": kind}, "time": "2026-03-31T10:00:01.123-07:00"}


def told(
    body: Any, status: int = 400, item: Item | None = None, headers: dict[str, str] | None = None
) -> Answer | None:
    """What a reply to the call of one item comes to; None where it stays unknown."""
    item = item or thing()
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status=status, headers=headers or {}, body=raw)
    return decoding.answers(calls(item), [item], reply, BOOKS).get(item.stamp)


REFUSED = sorted(code for code, line in CODES.items() if line.verdict == "refused")


@pytest.mark.parametrize("code", REFUSED)
@pytest.mark.parametrize("status", [200, 400])
def test_each_refusal_of_the_table_has_a_reason_a_next_step_and_the_vendors_code(code: str, status: int) -> None:
    """I16."""
    answer = told(fault(code, "Some Error", "Some Error : of a kind"), status)
    assert answer is not None
    assert (answer.fate, answer.code) == ("refused", code)
    assert answer.reason.startswith(CODES[code].reason)
    assert "of a kind" in answer.reason
    assert answer.fix
    assert answer.field in ("Field", CODES[code].field)


@pytest.mark.parametrize("code", ["6200", "6210"])
def test_a_closed_period_is_refused(code: str) -> None:
    answer = told(fault(code, "Account Period Closed"), item=thing(target="5", token="0"))
    assert answer is not None
    assert (answer.fate, answer.code) == ("refused", "period closed")


@pytest.mark.parametrize(
    ("message", "fate"),
    [
        ("Stale Object Error : You and another user were working on this at the same time.", "unknown"),
        ("Account Period Closed, Cannot Update Through Services", "refused"),
        ("The account period has closed and the account books cannot be updated through QBO Services.", "refused"),
    ],
)
def test_one_number_is_two_things_and_the_text_tells_which(message: str, fate: str) -> None:
    """python-quickbooks 208: code and message, not the number alone."""
    for body in (fault("5010", message), fault("5010", "", message)):
        answer = told(body, item=thing(target="5", token="0"))
        assert answer is not None
        assert (answer.fate, answer.after) == (fate, 0.0 if fate == "unknown" else None)


@pytest.mark.parametrize("code", ["6140", "6240"])
def test_what_is_taken_is_looked_at_first_and_refused_the_second_time(code: str) -> None:
    body = fault(code, "Duplicate", "Taken. DocNumber=1 is assigned to TxnType=Invoice with TxnId=58")
    answer = told(body)
    assert answer is not None
    assert (answer.fate, answer.after, answer.memo) == ("unknown", 0.0, "taken=58")
    again = msgspec.structs.replace(thing(target="5", token="0"), memo=answer.memo)
    client: Any = Addresses()
    call = Call(method="POST", path=client.path("customer"), items=(again.stamp,))
    reply = Reply(status=400, body=json.dumps(body).encode())
    answer = decoding.answers(call, [again], reply, BOOKS)[again.stamp]
    assert (answer.fate, answer.code) == ("refused", code)
    assert "58" in answer.fix


def test_too_many_calls_are_put_off_for_as_long_as_is_said() -> None:
    body = fault("3001", "message=ThrottleExceeded", kind="THROTTLE")
    for status, headers, after in ((429, {}, 60.0), (429, {"retry-after": "7"}, 7.0), (400, {}, 60.0)):
        answer = told(body, status, headers=headers)
        assert answer is not None
        assert (answer.fate, answer.after) == ("queued", after)


def test_a_validation_fault_that_the_table_does_not_know_is_refused_in_quickbooks_words() -> None:
    answer = told(fault("6999", "New Rule", "New Rule : no Mondays"))
    assert answer is not None
    assert (answer.fate, answer.code, answer.field) == ("refused", "6999", "Field")
    assert "no Mondays" in answer.reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, fault("10000", "An application error", kind="SystemFault")),
        (200, fault("10000", "An application error", kind="SystemFault")),
        (400, fault("7777", "Something", kind="SystemFault")),
        (400, {"no": "fault"}),
        (400, b""),
        (401, {"fault": {"error": [{"message": "errorCode=003200", "code": "3200"}], "type": "AUTHENTICATION"}}),
        (403, {"fault": {"error": [{"message": "errorCode=003100", "code": "3100"}], "type": "AUTHORIZATION"}}),
        (404, fault("2000", "Unsupported")),
        (500, fault("10000", kind="SystemFault")),
        (500, {"Customer": {"Id": "1", "SyncToken": "0"}}),
        (502, b"<html>Gateway error</html>"),
        (503, b""),
        (504, b"<html>"),
        (200, b'{"Customer": {"Id": "1", "Sync'),
        (200, {"Customer": {"Id": "1"}}),
        (200, {"Customer": {"SyncToken": "0"}}),
        (200, {"Invoice": {"Id": "1", "SyncToken": "0"}}),
        (200, {"Customer": {"Id": "1", "SyncToken": "0", "Notes": f"wherry:{STAMP[::-1].replace('z', 'a')}"}}),
        (302, b""),
    ],
)
def test_what_does_not_plainly_say_done_or_refused_stays_unknown(status: int, body: Any) -> None:
    """Write protocol 3.2, rule 5: the default is unknown."""
    assert told(body, status) is None


def test_an_update_that_answers_with_another_object_stays_unknown() -> None:
    assert told({"Customer": {"Id": "6", "SyncToken": "1"}}, 200, thing(target="5", token="0")) is None


def test_a_created_object_is_told_with_its_id_version_and_facts() -> None:
    held = {"Id": "58", "SyncToken": "0", "DisplayName": "C0", "Notes": f"wherry:{STAMP}"}
    answer = told({"Customer": held}, 200)
    assert answer is not None
    assert (answer.fate, answer.target, answer.token) == ("created", "58", "0")
    assert answer.facts == {"name": "C0", "notes": ""}


# -- batches ----------------------------------------------------------------------------------------------------------


def batch(*parts: dict[str, Any], status: int = 200, whole: dict[str, Any] | None = None) -> dict[str, Answer]:
    items = [thing(n) for n in range(3)]
    body = whole or {"BatchItemResponse": list(parts)}
    return decoding.answers(calls(*items), items, Reply(status=status, body=json.dumps(body).encode()), BOOKS)


def part(number: int, **body: Any) -> dict[str, Any]:
    return {"bId": thing(number).stamp[:10], **body}


def held(key: str, **more: Any) -> dict[str, Any]:
    return {"Customer": {"Id": key, "SyncToken": "0", **more}}


def test_items_of_a_batch_are_known_by_their_keys_whatever_their_order() -> None:
    answers = batch(part(2, **held("12")), part(0, **held("10")), part(1, **fault("2020", "Missing")))
    told = {stamp: (one.fate, one.target) for stamp, one in answers.items()}
    assert told == {
        thing(0).stamp: ("created", "10"), thing(1).stamp: ("refused", ""), thing(2).stamp: ("created", "12"),
    }  # fmt: skip


def test_items_that_are_missing_strange_or_told_twice_stay_unknown() -> None:
    answers = batch(part(0, **held("10")), part(0, **held("11")), {"bId": "strange", **held("12")}, {**held("13")})
    assert answers == {}
    assert batch(part(1, **fault("10000", kind="SystemFault")), part(2, **held("12"))).keys() == {thing(2).stamp}


def test_a_batch_that_is_refused_as_a_whole_goes_one_by_one() -> None:
    for status in (200, 400):
        answers = batch(status=status, whole=fault("2010", "Invalid property"))
        assert {(one.fate, one.memo) for one in answers.values()} == {("queued", "alone")}
        assert len(answers) == 3
    assert {one.after for one in batch(status=400, whole=fault("3001", kind="THROTTLE")).values()} == {60.0}
    assert batch(status=400, whole=fault("10000", kind="SystemFault")) == {}


# -- Intuit's samples -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the published contract is not at {CONTRACT}")
@pytest.mark.parametrize(
    ("name", "status", "fate", "code"),
    [
        ("2020-required", 400, "refused", "2020"),
        ("2300-unbalanced", 400, "refused", "2300"),
        ("401", 401, None, ""),
        ("429", 429, "queued", ""),
        ("5010-stale", 400, "unknown", ""),
        ("610-not-found", 400, "refused", "610"),
        ("6140-duplicate-docnumber", 400, "unknown", ""),
        ("6200-period-closed", 400, "refused", "period closed"),
        ("6240-duplicate-name", 400, "unknown", ""),
    ],
)
def test_sample_faults_come_to_what_they_mean(name: str, status: int, fate: str | None, code: str) -> None:
    answer = told((CONTRACT / "samples" / f"fault-{name}.json").read_bytes(), status)
    assert (answer.fate if answer else None) == fate
    assert answer is None or answer.code == code


@pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the published contract is not at {CONTRACT}")
def test_every_code_that_intuit_publishes_for_writes_is_in_the_table() -> None:
    groups = json.loads((CONTRACT / "fault-codes.json").read_text())["codes"]
    wanted = {
        code for group in ("conflict", "closed_books", "mapping", "account_state", "request") for code in groups[group]
    }
    assert wanted - set(CODES) == set()
