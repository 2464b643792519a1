"""The line between the killed runs of ``kills.py`` and the stand-in: it takes its time, and much goes wrong on it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from wherry_quickbooks.simulator import QuickBooksSimulator

DOCUMENTS = ("Invoice", "CreditMemo")
KINDS = (*DOCUMENTS, "Customer", "Item")
TROUBLED = 0.12
"""Share of the calls that end badly."""
TROUBLES: tuple[dict[str, Any], ...] = (
    {"kind": "lost"}, {"kind": "lost"}, {"kind": "late"}, {"kind": "late"}, {"kind": "dropped"}, {"kind": "truncated"},
    {"kind": "status", "status": 500}, {"kind": "status", "status": 500, "committed": True},
    {"kind": "status", "status": 503}, {"kind": "status", "status": 429, "headers": {"retry-after": "1"}},
    {"kind": "expired"}, {"kind": "html", "committed": True}, {"kind": "empty"},
)  # fmt: skip
SLOW = (0.05, 0.3)
"""Seconds that a call and its answer are on their way together."""


class Line:
    """What lies between us and the stand-in: it takes its time, and now and then something goes wrong on it."""

    def __init__(self, books: QuickBooksSimulator, dice: random.Random) -> None:
        self._books, self._app, self._dice = books, books.app(), dice
        self.flying: dict[int, int] = {}
        """Call → how many documents it carries."""
        self.told: Callable[[str], object] = lambda place: None
        """Told when a call with documents was seen (``asked``), and when it was carried out (``done``)."""
        self.calls = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        self.calls += 1
        number, documents = self.calls, carried(str(scope["path"]), body)
        if documents:
            self.flying[number] = documents
        try:
            await self._pass_on(scope, body, send, bool(documents))
        finally:
            self.flying.pop(number, None)

    async def _pass_on(self, scope: Scope, body: bytes, send: Send, carries: bool) -> None:
        there = self._dice.uniform(*SLOW)
        back = there * self._dice.random()
        if carries:
            self.told("asked")
        await asyncio.sleep(there - back)
        self._books.stage.release() if self._dice.random() < TROUBLED else None
        if self._dice.random() < TROUBLED and scope["method"] == "POST" and "/company/" in scope["path"]:
            self._books.faults.add(path="/company/", **self._dice.choice(TROUBLES))
        await self._app(scope, _once(body), _Slow(send, back, lambda: carries and self.told("done")).send)


class _Slow:
    """An answer that takes its time. Has what the stand-in looks for in the server's own, to cut a connection."""

    def __init__(self, send: Send, seconds: float, before: Callable[[], object]) -> None:
        self._send, self._seconds, self._before = send, seconds, before
        self._server: Any = getattr(send, "__self__", None)
        self._begun = False

    @property
    def transport(self) -> Any:
        return getattr(self._server, "transport", None)

    @property
    def disconnected(self) -> bool:
        return bool(getattr(self._server, "disconnected", False))

    async def send(self, message: Message) -> None:
        if not self._begun:
            self._begun = True
            self._before()
            await asyncio.sleep(self._seconds)
        await self._send(message)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def carried(path: str, body: bytes) -> int:
    """How many documents, customers and items a call would write."""
    with contextlib.suppress(ValueError, AttributeError):
        if path.endswith("/batch"):
            return sum(kind in item for item in json.loads(body)["BatchItemRequest"] for kind in KINDS)
        return int(path.rpartition("/")[2] in {kind.lower() for kind in KINDS})
    return 0
