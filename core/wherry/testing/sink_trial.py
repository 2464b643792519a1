"""A sink on trial, and how the checks of ``wherry.testing.sinks`` send, lose, repeat and ask, as the core would."""

from __future__ import annotations

import base64
import copy
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Protocol, get_args, runtime_checkable

import msgspec
import pytest
from msgspec import Struct

from wherry.errors import Rejected, TryAgain
from wherry.http import Http
from wherry.protocol.sinks import together
from wherry.records import DONE, Answer, Call, Fate, Found, Item, Reply
from wherry.roles import Asks, CallSinkWriter
from wherry.simulator import Entry, Stage
from wherry.testing.guarantees import tried
from wherry.testing.holding import Holding
from wherry.testing.trial import needed as needed

DAY = 86_400.0
STEPS = 5
"""The most calls that one item takes: entered, a warning passed over, posted, read back, and one more."""
HTML = b"<!doctype html><title>Sorry</title><p>Something went wrong on the way here."
UNCLEAR = [
    (status, body)
    for status in (200, 201, 202, 204, 302, 401, 404, 408, 409, 500, 502, 503, 504)
    for body in (b"", HTML, b"{}", b"[]", b"null", b'"ok"', b"\x00\xff\xfe")
]
"""Replies that say nothing for certain, whatever their status."""


@runtime_checkable
class AskingSink(CallSinkWriter, Asks, Protocol):
    """A sink whose target can be asked."""


class SinkTrial(Struct, kw_only=True):
    """A sink on trial and the simulator of its system, which share one clock that stands still unless told to move.

    ``items`` gives that many things to create, always the same, whose references lead to what the system holds.
    ``changed`` is another body for a thing. What the system, or its simulator, cannot do is None, and its checks skip.
    """

    make: Callable[[], CallSinkWriter]
    """As a session gets it: made anew each time and checked, with a client that reaches the simulator."""
    stage: Stage
    """The simulator's faults, history and clock."""
    items: Callable[[int], Sequence[Item]]
    changed: Callable[[Item], dict[str, Any]]
    wait: Callable[[float], object]
    """Lets seconds pass for the system and for the sink."""
    effects: Callable[[Item], Sequence[Entry]]
    """The effects in the simulator's history that this item had."""
    latest: float = 0.0
    """Seconds after which the system may still carry out a call whose caller was cut off."""
    rejected: Item | None = None
    """A thing that cannot be said in the target's words."""
    enter: Callable[[Item], str] | None = None
    """A person enters the same thing by hand, with its number or name; its id."""
    refused: Item | None = None
    """A thing that can be said, and that the system refuses for a reason of its own."""
    gone: str = ""
    """An id of the things' own form that the system does not hold."""
    holds: Callable[[Item], Holding | None] | None = None
    """What the system, or its simulator, holds of an item now, told without the sink; None where it holds nothing."""
    clash: Callable[[Item], object] | None = None
    """Something else takes the name, number or place that an item would need."""
    close: Callable[[str], object] | None = None
    """Closes the books up to and including a day, ISO 8601."""
    tells: Callable[[], object] | None = None
    """Lets a target that answers later tell what it was asked of its books."""
    pays: Callable[[str], object] | None = None
    """A thing is paid, or otherwise out of reach: the system does not take it back any more, whatever it answers."""
    move: Callable[[], object] | None = None
    """From now on what the client signs in with opens another company."""
    texts: tuple[str, ...] = ("name", "memo", "description")
    """The fields of a body that hold free text."""
    ignored: tuple[str, ...] = ()
    """Fields of a body that the target has no place for, such as ``memo`` or ``lines.quantity``: the docs say so."""
    twin: Callable[[Item], object] | None = None
    """Makes a second thing that carries the stamp of one that is there."""
    edit: Callable[[str], object] | None = None
    """A person changes a thing in the system."""
    renumber: Callable[[str], object] | None = None
    """A person gives a thing another number or name."""
    muddle: Callable[[], object] | None = None
    """The next call of several items is answered in another order, and the answer to its first is left out."""
    nothing: bytes = b"-"
    """The whole body by which the system says that it holds nothing, where that is no more than ``[]``."""
    updates: bool = True
    """Whether the things can be changed once they were written."""
    voids: bool = True
    """Whether the things can be taken back."""
    writes: str = "POST|PUT|PATCH|DELETE"
    """The methods of calls with an effect, a pattern."""
    secret: str = ""
    """What the client signs in with."""
    echo: Callable[[str], Any] | None = None
    """The body of an error, in the system's own form, that holds a text."""


def stamp_of(text: str) -> str:
    """A stamp as the core makes them: 26 characters of lower-case base32."""
    return base64.b32encode(hashlib.blake2b(text.encode(), digest_size=16).digest()).decode().rstrip("=").lower()


def carried(items: Sequence[Item], call: Call) -> list[Item]:
    """The items that a call carries, in its order."""
    by_stamp = {item.stamp: item for item in items}
    return [by_stamp[stamp] for stamp in call.items]


def write(sink: CallSinkWriter, items: Sequence[Item]) -> dict[str, Answer]:
    """Encode, send, decode: what the sink says of each item. One of which only half is there comes again, with what it
    was answered."""
    answers: dict[str, Answer] = {}
    for _ in range(STEPS):
        for call in sink.encode(items):
            told = sink.decode(call, carried(items, call), sink.http.send(call))
            assert told.keys() <= set(call.items), "answers about what the call did not carry"
            assert {one.fate for one in told.values()} <= set(get_args(Fate)), "a fate that nobody knows"
            answers = {stamp: one for stamp, one in answers.items() if stamp not in call.items} | told
        half = {stamp: one.memo for stamp, one in answers.items() if one.fate == "queued" and one.target}
        items = [msgspec.structs.replace(item, memo=half[item.stamp]) for item in items if item.stamp in half]
        if not items:
            break
    return answers


def known(sink: CallSinkWriter, items: Sequence[Item]) -> dict[str, Answer]:
    """As ``write``. What is unknown, and of which the sink has noted something, is looked for, as the core does: where
    nothing of it is there it comes again with that note."""
    answers = write(sink, items)
    for item in items:
        told = answers.get(item.stamp)
        if told and told.fate == "unknown" and told.memo and isinstance(sink, AskingSink):
            absent = ask(sink, [item]).get(item.stamp) == []
            answers[item.stamp] = _again(sink, msgspec.structs.replace(item, memo=told.memo)) if absent else told
    return answers


def _again(sink: CallSinkWriter, item: Item) -> Answer:
    try:
        return write(sink, [item])[item.stamp]
    except Rejected as error:
        return Answer(fate="refused", reason=error.message, fix=error.fix, field=str(error.where.get("field", "")))


def created(sink: CallSinkWriter, items: Sequence[Item]) -> list[Answer]:
    """Write what must be taken; the answers in the order of the items."""
    answers = write(sink, items)
    fates = [answers[item.stamp].fate if item.stamp in answers else "missing" for item in items]
    odd = next((answers.get(item.stamp) for item, fate in zip(items, fates, strict=True) if fate != "created"), None)
    assert set(fates) <= {"created"}, (
        f"what was taken is to be answered as created, within {STEPS} calls; the sink says {fates}, the first of them "
        f"{odd}. Of a target that tells nothing of what it did, answer `queued` with a memo and read it back"
    )
    return [answers[item.stamp] for item in items]


def lose(trial: SinkTrial, sink: CallSinkWriter, items: Sequence[Item], fault: str = "lost") -> list[Call]:
    """Send the items and lose every answer; the calls as they went out."""
    calls, began = sink.encode(items), trial.stage.clock.date()
    for call in calls:
        trial.stage.faults.add(fault, method=trial.writes)
        with pytest.raises(TryAgain) as caught:
            sink.http.send(call)
        assert caught.value.where.get("sent") == "perhaps"
    tried({"lost": "answers lost", "late": "calls carried out late"}.get(fault, "calls lost on the way"), len(calls))
    assert len(trial.stage.faults) == 0, "every call is a write that the simulator saw"
    for item in items:  # as the core tells it of what it looks for
        item.sent, item.since = True, f"{began:%Y-%m-%dT%H:%M:%S.000Z}"
    return calls


def repeated(sink: CallSinkWriter, items: Sequence[Item], call: Call) -> dict[str, Answer]:
    """What the sink says once the same call went out again; what takes further steps is followed to its end."""
    mine = carried(items, call)
    told = sink.decode(call, mine, sink.http.send(call))
    half = {stamp: one.memo for stamp, one in told.items() if one.fate == "queued" and one.target}
    more = [msgspec.structs.replace(item, memo=half[item.stamp]) for item in mine if item.stamp in half]
    return told | write(sink, more)


def ask(sink: AskingSink, items: Sequence[Item]) -> dict[str, list[Found]]:
    """What the target is found to hold of the items."""
    told = [(call, sink.found(call, carried(items, call), look(sink, call))) for call in sink.ask(items)]
    assert all(found.keys() <= set(call.items) for call, found in told), "finds for what was not asked for"
    return together(told)


def look(sink: CallSinkWriter, call: Call) -> Reply:
    """A reading call of ``ask``, sent as the core sends it."""
    answer = sink.http.read(call.method, call.path, params=call.params, content=call.body or None,
                            headers=call.headers, lane=call.lane)  # fmt: skip
    return Reply(status=answer.status, headers={k.lower(): v for k, v in answer.headers.items()}, body=answer.content)


def asking(trial: SinkTrial) -> AskingSink:
    """The sink, if its target can be asked; else the check is skipped."""
    sink = trial.make()
    if not isinstance(sink, AskingSink):
        pytest.skip("the sink's target cannot be asked")
    return sink


def recognising(trial: SinkTrial) -> tuple[CallSinkWriter, float]:
    """The sink and how long it claims that a repeated call is recognised; else the check is skipped."""
    sink = trial.make()
    if sink.resend_for is None:
        pytest.skip("the sink claims no resend_for")
    return sink, min(sink.resend_for, 400 * DAY)


def update_of(trial: SinkTrial, item: Item, answer: Answer, name: str = "update") -> Item:
    """The next version of an item that was written."""
    return msgspec.structs.replace(
        item, body=trial.changed(item), before=copy.deepcopy(item.body), target=answer.target, token=answer.token,
        memo=answer.memo, stamp=stamp_of(f"{name} {item.stamp}"),
    )  # fmt: skip


def void_of(item: Item, answer: Answer) -> Item:
    """The taking back of an item that was written."""
    return msgspec.structs.replace(
        item, action="void", before=copy.deepcopy(item.body), target=answer.target, token=answer.token,
        memo=answer.memo, stamp=stamp_of(f"void {item.stamp}"),
    )  # fmt: skip


def steps_of(trial: SinkTrial, items: Sequence[Item], answers: Sequence[Answer]) -> list[Item]:
    """What may come after the items were written: a change of each, and its taking back, as far as there are such."""
    told = list(zip(items, answers, strict=True))
    changes = [update_of(trial, item, answer) for item, answer in told if trial.updates]
    return [*changes, *(void_of(item, answer) for item, answer in told if trial.voids)]


def settled_fates(sink: CallSinkWriter, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, str]:
    """The fates that a reply is taken to settle: done or refused. What raises settles nothing."""
    try:
        answers = sink.decode(call, carried(items, call), reply)
    except Exception:
        return {}
    return {stamp: answer.fate for stamp, answer in answers.items() if answer.fate in DONE or answer.fate == "refused"}


def plain(calls: Sequence[Call]) -> bytes:
    """Calls as bytes that can be compared."""
    return msgspec.json.encode(list(calls))


def changing(trial: SinkTrial) -> CallSinkWriter:
    """The sink, if it changes what it wrote; else the check is skipped."""
    if not trial.updates:
        pytest.skip("the things are written once and not changed")
    return trial.make()


def over_http(sink: CallSinkWriter) -> Http:
    """The sink's client where it has one; else the check is skipped."""
    http = sink.http
    if not isinstance(http, Http):
        pytest.skip("the sink does not send by HTTP")
    return http
