"""Texts as an API takes them: one line without what JSON or XML cannot carry, cut where it would be too long."""

from __future__ import annotations

import unicodedata


def clean(text: object) -> str:
    """In one line, each run of blanks as one, without control characters and lone surrogates. None is an empty text."""
    told = str(text or "")
    return " ".join((told if told.isprintable() else "".join(map(_kept, told))).split())


def _kept(letter: str) -> str:
    kind = unicodedata.category(letter)
    return "" if kind == "Cs" or letter in "\ufffe\uffff" else " " if kind in ("Cc", "Zl", "Zp") else letter


def cut(text: object, longest: int) -> str:
    """The same, with an ellipsis where it is too long."""
    whole = clean(text)
    return whole if len(whole) <= longest else f"{whole[: longest - 1].rstrip()}…"
