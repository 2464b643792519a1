"""The books under the kill sweep: journals into a served stand-in and into files, and confirmations in tens.

``make sweep`` takes these rigs with the others. What people do, and what must come of it: ``wherry.testing.wallets``.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from wherry.money import parse
from wherry.simulator import Clock, serve
from wherry.testing.plans import FAULTS
from wherry.testing.rigs import Effect, Mark, Names, Post, Rig, Stand, memory_disk
from wherry.testing.wallets import ACCOUNTS, CHART, TRANSACTION, WALLET, Journals, Move, wallets
from wherry_quickbooks.simulator import QuickBooksSimulator
from wherry_traede.simulator import TraedeSimulator

DEATHS = 50
"""At how many points of each of the five phases: some two hundred in a minute. ``--whole`` takes all of them."""
REALM = "123146000000001"
QUICKBOOKS = """
plugin = "quickbooks"
base_url = "${{BOOKS_URL}}"
environment = "simulator"
realm = "{realm}"
batch = {batch}
auth = {{ kind = "oauth2", client_id = "app", client_secret = {{ env = "BOOKS_SECRET" }}, \
refresh_token = {{ env = "BOOKS_REFRESH" }} }}
"""
ENVIRON = {"BOOKS_SECRET": "sweep-canary-6a1d", "BOOKS_REFRESH": "sweep-canary-77b0"}
CSV = 'plugin = "csv"\nfolder = "${{BOOKS_FOLDER}}"\nper_file = {}\n'


QUEUED = "play first; kill commit.after@hub.book#1; play"
MEANWHILE = [f"{QUEUED} {phase}; calm; judge latest" for phase in ("late", "change")]
"""Entries are queued, and nothing was sent yet, when another member comes, or one of them changes."""
SENT, OUT = "kill http.sent@POST /v3/company/{id}/journalentry#2", "fault 1 status times=10; run"
LOST = [
    f"play first; {SENT}; play late; {OUT}; calm; judge latest",
    f"play first; {SENT}; play change; {OUT}; calm; judge latest",
    f"play first; run; play late; {SENT}; play change; {OUT}; play back; run; calm; judge latest",
]
"""The same while nobody knows what became of an entry, and the target is out of order, so that this stays so."""
RESTORED = [
    "play first; run; backup; play late; run; restore; wait 120; calm; judge",
    "play first; kill commit.after@drain._keep_replies#1; backup; run; restore; wait 120; calm; judge",
]


# -- QuickBooks --------------------------------------------------------------------------------------------------------


def company(clock: Clock) -> QuickBooksSimulator:
    """One company whose accounts have numbers."""
    sim = QuickBooksSimulator(clock=clock, companies=(REALM,), currency="GBP", tax="none", limits="none")
    held = sim.company()
    shown = {**held.preferences["AccountingInfoPrefs"], "UseAccountNumbers": True}
    held.put("Preferences", {**held.preferences, "AccountingInfoPrefs": shown}, "Update")
    for number, name in CHART.items():
        kind = "Expense" if number.startswith("5") else "Other Current Asset"
        sim.write("Account", {"Name": name, "AcctNum": number, "AccountType": kind})
    return sim


@contextmanager
def books(clock: Clock) -> Iterator[Stand]:
    sim = company(clock)
    with serve(sim.app()) as url:
        yield Stand(
            environ={"BOOKS_URL": url, **ENVIRON},
            effects=nothing,
            stage=sim.stage,
            writes=r"/v3/company/\d+/(journalentry|batch)",
            posts=lambda: posts(sim),
        )


def nothing(names: Names) -> list[Effect]:
    return []


def posts(sim: QuickBooksSimulator) -> list[Post]:
    """Every entry that was made, by the history that only grows; what was changed or deleted since is spoilt."""
    numbers = {one["Id"]: one["AcctNum"] for one in sim.objects("Account") if one.get("AcctNum")}
    held = {one["Id"]: one for one in sim.objects("JournalEntry")}
    made, spoilt = dict[str, Post](), dict[str, str]()
    for entry in sim.history.effects():
        kind, _, what = entry.what.partition(".")
        if kind != "JournalEntry":
            continue
        id = entry.detail["id"]
        if what != "created":
            spoilt[id] = f"it was {what} after it was posted"
        made[id] = Post(
            id=id, number=entry.detail["name"], date=entry.detail["date"], spoilt=spoilt.get(id, ""),
            lines=_lines(held[id], numbers) if id in held else {},
        )  # fmt: skip
    return list(made.values())


def _lines(held: dict[str, object], numbers: dict[str, str]) -> Counter[str]:
    lines: Counter[str] = Counter()
    for line in held["Line"]:  # type: ignore[attr-defined]
        detail = line["JournalEntryLineDetail"]
        sign = 1 if detail["PostingType"] == "Debit" else -1
        account = detail["AccountRef"]["value"]
        lines[numbers.get(account, account)] += sign * parse(line["Amount"], "GBP").minor
    return lines


def quickbooks_rig(name: str, scene: Journals, batch: int = 1) -> Rig:
    return Rig(
        name=name,
        plugins=("quickbooks",),
        modules=("wherry_quickbooks.plugin", "wherry_quickbooks.sink"),
        connection=QUICKBOOKS.format(realm=REALM, batch=batch),
        stand=books,
        resends=True,
        batch=batch,
        deaths=DEATHS,
        scene=scene,
    )


# -- files -------------------------------------------------------------------------------------------------------------


@contextmanager
def folder(clock: Clock) -> Iterator[Stand]:
    with tempfile.TemporaryDirectory(prefix="wherry-books-", dir=memory_disk()) as path:
        yield Stand(environ={"BOOKS_FOLDER": path}, effects=nothing, posts=lambda: written(Path(path)))


def written(folder: Path) -> list[Post]:
    """Every entry of every file; a file whose last row is torn, or a part that lies beside its place, is spoilt."""
    found = []
    for path in sorted(folder.iterdir()):
        text = path.read_text("utf-8-sig") if path.is_file() and not path.name.startswith(".") else ""
        if not text:
            continue
        torn = "" if text.endswith("\n") and path.suffix == ".csv" else f"{path.name} is no whole file"
        rows: dict[str, list[dict[str, str]]] = {}
        for row in csv.DictReader(text.splitlines()):
            rows.setdefault(row["External ID"], []).append(row)
        found += [_entry(id, some, torn) for id, some in rows.items()]
    return found


def _entry(id: str, rows: list[dict[str, str]], torn: str) -> Post:
    lines: Counter[str] = Counter()
    for row in rows:
        debit, credit = (parse(row[side] or "0", "GBP").minor for side in ("Debit", "Credit"))
        lines[row["Account"]] += debit - credit
    return Post(id=id, number=rows[0]["Journal No"], date=rows[0]["Date"], lines=lines, spoilt=torn)


def csv_rig(name: str, scene: Journals, per_file: int) -> Rig:
    return Rig(
        name=name,
        plugins=("csv",),
        modules=("wherry_csv.plugin", "wherry_csv.sink"),
        connection=CSV.format(per_file),
        stand=folder,
        resends=True,
        batch=per_file,
        deaths=DEATHS,
        scene=scene,
    )


# -- confirmations -----------------------------------------------------------------------------------------------------

TOKEN, APP_KEY, SYSTEM = "sweep-canary-31b8", "sweep-canary-9d04", "wherry-books"
TRAEDE = """
[connections.shop]
plugin = "traede"
base_url = "${SHOP_URL}"
system_id = "wherry-books"
auth = { kind = "token", token = { env = "SHOP_TOKEN" } }
app_key = { env = "SHOP_APP_KEY" }
"""


class Shop:
    """A company's Traede. ``there`` says which journal entries are in the books now."""

    def __init__(self, clock: Clock, there: Callable[[], Iterable[str]]) -> None:
        self.sim = TraedeSimulator(clock=clock, currency="GBP", tokens={TOKEN}, app_keys={APP_KEY})
        self.marks: list[Mark] = []
        self._there, self._ids, self._mark = there, dict[str, int](), self.sim.entries.mark
        self.sim.entries.mark = self._marked  # type: ignore[method-assign]

    def put(self, move: Move) -> None:
        """An entry is made; or changed, if only in the moment of its last change."""
        said = {
            "amount": move.row()["amount"], "account": int(ACCOUNTS[move.category]), "contra_account": int(WALLET),
            "date": move.date, "text": f"Payment {move.id}",
        }  # fmt: skip
        if move.id in self._ids:
            self.sim.change(self._ids[move.id], **said)
        else:
            self._ids[move.id] = self.sim.add(**said)

    def _marked(self, id: int, system: str, note: str | None) -> None:
        names = {number: name for name, number in self._ids.items()}
        self.marks.append(Mark(record=names[id], note=note or "", there=frozenset(self._there())))
        self._mark(id, system, note)


@contextmanager
def shop_and_books(clock: Clock) -> Iterator[Stand]:
    sim = company(clock)
    shop = Shop(clock, lambda: [post.id for post in posts(sim)])
    with serve(sim.app()) as url, serve(shop.sim.app()) as shop_url:
        yield Stand(
            environ={"BOOKS_URL": url, "SHOP_URL": shop_url, "SHOP_TOKEN": TOKEN, "SHOP_APP_KEY": APP_KEY, **ENVIRON},
            effects=nothing,
            stage=sim.stage,
            writes=r"/v3/company/\d+/(journalentry|batch)",
            posts=lambda: posts(sim),
            source=shop.sim.stage,
            told="/v10/accounting-entries/mark-as-exported",
            put=shop.put,
            marks=lambda: shop.marks,
        )


def payments() -> dict[str, list[Move]]:
    """Twenty-three entries of three weeks, so that three calls confirm them; late comers, and one that changes after it
    was confirmed."""
    days, categories = ("2026-01-06", "2026-01-13", "2026-01-31"), tuple(ACCOUNTS)
    made = [_payment(n, days[n % 3], categories[n % 3], n // 3) for n in range(23)]
    late = [_payment(100, "2026-01-07", "payout", 9), _payment(101, "2026-01-21", "fee", 9)]
    return {"first": made, "resync": [], "late": late, "change": [_payment(4, days[1], "fee", 10)]}


def _payment(number: int, date: str, category: str, place: int) -> Move:
    return Move(id=f"p{number}", date=date, category=category, place=place, wallet="")


def confirmations_rig() -> Rig:
    lost = [f"play first; upset {n} {fault}; calm; release; calm; judge" for fault in FAULTS for n in (1, 3)]
    own = [*lost, *MEANWHILE, *RESTORED]
    scene = Journals(changes=payments(), source=TRAEDE, name="shop", kind="accounting_entry", own_drills=own)
    sound = quickbooks_rig("confirmations", scene)
    return msgspec.structs.replace(
        sound, stand=shop_and_books, plugins=("quickbooks", "traede"), modules=(*sound.modules, "wherry_traede.plugin"),
    )  # fmt: skip


def workspace_rig() -> Rig:
    """The movements lie in the workspace, where nothing is made void."""
    changes = {**wallets(), "back": [wallets()["first"][0]]}
    platform = '[connections.platform]\nplugin = "workspace"\n'
    scene = Journals(changes=changes, source=platform, name="platform", kind=TRANSACTION, own_drills=MEANWHILE)
    sound = quickbooks_rig("journals-workspace", scene)
    return msgspec.structs.replace(
        sound, plugins=("quickbooks", "workspace"), modules=(*sound.modules, "wherry_workspace.plugin")
    )  # fmt: skip


def rigs() -> list[Rig]:
    automatic, approved = Journals(changes=wallets()), Journals(changes=wallets(), approves=True)
    return [
        quickbooks_rig("journals", msgspec.structs.replace(automatic, own_drills=[*MEANWHILE, *LOST, *RESTORED])),
        quickbooks_rig("journals-5", msgspec.structs.replace(approved, own_drills=[*MEANWHILE, *RESTORED]), 5),
        csv_rig("journals-csv", msgspec.structs.replace(approved, served=False, own_drills=MEANWHILE), 1),
        csv_rig("journals-csv-3", msgspec.structs.replace(automatic, served=False, own_drills=MEANWHILE), 3),
        workspace_rig(),
        confirmations_rig(),
    ]
