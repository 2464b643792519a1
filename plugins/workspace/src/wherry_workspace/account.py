"""Whose workspace this is: an id of its own, made once and kept as a document."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

from wherry.roles import Account, Documents

Opened = Callable[[], AbstractContextManager[Documents]]
"""Opens a transaction on the workspace's documents."""

_KIND, _ID = "workspace", "self"


def account(opened: Opened, title: str) -> Account:
    """The workspace's account: its id never changes, however the connection is called."""
    with opened() as documents:
        held = documents.get(_KIND, [_ID]).get(_ID)
        if held is None:
            held = {"id": uuid.uuid4().hex}
            documents.put(_KIND, [(_ID, held)])
        return Account(held["id"], title)
