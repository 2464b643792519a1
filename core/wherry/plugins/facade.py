"""The typed face of the hooks: what the rest of the core asks of plugins, and the only way it asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel

from wherry.entities import SHAPES, Entity
from wherry.errors import ConfigError
from wherry.hookspecs import Manifest
from wherry.plugins.calls import Calls, lacking
from wherry.plugins.installed import Installed
from wherry.plugins.known import how_to_get
from wherry.plugins.loading import (
    BAD_MODEL,
    BAD_RESULT,
    NO_ROLE,
    NOT_ENABLED,
    SHAPE_CLASH,
    Loaded,
    Problem,
    load_modules,
    told,
)
from wherry.roles import Connection, FieldMapper, Matcher, Services, Simulator, SinkWriter, SourceConnector
from wherry.settings import ConnectionSettings, Flow
from wherry.settings.mistakes import nearest


def load(
    enabled: Sequence[str], versions: Mapping[str, str] | None = None, *, defaults: Sequence[object] = ()
) -> Plugins:
    """The plugins of a project, in the order of its list: later wins. ``versions`` is name → range, such as ``>=1.2``.

    ``defaults`` are the core's own plugins; they are registered first, so that every other plugin wins over them.
    Only names in ``enabled`` are imported. Nothing is raised for a plugin that cannot be used: see ``problems``.
    """
    return Plugins(load_modules(enabled, versions or {}, defaults))


class Plugins:
    """The loaded plugins. A maker that fails, or makes what nobody can use, raises ContractBroken naming it."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._calls = Calls(loaded)
        self._shapes: dict[str, type[Entity]] | None = None

    @property
    def manifests(self) -> dict[str, Manifest]:
        """System → what its plugin says of itself, for every plugin that can be used."""
        return self._loaded.manifests

    @property
    def installed(self) -> dict[str, Installed]:
        """System → distribution and version, for every plugin that can be used."""
        return self._loaded.installed

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with enabled plugins, as far as it is known by now."""
        return self._loaded.problems

    def require(self, system: str) -> Manifest:
        """The manifest of a plugin. Raises the problem that keeps it from being used, or ConfigError if it is not
        enabled."""
        if system in self.manifests:
            return self.manifests[system]
        problem = next((problem for problem in self.problems if problem.plugin == system and problem.stops), None)
        if problem is not None:
            raise problem.error()
        close = nearest(system, self.manifests)
        fix = f"did you mean {close}? " if close else ""
        fix += f"add it to enabled under [plugins], after: {how_to_get(system)}"
        raise ConfigError(f"the plugin {system} is not enabled", fix=fix, code=NOT_ENABLED, plugin=system)

    def broke(self, system: str, error: BaseException, hook: str = "wherry_settings") -> None:
        """Takes a plugin out of use because of what it raised outside a hook, as its settings model may."""
        self._stop(system, hook, f"made a model that failed: {told(error)}")

    # -- makers ---------------------------------------------------------------------------------------------------

    def source(self, connection: Connection, services: Services) -> SourceConnector:
        """The source of a connection. Raises ConfigError when its plugin is none."""
        fit: SourceConnector = self._made("wherry_source_connector", SourceConnector, "source", connection, services)
        return fit

    def sink(self, connection: Connection, services: Services) -> SinkWriter:
        """The sink of a connection. Raises ConfigError when its plugin is none."""
        fit: SinkWriter = self._made("wherry_sink_writer", SinkWriter, "sink", connection, services)
        return fit

    def mapper(self, flow: Flow, kind: str, connection: Connection, services: Services) -> FieldMapper:
        """The mapper of a record kind of a flow: of the plugin that its ``mapper`` names, where it names one."""
        owner = flow.mapper.plugin if flow.mapper else ""
        if owner:
            self.require(owner)
        made: FieldMapper | None = self._calls.first(
            "wherry_field_mapper",
            owner,
            lacking(FieldMapper),
            "mapper",
            only=bool(owner),
            flow=flow,
            kind=kind,
            connection=connection,
            services=services,
        )
        if made is None:
            who = f"the plugin {owner} does not map" if owner else "nobody maps"
            raise ConfigError(
                f"flow {flow.name}: {who} records of kind {kind}",
                fix="enable a plugin that has a map for it, or leave the kind out",
                code=NO_ROLE,
                flow=flow.name,
                kind=kind,
            )
        return made

    def matcher(self, flow: Flow, connection: Connection, entity: str) -> Matcher:
        """The matcher of an entity in a flow."""
        made: Matcher | None = self._calls.first(
            "wherry_matcher", "", lacking(Matcher), "matcher", flow=flow, entity=entity, connection=connection
        )
        if made is None:
            raise ConfigError(
                f"flow {flow.name}: nobody matches {entity}",
                fix="enable a plugin with a matcher for it",
                code=NO_ROLE,
                flow=flow.name,
                entity=entity,
            )
        return made

    def simulator(self, system: str, options: Mapping[str, str] | None = None) -> Simulator:
        """The offline stand-in of a system, with its ``options``.

        Raises ConfigError when its plugin brings none, or there is no web server for it.
        """
        title = self.require(system).title
        if find_spec("starlette") is None:
            raise ConfigError("a stand-in needs a web server", fix="pip install 'wherry[serve]'", code="WHERRY-2096")
        made: Simulator | None = self._calls.first(
            "wherry_simulator", system, lacking(Simulator), system=system, options=dict(options or {})
        )
        if made is None:
            fix = f"systems with one: {', '.join(self._with('simulator')) or 'none of the enabled'}"
            raise ConfigError(f"{title} has no simulator", fix=fix, code=NO_ROLE, plugin=system)
        return made

    def engine(self, name: str) -> Any | None:
        """The engine that runs jobs, or None when nobody knows it."""
        return self._calls.first("wherry_engine", name, lambda made: "", name=name)

    # -- settings and data ----------------------------------------------------------------------------------------

    def settings_model(self, system: str) -> type[BaseModel] | None:
        """The model of a connection's settings; the plain one where a plugin brings none; None where the plugin
        cannot be used. A plugin that fails here is taken out of use: only its own flows need it."""
        if system not in self.manifests:
            return None
        hook = "wherry_settings"
        try:
            model: type[BaseModel] | None = self._calls.first(hook, system, _no_model, system=system)
        except Exception as error:
            self._stop(system, hook, f"failed: {told(error.__cause__ or error)}")
            return None
        return model or ConnectionSettings

    def settings_models(self) -> dict[str, type[BaseModel]]:
        """System → settings model of every plugin that can be used, for the schema of the project file."""
        models = {system: self.settings_model(system) for system in list(self.manifests)}
        return {system: model for system, model in models.items() if model is not None}

    def transforms(self) -> dict[str, Callable[..., Any]]:
        """Name → transform for field maps, of all plugins; later in the config list wins."""
        found: dict[str, Callable[..., Any]] = {}
        hook = "wherry_transforms"
        for name, made in self._calls.each(hook):
            if _is_named(made) and all(callable(one) for one in made.values()):
                found.update(made)
            elif made is not None:
                self._calls.set_aside(name, hook, "returned something that is no mapping of names to functions")
        return found

    def shapes(self) -> dict[str, type[Entity]]:
        """Entity → shape: the core's and those of plugins. A shape of a name that is taken is a problem, left out."""
        if self._shapes is None:
            owners = dict.fromkeys(SHAPES, "the core")
            self._shapes = dict(SHAPES)
            for system, manifest in self.manifests.items():
                for entity, shape in manifest.entities.items():
                    self._add_shape(self._shapes, owners, system, entity, shape)
        return self._shapes

    def default_map(self, system: str, kind: str) -> Mapping[str, Any] | None:
        """The map that a system's plugin brings for a record kind: entity → map, as data."""
        return self._data(system, "maps", self.require(system).maps.get(kind))

    def default_match(self, system: str, entity: str) -> Mapping[str, Any] | None:
        """The match rules that a system's plugin brings for an entity: ``{order, unmatched}``."""
        return self._data(system, "match", self.require(system).match.get(entity))

    def routes(self, system: str, services: Services, host: Any) -> list[Any]:
        """What one plugin wants to be mounted by the web host, unchecked."""
        hook = "wherry_http_routes"
        found: list[Any] = []
        for name, made in self._calls.each(hook, system, services=services, host=host):
            if isinstance(made, list | tuple):
                found += made
            elif made is not None:
                self._calls.set_aside(name, hook, "returned something that is no list of routes")
        return found

    # -- notices: a failing observer is logged and ignored --------------------------------------------------------

    def run_started(self, flow: str, run: str) -> None:
        self._calls.tell("wherry_run_started", flow=flow, run=run)

    def batch_settled(self, flow: str, run: str, fates: Mapping[str, Mapping[str, int]]) -> None:
        self._calls.tell("wherry_batch_settled", flow=flow, run=run, fates=fates)

    def run_finished(self, flow: str, run: str, summary: Mapping[str, Any]) -> None:
        self._calls.tell("wherry_run_finished", flow=flow, run=run, summary=summary)

    def access_lost(self, connection: str, reason: str) -> None:
        self._calls.tell("wherry_access_lost", connection=connection, reason=reason)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _made(self, hook: str, role: Any, word: str, connection: Connection, services: Services) -> Any:
        manifest = self.require(connection.plugin)
        made = self._calls.first(hook, connection.plugin, lacking(role), connection=connection, services=services)
        if made is None and word in manifest.roles:
            raise self._calls.broken(connection.plugin, hook, f"made no {word} for its own connection", BAD_RESULT)
        if made is None:
            message = f"connection {connection.name}: {manifest.title} cannot be a {word}"
            fix = (
                f"it can be: {', '.join(manifest.roles) or 'nothing'}; plugins that can: {', '.join(self._with(word))}"
            )
            raise ConfigError(message, fix=fix, code=NO_ROLE, plugin=connection.plugin, connection=connection.name)
        return made

    def _data(self, system: str, field: str, value: object) -> Mapping[str, Any] | None:
        if value is None or isinstance(value, Mapping):
            return value
        raise self._calls.broken(system, "wherry_manifest", f"has {field} that are no table", BAD_RESULT)

    def _with(self, role: str) -> list[str]:
        return [system for system, manifest in self.manifests.items() if role in manifest.roles]

    def _stop(self, system: str, hook: str, what: str) -> None:
        self._calls.set_aside(system, hook, what, BAD_MODEL)
        self._loaded.manifests.pop(system, None)
        self._loaded.relay.unregister(name=system)

    def _add_shape(
        self, shapes: dict[str, type[Entity]], owners: dict[str, str], system: str, entity: str, shape: type[Entity]
    ) -> None:
        if entity in shapes:
            what = f"names a shape {entity}, which {owners[entity]} has already; the first one counts"
            fix = "the author must choose another name"
            self._calls.set_aside(system, "wherry_manifest", what, SHAPE_CLASH, fix)
        else:
            shapes[entity], owners[entity] = shape, system


def _is_named(made: object) -> bool:
    return isinstance(made, Mapping) and all(isinstance(name, str) for name in made)


def _no_model(made: object) -> str:
    is_model = isinstance(made, type) and issubclass(made, BaseModel)
    return "" if is_model else "returned something that is no pydantic model"
