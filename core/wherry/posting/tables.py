"""The operator's table of tax rates: which code of the target each rate is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from wherry.errors import ConfigError
from wherry.money import exact


def tax_codes(
    path: str, rows: Iterable[Mapping[str, str]], column: str = "code", code_of: Callable[[str], str] = str
) -> dict[Decimal | None, str]:
    """Rate (percent) → code; the rate None is that of lines without one. ``rows`` as ``Services.table`` reads them.

    ``code_of`` gives the code that a word of ``column`` means, and raises ValueError with the reason for one that means
    none. Raises ConfigError for that, for a rate that is no number, and for one with two codes.
    """
    found: dict[Decimal | None, str] = {}
    for line, row in enumerate(rows, start=2):
        if not row.keys() >= {"rate", column}:
            raise _wrong(path, 1, f"its columns are {', '.join(row)}", f"name them rate,{column}, a comma between")
        rate, word = _rate(path, line, row["rate"]), row[column].strip()
        try:
            code = code_of(word) if word else ""
        except ValueError as error:
            raise _wrong(path, line, f"the {column} {word!r} {error}", f"correct it in the column {column}") from None
        if not code:
            raise _wrong(path, line, f"there is no {column} beside the rate", f"write one in the column {column}")
        if found.setdefault(rate, code) != code:
            told = "what has no rate" if rate is None else f"the rate {rate}"
            raise _wrong(path, line, f"{told} has two codes", "keep one row for each rate")
    return found


def _rate(path: str, line: int, told: str) -> Decimal | None:
    word = told.strip().removesuffix("%").strip()
    try:
        return exact(word) if word else None
    except ValueError:
        raise _wrong(path, line, f"the rate {word!r} is no number", "write percent, such as 20 or 8.25") from None


def _wrong(path: str, line: int, what: str, fix: str) -> ConfigError:
    return ConfigError(f"{path}, line {line}: {what}", fix=fix, code="WHERRY-2660", file=path, line=line)
