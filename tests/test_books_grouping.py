"""From movements to entries: not a cent is lost, none is booked twice, and the order of arrival does not matter."""

from __future__ import annotations

import datetime as dt
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wherry.accounting import BookedLine, Bucket, Entry, LeftOut, Mapped, Movement, MovementLine
from wherry.books.balances import added, compare, net, of_entries, totals
from wherry.books.grouping import (
    TYPES,
    JournalType,
    allocate,
    categorise,
    entries,
    sub_cent,
    without_party,
)
from wherry.books.periods import Calendar, Group
from wherry.errors import ConfigError, Rejected
from wherry.roles import Balance

ALLOCATIONS = int(os.environ.get("WHERRY_ALLOCATIONS", "100000"))
"""How many random allocations are tried: the nightly run sets ten million."""
CALENDAR = Calendar()
CONTROL = {"1200", "2100"}


def line(side: Any, minor: int, account: str = "", **more: Any) -> MovementLine:
    return MovementLine(side=side, minor=minor, account=account, **more)


def movement(id: int, *lines: MovementLine, day: str = "2026-01-15", **more: Any) -> Movement:
    more = {"key": f"lt/{id}", "currency": "USD", "reference": f"LT-{id}", **more}
    return Movement(id=id, date=dt.date.fromisoformat(day), lines=lines, **more)


def simple(id: int, minor: int = 100, debit: str = "1205", credit: str = "4010", **more: Any) -> Movement:
    return movement(id, line("debit", minor, debit), line("credit", minor, credit), **more)


def by(group: Group, week_start: int = 0, calendar: Calendar = CALENDAR) -> Callable[[dt.date], Bucket]:
    return lambda day: calendar.bucket_of(day, group, week_start)


def sides(entry: Entry) -> list[tuple[str, str, int]]:
    return [(one.side, one.account, one.minor) for one in entry.lines]


# -- any movements at all ----------------------------------------------------------------------------------------------

ACCOUNTS = st.sampled_from(["1200", "1205", "2100", "4010", "4020", "0400"])
PARTIES = st.sampled_from(["42", "43", "Ácme, Ltd/A+B"])
DIMENSIONS = st.sampled_from([(), (("class", "Rail"),), (("class", "Rail"), ("tax", "V20"))])


@st.composite
def balanced(draw: st.DrawFn, number: int) -> Movement:
    """Lines of any sign and size that add up to nothing: the last one takes what is left."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        side = draw(st.sampled_from(["debit", "credit"]))
        made.append((side, draw(st.integers(-1000, 1000) | st.integers(-(10**15), 10**15))))
    left = sum(minor if side == "debit" else -minor for side, minor in made)
    made.append(("credit", left))
    lines = [line(side, minor, draw(ACCOUNTS), party=draw(PARTIES), dimensions=draw(DIMENSIONS),
                  description=draw(st.sampled_from(["", "a", "b"]))) for side, minor in made]  # fmt: skip
    day = draw(st.dates(dt.date(2025, 12, 20), dt.date(2026, 3, 10)))
    return movement(number, *lines, day=day.isoformat(), currency=draw(st.sampled_from(["USD", "USD", "EUR", "JPY"])),
                    type=draw(st.sampled_from(["", "", "valuation", "true-up", "own-kind"])))  # fmt: skip


@st.composite
def several(draw: st.DrawFn) -> list[Movement]:
    return [draw(balanced(number)) for number in range(1, draw(st.integers(1, 14)) + 1)]


def some_lines(movements: Iterable[Movement]) -> list[Movement]:
    return [one for one in movements if any(line.minor for line in one.lines)]


def flipped(movements: Iterable[Movement], clearing: str = "") -> Counter[tuple[str, str, str, str]]:
    """(currency, side, account, party) → minor, by the simplest arithmetic: what the entries must add up to."""
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for one in movements:
        for each in one.lines:
            side = each.side if each.minor >= 0 else {"debit": "credit", "credit": "debit"}[each.side]
            moved = bool(clearing) and each.account in CONTROL
            account, party = (clearing, "") if moved else (each.account, each.party)
            sums[one.currency, side, account, party] += abs(each.minor)
    return +sums


def booked(made: Iterable[Entry]) -> Counter[tuple[str, str, str, str]]:
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for entry in made:
        for each in entry.lines:
            sums[entry.currency, each.side, each.account, each.party] += each.minor
    return sums


OPTIONS = st.fixed_dictionaries({
    "receivable": st.sampled_from([set(), {"1200"}]), "payable": st.sampled_from([set(), {"2100"}]),
    "clearing": st.sampled_from(["", "9999"]), "max_lines": st.sampled_from([0, 5, 7]), "last_day": st.booleans(),
    "prefix": st.sampled_from(["JE ", "HF-JE", ""]), "home": st.sampled_from(["", "USD"]), "each": st.booleans(),
})  # fmt: skip
GROUPS = st.sampled_from(["none", "day", "week", "month"])


@given(several(), OPTIONS, GROUPS, st.integers(0, 6), st.randoms())
@settings(max_examples=60, deadline=None)
def test_entries_are_balanced_and_complete_whatever_the_movements_and_their_order(
    found: list[Movement], options: dict[str, Any], group: Group, week_start: int, order: random.Random
) -> None:
    """I8, I10, case_C6, case_C7, case_C9, b_004_15: a movement is in one entry, an entry in one period and currency."""
    found = some_lines(found)
    made = entries(found, by(group, week_start), **options)
    assert Counter(id for entry in made for id in entry.members) == Counter(one.id for one in found)
    moved = options["receivable"] | options["payable"] == CONTROL and options["clearing"]
    if not options["clearing"] or moved:
        assert booked(made) == flipped(found, options["clearing"])
    by_id = {one.id: one for one in found}
    for entry in made:
        assert entry.lines
        assert all(one.minor > 0 for one in entry.lines)
        debits, credits = (sum(one.minor for one in entry.lines if one.side == side) for side in ("debit", "credit"))
        assert debits == credits
        assert not options["max_lines"] or len(entry.lines) <= options["max_lines"]
        period = CALENDAR.period_of(entry.date)
        assert entry.period == period.name
        for member in (by_id[id] for id in entry.members):
            assert (member.currency, member.type) == (entry.currency, entry.type)
            assert CALENDAR.period_of(member.date) == period
            assert by(group, week_start)(member.date).name == entry.bucket
        assert list(entry.lines) == sorted(entry.lines, key=lambda one: (one.side == "credit", one.account, one.party,
                                                                         one.dimensions))  # fmt: skip
    again = list(found)
    order.shuffle(again)
    assert entries(again, by(group, week_start), **options) == made


@given(several(), OPTIONS, GROUPS)
@settings(max_examples=50, deadline=None)
def test_keys_and_numbers_are_unique_short_and_their_own_groups_alone(
    found: list[Movement], options: dict[str, Any], group: Group
) -> None:
    """I10: one movement more renames no entry of another bucket."""
    found = some_lines(found)
    options["max_lines"] = 0
    made = entries(found, by(group), **options)
    assert len({entry.key for entry in made}) == len({entry.number for entry in made}) == len(made)
    assert all(0 < len(entry.number) <= 21 for entry in made)
    for entry in made:
        alone = [one for one in found if one.id in entry.members]
        assert entries(alone, by(group), **options) == [entry]
    later = simple(999, day="2026-03-31", reference="LT-999")
    names = {(entry.key, entry.number) for entry in made}
    assert names <= {(entry.key, entry.number) for entry in entries([*found, later], by(group), **options)}


@given(several(), st.sets(st.integers(0, 20)))
def test_what_is_posted_is_never_named_again(found: list[Movement], posted: set[int]) -> None:
    """I10: a late movement's entry does not take the key of one that exists."""
    found = some_lines(found)
    before = entries(found, by("month"))
    taken = {text for n, entry in enumerate(before) if n in posted for text in (entry.key, entry.number)}
    after = entries(found, by("month"), taken=taken)
    assert not {text for entry in after for text in (entry.key, entry.number)} & taken
    assert [entry.lines for entry in after] == [entry.lines for entry in before]


@given(several())
def test_parties_never_share_an_entry_on_receivable_and_payable_accounts(found: list[Movement]) -> None:
    found = some_lines(found)
    for entry in entries(found, by("month"), receivable={"1200"}, payable={"2100"}):
        members = [one for one in found if one.id in entry.members]
        touched = [{each.party for each in one.lines if each.account in CONTROL and each.minor} for one in members]
        assert all(parties == touched[0] for parties in touched)
        assert entry.party == ", ".join(sorted(touched[0]))


# -- one by one --------------------------------------------------------------------------------------------------------


def test_lines_are_summed_by_account_party_and_dimensions_gross_on_both_sides() -> None:
    rail = (("class", "Rail"),)
    made = entries([
        movement(1, line("debit", 500, "1205", description="Storage"), line("credit", 500, "4010", dimensions=rail)),
        movement(2, line("debit", 300, "1205", description="Storage"), line("credit", 300, "4010")),
        movement(3, line("debit", -200, "1205"), line("credit", -200, "4010"), description="Refund"),
    ], by("month"))  # fmt: skip
    assert made == [Entry(
        key="2026-01/USD///1", number="JE 2026-01 USD", date=dt.date(2026, 1, 31), period="2026-01", bucket="2026-01",
        currency="USD", memo="Journal, 2026-01", members=(1, 2, 3),
        lines=(
            BookedLine(account="1205", side="debit", minor=800, description="Storage"),
            BookedLine(account="4010", side="debit", minor=200, description="Refund"),
            BookedLine(account="1205", side="credit", minor=200, description="Refund"),
            BookedLine(account="4010", side="credit", minor=300),
            BookedLine(account="4010", side="credit", minor=500, dimensions=rail),
        ),
    )]  # fmt: skip


def test_movements_are_added_up_as_they_come_and_none_is_held() -> None:
    made = [simple(id) for id in range(1, 5)]
    held = [sys.getrefcount(made[1])]

    def coming() -> Iterator[Movement]:
        yield from made
        held.append(sys.getrefcount(made[1]))

    assert entries(coming(), by("month"))[0].members == (1, 2, 3, 4)
    assert held[0] == held[1]


def test_a_negative_amount_swaps_the_sides() -> None:
    """case_C7: one amount and two accounts, as a source may tell it (behaviours.md 002)."""
    assert sides(entries([simple(1, -1250)], by("day"))[0]) == [("debit", "4010", 1250), ("credit", "1205", 1250)]


def test_texts_of_summed_lines_are_told_by_one_of_them_and_how_many_more() -> None:
    found = [simple(n, description=text) for n, text in enumerate(["Storage b", "Storage a", "Storage c"])]
    assert {one.description for one in entries(found, by("month"))[0].lines} == {"Storage a and 2 more"}


def test_lines_of_nothing_leave_no_trace() -> None:
    nothing = movement(2, line("debit", 0, "1205", description="x"), *simple(2).lines)
    for found in ([simple(1), nothing], [nothing, simple(1)]):
        assert {one.description for one in entries(found, by("month"))[0].lines} == {""}


@pytest.mark.parametrize(("off", "side"), [(1, "debits"), (-1, "credits")])
@pytest.mark.parametrize(("currency", "told"), [("USD", "0.01 USD"), ("JPY", "1 JPY"), ("BTC", "1 minor units of BTC")])
def test_one_cent_off_is_refused_with_the_difference(off: int, side: str, currency: str, told: str) -> None:
    """case_C8"""
    wrong = movement(7, line("debit", 1000 + off, "1205"), line("credit", 1000, "4010"), currency=currency)
    with pytest.raises(Rejected) as caught:
        entries([simple(1), wrong, simple(2)], by("month"))
    assert caught.value.message == f"lt/7 is out of balance: its {side} are {told} too much"
    assert caught.value.where == {"key": "lt/7", "difference": off}
    assert caught.value.exit_code == 4


def test_two_movements_that_are_off_do_not_make_up_for_each_other() -> None:
    """case_C8"""
    with pytest.raises(Rejected, match="lt/1"):
        entries([movement(1, line("debit", 5, "1205")), movement(2, line("credit", 5, "4010"))], by("month"))


def test_a_line_without_account_or_a_movement_without_amount_is_refused() -> None:
    with pytest.raises(Rejected, match="without account"):
        entries([simple(1, credit="")], by("day"))
    with pytest.raises(Rejected, match="no amount"):
        entries([simple(1, 0)], by("day"))


def test_a_receivable_without_party_is_refused_unless_there_is_a_clearing_account() -> None:
    mine = movement(1, line("debit", 5, "1200"), line("credit", 5, "4010", party="42"))
    assert without_party([mine, simple(2)], CONTROL) == [mine]
    with pytest.raises(Rejected, match="names no party"):
        entries([mine], by("day"), receivable={"1200"})
    found = entries([mine], by("day"), receivable={"1200"}, clearing="1205")
    assert sides(found[0])[0] == ("debit", "1205", 5)
    with pytest.raises(ConfigError, match="itself"):
        entries([mine], by("day"), receivable={"1200"}, clearing="1200")


def test_receivables_of_two_parties_are_two_entries_and_through_clearing_one() -> None:
    found = [movement(n, line("debit", 10 * n, "1200", party=str(n)), line("credit", 10 * n, "4010")) for n in (1, 2)]
    found.append(simple(3))
    apart = entries(found, by("month"), receivable={"1200"}, home="USD")
    assert [(one.number, one.party, one.members) for one in apart] == [
        ("JE 2026-01", "", (3,)), ("JE 2026-01-1", "1", (1,)), ("JE 2026-01-2", "2", (2,)),
    ]  # fmt: skip
    together = entries(found, by("month"), receivable={"1200"}, clearing="1299")
    assert [sides(one) for one in together] == [
        [("debit", "1205", 100), ("debit", "1299", 30), ("credit", "4010", 130)]
    ]
    assert {one.party for one in together[0].lines} == {""}


def test_a_group_with_too_many_lines_becomes_several_balanced_entries() -> None:
    """case_C9: each member in one of them; one that is too large by itself is refused."""
    found = [simple(n, n, debit=f"a{n}", credit=f"b{n % 3}") for n in range(1, 31)]
    made = entries(found, by("month"), max_lines=10, home="USD")
    assert [one.number for one in made] == ["JE 2026-01", *(f"JE 2026-01.{n}" for n in range(2, len(made) + 1))]
    assert sorted(id for one in made for id in one.members) == list(range(1, 31))
    assert max(len(one.lines) for one in made) <= 10
    assert booked(made) == flipped(found)
    large = movement(99, *(line("debit", 1, f"c{n}") for n in range(10)), line("credit", 10, "4010"))
    with pytest.raises(Rejected, match="lt/99 has 11 lines, and the target takes 10"):
        entries([*found, large], by("month"), max_lines=10)


@pytest.mark.parametrize(
    ("group", "day", "number", "date"),
    [
        ("day", "2026-01-31", "JE 2026-01-31", "2026-01-31"),
        ("week", "2026-01-28", "JE 2026W05a", "2026-01-31"),
        ("week", "2026-02-01", "JE 2026W05b", "2026-02-01"),
        ("week", "2026-02-03", "JE 2026W06", "2026-02-08"),
        ("month", "2024-02-01", "JE 2024-02", "2024-02-29"),
    ],
)
def test_an_entry_bears_the_name_and_the_last_day_of_its_bucket(group: Group, day: str, number: str, date: str) -> None:
    """b_004_15, b_000_10"""
    made = entries([simple(1, day=day)], by(group), home="USD")[0]
    assert (made.number, made.date.isoformat(), made.period) == (number, date, date[:7])


def test_types_have_external_ids_fixed_memos_and_their_own_day() -> None:
    """b_000_01; ids in the form PREFIX-TYPE-YYYY-MM, first-day dates for adjustments."""
    found = [simple(n, type=kind) for n, kind in enumerate([*TYPES, "own-kind"])]
    made = {one.type: one for one in entries(found, by("month"), prefix="HF-JE", home="USD")}
    assert len(made) == 9
    assert made["valuation"].number == "HF-JE-VALUE-2026-01"
    assert made["valuation"].memo == "Valuation, 2026-01"
    assert made["own-kind"].memo == "Own kind, 2026-01"
    assert made["valuation"].date == dt.date(2026, 1, 31)
    assert made["true-up"].date == made["adjustment"].date == dt.date(2026, 1, 1)
    own = {"fee": JournalType("FEE", "Fees", first_day=True)}
    fee = entries([simple(1, type="fee")], by("month"), types=own, home="USD")[0]
    assert (fee.number, fee.memo, fee.date.day) == ("JE-FEE-2026-01", "Fees, 2026-01", 1)
    assert entries([simple(1)], by("month"), last_day=False)[0].date == dt.date(2026, 1, 1)


def test_a_number_that_would_be_too_long_keeps_its_head_and_stays_unique() -> None:
    found = [movement(n, line("debit", 1, "1200", party=f"Long name {n}"), line("credit", 1, "4010"))
             for n in range(500)]  # fmt: skip
    numbers = [one.number for one in entries(found, by("week"), receivable={"1200"}, home="USD")]
    assert len(set(numbers)) == 500
    assert all(len(number) <= 21 and number.startswith("JE 2026W03-") for number in numbers)
    number = entries([simple(1)], by("month"), prefix="A very long prefix indeed ")[0].number
    assert re.fullmatch(r"A ver2026-01-[A-Z2-7]{8}", number), number


def test_ungrouped_every_movement_keeps_its_day_and_its_reference() -> None:
    found = [simple(1, description="First"), simple(2, day="2026-01-16"), simple(3, reference="LT-2"),
             simple(4, reference=""), simple(5, reference="a reference too long"), simple(6, key="lt/1")]  # fmt: skip
    made = {one.members[0]: one for one in entries(found, by("none"), each=True)}
    assert len(made) == 6
    assert (made[1].number, made[1].memo, made[1].key) == ("JE LT-1", "First", "lt/1/1")
    assert made[2].date == dt.date(2026, 1, 16)
    assert len({one.number for one in made.values()}) == 6, "LT-2 is there twice"
    assert made[6].key == "lt/1/2"
    later = entries([simple(1, day="2026-01-16")], lambda day: CALENDAR.bucket_of(dt.date(2026, 2, 10), "month"),
                    each=True)[0]  # fmt: skip
    assert (later.date, later.period) == (dt.date(2026, 2, 1), "2026-02"), "never outside the period it was put in"


# -- left out ----------------------------------------------------------------------------------------------------------

TABLE = [
    Mapped(category="Storage", debit="1205", credit="4010", dimensions=(("class", "Rail"), ("tax", "V20")), row=2),
    Mapped(category="Switching", debit="1205", party="42", row=3),
]


def by_category(id: int, debit: str, credit: str, minor: int = 100, **more: Any) -> Movement:
    return movement(id, line("debit", minor, category=debit), line("credit", minor, category=credit), **more)


def test_accounts_dimensions_and_party_come_from_the_table_where_the_line_has_none() -> None:
    """b_004_03, b_004_08"""
    own = movement(2, line("debit", 5, "7777", category="storage ", dimensions=(("class", "Own"),)),
                   line("credit", 5, "8888", party="7"))  # fmt: skip
    found, left = categorise([by_category(1, "STORAGE", "Storage", -100), own], TABLE)
    assert left == []
    assert [(one.account, one.dimensions) for one in found[0].lines] == [("1205", TABLE[0].dimensions),
                                                                         ("4010", TABLE[0].dimensions)]  # fmt: skip
    assert found[1].lines[0].account == "7777"
    assert found[1].lines[0].dimensions == (("class", "Own"), ("tax", "V20"))
    assert found[1].lines[1] == own.lines[1]
    made = entries(found, by("month"))[0]
    assert ("debit", "4010", 100) in sides(made), "a negative debit stays on its account and swaps its side"


def test_what_has_no_account_is_left_out_with_what_is_missing() -> None:
    """b_004_09, b_004_11"""
    found = [by_category(1, "Storage", "Storage"), by_category(2, "Storage", "Switching"), by_category(3, "Gas", "Gas"),
             by_category(4, "Storage", "Switching", 250), by_category(5, "Gas", "Gas", currency="EUR"),
             movement(6, line("debit", 1, "1"), line("credit", 1)), simple(7)]  # fmt: skip
    kept, left = categorise(found, TABLE)
    assert [one.id for one in kept] == [1, 7]
    assert kept[1] is found[6]
    gas, blank = 'category "Gas" is not in the accounts table', "a credit line has neither account nor category"
    half = 'category "Switching" has no credit account in row 3 of the accounts table'
    assert left == [
        LeftOut(reason="no-account", detail=blank, members=(6,), minor=1, currency="USD"),
        LeftOut(reason="uncategorised", detail=gas, members=(5,), minor=100, currency="EUR"),
        LeftOut(reason="uncategorised", detail=gas, members=(3,), minor=100, currency="USD"),
        LeftOut(reason="uncategorised", detail=half, members=(2, 4), minor=350, currency="USD"),
    ]


def test_movements_under_one_cent_are_left_out_counted_and_totalled() -> None:
    """b_004_04: before the grouping, so that a hundred of them do not add up to an entry."""
    found = [simple(1, 0), simple(2, 1), simple(3, 0, currency="EUR"), simple(4, -1), simple(5, 0)]
    kept, left = sub_cent(found)
    assert [one.id for one in kept] == [2, 4]
    assert left == [
        LeftOut(reason="under-one-cent", detail="under 0.01 EUR", members=(3,), minor=0, currency="EUR"),
        LeftOut(reason="under-one-cent", detail="under 0.01 USD", members=(1, 5), minor=0, currency="USD"),
    ]
    kept, left = sub_cent([simple(1, 99), simple(2, 100), simple(3, -40)], least=100)
    assert ([one.id for one in kept], left[0].members, left[0].minor) == ([2], (1, 3), 59)


def test_what_was_rounded_up_to_a_cent_is_still_under_one() -> None:
    """b_004_04"""
    exact = {1: Decimal("0.6"), 2: Decimal("-0.4"), 3: Decimal("1"), 4: Decimal("-0.999999")}
    kept, left = sub_cent([simple(n, round_) for n, round_ in ((1, 1), (2, 0), (3, 1), (4, -1))], exact=exact)
    assert [one.id for one in kept] == [3]
    assert (left[0].members, left[0].minor) == ((1, 2, 4), 0)
    assert left[0].detail == "under 0.01 USD; 0.01999999 USD before rounding"


CATEGORIES = st.sampled_from(["Storage", "Switching", "Gas", ""])


@given(st.lists(st.tuples(CATEGORIES, CATEGORIES, st.integers(-3, 3)), max_size=12), st.integers(0, 3))
def test_every_movement_is_booked_or_left_out_once_and_the_sums_agree(
    rows: Sequence[tuple[str, str, int]], least: int
) -> None:
    """I1, I8, b_004_04: booked and left out together are what there was."""
    found = [by_category(n, *row) for n, row in enumerate(rows)]
    kept, small = sub_cent(found, max(least, 1))
    full, missing = categorise(kept, TABLE)
    made = entries(full, by("month"))
    booked = [id for one in made for id in one.members]
    left = [id for one in (*small, *missing) for id in one.members]
    assert sorted([*booked, *left]) == list(range(len(found)))
    debits = sum(line.minor for entry in made for line in entry.lines if line.side == "debit")
    assert debits == sum(abs(rows[id][2]) for id in booked)
    assert sum(one.minor for one in (*small, *missing)) == sum(rows[id][2] for id in left)


# -- allocation --------------------------------------------------------------------------------------------------------


def test_no_cent_is_lost_in_any_number_of_random_allocations() -> None:
    """case_C2: 100,000 of them here, ten million in the nightly run (WHERRY_ALLOCATIONS=10000000)."""
    chance, integers = random.Random(20260131), random.Random(4).randrange
    sizes = [integers(1, 8) for _ in range(1000)]
    for n in range(ALLOCATIONS):
        weights = chance.choices(range(1000), k=sizes[n % 1000])
        weights[0] += 1
        total = integers(-(10**12), 10**12)
        parts = allocate(total, weights)
        assert sum(parts) == total
        assert min(parts) >= 0 if total >= 0 else max(parts) <= 0


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=40).filter(any))
@example(10_000, [1, 1, 1])
def test_parts_are_in_proportion_to_less_than_one_unit(total: int, weights: list[int]) -> None:
    """case_C2"""
    parts, whole = allocate(total, weights), sum(weights)
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_a_hundred_in_three_parts_gives_the_cent_to_the_first() -> None:
    """case_C2"""
    assert allocate(10_000, [1, 1, 1]) == [3334, 3333, 3333]
    assert allocate(-10_000, [1, 1, 1]) == [-3334, -3333, -3333]
    for weights in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError):
            allocate(1, weights)


# -- trial balances ----------------------------------------------------------------------------------------------------


@given(several(), GROUPS)
@settings(deadline=None)
def test_the_trial_balance_is_the_same_however_the_movements_are_grouped(found: list[Movement], group: Group) -> None:
    """b_004_16, b_000_03, I8"""
    found = some_lines(found)
    grouped, single = (of_entries(entries(found, by(group), each=each)) for each in (False, True))
    assert grouped == single
    assert all(debit == credit for debit, credit in totals(grouped).values())
    assert compare(grouped, net(grouped)) == []


def test_balances_that_differ_are_told_by_account_and_currency() -> None:
    """b_004_16"""
    names = {"1205": "Clearing", "4010": "Storage"}
    ours = of_entries(entries([simple(1, 1000), simple(2, -300), simple(3, 7, currency="EUR")], by("month")), names)
    assert ours == [
        Balance("1205", "Clearing", 7, 0, "EUR"), Balance("4010", "Storage", 0, 7, "EUR"),
        Balance("1205", "Clearing", 1000, 300, "USD"), Balance("4010", "Storage", 300, 1000, "USD"),
    ]  # fmt: skip
    assert totals(ours) == {"EUR": (7, 7), "USD": (1300, 1300)}
    assert net(ours)[2:] == [Balance("1205", "Clearing", 700, 0, "USD"), Balance("4010", "Storage", 0, 700, "USD")]
    theirs = [*net(ours)[:3], Balance("4010", "Storage", 0, 701, "USD"), Balance("9000", "Other", 1, 0, "USD")]
    told = [(one.code, one.name, one.currency, one.ours, one.theirs, one.minor) for one in compare(ours, theirs)]
    assert told == [("4010", "Storage", "USD", -700, -701, -1), ("9000", "Other", "USD", 0, 1, 1)]
    assert compare(added(ours, ours), [Balance(one.code, "", 2 * one.debit, 2 * one.credit, one.currency)
                                       for one in ours]) == []  # fmt: skip
