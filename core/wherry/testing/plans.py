"""Which plans a sweep of a rig consists of: every crash point of every phase, and what else goes wrong in the world."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence

from wherry.testing.rigs import Rig
from wherry.testing.scenario import PHASES

Points = Mapping[str, Sequence[str]]
"""Phase → the points that an undisturbed run of it passes."""
UNDISTURBED = "; ".join(f"play {phase}; calm; judge" for phase in PHASES)
"""The whole work, phase by phase. What its runs pass are the crash points."""
_PAUSABLE = ("http.", "send.", "commit.after", "read.")
"""Where a stopped process holds no transaction: whoever waited for that would only wait."""
FAULTS = (
    "lost", "late", "dropped", "truncated", "html committed", "empty committed", "expired", "expired committed",
    "status", "status committed", "status status=429", "status status=500 committed", "header committed",
)  # fmt: skip
"""What may become of a write: see ``wherry.simulator.Fault``."""


def kills(points: Points) -> list[str]:
    """Every point once. One plan dies once in each phase, so that a plan serves several points."""
    longest = max(len(found) for found in points.values())
    plans = []
    for number in range(longest):
        open_phases = [phase for phase in PHASES if number < len(points.get(phase, ()))]
        upto = PHASES.index(open_phases[-1]) + 1
        plans.append("; ".join(_phase(phase, points, number) for phase in PHASES[:upto]))
    return plans


def _phase(phase: str, points: Points, number: int) -> str:
    found = points.get(phase, ())
    kill = f"kill {found[number]}; " if number < len(found) else ""
    return f"play {phase}; {kill}calm; judge"


def drills(rig: Rig, database: str, points: Points, seed: int, share: int = 12) -> list[str]:
    """All else: two deaths, fresh interpreters, refused writes, stopped processes, and a target that misbehaves."""
    chance = random.Random(seed)
    plans = doubles(points, chance, share)
    plans += _some(points, chance, share, "refuse", ("commit.before", "commit.inside"))
    plans += _some(points, chance, 2, "fresh", ("",))
    if rig.atomic:
        return plans
    plans += _some(points, chance, share, "pause", _PAUSABLE)
    return [*plans, *_faults(), *_people(rig), *_claims(rig, database)]


def doubles(points: Points, chance: random.Random, count: int) -> list[str]:
    """Two deaths in one phase: the second may be met while the first is being mended."""
    found = []
    for _ in range(count):
        phase = chance.choice(("first", "update", "void"))
        first, second = (chance.choice(points[phase]) for _ in range(2))
        found.append(f"{before(phase)}play {phase}; kill {first}; perhaps {second}; calm; judge")
    return found


def _some(points: Points, chance: random.Random, count: int, verb: str, begins: tuple[str, ...]) -> list[str]:
    phases = [phase for phase in ("first", "update", "void") if phase in points]
    usable = [(phase, point) for phase in phases for point in points[phase] if point.startswith(begins)]
    chosen = chance.sample(usable, min(count, len(usable)))
    return [f"{before(phase)}play {phase}; {verb} {point}; calm; judge" for phase, point in chosen]


def before(phase: str) -> str:
    """The phases that go before, undisturbed."""
    return "".join(f"play {earlier}; run; " for earlier in PHASES[: PHASES.index(phase)] if earlier != "resync")


def _faults() -> list[str]:
    made = [f"play first; fault {number} {fault}; calm; release; calm; judge"
            for fault, number in itertools.product(FAULTS, (1, 5))]  # fmt: skip
    start = f"{before('update')}play update"
    return made + [f"{start}; fault 1 {fault}; calm; release; calm; judge" for fault in FAULTS[:4]]


def _people(rig: Rig) -> list[str]:
    """Somebody changes, enters or copies a thing in the target."""
    if not rig.asks:
        return []
    return [
        f"{before('update')}edit INV-1 remark; play update; calm; judge",
        f"{before('update')}edit INV-1; play update; calm; judge invoice/id:1=differs",
        "play first; enter INV-2; wait 60; calm; judge invoice/id:2=decide",
        "play first; fault 5 lost; kill commit.after@drain._send#5; twin INV-1; calm; judge invoice/id:1=decide",
    ]


def _claims(rig: Rig, database: str) -> list[str]:
    """What a sink claims of its target, at its edges: the end of a retention, a version that came meanwhile."""
    found = [
        "play first; run; reach T-2; play update; run; reach T-1; calm; judge",
        "play first; kill http.sent@POST /things#3; play update; calm; judge",
    ]
    if rig.asks:
        found.append("play first; kill http.sent@POST /things#4; wait 90000; calm; judge")
    if rig.asks and database == "sqlite":
        found.append("play first; kill commit.after@drain._send#2; backup; run; restore; calm; judge")
    if rig.batch > 1:
        found.append("play first; muddle; calm; judge")
    return found
