"""What is read of a company before anything is written to it: whose it is, its currency, its accounts, and whether the
orchestrations that are named are there.

Facts: ``discover`` tells the form and the inputs of each (API.md); a designer may hide inputs, and then lists none.
F0901 has AID, CO, MCU, OBJ, SUB, DL01, PEC (contracts/jde); what PEC's values mean, and the columns of F0010, F0101 and
F4101, is general knowledge.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from msgspec import Struct
from wherry.accounting import ChartAccount
from wherry.errors import ConfigError
from wherry.posting.accounts import Chart
from wherry.posting.texts import clean

from .client import Client, Obj
from .kinds import TABLES, Kind
from .settings import JdeSettings

FORMS = {"generic": "Generic", "standard": "JDE Standard"}
_NOT_POSTED = frozenset("BN")
_INACTIVE = "I"


class Books(Struct, frozen=True):
    """A company, as far as writing to it needs to know it."""

    settings: JdeSettings
    kinds: Mapping[str, Kind]
    id: str
    name: str
    home: str
    release: str
    chart: Chart


def read_books(client: Client, settings: JdeSettings) -> Books:
    """A few calls. Raises ConfigError for settings that the site does not fit."""
    release, kinds = client.release(), settings.kinds
    _all_there(client.orchestrations(), settings, kinds)
    row = next(iter(client.browse("F0010", ("CO", "NAME", "CRCD"), CO=settings.company)), None)
    if row is None:
        raise ConfigError(
            f"JD Edwards has no company {settings.company} that this user may see", code="WHERRY-2945", key="company",
            fix="write its number as F0010 has it, five characters, and let the user read it",
        )  # fmt: skip
    home, environment = settings.currency or clean(row.get("CRCD")), client.auth.environment
    if not home:
        raise ConfigError(
            f"the constants of company {settings.company} name no currency", code="WHERRY-2946", key="currency",
            fix='write currency = "USD", or whichever it keeps its books in',
        )  # fmt: skip
    return Books(
        settings=settings, kinds=kinds, id=f"{environment or settings.environment}/{clean(row.get('CO'))}",
        name=clean(row.get("NAME")) or settings.company, home=home, release=release,
        chart=Chart(chart(client) if "journal_entry" in kinds else (), "JD Edwards"),
    )  # fmt: skip


def chart(client: Client) -> Iterator[ChartAccount]:
    """The chart of accounts of the company, headings and inactive ones too."""
    columns = ("AID", "CO", "MCU", "OBJ", "SUB", "DL01", "PEC", "LDA")
    return map(_account, client.browse("F0901", columns, CO=client.settings.company))


def _account(row: Obj) -> ChartAccount:
    parts, edit = [clean(row.get(name)) for name in ("MCU", "OBJ", "SUB")], clean(row.get("PEC"))
    return ChartAccount(
        id=clean(row.get("AID")), code=".".join(part for part in parts if part), name=clean(row.get("DL01")),
        type="other", active=edit != _INACTIVE, posting=edit not in _NOT_POSTED and bool(parts[1]),
    )  # fmt: skip


# -- whether it is all there ------------------------------------------------------------------------------------------


def _all_there(there: Mapping[str, Obj], settings: JdeSettings, kinds: Mapping[str, Kind]) -> None:
    """Raises ConfigError that names what is not: an orchestration, its form, or an input."""
    for entity, kind in kinds.items():
        said = settings.orchestrations.get(entity)
        inputs = {name for name in kind.inputs.values() if name} | set(said.fixed if said else ())
        _is_there(
            there, settings, f"orchestrations.{entity}.run", kind.run, inputs | ({kind.lines} if kind.lines else set())
        )
        asked = {kind.inputs["reference"], *(kind.id if kind.void else ())}
        if kind.find and "." not in kind.find:
            _is_there(there, settings, f"orchestrations.{entity}.find", kind.find, asked)
        if kind.void:
            _is_there(there, settings, f"orchestrations.{entity}.void", kind.void, asked)
    if settings.ledger:
        _is_there(there, settings, "ledger", settings.ledger, {"Company", "FromDate", "ThruDate"})


def _is_there(there: Mapping[str, Obj], settings: JdeSettings, key: str, name: str, inputs: set[str]) -> None:
    if name not in there:
        near = difflib.get_close_matches(name, there, 1)
        raise ConfigError(
            f"JD Edwards has no orchestration {name} that this user may run", code="WHERRY-2947", key=key,
            fix=f"{f'did you mean {near[0]}? Else ' if near else ''}build it by the template, share it with the user, "
            f"or leave out what is not written: {key.removesuffix('.run')}",
        )  # fmt: skip
    form, listed = there[name].get("inputFormat"), there[name].get("inputs")
    if form in FORMS.values() and form != FORMS[settings.form]:
        raise ConfigError(
            f"the orchestration {name} takes {form} inputs, and form is {settings.form!r}", code="WHERRY-2948",
            key="form", fix="write the form that it is designed for, or change its input format",
        )  # fmt: skip
    names = {clean(one.get("name")) for one in listed or () if isinstance(one, dict)}
    if names and (missing := sorted(inputs - names)):
        raise ConfigError(
            f"the orchestration {name} has no input {', '.join(missing)}", code="WHERRY-2949", key=key,
            fix=f'add it there, or name another of {", ".join(sorted(names))}; FIELD = "" under inputs sends none',
        )  # fmt: skip


def listing_of(entity: str) -> tuple[str, tuple[str, ...]]:
    """Table and columns that an entity is listed from; empty where it is not listed."""
    columns = {"customer": ("AN8", "ALPH", "ALKY", "AT1"), "product": ("LITM", "DSC1", "DSC2", "STKT")}
    return (TABLES[entity], columns[entity]) if entity in columns else ("", ())
