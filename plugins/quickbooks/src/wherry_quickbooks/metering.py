"""How many reads Intuit counts: one number an app and month, kept in the plugin's documents.

Intuit's plans meter reads ("CorePlus" calls: GETs, queries, change data capture) by app, not by company; writes are
free. Every read that leaves is counted, those that were refused or repeated too: the number is no bill, and rather high
than low; only what is asked in batches, after an answer was lost, is not told from writes. It is written
every 25 reads or once a second of reading, so that is what a crash can lose.
"""

from __future__ import annotations

import hashlib
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from wherry.errors import WherryError
from wherry.metered import METERED, Metered

from .settings import QuickBooksSettings

if TYPE_CHECKING:
    from wherry.roles import Documents, Services

WHAT = "CorePlus reads"
EVERY, SECONDS = 25, 1.0
WARNS = 70
"""Percent of a month's reads at which a run says so."""
FOR_EVER = 1e10
"""Seconds: what is kept in the cache has no age for us; the cache cannot take infinity."""

_meters: weakref.WeakSet[Meter] = weakref.WeakSet()


class Meter:
    """Counts the reads of one client. Safe for threads, and for clients and processes that share an app.

    ``counts`` are those of the client's ``Http``: ``METHOD /path`` → number of requests sent.
    """

    def __init__(
        self, services: Services, settings: QuickBooksSettings, counts: Callable[[], Mapping[str, int]]
    ) -> None:
        self._services, self._settings, self._counts = services, settings, counts
        self.limit = settings.metered_reads
        self._lock = threading.Lock()
        self._written, self._at, self._told = 0, float("-inf"), ""
        _meters.add(self)

    @cached_property
    def app(self) -> str:
        """See ``app_of``."""
        return app_of(self._settings)

    def tick(self) -> None:
        """After each read: write the number down if it is time."""
        if self._pending() >= EVERY or self._services.clock.monotonic() >= self._at + SECONDS:
            self.try_flush()

    def flush(self) -> None:
        """Write down what was not yet."""
        with self._lock:
            if pending := self._pending():
                self._add(pending)
                self._written, self._at = self._written + pending, self._services.clock.monotonic()

    def try_flush(self) -> None:
        """Write down what was not yet, if that can be done: a count that is lost must not end anything else."""
        try:
            self.flush()
        except Exception as error:
            self._services.log.warning("metered reads were not written down", reason=type(error).__name__)

    def use(self) -> Metered:
        """This month so far, all connections of the app together."""
        self.flush()
        month, key = self._now()
        with self._services.documents() as documents:
            return Metered(WHAT, month, _used(documents, key), self.limit)

    def _pending(self) -> int:
        return reads(self._counts()) - self._written

    def _now(self) -> tuple[str, str]:
        month = self._services.clock.now().strftime("%Y-%m")
        return month, f"{self.app}/{month}"

    def _add(self, count: int) -> None:
        month, key = self._now()
        with self._services.documents() as documents:
            use = Metered(WHAT, month, _used(documents, key) + count, self.limit)
            documents.put(METERED, [(key, msgspec.to_builtins(use))])
        line = use.limit * WARNS // 100
        if use.used >= line > use.used - count:
            self._services.log.warning("metered reads are running out", used=use.used, limit=use.limit, month=month)
        if key != self._told and self._services.cache.get(METERED, FOR_EVER) != key:
            self._services.cache.set(METERED, key)
        self._told = key


def _used(documents: Documents, key: str) -> int:
    return int(documents.get(METERED, [key]).get(key, {}).get("used", 0))


def app_of(settings: QuickBooksSettings) -> str:
    """What the app that Intuit counts for is known by here: a hash of its client id, which may be kept as a secret.

    Where only the store knows that, it is where it is kept; a bare token does not tell its app: those count together.
    """
    auth = settings.auth
    if auth.kind != "oauth2":
        return "token"
    try:
        name = auth.client(lambda ref: ref.reveal())
    except WherryError:
        name = str(auth.client_id)
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


def reads(counts: Mapping[str, int]) -> int:
    """How many of the requests sent were reads."""
    return sum(number for route, number in counts.items() if _is_read(route))


def _is_read(route: str) -> bool:
    method, _, path = route.partition(" ")
    return "/company/" in path and (method == "GET" or path.endswith("/query"))


def flush_all() -> None:
    """Write down the reads of every client of this process: at the end of a run."""
    for meter in list(_meters):
        meter.try_flush()
