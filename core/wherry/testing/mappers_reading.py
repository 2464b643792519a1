"""What a mapper reads, and what it makes of values that no field should have: checks of ``MapperSuite``."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from wherry.records import Record
from wherry.roles import FieldMapper
from wherry.testing.guarantees import EXACT, HARMLESS, guarantee
from wherry.testing.hostile import HOSTILE
from wherry.testing.mapper_trial import (
    DECLARED,
    SAME_DRAFTS,
    MapperTrial,
    absent,
    amounts_of,
    changed,
    days_of,
    drafts,
    each_fair,
    fair,
    fields_of,
    is_amount,
    is_day,
    made,
    minor,
    only_declared,
    plain,
    renamed,
    with_more,
)

JUNK: tuple[Any, ...] = (
    [], {}, [[]], {"value": None}, True, False, -1, Decimal(10**25), Decimal("1E+30"), Decimal("0.1"),
    Decimal("-0.005"), "1,234.50", "12.345678901234567890123456789012345", "NaN", "Infinity", "1e400",
    "2026-02-30", "31.12.2026",
)  # fmt: skip
"""Values that no field should have, and that one day some field has."""
CENTS = ("0.07", "-0.29", "1.10", "70368744177.93", "4503599627370.97")
"""Amounts that a float on the way would change, or that stand at the edge of one."""
DAYS = ("2024-02-29", "2026-12-31", "1999-01-01")


class ReadingChecks:
    """Part of ``MapperSuite``."""

    # -- what it reads ------------------------------------------------------------------------------------------------

    @guarantee(DECLARED)
    def test_nothing_is_read_but_what_was_declared(self, trial: MapperTrial) -> None:
        """A source sends the declared fields; whatever else the mapper looks at is not there in earnest."""
        mapper = trial.make()
        for record in trial.records():
            assert plain(made(mapper, only_declared(record, mapper.fields))) == plain(made(mapper, record))
            assert mapper.triggers([only_declared(record, mapper.fields)]) == mapper.triggers([record])

    @guarantee(DECLARED)
    def test_a_field_that_nobody_asked_for_changes_nothing(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        for record in trial.records():
            assert plain(made(mapper, with_more(record))) == plain(made(mapper, record))

    @guarantee(SAME_DRAFTS)
    def test_a_newer_version_of_a_record_is_read_anew(self, trial: MapperTrial) -> None:
        """Whatever was made of an older one: nothing is kept by the id of a record."""
        mapper = trial.make()
        for number, record in enumerate(trial.records()):
            for place, newer in changed(record, mapper, _edited):
                one, other = f"kit-{number}-{place}-a", f"kit-{number}-{place}-b"
                before, wanted = _as(mapper, record, one), _as(mapper, newer, other)
                assert before == wanted or _as(mapper, newer, one) == wanted, f"{place} is as in the older version"

    @guarantee(HARMLESS)
    def test_a_field_that_was_not_sent_refuses_the_record_at_worst(self, trial: MapperTrial) -> None:
        each_fair(trial, absent)

    @guarantee(HARMLESS)
    def test_a_field_that_is_empty_refuses_the_record_at_worst(self, trial: MapperTrial) -> None:
        each_fair(trial, lambda value: None)
        each_fair(trial, lambda value: "")

    @guarantee(HARMLESS)
    @pytest.mark.parametrize("junk", JUNK, ids=[repr(junk)[:24] for junk in JUNK])
    def test_a_value_of_the_wrong_kind_refuses_the_record_at_worst(self, trial: MapperTrial, junk: Any) -> None:
        each_fair(trial, lambda value: junk)

    @guarantee(HARMLESS)
    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_text_is_only_text(self, trial: MapperTrial, text: str) -> None:
        each_fair(trial, lambda value: text if isinstance(value, str) else value)

    @guarantee(HARMLESS)
    def test_relatives_that_are_missing_refuse_the_record_at_worst(self, trial: MapperTrial) -> None:
        mapper = trial.make()
        for record in trial.records():
            for kind in [*record.relatives]:
                less = copy.deepcopy(record)
                del less.relatives[kind]
                fair(trial, made(mapper, less), less, f"no {kind}")
            bare = copy.deepcopy(record)
            bare.relatives = {}
            fair(trial, made(mapper, bare), bare, "no relatives")

    # -- amounts and dates --------------------------------------------------------------------------------------------

    @guarantee(EXACT)
    @pytest.mark.parametrize("amount", CENTS)
    def test_an_amount_arrives_to_the_cent(self, trial: MapperTrial, amount: str) -> None:
        """Wherever a field of the source becomes an amount as it stands, every other amount does too, or is refused."""
        mapper = trial.make()
        for record in trial.records():
            before = amounts_of(drafts(mapper, record))
            for place, other in changed(record, mapper, lambda value: amount if is_amount(value) else value):
                kind, _, name = place.partition(".")
                value, found = fields_of(record, kind).get(name), made(mapper, other)
                if not is_amount(value) or not isinstance(found, list):
                    continue
                after = amounts_of(found)
                for path in (
                    path for path in before if minor(value, before[path]["currency"]) == before[path]["minor"]
                ):
                    if path in after and after[path] != before[path]:
                        assert after[path]["minor"] in _signed(amount, after[path]["currency"]), f"{place} → {path}"

    @guarantee(EXACT)
    @pytest.mark.parametrize("day", DAYS)
    def test_a_date_arrives_on_its_day(self, trial: MapperTrial, day: str) -> None:
        mapper = trial.make()
        for record in trial.records():
            before = days_of(drafts(mapper, record))
            for place, other in changed(record, mapper, lambda value: day if is_day(value) else value):
                kind, _, name = place.partition(".")
                value, found = fields_of(record, kind).get(name), made(mapper, other)
                if is_day(value) and isinstance(found, list):
                    after = days_of(found)
                    for path in (path for path, old in before.items() if old == value and path in after):
                        assert after[path] in (day, value), f"{place} → {path}"


def _edited(value: Any) -> Any:
    """What a person might have made of a value."""
    if is_day(value):
        return "2026-11-30"
    return "7.31" if is_amount(value) else f"{value} (new)" if isinstance(value, str) else value


def _as(mapper: FieldMapper, record: Record, id: str) -> str:
    """What becomes of a record under an id, in words that do not name it."""
    return str(plain(made(mapper, renamed(copy.deepcopy(record), id)))).replace(id, "ID")


def _signed(amount: str, currency: str) -> set[int]:
    """The amount, or what is left of it where a side says its sign."""
    exact = minor(amount, currency)
    return set() if exact is None else {exact, -exact}
