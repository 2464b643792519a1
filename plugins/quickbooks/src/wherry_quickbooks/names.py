"""Texts as QuickBooks Online takes them: names, notes with our stamp in them, and texts with a longest length.

Facts: a display name holds no colon, tab or new line and has 500 characters, an item's name 100; names are unique
whatever the case of their letters (Intuit's API reference). Lengths are counted in UTF-16 units, as Java does: never
fewer than the characters.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

NAME_LENGTHS = {"customer": 500, "product": 100}
"""Entity → the most units its name may have."""
NOTE, CUSTOMER_NOTE, DESCRIPTION = 4000, 2000, 4000
_HASH = 10
_MARK = 6
_ROOM = _MARK + 3
_MARKED = re.compile(rf" \([a-z2-7]{{{_MARK}}}\)\Z")
_STAMP = re.compile(r"\bwherry:([a-z2-7]{26})\b")
VOIDED = "Voided"
"""How QuickBooks begins the note of a document that was voided."""


def digest(text: str, length: int) -> str:
    """So many characters of lower-case base32 that stand for a text."""
    return base64.b32encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().lower()[:length]


def units(text: str) -> int:
    """How long a text is to QuickBooks."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def clean(text: str, *, lines: bool = False) -> str:
    """Without what JSON or XML cannot carry: lone surrogates go, control characters become blanks.

    ``lines`` keeps the ends of lines, as ``\\n``.
    """
    if text.isprintable():
        return text.strip()  # as below, in a tenth of the time
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (_kept(letter, lines) for letter in text)
    return "".join(kept).strip()


def _kept(letter: str, lines: bool) -> str:
    if letter == "\n" and lines:
        return letter
    kind = unicodedata.category(letter)
    return "" if kind == "Cs" or letter in "\ufffe\uffff" else " " if kind in ("Cc", "Zl", "Zp") else letter


def cut(text: str, longest: int, *, lines: bool = True) -> str:
    """A description or memo, cut with an ellipsis where it is too long."""
    text = clean(text, lines=lines)
    return text if units(text) <= longest else f"{_head(text, longest - 1).rstrip()}…"


def _head(text: str, longest: int) -> str:
    while units(text) > longest:
        text = text[: len(text) - max(1, (units(text) - longest) // 2)]
    return text


# -- names ------------------------------------------------------------


def fitted(name: str, longest: int) -> str:
    """A name that QuickBooks takes; empty where nothing is left of it.

    A colon becomes a dash, blanks of all sorts become one. What is too long is cut, and ends in a hash of the whole, so
    that two long names stay two.
    """
    plain = " ".join(clean(name.replace(":", " - ")).split())
    if units(plain) <= longest:
        return plain
    return f"{_head(plain, longest - _HASH - 1).rstrip()}~{digest(plain, _HASH)}"


def mark_of(stamp: str) -> str:
    """What tells apart the name of an item whose own name is taken."""
    return stamp[:_MARK]


def marked(name: str, mark: str, longest: int) -> str:
    """A fitted name with a mark behind it, for one that is taken: ``Acme (k3xq7a)``."""
    return f"{fitted(name, longest - _ROOM)} ({mark})"


def unmarked(name: str, longest: int) -> str:
    """A name as it is compared: the same with a mark and without."""
    return fitted(_MARKED.sub("", name), longest - _ROOM)


# -- notes ------------------------------------------------------------


def stamped(text: str, stamp: str, longest: int) -> str:
    """A note that ends in ``wherry:<stamp>``, by which a document is found again. Stamps in the text itself go."""
    sign = f"wherry:{stamp}"
    text = cut(_STAMP.sub("", text), longest - len(sign) - 1)
    return f"{text}\n{sign}" if text else sign


def stamp_of(note: object) -> str:
    """The stamp in a note, the last one; empty where there is none."""
    found = _STAMP.findall(note) if isinstance(note, str) else []
    return found[-1] if found else ""


def unstamped(note: object) -> str:
    """A note as it is compared: without stamps, and each run of blanks as one."""
    return " ".join(_STAMP.sub("", note).split()) if isinstance(note, str) else ""


def voided(note: object) -> bool:
    """Whether a note says that its document was voided."""
    return isinstance(note, str) and note.startswith(VOIDED)
