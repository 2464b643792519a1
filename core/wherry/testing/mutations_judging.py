"""Planted bugs in what an answer means, in what other people did, and in numbers and dates."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from wherry import transforms
from wherry.http import Http
from wherry.project import wiring
from wherry.protocol import flight, resolving, rows, sinks, steps, writing
from wherry.protocol.company import Company
from wherry.protocol.drain import Drain
from wherry.protocol.flight import Flight, Target
from wherry.records import Answer, Call, Item, Reply
from wherry.runs import engine
from wherry.store import Store, calls
from wherry.testing.bugs import bug, put
from wherry.testing.target_sink import SYSTEM

# -- what an answer means ---------------------------------------------------------------------------------------------


def _decoding(change: Callable[[dict[str, Answer], Sequence[Item], Reply], dict[str, Answer]]) -> None:
    def decoded(real: Callable[..., dict[str, Answer]]) -> Callable[..., dict[str, Answer]]:
        def call(sink: Any, one: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
            return change(real(sink, one, items, reply), items, reply)

        return call

    put(sinks, "decoded", decoded)


def _refused(items: Sequence[Item]) -> dict[str, Answer]:
    return {item.stamp: Answer(fate="refused", reason="it did not take it") for item in items}


@bug("target-query", "play first; fault 3 html committed; calm; judge")
def unreadable_answer_taken_for_refused() -> None:
    """An answer that cannot be read is taken for a no."""
    _decoding(lambda found, items, reply: found or (_refused(items) if reply.status == 200 else {}))


@bug("target-query", "play first; fault 3 status committed; calm; judge")
def server_error_taken_for_refused() -> None:
    """A server's own error is taken for a no."""
    _decoding(lambda found, items, reply: found or (_refused(items) if reply.status >= 500 else {}))


@bug("target-query", "play first; fault 3 expired committed; calm; calm; judge")
def lost_sign_in_taken_for_not_done() -> None:
    """A 401 to a call with a body is taken for: nothing was done."""
    _decoding(lambda found, items, reply: found if reply.status != 401 else {
        item.stamp: Answer(fate="queued", reason="sign in again") for item in items})  # fmt: skip


@bug("target-key", "play first; fault 3 html; calm; judge")
def any_200_taken_for_done() -> None:
    """The status is looked at, the body is not."""
    done = Answer(fate="created", target="X-1")
    _decoding(lambda found, items, reply: found or {item.stamp: done for item in items if reply.status == 200})


@bug("target-key-3", "play first; muddle; calm; judge")
def missing_item_of_a_batch_taken_for_done() -> None:
    """Where the others of its batch were written, so was it."""

    def change(found: dict[str, Answer], items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        some = next(iter(found.values()), None)
        return found if some is None else {item.stamp: found.get(item.stamp, some) for item in items}

    _decoding(change)


@bug("target-key-3", "play first; muddle; calm; judge")
def answers_of_a_batch_by_their_place() -> None:
    """The answers of a batch are dealt out in their order, not by name."""

    def change(found: dict[str, Answer], items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        return {item.stamp: answer for item, answer in zip(items, found.values(), strict=False)}

    _decoding(change)


@bug("target-query", "play first; fault 3 dropped; calm; judge")
def done_once_it_was_sent() -> None:
    """Nobody said no, so it is called written."""
    numbers = itertools.count(1)
    put(flight, "_unclear", lambda real: lambda reason: Answer(fate="created", target=f"sent-{next(numbers)}"))


@bug("target-query", "play first; fault 3 lost; kill commit.after@drain._keep_replies#3; twin INV-1; calm; judge "
     "invoice/id:1=decide")  # fmt: skip
def two_hits_taken_for_one() -> None:
    """Of two things with the same stamp the first is taken, and nobody hears of the other."""
    put(resolving, "twice", lambda real: lambda target, one, ours: Answer(
        fate="created", target=ours[0].target, token=ours[0].token))  # fmt: skip


# -- other people, other companies, other times -----------------------------------------------------------------------


@bug("target-query", "play first; run; edit INV-1; play update; calm; judge invoice/id:1=differs")
def persons_edit_written_over() -> None:
    """What somebody changed in the target is not looked at; ours goes over it with the new version."""

    def found(real: Callable[..., Answer]) -> Callable[..., Answer]:
        def call(target: Target, one: Flight, hits: Any) -> Answer:
            hit = next(hit for hit in hits if hit.target == one.item.target)
            return resolving._absent(target, one, hit.token)

        return call

    put(resolving, "_found_target", found)


@bug("target-query", "play first; run; edit INV-1; play update; calm; judge invoice/id:1=differs")
def version_read_just_before_the_write() -> None:
    """The version is fetched anew before each update, so it is never stale, and guards nothing."""

    def sent(real: Callable[..., Reply]) -> Callable[..., Reply]:
        def call(self: Http, one: Call) -> Reply:
            if "If-Match" not in one.headers:
                return real(self, one)
            held = self.read("GET", "things", params={"id": one.path.split("/")[1]}).json()["things"][0]
            return real(self, msgspec.structs.replace(one, headers={**one.headers, "If-Match": held["version"]}))

        return call

    put(Http, "send", sent)


@bug("target-query", "play first; enter INV-2; wait 60; calm; judge invoice/id:2=decide")
def no_look_before_the_first_time() -> None:
    """What was entered by hand before Wherry came is made a second time."""
    put(Drain, "_must_look", lambda real: lambda self, tx, one: False)


@bug("target-query", "play first; kill commit.after@drain._keep_replies#1; reach T-2; run; reach T-1; calm; judge")
def company_not_checked() -> None:
    """Nobody looks whose books the credential opens today."""
    put(Company, "look", lambda real: lambda self: None)


@bug("target-query", "play first; run; other; judge second")
def token_kept_by_plugin() -> None:
    """Two connections of one plugin share one token, and so one company."""
    held: dict[str, str] = {}

    def reveal(real: Callable[..., str]) -> Callable[..., str]:
        def call(self: Any, connection: str, secret: Any) -> str:
            path = _kept(self.store)
            held.setdefault(SYSTEM, path.read_text() if path.exists() else real(self, connection, secret))
            path.write_text(held[SYSTEM])
            return held[SYSTEM]

        return call

    put(wiring.Wiring, "reveal", reveal)


def _kept(store: Store) -> Any:
    store.files.parent.mkdir(parents=True, exist_ok=True)
    return store.files.parent / "token"


@bug("target-query", "play first; run; backup; play more; run; restore; wait 120; calm; judge")
def old_backup_not_noticed() -> None:
    """A restored store believes that what it does not know of was never sent."""
    put(Drain, "_notice_restore", lambda real: lambda self, tx: None)


@bug("target-query", "play first; run; play update; run; play back; calm; judge")
def back_to_an_earlier_state_taken_for_unchanged() -> None:
    """A → B → A: the third version looks like the first, which was written."""

    def unchanged(real: Callable[..., bool]) -> Callable[..., bool]:
        def call(self: Any, step: Any, item: Item) -> bool:
            known = f"seen:{step.ref}:{steps.digest(item.body)}"
            if step.link is not None and calls.note(self.tx, known):
                return bool(self._done(step, steps.Outcome("unchanged", step.link.target)))
            calls.put_note(self.tx, known, "1")
            return real(self, step, item)

        return call

    put(writing.Settlement, "_unchanged", unchanged)


@bug("target-key", "play first; run; play update; run; play back; calm; judge")
def stamp_of_the_content_alone() -> None:
    """The key is a hash of what is sent: the third version has the key of the first."""

    def stamp(real: Callable[..., str]) -> Callable[..., str]:
        return lambda lane, draft, action, sequence, attempt: real(lane, draft, action, 1, 1)

    for module in (steps, rows):
        put(module, "stamp_of", stamp)


@bug("target-query", "play first; run; play update; run; play void; calm; judge")
def void_sent_twice() -> None:
    """A document is taken back once more after it was taken back."""

    def sent(real: Callable[..., Reply]) -> Callable[..., Reply]:
        def call(self: Http, one: Call) -> Reply:
            reply = real(self, one)
            if not one.path.endswith("/void"):
                return reply
            version = msgspec.json.decode(reply.body)["thing"]["version"]
            return real(self, msgspec.structs.replace(one, headers={**one.headers, "If-Match": version}))

        return call

    put(Http, "send", sent)


@bug("target-query", "play first; run; play void; calm; judge")
def void_taken_for_gone() -> None:
    """A document that was taken back at its source is only left out from then on."""
    put(engine, "take_back", lambda real: lambda job, kind, entries: set())


# -- numbers and dates ------------------------------------------------------------------------------------------------


@bug("target-query", "play first; calm; judge")
def money_in_floats() -> None:
    """An amount goes by way of a float."""

    def made(real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda own: lambda value, currency=own: {"minor": int(float(value) * 100), "currency": currency}

    put(transforms, "money_in", made)


@bug("target-query", "play first; calm; judge")
def date_by_way_of_utc() -> None:
    """A plain date becomes midnight in the company's zone, and that the day in UTC."""

    def dated(real: Callable[..., Any]) -> Callable[..., Any]:
        def make(zone: ZoneInfo) -> Callable[..., Any]:
            def date(value: Any, timezone: str | None = None) -> str | None:
                found = real(zone)(value)
                midnight = dt.datetime.fromisoformat(found).replace(tzinfo=zone) if found else None
                return midnight.astimezone(dt.UTC).date().isoformat() if midnight else None

            return date

        return make

    put(transforms, "date_in", dated)
