"""``wherry plugin new``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from wherry.cli.options import face

KINDS = ("source", "sink", "mapper", "matcher")


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    required=True,
    multiple=True,
    help="What the plugin is to be. Give it twice for a system that is read and written: source and sink.",
)
@click.option("--to", "folder", type=click.Path(path_type=Path), metavar="FOLDER", help="Where; wherry-NAME here.")
def new(name: str, kinds: Sequence[str], folder: Path | None) -> None:
    """Write a whole plugin, with a simulator and tests that are green at once. Needs no project.

    \b
    Examples:
      wherry plugin new field-book --kind source
      wherry plugin new field-book --kind source --kind sink
    """
    from wherry.authoring import making

    own = face()
    place = (own.folder or Path()) / (folder or f"wherry-{name}")
    wanted = [one for one in making.KINDS if one in kinds]
    written, kind = making.make(name, wanted, place), " and ".join(wanted)
    paths = [str(path.relative_to(place)) for path in written]
    data = {"plugin": name, "kind": kind, "kinds": wanted, "folder": str(place), "files": paths}
    own.print("wherry.plugin.new/1", data, lambda: _told(name, kind, place, paths),
              [f"cd {place} && pip install -e '.[testing]' && pytest", f"wherry plugin check {name}"])  # fmt: skip


def _told(name: str, kind: str, place: Path, paths: list[str]) -> Iterator[str]:
    yield f"{name}: a {kind} in {place}, {len(paths)} files"
    yield from (f"  {path}" for path in paths)
