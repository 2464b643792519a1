"""What a vendor meters, as a plugin keeps it and ``status`` shows it."""

from __future__ import annotations

from msgspec import Struct

METERED = "metered"
"""Where a plugin keeps what a vendor meters: in its documents of this kind, one ``Metered`` an id, and in the cache of
each connection, under this key, the id that its calls count in. So status can tell without making a client."""


class Metered(Struct, frozen=True):
    """Calls that a vendor counts and allows so many of in a month (``2026-03``); ``what`` is his own word for them."""

    what: str
    month: str
    used: int
    limit: int
