"""The store's migrations, for Alembic; see ``wherry.store.migrate``."""
