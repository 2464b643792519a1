"""Texts as NetSuite takes them: without what JSON cannot carry, cut where it is too long, and our stamps.

Facts: memos and descriptions have 999 characters (Oracle's help on importing journal entries); external ids are folded
in case (API.md), so ours are lower-case base32.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 999
VOIDED = "Voided"
"""How the memo of a document begins that was taken back."""
REVERSES = "Reverses "
"""How the memo of an entry begins that takes back another."""
is_stamp = re.compile(r"[a-z2-7]{26}").fullmatch
"""Whether an external id is one of ours."""


def clean(text: object) -> str:
    """In one line, each run of blanks as one, without control characters and lone surrogates."""
    kept = (_kept(letter) for letter in str(text or ""))
    return " ".join("".join(kept).split())


def _kept(letter: str) -> str:
    kind = unicodedata.category(letter)
    return "" if kind == "Cs" or letter in "\ufffe\uffff" else " " if kind in ("Cc", "Zl", "Zp") else letter


def cut(text: object, longest: int = LONGEST) -> str:
    """The same, with an ellipsis where it is too long."""
    whole = clean(text)
    return whole if len(whole) <= longest else f"{whole[: longest - 1].rstrip()}…"


def taken_back(memo: object) -> bool:
    """Whether a memo says that its document was taken back."""
    return clean(memo).startswith(VOIDED)
