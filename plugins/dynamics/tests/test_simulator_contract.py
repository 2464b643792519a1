"""The stand-in beside Microsoft's published tables, and as one of its own users would use it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from wherry.simulator import Clock, serve
from wherry_dynamics.simulator import DATA, DynamicsSimulator
from wherry_dynamics.simulator.facts import DATES, LOOKUPS, Table, standard

from .conftest import START, Environments, Standing

CONTRACTS = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "dynamics"
EDM = {
    "Edm.String": {"String", "Memo", "EntityName"}, "Edm.Decimal": {"Money", "Decimal"}, "Edm.Boolean": {"Boolean"},
    "Edm.Int32": {"Integer", "Picklist", "State", "Status"}, "Edm.Int64": {"BigInt"},
    "Edm.DateTimeOffset": {"DateTime"}, "Edm.Date": {"DateTime"}, "Edm.Guid": {"Uniqueidentifier"},
}  # fmt: skip
NAMES = "{http://docs.oasis-open.org/odata/ns/edm}"
IN = "Microsoft.Dynamics.CRM.In"
BEYOND = {"incident"}
"""Not among the 19 tables of the contract."""
TEXT = {"annotation.objecttypecode"}
"""A number in the Common Data Model, a table's name in the Web API, as Microsoft's page on attachments writes it."""


def contract(name: str) -> Path:
    path = CONTRACTS / name
    if not path.is_file():
        pytest.skip(f"needs the vendor's descriptions at {path}")
    return path


def test_every_column_lookup_and_choice_is_one_that_dynamics_has() -> None:
    known = json.loads(contract("tables.cdm.json").read_text("utf-8"))["tables"]
    tables = [table for table in standard().values() if table.name not in BEYOND]
    assert {(table.set, table.id) for table in tables} <= {
        (one["entity_set"], one["primary_id"]) for one in known.values()
    }
    assert [odd for table in tables for odd in _odd(table, known[table.name])] == []


def _odd(table: Table, told: Any) -> list[str]:
    columns, odd = told["columns"], []
    for name, type in table.columns.items():
        edm = columns.get(name, {}).get("edm", "")
        fits = name in told["lookups"] if type in LOOKUPS else type in EDM.get(edm, ())
        if f"{table.name}.{name}" not in TEXT and (not fits or (edm == "Edm.Date") != (name in DATES)):
            odd.append(f"{table.name}.{name}: {type}, {edm}")
    for name, options in table.choices.items():
        said = {(int(one["value"]), one["label"], int(one.get("state", 0))) for one in columns[name]["options"]}
        odd += [f"{table.name}.{name}: {one}" for one in options if (one.value, one.label, one.state) not in said]
    for name, targets in table.lookups.items():
        odd += [f"{table.name}.{name}" for one in targets if one not in (*told["lookups"][name]["targets"], *BEYOND)]
    return odd


def test_every_navigation_is_one_of_the_metadata_document() -> None:
    root = ElementTree.parse(contract("metadata.derived.xml")).getroot()
    known = {
        (entity.get("Name"), one.get("Name"), str(one.get("Type")).rpartition(".")[2])
        for entity in root.iter(f"{NAMES}EntityType") for one in entity.iter(f"{NAMES}NavigationProperty")
    }  # fmt: skip
    tables = [table for table in standard().values() if table.name not in BEYOND]
    own = {(table.name, name, led[1]) for table in tables for name, led in table.navigations().items()}
    beyond = {
        one for one in own - known if one[2] in BEYOND or one[1] == "ownerid" or one[1].startswith("parentbundle")
    }
    assert own - known - beyond == set()


def test_a_row_answers_with_labels_targets_and_what_is_expanded(environment: Standing) -> None:
    sim = environment.sim
    account = sim.add("account", name="Acme")
    deal = sim.add("opportunity", name="Rail", customerid=account, estimatedvalue=10)
    note, target = "OData.Community.Display.V1.FormattedValue", "Microsoft.Dynamics.CRM.lookuplogicalname"
    options = {"$select": "name,statuscode,_customerid_value,estimatedvalue", "$filter": "estimatedvalue gt 9.5",
               "$expand": "customerid_account($select=name),customerid_contact($select=fullname)"}  # fmt: skip
    headers = {"Prefer": f'odata.maxpagesize=5,odata.include-annotations="{note},{target}"'}
    answer = environment.http.get("/opportunities", params=options, headers=headers)
    (row,) = answer.json()["value"]
    etag = row.pop("@odata.etag")
    assert etag.startswith('W/"')
    assert row == {
        "name": "Rail", f"statuscode@{note}": "In Progress", "statuscode": 1, f"_customerid_value@{note}": "Acme",
        f"_customerid_value@{target}": "account", "_customerid_value": account, "estimatedvalue": 10.0,
        f"estimatedvalue@{note}": "10.00", "opportunityid": deal, "customerid_contact": None,
        "customerid_account": {"@odata.etag": row["customerid_account"]["@odata.etag"], "name": "Acme",
                               "accountid": account},
    }  # fmt: skip
    assert b'"estimatedvalue": 10.0000' in answer.content or b'"estimatedvalue":10.0000' in answer.content
    assert answer.headers["preference-applied"] == headers["Prefer"]


def test_pages_go_on_behind_the_last_row_by_the_link_alone(environment: Standing) -> None:
    ids = [environment.sim.add("account", name=f"A {n}") for n in range(5)]
    headers = {"Prefer": "odata.maxpagesize=2"}
    options = {"$select": "name", "$orderby": "modifiedon asc,accountid asc"}
    first = environment.http.get("/accounts", params=options, headers=headers).json()
    environment.sim.clock.advance(5)
    environment.sim.change("account", ids[0], name="moved to the end")
    second = environment.http.get(first["@odata.nextLink"], headers=headers).json()
    third = environment.http.get(second["@odata.nextLink"], headers=headers).json()
    found = [row["accountid"] for page in (first, second, third) for row in page["value"]]
    assert (found, "@odata.nextLink" in third) == ([*ids, ids[0]], False)
    assert "value" not in environment.told("/accounts", skip="2")


@pytest.mark.parametrize(("path", "options", "status", "words"), [
    ("/nothings", {}, 404, "Resource not found for the segment 'nothings'"),
    ("/accounts", {"select": "nope"}, 400, "Could not find a property named 'nope'"),
    ("/accounts", {"expand": "nope($select=name)"}, 400, "Could not find a property named 'nope'"),
    ("/accounts", {"filter": "ownerid eq 1"}, 400, "Could not find a property named 'ownerid'"),
    ("/accounts", {"filter": "_ownerid_value eq 'x'"}, 400, "incompatible types"),
    ("/accounts", {"filter": "name eq 'it's'"}, 400, "unterminated literal"),
    ("/opportunityproducts", {"filter": f"{IN}(PropertyName='_opportunityid_value',PropertyValues=['x'])"}, 400,
     "doesn't contain attribute with Name = '_opportunityid_value'"),
    ("/accounts(00000000-0000-0000-0000-000000000000)", {}, 404, "Does Not Exist"),
])  # fmt: skip
def test_what_is_asked_wrongly_is_refused_in_the_words_of_the_web_api(
    environment: Standing, path: str, options: dict[str, str], status: int, words: str
) -> None:
    answer = environment.http.get(path, params={f"${name}": text for name, text in options.items()})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"].startswith("0x8")) == (status, True)
    assert words in error["message"]


def test_a_loader_writes_links_and_wins_through_the_api(environment: Standing) -> None:
    """Lines are summed up, in the currency of the row and in that of the organisation."""
    http, sim = environment.http, environment.sim
    euro = sim.add("transactioncurrency", currencyname="Euro", isocurrencycode="EUR", exchangerate=2)

    def made(set: str, **body: Any) -> str:
        answer = http.post(f"/{set}", json=body)
        assert (answer.status_code, answer.content) == (204, b"")
        return answer.headers["odata-entityid"].rpartition("(")[2][:-1]

    account = made("accounts", name="Acme")
    currency = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})"}
    deal = made("opportunities", name="Rail", **{"customerid_account@odata.bind": f"/accounts({account})"}, **currency)
    line = {"opportunityid@odata.bind": f"/opportunities({deal})", "quantity": 3, "priceperunit": 1.15, "tax": 0.1}
    made("opportunityproducts", productdescription="Survey", **line, **currency)
    won = {"Status": 3, "OpportunityClose": {"opportunityid@odata.bind": f"/opportunities({deal})"}}
    assert http.post("/WinOpportunity", json=won).status_code == 204
    row = environment.told(f"/opportunities({deal})", select="statecode,actualvalue,totalamount_base,actualclosedate")
    assert (row["statecode"], row["actualvalue"], row["totalamount_base"]) == (1, 3.55, 1.775)
    assert row["actualclosedate"] == START[:10]
    stale = http.patch(f"/opportunities({deal})", json={"name": "x"}, headers={"If-Match": 'W/"1"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "0x80060882")
    nobody = deal.replace(deal[:8], "ffffffff")
    assert http.patch(f"/opportunities({nobody})", json={"name": "x"}, headers={"If-Match": "*"}).status_code == 404
    assert http.patch(f"/opportunities({nobody})", json={"name": "upsert"}).status_code == 204
    assert http.delete(f"/opportunities({nobody})").status_code == 204
    wrong = http.post("/accounts", json={"nome": "x"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "0x80048d19")


def test_a_notes_file_comes_in_blocks_of_4_mb(environment: Standing) -> None:
    data = b"abc" * 1_700_000
    body = {"filename": "big.bin", "documentbody": base64.b64encode(data).decode()}
    place = environment.http.post("/annotations", json=body).headers["odata-entityid"]
    id = place.rpartition("(")[2][:-1]
    assert environment.told(f"/annotations({id})", select="filesize,isdocument")["filesize"] == len(data)
    target = {"Target": {"annotationid": id, "@odata.type": "Microsoft.Dynamics.CRM.annotation"}}
    begun = environment.http.post("/InitializeAnnotationBlocksDownload", json=target).json()
    asked = {"Offset": 4_194_304, "BlockLength": len(data) - 4_194_304}
    token = {"FileContinuationToken": begun["FileContinuationToken"]}
    block = environment.http.post("/DownloadBlock", json={**asked, **token}).json()
    assert base64.b64decode(block["Data"]) == data[4_194_304:]
    too_much = environment.http.post("/DownloadBlock", json={"Offset": 0, "BlockLength": len(data), **token})
    assert too_much.status_code == 400


def test_too_many_calls_in_five_minutes_are_answered_429(environments: Environments) -> None:
    one = environments(limit=2)
    answers = [one.http.get("/WhoAmI") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (answers[2].json()["error"]["code"], answers[2].headers["retry-after"]) == ("0x80072322", "300")
    one.sim.clock.advance(301)
    assert one.http.get("/WhoAmI").status_code == 200


def test_an_app_signs_in_for_one_environment_and_its_token_ends() -> None:
    sim = DynamicsSimulator(clock=Clock(START), tokens=())
    with serve(sim.app()) as url, httpx.Client(base_url=url, verify=False) as http:
        path, app = "/sim-tenant/oauth2/v2.0/token", {"client_id": "sim-client", "client_secret": "sim-secret"}
        form = {"grant_type": "client_credentials", "scope": f"{url}/.default", **app}
        told = http.post(path, data=form).json()
        assert (told["token_type"], told["expires_in"]) == ("Bearer", 3_600)
        bearer = {"authorization": f"Bearer {told['access_token']}"}
        assert http.get(f"{DATA}/WhoAmI", headers=bearer).json()["OrganizationId"] == sim.org.id
        sim.clock.advance(3_601)
        stale = http.get(f"{DATA}/WhoAmI", headers=bearer)
        assert (stale.status_code, stale.headers["www-authenticate"][:25]) == (401, "Bearer authorization_uri=")
        wrong = {"client_secret": "invalid_client", "scope": "invalid_scope", "client_id": "unauthorized_client"}
        for name, error in wrong.items():
            assert http.post(path, data={**form, name: "x"}).json()["error"] == error
