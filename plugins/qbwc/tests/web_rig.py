"""A project with a connection of QuickBooks Desktop behind the real host, and the script of what its sessions do."""

from __future__ import annotations

import contextlib
import copy
import functools
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import zeep
import zeep.helpers
from wherry.hub import Hub
from wherry.roles import Connection
from wherry.testing.clock import FakeClock
from wherry.web import host
from wherry.web.app import App, Site
from wherry.web.server import Listening, WebServer, listen
from wherry_qbwc import passwords
from wherry_qbwc.endpoint import Endpoint, routes
from wherry_qbwc.sessions import Sessions
from zeep.transports import Transport

NAME, OTHER = "desktop", "second"
TNS = "http://developer.intuit.com/"
PROJECT = f"""
version = 1
[project]
name = "acme"
currency = "USD"
[plugins]
enabled = ["qbwc"]
[connections.{NAME}]
plugin = "qbwc"
[connections.{OTHER}]
plugin = "qbwc"
"""


class Script:
    """A session's work as a test wrote it. Implements ``Work``; keeps what it was told."""

    def __init__(self, *requests: str, problem: str = "") -> None:
        self.requests, self.left, self.problem = requests, list(requests), problem
        self.answers, self.first, self.files, self.closed = [], "", [], 0  # type: ignore[var-annotated]
        self.errors: list[str] = []
        self.wait: threading.Event | None = None
        self.entered = threading.Event()
        self.fail: Exception | None = None

    def next(self, hcp: str, company_file: str, country: str, major: int, minor: int) -> str:
        self.entered.set()
        if self.wait is not None:
            self.wait.wait(10)
        if self.fail is not None:
            raise self.fail
        self.first = self.first or f"{hcp}|{country}|{major}.{minor}"
        self.files.append(company_file)
        return "" if self.problem or not self.left else self.left.pop(0)

    def heard(self, response: str, hresult: str, message: str) -> int:
        if self.fail is not None:
            raise self.fail
        self.answers.append((response, hresult, message))
        if hresult:
            self.problem = f"QuickBooks said {hresult}"
            return -1
        return 100 * len(self.answers) // max(len(self.requests), 1)

    def broken(self, hresult: str, message: str) -> None:
        self.errors.append(f"{hresult} {message}")

    def close(self) -> str:
        self.closed += 1
        if self.wait is not None:
            self.wait.set()
        return f"{len(self.answers)} sent"


class Desk:
    """What begins: the next script for whoever comes, and who came."""

    def __init__(self) -> None:
        self.scripts: list[Script] = []
        self.begun: list[str] = []
        self.company_file = ""

    def begin(self, connection: Connection) -> Script:
        self.begun.append(connection.name)
        return self.scripts.pop(0) if self.scripts else Script()


class Served:
    """The host at work."""

    def __init__(self, hub: Hub, url: str, desk: Desk, endpoint: Endpoint, clock: FakeClock) -> None:
        self.hub, self.url, self.desk, self.endpoint, self.clock = hub, url, desk, endpoint, clock
        self.host = host.PluginHost(hub, "qbwc")
        self.services = hub.wiring.services(self.host.connections[NAME])
        self.address = f"{url}/hooks/qbwc/{NAME}"
        self.http = httpx.Client(timeout=30)
        self.user, self.password = self.set_up(NAME)

    def set_up(self, name: str) -> tuple[str, str]:
        access, password = passwords.rotated(passwords.new(name), "2026-01-01T00:00:00.000Z")
        with self.hub.store.documents("qbwc") as documents:
            passwords.save(documents, name, access)
        return access.user, password

    def restart(self) -> None:
        """The process ends and another begins: its store alone is left."""
        self.endpoint.sessions = Sessions(self.host, self.services)

    def script(self, *requests: str, problem: str = "") -> Script:
        script = Script(*requests, problem=problem)
        self.desk.scripts.append(script)
        return script

    def connector(self, wsdl: Path | str, port: str = "Soap", name: str = NAME) -> Connector:
        return Connector(wsdl, f"{self.url}/hooks/qbwc/{name}", port, self.user, self.password)

    def post(self, body: bytes | str, operation: str = "serverVersion", **headers: str) -> httpx.Response:
        said = {"content-type": "text/xml; charset=utf-8", "soapaction": f'"{TNS}{operation}"'}
        said |= {key.replace("_", "-"): value for key, value in headers.items()}
        content = body.encode() if isinstance(body, str) else body
        return self.http.post(self.address, content=content, headers={k: v for k, v in said.items() if v != "-"})


class Kept(Transport):
    """zeep's transport, that keeps every answer as it came."""

    def __init__(self) -> None:
        super().__init__(timeout=20, operation_timeout=20)
        self.answers: list[bytes] = []

    def post(self, address: str, message: str, headers: dict[str, str]) -> object:
        answer = super().post(address, message, headers)
        self.answers.append(answer.content)
        return answer


@functools.lru_cache(8)
def _client(wsdl: str) -> zeep.Client:
    return zeep.Client(wsdl)


class Connector:
    """zeep in the Web Connector's place. ``ask`` gives plain values; empty texts come as None."""

    def __init__(self, wsdl: Path | str, address: str, port: str, user: str, password: str) -> None:
        self.transport = Kept()
        client = copy.copy(_client(str(wsdl)))
        client.transport = self.transport
        binding = next(name for name in client.wsdl.bindings if name.rpartition("}")[2].endswith(port))
        self.service = client.create_service(binding, address)
        self.user, self.password, self.ticket = user, password, ""

    def ask(self, operation: str, *given: object) -> object:
        return zeep.helpers.serialize_object(getattr(self.service, operation)(*given))

    def sign_in(self, password: str = "") -> list[str]:
        told = [one or "" for one in self.ask("authenticate", self.user, password or self.password)]  # type: ignore[attr-defined]
        self.ticket = told[0]
        return told

    def send(self, hcp: str = "", file: str = r"C:\books\acme.qbw") -> str:
        return str(self.ask("sendRequestXML", self.ticket, hcp, file, "US", 16, 0) or "")

    def receive(self, response: str = "", hresult: str = "", message: str = "") -> int:
        return int(self.ask("receiveResponseXML", self.ticket, response, hresult, message))  # type: ignore[call-overload]

    def error(self) -> str:
        return str(self.ask("getLastError", self.ticket))

    def close(self) -> str:
        return str(self.ask("closeConnection", self.ticket))


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[Served]:
    (folder / "wherry.toml").write_text(PROJECT, "utf-8")
    clock, desk = FakeClock(), Desk()
    with Hub.open(folder, environ={}, clock=clock) as hub:
        own = host.PluginHost(hub, "qbwc")
        services = hub.wiring.services(next(iter(own.connections.values())))
        mounted = routes(services, own, desk.begin, lambda connection: desk.company_file)
        endpoint: Endpoint = mounted[0].handle.__self__  # type: ignore[attr-defined]
        table = host.Routes(tuple(host.Mounted("qbwc", one) for one in mounted), ())
        assert not [why for one in mounted if (why := host.unfit(one, "qbwc", []))]
        where = Listening(port=0)
        app = App(hub, table, Site(names=where.admitted()))
        with listen(where) as listener:
            server = WebServer(app, where)
            thread = threading.Thread(target=server.serve_on, args=(listener,), daemon=True)
            thread.start()
            served = Served(hub, f"http://localhost:{listener.getsockname()[1]}", desk, endpoint, clock)
            try:
                yield served
            finally:
                served.http.close()
                server.stop()
                thread.join()


def wrapped(operation: str, *parameters: tuple[str, str], version: str = "1.1") -> str:
    """A call written by hand, text by text."""
    space = {
        "1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope",
    }[version]  # fmt: skip
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in parameters)
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{space}"><s:Body>'
        f'<{operation} xmlns="{TNS}">{inside}</{operation}></s:Body></s:Envelope>'
    )
