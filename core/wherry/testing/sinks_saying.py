"""Checks of what a sink says in its calls: texts as they are, nothing made up, zero as zero."""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from wherry.errors import Rejected
from wherry.records import Call, Item
from wherry.roles import CallSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.altering import seldom
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.holding import JOURNAL
from wherry.testing.mapper_trial import leaves
from wherry.testing.sink_trial import SinkTrial, known, needed, plain

NUMBER, DUE = "K7", "2026-03-29"
AMPERSAND = "tea & biscuits"
LONG = (60, 130, 300, 1_100, 4_200, 33_000)
"""Lengths about which systems have limits of their own."""
WORDS = "kit says that "
ENDS = "…~.[("
"""How a text goes on that was shortened so that people see it."""


class Saying:
    """What the calls say, read without the sink."""

    @guarantee(promise.EXACT)
    def test_a_text_is_said_as_it_stands(self, trial: SinkTrial) -> None:
        """Escaped once, as the form of the call wants it, and not before that by hand."""
        sink, item = trial.make(), trial.items(1)[0]
        for place, body in _with_text(trial, item, AMPERSAND):
            said = _texts(sink, msgspec.structs.replace(item, body=body))
            if any("biscuits" in text for text in said):
                tried("texts with marks")
                assert any(AMPERSAND in text for text in said), f"{place}: & is said to be something else"

    @guarantee(promise.EXACT)
    def test_a_text_that_is_too_long_is_refused_or_shortened_so_that_people_see_it(self, trial: SinkTrial) -> None:
        """Half a sentence that looks whole is another text. An ellipsis says that there was more."""
        sink, item = trial.make(), trial.items(1)[0]
        for length in LONG:
            text = "".join(f"{WORDS}{n} " for n in range(length // len(WORDS) + 1))[:length].strip()
            for place, body in _with_text(trial, item, text):
                said = _texts(sink, msgspec.structs.replace(item, body=body))
                parts = [one for one in said if WORDS in one]
                if parts and not any(text in one for one in parts):
                    tried("long texts")
                    assert any(_ends_visibly(one, text) for one in parts), f"{place} of {length} letters is cut"

    @guarantee(promise.EXACT)
    def test_numbers_and_due_dates_are_said_as_they_stand(self, trial: SinkTrial) -> None:
        """Who fills a number up with zeros, or a day for a time zone, writes another document."""
        sink, item = trial.make(), trial.items(1)[0]
        body = {**item.body, "number": NUMBER} if item.body.get("number") else item.body
        said = _texts(sink, msgspec.structs.replace(item, body=body))
        if body.get("number") == NUMBER and any(NUMBER in text for text in said):
            assert any(re.search(rf"(?<!\w){NUMBER}(?!\w)", text) for text in said), "the number is another one"
        if item.entity == "invoice" and any(body["date"] in text for text in said) and "due_date" not in trial.ignored:
            told = _texts(sink, msgspec.structs.replace(item, body={**body, "due_date": DUE}))
            assert not told or any(DUE in text for text in told), "the due date is another one"

    @guarantee(promise.EXACT)
    def test_nothing_counts_as_nothing(self, trial: SinkTrial) -> None:
        """``or 1`` makes one of none: a quantity of zero is a quantity."""
        sink, item = trial.make(), trial.items(1)[0]
        if item.entity == JOURNAL or not item.body.get("lines") or "lines.quantity" in trial.ignored:
            pytest.skip("the things of the trial have no lines with quantities")
        none, one = (_encoded(sink, _counted(item, quantity)) for quantity in ("0", "1"))
        assert not none or none != one, "none is said as one"

    @guarantee(promise.EXACT)
    def test_a_due_date_that_nobody_named_is_not_made_up(self, trial: SinkTrial) -> None:
        """Nothing said and due at once are two things; what the system makes of nothing is its own affair."""
        sink, item = trial.make(), trial.items(1)[0]
        if item.entity != "invoice" or "due_date" in trial.ignored:
            pytest.skip("the things of the trial have no due date")
        body = {name: value for name, value in item.body.items() if name != "due_date"}
        without, at_once = (
            _encoded(sink, msgspec.structs.replace(item, body=one))
            for one in (body, {**body, "due_date": body["date"]})
        )
        assert not without or without != at_once, "no due date is said as one"

    @guarantee(promise.EXACT)
    def test_what_entries_seldom_say_is_said_too(self, trial: SinkTrial) -> None:
        """Whom a line of an entry concerns, and at which rate an entry of another currency was worked out."""
        sink, item, lost = trial.make(), trial.items(1)[0], list[str]()
        if item.entity != JOURNAL:
            pytest.skip("the things of the trial are no journal entries")
        for name, one, other in seldom(item):
            first, second = (_encoded(sink, msgspec.structs.replace(item, body=body)) for body in (one, other))
            lost += [name] if first and first == second and name not in trial.ignored else []
        assert lost == [], "the same call, whatever these say: send them, reject them, or name them in `ignored`"

    @guarantee(promise.EACH_ITS_OWN)
    def test_a_refusal_names_a_field_that_the_record_has(self, trial: SinkTrial) -> None:
        """In the words of the record, not of the vendor: a person looks for it there."""
        bad, sink = needed(trial.refused, "names nothing that the system refuses"), trial.make()
        for answer in known(sink, [bad]).values():
            name = answer.field.partition(".")[0].partition("[")[0]
            assert answer.fate != "refused" or name in ("", *bad.body), f"{answer.field!r} is no field of it"


def _with_text(trial: SinkTrial, item: Item, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body with a text in its memo, or in what its first line is for."""
    if "memo" not in trial.ignored:
        yield "memo", {**item.body, "memo": text}
    if item.body.get("lines") and "lines.description" not in trial.ignored:
        first, *rest = item.body["lines"]
        yield "lines.description", {**item.body, "lines": [{**first, "description": text}, *rest]}


def _counted(item: Item, quantity: str) -> Item:
    """A document whose first line says quantity and rate, and no amount."""
    first, *rest = copy.deepcopy(item.body["lines"])
    first.pop("amount", None)
    body = {**item.body, "lines": [{**first, "quantity": quantity, "rate": "5"}, *rest], "total": None}
    return msgspec.structs.replace(item, body=body)


def _encoded(sink: CallSinkWriter, item: Item) -> bytes:
    """Its calls, or nothing where it cannot be said."""
    try:
        return plain([msgspec.structs.replace(call, headers={}) for call in sink.encode([item])])
    except Rejected:
        return b""


def _texts(sink: CallSinkWriter, item: Item) -> list[str]:
    """The texts of its calls as their reader takes them: values of JSON, or the whole of anything else, unescaped."""
    try:
        calls = sink.encode([item])
    except Rejected:
        return []
    return [text for call in calls for text in _read(call)]


def _read(call: Call) -> list[str]:
    try:
        return [value for _, value in leaves(msgspec.json.decode(call.body)) if isinstance(value, str)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = call.body.decode("utf-8", "replace")
        return [html.unescape(text) if text.lstrip().startswith("<") else text, *call.params.values()]


def _ends_visibly(said: str, text: str) -> bool:
    """Whether what is said of a text breaks off with a sign."""
    start = said.index(WORDS)
    same = next((n for n, (a, b) in enumerate(zip(said[start:], text, strict=False)) if a != b), len(text))
    rest = said[start + same :].lstrip()
    return rest[:1] in ENDS and rest != ""
