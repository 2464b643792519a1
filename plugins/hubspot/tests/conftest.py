"""A HubSpot account on loopback whose clock only moves when somebody waits or says so, and sources that read it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
import structlog
from wherry.http import Http, Patience, Profile
from wherry.records import Page, Record
from wherry.roles import Connection, Query, Services
from wherry.signin import bearer
from wherry.simulator import Clock, serve
from wherry.threads import fan_out
from wherry_hubspot.settings import HubSpotSettings
from wherry_hubspot.simulator import HubSpotSimulator
from wherry_hubspot.source import HubSpotSource

START = "2026-03-02T08:00:00Z"
FIELDS = ("dealname", "amount", "pipeline", "dealstage")


class SimulatorClock:
    """``roles.Clock`` on the simulator's own clock: who waits moves both."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> dt.datetime:
        return self._clock.date()

    def monotonic(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(max(0.0, seconds))


class MemoryCache:
    """``roles.Cache`` in memory; values go through JSON as they do in the store."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock
        self._held: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, max_age: float) -> Any | None:
        at, value = self._held.get(key, (0.0, None))
        return value if value is not None and self._clock.monotonic() - at <= max_age else None

    def set(self, key: str, value: Any) -> None:
        self._held[key] = (self._clock.monotonic(), value)


class Account:
    """The simulator behind loopback HTTP, and what tests ask of it."""

    def __init__(self, simulator: HubSpotSimulator, url: str, bodies: list[tuple[str, str, bytes]]) -> None:
        self.sim, self.url, self.bodies = simulator, url, bodies
        self.clock = SimulatorClock(simulator.clock)
        self.cache = MemoryCache(self.clock)
        self.https: list[Http] = []

    def source(self, auth: Any = None, fan: Callable[..., Iterator[Any]] = fan_out, **settings: Any) -> HubSpotSource:
        """A source as a run gets it: made anew, the cache kept."""
        model = HubSpotSettings.model_validate(
            {"base_url": self.url, "auth": {"kind": "token", "token": {"env": "X"}}, **settings}
        )

        def http(profile: Profile) -> Http:
            import msgspec

            profile = msgspec.structs.replace(profile, auth=auth or bearer(lambda: "test-token"))
            made = Http(profile, connection="crm", clock=self.clock, patience=Patience(attempts=4, longest=1.0))
            self.https.append(made)
            return made

        services = Services(
            log=structlog.get_logger(), clock=self.clock, http=http, cache=self.cache, documents=_none, fan_out=fan
        )
        return HubSpotSource(Connection("crm", "hubspot", model), services)

    def calls(self) -> dict[str, int]:
        """Requests since the last look, by method and path without ids, and look anew."""
        stats = self.sim.history.stats()["by_route"]
        self.sim.history.reset_stats()
        return dict(stats)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.sim.clock.advance(seconds)


def _none() -> Any:
    raise AssertionError("a source needs no documents")


def overheard(app: Any, bodies: list[tuple[str, str, bytes]]) -> Any:
    """The application, every request's body noted."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def hearing() -> Any:
            message = await receive()
            if message.get("body"):
                bodies.append((scope["method"], scope["path"], message["body"]))
            return message

        await app(scope, hearing, send)

    return application


@pytest.fixture
def hubspot() -> Iterator[Callable[..., Account]]:
    """Makes accounts: keywords are the simulator's."""
    with ExitStack() as stack:
        made: list[Account] = []

        def make(**options: Any) -> Account:
            simulator = HubSpotSimulator(**{"clock": Clock(START), **options})
            bodies: list[tuple[str, str, bytes]] = []
            url = stack.enter_context(serve(overheard(simulator.app(), bodies)))
            made.append(Account(simulator, url, bodies))
            return made[-1]

        yield make
        for account in made:
            for http in account.https:
                http.close()


@pytest.fixture
def account(hubspot: Callable[..., Account]) -> Account:
    """An account without limits, index lag or token check."""
    return hubspot()


class Reading:
    """All pages of one read."""

    def __init__(self, pages: Iterable[Page]) -> None:
        self.pages = list(pages)
        self.records: list[Record] = [record for page in self.pages for record in page.records]
        self.ids = [record.id for record in self.records]
        self.mark = self.pages[-1].mark if self.pages else ""


@pytest.fixture
def read() -> Callable[..., Reading]:
    """Reads a kind to its end."""

    def reading(
        source: HubSpotSource,
        kind: str = "deal",
        after: str | None = None,
        fields: tuple[str, ...] = FIELDS,
        relatives: Mapping[str, tuple[str, ...]] | None = None,
        since: dt.datetime | None = None,
    ) -> Reading:
        return Reading(source.read(Query(kind, after, since, fields, relatives or {})))

    return reading
