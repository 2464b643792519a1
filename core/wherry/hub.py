"""The application object: one project with its plugins and its store, and what can be asked of it.

Faces (command line, web) call these methods and draw what they return; they hold no logic of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from wherry import collecting, plugins
from wherry.clock import SystemClock
from wherry.errors import (
    EXIT_INTERRUPTED,
    EXIT_PERSON,
    AccessLost,
    Busy,
    ContractBroken,
    Guarded,
    TryAgain,
    WherryError,
    worst,
)
from wherry.project.defaults import Defaults
from wherry.project.folder import project_store
from wherry.protocol.tally import Tally
from wherry.records import DESK, FOR_A_PERSON, OPEN, Ref
from wherry.redaction import clean, scrub
from wherry.roles import Clock
from wherry.runs import dying
from wherry.settings import Project, find_project, load
from wherry.store import Store, inquiries, ledger, registry
from wherry.store.inquiries import ForApproval

if TYPE_CHECKING:
    from wherry.books.gathering import Selection
    from wherry.project.bookkeeper import Bookkeeper
    from wherry.project.wiring import Wiring
    from wherry.protocol.steps import Outcome, Step
    from wherry.runs.engine import Then
    from wherry.runs.job import Job, Options
    from wherry.store.database import Tx

_STATES: dict[int, str] = {
    AccessLost.exit_code: "access",
    TryAgain.exit_code: "again",
    Guarded.exit_code: "guarded",
    EXIT_PERSON: "ok",
    0: "ok",
    EXIT_INTERRUPTED: "interrupted",
}
Watch = Callable[[str, Tally], None]


class Report(Struct, kw_only=True):
    """What an operation came to: data for JSON, the exit code, and the error that ended it, if one did."""

    data: dict[str, Any]
    exit_code: int = 0
    error: WherryError | None = None
    next: list[str] = field(default_factory=list)


class Hub:
    """A project at work. Close it when done.

    What is only asked about needs its settings, plugins and store; what runs is imported by what runs it.
    """

    def __init__(self, project: Project, *, clock: Clock | None = None) -> None:
        self.project, self.clock = project, clock or SystemClock()
        self._defaults = Defaults()
        self.says: Callable[[str], object] = lambda text: None
        self.plugins = plugins.load(project.plugins.enabled, project.plugins.versions, defaults=[self._defaults])
        self.store: Store = project_store(project, self.clock)

    @classmethod
    def open(
        cls, where: Path | str = ".", *, environ: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None, clock: Clock | None = None,
    ) -> Hub:  # fmt: skip
        """The project in this folder or above it. Raises ConfigError with every mistake of its file."""
        return cls(load(find_project(where), environ, overrides), clock=clock)

    def close(self) -> None:
        if "wiring" in vars(self):
            self.wiring.renew()
        self.store.close()

    @cached_property
    def wiring(self) -> Wiring:
        """Connections and flows with their parts."""
        from wherry.project.wiring import Wiring

        self._defaults.wiring = made = Wiring(self.project, self.plugins, self.store, self.clock)
        return made

    @cached_property
    def bookkeeper(self) -> Bookkeeper:
        """Keeps the books of the project's flows."""
        from wherry.project.bookkeeper import Bookkeeper

        return Bookkeeper(self.project, self.store, self.clock)

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def run(
        self, name: str, options: Options | None = None, *, cause: str = "manual", plan: str = "",
        progress: Watch = lambda flow, tally: None, ran: dict[str, Report] | None = None,
    ) -> Report:  # fmt: skip
        """Run a flow, after those that go before it and are not in ``ran``. The report's data is its own summary."""
        from wherry.runs.job import Options

        options, ran = options or Options(), {} if ran is None else ran
        flow = self.wiring.flow(name)
        self._refuse_paused(name)
        if plan:
            self._still_valid(name, plan)
        before, told = list[Report](), list[Report]()
        for other in () if options.records else flow.after:
            if other not in ran:
                ran[other] = self.run(other, cause=cause, progress=progress, ran=ran)
                told.append(ran[other])
            before.append(ran[other])
            if before[-1].exit_code == EXIT_INTERRUPTED:
                break
        stopped = next((one for one in before if one.error is not None or one.exit_code == EXIT_INTERRUPTED), None)
        if stopped is not None:
            return self._not_started(name, told, stopped)
        if plan and any(other.data["items"] for other in before):  # what was planned may build on that
            self._still_valid(name, plan)
        report = self._run_one(name, options, cause if options.moves_mark else registry.PARTIAL, progress)
        report.data["before"] = [other.data for other in told]
        report.exit_code = worst([report.exit_code, *(other.exit_code for other in before)])
        return report

    def _not_started(self, name: str, before: Sequence[Report], stopped: Report) -> Report:
        """A flow that goes before this one ended early, so this one was not begun."""
        report = self._report(name, Tally(), stopped.error, stopped.exit_code)
        report.data.update(flow=name, run="", before=[it.data for it in before], requests=0, requests_by={}, retried=0)
        return report

    def _run_one(self, name: str, options: Options, cause: str, progress: Watch) -> Report:
        from wherry.project import config_log

        self._refuse_paused(name)
        config_log.record(self.store, self.project, self.wiring)
        run = registry.new_id(int(self.clock.now().timestamp() * 1000))
        with self.store.lock(f"flow:{name}"):
            started = self.store.now()
            with self.store.write() as tx:
                dying.close_dead_runs(tx, name, started, self.project.folder, self.plugins.problems)
                registry.start_run(tx, run, name, cause, started)
            self.plugins.run_started(name, run)
            with collecting.seldom(), dying.watched(self.project.folder, self.plugins.problems, self.says):
                report = self._guarded(name, run, options, progress)
            report.data.update({"run": run, "flow": name, "started": started, "finished": self.store.now()})
            with self.store.write(late=True) as tx:
                state = _STATES.get(report.exit_code, "failed")
                registry.finish_run(tx, run, state, report.exit_code, self.store.now(), report.data)
            self.plugins.run_finished(name, run, report.data)
        return report

    def _guarded(self, name: str, run: str, options: Options, progress: Watch) -> Report:
        """The run itself. Whatever ends it early becomes part of its report; what was settled stays settled."""
        import structlog

        from wherry.runs import formers
        from wherry.runs.job import Job, residue

        tally, error, code, rounding, booked = Tally(), None, 0, {}, dict[str, Any]()
        self.wiring.renew()
        structlog.contextvars.bind_contextvars(flow=name, run=run)
        try:
            wired = self.wiring.wire(name, run, lambda counted: self._settled(name, run, counted, tally, progress))
            job = Job(wired=wired, options=options, catalogues=self.wiring.catalogues(wired), tally=tally)
            self._carry(job)
            rounding = residue(wired)
            code, booked = _booked(job)
            booked.update(formers.told(job))
        except WherryError as caught:
            error, code = caught, caught.exit_code
            self._note_access(self.wiring.flow(name).source, caught)
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        except (Exception, dying.Endless) as caught:
            error, code = dying.unexpected(name, caught), ContractBroken.exit_code
            structlog.get_logger().error("run failed", exc_info=caught)
        finally:
            structlog.contextvars.unbind_contextvars("flow", "run")
        report = self._report(name, tally, error, code)
        report.data.update(rounding=rounding, **booked)
        return report

    def _carry(self, job: Job) -> None:
        from wherry.protocol.flight import ARRIVING
        from wherry.runs import engine, formers, reading, upkeep

        reading.refuse_other_ends(job)
        formers.free_first(job)
        later = self._tried(job)
        if job.options.moves_mark and not job.options.resync:
            upkeep.retry(job)
        engine.run(job)
        self.book(job, anew=job.options.resync)
        later = later if isinstance(later, TryAgain) and later.code != ARRIVING else self._tried(job)
        upkeep.rematch(job, self.wiring.matcher_of)
        for kind, mapper in job.wired.mappers.items():
            upkeep.sweep(job, kind, mapper)
        later = self._tried(job) if later is None else later
        if job.wired.posting is not None:
            from wherry.books import confirming

            confirming.confirm(self.store, job.wired.source, job.wired.name, job.wired.posting.route)
        if later is not None:
            raise later
        if job.options.moves_mark:
            upkeep.note_looked(job.sending(self.wiring.catalogues))

    def book(self, job: Job, pick: Selection | None = None, *, anew: bool = True) -> None:
        """What a flow took into its subledger is booked: grouped into entries, which wait for approval or leave.

        Not ``anew``: where nothing has changed since it was done, nothing is done.
        """
        if job.wired.posting is None:
            return
        from wherry.books import booking
        from wherry.runs import engine
        from wherry.runs.fates import tell_items

        basis = self.bookkeeper.basis(job.wired, pick)
        if anew or (held := booking.recall(self.store, basis)) is None:
            sending, looked = job.sending(self.wiring.catalogues), booking.look(self.store, basis)
            decisions = engine.decided(sending, booking.parties(looked))
            with self.store.write() as tx:
                held = booking.book(tx, sending.wired.lane, basis, decisions, self.store.now(), looked)
        job.booked = held
        job.tally.add(tell_items(job.booked.outcomes, job.booked.steps))
        for ref, outcome in job.booked.outcomes.items():
            if outcome.fate in OPEN:
                job.open[ref] = ("", outcome.fate, "")

    def _tried(self, job: Job) -> TryAgain | Busy | None:
        """Drain; a target that is out of order, or that another process sends to, keeps nobody from reading."""
        try:
            self._drain(job)
        except (TryAgain, Busy) as error:
            return error
        return None

    def _drain(self, job: Job) -> None:
        """What is ready for the flow's target leaves, and what it answers counts in this run."""
        from wherry.runs.fates import recount

        lane = job.wired.sending.lane

        def settled(source: int, found: Mapping[Ref, Outcome]) -> None:
            recount(job, found, own=source == lane.route.source)
            job.wired.settled(Tally())  # whoever observes hears of it by flow: others' items leave here too

        target = self.wiring.lanes.target(job.wired.flow.sink, lane.run, lane.sink, settled)
        if target is not None:
            from wherry.protocol.drain import drain

            drain(target)
            job.catalogues.forget()

    def drain(self, connection: str, run: str = "") -> None:
        """Send what waits for a connection, outside of any run."""
        from wherry.protocol.drain import drain

        try:
            writer = self.wiring.writer(connection)
            if (target := self.wiring.lanes.target(connection, run, writer, lambda source, found: None)) is not None:
                drain(target)
        except AccessLost as error:
            self._note_access(connection, error)
            raise

    def _settled(self, name: str, run: str, counted: Tally, tally: Tally, progress: Watch) -> None:
        if counted.records:
            self.plugins.batch_settled(name, run, counted.as_data()["fates"])
        progress(name, tally)

    def _report(self, name: str, tally: Tally, error: WherryError | None, code: int) -> Report:
        waiting, approval = self._waiting(name)
        if not code and any(waiting.get(state) for state in FOR_A_PERSON):
            code = EXIT_PERSON
        requests = self.wiring.requests()
        data = {
            **tally.as_data(), "waiting": waiting, "requests": requests["total"], "requests_by": requests["by"],
            "retried": requests["retried"], "refused_calls": requests["refused"], "exit_code": code,
            "error": clean(error.as_data()) if error else None, "approval": approval.number,
            "for_approval": msgspec.to_builtins(approval),
        }  # fmt: skip
        nexts = [] if error else self._next(name, waiting, approval.number)
        return Report(data=data, exit_code=code, error=error, next=nexts)

    def _waiting(self, name: str) -> tuple[dict[str, dict[str, int]], ForApproval]:
        """What is open of the flow, and what of it waits for a person's word."""
        with self.store.read() as tx:
            return ledger.count_open(tx, name), inquiries.for_approval(tx).get(name, ForApproval())

    def _next(self, name: str, waiting: Mapping[str, Mapping[str, int]], approval: int) -> list[str]:
        found = [f"wherry approve {name}"] if approval else []
        found += ["wherry triage list"] if waiting.get("triage") else []
        return found + (["wherry errors list"] if any(waiting.get(state) for state in DESK) else [])

    def _refuse_paused(self, name: str) -> None:
        with self.store.read() as tx:
            state = registry.flow_state(tx, name)
        if state.state == "paused":
            why, fix = f": {state.reason}" if state.reason else "", f"wherry flow activate {name}"
            raise Guarded(f"flow {name} was paused by {state.by}{why}", fix=fix, code="WHERRY-7010", flow=name)

    def _note_access(self, name: str, error: WherryError) -> None:
        """``name``: the connection, where the error does not say."""
        if isinstance(error, AccessLost):
            name = str(error.where.get("connection", name))
            self.note_connection(name, "reconnect", error.message)
            self.plugins.access_lost(name, error.message)

    def note_connection(self, name: str, state: str, reason: str) -> None:
        """What ``status`` says of it until a check succeeds; the account is asked for again before that."""
        with self.store.write(late=True) as tx:  # also where a lock was lost: it is so all the same
            if (row := registry.connection(tx, name)) is not None:
                registry.update_connection(tx, row.id, state=state, reason=scrub(reason), credential="")

    def plan(self, name: str, options: Options | None = None) -> Report:
        """What a run would do now. Copies no file; the store keeps its fingerprint and which accounts answered."""
        from wherry.project import planning
        from wherry.runs import engine, formers
        from wherry.runs.job import Job, Options

        self.wiring.renew()
        wired = planning.foresight(self.wiring.wire(name, "plan"))
        job = Job(wired=wired, options=options or Options(), catalogues=self.wiring.catalogues(wired), rehearsal=True)
        tally, outcomes, steps = engine.rehearse(job, self.would_book(job))
        pending = planning.pending(tally)
        told = planning.told(wired.sending, steps, outcomes, tally)
        data = {**tally.as_data(), **told, "flow": name}
        plan = planning.fingerprint(steps, outcomes)
        with self.store.write() as tx:
            registry.save_plan(tx, plan[:8], name, plan, self.store.now(), {"items": data["items"]})
        pending = pending or bool(told["calls"] or told["unfinished"])
        data.update({**_booked(job)[1], **formers.told(job)}, plan=plan[:8])
        data.update(requests=self.wiring.requests()["total"], pending=pending)
        waiting, approval = self._waiting(name)
        data["for_approval"] = msgspec.to_builtins(approval)
        nexts = [f"wherry run {name} --plan {plan[:8]}"] if pending else self._next(name, waiting, approval.number)
        return Report(data=data, next=nexts)

    def would_book(self, job: Job, pick: Selection | None = None) -> Then:
        """What ``book`` would do: for the end of the rehearsed transaction, which has what the records come to."""
        from wherry.books import booking, drafts, gathering
        from wherry.runs import engine

        if job.wired.posting is None:
            return engine.nothing_then
        basis, sending = self.bookkeeper.basis(job.wired, pick), job.sending(self.wiring.catalogues)

        def then(tx: Tx) -> tuple[dict[Ref, Outcome], list[Step]]:
            wanted = drafts.parties(one.entry for one in gathering.arrange(tx, basis).bookings)
            decisions = engine.decided(sending, wanted)
            job.booked = booking.book(tx, sending.wired.lane, basis, decisions, self.store.now())
            return job.booked.outcomes, job.booked.steps

        return then

    def _still_valid(self, name: str, plan: str) -> None:
        with self.store.read() as tx:
            known = registry.plan_digest(tx, plan, name)
        now = self.plan(name).data["plan"] if known else ""
        if known is None or known[:8] != now:
            what = "is not known" if known is None else "is stale: it was run already, or something has changed since"
            raise Guarded(f"plan {plan} of {name} {what}", fix=f"wherry plan {name}", code="WHERRY-7040", flow=name)

    def resync(self, name: str, options: Options, *, write: bool) -> Report:
        """Bring records over again because somebody asked: project, lines and linked customer (behaviour 001.69)."""
        if not write:
            return self.plan(name, options)
        report = self._run_one(name, options, "resync", lambda flow, tally: None)
        self.store.audit("flow.resync", name, {"records": options.records, "overwrite_local": options.overwrite_local})
        return report


def _booked(job: Job) -> tuple[int, dict[str, Any]]:
    """What a flow that books has to say besides: a category without account keeps everything back."""
    if job.booked is None:
        return 0, {}
    return EXIT_PERSON if job.booked.arrangement.blocked else 0, {"books": job.booked.as_data()}
