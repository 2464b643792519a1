"""What is installed is read once, and anew when something was installed or taken out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from wherry.plugins import installed
from wherry.plugins.installed import catalogue_of_installed


def _install(folder: Path, name: str, version: str) -> Path:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = {name}\n")
    return info


def _versions(name: str) -> list[str]:
    return [one.version for one in catalogue_of_installed({name}) if one.name == name]


def test_what_is_installed_or_taken_out_meanwhile_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service goes on while an operator upgrades a plugin."""
    monkeypatch.syspath_prepend(str(tmp_path))
    assert _versions("freight") == []
    first = _install(tmp_path, "freight", "1.0")
    assert _versions("freight") == ["1.0"]
    shutil.rmtree(first)
    _install(tmp_path, "freight", "1.1")
    assert _versions("freight") == ["1.1"]


def test_as_long_as_nothing_changes_no_metadata_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.syspath_prepend(str(tmp_path))
    _install(tmp_path, "freight", "1.0")
    assert _versions("freight") == ["1.0"]
    monkeypatch.setattr(installed, "distributions", lambda: pytest.fail("it was read again"))
    catalogue_of_installed({"freight"}).clear()
    assert _versions("freight") == ["1.0"], "and whoever asks may do with the answer what he likes"
