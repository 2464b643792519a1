"""What the workspace tells of a file: who may see it, and where its bytes lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wherry.store.blobs import Blobs

EVERYONE, NOBODY = "everyone", "nobody"


def effective_access(file: dict[str, Any], project: dict[str, Any] | None) -> str:
    """Who may see a file, in words: never more people than may see its project.

    ``project`` is the body of its project, None if that is not there any more. Where file and project name
    different groups, both are needed: members of only one of them are kept out.
    """
    if file.get("project") and project is None:
        return NOBODY
    groups = [(project or {}).get("access") or EVERYONE, file.get("access") or EVERYONE]
    named = list(dict.fromkeys(group for group in groups if group != EVERYONE))
    return " and ".join(named) or EVERYONE


def blob_path(folder: Path | None, blob: str) -> str:
    """Where the bytes lie below the store's folder of files; empty where there are none."""
    return str(Blobs(folder, largest=0).path(blob)) if folder and blob else ""
