"""The workspace under the kill sweep: effects, links and fates commit together, and a fresh process judges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wherry.simulator import Clock
from wherry.testing.rigs import Rig, Stand


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """There is no system to serve: the documents lie in the hub's own store."""
    yield Stand(environ={}, effects=lambda names: [])


def rigs() -> list[Rig]:
    return [
        Rig(
            name="workspace",
            plugins=("workspace",),
            modules=("wherry_workspace.plugin",),
            connection='plugin = "workspace"\n',
            stand=stand,
            asks=False,
            atomic=True,
            more=24,
        )
    ]
