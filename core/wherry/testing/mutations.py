"""Planted bugs: the mistakes that connectors and hubs are known to make, each put into the core of one process.

Every one of them must be caught by the sweep and its judge; that is what makes their silence worth something. A bug
names the rig it is planted in and the plan that is certain to show it (write-protocol.md, sections 1 and 4).
"""

from __future__ import annotations

from typing import Any

from wherry.testing import mutations_books, mutations_judging, mutations_sending
from wherry.testing.bugs import BUGS, Bug

SETS = (mutations_sending, mutations_judging, mutations_books)
"""Where the bugs are written down; importing them enters them."""


def plant(name: str) -> None:
    """Put the bug of that name into this process, for the rest of its life."""
    BUGS[name].plant()


def rehearse(told: dict[str, Any]) -> int:
    """A job that plants a bug and does nothing more: whether there is still a place for it."""
    plant(told["name"])
    return 0


__all__ = ["BUGS", "SETS", "Bug", "plant"]
