"""``wherry simulate``: the offline stand-in of a system."""

from __future__ import annotations

import socket
import sys
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
def simulate(system: str, port: int, host: str) -> None:
    """Run the offline stand-in of a system until Ctrl-C. Needs no project, only an installed plugin that brings one.

    \b
    Example:
      wherry simulate SYSTEM --port 8701
    """
    from wherry.simulator import run

    own = face()
    app = _simulator(system).app()
    _free(host, port)
    url = f"http://{host}:{port}"
    own.print("wherry.simulate/1", {"system": system, "url": url}, f"{system} stands in at {url}; stop it with Ctrl-C")
    sys.stdout.flush()
    try:
        run(app, host, port)
    except OSError as error:
        raise _busy(host, port, error) from None


def _simulator(system: str) -> Simulator:
    """The stand-in of an installed plugin. Raises ConfigError naming the systems that have one."""
    from wherry import plugins
    from wherry.errors import ConfigError
    from wherry.settings.mistakes import nearest

    names = sorted({one.name for one in plugins.catalogue_of_installed()})
    if system in names:
        return plugins.load([system]).simulator(system)
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
