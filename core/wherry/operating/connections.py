"""Connections as operators handle them: list, test, adopt, discover, set a secret."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from wherry.decoding import decoder
from wherry.errors import AccessLost, ConfigError, Guarded, NotFound, WherryError
from wherry.http import Patience
from wherry.hub import Hub
from wherry.redaction import scrub
from wherry.roles import Account, Connection, Describes
from wherry.secrets import add_key
from wherry.settings.layers import DOTENV
from wherry.settings.load import secrets_in
from wherry.settings.mistakes import suggestion
from wherry.signin import FIELD, Tokens
from wherry.store import audit, registry

SHORT = Patience(attempts=2, total=10.0)
"""How long a vendor is asked again while a person waits for the answer."""


def listed(hub: Hub) -> list[dict[str, Any]]:
    """Every connection of the project with what the store knows of it; asks nobody."""
    with hub.store.read() as tx:
        bound = {row.name: row for row in registry.all_connections(tx)}
    unfit = {name: scrub(error.message) for name, error in hub.wiring.composed[1].items()}
    problems = {problem.plugin: scrub(problem.message) for problem in hub.plugins.problems if problem.stops}
    busy, tables = _synchronizing(hub, bound.values()), sorted(hub.project.connections.items())
    return [
        _row(name, table.plugin, bound.get(name), problems.get(table.plugin) or unfit.get(name, ""), name in busy)
        for name, table in tables
    ]


def unfit(hub: Hub) -> list[str]:
    """Connections whose settings cannot be used, and the flows that wait for that, one sentence each."""
    flows = {name: [flow.name for flow in hub.project.flows.values() if name in (flow.source, flow.sink)]
             for name in hub.wiring.composed[1]}  # fmt: skip
    return [f"connection {name} cannot be used" + (f", nor its flows {', '.join(sorted(flows[name]))}" if flows[name]
            else "") + f": {error.message}" for name, error in hub.wiring.composed[1].items()]  # fmt: skip


def _row(name: str, plugin: str, row: registry.Bound | None, problem: str, busy: bool) -> dict[str, Any]:
    state = "broken" if problem else (row.state if row else "new")
    return {
        "connection": name, "plugin": plugin, "state": state, "account": row.account_name if row else "",
        "account_id": row.account_id if row else "", "checked": row.checked_at if row else "",
        "reason": problem or (row.reason if row else ""), "synchronizing": busy,
    }  # fmt: skip


def _synchronizing(hub: Hub, bound: Iterable[registry.Bound]) -> set[str]:
    """Connections that are read from or written to now. What a crash left marked as running is not."""
    with hub.store.read() as tx:
        begun = [
            flow for flow in hub.project.flows.values()
            if any(run.state == "running" for run in registry.find_runs(tx, flow=flow.name, limit=1))
        ]  # fmt: skip
    running = [flow for flow in begun if hub.store.is_held(f"flow:{flow.name}")]
    sending = {row.name for row in bound if hub.store.is_held(f"drain:{row.id}")}
    return sending.union(*((flow.source, flow.sink) for flow in running))


def test(hub: Hub, name: str) -> Account:
    """Ask the system whose account this is, now; bind the connection if it is new. A plugin that reads and writes is
    asked as source and as sink, as what either needs may be missing; not as a sink where flows only read from it.
    Raises what is wrong."""
    connection, hub.wiring.patience = hub.wiring.connection(name), SHORT
    try:
        account = hub.wiring.identity.rebind(connection, _part(hub, connection))
        if _is_both(hub, connection):
            hub.wiring.identity.rebind(connection, hub.wiring.sink(name))
        return account
    except (AccessLost, Guarded) as error:
        hub.note_connection(name, "reconnect", error.message)
        raise


def _is_both(hub: Hub, connection: Connection) -> bool:
    """Whether it is a source that is, or may be, written to as well."""
    used = [flow.sink == connection.name for flow in hub.project.flows.values()
            if connection.name in (flow.source, flow.sink)]  # fmt: skip
    return {"source", "sink"} <= {*hub.plugins.manifests[connection.plugin].roles} and (any(used) or not used)


def _part(hub: Hub, connection: Connection) -> Any:
    """The source of a connection, or its sink where the system is only written to."""
    manifest = hub.plugins.manifests[connection.plugin]
    return hub.wiring.source(connection.name) if "source" in manifest.roles else hub.wiring.sink(connection.name)


def adopt(hub: Hub, name: str) -> dict[str, Any]:
    """The account that this connection reaches is known under an old name: from now on it has this one."""
    connection = hub.wiring.connection(name)
    account, now = _part(hub, connection).check(), hub.store.now()
    with hub.store.write() as tx:
        row = registry.connection_of_account(tx, connection.plugin, account.id)
        if row is None:
            raise NotFound(f"{account.name} is not known here under another name", code="WHERRY-3012", connection=name)
        if row.name in hub.project.connections and row.name != name:
            raise ConfigError(
                f"{account.name} is still reached by connection {row.name}, which is in the project file",
                fix=f"remove [connections.{row.name}] first, or go on using it", code="WHERRY-2081",
            )  # fmt: skip
        registry.update_connection(tx, row.id, name=name)
        audit.write(tx, now, "connection.adopt", name, {"before": row.name, "account": account.id})
    _move_secrets(hub, row.name, name)
    return {"connection": name, "was": row.name, "account": account.name, "account_id": account.id}


def _move_secrets(hub: Hub, old: str, new: str) -> None:
    """What was kept for the old name is kept for the new one; a secret that is there already wins."""
    for connection, field, _ in list(hub.store.secrets().each()):
        value = hub.wiring.vault.get(connection, field) if connection == old != new else None
        if value is not None:
            if hub.wiring.vault.get(new, field) is None:
                hub.wiring.vault.put(new, field, value)
            hub.wiring.vault.remove(old, field)
    tokens = tokens_of(hub, new)
    publish(hub, new, tokens.extra if tokens is not None else {})


def tokens_of(hub: Hub, name: str) -> Tokens | None:
    """What the connection is signed in with by OAuth 2; None where nobody signed in."""
    text = hub.wiring.vault.get(name, FIELD)
    return None if text is None else decoder(Tokens).decode(text)


def publish(hub: Hub, name: str, extra: dict[str, str]) -> None:
    """What the redirect of a sign-in told, where its plugin looks for it."""
    hub.store.cache(name).set("sign-in", extra)


def set_secret(hub: Hub, name: str, field: str, value: str) -> dict[str, str]:
    """Keep a secret encrypted in the store, for a key that says ``{ stored = true }``."""
    connection = hub.wiring.connection(name)
    known = {secret.name: secret for _, secret in secrets_in(connection.settings, ("connections", name))}
    stored = [key for key, secret in known.items() if secret.way == "stored"]
    meant = stored or list(known)
    wanted = field or (meant[0] if len(meant) == 1 else "")
    if wanted not in known:
        raise no_secret(name, wanted, known)
    hub.wiring.vault.put(name, wanted, value)
    hub.store.audit("connection.set-secret", name, {"field": wanted})
    way = known[wanted].way
    note = "" if way == "stored" else f"the project file reads it from {way}; write {{ stored = true }} to use this one"
    return {"connection": name, "field": wanted, "note": note}


def no_secret(name: str, wanted: str, known: Iterable[str]) -> ConfigError:
    """What to raise where a connection has no secret of that name, or several and none was named."""
    said = f"has no secret {wanted}" if wanted else "has several secrets" if known else "has no secret"
    return ConfigError(
        f"connection {name} {said}",
        fix=f"say which: --field {' or '.join(sorted(known))}" if known else "", code="WHERRY-2082", connection=name,
    )  # fmt: skip


def discover(hub: Hub, name: str, what: str = "") -> dict[str, Any]:
    """What the account holds: its record kinds, and for each its pipelines with stages, and its fields."""
    hub.wiring.patience = SHORT
    source = describer(hub, name)
    if source is None:
        raise NotFound(
            f"connection {name} cannot describe its account: its plugin does not offer that", code="WHERRY-3013",
            fix=f"see what it can do: wherry plugin info {hub.project.connections[name].plugin}", connection=name,
        )  # fmt: skip
    only = kind_among(name, source.kinds, what)
    kinds = [only] if only else source.kinds
    return {"connection": name, "kinds": {kind: _described(source, kind, alone=bool(only)) for kind in kinds}}


def _described(source: Describes, kind: str, *, alone: bool) -> dict[str, Any]:
    """What is known of a kind. Among others, one that the sign-in may not read is no reason to tell of none."""
    try:
        return dict(msgspec.to_builtins(source.describe(kind, fresh=True)))
    except WherryError as error:
        if alone or error.where.get("kind") != kind:
            raise
        return {"fields": [], "pipelines": [], "problem": scrub(error.message), "fix": scrub(error.fix)}


def describer(hub: Hub, name: str) -> Any:
    """The source of a connection that can describe its account; None where there is none."""
    connection = hub.wiring.connection(name)
    if "source" not in hub.plugins.manifests[connection.plugin].roles:
        return None
    source = hub.wiring.source(name)
    return source if isinstance(source, Describes) else None


def kind_among(whose: str, kinds: Iterable[str], said: str) -> str:
    """The kind of records that somebody means, spelt as plugins do; empty for all. Raises NotFound."""
    kind, known = said.replace("-", "_"), tuple(kinds)
    if kind and kind not in known:
        raise NotFound(
            f"{whose} has no records of kind {said}", fix=suggestion(kind, known), code="WHERRY-3014", kind=said
        )
    return kind


def secrets_of(hub: Hub, name: str) -> list[dict[str, str]]:
    """Each secret of a connection, whether it is set, and what to do where it is not; never a value."""
    try:
        connection = hub.wiring.connection(name)
    except WherryError:
        return []

    def stored(field: str) -> str | None:
        return hub.wiring.vault.get(name, field)  # opened where one is stored: its keys may be lost

    found = [secret for _, secret in secrets_in(connection.settings, ("connections", name))]
    return [{"key": one.key, "state": one.state(stored), "fix": one.fix(stored)} for one in found]


def exposed(hub: Hub) -> list[Path]:
    """The files with secrets of the project that every user of this machine may read."""
    found = [secret.place for connection in hub.wiring.composed[0].values()
             for _, secret in secrets_in(connection.settings, ())]  # fmt: skip
    files = dict.fromkeys([hub.project.folder / DOTENV, *(place for place in found if place is not None)])
    return [path for path in files if _is_open_to_all(path)]


def _is_open_to_all(path: Path) -> bool:
    """Also a folder that others may not enter keeps them out."""
    try:
        whole = path.resolve()
        return bool(whole.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in whole.parents
        )
    except OSError:
        return False


def new_key(hub: Hub) -> dict[str, Any]:
    """Put a new key in front of the project's own; what is stored stays under the older ones until ``rekey``."""
    add_key(hub.project.folder, hub.project.environ)
    key = hub.wiring.vault.fingerprint()
    hub.store.audit("secrets.new-key", key, {})
    return {"key": key, "moved": 0, "retired": []}


def rekey(hub: Hub) -> dict[str, Any]:
    """Encrypt every stored secret under the newest key.

    May be killed and started again, and may run beside flows that know both keys (case G13).
    """
    vault = hub.wiring.vault
    moved = vault.rotate()
    hub.store.audit("secrets.rekey", vault.fingerprint(), {"moved": moved})
    return {"key": vault.fingerprint(), "moved": moved, "retired": list(vault.retired())}
