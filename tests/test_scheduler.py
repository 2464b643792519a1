"""When flows run: pure reckoning of what is due, and the engine that runs it in threads."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from wherry.errors import EXIT_INTERRUPTED, AccessLost, ConfigError, TryAgain, WherryError
from wherry.hub import Hub, Report
from wherry.operating import flows, scheduler
from wherry.operating.scheduler import LocalEngine, Scheduler, Timed, due, next_time
from wherry.project.lanes import approval_of
from wherry.settings import Schedule
from wherry.store import registry
from wherry.testing.clock import FakeClock

NOON = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def timed(**given: object) -> Timed:
    return Timed(**{"flow": "won", "schedule": Schedule(every="15m"), "since": NOON, **given})  # type: ignore[arg-type]


def test_an_activated_flow_that_never_ran_is_due_at_once() -> None:
    assert due([timed()], NOON) == [("won", NOON)]


def test_a_flow_is_due_its_interval_after_its_last_run_began() -> None:
    one = timed(last=NOON)
    assert next_time(one) == NOON + 15 * MINUTE
    assert due([one], NOON + 14 * MINUTE) == []
    assert due([one], NOON + 15 * MINUTE) == [("won", NOON + 15 * MINUTE)]


def test_a_flow_that_missed_a_week_runs_once_and_not_seven_hundred_times() -> None:
    """case_E13"""
    late = NOON + dt.timedelta(days=7)
    assert len(due([timed(last=NOON)], late)) == 1
    assert due([timed(last=late)], late) == []


def test_what_is_longest_overdue_comes_first() -> None:
    timetable = [timed(flow="a", last=NOON - 20 * MINUTE), timed(flow="b", last=NOON - 40 * MINUTE)]
    assert [flow for flow, _ in due(timetable, NOON)] == ["b", "a"]


@pytest.mark.parametrize("held", ["paused", "not activated", "sign in again: crm"])
def test_a_flow_that_is_held_is_never_due(held: str) -> None:
    assert due([timed(held=held)], NOON + dt.timedelta(days=30)) == []


def test_a_flow_without_a_schedule_and_a_running_one_are_never_due() -> None:
    """case_E13"""
    assert due([timed(schedule=None)], NOON) == []
    assert due([timed()], NOON, frozenset({"won"})) == []


def test_a_crontab_line_is_read_in_the_zone_of_the_project() -> None:
    one = timed(schedule=Schedule(cron="0 6 * * *"), timezone="America/Chicago", last=NOON)
    assert next_time(one) == dt.datetime(2026, 3, 11, 11, 0, tzinfo=dt.UTC)


def test_six_in_the_morning_stays_six_in_the_morning_when_the_clocks_change() -> None:
    """case_E13"""
    before = dt.datetime(2026, 3, 7, 12, 0, tzinfo=dt.UTC)
    one = timed(schedule=Schedule(cron="0 6 * * *"), timezone="America/Chicago", last=before)
    saturday = next_time(one)
    assert saturday == dt.datetime(2026, 3, 8, 11, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("line", "times"), [("30 1 * * *", 1), ("15 0-23 * * *", 25 - 1), ("*/30 * * * *", 50), ("0 * * * *", 25)]
)
def test_an_hour_that_comes_twice_has_a_daily_line_once_and_one_of_every_hour_twice(line: str, times: int) -> None:
    """case_E13"""
    moment, found = dt.datetime(2026, 10, 24, 22, 59, tzinfo=dt.UTC), list[dt.datetime]()
    while (when := next_time(timed(schedule=Schedule(cron=line), timezone="Europe/London", last=moment))) is not None:
        if when >= dt.datetime(2026, 10, 26, 0, 0, tzinfo=dt.UTC):
            break
        found.append(when)
        moment = when.astimezone(dt.UTC) + dt.timedelta(seconds=4)
    assert len(found) == times


def test_a_run_by_hand_just_before_does_not_swallow_the_hour_of_a_crontab_line() -> None:
    one = timed(schedule=Schedule(cron="0 12 * * *"), last=NOON - MINUTE)
    assert next_time(one) == NOON
    assert next_time(timed(schedule=Schedule(cron="0 12 * * *"), last=NOON)) == NOON + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("weekday", "days"),
    [("0", "Sun"), ("7", "Sun"), ("1", "Mon"), ("1-5", "Mon Tue Wed Thu Fri"), ("5-7", "Fri Sat Sun"), ("6", "Sat"),
     ("fri-mon", "Mon Fri Sat Sun"), ("*/2", "Tue Thu Sat Sun"), ("MON,3", "Mon Wed"), ("sun-tue", "Mon Tue Sun")],
)  # fmt: skip
def test_weekdays_are_counted_as_crontab_counts_them_from_sunday(weekday: str, days: str) -> None:
    monday = dt.datetime(2026, 3, 9, tzinfo=dt.UTC)
    one, found = timed(schedule=Schedule(cron=f"0 6 * * {weekday}"), last=monday), []
    while (moment := next_time(one)) is not None and moment < monday + dt.timedelta(days=7):
        found.append(moment.strftime("%a"))
        one = timed(schedule=one.schedule, last=moment)
    assert " ".join(found) == days


@given(st.integers(1, 10_000), st.integers(0, 1_000_000))
def test_after_a_run_at_any_time_a_flow_is_not_due_before_its_interval_is_over(minutes: int, late: int) -> None:
    """b_001_45: the schedule's interval is a floor."""
    every = dt.timedelta(minutes=minutes)
    ran = NOON + every + dt.timedelta(seconds=late)
    one = timed(schedule=Schedule(every=f"{minutes}m"), last=ran)
    assert due([one], ran + every - dt.timedelta(seconds=1)) == []
    assert due([one], ran + every) == [("won", ran + every)]


# -- the engine --------------------------------------------------------------------------------------------------------


class Gate:
    """A run that waits until it is let go, and notes what ran."""

    def __init__(self) -> None:
        self.began, self.go, self.ran, self.at_once, self.most = threading.Event(), threading.Event(), [], 0, 0  # type: ignore[var-annotated]
        self.guard = threading.Lock()

    def __call__(self, project: Path, flow: str) -> Report:
        with self.guard:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        self.began.set()
        assert self.go.wait(10)
        with self.guard:
            self.at_once -= 1
            self.ran.append(flow)
        return Report(data={"flow": flow})


def test_a_flow_that_is_on_its_way_is_not_submitted_again() -> None:
    """case_E13"""
    gate = Gate()
    engine = LocalEngine(Path("."), run=gate)
    assert engine.submit("a")
    assert gate.began.wait(10)
    assert not engine.submit("a")
    assert engine.status() == {"a": "running"}
    gate.go.set()
    engine.stop()
    assert gate.ran == ["a"]
    assert engine.status() == {}


def test_no_more_flows_run_at_once_than_the_pool_is_wide_and_what_waits_can_be_taken_back() -> None:
    gate = Gate()
    engine = LocalEngine(Path("."), width=2, run=gate)
    assert all(engine.submit(name) for name in "abcd")
    assert gate.began.wait(10)
    assert engine.cancel("d")
    assert not engine.cancel("d")
    gate.go.set()
    while engine.status():
        threading.Event().wait(0.01)
    engine.stop()
    assert sorted(gate.ran) == ["a", "b", "c"]
    assert gate.most <= 2


def test_a_run_that_fails_unexpectedly_ends_neither_the_engine_nor_the_others() -> None:
    told: list[tuple[str, int]] = []

    def run(project: Path, flow: str) -> Report:
        if flow == "bad":
            raise RuntimeError("no")
        return Report(data={})

    engine = LocalEngine(Path("."), run=run, told=lambda flow, report: told.append((flow, report.exit_code)))
    engine.submit("bad")
    engine.submit("good")
    while engine.status():
        threading.Event().wait(0.01)
    engine.stop()
    assert sorted(told) == [("bad", 1), ("good", 0)]


# -- a project ---------------------------------------------------------------------------------------------------------

PROJECT = """
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["workspace"]
[connections.a]
plugin = "workspace"
[connections.b]
plugin = "workspace"
[flows.tickets]
source = "a"
sink = "b"
kinds = ["customer"]
schedule = { every = "15m" }
[flows.other]
source = "a"
sink = "b"
"""


@pytest.fixture
def hub(tmp_path: Path, clock: FakeClock) -> Hub:
    (tmp_path / "wherry.toml").write_text(PROJECT)
    return Hub.open(tmp_path, environ={}, clock=clock)


def _activate(hub: Hub) -> None:
    with hub.store.write() as tx:
        registry.save_flow(tx, registry.FlowState("tickets", state="active", at=hub.store.now()))


def test_only_activated_flows_are_on_the_timetable(hub: Hub) -> None:
    """b_001_30"""
    assert {row["flow"]: row["held"] for row in scheduler.listed(hub)} == {
        "tickets": "not activated",
        "other": "not activated",
    }
    _activate(hub)
    assert due(scheduler.timetable(hub), hub.clock.now()) == [("tickets", hub.clock.now())]
    flows.pause(hub, "tickets", "month close")
    assert due(scheduler.timetable(hub), hub.clock.now()) == []
    hub.close()


def test_the_books_begin_on_the_first_activation_whatever_pauses_follow(
    hub: Hub, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came after that day is in no books yet, and must not wait for approval as if it were."""
    monkeypatch.setattr(flows, "check", lambda *told: None)

    def books_from() -> str:
        with hub.store.read() as tx:
            return approval_of(tx, hub.project.flows["tickets"], "Pacific/Auckland").books_from

    assert books_from() == ""
    clock.jump(6 * 3600)  # 15:00 UTC on the fifth: the sixth in Auckland
    flows.activate(hub, "tickets")
    assert books_from() == "2026-01-06"
    clock.advance(10 * 86_400)
    flows.activate(hub, "tickets")
    assert books_from() == "2026-01-06"
    flows.pause(hub, "tickets", "month close")
    assert books_from() == "2026-01-06", "what is settled meanwhile is held as well"
    clock.advance(10 * 86_400)
    flows.activate(hub, "tickets")
    assert books_from() == "2026-01-06"
    hub.close()


def test_a_flow_whose_connection_lost_its_access_waits_for_a_new_sign_in(hub: Hub) -> None:
    _activate(hub)
    with hub.store.write() as tx:
        registry.bind(tx, "a", "workspace", "1", "Acme", "", hub.store.now())
    hub._note_access("tickets", AccessLost("no", connection="a"))
    [held] = [row["held"] for row in scheduler.listed(hub) if row["flow"] == "tickets"]
    assert held == "sign in again: a"
    hub.close()


def test_the_scheduler_starts_what_is_due_once_and_stops_when_told(hub: Hub) -> None:
    """b_001_01, b_001_04"""
    _activate(hub)
    gate = Gate()
    engine = LocalEngine(hub.project.file, run=gate)
    plan = Scheduler(hub, engine, look_every=0.01)
    assert plan.look() == ["tickets"]
    assert plan.look() == []
    gate.go.set()
    plan.stop()
    plan.loop()
    assert gate.ran == ["tickets"]
    hub.close()


class Inline:
    """An engine that runs at once, in the calling thread, on the hub that it was given."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self.tried, self.stopped = hub, list[str](), False
        self.standing: dict[str, str] = {}

    def submit(self, flow: str) -> bool:
        self.tried.append(flow)
        with contextlib.suppress(WherryError):
            self.hub.run(flow, cause="schedule")
        return True

    def cancel(self, flow: str) -> bool:
        return False

    def status(self) -> dict[str, str]:
        return self.standing

    def stop(self) -> None:
        self.stopped = True


def test_a_flow_whose_forerunner_does_not_begin_is_tried_less_and_less_often(hub: Hub, clock: FakeClock) -> None:
    """case_E13: not with every look, which would start the forerunner anew every five seconds."""
    flow = hub.project.flows["tickets"]
    hub.project.flows["tickets"] = flow.model_copy(update={"after": ("other",)})  # as those who run it see it
    _activate(hub)
    flows.pause(hub, "other", "month close")
    engine = Inline(hub)
    plan = Scheduler(hub, engine)
    for _ in range(240):  # an hour
        plan.look()
        clock.advance(15)
    assert 4 <= len(engine.tried) <= 8
    hub.close()


def test_flows_that_wait_for_others_to_end_are_told_once(hub: Hub, clock: FakeClock) -> None:
    """I18: four runs that hang kept every other flow from beginning, and nobody was told"""
    engine = Inline(hub)
    engine.standing = {"stuck": "running", "tickets": "waiting"}
    plan = Scheduler(hub, engine)
    with capture_logs() as logs:
        for _ in range(10):
            plan.look()
            clock.advance(180)
    [told] = [entry for entry in logs if "wait for others" in entry["event"]]
    assert (told["waiting"], told["running"]) == (["tickets"], ["stuck"])
    hub.close()


def test_ctrl_c_in_a_forerunner_does_not_begin_the_flow_behind_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """case_E17"""
    flow = hub.project.flows["tickets"]
    hub.project.flows["tickets"] = flow.model_copy(update={"after": ("other",)})
    begun = list[str]()

    def wire(name: str, *more: object) -> None:
        begun.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr(hub.wiring, "wire", wire)
    report = hub.run("tickets")
    assert (report.exit_code, begun) == (EXIT_INTERRUPTED, ["other"])
    hub.close()


def test_what_is_tried_again_is_due_at_once_when_it_has_run(hub: Hub, clock: FakeClock) -> None:
    _activate(hub)
    engine = Inline(hub)
    plan = Scheduler(hub, engine)
    for _ in range(240):
        plan.look()
        clock.advance(15)
    assert len(engine.tried) == 4  # runs that begin, and fail, keep to their quarter of an hour
    hub.close()


def _ran(hub: Hub, at: dt.datetime, cause: str) -> None:
    with hub.store.write() as tx:
        id = registry.new_id(int(at.timestamp() * 1000))
        registry.start_run(tx, id, "tickets", cause, at.isoformat())
        registry.finish_run(tx, id, "ok", 0, at.isoformat(), {})


def test_a_run_of_single_records_takes_no_scheduled_run_away(hub: Hub, clock: FakeClock) -> None:
    """Somebody who re-syncs a record every ten minutes would keep the flow from ever running."""
    _activate(hub)
    _ran(hub, clock.now(), "schedule")
    clock.advance(14 * 60)
    for cause in ("resync", registry.PARTIAL):
        _ran(hub, clock.now(), cause)
    clock.advance(60)
    assert [flow for flow, _ in due(scheduler.timetable(hub), clock.now())] == ["tickets"]
    hub.close()


def test_a_run_of_a_clock_that_was_a_year_ahead_stops_the_schedule_for_no_year(hub: Hub, clock: FakeClock) -> None:
    """case_E14, case_B7"""
    _activate(hub)
    _ran(hub, clock.now(), "schedule")
    _ran(hub, clock.now() + dt.timedelta(days=365), "schedule")
    clock.advance(15 * 60)
    assert [flow for flow, _ in due(scheduler.timetable(hub), clock.now())] == ["tickets"]
    hub.close()


def test_a_store_that_is_away_for_one_look_does_not_end_the_schedule(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    _activate(hub)
    engine, looks = Inline(hub), list[int]()
    plan = Scheduler(hub, engine, look_every=0.001)
    read = hub.store.read

    def away() -> object:
        looks.append(1)
        if len(looks) < 3:
            raise TryAgain("the database cannot be reached")
        plan.stop()
        return read()

    monkeypatch.setattr(hub.store, "read", away)
    plan.loop()
    assert len(looks) >= 3
    assert engine.stopped
    hub.close()


def test_a_schedule_that_was_changed_or_taken_away_counts_from_the_next_look(
    hub: Hub, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flow whose schedule somebody took out of the file must not go on by itself until a restart."""
    _activate(hub)
    plan, file = Scheduler(hub, engine := Inline(hub)), hub.project.file
    _ran(hub, clock.now(), "schedule")
    clock.advance(16 * 60)
    file.write_text(PROJECT.replace('{ every = "15m" }', '{ every = "1d" }'))
    assert plan.look() == []
    file.write_text(PROJECT.replace('every = "15m"', 'evry = "15m"'))
    assert (plan.look(), plan.look()) == ([], [])
    assert capsys.readouterr().out.count("evry") == 1, "a mistake is told once, and the settings before it stay"
    file.write_text(PROJECT)
    assert plan.look() == ["tickets"] == engine.tried
    file.write_text(PROJECT.replace("[flows.tickets]", "[flows.billets]"))
    clock.advance(86_400)
    assert plan.look() == []
    hub.close()


def test_a_scheduled_run_that_cannot_begin_is_a_report_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text("version = 2")
    report = scheduler.run_flow(tmp_path / "wherry.toml", "tickets")
    assert report.exit_code == 2
    assert report.error is not None


def test_what_another_scheduler_ran_while_it_waited_for_a_thread_is_not_run_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A15: the interval is a floor for two schedulers too."""
    _activate(hub)
    runs = list[str]()

    def run(self: Hub, flow: str, **told: object) -> Report:
        runs.append(flow)
        return Report(data={})

    monkeypatch.setattr(Hub, "run", run)
    scheduler.run_flow(hub.project.file, "tickets")
    assert runs == ["tickets"]
    _ran(hub, dt.datetime.now(dt.UTC), "schedule")
    assert scheduler.run_flow(hub.project.file, "tickets").data["note"] == "it is no longer due"
    assert runs == ["tickets"]
    hub.close()


def test_an_engine_that_nobody_brings_is_refused_by_name(hub: Hub) -> None:
    with pytest.raises(ConfigError, match="nobody brings an engine cellery"):
        scheduler.engine(hub, "cellery", lambda flow, report: None)
    hub.close()
