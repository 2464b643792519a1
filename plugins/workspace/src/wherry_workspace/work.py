"""Work done by people in the workspace: looking, editing, and handing fields back to the sync."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from wherry.errors import ConfigError, NotFound
from wherry.records import Change
from wherry.roles import Documents
from wherry.wording import a

from wherry_workspace.bodies import Refusal, canonical, full, references_of
from wherry_workspace.documents import Document, changed_since, remade, sources_of
from wherry_workspace.files import blob_path, effective_access
from wherry_workspace.kinds import KINDS, Field, Kind, by_number, kind_of
from wherry_workspace.merge import labels, merge
from wherry_workspace.names import Names, folded
from wherry_workspace.values import order_key, parse, shown

_LINE = re.compile(r"lines\[(?P<label>[^\]]*)\](?:\.(?P<name>\w+))?")


class Shown(Struct):
    """One document for people: every field, and how it came about."""

    id: str
    kind: str
    fields: dict[str, Any]
    local: list[str]
    written_by: str
    created: str
    changed: str
    names: dict[str, str]
    """Referenced id → its name."""
    source: list[str]
    """What its sources call it, such as the id of a deal."""
    effective_access: str = ""
    """Of a file: who may see it. A file never has wider access than its project."""
    path: str = ""
    """Of a file: where its bytes lie."""


def id_of(documents: Documents, kind_name: str, said: str) -> str:
    """The id of the document that is called so: by id, number, SKU, code or name. Raises NotFound."""
    kind = kind_of(kind_name)
    if documents.get(kind.name, [said]):
        return said
    try:
        return Names(documents).id_of(kind.name, said)
    except Refusal as refusal:
        several = refusal.reason.endswith("give the id")
        raise NotFound(
            f"the workspace has no {kind.spelled} {said!r}" + (f": {refusal.reason}" if several else ""),
            fix=f"see: wherry workspace list {kind.name}", code="WHERRY-3811",
        ) from None  # fmt: skip


def doubt(documents: Documents, kind_name: str, said: str, id: str) -> str:
    """What to tell where another document is called as this one was: ``INV-1001`` is an id, and somebody's number too.
    Empty where there is none."""
    kind = kind_of(kind_name)
    others = Names(documents).others(kind.name, said, id)
    if not others:
        return ""
    what, other = others[0]
    return (
        f"{said} was taken as the {kind.spelled} {id}; it is also the {what} of {other}: say {other} to mean that one"
    )


def held(documents: Documents, kind: Kind, name: str) -> Document:
    """The document. Raises NotFound."""
    found = documents.get(kind.name, [name]).get(name)
    if found is None:
        raise NotFound(
            f"the workspace has no {kind.spelled} {name!r}", fix=f"see: wherry workspace list {kind.name}",
            code="WHERRY-3811",
        )  # fmt: skip
    return found


def show(documents: Documents, kind_name: str, name: str, files: Path | None = None) -> Shown:
    """One document with all its fields. ``files`` is the folder that holds the bytes of files."""
    kind = kind_of(kind_name)
    document = held(documents, kind, name)
    fields = full(kind, document["fields"])
    view = Shown(
        name, kind.name, fields, sorted(document["local"]), document["origin"]["by"], document["created"],
        document["changed"], _names(documents, kind, fields), sources_of(document),
    )  # fmt: skip
    if kind.name == "file":
        project = documents.get("project", [fields["project"]]) if fields["project"] else {}
        found = project.get(fields["project"])
        view.effective_access = effective_access(fields, found["fields"] if found else None)
        view.path = blob_path(files, fields["blob"])
    return view


def _names(documents: Documents, kind: Kind, fields: dict[str, Any]) -> dict[str, str]:
    wanted: dict[str, set[str]] = {}
    for _, other, name in references_of(kind, fields):
        wanted.setdefault(other, set()).add(name)
    return {
        name: document["fields"].get(KINDS[other].title, "")
        for other, ids in wanted.items()
        for name, document in documents.get(other, sorted(ids)).items()
    }


class Listing(Struct):
    """Rows of a list, how many there would be without a limit, and the id to go on after if there are more."""

    kind: str
    rows: list[dict[str, Any]]
    total: int
    cursor: str = ""
    narrowed: bool = False


class Asked(Struct, frozen=True, kw_only=True):
    """What of a kind to list: fields that read so, changed since, by a field (``-field``: largest first), how many,
    after which id."""

    filters: Mapping[str, str] = {}
    since: dt.datetime | None = None
    sort: str = ""
    limit: int | None = None
    cursor: str = ""


def listed(documents: Documents, kind_name: str, asked: Asked) -> Listing:
    """The documents asked for. Raises NotFound for the kind or the cursor, ConfigError for a field."""
    kind = kind_of(kind_name)
    fields = {name: None if name == "id" else kind.field(name) for name in asked.filters}
    found = {
        name: body
        for name, document in documents.each(kind.name)
        if changed_since(document, asked.since)
        and _passes(name, body := full(kind, document["fields"]), fields, asked.filters)
    }
    ids = _sorted(kind, found, asked.sort)
    rest = ids[_after(kind, ids, asked.cursor) :]
    page = rest[: asked.limit]
    rows = [{"id": name, **found[name]} for name in page]
    narrowed = bool(asked.filters or asked.since)
    return Listing(kind.name, rows, len(ids), page[-1] if len(page) < len(rest) else "", narrowed)


def _sorted(kind: Kind, found: Mapping[str, dict[str, Any]], sort: str) -> list[str]:
    ids, backwards = by_number(found), sort.startswith("-")
    name = sort.removeprefix("-")
    if name not in ("", "id"):
        field = kind.field(name)
        ids.sort(key=lambda one: order_key(field, found[one][name]), reverse=backwards)
    elif backwards:
        ids.reverse()
    return ids


def _after(kind: Kind, ids: Sequence[str], cursor: str) -> int:
    if not cursor:
        return 0
    if cursor not in ids:
        raise NotFound(
            f"no {kind.spelled} {cursor!r} is in this list",
            fix="list it again from its start, without --cursor", code="WHERRY-3812",
        )  # fmt: skip
    return ids.index(cursor) + 1


def _passes(name: str, body: dict[str, Any], fields: Mapping[str, Field | None], filters: Mapping[str, str]) -> bool:
    for key, field in fields.items():
        said = shown(field, body[key]) if field else name
        spellings = {folded(said)} | ({folded(said.rpartition(" ")[0])} if field and field.type == "money" else set())
        if folded(filters[key]) not in spellings:
            return False
    return True


def count(documents: Documents) -> dict[str, int]:
    """Kind → number of documents, every kind."""
    return {kind: documents.count(kind) for kind in KINDS}


def edit(
    documents: Documents,
    kind_name: str,
    name: str,
    values: Mapping[str, str],
    *,
    now: dt.datetime | None = None,
) -> list[Change]:
    """Set fields from text and protect them from later syncs, also where the value was the same already.

    Paths: ``field``, ``custom.name``, ``lines[0].field`` or ``lines[SOURCE].field``. Raises NotFound for the
    document, ConfigError that names the field for anything that cannot be set; then nothing is changed.
    """
    kind = kind_of(kind_name)
    document = held(documents, kind, name)
    body, names, marks = full(kind, document["fields"]), Names(documents), set(document["local"])
    body["custom"] = dict(body["custom"])
    touched = {_edited(kind, body, said, text, names) for said, text in values.items()}
    try:
        fields, _ = canonical(kind, body)
    except Refusal as refusal:
        raise _unusable(refusal.field, refusal.reason) from None
    mentioned = {"lines" if path.startswith("lines[") else path for path in touched}
    changes = merge(kind, document["fields"], fields, sorted(mentioned), ()).changes
    edited = remade(
        document, fields, by="edit", now=now or dt.datetime.now(dt.UTC), local=marks | touched,
        written=document["origin"]["written"],
    )  # fmt: skip
    if edited != document:
        documents.put(kind.name, [(name, edited)])
    return changes


def _edited(kind: Kind, body: dict[str, Any], said: str, text: str, names: Names) -> str:
    """Set one field of the body, as somebody typed it; its path in full."""
    try:
        return _set(kind, body, said, text, names)
    except Refusal as refusal:
        raise _unusable(said, refusal.reason) from None


def _unusable(field: str, reason: str) -> ConfigError:
    return ConfigError(f"{field}: {reason}", fix="nothing was changed; correct the value and edit again",
                       code="WHERRY-2811", key=field)  # fmt: skip


def _set(kind: Kind, body: dict[str, Any], path: str, text: str, names: Names) -> str:
    """Set one value in a full body; returns the path under which it is protected."""
    if found := _LINE.fullmatch(path):
        return _set_in_line(kind, body, found["label"], found["name"] or "", text, names)
    if path.startswith("custom.") and path != "custom.":
        body["custom"][path.removeprefix("custom.")] = text
        return path
    field = kind.field(path)
    if field.type == "custom":
        raise Refusal(path, "name one custom field, such as custom.colour=red")
    body[path] = _value(field, body[path], text, names)
    return path


def _set_in_line(kind: Kind, body: dict[str, Any], label: str, name: str, text: str, names: Names) -> str:
    if kind.line is None:
        raise Refusal("lines", f"{a(kind.spelled)} has no lines")
    if not name:
        raise Refusal("lines", f"name a field of the line, such as lines[{label}].quantity")
    label, line = line_of(body["lines"], label)
    field = kind.line.field(name)
    if field.type == "custom" or name == "source":
        raise Refusal(name, f"{name} of a line cannot be edited")
    line[name] = _value(field, line[name], text, names)
    return f"lines[{label}].{name}"


def line_of(lines: Sequence[dict[str, Any]], said: str) -> tuple[str, dict[str, Any]]:
    """(label, line) of a line called by its source's id or its position from 0. Raises Refusal."""
    known = labels(list(lines))
    if said in known:
        return said, lines[known.index(said)]
    if said.isascii() and said.isdigit() and int(said) < len(lines):
        return known[int(said)], lines[int(said)]
    raise Refusal("lines", f"there is no line {said!r}; it has {len(lines)}: {', '.join(known[:10]) or 'none'}")


def _value(field: Field, present: Any, text: str, names: Names) -> Any:
    currency = present["currency"] if field.type == "money" and present else ""
    value = parse(field, text, currency)
    return names.id_of(field.name, value) if field.type == "reference" and value else value


def release(documents: Documents, kind_name: str, name: str, paths: Iterable[str]) -> list[str]:
    """Drop the protection of fields, so that the next sync may fill them again; returns what was protected.

    ``lines`` and ``lines[0]`` stand for everything in them. Raises ConfigError for an unknown field.
    """
    kind = kind_of(kind_name)
    document = held(documents, kind, name)
    marks = set(document["local"])
    for path in paths:
        said = _spelled(kind, document, path)
        marks -= {mark for mark in marks if mark == said or mark.startswith((f"{said}.", f"{said}["))}
    if marks != set(document["local"]):
        documents.put(kind.name, [(name, {**document, "local": dict.fromkeys(sorted(marks), True)})])
    return sorted(set(document["local"]) - marks)


def _spelled(kind: Kind, document: Document, path: str) -> str:
    """The path as marks spell it: a line by its label."""
    found = _LINE.fullmatch(path)
    if not found:
        return path if path.startswith("custom.") else kind.field(path).name
    if f"lines[{found['label']}]" in document["local"]:
        label = found["label"]
    else:
        try:
            label, _ = line_of(full(kind, document["fields"])["lines"], found["label"])
        except Refusal as refusal:
            raise _unusable(path, refusal.reason) from None
    return f"lines[{label}]" + (f".{found['name']}" if found["name"] else "")
