"""Reading a project in two phases: the project file first, then each connection's own keys by its plugin's model."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from wherry.errors import ConfigError, ContractBroken
from wherry.roles import Connection
from wherry.settings.checks import check
from wherry.settings.explain import explain
from wherry.settings.layers import Layer, Stack, Tree, build, tree_of
from wherry.settings.locate import KeyPath
from wherry.settings.mistakes import LITERAL_SECRET, NO_PROJECT, UNSET_VARIABLE, Mistake, error_of, problem
from wherry.settings.models import Project
from wherry.settings.secret import HOW_TO_WRITE, SecretRef
from wherry.settings.values import FOLDER

PROJECT_FILE = "wherry.toml"

T = TypeVar("T")
OnBroken = Callable[[str, BaseException], None]


class _LayerSource(PydanticBaseSettingsSource):
    """What one layer has won, as a source of pydantic-settings."""

    def __init__(self, settings: type[BaseSettings], tree: Tree) -> None:
        super().__init__(settings)
        self._tree = tree

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._tree.get(field_name), field_name, False

    def __call__(self) -> Tree:
        return self._tree


class _ProjectFile(Project, BaseSettings):
    """A Project that is built from the layers of a stack, the highest first."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(init_settings, InitSettingsSource)
        stack: Stack = init_settings.init_kwargs["stack"]
        return tuple(_LayerSource(settings_cls, _won_by(stack, layer)) for layer in stack.layers)


def find_project(start: Path | str = ".") -> Path:
    """The project file in this folder or the nearest one above. Raises ConfigError naming where it was looked for."""
    folder = Path(start).absolute()
    if not folder.exists():
        raise ConfigError(f"there is no folder {folder}", fix="check -C", code=NO_PROJECT)
    for place in (folder, *folder.parents):
        if (place / PROJECT_FILE).is_file():
            return place / PROJECT_FILE
    message = f"no {PROJECT_FILE} in {folder} or in any folder above it"
    raise ConfigError(message, fix="run wherry init to make a project here, or name one with -C DIR", code=NO_PROJECT)


def load(
    where: Path | str, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None, *,
    bearable: Collection[str] = (),
) -> Project:  # fmt: skip
    """Phase one: the project of a folder or file. ``overrides`` are flags, by key path: ``{"store.url": …}``.

    Mistakes of a ``bearable`` code do not keep it from loading: they are the project's ``borne``. Nor does a variable
    that is not set for a connection: only its own flows need that. Raises one ConfigError with all others; its
    ``where["problems"]`` has key, file, line, message and fix of each.
    """
    path = Path(where).absolute()
    folder, file = (path, PROJECT_FILE) if path.is_dir() else (path.parent, path.name)
    stack = build(folder, file, os.environ if environ is None else environ, overrides or {})
    tree = stack.tree()
    project, mistakes = _validated(stack, tree)
    found = [*stack.mistakes, *mistakes, *check(tree)]
    borne = [mistake for mistake in found if mistake.code in bearable]
    rest = [mistake for mistake in found if mistake not in borne]
    if not all(map(_of_a_connection, rest)):
        raise _told(stack, rest)
    assert project is not None
    project._stack = stack
    project._borne = [str(problem(mistake, stack.place(mistake.path))["message"]) for mistake in borne]
    return project


def compose(
    project: Project,
    settings_model_of: Callable[[str], type[BaseModel] | None],
    on_broken: OnBroken | None = None,
) -> dict[str, Connection]:
    """Phase two, of a project that is to be whole. Raises one ConfigError with the mistakes of all connections."""
    connections, unfit = composed(project, settings_model_of, on_broken)
    if unfit:
        raise _all([one for error in unfit.values() for one in error.where["problems"]], project._stack)
    return connections


def composed(
    project: Project,
    settings_model_of: Callable[[str], type[BaseModel] | None],
    on_broken: OnBroken | None = None,
) -> tuple[dict[str, Connection], dict[str, ConfigError]]:
    """Phase two: every connection with its settings, read by its plugin's model; and by name why others cannot be used.

    A connection whose plugin has no model to give (missing or broken) is in neither: only its flows need it. A model
    that fails in another way than by a validation error goes to ``on_broken`` (system, error), or is ContractBroken.
    """
    stack, connections, unfit = project._stack, dict[str, Connection](), dict[str, ConfigError]()
    for name, table in project.connections.items():
        model, at = settings_model_of(table.plugin), ("connections", name)
        if model is None:
            continue
        mistakes = [one for one in stack.mistakes if one.path[:2] == at]
        try:
            settings = bound(model.model_validate(table.own, context={FOLDER: stack.folder}), at, stack)
        except ValidationError as error:
            mistakes += explain(error, model, table.own, at)
        except Exception as error:
            _report(table.plugin, error, on_broken)
            continue
        else:
            mistakes += _literals(settings, at, stack)
            connections[name] = Connection(name=name, plugin=table.plugin, settings=settings)
        if mistakes:
            connections.pop(name, None)
            unfit[name] = _told(stack, mistakes)
    return connections, unfit


def bound(value: T, path: tuple[str, ...], stack: Stack) -> T:
    """The same settings with every secret reference in it knowing its key path, folder and environment."""
    if isinstance(value, SecretRef):
        return value.bound(path, stack.folder, stack.environ)  # type: ignore[return-value]
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        fields = {name: inner for name, inner in fields.items() if any(secrets_in(inner, ()))}
        return value.model_copy(update={name: bound(inner, (*path, name), stack) for name, inner in fields.items()})
    if isinstance(value, dict):
        return {key: bound(inner, (*path, str(key)), stack) for key, inner in value.items()}  # type: ignore[return-value]
    if type(value) in (list, tuple):
        return type(value)(bound(inner, (*path, str(n)), stack) for n, inner in enumerate(value))  # type: ignore[arg-type,call-arg,var-annotated]
    return value


def secrets_in(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, SecretRef]]:
    """Every secret reference in a settings model, with its key path."""
    if isinstance(value, SecretRef):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from secrets_in(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for n, inner in enumerate(value):
            yield from secrets_in(inner, (*path, n))


def _validated(stack: Stack, tree: Tree) -> tuple[Project | None, list[Mistake]]:
    try:
        return _ProjectFile(stack=stack), []  # type: ignore[call-arg]
    except ValidationError as error:
        return None, explain(error, Project, tree)


def _won_by(stack: Stack, layer: Layer) -> Tree:
    return tree_of({path: winner.value for path, winner in stack.winners.items() if winner.layer is layer})


def _literals(settings: BaseModel, at: KeyPath, stack: Stack) -> Iterator[Mistake]:
    """A secret under a name that does not look like one can be told only by the plugin's model."""
    for path, secret in secrets_in(settings, at):
        layer = next(
            (stack.winners[path[:n]].layer for n in range(len(path), 0, -1) if path[:n] in stack.winners),
            None,
        )
        if secret.is_given and layer is not None and layer.is_file:
            says = "is a secret written out in the file; anybody who sees the file has it"
            yield Mistake(path, says, HOW_TO_WRITE, LITERAL_SECRET)


def _report(system: str, error: Exception, on_broken: OnBroken | None) -> None:
    if on_broken is None:
        message = f"the settings model of plugin {system} failed: {type(error).__name__}"
        fix = f"update or disable the plugin {system}"
        raise ContractBroken(message, fix=fix, code="WHERRY-1115", plugin=system, hook="wherry_settings") from error
    on_broken(system, error)


def refuse(project: Project, mistakes: Sequence[Mistake]) -> None:
    """Raises one ConfigError with all these mistakes of a project, each with its line; nothing where there is none."""
    if mistakes:
        raise _told(project._stack, mistakes)


def _of_a_connection(mistake: Mistake) -> bool:
    """Whether it concerns nothing but one connection, and with it the flows of that."""
    path = mistake.path
    return mistake.code == UNSET_VARIABLE and path[0] == "connections" and path[2:] != ("plugin",)


def _told(stack: Stack, mistakes: Iterable[Mistake]) -> ConfigError:
    """One error for all of them, the first of each key."""
    told: dict[KeyPath, Mistake] = {}
    for mistake in mistakes:
        told.setdefault(mistake.path, mistake)
    return _all([problem(mistake, stack.place(mistake.path)) for mistake in told.values()], stack)


def _all(problems: list[dict[str, Any]], stack: Stack) -> ConfigError:
    """In the order of the file."""
    return error_of(sorted(problems, key=lambda entry: (entry["file"] != stack.file, entry["line"] or 0)))
