"""Who may come in: tokens, scopes and limits, with the headers that tell of them (the usage guidelines)."""

import datetime as dt
from collections.abc import Collection

from wherry.simulator import Call, Clock, DailyQuota, Reply, RollingWindow

from .errors import refused, too_many
from .facts import SEARCHES_PER_SECOND, TEN_SECONDS, TIERS
from .oauth import OAuth


class Limits:
    """The ten-second window, the day's quota, the account's searches a second; ``none`` has no limits."""

    def __init__(self, clock: Clock, tier: str, zone: dt.tzinfo) -> None:
        if tier != "none" and tier not in TIERS:
            raise ValueError(f"unknown tier {tier!r}; known: none, {', '.join(TIERS)}")
        window, daily = TIERS.get(tier, (0, None))
        self.window = RollingWindow(clock, window, TEN_SECONDS) if window else None
        self.daily = DailyQuota(clock, daily, zone) if daily else None
        self.searches = RollingWindow(clock, SEARCHES_PER_SECOND, 1.0)

    def refuse(self, *, search: bool) -> Reply | None:
        """Count one call; the 429 when it is one too many."""
        if self.window is None:
            return None
        if search:
            return None if self.searches.take() else too_many("SECONDLY")
        if not self.window.take():
            return too_many("TEN_SECONDLY_ROLLING", self.headers())
        if self.daily and not self.daily.take():
            return too_many("DAILY", self.headers())
        return None

    def headers(self) -> dict[str, str]:
        """What every answer but a search's tells of the limits."""
        if self.window is None:
            return {}
        told = {
            "X-HubSpot-RateLimit-Max": self.window.limit,
            "X-HubSpot-RateLimit-Remaining": self.window.remaining,
            "X-HubSpot-RateLimit-Interval-Milliseconds": round(TEN_SECONDS * 1000),
        }
        if self.daily:
            told["X-HubSpot-RateLimit-Daily"] = self.daily.limit
            told["X-HubSpot-RateLimit-Daily-Remaining"] = self.daily.remaining
        return {name: str(value) for name, value in told.items()}


class Gate:
    """Judges the bearer of a call."""

    def __init__(self, tokens: Collection[str] | None, oauth: OAuth | None, scopes: Collection[str] | None) -> None:
        self.tokens = set(tokens or ())
        self.scopes = None if scopes is None else set(scopes)
        self._any = tokens is None and oauth is None
        self._oauth = oauth

    def admit(self, call: Call) -> None:
        """Raise the 401 a call deserves."""
        token = call.bearer
        if not token:
            raise refused(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
        state = "valid" if self._any or token in self.tokens else self._oauth_state(token)
        if state == "expired":
            raise refused(401, "The OAuth token used to make this call expired.", "EXPIRED_AUTHENTICATION")
        if state != "valid":
            raise refused(401, "The credentials are not known or were revoked.", "INVALID_AUTHENTICATION")

    def must_hold(self, call: Call, needed: Collection[str]) -> None:
        """Raise the 403 that names the scopes a call lacks."""
        held = self._held(call.bearer or "")
        missing = sorted(set(needed) - held) if held is not None else []
        if missing:
            error = {
                "message": "One or more scopes are required",
                "context": {"requiredGranularScopes": missing},
            }
            raise refused(403, errors=[error])

    def _oauth_state(self, token: str) -> str:
        return self._oauth.state_of(token) if self._oauth else "unknown"

    def _held(self, token: str) -> set[str] | None:
        if self._oauth and self._oauth_state(token) == "valid":
            return set(self._oauth.scopes_of(token))
        return self.scopes
