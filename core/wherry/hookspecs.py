"""Every hook of Wherry. Makers run once, while a flow is wired; the objects they make do the work, page by page.

Each docstring starts with when the hook is called. Nothing is called per record. Source: architecture.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pluggy
from msgspec import Struct, field

from wherry.endpoints import OAuthEndpoints  # with Entity at run time: help(Manifest) looks its types up
from wherry.entities import Entity

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wherry.roles import (
        Connection,
        FieldMapper,
        Matcher,
        Services,
        Simulator,
        SinkWriter,
        SourceConnector,
    )
    from wherry.settings import Flow
    from wherry.web.routes import Host, HttpRoute

PROJECT_NAME = "wherry"
hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class Manifest(Struct, frozen=True, kw_only=True):
    """What a plugin says of itself once it is allowed and loaded."""

    system: str
    title: str
    group: str = "other"
    """Where its card stands: ``CRM``, ``accounting``, ``platform``, ``files`` or ``other``."""
    roles: tuple[str, ...] = ()
    """Any of ``source``, ``mapper``, ``matcher``, ``sink``, ``simulator``."""
    kinds: tuple[str, ...] = ()
    """Record kinds its source reads."""
    entities: Mapping[str, type[Entity]] = field(default_factory=dict)
    """Canonical shapes of its own, name → shape."""
    maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Default field maps as data, record kind → entity → map (see ``wherry.mapping``)."""
    match: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Default match rules as data, entity → ``{order, unmatched}``."""
    sign_in: tuple[str, ...] = ()
    """Kinds of ``auth`` it takes: ``token``, ``oauth2``, ``client`` …"""
    hosts: tuple[str, ...] = ()
    """Hosts that its client may reach; ``*.`` stands for any name below."""
    scopes: tuple[str, ...] = ()
    oauth: OAuthEndpoints | None = None
    """Where it signs in by OAuth 2; addresses that begin with ``/`` are below the connection's ``base_url``."""
    administrator: Literal["", "recommended", "mandatory"] = ""
    """Whether it should, or must, be an administrator of the account who signs in."""
    unmatched: Mapping[str, str] = field(default_factory=dict)
    """As a sink, entity → ``create``, ``triage`` or ``skip``: what becomes of what matches nothing, if the flow says
    nothing. It goes before the source's ``match``."""
    leaves_with: str = ""
    """As a sink whose system calls us (``Polled``): with what things leave that are ready, as it ends a sentence: ``the
    next update of the Web Connector``."""
    setup: str = ""
    """The command that sets a connection up where nobody signs in, its name as ``{name}``."""
    docs: str = ""


class Specs:
    """The hook specifications, in the order in which a flow is wired and run."""

    # -- what a plugin is ---------------------------------------------------------------------------------------

    @hookspec
    def wherry_manifest(self) -> Manifest:  # type: ignore[empty-body]
        """Once after a plugin was loaded: it says what it is, what it can do and which hosts it needs."""

    @hookspec(firstresult=True)
    def wherry_settings(self, system: str) -> type[BaseModel] | None:
        """While the project file is checked: the model of a connection's settings, or None for another's system."""

    # -- makers: once while a flow is wired -----------------------------------------------------------------------

    @hookspec(firstresult=True)
    def wherry_source_connector(self, connection: Connection, services: Services) -> SourceConnector | None:
        """While a flow is wired: the source of this connection, or None if the connection is another plugin's."""

    @hookspec(firstresult=True)
    def wherry_field_mapper(
        self, flow: Flow, kind: str, connection: Connection, services: Services
    ) -> FieldMapper | None:
        """While a flow is wired, once for each record kind: the mapper, or None to leave it to the default.
        ``connection`` is the flow's source."""

    @hookspec(firstresult=True)
    def wherry_matcher(self, flow: Flow, entity: str, connection: Connection) -> Matcher | None:
        """While a flow is wired, once for each entity: the matcher, or None to leave it to the default.
        ``connection`` is the flow's source."""

    @hookspec(firstresult=True)
    def wherry_sink_writer(self, connection: Connection, services: Services) -> SinkWriter | None:
        """While a flow is wired: the sink of this connection, or None if the connection is another plugin's."""

    @hookspec
    def wherry_transforms(self) -> Mapping[str, Callable[..., Any]]:  # type: ignore[empty-body]
        """While a field map is compiled: named transforms for use in maps. Later in the config list wins."""

    @hookspec(firstresult=True)
    def wherry_simulator(self, system: str, options: Mapping[str, str]) -> Simulator | None:
        """When ``wherry simulate`` or the demo starts: the offline stand-in of a system.

        ``options`` are what was given with ``--set NAME=VALUE``; ``currency`` is the project's where nobody said one,
        and may be ignored. Raises ConfigError for an option that the stand-in does not have.
        """

    @hookspec(firstresult=True)
    def wherry_engine(self, name: str) -> Any | None:
        """When a scheduler starts: the engine that runs its jobs (``local`` is built in)."""

    # -- notices: a failing observer is logged and ignored --------------------------------------------------------

    @hookspec
    def wherry_run_started(self, flow: str, run: str) -> None:
        """After a run was entered in the store, before anything is read."""

    @hookspec
    def wherry_batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
        """After each batch's transaction was committed; ``fates`` counts this batch, kind → fate → number.

        Also of what was sent outside of runs, by a person's word or in a session of a system that calls us: ``run`` is
        then the one that prepared it.
        """

    @hookspec
    def wherry_run_finished(self, flow: str, run: str, summary: Mapping[str, Any]) -> None:
        """After a run's summary was stored, whatever its outcome."""

    @hookspec
    def wherry_access_lost(self, connection: str, reason: str) -> None:
        """After a connection was marked as needing a new sign-in; its flows are paused."""

    # -- routes ---------------------------------------------------------------------------------------------------

    @hookspec
    def wherry_http_routes(self, services: Services, host: Host) -> Sequence[HttpRoute]:  # type: ignore[empty-body]
        """When the web host starts, once for each plugin: routes to mount (webhooks, an API, a SOAP endpoint).

        ``services`` are those of the plugin's first connection; ``host`` knows all of them. A plugin that raises is
        left out and named in ``/ready``.
        """
