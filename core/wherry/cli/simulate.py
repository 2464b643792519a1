"""``wherry simulate``: the offline stand-in of a system."""

from __future__ import annotations

import sys

import click

from wherry.cli.options import face


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
    from wherry import plugins
    from wherry.errors import ConfigError
    from wherry.simulator import run

    own = face()
    app = plugins.load([system]).simulator(system).app()
    url = f"http://{host}:{port}"
    own.print("wherry.simulate/1", {"system": system, "url": url}, f"{system} stands in at {url}; stop it with Ctrl-C")
    sys.stdout.flush()
    try:
        run(app, host, port)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}", fix="choose another --port",
                          code="WHERRY-2092") from None  # fmt: skip
