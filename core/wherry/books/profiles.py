"""Journal entries as files for a system's own import screen, or for plain-text ledgers.

What each screen wants (headings, form of accounts, dates, signs, limits) is data in ``profiles.toml``, where every fact
has its source; this module knows none of the systems. Files are split between entries, never within one. Texts that a
spreadsheet would run are marked, amounts are exact. Source: behaviours.md 000.8 to 000.13; case D13.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct, field

from wherry import money
from wherry.accounting import Barred, ChartAccount, Entry
from wherry.books import cells, fields, plaintext, rates
from wherry.books.fields import Chart, Rendered, Words, check, rendered, value
from wherry.errors import ConfigError, Rejected

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_NAMED = 5
"""How many entries a message names."""
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "iso-8859-15")


class Most(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of an import screen; 0: none is known."""

    rows: int = 0
    lines: int = 0
    bytes: int = 0
    digits: int = 0
    decimals: int = 4
    dimensions: int = 0
    rate_decimals: int = 0


class Marks(Struct, frozen=True, forbid_unknown_fields=True):
    """What a row begins with in files whose first column says what the row is."""

    first: str
    further: str
    last: str


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one import screen wants; see the head of ``profiles.toml``."""

    title: str
    ending: str
    date: str
    columns: tuple[tuple[str, str], ...]
    delimiter: str = "comma"
    encoding: str = "utf-8"
    newline: Literal["crlf", "lf"] = "crlf"
    once: frozenset[str] = frozenset()
    marks: Marks | None = None
    at_most: Most = Most()
    lengths: dict[str, int] = field(default_factory=dict)
    one_currency: bool = False
    foreign: Literal["as-it-is", "home", "beside"] = "as-it-is"
    bars: tuple[Barred, ...] = ()
    systems: tuple[str, ...] = ()
    guard: Literal["texts", "all", "none"] = "texts"
    defaults: dict[str, str] = field(default_factory=dict)


@cache
def _tables() -> dict[str, Profile]:
    text = resources.files("wherry.books").joinpath("profiles.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Profile])


def names() -> tuple[str, ...]:
    """Every profile: those of import screens, then those of plain-text ledgers."""
    return (*_tables(), *plaintext.FORMATS)


def titles() -> dict[str, str]:
    """Profile → what people call the system."""
    return {name: one.title for name, one in _tables().items()} | {name: name for name in plaintext.FORMATS}


def render(
    profile: str, entries: Sequence[Entry], chart_names: Mapping[str, ChartAccount], *, date_format: str = "",
    delimiter: str = "", encoding: str = "", max_rows: int | None = None, defaults: Mapping[str, str] | None = None,
    spreadsheet: bool = True, home: str = "",
) -> list[tuple[str, bytes]]:  # fmt: skip
    """(file name, bytes) of these entries in a profile's form, in the order given. Pure: equal entries, equal bytes.

    ``chart_names`` is the target's chart, code → account; where it is empty, codes stand for themselves. ``max_rows``
    (0: no limit), ``date_format`` (as ``DD/MM/YYYY``), ``delimiter`` (comma, semicolon, tab, pipe) and ``encoding``
    take the place of the profile's own; ``defaults`` say what stands where a line says nothing (``tax``, ``journal``).
    With ``spreadsheet`` off, texts go as they are, for files that only a program reads. ``home`` is the organisation's
    own currency: a screen without a column for the currency takes every amount to be in it.

    Raises ConfigError for a profile or a form that there is not, Rejected, with the entry's key in ``where``, for an
    entry that is out of balance, names an account that is not in the chart, or cannot be said in the profile's words.
    """
    chart = Chart(chart_names)
    for entry in entries:
        check(entry, chart)
    if profile in plaintext.FORMATS:
        name = file_name(profile, plaintext.FORMATS[profile].ending, entries)
        return [(name, plaintext.render(profile, entries, chart))]
    made = _set(_profile(profile), date_format, delimiter, encoding, max_rows, defaults)
    for entry in entries:
        _taken(made, entry, chart)
    entries = [told for entry in entries if (told := _stated(made, entry)).lines]  # some are worth nothing at home
    _unmistakable(profile, made, entries, home)
    blocks = [_block(made, entry, chart, spreadsheet) for entry in entries]
    files = list(_packed(profile, made, entries, blocks))
    return [
        (file_name(profile, made.ending, some, n, len(files)), content) for n, (some, content) in enumerate(files, 1)
    ]


def limit_of(profile: str) -> int:
    """The most rows in one file of a profile; 0: no limit is known. Raises ConfigError for one that there is not."""
    return 0 if profile in plaintext.FORMATS else _profile(profile).at_most.rows


def barred(profile: str) -> tuple[Barred, ...]:
    """The accounts that an import screen does not take. Raises ConfigError for a profile that there is not."""
    return () if profile in plaintext.FORMATS else _profile(profile).bars


def is_of(profile: str, plugin: str) -> bool:
    """Whether a plugin writes into the very system that the files are for."""
    return profile not in plaintext.FORMATS and plugin in _profile(profile).systems


def stated(profile: str, entry: Entry) -> Entry:
    """The entry as files of a profile say it: one in another currency at home, where they have no place for that."""
    return entry if profile in plaintext.FORMATS else _stated(_profile(profile), entry)


def _stated(made: Profile, entry: Entry) -> Entry:
    if made.foreign == "home":
        return rates.at_home(entry)
    return rates.with_rounding(entry) if made.foreign == "beside" else entry


def _profile(name: str) -> Profile:
    try:
        return _tables()[name]
    except KeyError:
        raise ConfigError(
            f"there is no profile {name}", fix=f"choose one of: {', '.join(names())}", code="WHERRY-2482", profile=name
        ) from None


def _set(
    made: Profile, date_format: str, delimiter: str, encoding: str, max_rows: int | None,
    defaults: Mapping[str, str] | None,
) -> Profile:  # fmt: skip
    """The profile as it is wanted this time."""
    date, delimiter, encoding = date_format or made.date, delimiter or made.delimiter, encoding or made.encoding
    check_date(date)
    if delimiter not in DELIMITERS or encoding not in ENCODINGS:
        raise ConfigError(
            f"files are not written with delimiter {delimiter} in {encoding}", code="WHERRY-2484",
            fix=f"delimiters: {', '.join(DELIMITERS)}; encodings: {', '.join(ENCODINGS)}",
        )  # fmt: skip
    most = made.at_most if max_rows is None else msgspec.structs.replace(made.at_most, rows=max_rows)
    return msgspec.structs.replace(
        made, date=date, delimiter=delimiter, encoding=encoding, at_most=most,
        defaults={**made.defaults, **(defaults or {})},
    )  # fmt: skip


def check_date(form: str) -> None:
    """Raises ConfigError for what is no form of a date."""
    try:
        cells.spelled(dt.date(2026, 1, 31), form)
    except ValueError:
        raise ConfigError(
            f"{form} is no form of a date: it is written with YYYY, MM and DD", fix="for instance MM/DD/YYYY",
            code="WHERRY-2483",
        ) from None  # fmt: skip


def _unmistakable(profile: str, made: Profile, entries: Sequence[Entry], home: str) -> None:
    """Import screens tell entries by their numbers, and money by its column. Raises Rejected."""
    numbers = Counter(cells.short(entry.number, made.lengths.get("number", 0)) for entry in entries)
    twice = next(
        (entry for entry in entries if numbers[cells.short(entry.number, made.lengths.get("number", 0))] > 1), None
    )
    if twice is not None:
        raise Rejected(
            f"two of the entries are called {twice.number}: {made.title} would take them for one", field="number",
            fix="export them one after the other, or give them other numbers", code="WHERRY-4691", entry=twice.key,
        )  # fmt: skip
    if made.one_currency:
        _in_one(profile, made, entries, home)


def _in_one(profile: str, made: Profile, entries: Sequence[Entry], home: str) -> None:
    """What has no column for the currency is read as the organisation's own. Raises Rejected."""
    currencies = sorted({entry.currency for entry in entries})
    if len(currencies) < 2 and not (home and set(currencies) - {home}):
        return
    own = home or currencies[0]
    others = [entry for entry in entries if entry.currency != own]
    more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
    told = ", ".join(f"{entry.number} ({entry.currency})" for entry in others[:_NAMED]) + more
    raise Rejected(
        f"a file for {made.title} has no column for the currency, and all in it counts as {own}: {told} cannot be in "
        "it",
        field="currency", fix=f"give these entries an exchange rate, or export only those in {own}: --currency {own}",
        code="WHERRY-4692", profile=profile, entry=others[0].key,
    )  # fmt: skip


def _taken(made: Profile, entry: Entry, chart: Chart) -> None:
    """Raises Rejected for a line on an account that the import screen bars."""
    bars = {one.type: one for one in made.bars}
    for number, line in enumerate(entry.lines, 1) if bars else ():
        account = chart.accounts.get(line.account)
        bar = bars.get(account.type) if account is not None else None
        if bar is not None and not (bar.with_party and line.party):
            raise _refused(
                entry, f"is on account {line.account} in line {number}, a {bar.type} account, and {bar.why}",
                f"lines[{number - 1}].account", "set clearing on the flow to a clearing account"
                + (", or name the party" if bar.with_party else ", or map to another account"), "WHERRY-4684",
            )  # fmt: skip


# -- one entry ---------------------------------------------------------------------------------------------------------


def _block(made: Profile, entry: Entry, chart: Chart, spreadsheet: bool) -> bytes:
    """The rows of one entry, encoded."""
    _within(made, entry)
    words = Words(date=made.date, lengths=made.lengths, defaults=made.defaults)
    text = io.StringIO(newline="")
    rows = _rows(made, entry, chart, words, spreadsheet)
    _write(made, text, rows)
    return _encoded(made, text.getvalue(), entry)


def _rows(made: Profile, entry: Entry, chart: Chart, words: Words, spreadsheet: bool) -> Iterator[list[str]]:
    for number in range(len(entry.lines)):
        row = []
        for heading, template in made.columns:
            shown = not (number and heading in made.once)
            said = rendered(template, entry, number, chart, words) if shown else Rendered("")
            row.append(_cell(made, said, entry) if spreadsheet else said.text)
        yield row if made.marks is None else [made.marks.further if number else made.marks.first, *row]
    if made.marks is not None:
        yield [made.marks.last, *[""] * len(made.columns)]


def _cell(made: Profile, said: Rendered, entry: Entry) -> str:
    """The text as people may open it."""
    if made.guard == "none":
        return said.text
    return fields.guarded(msgspec.structs.replace(said, name="") if made.guard == "all" else said, entry)


def _within(made: Profile, entry: Entry) -> None:
    """Whether an entry can be said at all. Raises Rejected."""
    most, lines = made.at_most, len(entry.lines)
    limit = min((n for n in (most.rows, most.lines) if n), default=0)
    if limit and lines > limit:
        raise _refused(
            entry, f"has {lines} lines, and {made.title} takes {limit}", "lines",
            "group into smaller entries: by day, or with fewer parties", "WHERRY-4693",
        )  # fmt: skip
    if most.rate_decimals and rates.places(entry) > most.rate_decimals:
        raise _refused(
            entry, f"has the rate {entry.exchange_rate}, and {made.title} takes {most.rate_decimals} decimals of one",
            "exchange_rate", "round the rate in the table of rates", "WHERRY-4683",
        )  # fmt: skip
    for number, line in enumerate(entry.lines, 1):
        whole, _, places = money.text(line.minor, entry.currency).partition(".")
        if (most.digits and len(whole) > most.digits) or len(places) > most.decimals:
            raise _refused(
                entry, f"has {value(line, entry.currency)} {entry.currency} in line {number}, which {made.title} has "
                "no room for", f"lines[{number - 1}].minor", "book it there by hand", "WHERRY-4694",
            )  # fmt: skip
        told = [name for name, said in line.dimensions if said and name != "tax"]
        if most.dimensions and len(told) > most.dimensions:
            raise _refused(
                entry, f"has {', '.join(told)} in line {number}, and {made.title} has room for {most.dimensions}",
                f"lines[{number - 1}].dimensions", "leave some of them out in the accounts table", "WHERRY-4695",
            )  # fmt: skip


def _refused(entry: Entry, what: str, where: str, fix: str, code: str) -> Rejected:
    return Rejected(f"entry {entry.number} {what}", field=where, fix=fix, code=code, entry=entry.key)


# -- files -------------------------------------------------------------------------------------------------------------


def _packed(
    profile: str, made: Profile, entries: Sequence[Entry], blocks: Sequence[bytes]
) -> Iterator[tuple[list[Entry], bytes]]:
    """Whole entries, as many in a file as go into it."""
    head, most = _head(made), made.at_most
    some: list[Entry] = []
    pieces, rows, size = [head], 0, len(head)
    for entry, block in zip(entries, blocks, strict=True):
        more = len(entry.lines)
        if some and ((most.rows and rows + more > most.rows) or (most.bytes and size + len(block) > most.bytes)):
            yield some, b"".join(pieces)
            some, pieces, rows, size = [], [head], 0, len(head)
        some.append(entry)
        pieces.append(block)
        rows, size = rows + more, size + len(block)
    if some:
        yield some, b"".join(pieces)


def _head(made: Profile) -> bytes:
    text = io.StringIO(newline="")
    headings = [heading for heading, _ in made.columns]
    marks = made.marks
    if marks is None:
        _write(made, text, [headings])
    else:
        further = ["SPLID" if name == "TRNSID" else name for name in headings]
        rows = [
            [f"!{marks.first}", *headings],
            [f"!{marks.further}", *further],
            [f"!{marks.last}", *[""] * len(headings)],
        ]
        _write(made, text, rows)
    return text.getvalue().encode(made.encoding)


def _write(made: Profile, text: io.StringIO, rows: Iterator[list[str]] | list[list[str]]) -> None:
    end = "\r\n" if made.newline == "crlf" else "\n"
    if made.marks is None:
        csv.writer(text, delimiter=DELIMITERS[made.delimiter], lineterminator=end).writerows(rows)
        return
    for row in rows:  # there are no quotes in such files: what would need them is no part of a cell
        text.write("\t".join(cell.replace('"', "'") for cell in row) + end)


def _encoded(made: Profile, text: str, entry: Entry) -> bytes:
    plain = "utf-8" if made.encoding == "utf-8-sig" else made.encoding  # the mark belongs to the file's beginning
    try:
        return text.encode(plain)
    except UnicodeEncodeError as error:
        letter = text[error.start]
        raise _refused(
            entry, f"holds {letter!r} (U+{ord(letter):04X}), which files in {made.encoding} cannot", "memo",
            "choose encoding utf-8 if the target reads it, or write it with other letters", "WHERRY-4696",
        ) from None  # fmt: skip


def file_name(form: str, ending: str, entries: Sequence[Entry], number: int = 1, files: int = 1) -> str:
    """What a file of these entries is called."""
    days = sorted(entry.date for entry in entries)
    span = f"{days[0]}-{days[-1]}" if days else "empty"
    part = f"-{number}of{files}" if files > 1 else ""
    return f"journals-{form}-{span}{part}.{ending}"
