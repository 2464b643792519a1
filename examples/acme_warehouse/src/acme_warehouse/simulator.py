"""Acme Warehouse's offline stand-in: parts and shipments in memory behind the paths, paging and errors of its API."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from wherry.simulator import Call, Clock, Refusal, Reply, Routes, Stage, StandIn

_SAID = {401: "unknown key", 404: "not found", 429: "too many calls"}


def refused(status: int) -> Reply:
    """An error as the system words it."""
    return Reply(status, {"message": _SAID.get(status, "out of order")})


class AcmeSimulator(StandIn):
    """One account. ``keys`` None admits any bearer."""

    system = "acme-warehouse"

    def __init__(self, *, clock: Clock | None = None, keys: frozenset[str] | None = None) -> None:
        super().__init__(Stage(clock, refused))
        self._keys, self._numbers = keys, count(1001)
        self._held: dict[str, dict[str, dict[str, Any]]] = {"parts": {}, "shipments": {}}
        self._routes = Routes(
            [
                ("GET", "/api/v1/account", lambda call: Reply(200, {"id": "wh-17", "name": "Acme, Duluth"})),
                ("GET", "/api/v1/{kind}/batch", self._batch),
                ("GET", "/api/v1/{kind}", self._changes),
                ("POST", "/api/v1/{kind}", self._create),
                ("PATCH", "/api/v1/{kind}/{id}", self._change),
                ("DELETE", "/api/v1/{kind}/{id}", self._remove),
            ]
        )

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler is None:
            return refused(404)
        if call.bearer is None or (self._keys is not None and call.bearer not in self._keys):
            return refused(401)
        return handler(call)

    def _changes(self, call: Call) -> Reply:
        start, after = call.query.get("from", ""), _whole(call, "after", 0)
        limit = min(_whole(call, "limit", 100), 100)
        rows = sorted(self._things(call).values(), key=_place)
        wanted = [row for row in rows if row["changed"] >= start and (not after or _place(row) > (start, after))]
        return Reply(200, {"now": self._now(), "items": wanted[:limit], "more": len(wanted) > limit})

    def _batch(self, call: Call) -> Reply:
        asked = call.query.get("ids", "").split(",")
        return Reply(200, {"items": [self._things(call)[name] for name in asked if name in self._things(call)]})

    def _create(self, call: Call) -> Reply:
        body, things, name = _body(call), self._things(call), str(next(self._numbers))
        things[name] = {**body, "id": name, "changed": self._now()}
        self.stage.effect(f"{call.params['kind']} created", id=name)
        return Reply(201, things[name])

    def _change(self, call: Call) -> Reply:
        thing = self._thing(call)
        thing.update({**_body(call), "id": thing["id"], "changed": self._now()})
        self.stage.effect(f"{call.params['kind']} changed", id=thing["id"])
        return Reply(200, thing)

    def _remove(self, call: Call) -> Reply:
        gone = self._things(call).pop(self._thing(call)["id"])
        self.stage.effect(f"{call.params['kind']} removed", id=gone["id"])
        return Reply(204)

    def _things(self, call: Call) -> dict[str, dict[str, Any]]:
        if call.params["kind"] not in self._held:
            raise Refusal(refused(404))
        return self._held[call.params["kind"]]

    def _thing(self, call: Call) -> dict[str, Any]:
        thing = self._things(call).get(call.params["id"])
        if thing is None:
            raise Refusal(refused(404))
        return thing

    def _now(self) -> str:
        return self.stage.clock.date(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _whole(call: Call, name: str, usual: int) -> int:
    said = call.whole(name, usual)
    if said is None:
        raise Refusal(refused(400))
    return said


def _body(call: Call) -> dict[str, Any]:
    body = call.object()
    if body is None:
        raise Refusal(refused(400))
    return body


def _place(row: dict[str, Any]) -> tuple[str, int]:
    return row["changed"], int(row["id"])
