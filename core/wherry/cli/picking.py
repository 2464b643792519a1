"""Options by which a bookkeeper says which movements or entries are meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

import click

from wherry.bookkeeping.fiscal import Asked

C = TypeVar("C", bound=Callable[..., Any])
_DAY = click.DateTime(["%Y-%m-%d"])

FLOW = click.argument("flow", metavar="FLOW")


def picked(*, group: bool = True) -> Callable[[C], C]:
    """``--period``, ``--partition``, ``--from``, ``--to`` and, where entries are made, ``--group``."""

    def add(command: C) -> C:
        command = click.option("--to", "last", type=_DAY, metavar="DAY", help="Only up to this day.")(command)
        command = click.option("--from", "first", type=_DAY, metavar="DAY", help="Only from this day on.")(command)
        command = click.option("--partition", "partitions", multiple=True, metavar="W",
                               help="Only this wallet or other partition; may be repeated.")(command)  # fmt: skip
        if group:
            command = click.option("--group", default="", type=click.Choice(["", "none", "day", "week", "month"]),
                                   metavar="none|day|week|month",
                                   help="Group otherwise than the flow does.")(command)  # fmt: skip
        return click.option("--period", default="", metavar="2026-01", help="Only of this accounting period.")(command)

    return add


def asked(
    period: str, partitions: tuple[str, ...], first: dt.datetime | None, last: dt.datetime | None, group: str = ""
) -> Asked:
    """What the options came to."""
    return Asked(
        period=period, group=group, partitions=partitions, first=first.date() if first else None,
        last=last.date() if last else None,
    )  # fmt: skip


def words(one: Asked) -> str:
    """The options again, as they are typed, each with a blank before it."""
    import shlex

    said = [f" --period {shlex.quote(one.period)}"] if one.period else []
    said += [f" --group {one.group}"] if one.group else []
    said += [f" --partition {shlex.quote(name)}" for name in one.partitions]
    said += [f" --from {one.first}"] if one.first else []
    return "".join([*said, *([f" --to {one.last}"] if one.last else [])])
