"""The kill sweep in its short form: what it tries is sound, what it is told is true, and its judge can tell."""

from __future__ import annotations

import ast
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import wherry.testing.sweep as sweeping
from wherry.testing import errand, mutations_books, plans, postgres
from wherry.testing.bench import Outcome
from wherry.testing.crashing import KILLED, Crash, Probe
from wherry.testing.errand import Claims, Errand
from wherry.testing.hunt import hunted
from wherry.testing.judge import Case, Wrong, judge
from wherry.testing.mutations import BUGS
from wherry.testing.nursery import Nursery, Work
from wherry.testing.rigs import Effect, Rig, rigs, target_rig
from wherry.testing.scenario import PHASES, wanted
from wherry.testing.sweep import EVERYTHING, Benches, chosen, replay, rigs_of, sweep

ROOT = Path(__file__).resolve().parents[1]
FILES = ("write_text", "write_bytes", "fdopen")
FEW = 0 if EVERYTHING else 4
OFTEN = [f"target-{one}" for one in ("key", "query", "none")]
"""The other forms are tried in every run by tests of the drain; here with ``make sweep``."""
SAMPLE = (
    "post_then_remember", "mark_first", "no_settle_wait", "lease_by_the_clock", "fresh_key_for_each_try",
    "create_while_the_first_is_unknown", "money_in_floats", "company_not_checked", "two_hits_taken_for_one",
)  # fmt: skip


# -- the sweep itself -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rig", [rig for rig in rigs() if EVERYTHING or rig.name in OFTEN], ids=lambda rig: rig.name)
def test_whatever_crashes_the_target_holds_everything_once(rig: Rig) -> None:
    """case_A1, case_A2, case_A3, case_A4, case_A25, I1, I2, I3, I4, I5, I20"""
    result = sweep(rig, "sqlite", jobs=1, most=FEW)
    assert [(outcome.plan, outcome.wrong) for outcome in result.bad] == []
    assert result.missed == []
    assert result.points >= (200 if EVERYTHING else 4)


def test_whatever_crashes_on_postgresql_the_target_holds_everything_once(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """case_A1, I2, I3, I4"""
    monkeypatch.setenv(postgres.GIVEN, postgres_server)
    result = sweep(target_rig("key"), "postgresql", jobs=1, most=FEW)
    assert [(outcome.plan, outcome.wrong) for outcome in result.bad] == []


def test_planted_bugs_are_caught_by_plans_that_find_nothing_else() -> None:
    """case_A2, case_A6, case_A12, I2, I3, I4, I12"""
    found = {catch.bug.name: catch for catch in hunted(rigs(), [BUGS[n] for n in (BUGS if EVERYTHING else SAMPLE)], 1)}
    assert set(SAMPLE) <= set(found)
    assert [name for name, catch in found.items() if catch.sound.wrong] == [], "the plan is wrong, or the core is"
    assert [name for name, catch in found.items() if not catch.caught] == [], "these were missed"


def test_every_bug_can_still_be_planted() -> None:
    """The core moves on under them; a bug that finds no place any more would be caught for the wrong reason."""
    with Nursery(["wherry.testing.mutations"]) as nursery:
        jobs = {name: Work(function="wherry.testing.mutations:rehearse", told={"name": name}) for name in BUGS}
        assert [name for name, work in jobs.items() if nursery.run(work).code] == []


def test_there_are_bugs_enough_and_each_says_what_it_is() -> None:
    assert len(BUGS) >= 25
    assert [name for name, one in BUGS.items() if not one.what] == []
    known = {rig.name for rig in [*rigs(), target_rig("query", 3)]}
    assert {one.rig for one in BUGS.values() if one.plant.__module__ != mutations_books.__name__} <= known


@pytest.fixture(scope="module")
def bench() -> Iterator[Callable[[str], Any]]:
    """Carries out plans on the target that can be asked."""
    with Benches(target_rig("query"), "sqlite", 1) as benches:
        yield lambda plan, bug="": next(benches.carry_out([(plan, bug)]))


def test_of_what_is_never_changed_the_first_version_stays_and_a_person_is_told() -> None:
    rig, wants = target_rig("query", updates="never"), wanted(["first", "update"])
    made = [Effect(thing, "created", f"X-{n}", steps[0].total, steps[0].date)
            for n, (thing, steps) in enumerate(wants.items())]  # fmt: skip
    told = {one.thing: one.target for one in made}
    open_ones = {"invoice/id:1": "refused", "invoice/id:3": "refused"}
    right = Case(rig=rig, wanted=wants, effects=made, claims=Claims(exit=4, written=told, open=open_ones))
    assert judge(right) == []
    silent = msgspec.structs.replace(right, claims=Claims(exit=0, written=told))
    assert [wrong.kind for wrong in judge(silent)] == ["false", "false"]
    changed = msgspec.structs.replace(right, effects=[*made, Effect("invoice/id:1", "updated", "X-2", "13.50")])
    assert [wrong.thing for wrong in judge(changed)] == ["invoice/id:1"]


def test_an_undisturbed_run_passes_the_same_points_every_time(bench: Callable[[str], Any]) -> None:
    first, again = bench(plans.UNDISTURBED), bench(plans.UNDISTURBED)
    assert first.wrong == []
    assert first.passed == again.passed
    assert tuple(first.passed) == PHASES
    assert sum(map(len, first.passed.values())) >= 200


def test_points_are_of_every_kind(bench: Callable[[str], Any]) -> None:
    """case_A1: commits, calls, reads and files, each before and after."""
    passed = [point for points in bench(plans.UNDISTURBED).passed.values() for point in points]
    kinds = {point.partition("@")[0] for point in passed}
    assert kinds == {
        "commit.before", "commit.inside", "commit.after", "http.before", "http.sent", "send.answered", "read.answered",
        "file.before", "file.after",
    }  # fmt: skip
    assert len(passed) > len({point.partition("#")[0] for point in passed}), "the nth time is told"


def test_a_point_that_does_not_come_up_is_told(bench: Callable[[str], Any]) -> None:
    outcome = bench("play first; kill commit.after@nobody.at_all#1; calm; judge")
    assert outcome.missed == ["commit.after@nobody.at_all#1"]
    assert outcome.wrong == []


def test_a_plan_replays_from_its_text_alone() -> None:
    plan = "target-key sqlite: play first; kill http.sent@POST /things#2; calm; judge"
    outcome = replay(plan, rigs(), "fresh_key_for_each_try")
    assert (outcome.plan, outcome.missed, outcome.crashes) == (plan, [], 1)
    assert outcome.wrong[0].kind == "duplicate"


def test_a_fall_of_the_hub_itself_is_no_silence(bench: Callable[[str], Any]) -> None:
    """A process that ends without a word is wrong, whatever the target holds."""
    outcome = bench("play first; run", "no_such_bug")
    assert "left no note" in str(outcome.wrong[0])


def test_every_commit_and_every_request_passes_where_the_sweep_takes_hold() -> None:
    """Nobody can add a commit, a client or a file that has no crash points."""
    places: dict[str, set[str]] = {name: set() for name in ("commit", "handle_request", "Client", *FILES)}
    for path in (ROOT / "core" / "wherry").rglob("*.py"):
        if not {"testing", "migrations", "cli", "demo.py", "demo_books.py", "simulator", "authoring"} & set(path.parts):
            text = path.read_text("utf-8")
            for node in ast.walk(ast.parse(text)) if any(f".{name}" in text for name in places) else ():
                if isinstance(node, ast.Attribute) and node.attr in places:
                    places[node.attr].add(str(path.relative_to(ROOT / "core" / "wherry")))
    assert places["commit"] == {"store/database.py", "store/migrate.py", "store/statements.py"}, "no run migrates"
    assert places["handle_request"] == {"http/transport.py", "http/signing.py"}, "what is signed goes through the gate"
    assert not places["Client"], "nobody calls but through the gate"
    # No run writes these; beside, and then renamed.
    for_people = {"bookkeeping/exporting.py", "bookkeeping/packing.py", "books/tables.py"}
    assert places["write_text"] | places["write_bytes"] == for_people, "write beside, and rename or pwrite"
    reads = {"http/files.py"}  # what it writes goes by os.write, and is renamed
    assert places["fdopen"] - reads == {"secrets.py", "store/blobs.py"}, "a key made once, and a blob that is renamed"


# -- its parts --------------------------------------------------------------------------------------------------------


def test_what_the_warm_parent_has_ready_is_as_it_would_be_opened_and_is_not_used_for_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug may lie in what reads the project."""
    monkeypatch.setattr(errand, "_ready", {})
    (tmp_path / "wherry.toml").write_text('version = 1\n[project]\nname = "p"\ntimezone = "UTC"\ncurrency = "GBP"\n')
    told = Errand(folder=str(tmp_path), environ={}, time=str(tmp_path / "time"), note="")
    buggy, elsewhere = msgspec.structs.replace(told, mutation="mark_first"), {"A": "B"}
    ready = errand._ready[errand._project_of(told)] = errand._opened_anew(told)
    assert errand._opened(buggy) is not ready
    assert errand._opened(msgspec.structs.replace(told, environ=elsewhere)) is not ready
    assert errand._opened(told) is ready
    assert not (tmp_path / ".wherry").exists()
    assert errand._opened(told) is not ready


def test_a_process_of_the_nursery_ends_stops_and_goes_on(tmp_path: Path) -> None:
    with Nursery(["json"]) as nursery:
        assert nursery.run(Work(function="wherry.testing.crashing:rehearse", told={})).code == 0
        kill = Work(function="wherry.testing.crashing:rehearse", told={"do": "kill"})
        assert nursery.run(kill).code == KILLED
        assert nursery.once(kill).code == KILLED
        process = nursery.start(Work(function="wherry.testing.crashing:rehearse", told={"do": "stop"}))
        assert nursery.wait(process).stopped
        nursery.go(process)
        assert (ended := nursery.wait(process)).code == 0
        assert not ended.stopped
        assert nursery.run(Work(function="wherry.testing.crashing:nothing", told={})).code == 99


def test_a_probe_acts_at_the_wanted_time_of_the_wanted_point() -> None:
    probe = Probe([Crash("commit.inside@drain#2", "refuse")])
    probe.reach("commit.inside", "drain")
    probe.reach("commit.inside", "engine")
    with pytest.raises(Exception, match="refused by the sweep"):
        probe.reach("commit.inside", "drain")
    assert probe.passed == ["commit.inside@drain#1", "commit.inside@engine#1", "commit.inside@drain#2"]


def test_a_share_of_the_plans_is_spread_over_all() -> None:
    wanted_plans = [str(number) for number in range(100)]
    assert chosen(wanted_plans, 4) == ["0", "25", "50", "75"]
    assert chosen(wanted_plans, 0) == wanted_plans
    assert chosen(wanted_plans, 200) == wanted_plans


def test_points_are_spread_in_each_phase_so_that_one_plan_serves_several() -> None:
    points = {"first": [f"a{n}" for n in range(10)], "resync": ["b0"], "update": [f"c{n}" for n in range(4)]}
    some = plans.spread(points, 2)
    assert some == {"first": ["a0", "a5"], "resync": ["b0"], "update": ["c0", "c2"]}
    assert len(plans.kills(target_rig("query"), some)) == 2
    assert plans.spread(points, 0) == points


def test_a_point_that_an_earlier_death_led_past_is_tried_alone() -> None:
    """It was counted as not reached: of two deaths the second may find nothing left to do."""
    point = "commit.before@drain._advance#1"
    late = f"play first; kill commit.after@drain._advance#2; play update; kill {point.replace('1', '40')}; calm; judge"
    with Benches(target_rig("query"), "sqlite", 1) as benches:
        (outcome,) = benches.carry_out([(late, "")])
        assert outcome.alone == [plans.alone(target_rig("query"), "update", point.replace("1", "40"))]
        (alone,) = benches.carry_out([(plans.alone(target_rig("query"), "update", point), "")])
    assert (alone.missed, alone.crashes, alone.wrong) == ([], 1, [])
    result = sweeping.Result(rig="target-query", database="sqlite")
    sweeping._count(result, outcome)
    assert (result.missed, result.alone) == ([], outcome.alone)
    sweeping._count(result, msgspec.structs.replace(outcome, steps=outcome.alone[0]))
    assert len(result.missed) == 1, "it does not come up at all"


def test_what_a_killed_sweep_left_goes_with_the_next_and_who_is_told_to_end_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **told: Any) -> None:
        with sweeping._scratch():
            os.kill(os.getpid(), signal.SIGTERM)

    (tmp_path / "wherry-sweep-1").mkdir()
    (tmp_path / "wherry-sweep-1" / "owner").touch()
    monkeypatch.setattr(sweeping, "memory_disk", lambda: tmp_path)
    monkeypatch.setattr(sweeping, "sweep", interrupted)
    with sweeping._scratch() as mine:
        was = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit):
            sweeping.main(["--only", "target-key", "--database", "sqlite"], standalone_mode=False)
        signal.signal(signal.SIGTERM, was)
        assert list(tmp_path.iterdir()) == [mine]


def test_rigs_are_found_in_modules_and_in_files() -> None:
    found = rigs_of(["wherry.testing.rigs", str(ROOT / "plugins" / "workspace" / "tests" / "sweep_rig.py")])
    assert {"target-key", "target-none", "workspace"} <= {rig.name for rig in found}


# -- the judge --------------------------------------------------------------------------------------------------------

QUERY, NONE = target_rig("query"), target_rig("none")


def sound(**changes: Any) -> Case:
    """A first sync as it must be; ``changes`` spoil it."""
    must = wanted(["first"])
    effects = [
        Effect(thing, one.what, f"X-{number}", one.total, one.date, f"s{number}", "T-1")
        for number, (thing, steps) in enumerate(must.items())
        for one in steps
    ]
    claims = Claims(exit=0, written={effect.thing: effect.target for effect in effects})
    case = Case(rig=QUERY, wanted=must, effects=effects, claims=claims, company="T-1")
    return msgspec.structs.replace(case, **changes)


def said(case: Case) -> list[tuple[str, str]]:
    return [(wrong.kind, wrong.thing) for wrong in judge(case)]


INVOICE = "invoice/id:1"


def test_the_judge_finds_nothing_wrong_with_what_is_right() -> None:
    assert judge(sound()) == []


def test_a_sink_that_takes_invoices_alone_owes_neither_customers_nor_products() -> None:
    assert sorted(wanted(["first"], entities=("invoice",))) == ["invoice/id:1", "invoice/id:2", "invoice/id:3"]
    assert {"customer/id:1", "product/id:p1"} < wanted(["first"]).keys()


def test_a_second_effect_is_a_duplicate() -> None:
    """I2"""
    case = sound()
    (one,) = [effect for effect in case.effects if effect.thing == INVOICE]
    again = msgspec.structs.replace(one, target="X-99")
    assert ("duplicate", INVOICE) in said(sound(effects=[*case.effects, again]))
    stray = msgspec.structs.replace(one, thing="X-100", target="X-100")
    assert said(sound(effects=[*case.effects, stray])) == [("duplicate", "X-100")]


def test_what_is_not_there_is_lost_or_falsely_called_written() -> None:
    """I3, I20"""
    case = sound()
    rest = [effect for effect in case.effects if effect.thing != INVOICE]
    assert said(sound(effects=rest)) == [("false", INVOICE)], "it is said to be written"
    silent = Claims(exit=0, written={k: v for k, v in case.claims.written.items() if k != INVOICE})
    assert said(sound(effects=rest, claims=silent)) == [("lost", INVOICE)]
    stuck = msgspec.structs.replace(silent, exit=4, open={INVOICE: "unknown"})
    assert said(sound(effects=rest, claims=stuck)) == [("lost", INVOICE)]
    assert said(sound(effects=rest, claims=stuck, rig=NONE)) == [], "a person is to look: nothing else can tell"
    assert said(sound(effects=rest, claims=stuck, rig=NONE, strict=True)) == [("lost", INVOICE)]


def test_a_version_is_passed_over_only_where_that_is_allowed_and_it_was_never_sent() -> None:
    """I2: a newer version replaces one that was not sent."""
    must = wanted(["first", "update"])
    case = sound(wanted=must)
    newest = [msgspec.structs.replace(e, what="created", total=must[e.thing][-1].total) for e in case.effects]
    assert said(sound(wanted=must, effects=newest, latest=True)) == []
    assert ("false", INVOICE) in said(sound(wanted=must, effects=newest))
    (one,) = [effect for effect in newest if effect.thing == INVOICE]
    late = msgspec.structs.replace(one, what="updated", total="12.50")
    assert ("false", INVOICE) in said(sound(wanted=must, effects=[*newest, late], latest=True))


def test_what_is_there_must_not_be_called_failed() -> None:
    """I4"""
    case = sound()
    for state in ("refused", "queued", "waiting", "unknown", "decide"):
        open_item = msgspec.structs.replace(case.claims, exit=4, open={INVOICE: state})
        assert said(sound(claims=open_item)) == [("false", INVOICE)], state
    for state, wrong in (("decide", []), ("unknown", []), ("refused", [("false", INVOICE)])):
        open_item = msgspec.structs.replace(case.claims, exit=4, open={INVOICE: state})
        assert said(sound(claims=open_item, rig=NONE)) == wrong, state


def test_another_total_day_target_or_company_is_false() -> None:
    """I3, I8, I11, I12"""
    case = sound()
    for change in ({"total": "12.51"}, {"date": "2026-06-30"}, {"company": "T-2"}):
        effects = [msgspec.structs.replace(e, **change) if e.thing == INVOICE else e for e in case.effects]
        assert ("false", INVOICE) in said(sound(effects=effects)), change
    other = {**case.claims.written, INVOICE: "X-99"}
    assert said(sound(claims=msgspec.structs.replace(case.claims, written=other))) == [("false", INVOICE)]


def test_a_run_that_did_not_end_well_is_wrong() -> None:
    """I20"""
    assert said(sound(claims=msgspec.structs.replace(sound().claims, exit=6, error="later"))) == [("lost", "the run")]


def test_of_what_is_wrong_the_run_that_fell_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    things = [Wrong("lost", f"invoice/id:{n}", "not created") for n in range(4)]
    outcome = Outcome(plan="mine: calm; judge", wrong=[*things, Wrong("lost", "the run", "ended with 2: no address")])
    sweeping._shown(sweeping.Result(rig="mine", database="sqlite", bad=[outcome]), ["rig.py"])
    assert "the run: ended with 2: no address" in capsys.readouterr().out.splitlines()[1]


def test_postgresql_is_left_out_where_its_driver_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'wherry[postgres]'" in sweeping._no_postgres()


def test_what_is_for_a_person_must_be_said_so_and_nothing_else() -> None:
    case = sound(persons={INVOICE: "differs"})
    assert said(case) == [("false", INVOICE)]
    told = msgspec.structs.replace(case.claims, exit=4, open={INVOICE: "differs"})
    assert said(sound(persons={INVOICE: "differs"}, claims=told)) == []
