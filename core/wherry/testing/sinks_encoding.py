"""Checks of what a sink sends: every record once, the same bytes everywhere, nothing that should not be stored."""

from __future__ import annotations

import copy
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from wherry.errors import AccessLost, Rejected
from wherry.roles import CallSinkWriter
from wherry.testing import guarantees as promise
from wherry.testing.elsewhere import Elsewhere
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.mapper_trial import outside
from wherry.testing.sink_trial import (
    DAY,
    SinkTrial,
    carried,
    created,
    needed,
    over_http,
    plain,
    stamp_of,
    steps_of,
)
from wherry.testing.trial import no_account, strays

ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago")
"""The first and the last place on earth where a day begins."""
WHOSE = ("HOME", "USER", "LOGNAME", "HOSTNAME", "LANG", "LC_ALL", "PWD")


class Encoding(Elsewhere):
    """What goes out."""

    @guarantee(promise.BOOKS)
    def test_the_sink_has_all_that_a_sink_needs(self, trial: SinkTrial) -> None:
        sink, item = trial.make(), trial.items(1)[0]
        assert isinstance(sink, CallSinkWriter)
        assert item.entity in sink.entities
        assert sink.batch >= 1
        assert sink.width >= 1
        assert sink.settle >= 0
        assert sink.resend_for is None or sink.resend_for > 0

    @guarantee(promise.BOOKS)
    def test_check_names_the_same_account_every_time(self, trial: SinkTrial) -> None:
        first, again = trial.make().check(), trial.make().check()
        assert first.id, "an account has an id: what is written is bound to it"
        assert first.name, "an account has a name for people"
        assert (first.id, first.name) == (again.id, again.name)

    @guarantee(promise.BOOKS)
    def test_looking_whose_books_these_are_changes_nothing_in_them(self, trial: SinkTrial) -> None:
        """Who only tries a connection has not asked for anything to be made there."""
        sink, before = trial.make(), len(trial.stage.history.effects())
        sink.check()
        assert len(trial.stage.history.effects()) == before

    @guarantee(promise.BOOKS)
    def test_a_lost_sign_in_ends_check_with_access_lost(self, trial: SinkTrial) -> None:
        sink = trial.make()
        trial.stage.faults.add("expired", times=10_000)
        with pytest.raises(AccessLost):
            sink.check()

    @guarantee(promise.BOOKS)
    def test_junk_is_never_taken_for_an_account(self, trial: SinkTrial) -> None:
        sink = trial.make()
        over_http(sink)
        no_account(sink.check, trial.stage.faults)

    @guarantee(promise.BOOKS)
    def test_another_company_is_another_account(self, trial: SinkTrial) -> None:
        """What was bound to one company is never written to another: the core compares the ids."""
        move = needed(trial.move, "cannot have the sign-in open another company")
        before = trial.make().check()
        move()
        assert trial.make().check().id != before.id, "the id is that of the company that is reached, asked for anew"

    @guarantee(promise.EACH_ONCE)
    def test_every_item_is_in_exactly_one_call_in_order(self, trial: SinkTrial) -> None:
        sink = trial.make()
        items = trial.items(2 * sink.batch + 1)
        assert [stamp for call in sink.encode(items) for stamp in call.items] == [item.stamp for item in items]
        assert sink.encode([]) == []

    @guarantee(promise.EACH_ONCE)
    def test_no_call_carries_more_items_than_batch(self, trial: SinkTrial) -> None:
        sink = trial.make()
        calls = sink.encode(trial.items(2 * sink.batch + 1))
        assert max(len(call.items) for call in calls) <= sink.batch
        assert min(len(call.items) for call in calls) >= 1

    @guarantee(promise.SAME_BYTES)
    def test_encoding_is_pure(self, trial: SinkTrial) -> None:
        """Again, by a fresh sink, of equal items: equal bytes. And the items are left as they were."""
        items = list(trial.items(3))
        given, sink = copy.deepcopy(items), trial.make()
        calls = sink.encode(items)
        assert items == given
        assert plain(sink.encode(items)) == plain(calls)
        assert plain(trial.make().encode(copy.deepcopy(given))) == plain(calls)

    @guarantee(promise.SAME_BYTES)
    def test_encoding_in_another_process_gives_the_same_bytes(
        self, trial: SinkTrial, elsewhere: Callable[[bytes], bytes]
    ) -> None:
        encoded = plain(trial.make().encode(trial.items(3)))
        assert elsewhere(encoded) == encoded

    @guarantee(promise.SAME_BYTES)
    def test_a_call_is_the_same_in_every_time_zone_and_on_every_day(self, trial: SinkTrial) -> None:
        """An accounting date is a plain date: no clock and no zone of a machine has a say in it."""
        items = list(trial.items(2))
        calls = plain(trial.make().encode(items))
        for zone in ZONES:
            with in_zone(zone):
                assert plain(trial.make().encode(items)) == calls, f"another call in {zone}"
        trial.wait(40 * DAY + 3_600)
        assert plain(trial.make().encode(items)) == calls, "another call a month later"

    @guarantee(promise.SAME_BYTES)
    def test_a_change_is_the_same_call_everywhere_and_on_every_day(self, trial: SinkTrial) -> None:
        """What is sent again after a crash is what was sent before it: of changes and voids, too."""
        items = list(trial.items(2))
        steps = steps_of(trial, items, created(trial.make(), items))

        def said() -> list[bytes]:
            sink = trial.make()
            return [plain(sink.encode([step])) for step in steps]

        calls = said()
        for zone in ZONES:
            with in_zone(zone):
                assert said() == calls, f"another call in {zone}"
        trial.wait(40 * DAY + 3_600)
        assert said() == calls, "another call a month later"

    @guarantee(promise.SAME_BYTES)
    def test_a_call_is_the_same_whoever_runs_it_and_where(
        self, trial: SinkTrial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The name of a machine or of a user, and the language it speaks, are no part of a record."""
        items = list(trial.items(2))
        calls = plain(trial.make().encode(items))
        sink = trial.make()
        for name in WHOSE:
            monkeypatch.setenv(name, "somewhere-else")
        monkeypatch.setattr(socket, "gethostname", lambda: "somewhere-else")
        monkeypatch.setattr(os, "getpid", lambda: 4_711)
        again = plain(sink.encode(items))
        monkeypatch.undo()
        assert again == calls

    @guarantee(promise.SAME_BYTES)
    def test_the_order_of_the_fields_of_a_body_makes_no_difference(self, trial: SinkTrial) -> None:
        """A store may hand them back in another; equal bodies are equal calls."""
        sink, items = trial.make(), trial.items(2)
        turned = [msgspec.structs.replace(item, body=_turned(item.body)) for item in items]
        assert plain(sink.encode(turned)) == plain(sink.encode(items))

    @guarantee(promise.NEVER_TWICE)
    def test_a_call_holds_its_items_and_their_stamps(self, trial: SinkTrial) -> None:
        """Another body gives other bytes, and each stamp goes along: by it the target's record is found again."""
        sink, item = trial.make(), trial.items(1)[0]
        call = sink.encode([item])[0]
        other = sink.encode([msgspec.structs.replace(item, body=trial.changed(item))])[0]
        assert (call.body, call.path) != (other.body, other.path), "a changed body makes the same call"
        again = sink.encode([msgspec.structs.replace(item, stamp=stamp_of("another"))])[0]
        sent = plain([msgspec.structs.replace(call, items=())])
        assert sent != plain([msgspec.structs.replace(again, items=())]), "the stamp is nowhere in the call"

    @guarantee(promise.SECRETS)
    def test_no_secret_is_frozen_with_a_call(self, trial: SinkTrial) -> None:
        sink = trial.make()
        for call in sink.encode(trial.items(3)):
            names = {name.lower() for name in call.headers}
            assert names.isdisjoint({"authorization", "proxy-authorization", "cookie"}), "the core signs, when it sends"
            assert not trial.secret or trial.secret.encode() not in plain([call])

    @guarantee(promise.ONE_DOOR)
    def test_encoding_decoding_and_facts_ask_nobody(self, trial: SinkTrial) -> None:
        sink, items = trial.make(), trial.items(2)
        calls = sink.encode(items)
        replies = [(call, sink.http.send(call)) for call in calls]
        asked = len(trial.stage.history.requests())

        def all_of_it() -> None:
            sink.encode(items)
            for call, reply in replies:
                sink.decode(call, carried(items, call), reply)
            for item in items:
                sink.facts(item)

        all_of_it()  # what is imported at the first use is no reading
        with strays() as found, outside() as heard:
            all_of_it()
        assert found == []
        assert heard == [], "no file either: what is kept of a call, the core keeps"
        assert len(trial.stage.history.requests()) == asked

    @guarantee(promise.EACH_ITS_OWN)
    def test_what_cannot_be_said_is_rejected_by_its_name(self, trial: SinkTrial) -> None:
        bad = needed(trial.rejected, "names nothing that cannot be said")
        with pytest.raises(Rejected) as caught:
            trial.make().encode([*trial.items(1), bad])
        assert caught.value.where.get("item") == bad.stamp, "the others of its batch are to go on"
        assert caught.value.message
        assert caught.value.fix
        assert trial.make().encode(trial.items(1)), "what was rejected leaves nothing behind that the others suffer by"


@contextmanager
def in_zone(name: str) -> Iterator[None]:
    """This process as if it stood there."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        tried("time zones")
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def _turned(value: Any) -> Any:
    """The same with the fields of every object in the opposite order."""
    if isinstance(value, Mapping):
        return {name: _turned(inner) for name, inner in reversed(list(value.items()))}
    return [_turned(one) for one in value] if isinstance(value, list) else copy.copy(value)
