"""Writing files: items into calls that are files, replies into what became of them. Does no I/O of its own.

A file is never changed: a new version of a thing, or its void, is another file with the same id in it. Its name carries
the stamp, so a repeated call is recognised for ever.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field
from wherry import money
from wherry.accounting import Barred, ChartAccount, Entry
from wherry.books import cells, profiles
from wherry.errors import Rejected
from wherry.http.files import CONFLICT, CREATED, KEYS, NOTE, OK, Held, Placed, Shelf
from wherry.records import Answer, Call, Facts, Fate, Found, Item, Reply
from wherry.roles import Account, Balance

from . import chart, documents, journals
from .settings import CsvSettings

if TYPE_CHECKING:
    from wherry.http import Files

JOURNAL = "journal_entry"
ENTITIES = (JOURNAL, "invoice", "credit_memo", "customer", "product")
AS_WRITTEN, CHANGED = "as it was written", "changed there"
_SLUG = re.compile(r"[^A-Za-z0-9]+")
_LONGEST_ID, _LONGEST_SLUG, _ASKED_AT_ONCE = 200, 40, 100


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the folder's list keeps of a thing in a file: for whoever asks what the folder holds."""

    stamp: str
    id: str
    facts: Facts
    postings: list[tuple[str, str, int, str]] = field(default_factory=list)
    """(day, account, minor units, currency) of a journal, debits positive."""
    void: bool = False


class Note(Struct, frozen=True):
    """The note on a file."""

    documents: list[Document]


class CsvSink:
    """One folder. Customers and products go by their name, documents by their number with the stamp behind it."""

    def __init__(self, files: Files, settings: CsvSettings) -> None:
        self.entities: Sequence[str] = ENTITIES
        self.http = files
        self.batch, self.width = settings.per_file, 1
        self.settle = 0.0
        self.resend_for: float | None = math.inf
        self._settings = settings
        self._chart: dict[str, ChartAccount] = {}

    @property
    def barred(self) -> Sequence[Barred]:
        """What the import screen of the files bars."""
        return profiles.barred(self._settings.profile)

    def check(self) -> Account:
        """The folder, by the word in its marker file. Reads its chart of accounts, where there is one."""
        id = self.http.identity()
        self._chart = chart.by_code(chart.read(self.http.folder, self._settings.accounts))
        return Account(id, f"files in {self.http.folder.name}", {"folder": str(self.http.folder)})

    # -- items into files ---------------------------------------------------------------------------------------------

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """A call for each file: neighbours of one entity and currency together, as many as ``per_file`` and the import
        screen allow. Raises Rejected, with ``item``."""
        return [self._call(group) for group in self._groups(items)]

    def _groups(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        group: list[Item] = []
        rows, most = 0, profiles.limit_of(self._settings.profile)
        for item in items:
            more = self._rows(item)
            full = len(group) >= self.batch or (most and item.entity == JOURNAL and rows + more > most)
            if group and (full or _sort(item) != _sort(group[0])):
                yield group
                group, rows = [], 0
            group.append(item)
            rows += more
        if group:
            yield group

    def _rows(self, item: Item) -> int:
        return _rows(self._settings.profile, journals.entries(item, "")) if item.entity == JOURNAL else 1

    def _call(self, group: Sequence[Item]) -> Call:
        told = [(item, self._id(item)) for item in group]
        ending, body = self._journals(told) if group[0].entity == JOURNAL else ("csv", self._documents(told))
        note = Note([self._document(item, id) for item, id in told])
        keys = [f"{item.entity}:{id}" for item, id in told]
        headers = {KEYS: msgspec.json.encode(keys).decode(), NOTE: msgspec.json.encode(note).decode()}
        stamps = tuple(item.stamp for item in group)
        return Call(method="PUT", path=f"{_name(group)}.{ending}", items=stamps, headers=headers, body=body)

    def _id(self, item: Item) -> str:
        """What the thing is called in the files. Raises Rejected for a name that is none."""
        if item.target is not None:
            return item.target
        body = item.body
        if item.entity in ("customer", "product"):
            name = cells.one_line(str(body.get("name") or ""))
            if not name:
                raise journals.held(item, "has no name", "name", "give it one at its source", "WHERRY-4821")
            return cells.short(name, _LONGEST_ID)
        if item.entity not in ENTITIES:
            raise journals.held(
                item, "cannot be written to a file", "", f"files take: {', '.join(ENTITIES)}", "WHERRY-4822"
            )
        return f"{_slug(str(body.get('number') or ''))}-{item.stamp}".lstrip("-")

    def _journals(self, told: Sequence[tuple[Item, str]]) -> tuple[str, bytes]:
        made = [(item, entry) for item, id in told for entry in journals.entries(item, id)]
        said, by_key = self._settings, {entry.key: item for item, entry in made}
        try:
            files = profiles.render(
                said.profile, [entry for _, entry in made], self._chart, max_rows=0, date_format=said.date_format,
                delimiter=said.delimiter or "", encoding=said.encoding or "", defaults=said.defaults,
                spreadsheet=said.spreadsheet,
            )  # fmt: skip
            self._fits([entry for _, entry in made], told[0][0])
        except Rejected as error:
            culprit = by_key.get(str(error.where.get("entry", "")), told[0][0])
            error.where["item"] = culprit.stamp
            raise
        if len(files) > 1:
            raise journals.held(
                told[-1][0], "makes its file larger than its import screen takes", "lines",
                "set per_file of the connection to a smaller number", "WHERRY-4826",
            )  # fmt: skip
        ((name, body),) = files
        return name.rpartition(".")[2], body

    def _fits(self, entries: Sequence[Any], item: Item) -> None:
        """A correction is two entries in one file: together they may be more than the screen takes."""
        most, rows = profiles.limit_of(self._settings.profile), _rows(self._settings.profile, entries)
        if most and rows > most:
            raise journals.held(
                item, f"needs {rows} rows, and the import screen takes {most}", "lines",
                "group into smaller entries: by day, or with fewer parties", "WHERRY-4827",
            )  # fmt: skip

    def _documents(self, told: Sequence[tuple[Item, str]]) -> bytes:
        said = self._settings
        delimiter, encoding = said.delimiter or "comma", said.encoding or "utf-8-sig"
        for some in (told[n : n + 1] for n in range(len(told))):
            try:
                documents.render(some, delimiter=delimiter, encoding=encoding, spreadsheet=said.spreadsheet)
            except UnicodeEncodeError as error:
                letter = str(error.object)[error.start]
                raise journals.held(
                    some[0][0], f"holds {letter!r} (U+{ord(letter):04X}), which files in {encoding} cannot", "",
                    "set encoding of the connection to utf-8", "WHERRY-4828",
                ) from None  # fmt: skip
        return documents.render(told, delimiter=delimiter, encoding=encoding, spreadsheet=said.spreadsheet)

    def _document(self, item: Item, id: str) -> Document:
        postings = [
            (entry.date.isoformat(), line.account, line.minor if line.side == "debit" else -line.minor, entry.currency)
            for told in (journals.entries(item, id) if item.entity == JOURNAL else ())
            for entry in [profiles.stated(self._settings.profile, told)]
            for line in entry.lines if line.minor
        ]  # fmt: skip
        return Document(stamp=item.stamp, id=id, facts=self.facts(item), postings=postings, void=item.action == "void")

    # -- replies into answers -----------------------------------------------------------------------------------------

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer: done where the very bytes lie under the name, refused where others do."""
        if reply.status not in (OK, CREATED, CONFLICT):
            return {}
        placed = msgspec.json.decode(reply.body, type=Placed)
        wanted = Placed(name=call.path, sha256=hashlib.sha256(call.body).hexdigest(), size=len(call.body))
        if placed == wanted and reply.status != CONFLICT:
            return {item.stamp: self._done(item) for item in items}
        if reply.status == CONFLICT and placed.name == wanted.name and placed.sha256 != wanted.sha256:
            reason = f"a file {call.path} lies in the folder already, with something else in it"
            fix = "take it away, if nobody needs it, then: wherry errors retry E-N"
            return {item.stamp: Answer(fate="refused", reason=reason, fix=fix) for item in items}
        return {}

    def _done(self, item: Item) -> Answer:
        fate: Fate = "reversed" if item.action == "void" else "created" if item.target is None else "updated"
        return Answer(fate=fate, target=self._id(item), token=item.stamp, facts=self.facts(item))

    def facts(self, item: Item) -> Facts:
        """What a reader of the files would hold: who and how much, and a hash of all there is to it."""
        if item.action == "void":
            return {"state": "taken back", "file": AS_WRITTEN}
        body = item.body
        told = {name: str(body[name]) for name in ("name", "number", "date", "memo") if body.get(name)}
        if total := _total(item):
            told["total"] = total
        content = msgspec.json.encode(body, order="deterministic")
        return {"state": "stands", **told, "content": hashlib.sha256(content).hexdigest()[:12], "file": AS_WRITTEN}

    # -- what the folder holds ----------------------------------------------------------------------------------------

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Looks for the files that carry these stamps, and for those about the same things."""
        calls = []
        for n in range(0, len(items), _ASKED_AT_ONCE):
            some = items[n : n + _ASKED_AT_ONCE]
            keys = [key for item in some for key in self._keys(item)]
            stamps = tuple(item.stamp for item in some)
            calls.append(Call(method="GET", path="sent", items=stamps, body=msgspec.json.encode(keys)))
        return calls

    @staticmethod
    def _keys(item: Item) -> list[str]:
        return [item.stamp, *([f"{item.entity}:{item.target}"] if item.target is not None else [])]

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → the thing as the last file about it says; nothing where no file was placed."""
        if reply.status != OK:
            return {}
        held = msgspec.json.decode(reply.body, type=Shelf).held
        return {item.stamp: self._found(item, held) for item in items if all(key in held for key in self._keys(item))}

    @staticmethod
    def _found(item: Item, held: dict[str, list[Held]]) -> list[Found]:
        ours = [(one, file) for file in held[item.stamp] for one in _documents(file) if one.stamp == item.stamp]
        about = held.get(f"{item.entity}:{item.target}", ())
        same = [(one, file) for file in about for one in _documents(file) if one.id == item.target]
        for one, file in ours[-1:] or same[-1:]:
            state = CHANGED if file.state == "changed" else AS_WRITTEN
            return [Found(target=one.id, token=one.stamp, ours=bool(ours), facts={**one.facts, "file": state})]
        return []


class CsvSinkWithChart(CsvSink):
    """A folder with a chart of accounts in it."""

    def accounts(self) -> Iterator[ChartAccount]:
        """Every account of the chart."""
        return (row.account for row in chart.read(self.http.folder, self._settings.accounts))

    def balances(self, first: dt.date | None, last: dt.date) -> list[Balance]:
        """The opening balances of the chart and every journal that was placed; with ``first`` only the journals."""
        rows = chart.read(self.http.folder, self._settings.accounts)
        names = {row.account.code: row.account.name for row in rows}
        sums: Counter[tuple[str, str]] = Counter()
        if first is None:
            sums.update({(row.account.code, row.account.currency): row.opening for row in rows if row.opening})
        for day, account, minor, currency in self._postings():
            if (first is None or day >= first) and day <= last:
                sums[account, currency] += minor
        return [
            Balance(code, names.get(code, code), max(total, 0), max(-total, 0), currency)
            for (code, currency), total in sorted(sums.items())
        ]

    def _postings(self) -> Iterator[tuple[dt.date, str, int, str]]:
        for sent in self.http.placed():
            for one in _documents(sent):
                for day, account, minor, currency in one.postings:
                    yield dt.date.fromisoformat(day), account, minor, currency


def _documents(file: Any) -> list[Document]:
    try:
        return msgspec.json.decode(file.note, type=Note).documents
    except msgspec.MsgspecError:
        return []  # not placed by us


def _rows(profile: str, entries: Iterable[Entry]) -> int:
    """How many rows entries have in a file."""
    return sum(len(profiles.stated(profile, entry).lines) for entry in entries)


def _sort(item: Item) -> tuple[str, str]:
    """What may lie in one file: things of one entity, journals of one currency."""
    body = item.body
    lines: Iterable[Any] = body.get("lines") or ()
    own = str(body.get("currency") or next((line["amount"]["currency"] for line in lines if line.get("amount")), ""))
    return item.entity, own if item.entity == JOURNAL else ""


def _name(group: Sequence[Item]) -> str:
    """What the file is called: what it is, which, and the stamp, or a hash of the stamps."""
    first = group[0]
    if len(group) == 1:
        said = _slug(str(first.body.get("number") or first.body.get("name") or ""))
        return "-".join(filter(None, [first.entity, said, first.stamp]))
    digest = hashlib.blake2b("".join(item.stamp for item in group).encode(), digest_size=16).digest()
    return f"{first.entity}-{len(group)}-{base64.b32encode(digest).decode().rstrip('=').lower()}"


def _slug(text: str) -> str:
    return _SLUG.sub("-", text).strip("-")[:_LONGEST_SLUG].strip("-")


def _total(item: Item) -> str:
    body = item.body
    if item.entity == JOURNAL:
        sums: Counter[str] = Counter()
        for line in body.get("lines") or ():
            minor = int(line["amount"]["minor"])
            is_debit = (line["side"] == "debit") == (minor > 0)  # a negative line is booked on the other side
            sums[line["amount"]["currency"]] += abs(minor) if is_debit else 0
        return ", ".join(f"{money.text(minor, currency)} {currency}" for currency, minor in sorted(sums.items()))
    total = body.get("total")
    return f"{money.text(int(total['minor']), total['currency'])} {total['currency']}" if total else ""
