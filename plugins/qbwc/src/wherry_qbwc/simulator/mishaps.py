"""Scripted faults of the two programs: what QuickBooks does wrong, and what the Web Connector does.

==============  ====================================================================================================
QuickBooks      (`request` is a pattern of the request's name, such as ``SalesOrderAdd``)
==============  ====================================================================================================
``status``      answers `code` (a status); with `done` it did what was asked all the same
``hresult``     gives no response but `code` (an HRESULT); with `done` it did what was asked, and no longer knows it
``unstored``    does it and answers, but could not keep the response: 9005, and 9002 when asked later
``closed``      cannot be opened: the Connector calls connectionError with `code`
==============  ====================================================================================================

=================  =================================================================================================
Connector          (`request` is a pattern of the message set handed out)
=================  =================================================================================================
``dies``           gone after it took a request; QuickBooks never saw it
``dies-executed``  gone after QuickBooks did it
``lost``           the answer never reaches the service, and the session ends without a word
``unheard``        the answer reaches the service, the service's reply does not come back; the session ends so
``doubled``        the answer is delivered twice
``late``           the answer is kept back and delivered when a later session is open, with the old ticket
``earlier``        delivers the answer to the request before in place of this one's
``other-ticket``   delivers with a ticket that nobody gave out
``closes``         calls closeConnection after it took a request
``wrong-file``     another company file is open in this session (the next one that the computer has)
=================  =================================================================================================
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

OF_QUICKBOOKS = frozenset({"status", "hresult", "unstored", "closed"})
OF_CONNECTOR = frozenset({"dies", "dies-executed", "lost", "unheard", "doubled", "late", "earlier", "other-ticket",
                          "closes", "wrong-file"})  # fmt: skip
_KINDS = OF_QUICKBOOKS | OF_CONNECTOR


@dataclass(slots=True)
class Mishap:
    """One fault; `after` lets that many occasions pass first, `times` is on how many it happens then."""

    kind: str
    request: str = ""
    times: int = 1
    after: int = 0
    code: str = ""
    message: str = ""
    done: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"unknown mishap {self.kind!r}; known: {', '.join(sorted(_KINDS))}")

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Mishap:
        """A mishap from the JSON of ``POST /__sim/mishaps``."""
        if unknown := set(told) - {one.name for one in fields(cls)}:
            raise ValueError(f"unknown fields of a mishap: {', '.join(sorted(unknown))}")
        return cls(**{**told, "code": str(told.get("code", ""))})


class Mishaps:
    """A queue: the first one meant for an occasion is spent on it."""

    def __init__(self) -> None:
        self._queue: list[Mishap] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, kind: str, **told: Any) -> Mishap:
        """Script one; the options are the fields of `Mishap`."""
        mishap = Mishap.of({"kind": kind, **told})
        with self._lock:
            self._queue.append(mishap)
        return mishap

    def clear(self) -> None:
        """Forget those not yet spent."""
        with self._lock:
            self._queue.clear()

    def take(self, kinds: str | frozenset[str], request: str = "") -> Mishap | None:
        """The mishap for this occasion, if any."""
        wanted = frozenset({kinds}) if isinstance(kinds, str) else kinds
        with self._lock:
            meant = (one for one in self._queue if one.kind in wanted and re.search(one.request, request))
            found = next(meant, None)
            if found is None:
                return None
            if found.after > 0:
                found.after -= 1
                return None
            found.times -= 1
            if found.times <= 0:
                self._queue.remove(found)
            return found
