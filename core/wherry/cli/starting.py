"""The text of a new project file: what ``wherry init`` found out, with comments for what may be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from wherry.cli import required
from wherry.hookspecs import Manifest

GITIGNORE = ".wherry/\n.env\nwherry.local.toml\n"


class Secret(Struct, frozen=True):
    """How a secret is given: ``env`` with a variable, ``file`` with a path, or ``stored``."""

    way: str = "env"
    detail: str = ""

    def __str__(self) -> str:
        return "{ stored = true }" if self.way == "stored" else f"{{ {self.way} = {json.dumps(self.detail)} }}"


class Connected(Struct, kw_only=True):
    """A connection to write: its plugin, and how it signs in, if it does."""

    name: str
    manifest: Manifest
    secret: Secret | None = None
    settings: Any = None
    """The model of its settings: what that requires beside is written as a line to fill in."""


class Carried(Struct, kw_only=True):
    """A flow to write. ``stages`` by pipeline id; none: every pipeline, at won."""

    name: str
    source: str
    sink: str
    kind: str
    after: Sequence[str] = ()
    stages: Mapping[str, Sequence[str]] = {}
    since: str = ""
    asks: str = ""
    """The entity that is matched and asked for, if the map makes one that another flow brings."""
    repeat: str = '"once"'
    lines: Sequence[str] = ()
    """What else the flow says."""


class Plan(Struct, kw_only=True):
    """Everything that the file says."""

    name: str
    timezone: str
    currency: str
    connections: list[Connected]
    flows: list[Carried]


def project_name(folder: Path) -> str:
    """The folder's name, spelt as names are."""
    return re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-")[:63] or "project"


def variable(system: str, what: str) -> str:
    return f"{re.sub(r'[^A-Z0-9]+', '_', system.upper())}_{what}"


_LEADS_TO = {"platform": "accounting", "accounting": ""}
"""Group of a source → group of the sink that its records go to; everything else goes to the platform."""
_INTO_BOOKS = (
    'document = "invoice"    # or "estimate", "sales-order", "journal"',
    'when = { status = "invoiced" }    # or "assigned": what is assigned or further along',
    'approval = "required"    # what is prepared waits for: wherry approve; "automatic" sends it by itself',
    "# books_from = 2026-01-01    # what is dated before waits for approval in any case",
)


def flows_among(connections: Sequence[Connected]) -> list[Carried]:
    """The flows that connections like these usually have: from sales into the platform, from there into the books."""
    found: list[Carried] = []
    for source in connections:
        group = _LEADS_TO.get(source.manifest.group, "platform")
        sinks = [one for one in connections if "sink" in one.manifest.roles and one.manifest.group == group]
        if sinks and source is not sinks[0]:
            found += [one for one in flows_between(source, sinks[0]) if one.name not in {f.name for f in found}]
    return found


def flows_between(source: Connected, sink: Connected) -> list[Carried]:
    """One flow for the kind that makes most, after one for each kind whose own records it only refers to."""
    maps = source.manifest.maps
    if not maps:
        return []
    main = max(maps, key=lambda kind: len(maps[kind]))
    first = [kind for kind in maps if kind != main and kind in maps[main] and len(maps[kind]) == 1
             and source.manifest.match.get(kind, {}).get("order")]  # fmt: skip
    made = [
        Carried(name=_flow_name(kind, maps[kind]), source=source.name, sink=sink.name, kind=kind, repeat='"always"')
        for kind in first
    ]
    books = sink.manifest.group == "accounting"
    last = Carried(
        name=_flow_name(main, maps[main]), source=source.name, sink=sink.name, kind=main, after=[c.name for c in made],
        asks=first[0] if first else "", lines=_INTO_BOOKS if books else (), repeat='"always"' if books else '"once"',
    )  # fmt: skip
    return [*made, last]


def _flow_name(kind: str, map: Mapping[str, Any]) -> str:
    """What operators call a flow: ``won-…`` of a kind with pipelines, ``catalogue`` of products alone."""
    if "stage" in map.get("trigger", {}):
        return f"won-{kind.replace('_', '-')}s"
    return "catalogue" if set(map) == {"product"} else f"{kind.replace('_', '-')}s"


def text(plan: Plan) -> str:
    """The file."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield "#:schema .wherry/schema.json            # written by: wherry config schema"
    yield "version = 1"
    yield from ("", "[project]", f"name = {json.dumps(plan.name)}")
    yield f"timezone = {json.dumps(plan.timezone)}    # days, weeks and months are cut in this zone"
    yield f"currency = {json.dumps(plan.currency)}    # the organisation's own"
    enabled = json.dumps(sorted({one.manifest.system for one in plan.connections}))
    yield from ("", "[plugins]", f"enabled = {enabled}    # only these are loaded; see: wherry plugin list")
    for connection in plan.connections:
        yield from _connection(connection)
    if not plan.connections:
        yield from _NO_CONNECTION
    for flow in plan.flows:
        yield from _flow(flow)


_NO_CONNECTION = (
    "", "# No plugin is installed yet: pip install one (see: wherry plugin list), enable it above, then:",
    "# [connections.NAME]", '# plugin = "…"',
)  # fmt: skip


def _connection(one: Connected) -> Iterator[str]:
    yield from ("", f"[connections.{one.name}]    # {one.manifest.title}; try it: wherry connection test {one.name}")
    yield f"plugin = {json.dumps(one.manifest.system)}"
    if one.secret is not None:
        address = variable(one.manifest.system, "URL")
        yield f'base_url = "${{{address}:-}}"    # the vendor\'s own address where {address} is not set'
        yield f'auth = {{ kind = "token", token = {one.secret} }}    # or oauth2; never the token itself'
    written = {"plugin"} | ({"base_url", "auth"} if one.secret is not None else set())
    yield from required.lines(one.settings, written, variable(one.manifest.system, "").rstrip("_"))


def _flow(one: Carried) -> Iterator[str]:
    yield from ("", f"[flows.{one.name}]", f"source = {json.dumps(one.source)}", f"sink = {json.dumps(one.sink)}")
    yield f"kinds = [{json.dumps(one.kind)}]"
    yield from one.lines
    if one.after:
        yield f"after = {json.dumps(list(one.after))}    # runs first"
    if one.stages:
        rows = ", ".join(
            f"{{ id = {json.dumps(id)}, stages = {json.dumps(list(found))} }}" for id, found in one.stages.items()
        )
        yield f'pipelines = [{rows}]    # "won" is any stage closed at probability 1'
    elif one.after or one.asks:
        yield '# pipelines = [{ id = "…", stages = ["won"] }]    # all pipelines, at won, where left out'
    yield (
        f"changed_since = {one.since}" if one.since else "# changed_since = 2026-01-01    # looks at the modified date"
    )
    yield f'repeat = {one.repeat}    # "once": later changes at the source do not write again; "always": they do'
    yield from (
        "# [flows." + one.name + ".schedule]    # counts after: wherry flow activate " + one.name,
        '# every = "1h"',
    )
    if one.asks:
        yield from ("", f"[flows.{one.name}.match.{one.asks}]", 'order = ["link", "sku", "name"]')
        yield 'unmatched = "triage"    # a question for a person; or "create", "skip"'
