"""When a system that calls us was here last, as its plugin keeps it and ``status`` shows it."""

from __future__ import annotations

from msgspec import Struct

CONTACT = "contact"
"""Where a plugin keeps it: in its documents of this kind, one ``Contact`` under the name of each connection. So status
can tell without asking the plugin."""


class Contact(Struct, frozen=True, kw_only=True):
    """Of one connection; moments are ISO 8601, UTC, and empty where there was none."""

    who: str
    """What calls us, as it begins a sentence: ``the Web Connector``."""
    seen_at: str = ""
    """When it was let in last, or called in a session since."""
    silent_after: int = 0
    """Seconds without a call after which it counts as silent; 0: never."""
    problem: str = ""
    """What ended its latest session before its end."""
    refused: int = 0
    """Sign-ins that were refused since one was let in."""
    refused_at: str = ""
    refused_from: str = ""
    """The address of the latest."""
    fix: str = ""
    """What to do about those that were refused."""
    see: str = ""
    """The command that tells more: ``wherry SYSTEM status desktop``."""
