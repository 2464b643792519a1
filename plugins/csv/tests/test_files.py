"""The folder as a transport: files come whole and once, whatever breaks off, and never anywhere else.

Cases A28, D9; architecture.md, section 4.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wherry.errors import AccessLost, Guarded, Rejected, TryAgain, WherryError
from wherry.http import Files
from wherry.http.files import KEYS, MARKER, NOTE, OWN, Shelf
from wherry.records import Call


def call(name: str = "a.csv", body: bytes = b"1,2\r\n", stamp: str = "s1", **headers: str) -> Call:
    return Call(method="PUT", path=name, items=(stamp,), body=body, headers=headers)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    folder = tmp_path / "out"
    folder.mkdir()
    return Files(folder, connection="out")


def shown(files: Files) -> dict[str, bytes]:
    """What a person sees in the folder."""
    return {path.name: path.read_bytes() for path in files.folder.iterdir() if not path.name.startswith(".")}


def held(files: Files, *keys: str) -> dict[str, list[tuple[str, str]]]:
    reply = files.read("GET", "sent", content=msgspec.json.encode(keys))
    found = msgspec.json.decode(reply.content, type=Shelf).held
    return {key: [(one.name, one.state) for one in some] for key, some in found.items()}


def test_a_file_is_placed_whole_and_found_by_its_stamp_and_keys(files: Files) -> None:
    reply = files.send(call(**{KEYS: '["invoice:1"]', NOTE: "n"}))
    assert (reply.status, shown(files)) == (201, {"a.csv": b"1,2\r\n"})
    assert held(files, "s1", "invoice:1", "other") == {
        "s1": [("a.csv", "whole")],
        "invoice:1": [("a.csv", "whole")],
        "other": [],
    }
    assert Files(files.folder).placed()[0].note == "n"


def test_the_same_call_again_changes_nothing(files: Files) -> None:
    first, before = files.send(call()), (files.folder / "a.csv")
    stamp = before.stat().st_mtime_ns
    again = Files(files.folder).send(call())
    assert (first.status, again.status, again.body) == (201, 200, first.body)
    assert before.stat().st_mtime_ns == stamp


def test_a_file_that_somebody_fetched_is_not_placed_again(files: Files) -> None:
    """case_A29: what the accountant has taken away must not come a second time."""
    files.send(call())
    (files.folder / "a.csv").unlink()
    assert files.send(call()).status == 200
    assert shown(files) == {}
    assert held(files, "s1") == {"s1": [("a.csv", "fetched")]}


def test_other_bytes_under_a_name_are_refused_and_nothing_is_overwritten(files: Files) -> None:
    files.send(call())
    (files.folder / "b.csv").write_text("by hand")
    assert files.send(call(body=b"other")).status == 409
    assert files.send(call("b.csv", stamp="s2")).status == 409
    assert shown(files) == {"a.csv": b"1,2\r\n", "b.csv": b"by hand"}


def test_a_file_that_was_edited_is_told(files: Files) -> None:
    files.send(call())
    (files.folder / "a.csv").write_text("edited")
    assert held(files, "s1") == {"s1": [("a.csv", "changed")]}
    assert files.send(call()).status == 200, "what was placed was placed, whatever became of it"


class Dead(BaseException):
    """The process ends here."""


CUTS = ["write", "fsync", "rename", "after rename"]


@pytest.mark.parametrize("which", range(1, 9))
@pytest.mark.parametrize("cut", CUTS)
def test_a_crash_at_any_call_leaves_no_half_file_and_the_repeat_completes_it(
    files: Files, monkeypatch: pytest.MonkeyPatch, cut: str, which: int
) -> None:
    """case_A28: readers never see a half-written file; the same bytes on redo; what the list says is true."""
    body = b"x" * 3_000_000
    name, after = cut.removeprefix("after "), cut.startswith("after")
    real: Callable[..., object] = getattr(os, name)
    left = which

    def broken(*given: object) -> object:
        nonlocal left
        left -= 1
        if left:
            return real(*given)
        if name == "write":
            real(given[0], bytes(given[1])[:7])  # type: ignore[call-overload]
        if after:
            real(*given)
        raise Dead

    with monkeypatch.context() as patch:
        patch.setattr(os, name, broken)
        with contextlib.suppress(Dead):
            files.send(call(body=body))
    assert shown(files) in ({}, {"a.csv": body})
    fresh = Files(files.folder)
    there = [("a.csv", "whole")] if shown(files) else []
    assert held(fresh, "s1") == {"s1": there}, "the list tells what the folder shows"
    assert fresh.send(call(body=body)).status in (200, 201)
    assert shown(files) == {"a.csv": body}
    assert held(fresh, "s1") == {"s1": [("a.csv", "whole")]}
    assert Files(files.folder).send(call("b.csv", stamp="s2")).status == 201
    assert held(fresh, "s2") == {"s2": [("b.csv", "whole")]}


@pytest.mark.parametrize(
    ("number", "error"), [(errno.EACCES, AccessLost), (errno.EROFS, AccessLost), (errno.ENOSPC, TryAgain)]
)
def test_what_a_disk_refuses_was_not_sent(
    files: Files, monkeypatch: pytest.MonkeyPatch, number: int, error: type[WherryError]
) -> None:
    def refused(*given: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", refused)
    with pytest.raises(error) as caught:
        files.send(call())
    assert caught.value.where["sent"] == "no"
    assert caught.value.fix
    assert list((files.folder / OWN).glob("*.part")) == [], "a disk that is full is not filled further"


def test_what_breaks_off_at_the_rename_was_perhaps_sent(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(TryAgain) as caught:
        files.send(call())
    assert caught.value.where["sent"] == "perhaps"


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """A drive that is not mounted must not be taken for an empty folder."""
    with pytest.raises(TryAgain, match="there is no folder"):
        Files(tmp_path / "drive" / "out").send(call())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "../x.csv",
        "/etc/x.csv",
        "a/b.csv",
        "a\\b.csv",
        ".hidden",
        "",
        "..",
        "a\x00.csv",
        "a\n.csv",
        "C:x",
        "x" * 300,
        "a.csv ",
        "a.csv.",
        "-rf",
        "~/x",
    ],
)
def test_a_name_that_leads_anywhere_else_is_refused(files: Files, name: str) -> None:
    """case_D9"""
    with pytest.raises(Rejected):
        files.send(call(name))
    assert [path.name for path in files.folder.parent.iterdir()] == ["out"]
    assert shown(files) == {}


@given(name=st.text(max_size=40))
@settings(max_examples=200, deadline=None, database=None)
def test_whatever_the_name_nothing_lies_outside(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """case_D9"""
    parent = tmp_path_factory.mktemp("safe")
    (parent / "out").mkdir()
    try:
        Files(parent / "out").send(call(name))
    except Rejected:
        return
    assert [path.name for path in parent.iterdir()] == ["out"]
    assert [path.name for path in (parent / "out").iterdir() if path.is_file()] == [name]


def test_a_link_in_the_place_of_a_file_is_not_followed(files: Files, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (files.folder / "a.csv").symlink_to(tmp_path / "precious")
    assert files.send(call()).status == 409
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_link_in_the_place_of_a_part_is_not_followed(files: Files, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (files.folder / OWN).mkdir()
    (files.folder / OWN / "a.csv.part").symlink_to(tmp_path / "precious")
    with pytest.raises(TryAgain):
        files.send(call())
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_of_ours_that_is_a_link_is_refused(files: Files, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (files.folder / OWN).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Guarded):
        files.send(call())
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_is_known_by_its_marker_wherever_it_is(files: Files, tmp_path: Path) -> None:
    first = files.identity()
    assert files.identity() == Files(files.folder).identity() == first
    files.folder.rename(tmp_path / "moved")
    assert Files(tmp_path / "moved").identity() == first
    (tmp_path / "other").mkdir()
    assert Files(tmp_path / "other").identity() != first


def test_a_marker_that_says_nothing_stops_everything(files: Files) -> None:
    (files.folder / MARKER).write_text("")
    with pytest.raises(Guarded):
        files.identity()


def test_a_list_that_was_lost_finds_its_files_again(files: Files) -> None:
    files.send(call())
    (files.folder / OWN / "sent.jsonl").unlink()
    fresh = Files(files.folder)
    assert fresh.send(call()).status == 200
    assert held(fresh, "s1") == {"s1": [("a.csv", "whole")]}


def test_two_hubs_see_each_others_files(files: Files) -> None:
    other = Files(files.folder)
    files.send(call())
    assert held(other, "s1") == {"s1": [("a.csv", "whole")]}
    other.send(call("b.csv", stamp="s2"))
    assert held(files, "s2") == {"s2": [("b.csv", "whole")]}
