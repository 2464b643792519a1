"""Where only a few things are there, most of what is asked for cannot be among them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from wherry.records import Ref
from wherry.store.database import Tx

FEW = 64
"""So few things are asked for in one statement."""


def that_may_be(tx: Tx, statement: sa.Executable, refs: Collection[Ref], **told: int) -> Collection[Ref]:
    """Those of many refs that can be there at all. The kept statement gives the entity and key of some that are there,
    and one more than few where there are more."""
    if len(refs) <= FEW:
        return refs
    there = tx.kept(statement, told)
    return refs if len(there) > FEW else {Ref(*row) for row in there}.intersection(refs)
