"""What a stand-in saw and did. Tests judge by it, so it can only grow."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as answered, or one effect: a change of state a user of the system would notice."""

    kind: str
    at: float
    what: str
    path: str = ""
    status: int = 0
    fault: str = ""
    authorized: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The entry as plain data, for ``GET /__sim/history``."""
        return {name: getattr(self, name) for name in self.__slots__}


class History:
    """An append-only list of requests and effects; `reset_stats` moves a mark and forgets nothing."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._mark = 0

    def append(self, entry: Entry) -> None:
        """Add one entry."""
        self.entries.append(entry)

    def requests(self, path: str = "") -> list[Entry]:
        """Requests whose path contains a match of the pattern `path`."""
        return [e for e in self.entries if e.kind == "request" and re.search(path, e.path)]

    def effects(self, what: str = "") -> list[Entry]:
        """Effects, or those called `what`."""
        return [e for e in self.entries if e.kind == "effect" and (not what or e.what == what)]

    def reset_stats(self) -> None:
        """Count from here on."""
        self._mark = len(self.entries)

    def stats(self) -> dict[str, Any]:
        """Since the last reset: requests by route and status, those refused as too many, faults, effects."""
        seen = self.entries[self._mark :]
        asked = [e for e in seen if e.kind == "request"]
        return {
            "requests": len(asked),
            "by_route": dict(Counter(e.what for e in asked)),
            "by_status": dict(Counter(str(e.status) for e in asked)),
            "too_many": sum(e.status == 429 for e in asked),
            "faults": dict(Counter(e.fault for e in asked if e.fault)),
            "effects": dict(Counter(e.what for e in seen if e.kind == "effect")),
        }
