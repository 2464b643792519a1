"""What the docs say is tried: snippets run or are parsed, excerpts stand in their files, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click
import pytest
from msgspec.structs import fields
from wherry import entities, transforms
from wherry.cli.app import root
from wherry.cli.lazy import load
from wherry.cli.options import equip
from wherry.cli.plugged import declared
from wherry.errors import WherryError
from wherry.expressions import parse
from wherry.hub import Hub
from wherry.testing.commands import Commands
from wherry.testing.rigs import Effect, Rig, Stand
from wherry.testing.sink_trial import SinkTrial

from .warm import warm

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md"),
                *ROOT.glob("plugins/*/README.md"), *ROOT.glob("examples/*/README.md")])  # fmt: skip
FENCE = re.compile(r"^```(\w+)[ \t]*(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
BASE = {
    "version": "version = 1\n",
    "project": '[project]\nname = "acme"\ntimezone = "America/Chicago"\ncurrency = "USD"\n',
    "plugins": '[plugins]\nenabled = ["hubspot", "workspace"]\n',
    "connections.crm": '[connections.crm]\nplugin = "hubspot"\nauth.kind = "token"\nauth.token.env = "HUBSPOT_TOKEN"\n',
    "connections.platform": '[connections.platform]\nplugin = "workspace"\n',
    "flows.won-deals.source": '[flows.won-deals]\nsource = "crm"\nsink = "platform"\nkinds = ["deal"]\n',
}  # fmt: skip
ENVIRON = {"HUBSPOT_TOKEN": "docs-canary-1", "ACME_KEY": "docs-canary-2"}


class Snippet(NamedTuple):
    page: Path
    language: str
    about: str
    text: str

    def __repr__(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.text.strip().splitlines()[0][:40]}"


def snippets(*languages: str) -> list[Snippet]:
    found = [Snippet(page, *match.groups()) for page in PAGES for match in FENCE.finditer(page.read_text("utf-8"))]
    return [one for one in found if one.language in languages]


def commands(snippet: Snippet) -> Iterator[list[str]]:
    for line in snippet.text.splitlines():
        if line.startswith("$ wherry "):
            yield shlex.split(line.removeprefix("$ wherry "), comments=True)


@pytest.fixture(scope="module")
def build() -> Any:
    spec = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(build: Any) -> Any:
    """Every page that is written by the code, by its path."""
    return build.pages()


@pytest.mark.parametrize(
    "page",
    ["reference/cli", "reference/config", "reference/hooks", "reference/errors", "reference/roles",
     "reference/entities", "reference/rigs", "reference/checks",
     "reference/transforms", "reference/behaviours", "reference/cases", "how-to/connect-hubspot"],
)  # fmt: skip
def test_the_reference_is_what_the_code_says(page: str, pages: Any) -> None:
    path = ROOT / "docs" / f"{page}.md"
    assert path.read_text("utf-8") == pages[path], "run: make docs"


def test_every_code_in_the_sources_stands_on_the_page_of_errors_with_its_meaning(build: Any, pages: Any) -> None:
    folders = [ROOT / "core", *ROOT.glob("plugins/*/src")]
    used = set(re.findall(r"WHERRY-\d{4}", "".join(path.read_text("utf-8") for folder in folders
                                                   for path in folder.rglob("*.py"))))  # fmt: skip
    assert set(build.sources()) == set(folders)
    page = pages[ROOT / "docs" / "reference" / "errors.md"]
    sections = dict(re.findall(r"^### (WHERRY-\d{4})\n+(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert used - set(sections) == set(), "run: make docs"
    assert [code for code in sorted(used) if not sections[code].strip()] == [], "say it in docs/generate/meanings.toml"


def test_no_page_tells_of_a_code_that_is_gone(build: Any) -> None:
    kept = set(tomllib.loads(build.errors.MEANINGS.read_text("utf-8")))
    known = build.errors.literals([ROOT / "core", *ROOT.glob("plugins/*/src")])
    told = {code: page.name for page in PAGES for code in re.findall(r"WHERRY-\d{4}", page.read_text("utf-8"))}
    assert kept - known == set()
    assert {code: page for code, page in told.items() if code not in known} == {}


def test_every_field_of_a_role_has_its_meaning(build: Any) -> None:
    supplement = tomllib.loads(build.roles.FIELDS.read_text("utf-8"))
    named = [(module, name) for *_, modules in build.roles.SECTIONS for module, names in modules for name in names]
    silent = [f"{name}.{one.name}" for module, name in named for one in build.roles.members(module, name, supplement)
              if not one.meaning]  # fmt: skip
    assert silent == []
    known = {name: {one.name for one in build.roles.members(module, name, {})} for module, name in named}
    methods = {name: build.roles.methods_of(module, name) for module, name in named}
    gone = [f"{name}.{one}" for name, told in supplement.items() for one in told
            if one not in known.get(name, ()) and one not in methods.get(name, ())]  # fmt: skip
    assert gone == [], "docs/generate/fields.toml speaks of what is no longer there"


def test_every_field_of_every_entity_is_on_its_page(pages: Any) -> None:
    page = pages[ROOT / "docs" / "reference" / "entities.md"]
    for name, shape in entities.SHAPES.items():
        section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        assert section, name
        said = set(re.findall(r"^\| `(\w+)` \|", section[1], re.MULTILINE))
        assert said == {one.name for one in fields(shape)} - {"custom"}, name


def test_every_field_of_a_sinks_trial_and_of_a_rig_is_told(build: Any) -> None:
    page = (ROOT / "docs" / "how-to" / "test-a-sink.md").read_text("utf-8")
    first = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert {one.name for one in fields(SinkTrial)} <= first
    page = (ROOT / "docs" / "reference" / "rigs.md").read_text("utf-8")
    for shape in (Rig, Stand, Effect):
        known = build.roles.members("wherry.testing.rigs", shape.__name__, {})
        silent = [one.name for one in known if not one.meaning]
        assert (silent, [one.name for one in known if f"| `{one.name}` |" not in page]) == ([], [])


def test_every_transform_of_the_core_is_on_its_page_with_an_example_that_is_an_expression(build: Any) -> None:
    found = {*transforms.core("USD", ZoneInfo("UTC")), *transforms.counting("USD")}
    assert found == set(build.transforms.EXAMPLES)
    for call, _ in build.transforms.EXAMPLES.values():
        parse(call, "docs")


def test_the_coverage_knows_which_test_carries_a_behaviour(build: Any) -> None:
    table = build.coverage.table(ROOT)
    assert re.search(r"^\| b_001_18 \| \d+ \| .*`plugins/workspace/tests/test_csv.py::test_a_row", table, re.MULTILINE)
    assert re.search(r"^\d+ behaviours, \d+ cases, \d+ invariants$", table, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("snippet", [one for one in snippets("python", "toml") if one.about], ids=repr)
def test_an_excerpt_stands_in_the_file_it_names(snippet: Snippet) -> None:
    assert _plain(snippet.text).rstrip(",") in _plain((ROOT / snippet.about).read_text("utf-8"))


def _plain(text: str) -> str:
    """Without what a formatter may set otherwise where a line begins further left."""
    return re.sub(r",(?=[)\]}])", "", re.sub(r"\s+", "", text))


@pytest.mark.parametrize("snippet", [one for one in snippets("python") if not one.about] or [None], ids=repr)
def test_a_python_snippet_runs(snippet: Snippet | None) -> None:
    if snippet is not None:
        exec(compile(snippet.text, str(snippet.page), "exec"), {})  # noqa: S102


@pytest.mark.parametrize("snippet", [one for one in snippets("toml") if not one.about], ids=repr)
def test_a_project_file_or_a_piece_of_one_is_taken(snippet: Snippet, tmp_path: Path) -> None:
    said = tomllib.loads(snippet.text)
    left_out = ("connections.crm", "flows.won-deals.source") if _without_hubspot(said) else ()
    rest = "".join(text for path, text in BASE.items() if path not in left_out and not _defines(said, path))
    folder = tmp_path / "acme"
    folder.mkdir()
    # Bare keys must stand before the first table.
    (folder / "wherry.toml").write_text(
        f"{rest}\n{snippet.text}" if "version" not in said else f"{snippet.text}\n{rest}"
    )
    with Hub.open(folder, environ=ENVIRON) as hub:
        for name, connection in hub.project.connections.items():
            if connection.plugin in hub.plugins.manifests:
                hub.wiring.connection(name)


def _without_hubspot(said: dict[str, Any]) -> bool:
    return "hubspot" not in said.get("plugins", {}).get("enabled", ["hubspot"])


def _defines(said: dict[str, Any], path: str) -> bool:
    for part in path.split("."):
        if not isinstance(said, dict) or part not in said:
            return False
        said = said[part]
    return True


@pytest.mark.parametrize("snippet", snippets("console"), ids=repr)
def test_a_command_in_the_docs_is_one_the_command_line_takes(snippet: Snippet) -> None:
    assert list(commands(snippet))
    for words in commands(snippet):
        parsed(words)


def parsed(words: list[str]) -> None:
    """Parses a command to its last option. Nothing is called."""
    command: click.Command = root()
    parent: click.Context | None = None
    rest, name = list(words), "wherry"
    if words[0] in declared() and words[0] not in root().table:  # a plugin's own, which no project here enables
        command, rest, name = equip(load(declared()[words[0]].target)), rest[1:], words[0]
    while isinstance(command, click.Group):
        context = command.make_context(name, rest, parent=parent, allow_extra_args=True)
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command, parent = found, context
    command.make_context(name, rest, parent=parent)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "acme"
    done = warm.python("-m", "wherry.cli", "demo", "--folder", str(folder), cwd=folder.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(
    "page", sorted({one.page for one in snippets("console") if one.about == "demo"}), ids=lambda p: p.stem
)
def test_the_commands_of_a_page_work_one_after_the_other_in_the_demo(
    page: Path, demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = Commands(demo, capsys)
    for snippet in snippets("console"):
        for words in commands(snippet) if (snippet.page, snippet.about) == (page, "demo") else ():
            assert typed.type(shlex.join([*words, "--yes"])).strip(), f"{words}: {typed.err}"
            assert typed.code in (0, 4), f"{words}: {typed.err}"


def test_an_unknown_option_in_the_docs_would_be_noticed() -> None:
    with pytest.raises((click.UsageError, WherryError)):
        parsed(["run", "won-deals", "--fast"])
