"""Signing in as the app itself: OAuth 2 client credentials (RFC 6749, 4.4). Nobody consents, and nothing is renewed.

A token is asked for when there is none, and once more after a 401; it is kept as a person's tokens are, so that all
processes use one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import httpx

from wherry.errors import AccessLost
from wherry.roles import Clock
from wherry.signin import Lock, OAuth2, OAuthEndpoints, Tokens, TokenVault


class ClientGrant(OAuth2):
    """Access tokens for app id and secret. Tokens that another id or secret brought are not used."""

    def __init__(
        self, client_id: str, client_secret: Callable[[], str], endpoints: OAuthEndpoints, vault: TokenVault,
        connection: str, lock: Lock, clock: Clock, certificate: str = "",
        scopes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """With a ``certificate``, the vendor's id of one, the secret is its private key, and signs the request."""

        def whose() -> str:
            return f"{client_id} {client_secret()}"

        super().__init__(client_id, client_secret, whose, endpoints, vault, connection, lock, clock)
        if certificate:
            from wherry.assertion import SignedApp  # what signs is costly to import

            self._app = SignedApp(
                client_id, client_secret, certificate=certificate, scopes=scopes, clock=clock, connection=connection
            )

    def _refresh(
        self, request: httpx.Request, stored: Tokens | None
    ) -> Generator[httpx.Request, httpx.Response, Tokens]:
        scope = {"scope": self._endpoints.client_scope} if self._endpoints.client_scope else {}
        response = yield self._ask(request, {"grant_type": "client_credentials", **scope})
        response.read()
        return self._keep(self._answer(response), "", None)

    def _lost(self, why: str, fix: str = "") -> AccessLost:
        return AccessLost(
            f"connection {self._connection} cannot sign in: {why}",
            fix="check id and secret, which may have been changed at the vendor, and that the app may sign in by "
            f"itself; then: wherry connection test {self._connection}",
            code="WHERRY-5044", connection=self._connection,
        )  # fmt: skip
