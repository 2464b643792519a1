"""A plugin that was just generated is whole: clean, green, found, and named in clear words where it cannot be made."""

from __future__ import annotations

import importlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
from wherry.authoring import making
from wherry.authoring.making import KINDS, LONGEST, SYSTEM, api, make, words_of
from wherry.cli import app
from wherry.errors import ConfigError
from wherry.hub import Hub
from wherry.records import Item
from wherry.simulator import serve

from .warm import warm

NAMES = ("ab", "a" * (LONGEST - 2) + "-b")
"""The shortest and the longest: what a formatter does hangs on lengths."""
FEW = "every_record_comes_once or no_secret or repeated_create or mapp or matcher or becomes or decimal"
"""Checks of each kind, as many as the suite has time for; ``make authoring`` runs all, in an environment of its own."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Kind → the folder of a plugin of that kind."""
    folder = tmp_path_factory.mktemp("made")
    for kind in KINDS:
        make(f"field-{kind}", kind, folder / kind)
    make("field-both", SYSTEM, folder / "both")
    return {kind: folder / kind for kind in (*KINDS, "both")}


def run(*words: str, cwd: Path, **environ: str) -> str:
    done = warm.python("-m", *words, cwd=cwd, env={**os.environ, **environ})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_every_kind_is_green_before_its_author_has_written_a_line(made: dict[str, Path]) -> None:
    path = os.pathsep.join(str(folder / "src") for folder in made.values())
    tests = [str(folder / "tests") for folder in made.values()]
    said = run("pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-k", FEW, *tests,
               cwd=made["source"].parent, PYTHONPATH=path)  # fmt: skip
    assert " passed" in said


def test_every_kind_is_clean_however_long_its_name(tmp_path: Path) -> None:
    for name in NAMES:
        for kinds in (*((kind,) for kind in KINDS), SYSTEM):
            make(name, kinds, tmp_path / name / "-".join(kinds))
    run("ruff", "check", "--no-cache", str(tmp_path), cwd=tmp_path)
    run("ruff", "format", "--no-cache", "--check", str(tmp_path), cwd=tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_distribution_declares_its_entry_point_and_its_range(made: dict[str, Path], kind: str) -> None:
    project = tomllib.loads((made[kind] / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["wherry.plugins"] == {f"field-{kind}": f"wherry_field_{kind}.plugin"}
    assert project["dependencies"] == [f"wherry{api(making.__version__)}"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_be_filled_in(made: dict[str, Path], kind: str) -> None:
    """A page, changes, a CI file and tests come with it, and no mark of a template is in any of them."""
    files = [path for path in made[kind].rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    names = {str(path.relative_to(made[kind])) for path in files}
    assert {"README.md", "CHANGELOG.md", ".gitignore", ".github/workflows/check.yml"} <= names
    assert any(name.startswith("tests/test_") for name in names)
    texts = {name: (made[kind] / name).read_text("utf-8") for name in names}
    marks = ("__package__", "TODO", "FIXME", ".tmpl", "${package}", "${title}")
    assert [(name, mark) for name, text in texts.items() for mark in marks if mark in name + text] == []
    assert "## Removal" in texts["README.md"]


def test_the_range_is_this_minor_version_and_the_next_and_a_major_one_from_1_0_on() -> None:
    assert [api(version) for version in ("0.1.0", "0.9.3", "1.4.2")] == [">=0.1,<0.3", ">=0.9,<0.11", ">=1.4,<2"]


@pytest.mark.parametrize("name", ["Field", "9lives", "field_book", "field--book", "-a", "a-", "", "class", "x" * 25])
def test_a_bad_name_is_refused_with_one_that_would_do(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make(name, "source", tmp_path / "x")
    assert (caught.value.code, (tmp_path / "x").exists()) == ("WHERRY-2401", False)
    assert caught.value.fix.startswith("for example: wherry plugin new ")


def test_a_name_that_an_installed_plugin_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is installed and has the plugin name workspace"):
        make("workspace", "sink", tmp_path / "x")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="has something in it"):
        make("field-book", "sink", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_says_what_it_wrote_and_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["-C", str(tmp_path), "plugin", "new", "field-book", "--kind", "mapper", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "src/wherry_field_book/plugin.py" in told["data"]["files"]
    assert told["next"][0].startswith(f"cd {tmp_path / 'wherry-field-book'}")


def test_both_halves_of_a_system_are_one_plugin_and_a_mapper_is_another(tmp_path: Path) -> None:
    made = {str(path.relative_to(tmp_path / "x")) for path in make("field-book", SYSTEM, tmp_path / "x")}
    assert {"src/wherry_field_book/source.py", "src/wherry_field_book/sink.py"} <= made
    assert {"tests/test_source_contract.py", "tests/test_sink_contract.py"} <= made
    with pytest.raises(ConfigError, match="each of source, mapper is a plugin of its own") as caught:
        make("field-maps", ("mapper", "source"), tmp_path / "y")
    assert (caught.value.code, (tmp_path / "y").exists()) == ("WHERRY-2410", False)


def test_what_the_readme_of_a_system_says_runs_against_its_stand_in(
    made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project file of its page: checked, and run both ways."""
    monkeypatch.syspath_prepend(made["both"] / "src")
    monkeypatch.syspath_prepend(_metadata(tmp_path / "site", "field-both"))
    said = re.search(r"```toml\n(.*?)```", (made["both"] / "README.md").read_text("utf-8"), re.DOTALL)
    assert said
    stand = importlib.import_module("wherry_field_both.simulator").System()
    with serve(stand.app()) as url:
        text = said[1].replace('plugin = "field-both"\n', f'plugin = "field-both"\nbase_url = "{url}"\n')
        (tmp_path / "wherry.toml").write_text('version = 1\n[project]\nname = "a"\ncurrency = "USD"\n' + text)
        environ = {"FIELD_BOTH_KEY": "key"}
        httpx.post(f"{url}/v1/items", json={"name": "Bolt M8"}, headers={"Authorization": "Bearer key"})
        monkeypatch.setenv("FIELD_BOTH_KEY", "key")
        assert app.run(["-C", str(tmp_path), "config", "check"]) == 0
        with Hub.open(tmp_path, environ=environ) as hub:
            _bill(hub)
            assert [hub.run(flow).exit_code for flow in ("items", "invoices")] == [0, 0]
    [bill] = stand.invoices.values()
    assert (bill["number"], bill["customer"], bill["total"]) == ("7", "C-1", "12.50")
    assert len(stand.items) == 1


def _metadata(site: Path, name: str) -> Path:
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: wherry-{name}\nVersion: 1.0\nRequires-Dist: wherry\n")
    (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = wherry_{name.replace('-', '_')}.plugin\n")
    return site


def _bill(hub: Hub) -> None:
    """An invoice of 12.50 for a location that the system knows by its GL number."""
    sink: Any = hub.wiring.writer("platform")
    money = {"minor": 1250, "currency": "USD"}
    with hub.store.documents("workspace") as documents:
        [place] = sink.apply(documents, [Item(entity="location", key="1", body={"name": "Yard", "gl_number": "C-1"})])
        lines = [{"service": "Storage", "quantity": "1", "rate": "12.50", "amount": money}]
        body = {"number": "7", "date": "2026-01-31", "location": place.target, "total": money, "lines": lines}
        sink.apply(documents, [Item(entity="invoice", key="7", body={**body, "status": "invoiced"})])


@pytest.fixture(scope="module")
def templates() -> set[str]:
    """The words that templates are filled with."""
    return {word for kind in KINDS for _, text in making.rendered((kind,), _Marked()) for word in _marked(text)}


class _Marked(dict[str, str]):
    """Fills every word with a mark of itself."""

    def __missing__(self, key: str) -> str:
        return f"«{key}»"


def _marked(text: str) -> list[str]:
    return [part.partition("»")[0] for part in text.split("«")[1:]]


def test_every_word_of_the_templates_is_filled_and_none_is_kept_for_nothing(templates: set[str]) -> None:
    assert templates == set(words_of("field-book", ("source",)))
