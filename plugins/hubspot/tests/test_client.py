"""The calls: paths, bodies judged by HubSpot's own descriptions, limits, faults and errors."""

from __future__ import annotations

import json
import os
import re
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wherry.errors import AccessLost, TryAgain
from wherry.http import Pace, Response
from wherry.records import Record
from wherry.signin import OAuthEndpoints, oauth2
from wherry_hubspot.access import pace
from wherry_hubspot.client import PATHS, path_of, stamp_ms
from wherry_hubspot.errors import classify, missing_scopes
from wherry_hubspot.simulator import OAuthApp
from wherry_hubspot.vendor import OAUTH

LIST, SEARCH = "GET /crm/objects/{type}", "POST /crm/objects/{type}/search"
ROOT = Path(__file__).resolve().parents[3]
SPECS = Path(os.environ.get("WHERRY_SHARED", ROOT / ".." / "shared")) / "contracts" / "hubspot" / "openapi"
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="HubSpot's published descriptions are not at hand")


@cache
def spec(api: str) -> list[dict[str, Any]]:
    """The descriptions of one generation."""
    return [json.loads(file.read_text()) for file in sorted((SPECS / api).glob("*.json"))]


def described(api: str, method: str, path: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The operation of a path, and the document it stands in."""
    for document in spec(api):
        for template, operations in document["paths"].items():
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path) and method in operations:
                return operations[method], document
    return None


@needs_specs
@pytest.mark.parametrize("api", ["2026-03", "legacy"])
@pytest.mark.parametrize("name", PATHS)
def test_every_path_stands_in_hubspots_description(api, name):
    """One table for both generations."""
    path = path_of(api, name, type="deals", to="companies", id="7")
    methods = {"search": "post", "read": "post", "associations": "post", "token": "post", "revoke": "post"}
    assert described(api, methods.get(name, "get"), path), path


def loosened(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas, cured where HubSpot's own guide and live answers contradict them: sorts are objects, and a search
    needs neither ``after`` nor anything else."""
    schemas = json.loads(json.dumps(document["components"]["schemas"]))
    search = schemas.get("PublicObjectSearchRequest")
    if search:
        search["required"] = ["filterGroups"]
        search["properties"]["sorts"]["items"] = {
            "type": "object",
            "required": ["propertyName", "direction"],
            "properties": {"direction": {"enum": ["ASCENDING", "DESCENDING"]}},
        }
    for schema in schemas.values():
        if schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return schemas


@needs_specs
@pytest.mark.parametrize("api", ["2026-03", "legacy"])
def test_our_requests_keep_to_hubspots_description(account, read, api):
    """Every body and every query of a whole round, unknown keys refused."""
    _busy_round(account, read, api)
    judged = set()
    for method, path, body in account.bodies:
        operation, document = described(api, method.lower(), path) or pytest.fail(f"{method} {path} is not described")
        schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
        judge = {**schema, "components": {"schemas": loosened(document)}}
        jsonschema.Draft4Validator(judge).validate(json.loads(body))
        judged.add(path.rsplit("/", 2)[-2] + "/" + path.rsplit("/", 1)[-1])
    assert {"deals/search", "batch/read"} <= judged
    for entry in account.sim.history.requests("/crm/|/files/|/account-info/"):
        operation, _ = described(api, entry.what.split()[0].lower(), entry.path) or pytest.fail(entry.path)
        known = {parameter["name"] for parameter in operation.get("parameters", ())}
        asked = {pair.partition("=")[0] for pair in entry.detail.get("query", "").split("&") if pair}
        assert asked <= known, entry.path


def _busy_round(account, read, api):
    deals = account.sim.create("deals", 3)
    (company,) = account.sim.create("companies", 1, name="Acme")
    account.sim.link("deals", deals[0], "companies", company, 5)
    account.sim.add_owner("ann@example.com")
    source = account.source(api=api)
    source.check()
    mark = read(source, relatives={"file": ("name",)}).mark
    note_file = account.sim.files.add("a.txt", b"a").id
    (note,) = account.sim.create("notes", 1, hs_attachment_ids=note_file)
    account.sim.link("notes", note, "deals", deals[0], 214)
    again = read(account.source(api=api), after=mark, relatives={"file": ("name",), "line_item": ("name",)})
    heads = again.records or [Record(kind="deal", id=deals[0], version="")]
    wanted = {"company": ("name",), "line_item": ("name",), "file": ("name",), "owner": ("name",)}
    account.source(api=api).complete(heads, wanted)
    list(source.sweep("deal", [*deals, "77"], ("dealname",)))
    source.describe("deal")
    with source.open_file(note_file) as chunks:
        assert b"".join(chunks) == b"a"


def test_no_search_body_is_longer_than_hubspot_takes(account, read):
    """3,000 characters."""
    _busy_round(account, read, "2026-03")
    assert max(len(body) for _, path, body in account.bodies if path.endswith("/search")) <= 3000


# -- limits and faults --


def test_limits_are_kept_without_a_single_refusal(hubspot, read):
    """190 in ten seconds, searches five a second beside it."""
    account = hubspot(limits="pro")
    deals = account.sim.create("deals", 300)
    source = account.source()
    for deal in deals:
        source.fetch("deal", [deal], ())
    mark = read(source).mark
    for _ in range(12):
        read(source, after=mark)
    stats = account.sim.history.stats()
    assert stats["too_many"] == 0
    assert stats["by_route"][SEARCH] >= 12


def test_a_storm_of_429_is_waited_out(account, read):
    """case_E7: nothing lost, nothing twice."""
    ids = account.sim.create("deals", 250)
    account.sim.faults.add("status", path="/deals", status=429, times=3)
    account.sim.faults.add("status", path="/deals", status=429, times=3, after=2)
    assert read(account.source()).ids == ids


@pytest.mark.parametrize("fault", ["html", "empty", "truncated", "dropped"])
def test_a_junk_answer_is_read_again(account, read, fault):
    """A 200 with a page of HTML, nothing at all, half a body, no answer."""
    ids = account.sim.create("deals", 250)
    account.sim.faults.add(fault, path="/deals$", after=1)
    assert read(account.source()).ids == ids


def test_junk_in_a_batch_is_read_again(account):
    """Relatives too."""
    (deal,) = account.sim.create("deals", 1)
    (company,) = account.sim.create("companies", 1, name="Acme")
    account.sim.link("deals", deal, "companies", company, 5)
    account.sim.faults.add("html", path="associations")
    account.sim.faults.add("truncated", path="companies/batch/read")
    (done,) = account.source().complete([Record(kind="deal", id=deal, version="")], {"company": ("name",)})
    assert done.relatives["company"][0].fields["name"] == "Acme"


class Vault:
    """A token vault in memory."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get(self, connection: str, field: str) -> str | None:
        return self.held.get((connection, field))

    def put(self, connection: str, field: str, value: str) -> None:
        self.held[connection, field] = value


def test_a_token_that_expires_amid_a_run_is_renewed(hubspot, read):
    """case_E1: 1,800 seconds are over between two pages."""
    account = hubspot(oauth=OAuthApp(rotate=True))
    _, refresh = account.sim.oauth.sign_in()
    ids = account.sim.create("deals", 250)
    endpoints = OAuthEndpoints(
        token_url=account.url + OAUTH.token_url, revoke_url=account.url + OAUTH.revoke_url, dead_grant=OAUTH.dead_grant
    )
    auth = oauth2(
        "client",
        lambda: "secret",
        lambda: refresh,
        endpoints,
        Vault(),
        "crm",
        lambda name: nullcontext(),
        account.clock,
    )
    pages = account.source(auth=auth).read(_query())
    seen = [record.id for record in next(pages).records]
    account.advance(2000)
    seen += [record.id for page in pages for record in page.records]
    assert seen == ids
    assert account.sim.history.stats()["by_route"]["POST /oauth/token"] == 2


def test_a_401_amid_a_run_is_answered_once_with_the_token_as_it_stands(account, read):
    """A rotated key is taken up; a dead one is access lost."""
    account.sim.create("deals", 1)
    account.sim.faults.add("expired", times=9)
    with pytest.raises(AccessLost, match="does not accept the token"):
        read(account.source())


def _query():
    from wherry.roles import Query

    return Query("deal", None, None, ("dealname",), {})


# -- what answers mean --


def answer(status: int, body: Any = None, **headers: str) -> Response:
    """An error answer."""
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return Response(status, headers, content, "https://api.hubapi.com/x")


def test_a_migration_says_how_long_it_takes(account):
    """477 with Retry-After in seconds."""
    account.sim.faults.add("status", status=477, headers={"retry-after": "3600"}, times=9)
    with pytest.raises(TryAgain, match="between data centres") as caught:
        account.source().check()
    assert caught.value.after == 3600


def test_a_lock_is_waited_for():
    """423: two seconds."""
    error = classify(answer(423))
    assert isinstance(error, TryAgain)
    assert error.after == 2


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"message": "", "context": {"requiredGranularScopes": ["tickets", "files"]}}]},
        {"context": {"missingScopes": ["tickets", "files"]}},
        {"message": "This app lacks the required scopes: crm.objects.deals.read"},
        b"<html>",
        {},
        [],
    ],
)
def test_any_403_is_access_lost(body):
    """Every field of an error body is optional."""
    error = classify(answer(403, body))
    assert isinstance(error, AccessLost)


def test_scopes_are_found_wherever_hubspot_names_them():
    """In a context, or only in the sentence."""
    assert missing_scopes({"errors": [{"context": {"requiredScopes": ["tickets"]}}]}) == ["tickets"]
    assert missing_scopes({"message": "needs all scopes: [crm.objects.deals.read]"}) == ["crm.objects.deals.read"]
    assert missing_scopes({"message": "no."}) == []


@pytest.mark.parametrize("status", [400, 404, 409, 500, 502])
def test_other_answers_are_left_to_the_core(status):
    """One table by status for all systems."""
    assert classify(answer(status, {"message": "x"})) is None


def test_the_pace_is_read_from_the_headers():
    """110 for marketplace apps, whatever the setting says."""
    told = {
        "x-hubspot-ratelimit-max": "110",
        "x-hubspot-ratelimit-remaining": "7",
        "x-hubspot-ratelimit-interval-milliseconds": "10000",
    }
    assert pace(told) == Pace(110, 7, 10.0)
    assert pace({}) is None


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-03-02T08:00:00Z", 1_772_438_400_000),
        ("2026-03-02T08:00:00.001Z", 1_772_438_400_001),
        ("2026-03-02T08:00:00.0019Z", 1_772_438_400_001),
        ("2026-03-02T09:00:00.5+01:00", 1_772_438_400_500),
        (None, 0),
        ("", 0),
    ],
)
def test_stamps_are_whole_milliseconds_rounded_down(text, ms):
    """case_B8: with and without a fraction."""
    assert stamp_ms(text) == ms
