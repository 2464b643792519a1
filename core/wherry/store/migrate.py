"""``wherry db upgrade``: Alembic brings a store to the schema of this version. Never imported by a run."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

from wherry.errors import ConfigError
from wherry.store import tables
from wherry.store.database import SCHEMA, TAKE, Database, schema_version
from wherry.store.engines import not_opened

_HERE = Path(__file__).with_name("migrations")


def upgrade(database: Database) -> tuple[str, str]:
    """The schema before ("" if there was none) and after. Raises ConfigError when a newer version made the store, and
    what ``not_opened`` says of one that cannot be reached."""
    engine = database.make_engine()
    try:
        with engine.connect() as connection:
            for sql in TAKE[database.dialect]:
                connection.exec_driver_sql(sql)
            before = schema_version(connection)
            if before is None and sa.inspect(connection).has_table("links"):
                _complete(connection)
            else:
                _migrate(connection)
            connection.commit()
            return before or "", schema_version(connection) or ""
    except OperationalError as error:
        raise not_opened(database.url, error) from error
    finally:
        engine.dispose()


def _complete(connection: sa.Connection) -> None:
    """A process died while it made a fresh store: the tables it did not come to are made now."""
    tables.metadata.create_all(connection)
    command.stamp(_config(connection), SCHEMA)


def _migrate(connection: sa.Connection) -> None:
    config = _config(connection)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise newer(schema_version(connection)) from error


def newer(found: str | None) -> ConfigError:
    """Of a store that no upgrade brings to this version."""
    return ConfigError(
        f"the store is at schema {found}, which this version does not know: it goes up to {SCHEMA}",
        fix="it was made by a newer Wherry: update this one", code="WHERRY-2313", key="store.url",
    )  # fmt: skip


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
