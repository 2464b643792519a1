"""How an error leaves the host: its status, and the one JSON shape of all errors. No traceback, no secret."""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.errors import (
    AccessLost,
    Busy,
    ConfigError,
    ContractBroken,
    Guarded,
    NotFound,
    Rejected,
    TryAgain,
    WherryError,
)
from wherry.redaction import clean

_BY_CODE = {
    "WHERRY-3062": 404, "WHERRY-7066": 405, "WHERRY-5060": 401, "WHERRY-5061": 403, "WHERRY-7061": 429,
    "WHERRY-7062": 421, "WHERRY-7063": 413, "WHERRY-7064": 408, "WHERRY-6067": 504,
}  # fmt: skip
"""The host's own; everything else goes by its class."""
_BY_CLASS: tuple[tuple[type[WherryError], int], ...] = (
    (NotFound, 404), (Rejected, 422), (Guarded, 409), (Busy, 503), (TryAgain, 503), (AccessLost, 502),
    (ConfigError, 500), (ContractBroken, 500),
)  # fmt: skip


def status_of(error: WherryError) -> int:
    """The HTTP status that an error leaves with."""
    found = next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 500)
    return _BY_CODE.get(error.code, found)


def envelope(error: WherryError, reference: str) -> bytes:
    """``{"error": {"error", "code", "message", "fix", …}, "reference"}``; the reference finds the call in the log."""
    told = {name: value for name, value in error.as_data().items() if name != "after"}
    return msgspec.json.encode({"error": clean(told), "reference": reference})


def headers_of(error: WherryError) -> dict[str, str]:
    """Headers that an error brings along: when to come back, how to sign in."""
    found: dict[str, str] = {}
    after: Any = error.where.get("after") or (error.after if isinstance(error, TryAgain) else None)
    if after:
        found["retry-after"] = str(int(after))
    if error.code == "WHERRY-5060":
        found["www-authenticate"] = "Bearer"
    return found
