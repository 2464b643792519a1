"""The kit is worth what it catches: a sound source passes it, each planted bug fails the check made for it."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import random
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from msgspec import Struct
from wherry.errors import AccessLost, ConfigError, Rejected, TryAgain, WherryError
from wherry.http import Profile
from wherry.records import Page, Record
from wherry.roles import Account, Description, FieldInfo, Query, Services
from wherry.simulator import Call, Reply, Routes, Stage, StandIn, serve
from wherry.simulator import Clock as SimulatorClock
from wherry.testing.services import SECRET, SharedClock, services
from wherry.testing.sources import SourceSuite, Trial

PAGE = 3
START = "2026-01-05T09:00:00Z"
FIELDS = ("name", "size")


class Things(Struct):
    now: int
    items: list[dict[str, Any]]
    more: bool = False


class Owner(Struct):
    id: str
    name: str


class System(StandIn):
    """Things with a stamp in whole seconds, listed by stamp and id; each belongs to the one owner."""

    def __init__(self) -> None:
        super().__init__(Stage(SimulatorClock(START)))
        self.rows: dict[str, dict[str, Any]] = {}
        self.account = "a-1"
        self.numbers = itertools.count(1)
        self.routes = Routes(
            [("GET", "/account", self._account), ("GET", "/things", self._list), ("GET", "/ids", self._ids)]
        )

    def answer(self, call: Call) -> Reply:
        handler = self.routes.find(call)
        if call.bearer != SECRET or handler is None:
            return Reply(401 if handler else 404, {"message": f"{call.bearer} is not welcome"})
        return handler(call)

    def create(self, count: int) -> list[str]:
        made = [str(next(self.numbers)) for _ in range(count)]
        for name in made:
            self.rows[name] = {"id": name, "name": f"Thing {name}", "size": 1, "changed": self.now}
        return made

    def change(self, name: str) -> None:
        self.rows[name] = {**self.rows[name], "size": self.rows[name]["size"] + 1, "changed": self.now}

    def write(self, name: str, text: str) -> str:
        self.rows[name] = {**self.rows[name], "name": text, "changed": self.now}
        return text

    def remove(self, name: str) -> None:
        del self.rows[name]

    @property
    def now(self) -> int:
        return int(self.stage.clock.now())

    def _account(self, call: Call) -> Reply:
        return Reply(200, {"id": self.account, "name": "Things"})

    def _list(self, call: Call) -> Reply:
        start, after, skip = (int(call.query.get(name, "0")) for name in ("from", "after", "skip"))
        if "seen" in call.query:
            self.stage.effect("seen")
        rows = sorted(self.rows.values(), key=lambda row: (row["changed"], int(row["id"])))
        rows = [row for row in rows if (row["changed"], int(row["id"])) > (start, after)][skip:]
        return Reply(200, {"now": self.now, "items": rows[:PAGE], "more": len(rows) > PAGE})

    def _ids(self, call: Call) -> Reply:
        asked = call.query.get("ids", "").split(",")
        return Reply(200, {"now": self.now, "items": [self.rows[name] for name in asked if name in self.rows]})


class Sound:
    """A source as it should be."""

    kinds: Sequence[str] = ("thing",)
    chunk = 2

    def __init__(self, services: Services, url: str) -> None:
        self.services, self.http, self.url = services, services.http(Profile(base_url=url)), url

    def check(self) -> Account:
        found: Owner = self.http.read("GET", "/account", expect=Owner).data
        return Account(found.id, found.name)

    def read(self, query: Query) -> Iterator[Page]:
        start, after, bound = max(self.mark_of(query.after), self.since(query)), 0, 0
        while True:
            found = self.things("/things", {"from": start, "after": after})
            bound = bound or found.now
            if found.items:
                start, after = found.items[-1]["changed"], int(found.items[-1]["id"])
            yield Page([self.record(row, query.fields) for row in found.items], str(min(start, bound)))
            if not found.more or self.passed(start, bound):
                return

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        for record in records:
            if "owner" in relatives:
                record.relatives["owner"] = [Record(kind="owner", id="o-1", version="1", payload=b'{"name":"Ines"}')]
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        return [self.record(row, fields) for row in self.things("/ids", {"ids": ",".join(ids)}).items]

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        there = {record.id: record for record in self.fetch(kind, ids, fields)}
        yield from (there.get(name) or Record(kind=kind, id=name, version="", gone="deleted") for name in ids)

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        return Description(tuple(FieldInfo(name) for name in FIELDS))

    # what the planted bugs change

    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        found: Things = self.http.read("GET", path, params=params, expect=Things).data
        return found

    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        payload = msgspec.json.encode({name: row[name] for name in fields if name in row})
        return Record(kind="thing", id=row["id"], version=str(row["changed"]), payload=payload)

    def passed(self, start: int, bound: int) -> bool:
        return start > bound

    def mark_of(self, mark: str | None) -> int:
        if mark and not mark.isdecimal():
            raise ConfigError("that is no mark of things", fix="read from the start")
        return int(mark or 0)

    def since(self, query: Query) -> int:
        return int(query.since.timestamp()) if query.since else 0


# -- the bugs ----------------------------------------------------------------------------------------------------------


class LosesTies(Sound):
    """Goes on with the next second, as if a second held a page at most."""

    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        behind = {"from": params["from"] + 1} if params.get("after") else params
        return super().things(path, behind)


class MarksTooFar(Sound):
    """Thinks that the second it read last is over."""

    def read(self, query: Query) -> Iterator[Page]:
        for page in super().read(query):
            yield Page(page.records, str(int(page.mark) + 1))


class PagesByOffset(Sound):
    """Counts instead of keeping the place: a change shifts a record past it."""

    def read(self, query: Query) -> Iterator[Page]:
        start, skip = max(self.mark_of(query.after), self.since(query)), 0
        while True:
            found = self.things("/things", {"from": start, "skip": skip})
            skip += PAGE
            mark = max([start, *(row["changed"] for row in found.items)])
            yield Page([self.record(row, query.fields) for row in found.items], str(mark))
            if not found.more:
                return


class NewestFirst(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        pages = list(super().read(query))
        records = [record for page in pages for record in page.records]
        yield Page(sorted(records, key=lambda record: record.version, reverse=True), pages[-1].mark)


class NeverEnds(Sound):
    """Follows a system that never rests."""

    def passed(self, start: int, bound: int) -> bool:
        return False


class ForgetsItsMark(Sound):
    """Reads everything every time."""

    def mark_of(self, mark: str | None) -> int:
        super().mark_of(mark)
        return 0


class StopsAtOnePage(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        yield next(super().read(query))


class ForgetsSince(Sound):
    def since(self, query: Query) -> int:
        return 0


class TakesAnyMark(Sound):
    def mark_of(self, mark: str | None) -> int:
        return int(mark) if mark and mark.isdecimal() else 0


class StampsItsPayload(Sound):
    """Puts the time of the reading into the record."""

    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        made = super().record({**row, "read_at": self.services.clock.now().isoformat()}, (*fields, "read_at"))
        return made


class DrainsItsQuery(Sound):
    """Uses up the mapping it was given."""

    def read(self, query: Query) -> Iterator[Page]:
        query.relatives.clear()  # type: ignore[attr-defined]
        yield from super().read(query)


class SortsWhatItCompletes(Sound):
    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        return sorted(super().complete(records, relatives), key=lambda record: int(record.id))


class AddsUnasked(Sound):
    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        return super().complete(records, {"owner": ("name",)})


class CompletesTheFirstAlone(Sound):
    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        return [*super().complete(records[:1], relatives), *records[1:]]


class InventsRecords(Sound):
    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        found = {record.id: record for record in super().fetch(kind, ids, fields)}
        return [found.get(name) or Record(kind=kind, id=name, version="0") for name in ids]


class SweepsTheFoundAlone(Sound):
    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        yield from self.fetch(kind, ids, fields)


class DescribesTooLittle(Sound):
    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        return Description((FieldInfo("name"),))


class TakesAnErrorForTheEnd(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        try:
            yield from super().read(query)
        except TryAgain:
            return


class GivesUpAtOnce(Sound):
    """Asks once, and calls whatever goes wrong a bad record."""

    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        answer = self.http.read("GET", path, params=params, allow=frozenset({429, 503}))
        if answer.status != 200:
            raise Rejected("that did not work", fix="none")
        return self.http.decode(answer, Things)


class MistakesLostAccess(Sound):
    def check(self) -> Account:
        try:
            return super().check()
        except WherryError as error:
            raise Rejected("that did not work", fix="none") from error


class TellsItsToken(Sound):
    def check(self) -> Account:
        logging.getLogger("things").debug("signing in with %s", SECRET)
        return super().check()


class OpensASocket(Sound):
    def check(self) -> Account:
        port = int(self.url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
        return super().check()


class AnotherAccountEachTime(Sound):
    def check(self) -> Account:
        return Account(str(random.random()), "Things")


class ReadsAllFirst(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        yield from list(super().read(query))


class OneAccount(Sound):
    def check(self) -> Account:
        super().check()
        return Account("a-1", "Things")


class LeavesOutTheEmpty(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return super().record({name: value for name, value in row.items() if value}, fields)


class Naps(Sound):
    def check(self) -> Account:
        time.sleep(0.001)
        return super().check()


class SweepsAllFields(Sound):
    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        return super().sweep(kind, ids, FIELDS)


class NeedsFields(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        if query.fields:
            yield from super().read(query)


class MarksTheEnd(Sound):
    """Every page is said to be the last."""

    def read(self, query: Query) -> Iterator[Page]:
        for page in super().read(query):
            yield Page(page.records, str(int(self.services.clock.now().timestamp())))


class TakesJunkForNothing(Sound):
    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        answer = self.http.read("GET", path, params=params)
        try:
            return self.http.decode(answer, Things)
        except TryAgain:
            return Things(0, [])


class Impatient(Sound):
    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        while (answer := self.http.read("GET", path, params=params, allow=frozenset({429}))).status == 429:
            pass
        return self.http.decode(answer, Things)


class RoundsSizes(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return super().record({**row, "size": 10 * (row["size"] // 10)}, fields)


class SpeaksAscii(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return super().record({**row, "name": row["name"].encode("ascii", "ignore").decode()}, fields)


class CountsByTheMachine(Sound):
    def since(self, query: Query) -> int:
        return int(query.since.replace(tzinfo=None).timestamp()) if query.since else 0


class OneVersion(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return msgspec.structs.replace(super().record(row, fields), version="1")


class NeedsThemAll(Sound):
    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        if len(self.fetch("thing", [record.id for record in records], FIELDS)) < len(records):
            raise Rejected("one of them is gone", fix="none")
        return super().complete(records, relatives)


class LongMarks(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        for page in super().read(query):
            yield Page(page.records, page.mark.zfill(4_100))


class SharesItsPlace(Sound):
    """What one read has seen the other leaves out."""

    seen: ClassVar[set[str]] = set()

    def read(self, query: Query) -> Iterator[Page]:
        for page in super().read(query):
            fresh = [record for record in page.records if record.id not in self.seen]
            self.seen.update(record.id for record in fresh)
            yield Page(fresh, page.mark)


class FetchesSomethingForNothing(Sound):
    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        return super().fetch(kind, ids or ["1"], fields)


class FetchesAPage(Sound):
    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        return super().fetch(kind, ids[:PAGE], fields)


class TellsThatItRead(Sound):
    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        return super().things(path, {**params, "seen": 1})


class Prints(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        print(row["id"])  # noqa: T201
        return super().record(row, fields)


class KeepsEverything(Sound):
    def read(self, query: Query) -> Iterator[Page]:
        kept = self.__dict__.setdefault("kept", [])
        for page in super().read(query):
            kept.extend(page.records)
            yield page


class HandsOutItsOwn(Sound):
    """Keeps its records, and hands them out again as they have become."""

    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        made = super().record(row, fields)
        kept: Record = self.__dict__.setdefault("kept", {}).setdefault((made.id, made.version), made)
        return kept


class TakesAnythingForAnAccount(Sound):
    def check(self) -> Account:
        try:
            return super().check()
        except WherryError:
            return Account("a-0", "Things")


class StopsAtAFullPage(Sound):
    """Looks for more where a page is not full, and nowhere else."""

    def read(self, query: Query) -> Iterator[Page]:
        for page in super().read(query):
            yield page
            if len(page.records) == PAGE:
                return


class ReadsTheFirstField(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return super().record(row, fields[:1])


class CountsItsIds(Sound):
    def record(self, row: dict[str, Any], fields: Sequence[str]) -> Record:
        return msgspec.structs.replace(super().record(row, fields), version=row["changed"])


class ForgetsOldThings(Sound):
    def since(self, query: Query) -> int:
        return max(super().since(query), int(self.services.clock.now().timestamp()) + 1) if query.since else 0


class FetchesByPattern(Sound):
    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        found = super().fetch(kind, ids, fields)
        return found or [self.record(row, fields) for row in self.things("/things", {}).items if set(ids) & {"*", "%"}]


class BeginsAfterSince(Sound):
    def since(self, query: Query) -> int:
        return int(query.since.timestamp()) + 1 if query.since else 0


class BeginsAtSince(Sound):
    """Wherever it got to before."""

    def read(self, query: Query) -> Iterator[Page]:
        yield from super().read(msgspec.structs.replace(query, after=None) if query.since else query)


class ForgetsAfterAWeek(Sound):
    """Asks a log of changes that goes back so far, and is not told that there was more."""

    def mark_of(self, mark: str | None) -> int:
        week = int(self.services.clock.now().timestamp()) - 7 * 86_400
        return max(super().mark_of(mark), week) if mark else 0


class TakesNoForNothing(Sound):
    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        try:
            return super().things(path, params)
        except (AccessLost, TryAgain):
            raise
        except WherryError:
            return Things(now=int(self.services.clock.now().timestamp()), items=[])


class TakesForbiddenForNothing(TakesNoForNothing):
    def things(self, path: str, params: Mapping[str, Any]) -> Things:
        try:
            return super().things(path, params)
        except AccessLost:
            return Things(now=0, items=[])


class SweepsAHundred(Sound):
    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        return super().sweep(kind, ids[:100], fields)


class ChoosesAnew(Sound):
    """What its settings choose is never the same."""

    def choice(self, kind: str) -> str:
        return f"{kind} {id(self)}"


BUGS: list[tuple[type[Sound], str]] = [
    (ChoosesAnew, "test_the_same_settings_choose_the_same_records"),
    (BeginsAfterSince, "test_what_changed_in_the_very_moment_of_since_is_read"),
    (BeginsAtSince, "test_a_mark_that_is_later_than_since_counts"),
    (ForgetsAfterAWeek, "test_an_old_mark_loses_nothing"),
    (TakesNoForNothing, "test_a_read_that_is_refused_is_no_empty_system"),
    (TakesNoForNothing, "test_a_refusal_is_never_taken_for_records_that_are_gone"),
    (TakesForbiddenForNothing, "test_a_refusal_is_never_taken_for_records_that_are_gone"),
    (SweepsAHundred, "test_a_sweep_of_many_has_a_head_for_each"),
    (LosesTies, "test_records_of_one_moment_are_not_lost_at_the_edge_of_a_page"),
    (LosesTies, "test_every_record_comes_once"),
    (MarksTooFar, "test_a_record_made_in_the_moment_of_the_last_read_is_not_lost"),
    (PagesByOffset, "test_a_record_that_changes_while_pages_are_read_is_not_lost"),
    (NewestFirst, "test_changes_come_oldest_first"),
    (NeverEnds, "test_a_read_ends_although_the_system_never_rests"),
    (ForgetsItsMark, "test_reading_goes_on_after_any_page_without_loss"),
    (StopsAtOnePage, "test_every_record_comes_once"),
    (ForgetsSince, "test_since_leaves_out_what_changed_earlier"),
    (TakesAnyMark, "test_a_strange_mark_is_refused_by_one_of_our_errors"),
    (StampsItsPayload, "test_an_unchanged_record_has_the_same_bytes_every_time"),
    (StampsItsPayload, "test_a_read_without_changes_brings_nothing_new"),
    (DrainsItsQuery, "test_a_read_leaves_what_it_was_given_as_it_was"),
    (SortsWhatItCompletes, "test_complete_keeps_the_records_and_their_order"),
    (AddsUnasked, "test_complete_adds_only_what_was_asked_for"),
    (CompletesTheFirstAlone, "test_records_completed_together_are_those_completed_one_by_one"),
    (InventsRecords, "test_single_records_are_those_that_a_read_gives"),
    (SweepsTheFoundAlone, "test_a_sweep_has_a_head_for_every_id"),
    (DescribesTooLittle, "test_a_description_knows_the_fields_that_are_read"),
    (TakesAnErrorForTheEnd, "test_an_outage_ends_the_read_with_try_again"),
    (GivesUpAtOnce, "test_a_temporary_fault_is_survived_without_loss"),
    (MistakesLostAccess, "test_a_lost_sign_in_ends_check_and_read_with_access_lost"),
    (TellsItsToken, "test_secrets_are_in_no_log_and_in_no_error"),
    (OpensASocket, "test_no_connection_is_opened_but_by_the_cores_client"),
    (AnotherAccountEachTime, "test_check_names_the_same_account_every_time"),
    (LosesTies, "test_a_moment_that_begins_in_the_middle_of_a_page_is_not_lost"),
    (ReadsAllFirst, "test_a_read_that_breaks_off_keeps_what_it_had_and_goes_on_from_there"),
    (MarksTheEnd, "test_a_read_that_breaks_off_keeps_what_it_had_and_goes_on_from_there"),
    (MarksTheEnd, "test_a_sign_in_that_runs_out_in_mid_read_loses_nothing"),
    (TakesJunkForNothing, "test_junk_is_never_taken_for_an_empty_system"),
    (TakesJunkForNothing, "test_junk_is_never_taken_for_records_that_are_gone"),
    (Impatient, "test_a_read_waits_as_long_as_it_is_told_to"),
    (RoundsSizes, "test_a_record_says_what_the_system_holds"),
    (SpeaksAscii, "test_strange_text_comes_as_it_stands_there"),
    (CountsByTheMachine, "test_a_read_is_the_same_in_every_time_zone"),
    (OneVersion, "test_a_version_changes_with_its_record"),
    (SweepsTheFoundAlone, "test_what_was_deleted_is_noticed"),
    (NeedsThemAll, "test_a_record_that_is_gone_meanwhile_harms_no_other"),
    (LongMarks, "test_a_mark_is_a_short_text_that_can_be_kept"),
    (SharesItsPlace, "test_two_reads_at_once_do_not_disturb_each_other"),
    (FetchesSomethingForNothing, "test_nothing_asked_is_nothing_found_and_twice_asked_is_found_once"),
    (FetchesAPage, "test_many_single_records_are_all_found"),
    (TellsThatItRead, "test_reading_changes_nothing_in_the_system"),
    (Prints, "test_nothing_is_printed"),
    (KeepsEverything, "test_nothing_is_kept_of_what_is_read"),
    (HandsOutItsOwn, "test_a_record_that_was_handed_over_is_nobodys_to_change"),
    (TakesAnythingForAnAccount, "test_junk_is_never_taken_for_an_account"),
    (StopsAtAFullPage, "test_a_page_that_is_just_full_and_one_of_a_single_record_lose_none"),
    (StopsAtOnePage, "test_as_many_changes_as_a_page_holds_are_all_read"),
    (ReadsTheFirstField, "test_each_field_is_told_that_is_asked_for"),
    (CountsItsIds, "test_ids_versions_and_marks_are_text"),
    (CountsByTheMachine, "test_since_is_a_moment_whatever_zone_it_is_told_in"),
    (ForgetsOldThings, "test_since_reaches_years_back"),
    (CompletesTheFirstAlone, "test_all_relatives_are_found_that_the_system_holds"),
    (FetchesByPattern, "test_a_cunning_id_finds_nothing"),
    (OneAccount, "test_another_account_is_another_account"),
    (LeavesOutTheEmpty, "test_an_emptied_field_says_so"),
    (MarksTheEnd, "test_a_wrong_clock_has_no_say_in_what_is_read"),
    (Naps, "test_it_waits_by_the_hubs_clock_alone"),
    (NeedsFields, "test_a_map_that_names_no_fields_misses_no_record"),
    (SweepsAllFields, "test_fewer_fields_are_fewer_in_whatever_is_asked"),
    (Sound, "test_another_process_reads_the_same_bytes"),
]
MORE: dict[str, list[Any]] = {
    "test_a_record_that_changes_while_pages_are_read_is_not_lost": ["a mark"],
    "test_a_read_ends_although_the_system_never_rests": ["a mark"],
    "test_a_temporary_fault_is_survived_without_loss": ["unavailable"],
    "test_a_read_that_breaks_off_keeps_what_it_had_and_goes_on_from_there": ["an outage"],
    "test_a_cunning_id_finds_nothing": ["fetch"],
    "test_another_process_reads_the_same_bytes": [lambda ours: ours[::-1]],
}
"""What a check takes beside the trial."""

Tried = Callable[[type[Sound]], Trial]


@pytest.fixture
def tried(tmp_path: Path) -> Iterator[Tried]:
    system = System()
    clock = SharedClock(system.stage.clock)
    with serve(system.app()) as url, services(tmp_path, clock=clock) as kit:
        yield lambda source: Trial(
            make=lambda: source(kit, url), kind="thing", fields=FIELDS, create=system.create, change=system.change,
            wait=system.stage.clock.advance, clock=clock, page=PAGE, relatives={"owner": ("name",)}, overlap=1.0,
            faults=system.stage.faults, secret=SECRET, stage=system.stage, write=system.write, remove=system.remove,
            holds=lambda name: {field: system.rows[name][field] for field in FIELDS},
            family=lambda name: {"owner": ["o-1"]}, move=lambda: setattr(system, "account", "a-2"),
        )  # fmt: skip


class TestSoundSource(SourceSuite):
    @pytest.fixture
    def trial(self, tried: Tried) -> Trial:
        return tried(Sound)


@pytest.mark.parametrize(("bug", "check"), BUGS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_bug_in_a_source_is_caught(
    bug: type[Sound], check: str, tried: Tried, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    more = [caplog, capfd] if "secrets" in check else [capfd] if "printed" in check else MORE.get(check, [])
    more = [26, 0, monkeypatch] if "wrong_clock" in check else more
    with pytest.raises((AssertionError, KeyError, WherryError, pytest.fail.Exception)):
        getattr(SourceSuite(), check)(tried(bug), *more)


def test_every_check_of_the_source_suite_catches_something() -> None:
    """Files, merges, relatives that change, late indexes, exact numbers and empty systems are proved by the suites of
    real plugins; the rest bites here."""
    checks = {name for name in dir(SourceSuite) if name.startswith("test_")}
    assert checks - {check for _, check in BUGS} == {
        "test_an_id_is_not_given_away_again",
        "test_the_source_has_all_that_a_source_needs",
        "test_an_empty_system_gives_no_record_and_the_read_ends",
        "test_records_carry_their_kind_a_version_and_a_json_object",
        "test_files_open_with_their_bytes_and_missing_ones_are_rejected",
        "test_what_was_merged_says_into_what",
        "test_a_record_whose_relative_changed_comes_again",
        "test_what_shows_up_late_is_not_lost",
        "test_numbers_come_digit_by_digit",
    }


def test_the_kits_clock_moves_simulator_and_client_alike() -> None:
    clock = SimulatorClock(START)
    shared = SharedClock(clock)
    shared.sleep(90)
    assert shared.now() == dt.datetime(2026, 1, 5, 9, 1, 30, tzinfo=dt.UTC)
    assert clock.now() == shared.monotonic()


def test_what_a_plugin_caches_is_found_by_the_next_services_of_the_folder(tmp_path: Path) -> None:
    with services(tmp_path) as first:
        first.cache.set("metadata", {"a": 1})
    with services(tmp_path) as second:
        assert second.cache.get("metadata", 60) == {"a": 1}
