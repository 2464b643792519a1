"""Scripted faults: what goes wrong, with which requests, and how often.

Kinds, told apart by what the caller can know afterwards:

=============  =====================================================================================
``status``     answers `status`; without `body`, the stand-in dresses it as its vendor would
``expired``    answers 401 as for a token that ran out
``html``       answers 200 with a page instead of data
``empty``      answers 200 with no body at all
``truncated``  announces the whole body, sends half of it and cuts the connection
``dropped``    cuts the connection before anything took effect
``lost``       takes effect, then cuts the connection: the answer is lost
``late``       cuts the connection now and takes effect on ``POST /__sim/release``
``drip``       sends the true answer byte by byte, `seconds` apart
``endless``    sends a body that never ends
``header``     answers with one header of `size` bytes
``delay``      answers truly, `seconds` later
=============  =====================================================================================

`committed` lets status, expired, html, empty and header take effect first: the answer then lies.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

KINDS = frozenset(
    {
        "status",
        "expired",
        "html",
        "empty",
        "truncated",
        "dropped",
        "lost",
        "late",
        "drip",
        "endless",
        "header",
        "delay",
    }
)
RUNS_FIRST = frozenset({"truncated", "lost", "drip", "delay"})


@dataclass(slots=True)
class Fault:
    """One fault; `method` and `path` are patterns, `after` lets that many matching requests through first."""

    kind: str
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    after: int = 0
    status: int = 503
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    size: int = 100_000
    committed: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}; known: {', '.join(sorted(KINDS))}")

    @property
    def takes_effect(self) -> bool:
        """Whether the request changes the stand-in's state although the answer goes wrong."""
        return self.committed or self.kind in RUNS_FIRST

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault is meant for this request."""
        return bool(re.fullmatch(self.method, method, re.IGNORECASE) and re.search(self.path, path))

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Fault":
        """A fault from the JSON of ``POST /__sim/faults``."""
        known = {f.name for f in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"unknown fields of a fault: {', '.join(sorted(unknown))}")
        return cls(**data)


class Faults:
    """A queue: the first fault that matches a request is spent on it."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, **options: Any) -> Fault:
        """Script one fault; the options are the fields of `Fault`."""
        return self.put(Fault.of({"kind": kind, **options}))

    def put(self, fault: Fault) -> Fault:
        """Script one fault made elsewhere."""
        with self._lock:
            self._queue.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault not yet spent."""
        with self._lock:
            self._queue.clear()

    def __len__(self) -> int:
        return len(self._queue)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault to apply to this request, if any."""
        with self._lock:
            fault = next((f for f in self._queue if f.matches(method, path)), None)
            if fault is None:
                return None
            if fault.after > 0:
                fault.after -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self._queue.remove(fault)
            return fault
