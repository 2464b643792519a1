"""Where the engine meets sinks: what they raise and return is judged here, as ``boundary`` does with all before them.

What is wrong with a sink's words ends its own items only (cases G19, G20, I21).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError

from wherry.errors import ContractBroken, Rejected, WherryError
from wherry.protocol import plain
from wherry.protocol.blaming import blame, broken
from wherry.protocol.watching import ENDED, watch
from wherry.records import DONE, OPEN, Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Asks, AtomicSinkWriter, CallSinkWriter, Documents, Lists
from wherry.wording import spelled

_SINK = "wherry_sink_writer"
FATES = DONE | OPEN | {"skipped"}
Finds = dict[str, list[Found]]
T = TypeVar("T", bound=msgspec.Struct)


def applied(sink: AtomicSinkWriter, view: Documents, items: list[Item]) -> list[Answer]:
    """The sink's answers, one an item. The store's own errors are not its fault."""
    at_work = watch.enter(sink, "apply", pure=False)
    try:
        answers = sink.apply(view, items)
    except (WherryError, DBAPIError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise broken(sink, _SINK, f"apply raised {type(error).__name__}: {error}") from error
    finally:
        watch.leave(at_work)
    if not isinstance(answers, list | tuple):
        raise broken(sink, _SINK, f"apply returned a {type(answers).__name__} where a list of answers belongs")
    if len(answers) != len(items) or not all(isinstance(answer, Answer) for answer in answers):
        raise broken(sink, _SINK, f"apply was given {len(items)} items and returned {len(answers)} answers")
    for answer in answers:
        fate, target = answer.fate, answer.target
        if fate not in FATES or not isinstance(target, str):
            raise broken(sink, _SINK, f"apply answered {fate!r:.40} with a {type(target).__name__} as target id")
        if not target and fate in DONE:
            raise broken(sink, _SINK, "apply answered that an item was written but gave no target id")
    return list(answers)


def encoded(sink: CallSinkWriter, items: Sequence[Item]) -> list[Call]:
    """The calls that carry these items, each in exactly one. Raises Rejected that names an item by its stamp."""
    with blame(sink, _SINK, "encode", about=lambda: _about(sink, items), held=True):
        calls = list(sink.encode(items))
    calls = _plain(sink, "encode", calls, Call)
    if sorted(stamp for call in calls for stamp in call.items) != sorted(item.stamp for item in items):
        raise broken(sink, _SINK, f"encode was given {len(items)} items and returned calls that carry others")
    return calls


_ANSWERS = frozenset({"created", "updated", "reversed", "refused", "unknown", "queued", "differs"})


def decoded(sink: CallSinkWriter, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
    """Stamp → answer; what is missing is unknown. Raises ContractBroken for what is no answer: the items stay so."""
    with blame(sink, _SINK, "decode", about=lambda: _about(sink, items)):
        answers = sink.decode(call, items, reply)
    if not isinstance(answers, dict):
        raise broken(sink, _SINK, "decode returned something that is no table of answers")
    answers = dict(zip(answers, _plain(sink, "decode", answers.values(), Answer), strict=True))
    odd = next((answer for answer in answers.values() if answer.fate not in _ANSWERS), None)
    if odd is not None:
        raise broken(sink, _SINK, f"decode answered {odd.fate}, which is nothing a target can say")
    if any(answer.fate in DONE and not answer.target for answer in answers.values()):
        raise broken(sink, _SINK, "decode answered that an item was written but gave no target id")
    return {item.stamp: answers[item.stamp] for item in items if item.stamp in answers}


def asked(sink: Asks, items: Sequence[Item]) -> list[Call]:
    """The calls that look for these items, and for no others, in the target."""
    with blame(sink, _SINK, "ask", about=lambda: _about(sink, items), held=True):
        calls = list(sink.ask(items))
    calls = _plain(sink, "ask", calls, Call)
    if not {stamp for call in calls for stamp in call.items} <= {item.stamp for item in items}:
        raise broken(sink, _SINK, f"ask was given {len(items)} items and returned calls that look for others")
    return calls


Rejects = dict[str, Rejected | ContractBroken]


def askable(sink: Asks, items: Sequence[Item], rejected: Rejects | None = None) -> list[Call]:
    """As ``asked``; an item that the sink has no lawful call for is left out by itself, and not told of. What it
    rejects, for want of words, or does not come back from, goes into ``rejected`` under its stamp."""
    try:
        return asked(sink, items) if items else []
    except (Rejected, ContractBroken) as error:
        if len(items) == 1:
            structlog.get_logger().warning("a look could not be asked for", reason=error.message, item=items[0].key)
            if (isinstance(error, Rejected) or error.code == ENDED) and rejected is not None:
                rejected[items[0].stamp] = error
            return []
    half = len(items) // 2
    return [*askable(sink, items[:half], rejected), *askable(sink, items[half:], rejected)]


def found(sink: Asks, call: Call, items: Sequence[Item], reply: Reply) -> Finds:
    """Stamp → what the target was found to hold; what is missing could not be told."""
    with blame(sink, _SINK, "found", about=lambda: _about(sink, items)):
        hits = sink.found(call, items, reply)
    if not isinstance(hits, dict) or not all(isinstance(some, list) for some in hits.values()):
        raise broken(sink, _SINK, "found returned something that is no table of finds")
    finds = {stamp: _plain(sink, "found", some, Found) for stamp, some in hits.items()}
    if not all(one.target for some in finds.values() for one in some):
        raise broken(sink, _SINK, "found gave a find that has no target id")
    return finds


def together(told: Iterable[tuple[Call, Finds]]) -> Finds:
    """Stamp → what all calls found of an item: of one thing what the last of them says, unless an earlier one knows it
    as ours. What none has found is told of where each call could tell."""
    finds: dict[str, dict[str, Found]] = {}
    silent: set[str] = set()
    for call, found in told:
        silent |= set(call.items) - found.keys()
        for stamp, hits in found.items():
            known = finds.setdefault(stamp, {})
            known |= {
                hit.target: hit for hit in hits if hit.ours or not (hit.target in known and known[hit.target].ours)
            }
    return {stamp: list(hits.values()) for stamp, hits in finds.items() if hits or stamp not in silent}


def facts(sink: CallSinkWriter, item: Item) -> Facts:
    """What the target would hold once the item is written. What can be sent has facts: none is rejected here."""
    [said] = facts_of_each(sink, [item])
    if isinstance(said, WherryError):
        raise said
    return said


def facts_of_each(sink: CallSinkWriter, items: Sequence[Item]) -> list[Facts | WherryError]:
    """The facts of several items in their order, or what was wrong with them."""
    told: list[Facts | WherryError] = []
    left = iter(items)
    while len(told) < len(items):
        try:
            with blame(sink, _SINK, "facts", about=lambda: _about(sink, items[len(told) :][:1])) as at_work:
                for item in left:
                    at_work.since = watch.clock()  # each is a call of its own
                    told.append(_facts(sink, item))
        except WherryError as error:
            told[len(items) - 1 :] = []  # what was ended may have come to its end meanwhile
            told.append(error)
    return told


def _facts(sink: CallSinkWriter, item: Item) -> Facts:
    try:
        said = sink.facts(item)
    except Rejected as error:
        raise broken(sink, _SINK, f"facts rejected an item: {error.message}") from error
    if not isinstance(said, dict) or not all(map(isinstance, chain(said, said.values()), repeat(str))):
        raise broken(sink, _SINK, "facts returned something that is no table of texts")
    return said


_MOST_NAMED = 5


def _about(sink: CallSinkWriter | Asks, items: Sequence[Item]) -> str:
    """Which items a call is about, and where they go: of one that does not come back."""
    named = ", ".join(f"{spelled(item.entity)} {item.label or item.key}" for item in items[:_MOST_NAMED])
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    connection = getattr(sink.http, "connection", "")
    return f" of {named}{more}" + (f" for {connection}" if connection else "")


def _plain(sink: object, call: str, given: Iterable[T], wanted: type[T]) -> list[T]:
    several = list(given)
    odd = next((one for one in several if not isinstance(one, wanted)), None)
    if odd is not None:
        raise broken(sink, _SINK, f"{call} gave a {type(odd).__name__} where a {wanted.__name__} belongs")
    try:
        return plain.copied(several, wanted)
    except ValueError as error:
        what = f"{call} gave a {wanted.__name__} of the wrong types: {error}"
        raise broken(sink, _SINK, what) from error


def listing(sink: Lists, entity: str) -> list[Listed]:
    """Everything that a target lists of an entity."""
    with blame(sink, _SINK, "listing", pure=False):
        return list(sink.listing(entity))
