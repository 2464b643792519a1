"""The contract of a stand-in, as checks that bite: a test subclasses ``SimulatorSuite`` and says how to ask it.

    class TestSimulator(SimulatorSuite):
        @pytest.fixture
        def trial(self) -> SimulatorTrial:
            return SimulatorTrial(system="acme", make=lambda clock: AcmeSimulator(clock=clock),
                                  read=Exchange(path="/api/v1/parts"), headers={"authorization": "Bearer x"})

Every other test of a plugin stands on its stand-in: what is wrong here makes those prove the wrong thing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from wherry.roles import Simulator
from wherry.simulator import Clock
from wherry.testing.guarantees import HARMLESS, SECRETS, guarantee
from wherry.testing.simulator_trial import (
    FAULTS_REAL,
    OWN_TIME,
    SAME_AS_VENDOR,
    START,
    TRUE_HISTORY,
    Exchange,
    SimulatorTrial,
    standing,
    writing,
)
from wherry.testing.trial import looks

__all__ = ["Exchange", "SimulatorSuite", "SimulatorTrial"]

NOWHERE = "/kit/no/such/path-7919"
JUNK = (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe\x00", b"<a/>", b'{"a":' * 500, b"[" * 100_000)
STRANGE = ("", "-1", "0", "9" * 20, "9" * 5_000, "\N{SNOWMAN}", "\u00b2", "' OR 1=1 --", "\x00", "null", "[]")
_FILE = re.compile(r"""[^\s"'\\<>]{1,400}\.py\b""")
MOST = 2_000
"""Requests after which a throttled stand-in has surely said no."""


def _files(text: str) -> list[str]:
    """Python files of this machine that a text tells of: vendors word errors with a traceback too, with theirs."""
    named = _FILE.findall(text)
    return [name for name in named if Path(name).is_absolute() and Path(name).is_file()]


class SimulatorSuite:
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    # -- as the vendor ------------------------------------------------------------------------------------------------

    @guarantee(SAME_AS_VENDOR)
    def test_the_stand_in_has_all_that_a_stand_in_needs(self, trial: SimulatorTrial) -> None:
        made = trial.make(Clock(START))
        assert isinstance(made, Simulator)
        assert made.system == trial.system
        assert callable(made.app())

    @guarantee(SAME_AS_VENDOR)
    def test_a_read_is_answered_as_the_vendor_would(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            answer = there.read()
        assert answer.status_code == 200, answer.text
        self._valid(trial, answer)

    @guarantee(SAME_AS_VENDOR)
    def test_a_write_is_answered_as_the_vendor_would_and_is_one_effect_at_least(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            answer = there.write()
            assert answer.is_success, answer.text
            assert there.effects(), "a write that is taken changes something, and says so in the history"
        self._valid(trial, answer)

    @guarantee(SAME_AS_VENDOR)
    def test_an_unknown_path_is_not_found_and_shows_no_file_of_the_stand_in(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            for method in ("GET", "POST", "DELETE", "PUT"):
                answer = there.ask(Exchange(method=method, path=NOWHERE))
                assert answer.status_code in (404, 405), f"{method}: {answer.status_code}"
                assert not _files(answer.text), f"the stand-in stumbled: {answer.text[:200]}"
            assert there.read().status_code == 200

    @guarantee(SAME_AS_VENDOR)
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
    def test_an_error_is_worded_as_the_vendor_words_it(self, trial: SimulatorTrial, status: int) -> None:
        with standing(trial) as there:
            there.fault("status", status=status)
            answer = there.read()
            assert answer.status_code == status
            assert answer.content, "vendors say something with an error"
            assert not _files(answer.text), f"the stand-in stumbled: {answer.text[:200]}"
            self._valid(trial, answer)
            assert there.read().status_code == 200, "one fault is spent on one request"

    # -- strange requests ---------------------------------------------------------------------------------------------

    @guarantee(HARMLESS)
    def test_a_body_of_junk_is_refused_and_changes_nothing(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            wanted, before = writing(trial), there.effects()
            for junk in JUNK:
                one = Exchange(method=wanted.method, path=wanted.path, params=wanted.params, content=junk,
                               headers={"content-type": "application/json", **wanted.headers})  # fmt: skip
                answer = there.ask(one)
                assert answer.status_code < 500, f"{junk[:20]!r}: {answer.status_code} {answer.text[:200]}"
            assert there.effects() == before
            assert there.write().is_success

    @guarantee(HARMLESS)
    def test_strange_parameters_are_answered(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            for name in [*trial.read.params, "kit_unheard_of"]:
                for value in STRANGE:
                    one = Exchange(method=trial.read.method, path=trial.read.path, body=trial.read.body,
                                   content=trial.read.content, params={**trial.read.params, name: value})  # fmt: skip
                    answer = there.ask(one)
                    assert answer.status_code < 500, f"{name}={value[:20]!r}: {answer.status_code} {answer.text[:200]}"
            assert there.effects() == []

    # -- who is let in ------------------------------------------------------------------------------------------------

    @guarantee(SAME_AS_VENDOR)
    def test_nobody_is_let_in_without_signing_in(self, trial: SimulatorTrial) -> None:
        if trial.strict is None:
            pytest.skip("the stand-in lets in everybody")
        with standing(trial, trial.strict) as there:
            assert there.read().status_code == 200, "who signs in is let in"
            for headers in ({}, {"authorization": "Bearer kit-nobody"}, {"authorization": "Basic x"}):
                answer = there.ask(trial.read, headers)
                assert answer.status_code in (401, 403), f"{headers}: {answer.status_code}"
                if trial.write is not None:
                    assert there.ask(trial.write(0), headers).status_code in (401, 403)
            assert there.effects() == [], "what is refused changes nothing"

    @guarantee(SAME_AS_VENDOR)
    def test_who_asks_too_often_is_told_to_wait_and_let_in_again(self, trial: SimulatorTrial) -> None:
        if trial.throttled is None:
            pytest.skip("the stand-in has no limits")
        with standing(trial, trial.throttled) as there:
            answer = next((one for one in (there.read() for _ in range(MOST)) if one.status_code == 429), None)
            assert answer is not None, f"{MOST} calls in one moment, and nobody said no"
            self._valid(trial, answer)
            assert there.control("stats")["too_many"] == 1
            there.control("clock", {"advance": trial.patient})
            assert there.read().status_code == 200

    # -- faults -------------------------------------------------------------------------------------------------------

    @guarantee(FAULTS_REAL)
    @pytest.mark.parametrize("kind", ["status", "expired", "html", "empty", "dropped"])
    def test_what_never_took_effect_left_nothing(self, trial: SimulatorTrial, kind: str) -> None:
        with standing(trial) as there:
            one = writing(trial)
            there.fault(kind)
            self._asked(there, one, cut=kind == "dropped")
            assert there.effects() == []
            assert there.write().is_success

    @guarantee(FAULTS_REAL)
    @pytest.mark.parametrize("kind", ["lost", "truncated", "drip", "delay"])
    def test_what_took_effect_stands_although_its_answer_was_lost(self, trial: SimulatorTrial, kind: str) -> None:
        with standing(trial) as plain:
            plain.write()
            wanted = plain.effects()
        with standing(trial) as there:
            one = writing(trial)
            there.fault(kind)
            self._asked(there, one, cut=kind in ("lost", "truncated"))
            assert there.effects() == wanted, "the effect of one write, once"

    @guarantee(FAULTS_REAL)
    def test_a_late_write_takes_effect_when_it_is_let_go_and_once(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            one = writing(trial)
            there.fault("late")
            there.cut(one)
            assert there.effects() == []
            assert there.control("release", {}) == 1
            once = there.effects()
            assert once
            assert there.control("release", {}) == 0
            assert there.effects() == once

    @guarantee(FAULTS_REAL)
    def test_an_error_after_the_effect_lies_about_it(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            one = writing(trial)
            there.fault("status", status=503, committed=True)
            assert there.ask(one).status_code == 503
            assert there.effects(), "committed: it was written all the same"

    @guarantee(FAULTS_REAL)
    def test_a_page_of_html_and_an_empty_answer_are_what_they_say(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            there.fault("html")
            there.fault("empty")
            page, empty = there.read(), there.read()
        assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
        assert (empty.status_code, empty.content) == (200, b"")

    @guarantee(FAULTS_REAL)
    def test_a_fault_waits_for_its_turn_and_its_path_and_ends(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            there.fault("status", status=503, after=1, times=2)
            there.fault("status", status=500, path="^/kit/never$")
            assert [there.read().status_code for _ in range(4)] == [200, 503, 503, 200]
            assert there.control("faults") == {"waiting": 1}
            there.control("faults", [])
            assert there.control("faults") == {"waiting": 0}

    @guarantee(FAULTS_REAL)
    def test_a_fault_that_there_is_not_is_refused_with_those_there_are(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            answer = there.raw_control("faults", {"kind": "explode"})
            assert answer.status_code == 400
            assert "truncated" in answer.text

    # -- its history --------------------------------------------------------------------------------------------------

    @guarantee(TRUE_HISTORY)
    def test_every_request_is_noted_once_with_how_it_was_answered(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            there.read()
            there.ask(Exchange(path=NOWHERE))
            there.fault("status", status=503)
            there.read()
            noted = [(one["path"], one["status"], one["fault"]) for one in there.requests()]
            stats = there.control("stats")
        path = httpx.URL("http://x" + trial.read.path).path
        assert noted == [(path, 200, ""), (NOWHERE, noted[1][1], ""), (path, 503, "status")]
        assert (stats["requests"], stats["faults"]) == (3, {"status": 1})

    @guarantee(TRUE_HISTORY)
    def test_reads_change_nothing(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            first = there.read()
            again = [there.read() for _ in range(3)]
            assert there.effects() == []
        assert [one.content for one in again] == [first.content] * 3

    @guarantee(TRUE_HISTORY)
    def test_the_history_only_grows(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            there.read()
            if trial.write is not None:
                there.write()
            before = there.history()
            there.control("reset-stats", {})
            there.read()
            assert there.history()[: len(before)] == before
            assert there.control("stats")["requests"] == 1, "counted from the reset on"

    # -- its time, and its twin ---------------------------------------------------------------------------------------

    @guarantee(OWN_TIME)
    def test_it_lives_by_the_clock_that_it_is_given(self, trial: SimulatorTrial) -> None:
        today = dt.datetime.now(dt.UTC).date().isoformat()
        with standing(trial) as there:
            answers = [there.read(), *([there.write()] if trial.write is not None else [])]
            there.control("clock", {"advance": 3_600.0})
            later = there.read()
        moment = dt.datetime.fromisoformat(START)
        assert [parsedate_to_datetime(one.headers["date"]) for one in answers] == [moment] * len(answers)
        assert parsedate_to_datetime(later.headers["date"]) == moment + dt.timedelta(hours=1)
        assert not [one.text for one in (*answers, later) if today in one.text], "the machine's own day is in an answer"

    @guarantee(OWN_TIME)
    def test_it_never_looks_at_the_machines_clock(self, trial: SimulatorTrial) -> None:
        """Not for what it shows alone: also how long it remembers something is for the trial to say."""
        with standing(trial) as there, looks(trial.make(Clock(START))) as found:
            there.read()
            if trial.write is not None:
                there.write()
        assert found == []

    @guarantee(OWN_TIME)
    def test_the_same_requests_get_the_same_answers(self, trial: SimulatorTrial) -> None:
        told = []
        for _ in range(2):
            with standing(trial) as there:
                answers = [there.read(), *([there.write(0), there.write(1)] if trial.write else []), there.read()]
                url = there.url.encode()
                told.append([one.content.replace(url, b"") for one in answers])
        assert told[0] == told[1], "ids, stamps and order must not depend on chance, the machine or the day"

    @guarantee(OWN_TIME)
    def test_two_stand_ins_share_nothing(self, trial: SimulatorTrial) -> None:
        with standing(trial) as one, standing(trial) as other:
            before = other.read().content.replace(other.url.encode(), b"")
            one.write()
            one.fault("status", status=503, times=5)
            one.control("clock", {"advance": 99.0})
            assert other.effects() == []
            assert other.read().content.replace(other.url.encode(), b"") == before
            assert other.control("clock") != one.control("clock")

    @guarantee(OWN_TIME)
    def test_it_answers_without_waiting(self, trial: SimulatorTrial, monkeypatch: pytest.MonkeyPatch) -> None:
        """Told by its calls of sleep, not by a clock: latency is for a fault to bring."""
        slept: list[float] = []
        real = asyncio.sleep

        async def noted(seconds: float, result: Any = None) -> Any:
            slept.append(seconds)
            return await real(0, result)

        with standing(trial) as there:
            monkeypatch.setattr(time, "sleep", slept.append)
            monkeypatch.setattr(asyncio, "sleep", noted)
            there.read()
            if trial.write is not None:
                there.write()
            monkeypatch.undo()
        assert [seconds for seconds in slept if seconds > 0] == []

    @guarantee(TRUE_HISTORY)
    def test_writes_at_once_are_all_kept(self, trial: SimulatorTrial) -> None:
        with standing(trial) as there:
            writing(trial)
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(there.write, range(8)))
            assert [one.status_code for one in answers if not one.is_success] == []
            told = {(one.content, one.headers.get("location")) for one in answers}
            assert len(told) == len(answers), "two things of one name or id"
            together = there.effects()
        with standing(trial) as plain:
            for n in range(8):
                plain.write(n)
            assert sorted(together) == sorted(plain.effects())

    # -- secrets ------------------------------------------------------------------------------------------------------

    @guarantee(SECRETS)
    def test_what_signs_in_is_shown_nowhere(
        self, trial: SimulatorTrial, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        if not trial.secrets:
            pytest.skip("nothing secret signs in")
        caplog.set_level(logging.DEBUG)
        with standing(trial, trial.strict) as there:
            said = [there.read().text, there.ask(Exchange(path=NOWHERE)).text]
            there.fault("status", status=500)
            said += [there.read().text, str(there.history()), str(there.control("stats"))]
        said += [*capfd.readouterr(), caplog.text]
        shown = [secret for secret in trial.secrets for text in said if secret in text]
        assert shown == [], f"{len(shown)} times something secret was shown"

    # -- inside -------------------------------------------------------------------------------------------------------

    def _valid(self, trial: SimulatorTrial, answer: httpx.Response) -> None:
        if trial.valid is not None:
            trial.valid(answer)

    def _asked(self, there: Any, one: Exchange, *, cut: bool) -> None:
        if cut:
            there.cut(one)
        else:
            there.ask(one)
