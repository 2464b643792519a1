"""Texts as a company file holds them: names that fit, memos with our stamp in them.

Facts: a customer's name has 41 characters at most, an item's 31, a number 11, none of them a colon; names are the same
whatever the case of their letters. QuickBooks keeps no letters beyond Windows-1252.
"""

from __future__ import annotations

import base64
import hashlib
import re

from .words.text import cleaned, lost

NAME_LENGTHS = {"customer": 41, "product": 31}
"""Entity → the most characters its name may have."""
NUMBER, MEMO = 11, 4095
NOTE = MEMO - len(f" wherry:{26 * '-'}")
"""What of a memo is left beside our stamp."""
_HASH, _SHORT_HASH, _MARK = 6, 4, 4
_WEEK = re.compile(r"(?<!\d)\d\d(\d\dW\d\d[a-z]?)")
_MARKED = re.compile(rf" \([a-z2-7]{{{_MARK}}}\)\Z")
_STAMP = re.compile(r"\bwherry:([a-z2-7]{26})\b")
VOIDED = "VOID:"
"""How QuickBooks begins the memo of a document that was voided."""


def digest(text: str, length: int) -> str:
    """So many characters of lower-case base32 that stand for a text."""
    return base64.b32encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode().lower()[:length]


def fitted(name: str, longest: int, hash: int = _HASH) -> str:
    """A name that QuickBooks takes; empty where nothing is left of it.

    What is too long, or has letters that QuickBooks cannot hold, ends in a hash of the whole: two names stay two.
    """
    whole = " ".join(name.replace(":", " - ").split())
    kept = " ".join(cleaned(whole)[0].split())
    if len(kept) <= longest and not lost(whole):
        return kept
    return f"{kept[: longest - hash - 1].rstrip()}~{digest(whole, hash)}"


def numbered(number: str) -> str:
    """A document's number, shortened visibly where it is too long: ``INV-20~k3xq``; of a journal of a week that week is
    kept: ``26W44a~5yys``."""
    made, week = fitted(number, NUMBER, _SHORT_HASH), _WEEK.search(number)
    return f"{week[1]}{made[-_SHORT_HASH - 1 :]}" if week and made[-_SHORT_HASH - 1 :].startswith("~") else made


def marked(name: str, stamp: str, longest: int) -> str:
    """A name with a mark behind it, for one that is taken: ``Acme (k3xq)``."""
    return f"{fitted(name, longest - _MARK - 3)} ({stamp[:_MARK]})"


def unmarked(name: str, longest: int) -> str:
    """A name as it is compared: the same with a mark and without."""
    return fitted(_MARKED.sub("", name), longest - _MARK - 3).casefold()


def stamped(text: str, stamp: str) -> str:
    """A memo that ends in ``wherry:<stamp>``, by which a document is found again. Stamps in the text itself go."""
    sign = f"wherry:{stamp}"
    kept = cleaned(_STAMP.sub("", text), NOTE, lines=True)[0]
    return f"{kept} {sign}" if kept else sign


def stamp_of(memo: object) -> str:
    """The last stamp in a memo; empty where there is none."""
    found = _STAMP.findall(memo) if isinstance(memo, str) else []
    return found[-1] if found else ""


def plain(memo: object) -> str:
    """A memo or description as it is compared: cleaned, without stamps, each run of blanks as one."""
    return " ".join(cleaned(_STAMP.sub("", memo))[0].split()) if isinstance(memo, str) else ""
