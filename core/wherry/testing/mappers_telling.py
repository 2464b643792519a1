"""What a mapper makes of names, of lists, of nothing and of zero, and in another process: checks of ``MapperSuite``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wherry.records import Draft, Record
from wherry.roles import FieldMapper
from wherry.testing.elsewhere import Elsewhere
from wherry.testing.guarantees import EXACT, HARMLESS, guarantee
from wherry.testing.mapper_trial import (
    DECLARED,
    EACH_RECORD,
    SAME_DRAFTS,
    MapperTrial,
    changed,
    drafts,
    fields_of,
    gated,
    leaves,
    made,
    plain,
    twin,
    with_relatives,
)

WORDS = ("None", "null", "undefined", "nan", "NaN")
"""What programs write where there is nothing."""
LONG = " ".join(["kit says"] * 30)
NUMBERS = (0, 1, 2, 3)
MANY = 8
"""So many that two orders of a set are hardly ever the same."""


class TellingChecks(Elsewhere):
    """Part of ``MapperSuite``."""

    @guarantee(SAME_DRAFTS)
    def test_another_process_makes_the_same_drafts(
        self, trial: MapperTrial, elsewhere: Callable[[bytes], bytes]
    ) -> None:
        """Nothing goes by the order of a set or by ``hash``: both are others in each process."""
        mapper = trial.make()
        found = [plain(made(mapper, one)) for record in trial.records() for one in (record, _crowded(record))]
        ours = msgspec.json.encode([mapper.fingerprint, found])
        assert elsewhere(ours) == ours

    @guarantee(EACH_RECORD)
    def test_a_name_in_another_spelling_is_the_same_thing(self, trial: MapperTrial) -> None:
        """``Acme Rail`` and ``ACME  RAIL`` are one customer: what is known by its name is known by
        ``wherry.matching.text.name_key`` of it."""
        mapper = trial.make()
        for record in trial.records():
            before = _named(drafts(mapper, record))
            for place, other in changed(record, mapper, _respelled):
                found = gated(mapper, other)
                if isinstance(found, list) and len(found) == len(before):
                    assert _named(found) == before, f"{place}: its key is the text as it was typed"

    @guarantee(EACH_RECORD)
    def test_of_several_none_is_forgotten(self, trial: MapperTrial) -> None:
        """Whatever of a record comes in a list, each entry of it counts. Where it does not, name it in ``one_of``."""
        mapper = trial.make()
        for record in trial.records():
            wanted = _bodies(drafts(mapper, record))
            for place, less in _less(record, mapper):
                found = gated(mapper, less)
                if place not in trial.one_of and isinstance(found, list):
                    assert _bodies(found) != wanted, f"without an entry of {place} the drafts are the same"

    @guarantee(EACH_RECORD)
    def test_a_record_that_changed_has_the_key_it_had(self, trial: MapperTrial) -> None:
        """What a person can change in it is not what it is known by."""
        mapper = trial.make()
        for record in trial.records():
            key = drafts(mapper, record)[-1].key
            for place, other in changed(
                record, mapper, lambda value: f"{value} x" if isinstance(value, str) else value
            ):
                found = made(mapper, other)
                assert not isinstance(found, list) or found[-1].key == key, f"with another {place} it is another thing"

    @guarantee(EXACT)
    def test_a_text_arrives_whole(self, trial: MapperTrial) -> None:
        """What is too long for a target is for its sink to say."""
        mapper = trial.make()
        for record in trial.records():
            for place, other in changed(record, mapper, lambda value: LONG if isinstance(value, str) else value):
                found = gated(mapper, other)
                told = [text for text in _texts(found) if LONG[:8] in text] if isinstance(found, list) else []
                odd = [text for text in told if LONG not in text and text[-1] not in "…~."]
                assert odd == [], f"{place} is cut to {odd[0]!r}"

    @guarantee(EXACT)
    def test_zero_is_a_number_like_others(self, trial: MapperTrial) -> None:
        """What counts two and three counts nothing, too: ``or 1`` makes one of none."""
        mapper = trial.make()
        for record in trial.records():
            told = [dict(changed(record, mapper, _as_number(number))) for number in NUMBERS]
            for place in told[0]:
                made_of = [gated(mapper, one[place]) for one in told]
                zero, one, two, three = (_bodies(found) if isinstance(found, list) else None for found in made_of)
                if None not in (zero, two, three) and two != three:
                    assert zero not in (one, two, three), f"{place}: nothing counts as something"

    @guarantee(HARMLESS)
    def test_what_is_empty_is_not_written_as_a_word(self, trial: MapperTrial) -> None:
        """``str(None)`` is a name that somebody reads."""
        mapper = trial.make()
        for record in trial.records():
            before = _texts(drafts(mapper, record))
            for place, other in changed(record, mapper, lambda value: None):
                found = gated(mapper, other)
                new = _texts(found) - before if isinstance(found, list) else set()
                odd = [text for text in new if any(word in text.replace("\n", " ").split(" ") for word in WORDS)]
                assert odd == [], f"{place} is empty, and the drafts say {odd[0]!r}"

    @guarantee(DECLARED)
    def test_no_field_is_looked_for_that_was_not_asked_for(self, trial: MapperTrial) -> None:
        """It would never be there: a source sends what ``fields`` names."""
        mapper = trial.make()
        for record in trial.records():
            heard: set[str] = set()
            listened = copy.deepcopy(record)
            for one in (listened, *(one for group in listened.relatives.values() for one in group)):
                one.decoded = _Heard(one.fields, one.kind, heard)
            mapper.triggers([listened])
            made(mapper, listened)
            asked = {f"{kind}.{name}" for kind, names in mapper.fields.items() for name in names}
            assert {name for name in heard if name.partition(".")[0] in mapper.fields} - asked == set()


class _Heard(dict[str, Any]):
    """Fields that note by which names they are looked up."""

    def __init__(self, fields: dict[str, Any], kind: str, heard: set[str]) -> None:
        super().__init__(fields)
        self._kind, self._heard = kind, heard

    def __getitem__(self, name: str) -> Any:
        self._heard.add(f"{self._kind}.{name}")
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._heard.add(f"{self._kind}.{name}")
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._heard.add(f"{self._kind}.{name}")
        return super().get(name, default)


def _named(found: Sequence[Draft]) -> list[tuple[str, str]]:
    return [(draft.entity, draft.key) for draft in found]


def _bodies(found: Sequence[Draft]) -> Any:
    return msgspec.to_builtins([(draft.entity, draft.key, draft.body, draft.label) for draft in found])


def _texts(found: Sequence[Draft]) -> set[str]:
    """All that people would read."""
    told = [(draft.key, draft.label, draft.body) for draft in found]
    return {str(value) for one in told for _, value in leaves(list(one)) if isinstance(value, str)}


def _respelled(value: Any) -> Any:
    """A name as somebody else types it; whatever is no name of several words stays as it is."""
    words = value.split() if isinstance(value, str) else []
    return f" {'  '.join(words).upper()} " if len(words) > 1 and all(word.isalpha() for word in words) else value


def _as_number(number: int) -> Callable[[Any], Any]:
    """For ``changed``: this number in place of one."""

    def other(value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | Decimal):
            return number
        return str(number) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else value

    return other


def _less(record: Record, mapper: FieldMapper) -> Iterator[tuple[str, Record]]:
    """The record without one entry of a list that has several: of a field, or of its relatives."""
    for kind, names in mapper.fields.items():
        there = fields_of(record, kind)
        for name in names:
            for rest in _shorter(there.get(name)):
                yield f"{kind}.{name}", twin(record, {**there, name: rest}, kind)
    for kind, group in record.relatives.items():
        for n in range(len(group)) if len(group) > 1 and kind in mapper.fields else ():
            less = copy.deepcopy(record)
            del less.relatives[kind][n]
            yield kind, less


def _shorter(value: Any) -> Iterator[list[Any]]:
    if isinstance(value, list) and len(value) > 1:
        yield from ([*value[:n], *value[n + 1 :]] for n in range(len(value)))


def _crowded(record: Record) -> Record:
    """The record with many entries in each of its lists, and many relatives."""
    new = with_relatives(record, MANY)
    fields = {name: _many(value) for name, value in new.fields.items()}
    return twin(new, fields)


def _many(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        return value
    return [_numbered(value[n % len(value)], n) for n in range(MANY)]


def _numbered(value: Any, n: int) -> Any:
    """The same in other words."""
    if isinstance(value, dict):
        return {name: _numbered(inner, n) for name, inner in value.items()}
    return f"{value} {n}" if isinstance(value, str) and not value.replace(".", "").isdigit() else value
