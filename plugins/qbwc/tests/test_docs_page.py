"""What the guide for QuickBooks Desktop shows is what is printed: typed one after the other, against the stand-in."""

from __future__ import annotations

import ast
import inspect
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from wherry_qbwc import endpoint, sessions, words, work
from wherry_qbwc.simulator import QbwcSimulator

from .desk_rig import Desk, desk
from .work_rig import CHARGES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "quickbooks-desktop.md"
PIECE = re.compile(
    r"^<!-- at the desk: (?P<what>[^\n]*) -->$|^```console desktop\n(?P<typed>.*?)^```$"
    r"|^```toml\n(?P<file>version = 1\n.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
VARYING = {
    r"desktop-[0-9a-f]{6}": "<user>", r"\b([a-z0-9]{5}-){5}[a-z0-9]{5}\b": "<password>",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?": "<moment>", r"\b\d+ s ago\b": "<moment>",
    r"\b\d+\.\d s\b": "<lasted>", r"\b\d[0-9a-z]{14}\b": "<run>", r"\b[0-9A-F]{3,8}-\d{10}\b": "<id>",
    r"\b[a-z2-7]{26}\b": "<stamp>", r" {2,}": "  ",
}  # fmt: skip


def pieces() -> Iterator[tuple[str, str, int, str]]:
    """What happens, or a file, or what is typed: its sort, what it says, its exit code and what is shown."""
    for match in PIECE.finditer(PAGE.read_text("utf-8")):
        if match["typed"] is None:
            yield ("happens", match["what"], 0, "") if match["what"] else ("file", match["file"], 0, "")
            continue
        for block in match["typed"].split("$ wherry ")[1:]:
            line, _, shown = block.partition("\n")
            line, _, ending = line.partition("  # exit ")
            yield "typed", line.strip(), int(ending or 0), shown.strip("\n")


def plain(text: str) -> list[str]:
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def fits(shown: list[str], printed: list[str]) -> bool:
    """Whether the printed lines are those shown; a line of … stands for any number of them."""
    pattern = "".join("(.*\n)*?" if line.strip() == "…" else re.escape(line) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None


def imported(at: Desk) -> None:
    (at.folder / "charges.csv").write_text(CHARGES.replace("United Kingdom", "USA"), "utf-8")


def other_file(at: Desk) -> None:
    at.desktop.mishaps.add("wrong-file")
    assert at.session().how == "error"


def edited(at: Desk) -> None:
    [one] = [one for one in at.books("SalesOrder") if one["RefNumber"] == "536366"]
    at.desktop.change(one["id"], Memo="Collected by the customer")


def changed(at: Desk) -> None:
    path = at.folder / "charges.csv"
    path.write_text(path.read_text("utf-8").replace("Hand warmer,6", "Hand warmer,7"), "utf-8")
    at.does("workspace import online-retail charges.csv --currency USD")


def old_password(at: Desk) -> None:
    right, at.password = at.password, "an-old-one"
    assert at.session().how == "nvu"
    at.password = right


HAPPENS: dict[str, Callable[[Desk], object]] = {
    "the file of charges": imported,
    "Update Selected is pressed": Desk.session,
    "Update Selected is pressed with an old password": old_password,
    "somebody has another company file open": other_file,
    "in QuickBooks somebody changes the memo of order 536366": edited,
    "the same order changes on the platform": changed,
}


def sentences(tree: ast.AST) -> Iterator[str]:
    """What a person reads in the Web Connector: texts that are sentences, and no docstrings."""
    nodes = list(ast.walk(tree))
    other = [node.value for node in nodes if isinstance(node, ast.Expr)]
    other += [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "about"]
    said = [node.value for node in nodes if isinstance(node, ast.Constant) and node not in other]
    return (one for one in said if isinstance(one, str) and re.fullmatch(r"[A-Z][a-z]+ .*\.", one))


@pytest.mark.parametrize("codes", ["hresults", "web connector", "own sentences"])
def test_every_error_that_the_web_connector_shows_is_on_the_page(codes: str, request: pytest.FixtureRequest) -> None:
    page = PAGE.read_text("utf-8")
    if codes == "hresults":
        told = set(tomllib.loads((resources.files(words) / "statuses.toml").read_text("utf-8"))["hresults"])
    elif codes == "web connector":
        contract: Path = request.getfixturevalue("contract")
        told = {one.removeprefix("QBWC") for one in json.loads((contract / "qbwc-client-errors.json").read_text())}
        told -= {f"{code}" for first, last in re.findall(r"QBWC(\d{4}) to (\d{4})", page)
                 for code in range(int(first), int(last) + 1)}  # fmt: skip
    else:
        trees = [ast.parse(inspect.getsource(module)) for module in (endpoint, sessions, work)]
        told = {one.partition(".")[0].partition(";")[0] for tree in trees for one in sentences(tree)}
        told -= {"Everything is done"}
    assert told
    assert sorted(one for one in told if one not in page) == []


def test_what_the_page_shows_is_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """b_003_01, b_003_02, b_003_10"""
    told: list[str] = []
    with desk(tmp_path / "yard", monkeypatch, capsys) as at:
        at.name = "desktop"
        for sort, said, code, shown in pieces():
            if sort == "file":
                (at.folder / "wherry.toml").write_text(said, "utf-8")
            elif sort == "happens":
                HAPPENS[said](at)
            else:
                printed = at.does(said, code)
                if said.startswith("qbwc setup"):
                    at.noted(printed)
                if not fits(plain(shown), plain(at.err + printed)):
                    told.append(f"$ wherry {said}\n{at.err}{printed}")
    assert isinstance(at.desktop, QbwcSimulator)
    assert not told, "\n".join(told)
