"""A target's chart of accounts: what a code means there, and what is wrong with the codes that a table uses."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Literal

from msgspec import Struct

from wherry.accounting import ChartAccount, Mapped
from wherry.books.tables import category_key
from wherry.errors import ConfigError, Rejected
from wherry.wording import a

MOST_ACCOUNTS = 100_000
_MOST_GUESSES = 200
"""How many unknown codes get a suggestion from the whole chart: each costs a look at every account."""
_LONGEST_GUESS = 100
_NUMBER = re.compile(r"(\d+)(?:\.(\d+))?").fullmatch

Why = Literal["unknown", "zeros", "ambiguous", "header", "inactive", "currency", "type"]


class Mismatch(Struct, frozen=True):
    """A code that cannot be booked to: ``why`` in a word, what is wrong in words, and what to do."""

    why: Why
    code: str
    message: str
    fix: str


class Problem(Struct, frozen=True, kw_only=True):
    """A code of a table that cannot be booked to. ``row`` is 0 and ``column`` empty for a code from elsewhere."""

    code: str
    row: int
    column: str
    kind: Why
    why: str
    fix: str


class Was(Struct, frozen=True, kw_only=True):
    """What an account was called until a moment: it has another number or another full name since."""

    id: str
    code: str
    name: str
    until: str


class Chart:
    """The accounts of one target. ``problems`` says what is odd in the chart itself; none of it stops a look-up.
    ``was`` is what accounts were called before.

    Raises ConfigError above 100,000 accounts.
    """

    def __init__(self, accounts: Iterable[ChartAccount], was: Iterable[Was] = ()) -> None:
        self._accounts = list(_bounded(accounts))
        self._was = sorted(was, key=lambda one: one.until)
        self.problems: list[str] = []
        self._by_id = self._ids()
        self._names = self._full_names()
        self._by_code = _grouped(self._accounts, lambda one: one.code)
        self._by_name = _grouped(self._accounts, lambda one: category_key(self._names[one.id]))
        self._by_digits = _grouped(self._accounts, lambda one: _digits(one.code))
        self._guessed: dict[str, list[str]] = {}
        for code, same in self._by_code.items():
            if code and len(same) > 1:
                self.problems.append(f"{len(same)} accounts have the number {code}: {self._told(same)}")

    def __len__(self) -> int:
        return len(self._accounts)

    def __iter__(self) -> Iterator[ChartAccount]:
        return iter(self._accounts)

    @property
    def posting(self) -> list[ChartAccount]:
        """What can be booked to, by code: neither headers nor inactive accounts."""
        usable = (one for one in self._accounts if one.posting and one.active)
        return sorted(usable, key=lambda one: (one.code, one.id))

    @property
    def headers(self) -> list[ChartAccount]:
        return [one for one in self._accounts if not one.posting]

    @property
    def inactive(self) -> list[ChartAccount]:
        return [one for one in self._accounts if not one.active]

    def full_name(self, account: ChartAccount) -> str:
        """The names from the root down, as in ``Income:Storage``."""
        return self._names[account.id]

    def codes(self, types: Collection[str]) -> set[str]:
        """The codes of all accounts of these types, such as ``receivable``."""
        return {one.code for one in self._accounts if one.type in types}

    def code_of(self, word: str, at: str = "") -> str:
        """The code of the account that a word means, its number or its full name; the word where there is none.

        ``at`` is the moment when it was said: the account that was called so then has another code by now, perhaps, or
        is in use no more.
        """
        if not word:
            return word
        then = self._called(word, at) if at and self._was else None
        same = [then] if then is not None else self._same(word)
        usable = [one for one in same if one.active and one.posting] if len(same) > 1 else same
        return usable[0].code if len(usable) == 1 else word

    def _called(self, word: str, at: str) -> ChartAccount | None:
        key, since = category_key(word), [one for one in self._was if one.until > at]
        found = next((one for one in since if one.code == word), None)
        found = found or next((one for one in since if category_key(one.name) == key), None)
        return self._by_id.get(found.id) if found is not None else None

    def changed(self, before: Chart, until: str) -> list[Was]:
        """What accounts were called in the chart as it was before, of those that are called otherwise now."""
        return [
            Was(id=one.id, code=old.code, name=before.full_name(old), until=until)
            for one in self if (old := before._by_id.get(one.id)) is not None
            and (old.code, before.full_name(old)) != (one.code, self.full_name(one))
        ]  # fmt: skip

    def _same(self, word: str) -> list[ChartAccount]:
        return (self._by_code.get(word) or self._by_name.get(category_key(word), [])) if word else []

    def find(self, code: str, currency: str = "") -> ChartAccount:
        """The account to book to. Raises Rejected for a code that cannot be booked to, with what to do about it."""
        found = self.look(code, currency)
        if isinstance(found, Mismatch):
            raise Rejected(found.message, fix=found.fix, code="WHERRY-4610", account=code, why=found.why)
        return found

    def look(self, code: str, currency: str = "") -> ChartAccount | Mismatch:
        """The account with exactly this code, or with this full name where only one has it; else what is wrong.

        ``currency`` is the one that is to be booked: an account that is kept in another does not take it.
        """
        same = self._same(code)
        if not same:
            return self._unknown(code)
        usable = [one for one in same if one.active and one.posting] if len(same) > 1 else same
        if len(usable) != 1:
            return Mismatch("ambiguous", code, f"{len(same)} accounts have the number {code}: {self._told(same)}",
                            "give each its own number in the target")  # fmt: skip
        return self._judged(code, usable[0], currency)

    def _judged(self, code: str, one: ChartAccount, currency: str) -> ChartAccount | Mismatch:
        name = f"account {code} ({self._names[one.id]})" if code != self._names[one.id] else f"account {code}"
        if not one.posting:
            return Mismatch("header", code, f"{name} is a header: nothing is booked to it",
                            f"use {self._below(one)}")  # fmt: skip
        if not one.active:
            return Mismatch("inactive", code, f"{name} is inactive",
                            "make it active in the target, or book to another account")  # fmt: skip
        if currency and one.currency and one.currency != currency:
            return Mismatch("currency", code, f"{name} is kept in {one.currency} and does not take {currency}",
                            f"book to an account that is kept in {currency}")  # fmt: skip
        return one

    def _below(self, header: ChartAccount) -> str:
        below = [one.code for one in self.posting if one.parent == header.id][:3]
        return f"an account below it, such as {', '.join(below)}" if below else "a posting account"

    def _unknown(self, code: str) -> Mismatch:
        padded = [one for one in self._by_digits.get(_digits(code), []) if one.code != code] if code else []
        if padded:
            codes = " or ".join(dict.fromkeys(one.code for one in padded))
            return Mismatch(
                "zeros", code, f"there is no account {code}, but {self._told(padded)}: a spreadsheet drops zeros",
                f"write {codes}, in a cell that is formatted as text",
            )  # fmt: skip
        near = self._near(code)
        fix = f"did you mean {' or '.join(near)}?" if near else "use a code of the chart, or import the chart again"
        return Mismatch("unknown", code, f'there is no account "{code}" in the chart', fix)

    def _near(self, code: str) -> list[str]:
        """Up to two posting accounts that are written much like it, by code or by name."""
        if not code or (code not in self._guessed and len(self._guessed) >= _MOST_GUESSES):
            return []
        if code not in self._guessed:
            from rapidfuzz import fuzz, process

            wanted = category_key(code)[:_LONGEST_GUESS]
            found = process.extract(wanted, self._texts.keys(), scorer=fuzz.ratio, limit=4, score_cutoff=70)
            accounts = dict.fromkeys(self._texts[text] for text, _, _ in found)
            self._guessed[code] = [self._told([self._by_id[one]]) for one in accounts][:2]
        return self._guessed[code]

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What posting accounts may be meant by, ready to be compared → their ids."""
        return {category_key(text): one.id for one in self.posting for text in (one.name, self._names[one.id], one.code)
                if len(text) <= _LONGEST_GUESS}  # fmt: skip

    def _told(self, accounts: Iterable[ChartAccount]) -> str:
        told = [f"{one.code} ({self._names[one.id]})" if one.code != self._names[one.id] else one.code
                for one in accounts]  # fmt: skip
        return ", ".join(told[:5]) + (" …" if len(told) > 5 else "")

    # -- building ------------------------------------------------------------------------------------------------------

    def _ids(self) -> dict[str, ChartAccount]:
        twice = [number for number, count in Counter(one.id for one in self._accounts).items() if count > 1]
        self.problems += [f"the target's id {number} was given twice; the first one counts" for number in twice]
        by_id: dict[str, ChartAccount] = {}
        for one in self._accounts:
            by_id.setdefault(one.id, one)
        if twice:
            self._accounts = list(by_id.values())
        return by_id

    def _full_names(self) -> dict[str, str]:
        """Id → full name. An account in a circle of parents, or below one, keeps its own name from there on."""
        names: dict[str, str] = {}
        for account in self._accounts:
            way: dict[str, ChartAccount] = {}
            one: ChartAccount | None = account
            while one and one.id not in names and one.id not in way:
                way[one.id] = one
                one = self._parent(one)
            if one and one.id in way:
                self.problems.append(self._circle(list(way.values()), one))
            above = names.get(one.id, "") if one else ""
            for step in reversed(way.values()):
                above = names[step.id] = _joined(above, step.name or step.code)
        return names

    def _parent(self, one: ChartAccount) -> ChartAccount | None:
        if one.parent and one.parent not in self._by_id:
            self.problems.append(f"the parent of account {one.code} ({one.name}) is not in the chart")
        return self._by_id.get(one.parent) if one.parent else None

    def _circle(self, way: list[ChartAccount], start: ChartAccount) -> str:
        codes = [one.code for one in way[way.index(start) :]]
        told = " below ".join([*codes[:10], *(["…"] if len(codes) > 10 else []), start.code])
        return f"accounts lie below each other in a circle: {told}"


def check(
    chart: Chart, rows: Sequence[Mapped], currency: str, codes: Iterable[str] = (),
    barred: Mapping[str, str] | None = None,
) -> list[Problem]:  # fmt: skip
    """Everything that is wrong with the codes of a table, and with further ``codes`` that are used as they are.

    ``barred`` are types of accounts that the target takes no journal lines on, such as ``receivable``, and why.
    """
    used = [(code, row.row, column) for row in rows
            for column, code in (("debit", row.debit), ("credit", row.credit)) if code]  # fmt: skip
    used += [(code, 0, "") for code in dict.fromkeys(codes)]
    found: dict[str, ChartAccount | Mismatch] = {}
    problems = []
    for code, row, column in used:
        if code not in found:
            found[code] = _allowed(code, chart.look(code, currency), barred or {})
        if isinstance(wrong := found[code], Mismatch):
            problems.append(
                Problem(code=code, row=row, column=column, kind=wrong.why, why=wrong.message, fix=wrong.fix)
            )
    return problems


def _allowed(code: str, found: ChartAccount | Mismatch, barred: Mapping[str, str]) -> ChartAccount | Mismatch:
    if isinstance(found, Mismatch) or found.type not in barred:
        return found
    name = f" ({found.name})" if found.name != code else ""
    return Mismatch("type", code, f"account {code}{name} is {a(found.type)} account, and {barred[found.type]}",
                    "set clearing on the flow to the code of a clearing account, or book elsewhere")  # fmt: skip


def _bounded(accounts: Iterable[ChartAccount]) -> Iterator[ChartAccount]:
    for count, account in enumerate(accounts):
        if count >= MOST_ACCOUNTS:
            raise ConfigError(
                f"the chart has more than {MOST_ACCOUNTS:,} accounts", code="WHERRY-2630",
                fix="see that the connection reaches the right company",
            )  # fmt: skip
        yield account


def _grouped(accounts: Iterable[ChartAccount], key: Callable[[ChartAccount], str]) -> dict[str, list[ChartAccount]]:
    groups: dict[str, list[ChartAccount]] = defaultdict(list)
    for account in accounts:
        groups[key(account)].append(account)
    return dict(groups)


def _digits(code: str) -> str:
    """What a spreadsheet leaves of a code that it takes for a number: ``0400`` → ``400``, ``4000.10`` → ``4000.1``."""
    number = _NUMBER(code)
    if not number:
        return code.lstrip("0")
    whole, part = number[1].lstrip("0") or "0", (number[2] or "").rstrip("0")
    return f"{whole}.{part}" if part else whole


def _joined(above: str, name: str) -> str:
    return name if not above or name.startswith(f"{above}:") else f"{above}:{name}"
