"""Tokens of the web host as they lie in the store: hashes only, with who made, ended and last used each."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from wherry.store.database import Tx
from wherry.store.tables import api_tokens as table


class TokenRow(Struct, frozen=True, kw_only=True):
    """One token. ``hash`` and ``app_hash`` are SHA-256 in hex, ``scopes`` words with a blank between; times are as
    the store writes them, empty where it has not happened (or, of ``expires_at``, never will)."""

    id: str
    name: str
    hash: str
    app_hash: str
    scopes: str
    created_at: str
    created_by: str
    expires_at: str = ""
    revoked_at: str = ""
    revoked_by: str = ""
    used_at: str = ""
    used_from: str = ""


def add(tx: Tx, row: TokenRow) -> None:
    """Raises IntegrityError where the id is taken."""
    tx.run(sa.insert(table).values({name: getattr(row, name) for name in TokenRow.__struct_fields__}))


def by_id(tx: Tx, id: str) -> TokenRow | None:
    found = tx.one(sa.select(table).where(table.c.id == id))
    return TokenRow(**found._mapping) if found else None


def every(tx: Tx) -> list[TokenRow]:
    """All of them, also those that were revoked, in the order of their making."""
    return [TokenRow(**row._mapping) for row in tx.run(sa.select(table).order_by(table.c.created_at, table.c.id))]


def revoke(tx: Tx, id: str, at: str, by: str) -> None:
    tx.run(sa.update(table).where(table.c.id == id).values(revoked_at=at, revoked_by=by))


def used(tx: Tx, id: str, at: str, address: str) -> None:
    """Note the last use."""
    tx.run(sa.update(table).where(table.c.id == id).values(used_at=at, used_from=address))
