"""Plugins that end the process, print into the command's answer, or are interrupted: told by name, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ..warm import warm
from .test_hostile_plugins import TOKEN, _ship

PROJECT = """
version = 1
[project]
name = "dying"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["workspace", "dying"]
[connections.there]
plugin = "dying"
[connections.platform]
plugin = "workspace"
[flows.deals]
source = "there"
sink = "platform"
kinds = ["deal"]
"""
CODE = """
import signal, time
HOW = os.environ.get("HOW", "")
MAP["deal"]["project"]["fields"]["description"] = "deal.name"
def read(self, query):
    yield Page(self.records()[:1], "m1")
    if HOW == "exit": os._exit(0)
    if HOW == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if HOW == "hang": open(os.environ["READY"], "w").close(); time.sleep(600)
    if HOW == "print": print("here is", self.token); sys.stdout.write("{}"); print(1, 2)
    yield Page(self.records()[1:], "m2")
Source.read = read
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    _ship(tmp_path / "site", "dying", CODE)
    (tmp_path / "wherry.toml").write_text(PROJECT)
    return tmp_path


def _environ(shop: Path, how: str) -> dict[str, str]:
    return {**os.environ, "HUBSPOT_TOKEN": TOKEN, "PYTHONPATH": str(shop / "site"), "HOW": how,
            "READY": str(shop / "ready")}  # fmt: skip


def wherry(shop: Path, *words: str, how: str = "") -> subprocess.CompletedProcess[str]:
    command = ["-m", "wherry.cli", "-C", str(shop), *words, "--output", "json"]
    return warm.python(*command, cwd=shop, env=_environ(shop, how))


def projects(shop: Path) -> dict[str, int]:
    listed = json.loads(wherry(shop, "run", "deals").stdout)["data"]
    found: dict[str, int] = listed["items"].get("project", {})
    return found


@pytest.mark.parametrize(("how", "code"), [("exit", 0), ("kill", -signal.SIGKILL)])
def test_a_plugin_that_ends_the_process_is_named_by_the_next_run_and_nothing_is_lost(
    shop: Path, how: str, code: int
) -> None:
    """case_G19, case_A1, I20"""
    died = wherry(shop, "run", "deals", how=how)
    assert (died.returncode, died.stdout) == (code, "")
    [trace] = (shop / ".wherry" / "at-work").glob("*.trace")
    assert b"hostile_dying read" in trace.read_bytes()
    after = wherry(shop, "run", "deals")
    assert after.returncode == 0, after.stderr
    [warning] = json.loads(after.stdout)["warnings"]
    assert "the plugin dying was in read; nothing that was settled is lost" in warning
    assert json.loads(after.stdout)["data"]["fates"]["deal"]["created"] >= 2
    listed = json.loads(wherry(shop, "runs", "list").stdout)["data"]["items"]
    states = {run["state"] for run in listed}
    assert states == {"cut off", "ok"}
    [dead] = [run["id"] for run in listed if run["state"] == "cut off"]
    shown = wherry(shop, "runs", "show", dead).stdout
    assert "WHERRY-1123" in shown
    assert '"plugin":"dying"' in shown
    assert not list((shop / ".wherry" / "at-work").glob("*.trace")), "told once"
    assert projects(shop) == {}, "each deal is there, once"


def test_what_a_plugin_prints_is_told_by_its_name_and_not_in_the_answer(shop: Path) -> None:
    """case_G19"""
    done = wherry(shop, "run", "deals", how="print")
    assert json.loads(done.stdout)["data"]["items"] == {"project": {"created": 3}}
    assert "dying printed: here is" in done.stderr


def _obey_ctrl_c() -> None:
    """A suite that was started in the background hands on that Ctrl-C is to be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_plugin_that_hangs_is_ended_by_ctrl_c_and_the_next_run_goes_on(shop: Path) -> None:
    """case_G19"""
    command = [sys.executable, "-m", "wherry.cli", "-C", str(shop), "run", "deals", "--output", "json"]
    told = {"env": _environ(shop, "hang"), "preexec_fn": _obey_ctrl_c}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **told) as run:  # type: ignore[call-overload]
        while not (shop / "ready").exists():
            assert run.poll() is None, run.stderr.read() if run.stderr else ""
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        try:
            run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 130
    done: dict[str, Any] = json.loads(wherry(shop, "run", "deals").stdout)["data"]
    assert done["fates"] == {"deal": {"created": 3}}
