"""The benchmark's CRM: the fast stand-in of the shared bench folder, with the metadata a connector asks for added.

Run as a script: ``source.py PORT DEALS`` serves until it is ended. Counts every request: ``GET /__stats``.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("WHERRY_SHARED", ROOT.parent / "shared"))

_STAGE = {"label": "", "displayOrder": 0, "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z",
          "archived": False}  # fmt: skip


OWNERS = json.dumps({"results": [
    {"id": str(400_000 + n), "email": f"owner{n}@example.com", "firstName": "Owner", "lastName": str(n),
     "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z", "archived": False} for n in range(50)
]}).encode()  # fmt: skip
"""Whom the deals of the stand-in name."""


def load() -> Any:
    """The module ``fakecrm`` of the shared bench folder."""
    spec = importlib.util.spec_from_file_location("fakecrm", SHARED / "bench" / "fakecrm.py")
    assert spec is not None
    assert spec.loader is not None, "needs the shared bench folder"
    module = importlib.util.module_from_spec(spec)
    sys.modules["fakecrm"] = module
    spec.loader.exec_module(module)
    return module


def stage(name: str) -> dict[str, Any]:
    won = {"isClosed": "true", "probability": "1.0"}
    return {
        **_STAGE,
        "id": name,
        "label": name,
        "metadata": won if name == "closedwon" else {"isClosed": "false", "probability": "0.2"},
    }


def with_metadata(fakecrm: Any) -> type[Any]:
    """The stand-in's application, able to say whose account it is, and which pipelines and fields it has."""

    class App(fakecrm.App):  # type: ignore[misc, name-defined]
        def dispatch(self, method: str, parts: list[str], query: str, body: bytes) -> tuple[int, bytes]:
            path = "/".join(parts)
            if path.startswith("account-info"):
                return (
                    200,
                    b'{"portalId":1,"accountType":"STANDARD","timeZone":"UTC","companyCurrency":"USD","uiDomain":"x","dataHostingLocation":"na1","additionalCurrencies":[],"utcOffset":"","utcOffsetMilliseconds":0}',
                )
            if "/pipelines/" in path:
                pipeline = {**_STAGE, "id": "default", "label": "Sales", "stages": [stage(s) for s in fakecrm.STAGES]}
                return 200, json.dumps({"results": [pipeline]}).encode()
            if "/properties/" in path:
                names = json.loads(self.tables["deals"].rec[0] + b"}")["properties"]
                fields = [
                    {
                        "name": n,
                        "label": n,
                        "type": "string",
                        "groupName": "x",
                        "fieldType": "text",
                        "description": "",
                        "options": [],
                    }
                    for n in names
                ]
                return 200, json.dumps({"results": fields}).encode()
            if "/owners" in path:
                return 200, OWNERS
            if parts[-2:] == ["batch", "read"] and "archived" in query:
                return 200, b'{"status":"COMPLETE","results":[]}'
            answer: tuple[int, bytes] = super().dispatch(method, parts, query, body)
            return answer

    return App


def main() -> None:
    port, deals = int(sys.argv[1]), int(sys.argv[2])
    fakecrm = load()
    args = SimpleNamespace(deals=deals, seed=7, latency_ms=0.0, rate=None, search_rate=None, rate_mode="rolling",
                           retry_after="exact", fault_every=0, drop_every=0)  # fmt: skip
    application = with_metadata(fakecrm)(args)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: fakecrm.Proto(application, loop), "127.0.0.1", port)
        print("ready", flush=True)
        async with server:
            await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
