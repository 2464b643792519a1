"""Runs the suites of the kit that a plugin's tests subclass, and the tests that it names as proof."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct, field

from wherry.authoring.subject import Subject
from wherry.authoring.verdicts import Verdict, met, missed, unmeasured
from wherry.errors import ConfigError, ContractBroken
from wherry.redaction import scrub

LISTENER = "wherry.testing.report"
SECONDS, LONGEST = 600.0, 3600.0
"""For all suites of one plugin, made to take two minutes; and for all its tests while branches are counted."""
_WORST = ("failed", "passed", "skipped")
_ROLES = ("source", "sink", "matcher", "mapper", "simulator")


class Check(Struct, frozen=True):
    """One check of the kit as it ended. ``at`` is ``file:line``."""

    name: str
    guarantee: str = ""
    outcome: str = "skipped"
    reason: str = ""
    at: str = ""
    suite: str = ""


class Ran(Struct):
    """What a run of the suites came to. ``tests`` is file → outcomes of the tests in it, those of the kit too."""

    checks: list[Check] = field(default_factory=list)
    tests: dict[str, dict[str, int]] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)
    """Suite → the roles that it is a suite of, by the name of the class it grew from."""

    def of_role(self, role: str) -> list[Check]:
        """The checks of a role's suites."""
        return [check for check in self.checks if role in self.roles.get(check.suite, set())]


def run(subject: Subject, proofs: Sequence[str] = ()) -> Ran:
    """Runs them in a process of their own; ``proofs`` are further test files. Raises ContractBroken where pytest cannot
    even collect them.
    """
    found = suites(subject)
    files = sorted({suite.partition("::")[0] for suite in found} | set(proofs))
    if not files or subject.root is None:
        return Ran()
    with tempfile.TemporaryDirectory() as folder:
        kit, junit = Path(folder) / "kit.json", Path(folder) / "junit.xml"
        why = _ran(_pytest(files, kit, junit), subject.root, SECONDS)
        if why or not junit.is_file():
            raise _unrunnable(subject, why or "they left no report", files[0])
        told = json.loads(kit.read_text("utf-8"))["checks"] if kit.is_file() else []
        cases = [_case(one, subject.root) for one in ET.parse(junit).iter("testcase")]
    guarantees = {str(one["name"]): str(one["guarantee"]) for one in told}
    return Ran(list(_checks(cases, found, guarantees)), _outcomes(cases), found)


def measured(subject: Subject) -> bytes:
    """A report of coverage over all its tests; empty where it has none. What fails here was judged before: who counts
    branches is slow, and keeps memory of his own. Raises ConfigError where coverage is not installed, ContractBroken.
    """
    if subject.tests is None or subject.root is None:
        return b""
    if find_spec("coverage") is None:
        raise ConfigError("branches cannot be counted: coverage is not installed", fix="pip install coverage",
                          code="WHERRY-2409")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        counts, report = Path(folder) / "counts", Path(folder) / "report.json"
        command = ["coverage", "run", "--branch", f"--source={subject.package.name}", f"--data-file={counts}", "-m",
                   "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "tests"]  # fmt: skip
        if why := _ran(command, subject.root, LONGEST):
            raise _unrunnable(subject, why, "tests")
        _ran(["coverage", "json", "-q", f"--data-file={counts}", "-o", str(report)], subject.root, SECONDS)
        return report.read_bytes() if report.is_file() else b""


def _unrunnable(subject: Subject, why: str, what: str) -> ContractBroken:
    return ContractBroken(
        f"the tests of {subject.name} cannot be run: {why}", code="WHERRY-1160",
        fix=f"pip install -e '{subject.root}[testing]', then: pytest {what}", plugin=subject.name,
    )  # fmt: skip


def _ran(command: Sequence[str], root: Path, most: float) -> str:
    """Runs it; why that came to nothing, or nothing. Tests that fail are a result."""
    try:
        done = subprocess.run([sys.executable, "-m", *command], cwd=root, env=_environ(), capture_output=True,
                              text=True, timeout=most, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"they did not end within {most:.0f} seconds"
    return "" if done.returncode in (0, 1) else scrub(_last(done.stdout, done.stderr))


def _pytest(files: Sequence[str], kit: Path, junit: Path) -> list[str]:
    loaded = any(one.value == LISTENER for one in entry_points(group="pytest11"))
    listener = [] if loaded else ["-p", LISTENER]
    return ["pytest", "-q", "-p", "no:cacheprovider", "--tb=short", *listener,
            f"--wherry-report={kit}", f"--junitxml={junit}", "-o", "junit_family=xunit1", *files]  # fmt: skip


def _environ() -> dict[str, str]:
    """The run is our own: no options of a caller's, and no caller's report."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _last(*texts: str) -> str:
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    said = [line.removeprefix("E") for line in lines if line.startswith("E ")] or lines or ["it said nothing"]
    return said[-1].strip()[:300]


def suites(subject: Subject) -> dict[str, set[str]]:
    """``file::Class`` of every suite among its tests → the roles it is a suite of, by the classes it grows from."""
    if subject.tests is None or subject.root is None:
        return {}
    found = {}
    for path in sorted(subject.tests.rglob("test_*.py")):
        for name, roles in _classes(ast.parse(path.read_text("utf-8"))):
            found[f"{path.relative_to(subject.root)}::{name}"] = roles
    return found


def _classes(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Test classes that grow from a suite of the kit, in this file or by an import from it."""
    kit = {
        alias.asname or alias.name
        for node in tree.body if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wherry.testing")
        for alias in node.names if "Suite" in alias.name
    }  # fmt: skip
    known: dict[str, set[str]] = {name: {role for role in _ROLES if role in name.lower()} for name in kit}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            roles = {role for base in node.bases for role in known.get(ast.unparse(base).rpartition(".")[2], ())}
            if roles:
                known[node.name] = roles
                if node.name.startswith("Test"):
                    yield node.name, roles


class _Case(Struct, frozen=True):
    """One test as pytest noted it: ``file`` below the plugin's folder; ``at`` is where the check itself stands."""

    file: str
    at: str
    owner: str
    name: str
    outcome: str
    reason: str


def _case(told: ET.Element, root: Path) -> _Case:
    """A test case of JUnit's form. Paths there begin at pytest's own root, which may lie above the plugin's."""
    by_tag = {child.tag: child for child in told}
    bad = next((by_tag[tag] for tag in ("failure", "error", "skipped") if tag in by_tag), None)
    outcome = "passed" if bad is None else "skipped" if bad.tag == "skipped" else "failed"
    reason = (bad.get("message") or "").strip().splitlines() if bad is not None else []
    module, _, last = told.get("classname", "").rpartition(".")
    owner = last if last.startswith("Test") else ""
    parts = (module if owner else f"{module}.{last}").split(".")
    file = next((path for n in range(len(parts)) if (root / (path := "/".join(parts[n:]) + ".py")).is_file()), "")
    at = f"{told.get('file') or file}:{int(told.get('line') or 0) + 1}"
    name = told.get("name", "").partition("[")[0]
    return _Case(file, at, owner, name, outcome, scrub(reason[0][:300]) if reason else "")


def _checks(cases: Sequence[_Case], found: Mapping[str, object], guarantees: Mapping[str, str]) -> Iterator[Check]:
    """The checks of suites; of one that ran several times the worst, and a skip only where nothing else ran."""
    worst: dict[tuple[str, str], _Case] = {}
    for case in cases:
        suite = f"{case.file}::{case.owner}"
        if suite in found:
            known = worst.setdefault((suite, case.name), case)
            worst[suite, case.name] = min(known, case, key=lambda one: _WORST.index(one.outcome))
    for (suite, name), case in worst.items():
        yield Check(name, guarantees.get(name, ""), case.outcome, case.reason, case.at, suite)


def _outcomes(cases: Sequence[_Case]) -> dict[str, dict[str, int]]:
    """File → outcome → how many tests."""
    found: dict[str, dict[str, int]] = {}
    for case in cases:
        counts = found.setdefault(case.file, {})
        counts[case.outcome] = counts.get(case.outcome, 0) + 1
    return found


# -- what they say of a rule -------------------------------------------------------------------------------------------


def proved(ran: Ran, roles: frozenset[str], proofs: Mapping[str, tuple[str, ...]]) -> Verdict:
    """Of every role that the rule speaks of: one check of those words passed, and none failed."""
    passed: list[Check] = []
    for role in [role for role in proofs if role in roles]:
        mine = [check for check in ran.of_role(role) if any(word in check.name for word in proofs[role])]
        if failed := next((check for check in mine if check.outcome == "failed"), None):
            return missed(f"{failed.name} failed: {failed.reason}", failed.at)
        done = [check for check in mine if check.outcome == "passed"]
        if not done:
            skipped = next((f": {check.reason}" for check in mine), "")
            return unmeasured(f"no check of the kit has tried it for a {role}{skipped}")
        passed += done
    names = ", ".join(dict.fromkeys(check.name.removeprefix("test_") for check in passed))
    return met(names, passed[0].at if passed else "")


def green(ran: Ran, roles: frozenset[str]) -> Verdict:
    """A suite for each role, and nothing failed."""
    if failed := [check for check in ran.checks if check.outcome == "failed"]:
        first = failed[0]
        return missed(f"{len(failed)} of {len(ran.checks)} checks failed: {first.name}: {first.reason}", first.at)
    lacks = [role for role in _ROLES[:4] if role in roles and not ran.of_role(role)]
    if lacks:
        return missed(f"no suite of the kit ran for its {' and its '.join(lacks)}")
    done = sum(check.outcome == "passed" for check in ran.checks)
    return met(f"{done} checks passed, {len(ran.checks) - done} did not apply")


def witnessed(ran: Ran, said: object, key: str) -> Verdict:
    """The tests that the plugin names ran, and passed."""
    if said == "none":
        return met(f'it declares {key} = "none", and its page says why')
    files = [str(one) for one in said] if isinstance(said, list) else []
    if not files:
        return missed(f"[tool.wherry.quality] names no tests as {key}")
    for name in files:
        counts = ran.tests.get(name, {})
        if counts.get("failed") or not counts.get("passed"):
            told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) or "did not run"
            return missed(f"{name}: {told}", name)
    return met(", ".join(f"{name}: {ran.tests[name]['passed']} passed" for name in files), files[0])
