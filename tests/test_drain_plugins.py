"""What a drain does with a sink that breaks its contract: it fails the items it is wrong about, and no others."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import Rejected
from wherry.protocol import plain, sinks
from wherry.records import Answer, Call, Facts, Found, Item, Reply
from wherry.testing.target_sink import AskingSink

from .drained import Books, books


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    with books(tmp_path, f"sqlite:///{tmp_path / 'store' / 'wherry.db'}", monkeypatch) as made:
        yield made


def using(desk: Books, sink: type[AskingSink]) -> None:
    """From now on runs get this sink."""
    desk.made = lambda real: sink(real.http, real.ability, batch=real.batch, settle=real.settle)


def mended(desk: Books) -> None:
    """The plugin does as it should."""
    desk.made = lambda real: real


def is_second(item: Item) -> bool:
    return bool(item.body.get("number") == "INV-2")


class Text(str):
    """As XML libraries have one of their own."""


class Name(enum.StrEnum):
    FIELD = "number"


class Odd(AskingSink):
    """What it says of INV-2 is wrong in one way."""

    wrong: ClassVar[dict[str, Any]] = {}

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        seconds = {item.stamp for item in items if is_second(item)}
        answers = super().decode(call, items, reply)
        return {
            stamp: msgspec.structs.replace(one, **self.wrong) if stamp in seconds else one
            for stamp, one in answers.items()
        }


def odd(desk: Books, **wrong: Any) -> None:
    using(desk, type("Wrong", (Odd,), {"wrong": wrong}))


# -- answers -----------------------------------------------------------------------------------------------------------


WRONG = (
    {"reason": None}, {"token": None}, {"facts": {"total": 5}}, {"changes": ("x",)}, {"after": "5"}, {"target": 5},
    {"token": "\ud800"}, {"target": object()}, {"facts": {"total": "\ud800"}},
)  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_an_answer_of_the_wrong_types_is_none(wrong: dict[str, Any]) -> None:
    """I21"""
    with pytest.raises(ValueError):
        plain.copied([Answer(**{"fate": "created", "target": "1", **wrong})], Answer)


def test_an_answer_of_the_wrong_types_leaves_its_item_unknown_and_is_told(desk: Books) -> None:
    """I21: what was done is found by the next run, and what waits behind it goes"""
    desk.bill("1")
    desk.run()
    odd(desk, reason=None)
    desk.bill("2")
    desk.bill("3")
    report = desk.run()
    assert report.exit_code == 1
    assert report.error is not None
    assert "decode gave a Answer of the wrong types" in report.error.message
    assert desk.states() == {"invoice/id:2": "unknown", "invoice/id:3": "queued"}
    assert desk.run().exit_code == 0
    assert [desk.done("2"), desk.done("3")] == [[("created", "10.00")], [("created", "10.00")]]


def test_a_moment_beyond_all_reason_is_put_off_for_a_day_at_most(desk: Books) -> None:
    """I20"""
    desk.bill("1")
    desk.run()
    odd(desk, fate="unknown", target="", after=1e15)
    desk.bill("2")
    desk.run()
    mended(desk)
    desk.clock.tide.advance(90_000)
    assert desk.run().exit_code == 0
    assert desk.done("2") == [("created", "10.00")]


def test_words_that_cannot_be_stored_are_shown_as_such_and_keep_their_refusal(desk: Books) -> None:
    desk.bill("1")
    desk.run()
    odd(desk, fate="refused", target="", reason="no \ud800 tax", field=Name.FIELD, code=Text("T-1"))
    desk.bill("2")
    assert desk.run().exit_code == 4
    item = desk.item("2")
    assert (item.state, item.reason, item.field) == ("refused", "no \ufffd tax", "number")


@given(st.builds(
    Answer, fate=st.just("refused"), reason=st.text(st.characters()), field=st.text(st.characters()),
    after=st.floats() | st.none(), facts=st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3)),
))  # fmt: skip
def test_a_lawful_answer_comes_through_as_it_is(answer: Answer) -> None:
    [said] = plain.copied([answer], Answer)
    finite = answer.after is not None and math.isfinite(answer.after)
    assert said == msgspec.structs.replace(
        answer, reason=legible(answer.reason), field=legible(answer.field), after=answer.after if finite else None
    )
    assert msgspec.json.encode(said)


def legible(text: str) -> str:
    """Halves of a character that stand alone cannot be stored."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# -- calls -------------------------------------------------------------------------------------------------------------


class Numbers(AskingSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return [msgspec.structs.replace(call, params={"v": 75}) for call in super().encode(items)]


def test_a_call_that_could_not_be_read_from_the_store_again_is_not_sent(desk: Books) -> None:
    """I21"""
    desk.bill("1")
    desk.run()
    using(desk, Numbers)
    desk.bill("2")
    assert desk.run().exit_code == 4
    assert "encode gave a Call of the wrong types" in desk.item("2").reason
    assert desk.done("2") == []
    mended(desk)
    desk.bill("3")
    desk.bill("2", "2.00")
    assert desk.run().exit_code == 0
    assert [desk.done("2"), desk.done("3")] == [[("created", "2.00")], [("created", "10.00")]]


class Breaks(AskingSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        if any(map(is_second, items)):
            raise KeyError("party")
        return super().encode(items)


class RejectsNamelessly(AskingSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        if any(map(is_second, items)):
            raise Rejected("INV-2: no such tax code", code="KIT-1", fix="map it")
        return super().encode(items)


@pytest.mark.parametrize(
    ("sink", "reason", "batch"),
    [(Breaks, "encode raised KeyError", 1), (Breaks, "encode raised", 10), (RejectsNamelessly, "no such tax", 10)],
)
def test_an_item_that_encode_breaks_on_is_refused_by_itself(
    desk: Books, sink: type[AskingSink], reason: str, batch: int
) -> None:
    """I21, I16"""
    desk.batch = batch
    desk.bill("0")
    desk.run()
    using(desk, sink)
    desk.bills(4)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "refused"}
    assert reason in desk.item("2").reason
    assert desk.item("2").fix
    assert [desk.done(id) for id in "134"] == [[("created", f"{id}.10")] for id in "134"]


class Hopeless(AskingSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        raise KeyError("party")


def test_a_sink_that_has_no_call_for_anything_is_left_alone(desk: Books) -> None:
    """I21: three items are refused, and the rest waits"""
    desk.bill("0")
    desk.run()
    using(desk, Hopeless)
    desk.bills(5)
    report = desk.run()
    assert report.exit_code == 1
    assert sorted(desk.states().values()) == ["queued", "queued", "refused", "refused", "refused"]


# -- looks -------------------------------------------------------------------------------------------------------------


def _look(change: Callable[[Call], Call]) -> type[AskingSink]:
    class Looks(AskingSink):
        def ask(self, items: Sequence[Item]) -> list[Call]:
            return [change(call) for call in super().ask(items)]

    return Looks


class CannotAsk(AskingSink):
    def ask(self, items: Sequence[Item]) -> list[Call]:
        if any(map(is_second, items)):
            raise KeyError("number")
        return super().ask(items)


Strangers = _look(lambda call: msgspec.structs.replace(call, items=("nobody",)))


@pytest.mark.parametrize("sink", [CannotAsk, Strangers])
def test_an_item_whose_look_tells_nothing_lawful_goes_to_a_person_and_the_rest_is_sent(
    desk: Books, sink: type[AskingSink]
) -> None:
    """I20, I21"""
    desk.bill("1")
    desk.run()
    desk.bill("2")
    desk.fault("lost")
    using(desk, sink)
    desk.run()
    desk.bill("3")
    report = desk.run()
    assert report.exit_code == 4
    assert desk.states() == {"invoice/id:2": "decide"}
    assert desk.done("3") == [("created", "10.00")]


class NoWords(AskingSink):
    """It cannot say the second in the target's words, not even to look for it."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        for item in filter(is_second, items):
            raise Rejected("it is in another currency", fix="correct it at the source", code="X-4001", item=item.stamp)
        return super().ask(items)


def test_what_a_sink_has_no_words_to_look_for_is_refused_before_it_was_ever_sent_and_holds_up_nothing(
    desk: Books,
) -> None:
    """I16, I21: a partner's sink raised so of an invoice in pounds, and the flow stood still for good"""
    using(desk, NoWords)
    desk.bills(3)
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "refused"}
    assert (desk.item("2").reason, desk.item("2").fix) == ("it is in another currency", "correct it at the source")
    assert [desk.done(id) for id in "13"] == [[("created", f"{id}.10")] for id in "13"]
    assert desk.run().exit_code == 4


def test_what_was_sent_and_cannot_be_looked_for_goes_to_a_person(desk: Books) -> None:
    """I16, I21"""
    desk.bill("1")
    desk.run()
    desk.bill("2")
    desk.fault("lost")
    using(desk, NoWords)
    desk.run()
    desk.bill("3")
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "decide"}
    assert "another currency" in desk.item("2").reason
    assert desk.done("3") == [("created", "10.00")]


class NoFacts(AskingSink):
    def facts(self, item: Item) -> Facts:
        if is_second(item):
            raise KeyError("total")
        return super().facts(item)


class NoWordsForFacts(AskingSink):
    def facts(self, item: Item) -> Facts:
        if is_second(item):
            raise Rejected("it is in another currency", code="X-4001", item=item.stamp)
        return super().facts(item)


@pytest.mark.parametrize("sink", [NoFacts, NoWordsForFacts])
def test_a_sink_that_has_no_facts_of_what_an_older_store_finds_again_holds_up_that_alone(
    desk: Books, sink: type[AskingSink]
) -> None:
    """I21, A21"""
    desk.bill("1")
    desk.run()
    desk.copy("", "kept-")
    desk.bill("2")
    desk.run()
    desk.copy("kept-", "")
    using(desk, sink)
    desk.bill("3")
    assert desk.run().exit_code == 4
    assert desk.states() == {"invoice/id:2": "decide"}
    assert [desk.done(id) for id in "23"] == [[("created", "10.00")], [("created", "10.00")]]


class Versionless(AskingSink):
    """Of a target that has versions for itself alone: nobody hears of them."""

    kept: ClassVar[dict[str, str]] = {}
    looks: ClassVar[list[Call]] = []

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode(
            [msgspec.structs.replace(one, token=self.kept.get(one.target or "", "")) for one in items]
        )

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        answers = super().decode(call, items, reply)
        self.kept.update({one.target: one.token for one in answers.values()})
        return {stamp: msgspec.structs.replace(one, token="") for stamp, one in answers.items()}

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        self.looks.append(call)
        if len(self.looks) > 20:
            raise TimeoutError("it goes on looking")
        finds = super().found(call, items, reply)
        return {stamp: [msgspec.structs.replace(one, token="") for one in some] for stamp, some in finds.items()}


def test_a_document_without_a_version_is_looked_for_once_and_changed(desk: Books) -> None:
    """I20"""
    using(desk, Versionless)
    desk.bill("1")
    desk.run()
    Versionless.looks.clear()
    desk.bill("1", "11.00")
    assert desk.run().exit_code == 0
    assert desk.done("1") == [("created", "10.00"), ("updated", "11.00")]
    assert len(Versionless.looks) == 1


# -- one item, several questions ---------------------------------------------------------------------------------------


class Apart(AskingSink):
    """Its target cannot be asked for this or that: each question is a call."""

    def ask(self, items: Sequence[Item]) -> list[Call]:
        return [
            msgspec.structs.replace(call, params={"kind": call.params["kind"], name: value})
            for item in items
            for call in super(Apart, self).ask([item])
            for name, value in call.params.items()
            if name != "kind"
        ]


def test_what_is_found_by_its_stamp_is_not_sent_again_because_nothing_has_its_number_any_more(desk: Books) -> None:
    using(desk, Apart)
    desk.bill("1")
    desk.fault("lost", after=2)
    desk.clock.at(5.0, lambda: desk.target.edit(desk.number("1")["id"], number="R-1"))
    assert desk.run().exit_code == 4
    assert [what for what, *_ in desk.effects()] == ["created", "edited"]


def test_what_one_of_two_questions_could_not_tell_is_not_taken_to_be_absent() -> None:
    first, second = (Call(method="GET", path=path, items=("s",)) for path in ("a", "b"))
    ours, head = Found(target="1", ours=True), Found(target="1", alike=True)
    assert sinks.together([(first, {"s": []}), (second, {})]) == {}
    assert sinks.together([(first, {"s": []}), (second, {"s": []})]) == {"s": []}
    assert sinks.together([(first, {}), (second, {"s": [ours]})]) == {"s": [ours]}
    assert sinks.together([(first, {"s": [ours]}), (second, {"s": [head]})]) == {"s": [ours]}
