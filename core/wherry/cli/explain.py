"""``wherry explain``: why a document is, or is not, in the target."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from wherry import explaining
from wherry.cli.drawing import amount, clean, pairs, spelled, table
from wherry.cli.errors import found, history, payload
from wherry.cli.options import face
from wherry.cli.sent import requests


@click.command()
@click.argument("document", metavar="DOC", required=False)
@click.option("--target", default="", metavar="ID", help="The document with this id in the target.")
@click.option("--short", is_flag=True, help="The sentence alone.")
def explain(document: str | None, target: str, short: bool) -> None:
    """Why a document is, or is not, in the target: one sentence, then all that stands behind it.

    DOC is its number, its record's id at the source, its key, its id in the target, or E-N. Asks nobody outside.

    \b
    Examples:
      wherry explain 536365
      wherry explain --target 145
    """
    own = face()
    if not document and not target:
        raise click.UsageError("say which document, or --target ID")
    rows = explaining.explain(own.hub, document or "", target)
    data = {"items": rows}
    whole = own.pasted(f"wherry explain --target {shlex.quote(target)}" if target
                       else f"wherry explain {shlex.quote(document or '')}")  # fmt: skip
    own.print("wherry.explain/1", data, lambda: _told(rows, short, whole), _next(rows))


def _next(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    waits = next((row for row in rows if row["open"] is not None), None)
    return [f"wherry errors show {waits['open']['id']}"] if waits is not None else []


def _told(rows: Sequence[Mapping[str, Any]], short: bool, whole: str) -> Iterator[str]:
    for row in rows:
        yield clean(row["sentence"])
        if not short:
            yield from _behind(row, whole)


def _behind(row: Mapping[str, Any], whole: str) -> Iterator[str]:
    record, target = row["record"] or {}, row["target"] or {}
    money = amount(record["amount"], record["currency"]) if record.get("amount") is not None else ""
    yield from pairs([
        ("flow", row["flow"]),
        ("record", f"{record['kind']} {record['id']} of {record['source']}" if record else ""),
        ("version", record.get("version", "")), ("amount", money), ("seen by", record.get("run", "")),
        ("in", f"{target['connection']}, {target['account']} ({target['account_id']})" if target else ""),
        ("as", target.get("id", "")), ("since", target.get("since", "")[:19]), ("rule", target.get("rule", "")),
        ("by", target.get("by", "")), ("run", target.get("run", "")), ("request", target.get("call") or ""),
        ("map", row["map"]["fingerprint"] if row["map"] else ""),
    ])  # fmt: skip
    if row["matches"]:
        yield "  refers to"
        cells = [(spelled(m["entity"]), m["label"] or m["key"], m["target"], m["rule"] or m["state"], m["by"],
                  m["reason"]) for m in row["matches"]]  # fmt: skip
        yield from (f"    {line}" for line in table(["", "NAME", "TARGET", "RULE", "BY", "WHY"], cells, most=50))
    yield from payload(row["payload"])
    yield from found(row["evidence"])
    yield from requests({**row, **(row["ref"] or {"entity": "", "key": ""})}, _names(row), whole)
    yield from history(row["history"])


def _names(row: Mapping[str, Any]) -> list[str]:
    """By what the document is known in the calls that carry it."""
    waits, target, body = row["open"] or {}, row["target"] or {}, row["payload"]
    names = [waits.get("stamp"), target.get("id"), waits.get("target"), body.get("number") or body.get("name")]
    return [str(name) for name in names if name]
