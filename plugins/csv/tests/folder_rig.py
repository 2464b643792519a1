"""A folder under the kill sweep: what is judged are the files that lie in it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.simulator import Clock
from wherry.testing.rigs import Effect, Names, Rig, Stand

CONNECTION = 'plugin = "csv"\nfolder = "${{BOOKS_FOLDER}}"\nper_file = {}\n'
WHAT = {"create": "created", "update": "updated", "void": "voided"}


@contextmanager
def stand(clock: Clock) -> Iterator[Stand]:
    """An empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        yield Stand(
            environ={"BOOKS_FOLDER": folder},
            effects=lambda names: effects(Path(folder), names),
            edit=lambda number, really: edited(Path(folder), number),
        )


def effects(folder: Path, names: Names) -> list[Effect]:
    """Every thing of every file, in the order in which the files were written."""
    found = []
    for path in sorted(folder.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns):
        entity = path.name.partition("-")[0]
        with path.open(encoding="utf-8-sig", newline="") as stream:
            found += [
                _effect(entity, row, names) for row in csv.DictReader(stream) if row.get("line", "1") in ("", "1")
            ]
    return found


def _effect(entity: str, row: dict[str, str], names: Names) -> Effect:
    thing = names.get(f"{entity} {row.get('number') if entity == 'invoice' else row['name']}", f"{entity} {row['id']}")
    what = WHAT[row["action"]]
    return Effect(thing, what, row["id"], "" if what == "voided" else row.get("total", ""), row.get("date", ""))


def edited(folder: Path, number: str) -> None:
    """Somebody fetches the newest file of an invoice."""
    paths = sorted(folder.glob(f"invoice-{number}-*.csv"), key=lambda path: path.stat().st_mtime_ns)
    paths[-1].rename(folder / f"fetched-{paths[-1].name}.done")


def rigs() -> list[Rig]:
    return [
        Rig(
            name="csv" if per_file == 1 else f"csv-{per_file}",
            plugins=("csv",),
            modules=("wherry_csv.plugin", "wherry_csv.sink"),
            connection=CONNECTION.format(per_file),
            stand=stand,
            asks=True,
            resends=True,
            batch=per_file,
        )
        for per_file in (1, 3)
    ]
