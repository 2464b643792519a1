"""What a file brought into other books is taken back there as well, and comes again whole where it is wanted again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from wherry.accounting import BookedLine, Entry
from wherry.bookkeeping.handing import Out, Said, Sorter, Wish
from wherry.bookkeeping.trail import POSTED, PREPARED, TAKEN_BACK, Known
from wherry.books.charts import Chart
from wherry.protocol.steps import digest
from wherry.store.exported import FileExport
from wherry.store.ledger import LinkRow, Route


class Files:
    """What a flow has handed out in one profile."""

    def __init__(self) -> None:
        self.files, self.kept, self.out = dict[str, FileExport](), dict[str, dict[str, object]](), list[Entry]()
        self.day = 0

    def export(
        self, *known: Known, states: Iterable[str] = (POSTED, PREPARED), since: str = "", stuck: bool = False
    ) -> Out:
        self.day += 1
        wish = Wish(profile="generic", folder=Path("out"), states=frozenset(states), since=since)
        said = Said(flow="flow", at=f"2026-02-0{self.day}", by="me")
        found = Sorter(wish, said, self.files, self.kept).sort(known, Chart(()), stuck=stuck)
        self.files |= {row.id: row for row in found.rows}
        self.kept |= found.kept
        self.out += found.entries
        return found

    def stands(self) -> int:
        """What stands on the account of whoever imports every file."""
        lines = (line for entry in self.out for line in entry.lines)
        return sum(line.minor if line.side == "debit" else -line.minor for line in lines if line.account == "1205")


def entry(bucket: str, minor: int) -> Entry:
    lines = tuple(BookedLine(account=account, side=side, minor=minor)  # type: ignore[arg-type]
                  for account, side in (("1205", "debit"), ("4010", "credit")))  # fmt: skip
    return Entry(
        key=f"flow|{bucket}||{bucket}/USD///1", number=f"JE {bucket}", date=dt.date(2026, 1, 11), period="2026-01",
        bucket=bucket, currency="USD", memo="Journal", lines=lines, members=(),
    )  # fmt: skip


def known(entry: Entry, state: str = PREPARED) -> Known:
    rule = "reversed" if state == TAKEN_BACK else "ours"
    link = None if state == PREPARED else LinkRow("journal_entry", entry.key, "T-1", rule)
    return Known(flow="flow", route=Route(1, 2), entry=entry, state=state, link=link)


ONE, TWO, MONTH = entry("2026-W02", 10000), entry("2026-W03", 700), entry("2026-01", 10700)


def test_what_is_prepared_otherwise_since_it_was_exported_is_taken_back_in_the_next_file() -> None:
    """b_000_14"""
    files = Files()
    files.export(known(ONE), known(TWO))
    assert files.stands() == 10700
    found = files.export(known(MONTH))
    assert [one.number for one in found.entries] == ["JE 2026-01", "JE 2026-W02R", "JE 2026-W03R"]
    assert files.stands() == 10700
    assert files.export(known(MONTH)).entries == []
    assert files.stands() == 10700


@pytest.mark.parametrize("states", [(POSTED,), (PREPARED,)])
def test_what_was_exported_and_then_taken_back_at_its_source_is_taken_back_in_the_next_file(
    states: tuple[str, ...],
) -> None:
    """b_000_14"""
    files = Files()
    files.export(known(ONE))
    files.export(states=states)
    assert files.stands() == 0


def test_what_is_prepared_again_after_it_was_taken_back_is_another_document() -> None:
    """b_000_14"""
    files = Files()
    files.export(known(ONE))
    files.export()
    files.export(known(ONE))
    files.export()
    assert [one.number for one in files.out] == ["JE 2026-W02", "JE 2026-W02R", "JE 2026-W02V2", "JE 2026-W02RV2"]
    assert len({one.key for one in files.out}) == 4
    assert files.stands() == 0


def test_what_is_posted_since_it_was_exported_stays_and_other_selections_take_nothing_back() -> None:
    """b_000_14"""
    files = Files()
    files.export(known(ONE))
    assert files.export(known(ONE, POSTED)).entries == []
    assert files.stands() == 10000


def test_nothing_is_taken_back_while_a_movement_without_account_keeps_everything_from_being_prepared() -> None:
    """b_004_11"""
    files = Files()
    files.export(known(ONE))
    assert files.export(stuck=True).entries == []
    assert files.export(known(ONE)).entries == []
    assert files.stands() == 10000


def test_an_export_of_which_nobody_kept_what_it_said_is_for_people_to_take_back() -> None:
    """An earlier version kept nothing of what was only prepared."""
    books = Files()
    books.export(known(ONE))
    books.kept.clear()
    found = books.export()
    assert ([one.key for one in found.unkept], found.changed, found.rows) == ([ONE.key], [], [])


def test_what_an_earlier_version_exported_is_not_called_changed_for_what_later_ones_note_beside_it() -> None:
    """The digest of a field with nothing in it is that of no such field; as it was taken before, it counts as well."""
    books = Files()
    books.export(known(ONE))
    [(id, row)] = books.files.items()
    older = msgspec.to_builtins(ONE)
    books.files[id] = msgspec.structs.replace(row, digest=digest(older))
    assert [one.key for one in books.export(known(ONE)).before] == [ONE.key]

    class Later(Entry, frozen=True, kw_only=True):
        approved_by: str = ""

    books.files[id] = row
    later = Later(**{name: getattr(ONE, name) for name in ONE.__struct_fields__})
    found = books.export(known(later))
    assert ([one.key for one in found.before], found.changed) == ([ONE.key], [])
    said = books.export(known(msgspec.structs.replace(later, approved_by="anna")))
    assert [one.key for one in said.changed] == [ONE.key]


def test_a_reversed_entry_that_is_wanted_again_comes_with_its_reversal() -> None:
    """b_000_15"""
    files = Files()
    files.export(known(ONE, POSTED))
    files.export(known(ONE, TAKEN_BACK))
    files.out.clear()
    found = files.export(known(ONE, TAKEN_BACK), since="2026-02-01")
    assert [one.number for one in found.entries] == ["JE 2026-W02", "JE 2026-W02R"]
    assert files.stands() == 0


def test_what_says_something_else_than_the_file_is_not_taken_back_as_it_is_said_now() -> None:
    """b_000_15: it was booked otherwise before it was posted, or edited in the target before it was reversed there."""
    edited = known(msgspec.structs.replace(ONE, lines=entry("2026-W02", 10100).lines), TAKEN_BACK)
    files = Files()
    files.export(known(ONE))
    files.export(edited)
    assert files.stands() == 0
    files = Files()
    files.export(known(ONE, POSTED))
    assert [one.key for one in files.export(edited).unkept] == [ONE.key]
    assert files.stands() == 10000
