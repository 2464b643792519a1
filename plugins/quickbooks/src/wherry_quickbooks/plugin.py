"""QuickBooks Online for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wherry.endpoints import OAuthEndpoints
from wherry.hookspecs import Manifest, hookimpl

from .mapping import MAPS, MATCH, product_type
from .settings import HOSTS, QuickBooksSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Connection, Services, Simulator, SinkWriter, SourceConnector
    from wherry.web.routes import Host, HttpRoute

SYSTEM = "quickbooks"
OAUTH = OAuthEndpoints(
    token_url="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    revoke_url="https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
    authorize_url="https://appcenter.intuit.com/connect/oauth2",
    loopback=False,
    client_by="basic",
)
"""From Intuit's discovery document, the same for production and sandbox. Intuit sends browsers back to a registered
https address; ``http://localhost`` is for an app's development keys only."""


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="QuickBooks Online",
        group="accounting",
        roles=("source", "sink", "simulator"),
        kinds=("product", "customer", "account"),
        maps=MAPS,
        match=MATCH,
        sign_in=("oauth2", "token"),
        oauth=OAUTH,
        hosts=HOSTS,
        scopes=("com.intuit.quickbooks.accounting",),
        administrator="mandatory",
        docs="https://developer.intuit.com/app/developer/qbo/docs/get-started",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a QuickBooks Online connection."""
    return QuickBooksSettings if system == SYSTEM else None


@hookimpl
def wherry_source_connector(connection: Connection, services: Services) -> SourceConnector | None:
    """The source that reads one company's items, customers and accounts."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .source import QuickBooksSource

    return QuickBooksSource(Client(services, connection.settings), connection.settings)


@hookimpl
def wherry_sink_writer(connection: Connection, services: Services) -> SinkWriter | None:
    """The sink that writes into one company's books."""
    if connection.plugin != SYSTEM:
        return None
    from .client import Client
    from .sink import QuickBooksSink

    return QuickBooksSink(Client(services, connection.settings), connection.settings, services)


@hookimpl
def wherry_transforms() -> Mapping[str, Callable[..., Any]]:
    """What QuickBooks' default maps need beyond the core's transforms."""
    return {"quickbooks_product_type": product_type}


@hookimpl
def wherry_run_finished(flow: str, run: str, summary: Mapping[str, Any]) -> None:
    """Reads that were counted last are written down."""
    from .metering import flush_all

    flush_all()


@hookimpl
def wherry_http_routes(services: Services, host: Host) -> Sequence[HttpRoute]:
    """Where Intuit tells of changes."""
    from .hooks import routes

    return routes(services, host)


@hookimpl
def wherry_simulator(system: str, options: Mapping[str, str]) -> Simulator | None:
    """QuickBooks Online's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator.options import simulator

    return simulator(options)
