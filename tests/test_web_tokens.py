"""Tokens of the web host: shown once, kept as hashes, good for scopes and for a time, watched."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from wherry import redaction
from wherry.cli import app
from wherry.errors import AccessLost, ConfigError, Guarded, NotFound
from wherry.redaction import scrub
from wherry.store import Store, audit
from wherry.testing.clock import FakeClock
from wherry.testing.commands import logging_as_it_was
from wherry.web import tokens
from wherry.web.throttle import ALLOWED, MOST, WITHIN, Throttle

from .serving import PROJECT, SCOPES, Served, headers, served

URL = "/v10/accounting-entries/export?system_id=x"
Wherry = Callable[..., int]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


@pytest.fixture
def wherry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wherry:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wherry.toml").write_text(PROJECT, "utf-8")
    return lambda *arguments: app.run(arguments)


@pytest.fixture
def site(tmp_path: Path, clock: FakeClock) -> Iterator[Served]:
    with served(tmp_path, clock=clock) as found:
        yield found


def status(site: Served, sent: dict[str, str]) -> int:
    return site.http.get(URL, headers=sent).status_code


# -- at rest -----------------------------------------------------------------------------------------------------------


def test_the_store_holds_hashes_and_neither_token_nor_app_key(store: Store) -> None:
    """case_G11"""
    issued = tokens.issue(store, "erp", ["export:read"], SCOPES)
    assert issued.row.hash == hashlib.sha256(issued.token.encode()).hexdigest()
    with store.read() as tx:
        held = repr([tokens.tokens.every(tx), audit.find(tx)])
    assert issued.row.hash in held
    assert issued.token not in held
    assert issued.token.rpartition("_")[2] not in held
    assert issued.app_key not in held


def test_two_tokens_share_nothing_and_each_carries_256_random_bits(store: Store) -> None:
    one, two = tokens.issue(store, "a", SCOPES, SCOPES), tokens.issue(store, "b", SCOPES, SCOPES)
    shape = re.compile(r"wht_[0-9a-f]{10}_([A-Za-z0-9_-]{43})")
    first, second = shape.fullmatch(one.token), shape.fullmatch(two.token)
    assert first
    assert second
    assert len({first[1], second[1], one.app_key, two.app_key}) == 4


def test_a_new_token_is_struck_from_every_text_of_this_process(store: Store) -> None:
    """case_G12"""
    issued = tokens.issue(store, "erp", SCOPES, SCOPES)
    assert issued.token not in scrub(f"x{issued.token}y")
    assert issued.app_key not in scrub(f"x{issued.app_key}y")


@pytest.mark.parametrize("scopes", [[], ["export:delete"], ["export:read", "admin"]])
def test_a_token_is_only_good_for_scopes_that_a_route_asks_for(store: Store, scopes: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        tokens.issue(store, "erp", scopes, SCOPES)
    assert "export:read, export:write" in caught.value.fix


@pytest.mark.parametrize("name", ["", "Erp", "a b", "../x", "-x", "x" * 64, "é"])
def test_a_name_is_plain(store: Store, name: str) -> None:
    with pytest.raises(ConfigError):
        tokens.issue(store, name, SCOPES, SCOPES)


def test_making_and_ending_a_token_are_in_the_audit_log(store: Store) -> None:
    """b_000_15"""
    issued = tokens.issue(store, "erp", SCOPES, SCOPES)
    with pytest.raises(ConfigError, match="already"):
        tokens.issue(store, "erp", SCOPES, SCOPES)
    tokens.revoke(store, "erp")
    with pytest.raises(NotFound):
        tokens.revoke(store, "erp")
    tokens.revoke(store, tokens.issue(store, "erp", SCOPES, SCOPES).row.id)
    with store.read() as tx:
        rows = [(row["action"], row["object"]) for row in audit.find(tx)]
        assert audit.verify(tx) == ""
    assert rows == [("token.revoke", "erp"), ("token.create", "erp"), ("token.revoke", "erp"), ("token.create", "erp")]
    assert [row["state"] for row in tokens.listed(store)] == ["revoked", "revoked"]
    assert issued.row.id in {row["id"] for row in tokens.listed(store)}


# -- at the gate -------------------------------------------------------------------------------------------------------


def test_whatever_is_wrong_with_a_token_a_stranger_learns_the_same(site: Served) -> None:
    """case_G7, case_G25"""
    good = site.issue("erp")
    gone = site.issue("gone")
    tokens.revoke(site.hub.store, "gone")
    other = good.token[:-1] + ("A" if good.token[-1] != "A" else "B")
    unknown = f"wht_{'0' * 10}_{'A' * 43}"
    bodies = set()
    for sent in [
        {}, headers(gone), {**headers(good), "authorization": f"Bearer {other}"},
        {**headers(good), "authorization": f"Bearer {unknown}"}, {**headers(good), "authorization": "Bearer x"},
        {**headers(good), "authorization": "Basic eDp5"}, {**headers(good), "x-app-key": "wha_x"},
    ]:  # fmt: skip
        answer = site.http.get(URL, headers=sent)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        bodies.add(json.dumps(answer.json()["error"]))
    assert len(bodies) == 1
    assert status(site, headers(good)) == 200


def test_a_token_ends_by_itself(site: Served, clock: FakeClock) -> None:
    short, long = site.issue("short", life=dt.timedelta(hours=12)), site.issue("long", life=None)
    assert status(site, headers(short)) == 200
    clock.advance(12 * 3600 - 1)
    assert status(site, headers(short)) == 200
    clock.advance(1)
    assert status(site, headers(short)) == 401
    clock.advance(400 * 86_400)
    assert status(site, headers(long)) == 200
    assert {row["name"]: row["state"] for row in tokens.listed(site.hub.store)} == {"short": "expired", "long": "live"}


def test_a_revoked_token_is_refused_at_the_next_call(site: Served) -> None:
    issued = site.issue()
    assert status(site, headers(issued)) == 200
    tokens.revoke(site.hub.store, "erp")
    assert status(site, headers(issued)) == 401


def test_the_last_use_is_visible_and_noted_once_a_minute(site: Served, clock: FakeClock) -> None:
    issued = site.issue()
    assert tokens.listed(site.hub.store)[0]["used"] == ""
    status(site, headers(issued))
    first = tokens.listed(site.hub.store)[0]
    assert (first["used"], first["used_from"]) == (site.hub.store.now(), "127.0.0.1")
    clock.advance(30)
    status(site, headers(issued))
    assert tokens.listed(site.hub.store)[0]["used"] == first["used"]
    clock.advance(31)
    status(site, headers(issued))
    assert tokens.listed(site.hub.store)[0]["used"] == site.hub.store.now()


def test_after_some_wrong_tokens_an_address_is_not_listened_to_for_a_minute(site: Served, clock: FakeClock) -> None:
    """case_F15"""
    good = headers(site.issue())
    wrong = {**good, "authorization": f"Bearer wht_{'0' * 10}_{'A' * 43}"}
    assert [status(site, wrong) for _ in range(ALLOWED)] == [401] * ALLOWED
    refused = site.http.get(URL, headers=good)  # even the right one: else a guess could go on
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert site.http.get("/health").status_code == 200
    clock.advance(WITHIN)
    assert status(site, good) == 200


def test_calls_without_any_token_are_no_guesses(site: Served) -> None:
    good = headers(site.issue())
    assert [status(site, {}) for _ in range(ALLOWED + 1)] == [401] * (ALLOWED + 1)
    assert status(site, good) == 200


def test_a_store_that_is_busy_refuses_nobody_over_the_note_of_a_use(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wherry.errors import TryAgain

    issued = tokens.issue(store, "erp", SCOPES, SCOPES)

    def busy() -> None:
        raise TryAgain("locked")

    monkeypatch.setattr(store, "write", busy)
    gate = tokens.Gate(store, Throttle(store.clock))
    assert gate.admit(f"Bearer {issued.token}", issued.app_key, "export:read", "127.0.0.1").name == "erp"


def test_strangers_cannot_push_secrets_out_of_the_redactors_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_G21"""
    monkeypatch.setattr(redaction, "MOST", 64)
    issued = tokens.issue(store, "erp", SCOPES, SCOPES)
    gate = tokens.Gate(store, Throttle(store.clock, allowed=10**9))
    for number in range(100):
        with pytest.raises(AccessLost):
            gate.admit(f"Bearer wht_{number:010x}_{'A' * 33}{number:010x}", "k", "export:read", "127.0.0.1")
    assert issued.token not in scrub(issued.token)


# -- the throttle ------------------------------------------------------------------------------------------------------


def blocked(throttle: Throttle, address: str) -> bool:
    try:
        throttle.check(address)
    except Guarded:
        return True
    return False


def test_addresses_are_counted_apart_but_a_network_of_ipv6_as_one(clock: FakeClock) -> None:
    throttle = Throttle(clock, allowed=2)
    for _ in range(2):
        throttle.note("10.0.0.1")
        throttle.note("2001:db8::1")
    told = [
        blocked(throttle, one) for one in ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "2001:db8::beef", "2001:db8:1::1")
    ]
    assert told == [True, True, False, True, False]


def test_a_few_wrong_ones_over_a_long_time_block_nobody(clock: FakeClock) -> None:
    throttle = Throttle(clock, allowed=3)
    for _ in range(20):
        throttle.note("10.0.0.1")
        assert not blocked(throttle, "10.0.0.1")
        clock.advance(WITHIN / 2)


def test_a_flood_from_everywhere_fills_no_memory(clock: FakeClock) -> None:
    throttle = Throttle(clock)
    for number in range(MOST + 500):
        throttle.note(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(throttle._counts) == MOST


# -- the command line --------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_listed_without_its_value_and_revoked(
    wherry: Wherry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert wherry("token", "create", "erp", "--scope", "export:read", "--expires", "90d", "--output", "json") == 0
    made = json.loads(capsys.readouterr().out)["data"]
    assert made["expires"][:10] == (dt.datetime.now(dt.UTC) + dt.timedelta(days=90)).date().isoformat()
    assert wherry("token", "list") == 0
    shown = capsys.readouterr().out
    assert "export:read" in shown
    assert made["token"] not in shown
    assert wherry("token", "revoke", "erp") == 0
    capsys.readouterr()
    assert wherry("token", "list", "--output", "json") == 0
    [row] = json.loads(capsys.readouterr().out)["data"]["items"]
    assert row["state"] == "revoked"
    assert not {"hash", "app_hash", "token"} & set(row)
    raw = b"".join(path.read_bytes() for path in (tmp_path / ".wherry").rglob("*") if path.is_file())
    assert made["token"].encode() not in raw


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("erp", "--scope", "export:nothing"), 2), (("erp",), 2), (("Bad Name", "--scope", "export:read"), 2),
     (("erp", "--scope", "export:read", "--expires", "soon"), 2),
     (("erp", "--scope", "export:read", "--expires", "never"), 0)],
)  # fmt: skip
def test_a_token_that_cannot_be_made_says_why(wherry: Wherry, arguments: tuple[str, ...], code: int) -> None:
    assert wherry("token", "create", *arguments) == code


def test_a_token_of_another_project_opens_nothing(site: Served, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with served(other) as elsewhere:
        theirs = headers(elsewhere.issue())
        assert httpx.get(elsewhere.url + URL, headers=theirs).status_code == 200
        assert status(site, theirs) == 401


def test_the_database_file_shows_no_token_to_whoever_copies_it(site: Served, tmp_path: Path) -> None:
    """case_G26"""
    issued = site.issue()
    status(site, headers(issued))
    with sqlite3.connect(tmp_path / ".wherry" / "wherry.db") as raw:
        dump = "\n".join(raw.iterdump())
    assert issued.row.hash in dump
    assert issued.token not in dump
    assert issued.app_key not in dump
