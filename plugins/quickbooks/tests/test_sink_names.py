"""Names, notes and texts as QuickBooks takes them, whatever they are made of."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from wherry_quickbooks import names
from wherry_quickbooks.memo import Memo, read
from wherry_quickbooks.names import cut, fitted, mark_of, marked, stamp_of, stamped, units, unmarked, unstamped

STAMP = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)
TEXT = st.text(st.characters(), max_size=40) | st.text(":\t\n\r\u2028é😀 ab", max_size=40)
LONG = st.builds(lambda piece, times: piece * times, st.text(min_size=1, max_size=6), st.integers(20, 120))
LENGTH = st.sampled_from(sorted(names.NAME_LENGTHS.values()))


@given(TEXT | LONG, LENGTH)
def test_a_fitted_name_holds_nothing_that_quickbooks_refuses(name: str, longest: int) -> None:
    """case_D4."""
    made = fitted(name, longest)
    assert not set(":\t\n\r") & set(made)
    assert len(made) <= units(made) <= longest
    assert made == made.strip()
    assert json.loads(msgspec.json.encode(made)) == made


@given(TEXT | LONG, LENGTH)
def test_fitting_twice_changes_nothing_more(name: str, longest: int) -> None:
    assert fitted(fitted(name, longest), longest) == fitted(name, longest)


@given(LONG, LONG, LENGTH)
def test_two_long_names_stay_two(one: str, other: str, longest: int) -> None:
    """quickbooks-php 79: a silent cut breaks the matching."""
    plain = [" ".join(names.clean(name.replace(":", " - ")).split()) for name in (one, other)]
    assume(plain[0] != plain[1])
    made = [fitted(name, longest) for name in (one, other)]
    assert made[0] != made[1]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Acme: North", "Acme - North"),
        ("Acme:North", "Acme - North"),
        ("Acme\tLtd\r\n", "Acme Ltd"),
        ("O'Brien & Söhne 😀", "O'Brien & Söhne 😀"),
        ("a\ud800b\x00c", "ab c"),
        (" \n", ""),
    ],
)
def test_what_becomes_of_a_name(name: str, made: str) -> None:
    assert fitted(name, 100) == made


def test_a_long_name_keeps_its_beginning_and_ends_in_a_hash() -> None:
    made = fitted("Acme " * 30, 100)
    assert made.startswith("Acme Acme")
    assert made[-11] == "~"
    assert fitted("Acme " * 29 + "Acne", 100) != made


@given(TEXT | LONG, STAMP, LENGTH)
def test_a_marked_name_fits_and_compares_as_the_name_without_its_mark(name: str, stamp: str, longest: int) -> None:
    made = fitted(name, longest)
    assume(made)
    told = marked(made, mark_of(stamp), longest)
    assert units(told) <= longest
    assert told.endswith(f"({stamp[:6]})")
    assert unmarked(told, longest) == unmarked(made, longest)


@given(TEXT, STAMP, st.integers(60, 120))
def test_a_stamped_note_fits_and_gives_back_stamp_and_text(text: str, stamp: str, longest: int) -> None:
    note = stamped(text, stamp, longest)
    assert units(note) <= longest
    assert stamp_of(note) == stamp
    if units(names.clean(text, lines=True)) <= longest - 34:
        assert unstamped(note) == " ".join(names.clean(text, lines=True).split())


@given(STAMP, STAMP)
def test_a_stamp_that_came_with_the_text_is_not_taken_for_ours(foreign: str, own: str) -> None:
    note = stamped(f"copied from wherry:{foreign} by hand", own, 4000)
    assert stamp_of(note) == own
    assert note.count("wherry:") == 1


@given(STAMP)
def test_a_stamp_is_found_in_what_quickbooks_and_people_make_of_a_note(stamp: str) -> None:
    note = stamped("March", stamp, 4000)
    assert stamp_of(f"Voided - {note}") == stamp
    assert stamp_of(f"{note}\ncalled them, will pay") == stamp
    assert stamp_of(f"wherry:{stamp}x") == ""
    assert stamp_of(None) == ""


@given(TEXT | LONG, st.integers(2, 60))
def test_a_text_is_cut_to_its_length_and_says_so(text: str, longest: int) -> None:
    made = cut(text, longest)
    assert units(made) <= longest
    assert made == names.clean(text, lines=True) or made.endswith("…")


@given(st.booleans(), st.sampled_from(["", "?", "58"]))
def test_a_memo_is_read_as_it_was_written(alone: bool, taken: str) -> None:
    assert read(str(Memo(alone, taken))) == Memo(alone, taken)
    assert read(f"other {Memo(alone, taken)}") == Memo(alone, taken)
