"""What a planted bug is, and where all of them are kept: ``wherry.testing.mutations`` plants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

Plant = Callable[[], None]


class Bug(Struct, frozen=True, kw_only=True):
    """A bug, where it is planted, and the plan that shows it."""

    name: str
    rig: str
    plan: str
    plant: Plant

    @property
    def what(self) -> str:
        """In words."""
        return " ".join((self.plant.__doc__ or "").split())


BUGS: dict[str, Bug] = {}


def bug(rig: str, plan: str) -> Callable[[Plant], Plant]:
    """Enter a bug under the name of its function."""

    def enter(plant: Plant) -> Plant:
        BUGS[plant.__name__] = Bug(name=plant.__name__, rig=rig, plan=plan, plant=plant)
        return plant

    return enter


def put(where: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a function or method by what is made of it."""
    setattr(where, name, make(getattr(where, name)))
