"""``wherry explain``: why a document is, or is not, in the target."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from wherry.cli import nexts
from wherry.cli.drawing import amount, clean, pairs, spelled, table
from wherry.cli.errors import KIND, found, history, payload
from wherry.cli.options import face
from wherry.cli.sent import requests
from wherry.operating import explaining
from wherry.records import DESK

if TYPE_CHECKING:
    from wherry.hub import Hub

_FEW = 3


@click.command()
@click.argument("document", metavar="[DOC]", required=False)
@click.option("--target", default="", metavar="ID", help="The document with this id in the target.")
@KIND
@click.option("--short", is_flag=True, help="The sentence alone.")
def explain(document: str | None, target: str, kind: str, short: bool) -> None:
    """Why a document is, or is not, in the target: one sentence, then all that stands behind it.

    DOC is its number, its record's id at the source, its key, its id in the target or the number that it was given
    there, or E-N. Asks nobody outside.

    \b
    Examples:
      wherry explain 536365
      wherry explain --target 145
      wherry explain --target 58 --kind customer
    """
    own = face()
    if not document and not target:
        raise click.UsageError("say which document, or --target ID")
    rows = explaining.explain(own.hub, document or "", target, kind)
    data = {"items": rows}
    asked = (
        f"wherry explain --target {shlex.quote(target)}" if target else f"wherry explain {shlex.quote(document or '')}"
    )
    whole = own.pasted(f"{asked} --kind {shlex.quote(kind)}" if kind else asked)
    own.print("wherry.explain/1", data, lambda: _told(rows, short, whole), _next(own.hub, rows, asked))


def _next(hub: Hub, rows: Sequence[Mapping[str, Any]], asked: str) -> list[str]:
    waits = next((row for row in rows if row["open"] is not None), None)
    kinds = [row["ref"]["entity"] for row in rows if row["ref"]]
    one_of = [f"{asked} --kind {kinds[-1]}"] if len(set(kinds)) > 1 else []
    return [*_step(hub, waits["open"]), *one_of] if waits is not None else one_of


def _step(hub: Hub, item: Mapping[str, Any]) -> list[str]:
    """Of what needs a decision it is shown first what there is to decide about."""
    return [f"wherry errors show {item['id']}"] if item["class"] in DESK else nexts.of_number(hub, item["id"])


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
        *(("from file", f"{one['file']}, imported by {_when(one)}") for one in row["imports"][-_FEW:]),
        ("version", record.get("version", "")), ("amount", money), ("seen by", record.get("run", "")),
        ("in", f"{target['connection']}, {target['account']} ({target['account_id']})" if target else ""),
        ("as", target.get("id", "")), ("since", target.get("since", "")[:19]), ("rule", target.get("rule", "")),
        ("by", target.get("by", "")), ("run", target.get("run", "")), ("request", target.get("call") or ""),
        ("approved", _when(row["approved"])), ("decided", _decided(row["decision"])),
        ("map", row["map"]["fingerprint"] if row["map"] else ""),
    ])  # fmt: skip
    if row["matches"]:
        yield "  refers to"
        cells = [(spelled(m["entity"]), m["label"] or m["key"], m["target"], m["rule"] or m["state"], m["by"],
                  m["reason"]) for m in row["matches"]]  # fmt: skip
        yield from (f"    {line}" for line in table(["", "NAME", "TARGET", "RULE", "BY", "WHY"], cells, most=50))
    yield from _members(row)
    yield from payload(row["payload"])
    yield from found(row["evidence"])
    yield from requests({**row, **(row["ref"] or {"entity": "", "key": ""})}, _names(row), whole)
    yield from history(row["history"])


def _members(row: Mapping[str, Any]) -> Iterator[str]:
    """The movements of an entry, each with the record that it came from."""
    members, many = row["members"], row["movements"]
    if members:
        yield "  made of"
        cells = [(one["id"], one["record"], one["reference"], one["date"], amount(one["minor"], one["currency"]))
                 for one in members]  # fmt: skip
        yield from (f"    {line}" for line in table(["", "RECORD", "REFERENCE", "DATE", "AMOUNT"], cells, most=50))
    if many > len(members):
        number = str(row["payload"].get("number", ""))
        yield f"    and {many - len(members):,} more: wherry journal show {shlex.quote(number)}"


def _when(one: Mapping[str, Any] | None) -> str:
    return f"{one['by']}, {one['at'][:19]}" if one else ""


def _decided(one: Mapping[str, Any] | None) -> str:
    return f"{one['how']}: {_when(one)}" + (f": {one['note']}" if one["note"] else "") if one else ""


def _names(row: Mapping[str, Any]) -> list[str]:
    """By what the document is known in the calls that carry it."""
    waits, target, body = row["open"] or {}, row["target"] or {}, row["payload"]
    names = [waits.get("stamp"), target.get("id"), waits.get("target"), body.get("number") or body.get("name")]
    return [str(name) for name in names if name]
