"""``wherry accounts …``: the target's chart of accounts, and the table that maps categories to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from wherry.bookkeeping import charting
from wherry.cli.drawing import clean, plural, table
from wherry.cli.options import face, listing, more, page
from wherry.cli.picking import FLOW
from wherry.cli.progress import patient
from wherry.errors import EXIT_PERSON

CONNECTION = click.argument("connection", metavar="CONNECTION")
_FEW = 20


@click.command("import")
@CONNECTION
def import_(connection: str) -> None:
    """Read a target's chart of accounts and keep it: previews and checks need nobody then.

    \b
    Example:
      wherry accounts import books
    """
    own = face()
    data = charting.import_chart(own.hub, connection)
    own.print("wherry.accounts.import/1", data, lambda: _imported(data), [f"wherry accounts list {connection}"])


def _imported(data: Mapping[str, Any]) -> Iterator[str]:
    headers = f"   {plural(data['headers'], 'header')}" if data["headers"] else ""
    inactive = f"   {data['inactive']:,} inactive" if data["inactive"] else ""
    yield f"{clean(data['connection'])}   {plural(data['posting'], 'posting account')}{headers}{inactive}"
    for word in ("new", "changed", "gone"):
        if data[word]:
            told = ", ".join(_named(one) for one in data[word][:_FEW])
            more = f" and {len(data[word]) - _FEW:,} more" if len(data[word]) > _FEW else ""
            yield f"  {word.ljust(8)} {clean(told)}{more}"
    for problem in data["problems"][:_FEW]:
        yield click.style(f"  ! {clean(problem)}", fg="yellow")


def _named(one: Mapping[str, Any]) -> str:
    return one["code"] if one["code"] == one["name"] else f"{one['code']} {one['name']}"


@click.command("list")
@CONNECTION
@click.option("--all", "everything", is_flag=True, help="Headers and inactive accounts too.")
@listing(limit=200)
def list_(connection: str, everything: bool, limit: int, cursor: str) -> None:
    """The chart of accounts as it was last read, posting accounts only.

    \b
    Examples:
      wherry accounts list books
      wherry accounts list books --all --output csv
    """
    own = face()
    data = charting.listed(own.hub, connection, everything=everything)
    shown, behind = page(data["items"], "id", limit, cursor)
    data = {**data, "items": shown, "cursor": behind}
    after = [] if data["accounts"] else [f"wherry accounts import {connection}"]
    own.print("wherry.accounts.list/1", data, lambda: _listed(data), after)


def _listed(data: Mapping[str, Any]) -> Iterator[str]:
    if not data["accounts"]:
        yield f"no chart of {clean(data['connection'])} has been read yet"
        return
    states = len({row["state"] for row in data["items"]} - {"active"}) > 0
    header = ["CODE", "NAME", "TYPE", "CURRENCY", *(["STATE"] if states else [])]
    names = ("code", "name", "type", "currency", *(("state",) if states else ()))
    yield from table(header, [[row[name] for name in names] for row in data["items"]])
    yield from more(data["cursor"])


@click.command("map")
@FLOW
@click.option("--to", default="", metavar="FILE", help="The table, CSV or XLSX; the flow's own where left out.")
def map_(flow: str, to: str) -> None:
    """Put a row for every category that has none into the accounts table; a bookkeeper fills it in.

    Rows that are there stay as they are. Columns: category, debit, credit, class, department, location, subsidiary,
    tax, party. Exit 4 while a category has no account.

    \b
    Examples:
      wherry accounts map wallet-journals
      wherry accounts map wallet-journals --to tables/accounts.xlsx
    """
    own = face()
    with patient(own, own.hub):
        data = charting.map_table(own.hub, flow, to)
    if data["table"] != data["named"]:
        own.warn(f'flow {flow} does not use this table yet: set accounts = "{data["table"]}" on it')
    own.print("wherry.accounts.map/1", data, lambda: _mapped(data), [f"wherry accounts check {flow}"])
    own.code = EXIT_PERSON if data["unmapped"] else 0


def _mapped(data: Mapping[str, Any]) -> Iterator[str]:
    kinds = "1 category" if data["categories"] == 1 else f"{data['categories']:,} categories"
    yield f"{clean(data['table'])}   {kinds}   {data['mapped']:,} mapped   {len(data['unmapped']):,} unmapped"
    if data["new"]:
        yield f"  new rows  {clean(', '.join(data['new'][:_FEW]))}"
    for one in data["unmapped"][:_FEW]:
        missing = " and ".join(one["missing"])
        yield f"  ? {clean(one['category'])}   {plural(one['movements'], 'movement')}   no {missing} account"
    if len(data["unmapped"]) > _FEW:
        yield f"    and {len(data['unmapped']) - _FEW:,} more"
    if data["unmapped"]:
        yield f"    fix  fill in their accounts in {clean(data['table'])}"
    if data["unused"]:
        yield f"  not used  {clean(', '.join(data['unused'][:_FEW]))}"


@click.command()
@FLOW
def check(flow: str) -> None:
    """Whether the table and the target's chart fit: every problem, by row and column. Exit 4 if there is one.

    Unknown codes, zeros that a spreadsheet dropped, inactive accounts, headers, currencies, receivables of nobody.

    \b
    Example:
      wherry accounts check wallet-journals
    """
    own = face()
    with patient(own, own.hub):
        data = charting.check(own.hub, flow)
    after = [] if data["items"] else [f"wherry journal preview {flow}"]
    own.print("wherry.accounts.check/1", data, lambda: _checked(data), after)
    own.code = EXIT_PERSON if data["items"] else 0


def _checked(data: Mapping[str, Any]) -> Iterator[str]:
    head = f"{clean(data['table'])}   {plural(data['rows'], 'row')}   {plural(data['posting'], 'posting account')}"
    yield f"{head}   {plural(len(data['items']), 'problem') if data['items'] else 'nothing is wrong'}"
    for one in data["items"]:
        place = f"row {one['row']}, {one['column']}" if one["row"] else one["column"] or "flow"
        category = f"   {clean(one['category'])}" if one["category"] else ""
        yield click.style(f"  ! {place}{category}: {clean(one['why'])}", fg="red")
        yield f"      fix  {clean(one['fix'])}"
