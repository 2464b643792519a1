"""Sinks whose authors did not think of something: each is found out by a check of the kit."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from wherry.records import Answer, Call, Facts, Item, Reply
from wherry.roles import Account
from wherry.testing.sinks import stamp_of
from wherry.testing.target import Ability
from wherry.testing.target_sink import AskingSink, TargetSink


class NeedsAMemo(TargetSink):
    def facts(self, item: Item) -> Facts:
        return {**super().facts(item), "memo": item.body["memo"]}


class NeedsTheFormer(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        for item in items:
            assert item.target is None or item.before is not None
        return super().encode(items)


class Turns(TargetSink):
    """Makes something else of a body, consistently."""

    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return lines

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([self._turned(item) for item in items])

    def facts(self, item: Item) -> Facts:
        return super().facts(self._turned(item))

    def _turned(self, item: Item) -> Item:
        lines = self.turned(item.body["lines"])
        total = {**item.body["total"], "minor": sum(line["amount"]["minor"] for line in lines)}
        return msgspec.structs.replace(item, body={**item.body, "lines": lines, "total": total})


class WritesEqualLinesOnce(Turns):
    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for n, line in enumerate(lines) if line not in lines[:n]]


class DropsTheSign(Turns):
    def turned(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**line, "amount": {**line["amount"], "minor": abs(line["amount"]["minor"])}} for line in lines]


class TellsNoLines(TargetSink):
    def facts(self, item: Item) -> Facts:
        return {name: value for name, value in super().facts(item).items() if name != "lines"}


class Says(TargetSink):
    """Says something more in a header of each call."""

    def word(self, item: Item) -> str:
        return ""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        more = {"X-More": "".join(self.word(item) for item in items)}
        return [msgspec.structs.replace(call, headers={**call.headers, **more}) for call in super().encode(items)]


class DatesItsChanges(Says):
    def word(self, item: Item) -> str:
        return time.strftime("%z") if item.target else ""


class SaysWhoRunsIt(Says):
    def word(self, item: Item) -> str:
        return os.environ.get("HOME", "") + os.environ.get("USER", "")


class VoidsWhatIsSaidNow(Says):
    def word(self, item: Item) -> str:
        return str(item.body) if item.action == "void" else ""


class KeepsALog(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        calls = super().encode(items)
        with open(os.devnull, "ab") as log:
            log.writelines(call.body for call in calls)
        return calls


class TriesItsHand(TargetSink):
    """Finds out whether it may write by writing."""

    def check(self) -> Account:
        probe = Item(entity="customer", key="id:probe", body={"name": "Probe"}, stamp=stamp_of("probe"))
        self.http.send(self.encode([probe])[0])
        return super().check()


class Naps(TargetSink):
    def check(self) -> Account:
        time.sleep(0.001)
        return super().check()


class TakesAnyAnswer(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        thing = msgspec.json.decode(reply.body)["thing"]
        return {item.stamp: Answer(fate="updated", target=thing["id"]) for item in items}


class RefusesUnderAnyStatus(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        return super().decode(call, items, msgspec.structs.replace(reply, status=422))


class LooksForWhatIsNew(AskingSink):
    """By number, whether it has an id or not."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        return super().ask([msgspec.structs.replace(item, target=None) for item in items])


LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (NeedsAMemo, "key", 1, "test_what_a_body_need_not_say_may_be_missing"),
    (NeedsTheFormer, "key", 1, "test_a_change_can_be_said_whatever_is_known_of_what_stands_there"),
    (WritesEqualLinesOnce, "key", 1, "test_two_equal_lines_stay_two"),
    (DropsTheSign, "key", 1, "test_an_amount_below_zero_keeps_its_meaning"),
    (TellsNoLines, "key", 1, "test_facts_tell_two_documents_apart_by_their_lines"),
    (DatesItsChanges, "key", 1, "test_a_change_is_the_same_call_everywhere_and_on_every_day"),
    (SaysWhoRunsIt, "key", 1, "test_a_call_is_the_same_whoever_runs_it_and_where"),
    (VoidsWhatIsSaidNow, "key", 1, "test_what_is_taken_back_is_what_was_written"),
    (KeepsALog, "key", 1, "test_encoding_decoding_and_facts_ask_nobody"),
    (TriesItsHand, "key", 1, "test_looking_whose_books_these_are_changes_nothing_in_them"),
    (Naps, "key", 1, "test_it_waits_by_the_hubs_clock_alone"),
    (TakesAnyAnswer, "key", 1, "test_the_answer_to_another_change_settles_nothing"),
    (RefusesUnderAnyStatus, "key", 1, "test_a_refusal_under_a_status_of_trouble_is_not_believed"),
    (LooksForWhatIsNew, "query", 1, "test_a_change_is_looked_for_by_the_id_of_its_target"),
]
