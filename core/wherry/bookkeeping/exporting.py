"""What was exported: to which target, as what, by whom and when; entries as files; what somebody entered by hand.

Our own ledger decides what has been exported, never a remote flag. Source: behaviours.md 000.8, 000.14, 000.15, 002.3
and 002.4.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from wherry.accounting import ChartAccount, Entry
from wherry.bookkeeping import fiscal, handing, trail
from wherry.bookkeeping.fiscal import Asked
from wherry.bookkeeping.handing import Wish as Wish
from wherry.bookkeeping.trail import Known
from wherry.books import profiles, stuck
from wherry.books.charts import Chart
from wherry.books.frozen import ENTITY
from wherry.books.keys import parts
from wherry.errors import ConfigError, Guarded, NotFound
from wherry.hub import Hub
from wherry.operating import deciding, desk
from wherry.operating.subjects import Finder, Subject, body_of
from wherry.protocol.rows import REVERSED, worth
from wherry.runs.job import Options
from wherry.settings import Flow
from wherry.store import audit, exported, ledger, movements, registry
from wherry.store.database import Tx
from wherry.store.exported import FileExport
from wherry.store.inquiries import Placed, Written

_NAMED = 5
_FILE = "file:"
_MARKABLE = ("queued", "waiting", "refused", "decide")


# -- files -------------------------------------------------------------------------------------------------------------


class Handed(Struct, kw_only=True):
    """Files that were written, which entries are in them, which were exported before, and which of these say something
    else since, or are prepared no longer while nobody kept what the file said of them."""

    files: list[str]
    rows: list[FileExport]
    before: list[FileExport]
    changed: list[FileExport]
    unkept: list[FileExport]


def export(hub: Hub, name: str, asked: Asked, wish: Wish) -> Handed:
    """Write a flow's entries into files for a system's own import screen, each entry once for each profile.

    What was exported and taken back since, or is prepared no longer, goes out as the entry that reverses it. What says
    something else since it was exported is not written again: it is listed. Raises ConfigError for a profile or form
    that there is not, Rejected for an entry that cannot be said in it; then nothing was written.
    """
    flow = trail.booking_flow(hub, name)
    wish = msgspec.structs.replace(wish, pick=fiscal.selection(hub, flow, asked))
    if wish.template is None:
        profiles.limit_of(wish.profile)
    with hub.store.write() as tx:
        known = trail.known(tx, flow)
        route = trail.route_of(tx, flow)
        chart = hub.bookkeeper.chart(route.sink) if route is not None else Chart(())
        files = exported.files(tx, wish.profile)
        said = handing.Said(flow=name, at=hub.store.now(), by=audit.actor())
        sorter = handing.Sorter(wish, said, files, exported.find_said(tx, handing.prepared(files)))
        found = sorter.sort(known, chart, stuck=bool(stuck.blocked(tx, flow)))
        names = {one.code: one for one in chart}
        if not wish.doubly and wish.template is None:
            _must_be_new(hub, flow, known, found, wish)
        made = _made(wish, found.entries, names, hub.project.currency) if found.entries else []
        placed = _placed(wish.folder, [name for name, _ in made])
        rows = [msgspec.structs.replace(row, file=", ".join(one.name for one in placed)) for row in found.rows]
        exported.put_files(tx, rows)
        exported.put_said(tx, found.kept)
        if rows:
            told = {"profile": wish.profile, "files": [str(one) for one in placed], "entries": [r.key for r in rows]}
            audit.write(tx, hub.store.now(), "journal.export", name, told)
        _write(placed, [content for _, content in made])
    return Handed(files=[str(one) for one in placed], rows=rows, before=found.before, changed=found.changed,
                  unkept=found.unkept)  # fmt: skip


def _made(
    wish: Wish, entries: Sequence[Entry], chart: Mapping[str, ChartAccount], home: str
) -> list[tuple[str, bytes]]:  # fmt: skip
    """(file name, bytes) of these entries, in the form that is wished for."""
    if wish.template is None:
        return profiles.render(wish.profile, entries, chart, home=home, **wish.options)
    from wherry.books.templates import fill_template

    name = profiles.file_name(wish.template.stem, wish.template.suffix.lstrip("."), entries)
    return [(name, fill_template(wish.template, entries, chart_names=chart, **wish.options))]


def _must_be_new(hub: Hub, flow: Flow, known: Sequence[Known], found: handing.Out, wish: Wish) -> None:
    """What stands in a system, or is on its way there, would stand there twice once its file is imported."""
    if not profiles.is_of(wish.profile, hub.project.connections[flow.sink].plugin):
        return
    keys = {row.key for row in found.rows}
    twice = [one for one in known if one.entry.key in keys]
    if twice:
        told = ", ".join(f"{one.entry.number} ({_where(one)})" for one in twice[:_NAMED])
        more = f" and {len(twice) - _NAMED:,} more" if len(twice) > _NAMED else ""
        count = "1 entry goes" if len(twice) == 1 else f"{len(twice):,} entries go"
        raise Guarded(
            f"{count} to {flow.sink} by itself, and the file would bring the same once more: {told}{more}",
            fix="nothing was written; if the file is for another company, or for your archive, say --again",
            code="WHERRY-7090", flow=flow.name, profile=wish.profile,
        )  # fmt: skip


def _where(one: Known) -> str:
    if one.link is None or not one.link.target:
        return "not posted yet"
    return f"posted as {one.link.target} on {one.link.made_at[:10]}"


def _placed(folder: Path, names: Sequence[str]) -> list[Path]:
    """Where the files go: beside those of the same name that are there already. Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} is no folder: {error.strerror}", fix="check --to", code="WHERRY-2152") from error
    return [free(folder / name) for name in names]


def free(path: Path) -> Path:
    """The path, or where something is there already the next one beside it: ``2026-01-2.xlsx``."""
    found, number = path, 2
    while found.exists():
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found


def _write(paths: Sequence[Path], contents: Sequence[bytes]) -> None:
    """Whole files or none of them: each is written beside its place, and all are put there together."""
    beside = [path.with_name(f".{path.name}.new") for path in paths]
    try:
        for path, content in zip(beside, contents, strict=True):
            path.write_bytes(content)
        for path, whole in zip(beside, paths, strict=True):
            os.replace(path, whole)
    except OSError as error:
        for path in beside:
            path.unlink(missing_ok=True)
        raise ConfigError(
            f"the files cannot be written: {error.strerror}", fix="check --to and the room on the disk",
            code="WHERRY-2152",
        ) from error  # fmt: skip


# -- what went where ---------------------------------------------------------------------------------------------------


def listed(hub: Hub, *, target: str = "", flow: str = "", since: str = "") -> list[dict[str, Any]]:
    """Documents that were exported, newest first: to which target or profile, as what, when, by whom, by which run.

    Raises NotFound for a connection or flow that there is not.
    """
    if flow:
        hub.wiring.flow(flow)
    with hub.store.read() as tx:
        sinks = _sinks(hub, tx, target)
        files = [] if target else [_of_file(one) for one in exported.files(tx).values() if one.at >= since]
        found = [one for one in exported.written(tx, sinks=sinks, since=since) if _is_document(one)]
        rows = _rows(tx, found if sinks or not target else [])
    rows = [row for row in [*rows, *files] if not flow or row["flow"] == flow]
    return sorted(rows, key=lambda row: (row["at"], row["number"]), reverse=True)


def _sinks(hub: Hub, tx: Tx, target: str) -> list[int]:
    if not target:
        return []
    hub.wiring.connection(target)
    row = registry.connection(tx, target)
    return [row.id] if row is not None else []


def _is_document(one: Written) -> bool:
    return "date" in body_of(one.link)


def _rows(tx: Tx, found: Sequence[Written]) -> list[dict[str, Any]]:
    names = {row.id: row.name for row in registry.all_connections(tx)}
    flows, said = exported.flows_of(tx, {one.link.entity for one in found}), exported.approvers(tx)
    return [_of_link(one, names, flows, said.get(str(one.link.ref), "")) for one in found]


def _of_link(
    one: Written, names: Mapping[int, str], flows: Mapping[tuple[str, str], str], approved: str
) -> dict[str, Any]:  # fmt: skip
    link, body = one.link, body_of(one.link)
    minor, currency = worth(link.entity, body)
    return {
        "entity": link.entity, "number": str(body.get("number") or link.key), "key": link.key,
        "date": str(body.get("date") or ""), "minor": minor, "currency": currency,
        "target": names.get(one.route.sink, ""), "remote_id": link.target, "at": link.made_at,
        "by": link.made_by if link.rule == "person" else approved or link.made_by,
        "run": link.run, "flow": flows.get((link.entity, link.key), parts(link.key).flow), "file": "",
        "state": "taken back" if link.rule == REVERSED else "marked" if link.rule == "person" else "posted",
    }  # fmt: skip


def _of_file(one: FileExport) -> dict[str, Any]:
    return {
        "entity": "journal_entry", "number": one.number, "key": one.key, "date": "", "minor": one.minor,
        "currency": one.currency, "target": f"file:{one.profile}", "remote_id": "", "at": one.at, "by": one.by,
        "run": "", "flow": one.flow, "state": one.state, "file": one.file,
    }  # fmt: skip


def shown(hub: Hub, word: str) -> dict[str, Any]:
    """Where a document was exported to: every target and file, with the notes that were made and the members of an
    entry. ``word`` is its number, its key, its record's id, or ``E-7``. Raises NotFound."""
    with hub.store.read() as tx:
        subjects = Finder(hub, tx).subjects(word.strip(), "")
        keys = {(one.ref.entity, one.ref.key) for one in subjects if one.ref is not None}
        entries = {key for _, key in keys} | _entries_of(tx, keys)
        links = [one for one in exported.written(tx) if _is_document(one) and
                 ((one.link.entity, one.link.key) in keys or one.link.key in entries)]  # fmt: skip
        files = [_of_file(one) for one in exported.files(tx).values() if one.key in entries or one.number == word]
        rows = _rows(tx, links)
        notes = _notes(tx, {row["remote_id"] for row in rows} | {row["key"] for row in rows})
    if not subjects and not rows and not files:
        raise NotFound(
            f"nothing called {word} was exported, and nothing waits to be", code="WHERRY-3091", document=word,
            fix="see what was: wherry exports list",
        )  # fmt: skip
    return {
        "document": word, "items": [*rows, *files], "notes": notes,
        "open": [desk.row(one.item.item) for one in subjects if one.item is not None],
        "members": _members(hub, rows),
    }  # fmt: skip


def _entries_of(tx: Tx, keys: set[tuple[str, str]]) -> set[str]:
    """The entries that hold movements of these keys."""
    return {
        row.entry for row in movements.of_keys(tx, [key for entity, key in keys if entity == "movement"]) if row.entry
    }


def _members(hub: Hub, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    entries = [row for row in rows if row["entity"] == "journal_entry"]
    return trail.shown(hub, entries[0]["key"], limit=1000)["members"] if len(entries) == 1 else []


def _notes(tx: Tx, names: set[str]) -> list[dict[str, Any]]:
    """What people noted when they marked, reversed or linked it."""
    found = []
    for row in audit.find(tx, limit=100_000):
        detail = row["detail"] if isinstance(row["detail"], dict) else {}
        about = {str(detail.get("entry") or ""), str(detail.get("target") or ""), str(detail.get("key") or "")}
        if detail.get("note") and about & (names - {""}):
            found.append({"at": row["at"], "by": row["actor"], "action": row["action"], "note": detail["note"]})
    return found


# -- what somebody entered by hand -------------------------------------------------------------------------------------


def mark(hub: Hub, word: str, target: str, remote_id: str, note: str = "") -> dict[str, Any]:
    """Somebody entered it in the target by hand: it is linked to what is there, and never posted.

    The target is asked whether it holds it, where it can be asked. Raises NotFound where nothing of that name waits for
    this target, Guarded for what was posted already or is under way.
    """
    hub.wiring.connection(target)
    one = _waiting_for(hub, word, target)
    done, look = deciding.adopt(hub, one.item.id, remote_id, note, states=_MARKABLE, action="exports.mark")
    changes = list(look.changes) if look is not None else []
    return {
        "document": one.item.label or one.item.key, "key": one.item.key, "target": target, "remote_id": remote_id,
        "items": done.items, "asked": look is not None and look.asked, "differs": msgspec.to_builtins(changes),
        "error": done.error,
    }  # fmt: skip


def _waiting_for(hub: Hub, word: str, target: str) -> Placed:
    with hub.store.read() as tx:
        sinks = _sinks(hub, tx, target)
        found = [one for one in Finder(hub, tx).subjects(word.strip(), "") if one.route and one.route.sink in sinks]
    items = [one.item for one in found if one.item is not None and one.item.item.root]
    if len(items) == 1:
        return items[0]
    posted = next(
        (one for one in found if one.link is not None and one.link.target and one.link.rule != REVERSED), None
    )
    if posted is not None and posted.link is not None:
        raise Guarded(
            f"{word} is in {target} already, as {posted.link.target}", code="WHERRY-7088", document=word,
            fix=f"wherry exports show {shlex.quote(word)}",
        )  # fmt: skip
    if items:
        told = ", ".join(f"E-{one.item.id}" for one in items)
        raise ConfigError(f"{len(items)} documents are called {word}", fix=f"name one: {told}", code="WHERRY-2153")
    raise NotFound(
        f"nothing called {word} waits to go to {target}", code="WHERRY-3092", document=word,
        fix="prepare it first: wherry run FLOW; then mark it",
    )  # fmt: skip


def unmark(hub: Hub, word: str, target: str, note: str = "") -> dict[str, Any]:
    """What was marked is not there after all: it is prepared again, as a document that was never posted.

    Of ``file:PROFILE`` the note that it went out in a file is dropped. Raises NotFound where nothing of that name was
    marked; what Wherry itself posted is reversed, not unmarked.
    """
    if target.startswith(_FILE):
        return _unnote(hub, word, target, note)
    one = _marked(hub, word, target)
    assert one.route is not None
    assert one.link is not None
    with hub.store.write() as tx:
        ledger.put_links(tx, one.route, [msgspec.structs.replace(one.link, rule=REVERSED, digest="")])
        told = {"key": str(one.link.ref), "target": one.link.target, "note": note}
        audit.write(tx, hub.store.now(), "exports.unmark", f"{target} {one.link.target}", told)
    if one.record and one.link.entity != ENTITY:
        hub.resync(one.flow, Options(records=(one.record,), resync=True), write=True)
    return {"document": word, "key": one.link.key, "target": target, "remote_id": one.link.target, "flow": one.flow}


def _unnote(hub: Hub, word: str, target: str, note: str) -> dict[str, Any]:
    profile = target.removeprefix(_FILE)
    with hub.store.write() as tx:
        found = {id: one for id, one in exported.files(tx, profile).items() if word in (one.number, one.key)}
        if not found:
            raise NotFound(f"nothing called {word} went out in a file for {profile}", code="WHERRY-3094", document=word,
                           fix="what did: wherry exports list")  # fmt: skip
        exported.drop_files(tx, found)
        one = next(iter(found.values()))
        told = {"key": f"{ENTITY}/{one.key}", "target": target, "note": note, "file": one.file}
        audit.write(tx, hub.store.now(), "exports.unmark", f"{target} {one.number}", told)
    return {"document": word, "key": one.key, "target": target, "remote_id": "", "flow": one.flow}


def _marked(hub: Hub, word: str, target: str) -> Subject:
    with hub.store.read() as tx:
        sinks = _sinks(hub, tx, target)
        found = [one for one in Finder(hub, tx).subjects(word.strip(), "") if one.route and one.route.sink in sinks]
    mine = next((one for one in found if one.link is not None and one.link.rule == "person"), None)
    if mine is None:
        raise NotFound(
            f"nothing called {word} was marked in {target}", code="WHERRY-3093", document=word,
            fix=f"what was: wherry exports list --target {target}",
        )  # fmt: skip
    return mine
