"""What `requestid` does: the first answer under an id is given again, nothing is done twice.

Fact: how long ids are remembered is not published, so it is a setting here. ``lying`` forgets them while it claims not
to, and a stored 500 is given again for ever: both happen in the field.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wherry.simulator import Clock, Reply

from .answers import QboFault

LONGEST = 50


@dataclass(slots=True)
class Sticky:
    """A 500 to store under the id of a coming write, which takes effect if `committed`."""

    times: int = 1
    committed: bool = False
    after: int = 0


class Replays:
    """Answers by company and id. `retention` None remembers for ever, else so many seconds."""

    def __init__(self, clock: Clock, retention: float | None) -> None:
        self.retention = retention
        self.lying = False
        self.sticky: list[Sticky] = []
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[Reply, float]] = {}

    def stick(self, times: int = 1, *, committed: bool = False, after: int = 0) -> None:
        """Answer the next writes that carry an id with a 500, and with the same one whenever they are repeated."""
        self.sticky.append(Sticky(times, committed, after))

    def once(self, realm: str, requestid: str, act: Callable[[], Reply], failure: Callable[[], Reply]) -> Reply:
        """The answer of `act`, or the one that was given under this id before."""
        if not requestid:
            return act()
        if len(requestid) > LONGEST:
            raise QboFault("2130", f"requestid may have {LONGEST} signs, not {len(requestid)}")
        kept = self._remembered((realm, requestid))
        if kept is not None:
            return kept
        reply = self._first(act, failure)
        self._kept[realm, requestid] = (reply, self._clock.now())
        return reply

    def _remembered(self, key: tuple[str, str]) -> Reply | None:
        reply, at = self._kept.get(key, (None, 0.0))
        forgotten = self.retention is not None and self._clock.now() >= at + self.retention
        return None if self.lying or forgotten else reply

    def _first(self, act: Callable[[], Reply], failure: Callable[[], Reply]) -> Reply:
        sticky = self.sticky[0] if self.sticky else None
        if sticky is None or sticky.after > 0:
            if sticky:
                sticky.after -= 1
            return act()
        sticky.times -= 1
        if sticky.times <= 0:
            self.sticky.pop(0)
        if sticky.committed:
            act()
        return failure()
