"""Rules of the house that no linter knows: layers, names, sizes, and that everything said is also shown."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import wherry
from wherry.hookspecs import Specs

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core" / "wherry"
LAYERS = (
    ("words", "records errors money clock decoding rows redaction threads logs wording collecting durable"),
    ("shapes", "accounting contact crm endpoints entities marks metered roles settings"),
    ("state", "store"),
    ("outside", "secrets signin assertion clientgrant http consent"),
    ("seams", "hookspecs plugins commands"),
    ("defaults of the core", "mapping matching triggers transforms scopes expressions filters catalogues"),
    (
        "what is to be written",
        "protocol protocol.watching protocol.plain protocol.blaming protocol.boundary protocol.sinks protocol.steps "
        "protocol.halfway protocol.said protocol.rows protocol.holding protocol.questions protocol.homing "
        "protocol.writing protocol.tally",
    ),
    (
        "what is sent",
        "protocol.restored protocol.flight protocol.company protocol.outage protocol.closed_days protocol.resolving "
        "protocol.drain",
    ),
    ("a run", "runs books posting"),
    ("a project", "project hub"),
    ("what operators ask and do", "operating"),
    ("what bookkeepers ask and do", "bookkeeping"),
    ("for authors of plugins", "authoring"),
    ("faces", "cli demo demo_books web"),
    ("beside", "simulator testing"),
)
"""Lowest first. A module imports from its own layer and those before it; ``beside`` see below."""
ON_DEMAND = {"cli", "demo"}
"""They may import the toolkit of simulators, where it is used."""
SOURCES = [CORE, *sorted(ROOT.glob("plugins/*/src")), *sorted(ROOT.glob("examples/*/src")), ROOT / "docs"]
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
TABLES = {"plugins/hubspot/src/wherry_hubspot/simulator/__init__.py: _rows"}
"""Functions that are tables: one row a line, and nothing to follow."""
COMMON_WORDS = {"workspace", "csv", "console"}
"""Systems whose name is also a plain word of the field."""


class Import(NamedTuple):
    """``names`` of a ``module``, or modules alone. ``inside``: in a function; ``typing``: for type checking only."""

    module: str | None
    level: int
    names: tuple[str, ...]
    inside: bool
    typing: bool


class Function(NamedTuple):
    name: str
    lines: int


@cache
def told(path: Path) -> list[Import | Function]:
    """What the rules look at. The trees themselves, kept to the end, would slow down all that runs after them."""
    return list(_told(ast.parse(path.read_text("utf-8")).body))


def _told(body: Iterable[ast.AST], inside: bool = False, typing: bool = False) -> Iterator[Import | Function]:
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(getattr(node, "module", None), getattr(node, "level", 0), names, inside, typing)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if function:
            yield Function(node.name, (node.end_lineno or 0) - node.lineno + 1)
        checking = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _told(getattr(node, part, ()), inside or function, typing or checking)


def imported(path: Path) -> Iterator[Import]:
    yield from (one for one in told(path) if isinstance(one, Import))


@cache
def files(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


@cache
def modules() -> set[str]:
    return {name_of(one) for one in files(CORE)}


@cache
def name_of(path: Path) -> str:
    parts = path.relative_to(CORE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def top(module: str) -> str:
    """The part of the core that a module is of: its package, or the module itself where the package has two layers."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2] if parts[:1] == ["protocol"] else parts[:1])


def imports(path: Path, *, inside: bool = True) -> Iterator[str]:
    """The modules of the core that a file imports, but for type checking; ``inside`` counts imports in functions."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for one in imported(path):
        if one.typing or (one.inside and not inside):
            continue
        if one.module is None and not one.level:
            yield from (name for name in one.names if name.startswith("wherry"))
            continue
        base = importlib.util.resolve_name("." * one.level + (one.module or ""), package)
        for name in one.names if base.startswith("wherry") else ():
            yield f"{base}.{name}" if f"{base}.{name}" in modules() else base


# -- layers ------------------------------------------------------------------------------------------------------------


def test_every_module_of_the_core_has_its_layer() -> None:
    placed = " ".join(names for _, names in LAYERS).split()
    there = {top(name_of(path)) for path in files(CORE)} - {""}
    assert len(placed) == len(set(placed))
    assert set(placed) == there


def test_a_module_imports_only_from_its_layer_and_those_below() -> None:
    level = {name: number for number, (_, names) in enumerate(LAYERS) for name in names.split()}
    beside = len(LAYERS) - 1
    wrong = []
    for path in files(CORE):
        own = top(name_of(path))
        for module in imports(path):
            other = top(module)
            is_toolkit = other == "simulator" and own in ON_DEMAND
            if own and other and level[other] > level[own] and not (is_toolkit and level[own] < beside):
                wrong.append(f"{name_of(path)} imports {module}")
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name_of(path): set(imports(path, inside=False)) for path in files(CORE)}
    done: set[str] = set()

    def walk(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in done:
            for other in sorted(graph.get(module, set()) - {module}):
                walk(other, (*way, module))
            done.add(module)

    for module in sorted(graph):
        walk(module, ())


def test_a_run_imports_no_bookkeeping_until_a_flow_books() -> None:
    """A start is imports for the most part: the books are a tenth of the core's."""
    graph = {name_of(path): set(imports(path, inside=False)) for path in files(CORE)}
    reached, left = set[str](), ["wherry.cli.running", "wherry.runs.engine", "wherry.project.wiring"]
    while left:
        reached.add(module := left.pop())
        left += graph.get(module, set()) - reached
    assert "wherry.hub" in reached
    assert reached & {f"wherry.books.{part}" for part in ("booking", "gathering", "grouping", "subledger")} == set()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, wherry; print([m for m in ('httpx', 'sqlalchemy', 'pydantic', 'msgspec') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- names -------------------------------------------------------------------------------------------------------------


def test_the_core_names_no_system() -> None:
    systems = set(tomllib.loads((CORE / "systems.toml").read_text("utf-8"))) - COMMON_WORDS
    texts = {path.relative_to(ROOT): path.read_text("utf-8").lower() for path in files(CORE)}
    assert [f"{path}: {word}" for path, text in texts.items() for word in sorted(systems) if word.lower() in text] == []


def test_a_plugin_imports_no_other_plugin() -> None:
    packages = {path.name for path in ROOT.glob("plugins/*/src/*") if path.is_dir()}
    wrong = []
    for path in files(*ROOT.glob("plugins/*/src")):
        own = next(part for part in path.parts if part in packages)
        told = [one for one in imported(path) if not one.level]
        found = {name for one in told for name in ([one.module] if one.module else one.names)}
        wrong += [f"{path.name}: {name}" for name in found if name.partition(".")[0] in packages - {own}]
    assert wrong == []


def test_the_public_list_is_what_can_be_imported() -> None:
    tree = ast.parse((CORE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    told = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == set(wherry.__all__) - {"__version__"}
    assert all(getattr(wherry, name) is not None for name in wherry.__all__)


def test_the_version_is_one() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == wherry.__version__


# -- hooks and errors --------------------------------------------------------------------------------------------------

HOOKS = sorted(name for name in vars(Specs) if name.startswith("wherry_"))


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_when_it_is_called_and_is_documented(hook: str) -> None:
    told = (getattr(Specs, hook).__doc__ or "").strip()
    assert re.match(r"(Once|While|When|After|Before)\b", told), "the text begins with when it is called"
    assert f"## {hook}\n" in (ROOT / "docs" / "reference" / "hooks.md").read_text("utf-8")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_used_by_a_plugin_or_a_test(hook: str) -> None:
    places = [*files(*ROOT.glob("plugins/*/src"), *ROOT.glob("examples/*/src"), CORE)]
    places = [path for path in places if path.name not in ("hookspecs.py", "facade.py")]
    places += [path for path in files(ROOT / "tests") if path.name != "test_house.py"]
    assert any(hook in path.read_text("utf-8") for path in places)


SAID_TWICE = {
    "WHERRY-1122",
    "WHERRY-2001",
    "WHERRY-2011",
    "WHERRY-2013",
    "WHERRY-2201",
    "WHERRY-2209",
    "WHERRY-3031",
    "WHERRY-7010",
}
"""Codes that two modules use with one meaning, such as a missing project file."""
SHARED_CODES = {"WHERRY-1116", "WHERRY-2211"}
"""Codes that two modules use with different meanings. A debt: the set may only shrink."""


OF_MANY = {"protocol", "runs", "project", "operating", "bookkeeping"}
"""Packages whose modules are about different things."""


def one_of(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[: 3 if parts[1:2] and parts[1] in OF_MANY else 2])


def test_an_error_code_has_one_meaning() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
    packages = defaultdict(set)
    for code, section in re.findall(r"^### (WHERRY-\d+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL):
        for modules in re.findall(r"\((`[\w.]+`(?:, `[\w.]+`)*)\)$", section, re.MULTILINE):
            packages[code] |= {one_of(module) for module in re.findall(r"[\w.]+", modules)}
    assert {code for code, found in packages.items() if len(found) > 1} <= SAID_TWICE | SHARED_CODES


# -- sizes -------------------------------------------------------------------------------------------------------------


TOO_LONG: set[str] = set()
"""Files that are a little longer. A debt: the set may only shrink."""


def test_files_stay_short() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files(*SOURCES)}
    allowed = {name: LONGEST_FILE + (50 if name in TOO_LONG else 0) for name in lines}
    assert {name: count for name, count in lines.items() if count > allowed[name]} == {}


def test_functions_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {one.name} has {one.lines} lines"
        for path in files(*SOURCES)
        if path.parent.name != "versions"  # a migration is a list of tables
        for one in told(path)
        if isinstance(one, Function)
        and one.lines > LONGEST_FUNCTION
        and f"{path.relative_to(ROOT)}: {one.name}" not in TABLES
    ]
    assert long == []


# -- what is in the repository -----------------------------------------------------------------------------------------


def test_no_file_names_an_index_host_or_a_place_on_somebodys_machine() -> None:
    """Addresses of package indexes and absolute paths hold on one machine only. The words are put together here."""
    host = "|".join(["pypi" + r"\.org", "python" + r"hosted\.org", "--index" + "-url", "npm" + r"js\.org"])
    homes = [f"/{name}/" for name in ("work", "root", "Users")]
    place = "|".join(rf"(?<![\w.]){home}" for home in homes)
    bad = re.compile(f"{host}|{place}")
    words = [*(one.replace("\\", "") for one in host.split("|")), *homes]
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=False)  # fmt: skip
    if listed.returncode:
        pytest.skip("this is no checkout of the repository")
    hits = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if name and path.is_file() and b"\0" not in (data := path.read_bytes())[:1000]:
            text = data.decode("utf-8", "replace")
            maybe = any(word in text for word in words)  # which takes a tenth of the time
            hits += [f"{name}: {found[0]}" for found in bad.finditer(text if maybe else "")]
    assert hits == []


def test_every_plugin_has_its_readme_tests_and_line_in_the_development_install() -> None:
    requirements = (ROOT / "requirements-dev.txt").read_text("utf-8")
    for folder in sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")):
        assert (folder / "README.md").read_text("utf-8").strip(), folder
        assert list((folder / "tests").glob("test_*.py")), folder
        assert f"-e plugins/{folder.name}\n" in requirements
