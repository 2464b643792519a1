"""``wherry plugin new``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from wherry.cli.options import face

KINDS = ("source", "sink", "mapper", "matcher")


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin is to be.")
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Where; wherry-NAME here.")
def new(name: str, kind: str, folder: Path | None) -> None:
    """Write a whole plugin, with a simulator and tests that are green at once. Needs no project.

    \b
    Example:
      wherry plugin new field-book --kind source
    """
    from wherry.authoring import making

    own = face()
    place = (own.folder or Path()) / (folder or f"wherry-{name}")
    written = making.make(name, next(one for one in making.KINDS if one == kind), place)
    paths = [str(path.relative_to(place)) for path in written]
    data = {"plugin": name, "kind": kind, "folder": str(place), "files": paths}
    own.print("wherry.plugin.new/1", data, lambda: _told(name, kind, place, paths),
              [f"cd {place} && pip install -e '.[testing]' && pytest", f"wherry plugin check {name}"])  # fmt: skip


def _told(name: str, kind: str, place: Path, paths: list[str]) -> Iterator[str]:
    yield f"{name}: a {kind} in {place}, {len(paths)} files"
    yield from (f"  {path}" for path in paths if path.startswith(("src", "tests", "README")))
