"""The shell round a stand-in: reads the request, applies faults, keeps the history, answers the controls."""

import contextlib
import dataclasses
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from .call import Call, Handler, Refusal, Reply, read_call
from .clock import Clock
from .faults import Fault, Faults
from .history import Entry, History
from .sending import send_faulty, send_reply

Control = Callable[[Any], Any]
Answer = Callable[[Call], Reply]
Dress = Callable[[int], Reply]

PREFIX = "/__sim/"


def plain(status: int) -> Reply:
    """The error answer of a stand-in that dresses none."""
    return Reply(status, {"error": status})


class Stage:
    """Clock, faults and history of one stand-in; `app(answer)` turns a function into an ASGI application.

    `dress` words an error answer as the vendor would. `controls` adds to ``/__sim``: each takes the JSON
    body of a POST (None for a GET) and returns what is answered as JSON; `acts` names those that do something without
    a body, and so are for POST alone. `lock` is held while a request is
    answered: whoever reads or changes the state from another thread takes it too.
    """

    def __init__(
        self, clock: Clock | None = None, dress: Dress = plain, controls: Mapping[str, Control] | None = None,
        acts: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.clock = clock or Clock()
        self.faults = Faults()
        self.history = History()
        self.lock = threading.RLock()
        self._dress = dress
        self._held: list[Call] = []
        self._acts = {"reset-stats", "release", *acts}
        self._answer: Answer = lambda call: plain(404)
        self._controls: dict[str, Control] = {
            "stats": lambda _: self.history.stats(),
            "history": lambda _: [e.as_dict() for e in self.history.entries],
            "reset-stats": lambda _: self.history.reset_stats(),
            "faults": self._script,
            "clock": self._move,
            "release": lambda _: self.release(),
            **(controls or {}),
        }

    def app(self, answer: Answer) -> ASGIApp:
        """The ASGI application that answers with `answer`."""
        self._answer = answer

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                with contextlib.suppress(ClientDisconnect):  # who asked is gone before all was said: nothing was asked
                    await self._serve(await read_call(Request(scope, receive)), send)

        return application

    def effect(self, what: str, **detail: Any) -> None:
        """Note a change of state in the history."""
        self.history.append(Entry("effect", self.clock.now(), what, detail=detail))

    def release(self) -> int:
        """Let the requests held by ``late`` faults take effect; how many there were."""
        held, self._held = self._held, []
        for call in held:
            self.reply(call)
        return len(held)

    def dressed(self, status: int) -> Reply:
        """An error answer of that status, as the vendor would word it."""
        return self._dress(status)

    def reply(self, call: Call) -> Reply:
        """Answer one call, with no fault applied and nothing noted."""
        with self.lock:
            try:
                return self._answer(call)
            except Refusal as refusal:
                return refusal.reply

    async def _serve(self, call: Call, send: Send) -> None:
        if call.path.startswith(PREFIX):
            await send_reply(send, self._control(call), self.clock.header())
            return
        fault = self.faults.take(call.method, call.path)
        reply = self._faulty(call, fault) if fault else self.reply(call)
        self._note(call, reply, fault)
        if fault:
            await send_faulty(send, reply, fault, self.clock.header())
        else:
            await send_reply(send, reply, self.clock.header())

    def _faulty(self, call: Call, fault: Fault) -> Reply:
        """What state the fault leaves behind, and what it would answer."""
        true = self.reply(call) if fault.takes_effect else None
        if fault.kind == "late":
            self._held.append(call)
        if fault.kind in ("status", "expired"):
            status = 401 if fault.kind == "expired" else fault.status
            dressed = self.dressed(status) if fault.body is None else Reply(status, fault.body)
            return dataclasses.replace(dressed, headers={**dressed.headers, **fault.headers})
        return true or Reply(200, None, dict(fault.headers))

    def _note(self, call: Call, reply: Reply, fault: Fault | None) -> None:
        route = call.route or f"{call.method} {call.path}"
        authorized = "authorization" in call.headers
        detail = {"query": str(call.query)} if call.query else {}
        kind = fault.kind if fault else ""
        at = self.clock.now()
        self.history.append(Entry("request", at, route, call.path, reply.status, kind, authorized, detail))

    def _control(self, call: Call) -> Reply:
        name = call.path.removeprefix(PREFIX)
        control = self._controls.get(name)
        if control is None:
            return Reply(404, {"error": "no such control", "known": sorted(self._controls)})
        if name in self._acts and call.method != "POST":
            return Reply(405, {"error": f"{name} does something: it takes a POST"}, {"allow": "POST"})
        try:
            with self.lock:
                return Reply(200, control(call.json(exact=False) if call.body else None))
        except (ValueError, TypeError, KeyError) as wrong:
            return Reply(400, {"error": str(wrong)})

    def _script(self, body: Any) -> dict[str, int]:
        """One fault or a list of them; GET shows how many wait, an empty list forgets them."""
        if body == []:
            self.faults.clear()
        for item in body if isinstance(body, list) else [body] if body else []:
            self.faults.put(Fault.of(item))
        return {"waiting": len(self.faults)}

    def _move(self, body: Any) -> dict[str, float]:
        """``{"advance": seconds}`` or ``{"at": ISO moment}``; GET tells the time."""
        asked = body or {}
        if "at" in asked:
            self.clock.set(asked["at"])
        self.clock.advance(float(asked.get("advance", 0)))
        return {"now": self.clock.now()}


class StandIn(ABC):
    """What every stand-in is: a `system`, a stage, and an answer to each call, which the subclass gives.

    Override `app` where more than calls is to begin with it.
    """

    system: str
    """The name of the plugin, as in ``wherry simulate NAME``."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def clock(self) -> Clock:
        """Its time."""
        return self.stage.clock

    @property
    def faults(self) -> Faults:
        """Faults to come."""
        return self.stage.faults

    @property
    def history(self) -> History:
        """Requests and effects so far."""
        return self.stage.history

    def app(self) -> ASGIApp:
        """The ASGI application."""
        return self.stage.app(self.answer)

    @abstractmethod
    def answer(self, call: Call) -> Reply:
        """Answers one call, or raises `Refusal`; the stage sees to faults, history and controls."""


__all__ = ["Handler", "Stage", "StandIn", "plain"]
