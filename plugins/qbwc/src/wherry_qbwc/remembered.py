"""Message sets that QuickBooks remembers with their answers: noted when they were answered, and cleared in the end.

Not before ``resend_for`` is over: until then a lost request may go out again, also by a store that is an older copy,
and QuickBooks must know it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from wherry.roles import Documents

KIND = "message_set"
AT_ONCE = 100
"""Sets that one session clears: each is an exchange with QuickBooks, after all that waits."""


def note(documents: Documents, connection: str, ids: Collection[str], now: dt.datetime) -> None:
    """These were answered now."""
    documents.put(KIND, [(f"{connection}/{id}", {"at": now.isoformat()}) for id in ids])


def due(documents: Documents, connection: str, now: dt.datetime, resend_for: float) -> list[str]:
    """Those that nobody will send again, as many as one session clears."""
    before = (now - dt.timedelta(seconds=resend_for)).isoformat()
    mine = [(id, body["at"]) for id, body in documents.each(KIND) if id.startswith(f"{connection}/")]
    return [id.partition("/")[2] for id, at in mine if at <= before][:AT_ONCE]


def cleared(documents: Documents, connection: str, ids: Collection[str]) -> None:
    """QuickBooks has forgotten them."""
    documents.remove(KIND, [f"{connection}/{id}" for id in ids])
