"""``wherry journal …``: entries before they are posted, posting and reversing them, and what they come to."""

from __future__ import annotations

import datetime as dt
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from wherry.bookkeeping import exporting, journals, reversing, trail, tying
from wherry.bookkeeping.fiscal import Asked
from wherry.bookkeeping.journals import Preview
from wherry.bookkeeping.trail import POSTED, PREPARED, TrialBalance
from wherry.books import profiles
from wherry.cli.context import Face
from wherry.cli.drawing import clean, counts, plural, spelled, table
from wherry.cli.entries import entry_lines, preview_lines, sums
from wherry.cli.errors import fetched, outcomes, settled
from wherry.cli.options import SECOND, Day, face, moment_stored
from wherry.cli.picking import FLOW, asked, picked, words
from wherry.cli.progress import patient
from wherry.errors import EXIT_PERSON, ConfigError
from wherry.money import figure
from wherry.operating import approvals, desk

NOTE = click.option("--note", default="", metavar="TEXT", help="Why; kept in the audit log.")
_FEW = 20


@click.command()
@FLOW
@picked()
@click.option("--left-out", is_flag=True, help="Name all that is left out, not the first few only.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=_FEW, show_default=True, help="Entries to show.")
def preview(
    flow: str, period: str, group: str, partitions: tuple[str, ...], first: dt.datetime | None,
    last: dt.datetime | None, left_out: bool, limit: int,
) -> None:  # fmt: skip
    """The journal entries as they would be posted, what is left out of them and why. Reads the source, writes nothing.

    Exit 4 where movements have no account yet, or an entry would be refused.

    \b
    Examples:
      wherry journal preview wallet-journals --period 2026-01
      wherry journal preview wallet-journals --partition hot --group day
    """
    own = face()
    meant = asked(period, partitions, first, last, group)
    with patient(own, own.hub):
        found = journals.preview(own.hub, flow, meant)
    own.print(
        "wherry.journal.preview/1", found.data, lambda: preview_lines(found.data, everyone=left_out, most=limit),
        _after(found, meant),
    )  # fmt: skip
    own.code = found.exit_code


def _after(found: Preview, meant: Asked) -> list[str]:
    flow = found.data["flow"]
    if found.data["blocked"]:
        return [f"wherry accounts map {flow}"]
    ready = any(entry["state"] != "refused" for entry in found.data["entries"])
    return [f"wherry journal post {flow}{words(meant)}"] if ready else []


@click.command()
@FLOW
@picked()
@SECOND
def post(
    flow: str, period: str, group: str, partitions: tuple[str, ...], first: dt.datetime | None,
    last: dt.datetime | None, second_person: str,
) -> None:  # fmt: skip
    """Post journal entries: shown first, then approved by you and sent, exactly as shown.

    Nothing is posted while a movement of the selection has no account, or when the source changes meanwhile (exit 7).

    \b
    Examples:
      wherry journal post wallet-journals --period 2026-01
      wherry journal post wallet-journals --partition hot --yes
    """
    own = face()
    approvals.must_agree([trail.booking_flow(own.hub, flow)], second_person)
    meant = asked(period, partitions, first, last, group)
    with patient(own, own.hub):
        found = journals.preview(own.hub, flow, meant)
    for line in preview_lines(found.data):
        own.note(line)
    if found.data["blocked"]:
        raise journals.blocked(flow, found.left)
    if not found.data["entries"]:
        _answered(own, journals.Posted(run="", items=[]), found)
        return
    own.confirm(f"Post {_these(found)}?")
    with patient(own, own.hub):
        done = journals.post(own.hub, flow, meant, found, second=second_person)
    _answered(own, done, found)


def _these(found: Preview) -> str:
    number = len(found.data["entries"])
    what = "1 journal entry" if number == 1 else f"{number:,} journal entries"
    return f"{what}, {sums(found.data['sums'])}"


def _answered(own: Face, done: journals.Posted, found: Preview) -> None:
    data = {"flow": found.data["flow"], "run": done.run, "items": done.items, "left_out": found.data["left_out"],
            "sums": found.data["sums"]}  # fmt: skip
    after = [f"wherry journal trial-balance {found.data['flow']}"] if done.items else []
    text = [*(outcomes(done.items) if done.items else ["nothing to post"]), *fetched(own, done.items)]
    settled(own, "wherry.journal.post/1", data, done.error, text, after)


# -- one entry ---------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("entry", metavar="NUMBER|KEY")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Movements to show.")
def show(entry: str, limit: int) -> None:
    """One journal entry: its lines, how it stands in the target, and every movement in it with its record.

    \b
    Example:
      wherry journal show "JE 2026W05a"
    """
    own = face()
    data = trail.shown(own.hub, entry, limit=limit)
    own.print("wherry.journal.show/1", data, lambda: _shown(data))


def _shown(data: Mapping[str, Any]) -> Iterator[str]:
    target = f" as {data['remote_id']}" if data["remote_id"] else ""
    stands = f"{data['state']} in {data['target']}{target}"
    yield f"{clean(data['number'])}   {data['date']}   period {data['period']}   {stands}"
    if data["moved"]:
        yield f"  moved from {clean(data['moved'])}, which was closed or posted before its movements came"
    if data["at"]:
        run = f"   run {data['run']}" if data["run"] else ""
        yield f"  since    {data['at'][:19]}{run}   by {clean(data['by'])}"
    if data["open"]:
        yield f"  open     {data['open']['id']}: {clean(data['open']['reason'] or data['open']['class'])}"
        if data["open"]["fix"]:
            yield f"  fix      {clean(data['open']['fix'])}"
    yield from entry_lines(data)
    rows = [(one["id"], one["date"], one["record"], one["partition"], one["reference"],
             figure(one["minor"], one["currency"])) for one in data["members"]]  # fmt: skip
    yield from table(["MOVEMENT", "DATE", "RECORD", "PARTITION", "REFERENCE", "AMOUNT"], rows)
    if data["movements"] > len(rows):
        yield f"and {data['movements'] - len(rows):,} more: --limit {data['movements']}"


@click.command()
@FLOW
@click.argument("entry", metavar="NUMBER|KEY")
@click.option("--repost", is_flag=True, help="Book its movements anew with the next run, instead of holding them.")
@click.option("--deleted", is_flag=True, help="It was deleted there: send nothing, and book its movements anew.")
@NOTE
@SECOND
def reverse(flow: str, entry: str, repost: bool, deleted: bool, note: str, second_person: str) -> None:
    """Take a posted entry back by an entry with its sides turned over. Nothing is deleted; both stay linked.

    The target is looked at first. Of an entry that was edited there, what stands there is taken back. Refused where it
    was deleted, and where the books of its day are closed (exit 7).

    \b
    Examples:
      wherry journal reverse wallet-journals "JE 2026W05a" --note "wrong wallet"
      wherry journal reverse wallet-journals "JE 2026W05a" --repost
    """
    own = face()
    if repost and (known := trail.find(own.hub, entry, flow)).state == trail.TAKEN_BACK:
        _rebooked(own, known, reversing.rebook(own.hub, flow, known, note), note)
        return
    one = reversing.reversible(own.hub, flow, entry)
    if deleted:
        _rebooked(own, one, reversing.let_go(own.hub, one, note), note)
        return
    approvals.must_agree([trail.booking_flow(own.hub, flow)], second_person)
    there = reversing.standing(own.hub, one)
    if there.says:
        own.note(f"{clean(one.entry.number)} was edited there: {clean(there.says)}. What stands there is taken back:")
    back = trail.told_entry(tying.turned(there.entry), own.hub.bookkeeper.chart(one.route.sink))
    for line in entry_lines(back, heading=True):
        own.note(line)
    _must_mean_it(own, one.entry.number)
    done = reversing.reverse(own.hub, there, repost=repost, note=note, second=second_person)
    data = {"entry": done.entry, "items": done.items, "repost": repost, "note": note, "edited": there.says}
    after = [f"wherry journal preview {flow}"] if repost else []
    text = [*_reversed(done), *fetched(own, done.items)]
    settled(own, "wherry.journal.reverse/1", data, done.error, text, after)


def _rebooked(own: Face, known: trail.Known, number: int, note: str) -> None:
    """Its movements were held, or it was deleted: now they go on."""
    data = {"entry": {"key": known.entry.key, "number": known.entry.number}, "items": [], "repost": True,
            "movements": number, "note": note, "error": None}  # fmt: skip
    name = clean(known.entry.number)
    said = f"{plural(number, 'movement')} of {name} will be booked anew by the next run"
    said = said if number else f"no movement of {name} is held any more"
    own.print("wherry.journal.reverse/1", data, said, [f"wherry journal preview {known.flow}"])


def _must_mean_it(own: Face, number: str) -> None:
    if own.yes:
        return
    if not own.asks:
        raise ConfigError(
            f"{number} would be reversed, and nobody can be asked here", fix="look at what is shown, then say --yes",
            code="WHERRY-2154",
        )  # fmt: skip
    if click.prompt("Type the entry's number to reverse it", err=True) != number:
        raise click.Abort


def _reversed(done: reversing.Reversal) -> Iterator[str]:
    yield counts(Counter(row["state"] for row in done.items)) or "nothing was reversed"
    yield from outcomes([row for row in done.items if row["state"] != "reversed"])
    if any(row["state"] == "reversed" for row in done.items):
        yield "its movements are booked anew by the next run" if done.repost else "its movements are held"


# -- what they come to -------------------------------------------------------------------------------------------------


@click.command("trial-balance")
@FLOW
@picked(group=False)
def trial_balance(
    flow: str, period: str, partitions: tuple[str, ...], first: dt.datetime | None, last: dt.datetime | None
) -> None:
    """What the posted entries move, account by account, beside the target's own trial balance where it makes one.

    \b
    Examples:
      wherry journal trial-balance wallet-journals
      wherry journal trial-balance wallet-journals --period 2026-01
    """
    own = face()
    found = tying.trial_balance(own.hub, flow, asked(period, partitions, first, last))
    rows = trail.side_by_side(found)
    data = {
        "flow": flow, "first": found.first.isoformat() if found.first else "", "last": found.last.isoformat(),
        "entries": found.entries, "items": rows, "asked": found.theirs is not None, "totals": trail.totals(rows),
        "problems": msgspec.to_builtins(found.problems),
    }  # fmt: skip
    own.print("wherry.journal.trial-balance/1", data, lambda: _balances(data, found), [f"wherry reconcile {flow}"])


def _balances(data: Mapping[str, Any], found: TrialBalance) -> Iterator[str]:
    since = f"{data['first']} to " if data["first"] else "up to "
    yield f"{data['flow']}   {since}{data['last']}   {plural(data['entries'], 'posted entry')}"
    told = found.theirs is not None
    several = len({row["currency"] for row in data["items"]}) > 1
    aside = {"off": found.off, "carried": found.carried}
    columns = [name for name in _COLUMNS if (told or name in ("debit", "credit")) and aside.get(name, True)]
    header = ["", "ACCOUNT", *(["CURRENCY"] if several else []), *(_COLUMNS[name] for name in columns)]
    rows = [_balance(row, columns, several) for row in [*data["items"], *data["totals"]]]
    wide = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    for row in [header, *rows]:
        yield "  ".join(cell.ljust(room) if n < 2 + several else cell.rjust(room)
                        for n, (cell, room) in enumerate(zip(row, wide, strict=True))).rstrip()  # fmt: skip
    for one in found.problems[:_FEW]:
        yield click.style(f"  ! {spelled(one.what)}   {clean(one.name)}: {clean(one.says)}", fg="red")
    if not told:
        yield "the target makes no trial balance: ours alone"


_COLUMNS = {
    "debit": "DEBIT", "credit": "CREDIT", "target_debit": "THEIR DEBIT", "target_credit": "THEIR CREDIT", "off": "OFF",
    "carried": "CARRIED", "others": "BY OTHERS",
}  # fmt: skip


def _balance(row: Mapping[str, Any], columns: Sequence[str], several: bool) -> list[str]:
    name = row["name"] if row["name"] != row["account"] else ""
    return [
        clean(row["account"]),
        clean(name),
        *([row["currency"]] if several else []),
        *(figure(row[one], row["currency"]) if row[one] else "" for one in columns),
    ]


# -- files -------------------------------------------------------------------------------------------------------------


@click.command()
@FLOW
@click.option("--profile", default="", metavar="NAME", help="The form: " + ", ".join(profiles.names()) + ".")
@click.option("--template", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Instead of a profile: your own template, CSV or XLSX, with {fields} in a row.")  # fmt: skip
@click.option("--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="The folder for the files.")  # fmt: skip
@click.option("--posted", is_flag=True, help="Posted entries; so where nothing is said.")
@click.option("--prepared", is_flag=True, help="Entries that are prepared and not posted yet.")
@click.option("--reexport-since", type=Day(), help="Also what was exported from then on.")
@click.option("--period", default="", metavar="2026-01", help="Only of this accounting period.")
@click.option("--partition", "partitions", multiple=True, metavar="W", help="Only this wallet or other partition.")
@click.option("--currency", default="", metavar="USD", help="Only entries in this currency.")
@click.option("--again", is_flag=True, help="Also what Wherry itself posts to the system that the files are for.")
@click.option("--date-format", default="", metavar="DD/MM/YYYY", help="Dates in another form than the profile's.")
@click.option("--delimiter", default="", type=click.Choice(["", *profiles.DELIMITERS]), metavar="NAME",
              help="comma, semicolon, tab or pipe.")  # fmt: skip
@click.option("--plain", is_flag=True, help="Texts as they are, also those that a spreadsheet would run.")
def export(
    flow: str, profile: str, template: Path | None, folder: Path, posted: bool, prepared: bool,
    reexport_since: dt.datetime | None, period: str, partitions: tuple[str, ...], currency: str, again: bool,
    date_format: str, delimiter: str, plain: bool,
) -> None:  # fmt: skip
    """Write journal entries into files for another system's import screen, each entry once for each profile or
    template, which goes by its file's name.

    What was reversed since it was exported goes out as the entry that takes it back. What was exported comes again only
    with --reexport-since. Exit 4 where an exported entry says something else by now.

    Files for the system that the flow posts to by itself are refused (exit 7): importing them would book it all twice.

    \b
    Examples:
      wherry journal export wallet-journals --profile generic --to out
      wherry journal export wallet-journals --template ours.xlsx --to out
      wherry journal export wallet-journals --profile hledger --to out --reexport-since 2026-01-01
    """
    if bool(profile) == (template is not None):
        raise click.UsageError("say either --profile or --template")
    if template and (delimiter or plain):
        raise click.UsageError("--delimiter and --plain go with --profile: a template says its own form")
    own = face()
    states = frozenset({*([POSTED] if posted or not prepared else []), *([PREPARED] if prepared else [])})
    since = moment_stored(reexport_since, own.hub.project.timezone)
    options = {"date_format": date_format, "delimiter": delimiter, "spreadsheet": not plain}
    if template:
        profile, options = f"template:{template.name}", {"date_format": date_format or "YYYY-MM-DD"}
    wish = exporting.Wish(profile=profile, folder=folder, states=states, since=since, options=options,
                          currency=currency.strip().upper(), doubly=again, template=template)  # fmt: skip
    done = exporting.export(own.hub, flow, asked(period, partitions, None, None), wish)
    data = {"flow": flow, "profile": profile, "files": done.files, "items": done.rows, "before": done.before,
            "changed": done.changed, "unkept": done.unkept}  # fmt: skip
    own.print("wherry.journal.export/1", data, lambda: _exported(done), [f"wherry exports list --flow {flow}"])
    own.code = EXIT_PERSON if done.changed or done.unkept else 0


def _exported(done: exporting.Handed) -> Iterator[str]:
    for path in done.files:
        yield clean(path)
    if done.rows:
        total: dict[str, int] = {}
        for row in done.rows:
            desk.add(total, row.minor, row.currency)
        yield f"{plural(len(done.rows), 'entry')}   {sums(total)}"
    else:
        yield "nothing to export"
    if done.before:
        yield f"  exported before: {len(done.before):,}   (--reexport-since DAY brings them again)"
    for row in done.changed[:_FEW]:
        yield click.style(f"  ! {clean(row.number)} says something else than when it was exported on {row.at[:10]}",
                          fg="red")  # fmt: skip
    for row in done.unkept[:_FEW]:
        what = (f"{clean(row.number)} went out on {row.at[:10]} in {clean(row.file)}, and is not in these books any "
                "more; what the file said of it was not kept")  # fmt: skip
        yield click.style(f"  ! {what}: take it back by hand where the file was imported, then: wherry exports unmark "
                          f"{shlex.quote(row.number)} --target file:{row.profile}", fg="red")  # fmt: skip
