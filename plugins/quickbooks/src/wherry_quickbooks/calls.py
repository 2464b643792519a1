"""From items to calls: one request for one item, or a batch.

Facts: ``requestid`` has 50 characters at most, 36 where it names a batch, whose items have 10; a batch holds 30 items
at most (Intuit's pages on batches and limits). An item's own call is known by its stamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from wherry.records import Call, Item

from .books import Books
from .client import Client, Obj
from .documents import LISTED, Operation, operation
from .memo import read
from .names import digest, mark_of

BATCH_KEY, ITEM_KEY = 36, 10
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_encoder = msgspec.json.Encoder(decimal_format="number")


def encoded(items: Sequence[Item], books: Books, client: Client, batch: int) -> list[Call]:
    """The calls that carry the items. Raises Rejected for the first that cannot be said in QuickBooks' words."""
    return [
        _single(group[0], client) if len(group) == 1 else _batched(group, client)
        for group in _groups([operation(item, books) for item in items], batch)
    ]


def _groups(operations: Sequence[Operation], batch: int) -> Iterator[list[Operation]]:
    """Voids go one by one: Intuit documents them for single calls. So does what a memo says something of."""
    shared = [one for one in operations if one.verb != "void" and not read(one.item.memo)]
    for start in range(0, len(shared), batch):
        yield shared[start : start + batch]
    yield from ([one] for one in operations if one not in shared)


def _single(one: Operation, client: Client) -> Call:
    params = {**client.params, "requestid": request_id(one.item)}
    if one.verb == "void":
        params["operation"] = "void"
    elif read(one.item.memo).taken and one.item.entity not in LISTED:
        # A look has shown that no other document of the kind that still books has the number, or a person said so.
        params["include"] = "allowduplicatedocnum"
    path = client.path(one.kind.name.lower())
    return Call(
        method="POST", path=path, items=(one.item.stamp,), params=params, headers=HEADERS, body=_bytes(one.body)
    )


def _batched(group: Sequence[Operation], client: Client) -> Call:
    keys = bids([one.item.stamp for one in group])
    parts = [{"bId": key, "operation": one.verb, one.kind.name: one.body} for key, one in zip(keys, group, strict=True)]
    return Call(
        method="POST", path=client.path("batch"), items=tuple(one.item.stamp for one in group),
        params={**client.params, "requestid": digest("|".join(request_id(one.item) for one in group), BATCH_KEY)},
        headers=HEADERS, body=_bytes({"BatchItemRequest": parts}), lane="batch",
    )  # fmt: skip


def bids(stamps: Sequence[str]) -> list[str]:
    """What each item of a batch is known by in it: the first characters of its stamp."""
    short = [stamp[:ITEM_KEY] for stamp in stamps]
    return short if len(set(short)) == len(short) else list(stamps)


def request_id(item: Item) -> str:
    """What a repeated call is known by: the stamp, and the mark of a name that is taken, since the body has it too."""
    return f"{item.stamp}-{mark_of(item.stamp)}" if read(item.memo).taken else item.stamp


def _bytes(body: Obj) -> bytes:
    """JSON whose numbers are the Decimals' own digits."""
    return _encoder.encode(body)
