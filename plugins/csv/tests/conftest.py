"""A folder on trial: the simulator's faults and history over real files."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from wherry.errors import TryAgain
from wherry.http import Files
from wherry.http.profile import Response
from wherry.records import Call, Reply
from wherry.simulator import Stage
from wherry.simulator.faults import Fault


class StagedFiles(Files):
    """Files of a folder, with scripted faults and a history of what really came into the folder."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        super().__init__(folder, connection="out")
        self.stage = stage

    def send(self, call: Call) -> Reply:
        fault = self.stage.faults.take(call.method, call.path)
        if fault is None:
            return self._placed(call)
        if fault.kind == "lost":
            self._placed(call)
        if fault.kind == "late":
            self.stage.late.append(lambda: self._placed(call))  # type: ignore[attr-defined]
        self._fail(fault)
        raise TryAgain("cut off", code="WHERRY-6000", sent="perhaps")

    def read(self, method: str, path: str, **told: Any) -> Response:
        self._fail(self.stage.faults.take(method, path))
        return super().read(method, path, **told)

    def identity(self) -> str:
        self._fail(self.stage.faults.take("GET", "identity"))
        return super().identity()

    def _fail(self, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "expired":
            with self._judged("no"):
                raise PermissionError(errno.EACCES, "Permission denied")

    def _placed(self, call: Call) -> Reply:
        before = set(self.folder.iterdir())
        reply = super().send(call)
        for path in sorted(set(self.folder.iterdir()) - before):
            if path.name == call.path:
                self.stage.effect("file.placed", name=path.name, stamps=call.items, body=path.read_bytes())
        return reply


class FolderStage(Stage):
    """A stage whose late calls are carried out on release."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[Any] = []

    def release(self) -> int:
        late, self.late = self.late, []
        for carry_out in late:
            carry_out()
        return len(late)
