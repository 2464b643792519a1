"""Small matters of English in sentences whose nouns come from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from wherry import money

_QUOTED = re.compile(r'"[^"]*"')
_NAME = re.compile(r"\bNAME\b")
CHOICES = (
    "look there first; it is there: wherry errors resolve E-N --link ID; it is not: the same with --send-again, or "
    "with --abandon where it is not to be sent"
)
"""What a person does about what a machine cannot tell."""


def a(noun: str) -> str:
    """``an invoice``, ``a deal``; also ``a unit``, whose first letter sounds like that of *you*."""
    word = noun.lower()
    sounds_open = word[:1] in ("a", "e", "i", "o", "u") and not word.startswith(("uni", "use", "eu", "one"))
    return f"{'an' if sounds_open else 'a'} {noun}"


def bare(said: str) -> str:
    """Without the full stop at its end, such as a vendor's message has: our sentence goes on after it."""
    return said.rstrip().removesuffix(".")


def spelled(noun: str) -> str:
    """``line_item`` as people write it."""
    return noun.replace("_", " ")


def of_connection(fix: str, connection: str) -> str:
    """A plugin's word on what to do, ``wherry connect NAME``, with the connection's own name."""
    return _NAME.sub(connection, fix) if connection else fix


def in_general(said: str) -> str:
    """Without what it quotes: ``SKU … equals … of …``. Sentences that differ in nothing else are one."""
    return _QUOTED.sub("…", said)


def alike(sentences: Sequence[str]) -> tuple[str, list[str]]:
    """Sentences that are one in general: that one, with what all of them quote, and the values that they do not."""
    quoted = [_QUOTED.findall(one) for one in sentences]
    if len({len(one) for one in quoted}) > 1:  # a name with a quotation mark in it
        return in_general(sentences[0]), []
    columns = list(zip(*quoted, strict=True))
    same = iter([len(set(column)) == 1 for column in columns])
    said = _QUOTED.sub(lambda found: found[0] if next(same) else "…", sentences[0])
    values = next((column for column in columns if len(set(column)) > 1), ())
    return said, [value.strip('"') for value in dict.fromkeys(values)]


def with_amounts(detail: Any) -> Any:
    """What a log keeps, for people: minor units beside their currency as an amount, ``46.52 USD``."""
    if isinstance(detail, list):
        return [with_amounts(one) for one in detail]
    if not isinstance(detail, dict):
        return detail
    told = {name: _sums(one) if name == "sums" else with_amounts(one) for name, one in detail.items()}
    currency = detail.get("currency")
    for name in ("amount", "minor"):
        if isinstance(detail.get(name), int) and currency in money.DECIMALS:
            told = {key: one for key, one in told.items() if key not in ("minor", "currency")}
            told["amount"] = f"{money.figure(detail[name], currency)} {currency}"
    return told


def _sums(found: Any) -> Any:
    """``{"USD": 4652}`` as ``46.52 USD``."""
    if not isinstance(found, dict) or not all(one in money.DECIMALS for one in found):
        return found
    return " + ".join(f"{money.figure(minor, currency)} {currency}" for currency, minor in sorted(found.items()))
