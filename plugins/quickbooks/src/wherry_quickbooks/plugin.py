"""QuickBooks Online for Wherry: the table of contents. Everything here is a hook; the work is done beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from wherry.hookspecs import Manifest, hookimpl

from .settings import HOSTS, QuickBooksSettings

if TYPE_CHECKING:
    from pydantic import BaseModel
    from wherry.roles import Simulator

SYSTEM = "quickbooks"


@hookimpl
def wherry_manifest() -> Manifest:
    """What this plugin is."""
    return Manifest(
        system=SYSTEM,
        title="QuickBooks Online",
        group="accounting",
        roles=("simulator",),
        sign_in=("oauth2", "token"),
        hosts=HOSTS,
        scopes=("com.intuit.quickbooks.accounting",),
        docs="https://developer.intuit.com/app/developer/qbo/docs/get-started",
    )


@hookimpl
def wherry_settings(system: str) -> type[BaseModel] | None:
    """The settings of a QuickBooks Online connection."""
    return QuickBooksSettings if system == SYSTEM else None


@hookimpl
def wherry_simulator(system: str) -> Simulator | None:
    """QuickBooks Online's offline stand-in."""
    if system != SYSTEM:
        return None
    # It stands on a web server, which an installation that only syncs need not have.
    from .simulator import QuickBooksSimulator

    return cast("Simulator", QuickBooksSimulator())
