"""Every change of configuration in the audit log: what counted when the hub last worked, against what counts now.

The project file is edited by hand, so nobody tells the hub; it compares before each run (behaviour 001.43).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from wherry.project.wiring import Wiring
from wherry.settings import Project
from wherry.settings.load import secrets_in
from wherry.store import Store, audit
from wherry.store.database import Tx, wanted
from wherry.store.tables import meta

_PREFIX = "config:"
_KNOWN = sa.select(meta.c.key, meta.c.value).where(meta.c.key.startswith(_PREFIX))
_GONE = sa.delete(meta).where(wanted(meta.c.key))


def record(store: Store, project: Project, wiring: Wiring) -> list[str]:
    """Note what changed since the last time, section by section; secrets only as where they are kept.

    Returns the sections that changed.
    """
    with store.read() as tx:
        known = {row[0].removeprefix(_PREFIX): row[1] for row in tx.kept(_KNOWN, {})}
    now = {name: known.get(name) if said is None else said for name, said in _sections(project, wiring)}
    changed = sorted(name for name in now.keys() | known.keys() if now.get(name) != known.get(name))
    if changed:
        with store.write() as tx:
            _store(tx, store.now(), {name: (known.get(name), now.get(name)) for name in changed})
    return changed


def _sections(project: Project, wiring: Wiring) -> Iterator[tuple[str, str | None]]:
    """Section → its settings as JSON; None for a connection whose settings cannot be read: nobody knows how it is."""
    for name, flow in project.flows.items():
        yield f"flow {name}", flow.model_dump_json(exclude_defaults=True, warnings=False)
    for name, table in project.connections.items():
        yield f"connection {name}", _connection(name, table.plugin, wiring)
    for name in ("project", "plugins", "maps", "subscription"):
        value = project.model_dump(mode="json", include={name}, warnings=False)[name]
        yield name, msgspec.json.encode(value, order="sorted").decode()


def _connection(name: str, plugin: str, wiring: Wiring) -> str | None:
    settings = wiring.known_settings(name)
    if settings is None:
        return None
    shown = settings.model_dump(mode="json", exclude_defaults=True, warnings=False)
    whole = {"plugin": plugin, **shown, "secrets": {one.key: one.way for _, one in secrets_in(settings, ())}}
    return msgspec.json.encode(whole, order="sorted").decode()


def _store(tx: Tx, now: str, changed: dict[str, tuple[str | None, str | None]]) -> None:
    rows = [(f"{_PREFIX}{name}", after) for name, (_, after) in changed.items() if after is not None]
    tx.many(meta, ("key", "value"), rows)
    tx.run_among(_GONE, [f"{_PREFIX}{name}" for name, (_, after) in changed.items() if after is None])
    audit.write_many(tx, now, [_row(name, before, after) for name, (before, after) in changed.items()])


def _row(name: str, before: str | None, after: str | None) -> tuple[str, str, Any]:
    """Only the keys that differ."""
    old: dict[str, Any] = msgspec.json.decode(before or "{}") or {}
    new: dict[str, Any] = msgspec.json.decode(after or "{}") or {}
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    detail = {"before": {key: old.get(key) for key in keys}, "after": {key: new.get(key) for key in keys}}
    action = "config.removed" if after is None else "config.added" if before is None else "config.changed"
    return action, name, detail
