"""What a run would do, told beforehand: things made and changed, questions, and the very requests that would be sent.

References to what is still to be made stand as symbols, ``<id of customer 17850>``; but for those, the bytes of a
request are the bytes that the following run sends (write-protocol.md, section 3.2, rule 2).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from typing import Any

import msgspec

from wherry.errors import ContractBroken, Rejected
from wherry.protocol import halfway, sinks
from wherry.protocol.flight import Flight, board, step_of
from wherry.protocol.resolving import holdings
from wherry.protocol.steps import OVER_SEEN, WAITS, Approval, Outcome, Step, differing, in_words
from wherry.protocol.tally import Tally
from wherry.protocol.watching import ENDED
from wherry.records import Ask, Call, Change, Fate, Found, Item, Ref
from wherry.roles import Asks, CallSinkWriter
from wherry.runs.formers import to_be_freed
from wherry.runs.job import Wired
from wherry.store import calls, ledger
from wherry.store.ledger import ItemRow

_AT_ONCE, _MOST = 200, 1_000_000
_SYMBOL = "<id of "

Foreseen = tuple[Item, tuple[Ref, ...]]
"""An item as it would be sent, and what has to be there before it."""


def foresight(wired: Wired) -> Wired:
    """The flow for a rehearsal: what would be sent by calls is collected instead."""
    if wired.posting is not None:
        return msgspec.structs.replace(wired, posting=msgspec.structs.replace(wired.posting, preview=[]))
    lane = wired.lane
    if lane.atomic is not None:
        return wired
    return msgspec.structs.replace(wired, lane=msgspec.structs.replace(lane, preview=[]))


def told(
    wired: Wired, steps: Sequence[Step], outcomes: Mapping[Ref, Outcome], tally: Tally | None = None
) -> dict[str, Any]:
    """What people want to see of a plan: what is made and changed, what is asked, what is copied, what is sent.

    ``tally`` is put right where the target says something else: it has no words for a thing, or somebody edited it.
    """
    thought = {ref: outcome.fate for ref, outcome in outcomes.items()}
    left = {one.open.item.ref: one for one in _left(wired)}
    waiting = {ref: Outcome("queued", one.item.target or "") for ref, one in left.items() if ref not in outcomes}
    sent = _sent(wired, list(left.values()), {**outcomes, **waiting}, steps)
    for step in steps if tally is not None else ():
        _recount(tally or Tally(), step, thought[step.ref], outcomes[step.ref].fate)
    met = [(step_of(left[ref].open), outcome) for ref, outcome in waiting.items() if outcome.fate == "differs"]
    for step, outcome in met if tally is not None else ():
        (tally or Tally()).items[step.draft.entity][outcome.fate] += 1
    rows = [_row(step, outcomes[step.ref]) for step in steps if _is_news(outcomes[step.ref])]
    rows += [_row(step, outcome) for step, outcome in met]
    asks = [(step.draft, step.decision) for step in steps if isinstance(step.decision, Ask)]
    files = [step for step in steps if step.draft.file and outcomes[step.ref].fate in ("created", "waiting")]
    return {
        "changes": rows, "approval": _for_approval(wired, steps, outcomes),
        "questions": [{"name": draft.body.get("name", draft.label), "why": ask.why, "candidates": ask.candidates}
                      for draft, ask in asks],
        "files": {"count": len(files), "bytes": sum(int(step.draft.body.get("size", 0)) for step in files)},
        "calls": sent, "unfinished": _unfinished(wired, steps, outcomes),
    }  # fmt: skip


def _recount(tally: Tally, step: Step, thought: Fate, fate: Fate) -> None:
    counts = [tally.items[step.draft.entity], *([tally.records[step.record_kind]] if step.draft.root else [])]
    for count in counts:
        if thought != fate and count[thought]:
            count[thought] -= 1
            count[fate] += 1


def _unfinished(wired: Wired, steps: Sequence[Step], outcomes: Mapping[Ref, Outcome]) -> dict[str, int]:
    """Entity → number of what was sent before and is looked up, or finished, before anything newer of it goes."""
    refs = {step.ref for step in steps if _goes_first(step.item, outcomes[step.ref].fate)}
    with wired.store.read() as tx:
        refs |= {item.ref for item in ledger.open_items(tx, flow=wired.name, state="unknown", limit=_MOST)}
    return dict(sorted(Counter(ref.entity for ref in refs).items()))


def _goes_first(item: ItemRow | None, fate: Fate) -> bool:
    return fate == "unknown" or (fate == "queued" and item is not None and halfway.is_begun(item))


def _for_approval(wired: Wired, steps: Sequence[Step], outcomes: Mapping[Ref, Outcome]) -> dict[str, Any]:
    """What of it would wait for a person's word, entity → number, and why; empty where nothing would."""
    approval = wired.lane.approvals.get(wired.name, Approval())
    held = [step for step in steps if outcomes[step.ref].reason.startswith(WAITS)]
    if not held:
        return {}
    begun = f"dated before the books begin ({approval.books_from})"
    return {
        "documents": dict(sorted(Counter(step.draft.entity for step in held if step.draft.root).items())),
        "also": dict(sorted(Counter(step.draft.entity for step in held if not step.draft.root).items())),
        "why": "the flow requires approval" if approval.required else begun,
    }  # fmt: skip


def fingerprint(steps: Sequence[Step], outcomes: Mapping[Ref, Outcome]) -> str:
    """Equal for two plans that come to the same."""
    rows = sorted(
        (str(s.ref), outcomes[s.ref].fate, msgspec.json.encode(s.draft.body, order="deterministic")) for s in steps
    )
    return hashlib.blake2b(msgspec.json.encode(rows), digest_size=16).hexdigest()


def pending(tally: Tally) -> bool:
    """Whether a run would do anything."""
    return tally.has("created", "linked", "updated", "reversed", "triage", "waiting")


def _is_news(outcome: Outcome) -> bool:
    return outcome.fate != "unchanged" or bool(outcome.changes)


def _row(step: Step, outcome: Outcome) -> dict[str, Any]:
    made = outcome.fate in ("created", "waiting")
    return {
        "entity": step.draft.entity, "key": step.draft.key, "label": step.draft.label, "fate": outcome.fate,
        "target": "" if made else outcome.target, "reason": outcome.reason, "changes": outcome.changes,
        "version": outcome.version,
        "body": _symbolic(step.draft.body) if made else None,
    }  # fmt: skip


def _symbolic(body: Any) -> Any:
    """References as an operator reads them: ``<id of customer id:17>``."""
    if isinstance(body, dict):
        if body.keys() == {"entity", "key"}:
            return f"{_SYMBOL}{body['entity']} {body['key']}>"
        return {name: _symbolic(value) for name, value in body.items()}
    return [_symbolic(value) for value in body] if isinstance(body, list) else body


# -- what would be sent ------------------------------------------------------------------------------------------------


def _sent(
    wired: Wired, left: Sequence[Flight], outcomes: Mapping[Ref, Outcome], steps: Sequence[Step]
) -> list[dict[str, Any]]:  # fmt: skip
    sink = wired.lane.sink
    if wired.lane.preview is None or not isinstance(sink, CallSinkWriter):
        return []
    foreseen: list[Foreseen] = [*((one.item, ()) for one in left), *wired.lane.preview]
    if not foreseen:
        return []
    sink.check()  # what encoding needs of the account is read with it
    there = [item for item, _ in foreseen if item.target is not None and item.before is not None]
    _compare(sink, there, outcomes, _over_seen(left, steps))
    shown: list[dict[str, Any]] = []
    for group in _groups(foreseen, max(1, sink.batch) * max(1, sink.width)):
        by_stamp = {item.stamp: item for item in group}
        shown += [_shown(call, by_stamp) for call in _encoded(sink, group, outcomes)]
    return shown


def _over_seen(left: Sequence[Flight], steps: Sequence[Step]) -> set[str]:
    """Stamps of what goes over an edit that a person was shown, and over no later one."""
    rows = [*(one.open.item for one in left), *(step.item for step in steps if step.item is not None)]
    return {row.stamp for row in rows if row.overwrite == OVER_SEEN}


def _left(wired: Wired) -> list[Flight]:
    """What an earlier run left in the queue, but for what this one makes another version of."""
    route, preview = wired.lane.route, wired.lane.preview
    if preview is None:
        return []
    anew = {Ref(item.entity, item.key) for item, _ in preview}
    with wired.store.read() as tx:
        waiting = calls.items_of_sink(tx, route.sink, "queued", ready_by="9999")
        mine = [one for one in waiting if one.item.flow == wired.name and one.source == route.source]
        flights, _ = board(tx, route.sink, mine)
    free = to_be_freed(wired)
    refs = {Ref(one.item.entity, one.item.key): one for one in flights}
    return [one for ref, one in refs.items() if ref not in anew and ref not in free]


def _groups(foreseen: Sequence[Foreseen], size: int) -> Iterator[list[Item]]:
    """The items as a drain takes them: the oldest first of those that have all they need."""
    names = [Ref(item.entity, item.key) for item, _ in foreseen]
    made, users = set(names), defaultdict[Ref, list[int]](list)
    lacks = [made.intersection(needs) for _, needs in foreseen]
    for number, refs in enumerate(lacks):
        for ref in refs:
            users[ref].append(number)
    ready = [number for number, refs in enumerate(lacks) if not refs]
    while ready:
        some = [heappop(ready) for _ in range(min(size, len(ready)))]
        yield [foreseen[number][0] for number in some]
        for ref in (names[number] for number in some):
            for user in users.pop(ref, ()):
                lacks[user].discard(ref)
                if not lacks[user]:
                    heappush(ready, user)


def _encoded(sink: CallSinkWriter, items: list[Item], outcomes: Mapping[Ref, Outcome]) -> list[Call]:
    """The calls; an item that the target has no words for is told as refused. One that names what is still to be made,
    and is in no words of the target before that has its id, is left out: whether it can be said is not known yet. What
    is wrong with another field of it is."""
    try:
        return sinks.encoded(sink, items) if items else []
    except (Rejected, ContractBroken) as error:
        if error.code == ENDED:
            raise
        bad = [item for item in items if item.stamp == error.where.get("item")] or items[: len(items) == 1]
        for item in bad:
            if not _awaits(_at_fault(error, item.body)):
                outcome = outcomes.get(Ref(item.entity, item.key), Outcome("queued"))
                outcome.fate, outcome.reason = "refused", error.message
    rest = [item for item in items if item not in bad]
    half = 0 if bad else len(rest) // 2
    return [*_encoded(sink, rest[:half], outcomes), *_encoded(sink, rest[half:], outcomes)]


def _at_fault(error: Rejected | ContractBroken, body: Any) -> Any:
    """What of a body is said to be wrong: a field, such as ``lines[0].tax_rate``; all of it where none is named."""
    if isinstance(error, ContractBroken) or _SYMBOL in error.message:
        return body
    for part in re.findall(r"\w+", str(error.where.get("field", ""))):
        if isinstance(body, list):
            body = body[int(part)] if part.isdecimal() and int(part) < len(body) else None
        else:
            body = body.get(part) if isinstance(body, dict) else None
    return body


def _awaits(body: Any) -> bool:
    """Whether it refers to what is still to be made, by a symbol."""
    if isinstance(body, dict | list):
        return any(map(_awaits, body.values() if isinstance(body, dict) else body))
    return isinstance(body, str) and body.startswith(_SYMBOL)


def _shown(call: Call, items: Mapping[str, Item]) -> dict[str, Any]:
    return {
        "method": call.method, "path": call.path, "params": call.params, "body": call.body.decode("utf-8", "replace"),
        "items": [{"entity": one.entity, "key": one.key, "label": one.label, "action": one.action, "stamp": one.stamp,
                   "target": one.target or ""} for one in (items[stamp] for stamp in call.items)],
    }  # fmt: skip


def _compare(
    sink: CallSinkWriter, items: Sequence[Item], outcomes: Mapping[Ref, Outcome], over_seen: Collection[str]
) -> None:  # fmt: skip
    """What an update would change there, field by field, against what the target holds now."""
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        held = holdings(sink, some) if isinstance(sink, Asks) else {}
        for item in some:
            now = next((hit for hit in held.get(item.stamp, ()) if hit.target == item.target), None)
            changes = differing(sinks.facts(sink, item), now.facts) if now is not None else ()
            outcome = outcomes.get(Ref(item.entity, item.key), Outcome("queued"))
            outcome.changes = tuple(Change(one.field, one.after, one.before) for one in changes)
            outcome.version = now.token if now is not None else ""
            over = item.overwrite_local and item.stamp not in over_seen
            if changes and now is not None and not over and not outcome.reason.startswith(WAITS):
                _meet(sink, item, now, outcome)


def _meet(sink: CallSinkWriter, item: Item, now: Found, outcome: Outcome) -> None:
    """Of what has another version there than ours: a person's edit is not written over."""
    if now.token == item.token:
        return
    edits = differing(sinks.facts(sink, msgspec.structs.replace(item, body=item.before, action="write")), now.facts)
    if edits:
        outcome.fate, outcome.changes = "differs", ()
        outcome.reason = f"it was edited there since: {in_words(edits, 'here')}"
