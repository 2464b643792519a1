"""A deal with a company and two lines, and a map for it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from wherry.records import Record
from wherry_jsonata.mapper import JsonataMapper
from wherry_jsonata.settings import MapperSettings

FIELDS = {
    "deal": ("dealname", "dealstage", "amount", "currency", "closedate"),
    "company": ("name",),
    "line_item": ("name", "quantity", "amount"),
}
WHEN = "deal.dealstage = 'closedwon' ? true : 'at stage ' & $string(deal.dealstage)"
MAP = Path(__file__).with_name("deals.jsonata").read_text("utf-8")


def deal(id: str = "901", relatives: bool = True, **fields: Any) -> Record:
    """A won deal; a number with a fraction stands in it as the source sends it."""
    own = {"dealname": "Rail & Sons", "dealstage": "closedwon", "amount": "1054.10", "currency": "USD",
           "closedate": "2026-03-02", **fields}  # fmt: skip
    made = Record(kind="deal", id=id, version="1", payload=msgspec.json.encode(own))
    if relatives:
        lines = (b'{"name":"Bolt","quantity":2.5,"amount":19.99}', b'{"name":"Nut","quantity":1,"amount":"0.01"}')
        made.relatives = {
            "company": [Record(kind="company", id="17", version="1", payload=b'{"name":"Acme"}')],
            "line_item": [Record(kind="line_item", id=str(n), version="1", payload=one)
                          for n, one in enumerate(lines)],
        }  # fmt: skip
    return made


def fresh(text: str = MAP, *, when: str = "", **bounds: Any) -> JsonataMapper:
    """A mapper over an expression, with a process of its own."""
    settings = MapperSettings(
        map="maps/deals.jsonata", fields=FIELDS, makes=("customer", "project"), when=when, **bounds
    )
    return JsonataMapper("deal", settings, text, "won-deals")


@cache
def mapper() -> JsonataMapper:
    return fresh(when=WHEN)
