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
"""The whole work of ``wherry.testing.scenario``, phase by phase. What its runs pass are the crash points."""
_PAUSABLE = ("http.", "send.", "commit.after", "read.")
"""Where a stopped process holds no transaction: whoever waited for that would only wait."""
_CALLED = ("call.before",)
"""The same of one that is called, whose threads stop together: its worker waits for the answer that is coming in."""
FAULTS = (
    "lost", "late", "dropped", "truncated", "html committed", "empty committed", "expired", "expired committed",
    "status", "status committed", "status status=429", "status status=500 committed", "header committed",
)  # fmt: skip
"""What may become of a write: see ``wherry.simulator.Fault``."""


def undisturbed(rig: Rig) -> str:
    """The whole work of a rig, phase by phase."""
    return "; ".join(_calm(phase) for phase in rig.phases)


def alone(rig: Rig, phase: str, point: str) -> str:
    """The plan that dies at one point and nowhere before it: what an undisturbed run passes, this one does."""
    earlier = [_calm(one) for one in itertools.takewhile(lambda one: one != phase, rig.phases)]
    return "; ".join([*earlier, f"play {phase}; kill {point}; {_end(rig)}"])


def _calm(phase: str) -> str:
    return f"play {phase}; calm; judge"


def spread(points: Points, most: int) -> Points:
    """Of each phase at most so many points, evenly spread, so that as many plans can serve them; 0: every point."""
    if not most:
        return points
    return {phase: chosen(found, most) for phase, found in points.items()}


def chosen(wanted: Sequence[str], most: int) -> list[str]:
    """All, or so many of them, evenly spread."""
    if not most or most >= len(wanted):
        return list(wanted)
    return [wanted[number * len(wanted) // most] for number in range(most)]


def kills(rig: Rig, points: Points) -> list[str]:
    """Every point once. One plan dies once in each phase, so that a plan serves several points."""
    longest = max(len(found) for found in points.values())
    plans = []
    for number in range(longest):
        open_phases = [phase for phase in rig.phases if number < len(points.get(phase, ()))]
        upto = rig.phases.index(open_phases[-1]) + 1
        plans.append("; ".join(_phase(rig, phase, points, number) for phase in rig.phases[:upto]))
    return plans


def _phase(rig: Rig, phase: str, points: Points, number: int) -> str:
    found = points.get(phase, ())
    if number >= len(found):
        return _calm(phase)
    return f"play {phase}; kill {found[number]}; {_end(rig)}"


def _end(rig: Rig) -> str:
    """Where a target can neither be asked nor recognise a call, a person says at last what became of it."""
    return "calm; judge" if rig.asks or rig.resends or rig.atomic else "calm; judge; answer; calm; judge strict"


def drills(
    rig: Rig, database: str, points: Points, seed: int, share: int = 12, calls: int = 0
) -> list[str]:  # fmt: skip
    """All else: two deaths, fresh interpreters, refused writes, stopped processes, and a target that misbehaves.

    What the target does has nothing to do with the database, so the second of them is spared the half of it. ``calls``
    is how many of the plans in which one of its own calls fails are taken; 0: all.
    """
    chance, end = random.Random(seed), _end(rig)
    share = 2 * share if rig.atomic else share
    plans = _doubles(rig, points, chance, share)
    plans += _some(rig, points, chance, share, "refuse", ("commit.before", "commit.inside"))
    plans += _some(rig, points, chance, 2, "fresh", ("",))
    if rig.atomic:
        return plans
    plans += _some(rig, points, chance, share, "pause", _CALLED if rig.disturbances else _PAUSABLE)
    if rig.scene is not None:
        return [*plans, *rig.scene.drills(database)]
    if rig.disturbances:
        faults = chosen(_calls(rig, points), calls if database == "sqlite" else calls // 4)
    else:
        faults = _faults(rig, end, (1, 4) if database == "sqlite" else (4,))
    return [*plans, *faults, *_people(rig), *_times(rig, database)]


def _doubles(rig: Rig, points: Points, chance: random.Random, count: int) -> list[str]:
    """Two deaths in one phase: the second may be met while the first is being mended."""
    found = []
    for _ in range(count):
        phase = chance.choice(_phases(rig, points))
        first, second = (chance.choice(points[phase]) for _ in range(2))
        found.append(f"{_before(rig, phase)}play {phase}; kill {first}; perhaps {second}; {_end(rig)}")
    return found


def _some(
    rig: Rig, points: Points, chance: random.Random, count: int, verb: str, begins: tuple[str, ...]
) -> list[str]:  # fmt: skip
    usable = [(phase, point) for phase in _phases(rig, points) for point in points[phase] if point.startswith(begins)]
    chosen = chance.sample(usable, min(count, len(usable)))
    return [f"{_before(rig, phase)}play {phase}; {verb} {point}; {_end(rig)}" for phase, point in chosen]


def _phases(rig: Rig, points: Points) -> list[str]:
    """Those that a single disturbance is tried in: of invoices not the ones that repeat what others do."""
    phases = ("first", "update", "void") if rig.scene is None else rig.phases
    return [phase for phase in phases if phase in points and phase != "resync"]


def _before(rig: Rig, phase: str) -> str:
    """The phases that go before, undisturbed."""
    earlier = rig.phases[: rig.phases.index(phase)]
    return "".join(f"play {one}; run; " for one in earlier if one != "resync")


def _faults(rig: Rig, end: str, numbers: tuple[int, ...]) -> list[str]:
    numbered = itertools.product(FAULTS, numbers)
    made = [f"play first; fault {number} {fault}; calm; release; {end}" for fault, number in numbered]
    start = f"{_before(rig, 'update')}play update"
    return made + [f"{start}; fault 1 {fault}; calm; release; {end}" for fault in FAULTS[:4]]


def _calls(rig: Rig, points: Points) -> list[str]:
    """Of a target that calls us: all that may go wrong at one of its calls, each in turn. One plan tries one thing at
    the same call of every phase; what may happen beside a call happens in two of them, sooner or later."""
    calls = {phase: sum(one.startswith("call.before@") for one in points[phase]) for phase in rig.phases}
    found = []
    for number, kind in itertools.product(range(1, max(calls.values()) + 1), rig.disturbances):
        wrong = {phase: f"disturb {kind} {number}; " for phase in rig.phases if number <= calls[phase]}
        found.append("; ".join(f"play {one}; {wrong.get(one, '')}calm; judge" for one in rig.phases if wrong))
    for number, kind in itertools.product(range(1, calls["first"] // 2, 2), rig.mishaps):
        start = f"play first; disturb {kind} {number}; calm; judge; play update; disturb {kind} {1 + number % 3}"
        found.append(f"{start}; calm; judge; play void; calm; judge")
    return found


def _people(rig: Rig) -> list[str]:
    """Somebody changes, enters or copies a thing in the target, or lets the credential open another company."""
    last = "3" if rig.disturbances else "1"  # what comes after an alarm is not sent: so it is the last that was
    number = 5 if rig.disturbances else 3
    changed, second = _before(rig, "update"), f"play first; {_lost(rig, number)}; twin INV-{last};"
    wanted = {
        "edit": [f"{changed}edit INV-1 remark; play update; calm; judge",
                 *([f"{changed}edit INV-1; play update; calm; judge invoice/id:1=differs"] * (rig.updates != "never"))],
        "enter": ["play first; enter INV-2; wait 60; calm; judge invoice/id:2=decide"],
        "twin": [f"{second} calm; judge invoice/id:{last}=decide"] if rig.batch == 1 else [],
        "reach": ["play first; run; reach T-2; play update; run; reach T-1; calm; judge",
                  "play first; kill commit.after@drain._keep_replies#1; reach T-2; run; reach T-1; calm; judge"],
        "other": ["play first; run; other; judge second"],
        "muddle": ["play first; muddle; calm; judge"] if rig.batch > 1 else [],
    }  # fmt: skip
    return [plan for verb, some in wanted.items() if verb in rig.offers for plan in some]


def _left(rig: Rig) -> str:
    """We die when the invoices have left; of a target that calls us, when the last of them has."""
    return "kill commit.before@drain._keep_replies#5" if rig.disturbances else "kill commit.after@drain._advance#3"


def _lost(rig: Rig, number: int) -> str:
    """The n-th write is done, its answer is lost, and so are we."""
    if rig.disturbances:  # an answer that is there and not stored
        return f"kill commit.before@drain._keep_replies#{number}"
    return f"fault {number} lost; kill commit.after@drain._keep_replies#{number}"


def _times(rig: Rig, database: str) -> list[str]:
    """A newer version comes while the first is under way; time passes; the store goes back to what it was."""
    found = [
        f"play first; {_left(rig)}; play update; calm; judge",
        "play first; kill commit.after@drain._keep_replies#1; calm; judge strict",
    ]
    if not rig.asks and not rig.resends:
        lost = "play first; kill {}; run; play update; run; answer; calm; judge strict latest"
        found += [lost.format(point) for point in (f"http.sent@{rig.unasked}", f"http.before@{rig.unasked}")]
    if rig.asks and rig.batch == 1:
        found.append(f"play first; {_lost(rig, 3)}; wait 90000; calm; judge")
    if rig.asks and database == "sqlite":
        found.append("play first; kill commit.after@drain._keep_replies#1; backup; run; restore; wait 120; calm; judge")
        found.append("play first; run; backup; play more; run; restore; wait 120; calm; judge")
    return found
