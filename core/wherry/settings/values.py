"""The small values of a project file, each checked by one function that says what would have been right."""

from __future__ import annotations

import ast
import datetime as dt
import re
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from wherry.money import DECIMALS
from wherry.settings import crontab
from wherry.settings.mistakes import nearest, suggestion, wrong

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
_EVERY = re.compile(r"([1-9][0-9]{0,5}) ?(m|h|d)\Z")
_SECONDS = re.compile(r"([0-9]{1,5})(s|m)\Z")
_SIZE = re.compile(r"([1-9][0-9]{0,8}) ?(B|kB|MB|GB|KiB|MiB|GiB)\Z", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
_BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_LONGEST_EXPRESSION = 2_000
_CRON_START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_CRON_FIRES = 400
FOLDER = "folder"
"""In the context of a validation: the project folder."""
NAME_RULE = "names are lower case letters and digits, with hyphens between words, 63 signs at most: won-deals"

Policy = Literal["once", "always"]


def is_name(text: object) -> bool:
    """Whether a name of a flow, connection or map is spelt as names are: lower case with hyphens, at most 63 long."""
    return isinstance(text, str) and len(text) <= 63 and bool(_NAME.match(text))


def interval(every: str) -> dt.timedelta:
    """``15m``, ``2h`` or ``1d`` as a time. Raises ValueError for anything else."""
    match = _EVERY.match(every)
    if not match:
        raise ValueError(every)
    return dt.timedelta(minutes=int(match[1]) * _MINUTES[match[2]])


def shortest_gap(cron: str, enough: dt.timedelta) -> dt.timedelta:
    """The shortest time between two of the next 400 moments of a crontab line; stops at the first one below ``enough``.

    Reckoned in UTC, so that the change to summer time does not make a daily job look shorter than a day.
    """
    moments = crontab.trigger(cron, dt.UTC)
    last = moments.get_next_fire_time(None, _CRON_START)
    gap = dt.timedelta.max
    for _ in range(_CRON_FIRES):
        moment = moments.get_next_fire_time(last, last) if last else None
        if moment is None or gap < enough:
            break
        gap, last = min(gap, moment - last), moment
    return gap


def _version(value: Any) -> int:
    if value != 1 or isinstance(value, bool):
        raise wrong("is not a version that this Wherry reads", "write version = 1, or update Wherry")
    return 1


def _name(value: str) -> str:
    if not is_name(value):
        raise wrong("is not a name", NAME_RULE)
    return value


def _zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        close = nearest(value, zoneinfo.available_timezones())
        fix = f"did you mean {close}?" if close else "write a name of the time zone database: America/Chicago"
        raise wrong(f"{value[:60]!r} is not a time zone", fix) from None
    return value


def _currency(value: str) -> str:
    if value not in DECIMALS:
        close = value.upper() if value.upper() in DECIMALS else nearest(value, DECIMALS)
        fix = f"did you mean {close}?" if close else "write an ISO 4217 code: USD"
        raise wrong(f"{value[:60]!r} is not a currency", fix)
    return value


def _moment(value: Any) -> dt.date:
    moment = value
    if isinstance(value, str):
        try:
            moment = dt.date.fromisoformat(value) if len(value) == 10 else dt.datetime.fromisoformat(value)
        except ValueError:
            moment = None
    if not isinstance(moment, dt.date):
        raise wrong("is not a date", "write a date or a date with time, without quotes: 2026-01-01")
    if not 1970 <= moment.year <= 2200:
        raise wrong(f"{moment} is out of range", "write a date from 1970 to 2200")
    return moment


def _day(value: Any) -> dt.date:
    day = _moment(value)
    if isinstance(day, dt.datetime):
        raise wrong("has a time of day", "write the day alone, without quotes: 2026-01-31")
    return day


def _statuses(value: tuple[str, ...]) -> tuple[str, ...]:
    """Spelt as they are compared: case and spaces around do not count."""
    return _distinct(tuple(status.strip().casefold() for status in value))


def _expression(value: Any) -> str | Literal[False]:
    if value is False:
        return False
    if not isinstance(value, str) or not value.strip():
        raise wrong("must be an expression as text, or false to leave the field out", 'write "deal.dealname" or false')
    return _parsed(value)


def _condition(value: str) -> str:
    if not value.strip():
        raise wrong("is an empty expression", 'write a condition: "amount > 1000"')
    return _parsed(value)


def _parsed(value: str) -> str:
    if len(value) > _LONGEST_EXPRESSION:
        raise wrong(f"is longer than {_LONGEST_EXPRESSION} characters", "split it, or write a mapper plugin")
    try:
        ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "cannot be read"
        raise wrong(
            f"is not an expression: {reason}", "names, numbers, text in quotes, comparisons, and calls"
        ) from None
    return value


def _entity_map(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """``custom.region = …`` in TOML is a table in a table; a map names such a field by its dotted path."""
    if value is False:
        return False
    return handler(dict(_flat("", value)) if isinstance(value, dict) else value)


def _flat(path: str, table: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{path}{name}.", value)
        else:
            yield f"{path}{name}", value


def _repeat(value: Any) -> dict[str, Policy]:
    table = {"": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise wrong("must be text or a table", 'write "once", "always" or { project = "once", file = "always" }')
    for entity, policy in table.items():
        if policy not in ("once", "always"):
            what = f"{entity} = {policy!r}" if entity else f"{policy!r}"
            raise wrong(f"{what[:60]} is not a policy", suggestion(policy, ["once", "always"]))
    return table


def _every(value: str) -> str:
    try:
        interval(value)
    except ValueError:
        raise wrong(f"{value[:60]!r} is not an interval", "write minutes, hours or days: 15m, 2h, 1d") from None
    return value


def _cron(value: str) -> str:
    try:
        first = crontab.trigger(value, dt.UTC).get_next_fire_time(None, _CRON_START)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise wrong(f"{value[:60]!r} is not a crontab line: {error}", crontab.FIX) from None
    if first is None:
        raise wrong(f"{value[:60]!r} never comes", crontab.FIX)
    return value


def _seconds(value: Any) -> int:
    match = _SECONDS.match(value) if isinstance(value, str) else None
    if not match:
        raise wrong("is not a time", 'write seconds or minutes: "90s", "5m"')
    return int(match[1]) * (60 if match[2] == "m" else 1)


def _size(value: Any) -> int:
    match = _SIZE.match(value) if isinstance(value, str) else None
    if not match:
        raise wrong("is not a size", 'write a number with its unit: "100MB"')
    return int(match[1]) * _BYTES[match[2].lower()]


def _table(value: str, info: ValidationInfo) -> str:
    folder: Path | None = (info.context or {}).get(FOLDER)
    if value and folder is not None:
        file = (folder / value).resolve()
        if not (file.is_file() and file.is_relative_to(folder.resolve())):
            raise wrong(
                f"there is no file {value[:200]!r} in the project folder", "put the table there, or take the key out"
            )
    return value


def _some(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    twice = [word for n, word in enumerate(value) if word in value[:n]]
    if twice:
        raise wrong(f"names {twice[0][:60]!r} twice", "name each one once")
    if "" in value:
        raise wrong("holds an empty text", "leave it out")
    return value


Version = Annotated[int, PlainValidator(_version), WithJsonSchema({"const": 1})]
Name = Annotated[str, AfterValidator(_name)]
Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Moment = Annotated[dt.date, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date"})]
Day = Annotated[dt.date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Condition = Annotated[str, AfterValidator(_condition)]
Expression = Annotated[
    str | Literal[False],
    PlainValidator(_expression),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"const": False}]}),
]
EntityMap = Annotated[
    dict[str, Expression],
    WrapValidator(_entity_map),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"const": False}]}),
]
"""Field → expression or false, of one entity; false in place of the table leaves the entity out."""
Repeat = Annotated[
    dict[str, Policy],
    PlainValidator(_repeat),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["once", "always"]},
                {"type": "object", "additionalProperties": {"enum": ["once", "always"]}},
            ]
        }
    ),
]
Every = Annotated[str, AfterValidator(_every)]
Cron = Annotated[str, AfterValidator(_cron)]
TablePath = Annotated[str, AfterValidator(_table)]
"""A CSV table of the project folder. One that a person names must be there; a default may be missing."""
Seconds = Annotated[int, PlainValidator(_seconds), WithJsonSchema({"type": "string", "examples": ["90s", "5m"]})]
"""A short time, as ``90s`` or ``5m``."""
Size = Annotated[int, PlainValidator(_size), WithJsonSchema({"type": "string", "examples": ["100MB"]})]
Names = Annotated[tuple[str, ...], AfterValidator(_distinct)]
_ONE_OR_SEVERAL = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
Stages = Annotated[tuple[str, ...], AfterValidator(_distinct), BeforeValidator(_some), WithJsonSchema(_ONE_OR_SEVERAL)]
Statuses = Annotated[
    tuple[str, ...], AfterValidator(_statuses), BeforeValidator(_some), WithJsonSchema(_ONE_OR_SEVERAL)
]
