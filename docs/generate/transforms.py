"""The page of transforms: what can be called in a field map."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

EXAMPLES = {
    "decimal": ("decimal(line_item.price)", '`"1.50"` → `1.50`'),
    "integer": ("integer(deal.seats)", '`"3"` → `3`'),
    "text": ("text(deal.number)", '`17` → `"17"`'),
    "lower": ("lower(company.domain)", '`"ACME.test"` → `"acme.test"`'),
    "upper": ("upper(deal.code)", '`"us"` → `"US"`'),
    "strip": ("strip(deal.dealname)", '`" Fence "` → `"Fence"`'),
    "title": ("title(company.city)", '`"new york"` → `"New York"`'),
    "default": ("default(deal.description, '')", 'no value → `""`'),
    "first": ("first(company.name, company.domain)", 'no name → `"acme.test"`'),
    "join": ("join(', ', company.address, company.city)", '`"1 Dock St, Duluth"`'),
    "yes_no": ("yes_no(deal.taxable)", '`"true"` → `true`'),
    "id": ("id(file.id, deal.id)", '`"id:17/4711"`'),
    "product": ("product(line_item.hs_product_id, line_item.hs_sku, line_item.name)", '`"id:77"`, else `"sku:GTX-1"`'),
    "money": ("money(deal.amount, deal.deal_currency_code)", '`"12.50"`, `"USD"` → 12.50 USD'),
    "round_money": ("round_money(line_item.amount)", '`"12.345"` → 12.35, and a residue of -0.005'),
    "date": ("date(deal.closedate)", '`"2026-01-31T23:30:00Z"` → `"2026-01-31"` in Chicago'),
}
PLAIN = {
    "lower": "In small letters.",
    "upper": "In capitals.",
    "strip": "Without white space at both ends.",
    "title": "Each word with a capital.",
}


def page() -> str:
    """The whole page, from the functions themselves."""
    from wherry import transforms

    found = {**transforms.core("USD", ZoneInfo("America/Chicago")), **transforms.counting("USD")}
    parts = [INTRO.strip(), "", "| call | gives | does | example |", "|---|---|---|---|"]
    for name, function in found.items():
        call, example = EXAMPLES.get(name, (name, ""))
        gives = transforms.RESULTS.get(name, "what it gets")
        parts.append(f"| `{_signature(name, function)}` | {gives} | {_told(name, function)} | `{call}`: {example} |")
    return "\n".join([*parts, OWN])


INTRO = """
# Transforms

What can be called in a field map. [Change a field map](../how-to/write-a-field-map.md) shows where it stands.

**Nothing comes in two kinds.** A field that is null or was not sent has *no value* (None); a field that the source
says is empty is `""`. `decimal`, `integer`, `yes_no`, `money`, `round_money` and `date` give no value for both; those
on text hand both through as they came. A value that cannot be read exactly refuses the record
([WHERRY-4202](errors.md#wherry-4202)); it is never guessed at.
"""
OWN = """
## Of your own

A plugin brings transforms through the hook [`wherry_transforms`](hooks.md#wherry_transforms), name → function. A
function takes plain source values (text, whole numbers, Decimal, true or false, None) and gives one. It raises
`ValueError`, or `Rejected` where it can say what to do; the record is refused then. A name that two plugins bring
belongs to the later one of `[plugins] enabled`.
"""


def _signature(name: str, function: Callable[..., Any]) -> str:
    given = []
    for one in inspect.signature(function).parameters.values():
        if one.name == "residue":
            continue  # given by the core, not by the map
        word = f"{one.name}…" if one.kind is one.VAR_POSITIONAL else one.name
        given.append(word if one.default is one.empty else f"[{word}]")
    return f"{name}({', '.join(given)})"


def _told(name: str, function: Callable[..., Any]) -> str:
    text = PLAIN.get(name) or " ".join((inspect.getdoc(function) or "").split())
    return re.sub(r"``([^`]*)``", r"`\1`", text).replace("|", "\\|")
