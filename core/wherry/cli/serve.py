"""``wherry serve`` and ``wherry notification``: the web host."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry import clock
from wherry.cli.drawing import ago, table
from wherry.cli.options import face, listing, more
from wherry.errors import ConfigError
from wherry.web import host, notifications

if TYPE_CHECKING:
    from wherry.cli.context import Face
    from wherry.web.server import Listening, WebServer


@click.command()
@click.option("--host", "address", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8710, show_default=True,
              help="The port; 0 takes a free one.")  # fmt: skip
@click.option("--name", "names", multiple=True, metavar="NAME",
              help="A name that callers reach it by; may be repeated.")  # fmt: skip
@click.option("--behind-tls", is_flag=True, help="A proxy with TLS stands before it, and nothing else reaches it.")
@click.option("--proxy", "proxies", multiple=True, metavar="ADDRESS",
              help="With --behind-tls: the proxy's address, if it is on another machine; may be repeated.")  # fmt: skip
@click.option("--tls-cert", type=click.Path(dir_okay=False, path_type=Path), help="Certificate chain, PEM.")
@click.option("--tls-key", type=click.Path(dir_okay=False, path_type=Path), help="Its private key, PEM.")
@click.option("--log-json", is_flag=True, help="Log lines as JSON.")
@click.option("--routes", "only_routes", is_flag=True, help="Tell every route and who may call it, and exit.")
def serve(
    address: str, port: int, names: tuple[str, ...], behind_tls: bool, proxies: tuple[str, ...],
    tls_cert: Path | None, tls_key: Path | None, log_json: bool, only_routes: bool,
) -> None:  # fmt: skip
    """Serve the project's routes (APIs and webhooks of its plugins, /health, /ready) until Ctrl-C or SIGTERM.

    \b
    Examples:
      wherry serve
      wherry serve --behind-tls --name hub.example.com
      wherry serve --host 0.0.0.0 --tls-cert hub.pem --tls-key hub.key --name hub.example.com
    """
    own = face()
    if only_routes:
        _tell_routes(own)
        return
    _needs_extra()
    from wherry.web.server import Listening

    more = {"proxies": proxies} if proxies else {}
    listening = Listening(host=address, port=port, names=names, behind_tls=behind_tls, certificate=tls_cert,
                          key=tls_key, **more)  # fmt: skip
    _serve(own, listening, log_json)


def _serve(own: Face, listening: Listening, log_json: bool) -> None:
    from wherry.logs import configure_logging
    from wherry.web.app import App, Site
    from wherry.web.server import WebServer, check, listen, on_signals

    check(listening)
    hub = own.hub
    configure_logging("debug" if own.debug else "warning" if own.quiet else "info", json=log_json)
    routes = host.collect(hub)
    site = Site(names=listening.admitted(), tls=listening.tls)
    with listen(listening) as listener:
        server = WebServer(App(hub, routes, site), listening)
        on_signals(lambda: _stop(server))
        scheme, port = "https" if listening.certificate else "http", listener.getsockname()[1]
        url = f"{scheme}://{f'[{listening.host}]' if ':' in listening.host else listening.host}:{port}"
        data = {"url": url, "routes": _rows(routes), "left_out": list(routes.left_out)}
        own.print("wherry.serve/1", data, lambda: _started(url, routes))
        sys.stdout.flush()
        server.serve_on(listener)
    own.note("stopped")


def _stop(server: WebServer) -> None:
    server.stop()
    clock.stop()  # no caller waits for what its vendor has put off


def _needs_extra() -> None:
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the web host needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            fix="pip install 'wherry[serve]'", code="WHERRY-2168",
        )  # fmt: skip


def _started(url: str, routes: host.Routes) -> Iterator[str]:
    yield f"serving {len(routes.mounted)} routes at {url}; stop it with Ctrl-C"
    if routes.left_out:
        yield f"left out, see the log: {', '.join(routes.left_out)}"


def _tell_routes(own: Face) -> None:
    routes = host.collect(own.hub)
    rows = _rows(routes)
    own.print("wherry.serve.routes/1", {"items": rows, "left_out": list(routes.left_out)}, lambda: _drawn(rows))


def _rows(routes: host.Routes) -> list[dict[str, Any]]:
    own = [{"method": "GET", "path": path, "plugin": "", "scope": "", "app_key": False, "open": "tells no secrets"}
           for path in host.OWN]  # fmt: skip
    return own + [
        {"method": one.route.method, "path": one.route.path, "plugin": one.system, "scope": one.route.scope,
         "app_key": bool(one.route.app_key), "open": one.route.open}
        for one in routes.mounted
    ]  # fmt: skip


def _drawn(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield from table(
        ["METHOD", "PATH", "PLUGIN", "WHO MAY CALL IT"],
        [(row["method"], row["path"], row["plugin"] or "-",
          f"everybody: {row['open']}" if row["open"] else
          f"a token for {row['scope']}" + (" with its app key" if row["app_key"] else "")) for row in rows],
    )  # fmt: skip


@click.command("list")
@listing()
def notification_list(limit: int, cursor: str) -> None:
    """What systems told of changes by webhook, the latest first, and whether a run has read it since."""
    own = face()
    rows = notifications.listed(own.hub, limit, int(cursor or 0))
    after = str(int(cursor or 0) + limit) if len(rows) == limit else ""
    data = {"items": rows, "cursor": after}
    own.print("wherry.notification.list/1", data, lambda: [*_notified(own, rows), *more(after)])


def _notified(own: Face, rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "no system has told of a change"
        return
    now = own.hub.clock.now()
    yield from table(
        ["RECEIVED", "CONNECTION", "WHAT", "RECORD", "READ"],
        [(ago(row["received"], now), row["connection"], f"{row['kind']} {row['what']}", row["record"],
          ago(row["read"], now) if row["read"] else "not yet") for row in rows],
    )  # fmt: skip
