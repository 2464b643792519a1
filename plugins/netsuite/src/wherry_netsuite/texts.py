"""Texts as NetSuite takes them, and our stamps.

Facts: memos and descriptions have 999 characters (Oracle's help on importing journal entries); external ids are folded
in case (API.md), so ours are lower-case base32.
"""

from __future__ import annotations

import re

from wherry.posting.texts import clean

LONGEST = 999
VOIDED = "Voided"
"""How the memo of a document begins that was taken back."""
is_stamp = re.compile(r"[a-z2-7]{26}").fullmatch
"""Whether an external id is one of ours."""


def taken_back(memo: object) -> bool:
    """Whether a memo says that its document was taken back."""
    return clean(memo).startswith(VOIDED)
