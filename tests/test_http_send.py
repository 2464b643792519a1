"""Sending: one attempt of a call with an effect, and what is known of it afterwards."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import msgspec
import pytest
from wherry.errors import AccessLost, Guarded, TryAgain, WherryError
from wherry.http import Http, Limit, Patience, Profile
from wherry.http.gate import asked_first
from wherry.http.pacing import SLACK
from wherry.records import Call
from wherry.records import Reply as Answer
from wherry.signin import bearer
from wherry.testing.clock import FakeClock
from wherry.testing.loopback import Loopback, Reply, Seen, loopback

CALL = Call(
    method="POST", path="/things", items=("s1",), params={"minor": "75"}, headers={"Idempotency-Key": "k1"},
    body=b'{"total": "12.50"}',
)  # fmt: skip
Script = Callable[[Seen], Any]


def client(server: Loopback | str, clock: FakeClock | None = None, **profile: Any) -> Http:
    url = server if isinstance(server, str) else server.url
    told = {"patience": Patience(attempts=4), "clock": clock or FakeClock()}
    return Http(Profile(base_url=url, **profile), connection="books", **told)


def failed(script: Script, **profile: Any) -> tuple[TryAgain, list[Seen]]:
    """What sending raises where there is no answer, and what arrived."""
    with loopback(script) as server, client(server, **profile) as http, pytest.raises(TryAgain) as caught:
        http.send(CALL)
    return caught.value, server.seen


def answered(reply: Reply, **profile: Any) -> tuple[Answer, list[Seen]]:
    with loopback(lambda seen: reply) as server, client(server, **profile) as http:
        return http.send(CALL), server.seen


# -- once --------------------------------------------------------------------------------------------------------------


def test_the_frozen_bytes_go_as_they_are_with_sign_in_and_the_raw_answer_comes_back():
    with loopback(lambda seen: Reply(201, b'{"id": "X-1"}', {"X-Thing": "1"})) as server:
        with client(server, auth=bearer(lambda: "canary-token"), headers={"X-Version": "3"}) as http:
            reply = http.send(CALL)
    [seen] = server.seen
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/things", "minor=75", CALL.body)
    assert (seen.headers["idempotency-key"], seen.headers["x-version"]) == ("k1", "3")
    assert seen.headers["authorization"] == "Bearer canary-token"
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (201, b'{"id": "X-1"}', "1")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 500, 502, 503, 504])
def test_every_status_is_an_answer_and_none_is_asked_for_twice(status):
    """case_A8: not after 401 either, where a replay would post a second time"""
    reply, seen = answered(Reply(status, {"error": "x"}), auth=bearer(lambda: "canary-token"))
    assert reply.status == status
    assert len(seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status):
    reply, seen = answered(Reply(status, b"", {"Location": "/elsewhere"}))
    assert reply.status == status
    assert [one.path for one in seen] == ["/things"]


def test_a_call_to_another_host_of_the_vendor_carries_no_credentials():
    """case_G9: as with reads, whatever a sink names in its path"""
    seen: list[httpx.Request] = []
    gate = httpx.MockTransport(lambda request: seen.append(request) or httpx.Response(200))
    profile = Profile(base_url="https://crm.example", hosts=("*.crm.example",), auth=bearer(lambda: "canary-9"))
    with Http(profile, through=lambda transport: gate) as http:
        for path in ("things", "https://files.crm.example/f"):
            http.send(Call(method="POST", path=path, items=("s",)))
    assert ["authorization" in one.headers for one in seen] == [True, False]


def test_headers_that_may_hold_what_signs_somebody_in_are_not_kept():
    """I14"""
    held = {"Set-Cookie": "session=canary", "WWW-Authenticate": "Bearer canary", "Authorization": "canary",
            "Proxy-Authenticate": "canary", "X-Request-Id": "r-1"}  # fmt: skip
    reply, _ = answered(Reply(200, b"{}", held))
    assert "canary" not in str(reply.headers)
    assert reply.headers["x-request-id"] == "r-1"


# -- what is known where there is no answer ----------------------------------------------------------------------------


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_connection_that_is_refused_sent_nothing():
    with client(f"http://127.0.0.1:{closed_port()}") as http, pytest.raises(TryAgain) as caught:
        http.send(CALL)
    assert caught.value.where["sent"] == "no"


def test_a_name_that_is_not_known_sent_nothing():
    """case_E18"""
    http = Http(Profile(base_url="https://books.invalid"), connection="books", clock=FakeClock(), resolve=unknown)
    with http, pytest.raises(TryAgain) as caught:
        http.send(CALL)
    assert caught.value.where["sent"] == "no"


def test_a_place_that_may_not_be_reached_is_refused_before_anything_leaves():
    with loopback(lambda seen: Reply(200, {})) as elsewhere, loopback(lambda seen: Reply(200, {})) as server:
        with client(server, auth=bearer(lambda: "canary")) as http, pytest.raises(Guarded):
            http.send(msgspec.structs.replace(CALL, path=f"{elsewhere.url}/things"))
        assert (http.total, elsewhere.seen, server.seen) == (0, [], [])


class Refreshing(httpx.Auth):
    """A sign-in whose token has run out: the new one is fetched before the call goes, or is not to be had."""

    requires_response_body = True

    def __init__(self, url: str, error: WherryError | None = None) -> None:
        self.url, self.error = url, error

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:
        told = yield httpx.Request("POST", f"{self.url}/token", extensions={"wherry.lane": None})
        if self.error is not None:
            raise self.error
        request.headers["Authorization"] = f"Bearer {told.json()['token']}"
        yield request


def test_a_token_is_renewed_before_it_expires_and_then_the_call_goes_once():
    def script(seen: Seen) -> Reply:
        return Reply(200, {"token": "fresh"}) if seen.path == "/token" else Reply(401 if seen.number < 2 else 200, {})

    with loopback(script) as server, client(server, auth=Refreshing(server.url)) as http:
        assert http.send(CALL).status == 200
    assert [seen.path for seen in server.seen] == ["/token", "/things"]
    assert server.seen[1].headers["authorization"] == "Bearer fresh"


@pytest.mark.parametrize("error", [AccessLost("sign in again"), TryAgain("later")], ids=["lost", "later"])
def test_a_sign_in_that_cannot_be_renewed_ends_the_call_before_it_left(error):
    with loopback(lambda seen: Reply(200, {"token": "x"})) as server:
        with client(server, auth=Refreshing(server.url, error)) as http, pytest.raises(WherryError) as caught:
            http.send(CALL)
    assert [seen.path for seen in server.seen] == ["/token"]
    assert caught.value.where["connection"] == "books", "or status would say it of the flow's source"
    if isinstance(error, TryAgain):
        assert caught.value.where["sent"] == "no"


def test_a_network_failure_during_the_renewal_is_no_failure_of_the_call():
    def script(seen: Seen) -> bytes:
        return b""

    with loopback(script) as server, client(server, auth=Refreshing(server.url)) as http:
        with pytest.raises(TryAgain) as caught:
            http.send(CALL)
    assert [seen.path for seen in server.seen] == ["/token"]
    assert caught.value.where["sent"] == "no"


HALF = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"
PERHAPS: Mapping[str, Script] = {
    "reset before any answer": lambda seen: b"",
    "cut in the headers": lambda seen: b"HTTP/1.1 201 Crea",
    "cut in the body": lambda seen: HALF,
    "no HTTP at all": lambda seen: b"hello\r\n\r\n",
    "a bad length": lambda seen: b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "packed and damaged": lambda seen: Reply(200, b"\x1f\x8bdamaged", {"Content-Encoding": "gzip"}),
    "packed as nobody asked": lambda seen: Reply(200, b"{}", {"Content-Encoding": "br"}),
}


@pytest.mark.parametrize("script", PERHAPS.values(), ids=PERHAPS.keys())
def test_whatever_goes_wrong_after_the_bytes_left_is_perhaps(script):
    """case_A5, case_A9: one attempt, and nobody may say that nothing happened"""
    error, seen = failed(script)
    assert error.where["sent"] == "perhaps"
    assert len(seen) == 1


def test_an_answer_that_is_too_large_is_perhaps():
    """case_E11: it is not read to its end, and not taken for a refusal"""

    def script(seen: Seen) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        piece = b"x" * (1 << 20)
        for _ in range(70):
            yield b"%x\r\n%s\r\n" % (len(piece), piece)

    error, seen = failed(script)
    assert error.where["sent"] == "perhaps"
    assert error.code == "WHERRY-6056"
    assert len(seen) == 1


def test_an_answer_that_does_not_come_in_time_is_perhaps():
    def script(seen: Seen) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
        while True:
            clock.advance(20)
            yield b"x"

    clock = FakeClock()
    with loopback(script) as server, client(server, clock, timeout=30.0) as http, pytest.raises(TryAgain) as caught:
        http.send(CALL)
    assert caught.value.where["sent"] == "perhaps"
    assert len(server.seen) == 1


def test_no_secret_is_in_what_is_raised():
    """I14"""
    error, _ = failed(PERHAPS["cut in the body"], auth=bearer(lambda: "canary-9e1"))
    assert "canary-9e1" not in f"{error} {error.fix} {error.where}"


# -- throttling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "99999999"}, 86400.0),
        ({}, 60.0 + SLACK),
        ({"Retry-After": "soon"}, 60.0 + SLACK),
    ],
)
def test_a_429_closes_the_lane_for_as_long_as_was_asked_for_and_says_so(headers, after):
    """case_E7: by number, absurd, absent, senseless"""
    clock = FakeClock()
    script = lambda seen: Reply(429, {}, headers) if seen.number == 1 else Reply(200, {})  # noqa: E731
    with loopback(script) as server, client(server, clock, limits={"": Limit(100, 60.0)}) as http:
        reply = http.send(CALL)
        assert (reply.status, float(reply.headers["retry-after"])) == (429, pytest.approx(after))
        assert len(server.seen) == 1
        if after > 300:
            with pytest.raises(TryAgain) as caught:
                http.send(CALL)
            assert len(server.seen) == 1
            assert caught.value.after is not None
        else:
            assert http.send(CALL).status == 200
            assert sum(clock.slept) == pytest.approx(after)


def test_a_budget_that_is_used_up_for_long_ends_the_call_before_it_left():
    """case_E8"""
    clock = FakeClock()
    with loopback(lambda seen: Reply(200, {})) as server:
        with client(server, clock, limits={"": Limit(1, 86400.0)}) as http:
            http.send(CALL)
            with pytest.raises(TryAgain) as caught:
                http.send(CALL)
    assert len(server.seen) == 1
    assert caught.value.after is not None
    assert caught.value.where["sent"] == "no"


def test_what_is_asked_last_is_asked_once_the_call_has_waited_for_its_turn_and_may_keep_it():
    clock, asked = FakeClock(), list[float]()

    def no() -> None:
        asked.append(sum(clock.slept))
        raise TryAgain("the lock was lost")

    with loopback(lambda seen: Reply(200, {})) as server:
        with client(server, clock, limits={"": Limit(1, 60.0)}) as http:
            http.send(CALL)
            with asked_first(no), pytest.raises(TryAgain) as caught:
                http.send(CALL)
            assert http.send(CALL).status == 200, "only in the block"
    assert asked == [pytest.approx(60.0 + SLACK, abs=0.1)]
    assert caught.value.where["sent"] == "no"
    assert len(server.seen) == 2


# -- leaving -----------------------------------------------------------------------------------------------------------


class Session(httpx.Auth):
    """A sign-in that its vendor counts as a session, until it is told that it is over."""

    def __init__(self, url: str) -> None:
        self.ending: str | None = f"{url}/logout"

    def sign_out(self) -> httpx.Request | None:
        """The first time, the request that ends it."""
        url, self.ending = self.ending, None
        return httpx.Request("POST", url) if url else None


@pytest.mark.parametrize("script", [lambda seen: Reply(500, {}), lambda seen: None])
def test_who_is_done_signs_out_once_and_what_goes_wrong_with_that_is_nobodys_trouble(script):
    with loopback(lambda seen: script(seen) if seen.path == "/logout" else Reply(200, {})) as server:
        http = client(server, auth=Session(server.url))
        http.close()
        assert server.seen == [], "nobody has signed in yet"
        http.send(CALL)
        http.close()
        http.send(CALL)
        http.close()
    assert [seen.path for seen in server.seen] == ["/things", "/logout", "/things"]


def test_a_sign_in_that_fails_to_say_how_its_session_ends_keeps_nobody_from_leaving():
    class Failing(Session):
        def sign_out(self) -> httpx.Request | None:
            raise KeyError("token")

    with loopback(lambda seen: Reply(200, {})) as server:
        http = client(server, auth=Failing(server.url))
        http.send(CALL)
        http.close()
