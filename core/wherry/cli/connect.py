"""``wherry connect``: sign a connection in, by a browser or by a token."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
import webbrowser
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import click

from wherry.cli.context import Face
from wherry.cli.drawing import pairs, plural
from wherry.cli.options import face
from wherry.consent import LIFE, Begun
from wherry.errors import EXIT_PERSON, AccessLost, ConfigError, WherryError
from wherry.operating import connecting
from wherry.operating.connecting import PORT, Asked
from wherry.roles import Account

_LONGEST = 64 * 1024
"""Characters of a secret."""
_PAGE = "<!doctype html><meta charset=utf-8><title>Wherry</title><p>{}"
_WELCOME, _STRANGE = "Go back to the terminal: it says how it went.", "This is not what is waited for here."
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}  # fmt: skip


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--no-browser", is_flag=True, help="Print the link instead of opening it.")
@click.option("--scopes", type=click.Choice(["show"]), help="Show what will be asked for, and stop.")
@click.option("--redirect", default="", metavar="URL", help="The registered https address to be sent back to.")
@click.option("--port", type=click.IntRange(1, 65_535), default=PORT, show_default=True,
              help="Be sent back to http://localhost:PORT/callback.")  # fmt: skip
@click.option("--answer", default="", metavar="URL", help="Finish: the whole address that the browser ended at.")
def connect(name: str, no_browser: bool, scopes: str | None, redirect: str, port: int, answer: str) -> None:
    """Sign in to a connection's account. Tried with a call before it is kept, encrypted; another account is refused.

    \b
    Examples:
      wherry connect crm
      wherry connect books --redirect https://example.com/connected
      wherry connect books --answer 'https://example.com/connected?code=…'
    """
    own = face()
    how = connecting.kind(own.hub, name)
    if scopes:
        asked = list(connecting.scopes(own.hub, name))
        own.print(
            "wherry.connect.scopes/1", {"connection": name, "scopes": asked}, asked or ["no scopes are asked for"]
        )
    elif how == "token":
        _connected(own, name, connecting.with_token(own.hub, name, token_for(own, name)))
    elif how == "client":
        _connected(own, name, connecting.rotate(own.hub, name))
    elif answer:
        _connected(own, name, connecting.finish(own.hub, name, answer))
    else:
        _ask(own, name, redirect, port, browser=not no_browser)


def token_for(own: Face, name: str, field: str = "") -> str:
    """The token or secret that a person gives: from a hidden prompt, or from standard input."""
    connecting.secret_of(own.hub, name, field)
    return secret(own, field or "token")


def secret(own: Face, what: str) -> str:
    """From a hidden prompt, or from standard input: its first line, or a whole private key."""
    value = str(click.prompt(what, hide_input=True, err=True)) if own.asks else sys.stdin.readline(_LONGEST)
    if value.startswith("-----BEGIN ") and not own.asks:
        value += sys.stdin.read(_LONGEST)
    if not value.strip():
        raise ConfigError("no secret was given", fix="type it at the prompt, or pipe it in", code="WHERRY-2083")
    return value.strip()


def _ask(own: Face, name: str, redirect: str, port: int, *, browser: bool) -> None:
    """Begin, then have the answer from a stand-in, from a person at the terminal, or from a later command."""
    asked = connecting.begin(own.hub, name, redirect, port)
    answer = asked.answer
    if not answer and own.asks:
        with _listening(asked.begun) as listener:
            _invite(own, asked, name, browser=browser)
            answer = _heard(asked, listener, name)
    if answer:
        _connected(own, name, connecting.finish(own.hub, name, answer))
    else:
        _leave_open(own, asked, name)


def _leave_open(own: Face, asked: Asked, name: str) -> None:
    """Nobody sits at this terminal: the link, and the command that finishes."""
    own.code = EXIT_PERSON
    data = {"connection": name, "link": asked.link, "redirect": asked.begun.redirect, "seconds": int(LIFE)}
    lines = [*_advice(own, name), "Open this link within ten minutes, and sign in:", "", asked.link, ""]
    own.print("wherry.connect.link/1", data, lines, [f"wherry connect {name} --answer 'the address you end at'"])


def _invite(own: Face, asked: Asked, name: str, *, browser: bool) -> None:
    opened = browser and _has_browser() and webbrowser.open(asked.link)
    for line in _advice(own, name):
        click.echo(line, err=True)
    head = "A browser was opened. If nothing shows, open this link:" if opened else "Open this link, and sign in:"
    click.echo(f"{head}\n\n{asked.link}\n", err=True)
    click.echo("Waiting. Should the browser end at a page that does not load, paste its whole address here:", err=True)


def _has_browser() -> bool:
    """Whether a browser would have a screen of its own: one in this terminal would take it over."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _advice(own: Face, name: str) -> list[str]:
    manifest = own.hub.plugins.manifests[own.hub.project.connections[name].plugin]
    words = {
        "mandatory": "only an administrator of the account can sign in",
        "recommended": "best signed in by an administrator of the account: others may not see all of it",
    }
    word = words.get(manifest.administrator)
    return [f"{manifest.title}: {word}"] if word else []


# -- the answer --------------------------------------------------------------------------------------------------------


class _Listener(ThreadingHTTPServer):
    """Takes the one request that brings the answer; what does not fit is shown the door, and waited on. Whoever is slow
    keeps nobody."""

    block_on_close = False

    def __init__(self, begun: Begun, host: str, port: int) -> None:
        self.begun, self.answer = begun, ""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Visitor)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent: a browser that hangs up may come again."""


class _Visitor(BaseHTTPRequestHandler):
    timeout = 5
    server: _Listener

    def do_GET(self) -> None:
        whole = f"{_origin(self.server.begun.redirect)}{self.path}"
        fits = self.server.begun.fits(whole)
        try:
            self._tell(200 if fits else 404, _WELCOME if fits else _STRANGE)
        finally:  # from then on nobody waits until a visitor was told
            if fits:
                self.server.answer = whole

    def _tell(self, status: int, said: str) -> None:
        self.send_response(status)
        for header, value in _HEADERS.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(_PAGE.format(said).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the address holds the code (case_G6)."""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@contextlib.contextmanager
def _listening(begun: Begun) -> Iterator[_Listener | None]:
    """The listener where the browser comes back to this machine; None where it goes elsewhere."""
    parts = urlsplit(begun.redirect)
    if parts.scheme != "http":
        yield None
        return
    try:
        listener = _Listener(begun, "::1" if parts.hostname == "::1" else "127.0.0.1", parts.port or 80)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on port {parts.port}: {error.strerror}",
            fix="choose another --port, registered with the app", code="WHERRY-2092",
        ) from None  # fmt: skip
    with listener:
        yield listener


def _heard(asked: Asked, listener: _Listener | None, name: str) -> str:
    """The answer: what the browser brings, or what a person pastes, whichever comes first. Raises AccessLost."""
    until = time.monotonic() + LIFE
    sources = [sys.stdin, *([listener] if listener else [])]
    while (left := until - time.monotonic()) > 0:
        ready = select.select(sources, [], [], min(left, 0.2))[0]
        if listener is not None and listener.answer:
            return listener.answer
        if listener in ready and listener is not None:
            listener.handle_request()
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if line.strip():
                return line.strip()
            if not line:
                sources.remove(sys.stdin)
        if not sources:
            break
    raise AccessLost(
        f"connection {name} was not connected: nobody consented within ten minutes",
        fix=f"wherry connect {name}", code="WHERRY-5058", connection=name,
    )  # fmt: skip


def _connected(own: Face, name: str, account: Account) -> None:
    flows = [flow for flow, table in own.hub.project.flows.items() if name in (table.source, table.sink)]
    chart = _chart(own, name)
    data = {
        "connection": name, "account": account.name, "account_id": account.id, "details": account.details,
        "chart": chart,
    }  # fmt: skip
    read = [("chart", plural(chart["posting"], "posting account"))] if chart else []
    lines = [
        f"{name} is connected to {account.name} ({account.id})",
        *pairs([*account.details.items(), *read]),
        *_advice(own, name),
    ]
    follow = f"wherry plan {flows[0]}" if flows else f"wherry connection test {name}"
    own.print("wherry.connect/1", data, lines, [follow])


def _chart(own: Face, name: str) -> dict[str, Any] | None:
    """The chart of accounts, where a flow books into the connection. The sign-in stands though it cannot be read."""
    if not connecting.booked_into(own.hub, name):
        return None
    from wherry.bookkeeping import charting

    try:
        return charting.first_look(own.hub, name)
    except WherryError as error:
        own.warn(f"the chart of accounts was not read: {error.message}. Later: wherry accounts import {name}")
        return None
