"""Evil expressions: each ends within its bounds, names the record, and leaves the mapper usable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from wherry.errors import ConfigError, Rejected
from wherry.records import Draft

from .deals import deal, fresh, mapper

LOOP = "($f := function($x){ $f($x + 1) }; $f(0))"
COUNTED = {
    LOOP: "steps",
    "($f := function($x){ 1 + $f($x + 1) }; $f(0))": "depth",
    "[" * 400 + "1" + "]" * 400: "depth",
    "$map([1..50000], function($x){ $x })": "steps",
    "$map([1..300], function($x){ $pad('', 100) })": "output",
    "$sort([1..40000], function($a, $b){ $a < $b })": "steps",
}
STOPPED = {
    "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a+)+$/)": "seconds",
    "$replace('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /(a|aa)+$/, '')": "seconds",
    "($d := function($s, $n){ $n = 0 ? $s : $d($s & $s, $n - 1) }; $d('aaaaaaaaaa', 40))": "memory",
}
BANNED = ("$now()", "$millis()", "$random()", "$shuffle([1, 2])", "$eval('1 + 1')", "[1, 2] ~> $shuffle")


@pytest.mark.parametrize(("text", "bound"), COUNTED.items())
def test_what_can_be_counted_is_counted_and_ends_at_the_same_place_each_time(text: str, bound: str) -> None:
    """case_G19"""
    made = fresh(text, steps=20_000, output=20_000, seconds=20)
    said = []
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            made.map(deal())
        said.append(caught.value.message)
    made.close()
    assert said[0] == said[1]
    assert said[0].startswith("deal 901: maps/deals.jsonata")
    assert f"it takes more than {bound} = " in said[0]
    assert caught.value.code == "WHERRY-4881"
    assert f"flows.won-deals.mapper.{bound}" in caught.value.fix


@pytest.mark.parametrize(("text", "bound"), STOPPED.items())
def test_what_cannot_be_counted_is_stopped_by_the_system(text: str, bound: str) -> None:
    """case_G19"""
    seconds = 0.3 if bound == "seconds" else 20  # how fast memory fills is the machine's affair
    made = fresh(f"deal.dealname = 'evil' ? {text} : {{ 'skip': 'harmless' }}", seconds=seconds, memory=256)
    with pytest.raises(Rejected, match=f"it takes more than {bound} = "):
        made.map(deal(dealname="evil"))
    assert made.map(deal()) == made.map(deal()), "the next record has a process again"
    made.close()


@pytest.mark.parametrize("text", BANNED)
def test_what_gives_another_answer_tomorrow_is_not_to_be_had(text: str) -> None:
    made = fresh(text)
    with pytest.raises(Rejected, match="is not to be had in a map"):
        made.map(deal())
    made.close()


def test_a_map_that_only_ever_runs_out_of_bounds_ends_the_run_instead_of_every_record() -> None:
    made = fresh(LOOP, steps=200)
    for _ in range(4):
        with pytest.raises(Rejected):
            made.map(deal())
    with pytest.raises(ConfigError, match="as 4 records before it") as caught:
        made.map(deal())
    assert (caught.value.code, caught.value.where["key"]) == ("WHERRY-2884", "flows.won-deals.mapper.steps")
    made.close()


def test_records_that_pass_between_count_from_the_start_again() -> None:
    made = fresh(f"deal.dealname = 'evil' ? {LOOP} : {{ 'skip': 'harmless' }}", steps=200)
    for _ in range(4):
        for _ in range(4):
            with pytest.raises(Rejected):
                made.map(deal(dealname="evil"))
        made.map(deal())
    made.close()


def test_the_evaluating_process_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """case_G21"""
    monkeypatch.setenv("KIT_TOKEN", "canary-5d21")
    made = fresh()
    process = made._evaluation._process
    assert process is not None
    if Path(f"/proc/{process.pid}/environ").exists():
        assert b"canary" not in Path(f"/proc/{process.pid}/environ").read_bytes()
    made.close()
    assert process.returncode is not None, "it is reaped"


def test_a_process_that_is_killed_is_replaced() -> None:
    made = fresh()
    process = made._evaluation._process
    assert process is not None
    process.kill()
    process.wait()
    with pytest.raises(Rejected, match="the evaluating process ended with code -9"):
        made.map(deal())
    assert isinstance(made.map(deal()), list)
    made.close()


def test_a_fork_has_a_process_of_its_own() -> None:
    made = mapper()
    wanted = made.map(deal())
    child = os.fork()
    if child == 0:  # pragma: no cover
        found = made.map(deal())
        made.close()
        os._exit(0 if found == wanted else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert made.map(deal()) == wanted


def test_the_process_ends_when_its_line_does() -> None:
    """Whatever becomes of the command: nothing is left running."""
    program = "from wherry_jsonata.evaluator import main; main()"
    done = subprocess.run([sys.executable, "-c", program], input="", capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_drafts_come_out_of_it_all() -> None:
    found = mapper().map(deal())
    assert isinstance(found, list)
    assert all(isinstance(draft, Draft) for draft in found)
