"""What a sweep needs of a sink: its system served, its place in a project, and the history of what was really done.

A plugin's tests give a sweep their own rig: a module with a function ``rigs()`` (see docs/how-to/test-a-sink.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from wherry.simulator import Clock, Stage, serve
from wherry.testing.scenario import BIG, ENTITIES, PHASES, Updates
from wherry.testing.target import ABILITIES, Ability, Target
from wherry.testing.visits import Visit

if TYPE_CHECKING:
    from wherry.testing.bench import Script
    from wherry.testing.errand import Document
    from wherry.testing.judge import Wrong
else:  # bench, errand and judge need rigs themselves: help() and inspect.signature() get by with the name
    from typing import ForwardRef

    Document = ForwardRef("Document")

ALL = frozenset({"enter", "edit", "twin", "reach", "muddle", "other"})
UNSEARCHED = frozenset({"reach", "muddle", "other"})
TOKEN = "sweep-canary-58d1c0"
SECOND = "sweep-canary-second-9be2"


class Effect(Struct, frozen=True):
    """Something that was really done to a thing in the target. ``what`` is created, updated, voided, entered or edited;
    the last two are a person's. ``total`` is decimal text, ``date`` ISO 8601, where the thing has them."""

    thing: str
    """``entity/key``, or the id in the target of what nobody here knows."""
    what: str
    """``created``, ``updated``, ``voided``, ``entered`` or ``edited``."""
    target: str
    """The id in the target."""
    total: str = ""
    """Decimal text; empty for what has none."""
    date: str = ""
    """ISO 8601; empty for what has none."""
    stamp: str = ""
    """The stamp that the write carried, where the target keeps it."""
    company: str = ""
    """Whose books it happened in, where a credential may open several."""


Names = Mapping[str, str]
"""``entity name`` → ``entity/key``: for a target that does not keep our keys."""


class Post(Struct, frozen=True, kw_only=True):
    """A journal entry that was made in the target: ``lines`` has, by account, the sum in minor units, debits positive.
    ``spoilt`` says what became of it, where it does not stand as it was made."""

    id: str
    number: str
    date: str
    lines: Mapping[str, int]
    spoilt: str = ""


class Mark(Struct, frozen=True, kw_only=True):
    """The word to a source that the books have taken a record; ``there`` are the entries that the target had then."""

    record: str
    note: str
    there: frozenset[str]


class Scene(Protocol):
    """A work that a sweep disturbs, where it is another than that of ``wherry.testing.scenario``."""

    flow: str
    phases: tuple[str, ...]
    approves: bool
    """Whether each run is followed by a person who approves whatever waits for it."""

    def project(self, folder: str) -> str:
        """The part of the project file that has its source and its flow. Writes what has to lie beside it."""
        ...

    def play(self, script: Script, phase: str) -> None:
        """What people do at the source before the run of a phase."""
        ...

    def judge(self, script: Script, words: Sequence[str]) -> list[Wrong]:
        """Everything that is wrong now."""
        ...

    def drills(self, database: str) -> list[str]:
        """Plans of its own, beside those that every work is put to."""
        ...


class Stand(Struct, kw_only=True):
    """A target, served. What it cannot do is None, and the drills that need it are left out."""

    environ: dict[str, str]
    """The variables that the rig's ``connection`` names: address, token and what else."""
    effects: Callable[[Names], list[Effect]]
    """What was done, in order. It is given ``entity name`` → ``entity/key``, for a target that does not keep keys."""
    stage: Stage | None = None
    """The simulator's faults, history and clock, which is the one that ``stand`` was given."""
    writes: str = ".*"
    """A pattern of the paths that writes go to, where other things are posted too."""
    enter: Callable[[dict[str, Any]], str] | None = None
    """A person enters an invoice by hand (its row on the shelf); its id."""
    edit: Callable[[str, bool], object] | None = None
    """A person changes the invoice of that number: what it says (True), or only a remark that is not ours (False)."""
    twin: Callable[[str], object] | None = None
    """Makes a second thing with the stamp of the invoice of that number."""
    reach: Callable[[str], object] | None = None
    """The credential opens this company from now on: ``T-2``, then ``T-1`` again, which it opened from the first."""
    muddle: Callable[[], object] | None = None
    """The next answer to several items lacks one, and is in another order."""
    posts: Callable[[], list[Post]] = list
    """The journal entries that were made, in order."""
    source: Stage | None = None
    """Of the system that is read, where one is served."""
    told: str = ".*"
    """A pattern of the paths by which that system is told what the books have taken."""
    put: Callable[[Any], object] | None = None
    """Enters or replaces a record there."""
    marks: Callable[[], list[Mark]] = list
    """What it was told, in order."""
    visit: Visit | None = None
    """The target calls us: it comes when a process asks for it."""
    disturb: Callable[[str, int], object] | None = None
    """Something goes wrong (one of the rig's ``disturbances``) at its n-th call from here."""
    disturbed: Callable[[], list[str]] = list
    """What was to go wrong and has not come up yet."""
    documents: Sequence[Document] = ()
    """What setting the sink up has left in its documents."""


class Rig(Struct, frozen=True, kw_only=True):
    """How a sink is put under a sweep."""

    name: str
    """What plans call it."""
    plugins: Sequence[str]
    """To be enabled beside the kit's source."""
    modules: Sequence[str]
    """To be imported by the warm parent."""
    connection: str
    """The lines of ``[connections.books]``."""
    stand: Callable[[Clock], AbstractContextManager[Stand]]
    """Serves the target, with the clock it is given, for as long as the block lasts."""
    asks: bool = True
    """Whether the target can be asked what it holds: if not, what was lost is left to a person."""
    resends: bool = False
    """Whether the target recognises a repeated call."""
    unasked: str = "POST /things#3"
    """Where it neither can be asked nor recognises a repeated call: the exchange that writes an invoice first."""
    atomic: bool = False
    """Whether it lives in the hub's own store: its effects are what a fresh process then finds there."""
    entry_points: Mapping[str, str] = field(default_factory=dict)
    """Plugins that are not installed: name → module."""
    batch: int = 1
    """Items to a call, as its settings have it."""
    more: int = 0
    """How many invoices there are beside the usual three: a sink that takes many at once has few commits."""
    offers: frozenset[str] = frozenset()
    """Steps of plans that its stand can do: enter, edit, twin, reach, muddle, other."""
    company: str = ""
    """The company that the credential opens, where effects tell in which one they are."""
    second: str = ""
    """The lines of a second connection of the same plugin, to another company."""
    other_company: str = ""
    """The company that the second connection opens."""
    deaths: int = 0
    """At how many points of each phase processes die in a usual sweep, evenly spread; 0: at every one."""
    disturbances: Sequence[str] = ()
    """Of a target that calls us: what may go wrong at each of its calls."""
    mishaps: Sequence[str] = ()
    """Of the same: what may go wrong at some of them, and perhaps not at the n-th."""
    most: Decimal = BIG
    """The total of the largest invoice: more than a float can hold, unless the target has no room for that."""
    updates: Updates = "in place"
    """What becomes of a newer version of a written invoice: ``in place``; ``anew``, after the former was taken back
    (the sink ``Replaces`` invoices); or ``never``, where the sink refuses it and a person is told."""
    entities: Sequence[str] = ENTITIES
    """What of the work the sink takes. One that names customers and products in the invoice takes that alone; its
    ``flow`` has the map for it."""
    flow: str = ""
    """Further lines of the flow's own table, and tables below it: what its documents become, where the sink has several
    forms."""
    scene: Scene | None = None
    """The work; the invoices of ``wherry.testing.scenario`` where nothing is said."""

    @property
    def phases(self) -> tuple[str, ...]:
        """The phases of its work."""
        return PHASES if self.scene is None else self.scene.phases


def memory_disk() -> Path | None:
    """Where this machine has a disk in memory: files that are written durably by the thousand belong there."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


def target_rig(ability: Ability, batch: int = 1, updates: Updates = "in place", drafts: bool = False) -> Rig:
    """The kit's own target."""
    name = f"target-{ability}" if batch == 1 else f"target-{ability}-{batch}"
    name += ("" if updates == "in place" else f"-{updates}") + "-drafts" * drafts
    settings = f'plugin = "kit-target"\nbase_url = "${{BOOKS_URL}}"\nability = "{ability}"\nbatch = {batch}\n'
    settings += f'updates = "{updates}"\ndrafts = {str(drafts).lower()}\n'
    token = 'auth = {{ kind = "token", token = {{ env = "BOOKS_{}" }} }}\n'
    first, second = token.format("TOKEN"), token.format("SECOND")
    return Rig(
        name=name, plugins=("kit-target",), modules=("wherry.testing.target_sink",), connection=settings + first,
        stand=lambda clock: target_stand(ability, clock, updates != "in place", drafts),
        asks=ability in ("key", "query"), resends=ability in ("key", "upsert"), batch=batch,
        entry_points={"kit-target": "wherry.testing.target_sink"},
        offers=ALL if ability in ("key", "query") else UNSEARCHED, company="T-1", second=settings + second,
        other_company="T-2", updates=updates,
    )  # fmt: skip


@contextmanager
def target_stand(ability: Ability, clock: Clock, posted: bool = False, drafts: bool = False) -> Iterator[Stand]:
    """The target of an ability, served."""
    target = Target(ability, clock=clock, tokens={SECOND: "T-2"}, posted=posted, drafts=drafts)
    with serve(target.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, "BOOKS_TOKEN": TOKEN, "BOOKS_SECOND": SECOND},
            effects=lambda names: [_effect(entry.what, entry.detail) for entry in target.stage.history.effects()],
            stage=target.stage,
            enter=lambda row: _entered(target, row),
            edit=lambda number, really: _edited(target, number, really),
            twin=lambda number: target.enter("invoice", **_copy(target, number)),
            reach=target.reach,
            muddle=lambda: setattr(target, "muddled", True),
        )


def _effect(what: str, told: Mapping[str, Any]) -> Effect:
    return Effect(told["external"] or told["id"], what, told["id"], told["total"], told["date"], told["stamp"],
                  told["company"])  # fmt: skip


def _of_number(target: Target, number: str) -> dict[str, Any]:
    return [one for one in target.things.values() if one["number"] == number][-1]


def _edited(target: Target, number: str, really: bool) -> None:
    target.edit(_of_number(target, number)["id"], **({"memo": "paid by card"} if really else {"note": "seen"}))


def _copy(target: Target, number: str) -> dict[str, Any]:
    held = _of_number(target, number)
    return {name: held[name] for name in ("number", "date", "party", "total", "currency", "lines", "stamp", "external")}


def _entered(target: Target, row: Mapping[str, Any]) -> str:
    party = target.enter("customer", name="Somebody")
    return target.enter("invoice", number=row["number"], date=row["date"], party=party, total=row["total"],
                        currency="GBP")  # fmt: skip


def rigs() -> list[Rig]:
    """The kit's own targets: each ability one item to a call, two of them several, and one whose invoices are posted
    (a newer version takes the place of the former, or is refused), by two calls."""
    several = [target_rig("key", 3), target_rig("query", 3)]
    posted = [target_rig("query", updates="anew"), target_rig("query", updates="never")]
    return [*(target_rig(ability) for ability in ABILITIES), *several, *posted, target_rig("query", drafts=True)]
