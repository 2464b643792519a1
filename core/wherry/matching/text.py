"""Names and SKUs in the form in which they are compared.

Two names are equal when they differ only in case, accents, spaces, punctuation, zero-width characters or
unicode form. Nothing that carries meaning is folded away: what stands between two digits (``1-2``, ``1.5``,
``1/2``), symbols (``+ # % @``, currencies and all of the Unicode classes S*), feet and inches.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

_LETTERS = {
    "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
    "×": "x", "⁄": "/", "∕": "/", "∶": ":", "¦": "|", "٫": ".", "٬": ",", "،": ",", "、": ",", "。": ".",
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"',
}  # fmt: skip
_REMEMBERED = 2048
"""Keys kept ready: a batch asks for those of its things again and again, and a catalogue of names is no leak."""
_LONGEST_KEY = 300
_TRADE_MARKS = "®™©℠"
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u3164\uffa0\u180b-\u180f\ufdd0-\ufdef\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]+")
_ACCENTS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_ACCENTED = re.compile(f"([^{_ACCENTS}]?)([{_ACCENTS}]+)")
_SEPARATORS = " !\"'()*,-./:;?[\\]_`{|}"
_BETWEEN_DIGITS = re.compile(rf"(\d)([\s{re.escape(_SEPARATORS)}]+)(?=\d)")
_BARE_POINT = re.compile(r"(?<![\w.])\.(?=\d)")
_MEASURE = re.compile(r"""(?<=\d)(?:''|["'])""")
_DASHES = re.compile(r"[\s_-]+")
_PADDED = re.compile(r" ?([^ .,]) ?")
_OPENING = re.compile(r"""(?:^|(?<=[^\w"']))["'](?=\w)""")
_WORD = re.compile(r"[^\W_]+")
_KEPT = {ord(char): 0xFDD0 + n for n, char in enumerate(_SEPARATORS)}
"""Separator → the noncharacter that stands for it while the others are dropped; ``fold`` leaves none of them."""
_IDLE = _SEPARATORS + "\t\n\v\f\r"
_IDLE_BYTES = _IDLE.encode()
_DROPPED = {
    **dict.fromkeys(map(ord, _IDLE), None),
    **{kept: plain for plain, kept in _KEPT.items()},
}
_IDLE_MARKS = re.escape(" !()*,-/:;?[\\]_`{|}")
_PLAIN = re.compile(rf"[A-Za-z{_IDLE_MARKS}]*+(?:[0-9]++(?![{_IDLE_MARKS}]++[0-9])[A-Za-z{_IDLE_MARKS}]*+)*+").fullmatch
"""Words, and numbers that do not stand side by side: nothing to fold but case, and nothing between them to keep."""
_PLAIN_SKU = re.compile(r"[A-Za-z0-9][!-~]*").fullmatch
_NO_WORD = bytes(code for code in range(128) if not chr(code).isalnum())
_IDLE_SPACE = re.compile(r"(?<!\d)\s+|\s+(?!\d)")


class _Folding(dict[int, str]):
    """Code point → what stands for it, for str.translate; worked out once per code point."""

    def __missing__(self, point: int) -> str:
        folded = self[point] = _folded_character(chr(point))
        return folded


def _folded_character(char: str) -> str:
    if char in _TRADE_MARKS:
        return " "
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    text = "".join(_one(piece) for piece in plain)
    # "10²" is not 102 and "1½" is not 11/2: a digit that is not written as a digit stands apart.
    return f" {text} " if re.search("[0-9]", text) and not char.isdecimal() else text


def _one(char: str) -> str:
    if char in _LETTERS:
        return _LETTERS[char]
    category = unicodedata.category(char)
    if char.isascii() and category != "Cc":
        return char
    if category[0] == "Z" or (category == "Cc" and char in "\t\n\v\f\r\x85"):
        return " "
    if _invisible(char):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Pd":
        return "-"
    return ";" if category[0] == "P" else char


def _invisible(char: str) -> bool:
    hidden = unicodedata.category(char) in ("Cc", "Cf", "Cs") or ord(char) & 0xFFFE == 0xFFFE
    return hidden or _IGNORABLE.match(char) is not None


_FOLDING = _Folding()


def fold(text: str) -> str:
    """The text in lower case and one unicode form, without accents, zero-width and control characters.

    Punctuation and spaces are still there. Takes any string, lone surrogates and NUL included.
    """
    if text.isascii():
        return (text if text.isprintable() else _CONTROLS.sub("", text)).lower()
    folded = _ACCENTED.sub(_without_accent, unicodedata.normalize("NFD", text).translate(_FOLDING))
    return unicodedata.normalize("NFC", folded)


def _without_accent(match: re.Match[str]) -> str:
    # A stroke through a symbol is no accent: "≠" must not become "=".
    base, marks = match.groups()
    return base + marks if base and unicodedata.category(base)[0] == "S" else base


@lru_cache(_REMEMBERED)
def name_key(text: str) -> str:
    """The name as it is compared: "GTXPro", "GTX Pro" and "gtx-pro" have one key, "AB 1-2" and "AB 12" two.

    Empty when nothing is left to compare by; an empty key matches nothing.
    """
    if _PLAIN(text):
        plain = text.replace(" ", "").lower()
        return plain if plain.isalnum() else _without_idle(plain)
    folded = fold(text)
    if "&" in folded:
        folded = folded.replace("&", " and ")
    if "'" in folded or '"' in folded:
        folded = _MEASURE.sub(_feet_or_inches, folded)
    folded = _BETWEEN_DIGITS.sub(_between_digits, folded)
    if "." in folded:
        folded = _BARE_POINT.sub("0" + ".".translate(_KEPT), folded)
    return _without_idle(folded) if folded.isascii() else folded.translate(_DROPPED)


def _without_idle(text: str) -> str:
    return text.encode().translate(None, _IDLE_BYTES).decode()  # in a quarter of the time of the other


def _feet_or_inches(match: re.Match[str]) -> str:
    """A quote behind a number is a measure, unless it closes what an earlier one opened."""
    closes = _OPENING.search(match.string, 0, match.start())
    return "" if closes else "′" if match.group() == "'" else "″"


def _between_digits(match: re.Match[str]) -> str:
    """A dash is a space here as everywhere, a slash may have spaces about it.

    A point or comma keeps the space beside it: "1, 2" is a list, "1,2" a number.
    """
    digit, run = match.groups()
    plain = _DASHES.sub(" ", run)
    return digit + (plain if plain == " " else _PADDED.sub(r"\1", plain)).translate(_KEPT)


@lru_cache(_REMEMBERED)
def sku_key(text: str) -> str:
    """The SKU as it is compared: case, unicode form and spaces do not count, but a space between two digits does.

    So do punctuation and leading zeros: "AB-1" is not "AB1", "007" is not "7". Empty without letter or digit.
    """
    if _PLAIN_SKU(text):
        return text.lower()
    if text.isascii():
        return _spaced(_CONTROLS.sub("", text).lower())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    plain = "".join(char for char in folded if char.isspace() or not _invisible(char))
    return unicodedata.normalize("NFKC", _spaced(plain))


def _spaced(plain: str) -> str:
    pieces = plain.split()
    key = plain if pieces == [plain] else _IDLE_SPACE.sub("", " ".join(pieces))
    return key if _WORD.search(key) else ""


def product_key(id: str = "", sku: str = "", name: str = "") -> str:
    """The identity of a thing at the source, for ``Draft.key``: ``id:…``, else ``sku:…``, else ``name:…``.

    Empty when all three say nothing: such a thing cannot be told from another.
    """
    if key := id.strip():
        return f"id:{_bounded(key)}"
    if key := sku_key(sku):
        return f"sku:{_bounded(key)}"
    return f"name:{_bounded(key)}" if (key := name_key(name)) else ""


def _bounded(key: str) -> str:
    """A long key with its end as a hash: a database indexes no more than some kilobytes."""
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[:_LONGEST_KEY]}#{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


def words(text: str) -> list[str]:
    """The folded words and numbers of a name, in order."""
    return _WORD.findall(fold(text).replace("&", " and "))


@lru_cache(_REMEMBERED)
def code_of(text: str) -> str:
    """Its words and numbers without what stands between them: "KX-TG 9372" is "kxtg9372"."""
    if text.isascii():
        return text.lower().replace("&", "and").encode().translate(None, _NO_WORD).decode()  # in a third of the time
    return "".join(words(text))
