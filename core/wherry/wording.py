"""Small matters of English in sentences whose nouns come from elsewhere."""

from __future__ import annotations


def a(noun: str) -> str:
    """``an invoice``, ``a deal``; also ``a unit``, whose first letter sounds like that of *you*."""
    word = noun.lower()
    sounds_open = word[:1] in ("a", "e", "i", "o", "u") and not word.startswith(("uni", "use", "eu", "one"))
    return f"{'an' if sounds_open else 'a'} {noun}"
