"""What a bookkeeper corrects at the source, posts in parts, or finds moved: the books follow, to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.treasury import ACCOUNTS, Treasury, treasury

FLOW = "wallet-journals"
WALLET = "Wallet,Date,Asset,Fiat value,Fiat currency,Category,Credit,Reference"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Treasury]:
    with treasury(tmp_path, monkeypatch, capsys) as made:
        made.mapped()
        yield made


def wallet(desk: Treasury, *rows: str) -> None:
    (desk.folder / "wallet.csv").write_text("\n".join([WALLET, *rows]) + "\n", "utf-8")
    desk.does("workspace import wallet wallet.csv")


def standing(desk: Treasury) -> dict[str, Decimal]:
    """What stands on the accounts through journal entries, by number."""
    numbers = {one["Name"]: one["AcctNum"] for one in desk.books.objects("Account") if one.get("AcctNum")}
    return {numbers[name]: minor for name, minor in desk.balances().items() if minor}


# -- corrected at the source -------------------------------------------------------------------------------------------


def test_a_category_or_account_corrected_at_the_source_is_booked_anew(desk: Treasury) -> None:
    """b_004_09, case_C11"""
    desk.setting('late = "next-period"', 'late = "correct"')
    wallet(desk, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,,W-2")
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4010": Decimal("-107.00")}
    wallet(desk, "hot,2026-01-05,ETH,100.00,USD,switching,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,4090,W-2")
    assert desk.ask(f"run {FLOW}")["fates"]["ledger_transaction"] == {"updated": 2}
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4020": Decimal("-100.00"), "4090": Decimal("-7.00")}


def test_a_movement_that_is_given_its_category_blocks_the_month_no_longer(desk: Treasury) -> None:
    """b_004_09, b_004_11"""
    wallet(desk, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,,,W-2")
    assert desk.ask(f"run {FLOW}", code=4)["books"]["blocked"]
    wallet(desk, "hot,2026-01-05,ETH,100.00,USD,storage,,W-1", "hot,2026-01-06,ETH,7.00,USD,storage,,W-2")
    assert not desk.ask(f"run {FLOW}")["books"]["blocked"]
    desk.does(f"journal post {FLOW} --yes")
    assert standing(desk) == {"1205": Decimal("107.00"), "4010": Decimal("-107.00")}


__all__ = ["ACCOUNTS"]
