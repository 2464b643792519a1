"""Sinks that lose something of a record, or mix records up: each is found out by a check of the kit."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import msgspec
from wherry.errors import WherryError
from wherry.http import Http
from wherry.records import Answer, Call, Facts, Found, Item, Reply
from wherry.roles import Account
from wherry.testing.target import Ability
from wherry.testing.target_sink import AskingSink, ReplacingSink, TargetSink


class DropsTheMemo(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(one, body={**one.body, "memo": ""}) for one in items])


class ForgetsTheDay(TargetSink):
    """Its call has the day; what is compared has not."""

    def facts(self, item: Item) -> Facts:
        return {name: value for name, value in super().facts(item).items() if name != "date"}


class CentsOfEverything(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(one, body=_in_cents(one.body)) for one in items])


def _in_cents(value: Any) -> Any:
    """The body as if its currency had two decimals, whichever it is."""
    if isinstance(value, dict):
        return {name: "USD" if name == "currency" else _in_cents(inner) for name, inner in value.items()}
    return [_in_cents(one) for one in value] if isinstance(value, list) else value


class CountsVersions(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        for answer in found.values():
            answer.token = int(answer.token or 0)  # type: ignore[assignment]
        return found


class RemembersTheFirst(TargetSink):
    """Whatever a record lacks, or says, its memo is that of the first."""

    def __init__(self, *given: Any, **told: Any) -> None:
        super().__init__(*given, **told)
        self.memo: str | None = None

    def encode(self, items: Sequence[Item]) -> list[Call]:
        made = []
        for item in items:
            self.memo = item.body.get("number", "") if self.memo is None else self.memo
            made.append(msgspec.structs.replace(item, body={**item.body, "memo": self.memo}))
        return super().encode(made)


class OneKeyForAll(TargetSink):
    """Batches of one length have one key."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        keyed = {"Idempotency-Key": f"n-{min(len(items), self.batch)}"}
        return [msgspec.structs.replace(call, headers={**call.headers, **keyed}) for call in super().encode(items)]


class SendsByItself(TargetSink):
    """Its client sends once more what was not taken."""

    def __init__(self, http: Http, ability: Ability, **told: Any) -> None:
        super().__init__(http, ability, **told)

        class Eager(Http):
            def __init__(self) -> None:
                self.__dict__.update(http.__dict__)

            def send(self, call: Call) -> Reply:
                reply = super().send(call)
                return reply if reply.status < 500 else super().send(call)

        self.http = Eager()


class FindsUnderAnyStatus(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return super().found(call, items, msgspec.structs.replace(reply, status=200))


class TakesAnythingForBooks(TargetSink):
    def check(self) -> Account:
        with contextlib.suppress(WherryError, KeyError, TypeError, AttributeError):
            return super().check()
        return Account("T-0", "Books")


class FindsVoidsAsTheyWere(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found = super().found(call, items, reply)
        for hit in (hit for hits in found.values() for hit in hits):
            hit.facts = {**hit.facts, "status": "open"}
        return found


class FindsNobodysVoids(ReplacingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found = super().found(call, items, reply)
        for hit in (hit for hits in found.values() for hit in hits):
            hit.ours = False
        return found


class WritesOnWhatWasVoided(TargetSink):
    """Says of whatever it makes that it is the first thing that it made."""

    first: str | None = None

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        for answer in found.values():
            self.first = self.first or answer.target
            answer.target = self.first
        return found


class VoidsByNumber(AskingSink):
    """Takes back whatever has the number first."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([self._turned(item) if item.action == "void" else item for item in items])

    def _turned(self, item: Item) -> Item:
        things = self.http.read("GET", "things", params={"kind": item.entity}).json()["things"]
        same = [one for one in things if one["number"] == item.body.get("number")]
        return msgspec.structs.replace(item, target=same[0]["id"], token=same[0]["version"])


LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (DropsTheMemo, "key", 1, "test_every_field_of_a_body_makes_a_difference_to_the_call"),
    (ForgetsTheDay, "key", 1, "test_facts_tell_two_records_apart_by_whatever_people_ask_for"),
    (CentsOfEverything, "key", 1, "test_a_currency_of_other_decimals_is_said_in_its_own"),
    (CountsVersions, "key", 1, "test_ids_versions_and_names_are_text"),
    (RemembersTheFirst, "key", 1, "test_nothing_of_one_record_comes_along_with_the_next"),
    (OneKeyForAll, "key", 1, "test_two_full_calls_are_two_writes"),
    (SendsByItself, "query", 1, "test_a_call_is_one_request_whatever_is_answered"),
    (FindsUnderAnyStatus, "query", 1, "test_an_empty_list_under_a_bad_status_proves_nothing_absent"),
    (TakesAnythingForBooks, "key", 1, "test_junk_is_never_taken_for_an_account"),
    (FindsVoidsAsTheyWere, "query", 1, "test_what_was_taken_back_is_found_so"),
    (FindsNobodysVoids, "query", 1, "test_what_was_taken_back_is_found_so"),
    (WritesOnWhatWasVoided, "query", 1, "test_what_is_written_after_it_was_taken_back_is_another_thing"),
    (VoidsByNumber, "query", 1, "test_a_void_leaves_the_others_as_they_are"),
]
