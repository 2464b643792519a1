"""Finding a document by what people call it: its id, its number, code or SKU, its name."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

from wherry.roles import Documents

from wherry_workspace.bodies import Refusal
from wherry_workspace.kinds import KINDS, Kind


def folded(text: str) -> str:
    """Two spellings that a reader would take for one: case, spaces and unicode forms do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class Names:
    """Looks up references, reading each kind at most once."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._ids: dict[str, set[str]] = {}
        self._found: dict[str, dict[tuple[str, str], list[str]]] = {}

    def id_of(self, kind_name: str, text: str) -> str:
        """The id of the document meant by ``text``. Raises Refusal when there is none, or more than one."""
        kind, text = KINDS[kind_name], text.strip()
        if kind_name not in self._ids:
            self._read(kind)
        if text in self._ids[kind_name]:
            return text
        for key in _spellings(kind):
            ids = self._found[kind_name].get((key, folded(text)), ())
            if len(ids) == 1:
                return ids[0]
            if ids:
                raise Refusal(kind_name, f"{len(ids)} {kind.spelled}s have the {_said(key)} {text!r}: "
                                         f"{', '.join(ids[:3])}; give the id")  # fmt: skip
        raise Refusal(kind_name, f"there is no {kind.spelled} {text!r} in the workspace; import it first")

    def others(self, kind_name: str, text: str, id: str) -> list[tuple[str, str]]:
        """What else is called so: (what of it that is, such as ``number``, its id), the one of this id left out."""
        kind = KINDS[kind_name]
        if kind_name not in self._ids:
            self._read(kind)
        found = self._found[kind_name]
        return [(_said(key), other) for key in _spellings(kind) for other in found.get((key, folded(text)), ())
                if other != id]  # fmt: skip

    def _read(self, kind: Kind) -> None:
        ids, found = set(), defaultdict(list)
        for name, document in self._documents.each(kind.name):
            ids.add(name)
            for key in _spellings(kind):
                if value := document["fields"].get(key):
                    found[key, folded(str(value))].append(name)
        self._ids[kind.name], self._found[kind.name] = ids, found


def _spellings(kind: Kind) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*kind.keys, kind.title, *kind.also)))


def _said(key: str) -> str:
    return key.replace("_", " ")
