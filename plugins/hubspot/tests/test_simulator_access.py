"""Who gets in and how often: tokens, sign-in, scopes, limits, files and scripted faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from wherry.consent import challenge_of
from wherry.simulator import Clock, serve
from wherry_hubspot.plugin import wherry_simulator
from wherry_hubspot.simulator import HubSpotSimulator, OAuthApp

DEALS = "/crm/objects/2026-03/deals"
BEARER = {"authorization": "Bearer x"}
APP = {"client_id": "client", "client_secret": "secret"}
START = "2026-03-01T12:00:00"
ACCESS = ("PRIVATE", "HIDDEN_PRIVATE", "PRIVATE")


@contextmanager
def standing(**options: Any) -> Iterator[tuple[HubSpotSimulator, httpx.Client]]:
    sim = HubSpotSimulator(clock=Clock(START), **options)
    with serve(sim.app()) as url, httpx.Client(base_url=url, headers=BEARER, verify=False) as http:
        yield sim, http


def refreshed(http: httpx.Client, token: str) -> httpx.Response:
    form = {**APP, "grant_type": "refresh_token", "refresh_token": token}
    return http.post("/oauth/2026-03/token", data=form)


def with_bearer(http: httpx.Client, token: str) -> httpx.Response:
    return http.get(DEALS, headers={"authorization": f"Bearer {token}"})


def test_a_call_without_a_known_token_is_refused() -> None:
    with standing(tokens=["pat-eu1-good"]) as (_, http):
        nobody = httpx.get(str(http.base_url) + DEALS)
        assert (nobody.status_code, nobody.json()["category"]) == (401, "INVALID_AUTHENTICATION")
        assert with_bearer(http, "other").status_code == 401
        assert with_bearer(http, "pat-eu1-good").status_code == 200


def test_a_missing_scope_is_named() -> None:
    """case_E5"""
    with standing(scopes=["crm.objects.deals.read"]) as (sim, http):
        assert http.get(DEALS).status_code == 200
        refused = http.get("/crm/objects/2026-03/companies")
        lacking = refused.json()["errors"][0]["context"]["requiredGranularScopes"]
        assert (refused.status_code, refused.json()["category"]) == (403, "MISSING_SCOPES")
        assert lacking == ["crm.objects.companies.read"]
        pair = "/crm/associations/2026-03/deals/companies/batch/read"
        assert http.post(pair, json={"inputs": []}).status_code == 403
        assert http.get("/files/2026-03/files/1").status_code == 403
        assert sim.gate.scopes is not None
        sim.gate.scopes.add("crm.objects.companies.read")
        assert http.get("/crm/objects/2026-03/companies").status_code == 200


def test_an_access_token_expires_by_the_clock() -> None:
    with standing(oauth=OAuthApp()) as (sim, http):
        access, refresh = sim.oauth.sign_in()
        assert with_bearer(http, access).status_code == 200
        sim.clock.advance(1800)
        late = with_bearer(http, access)
        assert (late.status_code, late.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
        renewed = refreshed(http, refresh).json()
        assert renewed["refresh_token"] == refresh
        assert len(renewed["access_token"]) >= 300
        assert with_bearer(http, renewed["access_token"]).status_code == 200


def test_reuse_of_a_rotated_refresh_token_ends_the_family() -> None:
    """case_E1, case_E4"""
    with standing(oauth=OAuthApp(rotate=True, revoke_family=True)) as (sim, http):
        access, first = sim.oauth.sign_in()
        second = refreshed(http, first).json()["refresh_token"]
        assert second != first
        reused = refreshed(http, first)
        assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
        assert refreshed(http, second).status_code == 400
        assert with_bearer(http, access).status_code == 200


def test_rotation_without_revocation_keeps_the_newest_token_alive() -> None:
    with standing(oauth=OAuthApp(rotate=True)) as (sim, http):
        _, first = sim.oauth.sign_in()
        second = refreshed(http, first).json()["refresh_token"]
        assert refreshed(http, first).status_code == 400
        assert refreshed(http, second).status_code == 200


def test_a_revoked_refresh_token_leaves_access_tokens_alive() -> None:
    """case_E5"""
    with standing(oauth=OAuthApp()) as (sim, http):
        access, refresh = sim.oauth.sign_in()
        assert http.post("/oauth/2026-03/token/revoke", data={**APP, "token": refresh}).status_code == 204
        assert refreshed(http, refresh).status_code == 400
        assert with_bearer(http, access).status_code == 200


def test_consent_comes_back_with_a_code_that_works_once_and_with_its_verifier() -> None:
    back = "http://127.0.0.1:1/back"
    with standing(oauth=OAuthApp(redirect_uri=back)) as (_, http):
        asked = {"client_id": "client", "redirect_uri": back, "state": "s1", "scope": "oauth tickets"}
        page = http.get("/oauth/authorize", params={**asked, "code_challenge": challenge_of("v" * 43)})
        query = parse_qs(urlsplit(page.headers["location"]).query)
        assert (page.status_code, query["state"]) == (302, ["s1"])
        form = {**APP, "grant_type": "authorization_code", "redirect_uri": back, "code": query["code"][0]}
        good = http.post("/oauth/v3/token", data={**form, "code_verifier": "v" * 43})
        assert good.json()["scopes"] == ["oauth", "tickets"]
        assert http.post("/oauth/v3/token", data={**form, "code_verifier": "v" * 43}).status_code == 400
        again = http.get("/oauth/authorize", params={**asked, "code_challenge": challenge_of("v" * 43)})
        form["code"] = parse_qs(urlsplit(again.headers["location"]).query)["code"][0]
        assert http.post("/oauth/v3/token", data={**form, "code_verifier": "w" * 43}).status_code == 400
        assert http.get("/oauth/authorize", params={**asked, "redirect_uri": "http://x"}).status_code == 400


def test_secrets_in_the_query_string_do_not_count() -> None:
    with standing(oauth=OAuthApp()) as (sim, http):
        _, refresh = sim.oauth.sign_in()
        query = {**APP, "grant_type": "refresh_token", "refresh_token": refresh}
        assert http.post("/oauth/2026-03/token", params=query).status_code == 400


def test_the_ten_second_window_refuses_and_recovers() -> None:
    """case_E7"""
    with standing(limits="free") as (sim, http):
        first = http.get(DEALS)
        assert first.headers["x-hubspot-ratelimit-max"] == "100"
        assert first.headers["x-hubspot-ratelimit-remaining"] == "99"
        assert first.headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
        assert first.headers["x-hubspot-ratelimit-daily-remaining"] == "249999"
        for _ in range(99):
            assert sim.limits.window is not None
            sim.limits.window.take()
        refused = http.get(DEALS)
        assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
        assert refused.json()["errorType"] == "RATE_LIMIT"
        assert "retry-after" not in refused.headers
        sim.clock.advance(10)
        assert http.get(DEALS).status_code == 200


def test_the_daily_quota_lasts_until_midnight_of_the_account() -> None:
    """case_E8"""
    with standing(limits="pro", timezone="Europe/Berlin") as (sim, http):
        assert sim.limits.daily is not None
        sim.limits.daily.used = 625_000
        assert http.get(DEALS).json()["policyName"] == "DAILY"
        sim.clock.set("2026-03-01T23:00:00+00:00")
        assert http.get(DEALS).status_code == 200


def test_search_has_a_limit_of_its_own_and_no_headers() -> None:
    with standing(limits="enterprise") as (sim, http):
        answers = [http.post(f"{DEALS}/search", json={}) for _ in range(6)]
        assert [a.status_code for a in answers] == [200] * 5 + [429]
        assert answers[5].json()["policyName"] == "SECONDLY"
        assert not any(name.startswith("x-hubspot") for a in answers for name in a.headers)
        assert http.get(DEALS).headers["x-hubspot-ratelimit-remaining"] == "189"
        sim.clock.advance(1)
        assert http.post(f"{DEALS}/search", json={}).status_code == 200


def test_a_marketplace_app_is_told_of_no_daily_limit() -> None:
    with standing(limits="oauth") as (_, http):
        headers = http.get(DEALS).headers
        assert headers["x-hubspot-ratelimit-max"] == "110"
        assert "x-hubspot-ratelimit-daily" not in headers


def test_controls_and_sign_in_count_towards_no_limit() -> None:
    with standing(limits="free", oauth=OAuthApp(), tokens=["x"]) as (sim, http):
        http.get("/__sim/stats")
        refreshed(http, sim.oauth.sign_in()[1])
        assert sim.limits.window is not None
        assert sim.limits.window.remaining == 100


def uploaded(http: httpx.Client, name: str = "plan.pdf", **form: str) -> dict[str, Any]:
    answer = http.post("/files/v3/files", data={"folderPath": "/x", **form}, files={"file": (name, b"%PDF-")})
    assert answer.status_code == 201
    return dict(answer.json())


def test_a_file_tells_its_name_type_and_digest() -> None:
    with standing() as (_, http):
        made = uploaded(http)
        assert (made["name"], made["extension"], made["type"], made["size"]) == ("plan", "pdf", "DOCUMENT", 5)
        assert made["access"] == "PRIVATE"
        assert http.get(f"/files/2026-09/files/{made['id']}").json()["fileMd5"] == made["fileMd5"]
        assert http.get(f"/files/v3/files/{made['id']}/download").content == b"%PDF-"
        assert http.get(f"/files/2026-03/files/{made['id']}/download").status_code == 404
        assert uploaded(http, fileName="b.png")["type"] == "IMG"


def test_a_signed_link_works_without_a_bearer_until_it_expires() -> None:
    """case_D12"""
    with standing() as (sim, http):
        number = uploaded(http)["id"]
        path = f"/files/2026-03/files/{number}/signed-url"
        signed = http.get(path, params={"expirationSeconds": 60}).json()
        assert signed["expiresAt"] == "2026-03-01T12:01:00Z"
        assert httpx.get(signed["url"]).content == b"%PDF-"
        assert httpx.get(signed["url"], headers=BEARER).status_code == 400
        assert httpx.get(signed["url"][:-1] + "x").status_code == 403
        assert httpx.get(signed["url"].replace("expires=", "expires=9")).status_code == 403
        sim.clock.advance(61)
        assert httpx.get(signed["url"]).status_code == 403
        assert httpx.get(http.get(path).json()["url"]).status_code == 200


def test_only_a_public_file_has_a_public_address() -> None:
    with standing() as (_, http):
        private, public = uploaded(http), uploaded(http, options='{"access": "PUBLIC_NOT_INDEXABLE"}')
        assert httpx.get(private["url"]).status_code == 404
        assert httpx.get(public["url"]).content == b"%PDF-"
        assert http.delete(f"/files/v3/files/{public['id']}").status_code == 204
        assert httpx.get(public["url"]).status_code == 404


def test_a_scripted_429_and_a_scripted_expiry_are_worded_as_hubspot_would() -> None:
    """case_E7"""
    with standing() as (sim, http):
        sim.faults.add("status", path="/deals", status=429, headers={"Retry-After": "3"})
        sim.faults.add("expired", path="/deals")
        limited, expired = http.get(DEALS), http.get(DEALS)
        assert (limited.json()["errorType"], limited.headers["retry-after"]) == ("RATE_LIMIT", "3")
        assert (expired.status_code, expired.json()["category"]) == (401, "EXPIRED_AUTHENTICATION")
        assert http.get(DEALS).status_code == 200


def test_a_lost_answer_leaves_the_deal_behind() -> None:
    with standing() as (sim, http):
        sim.faults.add("lost", method="POST", path="/deals")
        sim.faults.add("dropped", method="POST", path="/deals")
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                http.post(DEALS, json={"properties": {"dealname": "A"}})
        assert len(sim.history.effects("deal.created")) == 1
        assert len(http.get(DEALS).json()["results"]) == 1


def test_an_error_can_look_like_an_empty_list() -> None:
    """case_B11"""
    with standing() as (sim, http):
        sim.create("deals", 3)
        sim.faults.add("status", status=200, body={"results": []})
        assert http.get(DEALS).json() == {"results": []}


def test_a_page_may_point_at_itself() -> None:
    """case_B10"""
    with standing() as (sim, http):
        loop = {"results": [], "paging": {"next": {"after": "1"}}}
        sim.faults.add("status", status=200, body=loop, times=2)
        assert [http.get(DEALS).json() for _ in range(2)] == [loop, loop]


def test_the_account_tells_who_it_is() -> None:
    """case_B18, case_E6"""
    with standing(portal_id=7, timezone="America/New_York", currency="USD") as (_, http):
        details = http.get("/account-info/2026-03/details").json()
        assert (details["portalId"], details["companyCurrency"], details["utcOffset"]) == (7, "USD", "-05:00")


def test_owners_are_added_behind_the_api_and_listed_by_state() -> None:
    with standing() as (sim, http):
        gone = sim.add_owner("old@example.com", archived=True)
        http.post("/__sim/owners", json={"email": "new@example.com"})
        active = http.get("/crm/owners/2026-03").json()["results"]
        archived = http.get("/crm/owners/2026-03", params={"archived": "true"}).json()["results"]
        assert [o["email"] for o in active][-1] == "new@example.com"
        assert [o["id"] for o in archived] == [gone]
        assert http.get(f"/crm/owners/2026-03/{gone}").status_code == 404


def test_a_file_search_leaves_out_hidden_and_deleted_files() -> None:
    with standing() as (sim, http):
        seen, hidden, gone = (sim.files.add(f"{n}.txt", b"x", access=a) for n, a in enumerate(ACCESS))
        gone.archived = True
        ids = [int(file.id) for file in (seen, hidden, gone)]
        for wanted in ({}, {"ids": ids}, {"ids": ids[::-1], "limit": 5}):
            found = http.get("/files/2026-03/files/search", params=wanted).json()
            assert [file["id"] for file in found["results"]] == [seen.id]
            assert "paging" not in found
        assert http.get("/files/2026-03/files/search", params={"ids": ids[1]}).json()["results"] == []
        assert http.get("/files/2026-03/files/search", params={"ids": "x"}).status_code == 400
        assert http.get("/files/2026-03/files/search", params={"limit": 101}).status_code == 400


@pytest.mark.parametrize("kind", ["", "status", "html", "truncated", "drip", "header"])
def test_every_answer_tells_the_time_of_the_stand_ins_own_clock(kind: str) -> None:
    with standing() as (sim, http):
        sim.clock.advance(90)
        if kind:
            sim.faults.add(kind, path="/deals")
        with http.stream("GET", DEALS) as answer:
            assert answer.headers.get_list("date") == ["Sun, 01 Mar 2026 12:01:30 GMT"]


def test_the_stand_in_takes_a_currency() -> None:
    assert wherry_simulator("hubspot", {"currency": "GBP"}).currency == "GBP"
