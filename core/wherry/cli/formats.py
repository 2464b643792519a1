"""The answer for programs: JSON, a line of JSON each, or CSV."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wherry.errors import ConfigError

_LISTS = ("items", "events", "changes", "checks")
_BEYOND = re.compile(r"[^\x00-\x7f]")


def as_json(value: Any, *, pretty: bool = False) -> str:
    from wherry.operating.parts import encoded

    raw = msgspec.json.encode(value, enc_hook=encoded)
    return (msgspec.json.format(raw, indent=2) if pretty else raw).decode()


def write(path: Path, text: str, *, make: bool = False) -> None:
    """The file, whole: who is stopped meanwhile leaves what was there. Raises ConfigError where it cannot be. ``make``:
    its folder, too."""
    try:
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # such as /dev/stdout
            path.write_text(text, "utf-8")
            return
        meant = path.resolve()  # a link stays one
        beside = meant.with_name(f".{meant.name}.{os.getpid()}")
        beside.write_text(text, "utf-8")
        beside.replace(meant)
    except OSError as error:
        raise ConfigError(
            f"cannot write to {path}: {error.strerror or error}", fix="name a place you may write to",
            code="WHERRY-2093",
        ) from None  # fmt: skip


def portable(text: str) -> str:
    """JSON for standard output: JSON is UTF-8, so what is written in other letters has none but those of ASCII."""
    if str(sys.stdout.encoding).lower().startswith("utf"):
        return text
    import json

    return _BEYOND.sub(lambda found: json.dumps(found[0])[1:-1], text)


def rows_of(data: Any) -> Sequence[Any]:
    """What an answer lists: its items, events, changes or checks; else itself."""
    plain = msgspec.to_builtins(data, enc_hook=lambda one: float(one) if isinstance(one, float) else str(one))
    for name in _LISTS if isinstance(plain, dict) else ():
        if isinstance(plain.get(name), list):
            return list(plain[name])
    return plain if isinstance(plain, list) else [plain]


def as_ndjson(data: Any) -> str:
    return portable("".join(f"{as_json(row)}\n" for row in rows_of(data)))


def as_csv(data: Any) -> str:
    """Columns are the keys of the rows; what is no plain value stands as JSON, what a spreadsheet would run as text."""
    rows = [row if isinstance(row, Mapping) else {"value": row} for row in rows_of(data)]
    header = list(dict.fromkeys(str(key) for row in rows for key in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(row.get(key)) for key in header] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return as_json(value)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
