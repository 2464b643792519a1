"""Serving a stand-in: in a thread for tests and demonstrations, in the foreground for the command line."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp, Send

STOP_WITHIN = 1


class _Served(uvicorn.Server):
    """A server that stops when it is told to. Uvicorn's own looks every tenth of a second and then waits another:
    nothing beside one server, a minute beside the hundreds that a test suite starts."""

    def start(self, listener: socket.socket) -> threading.Thread:
        """Run in a thread, which is given back once calls are answered."""
        self._up = threading.Event()
        thread = threading.Thread(target=self._work, args=(listener,), daemon=True, name="simulator")
        thread.start()
        self._up.wait()
        if not self.started:
            raise RuntimeError("the simulator did not start")
        return thread

    def _work(self, listener: socket.socket) -> None:
        try:
            self.run([listener])
        finally:
            self._up.set()

    def stop(self) -> None:
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self._up.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for task in list(self.server_state.tasks):
            task.cancel()


@contextmanager
def serve(app: ASGIApp, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """Run `app` in a thread and yield its base URL; port 0 takes a free one."""
    with _listener(host, port) as listener:
        server = _Served(_config(app))
        thread = server.start(listener)
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.stop()
            thread.join()


def run(app: ASGIApp, host: str = "127.0.0.1", port: int = 8701) -> None:
    """Run `app` in the foreground until it is told to stop."""
    with _listener(host, port) as listener:
        uvicorn.Server(_config(app)).run([listener])


class _Usual(threading.local):
    """Where a thread's simulators listened the last time."""

    ports: list[int] | None = None
    begun = 0


_usual = _Usual()


@contextmanager
def usual_ports(ports: list[int]) -> Iterator[None]:
    """Within it, what this thread serves on a free port listens where it did the last time, as long as nobody else took
    that port meanwhile. The caller keeps ``ports``, which is empty the first time."""
    _usual.ports, _usual.begun = ports, 0
    try:
        yield
    finally:
        _usual.ports = None


def _free_port(host: str) -> socket.socket:
    if _usual.ports is None:
        return socket.create_server((host, 0))
    ports, number = _usual.ports, _usual.begun
    _usual.begun += 1
    with contextlib.suppress(OSError):
        if number < len(ports):
            return socket.create_server((host, ports[number]))
    made = socket.create_server((host, 0))
    ports[number:] = [made.getsockname()[1]]
    return made


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port)) if port else _free_port(host)
    # Head and body of an answer go out apart; without this the second waits 40 ms for the caller's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _config(app: ASGIApp) -> uvicorn.Config:
    # h11 alone lets `cut` reach the connection; a stand-in needs the same behaviour everywhere. The stage tells the
    # time of its own clock.
    return uvicorn.Config(
        app,
        loop="asyncio",  # "auto" looks through the whole path for another one, at each start
        http="h11",
        ws="none",
        lifespan="off",
        log_level="error",
        date_header=False,
        timeout_graceful_shutdown=STOP_WITHIN,
    )


def gone(send: Send) -> bool:
    """Whether the caller hung up: the server swallows what is sent to nobody, so an endless body must ask."""
    return bool(getattr(getattr(send, "__self__", None), "disconnected", False))


async def cut(send: Send) -> None:
    """Cut the connection a reply would go out on; without a connection (called in process) raise instead."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("cut by a scripted fault")
    transport.abort()
    await asyncio.sleep(0)  # lets the server note the loss, or it would answer 500 into a dead connection
