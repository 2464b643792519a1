"""The pages that say which test proves which line: they are complete, and they name nothing that there is not."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from generate import proofs  # noqa: E402

Folder = Callable[[str], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A repository with one file of tests."""

    def made(text: str) -> Path:
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_one.py").write_text(text, "utf-8")
        return tmp_path

    return made


# -- of this repository ------------------------------------------------------------------------------------------------


def test_every_line_of_accounting_is_proved_by_a_test() -> None:
    """Those of journals, of the export API and of wallets."""
    assert [name for name, one in proofs.sections("behaviours").items() if one.proved] == ["000", "002", "004"]
    assert proofs.unproved(ROOT) == []


def test_tests_name_only_lines_that_there_are() -> None:
    assert proofs.strangers(ROOT) == [], "a number that docs/generate/proved.toml does not have, or written otherwise"


def test_what_is_not_there_yet_is_said_of_lines_that_there_are() -> None:
    assert proofs.part().keys() <= proofs.known()


def test_the_lists_are_as_long_as_those_of_the_design(shared: Path) -> None:
    """The lines there are numbered ``1. … 2. …``, in one section or several to a line, and the cases ``| A1 |``."""
    design = (shared / "design" / "behaviours.md").read_text("utf-8")
    told = dict(re.findall(r"^## (\d{3}) .*?\((\d+)\)$", design, re.MULTILINE))
    assert {name: str(len(one.lines)) for name, one in proofs.sections("behaviours").items()} == told
    faults = (shared / "design" / "faults-and-security.md").read_text("utf-8")
    rows = Counter(letter for letter in re.findall(r"^\| ([A-G])\d+ \|", faults, re.MULTILINE))
    assert {name: len(one.lines) for name, one in proofs.sections("cases").items()} == rows


# -- of any ------------------------------------------------------------------------------------------------------------


def test_a_line_that_no_test_names_is_told(folder: Folder) -> None:
    every = [id for one in proofs.sections("behaviours").values() if one.proved for id in one.lines]
    text = 'def test_all():\n    """{}"""\n'
    root = folder(text.format(" ".join(every)))
    assert proofs.unproved(root) == []
    (root / "tests" / "test_one.py").write_text(text.format(" ".join(every[1:])), "utf-8")
    assert proofs.unproved(root) == [every[0]] == ["b_000_01"]


def test_what_only_a_module_names_is_not_proved(folder: Folder) -> None:
    root = folder('"""b_000_01"""\n')
    assert "b_000_01" in proofs.unproved(root)
    assert "| b_000_01 | several types of journal entries go out, for any accounting system | no test |" in (
        proofs.behaviours(root)
    )


@pytest.mark.parametrize("id", ["b_000_16", "b_005_01", "b_002_4", "b_0002_04", "case_A31", "case_Z1", "case_C01"])
def test_a_number_that_there_is_not_is_told_with_its_test(folder: Folder, id: str) -> None:
    root = folder(f'def test_x():\n    """b_002_04, case_A1 ({id})"""\n')
    assert proofs.strangers(root) == [f"{id} in tests/test_one.py::test_x"]


def test_a_test_in_a_class_is_named_as_it_is_run(folder: Folder) -> None:
    text = 'class TestSink:\n    def test_x(self):\n        """case_A2"""\n\n    def help(self):\n        "case_A3"\n'
    root = folder(text)
    assert proofs.proofs(root) == {"case_A2": ["tests/test_one.py::TestSink::test_x"]}


def test_a_row_has_what_holds_what_is_not_there_yet_and_its_tests(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "part", lambda: {"b_000_06": "as a file"})
    root = folder('def test_x():\n    """b_000_06"""\n\n\ndef test_y():\n    """b_000_06"""\n')
    [row] = [line for line in proofs.behaviours(root).splitlines() if line.startswith("| b_000_06 ")]
    assert "(so far: as a file)" in row
    assert row.endswith("| `tests/test_one.py::test_x`<br>`tests/test_one.py::test_y` |")
    assert "| 000 Journal entries for third-party accounting systems | 15 | 1 |" in proofs.behaviours(root)
