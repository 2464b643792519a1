"""The key that an entry has in the ledger: ``wallet-journals|2026-W05a|hot|2026-W05a/USD///1``."""

from __future__ import annotations

from typing import NamedTuple

SEPARATOR = "|"
"""Between its parts. No name of a flow has it, and none of a partition in the subledger."""


class Parts(NamedTuple):
    """What a key says. ``own`` is the entry's key among those of its flow, bucket and partition."""

    flow: str
    bucket: str = ""
    partition: str = ""
    own: str = ""


def parts(key: str) -> Parts:
    """What a key says; what it lacks is empty."""
    return Parts(*key.split(SEPARATOR, 3))


def joined(said: Parts) -> str:
    """The key."""
    return SEPARATOR.join(said)


def spelled(key: str) -> str:
    """A key as people are told of an entry that has no number."""
    return key.replace(SEPARATOR, " ")
