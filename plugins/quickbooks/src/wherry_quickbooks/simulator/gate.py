"""Who may come in and how often.

Facts: 500 requests a minute per company; ten a second per company and app; the batch endpoint 40 calls a minute per
company and app, 120 per company. A stand-in sees one app for each OAuth client, told apart by nothing: one.
"""

from collections.abc import Collection

from wherry.simulator import Call, Clock, RollingWindow

from .answers import unauthorized
from .oauth import OAuth

WINDOWS = {"minute": (500, 60.0), "second": (10, 1.0), "batch": (40, 60.0)}


class Limits:
    """Windows by company. `real` can be switched while it runs."""

    def __init__(self, clock: Clock, limits: str) -> None:
        if limits not in ("real", "none"):
            raise ValueError(f"unknown limits {limits!r}; known: real, none")
        self.real = limits == "real"
        self._clock = clock
        self._windows: dict[tuple[str, str], RollingWindow] = {}

    def admit(self, realm: str, *, batch: bool) -> bool:
        """Count one call; False when it is one too many."""
        if not self.real:
            return True
        names = ("minute", "second", "batch") if batch else ("minute", "second")
        windows = [self._window(realm, name) for name in names]
        if not all(window.remaining for window in windows):
            return False
        return all(window.take() for window in windows)

    def _window(self, realm: str, name: str) -> RollingWindow:
        most, seconds = WINDOWS[name]
        return self._windows.setdefault((realm, name), RollingWindow(self._clock, most, seconds))


class Gate:
    """Judges the bearer of a call: 401 when it is none, 403 when it opens another company."""

    def __init__(self, tokens: Collection[str] | None, oauth: OAuth) -> None:
        self.tokens = set(tokens or ())
        self.barred: set[str] = set()
        self._oauth = oauth

    def admit(self, call: Call, realm: str) -> None:
        """Raise the refusal a call deserves."""
        token, ms = call.bearer or "", self._oauth.stage.clock.now_ms()
        state = "valid" if token in self.tokens else self._oauth.state_of(token)
        if state == "unknown" and token and self._oauth.house_open:
            state = "valid"
        if state != "valid":
            raise unauthorized(ms, "Token expired" if state == "expired" else "Token is not known or was revoked")
        if realm in self.barred or self._oauth.realm_of(token) not in ("", realm):
            raise unauthorized(ms, "No access to this company", 403)
