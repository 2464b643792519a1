"""What can stand in a file of journal entries: the fields of one line of one entry, by name, as ``{fields}`` of a text.

Used by the profiles of import screens and by a company's own template.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache

from msgspec import Struct, field

from wherry import money
from wherry.accounting import BookedLine, ChartAccount, Entry
from wherry.books import cells, rates
from wherry.errors import ConfigError, Rejected

_FIELD = re.compile(r"\{([a-z_0-9]+)\}")
_FREE = frozenset({"memo", "description", "line_description", "reference"})
"""Texts that may be cut where they are too long; a name that is cut would be another."""


class Chart:
    """A target's chart by code. Empty: nothing is known, and codes stand for themselves."""

    def __init__(self, accounts: Mapping[str, ChartAccount]) -> None:
        self.accounts = accounts
        self._by_id = {account.id: account for account in accounts.values()}

    def name(self, code: str) -> str:
        """The account's own name."""
        account = self.accounts.get(code)
        return code if account is None else account.name or code

    def full_name(self, code: str) -> str:
        """``Parent:Sub``, from the root down. A circle of parents ends where it begins (case C17)."""
        account = self.accounts.get(code)
        if account is None or ":" in account.name or account.code == account.name:
            return self.name(code)  # told in full already
        return ":".join(self.path(account))

    def path(self, account: ChartAccount) -> list[str]:
        """The names from the root down to the account."""
        found, seen = [account.name], {account.id}
        above = self._by_id.get(account.parent)
        while above is not None and above.id not in seen:
            seen.add(above.id)
            found.append(above.name)
            above = self._by_id.get(above.parent)
        return found[::-1]


class Words(Struct, frozen=True, kw_only=True):
    """How fields are spelled: the form of days, the lengths of fields, what stands where a line says nothing."""

    date: str = "YYYY-MM-DD"
    lengths: Mapping[str, int] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


class Rendered(Struct, frozen=True):
    """A text made of fields. ``typed``: it is one day, number or amount, which no spreadsheet takes for a formula.
    ``name``: which field it is, where it is one that the target knows by its name, letter for letter."""

    text: str
    typed: bool = False
    name: str = ""


def check(entry: Entry, chart: Chart) -> None:
    """Raises Rejected for an entry out of balance, in a currency nobody knows, or on an account there is not."""
    debits = sum(line.minor for line in entry.lines if line.side == "debit")
    credits = sum(line.minor for line in entry.lines if line.side == "credit")
    if entry.currency not in money.DECIMALS:
        raise _bad(entry, f"is in {entry.currency!r}, which is no currency of ISO 4217", "currency", "WHERRY-4697")
    if len(entry.lines) < 2 or any(line.minor <= 0 for line in entry.lines):
        raise _bad(entry, "needs two lines, each above zero", "lines", "WHERRY-4698")
    if debits != credits:
        difference = money.text(debits - credits, entry.currency)
        raise _bad(entry, f"is out of balance by {difference} {entry.currency}", "lines", "WHERRY-4690")
    if left := rates.off(entry):
        difference = money.text(left, entry.home)
        raise _bad(entry, f"is out of balance by {difference} {entry.home} at home", "lines", "WHERRY-4685")
    unknown = next(
        (line.account for line in entry.lines if chart.accounts and line.account not in chart.accounts), None
    )
    if unknown is not None:
        raise _bad(entry, f"books on account {unknown!r}, which is not in the chart", "lines", "WHERRY-4699")


def _bad(entry: Entry, what: str, where: str, code: str) -> Rejected:
    return Rejected(f"entry {entry.number} {what}", field=where, fix="correct it at its source; nothing was written",
                    code=code, entry=entry.key)  # fmt: skip


def value(line: BookedLine, currency: str) -> Decimal:
    """The amount of a line in major units, below zero for credits."""
    return Decimal(_signed(line, currency))


def _signed(line: BookedLine, currency: str) -> str:
    return money.text(line.minor if line.side == "debit" else -line.minor, currency)


def rendered(template: str, entry: Entry, number: int, chart: Chart, words: Words) -> Rendered:
    """A template with the fields of line ``number`` (from 0). Raises ConfigError for a field that there is not,
    Rejected for a name that is too long."""
    names = fields_of(template)
    if len(names) == 1 and len(template) == len(names[0]) + 2:
        name = names[0] if names[0] in NAMES or names[0].startswith("dimension_") else ""
        return Rendered(_said(names[0], entry, number, chart, words), names[0] in TYPED, name)
    said = {name: _said(name, entry, number, chart, words) for name in names}
    return Rendered(" ".join(_FIELD.sub(lambda found: said[found[1]], template).split()))


def guarded(said: Rendered, entry: Entry) -> str:
    """The cell of a file that people may open: a text that a spreadsheet would run gets an apostrophe in front. Raises
    Rejected for a name that would: with it the target would not find the name, or make a new one of it."""
    if said.typed or (cell := cells.neutral(said.text)) == said.text:
        return said.text
    if not said.name:
        return cell
    raise Rejected(
        f"entry {entry.number} names {said.name.replace('_', ' ')} {said.text!r}, which a spreadsheet would run; with "
        "an apostrophe in front, as other texts get it, the target would not know the name",
        field=said.name, code="WHERRY-4682", entry=entry.key,
        fix="rename it in the target and in the accounts table; or, where nobody opens the files in a spreadsheet, "
        "write texts as they are: journal export --plain, or spreadsheet = false of the connection",
    )  # fmt: skip


@lru_cache(maxsize=1024)
def fields_of(template: str) -> tuple[str, ...]:
    """The fields that a text names. Raises ConfigError for one that there is not."""
    found = tuple(_FIELD.findall(template))
    for name in found:
        if name not in FIELDS and not name.startswith("dimension_"):
            raise ConfigError(
                f"{{{name}}} is no field of a journal entry", code="WHERRY-2485", field=name,
                fix=f"the fields are: {', '.join(sorted(FIELDS))}",
            )  # fmt: skip
    return found


def _said(name: str, entry: Entry, number: int, chart: Chart, words: Words) -> str:
    line = entry.lines[number]
    if name.startswith("dimension_"):
        return cells.one_line(_dimension(name, line))
    text = FIELDS[name](entry, number, line, chart)
    if name == "date":
        return cells.spelled(entry.date, words.date)
    text = text if name in TYPED else cells.one_line(text) or words.defaults.get(name, "")
    most = words.lengths.get(name, 0)
    if not most or len(text) <= most:
        return text
    if name in _FREE:
        return cells.cut(text, most)
    if name == "number":
        return cells.short(text, most)
    raise Rejected(
        f"entry {entry.number} names {name.replace('_', ' ')} {text!r} of {len(text)} characters where {most} are "
        "allowed", field=name, fix="give it a shorter name in the target, and in the accounts table",
        code="WHERRY-4689", entry=entry.key,
    )  # fmt: skip


def _dimension(name: str, line: BookedLine) -> str:
    """The n-th class, department or the like of a line: its value, or with ``dimension_name_`` what it is."""
    told = [pair for pair in line.dimensions if pair[0] != "tax" and pair[1]]
    place = name.rpartition("_")[2]
    index = int(place) - 1 if place.isdecimal() else 0
    if not 0 <= index < len(told):
        return ""
    return told[index][0].title() if name.startswith("dimension_name_") else told[index][1]


def _of(dimension: str) -> Callable[[Entry, int, BookedLine, Chart], str]:
    return lambda entry, number, line, chart: dict(line.dimensions).get(dimension, "")


def _further(line: BookedLine) -> str:
    usual = {"class", "department", "location", "subsidiary", "tax"}
    return "; ".join(f"{name}={said}" for name, said in line.dimensions if said and name not in usual)


def _hashed(key: str) -> str:
    """26 small letters and digits that stand for a key where letters of either case are one (case D8)."""
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()


def _plain(entry: Entry, line: BookedLine, side: str) -> str:
    return money.text(line.minor, entry.currency) if line.side == side else ""


def _at_home(entry: Entry, line: BookedLine, side: str) -> str:
    return money.text(line.home, entry.home) if entry.home and line.side == side else ""


FIELDS: dict[str, Callable[[Entry, int, BookedLine, Chart], str]] = {
    "external_id": lambda entry, number, line, chart: entry.key,
    "external_key": lambda entry, number, line, chart: _hashed(entry.key),
    "number": lambda entry, number, line, chart: entry.number,
    "type": lambda entry, number, line, chart: entry.type,
    "date": lambda entry, number, line, chart: entry.date.isoformat(),
    "period": lambda entry, number, line, chart: entry.period,
    "bucket": lambda entry, number, line, chart: entry.bucket,
    "line": lambda entry, number, line, chart: str(number + 1),
    "lines": lambda entry, number, line, chart: str(len(entry.lines)),
    "account": lambda entry, number, line, chart: line.account,
    "account_name": lambda entry, number, line, chart: chart.name(line.account),
    "account_full_name": lambda entry, number, line, chart: chart.full_name(line.account),
    "side": lambda entry, number, line, chart: line.side,
    "debit": lambda entry, number, line, chart: _plain(entry, line, "debit"),
    "credit": lambda entry, number, line, chart: _plain(entry, line, "credit"),
    "amount": lambda entry, number, line, chart: _signed(line, entry.currency),
    "currency": lambda entry, number, line, chart: entry.currency,
    "exchange_rate": lambda entry, number, line, chart: (
        "" if entry.exchange_rate is None else f"{entry.exchange_rate:f}"
    ),
    "exchange_source": lambda entry, number, line, chart: entry.exchange_source,
    "home": lambda entry, number, line, chart: entry.home,
    "home_debit": lambda entry, number, line, chart: _at_home(entry, line, "debit"),
    "home_credit": lambda entry, number, line, chart: _at_home(entry, line, "credit"),
    "reference": lambda entry, number, line, chart: entry.bucket or entry.number,
    "memo": lambda entry, number, line, chart: entry.memo,
    "description": lambda entry, number, line, chart: line.description or entry.memo,
    "line_description": lambda entry, number, line, chart: line.description,
    "party": lambda entry, number, line, chart: line.party,
    "class": _of("class"),
    "department": _of("department"),
    "location": _of("location"),
    "subsidiary": _of("subsidiary"),
    "tax": _of("tax"),
    "dimensions": lambda entry, number, line, chart: _further(line),
    "journal": lambda entry, number, line, chart: "",
}
"""Field → its text in a line of an entry."""
NAMES = frozenset({"account", "account_name", "account_full_name", "party", "class", "department", "location",
                   "subsidiary", "tax", "journal"})  # fmt: skip
"""Fields by which a target looks up what it has."""
TYPED = frozenset({"date", "line", "lines", "debit", "credit", "amount", "exchange_rate", "home_debit", "home_credit"})
