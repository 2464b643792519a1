"""Fifty workers renew once an expiry; a rotation that dies half-way is got over, or named."""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.fernet import Fernet
from wherry.errors import AccessLost
from wherry.secrets import Vault
from wherry.signin import FIELD, OAuth2, OAuthEndpoints, Tokens
from wherry.simulator import Clock as Time
from wherry.simulator import serve
from wherry.store import Store, locks
from wherry.testing.clock import START
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_hubspot.simulator import OAuthApp as HubSpotApp
from wherry_quickbooks.simulator import OAuthApp as QuickBooksApp
from wherry_quickbooks.simulator import QuickBooksSimulator

KEY = Fernet.generate_key().decode()
WORKERS, PROCESSES = 50, 5
EXPIRIES = int(os.environ.get("WHERRY_EXPIRIES", "80"))
"""A thousand in ``make nightly``."""
SHARED_EXPIRIES = EXPIRIES // 4
KILLED = 86


class Vendor:
    """A stand-in that gives out a new refresh token each time, and takes the use of an old one for theft."""

    def __init__(self, system: str, grace: float = 0.0) -> None:
        self.passed = multiprocessing.RawValue("d", 0.0)
        self.time = _SharedTime(self.passed)
        if system == "quickbooks":
            app: Any = QuickBooksApp(client_secret="hush-secret", rotate_every=0, grace=grace, revoke_family=True)
            self.simulator: Any = QuickBooksSimulator(clock=self.time, oauth=app)
            self.path, self.client_by, self.life = "/oauth2/v1/tokens/bearer", "basic", 3_600
        else:
            app = HubSpotApp(client_secret="hush-secret", rotate=True, revoke_family=True)
            self.simulator = HubSpotSimulator(clock=self.time, oauth=app)
            self.path, self.client_by, self.life = "/oauth/2026-03/token", "body", 1_800
        self.oauth = self.simulator.oauth

    def renewals(self) -> int:
        return len(self.simulator.history.effects("token.issued"))

    def expire(self) -> None:
        self.passed.value += self.life


class _SharedTime(Time):
    """The stand-in's clock, moved by whoever holds the number: several processes see one time."""

    def __init__(self, passed: Any) -> None:
        super().__init__(START)
        self._passed = passed

    def now(self) -> float:
        return START.timestamp() + float(self._passed.value)


class SharedClock:
    """``roles.Clock`` on the same number."""

    def __init__(self, passed: Any) -> None:
        self._passed = passed

    def now(self) -> dt.datetime:
        return START + dt.timedelta(seconds=self._passed.value)

    def monotonic(self) -> float:
        return float(self._passed.value)

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")


class Desk:
    """One process's view: its own store and sign-in over the shared file."""

    def __init__(self, vendor: Vendor, url: str, folder: Path) -> None:
        clock = SharedClock(vendor.passed)
        self.store = Store(f"sqlite:///{folder / 'wherry.db'}", clock, folder / "files")
        self.vault = Vault(self.store.secrets(), [KEY])
        endpoints = OAuthEndpoints(
            token_url=f"{url}{vendor.path}", client_by=vendor.client_by, dead_grant=frozenset({"invalid_grant"})
        )
        self.auth = OAuth2(
            "client", lambda: "hush-secret", None, endpoints, self.vault, "books",
            lambda name: self.store.lock(name, wait=60.0), clock,
        )  # fmt: skip
        self.client = httpx.Client(verify=False)

    def token(self) -> str:
        """The token that a call would go out with. Only token requests travel: what is judged is who asks for one."""
        flow = self.auth.sync_auth_flow(httpx.Request("GET", "http://127.0.0.1/data"))
        request = next(flow)
        while request.url.path != "/data":
            request = flow.send(self.client.send(request))
        with contextlib.suppress(StopIteration):
            flow.send(httpx.Response(200, request=request))
        return request.headers["authorization"].removeprefix("Bearer ")

    def sign_in(self, vendor: Vendor) -> None:
        access, refresh = vendor.oauth.sign_in()
        end = vendor.time.now() + vendor.life
        tokens = Tokens(access=access, refresh=refresh, expires_at=end, lifetime=vendor.life, extra={"realmId": "17"})
        self.vault.put("books", FIELD, msgspec.json.encode(tokens).decode())

    def stored(self) -> Tokens:
        return msgspec.json.decode(self.vault.get("books", FIELD) or "", type=Tokens)


def signed_in(vendor: Vendor, url: str, folder: Path) -> None:
    """With nothing of the store left open: an SQLite file that is carried across a fork loses its locks."""
    desk = Desk(vendor, url, folder)
    desk.sign_in(vendor)
    desk.store.close()


@pytest.fixture(params=["quickbooks", "hubspot"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return Vendor(request.param)


@pytest.fixture
def url(vendor: Vendor) -> Iterator[str]:
    with serve(vendor.simulator.app()) as served:
        yield served


@pytest.mark.parametrize(
    ("vendor", "expiries"), [("quickbooks", EXPIRIES), ("hubspot", EXPIRIES // 4)], indirect=["vendor"]
)
def test_fifty_threads_renew_once_an_expiry(vendor, url, tmp_path, expiries):
    """I15, case_E1"""
    desk = Desk(vendor, url, tmp_path)
    desk.sign_in(vendor)
    wrong = storm(desk, vendor, WORKERS, expiries, threading.Barrier(WORKERS, action=vendor.expire))
    assert wrong == []
    assert vendor.renewals() == expiries
    last = desk.stored()
    assert vendor.oauth.state_of(last.access) == "valid"
    assert (last.previous, last.extra) == ("", {"realmId": "17"})


def storm(desk: Desk, vendor: Vendor, workers: int, expiries: int, barrier: Any, judge: bool = True) -> list[str]:
    """All workers find the token expired at once, again and again; what went wrong."""
    wrong: list[str] = []

    def work() -> None:
        try:
            for _ in range(expiries):
                barrier.wait(timeout=60)
                token = desk.token()
                if judge and vendor.oauth.state_of(token) != "valid":
                    wrong.append("a worker was given a token that is not valid")
        except BaseException as error:
            wrong.append("".join(traceback.format_exception(error)))
            barrier.abort()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


# -- several processes -------------------------------------------------------------------------------------------------


def forked(work: Callable[[], object]) -> int:
    """A child that does the work and never comes back into the tests; locks, threads and store are its own."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except AccessLost as error:
        code = error.exit_code
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(code)


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_fifty_workers_in_five_processes_renew_once_an_expiry(vendor, url, tmp_path, monkeypatch):
    """I15, case_E1: by lock and by reading again what a sibling stored"""
    signed_in(vendor, url, tmp_path)
    monkeypatch.setattr(locks, "time", _Impatient)
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(WORKERS, action=vendor.expire)

    def work() -> None:
        desk = Desk(vendor, url, tmp_path)
        if wrong := storm(desk, vendor, WORKERS // PROCESSES, SHARED_EXPIRIES, barrier, judge=False):
            raise AssertionError(wrong[0])

    children = [forked(work) for _ in range(PROCESSES)]
    assert [ended(child) for child in children] == [0] * PROCESSES
    assert vendor.renewals() == SHARED_EXPIRIES
    assert vendor.oauth.state_of(Desk(vendor, url, tmp_path).stored().access) == "valid"


class _Impatient:
    """Time for the lock: it looks again after a millisecond, so that a thousand expiries take seconds."""

    monotonic = staticmethod(time.monotonic)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(min(seconds, 0.001))


# -- killed ------------------------------------------------------------------------------------------------------------


def die() -> None:
    os._exit(KILLED)


def before_the_request(desk: Desk) -> None:
    desk.client.send = lambda *request: die()  # type: ignore[assignment,method-assign]


def after_the_answer(desk: Desk) -> None:
    send = desk.client.send
    desk.client.send = lambda *request: (send(*request), die())[0]  # type: ignore[assignment,method-assign]


def inside_the_transaction(desk: Desk) -> None:
    desk.store.database.pause = lambda point: die() if point == "inside" else None


def after_the_transaction(desk: Desk) -> None:
    desk.store.database.pause = lambda point: die() if point == "after" else None


def inside_the_second_transaction(desk: Desk) -> None:
    seen: list[str] = []

    def pause(point: str) -> None:
        seen.append(point)
        if seen.count("inside") == 2:
            die()

    desk.store.database.pause = pause


POINTS = [
    before_the_request, after_the_answer, inside_the_transaction, after_the_transaction, inside_the_second_transaction,
]  # fmt: skip


@pytest.mark.parametrize("grace", [0.0, 1800.0], ids=["no grace", "grace"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_a_rotation_that_dies_is_got_over_or_asks_for_a_new_sign_in(point, grace, tmp_path, capsys):
    """case_E2: only an answer that was lost for good, at a vendor without grace, needs a person"""
    vendor = Vendor("quickbooks", grace)
    with serve(vendor.simulator.app()) as url:
        signed_in(vendor, url, tmp_path)
        vendor.expire()

        def work() -> None:
            desk = Desk(vendor, url, tmp_path)
            point(desk)
            desk.token()

        assert ended(forked(work)) == KILLED
        desk = Desk(vendor, url, tmp_path)
        lost = point in (after_the_answer, inside_the_transaction) and not grace
        if lost:
            with pytest.raises(AccessLost, match="no longer valid") as caught:
                desk.token()
            assert caught.value.fix == "sign in again: wherry connect books"
            desk.sign_in(vendor)
        assert vendor.oauth.state_of(desk.token()) == "valid"
        assert desk.stored().extra == {"realmId": "17"}


def test_a_lock_does_not_outlive_the_process_that_held_it(tmp_path, vendor, url):
    """case_E2: the next one need not wait for anything to run out"""
    signed_in(vendor, url, tmp_path)
    vendor.expire()

    def work() -> None:
        desk = Desk(vendor, url, tmp_path)
        with desk.store.lock("sign-in books"):
            die()

    assert ended(forked(work)) == KILLED
    assert vendor.oauth.state_of(Desk(vendor, url, tmp_path).token()) == "valid"
    assert vendor.renewals() == 1
