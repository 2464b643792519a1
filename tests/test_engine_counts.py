"""Tallies and catalogues: what a run counts adds up, and what it made is found again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.catalogues import Catalogues, LazyCatalogue
from wherry.matching.listing import Listing
from wherry.protocol.tally import Notice, Tally, plain
from wherry.records import Listed
from wherry.runs.upkeep import sweep_is_due
from wherry.testing.clock import START, FakeClock

COUNTS = st.dictionaries(st.sampled_from(["deal", "product"]), st.dictionaries(
    st.sampled_from(["created", "skipped", "triage"]), st.integers(0, 50), max_size=3))  # fmt: skip


def tally(counts: dict[str, dict[str, int]], notices: int = 0) -> Tally:
    made = Tally()
    for kind, fates in counts.items():
        made.records[kind].update(fates)
        made.items[kind].update(fates)
    made.notices = [Notice("deal", str(n), "gone") for n in range(notices)]
    return made


@given(st.lists(COUNTS, max_size=6))
@settings(max_examples=25, deadline=None)
def test_the_sum_of_batches_is_the_run(batches: list[dict[str, dict[str, int]]]) -> None:
    """I1"""
    whole, expected = Tally(), Counter[tuple[str, str]]()
    for batch in batches:
        whole.add(tally(batch))
        expected.update({(kind, fate): n for kind, fates in batch.items() for fate, n in fates.items()})
    told = {(kind, fate): n for kind, fates in plain(whole.records).items() for fate, n in fates.items()}
    assert told == {name: n for name, n in expected.items() if n}
    assert whole.has("created") == any(n for (_, fate), n in expected.items() if fate == "created")


def test_notices_of_batches_are_kept_up_to_what_a_person_reads() -> None:
    """case_B12"""
    whole = Tally()
    for _ in range(60):
        whole.add(tally({}, notices=150))
    assert whole.notices_left_out > 0
    assert len(whole.notices) + whole.notices_left_out == 60 * 150, "what is left out is counted"


def test_reasons_that_name_each_record_are_not_kept_one_by_one() -> None:
    """A run of a million records has a million of them; the sum stays right."""
    whole = Tally()
    for first in range(0, 3_000, 100):
        part = Tally()
        for number in range(first, first + 100):
            part.reasons["product"]["linked"][f'SKU "{number}" equals "{number}"'] += 1
            part.amounts["invoice"][f'"{number}" has no customer']["EUR"] += 5
        whole.add(part)
    reasons, amounts = whole.reasons["product"]["linked"], whole.amounts["invoice"]
    assert (len(reasons), len(amounts)) == (1_001, 1_001)
    assert reasons.total() == 3_000
    assert (reasons["SKU … equals …"], amounts["… has no customer"]["EUR"]) == (2_000, 10_000)


def test_a_listing_is_read_when_it_is_first_asked_for_and_once() -> None:
    """I2"""
    read: list[str] = []

    def load(entity: str) -> tuple[Listing, int]:
        read.append(entity)
        return Listing([Listed("I-1", "Bollard", "BOL-1")], {"I-1": ["id:1"]}), 7

    catalogues = Catalogues(load)
    products = catalogues.of("product")
    products.learn(Listed("I-9", "told before it was read"), ["id:9"])
    assert read == []
    assert [hit.id for hit in products.by_name("bollard")] == ["I-1"]
    assert [hit.id for hit in catalogues.of("product").by_sku("bol-1")] == ["I-1"]
    assert (read, list(products.keys_of("I-1"))) == (["product"], ["id:1"])


def test_a_listing_read_after_another_flow_wrote_does_not_hide_that_an_earlier_one_is_old() -> None:
    """I2: a customer was decided by what stood at 7; at 8 another flow has made it."""
    sequence = iter((7, 8))
    catalogues = Catalogues(lambda entity: (Listing(), next(sequence)))
    assert catalogues.of("customer").by_name("Acme") == []
    assert catalogues.of("product").by_name("Bollard") == []
    assert not catalogues.holds_for(8)
    catalogues.forget()
    assert catalogues.holds_for(8)


def test_what_is_made_in_a_run_is_found_by_the_rest_of_it() -> None:
    """I2: without it every line of a new product would make another one."""
    catalogue = LazyCatalogue(Listing)
    assert catalogue.by_name("Fender") == []
    catalogue.learn(Listed("I-2", "Fender", "F-2"), ["name:fender"])
    assert [hit.id for hit in catalogue.by_name("FENDER")] == ["I-2"]
    assert [hit.id for hit in catalogue.by_sku("f-2")] == ["I-2"]
    assert [near.id for near in catalogue.nearest("Fendr")] == ["I-2"]
    assert list(catalogue.keys_of("I-2")) == ["name:fender"]


def test_a_sweep_that_a_wrong_clock_noted_puts_off_none() -> None:
    """case_E14"""
    limits = SimpleNamespace(sweep_every=dt.timedelta(days=1))
    wired: Any = SimpleNamespace(store=SimpleNamespace(clock=FakeClock()), flow=SimpleNamespace(limits=limits))
    after = {hours: sweep_is_due(wired, (START + dt.timedelta(hours=hours)).isoformat()) for hours in (-25, -23, 1, 99)}
    assert after == {-25: True, -23: False, 1: False, 99: True}
