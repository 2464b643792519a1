"""Source, ledger and target compared, document by document: everything is posted, reversed, held or left out.

Source = posted + reversed + held + left out, in every currency, to the last minor unit (write-protocol.md, I9); and
what the target holds is what was written.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import Struct, field

from wherry.store.ledger import ItemRow, LinkRow

State = Literal["posted", "reversed", "held", "skipped"]
STATES: tuple[State, ...] = ("posted", "reversed", "held", "skipped")
_PERIOD = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


class Line(Struct, kw_only=True):
    """One record and what became of it. ``posted`` and ``held`` are minor units: of a document with a change that is
    not sent yet both are there."""

    kind: str
    record: str
    state: State
    fate: str
    entity: str = ""
    key: str = ""
    number: str = ""
    date: str = ""
    target: str = ""
    amount: int | None = None
    currency: str = ""
    held: int = 0
    item: ItemRow | None = None
    link: LinkRow | None = None
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.kind} {self.record}"


class Difference(Struct, frozen=True, kw_only=True):
    """Where the ends do not agree. ``what`` is ``missing``, ``edited``, ``total``, ``twice``, ``alike``, ``there``
    (although it is held here), ``source`` or ``untold``."""

    what: str
    document: str
    record: str
    target: str
    amount: int | None
    currency: str
    says: str
