"""When flows run by themselves, and the engine that runs them on this machine.

``due`` is pure: flows with their schedules and last runs in, what is due out. The loop asks it every few seconds, so a
machine that slept, or a process that was away, starts each flow once and not once for every time it missed.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import structlog
from msgspec import Struct

from wherry.errors import Busy, ConfigError, Guarded, TryAgain, WherryError
from wherry.hub import Hub, Report
from wherry.settings import Project, Schedule, crontab, load
from wherry.settings.values import interval
from wherry.store import registry

LOOK_EVERY = 5.0
"""Seconds between two looks at what is due."""
WIDTH = 4
"""Flows that run at once in one process."""
TRY_AGAIN, TRY_SELDOM = 60.0, 900.0
"""Seconds until a run that could not begin is tried again: the first time, and at most."""
AHEAD = dt.timedelta(minutes=5)
"""How far the clock of another machine may be ahead. A run of a later time was started by a clock that was wrong."""

log = structlog.get_logger("wherry.operating.scheduler")


class Timed(Struct, frozen=True, kw_only=True):
    """What the timetable needs to know of one flow. Times are aware; ``since`` is when it was activated.

    ``held`` says why the schedule leaves it alone (paused, never activated, needs a new sign-in); empty if it does not.
    """

    flow: str
    schedule: Schedule | None
    timezone: str = "UTC"
    since: dt.datetime | None = None
    last: dt.datetime | None = None
    """When its last run started, whatever started it. A run of single records is none."""
    held: str = ""


def next_time(timed: Timed) -> dt.datetime | None:
    """When the flow runs next; a moment in the past if it is overdue, None if it never does."""
    start = timed.last or timed.since
    if timed.held or timed.schedule is None or start is None:
        return None
    if timed.schedule.every:
        return start + interval(timed.schedule.every) if timed.last else start
    return _cron(timed.schedule.cron or "", timed.timezone, start + dt.timedelta(microseconds=1))


def _cron(line: str, timezone: str, after: dt.datetime) -> dt.datetime | None:
    return crontab.next_moment(line, zoneinfo.ZoneInfo(timezone), after)


def due(
    timetable: Sequence[Timed], now: dt.datetime, running: frozenset[str] = frozenset()
) -> list[tuple[str, dt.datetime]]:
    """The flows to start now with the time each was due, the longest overdue first; each one once, none that runs."""
    times = [(timed.flow, next_time(timed)) for timed in timetable if timed.flow not in running]
    return sorted(((flow, when) for flow, when in times if when is not None and when <= now), key=lambda pair: pair[1])


def spelled(schedule: Mapping[str, Any] | None) -> str:
    """``every 15m`` or ``at 0 6 * * *``; empty where there is none."""
    if not schedule:
        return ""
    return f"every {schedule['every']}" if schedule.get("every") else f"at {schedule['cron']}"


# -- from a project ----------------------------------------------------------------------------------------------------


def timetable(hub: Hub, project: Project | None = None) -> list[Timed]:
    """Every flow of the project, as it stands in the store now. Asks nobody outside."""
    project = project or hub.project
    with hub.store.read() as tx:
        lost = {row.name: row.reason for row in registry.all_connections(tx) if row.state == "reconnect"}
        states = {name: registry.flow_state(tx, name) for name in project.flows}
        bound = registry.new_id(int((hub.clock.now() + AHEAD).timestamp() * 1000))
        last = {name: registry.find_runs(tx, flow=name, limit=1, before=bound, whole=True) for name in states}
    return [
        Timed(
            flow=name, schedule=flow.schedule, timezone=project.timezone, since=_moment(states[name].at),
            last=_moment(last[name][0].started_at) if last[name] else None,
            held=_held(states[name].state, {flow.source, flow.sink} & lost.keys()),
        )
        for name, flow in project.flows.items()
    ]  # fmt: skip


def _moment(at: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(at) if at else None


def _held(state: str, lost: set[str]) -> str:
    if state != "active":
        return "paused" if state == "paused" else "not activated"
    return f"sign in again: {', '.join(sorted(lost))}" if lost else ""


def listed(hub: Hub) -> list[dict[str, Any]]:
    """Every flow with its schedule, why it is held if it is, and its next time."""
    return [
        {"flow": timed.flow, "schedule": spelled(timed.schedule.model_dump() if timed.schedule else None),
         "held": timed.held or ("" if timed.schedule else "no schedule"), "last": _text(timed.last),
         "next": _text(next_time(timed))}
        for timed in timetable(hub)
    ]  # fmt: skip


def _text(moment: dt.datetime | None) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if moment else ""


# -- engines -----------------------------------------------------------------------------------------------------------


class Engine(Protocol):
    """Where jobs run. It has to run each at least once: the write protocol makes a second time harmless."""

    def submit(self, flow: str) -> bool:
        """Start the flow soon; False when it is on its way already."""
        ...

    def cancel(self, flow: str) -> bool:
        """Take back what has not begun."""
        ...

    def status(self) -> dict[str, str]:
        """Flow → ``waiting`` or ``running``."""
        ...

    def stop(self) -> None:
        """Start nothing more, and return when what runs has ended."""
        ...


class LocalEngine:
    """Runs flows in threads of this process, ``width`` at once, each on a hub of its own: runs share no connector."""

    def __init__(
        self, project: Path, width: int = WIDTH, *, run: Callable[[Path, str], Report] | None = None,
        told: Callable[[str, Report], None] = lambda flow, report: None,
    ) -> None:  # fmt: skip
        self._project, self._run, self._told = project, run or run_flow, told
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="wherry-flow")
        self._jobs: dict[str, Future[None]] = {}
        self._guard = threading.Lock()

    def submit(self, flow: str) -> bool:
        with self._guard:
            if flow in self._jobs:
                return False
            self._jobs[flow] = self._pool.submit(self._work, flow)
        return True

    def cancel(self, flow: str) -> bool:
        with self._guard:
            job = self._jobs.get(flow)
            if job is None or not job.cancel():
                return False
            del self._jobs[flow]
        return True

    def status(self) -> dict[str, str]:
        with self._guard:
            return {flow: "running" if job.running() else "waiting" for flow, job in self._jobs.items()}

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, flow: str) -> None:
        try:
            report = self._run(self._project, flow)
        except Exception as error:  # one flow must not end the scheduler of all
            log.error("scheduled run failed", flow=flow, exc_info=error)
            report = Report(data={"flow": flow, "error": str(error)}, exit_code=1)
        finally:
            with self._guard:
                self._jobs.pop(flow, None)
        self._told(flow, report)


def run_flow(project: Path, flow: str) -> Report:
    """One scheduled run, on the settings as they are now. What refuses it to begin is its report.

    It may have waited for a thread: what another scheduler has run meanwhile, or somebody has paused, is left alone.
    """
    try:
        with Hub(load(project)) as hub:
            if all(name != flow for name, _ in due(timetable(hub), hub.clock.now())):
                return Report(data={"flow": flow, "run": "", "note": "it is no longer due"})
            return hub.run(flow, cause="schedule")
    except WherryError as error:
        if not isinstance(error, Busy | Guarded):
            log.warning("scheduled run did not begin", flow=flow, reason=error.message)
        return Report(data={"flow": flow, "error": error.as_data()}, exit_code=error.exit_code, error=error)


def engine(hub: Hub, name: str, told: Callable[[str, Report], None]) -> Engine:
    """The engine of that name: a plugin's, else the built-in ``local``. Raises ConfigError."""
    made: Engine | None = hub.plugins.engine(name)
    if made is None and name == "local":
        made = LocalEngine(hub.project.file, told=told)
    if made is None:
        raise ConfigError(f"nobody brings an engine {name}", fix="use local, or enable the plugin that brings it",
                          code="WHERRY-2095")  # fmt: skip
    return made


class Tried(Struct, frozen=True):
    """A flow that was started for a moment. While it is due for the same one, its run could not begin."""

    when: dt.datetime
    times: int
    again: float
    """Not before this on the monotonic clock."""


class Scheduler:
    """Looks at what is due, and hands it to the engine, until it is told to stop."""

    def __init__(self, hub: Hub, engine: Engine, look_every: float = LOOK_EVERY) -> None:
        self._hub, self._engine, self._look_every = hub, engine, look_every
        self._tried: dict[str, Tried] = {}
        self._since: dict[str, float] = {}
        """Since when a flow waits for a thread; infinite once that was told."""
        self._project, self._mistake = hub.project, ""
        self._stopping = threading.Event()

    def stop(self) -> None:
        """From a signal handler or another thread: start nothing more."""
        self._stopping.set()

    def look(self) -> list[str]:
        """One look: start what is due, and say what was started. Raises what reading the store raises."""
        status = self._engine.status()
        self._tell_waiting(status)
        running = frozenset(status)
        overdue = due(timetable(self._hub, self._settings()), self._hub.clock.now(), running)
        return [flow for flow, when in overdue if self._start(flow, when)]

    def _tell_waiting(self, status: Mapping[str, str]) -> None:
        """Runs that do not end keep the others from beginning, and nothing else tells."""
        now, waiting = self._hub.clock.monotonic(), [flow for flow, state in status.items() if state == "waiting"]
        self._since = {flow: self._since.get(flow, now) for flow in waiting}
        late = [flow for flow in waiting if now - self._since[flow] >= TRY_SELDOM]
        if late:
            holding = sorted(set(status) - set(waiting))
            log.warning("flows wait for others to end", waiting=sorted(late), running=holding, fix="wherry runs list")
            self._since |= dict.fromkeys(late, math.inf)

    def _settings(self) -> Project:
        """The project file as it is now; while there is a mistake in it, as it was before that."""
        try:
            self._project, self._mistake = load(self._hub.project.file), ""
        except WherryError as error:
            if error.message != self._mistake:
                log.warning("the schedule stays as it was", reason=error.message)
            self._mistake = error.message
        return self._project

    def _start(self, flow: str, when: dt.datetime) -> bool:
        """What was refused a moment ago, such as for a forerunner that fails, is not started anew with every look."""
        now, before = self._hub.clock.monotonic(), self._tried.get(flow)
        times = before.times if before is not None and before.when == when else 0
        if (times and before is not None and now < before.again) or not self._engine.submit(flow):
            return False
        self._tried[flow] = Tried(when, times + 1, now + min(TRY_AGAIN * 2**times, TRY_SELDOM))
        return True

    def loop(self) -> None:
        """Until ``stop``; then wait for what runs: a run ends between batches, never within one."""
        while not self._stopping.is_set():
            try:
                for flow in self.look():
                    log.info("started", flow=flow)
            except TryAgain as error:
                log.warning("the schedule could not be looked at", reason=error.message)
            self._stopping.wait(self._look_every)
        self._engine.stop()
