"""``wherry triage …``: questions that wait for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from wherry.cli.drawing import clean, counts, plural, spelled, table
from wherry.cli.options import face, listing, page
from wherry.operating import answers
from wherry.operating.answers import Answered

QUESTION = click.argument("question", metavar="T")
IDENTICAL = click.option("--identical", is_flag=True, help="Give the same answer to every question of the same name.")


@click.command("list")
@click.option("--state", type=click.Choice(["open", "answered", "ignored", "all"]), default="open", show_default=True,
              help="Which questions.")  # fmt: skip
@listing("id", "waiting")
def list_(state: str, limit: int, cursor: str, sort: str | None) -> None:
    """The questions, with their candidates; the one that most waits for with --sort -waiting."""
    own = face()
    rows = answers.questions(own.hub, state="" if state == "all" else state, limit=100_000)
    shown, after = page(rows, "id", limit, f"T-{answers.number(cursor)}" if cursor else "", sort, _rank)
    data = {"items": shown, "total": len(rows), "cursor": after}
    own.print("wherry.triage.list/1", data, lambda: _listed(data, state), _next(shown))


def _rank(row: dict[str, Any], field: str) -> int:
    return answers.number(row["id"]) if field == "id" else int(row["waiting"])


def _next(rows: list[dict[str, Any]]) -> list[str]:
    first = next((row for row in rows if row["state"] == "open"), None)
    if first is None:
        return []
    if first["candidates"]:
        return [f"wherry triage match {first['id']} {first['candidates'][0]['id']}"]
    return [f"wherry triage create {first['id']}"]


def _listed(data: Mapping[str, Any], state: str) -> Iterator[str]:
    rows = data["items"]
    if not rows:
        yield "no question is open" if state == "open" else "there are no such questions"
        return
    for row in rows:
        yield from _question(row, most=3)
    if data["cursor"]:
        yield f"{len(rows)} of {data['total']:,}; more with --cursor {data['cursor']}"


def _question(row: dict[str, Any], most: int) -> Iterator[str]:
    name = f'{spelled(row["entity"])} "{clean(row["name"])}"' + (f" ({clean(row['sku'])})" if row["sku"] else "")
    waiting = f"{row['waiting']:,} {'waits' if row['waiting'] == 1 else 'wait'} for it"
    yield f"{row['id']}   {name}   from {row['system'] or row['flow']}   {waiting}"
    if row["state"] == "open":
        yield "  open" + (f"   asked {row['asked'][:19]}" if row["asked"] else "")
    else:
        answer = f": {row['answer']}" if row["answer"] else ""
        yield f"  {row['state']}{answer} by {row['answered_by']}" + (
            f": {clean(row['reason'])}" if row["reason"] else ""
        )
    rows = [(c["id"], f"{c['score']:.2f}", c["name"], c["sku"], c["why"], ", ".join(c["linked"]))
            for c in row["candidates"][:most]]  # fmt: skip
    if rows:
        yield from (f"  {line}" for line in table(["ID", "SCORE", "NAME", "SKU", "WHY", "LINKED TO"], rows))
    elif row["state"] == "open":
        yield "  nothing there is like it"


@click.command()
@QUESTION
def show(question: str) -> None:
    """One question in full, with all its candidates."""
    own = face()
    row = answers.question(own.hub, answers.number(question))
    own.print(
        "wherry.triage.show/1", row, lambda: [*_question(row, most=50), f"  why      {clean(row['why'])}"], _next([row])
    )


@click.command()
@QUESTION
@click.argument("target", metavar="ID")
@IDENTICAL
def match(question: str, target: str, identical: bool) -> None:
    """It is this one. Whatever waited for the answer is settled before the command returns.

    \b
    Example:
      wherry triage match T-1 I-1001
    """
    own = face()
    _answered(answers.match(own.hub, answers.number(question), target, identical=identical), "match")


@click.command()
@QUESTION
@IDENTICAL
def create(question: str, identical: bool) -> None:
    """It is nothing that is there: make it."""
    own = face()
    _answered(answers.create(own.hub, answers.number(question), identical=identical), "create")


@click.command()
@QUESTION
@click.option("--reason", default="", help="Why; kept with the answer.")
@IDENTICAL
def ignore(question: str, reason: str, identical: bool) -> None:
    """It is of no interest; what waits goes on without it."""
    own = face()
    _answered(answers.ignore(own.hub, answers.number(question), reason, identical=identical), "ignore")


@click.command("apply-identical")
@QUESTION
def apply_identical(question: str) -> None:
    """Give an answered question's answer to every open question of the same name."""
    own = face()
    _answered(answers.apply_identical(own.hub, answers.number(question)), "apply-identical")


def _answered(answered: Answered, verb: str) -> None:
    own = face()
    left = len(answers.questions(own.hub, limit=100_000))
    data = {**msgspec.to_builtins(answered), "open_questions": left}
    nexts = ["wherry triage list"] if left else []
    own.print(f"wherry.triage.{verb}/1", data, lambda: _settled(data), nexts)


def _settled(data: dict[str, Any]) -> Iterator[str]:
    row = data["question"]
    said = row["answer"] or row["reason"]
    answer = f": {clean(said)}" if said else ""
    yield f'{row["id"]}   {spelled(row["entity"])} "{clean(row["name"])}"   {row["state"]}{answer}'
    for kind, words in data["settled"].items():
        yield f"  {spelled(kind)}   {counts(words)}"
    if data["also"]:
        yield f"  also     {', '.join(f'T-{number}' for number in data['also'])}"
    yield f"  take it back: wherry triage undo {row['id']}"


@click.command()
@QUESTION
def undo(question: str) -> None:
    """Take an answer back; the question is open again. What was written with it stays, and is named."""
    own = face()
    data = answers.undo(own.hub, answers.number(question))
    row = data["question"]
    lines = [f'{row["id"]}   {spelled(row["entity"])} "{clean(row["name"])}" is open again; it {_was(data)}']
    again = []
    if data["orphan"]:
        lines.append(f"  {data['orphan']}, which the answer made, stays: nothing of this source points to it any more")
    if data["written"]:
        stay = f"{plural(data['written'], 'entry')} written {'with' if data['was'] != 'ignored' else 'without it'}"
        stay += "" if data["was"] == "ignored" else " the old answer"
        lines.append(f"  {stay} {'stays as it is' if data['written'] == 1 else 'stay as they are'}")
        again = [f"wherry resync {data['flow']} {' '.join(data['records'][:20])}"] if data["records"] else []
    own.print("wherry.triage.undo/1", data, lines, [*_next([data["question"]]), *again])


def _was(data: dict[str, Any]) -> str:
    """What the answer was that is taken back."""
    if data["was"] == "ignored":
        return "was ignored" + (f": {clean(data['reason'])}" if data["reason"] else "")
    if data["was"] == "created":
        return "was made anew" + (f" as {data['answer']}" if data["answer"] else "")
    return f"was {data['answer']}"
