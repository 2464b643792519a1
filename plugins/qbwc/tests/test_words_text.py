"""Text as QuickBooks Desktop can hold it, and in words what was changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from wherry_qbwc import names
from wherry_qbwc.words.text import cleaned, lost

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
LONGEST = st.integers(1, 50)


@given(ANY, LONGEST, st.booleans())
def test_what_is_kept_is_held_by_quickbooks_fits_its_field_and_survives_xml(text: str, most: int, lines: bool) -> None:
    """case_D5: every code point, lone surrogates too."""
    kept, _ = cleaned(text, most, lines=lines)
    assert kept.encode("cp1252").decode("cp1252") == kept
    assert len(kept) <= most
    assert lines or "\n" not in kept
    element = etree.Element("Memo")
    element.text = kept
    assert (etree.fromstring(etree.tostring(element, encoding="us-ascii")).text or "") == kept


@given(ANY, LONGEST, st.booleans())
def test_to_clean_what_was_cleaned_changes_nothing(text: str, most: int, lines: bool) -> None:
    kept, _ = cleaned(text, most, lines=lines)
    assert cleaned(kept, most, lines=lines) == (kept, ())


@given(ANY, LONGEST, st.booleans())
def test_the_report_is_empty_exactly_if_nothing_was_changed(text: str, most: int, lines: bool) -> None:
    kept, notes = cleaned(text, most, lines=lines)
    assert (kept == text) == (notes == ())


def test_every_letter_below_the_ideographs_is_kept_written_otherwise_or_reported_as_lost() -> None:
    """case_D5. Those above are drawn at random in the tests before."""
    for number in range(0x3000):
        letter = chr(number)
        kept, notes = cleaned(f"a{letter}b")
        assert kept == f"a{letter}b" or notes, hex(number)
        assert bool(lost(letter)) == any("question marks" in note for note in notes), hex(number)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Zürich – “Café” €5", "Zürich – “Café” €5"),
        ("Škoda Œuvre", "Škoda Œuvre"),
        ("Cafe\u0301", "Café"),
        ("Łódź, Dvořák, İstanbul", "Lódz, Dvorák, Istanbul"),
        ("½ ⅓ ﬁne № ＡＢＣ", "½ 1/3 fine No ABC"),
        ("a\u00a0b\tc", "a b c"),
        ("soft\u00adhyphen\u200bzero", "softhyphenzero"),
        ("a\x00b\ud800c\ufffe", "a bc"),
        ("first\r\nsecond\rthird", "first second third"),
        ("北京 Trading", "?? Trading"),
        ("  ends  ", "ends"),
    ],
)
def test_letters_are_kept_or_written_as_one_would_by_hand(text: str, kept: str) -> None:
    assert cleaned(text)[0] == kept


def test_line_ends_are_kept_where_a_field_has_lines() -> None:
    assert cleaned("first\r\nsecond\rthird", lines=True)[0] == "first\nsecond\nthird"


def test_a_cut_is_visible_and_said() -> None:
    assert cleaned("Kern & Sons of Galveston", 11) == ("Kern & Son…", ("cut from 24 to 11 characters",))
    assert cleaned("abc", 1)[0] == "…"


def test_what_is_said_names_a_few_letters_and_counts_the_rest() -> None:
    _, (note,) = cleaned("一二三四五六七八")
    assert note.endswith("一, 二, 三, 四, 五, 六 and 2 more")
    assert lost("一ł一二") == "一二"


@pytest.mark.parametrize(
    ("number", "made"),
    [
        ("536365", "536365"),
        ("INV-2026-000123", "INV-20~"),
        ("JE 2026W05a", "JE 2026W05a"),
        ("JE HOT 2026W44a", "26W44a~"),
        ("JE HOT 2026W44aL2610", "26W44a~"),
        ("ORDER-12026W44-7", "ORDER-~"),
    ],
)
def test_a_number_that_is_too_long_is_cut_visibly_and_keeps_its_week(number: str, made: str) -> None:
    told = names.numbered(number)
    assert told.startswith(made)
    assert len(told) <= 11
    assert ("~" in told) is (len(number) > 11)


def test_numbers_of_one_week_stay_apart() -> None:
    assert len({names.numbered(f"JE {wallet} 2026W44a") for wallet in ("HOT", "COLD", "TREASURY")}) == 3
