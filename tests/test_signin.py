"""Signing in: tokens are renewed once, in time, by one, and never lost."""

import base64
import contextlib
import fcntl
import os
import runpy
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet
from wherry.errors import AccessLost, Busy, TryAgain
from wherry.http import Http, Patience, Profile
from wherry.secrets import Vault
from wherry.signin import FIELD, REPLAY, OAuthEndpoints, bearer, oauth2
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Loopback, Reply, Seen, loopback

KEY = Fernet.generate_key().decode()


class SecretFile:
    """A ``SecretTable`` in a SQLite file, shared between processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.execute("create table if not exists s (c text, f text, v text, primary key (c, f))")

    def get(self, connection: str, field: str) -> str | None:
        with self._open() as db:
            row = db.execute("select v from s where c = ? and f = ?", (connection, field)).fetchone()
        return row[0] if row else None

    def put(self, connection: str, field: str, value: str) -> None:
        with self._open() as db:
            db.execute("insert or replace into s values (?, ?, ?)", (connection, field, value))

    def replace(self, connection: str, field: str, old: str, new: str) -> bool:
        with self._open() as db:
            done = db.execute("update s set v = ? where c = ? and f = ? and v = ?", (new, connection, field, old))
            return done.rowcount == 1

    def delete(self, connection: str, field: str) -> None:
        with self._open() as db:
            db.execute("delete from s where c = ? and f = ?", (connection, field))

    def each(self) -> list[tuple[str, str, str]]:
        with self._open() as db:
            return db.execute("select c, f, v from s order by c, f").fetchall()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(self._path, timeout=30)) as db, db:
            yield db


def file_lock(folder: Path):
    @contextlib.contextmanager
    def lock(name: str) -> Iterator[None]:
        with (folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return lock


class TokenHouse:
    """A vendor that rotates refresh tokens and revokes everything when an old one is used again."""

    def __init__(self, *, expires_in: object = 1800, rotate: bool = True, grace: bool = False) -> None:
        self._lock = threading.Lock()
        self.expires_in, self.rotate, self.grace = expires_in, rotate, grace
        self.refresh, self.old, self.access = "refresh-0", "", set[str]()
        self.grants, self.revoked, self.shut = 0, False, False
        self.say: list[Reply] = []
        self.before_a_grant: Callable[[], object] = lambda: None
        self.forms: list[Seen] = []

    def __call__(self, seen: Seen) -> Reply:
        if seen.path == "/token":
            self.before_a_grant()
        with self._lock:
            if seen.path == "/token":
                self.forms.append(seen)
                return self.say.pop(0) if self.say else self._grant(seen.form()["refresh_token"])
            token = seen.headers.get("authorization", "").removeprefix("Bearer ")
            return (
                Reply(body={"ok": 1})
                if token in self.access and not self.shut
                else Reply(401, {"message": "token expired"})
            )

    def _grant(self, refresh: str) -> Reply:
        if self.revoked or (refresh != self.refresh and not (self.grace and refresh == self.old)):
            self.revoked = True
            return Reply(400, {"error": "invalid_grant"})
        self.grants += 1
        body = {"access_token": f"access-{self.grants}", "expires_in": self.expires_in, "token_type": "bearer"}
        if self.rotate:
            self.old, self.refresh = refresh, f"refresh-{self.grants}"
            body["refresh_token"] = self.refresh
        self.access = {body["access_token"]}
        return Reply(body={name: value for name, value in body.items() if value is not None})


class Desk:
    """One process's view: vault, lock, clock and a client that signs in at the house."""

    def __init__(self, url: str, folder: Path, clock: FakeClock | None = None, **options: object) -> None:
        self.clock = clock or FakeClock()
        self.table = SecretFile(folder / "secrets.db")
        self.vault = Vault(self.table, [KEY])
        endpoints = OAuthEndpoints(token_url=f"{url}/token", **options)
        self.auth = oauth2(
            "client-7", lambda: "hush-secret", lambda: "refresh-0", endpoints, self.vault, "crm", file_lock(folder),
            self.clock,
        )  # fmt: skip
        profile = Profile(base_url=url, auth=self.auth)
        self.http = Http(profile, connection="crm", clock=self.clock, patience=Patience(attempts=2))

    def read(self) -> int:
        return self.http.read("GET", "/data").status

    def stored(self) -> dict[str, object]:
        import json

        return json.loads(self.vault.get("crm", FIELD) or "{}")


@pytest.fixture
def house() -> TokenHouse:
    return TokenHouse()


@pytest.fixture
def server(house: TokenHouse) -> Iterator[Loopback]:
    with loopback(house) as running:
        yield running


@pytest.fixture
def desk(server: Loopback, tmp_path: Path) -> Desk:
    return Desk(server.url, tmp_path)


def test_the_first_call_takes_a_token_with_the_configured_refresh_token_and_stores_what_comes_back(desk, house):
    assert desk.read() == 200
    form = house.forms[0].form()
    assert form == {
        "grant_type": "refresh_token", "refresh_token": "refresh-0",
        "client_id": "client-7", "client_secret": "hush-secret",
    }  # fmt: skip
    assert house.forms[0].query == ""
    assert (desk.stored()["access"], desk.stored()["refresh"]) == ("access-1", "refresh-1")


def test_client_credentials_go_into_a_header_where_the_vendor_wants_it(server, tmp_path, house):
    Desk(server.url, tmp_path, client_by="basic").read()
    pair = base64.b64encode(b"client-7:hush-secret").decode()
    assert house.forms[0].headers["authorization"] == f"Basic {pair}"
    assert "hush-secret" not in house.forms[0].body.decode()


def test_a_token_is_renewed_a_minute_before_it_expires_and_not_earlier(desk, house):
    desk.read()
    desk.clock.advance(1739)
    desk.read()
    assert house.grants == 1
    desk.clock.advance(2)
    assert desk.read() == 200
    assert house.grants == 2
    assert desk.http.counts == {"POST /token": 2, "GET /data": 3}


def test_another_process_start_uses_the_stored_token(server, tmp_path, house):
    Desk(server.url, tmp_path).read()
    Desk(server.url, tmp_path).read()
    assert house.grants == 1


def test_a_vendor_that_says_no_expiry_is_believed_until_a_401(tmp_path):
    house = TokenHouse(expires_in=None)
    with loopback(house) as server:
        desk = Desk(server.url, tmp_path)
        desk.read()
        desk.clock.advance(10 * 86400)
        desk.read()
        assert house.grants == 1
        house.access.clear()
        assert desk.read() == 200
    assert house.grants == 2


@pytest.mark.parametrize("expires_in", ["1800", 20, 0, -5])
def test_odd_lifetimes_are_lived_with(tmp_path, expires_in):
    house = TokenHouse(expires_in=expires_in)
    with loopback(house) as server:
        desk = Desk(server.url, tmp_path)
        assert [desk.read(), desk.read()] == [200, 200]
    assert house.grants == (1 if expires_in in ("1800", 20) else 2)


def test_a_401_in_mid_run_renews_once_and_replays_the_read(desk, house):
    desk.read()
    house.access.clear()
    assert desk.read() == 200
    assert house.grants == 2


def test_a_401_that_stays_is_access_lost_after_one_renewal(house, desk):
    """case_E5"""
    desk.read()
    house.shut = True
    with pytest.raises(AccessLost, match="no longer accepts") as caught:
        desk.read()
    assert "wherry connect crm" in caught.value.fix
    assert house.grants == 2


def test_a_request_that_must_not_be_repeated_is_not_replayed_after_a_401(server, desk, house):
    """An auth that replays by itself has sent a POST twice."""
    desk.read()
    house.access.clear()
    with httpx.Client(base_url=server.url, auth=desk.auth) as client:
        assert client.post("/data").status_code == 401
        assert house.grants == 1
        assert client.post("/data", extensions={REPLAY: True}).status_code == 200


def test_fifty_threads_that_find_the_token_expired_renew_it_once(desk, house):
    """case_E1"""
    desk.read()
    desk.clock.advance(1800)
    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(lambda _: desk.read(), range(50))) == {200}
    assert house.grants == 2


def test_fifty_threads_that_meet_a_401_renew_it_once(desk, house):
    """case_E1"""
    desk.read()
    house.access.clear()
    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(lambda _: desk.read(), range(50))) == {200}
    assert house.grants == 2


WORKER = """
import runpy, sys
runpy.run_path(sys.argv[1])["worker"](*sys.argv[2:])
"""


def spawn(function_file: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, function_file, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def worker(url: str, folder: str, key: str, mode: str) -> None:
    """What a second process does: read once, or die between the vendor's answer and the store."""
    globals_of_desk = Desk.__init__.__globals__
    globals_of_desk["KEY"] = key
    desk = Desk(url, Path(folder))
    if mode == "die":
        desk.vault.put = lambda *value: os._exit(9)  # type: ignore[method-assign]
    (Path(folder) / f"{os.getpid()}.ready").touch()
    sys.stdout.write(f"status {desk.read()}\n")


def test_two_processes_that_find_the_token_expired_renew_it_once(server, house, tmp_path):
    """case_E1: between processes, by lock and re-read"""

    def all_are_at_it() -> None:
        while len(list(tmp_path.glob("*.ready"))) < 3:
            time.sleep(0.01)
        time.sleep(0.3)

    house.before_a_grant = all_are_at_it
    children = [spawn(__file__, server.url, tmp_path, KEY, "read") for _ in range(3)]
    said = [child.communicate(timeout=60) for child in children]
    assert [out.strip() for out, _ in said] == ["status 200"] * 3, said
    assert house.grants == 1
    assert not house.revoked


@pytest.mark.parametrize("grace", [True, False], ids=["grace", "no-grace"])
def test_a_crash_between_the_vendors_answer_and_the_store_is_got_over_or_named(tmp_path, grace):
    """case_E2: kill around refresh"""
    house = TokenHouse(grace=grace)
    with loopback(house) as server:
        child = spawn(__file__, server.url, tmp_path, KEY, "die")
        child.communicate(timeout=60)
        assert child.returncode == 9
        assert house.grants == 1
        desk = Desk(server.url, tmp_path)
        assert desk.stored() == {}
        if grace:
            assert desk.read() == 200
        else:
            with pytest.raises(AccessLost, match="no longer valid") as caught:
                desk.read()
            assert caught.value.fix == "sign in again: wherry connect crm"


def test_new_tokens_are_stored_before_they_are_used(desk, house, server):
    """case_E2"""
    at_use: list[object] = []
    put = desk.vault.put

    def noted(connection: str, field: str, value: str) -> None:
        at_use.append(len([seen for seen in server.seen if seen.path == "/data"]))
        put(connection, field, value)

    desk.vault.put = noted  # type: ignore[method-assign]
    desk.read()
    assert at_use[0] == 0


def test_a_store_that_cannot_keep_the_tokens_stops_the_call_and_they_are_stored_next_time(desk, house, server):
    """case_E2: what the vendor gave out is not thrown away"""
    put = desk.vault.put

    def full(*value: str) -> None:
        raise OSError("the disk is full")

    desk.vault.put = full  # type: ignore[method-assign]
    with pytest.raises(OSError, match="disk is full"):
        desk.read()
    assert all(seen.path == "/token" for seen in server.seen)
    desk.vault.put = put  # type: ignore[method-assign]
    assert desk.read() == 200
    assert house.grants == 1
    assert desk.stored()["access"] == "access-1"


def test_the_token_before_is_kept_until_the_new_one_has_worked(desk, house):
    desk.read()
    assert desk.stored()["previous"] == ""
    desk.clock.advance(1800)
    stored = []
    put = desk.vault.put
    desk.vault.put = lambda *value: (stored.append(value[2]), put(*value))[1]  # type: ignore[method-assign]
    desk.read()
    assert '"previous":"refresh-1"' in stored[0]
    assert desk.stored()["previous"] == ""


def test_the_token_before_is_used_when_the_new_one_never_became_good(desk, house):
    desk.read()
    text = desk.vault.get("crm", FIELD).replace('"refresh":"refresh-1"', '"refresh":"never-valid"')
    desk.vault.put("crm", FIELD, text.replace('"previous":""', '"previous":"refresh-1"'))
    house.say = [Reply(400, {"error": "invalid_grant"})]
    desk.clock.advance(1800)
    assert desk.read() == 200
    assert [seen.form()["refresh_token"] for seen in house.forms[1:]] == ["never-valid", "refresh-1"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"error": "temporarily_unavailable", "error_description": "later"}),
        Reply(200, b"<html>maintenance</html>"),
        Reply(200, b'{"access_token": "Caf\xe9"}'),
        Reply(503, b"[" * 9_000),
        Reply(200, {}),
        Reply(200, {"access_token": ""}),
        Reply(200, {"access_token": 5}),
        Reply(503, b""),
        Reply(429, {"error": "slow_down"}),
        Reply(302, b"", {"Location": "https://evil.example/"}),
    ],
    ids=["error-body", "html", "latin", "deep", "empty", "blank-token", "wrong-type", "503", "429", "redirect"],
)
def test_an_answer_without_a_token_overwrites_nothing(desk, house, reply):
    """case_E3"""
    desk.read()
    before = desk.table.each()
    desk.clock.advance(1800)
    house.say = [reply, reply]
    with pytest.raises(TryAgain, match="the tokens at hand were kept"):
        desk.read()
    assert desk.table.each() == before
    assert desk.read() == 200


def test_an_answer_without_a_refresh_token_keeps_the_old_one(tmp_path):
    """case_E3"""
    house = TokenHouse(rotate=False)
    with loopback(house) as server:
        desk = Desk(server.url, tmp_path)
        desk.read()
        desk.clock.advance(1800)
        desk.read()
        assert desk.stored()["refresh"] == "refresh-0"
    assert house.grants == 2


def test_invalid_grant_while_a_sibling_has_just_rotated_is_tried_once_more(server, tmp_path, house):
    """case_E4: a sibling without our lock, such as one on another machine"""
    desk = Desk(server.url, tmp_path)
    desk.read()
    sibling = Desk(server.url, tmp_path, desk.clock)
    desk.clock.advance(1800)
    script = house._grant

    def grant_after_sibling(refresh: str) -> Reply:
        house._grant = script
        granted = script("refresh-1")
        text = sibling.vault.get("crm", FIELD).replace("refresh-1", "refresh-2").replace("access-1", "lost")
        sibling.vault.put("crm", FIELD, text)
        assert granted.status == 200
        return Reply(400, {"error": "invalid_grant"})

    house._grant = grant_after_sibling
    assert desk.read() == 200
    assert [seen.form()["refresh_token"] for seen in house.forms[1:]] == ["refresh-1", "refresh-2"]


def test_a_dead_grant_is_access_lost_and_says_what_to_do(desk, house):
    """case_E5: the user revoked access"""
    house.revoked = True
    with pytest.raises(AccessLost) as caught:
        desk.read()
    assert caught.value.fix == "sign in again: wherry connect crm"
    assert caught.value.where == {"connection": "crm"}
    assert len(house.forms) == 1


def test_the_vendors_own_word_for_a_dead_grant_counts(server, tmp_path, house):
    house.say = [Reply(400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token"})]
    desk = Desk(server.url, tmp_path, dead_grant=frozenset({"BAD_REFRESH_TOKEN"}))
    with pytest.raises(AccessLost, match="no longer valid"):
        desk.read()


def test_a_wrong_client_secret_says_so_in_the_vendors_words(desk, house):
    house.say = [Reply(401, {"error": "invalid_client", "error_description": "client secret is wrong"})]
    with pytest.raises(AccessLost, match="client secret is wrong") as caught:
        desk.read()
    assert "compare client_id and client_secret in auth of connections." in caught.value.fix


def test_a_newly_configured_refresh_token_begins_a_new_chain(server, tmp_path, house):
    desk = Desk(server.url, tmp_path)
    desk.read()
    house.refresh = "refresh-by-hand"
    desk.auth._configured = lambda: "refresh-by-hand"
    desk.clock.advance(1800)
    assert desk.read() == 200
    assert desk.http.sign_in == 1, "it may open another account"


@pytest.mark.parametrize("rotate", [True, False])
def test_a_renewal_is_the_same_sign_in(desk, house, rotate):
    house.rotate = rotate
    for _ in range(3):
        assert desk.read() == 200
        desk.clock.advance(1800)
    assert (desk.http.sign_in, house.grants) == (0, 3)


@pytest.mark.parametrize("jump", [-86400, 366 * 86400], ids=["back", "forward"])
def test_jumps_of_the_wall_clock_neither_renew_nor_keep_a_held_token(desk, house, jump):
    """case_E14: durations by the monotonic clock"""
    desk.read()
    desk.clock.jump(jump)
    desk.read()
    assert house.grants == 1
    desk.clock.advance(1800)
    desk.read()
    assert house.grants == 2


def test_a_stored_token_that_seems_to_live_longer_than_it_was_given_is_renewed(server, tmp_path, house):
    """case_E14: the machine's clock went back a day"""
    desk = Desk(server.url, tmp_path)
    desk.read()
    restarted = Desk(server.url, tmp_path)
    restarted.clock.jump(-86400)
    assert restarted.read() == 200
    assert house.grants == 2


def test_a_sibling_that_holds_the_lock_for_too_long_is_a_reason_to_come_back(desk):
    @contextlib.contextmanager
    def busy(name: str) -> Iterator[None]:
        raise Busy(f"another process holds {name}")
        yield

    desk.auth._lock = busy
    with pytest.raises(TryAgain, match="renewing its sign-in"):
        desk.read()


def test_no_secret_is_in_an_error_or_in_the_table(desk, house):
    desk.read()
    table = str(desk.table.each())
    desk.clock.advance(1800)
    house.say = [Reply(401, {"error_description": "no client hush-secret with refresh-1 and access-1"})]
    with pytest.raises(AccessLost) as caught:
        desk.read()
    said = str(caught.value.as_data()) + table
    assert not [secret for secret in ("hush-secret", "refresh-1", "access-1") if secret in said]


def test_a_fixed_token_that_was_changed_meanwhile_is_taken_up_after_a_401():
    tokens = ["pat-old-1", "pat-new-2"]
    house = TokenHouse()
    house.access = {"pat-new-2"}
    with loopback(house) as server:
        profile = Profile(base_url=server.url, auth=bearer(lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0]))
        with Http(profile, clock=FakeClock()) as http:
            assert http.read("GET", "/data").status == 200
            house.access.clear()
            with pytest.raises(AccessLost):
                http.read("GET", "/data")
            assert http.sign_in == 1, "it may open another account"
    assert len(server.seen) == 3


def test_the_worker_of_these_tests_can_be_run_by_itself():
    assert "worker" in runpy.run_path(__file__)
