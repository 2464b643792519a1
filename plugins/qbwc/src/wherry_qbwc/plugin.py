"""QuickBooks Desktop for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wherry.hookspecs import Manifest, hookimpl

from .mapping import MAPS, MATCH, product_type
from .settings import QbwcSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter, SourceConnector
    from wherry.web.routes import Host, HttpRoute

SYSTEM = "qbwc"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="QuickBooks Desktop",
        group="accounting",
        roles=("source", "sink", "simulator"),
        kinds=("product", "customer", "account"),
        maps=MAPS,
        match=MATCH,
        unmatched={"customer": "triage"},
        leaves_with="the next update of the Web Connector",
        setup="wherry qbwc setup {name} --url https://hub.example.com",
        docs="https://developer.intuit.com/app/developer/qbdesktop/docs/get-started",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a QuickBooks Desktop connection."""
    return QbwcSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads the lists which the latest session left here."""
    if connection.plugin != SYSTEM:
        return None
    from .source import QbwcSource

    return QbwcSource(connection, services)


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What the default maps need beyond the core's transforms."""
    return {"qbwc_product_type": product_type}


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink whose documents wait for the Web Connector."""
    if connection.plugin != SYSTEM:
        return None
    from .sink import QbwcSink

    return QbwcSink(connection, services)


@hookimpl
def wherry_http_routes(services: Services, host: Host) -> Sequence[HttpRoute]:
    """Where the Web Connector calls."""
    from .endpoint import routes
    from .work import begin

    return routes(services, host, begin(services, host), lambda connection: connection.settings.company_file)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """QuickBooks Desktop's offline stand-in: a computer with company files, and a Web Connector."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
