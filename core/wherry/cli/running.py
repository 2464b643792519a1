"""``wherry plan``, ``run`` and ``resync``."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from shlex import quote
from typing import Any

import click
import msgspec

from wherry.cli import failures, planned, summary
from wherry.cli.context import Face
from wherry.cli.formats import as_json, write
from wherry.cli.options import Day, face, moment
from wherry.cli.progress import Progress, patient
from wherry.errors import EXIT_INTERRUPTED, EXIT_PENDING, NotFound
from wherry.hub import Report
from wherry.operating import connections, flows, leaving, overview
from wherry.records import Ref
from wherry.roles import Sweeps
from wherry.runs.job import Options

FLOW = click.argument("flow", metavar="FLOW")
RECORDS = click.option("--record", "records", multiple=True, metavar="ID", help="Only this record; may be repeated.")
SINCE = click.option("--changed-since", type=Day(), help="Only what was modified after this, in the project's zone.")
LIMIT = click.option("--limit", type=click.IntRange(1), help="Read no more records than this.")

_SHOWN = 500
"""Single changes in the data of a plan that nobody asked all of."""


def _options(own: Face, records: tuple[str, ...], since: dt.datetime | None, limit: int | None) -> Options:
    return Options(records=records, changed_since=moment(since, own.hub.project.timezone), limit=limit or 0)


def _must_exist(own: Face, flow: str, records: tuple[str, ...], report: Report) -> None:
    """Raises NotFound when none of the records that were named is there; warns when some are not."""
    read = sum(sum(words.values()) for words in report.data["fates"].values())
    if records and not read:
        source = own.hub.wiring.flow(flow).source
        message = f"{source} has no record {', '.join(records)} of the kinds that {flow} reads"
        raise NotFound(
            message,
            fix=f"check the id at the source; by its number: wherry explain {quote(records[0])}",
            code="WHERRY-3031",
        )
    if read < len(set(records)):
        own.warn(f"only {read} of {len(set(records))} records were found at the source")


@click.command()
@FLOW
@RECORDS
@SINCE
@LIMIT
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write the whole plan there, as JSON.")
@click.option("--all", "everything", is_flag=True, help="Show every single thing, however many there are.")
@click.option("--exit-code", is_flag=True, help="Exit 8 when changes are pending, 0 when there are none.")
def plan(
    flow: str, records: tuple[str, ...], changed_since: dt.datetime | None, limit: int | None, out: str | None,
    everything: bool, exit_code: bool,
) -> None:  # fmt: skip
    """What a run would do now, down to each changed field. Reads the source, writes nothing.

    \b
    Examples:
      wherry plan won-deals
      wherry plan won-deals --record 901 --output json
    """
    own = face()
    with patient(own, own.hub):
        report = own.hub.plan(flow, _options(own, records, changed_since, limit))
    _must_exist(own, flow, records, report)
    data = {**report.data, **planned.ends(own.hub, flow)}
    changes = data["changes"]
    if out:
        write(Path(out), as_json(data, pretty=True) + "\n")
    plain = not (records or changed_since or limit)
    text = functools.partial(planned.lines, dict(data), saved=plain, whole=everything)
    if not everything:
        data.update(changes=changes[:_SHOWN], changes_left_out=max(0, len(changes) - _SHOWN))
    own.print("wherry.plan/1", data, text, report.next if plain else [])
    if exit_code and data["pending"]:
        own.code = EXIT_PENDING


@click.command()
@FLOW
@click.option("--plan", "plan_id", default="", metavar="ID", help="Only if the source is still as this plan saw it.")
@RECORDS
@SINCE
@LIMIT
@click.option("--sweep", is_flag=True, help="Also look for what was archived or merged at the source, now.")
def run(
    flow: str, plan_id: str, records: tuple[str, ...], changed_since: dt.datetime | None, limit: int | None, sweep: bool
) -> None:
    """Run a flow, after the flows that go before it.

    Exit 0 when done, 4 when something waits for a person, 5 when a sign-in is needed, 6 to be run again later.

    \b
    Examples:
      wherry run won-deals
      wherry run won-deals --plan 7f3a21bc
      wherry run won-deals --record 901 --record 917
    """
    if sweep and (records or changed_since or limit):
        raise click.UsageError("--sweep looks for every record: it goes with no --record, --changed-since or --limit")
    own = face()
    options = msgspec.structs.replace(_options(own, records, changed_since, limit), sweep=sweep)
    _can_sweep(own, flow) if sweep else own.hub.wiring.flow(flow)
    with patient(own, own.hub), Progress(own) as progress:
        report = own.hub.run(flow, options, plan=plan_id, progress=progress)
    if report.error is None:
        _must_exist(own, flow, records, report)
        own.warnings += connections.unfit(own.hub)
    _ran(own, "wherry.run/1", report)


def _can_sweep(own: Face, flow: str) -> None:
    source = own.hub.wiring.flow(flow).source
    if not isinstance(own.hub.wiring.source(source), Sweeps):
        raise click.UsageError(f"--sweep: {source} cannot tell what became of its records")


def _ran(own: Face, schema: str, report: Report) -> None:
    """The summary of a run; when it was ended by an error, that too."""
    for data in (report.data, *report.data.get("before", ())):
        data["refused"] = overview.refused_of(own.hub, data)
        data["leaves_with"] = leaving.with_what(own.hub, own.hub.wiring.flow(data["flow"]).sink)
    own.print(schema, report.data, lambda: summary.lines(report.data), report.next, error=report.error)
    own.code = report.exit_code
    if report.error is not None:
        failures.draw(own, report.error.as_data())
    elif report.exit_code == EXIT_INTERRUPTED:
        own.note(failures.GOES_ON)


def _edited_here(own: Face, flow: str, options: Options, before: dict[str, Any]) -> list[Any]:
    """What --overwrite-local would write over, where there is nothing else to show."""
    if options.overwrite_local or any(row["changes"] for row in before["changes"]):
        return []
    told: list[Any] = own.hub.plan(flow, msgspec.structs.replace(options, overwrite_local=True)).data["changes"]
    return [row for row in told if row["changes"]]


def _versions(before: dict[str, Any]) -> dict[Ref, str]:
    """Of what was shown: the versions there that it was compared with."""
    return {Ref(row["entity"], row["key"]): row["version"] for row in before["changes"] if row["version"]}


@click.command()
@FLOW
@click.argument("records", nargs=-1, metavar="ID...")
@click.option("--run", "of_run", default="", metavar="RUN", help="All records of which this run made something.")
@click.option("--fields", default="", help="Only these fields, comma separated.")
@click.option("--overwrite-local", is_flag=True, help="Also write over fields that were edited in the target.")
def resync(flow: str, records: tuple[str, ...], of_run: str, fields: str, overwrite_local: bool) -> None:
    """Bring records over again: project, lines and linked customer. The differences are shown first, then asked for.

    What was taken back in the target is made anew.

    \b
    Examples:
      wherry resync won-deals 901 917
      wherry resync won-deals 901 --overwrite-local --yes
      wherry resync invoices --run 6fkd9z2g1yx2912
    """
    own = face()
    names = tuple(name.strip() for name in fields.split(",") if name.strip())
    flows.check_fields(own.hub, flow, names)
    if not records and not of_run:
        raise click.UsageError("say which records: ID..., or --run RUN")
    records += tuple(overview.records_of(own.hub, of_run, flow)) if of_run else ()
    options = Options(records=records, resync=True, overwrite_local=overwrite_local, fields=names)
    rehearsed = own.hub.resync(flow, options, write=False)
    _must_exist(own, flow, records, rehearsed)
    before = rehearsed.data
    for line in planned.differences(before, _edited_here(own, flow, options, before)):
        own.note(line)
    if before["pending"] or overwrite_local:
        own.confirm("Write this?")
    report = own.hub.resync(flow, msgspec.structs.replace(options, shown=_versions(before)), write=True)
    report.data["planned"] = {key: before[key] for key in ("changes", "questions", "pending")}
    _ran(own, "wherry.resync/1", report)
