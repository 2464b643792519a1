"""The project file as typed, frozen models. What a key means is said in its ``description``.

Source: experience.md, section 4. A connection's own keys stay raw here; its plugin's model reads them in ``compose``.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from wherry.settings.layers import Stack
from wherry.settings.mistakes import wrong
from wherry.settings.values import (
    Condition,
    Cron,
    Currency,
    Day,
    EntityMap,
    Every,
    Moment,
    Name,
    Names,
    Policy,
    Repeat,
    Size,
    Stages,
    Statuses,
    Version,
    Zone,
    interval,
    shortest_gap,
)

Document = Literal["invoice", "estimate", "sales-order", "journal"]
Approval = Literal["automatic", "required"]
Tier = Literal["free", "plus", "pro", "enterprise"]
SHORTEST: dict[str, dt.timedelta] = {
    "free": dt.timedelta(hours=24),
    "plus": dt.timedelta(minutes=60),
    "pro": dt.timedelta(minutes=15),
    "enterprise": dt.timedelta(minutes=5),
}
"""Subscription tier → the shortest time between two scheduled runs of a flow."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class About(_Table):
    """``[project]``: whose data this is."""

    name: Name = Field(description="The project's name.")
    timezone: Zone = Field(default="UTC", description="Days, weeks and months are cut in this zone.")
    currency: Currency = Field(description="The organisation's own currency, an ISO 4217 code.")


class PluginChoice(_Table):
    """``[plugins]``: which installed plugins may be loaded at all."""

    enabled: Names = Field(default=(), description="The plugins to load; where two answer, the later one wins.")
    versions: dict[str, str] = Field(
        default_factory=dict, description='Versions to accept, plugin by plugin: { name = ">=1.2,<2" }.'
    )


class Store(_Table):
    """``[store]``: where state lives."""

    url: str = Field(
        default="", repr=False, description="sqlite:///… or postgresql://…; a file in .wherry where left out."
    )
    files: Path = Field(default=Path(), description="The folder of copied files; .wherry/files where left out.")


class ConnectionTable(BaseModel):
    """``[connections.NAME]`` as it stands in the file. ``own`` are the plugin's keys, which may be sensitive."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    plugin: str = Field(min_length=1, description="The plugin that speaks to this system.")

    @property
    def own(self) -> dict[str, Any]:
        """Everything but ``plugin``, as it was written. Never log it."""
        return dict(self.model_extra or {})

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield "plugin", self.plugin


class MapperTable(BaseModel):
    """``[flows.NAME.mapper]``: a plugin that maps in place of the field map. ``own`` are the plugin's keys."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    plugin: str = Field(min_length=1, description="The plugin that maps; further keys are its own, see its README.")

    @property
    def own(self) -> dict[str, Any]:
        """Everything but ``plugin``, as it was written."""
        return dict(self.model_extra or {})


class Pipeline(_Table):
    """One pipeline of a flow, with its own stages, map and switch."""

    id: str = Field(min_length=1, description="The vendor's id of the pipeline, never its label.")
    stages: Stages = Field(("won",), min_length=1, description='Stage ids; "won" is any stage closed at probability 1.')
    map: str | None = Field(default=None, description="A map of [maps] to use in place of the flow's own.")
    active: bool = Field(default=True, description="Whether records of this pipeline are taken.")


class Match(_Table):
    """``[flows.NAME.match.ENTITY]``: how a draft finds what it is in the sink."""

    order: Names | None = Field(
        default=None, description='Rules in order: "link", "reference", "sku", "name", "fuzzy".'
    )
    unmatched: Literal["create", "triage", "skip"] | None = Field(
        default=None, description="What becomes of what nothing matches; the source's own habit where left out."
    )


class When(_Table):
    """``[flows.NAME.when]``: what a record must be for the flow to take it."""

    status: Statuses = Field(
        min_length=1,
        description='A status or several. Of draft, assigned, finalized and invoiced, "assigned" means assigned or '
        "further along; other words mean just that status. Case does not count.",
    )


class Schedule(_Table):
    """``[flows.NAME.schedule]``: when the flow runs by itself, once it is activated."""

    every: Every | None = Field(default=None, description="The time between two runs: 15m, 2h, 1d.")
    cron: Cron | None = Field(default=None, description="A crontab line in the project's time zone; Sunday is 0 or 7.")

    @model_validator(mode="after")
    def _one(self) -> Schedule:
        if (self.every is None) == (self.cron is None):
            raise wrong("must name either every or cron", 'write every = "15m" or cron = "0 6 * * *"')
        return self

    def shortest(self, enough: dt.timedelta = dt.timedelta(0)) -> dt.timedelta:
        """The shortest time between two runs; a cron line is looked at until a gap below ``enough`` is found."""
        return interval(self.every) if self.every else shortest_gap(self.cron or "", enough)


class Limits(_Table):
    """``[flows.NAME.limits]``: where a run stops and asks."""

    fall: float = Field(
        default=0.30, ge=0, le=1, description="Share of known records that may vanish before a run pauses."
    )
    sweep: Every = Field(
        default="1d", description="How often to look for records that were archived or merged at the source."
    )
    file_size: Size = Field(default=100 * 10**6, description='The largest file to copy: "100MB".')

    @property
    def sweep_every(self) -> dt.timedelta:
        return interval(self.sweep)


class Flow(_Table):
    """``[flows.NAME]``: records of a source on their way into a sink."""

    source: str = Field(min_length=1, description="The connection to read from.")
    sink: str = Field(min_length=1, description="The connection to write to.")
    kinds: Names = Field(default=(), description="Record kinds to read; the plugin's default kinds where left out.")
    after: Names = Field(default=(), description="Flows that run first.")
    pipelines: tuple[Pipeline, ...] = Field(
        default=(), description="Pipelines to take; all of them, at won, where left out."
    )
    document: Document | None = Field(
        default=None,
        description='What an invoice becomes: "invoice" (a credit memo where its total is negative), "estimate", '
        '"sales-order" (an estimate where the target has none) or "journal"; "invoice" where left out.',
    )
    when: When | None = Field(
        default=None,
        description='What is taken, as in { status = "assigned" }; the source\'s own habit where left out.',
    )
    books_from: Day | None = Field(
        default=None,
        description="The first day of the books: what is dated before it waits for approval, and makes no journal.",
    )
    approval: Approval | None = Field(
        default=None,
        description='"required": what is prepared waits until somebody approves it, as journals do where nothing is '
        'said. "automatic": it is sent, unless it is dated before the books begin.',
    )
    approvers: Literal[1, 2] = Field(
        default=1, description="How many people have to agree to what is approved: with 2 a second person is named."
    )
    accounts: str = Field(
        default="", description="The table that says which accounts a category is booked to: tables/accounts.csv."
    )
    group: Literal["none", "day", "week", "month"] = Field(
        default="none", description="What is booked together: one entry a day, a week or a month."
    )
    week_start: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        default="monday", description="The first day of a week."
    )
    periods: str = Field(default="", description="A table of accounting periods: name, first, last. Months without it.")
    gains: bool = Field(default=False, description="Whether realised gains and losses are booked too.")
    late: Literal["hold", "next-period", "correct"] = Field(
        default="hold",
        description="What becomes of a movement whose group was posted before it came: it is held, booked in the next "
        "open period, or in a correcting entry.",
    )
    closed: Literal["hold", "next-period", "true-up", "stop"] = Field(
        default="hold",
        description="What becomes of a movement in a closed period: it is held, booked in the next open period, or "
        "there in one entry that trues the locked balances up; stop: nothing is booked at all.",
    )
    wait: Every = Field(
        default="2d", description="How long after the end of a group it is posted by itself, with automatic approval."
    )
    clearing: str = Field(
        default="", description="The account that takes the place of receivables and payables in grouped journals."
    )
    rates: str = Field(
        default="",
        description="A table of exchange rates for journals in other currencies: date, from, to, rate, source.",
    )
    rounding: str = Field(
        default="", description="The account that takes what rounding leaves between the home amounts of a journal."
    )
    changed_since: Moment | None = Field(
        default=None, description="Only what was modified after this; a date or a time."
    )
    repeat: Repeat = Field(
        default_factory=dict,
        description='"once": later changes at the source do not write again. "always": they do. Or a table by entity.',
    )
    files: bool = Field(default=True, description="Whether files are copied.")
    filter: Condition | None = Field(default=None, description="A condition that a record must meet.")
    map: dict[str, EntityMap] = Field(default_factory=dict, description="Entity → field → expression, or false.")
    mapper: MapperTable | None = Field(
        default=None, description="A plugin that maps in place of the field map, with settings of its own."
    )
    match: dict[str, Match] = Field(default_factory=dict, description="Entity → how it is matched.")
    schedule: Schedule | None = Field(default=None, description="When it runs by itself.")
    limits: Limits = Field(default_factory=lambda: Limits(), description="Where a run stops and asks.")

    _name: str = PrivateAttr(default="")

    @field_validator("kinds")
    @classmethod
    def _spelled(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Names in the project file have hyphens, kinds of plugins underscores."""
        return tuple(kind.replace("-", "_") for kind in kinds)

    @property
    def name(self) -> str:
        """The flow's name in the project file; empty for a flow that was built alone."""
        return self._name

    def repeat_for(self, entity: str) -> Policy:
        """``once`` or ``always`` for an entity; where nothing was said, ``once`` for all but movements of the books."""
        usual: Policy = "always" if entity == "movement" else "once"
        return self.repeat.get(entity) or self.repeat.get("") or usual

    @property
    def deciding(self) -> dict[str, Any]:
        """What decides as what a record goes on, and whether once more, by setting."""
        return self.model_dump(mode="json", include={"match", "repeat"}, warnings=False)

    @property
    def wait_for(self) -> dt.timedelta:
        """How long after its end a group is posted by itself."""
        return interval(self.wait)

    @property
    def books_journals(self) -> bool:
        """Whether what it carries is booked in journals."""
        return self.document == "journal"

    @property
    def needs_approval(self) -> bool:
        """Whether somebody has to approve what is prepared."""
        return self.approval == "required" or (self.approval is None and self.books_journals)

    def since(self, timezone: str) -> dt.datetime | None:
        """``changed_since`` in UTC; a plain date is midnight, a time without offset a time, in the project's zone."""
        value = self.changed_since
        if value is None:
            return None
        moment = value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
        return moment.astimezone(dt.UTC)


class Subscription(_Table):
    """``[subscription]``: what the organisation pays for."""

    tier: Tier = Field(description="free: once a day; plus: hourly; pro: every 15 minutes; enterprise: every 5.")

    @property
    def shortest(self) -> dt.timedelta:
        """The shortest time that a schedule of this tier may have between two runs."""
        return SHORTEST[self.tier]


class Project(_Table):
    """A whole project file, phase one: every key but the connections' own is checked."""

    version: Version = Field(default=1, description="The version of this file's format.")
    project: About = Field(description="write [project] with name, timezone and currency below it")
    plugins: PluginChoice = Field(
        default_factory=lambda: PluginChoice(), description='write [plugins] with enabled = ["name"] below it'
    )
    store: Store = Field(default_factory=lambda: Store(), description="write [store] with url below it")
    connections: dict[str, ConnectionTable] = Field(
        default_factory=dict, description="write one [connections.NAME] table each"
    )
    flows: dict[str, Flow] = Field(default_factory=dict, description="write one [flows.NAME] table each")
    maps: dict[str, dict[str, EntityMap]] = Field(
        default_factory=dict,
        description="Named maps for pipelines: name → entity → field → expression, or false.",
    )
    subscription: Subscription | None = Field(default=None, description="write [subscription] with tier below it")

    _stack: Stack = PrivateAttr(default_factory=Stack)
    _borne: list[str] = PrivateAttr(default=[])  # copied; of a factory its signature would be read, at 30 ms

    @model_validator(mode="after")
    def _introduce(self) -> Project:
        for name, flow in self.flows.items():
            flow._name = name
        return self

    @property
    def name(self) -> str:
        return self.project.name

    @property
    def timezone(self) -> str:
        return self.project.timezone

    @property
    def currency(self) -> str:
        return self.project.currency

    @property
    def borne(self) -> list[str]:
        """Mistakes of the file that the command in hand has nothing to do with, in words."""
        return self._borne

    @property
    def folder(self) -> Path:
        """The project folder: relative paths start here."""
        return self._stack.folder

    @property
    def file(self) -> Path:
        """The project file that was read."""
        return self._stack.folder / self._stack.file

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment with the folder's ``.env`` below it. Holds secrets: never log it."""
        return self._stack.environ
