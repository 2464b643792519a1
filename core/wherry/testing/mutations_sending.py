"""Planted bugs in the order of things, and in sending again."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from wherry.errors import Busy
from wherry.http import Http
from wherry.protocol import flight, resolving, restored, rows, steps, writing
from wherry.protocol.drain import Drain
from wherry.protocol.flight import Exchange, Flight, Target
from wherry.records import Call, Reply
from wherry.runs import engine, fates
from wherry.store import Store, calls, ledger
from wherry.store.locks import Held
from wherry.testing.bugs import bug, put

# -- the order of things ----------------------------------------------------------------------------------------------


@bug("target-query", "play first; kill http.sent@POST /things#3; calm; judge")
def post_then_remember() -> None:
    """The call is sent first, and only afterwards is it noted that it was."""

    def freeze(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Drain, tx: Any, outcomes: Any) -> Any:
            doubts = restored.Doubts(tx, self.sink_id, self.store.clock.now())
            frozen = flight.encode(self.sink, self.sink_id, self._ready(tx, doubts))[0]
            for number, one in enumerate(frozen, calls.last_call(tx) + 1):
                one.row.id, one.row.at = number, self.store.now()
            return frozen, bool(frozen)

        return call

    put(Drain, "_freeze", freeze)
    put(restored.Beside, "reach", lambda real: lambda self, number: None)


@bug("target-key", "play first; kill commit.inside@engine.try_settling#2; calm; judge")
def mark_first() -> None:
    """The mark moves before what was read up to it is stored."""

    def settling(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(job: Any, mapper: Any, batch: Any, decided: Any) -> Any:
            with job.wired.store.write() as tx:
                fates.save_mark(job, tx, mapper, batch, job.wired.store.now())
            return real(job, mapper, batch, decided)

        return call

    put(engine, "try_settling", settling)


@bug("target-none", "play first; kill commit.after@drain._keep_replies#2; calm; judge strict")
def answer_decoded_before_it_is_stored() -> None:
    """The raw answer is not kept: who dies while reading it has lost it."""

    def sending(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Drain, group: Sequence[Exchange]) -> None:
            keep, calls.put_calls = calls.put_calls, lambda tx, rows: None
            real(self, group)
            calls.put_calls = keep

        return call

    put(Drain, "_send", sending)


@bug("target-none", "play first; kill http.sent@POST /things#3; run; play update; run; judge")
def create_while_the_first_is_unknown() -> None:
    """A newer version is made anew while nobody knows what became of the first."""
    vars(writing)["IN_FLIGHT"] = frozenset({"differs"})


@bug("target-none", "play first; kill http.sent@POST /things#3; run; play update; run; resolve invoice/id:1; calm; "
     "judge strict")  # fmt: skip
def newer_version_forgotten() -> None:
    """A version that came while an earlier one was under way is dropped."""
    put(rows, "following", lambda real: lambda lane, step: "")


@bug("target-query-3", "play first; calm; judge")
def dependents_not_waited_for() -> None:
    """An invoice is sent before its customer is there."""
    put(writing.Settlement, "_can_go", lambda real: lambda self, step: True)

    def filled(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda draft, known: real(draft, {**dict.fromkeys(draft.refs), **known})

    put(steps, "_filled", filled)
    put(flight, "board", lambda real: lambda tx, sink, waiting, left=False: real(tx, sink, waiting, left=True))


# -- sending again ----------------------------------------------------------------------------------------------------


@bug("target-query", "play first; fault 3 lost; calm; judge")
def blind_retry() -> None:
    """What got no answer is sent again, whether the target recognises it or not."""
    put(resolving, "repeatable", _as_if_recognised)


def _as_if_recognised(real: Callable[..., Any]) -> Callable[..., Any]:
    def call(target: Target, flights: Any, found: Any) -> Any:
        target.sink.resend_for = float("inf")
        return real(target, flights, found)

    return call


@bug("target-query", "play first; fault 3 expired committed; calm; calm; judge")
def posted_again_after_401() -> None:
    """A refused sign-in is renewed, and the call sent again, as clients for reading do."""
    put(Http, "send", lambda real: lambda self, call: _again_on(real, self, call, {401}))


@bug("target-query", "play first; fault 3 status committed; calm; judge")
def posted_again_after_503() -> None:
    """A server's own error is taken for: not done."""
    put(Http, "send", lambda real: lambda self, call: _again_on(real, self, call, {500, 502, 503}))


def _again_on(real: Callable[..., Reply], client: Http, call: Call, statuses: set[int]) -> Reply:
    reply = real(client, call)
    return real(client, call) if reply.status in statuses else reply


@bug("target-key", "play first; fault 3 lost; calm; judge")
def fresh_key_for_each_try() -> None:
    """The key of a call is made when it is sent, so the same call has another one next time."""

    def sent(real: Callable[..., Reply]) -> Callable[..., Reply]:
        def call(self: Http, one: Call) -> Reply:
            headers = {**one.headers, "Idempotency-Key": uuid.uuid4().hex}
            return real(self, msgspec.structs.replace(one, headers=headers))

        return call

    put(Http, "send", sent)


@bug("target-key", "play first; fault 3 lost; kill commit.after@drain._keep_replies#3; wait 90000; calm; judge")
def sent_again_after_the_retention() -> None:
    """The target has long forgotten the key that the call comes with again."""
    put(resolving, "_is_fresh", lambda real: lambda target, row: True)


@bug("target-query", "play first; fault 3 late; calm; release; calm; judge")
def no_settle_wait() -> None:
    """The target is asked at once what became of a call that it may still be working on."""
    put(flight, "remember", lambda real: lambda store, one, answer, settle: real(store, one, answer, 0.0))
    put(resolving, "wait_for_settling", lambda real: _due_at_once)


def _due_at_once(tx: Any, target: Target, flights: Sequence[Flight], again: Any) -> None:
    for one in flights:
        one.open.item.due = target.store.now()
        ledger.put_items(tx, ledger.Route(one.open.source, target.sink_id), [one.open.item])


@bug("target-query", "play first; fault 3 lost; calm; judge")
def lost_taken_for_absent() -> None:
    """What got no answer is taken not to be there, without a look."""
    put(resolving, "look", lambda real: lambda target, flights: {one.stamp: [] for one in flights})


@bug("target-query", "play first; pause http.before@POST /things#3; calm; judge")
def lease_by_the_clock() -> None:
    """A lock that ends after a time is taken over from a process that only stood still."""

    @contextlib.contextmanager
    def leased(self: Store, name: str, *, wait: float = 0.0) -> Iterator[Held]:
        path = self.files.parent / f"lease-{uuid.uuid5(uuid.NAMESPACE_OID, name).hex}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and dt.datetime.fromisoformat(path.read_text()) > self.clock.now():
            raise Busy(f"another process holds {name}", fix="wait")
        path.write_text((self.clock.now() + dt.timedelta(seconds=300)).isoformat())
        try:
            yield Held(self.database, name)
        finally:
            path.unlink(missing_ok=True)

    put(Store, "lock", lambda real: leased)
