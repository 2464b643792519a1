"""What an operator sets of a connection to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator
from wherry.settings.mistakes import wrong

from .kinds import KINDS

Delimiter = Literal["comma", "semicolon", "tab", "pipe"]
Encoding = Literal["utf-8", "utf-8-sig", "cp1252", "iso-8859-15"]


def _profile(name: str) -> str:
    from wherry.books import profiles

    if name not in profiles.names():
        raise wrong("is no profile", f"choose one of: {', '.join(profiles.names())}")
    return name


def _pattern(text: str) -> str:
    if "/" in text or "\\" in text or text.startswith("."):
        raise wrong("leads out of the folder", 'write a pattern of file names, such as "wallet-*.csv"')
    return text


class Records(BaseModel):
    """``[connections.NAME.records.KIND]``: which files hold records of a kind, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    files: Annotated[str, AfterValidator(_pattern)] = Field(
        "*.csv", description='Which files of the folder: "wallet-*.csv".'
    )
    id: str = Field(
        "", description="The column that tells records apart; left out: the file and the number of the row."
    )
    columns: dict[str, str] = Field(
        default_factory=dict, description='Our name of a column = its heading there: { date = "Trade Date" }.'
    )
    delimiter: Delimiter | None = Field(None, description="Between cells; left out, what the heading has most of.")
    encoding: Encoding = Field(
        "utf-8-sig", description="Of the files; bytes that are none are reported with their row."
    )
    decimal: Literal[".", ","] = Field(
        ".", description="The decimal mark of numbers; the other one may part thousands."
    )
    days: Literal["year-month-day", "day-month-year", "month-day-year"] = Field(
        "year-month-day",
        description="In which order days are written, whatever stands between: 2026-01-31, 31/01/2026, 1/31/2026. It "
        "holds for all files; a day that is otherwise is refused with its row.",
    )


class CsvSettings(BaseModel):
    """``[connections.NAME]`` with ``plugin = "csv"``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    folder: Path = Field(description="The folder, from the project folder on. It has to be there.")
    profile: Annotated[str, AfterValidator(_profile)] = Field(
        "generic",
        description="The import screen that journals are written for; docs/how-to/export-journals.md lists them.",
    )
    per_file: int = Field(1, ge=1, le=1000, description="Documents in one file; 1 writes each into its own.")
    delimiter: Delimiter | None = Field(
        None, description="Between cells of what is written; the profile's where left out."
    )
    encoding: Encoding | None = Field(None, description="Of what is written; the profile's own where left out.")
    date_format: str = Field("", description="Days in journals, as DD/MM/YYYY; the profile's own where left out.")
    defaults: dict[str, str] = Field(
        default_factory=dict, description='What stands where a journal line says nothing: { tax = "No VAT" }.'
    )
    spreadsheet: bool = Field(
        True,
        description="Whether people may open the files: what a spreadsheet would run is marked with an apostrophe.",
    )
    accounts: Annotated[str, AfterValidator(_pattern)] = Field(
        "accounts.csv", description="The chart of accounts in the folder: code, name, type, parent, debit, credit."
    )
    records: dict[str, Records] = Field(default_factory=dict, description="Kinds of records that are read from files.")
    page_size: int = Field(500, ge=1, le=10_000, description="How many rows are read at once.")
    quiet: int = Field(
        5, ge=0, le=3600, description="Seconds for which a file must not have changed before it is read."
    )

    @field_validator("records")
    @classmethod
    def _known(cls, records: dict[str, Records]) -> dict[str, Records]:
        spelled = {kind.replace("-", "_"): said for kind, said in records.items()}
        if unknown := sorted(set(spelled) - set(KINDS)):
            raise wrong(f"has no kind {unknown[0]}", f"kinds: {', '.join(KINDS)}")
        return spelled
