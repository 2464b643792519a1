"""An account is the same account whether its number or its name is said."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from wherry.accounting import ChartAccount, Mapped, Movement, MovementLine
from wherry.bookkeeping.charting import Needs, _control
from wherry.books import grouping
from wherry.books.charts import Chart
from wherry.books.gathering import _slugs, by_code
from wherry.books.periods import Calendar

from .treasury import treasury

CHART = Chart([
    ChartAccount(id="1", code="1100", name="Trade debtors", type="receivable"),
    ChartAccount(id="2", code="4010", name="Sales", type="income"),
    ChartAccount(id="3", code="1300", name="Clearing", type="asset"),
])  # fmt: skip


def owed(id: int, party: str, account: str = "Trade debtors") -> Movement:
    lines = (
        MovementLine(side="debit", minor=100, account=account, party=party),
        MovementLine(side="credit", minor=100, account="4010"),
    )
    return Movement(id=id, key=f"lt/{id}", date=dt.date(2026, 1, 5), currency="USD", lines=lines)


def test_a_receivable_that_is_called_by_its_name_is_never_grouped_across_parties_nor_left_to_nobody() -> None:
    """case_C2"""
    control = CHART.codes(["receivable"])
    booked = by_code([owed(1, "Acme"), owed(2, "Bolt"), owed(3, "Acme", "1100")], CHART)
    made = grouping.entries(booked, lambda day: Calendar().bucket_of(day, "week"), receivable=control)
    assert [(one.party, one.members) for one in made] == [("Acme", (1, 3)), ("Bolt", (2,))]
    assert {line.account for one in made for line in one.lines} == {"1100", "4010"}
    assert [one.id for one in grouping.without_party(by_code([owed(4, "")], CHART), control)] == [4]
    cleared = grouping.entries(
        booked, lambda day: Calendar().bucket_of(day, "week"), receivable=control, clearing=CHART.code_of("Clearing")
    )
    assert [[(line.account, line.party) for line in one.lines] for one in cleared] == [[("1300", ""), ("4010", "")]]


def test_the_check_of_the_table_tells_of_a_receivable_of_nobody_that_is_called_by_its_name() -> None:
    """case_C2, case_C16"""
    used = Needs()
    lines = (MovementLine(side="debit", minor=1, category="fee"), MovementLine(side="credit", minor=1, category="fee"))
    used.add(Movement(id=1, key="lt/1", date=dt.date(2026, 1, 5), currency="USD", lines=lines))
    used.add(owed(2, ""))
    row = Mapped(category="fee", debit="Trade debtors", credit="4010", row=2)
    found = _control({"1100"}, CHART, [row], used, {})
    assert [(one["kind"], one["row"], one["column"], one["code"]) for one in found] == [
        ("party", 2, "debit", "Trade debtors"),
        ("party", 0, "", "Trade debtors"),
    ]


def test_what_an_account_was_called_when_it_was_said_counts_and_not_who_is_called_so_now() -> None:
    """case_C16"""
    before = Chart([
        ChartAccount(id="1", code="1205", name="Storage"), ChartAccount(id="2", code="1206", name="Other"),
    ])  # fmt: skip
    accounts = [
        ChartAccount(id="1", code="1206", name="Moved"), ChartAccount(id="2", code="1205", name="Other", active=False),
    ]  # fmt: skip
    now = Chart(accounts, Chart(accounts).changed(before, "2026-02-01T00:00:00.000Z"))
    earlier, later = "2026-01-31T00:00:00.000Z", "2026-02-02T00:00:00.000Z"
    assert [now.code_of(word, earlier) for word in ("1205", "Storage", "1206", "other", "9")] == [
        "1206", "1206", "1205", "1205", "9",
    ]  # fmt: skip
    assert [now.code_of(word, later) for word in ("1205", "Storage", "1206", "Other")] == [
        "1205", "Storage", "1206", "1205",
    ]  # fmt: skip
    assert now.changed(now, later) == []


def test_a_month_ties_out_and_an_entry_is_reversed_after_its_accounts_were_renamed_renumbered_and_put_to_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """case_C16"""
    with treasury(tmp_path, monkeypatch, capsys) as desk:
        desk.mapped("category,debit,credit\nstorage,Storage clearing,4010\n")
        desk.moved(("2026-01-05", "100.00 USD", "storage", "hot", "A"))
        desk.does("journal post wallet-journals --yes")
        desk.changed("1205", Name="In transit", AcctNum="1207")
        assert desk.ask("reconcile wallet-journals")["passes"]
        desk.does('journal reverse wallet-journals "JE HOT 2026W02" --yes')
        desk.changed("4010", AcctNum="4011", Active=False)
        found = desk.ask("reconcile wallet-journals")
        assert (found["passes"], len(desk.entries())) == (True, 2)
        assert {row["closing"] for row in found["accounts"]} == {0}


def test_two_thousand_wallets_that_begin_alike_have_a_few_letters_of_their_own_each() -> None:
    """Two letters stand for 1,024 names: beyond them there is one more, where once nobody came to an end."""
    names = [f"wallet-{n}" for n in range(2_000)]
    slugs = _slugs(names)
    assert len({slugs[name] for name in names}) == 2_000
    assert {len(slugs[name]) for name in names} == {5, 6}
    assert all(slugs[name].startswith("WA") for name in names)
