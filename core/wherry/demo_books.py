"""The part of a demonstration that books: a month of wallet transactions in a file becomes journals in a folder.

It needs the plugin for files and nobody's account. Where that plugin is not installed, a demonstration goes without.
"""

from __future__ import annotations

import datetime as dt
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from msgspec import Struct

from wherry.bookkeeping import journals, trail, tying
from wherry.bookkeeping.fiscal import Asked
from wherry.bookkeeping.tying import Tied
from wherry.errors import WherryError
from wherry.hub import Hub
from wherry.operating import approvals

FLOW, PLUGIN = "wallet-journals", "csv"
PERIOD = "2026-01"
_ENABLED = re.compile(r"(enabled = \[[^\]]*)\]")
PROJECT = """
[connections.wallet]                    # a folder with what a wallet exports
plugin = "csv"
folder = "wallet"
quiet = 0
records = { transaction = { id = "id" } }

[connections.books]                     # files for whatever keeps the books
plugin = "csv"
folder = "books"

[flows.wallet-journals]
source = "wallet"
sink = "books"
kinds = ["transaction"]
document = "journal"
accounts = "tables/accounts.csv"        # what a bookkeeper maps categories to
group = "week"
books_from = 2026-01-01
approval = "required"
"""
FILES = {
    "wallet/january.csv": """id,date,amount,currency,category,wallet,reference,description
W-1,2026-01-05,1840.00,EUR,payout,hot,P-101,Server hall rent
W-2,2026-01-06,3.27,EUR,fee,hot,P-101,Network fee
W-3,2026-01-14,12500.50,EUR,sale,cold,S-7,Storage sold
W-4,2026-01-16,0.00,EUR,fee,hot,P-102,Dust
W-5,2026-01-30,920.10,EUR,payout,hot,P-103,Wages
W-6,2026-01-31,4.05,EUR,fee,hot,P-103,Network fee
""",
    "tables/accounts.csv": """category,debit,credit
payout,6000,1300
fee,6850,1300
sale,1300,4010
""",
    "books/accounts.csv": """code,name,type,currency,debit,credit
1300,Digital assets,asset,EUR,5000.00,
2900,Capital,equity,EUR,,5000.00
4010,Storage income,income,,,
6000,Operating expenses,expense,,,
6850,Network fees,expense,,,
""",
}


class Booked(Struct, kw_only=True):
    """What was shown before it was posted, and how it ties out after."""

    preview: dict[str, Any]
    tied: Tied
    differences: list[str]


def with_books(project: str) -> str:
    """The text of a project file with journals in it, where the plugin for files is installed."""
    installed = any(entry.name == PLUGIN for entry in entry_points(group="wherry.plugins"))
    text, found = _ENABLED.subn(rf'\1, "{PLUGIN}"]', project, count=1)
    return text + PROJECT if installed and found else project


def write_files(folder: Path) -> None:
    """What the wallet exported, the accounts table, and the chart of accounts; what is there already stays."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(content, encoding="utf-8")


def show(hub: Hub) -> Booked | None:
    """Preview the month, post it on nobody's word but this demonstration's, and tie it out; None without that flow."""
    if FLOW not in hub.project.flows:
        return None
    found = journals.preview(hub, FLOW, Asked(period=PERIOD))
    flow = trail.booking_flow(hub, FLOW)
    report = hub.run(FLOW)
    error: WherryError | None = report.error or approvals.approve(hub, FLOW).error
    days = tying.Days(dt.date(2026, 1, 1), dt.date(2026, 1, 31), PERIOD)
    tied = tying.tie_out(hub, flow.sink, [flow], days)
    wrong = [f"journals: {error.message}"] if error is not None else []
    wrong += [] if tied.passes else [f"journals: {one.name} {one.says}" for one in tied.found.problems]
    return Booked(preview=found.data, tied=tied, differences=wrong)
