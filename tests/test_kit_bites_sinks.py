"""The kit is worth what it catches: a sink that lies about its target is found out, each by the check made for it."""

from __future__ import annotations

import inspect
import itertools
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from wherry.errors import Rejected, TryAgain, WherryError
from wherry.records import Answer, Call, Facts, Found, Item, Listed, Reply
from wherry.roles import Account
from wherry.simulator import Clock, serve
from wherry.testing.atomic import AtomicSinkSuite
from wherry.testing.polled import PolledSinkSuite
from wherry.testing.services import SECRET
from wherry.testing.sinks import SinkSuite, SinkTrial
from wherry.testing.target import Ability, Target
from wherry.testing.target_sink import AskingSink, TargetSink, facts_of
from wherry.testing.target_trial import START, target_trial

from . import liars, liars_edges, liars_real, liars_saying, liars_unthought

_numbers = itertools.count()


class Mute(TargetSink):
    """Names no account and cannot hold what it is given."""

    entities = ("ship",)


class NewAccount(TargetSink):
    def check(self) -> Account:
        return Account(f"T-{next(_numbers)}", "Books")


class Sturdy(TargetSink):
    """Takes a lost sign-in for a bad moment."""

    def check(self) -> Account:
        try:
            return super().check()
        except WherryError as error:
            raise TryAgain(str(error)) from error


class DropsTheLast(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode(items[:-1])


class SendsTwice(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([*items, *items[:1]])


class Greedy(TargetSink):
    """Puts everything into one call."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return [self._batch(items)] if items else []


class TellsTheTime(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        told = {"X-Request": str(next(_numbers))}
        return [msgspec.structs.replace(call, headers={**call.headers, **told}) for call in super().encode(items)]


class HashesText(TargetSink):
    """Orders the fields of a body by a set: another process has another order."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        seed = str(hash("a text"))
        return [
            msgspec.structs.replace(call, headers={**call.headers, "X-Order": seed}) for call in super().encode(items)
        ]


class SpoilsItems(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        for item in items:
            item.body["seen"] = True
        return super().encode(items)


class ForgetsTheStamp(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        bare = [msgspec.structs.replace(item, stamp="none") for item in items]
        pairs = zip(super().encode(bare), items, strict=True)
        return [msgspec.structs.replace(call, items=(item.stamp,)) for call, item in pairs]


class SignsItself(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        told = {"Authorization": f"Bearer {SECRET}"}
        return [msgspec.structs.replace(call, headers={**call.headers, **told}) for call in super().encode(items)]


class LooksFirst(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        self.http.read("GET", "company")
        return super().encode(items)


class RejectsNobody(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        try:
            return super().encode(items)
        except Rejected as error:
            raise Rejected(error.message, fix=error.fix) from None


class GoesByStatus(TargetSink):
    """A 200 is done, a 4xx is refused, whatever the body says."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        if reply.status < 300:
            return {item.stamp: Answer(fate="created", target="X-1") for item in items}
        return {item.stamp: Answer(fate="refused", reason="no") for item in items}


class GoesByBody(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        return super().decode(call, items, msgspec.structs.replace(reply, status=200))


class FindsAnId(TargetSink):
    """Takes any id that it can make out in what is left of a reply."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        if b'"id":' not in reply.body.replace(b" ", b""):
            return super().decode(call, items, reply)
        return {item.stamp: Answer(fate="created", target="X-1") for item in items}


class TakesAnyJson(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        try:
            msgspec.json.decode(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return {item.stamp: Answer(fate="created", target="X-1") for item in items}


class MatchesByPlace(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        if call.path != "batch":
            return super().decode(call, items, reply)
        things = [one.get("thing") for one in msgspec.json.decode(reply.body)["results"]]
        return {item.stamp: Answer(fate="created", target=thing["id"], facts=facts_of(thing))
                for item, thing in zip(items, things, strict=False)}  # fmt: skip


class TakesTheMissingForDone(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        some = next(iter(found.values()))
        return {item.stamp: found.get(item.stamp, some) for item in items}


class TellsNoTotal(TargetSink):
    def facts(self, item: Item) -> Facts:
        return {name: value for name, value in super().facts(item).items() if name not in ("total", "lines")}


class MakesAnew(TargetSink):
    """An update that makes a second thing."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(item, target=None, token="") for item in items])


class TakesStaleForRefused(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        return found if reply.status != 412 else {item.stamp: Answer(fate="refused", reason="stale") for item in items}


class VoidsNothing(TargetSink):
    """Writes the thing once more where it is to be taken back."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(item, action="write") for item in items])


class ClaimsRecognition(AskingSink):
    """Says that the target knows a repeated call, where it does not."""

    resend_for = 3_600.0

    def __init__(self, *given: Any, **told: Any) -> None:
        super().__init__(*given, **told)
        self.resend_for = 3_600.0


class ForgetsOften(TargetSink):
    """Tells another target each time."""

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        return {
            stamp: msgspec.structs.replace(one, target=f"{one.target}-{next(_numbers)}") for stamp, one in found.items()
        }


class FindsNothing(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {item.stamp: [] for item in items}


class FindsAlways(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {item.stamp: [Found(target="X-1", ours=True)] for item in items}


class Hasty(AskingSink):
    """Does not wait for the index."""

    def __init__(self, *given: Any, **told: Any) -> None:
        super().__init__(*given, **told)
        self.settle = 1.0


class JustTooHasty(AskingSink):
    """Waits for the slowest call, but not for the index behind it."""

    def __init__(self, *given: Any, **told: Any) -> None:
        super().__init__(*given, **told)
        self.settle = 31.0


class TakesAlikeForOurs(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found = super().found(call, items, reply)
        return {stamp: [msgspec.structs.replace(hit, ours=True) for hit in hits] for stamp, hits in found.items()}


class FindsOne(AskingSink):
    """The first hit will do."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return {stamp: hits[:1] for stamp, hits in super().found(call, items, reply).items()}


class TellsWhatItWishes(AskingSink):
    """The facts of a find are those of the item, not of what stands there."""

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found, wished = super().found(call, items, reply), {item.stamp: self.facts(item) for item in items}
        return {
            stamp: [msgspec.structs.replace(hit, facts=wished[stamp]) for hit in hits] for stamp, hits in found.items()
        }


class AsksForSome(AskingSink):
    def ask(self, items: Sequence[Item]) -> list[Call]:
        return super().ask(items[:1])


class SameBooks(TargetSink):
    """Says whose books it knew first, whatever is reached."""

    def check(self) -> Account:
        super().check()
        return Account("T-1", "Books")


class DatesByTheMachine(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        told = {"X-Zone": time.strftime("%z")}
        return [msgspec.structs.replace(call, headers={**call.headers, **told}) for call in super().encode(items)]


class KeepsTheOrder(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        told = {"X-Fields": ",".join(name for item in items for name in item.body)}
        return [msgspec.structs.replace(call, headers={**call.headers, **told}) for call in super().encode(items)]


class TakesAnyAnswer(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        thing = msgspec.json.decode(reply.body)["thing"]
        return {item.stamp: Answer(fate="created", target=thing["id"], facts=self.facts(item)) for item in items}


class NeedsWhatItEncoded(TargetSink):
    """Decodes what it encoded itself, and nothing that an earlier process did."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        self.known = {item.stamp for item in items}
        return super().encode(items)

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        return {stamp: one for stamp, one in found.items() if stamp in getattr(self, "known", ())}


class TakesThrottledForRefused(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        if reply.status == 429:
            return {item.stamp: Answer(fate="refused", reason="too many") for item in items}
        return super().decode(call, items, reply)


class OneBadAllBad(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        bad = any(one.fate == "refused" for one in found.values())
        return {item.stamp: Answer(fate="refused", reason="one is bad") for item in items} if bad else found


class KeepsOldWords(TargetSink):
    """Sends what an earlier body named, where this one does not."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode(
            [msgspec.structs.replace(item, body={**(item.before or {}), **item.body}) for item in items]
        )


class TellsTheFirstVersion(TargetSink):
    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        found = super().decode(call, items, reply)
        return {stamp: msgspec.structs.replace(one, token="1") for stamp, one in found.items()}


class DropsALine(TargetSink):
    """The last line is left out, of the total too: everything adds up, and it says so itself."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([self._short(item) for item in items])

    def facts(self, item: Item) -> Facts:
        return super().facts(self._short(item))

    def _short(self, item: Item) -> Item:
        lines = item.body["lines"][:-1]
        total = {**item.body["total"], "minor": sum(line["amount"]["minor"] for line in lines)}
        return msgspec.structs.replace(item, body={**item.body, "lines": lines, "total": total})


class FloatMoney(TargetSink):
    """Cuts what a binary fraction has left over."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(item, body=self._cut(item.body)) for item in items])

    def facts(self, item: Item) -> Facts:
        return super().facts(msgspec.structs.replace(item, body=self._cut(item.body)))

    def _cut(self, body: dict[str, Any]) -> dict[str, Any]:
        lines = [{**line, "amount": self._floor(line["amount"])} for line in body["lines"]]
        return {**body, "lines": lines, "total": {**body["total"], "minor": sum(x["amount"]["minor"] for x in lines)}}

    def _floor(self, money: dict[str, Any]) -> dict[str, Any]:
        return {**money, "minor": int(float(f"{money['minor'] / 100:.2f}") * 100)}


class AsksForFifty(AskingSink):
    def ask(self, items: Sequence[Item]) -> list[Call]:
        return super().ask(items[:50])


class FindsTheUntouched(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found = super().found(call, items, reply)
        return {stamp: [hit for hit in hits if hit.token == "1"] for stamp, hits in found.items()}


class TakesHalfForNothing(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        return super().found(call, items, reply) or {item.stamp: [] for item in items}


class SpeaksAscii(TargetSink):
    """Writes what it can spell, and says that this is what was asked for."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        return super().encode([msgspec.structs.replace(item, body=self._plain(item.body)) for item in items])

    def _plain(self, body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "memo": body.get("memo", "").encode("ascii", "ignore").decode()}


class FindsTheSpellable(AskingSink):
    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        found, by_stamp = super().found(call, items, reply), {item.stamp: item for item in items}
        return {stamp: hits if by_stamp[stamp].body["memo"].isascii() else [] for stamp, hits in found.items()}


class TellsItsToken(TargetSink):
    def check(self) -> Account:
        logging.getLogger("books").debug("signing in with %s", SECRET)
        return super().check()


class Prints(TargetSink):
    def encode(self, items: Sequence[Item]) -> list[Call]:
        print("sending", len(items))  # noqa: T201
        return super().encode(items)


class OpensASocket(TargetSink):
    def check(self) -> Account:
        port = self.http._addresses.base.port
        assert port is not None
        socket.create_connection(("127.0.0.1", port)).close()
        return super().check()


class Impatient(TargetSink):
    def check(self) -> Account:
        while (answer := self.http.read("GET", "company", allow=frozenset({429}))).status == 429:
            pass
        return Account(answer.json()["id"], "Books")


class KeepsEverything(TargetSink):
    def __init__(self, *given: Any, **told: Any) -> None:
        super().__init__(*given, **told)
        self.kept: list[Any] = []

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        self.kept.append((call, reply))
        return super().decode(call, items, reply)


class ListsTheFirst(AskingSink):
    def listing(self, entity: str) -> Iterator[Listed]:
        yield from itertools.islice(super().listing(entity), 2)


INVOICES = "test_an_update_changes_the_same_thing_once"
LIARS: list[tuple[type[TargetSink], Ability, int, str]] = [
    (Mute, "key", 1, "test_the_sink_has_all_that_a_sink_needs"),
    (NewAccount, "key", 1, "test_check_names_the_same_account_every_time"),
    (Sturdy, "key", 1, "test_a_lost_sign_in_ends_check_with_access_lost"),
    (DropsTheLast, "key", 2, "test_every_item_is_in_exactly_one_call_in_order"),
    (SendsTwice, "key", 1, "test_every_item_is_in_exactly_one_call_in_order"),
    (Greedy, "key", 2, "test_no_call_carries_more_items_than_batch"),
    (TellsTheTime, "key", 1, "test_encoding_is_pure"),
    (SpoilsItems, "key", 1, "test_encoding_is_pure"),
    (HashesText, "key", 1, "test_encoding_in_another_process_gives_the_same_bytes"),
    (ForgetsTheStamp, "query", 1, "test_a_call_holds_its_items_and_their_stamps"),
    (SignsItself, "key", 1, "test_no_secret_is_frozen_with_a_call"),
    (LooksFirst, "key", 1, "test_encoding_decoding_and_facts_ask_nobody"),
    (RejectsNobody, "key", 1, "test_what_cannot_be_said_is_rejected_by_its_name"),
    (GoesByStatus, "key", 2, "test_what_was_written_is_told_with_target_and_facts"),
    (TellsNoTotal, "key", 1, "test_what_was_written_is_told_with_target_and_facts"),
    (GoesByStatus, "key", 1, "test_a_reply_that_says_nothing_settles_nothing"),
    (GoesByBody, "key", 1, "test_a_good_body_under_a_bad_status_is_not_believed"),
    (FindsAnId, "key", 1, "test_a_reply_that_breaks_off_settles_nothing"),
    (TakesAnyJson, "key", 1, "test_junk_settles_nothing"),
    (MatchesByPlace, "key", 4, "test_answers_are_matched_by_name_not_by_place"),
    (TakesTheMissingForDone, "key", 4, "test_answers_are_matched_by_name_not_by_place"),
    (MakesAnew, "query", 1, INVOICES),
    (TellsNoTotal, "key", 1, "test_facts_tell_two_bodies_apart"),
    (TakesStaleForRefused, "query", 1, "test_a_stale_token_is_unknown_and_changes_nothing"),
    (VoidsNothing, "query", 1, "test_a_void_takes_the_thing_back_once"),
    (ClaimsRecognition, "query", 1, "test_a_repeated_create_has_one_effect"),
    (ClaimsRecognition, "none", 1, "test_a_repeated_create_has_one_effect"),
    (ClaimsRecognition, "query", 4, "test_a_repeated_create_has_one_effect"),
    (ForgetsOften, "key", 1, "test_a_repeated_call_tells_the_same_target_every_time"),
    (ClaimsRecognition, "query", 1, "test_a_repeated_update_or_void_has_one_effect"),
    (FindsNothing, "query", 1, "test_what_was_written_is_found_as_ours"),
    (FindsAlways, "query", 1, "test_what_was_never_written_is_proved_absent"),
    (FindsAlways, "query", 1, "test_what_was_written_for_another_record_is_not_ours"),
    (Hasty, "query", 1, "test_a_call_carried_out_late_is_found_after_settle"),
    (JustTooHasty, "query", 1, "test_a_call_carried_out_late_is_found_after_settle"),
    (TakesAlikeForOurs, "query", 1, "test_a_thing_entered_by_hand_is_alike_not_ours"),
    (FindsOne, "query", 1, "test_two_things_of_one_stamp_are_two_hits"),
    (TellsWhatItWishes, "query", 1, "test_a_target_that_is_known_is_found_as_it_stands"),
    (FindsNothing, "query", 1, "test_a_reply_that_says_nothing_proves_nothing_absent"),
    (AsksForSome, "query", 1, "test_asking_looks_for_every_item_and_changes_nothing"),
    (SameBooks, "key", 1, "test_another_company_is_another_account"),
    (DatesByTheMachine, "key", 1, "test_a_call_is_the_same_in_every_time_zone_and_on_every_day"),
    (KeepsTheOrder, "key", 1, "test_the_order_of_the_fields_of_a_body_makes_no_difference"),
    (TakesAnyAnswer, "key", 1, "test_the_answer_to_another_call_settles_nothing"),
    (NeedsWhatItEncoded, "key", 1, "test_decoding_leaves_what_it_is_given_and_says_the_same_again"),
    (TakesThrottledForRefused, "key", 1, "test_a_call_that_was_turned_away_is_not_counted_as_made"),
    (OneBadAllBad, "key", 4, "test_one_bad_record_does_not_stop_the_others"),
    (KeepsOldWords, "key", 1, "test_what_a_body_no_longer_names_is_emptied"),
    (TellsTheFirstVersion, "query", 1, "test_every_write_is_known_by_a_version_of_its_own"),
    (MakesAnew, "query", 1, "test_a_change_of_what_is_not_there_makes_nothing"),
    (DropsALine, "key", 1, "test_the_target_holds_every_line_with_its_side_and_amount"),
    (DropsALine, "query", 1, "test_a_change_arrives_line_by_line"),
    (FloatMoney, "key", 1, "test_amounts_arrive_to_the_last_penny"),
    (AsksForFifty, "query", 4, "test_many_are_asked_for_at_once_and_each_is_told"),
    (FindsTheUntouched, "query", 1, "test_what_a_person_changed_since_is_still_found"),
    (TakesHalfForNothing, "query", 1, "test_half_a_list_proves_nothing_absent"),
    (SpeaksAscii, "key", 1, "test_strange_text_is_written_or_refused_and_harms_nothing_beside_it"),
    (FindsTheSpellable, "query", 1, "test_what_has_a_strange_text_is_found_again"),
    (TellsItsToken, "key", 1, "test_secrets_are_in_no_log_and_in_no_error"),
    (Prints, "key", 1, "test_nothing_is_printed"),
    (OpensASocket, "key", 1, "test_no_connection_is_opened_but_by_the_cores_client"),
    (Impatient, "key", 1, "test_a_look_waits_as_long_as_it_is_told_to"),
    (KeepsEverything, "key", 1, "test_nothing_is_kept_of_what_passes_through"),
    (ListsTheFirst, "query", 1, "test_a_listing_has_every_thing_once"),
    *liars.LIARS,
    *liars_unthought.LIARS,
    *liars_edges.LIARS,
    *liars_real.LIARS,
    *liars_saying.LIARS,
]
PROVED_BY_PLUGINS = {
    "test_a_due_date_that_nobody_named_is_not_made_up",
    "test_what_entries_seldom_say_is_said_too",
    "test_a_line_of_nothing_holds_up_no_entry",
    "test_nothing_is_written_into_a_closed_period",
    "test_a_place_that_is_taken_is_not_said_to_be_written",
    "test_what_it_lists_of_the_books_is_what_moved_them",
    "test_what_was_written_is_listed_once_by_its_own_id",
}
"""The kit's own target keeps no books, due dates or closed periods, and nothing is in the way there; plants in our
sinks show that these bite."""


@contextmanager
def on_trial(folder: Path, liar: type[TargetSink], ability: Ability, batch: int, **told: Any) -> Iterator[SinkTrial]:
    target = Target(ability, clock=Clock(START), **told)
    with serve(target.app()) as url:
        made = lambda http, ability, batch: liar(http, ability, batch=batch)  # noqa: E731
        with target_trial(target, url, folder, batch=batch, made=made) as trial:
            yield trial


def run(check: str, trial: SinkTrial, elsewhere: bytes = b"", **told: Any) -> None:
    """A check of the suite, as pytest would call it."""
    held = {"trial": trial, "share": 0.99, "what": "change", "elsewhere": lambda ours: elsewhere, **told}
    wanted = inspect.signature(getattr(SinkSuite, check)).parameters
    getattr(SinkSuite(), check)(**{name: held[name] for name in wanted if name != "self"})


@pytest.mark.parametrize(
    ("liar", "ability", "batch", "check"), LIARS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_a_sink_that_lies_is_found_out(
    tmp_path: Path, liar: type[TargetSink], ability: Ability, batch: int, check: str, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told = {"caplog": caplog, "capfd": capfd, "monkeypatch": monkeypatch}
    with on_trial(tmp_path, liar, ability, batch) as trial:
        with pytest.raises((AssertionError, KeyError, TryAgain, ValueError)):
            run(check, trial, elsewhere=b"what another process made of it", **told)


def test_a_target_that_forgets_sooner_than_its_sink_claims_is_found_out(tmp_path: Path) -> None:
    """The claim is tried to its end, not only at once."""
    with on_trial(tmp_path, AskingSink, "key", 1, retention=60.0) as trial:
        with pytest.raises(AssertionError, match="resend_for is not true"):
            run("test_a_repeated_create_has_one_effect", trial)


@pytest.mark.parametrize("suite", [SinkSuite, PolledSinkSuite, AtomicSinkSuite])
def test_a_sink_of_any_kind_is_tried_by_forty_checks(suite: type[Any]) -> None:
    assert len([name for name in dir(suite) if name.startswith("test_")]) >= 40


def test_every_check_of_the_sink_suite_catches_something() -> None:
    checks = {name for name in dir(SinkSuite) if name.startswith("test_")}
    assert checks == {check for *_, check in LIARS} | PROVED_BY_PLUGINS
    assert len(checks) >= 40
