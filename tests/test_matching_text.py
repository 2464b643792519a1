"""Keys: what is one name, what is one SKU, and what must never be taken for the same."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wherry.matching import name_key, product_key, sku_key
from wherry.matching.text import code_of, words

LATIN = st.text(alphabet="abcdefghijklmnopqrstuvwxyzåéñöüß0123456789 -.,/+#%&'\"", max_size=30)
ANY = st.text(max_size=30)
WITH_SURROGATES = st.text(
    alphabet=st.one_of(st.characters(), st.characters(categories=["Cs"]), st.sampled_from("\x00\ufffe")),
    max_size=30,
)
NUMBER = st.integers(0, 9999).map(str)


@pytest.mark.parametrize(
    "twin",
    [
        "GTX Pro", "gtx-pro", " GTX  PRO ", "G.T.X. (Pro)", "ＧＴＸＰｒｏ", "GTX\u00a0Pro", "GTX\u200bPro",
        "GTX\tPro\n", "GTX\x00Pro", "GTX Pró", "GTX Pro\u0301", "GTX™ Pro®", "G\u00adTX_Pro", "\ud800GTX Pro",
        "\ufeffGTX Pro",
    ],
)  # fmt: skip
def test_a_name_is_the_same_in_every_case_spacing_punctuation_and_unicode_form(twin: str) -> None:
    """case_D5, case_D6, case_D7"""
    assert name_key(twin) == name_key("GTXPro") == "gtxpro"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nuts & Bolts", "nuts and bolts"), ("½ in valve", "1/2 in valve"), ("1½ in", "1 1/2 in"), ("2×4", "2 x 4"),
        ("Straße", "STRASSE"), ("Żółw", "zolw"), ("10–20 mm", "10-20 mm"), ("1 / 2", "1/2"), (".5 mm", "0.5 mm"),
        ("٣٤", "34"), ("Widget 'X5'", "Widget X5"), ("50″ TV", '50" TV'), ("50'' TV", '50" TV'), ("İzmir", "izmir"),
        ("1\u200b2", "12"), ("No. 5", "No 5"), ("m²", "m2"),
    ],
)  # fmt: skip
def test_two_ways_of_writing_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AB 1-2", "AB 12"), ("1.5 m", "15 m"), ("1/2", "12"), ("1/2", "1.2"), ("1,5", "15"), ("1 2", "12"),
        ("GTX+", "GTX"), ("GTX #2", "GTX 2"), ("5 %", "5"), ("$5", "£5"), ("$5", "5"), ("10 °C", "10 C"),
        ("10²", "102"), ("1½", "11/2"), ("①2", "12"), (".5 mm", "5 mm"), ("1, 2", "1,2"), ("5' cable", '5" cable'),
        ("a ≠ b", "a = b"), ("か", "が"), ("2®4", "24"), ("🔥", "❄"), ("1.2.3", "12.3"), ("A≤5", "A≥5"),
    ],
)  # fmt: skip
def test_what_carries_meaning_is_never_folded_away(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("nothing", ["", "  ", "?", "---", "\u200b", "™", "...", "\x00", "\ud800", "\ufffe", "()"])
def test_a_name_with_nothing_left_has_an_empty_key(nothing: str) -> None:
    assert name_key(nothing) == ""


@given(ANY)
@example('5"x 6"')
@example("1 1/2")
@example("AB .5mm")
@example("≠\u0301")
def test_the_key_of_a_key_is_the_key(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)


@given(ANY)
def test_canonically_equal_names_have_one_key(text: str) -> None:
    """case_D7"""
    assert name_key(unicodedata.normalize("NFC", text)) == name_key(unicodedata.normalize("NFD", text))
    assert sku_key(unicodedata.normalize("NFC", text)) == sku_key(unicodedata.normalize("NFD", text))


@given(LATIN)
def test_case_and_outer_spaces_never_tell_names_apart(text: str) -> None:
    """case_D7"""
    assert name_key(text) == name_key(text.upper()) == name_key(f"  {text} ")


@given(WITH_SURROGATES)
def test_any_code_point_is_taken_and_no_invisible_one_is_left(text: str) -> None:
    """case_D5"""
    key = name_key(text)
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in key + sku_key(text))
    assert "\ufffe" not in key


@given(NUMBER, st.sampled_from([" ", "-", ".", ",", "/", ":", " x ", "+", "–", "⁄", "×", "_"]), NUMBER)
def test_two_numbers_are_never_run_together(left: str, between: str, right: str) -> None:
    assert name_key(f"AB {left}{between}{right}") != name_key(f"AB {left}{right}")


@given(NUMBER, NUMBER, st.sampled_from(".,/"), st.sampled_from(".,/"))
def test_a_decimal_point_a_comma_and_a_slash_stay_apart(left: str, right: str, one: str, other: str) -> None:
    assert (name_key(f"{left}{one}{right}") == name_key(f"{left}{other}{right}")) == (one == other)


def test_a_sku_keeps_its_punctuation_and_its_leading_zeros() -> None:
    assert sku_key(" gtx-1 ") == sku_key("GTX-1") == sku_key("GTX -1") == sku_key("ＧＴＸ-1")
    assert len({sku_key(text) for text in ("AB-1", "AB1", "AB/1", "AB.1")}) == 4
    assert len({sku_key(text) for text in ("007", "07", "7", "0 07")}) == 4
    assert sku_key("10  5") == sku_key("10 5") != sku_key("105")
    assert sku_key("AB 1") == sku_key("AB1")


@pytest.mark.parametrize("nothing", ["", " ", "-", "--", "\u200b", "/"])
def test_a_sku_without_letter_or_digit_says_nothing(nothing: str) -> None:
    assert sku_key(nothing) == ""


@given(ANY)
def test_the_sku_key_of_a_sku_key_is_the_key(text: str) -> None:
    assert sku_key(sku_key(text)) == sku_key(text)


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=12))
def test_plain_skus_have_the_keys_that_any_other_spelling_gives_them(text: str) -> None:
    """The short ways for them are no rules of their own."""
    assert sku_key(text) == sku_key(f"{text} ")
    assert code_of(text) == code_of(f"{text}\u00ad") == "".join(words(text))


def test_a_product_is_known_by_its_id_else_its_sku_else_its_name() -> None:
    assert product_key("4711", "GTX-1", "GTX Pro") == "id:4711"
    assert product_key("", "GTX-1", "GTX Pro") == "sku:gtx-1"
    assert product_key("", " - ", "GTX Pro") == product_key(name="GTXPro") == "name:gtxpro"
    assert product_key(" ", "", "?") == ""
