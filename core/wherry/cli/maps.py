"""``wherry map …``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from wherry.cli.drawing import plural, spelled, table
from wherry.cli.drawing import value as drawn
from wherry.cli.options import face
from wherry.operating import flows
from wherry.operating.connections import kind_among

FLOW = click.argument("flow", metavar="FLOW")


@click.command()
@FLOW
@click.option("--kind", default="", help="Only the map of this kind of record.")
def show(flow: str, kind: str) -> None:
    """Every line of a flow's maps: the field it fills, the expression, and where it comes from."""
    own = face()
    found = flows.map_rows(own.hub, flow)
    kind = kind_among(flow, found, kind)
    rows = [{"kind": name, **row} for name, lines in found.items() for row in lines if kind in ("", name)]
    own.print("wherry.map.show/1", {"flow": flow, "items": rows}, lambda: _table(rows),
              [f"wherry map preview {flow} --record ID"])  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    header = list(dict.fromkeys(key for row in rows for key in row))
    yield from table([name.upper() for name in header], [[row.get(name, "") for name in header] for row in rows])


@click.command()
@FLOW
@click.option("--record", required=True, metavar="ID", help="The record's id at the source.")
@click.option("--kind", default="", help="Its kind; the flow's first one where left out.")
def preview(flow: str, record: str, kind: str) -> None:
    """One real record, and what the map makes of it. Reads the source, writes nothing."""
    own = face()
    data = flows.map_preview(own.hub, flow, record, kind)
    own.print("wherry.map.preview/1", data, lambda: preview_lines(data), [f"wherry plan {flow} --record {record}"])


def preview_lines(data: dict[str, Any]) -> Iterator[str]:
    yield f"{data['kind']} {data['record']}   " + ("passes" if data["passes"] else f"left out: {data['reason']}")
    yield from (f"  {line}" for line in table(["FIELD", "VALUE"], _cells(data["fields"])))
    for kind, records in data["relatives"].items():
        if records:
            more = f" and {len(records) - 10} more" if len(records) > 10 else ""
            yield f"  with {plural(len(records), kind)}: " + ", ".join(str(one["id"]) for one in records[:10]) + more
    for draft in data["drafts"]:
        yield f"becomes {spelled(draft['entity'])}   {draft['key']}"
        yield from (f"  {line}" for line in table(["FIELD", "VALUE"], _cells(draft["body"])))


def _cells(values: dict[str, Any]) -> list[tuple[str, str]]:
    filled = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    return [cell for name, said in filled.items() for cell in _cell(name, said)]


def _cell(name: str, said: Any) -> Iterator[tuple[str, str]]:
    """A value, or each thing of a list of things on a line of its own."""
    if isinstance(said, list) and any(isinstance(one, dict) for one in said):
        for number, one in enumerate(said, 1):
            parts = {key: inner for key, inner in one.items() if inner not in (None, "", [], {})}
            yield f"{name} {number}", ", ".join(f"{key} {drawn(inner)}" for key, inner in parts.items())
    else:
        yield name, drawn(said)
