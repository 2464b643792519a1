"""From names in the project file to things that work: connections with their services, flows with their parts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from fnmatch import fnmatchcase
from functools import cache, cached_property, partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from pydantic import BaseModel

from wherry import mapping
from wherry.catalogues import Catalogues, listed_as
from wherry.clientgrant import ClientGrant
from wherry.errors import ConfigError, NotFound, WherryError
from wherry.http import Http, Patience, Profile, Through
from wherry.matching import RuleMatcher
from wherry.matching.known import pending_id
from wherry.matching.listing import Listing
from wherry.money import DECIMALS
from wherry.plugins import Plugins
from wherry.project import unheeded
from wherry.project.folder import read_table
from wherry.project.identity import Identity
from wherry.project.lanes import Lanes
from wherry.protocol import sinks
from wherry.protocol.tally import Tally
from wherry.roles import (
    AtomicSinkWriter,
    CallSinkWriter,
    Clock,
    Connection,
    Describes,
    Description,
    FieldMapper,
    Lists,
    Matcher,
    Services,
    SinkWriter,
    SourceConnector,
)  # fmt: skip
from wherry.runs.job import Wired
from wherry.secrets import Vault, open_vault
from wherry.settings import ClientAuth, Flow, OAuth2Auth, Project, SecretRef, TokenAuth
from wherry.settings.load import composed, secrets_in
from wherry.signin import FIELD, NOBODY, OAuthEndpoints, bearer, lost, oauth2
from wherry.store import Store, ledger
from wherry.store.blobs import Blobs
from wherry.store.documents import DocumentView
from wherry.store.ledger import Route
from wherry.threads import Overlap, at_once

_AT_ONCE = 8
"""Kinds that a source is asked about beside each other."""


class Wiring:
    """Makes connections, sources, sinks and flows out of a project. Everything is made once and kept."""

    def __init__(self, project: Project, plugins: Plugins, store: Store, clock: Clock) -> None:
        self.project, self.plugins, self.store, self.clock = project, plugins, store, clock
        self.clients: list[Http] = []
        self.patience: Patience | None = None
        """How long clients go on trying; short where a person waits for the answer."""
        self.through: Through | None = None
        """What every client's requests pass before they leave, such as a recorder."""
        self._vault: Vault | None = None
        self._sources: dict[str, SourceConnector] = {}
        self.identity = Identity(store, clock, self.reaching, lambda name: self._sources.pop(name, None))
        self._overlaps: defaultdict[str, Overlap] = defaultdict(Overlap)
        self._told: dict[tuple[str, str], Future[Description]] = {}
        """Of a connection: what its source says of a kind, asked for before the mappers wanted it."""
        self._maps: dict[tuple[str, str], tuple[object, mapping.MapMapper]] = {}
        self.lanes = Lanes(project, store)
        self.lanes.settled = plugins.batch_settled

    @property
    def vault(self) -> Vault:
        if self._vault is None:
            self._vault = open_vault(self.store.secrets(), self.project.folder, self.project.environ)
        return self._vault

    # -- connections ------------------------------------------------------------------------------------------------

    def connection(self, name: str) -> Connection:
        """The connection of that name with its settings. Raises NotFound, ConfigError."""
        if name not in self.project.connections:
            known = ", ".join(sorted(self.project.connections)) or "none"
            raise NotFound(
                f"there is no connection {name}; known: {known}", code="WHERRY-3010", connection=name,
                fix=_nearest(name, self.project.connections, "see: wherry connection list"),
            )  # fmt: skip
        plugin = self.project.connections[name].plugin
        self.plugins.require(plugin)
        found, unfit = self.composed
        self.plugins.require(plugin)
        if name in unfit:
            raise unfit[name].with_traceback(None)
        return found[name]

    @cached_property
    def composed(self) -> tuple[dict[str, Connection], dict[str, ConfigError]]:
        """The connections by name, and of those that cannot be used why: only their own flows need them."""
        return composed(self.project, self.plugins.settings_model, self.plugins.broke)

    def known_settings(self, name: str) -> BaseModel | None:
        """The settings of a connection that can be read; None where its plugin cannot be used."""
        try:
            settings: BaseModel = self.connection(name).settings
        except WherryError:
            return None
        return settings

    def services(self, connection: Connection) -> Services:
        """What the core hands the plugin of this connection."""
        name, log = connection.name, structlog.get_logger().bind(connection=connection.name, plugin=connection.plugin)
        return Services(
            log=log, clock=self.clock, http=partial(self._client, connection), fan_out=self._overlaps[name].fan_out,
            cache=self.identity.cache(name), documents=partial(self.store.documents, connection.plugin),
            table=partial(read_table, self.project.folder), folder=self.project.folder,
        )  # fmt: skip

    def _client(self, connection: Connection, profile: Profile) -> Http:
        manifest = self.plugins.manifests[connection.plugin]
        auth = profile.auth or self._auth(connection, profile)
        hosts = profile.hosts or tuple(manifest.hosts)
        client = Http(
            msgspec.structs.replace(profile, auth=auth, hosts=hosts), connection=connection.name,
            account=f"{profile.base_url} {self.signed_in(connection)}",
            clock=self.clock, patience=self.patience, through=self.through,
            budgets=self.project.folder / ".wherry" / "budgets", waits=partial(self.lanes.held_up, connection.name),
        )  # fmt: skip
        self.clients.append(client)
        return client

    def _auth(self, connection: Connection, profile: Profile) -> Any:
        auth, name = getattr(connection.settings, "auth", None), connection.name
        if profile.sign is not None:
            return profile.sign(partial(self.reveal, name))
        if isinstance(auth, TokenAuth):
            return bearer(partial(self.reveal, name, auth.token), auth.scheme, auth.header)
        if not isinstance(auth, OAuth2Auth | ClientAuth):
            return None
        endpoints, lock = self.endpoints(connection, profile.base_url), partial(self.store.lock, wait=60.0)
        client, secret = auth.client(partial(self.reveal, name)), partial(self.reveal, name, auth.client_secret)
        if isinstance(auth, ClientAuth):
            told = getattr(auth, "certificate", ""), self.plugins.manifests[connection.plugin].scopes
            return ClientGrant(client, secret, endpoints, self.vault, name, lock, self.clock, *told)
        refresh = partial(self.reveal, name, auth.refresh_token) if auth.refresh_token else None
        if refresh is None and self.vault.get(name, FIELD) is None:
            raise lost(name, NOBODY)  # before a plugin wonders why the sign-in told it nothing
        return oauth2(client, secret, refresh, endpoints, self.vault, name, lock, self.clock)

    def endpoints(self, connection: Connection, base: str) -> OAuthEndpoints:
        """Where a connection whose address is ``base`` signs in: at the vendor, or at what stands in for it."""
        manifest = self.plugins.manifests[connection.plugin]
        if manifest.oauth is None:
            raise ConfigError(
                f"connections.{connection.name}.auth: plugin {connection.plugin} does not sign in by oauth2",
                fix='use auth = { kind = "token", token = { env = "NAME" } }', code="WHERRY-2070",
            )  # fmt: skip
        return manifest.oauth.of(connection.settings).at(base, stand_in=self.is_stand_in(connection))

    def is_stand_in(self, connection: Connection) -> bool:
        """Whether an operator set an address that is none of the vendor's own."""
        own = str(getattr(connection.settings, "base_url", None) or "")
        hosts = self.plugins.manifests[connection.plugin].hosts
        return bool(own) and not any(fnmatchcase(urlsplit(own).hostname or "", host) for host in hosts)

    def reveal(self, connection: str, secret: SecretRef) -> str:
        return secret.reveal(lambda field: self.vault.get(connection, field))

    def credential(self, connection: Connection) -> str:
        """A fingerprint of everything a connection is given to sign in with."""
        found = hashlib.blake2b(digest_size=16, key=str(self.store.database.url)[:64].encode())
        found.update(str(getattr(connection.settings, "base_url", "")).encode())
        for path, secret in secrets_in(connection.settings, ()):
            if path[-1] != "refresh_token" or not secret.stored:
                found.update(f"{path}".encode() + self.reveal(connection.name, secret).encode())
        auth = getattr(connection.settings, "auth", None)
        found.update(str(getattr(auth, "client_id", "")).encode())
        return found.hexdigest()

    def reaching(self, connection: Connection) -> str:
        """The same of all that says which account it reaches: a company, a tenant or a folder is among the settings."""
        told = connection.settings.model_dump_json(exclude_defaults=True, warnings=False)
        return hashlib.blake2b(f"{self.credential(connection)} {told}".encode(), digest_size=16).hexdigest()

    def signed_in(self, connection: Connection) -> str:
        """Whose calls a vendor counts together. Two sign-ins of one app reach two accounts: none has two names here."""
        own = connection.name if isinstance(getattr(connection.settings, "auth", None), OAuth2Auth) else ""
        return f"{self.credential(connection)} {own}"

    # -- flows ------------------------------------------------------------------------------------------------------

    def flow(self, name: str) -> Flow:
        if name not in self.project.flows:
            known = ", ".join(sorted(self.project.flows)) or "none"
            raise NotFound(
                f"there is no flow {name}; known: {known}", code="WHERRY-3011", flow=name,
                fix=_nearest(name, self.project.flows, "see: wherry flow list"),
            )  # fmt: skip
        return self.project.flows[name]

    def source(self, name: str) -> SourceConnector:
        """The connector of a connection, made once a run: it may keep what it has read."""
        if name not in self._sources:
            connection = self.connection(name)
            self._sources[name] = self.plugins.source(connection, self.services(connection))
        return self._sources[name]

    def sink(self, name: str) -> SinkWriter:
        connection = self.connection(name)
        return self.plugins.sink(connection, self.services(connection))

    def wire(self, name: str, run: str, settled: Callable[[Tally], None] = lambda tally: None) -> Wired:
        """The flow with its parts. The account of each end is checked where it was not lately."""
        flow = self.flow(name)
        origin, destination = self.connection(flow.source), self.connection(flow.sink)
        source, sink = self.source(flow.source), self.writer(flow.sink)
        bind = self.identity.bind
        route = Route(bind(origin, source, self._describing(flow, source)), bind(destination, sink))
        mappers, lane = self.mappers(flow), self.lanes.lane(name, run, route, sink, destination.plugin)
        unheeded.refuse(flow, mappers, self.plugins.manifests[origin.plugin].maps, sink)
        subledger = self.lanes.subledger(flow, lane) if flow.books_journals else None
        return Wired(
            flow=flow, lane=subledger or lane, posting=lane if subledger else None, store=self.store, source=source,
            mappers=mappers, matchers=cache(partial(self.plugins.matcher, flow, origin)),
            blobs=Blobs(self.store.files, flow.limits.file_size), since=flow.since(self.project.timezone),
            settled=settled, overlap=self._overlaps[flow.source],
        )  # fmt: skip

    def writer(self, name: str) -> AtomicSinkWriter | CallSinkWriter:
        """The sink of a connection. Raises ConfigError for one that says neither how it applies nor how it encodes."""
        sink = self.sink(name)
        if not isinstance(sink, AtomicSinkWriter | CallSinkWriter):
            raise ConfigError(
                f"connection {name} cannot be written to: its sink neither applies items nor encodes calls",
                fix="its author must implement AtomicSinkWriter or CallSinkWriter", code="WHERRY-2071", connection=name,
            )  # fmt: skip
        return sink

    def mappers(self, flow: Flow) -> dict[str, FieldMapper]:
        """Record kind → its mapper, of each kind of the flow."""
        origin = self.connection(flow.source)
        services = self.services(origin)
        return {kind: self.plugins.mapper(flow, kind, origin, services) for kind in self.kinds(flow)}

    def kinds(self, flow: Flow) -> tuple[str, ...]:
        """The flow's kinds, checked; those its source has a default map for when none are named."""
        plugin, source = self.project.connections[flow.source].plugin, self.source(flow.source)
        maps = self.plugins.manifests[plugin].maps
        usual = [kind for kind in source.kinds if kind in maps and not mapping.is_for_books(kind, maps[kind])]
        spelt = {kind.replace("_", "-"): kind for kind in source.kinds}  # as a project file may spell them
        kinds = tuple(spelt.get(kind, kind) for kind in flow.kinds or usual)
        if flow.books_journals and not flow.kinds:
            raise ConfigError(
                f"flows.{flow.name} does not say what it books, and a thing is easily booked twice: as a charge and as "
                "its invoice", fix=f'write kinds = ["…"], of: {", ".join(maps)}', code="WHERRY-2099",
                key=f"flows.{flow.name}.kinds",
            )  # fmt: skip
        unknown = [kind for kind in kinds if kind not in source.kinds]
        if unknown:
            raise ConfigError(
                f"flows.{flow.name}.kinds: {flow.source} has no records of kind {unknown[0]}",
                fix=f"kinds of {plugin}: {', '.join(source.kinds)}", code="WHERRY-2072", key=f"flows.{flow.name}.kinds",
            )  # fmt: skip
        return kinds

    def map_mapper(self, flow: Flow, kind: str) -> FieldMapper:
        """The default mapper: the source plugin's map as data, with the flow's own lines over it."""
        origin, source = self.connection(flow.source), self.source(flow.source)
        maps = self.plugins.manifests[origin.plugin].maps
        if kind not in maps:
            raise ConfigError(
                f"flows.{flow.name}.kinds: plugin {origin.plugin} has no default map for {kind}",
                fix=f"kinds with a map: {', '.join(sorted(maps))}", code="WHERRY-2074", key=f"flows.{flow.name}.kinds",
            )  # fmt: skip
        try:
            return self._built(flow, kind, maps[kind], source, fresh=False)
        except ConfigError as error:
            if error.code != mapping.UNKNOWN_FIELD:
                raise
            return self._built(flow, kind, maps[kind], source, fresh=True)

    def _built(
        self, flow: Flow, kind: str, default_map: Mapping[str, Any], source: SourceConnector, *, fresh: bool
    ) -> FieldMapper:
        """``fresh`` asks for the source's fields anew: one may have been made since they were kept."""
        said = self._description(flow, kind, source, fresh=fresh)
        told = flow, said, self._currency(flow.source), source.kinds
        kept, built = self._maps.get((flow.name, kind), (None, None))
        if built is None or kept != told:
            built = mapping.build(
                flow, kind, default_map, transforms=self.plugins.transforms(), shapes=self.plugins.shapes(),
                description=said, currency=told[2], timezone=self.project.timezone, named_maps=self.project.maps,
                kinds=source.kinds,
            )  # fmt: skip
            self._maps[flow.name, kind] = told, built
        return built.anew()

    @contextmanager
    def _describing(self, flow: Flow, source: SourceConnector) -> Iterator[None]:
        """What the mappers will ask of the source is asked while its account is looked at."""
        with at_once(_AT_ONCE) as threads:
            if isinstance(source, Describes) and flow.mapper is None:
                for kind in self.kinds(flow):
                    self._told[flow.source, kind] = threads.submit(copy_context().run, source.describe, kind)
            try:
                yield
            except BaseException:  # another account, or none: nothing that its source knows is used
                self._told.clear()
                raise

    def _description(self, flow: Flow, kind: str, source: SourceConnector, *, fresh: bool) -> Description | None:
        if not isinstance(source, Describes):
            return None
        told = self._told.pop((flow.source, kind), None)
        return source.describe(kind, fresh=fresh) if told is None or fresh else told.result()

    def _currency(self, source: str) -> str:
        """What an amount is in that names no currency: the source account's own, where it tells, else the project's."""
        found: str = self.identity.details(source).get("currency", "")
        return found if found in DECIMALS else self.project.currency

    def rule_matcher(self, flow: Flow, entity: str) -> Matcher:
        """The default matcher: the flow's rules, else the habit of its two plugins, else link or create."""
        origin, destination = (self.project.connections[name].plugin for name in (flow.source, flow.sink))
        habit: Mapping[str, Any] = self.plugins.default_match(origin, entity) or {}
        usual = self.plugins.require(destination).unmatched.get(entity) or habit.get("unmatched", "create")
        said = flow.match.get(entity)
        order = (said.order if said else None) or tuple(habit.get("order", ("link",)))
        unmatched = (said.unmatched if said else None) or usual
        return RuleMatcher.from_settings(order, unmatched, key=f"flows.{flow.name}.match.{entity}")

    def matcher_of(self, name: str, entity: str) -> Matcher | None:
        """The matcher of an entity in a flow, by the flow's name; None where the project has no such flow."""
        flow = self.project.flows.get(name)
        return None if flow is None else self.plugins.matcher(flow, self.connection(flow.source), entity)

    def catalogues(self, wired: Wired) -> Catalogues:
        """The sink's listings, each read when it is first needed."""
        lane, sink = wired.lane, wired.lane.sink

        def load(entity: str) -> tuple[Listing, int]:
            with self.store.read() as tx:
                view = DocumentView(tx, lane.plugin)
                sequence, keys = wired.sequence(tx), ledger.keys_by_target(tx, lane.route, entity)
                if isinstance(sink, AtomicSinkWriter):
                    return Listing(sink.listing(view, entity), keys), sequence
                pending = ledger.open_creates(tx, lane.route, entity)
            there = sinks.listing(sink, entity) if isinstance(sink, Lists) else []
            found = Listing(there, keys)
            for item in pending:
                found.learn(listed_as(item.draft, pending_id(item.ref)), [item.key])
            return found, sequence

        return Catalogues(load)

    def requests(self) -> dict[str, Any]:
        """What was asked of the vendors since ``renew``."""
        by: dict[str, int] = {}
        for client in self.clients:
            for route, number in client.counts.items():
                by[route] = by.get(route, 0) + number
        return {
            "total": sum(client.total for client in self.clients), "by": dict(sorted(by.items())),
            "retried": sum(client.retries for client in self.clients),
            "refused": sum(client.refused for client in self.clients),
        }  # fmt: skip

    def renew(self) -> None:
        """Before a run: connectors and clients are made anew, requests are counted from zero."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        self._sources.clear()
        self._told.clear()
        self.identity.forget()


def _nearest(name: str, known: Iterable[str], else_: str) -> str:
    from wherry.settings.mistakes import nearest

    near = nearest(name, known)
    return f"did you mean {near}?" if near else else_
