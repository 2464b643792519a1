"""By which draft keys a thing of the catalogue is known, and who it can still be because of that."""

from __future__ import annotations

from collections.abc import Iterable

from wherry.records import Draft, Ref

_PENDING, _ID = "pending:", "id:"
SEVERAL = "several ids"


def pending_id(ref: Ref) -> str:
    """The id under which a create that was decided but not yet written stands in a catalogue."""
    return f"{_PENDING}{ref.entity}/{ref.key}"


def pending_ref(id: str) -> Ref | None:
    """The draft behind such an id; None for the id of a real target."""
    if not id.startswith(_PENDING):
        return None
    entity, _, key = id.removeprefix(_PENDING).partition("/")
    return Ref(entity, key)


def said(draft: Draft, field: str) -> str:
    """What a draft says in a field that it may be known by; only text counts."""
    value = draft.body.get(field)
    return value if isinstance(value, str) else ""


def is_id(key: str) -> bool:
    """Whether a draft key is the id of a record: two ids are two things."""
    return key.startswith(_ID)


def holder_of(target: str, keys: Iterable[str]) -> str:
    """The one id that a target is known by among these draft keys, and by its own where it is pending; empty: none.
    By several ids it is nobody else's."""
    holder, own = "", pending_ref(target)
    for key in (*keys, own.key) if own else keys:
        if is_id(key) and key != holder:
            holder = SEVERAL if holder else key
    return holder
