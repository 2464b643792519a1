"""Journal entries for plain-text ledgers: one file that hledger and Ledger read, and one for Beancount.

Accounts become ``assets:Bank:1000 Checking`` (``Assets:Bank:1000-Checking`` in Beancount): their sort, the names above
them, and code with name, so that no two become one. Everything that the file uses is declared in it, so that it passes
``hledger check --strict`` and ``bean-check`` by itself. Facts: hledger's manual of the journal format, chapters
"Declaring accounts" and "Declaring commodities" (a comment may hold tags, and dates in square brackets); Beancount's
"Language Syntax" (five sorts of accounts, names of letters, digits and dashes that begin with a capital or a digit).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from wherry import money
from wherry.accounting import BookedLine, Entry
from wherry.books.cells import one_line
from wherry.books.fields import Chart
from wherry.books.rates import with_rounding

_SORTS = {
    "bank": "assets", "receivable": "assets", "asset": "assets", "liability": "liabilities", "payable": "liabilities",
    "equity": "equity", "income": "income", "expense": "expenses", "other": "equity",
}  # fmt: skip
"""Canonical type of an account → the sort that plain-text ledgers know; what has none is put with equity."""
_UNKNOWN = "equity"
_NOT_HERE = re.compile(r"[;()\[\]{}|*!@=\"#%]")
_NOT_IN_COMMENT = re.compile(r"[\[\]:;{}|]")


class Format(Struct, frozen=True):
    """A plain-text ledger: the ending of its files, and how an account and the whole file are spelled."""

    ending: str
    account: Callable[[str, Sequence[str]], str]
    file: Callable[[Sequence[Entry], Mapping[str, str]], Iterator[str]]


def render(name: str, entries: Sequence[Entry], chart: Chart) -> bytes:
    """One file with all the entries. They are taken to be in balance."""
    form = FORMATS[name]
    accounts = _accounts(form, entries, chart)
    return "".join(f"{line}\n" for line in form.file(entries, accounts)).encode()


def account_names(name: str, entries: Sequence[Entry], chart: Chart) -> dict[str, str]:
    """Code → what the account is called in the file, for whoever reads balances back."""
    return _accounts(FORMATS[name], entries, chart)


def _accounts(form: Format, entries: Sequence[Entry], chart: Chart) -> dict[str, str]:
    """Code → name in the file. Names that come to the same get some letters that stand for their code."""
    codes = sorted({line.account for entry in entries for line in with_rounding(entry).lines})
    made = {code: form.account(*_place(code, chart)) for code in codes}
    taken: dict[str, list[str]] = {}
    for code, name in made.items():
        taken.setdefault(name.casefold(), []).append(code)
    return {
        code: f"{name}-{hashlib.sha256(code.encode('utf-8', 'replace')).hexdigest()[:8]}"
        if len(taken[name.casefold()]) > 1
        else name
        for code, name in made.items()
    }


def _place(code: str, chart: Chart) -> tuple[str, list[str]]:
    """The sort of an account, and the names from the root down; the last one with its code."""
    account = chart.accounts.get(code)
    if account is None:
        return _UNKNOWN, code.split(":")
    path = chart.full_name(code).split(":")
    if code not in (account.name, ":".join(path)):
        path[-1] = f"{code} {path[-1]}"
    return _SORTS.get(account.type, _UNKNOWN), path


def _other(side: str) -> bool:
    return side == "credit"


def _amount(line: BookedLine, entry: Entry) -> str:
    """The amount of a line, with what it is worth at home as its cost; what rounding left is at home alone."""
    minor, currency = (line.minor, entry.currency) if line.minor else (line.home, entry.home)
    plain = f"{money.text(-minor if _other(line.side) else minor, currency)} {currency}"
    return f"{plain} @@ {money.text(line.home, entry.home)} {entry.home}" if entry.home and line.minor else plain


def _currencies(entries: Sequence[Entry]) -> list[str]:
    return sorted({one for entry in entries for one in (entry.currency, entry.home) if one})


# -- hledger and Ledger ------------------------------------------------------------------------------------------------


def _hledger_account(sort: str, path: Sequence[str]) -> str:
    parts = [one_line(_NOT_HERE.sub(" ", part)) for part in path]
    return ":".join([sort, *(part or "unnamed" for part in parts)])


def _hledger(entries: Sequence[Entry], accounts: Mapping[str, str]) -> Iterator[str]:
    for currency in _currencies(entries):
        yield f"commodity {currency}"
        if places := money.decimals(currency):  # else 1.234 could be a thousand; a bare point suits only one of the two
            yield f"    format 1000.{'0' * places} {currency}"
    for name in sorted(set(accounts.values())):
        yield f"account {name}"
    for entry in entries:
        yield ""
        yield f"{entry.date} * ({_code(entry.number)}) {_told(entry.memo)}".rstrip()
        yield f"    ; id {_comment(entry.key)}"
        yield f"    ; period {_comment(entry.period)}"
        if entry.exchange_source:
            yield f"    ; rate {_comment(f'{entry.exchange_rate} {entry.exchange_source}')}"
        for line in with_rounding(entry).lines:
            note = _comment("; ".join(filter(None, [line.description, line.party, *_dimensions(line)])))
            behind = f"  ; {note}" if note else ""
            yield f"    {accounts[line.account]}  {_amount(line, entry)}{behind}"


def _code(number: str) -> str:
    return one_line(number.replace("(", " ").replace(")", " "))


def _told(memo: str) -> str:
    """A description: a semicolon would begin a comment, and what looks like a mark or a code would be one."""
    return one_line(memo.replace(";", ",").replace("|", "/")).lstrip("*!(= ")


def _comment(text: str) -> str:
    """Words without what these programs read in comments: tags, dates, values."""
    return one_line(_NOT_IN_COMMENT.sub(" ", text))


def _dimensions(line: BookedLine) -> list[str]:
    return [f"{name} {said}" for name, said in line.dimensions if said]


# -- Beancount ---------------------------------------------------------------------------------------------------------


def _beancount_account(sort: str, path: Sequence[str]) -> str:
    return ":".join([sort.title(), *(_component(part) for part in path)])


def _component(part: str) -> str:
    """Letters, digits and dashes, beginning with a capital or a digit."""
    plain = "".join(c if _is_letter(c) or (c.isascii() and c.isdigit()) else "-" for c in one_line(part))
    joined = "-".join(filter(None, plain.split("-"))) or "Unnamed"
    return joined if joined[0].isdigit() else joined[0].upper() + joined[1:] if _capital(joined) else f"X{joined}"


def _is_letter(character: str) -> bool:
    return (character.isascii() and character.isalpha()) or unicodedata.category(character) in ("Lu", "Ll", "Lo")


def _capital(joined: str) -> bool:
    return len(joined[0].upper()) == 1 and unicodedata.category(joined[0].upper()) == "Lu"


def _beancount(entries: Sequence[Entry], accounts: Mapping[str, str]) -> Iterator[str]:
    first = min((entry.date for entry in entries), default=None)
    for currency in _currencies(entries):
        yield f'option "operating_currency" "{currency}"'
    for home in sorted({entry.home for entry in entries if entry.home}):  # a cost becomes a price of 28 digits there
        yield f'option "inferred_tolerance_default" "{home}:{Decimal(5).scaleb(-money.decimals(home) - 1):f}"'
    for code, name in sorted(accounts.items(), key=lambda pair: pair[1]):
        yield f"{first} open {name}"
        yield f'  code: "{_quoted(code)}"'
    for entry in entries:
        yield ""
        yield f'{entry.date} * "{_quoted(entry.party)}" "{_quoted(entry.memo)}"'
        for key, said in (("id", entry.key), ("number", entry.number), ("period", entry.period), ("type", entry.type),
                          ("rate-source", entry.exchange_source)):  # fmt: skip
            if said:
                yield f'  {key}: "{_quoted(said)}"'
        for line in with_rounding(entry).lines:
            yield f"  {accounts[line.account]}  {_amount(line, entry)}"
            for key, said in _notes(line):
                yield f'    {key}: "{_quoted(said)}"'


def _quoted(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _notes(line: BookedLine) -> Iterator[tuple[str, str]]:
    """What is noted with a line: no name twice, and none that the program has for itself."""
    taken = {"filename", "lineno"}
    for name, said in (("description", line.description), ("party", line.party), *line.dimensions):
        key, number = _key(name), 1
        while key in taken:
            key, number = f"{_key(name)}-{number + 1}", number + 1
        if said:
            taken.add(key)
            yield key, said


def _key(name: str) -> str:
    """The name of a note: small letters, digits, dashes; it begins with a letter and has two of them."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return plain if re.match(r"[a-z][a-z0-9_-]", plain) else f"x-{plain or 'note'}"


FORMATS: dict[str, Format] = {
    "hledger": Format("journal", _hledger_account, _hledger),
    "beancount": Format("beancount", _beancount_account, _beancount),
}
