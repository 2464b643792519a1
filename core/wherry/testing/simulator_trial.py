"""A stand-in on trial, and how the checks of ``wherry.testing.simulators`` ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from msgspec import Struct, field

from wherry.roles import Simulator
from wherry.simulator import Clock, serve

START = "2001-02-03T04:05:06+00:00"
"""A moment that no machine's clock shows."""
CUT = (httpx.RemoteProtocolError, httpx.ReadError, httpx.ConnectError)

SAME_AS_VENDOR = "The stand-in answers as the vendor's own description says, mistakes and refusals included."
FAULTS_REAL = "What is made to go wrong goes wrong as told: what took effect took effect, and nothing else did."
TRUE_HISTORY = "What the stand-in notes of itself is what happened: every request and every effect, once."
OWN_TIME = "It lives by the clock it is given, and gives the same answers every time."


class Exchange(Struct, kw_only=True):
    """One request: a body goes as JSON, ``content`` as it stands."""

    method: str = "GET"
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


class SimulatorTrial(Struct, kw_only=True):
    """A stand-in on trial: how to make it, and two requests that it takes.

    ``make`` makes one on a clock, which lets in whoever sends ``headers``. ``write`` makes the nth of as many writes as
    are wanted, each of a thing of its own; None where the system is only read. ``strict`` makes one that lets in nobody
    else, ``throttled`` one that soon says 429. ``valid`` raises for an answer that the vendor would not give.
    """

    system: str
    make: Callable[[Clock], Simulator]
    read: Exchange
    write: Callable[[int], Exchange] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    strict: Callable[[Clock], Simulator] | None = None
    throttled: Callable[[Clock], Simulator] | None = None
    patient: float = 86_400.0
    """Seconds after which a stand-in that said 429 takes calls again."""
    valid: Callable[[httpx.Response], object] | None = None
    secrets: tuple[str, ...] = ()
    """What signs in, and must be shown nowhere."""


class Asked:
    """A stand-in that is served on loopback, and a client of its own for it."""

    def __init__(self, trial: SimulatorTrial, url: str, clock: Clock, client: httpx.Client) -> None:
        self.trial, self.url, self.clock, self._client = trial, url, clock, client
        self._begun = len(self.history())

    def ask(self, one: Exchange, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """One request, signed in as the trial says, or with these headers alone."""
        signed = self.trial.headers if headers is None else headers
        sent: dict[str, Any] = {"json": one.body} if one.body is not None else {"content": one.content}
        return self._client.request(one.method, self.url + one.path, params=one.params, **sent,
                                    headers={**one.headers, **signed})  # fmt: skip

    def read(self) -> httpx.Response:
        return self.ask(self.trial.read)

    def write(self, n: int = 0) -> httpx.Response:
        return self.ask(writing(self.trial, n))

    def cut(self, one: Exchange) -> None:
        """One request whose connection is to be cut."""
        with pytest.raises(CUT):
            self.ask(one)

    def control(self, name: str, body: Any = None) -> Any:
        """One of the controls: a GET, or a POST where there is a body. Raises AssertionError for a refusal."""
        path = f"{self.url}/__sim/{name}"
        answer = self._client.get(path) if body is None else self._client.post(path, json=body)
        assert answer.status_code == 200, f"control {name}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def raw_control(self, name: str, body: Any) -> httpx.Response:
        return self._client.post(f"{self.url}/__sim/{name}", json=body)

    def fault(self, kind: str, **options: Any) -> None:
        self.control("faults", {"kind": kind, **options})

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("history")
        return found

    def effects(self) -> list[str]:
        """What was changed since it was served, in words; what it was filled with before is not among it."""
        return [entry["what"] for entry in self.history()[self._begun :] if entry["kind"] == "effect"]

    def requests(self) -> list[dict[str, Any]]:
        return [entry for entry in self.history() if entry["kind"] == "request"]


@contextmanager
def standing(trial: SimulatorTrial, make: Callable[[Clock], Simulator] | None = None) -> Iterator[Asked]:
    """A fresh stand-in, served on loopback until the block ends."""
    clock = Clock(START)
    simulator = (make or trial.make)(clock)
    with serve(simulator.app()) as url, httpx.Client(timeout=30, verify=False) as client:
        yield Asked(trial, url, clock, client)


def writing(trial: SimulatorTrial, n: int = 0) -> Exchange:
    """The nth write; the check is skipped where there is none."""
    if trial.write is None:
        pytest.skip("the system is only read")
    return trial.write(n)
