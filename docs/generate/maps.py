"""The page of default maps: what a plugin says of the drafts that its records make."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

INTRO = """
# Default maps

What a plugin gives in `Manifest.maps`: record kind → entity → map. `wherry plugin new` writes a flat one to begin with;
operators [change its lines](../how-to/write-a-field-map.md). What the calls mean: [transforms](transforms.md).
What a target field is called: [entities](entities.md).

**A name reaches one level**: `deal.dealname` is a field of the record, `company.name` one of its relatives'. What a
system nests in a record, such as a client or lines, its source hands over flat (`client_name`), or as relatives:
`complete` puts them into `record.relatives` without another call, and a map names each with `from` or `each`.
"""


def page() -> str:
    """The whole page: the module's own words follow the introduction."""
    from wherry import mapping

    _, _, told = inspect.cleandoc(mapping.__doc__ or "").partition("\n\n")
    return "\n".join([INTRO.strip(), "", *_fenced(told.splitlines())])


def _fenced(lines: list[str]) -> Iterator[str]:
    """What is indented below a line that ends with ``::`` is code."""
    inside = False
    for line in lines:
        indented = line.startswith("    ") or (inside and not line)
        if inside and not indented:
            yield from ("```", "")
            inside = False
        if line.endswith("::"):
            yield line.removesuffix(":").replace("``", "`")
            continue
        if line.startswith("    ") and not inside:
            yield "```text"
            inside = True
        if not (inside and not line):
            yield line.removeprefix("    ") if inside else line.replace("``", "`")
    if inside:
        yield "```"
