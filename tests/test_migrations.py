"""Migrations and ``create_all`` make the same store, and an upgrade mends what a crash left half made."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from wherry.errors import ConfigError, TryAgain
from wherry.store import tables
from wherry.store.database import SCHEMA, Database, schema_version
from wherry.store.migrate import upgrade

Shape = dict[str, object]


def _sqlite_statements(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name NOT LIKE 'a%n'"
        )
        return {row[0] for row in found}


def _shape(database: Database) -> Shape:
    """Every column, key and index, as the database itself tells them."""
    inspector = sa.inspect(database.engine)
    names = sorted(set(inspector.get_table_names()) - {"alembic_version"})
    return {
        name: (
            [(c["name"], str(c["type"]), c["nullable"], str(c["default"])) for c in inspector.get_columns(name)],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(tuple(u["column_names"]) for u in inspector.get_unique_constraints(name)),
            sorted((str(i["name"]), tuple(map(str, i["column_names"]))) for i in inspector.get_indexes(name)),
        )
        for name in names
    }


def test_migrations_make_the_very_tables_that_a_fresh_store_has(tmp_path: Path) -> None:
    migrated, fresh = Database(f"sqlite:///{tmp_path / 'a.db'}"), Database(f"sqlite:///{tmp_path / 'b.db'}")
    assert upgrade(migrated) == ("", SCHEMA)
    assert _sqlite_statements(migrated) == _sqlite_statements(fresh)
    assert len(_shape(migrated)) == len(tables.metadata.tables)


def test_migrations_make_the_same_tables_on_both_databases(empty_url: str, tmp_path: Path) -> None:
    migrated = Database(empty_url)
    upgrade(migrated)
    shape = _shape(migrated)
    with migrated.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
        tables.metadata.drop_all(connection)
    migrated.close()
    fresh = Database(empty_url)
    assert shape == _shape(fresh)
    fresh.close()


def test_an_upgrade_of_an_up_to_date_store_changes_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.write() as tx:
        tx.many(tables.meta, ("key", "value"), [("kept", "yes")])
    assert upgrade(database) == (SCHEMA, SCHEMA)
    with database.read() as tx:
        assert tx.value(sa.select(tables.meta.c.value)) == "yes"


def test_a_store_that_was_half_made_when_its_process_died_is_completed(tmp_path: Path) -> None:
    """case_A18"""
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    engine = sa.create_engine(database.url)
    with engine.begin() as connection:
        tables.metadata.create_all(connection, tables=[tables.meta, tables.links])
    engine.dispose()
    with pytest.raises(ConfigError, match="at schema none"):
        database.engine  # noqa: B018
    assert upgrade(database) == ("", SCHEMA)
    assert len(_shape(database)) == len(tables.metadata.tables)


def test_a_store_made_by_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for use in (lambda: upgrade(database), lambda: database.read().__enter__()):
        with pytest.raises(ConfigError, match=r"9999, which this version does not know") as caught:
            use()
        assert "newer" in caught.value.fix
    with sa.create_engine(database.url).connect() as connection:
        assert schema_version(connection) == "9999"


def test_a_server_that_does_not_answer_an_upgrade_may_do_so_later() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(TryAgain, match="does not answer"):
        upgrade(Database("postgresql://wherry@/wherry?host=/nowhere"))
