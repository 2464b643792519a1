"""Options that every command takes, before and after its name, and those that every list takes."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from wherry.cli.context import Face

C = TypeVar("C", bound=Callable[..., Any])
R = TypeVar("R", bound=Mapping[str, Any])
FORMATS = ("text", "json", "ndjson", "csv")


def face() -> Face:
    """What the running command prints with and finds its project by."""
    found: Face = click.get_current_context().obj
    return found


def _keep(field: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if ctx.obj is None:
            return
        ctx.obj.command = ".".join(ctx.command_path.split()[1:])
        if value not in (None, False, 0):
            setattr(ctx.obj, field, value)

    return keep


class _Place(click.Path):
    """A path of the class that Python has for them, which is imported where one is given."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


def _globals() -> list[click.Option]:
    def option(*names: str, field: str, **settings: Any) -> click.Option:
        return click.Option(names, expose_value=False, callback=_keep(field), **settings)

    return [
        option("-C", "dir_", field="folder", metavar="DIR", type=_Place(),
               help="Work in this project folder."),
        option("--config", "config_", field="config", metavar="FILE", type=_Place(),
               help="Use this project file."),
        option("--output", "output_", field="output", type=click.Choice(FORMATS), help="Format of the answer."),
        option("--quiet", "quiet_", field="quiet", is_flag=True, help="Print nothing but the answer and errors."),
        option("-v", "--verbose", "verbose_", field="verbose", count=True, help="Tell more while working."),
        option("--debug", "debug_", field="debug", is_flag=True, help="Tell everything; show stack traces."),
        option("--no-input", "no_input_", field="no_input", is_flag=True, help="Never ask; fail instead."),
        option("--yes", "yes_", field="yes", is_flag=True, help="Answer yes to every question."),
        option("--color", "color_", field="color", type=click.Choice(["auto", "always", "never"]),
               help="Colour of the answer; NO_COLOR and TERM=dumb are respected."),
    ]  # fmt: skip


def equip(command: click.Command) -> click.Command:
    """The command with the global options it does not define itself; a group's commands get them too."""
    if getattr(command, "equipped", False):
        return command
    own = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    shown = command.name is None or command.name == "wherry"
    for option in _globals():
        if own.isdisjoint(option.opts):
            option.hidden = not shown
            command.params.append(option)
    command.epilog = command.epilog or "Options of every command, such as --output json: wherry --help"
    command.equipped = True  # type: ignore[attr-defined]
    for inner in getattr(command, "commands", {}).values():
        equip(inner)
    return command


def _somebody(_: click.Context, __: click.Parameter, name: str | None) -> str:
    """A name that is given says somebody: an empty one would pass for one person's approval."""
    if name is not None and not name.strip():
        raise click.BadParameter("it is empty; say who else agreed, or leave the option out")
    return (name or "").strip()


SECOND = click.option("--second-person", "second_person", callback=_somebody, metavar="NAME",
                      help="Who else agreed; must be another than you.")  # fmt: skip


class Day(click.ParamType[dt.datetime]):
    """A date, or a moment with its time: 2026-01-31, 2026-01-31T08:00, 2026-01-31T08:00+01:00."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.datetime:
        if isinstance(value, dt.datetime):
            return value
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write it like 2026-01-31 or 2026-01-31T08:00", param, ctx)


def moment(said: dt.datetime | None, timezone: str) -> dt.datetime | None:
    """What an operator typed, as a moment: without an offset it is a time in the project's zone."""
    if said is None:
        return None
    import zoneinfo

    return (said if said.tzinfo else said.replace(tzinfo=zoneinfo.ZoneInfo(timezone))).astimezone(dt.UTC)


def moment_stored(said: dt.datetime | None, timezone: str) -> str:
    """As the store keeps it; empty where nothing was said."""
    from wherry.clock import stored

    found = moment(said, timezone)
    return stored(found) if found else ""


def listing(*sorts: str, limit: int = 50, since: bool = False) -> Callable[[C], C]:
    """The options of a list: ``--limit``, ``--cursor``, ``--sort`` and, where things have a time, ``--since``."""

    def add(command: C) -> C:
        choices = [name for sort in sorts for name in (sort, f"-{sort}")]
        if since:
            command = click.option("--since", type=Day(), help="Only what is not older than this.")(command)
        if choices:
            command = click.option("--sort", type=click.Choice(choices), metavar="FIELD",
                                   help=f"By {', '.join(sorts)}; -FIELD for the other way round.")(command)  # fmt: skip
        command = click.option("--cursor", default="", help="Go on where an earlier page ended.")(command)
        return click.option("--limit", type=click.IntRange(1, 100_000), default=limit, show_default=True,
                            help="Rows to show.")(command)  # fmt: skip

    return add


def page(
    rows: Sequence[R], key: str, limit: int, cursor: str, sort: str | None = None,
    rank: Callable[[R, str], Any] = lambda row, field: str(row[field]),
) -> tuple[list[R], str]:  # fmt: skip
    """The rows behind the one whose ``key`` is the cursor, in the order that was asked for: as many as are wanted, and
    the cursor of the next page. Where there is no such row (any more) it begins anew."""
    if sort:
        rows = sorted(rows, key=lambda row: rank(row, sort.lstrip("-")), reverse=sort.startswith("-"))
    first = next((n for n, row in enumerate(rows, 1) if cursor and row[key] == cursor), 0)
    shown = list(rows[first : first + limit])
    return shown, str(shown[-1][key]) if shown and first + len(shown) < len(rows) else ""


def more(cursor: str) -> Iterator[str]:
    """What stands below a list that is not over."""
    if cursor:
        yield f"more with --cursor {cursor}"
