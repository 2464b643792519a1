"""The toolkit stand-ins are built with: clock, limits, faults, history, and what a client sees of them."""

import asyncio
import datetime as dt
import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import Field

pytest.importorskip("starlette", reason="stand-ins need the extra wherry[serve]")

from starlette.datastructures import Headers, QueryParams
from wherry import consent
from wherry.errors import ConfigError
from wherry.settings.values import Currency
from wherry.simulator import (
    Call,
    Clock,
    DailyQuota,
    Fault,
    Faults,
    Options,
    Reply,
    RollingWindow,
    Routes,
    Stage,
    StandIn,
    Tokens,
    serve,
)
from wherry.simulator.server import usual_ports

START = "2026-03-01T12:00:00"


class Counter(StandIn):
    """The smallest stand-in: adding is an effect, reading is not."""

    def __init__(self) -> None:
        super().__init__(Stage(Clock(START), lambda status: Reply(status, {"told": status})))
        self.total = 0
        self.routes = Routes([("POST", "/add/{n}", self.add), ("GET", "/total", self.read)])

    def add(self, call: Call) -> Reply:
        self.total += int(call.params["n"])
        self.stage.effect("added", n=call.params["n"])
        return Reply(201, {"total": self.total})

    def read(self, call: Call) -> Reply:
        return Reply(200, {"total": self.total})

    def answer(self, call: Call) -> Reply:
        handler = self.routes.find(call)
        return handler(call) if handler else Reply(404)


class Company(Options):
    """Options of a stand-in."""

    currency: Currency = "USD"
    deals: int = Field(12, le=20)
    taxed: bool = False
    password: str = Field("", max_length=3)


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def client(counter: Counter) -> Iterator[httpx.Client]:
    with serve(counter.app()) as url, httpx.Client(base_url=url, timeout=10, verify=False) as http:
        yield http


def test_a_virtual_clock_moves_only_when_told() -> None:
    clock = Clock(START)
    before = clock.now()
    assert clock.now() == before
    assert clock.advance(90) == before + 90
    clock.set("2026-03-01T12:00:00+00:00")
    assert clock.now() == before


def test_a_real_clock_runs_on_from_where_it_is_set() -> None:
    clock = Clock()
    clock.set("2030-01-01T00:00:00+00:00")
    assert not clock.virtual
    assert clock.date().year == 2030


def test_a_rolling_window_frees_places_as_time_passes() -> None:
    """case_E7"""
    clock = Clock(START)
    window = RollingWindow(clock, 2, 10)
    assert window.take()
    clock.advance(6)
    assert window.take()
    assert not window.take()
    clock.advance(4)
    assert window.take()
    assert not window.take()


def test_a_daily_quota_starts_anew_at_midnight_of_the_zone() -> None:
    """case_E8"""
    clock = Clock("2026-03-01T22:30:00")
    quota = DailyQuota(clock, 1, dt.timezone(dt.timedelta(hours=1)))
    assert quota.take()
    assert not quota.take()
    clock.advance(1800)
    assert quota.take()


def test_a_fault_is_spent_on_the_requests_it_matches() -> None:
    faults = Faults()
    faults.add("status", method="post", path="/add/", times=2, after=1)
    taken = [faults.take("POST", "/add/1") is not None for _ in range(4)]
    assert faults.take("GET", "/add/1") is None
    assert taken == [False, True, True, False]
    assert len(faults) == 0


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="explode"):
        Fault("explode")
    with pytest.raises(ValueError, match="often"):
        Fault.of({"kind": "lost", "often": 1})


def test_a_scripted_status_is_dressed_by_the_stand_in(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add("status", status=429, headers={"Retry-After": "7"})
    answer = client.post("/add/1")
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"told": 429}, "7")
    assert counter.total == 0


def test_a_lying_answer_follows_a_true_effect(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add("status", status=504, committed=True)
    assert client.post("/add/3").status_code == 504
    assert counter.total == 3


@pytest.mark.parametrize(("kind", "total"), [("lost", 5), ("dropped", 0), ("late", 0), ("truncated", 5)])
def test_a_cut_connection_says_nothing_of_the_effect(
    counter: Counter, client: httpx.Client, kind: str, total: int
) -> None:
    counter.faults.add(kind)
    with pytest.raises(httpx.TransportError):
        client.post("/add/5")
    assert counter.total == total
    assert client.get("/total").json() == {"total": total}


def test_a_late_request_takes_effect_when_released(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add("late")
    with pytest.raises(httpx.TransportError):
        client.post("/add/5")
    assert client.get("/__sim/release").status_code == 405
    assert client.post("/__sim/release").json() == 1
    assert counter.total == 5
    assert client.post("/__sim/release").json() == 0


def test_junk_and_nothing_come_as_200(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add("html")
    counter.faults.add("empty")
    page, nothing = client.get("/total"), client.get("/total")
    assert page.status_code == nothing.status_code == 200
    assert page.text.startswith("<!doctype html>")
    assert nothing.content == b""


def test_a_slow_answer_is_still_the_true_one(counter: Counter, client: httpx.Client) -> None:
    """case_E11"""
    counter.faults.add("drip")
    with client.stream("GET", "/total") as answer:
        parts = list(answer.iter_raw())
    assert b"".join(parts) == b'{"total": 0}'


def test_an_endless_answer_can_be_left(counter: Counter, client: httpx.Client) -> None:
    """case_E11"""
    counter.faults.add("endless", size=10**12)
    with client.stream("GET", "/total") as answer:
        assert "content-length" not in answer.headers
        next(answer.iter_raw())
    assert client.get("/total").status_code == 200


def test_a_huge_header_is_sent(counter: Counter, client: httpx.Client) -> None:
    """case_E11"""
    counter.faults.add("header", size=20_000)
    assert len(client.get("/total").headers["x-padding"]) == 20_000


def test_faults_and_time_are_steered_over_http(counter: Counter, client: httpx.Client) -> None:
    script = [{"kind": "status", "status": 503}, {"kind": "status", "status": 500}]
    assert client.post("/__sim/faults", json=script).json() == {"waiting": 2}
    assert client.get("/total").status_code == 503
    assert client.post("/__sim/faults", json=[]).json() == {"waiting": 0}
    assert client.get("/total").status_code == 200
    now = counter.clock.now()
    assert client.post("/__sim/clock", json={"advance": 60}).json() == {"now": now + 60}


@pytest.mark.parametrize(
    ("control", "body"), [("faults", {"kind": "explode"}), ("clock", {"at": "soon"}), ("faults", {"status": 1})]
)
def test_a_wrong_control_is_refused(client: httpx.Client, control: str, body: object) -> None:
    assert client.post(f"/__sim/{control}", json=body).status_code == 400
    assert client.get("/__sim/nothing").status_code == 404


def test_the_history_tells_requests_from_effects(counter: Counter, client: httpx.Client) -> None:
    client.post("/add/2", headers={"authorization": "Bearer x"})
    client.get("/total?why=not")
    asked, effect = counter.history.requests(), counter.history.effects("added")
    assert [(e.what, e.status, e.authorized) for e in asked] == [
        ("POST /add/{n}", 201, True),
        ("GET /total", 200, False),
    ]
    assert asked[1].detail == {"query": "why=not"}
    assert [dict(e.detail) for e in effect] == [{"n": "2"}]
    assert [e["what"] for e in client.get("/__sim/history").json()] == ["added", "POST /add/{n}", "GET /total"]


def test_stats_count_requests_and_not_the_controls(counter: Counter, client: httpx.Client) -> None:
    counter.faults.add("status", status=429)
    client.get("/total")
    client.post("/add/1")
    stats = client.get("/__sim/stats").json()
    assert (stats["requests"], stats["too_many"], stats["effects"]) == (2, 1, {"added": 1})
    assert stats["by_route"] == {"GET /total": 1, "POST /add/{n}": 1}
    client.post("/__sim/reset-stats")
    assert client.get("/__sim/stats").json()["requests"] == 0
    assert len(counter.history.entries) == 3


def test_a_simulator_listens_where_the_one_before_it_did_unless_somebody_took_that_port(counter: Counter) -> None:
    ports: list[int] = []
    app = counter.app()
    with usual_ports(ports), serve(app) as first, serve(app) as second:
        assert first != second
    with usual_ports(ports):
        with serve(app) as again, serve(app) as also:
            assert (again, also) == (first, second)
            assert httpx.get(f"{again}/total", verify=False).status_code == 200
    with usual_ports(ports), socket.create_server(("127.0.0.1", ports[0])), serve(app) as elsewhere:
        assert elsewhere != first
    assert first.rpartition(":")[2] != str(ports[0])


def test_a_number_that_was_said_is_kept_and_told_to_its_last_digit() -> None:
    """An amount that passes through a binary fraction is another one."""
    kept: list[Any] = []

    def answer(call: Call) -> Reply:
        kept.append(call.json())
        return Reply(200, {"held": kept[-1], "count": 2, "name": "Zoë"})

    said = b'{"amount": 900719925474099.29, "rate": 0.10, "lines": [1.005, 3]}'
    with serve(Stage(Clock("2026-01-05T09:00:00Z")).app(answer)) as url:
        told = httpx.post(url, content=said, verify=False).text
    assert kept[0]["amount"] == Decimal("900719925474099.29")
    assert json.loads(told, parse_float=str)["held"] == {"amount": "900719925474099.29", "rate": "0.10",
                                                         "lines": ["1.005", 3]}  # fmt: skip


def test_a_request_that_breaks_off_in_its_body_was_never_made(counter: Counter) -> None:
    async def left() -> dict[str, str]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/add/5", "query_string": b"", "headers": []}
    said: list[Any] = []
    asyncio.run(counter.app()(scope, left, said.append))  # type: ignore[arg-type]
    assert (counter.total, said) == (0, [])


def test_what_is_said_of_a_stand_in_is_read_with_its_sort() -> None:
    assert Company.of({"deals": "3", "taxed": "yes"}) == Company(deals=3, taxed=True)
    assert Company.of({}).currency == "USD"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"deal": "3"}, "--set deal: is not a key here (did you mean deals?"),
        ({"deals": "many"}, "--set deals: must be a"),
        ({"deals": "21"}, "--set deals: must be less than or equal to 20"),
        ({"currency": "usd"}, "--set currency: 'usd' is not a currency (did you mean USD?)"),
        ({"password": "canary"}, "--set password: "),
    ],
)
def test_an_option_that_a_stand_in_does_not_have_is_named_with_those_it_has(said: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Company.of(said)
    assert f"{caught.value} ({caught.value.fix})".startswith(told)
    assert caught.value.code == "WHERRY-2097"
    assert "canary" not in repr(caught.value)


def asked(query: dict[str, str] | None = None, *, body: bytes = b"", says: str = "", **form: str) -> Call:
    return Call("GET", "/", QueryParams(query or {}), Headers({"authorization": says}), body, form=form)


def test_what_a_request_says_is_read_or_none() -> None:
    numbers = [asked({"n": said}).whole("n", 7) for said in ("12", "", "-1", "x", "\u00b2", "9" * 19)]
    assert numbers == [12, 7, None, None, None, None]
    assert asked().whole("n", 7) == 7
    assert [asked(body=body).object() for body in (b'{"a": 1.5}', b"[]", b"{")] == [{"a": Decimal("1.5")}, None, None]
    signed = ("basic YTpiOmM=", "Basic OmI=", "Basic ?", "Bearer YTpi")
    assert [asked(says=one).basic for one in signed] == [("a", "b:c"), None, None, None]


def test_a_code_works_once_with_the_verifier_of_its_challenge_alone() -> None:
    made, verifier = Tokens(), "v" * 43
    challenge = consent.challenge_of(verifier)
    query = {"redirect_uri": "http://here/back", "state": "s 1", "code_challenge": challenge}

    def code() -> str:
        there = made.consented(asked(query), "c-", realm="7").headers["location"]
        told = parse_qs(urlsplit(there).query)
        assert (there.partition("?")[0], told["state"], told["realm"]) == ("http://here/back", ["s 1"], ["7"])
        return told["code"][0]

    good = asked(code=code(), code_verifier=verifier)
    wrong = asked(code=code(), code_verifier="w" * 43)
    assert [made.redeemed(call) for call in (good, good, wrong)] == ["http://here/back", None, None]
