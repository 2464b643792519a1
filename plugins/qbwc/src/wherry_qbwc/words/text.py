"""Text as QuickBooks Desktop can hold it: letters of Windows-1252, one line unless told, no longer than its field.

Facts: QuickBooks keeps Windows-1252 and writes a question mark for every other letter; control characters end in a
parse error of the whole message. So every text is cleaned here, and whatever was changed is said.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

Change = Literal["", "blank", "other", "lost"]
"""What became of a letter: nothing, a blank (or it went), another spelling, or a question mark."""
LOST = "?"
CUT = "…"
_SHOWN = 6
_OTHER_SPELLINGS = {
    "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h", "ı": "i", "ĸ": "k", "Ł": "L", "ł": "l", "Ŋ": "N", "ŋ": "n", "Ŧ": "T",
    "ŧ": "t", "ẞ": "SS", "Ə": "E", "ə": "e", "‐": "-", "‑": "-", "‒": "-", "―": "-", "−": "-", "⁄": "/", "∕": "/",
    "‛": "'", "ʹ": "'", "ʻ": "'", "ʼ": "'", "ʾ": "'", "ʿ": "'", "′": "'", "″": '"', "‟": '"', "∙": "·", "⁃": "-",
}  # fmt: skip
_MARKS, _BLANKS, _UNSEEN = {"Mn", "Mc", "Me"}, {"Cc", "Zl", "Zp", "Zs"}, {"Cf", "Cs"}


def cleaned(text: str, most: int = 0, *, lines: bool = False) -> tuple[str, tuple[str, ...]]:
    """What is kept of a text, and in words what was changed: empty exactly if nothing was.

    ``most`` is the longest it may be, in characters; 0 is any length. ``lines`` keeps line ends, as ``\\n``. To clean
    what was cleaned changes nothing.
    """
    if _plain(text, most):
        return text, ()
    whole = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    said = [(letter, *_said(letter, lines)) for letter in whole]
    kept = "".join(instead for _, instead, _ in said).strip()
    notes = list(_notes([(letter, instead, change) for letter, instead, change in said if change]))
    if most and len(kept) > most:
        notes.append(f"cut from {len(kept)} to {most} characters")
        kept = kept[: most - 1].rstrip() + CUT
    return kept, tuple(notes or (["blanks at its ends and loose accents were put in order"] if kept != text else []))


def lost(text: str) -> str:
    """The letters of a text that QuickBooks cannot hold in any spelling, each once."""
    found = (letter for letter in unicodedata.normalize("NFC", text) if _said(letter, True)[1] == "lost")
    return "".join(dict.fromkeys(found))


def _plain(text: str, most: int) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip() and (not most or len(text) <= most)


@lru_cache(maxsize=8192)
def _said(letter: str, lines: bool) -> tuple[str, Change]:
    kind = unicodedata.category(letter)
    if letter == "\n" and lines:
        return letter, ""
    if kind in _BLANKS and letter != " ":
        return " ", "blank"
    if kind in _UNSEEN or letter in "\ufffe\uffff":
        return "", "blank"
    return (letter, "") if _held(letter) else _spelt(letter, kind)


def _spelt(letter: str, kind: str) -> tuple[str, Change]:
    if letter in _OTHER_SPELLINGS:
        return _OTHER_SPELLINGS[letter], "other"
    if kind in _MARKS:
        return "", "other"
    parts = unicodedata.normalize("NFKD", letter)
    if parts == letter:
        return LOST, "lost"
    spelt = [_said(part, False) for part in parts]
    if any(change == "lost" for _, change in spelt):
        return LOST, "lost"
    return "".join(instead for instead, _ in spelt), "other"


def _held(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _notes(changed: list[tuple[str, str, Change]]) -> Iterator[str]:
    blanks = sum(change == "blank" for _, _, change in changed)
    if blanks:
        yield f"{_count(blanks, 'control character or odd blank', 'control characters or odd blanks')} taken out"
    spelt = dict.fromkeys(
        f"{letter} as {instead or 'nothing'}" for letter, instead, change in changed if change == "other"
    )
    if spelt:
        yield f"letters that QuickBooks cannot hold were written otherwise: {_some(list(spelt))}"
    gone = dict.fromkeys(letter for letter, _, change in changed if change == "lost")
    if gone:
        yield f"letters that QuickBooks cannot hold became question marks: {_some(list(gone))}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _some(words: list[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")
