"""``wherry errors …``: what waits for an operator, why, and what is done about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from wherry.cli import failures, nexts, summary
from wherry.cli.context import Face, Text
from wherry.cli.drawing import amount, clean, pairs, plural, spelled, table, value
from wherry.cli.grouped import split
from wherry.cli.options import face
from wherry.cli.sent import requests
from wherry.errors import EXIT_PERSON, ConfigError, Guarded
from wherry.operating import desk, leaving
from wherry.records import FOR_A_PERSON, Ref

if TYPE_CHECKING:
    from wherry.errors import WherryError
    from wherry.operating.deciding import Done
    from wherry.operating.looking import Look
    from wherry.store.inquiries import Placed

NUMBER = click.argument("number", metavar="E-N")
NOTE = click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit log.")
CLASS = click.option("--class", "state", type=click.Choice(desk.CLASSES), help="Only these.")
FLOW = click.option("--flow", default="", help="Only of this flow.")
KIND = click.option(
    "--kind", default="", metavar="KIND", help="Of several with the name, the one of this kind: customer."
)
SAYS = {
    "refused": "refused, must be corrected",
    "decide": "to decide",
    "differs": "held otherwise in the target",
    "unknown": "being looked up",
    "waiting": "waiting, goes on by itself",
}
_FEW = 12


def money(row: Mapping[str, Any]) -> str:
    """The amount of a row, where it has one."""
    return amount(row["amount"], row["currency"]) if row["amount"] is not None and row["currency"] else ""


def sums(found: Mapping[str, int]) -> str:
    """``1,054.00 GBP + 12.50 USD``."""
    return " + ".join(amount(minor, currency) for currency, minor in sorted(found.items()))


# -- one ---------------------------------------------------------------------------------------------------------------


@click.command()
@NUMBER
def show(number: str) -> None:
    """One in full: what it carries, why it waits, what the target was found to hold, requests, answers, history."""
    own = face()
    data = desk.shown(own.hub, desk.number(number))
    whole = own.pasted(f"wherry errors show {data['id']}")
    own.print("wherry.errors.show/1", data, lambda: _shown(data, whole), nexts.of_item(data))


def _shown(data: Mapping[str, Any], whole: str) -> Iterator[str]:
    what = f"{'reversal of ' if data['reversal'] else ''}{spelled(data['entity'])} {clean(data['label'])}"
    yield f"{data['id']}   {what}   {_says(data)}   {money(data)}".rstrip()
    yield from pairs([
        ("flow", data["flow"]), ("record", f"{data['record']} of {data['source']}"),
        ("target", f"{data['target']} in {data['sink']}" if data["target"] else ""), ("why", data["reason"]),
        ("field", data["field"]), ("their code", data["vendor_code"]), ("fix", data["fix"]),
        ("since", data["since"][:19]), ("next look", data["due"][:19] if data["class"] == "unknown" else ""),
        ("run", data["run"]), ("tried", f"{data['attempt']} times" if data["attempt"] > 1 else ""),
        ("questions", ", ".join(data["questions"])), ("waits for it", data["needed_by"] or ""),
        ("newer", "a newer version waits behind it" if data["newer"] else ""),
    ])  # fmt: skip
    for need in data["needs"]:
        yield f"  waits for {spelled(need['entity'])} {clean(need['label'])} ({need['id']}): {clean(need['reason'])}"
    yield from payload(data["payload"])
    yield from found(data["evidence"])
    yield from requests(data, [data["stamp"], data["target"], data["label"]], whole)
    yield from history(data["history"])


def _says(data: Mapping[str, Any]) -> str:
    last = [data, *data["needs"]][-1]
    return "waits for approval" if last["approval"] == "wanted" else says(data)


def says(row: Mapping[str, Any]) -> str:
    """How an open item stands, in words."""
    return "held up by something that needs you" if row["held_up_by"] else SAYS.get(row["class"], row["class"])


def payload(body: Mapping[str, Any]) -> Iterator[str]:
    """What a document carries, line by line."""
    if body:
        yield "  carries"
        yield from pairs([(name, value(said)) for name, said in body.items() if name != "lines"], "    ")
        lines = body.get("lines") or ()
        yield from (f"    line {n}   {value(line)}" for n, line in enumerate(lines[:_FEW], 1))
        if len(lines) > _FEW:
            yield f"    and {plural(len(lines) - _FEW, 'more line')}"


def found(evidence: Mapping[str, Any] | None) -> Iterator[str]:
    """What the target was last found to hold."""
    if not evidence:
        return
    yield f"  the target was looked at on {str(evidence['at'])[:19]}"
    for hit in evidence["found"]:
        whose = "ours" if hit["ours"] else "alike, not ours" if hit["alike"] else "linked"
        yield f"    {clean(hit['target'])} ({whose})"
        yield from pairs(sorted(hit["facts"].items()), "      ")
    if not evidence["found"]:
        yield "    nothing of it was there"


def history(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What happened, oldest first."""
    if events:
        yield "  history"
        cells = [(e["at"][:19], f"{spelled(e['entity'])} {e['key']}".strip(), e["fate"], e["target"], e["reason"],
                  e["run"]) for e in events]  # fmt: skip
        yield from (f"    {line}" for line in table(["AT", "WHAT", "BECAME", "TARGET", "WHY", "RUN"], cells, most=50))


# -- decide ------------------------------------------------------------------------------------------------------------


@click.command()
@NUMBER
@click.argument("changes", nargs=-1, required=True, metavar="FIELD=VALUE...")
def edit(number: str, changes: tuple[str, ...]) -> None:
    """Correct what was refused; then retry it. An empty value takes a field away.

    \b
    Examples:
      wherry errors edit E-12 number=INV-9
      wherry errors edit E-12 lines.1.amount=9.90 total=19.80
    """
    from wherry.operating import correcting

    own = face()
    said = [_change(one) for one in changes]
    data = correcting.edit(own.hub, desk.number(number), said)
    lines = [f"{data['id']}   {spelled(data['entity'])} {clean(data['label'])}"]
    lines += [f"  {row['field']}   {value(row['before']) or '-'} -> {value(row['after']) or '-'}"
              for row in data["changes"]]  # fmt: skip
    own.print("wherry.errors.edit/1", data, lines, [f"wherry errors retry {data['id']}"])


def _change(said: str) -> tuple[str, str]:
    name, sign, text = said.partition("=")
    if not sign or not name.strip():
        raise click.UsageError(f"{said!r} is no FIELD=VALUE")
    return name.strip(), text


@click.command()
@click.argument("numbers", nargs=-1, metavar="[E-N...]")
@CLASS
@FLOW
def retry(numbers: tuple[str, ...], state: str | None, flow: str) -> None:
    """Try again what was refused, what is being looked up, or what is held otherwise; it is sent before this returns.

    What the target holds otherwise is written over with ours: the differences are shown first, then asked for.

    \b
    Examples:
      wherry errors retry E-12 E-13
      wherry errors retry --class refused --flow invoices
    """
    from wherry.operating import deciding

    own = face()
    chosen = _chosen(own, numbers, state, flow)
    for one in chosen:
        if one.item.state not in deciding.TRIED:
            raise deciding.not_that_way(own.hub, one.item)
    same = _ask_to_overwrite(own, [one for one in chosen if one.item.state == "differs"])
    rest = [one for one in chosen if one.item.id not in same]
    done = deciding.retry(own.hub, rest) if rest else deciding.Done(items=[])
    for id in same:  # nothing is to be written over: a second version of the same would only be sent after it
        done.items += deciding.accept(own.hub, id, _SAME, same=True).items
    _done(own, "wherry.errors.retry/1", done)


_SAME = "it holds what we would write"


def _chosen(own: Face, numbers: tuple[str, ...], state: str | None, flow: str) -> list[Placed]:
    if numbers:
        return desk.pick(own.hub, map(desk.number, numbers))
    if not state:
        raise click.UsageError("say which: E-N..., or --class CLASS")
    return desk.all_of(own.hub, state, flow)


def _ask_to_overwrite(own: Face, differing: Sequence[Placed]) -> list[int]:
    """Show what the target holds and what it becomes; raises where nobody says yes to it. The numbers of those that it
    holds by now as we would write them."""
    if not differing:
        return []
    from wherry.operating import looking

    looks = looking.look(own.hub, differing)
    for look in looks:
        own.note(f"{_named(look.placed)} in {look.placed.item.target}")
        for line in _over(look):
            own.note(line)
    same = [look.placed.item.id for look in looks if not look.changes
            and [hit.target for hit in look.found] == [look.placed.item.target]]  # fmt: skip
    if len(same) < len(looks):
        own.confirm("Write ours over what is there?")
    return same


def _over(look: Look) -> Iterator[str]:
    if not look.asked:
        yield f"  the target cannot be asked; it was last told: {clean(look.placed.item.reason)}"
    elif not look.found:
        yield "  it is no longer there"
    elif not look.changes:
        yield f"  {_SAME}"
    for change in look.changes:
        yield f"  {change.field}   {clean(change.after)} -> {clean(change.before)}"


def _named(one: Placed) -> str:
    return f"E-{one.item.id} {spelled(one.item.entity)} {clean(one.item.label or one.item.key)}"


@click.command()
@NUMBER
@click.option("--link", "target", default="", metavar="ID", help="It is this one in the target.")
@click.option("--send-again", is_flag=True, help="The target does not hold it: send it as a new attempt.")
@click.option("--abandon", is_flag=True, help="Never send it; what waits for it goes on without it.")
@NOTE
def resolve(number: str, target: str, send_again: bool, abandon: bool, note: str) -> None:
    """Say what a machine cannot tell. Without an option: keep what the target holds, of what is held otherwise there.

    \b
    Examples:
      wherry errors resolve E-12 --link 145
      wherry errors resolve E-12 --send-again
      wherry errors resolve E-12 --abandon --note "entered by hand"
    """
    from wherry.operating import deciding

    own = face()
    if sum((bool(target), send_again, abandon)) > 1:
        raise click.UsageError("say one of --link ID, --send-again, --abandon")
    id = desk.number(number)
    if target:
        done, look = deciding.adopt(own.hub, id, target, note)
        _tell_differences(own, look)
    elif send_again:
        _must_be_sure(own, id)
        done = deciding.send_again(own.hub, id, note)
    else:
        done = deciding.abandon(own.hub, id, note) if abandon else deciding.accept(own.hub, id, note)
    _done(own, "wherry.errors.resolve/1", done)


def _tell_differences(own: Face, look: Look | None) -> None:
    if look is not None and not look.asked:
        own.warn("the target cannot be asked, so nobody looked whether it is there")
    for change in look.changes if look is not None else ():
        own.warn(f"it holds {change.field} {clean(change.after)}, we would write {clean(change.before)}")


@click.command()
@click.argument("document", metavar="[DOC]", required=False)
@click.option("--target", default="", metavar="ID", help="What has this id in the target.")
@KIND
@NOTE
def reopen(document: str | None, target: str, kind: str, note: str) -> None:
    """Put before a person again what was given up, or what the target holds no more or otherwise. Sends nothing.

    DOC is a document, or a customer or product: its number, its record's id, its key, or E-N of what was given up.

    \b
    Examples:
      wherry errors reopen 536365
      wherry errors reopen --target 58 --kind customer
    """
    from wherry.operating import reopening

    own = face()
    if not document and not target:
        raise click.UsageError("say which, or --target ID")
    done = reopening.reopen(own.hub, document or "", target, kind, note)
    data = {"items": done.items, "error": None}
    own.print("wherry.errors.reopen/1", data, lambda: outcomes(done.items), nexts.of_outcomes(done.items))


def _must_be_sure(own: Face, id: int) -> None:
    """Show what the target holds of it now, and have the document's number typed (case A27)."""
    from wherry.operating import deciding, looking

    [one] = desk.pick(own.hub, [id])
    if one.item.state != "decide" and not (one.item.state == "refused" and one.item.target):
        raise deciding.not_that_way(own.hub, one.item)
    [look] = looking.look(own.hub, [one])
    [one] = desk.pick(own.hub, [id])
    own.note(_named(one) if look.asked else f"{_named(one)}; the target cannot be asked what it holds")
    for line in found(desk.evidence(one.item)):
        own.note(line)
    word = one.item.label or one.item.key
    if own.yes:
        return
    if not own.asks:
        raise ConfigError(
            f"to send {word} again somebody has to be sure that it is not there; nobody can be asked here",
            fix="look in the target, then say --yes", code="WHERRY-2124",
        )  # fmt: skip
    if click.prompt("It may be there twice afterwards. Type its number to send it again", err=True) != word:
        raise click.Abort


def _done(own: Face, schema: str, done: Done) -> None:
    """How each stands now."""
    after = nexts.of_outcomes(done.items) or _held(done.items) or _unsent(done) or _after(own, done.items)
    lines = [*outcomes(done.items), *fetched(own, done.items)] or ["there is nothing of that class"]
    settled(own, schema, {"items": done.items}, done.error, lines, after if done.items else ["wherry errors list"])


def settled(
    own: Face, schema: str, data: Mapping[str, Any], error: WherryError | None, text: Text, after: Sequence[str] = ()
) -> None:
    """The answer of a command that has done something about ``data["items"]``, as far as the target was reached; exit
    4 when one of them still waits for a person."""
    own.print(schema, {**data, "error": error.as_data() if error else None}, text, after, error=error)
    own.code = EXIT_PERSON if desk.waits_for_a_person(data["items"]) else 0
    if error is not None:
        own.code = error.exit_code
        failures.draw(own, error.as_data())


def _held(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What still waits for a person's word, such as that of a second one."""
    held = [row for row in rows if row.get("approval") == "wanted"]
    return [f"wherry approve {quote(row['flow'])} {row['id']}" for row in held[:1]]


def _unsent(done: Done) -> list[str]:
    """What could not leave now, and no guard keeps back, leaves with the next run."""
    if done.error is None or isinstance(done.error, Guarded):
        return []
    flows = {row["flow"] for row in done.items if row["state"] == "queued"}
    return [f"wherry run {quote(flow)}" for flow in sorted(flows)]


def _after(own: Face, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was refused for something that is there now can be tried again."""
    flows = desk.refused_for(own.hub, [Ref(row["entity"], row["key"]) for row in rows if row["target"]])
    return [f"wherry errors retry --class refused --flow {flow}" for flow in flows]


def outcomes(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each: what became of it. Of many the first, what needs a person before all, and how many more."""
    shown, rest = split(list(rows))
    for row in shown:
        said = "waits for approval" if row.get("approval") == "wanted" else row["state"]
        said = "given up" if row["state"] == "linked" and row["reason"].startswith("given up by") else said
        target = f"   {clean(row['target'])}" if row["target"] else ""
        yield f"{row['id']}   {spelled(row['entity'])} {clean(row['label'])}   {said}{target}   {money(row)}".rstrip()
        if row["reason"]:
            yield f"  {clean(row['reason'])}"
        if row["fix"] and (row["state"] in (*FOR_A_PERSON, "skipped", "linked") or row.get("held_up_by")):
            yield f"  fix  {clean(row['fix'])}"
    for state, number, amounts in rest:
        yield f"… and {number:,} more {state}   {sums(amounts)}".rstrip()


def fetched(own: Face, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Of what became of several things: with what those leave, or are looked up, that a system which calls us has to
    come for."""
    flows, ready, lost = own.hub.project.flows, Counter[str](), Counter[str]()
    for row in rows:
        told = leaving.with_what(own.hub, flows[row["flow"]].sink) if row.get("flow") in flows else leaving.RUN
        if told != leaving.RUN and row.get("approval") != "wanted":
            ready[told] += row["state"] == "queued"
            lost[told] += row["state"] == "unknown"
    yield from summary.leaves({told: number for told, number in ready.items() if number}, indent="")
    yield from (f"{number:,} looked up by {told}" for told, number in lost.items() if number)
