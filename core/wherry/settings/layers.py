"""Where settings come from: flags, environment, ``.env``, the local file, the project file, defaults; and who wins.

Every layer is a tree of raw values; trees are compared leaf by leaf, so that it can be told what hid what.
"""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from dotenv.parser import parse_stream
from msgspec import Struct, field

from wherry.settings.locate import KeyPath, line_of, lines_of
from wherry.settings.mistakes import (
    LITERAL_SECRET,
    SYNTAX,
    UNREADABLE,
    UNSET_VARIABLE,
    Mistake,
    Place,
    error_of,
    problem,
)
from wherry.settings.secret import HOW_TO_WRITE, is_reference, looks_secret

PREFIX = "WHERRY__"
LARGEST_FILE = 1_000_000
DEEPEST = 12
FLAG, ENVIRONMENT, DOTENV, DEFAULT = "flag", "environment", ".env", "default"

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_ONLY_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-)?\}\Z")
_SYNTAX_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_URL_PASSWORD = re.compile(r"://[^/@\s:]*:(?!\$\{[A-Za-z0-9_]+\}@)[^@/\s]+@")
_RELATIVE_SQLITE = re.compile(r"sqlite:///(?!/|:memory:|file:)(.+)\Z")
_NAME_TABLES = ("connections", "flows", "maps")

Tree = dict[str, Any]


class Layer(Struct):
    """One origin of settings. ``lines`` is filled for files, ``variables`` (key path → variable) for environments."""

    name: str
    tree: Tree
    lines: dict[KeyPath, int] = field(default_factory=dict)
    variables: dict[KeyPath, str] = field(default_factory=dict)
    is_file: bool = False

    def place(self, path: KeyPath) -> Place:
        """Where a key path was set in this layer."""
        if self.is_file:
            return Place(self.name, line_of(self.lines, path))
        for length in range(len(path), 0, -1):
            if path[:length] in self.variables:
                return Place(f"{self.name} {self.variables[path[:length]]}")
        return Place(self.name)


class Winner(Struct):
    """The value that counts for a key path, the layer it came from, and the layers whose value it hid."""

    value: Any
    layer: Layer
    hidden: list[tuple[Layer, Any]] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    """The variables of ``.env`` that were put into the value, or that its secret is read from."""


class Stack(Struct):
    """All layers of a project, highest first, and what they add up to."""

    folder: Path = field(default_factory=Path)
    file: str = "wherry.toml"
    layers: list[Layer] = field(default_factory=list)
    winners: dict[KeyPath, Winner] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, path: KeyPath) -> Place:
        """Where a key path was set; for a key that is nowhere, the table in the project file that should hold it."""
        for length in range(len(path), 0, -1):
            winner = self.winners.get(path[:length])
            if winner is not None:
                return winner.layer.place(path)
        files = [layer for layer in self.layers if layer.is_file]
        for length in range(len(path), 0, -1):
            holder = next((layer for layer in files if path[:length] in layer.lines), None)
            below = next((leaf for leaf in self.winners if leaf[:length] == path[:length]), None)
            if holder is not None:
                return holder.place(path)
            if below is not None:
                return self.winners[below].layer.place(below)
        return Place(self.file)

    def tree(self) -> Tree:
        """The winning values as one tree."""
        return tree_of({path: winner.value for path, winner in self.winners.items()})


def build(folder: Path, file: str, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> Stack:
    """Reads every layer and settles who wins. Raises ConfigError where a file cannot be read at all."""
    files = [layer for name in (local_of(file), file) if (layer := _file_layer(folder, name, needed=name == file))]
    dotenv = _dotenv(folder / DOTENV)
    known = _known(files)
    layers = [
        Layer(FLAG, _tree_of_overrides(overrides)),
        _variables_layer(ENVIRONMENT, environ, known),
        _variables_layer(DOTENV, dotenv, known),
        *files,
        Layer(DEFAULT, _defaults(folder)),
    ]
    stack = Stack(folder, file, layers, environ={**dotenv, **environ})
    stack.winners = _winners(layers)
    _note_filled(stack, dotenv.keys() - environ.keys())
    stack.mistakes = [*_refuse_literals(stack), *_substitute(stack)]
    _root(stack)
    return stack


def local_of(file: str) -> str:
    """The name of the local file beside a project file: ``wherry.toml`` → ``wherry.local.toml``."""
    path = Path(file)
    return f"{path.stem}.local{path.suffix}"


def leaves(tree: Tree, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Key path and value of everything that is set. A secret reference, a list and an empty table are one value."""
    for key, value in tree.items():
        here = (*path, key)
        if isinstance(value, dict) and value and not is_reference(value):
            yield from leaves(value, here)
        else:
            yield here, value


def tree_of(values: Mapping[KeyPath, Any]) -> Tree:
    """The tree that has these leaves. Where one path runs through another, the longer one stays."""
    tree: Tree = {}
    for path, value in sorted(values.items(), key=lambda pair: len(pair[0])):
        node = tree
        for key in path[:-1]:
            below = node.get(str(key))
            if not isinstance(below, dict):
                below = node[str(key)] = {}
            node = below
        node[str(path[-1])] = value
    return tree


def _known(files: list[Layer]) -> Tree:
    return tree_of({path: winner.value for path, winner in _winners(files).items()})


def _winners(layers: list[Layer]) -> dict[KeyPath, Winner]:
    winners: dict[KeyPath, Winner] = {}
    inside: dict[KeyPath, KeyPath] = {}
    for layer in layers:
        found = dict(leaves(layer.tree))
        new = []
        for path, value in found.items():
            above = next((path[:n] for n in range(1, len(path) + 1) if path[:n] in winners), inside.get(path))
            if above is None:
                new.append(path)
            else:
                winners[above].hidden.append((layer, value))
        for path in new:
            winners[path] = Winner(found[path], layer)
            for length in range(1, len(path)):
                inside.setdefault(path[:length], path)
    return winners


def _file_layer(folder: Path, name: str, *, needed: bool) -> Layer | None:
    path = folder / name
    if not needed and not path.exists():
        return None
    text = _text(path, name)
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise _unreadable(name, f"tables and lists go deeper than {DEEPEST}", "use fewer levels", UNREADABLE) from None
    except ValueError as error:
        raise _syntax(name, text, str(error)) from None
    if _depth(tree) > DEEPEST:
        raise _unreadable(name, f"tables and lists go deeper than {DEEPEST}", "use fewer levels", UNREADABLE)
    _claim(tree.get("connections"))
    return Layer(name, tree, lines=lines_of(text), is_file=True)


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        barred = isinstance(error, PermissionError)
        fix = "let whoever runs Wherry read it" if barred else "check the path; wherry init makes a new project"
        raise _unreadable(name, f"{path} cannot be read: {error.strerror}", fix, UNREADABLE) from None
    if len(raw) > LARGEST_FILE:
        fix = "keep long tables in CSV files beside it"
        raise _unreadable(name, f"{path} is larger than {LARGEST_FILE // 1_000_000} MB", fix, UNREADABLE)
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(name, "is not UTF-8 text", "save it as UTF-8", SYNTAX, line) from None


def _syntax(name: str, text: str, reason: str) -> Exception:
    match = _SYNTAX_PLACE.search(reason)
    if match is None:  # a value that is well written, but too long a number or no day of the calendar
        return _unreadable(name, "holds a number or a date that cannot be", "look for a slip of the pen", SYNTAX)
    line = int(match[1]) if match[1] else text.count("\n") + 1
    column = f" column {match[2]}:" if match[2] else ""
    said = reason[: match.start()]
    says = f"{column} {said[:1].lower()}{said[1:200]}".strip()
    return _unreadable(name, says, "text stands in double quotes, each key on a line of its own", SYNTAX, line)


def _unreadable(name: str, says: str, fix: str, code: str, line: int | None = None) -> Exception:
    return error_of([problem(Mistake((), says, fix, code), Place(name, line))])


def _depth(tree: Any) -> int:
    deepest, waiting = 0, [(tree, 0)]
    while waiting:
        value, depth = waiting.pop()
        deepest = max(deepest, depth)
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting += [(inner, depth + 1) for inner in below]
    return deepest


def _claim(tree: Any) -> None:
    """``token = "${NAME}"`` means the secret of that variable: read late, so that unrelated flows do not need it."""
    if isinstance(tree, list):
        for value in tree:
            _claim(value)
    if isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(value, str) and looks_secret(key) and (match := _ONLY_VARIABLE.match(value)):
                tree[key] = {"env": match[1]}
            else:
                _claim(value)


def _dotenv(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(_text(path, DOTENV))):
        if binding.error:
            fix = "write NAME=value, one a line"
            raise _unreadable(DOTENV, "the line cannot be read", fix, SYNTAX, binding.original.line)
        if binding.key is not None and binding.value is not None:
            values[binding.key] = binding.value
    return values


def _variables_layer(name: str, variables: Mapping[str, str], known: Tree) -> Layer:
    layer = Layer(name, {})
    values: dict[KeyPath, Any] = {}
    for variable in sorted(variables):
        if variable.startswith(PREFIX) and len(variable) > len(PREFIX):
            path = _path_of(variable[len(PREFIX) :].split("__"), known)
            values[path] = _value_of(variables[variable])
            layer.variables[path] = variable
    layer.tree = tree_of(values)
    return layer


def _path_of(parts: list[str], known: Tree) -> KeyPath:
    """``FLOWS__WON_DEALS__REPEAT`` → ``flows.won-deals.repeat``: what the files spell goes before what rules say."""
    path: KeyPath = ()
    node: Any = known
    for part in parts:
        low = part.lower()
        spelt = [key for key in node if key.replace("-", "_").lower() == low] if isinstance(node, dict) else []
        named = path[:1] if len(path) == 1 else ()
        fallback = low.replace("_", "-") if named and named[0] in _NAME_TABLES else low
        key = spelt[0] if spelt else fallback
        node = node.get(key) if isinstance(node, dict) else None
        path = (*path, key)
    return path


def _value_of(text: str) -> Any:
    """A list or a table is written as JSON in an environment variable; everything else is text."""
    if text[:1] not in ("[", "{"):
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if _depth(value) <= DEEPEST else text


def _tree_of_overrides(overrides: Mapping[str, Any]) -> Tree:
    return tree_of({tuple(key.split(".")): value for key, value in overrides.items() if value is not None})


def _defaults(folder: Path) -> Tree:
    state = folder / ".wherry"
    return {"store": {"url": f"sqlite:///{state / 'wherry.db'}", "files": str(state / "files")}}


def _root(stack: Stack) -> None:
    """Paths of the store start at the project folder, wherever the command was typed."""
    url, files = stack.winners.get(("store", "url")), stack.winners.get(("store", "files"))
    if url is not None and isinstance(url.value, str):
        if (match := _RELATIVE_SQLITE.match(url.value)) is not None:
            url.value = f"sqlite:///{stack.folder / match[1]}"
        url.value = re.sub(r"\Apostgres://", "postgresql://", url.value)
    if files is not None and isinstance(files.value, str):
        files.value = str(stack.folder / files.value)


def _refuse_literals(stack: Stack) -> Iterator[Mistake]:
    for path, winner in stack.winners.items():
        for layer, value in [(winner.layer, winner.value), *winner.hidden]:
            if layer.is_file and path[0] in ("connections", "store"):
                yield from _literals(path, value)


def _literals(path: KeyPath, value: Any) -> Iterator[Mistake]:
    if isinstance(value, dict) and not is_reference(value):
        for key, inner in value.items():
            yield from _literals((*path, key), inner)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _literals((*path, n), inner)
    elif isinstance(value, str) and _URL_PASSWORD.search(value):
        says = "holds a password written out in the file; anybody who sees the file has it"
        yield Mistake(path, says, "put a variable, such as ${NAME}, where the password stands", LITERAL_SECRET)
    elif isinstance(value, str) and value and isinstance(path[-1], str) and looks_secret(path[-1]):
        says = "is a secret written out in the file; anybody who sees the file has it"
        yield Mistake(path, says, HOW_TO_WRITE, LITERAL_SECRET)


def _substitute(stack: Stack) -> Iterator[Mistake]:
    for path, winner in stack.winners.items():
        if winner.layer.is_file:
            missing: list[str] = []
            winner.value = _filled(winner.value, stack.environ, missing)
            for variable in missing:
                fix = f"set {variable} in the environment or in .env, or give a default: ${{{variable}:-…}}"
                yield Mistake(path, f"the environment variable {variable} is not set", fix, UNSET_VARIABLE)


def _note_filled(stack: Stack, known: Collection[str]) -> None:
    for winner in stack.winners.values():
        if winner.layer.is_file:
            winner.filled = [name for name in dict.fromkeys(_variables(winner.value)) if name in known]


def _variables(value: Any) -> Iterator[str]:
    """The variables that a raw value names, also as the place of a secret."""
    if isinstance(value, dict) and isinstance(value.get("env"), str) and is_reference(value):
        yield value["env"]
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _variables(inner)
    elif isinstance(value, str):
        yield from (match[1] for match in _VARIABLE.finditer(value) if match[1])


def _filled(value: Any, environ: Mapping[str, str], missing: list[str]) -> Any:
    if isinstance(value, list):
        return [_filled(inner, environ, missing) for inner in value]
    if isinstance(value, dict):
        return {key: _filled(inner, environ, missing) for key, inner in value.items()}
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        variable, default = match[1], match[2]
        if variable is None:
            return "${"
        if default is not None:
            return environ.get(variable) or default
        if variable not in environ:
            missing.append(variable)
        return environ.get(variable, "")

    return _VARIABLE.sub(fill, value)
