"""The contract of a sink whose system calls us, as checks that bite: a plugin's test subclasses ``PolledSinkSuite``.

    class TestSink(PolledSinkSuite):
        @pytest.fixture
        def trial(self, ...) -> PolledTrial:
            return PolledTrial(make=..., stage=..., items=..., away=..., back=..., ...)

It keeps the whole contract of ``SinkSuite``, and that of being polled: while the system is away nothing is sent and
nothing is lost; what it was given and never answered is unknown, not undone.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

from wherry.errors import TryAgain
from wherry.plugins import GROUP, load
from wherry.records import Call
from wherry.roles import CallSinkWriter, Polled
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.sink_trial import SinkTrial, ask, asking, carried, created, look, lose
from wherry.testing.sinks import SinkSuite

__all__ = ["PolledSinkSuite", "PolledTrial"]


class PolledTrial(SinkTrial, kw_only=True):
    """A polled sink on trial. The system is here, in this thread's session, unless it was sent ``away``."""

    away: Callable[[], object]
    """The system leaves: its session ends."""
    back: Callable[[], object]
    """The system comes again: a session begins."""


class PolledSinkSuite(SinkSuite):
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    @guarantee(promise.BOOKS)
    def test_a_lost_sign_in_ends_check_with_access_lost(self, trial: SinkTrial) -> None:
        """Its system signs in to us, and not the other way round."""
        pytest.skip("the system signs in to us: there is no sign-in of ours to lose")

    @guarantee(promise.LIMITS)
    def test_the_sink_says_whether_its_system_is_here(self, trial: PolledTrial) -> None:
        sink = trial.make()
        assert isinstance(sink, Polled)
        assert sink.present
        trial.away()
        assert not _present(sink)
        assert not _present(trial.make())
        trial.back()
        assert _present(sink)

    @guarantee(promise.LIMITS)
    def test_its_manifest_says_with_what_things_leave(self, trial: PolledTrial) -> None:
        """``leaves_with``: else people are told that what waits leaves with the next run, and it never does."""
        package = type(trial.make()).__module__.partition(".")[0]
        mine = [one.name for one in entry_points(group=GROUP) if one.module.partition(".")[0] == package]
        if not mine:
            pytest.skip("the sink is no installed plugin's")
        told = [load([name]).require(name).leaves_with for name in mine]
        assert all(told), "say leaves_with in the manifest: 'the next update of the Web Connector'"
        assert [words for words in told if words[:1].isupper() or words.endswith(".")] == [], "it ends a sentence"

    @guarantee(promise.FOUND_AGAIN)
    def test_nothing_leaves_while_the_system_is_away(self, trial: PolledTrial) -> None:
        """Provably not sent: the core puts it back into the queue, and nobody needs to look for it."""
        sink, items = trial.make(), trial.items(2)
        calls = sink.encode(items)
        trial.away()
        for call in calls:
            assert _sent(sink, call) == "no"
            tried("calls into the void")
        assert [trial.effects(item) for item in items] == [[], []]
        trial.back()
        created(sink, items)

    @guarantee(promise.NEVER_TWICE)
    def test_what_was_handed_out_is_never_said_to_be_unsent(self, trial: PolledTrial) -> None:
        """The session ended over it: it may have been carried out, and the core looks before it sends anything anew."""
        sink, item = trial.make(), trial.items(1)[0]
        lose(trial, sink, [item])
        trial.away()
        trial.back()
        assert len(trial.effects(item)) == 1

    @guarantee(promise.NEVER_TWICE)
    def test_what_a_look_did_not_find_is_not_done_afterwards(self, trial: PolledTrial) -> None:
        """Who took it may sleep over it for days, and another comes meanwhile. It is made void before it is looked for:
        what the core says was ``sent``."""
        sink, items = asking(trial), trial.items(2)
        for item in items:
            calls = lose(trial, sink, [item], "late")
            trial.wait(sink.settle)
            item.sent, item.since = True, "2000-01-01T00:00:00.000Z"
            found = ask(sink, [item])
            trial.stage.release()
            tried("calls carried out after a look", len(calls))
            assert found.get(item.stamp) != [] or len(trial.effects(item)) == 0, "it would be sent anew, and is there"

    @guarantee(promise.PLAINLY_SAID)
    def test_the_answer_to_another_question_proves_nothing(self, trial: PolledTrial) -> None:
        """A system that calls may bring an answer late, or one twice: each says what it answers, and is asked so."""
        sink, (item, other) = asking(trial), trial.items(2)
        created(sink, [item])
        trial.wait(sink.settle)
        (call,), (wrong,) = sink.ask([item]), sink.ask([other])
        try:
            found = sink.found(call, [item], look(sink, wrong))
        except Exception:
            found = {}
        assert found.get(item.stamp) != [], "it would be sent again, and it is there"

    @guarantee(promise.SAME_BYTES)
    def test_it_can_be_planned_and_read_while_the_system_is_away(self, trial: PolledTrial) -> None:
        sink, items = trial.make(), trial.items(2)
        calls = sink.encode(items)
        replies = [(call, sink.http.send(call)) for call in calls]
        trial.away()
        away = trial.make()
        assert away.check().id == sink.check().id
        assert away.encode(items) == calls
        for call, reply in replies:
            answers = away.decode(call, carried(items, call), reply)
            assert {answer.fate for answer in answers.values()} == {"created"}

    @guarantee(promise.NEVER_TWICE)
    def test_a_new_session_finds_what_the_last_one_left(self, trial: PolledTrial) -> None:
        sink, items = trial.make(), trial.items(2)
        created(sink, items[:1])
        trial.away()
        trial.back()
        created(trial.make(), items[1:])
        assert [len(trial.effects(item)) for item in items] == [1, 1]


def _present(sink: CallSinkWriter) -> bool:
    return isinstance(sink, Polled) and sink.present


def _sent(sink: CallSinkWriter, call: Call) -> str:
    """Whether a call that got no answer left, by the transport's own word: ``no``, ``perhaps``, or empty."""
    try:
        sink.http.send(call)
    except TryAgain as error:
        return str(error.where.get("sent"))
    except Exception:
        return ""  # it stays as it was
    raise AssertionError("it was answered, with nobody there")
