"""Which entries of a flow go out in files now: each once for each profile, what was taken back turned over.

What a file brought into other books is for us to take back there as well: an entry that was handed out and is not in
these books any more goes out as the one that reverses it. Source: behaviours.md 000.14 and 000.15.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field

from wherry.accounting import Entry
from wherry.bookkeeping import trail
from wherry.bookkeeping.trail import POSTED, PREPARED, TAKEN_BACK, Known
from wherry.books import rates
from wherry.books.charts import Chart
from wherry.books.gathering import Selection
from wherry.books.keys import parts
from wherry.books.numbering import LONGEST, letters, reversing
from wherry.protocol.rows import REVERSED
from wherry.protocol.steps import digest
from wherry.store import exported
from wherry.store.exported import FileExport

_LETTERS = 6


class Wish(Struct, frozen=True, kw_only=True):
    """What files are wanted: of which entries, in which form. ``since``: those exported from then on come again.
    ``currency``: those in it alone. ``doubly``: also those that the very system of the profile holds already.
    ``template``: the company's own, filled in the place of a profile's form; ``profile`` is its name then."""

    profile: str
    folder: Path
    template: Path | None = None
    states: frozenset[str] = frozenset({POSTED})
    since: str = ""
    currency: str = ""
    doubly: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    pick: Selection = field(default_factory=lambda: Selection())

    def means(self, entry: Entry) -> bool:
        """Whether the entry is of the selection and the currency that are wanted."""
        mine = not self.pick.partitions or parts(entry.key).partition in self.pick.partitions
        first, last = self.pick.first or entry.date, self.pick.last or entry.date
        return mine and first <= entry.date <= last and self.currency in ("", entry.currency)


class Said(Struct, frozen=True, kw_only=True):
    """Whose files are written: of which flow, when and by whom."""

    flow: str
    at: str
    by: str


class Out(Struct, kw_only=True):
    """What goes out now and the notes of it, what went out before, and what of that says something else since."""

    entries: list[Entry] = field(default_factory=list)
    rows: list[FileExport] = field(default_factory=list)
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Id of an export → what it says, of what is only prepared."""
    before: list[FileExport] = field(default_factory=list)
    changed: list[FileExport] = field(default_factory=list)
    unkept: list[FileExport] = field(default_factory=list)
    """What is prepared no longer, or was edited before it was reversed, and nobody kept what the file said: people have
    to take it back there."""


class Sorter:
    """Sorts the entries of a flow by whether they go out now. ``files`` are the earlier exports, by id; ``kept`` what
    those said that were only prepared."""

    def __init__(
        self, wish: Wish, said: Said, files: Mapping[str, FileExport], kept: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.wish, self._said, self._files, self._kept = wish, said, files, kept
        self.out = Out()

    def sort(self, known: Sequence[Known], chart: Chart, *, stuck: bool = False) -> Out:
        """``stuck``: nothing of the flow is prepared, since something of it has no account. What was handed out may be
        prepared as it was once it has, so nothing of that is taken back meanwhile."""
        for one in known:
            if self.wish.means(one.entry):
                self._sort(one, chart)
        if not stuck:
            self._vanished({one.entry.key for one in known}, chart)
        return self.out

    def _sort(self, one: Known, chart: Chart) -> None:
        """An account that was renamed or renumbered since goes by what it is called now, and is no change."""
        entry = trail.in_codes(one.entry, chart, one.link.made_at if one.link is not None else "")
        booked, back = self._before(entry.key)
        state = POSTED if one.is_posted else one.state if one.state == TAKEN_BACK else PREPARED
        told = (entry, trail.in_codes(one.entry, chart), one.entry)
        same = booked is not None and any(booked.digest in (_digest(each), _full_digest(each)) for each in told)
        if state == TAKEN_BACK:
            if POSTED in self.wish.states and booked is not None:
                self._undo(entry if same else self._handed_out(booked, chart), booked, back)
        elif state in self.wish.states:
            fresh = booked is None or (back is not None and back.round == booked.round)
            if booked is None or fresh:
                self._take(entry, state, (booked.round if booked else 0) + 1)
            elif self._again(booked):
                self._take(entry, state, booked.round)
            else:
                (self.out.before if same else self.out.changed).append(booked)

    def _vanished(self, keys: Collection[str], chart: Chart) -> None:
        """What was handed out when it was only prepared, and is prepared no longer: it was booked otherwise since, or
        taken back at its source. The file brought it into other books all the same."""
        for booked in self._files.values():
            if booked.flow == self._said.flow and booked.state == PREPARED and booked.key not in keys:
                entry = self._handed_out(booked, chart)
                if entry is None or self.wish.means(entry):
                    self._undo(entry, booked, self._before(booked.key)[1])

    def _handed_out(self, booked: FileExport, chart: Chart) -> Entry | None:
        """What the file said of an entry; None where nobody kept that."""
        said = self._kept.get(booked.id)
        return trail.in_codes(msgspec.convert(said, Entry), chart, booked.at) if said is not None else None

    def _before(self, key: str) -> tuple[FileExport | None, FileExport | None]:
        """When the entry went out, and when what takes it back."""
        found = (self._files.get(exported.id_of(self.wish.profile, key, state)) for state in (POSTED, REVERSED))
        booked, back = found
        return booked, back

    def _undo(self, entry: Entry | None, booked: FileExport, back: FileExport | None) -> None:
        """What takes an entry back, as the file said it, goes out once; again with the entry itself where that is
        wanted again. What the file said and nobody kept is for people to take back."""
        if entry is None:
            self.out.unkept += [booked] if back is None else []
            return
        again = self._again(booked)
        if again:
            self._take(entry, booked.state, booked.round)
        if again or back is None or back.round < booked.round or self._again(back):
            self._take(entry, REVERSED, booked.round)

    def _again(self, row: FileExport) -> bool:
        return bool(self.wish.since) and row.at >= self.wish.since

    def _take(self, entry: Entry, state: str, round: int) -> None:
        out = turned(entry) if state == REVERSED else entry
        row = FileExport(
            profile=self.wish.profile, flow=self._said.flow, key=entry.key, number=_numbered(out.number, round),
            state=state, round=round, digest=_digest(out), file="", at=self._said.at,
            by=self._said.by, minor=sum(line.minor for line in out.lines if line.side == "debit"),
            currency=out.currency,
        )  # fmt: skip
        self.out.entries.append(_of_round(out, round))
        self.out.rows.append(row)
        if state == PREPARED:
            self.out.kept[row.id] = msgspec.to_builtins(entry)


def _digest(entry: Entry) -> str:
    """Of what an entry says beyond the usual: a field that a later version knows as well changes nothing of it."""
    lines = [_unusual(line) for line in entry.lines]
    return digest({**_unusual(entry), "lines": lines})


def _unusual(one: Struct) -> dict[str, Any]:
    """The fields that are not as they are where nothing is said."""
    usual = {field.name: field.default for field in msgspec.structs.fields(one)}
    said = msgspec.to_builtins(one)
    return {name: value for name, value in said.items() if getattr(one, name) != usual[name]}


def _full_digest(entry: Entry) -> str:
    """As exports were noted before that."""
    return digest(msgspec.to_builtins(entry))


def turned(entry: Entry) -> Entry:
    """The entry that takes one back: its sides changed over, on the same day."""
    memo = f"Reverses {entry.number}. {entry.memo}".strip()
    key, number = f"{entry.key}|{REVERSED}", reversing(entry.number)
    return msgspec.structs.replace(rates.turned(entry), key=key, number=number, memo=memo)


def _of_round(entry: Entry, round: int) -> Entry:
    """What goes out once more after it was taken back is another document to who imports it."""
    if round == 1:
        return entry
    return msgspec.structs.replace(entry, key=f"{entry.key}|{round}", number=_numbered(entry.number, round))


def _numbered(number: str, round: int) -> str:
    """``JE 2026W02V2`` for what goes out the second time, within what the narrowest of the targets takes."""
    mark = f"V{round}"
    if round == 1 or not number:
        return number
    if len(number) + len(mark) <= LONGEST:
        return number + mark
    return f"{number[: LONGEST - len(mark) - _LETTERS - 1]}-{letters(number, _LETTERS)}{mark}"


def prepared(files: Mapping[str, FileExport]) -> Iterable[str]:
    """The ids of what was handed out when it was only prepared."""
    return [id for id, row in files.items() if row.state == PREPARED]
