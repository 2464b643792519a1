"""``wherry simulate``: the offline stand-in of a system."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wherry.cli.options import face

if TYPE_CHECKING:
    from wherry.errors import WherryError
    from wherry.roles import Simulator


@click.command()
@click.argument("system", metavar="SYSTEM")
@click.option("--port", type=click.IntRange(1, 65_535), default=8701, show_default=True, help="The port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--set", "said", multiple=True, metavar="NAME=VALUE", help="How the stand-in is to be; see its README.")
def simulate(system: str, port: int, host: str, said: tuple[str, ...]) -> None:
    """Run the offline stand-in of a system until Ctrl-C. Needs no project, only an installed plugin that brings one.

    \b
    Example:
      wherry simulate SYSTEM --port 8701
      wherry simulate SYSTEM --set currency=GBP
    """
    own = face()
    app = _simulator(system, {**_currency(own.folder or Path()), **_options(said)}).app()
    from wherry.simulator import run  # stands on a web server, which an installation that only syncs need not have

    _free(host, port)
    url = f"http://{host}:{port}"
    own.print("wherry.simulate/1", {"system": system, "url": url}, f"{system} stands in at {url}; stop it with Ctrl-C")
    sys.stdout.flush()
    try:
        run(app, host, port)
    except KeyboardInterrupt:  # the usual end of a stand-in, as of a server
        own.note("stopped")
    except OSError as error:
        raise _busy(host, port, error) from None


def _options(said: tuple[str, ...]) -> dict[str, str]:
    pairs = [one.partition("=") for one in said]
    if bad := next((name for name, sign, _ in pairs if not sign or not name), None):
        raise click.BadParameter(f"{bad!r} is no NAME=VALUE", param_hint="--set")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _currency(folder: Path) -> dict[str, str]:
    """The currency of the project that the command was given in, if there is one: its stand-ins keep their books in it.

    Read from the file alone: the addresses of stand-ins that are still to be started need not be set yet.
    """
    import tomllib

    from wherry.errors import WherryError
    from wherry.settings import find_project

    try:
        found = tomllib.loads(find_project(folder).read_text("utf-8"))["project"]["currency"]
    except (WherryError, OSError, ValueError, KeyError, TypeError):
        return {}
    return {"currency": found} if isinstance(found, str) else {}


def _simulator(system: str, options: dict[str, str]) -> Simulator:
    """The stand-in of an installed plugin. Raises ConfigError naming the systems that have one."""
    from wherry import plugins
    from wherry.errors import ConfigError
    from wherry.settings.mistakes import nearest

    names = sorted({one.name for one in plugins.catalogue_of_installed()})
    if system in names:
        return plugins.load([system]).simulator(system, options)
    manifests = plugins.load(names).manifests.items()
    with_one = [name for name, manifest in manifests if "simulator" in manifest.roles]
    close = nearest(system, with_one)
    fix = (f"did you mean {close}? " if close else "") + f"systems with one: {', '.join(with_one) or 'none'}"
    raise ConfigError(f"no installed plugin {system} brings a stand-in", fix=fix, code="WHERRY-2085")


def _free(host: str, port: int) -> None:
    """Whether the port can be had, before anything is said of it. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _busy(host, port, error) from None


def _busy(host: str, port: int, error: OSError) -> WherryError:
    from wherry.errors import ConfigError

    reason = error.strerror or error
    return ConfigError(f"cannot listen on {host}:{port}: {reason}", fix="choose another --port", code="WHERRY-2092")
