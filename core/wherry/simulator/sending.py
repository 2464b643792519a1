"""Putting a reply on the wire: whole, or as broken as a fault wants it. `date` is the stand-in's time as a header."""

import asyncio

from starlette.types import Send

from .call import Reply
from .faults import Fault
from .server import cut, gone

PAGE = "<!doctype html><title>Sorry</title><p>Something went wrong on the way here."


async def send_reply(send: Send, reply: Reply, date: str) -> None:
    """Send a reply whole."""
    body, headers = reply.encoded()
    await _start(send, reply.status, {"date": date, **headers}, len(body))
    await _chunk(send, body, more=False)


async def send_faulty(send: Send, reply: Reply, fault: Fault, date: str) -> None:
    """Send a reply as the fault has it."""
    if fault.kind in ("dropped", "lost", "late"):
        await cut(send)
    elif fault.kind == "truncated":
        await _truncated(send, reply, date)
    elif fault.kind in ("drip", "endless"):
        await _slow(send, reply, fault, date)
    else:
        await asyncio.sleep(fault.seconds)
        await send_reply(send, _changed(reply, fault), date)


def _changed(reply: Reply, fault: Fault) -> Reply:
    if fault.kind == "html":
        return Reply(200, PAGE, fault.headers)
    if fault.kind == "empty":
        return Reply(200, None, fault.headers)
    if fault.kind == "header":
        return Reply(200, {}, {"x-padding": "x" * fault.size})
    return reply


async def _truncated(send: Send, reply: Reply, date: str) -> None:
    body, headers = reply.encoded()
    if reply.status in (204, 304):  # what has no body can only be cut off before it
        await cut(send)
        return
    await _start(send, reply.status, {"date": date, **headers}, max(1, len(body)))
    await _chunk(send, body[: len(body) // 2], more=True)
    await asyncio.sleep(0)
    await cut(send)


async def _slow(send: Send, reply: Reply, fault: Fault, date: str) -> None:
    body, headers = reply.encoded()
    endless = fault.kind == "endless"
    await _start(send, reply.status, {"date": date, **headers}, None if endless else len(body))
    sent = 0
    # Endless ends at `size`, so that a caller without a cap fails its test and spares the machine.
    while sent < (fault.size if endless else len(body)) and not gone(send):
        part = b" " * 1024 if endless else body[sent : sent + 1]
        await _chunk(send, part, more=True)
        sent += len(part)
        await asyncio.sleep(fault.seconds)
    await _chunk(send, b"", more=False)


async def _start(send: Send, status: int, headers: dict[str, str], length: int | None) -> None:
    pairs = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
    if length is not None and status not in (204, 304):
        pairs.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _chunk(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
