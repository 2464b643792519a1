"""What Alembic runs: the migrations over the connection that ``wherry.store.migrate`` opened."""

from __future__ import annotations

from alembic import context

from wherry.store import tables

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=tables.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
