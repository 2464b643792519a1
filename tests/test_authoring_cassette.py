"""A session with an account goes on record without anybody's secrets or names, and plays again with no network."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.authoring import cassette, sessions
from wherry.authoring.cassette import Cassette, Exchange, Player, Recorder
from wherry.authoring.cleaning import EMAIL, Cleaner
from wherry.cli import app
from wherry.errors import ConfigError, Guarded, NotFound
from wherry.http import Http, Patience, Profile
from wherry.hub import Hub
from wherry.records import Call
from wherry.settings import load
from wherry.simulator import serve
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_xero.simulator import XeroSimulator

TOKEN = "pat-na1-cassette-canary-77f1"
PEOPLE = ("Ada Lovelace", "Lovelace", "ada@lovelace-rail.co.uk", "+44 20 7946 0958", "Lovelace Rail", "12 Dock Road")
PROJECT = """
version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
base_url = "${CRM_URL}"
auth = { kind = "token", token = { env = "CRM_TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
"""


def fill(url: str) -> None:
    """A company, and a deal of it that speaks of a person."""
    company = {"name": "Lovelace Rail", "domain": "lovelace-rail.co.uk", "phone": PEOPLE[3], "address": PEOPLE[5]}
    deal = {"dealname": "40 sleepers for Lovelace Rail", "amount": "1234.560", "dealstage": "closedwon",
            "pipeline": "default", "deal_currency_code": "USD",
            "description": "Ada Lovelace <ada@lovelace-rail.co.uk> wants them soon"}  # fmt: skip
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        made = client.post("/crm/objects/2026-03/companies", json={"properties": company}).raise_for_status().json()
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 5}]
        linked = [{"to": {"id": made["id"]}, "types": types}]
        client.post("/crm/objects/2026-03/deals", json={"properties": deal, "associations": linked}).raise_for_status()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folder of a project without secrets, and the cassette that was recorded with them."""
    folder = tmp_path_factory.mktemp("cassette")
    (folder / "wherry.toml").write_text(PROJECT, "utf-8")
    with serve(HubSpotSimulator(currency="USD", tokens={TOKEN}).app()) as url:
        fill(url)
        project = load(folder, {"CRM_URL": url, "CRM_TOKEN": TOKEN})
        made, session = sessions.record(project, "crm")
    assert [one.skip for one in session.seen] == [None]
    made.save(folder / "deals.json")
    return folder, folder / "deals.json"


def test_neither_secrets_nor_people_are_in_a_cassette(recorded: tuple[Path, Path]) -> None:
    text = recorded[1].read_text("utf-8")
    assert [word for word in (TOKEN, "Bearer", *PEOPLE) if word in text] == []
    assert "authorization" not in text.lower()


def test_amounts_and_ids_are_on_it_digit_by_digit(recorded: tuple[Path, Path]) -> None:
    assert '"1234.560"' in recorded[1].read_text("utf-8")


def test_a_session_plays_again_with_no_network_and_no_secret(
    recorded: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    session, strayed = sessions.replay(cassette.opened(recorded[1]), recorded[0])
    [seen] = session.seen
    told = sessions.as_data(seen)
    assert strayed == []
    drafts = {draft["entity"]: draft["body"] for draft in told["drafts"]}
    assert drafts["project"]["amount"] == {"minor": 123_456, "currency": "USD"}
    assert drafts["customer"]["name"].startswith("Company ")


def test_who_is_one_person_stays_one_person(recorded: tuple[Path, Path]) -> None:
    session, _ = sessions.replay(cassette.opened(recorded[1]), recorded[0])
    fields, [company] = session.seen[0].record.fields, session.seen[0].record.relatives["company"]
    assert fields["dealname"] == "Deal 1"
    assert company.fields["domain"] == "company-1.example"


def test_the_command_previews_what_the_map_makes_of_a_record(
    recorded: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CRM_URL", raising=False)
    assert app.run(["-C", str(recorded[0]), "dev", "replay", str(recorded[1]), "--preview", "--output", "json"]) == 0
    data = json.loads(capsys.readouterr().out)["data"]
    assert (data["kind"], data["passes"]) == ("deal", True)
    assert "project" in [draft["entity"] for draft in data["drafts"]]


def test_a_record_that_is_not_on_the_cassette_is_named(
    recorded: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["-C", str(recorded[0]), "dev", "replay", str(recorded[1]), "--record", "7"]) == 3
    assert "has no record 7" in capsys.readouterr().err


def test_what_is_no_cassette_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ConfigError, match="is no cassette"):
        cassette.opened(tmp_path / "x.json")


BOOKS = """
version = 1
[project]
name = "acme"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["quickbooks"]
[connections.books]
plugin = "quickbooks"
environment = "simulator"
base_url = "${BOOKS_URL}"
realm = "123146000000001"
auth = { kind = "token", token = { env = "BOOKS_TOKEN" } }
"""


def test_a_connection_without_a_flow_is_recorded_by_what_it_reads(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(BOOKS)
    with serve(QuickBooksSimulator(companies=("123146000000001",), limits="none").app()) as url:
        made, session = sessions.record(load(tmp_path, {"BOOKS_URL": url, "BOOKS_TOKEN": TOKEN}), "books", most=5)
    assert [one.drafts for one in session.seen] == [[]] * 5
    made.save(tmp_path / "books.json")
    again, strayed = sessions.replay(cassette.opened(tmp_path / "books.json"), tmp_path)
    assert (strayed, [one.record for one in again.seen]) == ([], [one.record for one in session.seen])


def test_of_a_target_what_it_lists_is_recorded_and_documents_it_has_no_list_of_are_passed_over(tmp_path: Path) -> None:
    of_xero = [line for line in BOOKS.splitlines() if not line.startswith(("environment", "realm"))]
    (tmp_path / "wherry.toml").write_text("\n".join(of_xero).replace("quickbooks", "xero"), "utf-8")
    with serve(XeroSimulator(currency="USD", limits="none").app()) as url:
        _, session = sessions.record(load(tmp_path, {"BOOKS_URL": url, "BOOKS_TOKEN": TOKEN}), "books", most=5)
    assert set(session.listed) == {"customer", "product"}


# -- at the gate -------------------------------------------------------------------------------------------------------


def client(gate: Any) -> Http:
    return Http(Profile(base_url="https://api.example.com"), patience=Patience(attempts=1), through=lambda inner: gate)


def tape(*exchanges: Exchange) -> Cassette:
    return Cassette(plugin="p", version="1", connection="c", recorded="2026-01-05T09:00:00+00:00",
                    exchanges=list(exchanges))  # fmt: skip


def test_a_sink_that_applies_its_items_itself_lists_nothing_by_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wherry.toml").write_text(PROJECT.partition("[flows")[0], "utf-8")
    with Hub.open(tmp_path, environ={"CRM_URL": "http://127.0.0.1:9"}) as hub:
        only_a_sink = msgspec.structs.replace(hub.plugins.require("workspace"), roles=["sink"])
        monkeypatch.setitem(hub.plugins.manifests, "workspace", only_a_sink)
        assert sessions.visit(hub.wiring, "platform", None, (), 1).listed == {}


def test_a_call_that_was_recorded_word_for_word_has_the_answers_it_had() -> None:
    there = [Exchange("GET", "/a", [("page", "1")], answer={"n": 1}), Exchange("GET", "/a", [("page", "2")], answer=2)]
    http = client(Player(tape(*there)))
    assert http.read("GET", "/a", params={"page": "2"}).json() == 2
    assert [http.read("GET", "/a", params={"page": "1"}).json() for _ in range(2)] == [{"n": 1}, {"n": 1}]


def test_a_place_that_is_asked_otherwise_is_answered_in_order_and_counted() -> None:
    player = Player(tape(Exchange("GET", "/a", [("since", "1")], answer=1), Exchange("GET", "/a", answer=2)))
    assert client(player).read("GET", "/a", params={"since": "99"}).json() == 1
    assert player.strayed == ["GET /a"]


def test_a_place_that_was_never_asked_is_named() -> None:
    with pytest.raises(NotFound, match="no GET /b"):
        client(Player(tape(Exchange("GET", "/a")))).read("GET", "/b")


def test_a_call_with_an_effect_is_neither_recorded_nor_played() -> None:
    write = Call(method="POST", path="/a", items=())
    for gate in (
        Player(tape(Exchange("POST", "/a"))),
        Recorder(httpx.MockTransport(lambda _: httpx.Response(200)), []),
    ):
        with pytest.raises(Guarded):
            client(gate).send(write)


# -- cleaning ----------------------------------------------------------------------------------------------------------

LOCAL = st.from_regex(r"[a-z][a-z0-9._]{0,12}", fullmatch=True)


@settings(max_examples=40)
@given(local=LOCAL, around=st.text(alphabet=' ,;<>()\n"äß漢', max_size=6))
def test_an_address_is_found_wherever_it_stands(local: str, around: str) -> None:
    email = f"{local.rstrip('.')}@acme-rail.co.uk"
    clean = Cleaner()
    clean.learn({"text": f"{around}{email}{around}", "to": [email]})
    made = clean.cleaned({"text": f"{around}{email}{around}", "to": [email]})
    assert email not in json.dumps(made, ensure_ascii=False)
    assert made["to"] == EMAIL.findall(made["text"])


def test_a_name_is_replaced_in_free_text_that_came_before_it() -> None:
    clean = Cleaner()
    for one in ({"note_title": "Call Ada Lovelace"}, {"firstname": "Ada", "fullname": "Ada Lovelace"}):
        clean.learn(one)
    assert clean.cleaned({"title": "Call Ada Lovelace, adamantly"}) == {"title": "Call Person 2, adamantly"}


def test_names_of_things_and_of_fields_are_kept() -> None:
    said = {"results": [{"name": "dealname", "label": "Deal name"}], "product": {"name": "Bolt M8", "price": 3}}
    clean = Cleaner()
    clean.learn(said)
    assert clean.cleaned(said) == said


def test_the_name_of_a_party_is_hidden_where_nothing_stands_beside_it_but_its_id() -> None:
    said = {"client": {"id": "c1", "name": "Acme Rail"}, "owners": [{"name": "Ada"}], "CustomerRef": {"name": "Bolt"}}
    clean = Cleaner()
    clean.learn({"jobs": [said]})
    assert clean.cleaned(said) == {
        "client": {"id": "c1", "name": "Company 1"}, "owners": [{"name": "Person 1"}],
        "CustomerRef": {"name": "Company 2"},
    }  # fmt: skip


def test_further_fields_can_be_hidden() -> None:
    clean = Cleaner(["iban"])
    clean.learn({"IBAN": "GB33BUKB20201555555555"})
    assert clean.cleaned({"iban": "GB33BUKB20201555555555"}) == {"iban": "Hidden 1"}


def test_secrets_by_name_are_starred_and_false_ones_are_not() -> None:
    said = {"access_token": "abc", "SyncToken": "0", "nested": {"client_secret": "x"}}
    assert Cleaner().cleaned(said) == {"access_token": "***", "SyncToken": "0", "nested": {"client_secret": "***"}}
