"""Sinks that are right for what their authors tried, and wrong at the edges: each found out by a check of the kit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
from wherry.records import Answer, Call, Item, Reply
from wherry.testing.target import Ability
from wherry.testing.target_sink import AskingSink, TargetSink

from .liars_unthought import Turns


class SendsAPageOfLines(Turns):
    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return lines[:50]


class LeavesOutWhatIsFree(Turns):
    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in lines if line["amount"]["minor"]]


class TurnsLinesOver(Turns):
    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return lines[::-1]


class CutsItsKey(TargetSink):
    """Its system takes keys of eight letters."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return [msgspec.structs.replace(call, headers={**call.headers, "Idempotency-Key": call.items[0][:8]})
                for call in super().encode(items)]  # fmt: skip


class CutsNumbers(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        short = [{**item.body, "number": item.body["number"][:20]} for item in items]
        return super().encode(
            [msgspec.structs.replace(item, body=body) for item, body in zip(items, short, strict=True)]
        )


class SendsWhatIsNew(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([item for item in items if item.action == "void" or item.before != item.body])


class TakesAcceptedForDone(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        return super().decode(call, items, msgspec.structs.replace(reply, status=200) if reply.status < 300 else reply)


class LooksForTheNumber(AskingSink):
    def ask(self, items: Sequence[Item]) -> list[Call]:
        def less(call: Call) -> dict[str, str]:
            return {name: value for name, value in call.params.items() if name != "stamp"}

        return [msgspec.structs.replace(call, params=less(call)) for call in super().ask(items)]


class RoundsToTheEvenPenny(Turns):
    """Multiplies by itself, as its system does."""

    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._multiplied(line) if line.get("rate") else line for line in lines]

    def _multiplied(self, line: dict[str, Any]) -> dict[str, Any]:
        whole = (Decimal(line["quantity"]) * Decimal(line["rate"])).scaleb(2).quantize(Decimal(1), ROUND_HALF_EVEN)
        return {**line, "amount": {**line["amount"], "minor": int(whole)}}


class VoidsByStatus(AskingSink):
    """Takes any answer to a void for yes."""

    good = range(200, 300)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        for item in items:
            if item.action == "void" and reply.status in self.good:
                found[item.stamp] = Answer(fate="reversed", target=item.target or "")
        return found


class VoidsWhatever(VoidsByStatus):
    good = range(200, 500)


LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (SendsAPageOfLines, "key", 1, "test_a_long_document_arrives_whole_or_is_rejected"),
    (LeavesOutWhatIsFree, "key", 1, "test_a_line_of_nothing_is_a_line"),
    (TurnsLinesOver, "key", 1, "test_lines_are_said_in_their_order"),
    (CutsItsKey, "key", 1, "test_stamps_that_begin_alike_are_two_writes"),
    (CutsNumbers, "key", 1, "test_names_that_are_nearly_the_same_stay_two"),
    (SendsWhatIsNew, "key", 1, "test_what_says_the_same_as_before_is_sent_all_the_same"),
    (TakesAcceptedForDone, "key", 1, "test_what_was_only_accepted_is_not_done"),
    (RoundsToTheEvenPenny, "key", 1, "test_half_a_penny_is_rounded_as_the_source_did"),
    (VoidsByStatus, "query", 1, "test_what_the_system_leaves_as_it_is_is_not_said_to_be_taken_back"),
    (VoidsWhatever, "query", 1, "test_what_a_person_changed_is_not_taken_back_unseen"),
    (LooksForTheNumber, "query", 1, "test_what_somebody_renumbered_is_found_by_its_stamp"),
]
