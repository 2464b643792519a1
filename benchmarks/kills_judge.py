"""What ``kills.py`` judges by: the file of charges on one side, the stand-in's history and objects on the other."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from kills_line import DOCUMENTS, KINDS
from tieout import Desk
from wherry_quickbooks.simulator import QuickBooksSimulator


class Bill(NamedTuple):
    """An invoice as its charges in the file come to, below zero for a credit note."""

    date: str
    customer: str
    pence: int
    lines: int


def taken(source: Path, every: int, to: Path) -> None:
    """Copies one invoice in so many, with all its charges."""
    numbers: dict[str, int] = {}
    with source.open(newline="", encoding="utf-8-sig", errors="replace") as file, to.open("w", newline="") as copy:
        rows, out = csv.reader(file), csv.writer(copy)
        out.writerow(next(rows))
        out.writerows(row for row in rows if numbers.setdefault(row[0], len(numbers)) % every == 0)


def said(path: Path) -> dict[str, Bill]:
    """Number → what its charges come to, by the simplest arithmetic. A row that is cut off counts for nothing."""
    found: dict[str, Bill] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in (row for row in csv.DictReader(file) if None not in row.values()):
            pence = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * 100
            day, month, year = row["InvoiceDate"].split()[0].split("/")
            before = found.get(row["InvoiceNo"], Bill("", "", 0, 0))
            found[row["InvoiceNo"]] = Bill(f"{year}-{month}-{day}", row["CustomerID"], before.pence + int(pence),
                                           before.lines + 1)  # fmt: skip
    return found


def pence(bills: Mapping[str, Bill]) -> int:
    return sum(one.pence for one in bills.values())


class Judge:
    """Compares the file with the stand-in's history and objects, and what Wherry says with both."""

    def __init__(self, books: QuickBooksSimulator, bills: Mapping[str, Bill]) -> None:
        self.books, self.bills = books, bills
        self.skipped = {number: one for number, one in bills.items() if not one.customer}
        self.wrong: list[str] = []
        self.found: dict[str, Bill] = {}
        """What the target held the last time that it was looked at."""

    def due(self, after: str) -> dict[str, Bill]:
        """What the target is to hold of what is dated after a day."""
        return {number: one for number, one in self.bills.items() if one.customer and one.date > after}

    def held(self, until: str) -> dict[str, Bill]:
        return {number: one for number, one in self.bills.items() if one.customer and one.date <= until}

    def target(self, closed: str) -> None:
        """Everything that is due is there once, with every penny, line, day and customer; nothing else is."""
        due = self.due(closed)
        customers = {one["Id"]: one["DisplayName"] for one in self.books.objects("Customer")}
        self.found = found = dict[str, Bill]()
        for kind, sign in zip(DOCUMENTS, (1, -1), strict=True):
            for one in self.books.objects(kind):
                lines = [line for line in one["Line"] if line["DetailType"] == "SalesItemLineDetail"]
                number, total = one["DocNumber"], sum(line["Amount"] for line in lines)
                self.same(f"{kind} {number}: its total", one["TotalAmt"], total)
                self.same(f"{kind} {number}: there already", number in found, False)
                found[number] = Bill(one["TxnDate"], customers[one["CustomerRef"]["value"]],
                                               sign * int(one["TotalAmt"] * 100), len(lines))  # fmt: skip
        for number in sorted({*due, *found}):
            self.same(f"document {number}", found.get(number), due.get(number))

    def history(self) -> None:
        """Nothing was ever made twice, changed or taken away."""
        for kind in KINDS:
            made = Counter(one.detail["name"].casefold() for one in self.books.history.effects(f"{kind}.created"))
            for name in (name for name, often in made.items() if often > 1):
                self.same(f"{kind} {name}: how often it was made", made[name], 1)
            for what in ("updated", "voided", "deleted"):
                self.same(f"{kind}: {what}", len(self.books.history.effects(f"{kind}.{what}")), 0)

    def words(self, desk: Desk, flows: Collection[str], closed: str) -> None:
        """What ``reconcile`` and ``errors list`` say is what the file and the target say."""
        for name in flows:
            mine = {number for number in self.bills if len(flows) == 1 or (number[0] == "C") == (name == "credits")}
            others = {number: one for number, one in self.bills.items() if number not in mine}
            parts = {"posted": self.due(closed), "held": self.held(closed), "skipped": self.skipped}
            wanted = {
                state: {number: bills[number] for number in mine & bills.keys()} for state, bills in parts.items()
            }
            self._told(name, desk.ask(f"reconcile {name}"), wanted, others)
            listed = desk.ask(f"errors list --flow {name} --all")["items"]
            held = {one["label"]: one["amount"] for one in listed}
            self.same(f"held in {name}", held, {number: one.pence for number, one in wanted["held"].items()})

    def _told(self, flow: str, told: Any, wanted: Mapping[str, Mapping[str, Bill]], others: Mapping[str, Bill]) -> None:
        """``others`` are what the flow's filter leaves to the other flow."""
        self.same(f"{flow} agrees", (told["agrees"], told["asked"], told["differences"]), (True, True, []))
        self.same(f"{flow}: source", told["source"], {"GBP": pence(self.bills)})
        for state, bills in wanted.items():
            also = others if state == "skipped" else {}
            found = told["counts"].get(state, 0), told["sums"].get(state, {}).get("GBP", 0)
            self.same(f"{flow}: {state}", found, (len(bills) + len(also), pence(bills) + pence(also)))
        listed = [one for reason, one in told["left_out"].items() if "GL number" in reason]
        found = sum(len(one["records"]) for one in listed), sum(one["sums"]["GBP"] for one in listed)
        self.same(f"{flow}: skipped by name", found, (len(wanted["skipped"]), pence(wanted["skipped"])))

    def same(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {found} instead of {wanted}")
