"""Who gets in and how often, and what goes wrong on the way: sign-in, limits, request ids, faults, webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from wherry.consent import challenge_of
from wherry.simulator import serve
from wherry_quickbooks.simulator import OAuthApp
from wherry_quickbooks.simulator.oauth import CONSENT_PATH, REVOKE_PATH, SCOPE, TOKEN_PATH
from wherry_quickbooks.simulator.webhooks import signature

OTHER = "123146000000002"
CLIENT = ("client", "secret")
BACK = "http://127.0.0.1:1/back"
SAMPLES = (
    Path(os.environ.get("WHERRY_SHARED", Path(__file__).parents[3] / ".." / "shared")) / "contracts" / "quickbooks"
)


def token(api: Any, auth: Any = CLIENT, **form: str) -> httpx.Response:
    return api.http.post(TOKEN_PATH, data=form, auth=auth)


def renewed(api: Any, refresh: str) -> httpx.Response:
    return token(api, grant_type="refresh_token", refresh_token=refresh)


def status_with(api: Any, access: str, realm: str = "") -> int:
    path = f"/v3/company/{realm or api.realm}/preferences"
    return api.http.get(path, headers={"authorization": f"Bearer {access}"}).status_code


def test_consent_comes_back_with_code_state_and_realm(standing: Any) -> None:
    api = standing(oauth=OAuthApp(redirect_uri=BACK), companies=("123146000000001", OTHER))
    api.sim.oauth.consents_to = OTHER
    asked = {"client_id": "client", "redirect_uri": BACK, "state": "s1", "scope": SCOPE, "response_type": "code"}
    page = api.http.get(CONSENT_PATH, params={**asked, "code_challenge": challenge_of("v" * 43)})
    told = parse_qs(urlsplit(page.headers["location"]).query)
    assert (page.status_code, told["state"], told["realmId"]) == (302, ["s1"], [OTHER])
    form = {"grant_type": "authorization_code", "code": told["code"][0], "redirect_uri": BACK}
    good = token(api, **form, code_verifier="v" * 43).json()
    assert (good["token_type"], good["expires_in"], good["x_refresh_token_expires_in"]) == ("bearer", 3600, 8726400)
    assert token(api, **form, code_verifier="v" * 43).json()["error"] == "invalid_grant"
    assert status_with(api, good["access_token"], OTHER) == 200
    assert status_with(api, good["access_token"]) == 403
    assert api.http.get(CONSENT_PATH, params={**asked, "redirect_uri": "http://x"}).status_code == 400


def test_client_id_and_secret_stand_in_the_header(standing: Any) -> None:
    api = standing(oauth=OAuthApp())
    _, refresh = api.sim.oauth.sign_in()
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    assert token(api, ("client", "wrong"), **form).json()["error"] == "invalid_client"
    in_body = api.http.post(TOKEN_PATH, data={**form, "client_id": "client", "client_secret": "secret"})
    assert in_body.status_code == 401
    assert token(api, **form).status_code == 200


def test_an_access_token_lives_an_hour_by_the_clock(standing: Any) -> None:
    """case_E1"""
    api = standing(oauth=OAuthApp())
    access, refresh = api.sim.oauth.sign_in()
    api.sim.clock.advance(3599)
    assert status_with(api, access) == 200
    api.sim.clock.advance(1)
    headers = {"authorization": f"Bearer {access}"}
    late = api.http.get(f"/v3/company/{api.realm}/preferences", headers=headers)
    fault = late.json()["fault"]
    assert (late.status_code, fault["type"], fault["error"][0]["code"]) == (401, "AUTHENTICATION", "3200")
    assert status_with(api, renewed(api, refresh).json()["access_token"]) == 200
    assert status_with(api, "never-seen") == 401


def test_a_refresh_token_changes_once_a_day_and_its_older_value_is_dead(standing: Any) -> None:
    """case_E2, case_E4"""
    api = standing(oauth=OAuthApp())
    _, first = api.sim.oauth.sign_in()
    api.sim.clock.advance(86_399)
    assert renewed(api, first).json()["refresh_token"] == first
    api.sim.clock.advance(1)
    second = renewed(api, first).json()["refresh_token"]
    assert second != first
    dead = renewed(api, first)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert renewed(api, second).json()["refresh_token"] == second


def test_reuse_of_an_older_refresh_token_may_end_the_whole_sign_in(standing: Any) -> None:
    """case_E1"""
    api = standing(oauth=OAuthApp(rotate_every=0, revoke_family=True))
    access, first = api.sim.oauth.sign_in()
    second = renewed(api, first).json()["refresh_token"]
    assert renewed(api, first).status_code == 400
    assert renewed(api, second).status_code == 400
    assert status_with(api, access) == 401


def test_an_older_refresh_token_may_work_for_a_while(standing: Any) -> None:
    """case_E2"""
    api = standing(oauth=OAuthApp(rotate_every=0, grace=60))
    _, first = api.sim.oauth.sign_in()
    assert renewed(api, first).json()["refresh_token"] != first
    assert renewed(api, first).status_code == 200
    api.sim.clock.advance(61)
    assert renewed(api, first).status_code == 400


def test_a_refresh_token_dies_of_idleness_and_of_age(standing: Any) -> None:
    api = standing(oauth=OAuthApp())
    _, refresh = api.sim.oauth.sign_in()
    api.sim.clock.advance(8_726_400)
    assert renewed(api, refresh).json()["error"] == "invalid_grant"
    _, refresh = api.sim.oauth.sign_in()
    for _ in range(19):
        api.sim.clock.advance(95 * 86_400)
        refresh = renewed(api, refresh).json()["refresh_token"]
    api.sim.clock.advance(95 * 86_400)
    assert renewed(api, refresh).status_code == 400


def test_revoking_ends_the_sign_in(standing: Any) -> None:
    """case_E5"""
    api = standing(oauth=OAuthApp())
    access, refresh = api.sim.oauth.sign_in()
    assert api.http.post(REVOKE_PATH, json={"token": refresh}, auth=CLIENT).status_code == 200
    assert renewed(api, refresh).status_code == 400
    assert status_with(api, access) == 401
    assert api.sim.history.effects("token.revoked")


def test_a_stand_in_without_an_app_lets_everybody_in_but_its_tokens_still_expire(api: Any) -> None:
    told = token(api, ("any", "one"), grant_type="refresh_token", refresh_token="from a vault").json()
    assert status_with(api, told["access_token"]) == 200
    api.sim.clock.advance(3600)
    assert status_with(api, told["access_token"]) == 401
    api.sim.gate.barred.add(api.realm)
    assert status_with(api, "x") == 403


def test_ten_calls_a_second_and_five_hundred_a_minute_are_let_through(standing: Any) -> None:
    """case_E7"""
    api = standing(limits="real", companies=("123146000000001", OTHER))
    told = []
    for _ in range(51):
        told += [status_with(api, "x") for _ in range(10)]
        api.sim.clock.advance(1.0)
    assert (told.count(200), told.count(429)) == (500, 10)
    assert status_with(api, "x", OTHER) == 200
    api.sim.clock.advance(60)
    burst = [status_with(api, "x") for _ in range(11)]
    assert burst == [200] * 10 + [429]
    refused = api.http.get(f"/v3/company/{api.realm}/preferences").json()["Fault"]
    assert (refused["type"], refused["Error"][0]["code"]) == ("THROTTLE", "3001")


def test_batches_are_counted_apart(standing: Any) -> None:
    api = standing(limits="real")
    told = []
    for _ in range(41):
        told.append(api.post("batch", {"BatchItemRequest": [{"bId": "1", "Query": "select * from Term"}]}).status_code)
        api.sim.clock.advance(1.0)
    assert told == [200] * 40 + [429]
    api.http.post("/__sim/limits", json={"limits": "none"})
    assert api.post("batch", {"BatchItemRequest": [{"bId": "1", "Query": "select * from Term"}]}).status_code == 200


# Request ids


def test_a_repeated_request_id_gets_the_first_answer_and_writes_nothing(api: Any) -> None:
    """case_A11"""
    body = api.invoice()
    first = api.made("Invoice", body, requestid="r-1")
    assert api.made("Invoice", {**body, "PrivateNote": "changed"}, requestid="r-1") == first
    assert len(api.sim.objects("Invoice")) == 1
    assert api.sim.history.effects("Invoice.created")[0].detail["requestid"] == "r-1"
    assert api.refused("Invoice", body, requestid="r" * 51) == "2130"
    assert api.made("Invoice", body, requestid="r-2")["Id"] != first["Id"]


def test_a_request_id_is_forgotten_after_its_retention(standing: Any) -> None:
    """case_A11"""
    api = standing(retention=60.0)
    body = api.invoice()
    ids = [api.made("Invoice", body, requestid="r-1")["Id"] for _ in range(2)]
    api.sim.clock.advance(60)
    assert api.made("Invoice", body, requestid="r-1")["Id"] not in ids
    assert len(set(ids)) == 1


def test_a_lying_company_writes_twice_under_one_request_id(api: Any) -> None:
    """case_A12"""
    body = api.invoice()
    api.http.post("/__sim/settings", json={"lying": True})
    assert len({api.made("Invoice", body, requestid="r-1")["Id"] for _ in range(2)}) == 2


@pytest.mark.parametrize("committed", [False, True])
def test_a_stored_500_is_given_again_for_ever(api: Any, committed: bool) -> None:
    """case_A13"""
    body = api.invoice()
    api.sim.replays.stick(committed=committed)
    told = [api.post("invoice", body, requestid="r-1").status_code for _ in range(3)]
    assert told == [500] * 3
    assert len(api.sim.objects("Invoice")) == committed
    assert api.post("invoice", body, requestid="r-2").status_code == 200


# Faults


def test_an_answer_lost_after_the_commit_is_given_again_under_its_request_id(api: Any) -> None:
    """case_A5"""
    body = api.invoice()
    api.sim.faults.add("lost", path="/invoice")
    with pytest.raises(httpx.TransportError):
        api.post("invoice", body, requestid="r-1")
    assert api.made("Invoice", body, requestid="r-1")["SyncToken"] == "0"
    assert len(api.sim.objects("Invoice")) == 1


def test_a_call_dropped_before_the_commit_leaves_nothing(api: Any) -> None:
    """case_A6"""
    body = api.invoice()
    api.sim.faults.add("dropped", path="/invoice")
    with pytest.raises(httpx.TransportError):
        api.post("invoice", body)
    assert api.sim.objects("Invoice") == []


def test_a_late_commit_shows_up_after_one_looked_for_it(api: Any) -> None:
    """case_A7"""
    body = api.invoice(DocNumber="L1")
    api.sim.faults.add("late", path="/invoice")
    with pytest.raises(httpx.TransportError):
        api.post("invoice", body)
    looked = "select * from Invoice where DocNumber = 'L1'"
    assert api.asked(looked) == {}
    api.http.post("/__sim/release")
    assert len(api.asked(looked)["Invoice"]) == 1


@pytest.mark.parametrize(("status", "kind"), [(500, "SystemFault"), (503, ""), (504, "")])
def test_a_server_error_may_hide_a_commit(api: Any, status: int, kind: str) -> None:
    """case_A8"""
    body = api.invoice()
    api.sim.faults.add("status", path="/invoice", status=status, committed=True)
    answer = api.post("invoice", body)
    assert answer.status_code == status
    assert (answer.json()["Fault"]["type"] if kind else "") == kind
    assert len(api.sim.objects("Invoice")) == 1


@pytest.mark.parametrize("kind", ["html", "empty", "truncated"])
def test_a_200_may_carry_no_answer_at_all(api: Any, kind: str) -> None:
    """case_A9"""
    body = api.invoice()
    api.sim.faults.add(kind, path="/invoice", committed=True)
    try:
        with pytest.raises(ValueError):
            json.loads(api.post("invoice", body).text)
    except httpx.TransportError:
        assert kind == "truncated"
    assert len(api.sim.objects("Invoice")) == 1


def test_a_fault_may_come_inside_a_200(api: Any) -> None:
    """case_A10"""
    fault = {"Fault": {"Error": [{"Message": "m", "code": "6000", "Detail": "d"}], "type": "ValidationFault"}}
    api.sim.faults.add("status", path="/invoice", status=200, body=fault)
    answer = api.post("invoice", api.invoice())
    assert (answer.status_code, answer.json()) == (200, fault)
    assert api.sim.objects("Invoice") == []


def test_every_answer_carries_the_id_that_support_asks_for_and_json_must_be_asked_for(api: Any) -> None:
    path = f"/v3/company/{api.realm}/preferences"
    answer = api.http.get(path)
    assert answer.headers["intuit_tid"]
    plain = api.http.get(path, headers={"accept": "*/*"})
    assert plain.headers["content-type"].startswith("application/xml")
    assert plain.text.startswith("<?xml")


def test_the_history_can_be_read_as_json(api: Any) -> None:
    api.made("Invoice", api.invoice(0.1))
    told = api.http.get("/__sim/history").json()
    assert [e["detail"]["total"] for e in told if e["what"] == "Invoice.created"] == ["0.10"]


# Webhooks


@pytest.mark.parametrize("shape", ["legacy", "cloudevents"])
def test_a_webhook_tells_what_changed_since_the_last_one_and_is_signed(standing: Any, shape: str) -> None:
    api = standing(companies=("123146000000001", OTHER))
    made = api.made("Invoice", api.invoice())
    api.made("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="void")
    api.sim.write("Customer", {"DisplayName": "Elsewhere"}, realm=OTHER)
    body, headers = api.sim.webhook("verifier", shape)
    signed = base64.b64encode(hmac.new(b"verifier", body, hashlib.sha256).digest()).decode()
    assert headers["intuit-signature"] == signed
    told = json.loads(body)
    if shape == "legacy":
        first, second = told["eventNotifications"]
        assert [(e["name"], e["operation"]) for e in first["dataChangeEvent"]["entities"]][-1] == ("Invoice", "Void")
        assert second["realmId"] == OTHER
    else:
        assert [e["type"] for e in told][-2:] == ["qbo.invoice.voided.v1", "qbo.customer.created.v1"]
        assert told[-1]["intuitaccountid"] == OTHER
        assert len(told[0]["time"].partition(".")[2]) == len("034359333Z")
    assert json.loads(api.sim.webhook("verifier", "cloudevents")[0]) == []


def test_a_webhook_is_delivered_to_an_address(api: Any) -> None:
    got: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append({"headers": dict(scope["headers"]), "body": (await receive())["body"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    api.customer()
    with serve(app) as url:
        assert api.sim.send_webhook(url + "/hook", "verifier") == 200
    assert got[0]["headers"][b"intuit-signature"].decode() == signature("verifier", got[0]["body"])


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the published contracts are not at {SAMPLES}")
def test_the_signature_is_the_one_of_the_published_example() -> None:
    vector = json.loads((SAMPLES / "samples" / "webhook-signature.json").read_text())
    body = (SAMPLES / "samples" / vector["file"]).read_bytes()
    assert signature(vector["verifier_token"], body) == vector["value"]
