"""How HubSpot is reached: limits, and what its answers say of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wherry.clock import date_of
from wherry.errors import TryAgain, WherryError
from wherry.http import Limit, Pace, Profile, Response
from wherry.roles import Clock

from .errors import classify
from .settings import HubSpotSettings
from .vendor import HOSTS

WINDOW = 10.0
SEARCHES = Limit(5, 1.0)
UNKNOWN_MIDNIGHT = 3_600.0
TEMPORARY = frozenset({423, 429, 477, 500, 502, 503, 504, 521, 523, 524})


class Judge:
    """Turns error answers into errors. With the account's time zone it can say when the day's calls return."""

    def __init__(self, clock: Clock, zone: Callable[[], str]) -> None:
        self._clock, self._zone = clock, zone

    def __call__(self, response: Response) -> WherryError | None:
        error = classify(response)
        if isinstance(error, TryAgain) and error.where.get("policy") == "DAILY":
            error.after = self._until_midnight(response)
        return error

    def _until_midnight(self, response: Response) -> float:
        try:
            zone = ZoneInfo(self._zone())
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UNKNOWN_MIDNIGHT
        now = (date_of(response.headers.get("date", "")) or self._clock.now()).astimezone(zone)
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), zone)
        return (midnight.astimezone(dt.UTC) - now.astimezone(dt.UTC)).total_seconds()


def pace(headers: Mapping[str, str]) -> Pace | None:
    """The budget from ``X-HubSpot-RateLimit-*``; a search answer carries none."""
    limit, remaining, interval = (
        _whole(headers.get(f"x-hubspot-ratelimit-{name}")) for name in ("max", "remaining", "interval-milliseconds")
    )
    if limit is None and remaining is None:
        return None
    return Pace(limit, remaining, interval / 1000 if interval else None)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.strip().isdigit() else None


def profile_of(settings: HubSpotSettings, judge: Judge) -> Profile:
    """What the core needs to know to talk to this account. Searches are counted apart from all other calls."""
    return Profile(
        base_url=settings.url,
        hosts=HOSTS,
        limits={"": Limit(settings.limit, WINDOW), "search": SEARCHES},
        own_lanes=frozenset({"search"}),
        pace=pace,
        classify=judge,
        retry_statuses=TEMPORARY,
    )
