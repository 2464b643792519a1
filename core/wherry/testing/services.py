"""Real services for a plugin's tests: the core's own client, cache and documents, over a store in a folder."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from wherry.clock import SystemClock
from wherry.http import Http, Patience, Profile
from wherry.redaction import remember
from wherry.roles import Clock, Services
from wherry.signin import bearer
from wherry.simulator import Clock as SimulatorClock
from wherry.store import Store
from wherry.threads import fan_out

SECRET = "kit-canary-7c1f3a9d2b"
"""What the kit signs in with. It must turn up nowhere but in the requests themselves."""


class SharedClock:
    """``roles.Clock`` on a simulator's clock: who waits moves both, and nobody waits in earnest."""

    def __init__(self, clock: SimulatorClock) -> None:
        self._clock = clock

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return self._clock.date()

    def monotonic(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(max(0.0, seconds))


@contextmanager
def services(
    folder: Path, *, connection: str = "kit", clock: Clock | None = None, secret: str = SECRET, auth: Any = None,
    patience: Patience | None = None, fan: Callable[..., Iterator[Any]] = fan_out,
) -> Iterator[Services]:  # fmt: skip
    """What the core hands a plugin, made of the real parts, until the block ends.

    The store is a SQLite file in ``folder``; a second call on the same folder finds what the first one kept. Requests
    are signed as a hub would sign them: by the ``httpx.Auth`` that a profile brings or makes of ``secret``, else by
    ``auth``, else with ``secret`` as a bearer token. With a fake ``clock`` retries and pacing take no time.
    """
    clock = clock or SystemClock()
    store = Store(f"sqlite:///{folder / 'kit.db'}", clock, folder / "files")
    made: list[Http] = []

    def http(profile: Profile) -> Http:
        own = profile.sign(lambda _: remember(secret)) if profile.sign is not None else None
        signed = msgspec.structs.replace(profile, auth=profile.auth or own or auth or bearer(lambda: secret))
        made.append(Http(signed, connection=connection, clock=clock, patience=patience))
        return made[-1]

    try:
        yield Services(
            log=structlog.get_logger().bind(connection=connection), clock=clock, http=http, fan_out=fan,
            cache=store.cache(connection), documents=partial(store.documents, connection),
        )  # fmt: skip
    finally:
        for client in made:
            client.close()
        store.close()
