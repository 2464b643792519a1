"""What the guide for QuickBooks Desktop shows is what is printed: typed one after the other, against the stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wherry_qbwc.simulator import QbwcSimulator

from .desk_rig import Desk, desk
from .work_rig import CHARGES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "quickbooks-desktop.md"
PIECE = re.compile(
    r"^<!-- at the desk: (?P<what>[^\n]*) -->$|^```console desktop\n(?P<typed>.*?)^```$|^```toml project\n(?P<file>.*?)^```$",
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


def held(at: Desk) -> None:
    [one] = [one for one in at.books("SalesOrder") if one["RefNumber"] == "536366"]
    at.desktop.change(one["id"], Memo="Collected by the customer")


HAPPENS: dict[str, Callable[[Desk], object]] = {
    "the file of charges": imported,
    "Update Selected is pressed": Desk.session,
    "somebody has another company file open": other_file,
    "in QuickBooks somebody changes the memo of order 536366": held,
}


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
