"""Wrong tokens by address: after a few in a minute, nothing more is compared for that address until it has passed."""

from __future__ import annotations

import ipaddress
import math
import threading
from collections import OrderedDict

from wherry.errors import Guarded
from wherry.roles import Clock

ALLOWED, WITHIN = 10, 60.0
"""Wrong tokens that are put up with, and the seconds in which they are counted."""
MOST = 10_000
"""Addresses remembered, the latest: a flood from everywhere must not fill the memory."""


class Throttle:
    """Counts by address; of IPv6 by network of 64 bits, which is what one household or server has. Safe for threads."""

    def __init__(self, clock: Clock, allowed: int = ALLOWED, within: float = WITHIN) -> None:
        self._clock, self._allowed, self._within = clock, allowed, within
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Raises Guarded, with the seconds to wait in ``after``, for an address that has used up its number."""
        with self._lock:
            since, count = self._counts.get(_network(address), (0.0, 0))
            left = since + self._within - self._clock.monotonic()
        if count >= self._allowed and left > 0:
            raise Guarded(
                "too many wrong tokens came from this address",
                fix=f"wait {math.ceil(left)} seconds, and look at the token", code="WHERRY-7061", after=math.ceil(left),
            )  # fmt: skip

    def note(self, address: str) -> None:
        """One wrong token more."""
        key = _network(address)
        with self._lock:
            now = self._clock.monotonic()
            since, count = self._counts.pop(key, (now, 0))
            self._counts[key] = (since, count + 1) if now - since < self._within else (now, 1)
            while len(self._counts) > MOST:
                self._counts.popitem(last=False)


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
