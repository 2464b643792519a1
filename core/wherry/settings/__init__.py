"""The project file: ``wherry.toml`` and what stands above it, read in two phases (``load``, then ``compose``)."""

from wherry.settings.load import PROJECT_FILE, compose, find_project, load
from wherry.settings.models import (
    SHORTEST,
    About,
    ConnectionTable,
    Flow,
    Limits,
    Match,
    Pipeline,
    PluginChoice,
    Project,
    Schedule,
    Store,
    Subscription,
)
from wherry.settings.origin import Hidden, Origin, origin
from wherry.settings.schema import schema
from wherry.settings.secret import Auth, AuthSettings, ClientAuth, ConnectionSettings, OAuth2Auth, SecretRef, TokenAuth
from wherry.settings.values import TablePath

__all__ = [
    "PROJECT_FILE",
    "SHORTEST",
    "About",
    "Auth",
    "AuthSettings",
    "ClientAuth",
    "ConnectionSettings",
    "ConnectionTable",
    "Flow",
    "Hidden",
    "Limits",
    "Match",
    "OAuth2Auth",
    "Origin",
    "Pipeline",
    "PluginChoice",
    "Project",
    "Schedule",
    "SecretRef",
    "Store",
    "Subscription",
    "TablePath",
    "TokenAuth",
    "compose",
    "find_project",
    "load",
    "origin",
    "schema",
]
