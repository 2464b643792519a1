"""What QuickBooks' faults mean for whoever reads: both shapes, and the codes that Intuit publishes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import AccessLost, ConfigError, ContractBroken, Rejected, TryAgain, WherryError
from wherry.http import Response
from wherry_quickbooks.faults import Fault, classify, error_of, faults, faults_in

ROOT = Path(__file__).parents[3]
CONTRACT = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "quickbooks"
published = pytest.mark.skipif(not CONTRACT.is_dir(), reason=f"the published contract is not at {CONTRACT}")


def response(status: int, body: Any, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, headers, content, "https://quickbooks.api.intuit.com/v3/company/1/query")


def fault(code: str, message: str = "", detail: str = "", kind: str = "ValidationFault") -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": message, "Detail": detail, "code": code}], "type": kind}}


MEANINGS = [
    (401, fault("3200", "message=AuthenticationFailed; errorCode=003200; statusCode=401"), AccessLost, "WHERRY-5751"),
    (400, fault("3202"), AccessLost, "WHERRY-5751"),
    (403, fault("3100", "message=ApplicationAuthorizationFailed"), AccessLost, "WHERRY-5753"),
    (400, fault("120", "Authorization Failure"), AccessLost, "WHERRY-5753"),
    (400, fault("5020", "Permission denied"), AccessLost, "WHERRY-5753"),
    (400, fault("", "no", kind="AuthorizatonFault"), AccessLost, "WHERRY-5753"),
    (400, fault("6190", "Subscription period has ended"), AccessLost, "WHERRY-5752"),
    (400, fault("5030", "Feature not supported"), ConfigError, "WHERRY-2751"),
    (400, fault("4000", "Error parsing query"), ContractBroken, "WHERRY-1751"),
    (400, fault("4001", "Invalid query"), ContractBroken, "WHERRY-1751"),
    (400, fault("4002"), TryAgain, "WHERRY-6752"),
    (500, fault("10000", kind="SystemFault"), TryAgain, "WHERRY-6752"),
    (400, fault("10000", "An application error"), TryAgain, "WHERRY-6752"),
    (503, fault("6000"), TryAgain, "WHERRY-6752"),
    (429, fault("3001", "message=ThrottleExceeded; errorCode=003001; statusCode=429"), TryAgain, "WHERRY-6751"),
    (200, fault("003001", "message=ThrottleExceeded"), TryAgain, "WHERRY-6751"),
    (429, b"<html>slow down</html>", TryAgain, "WHERRY-6751"),
    (400, fault("610", "Object Not Found", "made inactive"), Rejected, "WHERRY-4751"),
    (400, fault("2500", "Invalid Reference Id"), Rejected, "WHERRY-4751"),
    (400, fault("99999", "something new"), Rejected, "WHERRY-4751"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), MEANINGS)
def test_a_fault_means_what_the_engine_does_next(status, body, kind, code):
    error = classify(response(status, body))
    assert type(error) is kind
    assert error.code == code
    assert error.fix


@pytest.mark.parametrize(
    ("status", "body"), [(503, b"<html>"), (401, b""), (404, {"error": 404}), (400, {"Fault": "x"}), (500, b"\xff")]
)
def test_an_answer_without_a_fault_is_left_to_the_core(status, body):
    assert classify(response(status, body)) is None


def test_a_number_alone_does_not_slow_anybody_down():
    """The same number stands for other things elsewhere: it must be said that there were too many calls."""
    error = classify(response(400, fault("3001", "Invalid value")))
    assert isinstance(error, Rejected)


def test_both_shapes_tell_the_same():
    upper = {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "003200", "element": "e"}], "type": "T"}}
    lower = {"fault": {"error": [{"message": "m", "detail": "d", "code": "3200", "element": "e"}], "type": "T"}}
    assert faults(upper) == faults(lower) == [Fault("3200", "m", "d", "e", "T")]


def test_a_number_that_stands_in_the_message_alone_is_found():
    assert faults({"fault": {"error": [{"message": "errorCode=003200; statusCode=401"}]}})[0].code == "3200"


def test_a_fault_without_errors_is_still_one():
    assert len(faults({"Fault": {"type": "SystemFault"}})) == 1
    assert isinstance(classify(response(200, {"Fault": {"type": "SystemFault"}})), TryAgain)


def test_a_minutes_rest_is_kept_unless_a_header_asks_for_another():
    body = fault("3001", "ThrottleExceeded")
    assert classify(response(429, body)).after == 60.0
    assert classify(response(429, body, **{"retry-after": "7"})).after is None


def test_secrets_that_a_fault_repeats_are_not_told_on():
    """I14"""
    told = error_of(Fault("2010", "Bearer eyJhbGciOiJkaXIifQ.c2VjcmV0LXNlY3JldA.c2lnbmF0dXJlLW1vcmU is not welcome"))
    assert "c2VjcmV0" not in str(told.as_data()) + str(told)


@published
@pytest.mark.parametrize("path", sorted(CONTRACT.glob("samples/fault-*.json")), ids=lambda path: path.stem)
def test_the_published_samples_are_read(path):
    found = faults_in(path.read_bytes())
    assert found
    assert found[0].code
    assert found[0].text
    status = 401 if "401" in path.stem else 429 if "429" in path.stem else 400
    assert isinstance(classify(response(status, path.read_bytes())), WherryError)


ANY = st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)
                   | st.dictionaries(st.sampled_from(["Fault", "fault", "Error", "error", "code", "Message", "type"]),
                                     inner), max_leaves=12)  # fmt: skip


@given(ANY)
def test_no_body_however_strange_breaks_the_reading_of_faults(body):
    """I21"""
    for found in faults(body):
        assert isinstance(error_of(found), WherryError)
    classify(response(400, body))
