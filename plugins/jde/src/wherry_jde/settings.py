"""What an operator sets of a JD Edwards connection: where it is, who signs in, and which orchestration does what."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from wherry.money import DECIMALS
from wherry.settings import ConnectionSettings, SecretRef
from wherry.settings.mistakes import wrong
from wherry.settings.secret import address
from wherry.settings.values import Zone

from .kinds import DIMENSION, KINDS, ORDERS, TABLES, USUAL, Kind, fields_of, line_fields_of

PATTERN = re.compile(r"(?:(?:dd|MM|yyyy|yy)[/.\- ]?){3}")
FIXED = ("iso", "epoch")


def _company(value: str) -> str:
    told = value.strip()
    if not told or len(told) > 5 or not told.isascii() or not told.isalnum():
        raise wrong("is no company", 'write its number as JD Edwards shows it: "00001"')
    return told.upper().zfill(5)


def _dates(value: str) -> str:
    if value not in FIXED and not PATTERN.fullmatch(value):
        raise wrong("is no form of dates", 'write "iso", "epoch" or the pattern of the user, such as "MM/dd/yyyy"')
    return value


def _currency(value: str | None) -> str | None:
    if value is not None and value not in DECIMALS:
        raise wrong("is no ISO 4217 code", 'write the code of the company\'s currency, such as "USD"')
    return value


class Orchestration(BaseModel):
    """``[connections.NAME.orchestrations.ENTITY]``: what is left out is as the template has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    run: str | None = Field(None, min_length=1, description="The orchestration that writes one.")
    find: str | None = Field(
        None, description='The one that finds it by our key, or a column of its table, such as "F4201.VR01"; "": none.'
    )
    void: str | None = Field(
        None, min_length=1, description="The one that cancels an order, given its number; left out, people do."
    )
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description='Field → name of its input: { number = "InvoiceNumber" }; "" does not send it.',
    )
    lines: str | None = Field(
        None, min_length=1, description="The name of the array, or of the detail input, of lines."
    )
    line_inputs: dict[str, str] = Field(
        default_factory=dict, description='Field of a line → name of its input; a dimension: "dimensions.class".'
    )
    fixed: dict[str, str] = Field(
        default_factory=dict, description='Further inputs, always the same: { BranchPlant = "30" }.'
    )
    id: tuple[str, ...] | None = Field(
        None, min_length=1, description="The outputs that together are its number in JD Edwards."
    )


class JdeSettings(ConnectionSettings):
    """``[connections.NAME]`` with ``plugin = "jde"``."""

    base_url: Annotated[str, AfterValidator(address)] = Field(
        description="The AIS server: https://ais.example.com:9300, without /jderest."
    )
    username: str = Field(min_length=1, description="The JD Edwards user that signs in, one for Wherry alone.")
    password: SecretRef = Field(description="Its password; a reference, never the value itself.")
    environment: str = Field(min_length=1, description="The environment, such as JPD920.")
    role: str = Field("*ALL", min_length=1, description="The role to sign in with.")
    device: str = Field("wherry", min_length=1, max_length=64, description="The device name that sessions bear.")
    company: Annotated[str, AfterValidator(_company)] = Field(description='The company to write for: "00001".')
    currency: Annotated[str | None, AfterValidator(_currency)] = Field(
        None, description="The company's currency; left out, what its constants (F0010) say."
    )
    version: Literal["v2", "v3"] = Field("v3", description="The API version that the orchestrations are made for.")
    form: Literal["generic", "standard"] = Field(
        "generic", description="How inputs are sent: plain names, or JDE standard with detailInputs."
    )
    dates: Annotated[str, AfterValidator(_dates)] = Field(
        "iso", description='How dates are sent: "iso", "epoch" (milliseconds), or the user\'s pattern.'
    )
    zone: Zone = Field("UTC", description="The time zone at whose midnight a day begins, for epoch.")
    orchestrations: dict[str, Orchestration] = Field(
        default_factory=dict, description="Entity → its orchestration; left out, those of the template."
    )
    found: str = Field("Found", min_length=1, description="The array that find orchestrations answer with.")
    ledger: str | None = Field(
        None, min_length=1, description="The orchestration that reads lines of the general ledger, for the tie-out."
    )
    tax: Literal["held", "left"] = Field(
        "held", description="Whether a document with tax is held, or goes without: JD Edwards works it out itself."
    )
    search_type: str = Field(
        "C", max_length=3, description='The search type of customers in the address book; "" matches against all of it.'
    )
    page: int = Field(1000, ge=1, le=10_000, description="Rows of a page that is read.")
    timeout: int = Field(120, ge=5, le=600, description="Seconds to wait for an answer.")
    settle: int = Field(300, ge=0, le=7200, description="Seconds after which a call without an answer is looked up.")

    @model_validator(mode="after")
    def _fitting(self) -> JdeSettings:
        """Raises a validation error where settings do not go together."""
        for entity, said in self.orchestrations.items():
            _known(entity, said)
        kinds = self.kinds
        if self.form == "generic" and self.version == "v2" and any(kind.lines for kind in kinds.values()):
            raise wrong("takes one line a call in v2 with generic inputs", 'write form = "standard", or version = "v3"')
        lacking = sorted(entity for entity, kind in kinds.items() if not kind.find)
        if lacking and len(lacking) < len(kinds):
            raise wrong(f"has no find for {', '.join(lacking)} and one for others", "give each one, or none of them")
        return self

    @property
    def kinds(self) -> dict[str, Kind]:
        """Entity → what the site calls everything, of what is written."""
        return {entity: _merged(entity, self.orchestrations.get(entity)) for entity in self.orchestrations or USUAL}

    @property
    def finds(self) -> bool:
        """Whether what was written can be found by our key."""
        return all(kind.find for kind in self.kinds.values())


def _known(entity: str, said: Orchestration) -> None:
    if entity not in KINDS:
        raise wrong(f"names {entity}, which is not written", f"name some of: {', '.join(KINDS)}")
    odd = set(said.inputs) - set(fields_of(entity))
    odd |= {one for one in said.line_inputs if one not in line_fields_of(entity) and not one.startswith(DIMENSION)}
    if odd:
        known = ", ".join(dict.fromkeys((*fields_of(entity), *line_fields_of(entity))))
        raise wrong(f"{entity} has no {', '.join(sorted(odd))}", f"fields: {known}")
    if said.void and (entity not in ORDERS or "." in (said.find or "")):
        raise wrong(f"{entity} is not cancelled so", "name void for orders, beside a find that is an orchestration")
    table, _, column = (said.find or "").partition(".")
    if column and table != TABLES[entity]:
        raise wrong(f"{entity} is not found in {table}", f"name a column of {TABLES[entity]}, or an orchestration")


def _merged(entity: str, said: Orchestration | None) -> Kind:
    kind = KINDS[entity]
    if said is None:
        return kind
    told = {
        name: value for name in ("run", "find", "void", "lines", "id") if (value := getattr(said, name)) is not None
    }
    return msgspec.structs.replace(
        kind, **told, inputs={**kind.inputs, **said.inputs}, line_inputs={**kind.line_inputs, **said.line_inputs}
    )
