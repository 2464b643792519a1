"""When a target that does nothing is left alone, before a whole queue runs into it (cases E5, E8, E9 and I21)."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.errors import ContractBroken, TryAgain, WherryError
from wherry.protocol import flight
from wherry.protocol.flight import THROTTLED, Exchange, Flight, Target, Verdict
from wherry.records import Answer

_FAILURES = 3


class Outage:
    """What a target, and the plugin that speaks for it, failed at in a row. Each method returns what to stop for."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._failures = self._shut_out = self._broken = self._throttled = 0

    def shut_out(self, one: Exchange) -> WherryError | None:
        """One 401 may be a token that ended early, and is renewed with the next call; a second one is not."""
        if one.row.reply is not None and one.row.reply.status == flight.UNAUTHORIZED:
            self._shut_out += 1
        over = self._shut_out > self._target.sink.width
        return flight.not_let_in(self._target, flight.UNAUTHORIZED) if over else None

    def judged(self, exchanges: Sequence[Exchange], verdicts: Sequence[Verdict]) -> WherryError | None:
        """After the answers, or the lack of them, to one group of calls."""
        if not verdicts:
            return None
        if heard := any(verdict.heard for verdict in verdicts):
            self._shut_out = self._throttled = 0
        throttled = any(one.row.reply and one.row.reply.status == THROTTLED for one in exchanges)
        self._throttled += throttled and not heard
        self._failures = 0 if throttled or heard else self._failures + 1
        if self._throttled >= flight.PUT_OFF_AT_MOST:
            return flight.throttling(self._target)
        if self._failures < _FAILURES:
            return None
        why = next((answer.reason for verdict in verdicts for _, answer in verdict.answers), "")
        return TryAgain(
            f"{self._target.name} is out of order: {why}", code="WHERRY-6057", connection=self._target.name
        )  # fmt: skip

    def encoded(
        self, frozen: Sequence[Exchange], refused: Sequence[tuple[Flight, Answer]]
    ) -> ContractBroken | None:  # fmt: skip
        """After items were made into calls. A plugin that has none for any is left alone."""
        broken = [answer for _, answer in refused if answer.fix == flight.BROKEN_FIX]
        self._broken = 0 if frozen else self._broken + len(broken)
        if not broken or self._broken < _FAILURES:
            return None
        last = broken[-1]
        return ContractBroken(last.reason, fix=last.fix, code=last.code, connection=self._target.name)
