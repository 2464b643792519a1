"""Where the company file lies: a copy has the same name and the same FileID, and only its path tells it apart.

A file that is opened from another path than before may be the same one, moved or reached through another drive, or a
copy that somebody made to try something. Nothing is written into it until a person has said so.
"""

from __future__ import annotations

from typing import Any

from wherry.errors import Guarded
from wherry.roles import Documents

from .company import Company

KIND = "company_place"


def known(documents: Documents, connection: str) -> list[str]:
    """The paths that count as the connection's company file, as the Web Connector told them."""
    return [str(path) for path in _kept(documents, connection).get("paths") or ()]


def asked(documents: Documents, connection: str) -> str:
    """The path that nobody has said yes to; empty where none waits."""
    return str(_kept(documents, connection).get("asked", ""))


def objection(documents: Documents, connection: str, found: Company, path: str, setting: str) -> Guarded | None:
    """Why nothing may be written to the file at this path; None where it is known, the first one, or the one that the
    connection's settings name. What is to be said yes to is kept."""
    paths = known(documents, connection)
    if not path or _same(path, paths):
        return None
    if not paths or _same(path, [setting]):
        _keep(documents, connection, [*paths, path], "")
        return None
    _keep(documents, connection, paths, path)
    return Guarded(
        f"the company file {found.name} is open from {path}, and was at {paths[-1]} before: a copy of it would look "
        "just the same, so nothing was sent",
        fix=f"if it is a copy, open the other one; if this is the file now: wherry qbwc moved {connection}",
        code="WHERRY-7851", connection=connection,
    )  # fmt: skip


def accept(documents: Documents, connection: str) -> str:
    """Somebody says that the file at the path that waits is the right one. The path; empty where none waits."""
    path = asked(documents, connection)
    if path:
        _keep(documents, connection, [*known(documents, connection), path], "")
    return path


def _kept(documents: Documents, connection: str) -> dict[str, Any]:
    return documents.get(KIND, [connection]).get(connection) or {}


def _keep(documents: Documents, connection: str, paths: list[str], asked: str) -> None:
    documents.put(KIND, [(connection, {"paths": paths, "asked": asked})])


def _same(path: str, paths: list[str]) -> bool:
    """As Windows takes them: whatever the case, and whichever way the strokes lean."""
    return _plain(path) in {_plain(one) for one in paths if one}


def _plain(path: str) -> str:
    return path.strip().replace("/", "\\").casefold()
