"""Sinks that say something else than the record: each is found out by a check of the kit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import msgspec
from wherry.records import Answer, Call, Item, Reply
from wherry.testing.target import Ability
from wherry.testing.target_sink import TargetSink


class SaysOtherwise(TargetSink):
    """Makes another body of each before it is said, and of what it compares, too."""

    def other(self, body: dict[str, Any]) -> None:
        pass

    def encode(self, items: Sequence[Item]) -> list[Call]:
        bodies = [copy.deepcopy(item.body) for item in items]
        for body in bodies:
            self.other(body)
        pairs = zip(items, bodies, strict=True)
        return super().encode([msgspec.structs.replace(item, body=body) for item, body in pairs])


class EscapesTexts(SaysOtherwise):
    def other(self, body: dict[str, Any]) -> None:
        body["memo"] = str(body.get("memo", "")).replace("&", "&amp;")


class CutsTexts(SaysOtherwise):
    def other(self, body: dict[str, Any]) -> None:
        body["memo"] = str(body.get("memo", ""))[:100]


class FillsUpNumbers(SaysOtherwise):
    def other(self, body: dict[str, Any]) -> None:
        body["number"] = str(body.get("number", "")).rjust(12, "0")


class SortsLines(SaysOtherwise):
    def other(self, body: dict[str, Any]) -> None:
        body["lines"].sort(key=lambda line: str(line.get("description")))


class CountsNoneAsOne(SaysOtherwise):
    def other(self, body: dict[str, Any]) -> None:
        for line in body["lines"]:
            line["quantity"] = "1" if line.get("quantity") in (None, "0") else line["quantity"]


class CutsPennies(SaysOtherwise):
    """What a line comes to is cut, not rounded."""

    def other(self, body: dict[str, Any]) -> None:
        for line in body["lines"]:
            if not line.get("amount"):
                worth = int(float(line.get("quantity", "1")) * float(line.get("rate", "0")) * 100 - 0.9)
                line["amount"] = {"minor": worth, "currency": "GBP"}


class VendorsWords(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        told = super().decode(call, items, reply)
        return {stamp: msgspec.structs.replace(one, field="PartyRef") for stamp, one in told.items()}


class SaysItIsChanged(TargetSink):
    """What is void cannot be changed any more: then it is well."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        told = super().decode(call, items, reply)
        well = Answer(fate="updated", target="there")
        return {stamp: well if one.code == "void" else one for stamp, one in told.items()}


LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (EscapesTexts, "key", 1, "test_a_text_is_said_as_it_stands"),
    (CutsTexts, "key", 1, "test_a_text_that_is_too_long_is_refused_or_shortened_so_that_people_see_it"),
    (FillsUpNumbers, "key", 1, "test_numbers_and_due_dates_are_said_as_they_stand"),
    (SortsLines, "key", 1, "test_lines_are_said_in_their_order"),
    (CountsNoneAsOne, "key", 1, "test_nothing_counts_as_nothing"),
    (CutsPennies, "key", 1, "test_what_a_line_comes_to_is_worked_out_where_it_is_not_said"),
    (VendorsWords, "key", 1, "test_a_refusal_names_a_field_that_the_record_has"),
    (SaysItIsChanged, "key", 1, "test_what_was_taken_back_is_not_said_to_be_changed"),
]
