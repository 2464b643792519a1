"""Key → the place of what has it, or the places where several have it: nearly all have a key to themselves, and a list
for each would take twice the memory."""

from __future__ import annotations

Index = dict[str, int | list[int]]


def enter(index: Index, key: str, place: int) -> None:
    held = index.setdefault(key, place)
    if isinstance(held, list):
        held.append(place)
    elif held != place:
        index[key] = [held, place]


def places(index: Index, key: str) -> list[int]:
    held = index.get(key, [])
    return held if isinstance(held, list) else [held]
