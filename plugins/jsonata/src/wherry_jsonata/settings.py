"""``[flows.NAME.mapper]``: which expressions map a flow, what they read, and the bounds that they stay in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from wherry.errors import ConfigError
from wherry.money import DECIMALS
from wherry.settings import Flow
from wherry.transforms import zone_of

LARGEST = 200_000
"""Bytes of a map's file."""
ELSEWHERE = ("map", "pipelines", "filter", "when")
"""Keys of a flow that only the field map obeys: beside a mapper of one's own they would say something untrue."""


class MapperSettings(BaseModel):
    """The keys of a flow's mapper, beside ``plugin``."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    map: str = Field(min_length=1, description="The file of the project folder that holds the expression.")
    fields: dict[str, tuple[str, ...]] = Field(
        description="Record kind → the source's fields that the expression reads; a kind beside the record's own is "
        "read with it."
    )
    makes: tuple[str, ...] = Field(
        min_length=1, description="Every entity that the expression makes drafts of, that of its root last."
    )
    when: str = Field(
        default="",
        max_length=10_000,
        description="An expression over the record alone: true takes it; false, or a text that says why, leaves it "
        "out. Every record is taken where it is left out.",
    )
    currency: str = Field(default="", description="The currency of $money(amount) where no second argument names one.")
    timezone: str = Field(default="UTC", description="The zone whose day $date gives of a moment.")
    steps: int = Field(
        default=100_000, ge=100, le=10_000_000, description="How many parts of expressions one record may take."
    )
    depth: int = Field(default=200, ge=10, le=500, description="How deep calls may lie in each other.")
    seconds: float = Field(default=2.0, ge=0.1, le=60, description="Seconds of computing that one record may take.")
    output: int = Field(
        default=1_000_000, ge=1_000, le=50_000_000, description="Characters of JSON that one record may become."
    )
    memory: int = Field(default=512, ge=128, le=8_192, description="Megabytes that the evaluating process may take.")


def read_settings(flow: Flow) -> MapperSettings:
    """The mapper's settings of a flow. Raises ConfigError with the key that is wrong."""
    key = f"flows.{flow.name}.mapper"
    try:
        settings = MapperSettings(**(flow.mapper.own if flow.mapper else {}))
    except ValidationError as error:
        raise _wrong(key, error) from None
    if "" in settings.makes:
        raise ConfigError(f"{key}.makes: an entity has a name", fix='such as "project"', code="WHERRY-2880", key=key)
    zone_of(settings.timezone, f"{key}.timezone")
    if settings.currency and settings.currency not in DECIMALS:
        raise ConfigError(
            f"{key}.currency: {settings.currency!r} is not an ISO 4217 currency",
            fix="use three letters such as USD", code="WHERRY-2880", key=f"{key}.currency",
        )  # fmt: skip
    for name in ELSEWHERE:
        if getattr(flow, name):
            raise ConfigError(
                f"flows.{flow.name}.{name} is said to the field map, which this flow does not use",
                fix=f"say it in the mapper's expressions ({key}.when), or take {key} out",
                code="WHERRY-2881", key=f"flows.{flow.name}.{name}",
            )  # fmt: skip
    return settings


def read_map(folder: Path, settings: MapperSettings, flow: str) -> str:
    """The expression's text. Raises ConfigError where its file cannot be read or is none of the project's."""
    key, file = f"flows.{flow}.mapper.map", (folder / settings.map).resolve()
    problem, fix = "", "write a path below the project folder, such as maps/deals.jsonata"
    if not file.is_relative_to(folder.resolve()):
        problem = f"{settings.map} lies outside the project folder"
    elif not file.is_file():
        problem = f"there is no file {settings.map}"
    elif file.stat().st_size > LARGEST:
        problem, fix = f"{settings.map} has more than {LARGEST} bytes", "split the flow, or shorten the expression"
    else:
        try:
            return file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problem, fix = f"{settings.map} cannot be read ({type(error).__name__})", "save it as UTF-8"
    raise ConfigError(f"{key}: {problem}", fix=fix, code="WHERRY-2882", key=key)


def _wrong(key: str, error: ValidationError) -> ConfigError:
    first: Any = error.errors(include_input=False, include_url=False)[0]
    path = ".".join([key, *(str(part) for part in first["loc"])])
    known = ", ".join(MapperSettings.model_fields)
    return ConfigError(
        f"{path}: {str(first['msg'])[:1].lower()}{str(first['msg'])[1:]}",
        fix=f"keys of this mapper: plugin, {known}", code="WHERRY-2880", key=path,
    )  # fmt: skip
