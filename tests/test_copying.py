"""``wherry db copy``: a backup that is whole, and the way from one kind of database to the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from wherry.errors import ConfigError
from wherry.store import Store, tables
from wherry.store.copying import copy
from wherry.store.database import Database
from wherry.testing.clock import FakeClock
from wherry.testing.commands import Commands

VALUES: dict[type, Any] = {
    sa.Boolean: True, sa.LargeBinary: b"\x00\xff", sa.Text: "Größe 日本 'x'", sa.Integer: 3, sa.BigInteger: 2**40,
}  # fmt: skip


def filled(path: Path) -> Store:
    """A store with a row in each of its tables, and entries in its log."""
    store = Store(f"sqlite:///{path}", FakeClock(), path.parent)
    for said in ("one", "two"):
        store.audit("test", said)
    with store.write() as tx:
        for table in tables.metadata.sorted_tables:
            if table.name != "audit":
                own = table.autoincrement_column
                told = {one.name: 1 if one is own else VALUES[type(one.type)] for one in table.columns}
                tx.run(table.insert(), told)
    return store


def rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as tx:
        return {one.name: [tuple(row) for row in tx.rows(sa.select(one))] for one in tables.metadata.sorted_tables}


def test_a_store_moves_to_postgresql_and_back_whole_and_its_numbers_go_on(tmp_path: Path, postgres_url: str) -> None:
    store = filled(tmp_path / "a.db")
    server, back = Database(postgres_url), Database(f"sqlite:///{tmp_path / 'new' / 'b.db'}")
    before = rows(store.database)
    assert copy(store.database, server) == sum(map(len, before.values())) > 20
    assert rows(server) == before
    moved = Store(postgres_url, FakeClock(), tmp_path)
    moved.audit("test", "three")
    with moved.write() as tx:
        tx.run(tables.history.insert().values(at="now"))
    assert [row[0] for row in rows(server)["history"]] == [1, 2]
    copy(server, back)
    assert rows(back) == rows(server)
    assert oct((tmp_path / "new" / "b.db").stat().st_mode)[-3:] == "600"
    for one in (store, moved):
        one.close()
    for each in (server, back):
        each.close()


def test_nothing_is_copied_over_a_store(tmp_path: Path) -> None:
    store, other = filled(tmp_path / "a.db"), filled(tmp_path / "b.db")
    for target in (other.database, store.database):
        with pytest.raises(ConfigError, match="holds a store already") as caught:
            copy(store.database, target)
        assert caught.value.code == "WHERRY-2317"
    store.close()
    other.close()


def test_a_backup_takes_the_place_of_its_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = 'version = 1\n[project]\nname = "shop"\ncurrency = "USD"\n[plugins]\nenabled = ["workspace"]\n'
    (tmp_path / "wherry.toml").write_text(project + '[connections.platform]\nplugin = "workspace"\n')
    typed = Commands(tmp_path, capsys)
    (tmp_path / "customers.csv").write_text("name\nKontor\n")
    typed.does("workspace import customer customers.csv")
    assert "rows" in typed.does(f"db copy {tmp_path / 'backups' / 'a.db'}")
    assert typed.ask("audit list --limit 1")["items"][0]["action"] == "db.copy"
    for old in (tmp_path / ".wherry").glob("wherry.db*"):
        if old.is_file():
            old.unlink()
    (tmp_path / "backups" / "a.db").rename(tmp_path / ".wherry" / "wherry.db")
    assert "Kontor" in typed.does("workspace list customer")
