"""What stands how: status, doctor, and one record's story."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec

from wherry import __version__
from wherry.clock import stored
from wherry.errors import NotFound, WherryError, worst
from wherry.hub import Hub
from wherry.metered import METERED, Metered
from wherry.operating import callers, connections, flows, labels, leaving
from wherry.records import FOR_A_PERSON
from wherry.redaction import clean
from wherry.runs import dying
from wherry.store import audit, inquiries, ledger, needs, questions, registry
from wherry.store.documents import DocumentView

METER_WARNS = 70
"""Percent of a month's metered calls from which status warns."""
_FOR_EVER = 1e10


def status(hub: Hub) -> dict[str, Any]:
    """Flows, connections and what waits; asks nobody outside."""
    with hub.store.read() as tx:
        waiting, asked = ledger.count_open(tx), questions.count_open(tx)
    people = sum(sum(waiting.get(state, {}).values()) for state in FOR_A_PERSON)
    rows = flow_rows(hub)
    people += sum(one["movements"] for row in rows for one in row["blocked"])
    return {
        "flows": rows, "connections": connections.listed(hub), "metered": metered(hub),
        "contacts": callers.listed(hub),
        "waiting": waiting, "open_questions": asked, "for_a_person": people,
        "problems": clean([msgspec.to_builtins(problem) for problem in hub.plugins.problems]),
    }  # fmt: skip


def metered(hub: Hub) -> list[dict[str, Any]]:
    """Connections whose vendor meters calls: how many of this month's are used, and a warning from 70 % on."""
    month, rows = hub.clock.now().strftime("%Y-%m"), []
    for name, table in sorted(hub.project.connections.items()):
        use = _metered(hub, name, table.plugin)
        if use is not None and use.month == month:
            share = use.used * 100 // max(use.limit, 1)
            told = f"connection {name} has used {share} % of its {use.limit:,} {use.what} of {month}"
            rows.append({
                "connection": name, **msgspec.to_builtins(use), "percent": share,
                "warning": told if share >= METER_WARNS else "",
            })  # fmt: skip
    return rows


def _metered(hub: Hub, name: str, plugin: str) -> Metered | None:
    id = hub.store.cache(name).get(METERED, _FOR_EVER)
    if not isinstance(id, str):
        return None
    with hub.store.read() as tx:
        body = DocumentView(tx, plugin).get(METERED, [id]).get(id)
    try:
        return None if body is None else msgspec.convert(body, Metered)
    except msgspec.ValidationError:
        return None


def flow_rows(hub: Hub) -> list[dict[str, Any]]:
    """Every flow with one word for how it does; when it runs next is for the scheduler to add."""
    rows = [{**row, "leaves_with": leaving.with_what(hub, row["sink"])} for row in flows.listed(hub)]
    with hub.store.read() as tx:
        lost = {bound.name for bound in registry.all_connections(tx) if bound.state == "reconnect"}
    return [{**row, "health": _health(row, lost)} for row in rows]


SIGNED_IN = "signed in again"


def _health(row: dict[str, Any], lost: set[str]) -> str:
    words = {"ok": "healthy", "access": "reconnect", "again": "try later"}
    if row["state"] == "paused":
        return "paused"
    last = (row["last_run"] or {}).get("state", "") or "never run"
    if last == "access" and lost.isdisjoint((row["source"], row["sink"])):
        return SIGNED_IN
    return "blocked" if last == "ok" and row["blocked"] else words.get(last, last)


def doctor(hub: Hub) -> dict[str, Any]:
    """Python, plugins, settings, secrets, store and every connection, each with ok, warn or fail and what to do."""
    checks = [_check("python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")]
    for name, manifest in hub.plugins.manifests.items():
        checks.append(_check(f"plugin {name}", True, f"{manifest.title}, {hub.plugins.installed[name].title}", ""))
    for problem in hub.plugins.problems:
        check = _check(f"plugin {problem.plugin}", False, problem.message, problem.fix)
        checks.append({**check, "state": "warn", "exit_code": 0} if problem.warns else check)
    checks.append(_store(hub))
    checks += _kept(hub)
    checks += [_exposed(path) for path in connections.exposed(hub)]
    codes = [int(check.pop("exit_code")) for check in checks]
    return {"version": __version__, "project": hub.project.name, "checks": checks, "exit_code": worst(codes),
            "ok": all(check["state"] == "ok" for check in checks)}  # fmt: skip


def _kept(hub: Hub) -> list[dict[str, Any]]:
    """What can only be looked at with the store; nothing where it cannot be read, which was told."""
    try:
        checks, contacts = [_clock(hub)], [_contact(row) for row in callers.listed(hub)]
    except WherryError:
        return []
    checks += _keys(hub)
    for name in sorted(hub.project.connections):
        for secret in connections.secrets_of(hub, name):
            checks.append(_check(secret["key"], secret["state"] != "not set", secret["state"], secret["fix"]))
        checks.append(_connection(hub, name))
    return checks + contacts


def _keys(hub: Hub) -> list[dict[str, Any]]:
    try:
        _ = hub.wiring.vault
    except WherryError as error:
        return [_failed("keys of stored secrets", error)]
    return []


def _check(what: str, good: bool, found: str, fix: str, code: int = 2) -> dict[str, Any]:
    return {"what": what, "state": "ok" if good else "fail", "found": found, "fix": "" if good else fix,
            "exit_code": 0 if good else code}  # fmt: skip


def _failed(what: str, error: WherryError) -> dict[str, Any]:
    return _check(what, False, error.message, error.fix, error.exit_code)


def _store(hub: Hub) -> dict[str, Any]:
    try:
        with hub.store.read() as tx:
            broken = audit.verify(tx)
        url = hub.store.database.url.render_as_string(hide_password=True)
        return _check("store", not broken, broken or url, "restore a backup: the audit log was changed by hand")
    except WherryError as error:
        return _failed("store", error)


def _clock(hub: Hub) -> dict[str, Any]:
    """Whether the machine's clock is behind what the store has seen of time."""
    from wherry.operating import scheduler

    now = hub.clock.now()
    with hub.store.read() as tx:
        newest = next((run.started_at for run in registry.find_runs(tx, limit=1)), "")
    ahead, found = newest > stored(now + scheduler.AHEAD), f"{stored(now)[:16].replace('T', ' ')} UTC"
    told = f"{found}, and a run began on {newest[:16].replace('T', ' ')}" if ahead else found
    check = _check("clock", not ahead, told, "set this machine's clock, unless it was wrong when that run began", 0)
    return {**check, "state": "warn" if ahead else "ok"}


def _connection(hub: Hub, name: str) -> dict[str, Any]:
    try:
        account = connections.test(hub, name)
        return _check(f"connection {name}", True, f"{account.name} ({account.id})", "")
    except WherryError as error:
        return _failed(f"connection {name}", error)


def _exposed(path: Path) -> dict[str, Any]:
    check = _check(f"secrets in {path.name}", False, "every user of this machine may read it", f"chmod 600 {path}", 0)
    return {**check, "state": "warn"}


def _contact(row: dict[str, Any]) -> dict[str, Any]:
    """Of a system that calls us: whether it does, and whether it was let in."""
    found = f"{row['refused']:,} sign-ins refused" if row["refused"] else row["problem"] or row["who"]
    found = f"{row['who']} is silent" if row["silent"] and not row["refused"] else found
    check = _check(f"contact {row['connection']}", not row["to_do"], found, row["to_do"], 0)
    return {**check, "state": "warn" if row["to_do"] else "ok"}


def runs(hub: Hub, *, flow: str = "", limit: int = 20, before: str = "") -> list[dict[str, Any]]:
    """Newest first."""
    with hub.store.read() as tx:
        rows = registry.find_runs(tx, flow=flow, limit=limit, before=before)
    return [{**msgspec.to_builtins(row), "state": dying.state(hub.store, row)} for row in rows]


def newest_run(hub: Hub) -> str:
    """Raises NotFound when nothing ran yet."""
    found = runs(hub, limit=1)
    if not found:
        raise NotFound("nothing ran yet", fix="wherry flow list", code="WHERRY-3040")
    return str(found[0]["id"])


def refused_of(hub: Hub, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Which records are refused, of a run that met some: with why and what to do."""
    words = [*data.get("fates", {}).values(), *data.get("items", {}).values()]
    if not any(found.get("refused") for found in words):
        return []
    keys = ("id", "record", "label", "date", "reason", "field", "fix")
    return [{key: row[key] for key in keys} for row in open_items(hub, state="refused", flow=data["flow"])]


def run(hub: Hub, id: str, *, limit: int = 200) -> dict[str, Any]:
    """A run's summary and what happened in it. Raises NotFound."""
    with hub.store.read() as tx:
        found = registry.find_runs(tx, id=id, limit=1)
        events = labels.labelled(hub, tx, reversed(ledger.events(tx, run=id, limit=limit))) if found else []
    if not found:
        raise NotFound(f"there is no run {id}", fix="see: wherry runs list", code="WHERRY-3040")
    told = {**msgspec.to_builtins(found[0]), "state": dying.state(hub.store, found[0])}
    return {**told, "events": events}


def records_of(hub: Hub, id: str, flow: str) -> list[str]:
    """Ids of the records of which a run of this flow made something. Raises NotFound."""
    whole = run(hub, id, limit=1)
    with hub.store.read() as tx:
        made = [event.record_id for event in inquiries.told_in(tx, id, ("created", "updated")) if event.flow == flow]
    if not made:
        raise NotFound(f"run {id} of {whole['flow']} made nothing of {flow}", code="WHERRY-3042",
                       fix=f"see what ran: wherry runs list --flow {flow}", run=id)  # fmt: skip
    return list(dict.fromkeys(made))


def record(hub: Hub, record: str, *, id: str = "", limit: int = 200) -> dict[str, Any]:
    """One record: how it stands now in each flow that has seen it, and what happened to it, in a run or in all.

    Also of a record that was skipped or stayed as it was, of which no run has anything to tell. Raises NotFound.
    """
    flow = run(hub, id, limit=1)["flow"] if id else ""
    stands = [row for name in ([flow] if flow else sorted(hub.project.flows)) for row in _stands(hub, name, record)]
    if not stands:
        where = f"flow {flow} has" if flow else "no flow has ever"
        raise NotFound(f"{where} seen no record {record}" if flow else f"{where} seen a record {record}",
                       fix=f"check the id at the source; by its number: wherry explain {quote(record)}; "
                           "what a run reads is told by: wherry flow show FLOW",
                       code="WHERRY-3041", record=record)  # fmt: skip
    with hub.store.read() as tx:
        events = labels.labelled(hub, tx, reversed(ledger.events(tx, run=id, flow=flow, record=record, limit=limit)))
    newest = max(stands, key=lambda row: str(row["run"]))
    whole = run(hub, id or newest["run"], limit=1)
    return {**whole, "record": stands, "events": events}


def _stands(hub: Hub, flow: str, record: str) -> list[dict[str, Any]]:
    """How a record stands in a flow now: its outcome, why, what it became, and in which run that was."""
    with hub.store.read() as tx:
        found = [row for kind in ledger.count_seen(tx, flow)
                 for row in ledger.find_seen(tx, flow, kind, [record]).values()]  # fmt: skip
        opened = {row.record_kind: row for row in ledger.open_items(tx, flow=flow, record=record) if row.root}
        at = {row.run: run.started_at for row in found for run in registry.find_runs(tx, id=row.run, limit=1)}
    return [
        {"flow": flow, "kind": row.kind, "record": row.source_id, "fate": row.fate, "reason": row.reason,
         "target": row.synced, "version": row.version, "run": row.run, "at": at.get(row.run, ""),
         "fix": _fix(opened.get(row.kind))}
        for row in found
    ]  # fmt: skip


def _fix(item: ledger.ItemRow | None) -> str:
    """What to do about it, with its own number."""
    return item.fix.replace("E-N", f"E-{item.id}") if item is not None else ""


def open_items(hub: Hub, *, state: str = "", flow: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """What waits, and for what."""
    with hub.store.read() as tx:
        rows = ledger.open_items(tx, state=state, flow=flow, limit=limit)
        return [
            {"id": f"E-{row.id}", "state": row.state, "entity": row.entity, "key": row.key, "label": row.label,
             "date": str(row.draft.body.get("date") or ""),
             "flow": row.flow, "record": f"{row.record_kind} {row.record_id}", "reason": row.reason, "field": row.field,
             "fix": _fix(row), "since": row.created_at, "needs": [str(ref) for ref in needs.of(tx, row.id)]}
            for row in rows
        ]  # fmt: skip


def audit_rows(
    hub: Hub, *, who: str = "", what: str = "", since: str = "", limit: int = 100, before: int = 0
) -> list[dict[str, Any]]:
    """The audit log, newest first; ``before`` is the number of the row that an earlier page ended with."""
    with hub.store.read() as tx:
        rows = audit.find(tx, who=who, what=what, since=since, limit=limit if not before else 1_000_000)
    return [row for row in rows if not before or row["id"] < before][:limit]


def audit_broken(hub: Hub) -> str:
    """An empty text if the log is whole, else a sentence naming the first row that does not fit."""
    with hub.store.read() as tx:
        return audit.verify(tx)
