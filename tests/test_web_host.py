"""The web host over real sockets: who is let in, how much is taken on, and what leaves when something goes wrong."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from wherry import __version__
from wherry.errors import Busy, ConfigError, ContractBroken, Guarded, NotFound, Rejected, TryAgain, WherryError
from wherry.logs import configure_logging
from wherry.redaction import remember
from wherry.testing.clock import FakeClock
from wherry.testing.commands import logging_as_it_was
from wherry.web import host, server
from wherry.web.app import HEADERS, Limits, name_of
from wherry.web.envelope import status_of
from wherry.web.routes import HttpRequest, HttpResponse, HttpRoute
from wherry.web.server import Listening, check, is_loopback

from .serving import PROJECT, Served, served, wait

CANARY = "canary-of-the-web-host-5151"


class Part:
    """A plugin's routes that do what a test wants; ``seen`` are the calls that came through."""

    def __init__(self) -> None:
        self.seen: list[HttpRequest] = []
        self.hold, self.entered = threading.Event(), threading.Event()
        self.raises: BaseException | None = None

    def echo(self, call: HttpRequest) -> HttpResponse:
        self.seen.append(call)
        return HttpResponse(data={"bytes": len(call.body), "given": dict(call.given), "by": call.by})

    def wait(self, call: HttpRequest) -> HttpResponse:
        self.entered.set()
        assert self.hold.wait(20)
        return HttpResponse()

    def fail(self, call: HttpRequest) -> HttpResponse:
        assert self.raises is not None
        raise self.raises

    def sign(self, call: HttpRequest) -> HttpResponse:
        return HttpResponse(status=401)

    def routes(self) -> list[tuple[str, HttpRoute]]:
        def open_(
            path: str, handle: Callable[[HttpRequest], HttpResponse], method: str = "GET", **more: Any
        ) -> HttpRoute:
            return HttpRoute(method=method, path=f"/hooks/part/{path}", handle=handle, open="a test", **more)

        made = [
            open_("echo", self.echo), open_("echo", self.echo, "POST", most=1000), open_("wait", self.wait),
            open_("named/{name}", self.echo), open_("named/me", self.sign), open_("fail", self.fail),
            HttpRoute(method="POST", path="/own/thing", handle=self.echo, scope="thing:write"),
            HttpRoute(method="GET", path="/own/thing", handle=self.echo, scope="thing:read"),
        ]  # fmt: skip
        return [("part", route) for route in made]


@pytest.fixture(scope="module")
def part() -> Part:
    return Part()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, part: Part) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("host"), more=part.routes(), clock=FakeClock()) as found:
        yield found


@contextlib.contextmanager
def raw(site: Served) -> Iterator[socket.socket]:
    port = int(site.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
        yield made


def everything(made: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := made.recv(65_536):
            found += piece
    return found


# -- health ------------------------------------------------------------------------------------------------------------


def test_health_tells_store_schema_and_version_to_everybody(site: Served) -> None:
    answer = site.http.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "store": "ok", "schema": "0001", "version": __version__}
    assert site.http.get("/ready").json() == {"ready": True, "routes": 12, "left_out": []}


def test_without_its_store_the_host_is_neither_healthy_nor_ready(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        assert site.http.get("/health").status_code == 200
        site.hub.store.close()
        for one in tmp_path.glob(".wherry/wherry.db*"):
            one.unlink()
        (tmp_path / ".wherry" / "wherry.db").write_bytes(b"no database " * 1000)
        with structlog.testing.capture_logs() as told:
            answer = site.http.get("/health")
        assert (answer.status_code, answer.json()["store"]) == (503, "unreachable")
        [why] = [one for one in told if one["event"] == "the store cannot be read"]
        assert ("restore a backup" in why["fix"], "exc_info" in why) == (True, False)
        assert site.http.get("/ready").json()["ready"] is False
        assert str(tmp_path) not in answer.text


def test_a_host_that_is_about_to_stop_says_that_it_is_not_ready(tmp_path: Path) -> None:
    with served(tmp_path) as site:
        site.app.stopping = True
        assert site.http.get("/ready").status_code == 503
        assert site.http.get("/health").status_code == 200


# -- who is let in -----------------------------------------------------------------------------------------------------


def test_every_route_admits_the_bearer_of_its_scope_and_nobody_else(site: Served) -> None:
    """case_G1, case_G2: the matrix is made from the table of routes."""
    callers = {scope or "nothing": site.issue(f"m-{number}", scope or "unused:unused") for number, scope in
               enumerate(["thing:read", "thing:write", "export:read", "export:write", ""])}  # fmt: skip
    checked = 0
    for one in site.app._routes.mounted:
        route = one.route
        if route.open:
            continue
        path = route.path.replace("{id}", "1")
        assert site.http.request(route.method, path).status_code == 401, path
        for scope, issued in callers.items():
            sent = {"authorization": f"Bearer {issued.token}", "x-app-key": issued.app_key}
            status = site.http.request(route.method, path, headers=sent).status_code
            assert (status == 403) == (scope != route.scope), (path, scope, status)
            assert status != 401
            checked += 1
    assert checked == 30


def test_a_method_of_another_scope_at_the_same_address_is_its_own_route(site: Served, part: Part) -> None:
    """case_G2"""
    sent = site.key("reader-of-things", "thing:read")
    assert site.http.get("/own/thing", headers=sent).json()["by"] == "token reader-of-things"
    before = len(part.seen)
    assert site.http.post("/own/thing", headers=sent, content=b"x").status_code == 403
    assert site.http.head("/own/thing", headers=sent).status_code == 200
    assert site.http.head("/own/thing").status_code == 401
    assert len(part.seen) == before + 1


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", "", "[::1", "x:y", "hub."]
)
def test_a_name_that_is_not_ours_is_refused_before_anything_else(site: Served, name: str) -> None:
    """case_G9: a browser that somebody's DNS led here says that somebody's name."""
    answer = site.http.get("/health", headers={"host": name})
    assert answer.status_code in (400, 421)
    assert "version" not in answer.text


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8710", "localhost."])
def test_names_of_this_machine_are_taken_with_any_port(site: Served, name: str) -> None:
    assert site.http.get("/health", headers={"host": name}).status_code == 200


def test_two_host_headers_are_none(site: Served) -> None:
    with raw(site) as made:
        made.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n")
        assert b" 200 " not in everything(made).partition(b"\r\n")[0]


@pytest.mark.parametrize(("header", "name"), [("a:8710", "a"), ("A.", "a"), ("[::1]", "[::1]"), ("[::1]:80", "[::1]"),
                                              ("a:b", ""), ("", ""), ("a:", "a")])  # fmt: skip
def test_the_name_of_a_host_header(header: str, name: str) -> None:
    assert name_of(header) == name


def test_what_strangers_see_is_the_same_for_all_that_is_not_there(site: Served) -> None:
    """case_G25"""
    paths = ("/", "/nothing", "/hooks/part/nothing", "/v10", "/own/thing/", "/.env", "/%2e%2e/x")
    bodies = {json.dumps(site.http.get(path).json()["error"]) for path in paths}
    assert len(bodies) == 1
    assert site.http.get("/nothing").status_code == 404


def test_no_other_site_may_read_or_preflight(site: Served) -> None:
    """case_G3"""
    sent = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = site.http.options("/own/thing", headers=sent)
    assert preflight.status_code == 405
    answers = [preflight, site.http.get("/health", headers=sent), site.http.get("/own/thing", headers=sent)]
    assert not [name for one in answers for name in one.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/health", "/nothing", "/own/thing", "/hooks/part/echo"])
def test_every_answer_carries_the_headers_of_safety_and_none_that_talk(site: Served, path: str) -> None:
    answer = site.http.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "server" not in answer.headers
    assert len(answer.headers["x-request-id"]) == 12
    assert "strict-transport-security" not in answer.headers


def test_under_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    where = Listening(port=0, behind_tls=True, names=("hub.example.com",))
    with served(tmp_path, listening=where) as site:
        answer = site.http.get("/health", headers={"host": "hub.example.com"})
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_forwarded_addresses_are_believed_of_declared_proxies_only(tmp_path: Path) -> None:
    """case_F15: else one guesser has as many addresses as he likes."""
    for number, (behind, proxies, seen) in enumerate(
        [
            (False, ("127.0.0.1",), "127.0.0.1"),
            (True, ("127.0.0.1",), "203.0.113.9"),
            (True, ("10.0.0.1",), "127.0.0.1"),
        ]
    ):
        folder, own = tmp_path / str(number), Part()
        folder.mkdir()
        where = Listening(port=0, behind_tls=behind, proxies=proxies)
        with served(folder, listening=where, more=own.routes()) as site:
            site.http.get("/hooks/part/echo", headers={"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"})
            assert own.seen[0].address == seen
            assert own.seen[0].url.startswith("https" if seen != "127.0.0.1" else "http:")


# -- how much ----------------------------------------------------------------------------------------------------------


def test_a_body_up_to_the_limit_is_taken_and_a_byte_more_is_not(site: Served, part: Part) -> None:
    """case_F12"""
    assert site.http.post("/hooks/part/echo", content=b"x" * 1000).json()["bytes"] == 1000
    before = len(part.seen)
    refused = site.http.post("/hooks/part/echo", content=b"x" * 1001)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "WHERRY-7063")
    refused = site.http.post("/hooks/part/echo", content=(b"x" * 100 for _ in range(11)))  # no length is told
    assert refused.status_code == 413
    assert len(part.seen) == before


def test_a_body_without_an_end_is_cut_off(site: Served, part: Part) -> None:
    """case_F12"""
    before = len(part.seen)
    with raw(site) as made:
        made.sendall(b"POST /hooks/part/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent, piece = 0, b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        with contextlib.suppress(OSError):
            while sent < 1 << 27:
                made.sendall(piece)
                sent += len(piece)
        assert sent < 1 << 26
    assert len(part.seen) == before


def test_a_strangers_body_is_not_waited_for(site: Served) -> None:
    """case_F12: whose token is missing is told so before his body is read."""
    with raw(site) as made:
        made.sendall(b"POST /own/thing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert everything(made).startswith(b"HTTP/1.1 401")


def test_a_body_that_drips_is_given_up(tmp_path: Path) -> None:
    """case_E11"""
    own = Part()
    with served(tmp_path, more=own.routes(), limits=Limits(body_seconds=0.2)) as site, raw(site) as made:
        made.sendall(b"POST /hooks/part/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx")
        assert everything(made).startswith(b"HTTP/1.1 408")
    assert own.seen == []


@pytest.mark.parametrize("first", [b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_head_that_never_ends_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    """case_E11: at once, or on a connection that was used before."""
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.3)
    with served(tmp_path) as site, raw(site) as made:
        made.sendall(first + b"GET /health HTTP/1.1\r\nX: ")
        assert everything(made).count(b"HTTP/1.1 200") == (1 if first else 0)


def test_a_caller_that_takes_no_answer_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """case_E11, case_G8: five hundred of them would leave no place for anybody else."""
    monkeypatch.setattr(server, "UNREAD_SECONDS", 0.2)
    large = HttpRoute(method="GET", path="/hooks/part/large", open="a test",
                      handle=lambda call: HttpResponse(content=bytes(1 << 24), media="text/plain"))  # fmt: skip
    with served(tmp_path, more=[("part", large)]) as site, raw(site) as made:
        held = site.server.server_state.connections
        made.sendall(b"GET /hooks/part/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait(lambda: bool(held))
        wait(lambda: not held, seconds=5)
        assert len(everything(made)) < 1 << 24
        monkeypatch.setattr(server, "UNREAD_SECONDS", 1.0)
        assert len(site.http.get("/hooks/part/large").content) == 1 << 24, "who takes what is sent gets all of it"


def test_a_huge_head_is_refused(site: Served) -> None:
    """case_E11"""
    with raw(site) as made, contextlib.suppress(ConnectionError):
        made.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: ")
        for _ in range(1000):
            made.sendall(b"y" * 4096)
        raise AssertionError("it took four megabytes")


def test_more_calls_than_can_be_answered_are_told_to_come_again(tmp_path: Path) -> None:
    """case_G8"""
    own = Part()
    with served(tmp_path, more=own.routes(), limits=Limits(threads=1, waiting=1)) as site:
        first: list[int] = []
        thread = threading.Thread(target=lambda: first.append(site.http.get("/hooks/part/wait").status_code))
        thread.start()
        assert own.entered.wait(20)
        refused = httpx.get(f"{site.url}/hooks/part/echo")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert refused.json()["error"]["code"] == "WHERRY-6066"
        own.hold.set()
        thread.join()
        assert first == [200]
        wait(lambda: site.http.get("/hooks/part/echo").status_code == 200)


def test_an_answer_that_takes_too_long_is_given_up_but_keeps_its_place(tmp_path: Path) -> None:
    own = Part()
    with served(tmp_path, more=own.routes(), limits=Limits(threads=2, waiting=1, answer_seconds=0.1)) as site:
        late = site.http.get("/hooks/part/wait")
        assert (late.status_code, late.json()["error"]["code"]) == (504, "WHERRY-6067")
        assert site.http.get("/hooks/part/echo").status_code == 503  # its thread is still at work
        own.hold.set()
        wait(lambda: site.http.get("/hooks/part/echo").status_code == 200)


# -- what leaves when something goes wrong -----------------------------------------------------------------------------


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with logging_as_it_was():
        configure_logging("info", json=True)
        yield stream.getvalue


def test_a_route_that_breaks_tells_a_reference_and_the_log_has_the_reason(
    site: Served, part: Part, log_lines: Callable[[], str]
) -> None:
    """case_G12"""
    part.raises = KeyError(f"{CANARY} in {__file__}")
    answer = site.http.get("/hooks/part/fail")
    assert answer.status_code == 500
    told = answer.json()
    assert told["error"]["code"] == "WHERRY-1060"
    assert told["reference"] == answer.headers["x-request-id"]
    for secret in (CANARY, "KeyError", "Traceback", __file__):
        assert secret not in answer.text
    wait(lambda: '"event": "call"' in log_lines())
    assert "KeyError" in log_lines()
    assert told["reference"] in log_lines()


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("n"), 404), (Rejected("r"), 422), (Guarded("g"), 409), (Busy("b"), 503), (TryAgain("t", after=7), 503),
     (ConfigError("c"), 500), (ContractBroken("k"), 500)],
    ids=lambda value: type(value).__name__ if isinstance(value, WherryError) else str(value),
)  # fmt: skip
def test_an_error_of_ours_leaves_in_the_envelope_with_its_status(
    site: Served, part: Part, error: WherryError, status: int
) -> None:
    part.raises = error
    answer = site.http.get("/hooks/part/fail")
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "reference"}
    if status == 500:  # what is wrong with the server is no stranger's business
        assert answer.json()["error"]["code"] == "WHERRY-1060"
    else:
        assert answer.json()["error"]["code"] == error.code
    if isinstance(error, TryAgain):
        assert answer.headers["retry-after"] == "7"


def test_a_message_that_carries_a_secret_leaves_without_it(site: Served, part: Part) -> None:
    """case_G11, case_G12"""
    remember(CANARY)
    part.raises = Rejected(f"the value {CANARY} is bad", field="token")
    assert CANARY not in site.http.get("/hooks/part/fail").text


def test_the_log_names_caller_and_route_and_neither_query_nor_token(site: Served, log_lines: Callable[[], str]) -> None:
    """case_G6, case_G21"""
    sent = site.key("logged", "thing:read")
    site.http.get(f"/own/thing?code={CANARY}&state=s3cr3t-state", headers=sent)
    site.http.get(f"/nothing/{CANARY}")
    site.http.get("/own/thing", headers={"authorization": f"Bearer {CANARY}"})
    wait(lambda: log_lines().count('"event": "call"') == 3)
    lines = [json.loads(line) for line in log_lines().splitlines()]
    calls = [line for line in lines if line["event"] == "call"]
    assert [(one["path"], one["status"], one["by"]) for one in calls] == [
        ("/own/thing", 200, "token logged"), ("no route", 404, ""), ("/own/thing", 401, ""),
    ]  # fmt: skip
    for secret in (CANARY, "s3cr3t-state", sent["authorization"].split()[1], sent["x-app-key"]):
        assert secret not in log_lines()


def test_wrong_signatures_count_like_wrong_tokens(tmp_path: Path) -> None:
    """case_G7"""
    own = Part()
    with served(tmp_path, more=own.routes()) as site:
        found = [site.http.get("/hooks/part/named/me").status_code for _ in range(12)]
    assert found == [401] * 10 + [429] * 2


def test_a_literal_address_goes_before_one_with_a_name_in_it(site: Served) -> None:
    assert site.http.get("/hooks/part/named/you").json()["given"] == {"name": "you"}


def test_a_code_may_have_a_status_of_its_own_and_what_nobody_foresaw_is_an_error_of_the_host() -> None:
    assert status_of(Guarded("x", code="WHERRY-7061")) == 429
    assert status_of(WherryError("x")) == 500


# -- routes of plugins -------------------------------------------------------------------------------------------------


def _route(**more: Any) -> HttpRoute:
    usual: dict[str, Any] = {"method": "GET", "path": "/a", "handle": lambda call: HttpResponse(), "scope": "a:b"}
    return HttpRoute(**{**usual, **more})


@pytest.mark.parametrize(
    ("route", "why"),
    [("x", "no HttpRoute"), (_route(scope=""), "must say either"), (_route(open="all"), "must say either"),
     (_route(path="/health"), "not the plugin's own"), (_route(path="/hooks/other/a"), "not the plugin's own"),
     (_route(path="a"), "no address"), (_route(path="/../a"), "no address"), (_route(path="/a b"), "no address"),
     (_route(method="TRACE"), "no address"), (_route(method="get"), "no address"), (_route(scope="admin"), "word:word"),
     (_route(path="/t/{id}"), "there already"), (_route(path="/hooks/mine/a"), ""),
     (_route(path="/.well-known/x-y.z"), "")],
    ids=lambda value: value if isinstance(value, str) else f"{value.method} {value.path} {value.scope}{value.open}",
)  # fmt: skip
def test_a_route_is_mounted_only_where_it_says_who_may_call_it(route: Any, why: str) -> None:
    """case_G1"""
    found = host.unfit(route, "mine", [("GET", "/t/{}")])
    assert why in found
    assert bool(found) == bool(why)


HOSTILE = """
from wherry.hookspecs import Manifest, hookimpl
@hookimpl
def wherry_manifest(): return Manifest(system="NAME", title="NAME")
@hookimpl
def wherry_http_routes(services, host):
    BODY
"""


@pytest.fixture
def ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """An installed plugin that serves routes in its own way."""

    def ship(name: str, body: str) -> None:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: wherry>=0.1\n"
        )
        (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = {name}_plugin\n")
        text = HOSTILE.replace("NAME", name).replace("BODY", textwrap.indent(body, "    ").strip())
        (tmp_path / f"{name}_plugin.py").write_text(text)

    monkeypatch.syspath_prepend(str(tmp_path))
    return ship


def test_a_plugin_that_fails_or_claims_what_is_not_its_own_is_left_out_and_named(
    tmp_path: Path, ship: Callable[[str, str], None]
) -> None:
    """case_G19, case_G20"""
    ship("raising", "raise RuntimeError('no')")
    ship("leaving", "raise SystemExit(3)")
    ship("silly", "return [1, 'two', None]")
    take = "from wherry.web.routes import HttpRoute, HttpResponse\n"
    ship("greedy", take + "return [HttpRoute(method='GET', path=p, handle=lambda c: HttpResponse(data=1), open='x')"
                          " for p in ('/health', '/hooks/workspace/x', '/v10/accounting-entries/export',"
                          " '/hooks/greedy/ok')]")  # fmt: skip
    names = ["workspace", "raising", "leaving", "silly", "greedy"]
    project = PROJECT.replace('["workspace"]', json.dumps(names))
    with served(tmp_path, project=project) as site:
        ready = site.http.get("/ready").json()
        assert ready["left_out"] == ["raising", "leaving", "silly", "greedy"]
        assert site.http.get("/hooks/greedy/ok").json() == 1
        assert site.http.get("/health").json()["status"] == "ok"
        assert site.http.get("/v10/accounting-entries/export").status_code == 401


# -- where it listens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host_", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("hub.example.com", False), ("", False)],
)  # fmt: skip
def test_only_an_address_that_others_cannot_reach_is_the_machines_own(host_: str, loopback: bool) -> None:
    assert is_loopback(host_) == loopback


@pytest.mark.parametrize(
    ("listening", "code"),
    [(Listening(host="0.0.0.0"), "WHERRY-2163"), (Listening(host="0.0.0.0", names=("hub",)), "WHERRY-2163"),
     (Listening(host="0.0.0.0", behind_tls=True), "WHERRY-2164"),
     (Listening(certificate=Path("a")), "WHERRY-2165"), (Listening(key=Path("a")), "WHERRY-2165"),
     (Listening(host="0.0.0.0", behind_tls=True, names=("hub",)), ""), (Listening(), ""),
     (Listening(host="0.0.0.0", certificate=Path("a"), key=Path("b"), names=("hub",)), "")],
)  # fmt: skip
def test_it_refuses_to_listen_where_tokens_would_travel_in_the_open(listening: Listening, code: str) -> None:
    """case_F17"""
    with pytest.raises(ConfigError) if code else contextlib.nullcontext() as caught:
        check(listening)
    if caught is not None:
        assert caught.value.code == code


def test_names_are_those_that_were_given_and_of_this_machine_only_where_it_is_bound_to_it() -> None:
    assert Listening(names=("Hub.example.com",)).admitted() == {"localhost", "127.0.0.1", "[::1]", "hub.example.com"}
    assert Listening(host="0.0.0.0", names=("hub",)).admitted() == {"hub"}
    assert Listening(host="10.0.0.1", names=("hub",)).admitted() == {"hub", "10.0.0.1"}
