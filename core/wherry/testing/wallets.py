"""Movements of wallets into journals, as a sweep disturbs them, and what has to stand in the target after each phase.

Every version of a movement is worth another power of ten pennies of its category. So what an entry comes to tells, to
the penny, which movements stand in it and how often, whatever the hub says of it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from wherry.testing.errand import START

if TYPE_CHECKING:
    from wherry.testing.bench import Script
    from wherry.testing.judge import Wrong

FLOW = "journals"
WALLET = "1000"
"""The account that is credited by every movement."""
ACCOUNTS = {"payout": "5010", "fee": "5020", "swap": "5030"}
"""Category → the account that is debited."""
CHART = {WALLET: "Digital assets", "5010": "Payouts", "5020": "Network fees", "5030": "Swaps"}
TRANSACTION = "ledger-transaction"
"""Movements of this kind are entered in the workspace, which lies in the hub's own store."""
SHELF = '[connections.shelf]\nplugin = "kit-source"\nfolder = "FOLDER"\n'
PROJECT = """
{source}
[flows.journals]
source = "{name}"
sink = "books"
kinds = ["{kind}"]
document = "journal"
accounts = "accounts.csv"
group = "week"
late = "next-period"
approval = "{approval}"
wait = "2d"
"""
_DAY = dt.timedelta(days=1)
NIGHT = 16 * 3600
"""Seconds: another day, and no new sign-in yet."""


class Move(Struct, frozen=True, kw_only=True):
    """A version of a movement, worth ten to the power of ``place`` pennies: no two of a category share a place."""

    id: str
    date: str
    category: str
    place: int
    wallet: str = "Treasury"
    status: str = "booked"

    @property
    def version(self) -> Version:
        return self.category, self.place

    def transaction(self) -> dict[str, Any]:
        """Its fields as a ledger transaction of the workspace."""
        return {
            "date": self.date, "amount": {"minor": 10**self.place, "currency": "GBP"}, "category": self.category,
            "partition": self.wallet, "reference": self.id,
        }  # fmt: skip

    def row(self) -> dict[str, Any]:
        """As it lies on the shelf; its amount is decimal text."""
        digits = str(10**self.place).rjust(3, "0")
        return {
            "kind": "move", "id": self.id, "date": self.date, "wallet": self.wallet, "status": self.status,
            "category": self.category, "amount": f"{digits[:-2]}.{digits[-2:]}",
        }  # fmt: skip


Version = tuple[str, int]
"""Category and place."""
Group = tuple[str, str, str]
"""Wallet, the Monday of the week, and the month: a week is cut where a month ends."""


def group_of(day: dt.date, wallet: str) -> Group:
    """The group of a day."""
    return wallet, (day - day.weekday() * _DAY).isoformat(), f"{day:%Y-%m}"


class Expected(Struct, kw_only=True):
    """What has to be in the books."""

    entries: dict[Group, list[Counter[Version]]] = field(default_factory=dict)
    """Group → the versions in its entry, below zero what that takes back; then those of entries for what came late."""
    stands: dict[str, Move] = field(default_factory=dict)
    """Id → the version that is booked, and not taken back."""
    waits: dict[str, list[tuple[int, Move]]] = field(default_factory=dict)
    """Id → what is to be booked yet, once its group has ended."""

    def count(self, version: Version, sign: int) -> int:
        """How often a version is booked (1), or taken back (-1)."""
        return sum(max(0, sign * one[version]) for entries in self.entries.values() for one in entries)

    def change(self, move: Move) -> None:
        """A movement comes, comes again otherwise, or is taken back at its source."""
        stands = self.stands.get(move.id)
        back = [(-1, stands)] if stands is not None else []
        self.waits[move.id] = back + ([(1, move)] if move.status == "booked" else [])

    def book(self, today: dt.date | None) -> None:
        """Whatever waits is booked, each group once; what ends less than two days before ``today`` goes on waiting."""
        posted, made = set(self.entries), dict[tuple[Group, str], Counter[Version]]()
        for id, waiting in self.waits.items():
            for sign, move in list(waiting):
                group, late, ends = _placed(posted, move)
                if today is None or ends + 2 * _DAY <= today:
                    waiting.remove((sign, move))
                    made.setdefault((group, late), Counter())[move.version] += sign
                    if sign > 0:
                        self.stands[id] = move
                    else:
                        self.stands.pop(id, None)
        for (group, _), versions in made.items():
            self.entries.setdefault(group, []).append(versions)


def _placed(posted: set[Group], move: Move) -> tuple[Group, str, dt.date]:
    """Where a movement is booked: in the group of its day, or on the first of the next month if that was posted, then
    with its own month; and the last day of that group."""
    day, late = dt.date.fromisoformat(move.date), ""
    if group_of(day, move.wallet) in posted:
        late, day = f"{day:%Y-%m}", (day.replace(day=1) + 31 * _DAY).replace(day=1)
    ends = max(one for one in _week(day) if one.month == day.month)
    return group_of(day, move.wallet), late, ends


def _week(day: dt.date) -> Iterator[dt.date]:
    monday = day - day.weekday() * _DAY
    return (monday + n * _DAY for n in range(7))


class Journals(Struct, frozen=True, kw_only=True):
    """The work: phase by phase what people do at the source. Implements ``wherry.testing.rigs.Scene``."""

    changes: Mapping[str, Sequence[Move]]
    """Phase → the movements that come, or change. In ``resync`` all are touched, before ``back`` a night passes."""
    approves: bool = False
    """Whether a person approves each entry; without one, an entry leaves two days after its group has ended."""
    flow: str = FLOW
    source: str = SHELF
    """The lines of the connection that is read."""
    name: str = "shelf"
    kind: str = "move"
    served: bool = True
    """Whether the target is a system that gives answers, which may be disturbed."""
    own_drills: Sequence[str] = ()

    @property
    def phases(self) -> tuple[str, ...]:
        return tuple(self.changes)

    def project(self, folder: str) -> str:
        rows = [f"{category},{account},{WALLET}" for category, account in ACCOUNTS.items()]
        (Path(folder) / "accounts.csv").write_text("\n".join(["category,debit,credit", *rows]) + "\n")
        return PROJECT.format(
            source=self.source.replace("FOLDER", folder), name=self.name, kind=self.kind,
            approval="required" if self.approves else "automatic",
        )  # fmt: skip

    def play(self, script: Script, phase: str) -> None:
        if phase == "back":
            script.bench.wait(NIGHT)
        moves = self._played([*script.played, phase]) if phase == "resync" else self.changes[phase]
        if self.kind == TRANSACTION:
            rows = {move.id: move.transaction() for move in moves}
            script.bench.nursery.run(script.bench.errand(script.stand, (), "enter", rows=rows))
            return
        put = script.stand.put or (lambda move: script.shelf.put([move.row()]))
        for move in moves:
            put(move)

    def _played(self, done: Sequence[str]) -> list[Move]:
        """Each movement as it stands at the source after these phases."""
        return list({move.id: move for phase in done for move in self.changes[phase]}.values())

    def versions(self) -> dict[Version, Move]:
        """Every version that there is."""
        moves = (move for changed in self.changes.values() for move in changed)
        return {move.version: move for move in moves if move.status == "booked"}

    def expected(self, done: Sequence[str]) -> Expected:
        """What has to be in the books after these phases."""
        expected, today = Expected(), START.date()
        for phase in done:
            today += _DAY if phase == "back" else 0 * _DAY
            for move in self.changes[phase]:
                expected.change(move)
            expected.book(None if self.approves else today)
        return expected

    def judge(self, script: Script, words: Sequence[str]) -> list[Wrong]:
        from wherry.testing.judge_books import BooksCase, judge_books

        stand = script.stand
        return judge_books(BooksCase(
            versions=self.versions(), wanted=self.expected(script.played), posts=stand.posts(), claims=script.claims,
            marks=stand.marks() if stand.source is not None else None, latest="latest" in words,
        ))  # fmt: skip

    def drills(self, database: str) -> list[str]:
        from wherry.testing.plans import FAULTS

        numbers = (1, 4) if database == "sqlite" else (4,)
        made = [f"play first; fault {n} {fault}; calm; release; calm; judge" for fault in FAULTS for n in numbers]
        return [*(made if self.served else ()), *self.own_drills]


def wallets() -> dict[str, list[Move]]:
    """Two wallets, a week that a month's end cuts, and a week that has not ended; then a late comer, a change of what
    was posted and of what was not, the same taken back, and a movement made void; by then the last week has ended."""
    a = Move(id="a", date="2026-01-05", category="payout", place=0)
    d = Move(id="d", date="2026-01-31", category="payout", place=2)
    return {
        "first": [
            a,
            Move(id="b", date="2026-01-07", category="payout", place=16),
            Move(id="c", date="2026-01-07", category="fee", place=1, wallet="Payroll"),
            d,
            Move(id="e", date="2026-02-01", category="fee", place=3),
            Move(id="f", date="2026-07-03", category="swap", place=4),
        ],
        "resync": [],
        "late": [
            Move(id="h", date="2026-01-27", category="payout", place=5),
            Move(id="i", date="2026-01-20", category="fee", place=6),
        ],
        "change": [_other(a, 7), Move(id="f", date="2026-07-03", category="swap", place=8)],
        "back": [a, Move(id="d", date="2026-01-31", category="payout", place=2, status="void")],
    }


def _other(move: Move, place: int) -> Move:
    return Move(id=move.id, date=move.date, category=move.category, place=place, wallet=move.wallet)
