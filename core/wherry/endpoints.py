"""Where a vendor hands out tokens: what a plugin's manifest says of it, without what signs in by it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace


def filled(text: str, settings: Iterable[tuple[str, Any]]) -> str:
    """The text with the connection's own settings in the places of their names: ``https://login.example/{tenant}``."""
    return text.format_map({name: value for name, value in settings if isinstance(value, str)})


class OAuthEndpoints(Struct, frozen=True, kw_only=True):
    """Where a vendor hands out tokens, and how it wants to be asked. ``{name}`` in a text is a setting of that name."""

    token_url: str
    revoke_url: str = ""
    authorize_url: str = ""
    """Where a person consents; empty for a vendor whose sign-in needs no browser."""
    loopback: bool = True
    """Whether it sends a browser back to ``http://localhost`` (RFC 8252); else to a registered https address only."""
    issuer: str = ""
    """Its name in the answers of the consent page, where it gives one (RFC 9207)."""
    client_by: Literal["body", "basic"] = "body"
    """Whether client id and secret go into the form or into an Authorization header (RFC 6749, 2.3.1)."""
    dead_grant: frozenset[str] = frozenset({"invalid_grant"})
    """The vendor's words for a refresh token that will never work again."""
    client_scope: str = ""
    """What an app that signs in by itself asks for (RFC 6749, 4.4.2); empty: nothing."""

    def of(self, settings: Iterable[tuple[str, Any]]) -> OAuthEndpoints:
        """The same for one connection."""
        said, names = dict(settings), ("token_url", "revoke_url", "authorize_url", "client_scope")
        return replace(self, **{name: filled(getattr(self, name), said.items()) for name in names})

    def at(self, base: str, *, stand_in: bool) -> OAuthEndpoints:
        """The same where ``base`` is the connection's address. Paths are below it; with ``stand_in``, an operator's own
        in place of the vendor, all are, since it plays every host of the vendor."""
        names = ("token_url", "revoke_url", "authorize_url")
        places = {name: urlsplit(getattr(self, name)) for name in names if getattr(self, name)}
        below = {name: base.rstrip("/") + url.path for name, url in places.items() if stand_in or not url.scheme}
        return replace(self, **below)
