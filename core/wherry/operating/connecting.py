"""Signing a connection in, renewing what it signs in with, and taking it away again.

Whatever is new is tested with a call before it is kept, and the account is compared with the one that the connection is
bound to before anything of it is stored (case_E6). Source: faults-and-security.md, sections E and G, checklist OAuth.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct
from pydantic import BaseModel

from wherry import consent
from wherry.consent import Begun
from wherry.endpoints import filled
from wherry.errors import ConfigError, TryAgain
from wherry.http import Http, Profile
from wherry.hub import Hub
from wherry.operating.connections import SHORT, no_secret, publish, test, tokens_of
from wherry.roles import Account, Connection, Services
from wherry.settings import ClientAuth, OAuth2Auth, SecretRef, TokenAuth
from wherry.settings.load import secrets_in
from wherry.signin import FIELD, UNSIGNED, App, OAuthEndpoints, Tokens, bearer, seed_of

PORT = 8765
"""Where a browser is sent back to unless somebody says otherwise: vendors want the address registered beforehand."""


class Asked(Struct, frozen=True, kw_only=True):
    """A sign-in that was begun: the link to follow, and what its answer is judged by."""

    link: str
    begun: Begun
    scopes: tuple[str, ...]
    answer: str = ""
    """The answer, where a stand-in gave it at once."""


class _Office:
    """What signing in takes, of one connection that signs in by OAuth 2."""

    def __init__(self, hub: Hub, name: str) -> None:
        connection = hub.wiring.connection(name)
        auth = getattr(connection.settings, "auth", None)
        if not isinstance(auth, OAuth2Auth | ClientAuth):
            raise _no_sign_in(hub, name)
        self.hub, self.name, self.connection, self.auth = hub, name, connection, auth
        self.vault = hub.wiring.vault
        hub.wiring.patience = SHORT

    @property
    def app(self) -> App:
        reveal = partial(self.hub.wiring.reveal, self.name)
        return App(self.auth.client(reveal), partial(reveal, self.auth.client_secret))

    @property
    def endpoints(self) -> OAuthEndpoints:
        settings = self.connection.settings
        base = str(getattr(settings, "base_url", None) or getattr(settings, "url", ""))
        return self.hub.wiring.endpoints(self.connection, base)

    @property
    def scopes(self) -> tuple[str, ...]:
        return _scopes(self.hub, self.connection)

    @property
    def seed(self) -> str:
        refresh = getattr(self.auth, "refresh_token", None)
        return seed_of(partial(self.hub.wiring.reveal, self.name, refresh) if refresh else None)

    def http(self) -> Http:
        """A client for the vendor's sign-in, which is not signed in itself."""
        profile = Profile(base_url=self.endpoints.token_url, auth=UNSIGNED)
        return self.hub.wiring.services(self.connection).http(profile)

    def keep(self, tokens: Tokens) -> None:
        self.vault.put(self.name, FIELD, msgspec.json.encode(tokens).decode())

    def alone(self) -> Any:
        """The lock that a renewal holds, so that none in flight writes over what is stored here."""
        return self.hub.store.lock(f"sign-in {self.name}", wait=60.0)


# -- connecting --------------------------------------------------------------------------------------------------------


def kind(hub: Hub, name: str) -> str:
    """How the connection signs in: ``oauth2``, ``client`` or ``token``. Raises ConfigError where it does not."""
    auth = getattr(hub.wiring.connection(name).settings, "auth", None)
    if not isinstance(auth, OAuth2Auth | ClientAuth | TokenAuth):
        raise _no_sign_in(hub, name)
    return auth.kind


def booked_into(hub: Hub, name: str) -> bool:
    """Whether a flow books journals into the connection, so that its chart of accounts is wanted (behaviour 004.2)."""
    return any(flow.books_journals and flow.sink == name for flow in hub.project.flows.values())


def scopes(hub: Hub, name: str) -> tuple[str, ...]:
    """What the consent page will be asked for, or what a token has to have."""
    return _scopes(hub, hub.wiring.connection(name))


def _scopes(hub: Hub, connection: Connection) -> tuple[str, ...]:
    said, own = getattr(connection.settings, "auth", None), hub.plugins.manifests[connection.plugin].scopes
    return getattr(said, "scopes", ()) or tuple(filled(one, connection.settings) for one in own)


def begin(hub: Hub, name: str, redirect: str = "", port: int = PORT) -> Asked:
    """Begin a sign-in. A stand-in, which an operator's ``base_url`` names, is asked for its answer at once.

    ``redirect`` is the registered address to be sent back to; left out, ``http://localhost:port/callback`` where the
    vendor takes that.
    """
    office = _Office(hub, name)
    endpoints, stand_in = office.endpoints, hub.wiring.is_stand_in(office.connection)
    if not redirect and not endpoints.loopback and not stand_in:
        raise _redirect_needed(name, hub.plugins.manifests[office.connection.plugin].title)
    redirect = redirect or f"http://localhost:{port}/callback"
    link, begun = consent.begin(
        office.vault, name, endpoints, office.app.id, office.scopes, redirect, hub.clock
    )  # fmt: skip
    answer = consent.offered(office.http(), link) if stand_in else ""
    return Asked(link=link, begun=begun, scopes=office.scopes, answer=answer)


def finish(hub: Hub, name: str, answer: str) -> Account:
    """Redeem the answer of a sign-in that was begun, test the tokens, and keep them. Raises what was wrong.

    AccessLost: refused by person or vendor, or no answer to this sign-in. TryAgain: out of order. Guarded: another
    account than the connection's own. Nothing is kept then. ConfigError: an account that is known under another name;
    where the project has that no more, the tokens are kept, since adopting it has to reach the account.
    """
    office = _Office(hub, name)
    with hub.store.lock(f"consent {name}", wait=10.0):
        given = consent.take(office.vault, name, answer, office.endpoints, hub.clock)
    try:
        with office.http() as http:
            tokens = consent.redeem(http, office.endpoints, office.app, given, name, hub.clock, office.seed)
        account = _tried(hub, _with_tokens(hub, office.connection, tokens), office.connection)
    except TryAgain as error:
        error.fix = f"the code was used up: begin again with wherry connect {name}"
        raise
    except ConfigError as error:
        if error.where.get("known_as", name) not in hub.project.connections:
            _keep(office, tokens)
        raise
    _keep(office, tokens)
    hub.store.audit("connection.connect", name, {"account": account.id, "scopes": list(office.scopes)})
    return account


def _keep(office: _Office, tokens: Tokens) -> None:
    with office.alone():
        publish(office.hub, office.name, tokens.extra)
        office.keep(tokens)


def with_token(hub: Hub, name: str, token: str) -> Account:
    """Test a token, then keep it encrypted."""
    account = _changed(hub, name, secret_of(hub, name), token)
    hub.store.audit("connection.connect", name, {"account": account.id})
    return account


def _with_tokens(hub: Hub, connection: Connection, tokens: Tokens) -> Services:
    """Services signed in with tokens that nobody keeps yet, and a cache that forgets what the trial found out."""
    services = hub.wiring.services(connection)

    def http(profile: Profile) -> Http:
        return services.http(msgspec.structs.replace(profile, auth=bearer(lambda: tokens.access)))

    return msgspec.structs.replace(services, http=http, cache=_TrialCache({"sign-in": dict(tokens.extra)}))


class _TrialCache:
    """``wherry.roles.Cache`` for one trial: what the account refused must not be found by the next run."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def get(self, key: str, max_age: float) -> Any | None:
        return self._found.get(key)

    def set(self, key: str, value: Any) -> None:
        self._found[key] = value


def _tried(hub: Hub, services: Services, connection: Connection) -> Account:
    """The account that is reached. Binds a new connection to it; raises Guarded where it is bound to another."""
    roles = hub.plugins.manifests[connection.plugin].roles
    made = hub.plugins.source if "source" in roles else hub.plugins.sink
    return hub.wiring.identity.rebind(connection, made(connection, services))


def _expire(office: _Office) -> None:
    """Whoever is next to use the tokens renews them first."""
    with office.alone():
        tokens = tokens_of(office.hub, office.name)
        if tokens is not None:
            office.keep(msgspec.structs.replace(tokens, expires_at=0.0, lifetime=0.0))


# -- renewing ----------------------------------------------------------------------------------------------------------


def secret_of(hub: Hub, name: str, field: str = "") -> SecretRef:
    """The secret that a person is to give anew: the named one, else the token. Raises ConfigError where the project
    file reads it from elsewhere."""
    settings = hub.wiring.connection(name).settings
    known = {secret.name: secret for _, secret in secrets_in(settings, ("connections", name))}
    wanted = known.get(field or "auth.token")
    if wanted is None:
        raise no_secret(name, field or "auth.token", known)
    if wanted.way != "stored":
        raise ConfigError(
            f"{wanted.key} is read from {wanted.way}, so a value that is given here would not be used",
            fix=f"change it there, then: wherry connection test {name}; or write {{ stored = true }} in its place",
            code="WHERRY-2113", connection=name, key=wanted.key,
        )  # fmt: skip
    return wanted


def rotate(hub: Hub, name: str) -> Account:
    """Renew the tokens of a sign-in now. The old refresh token is kept until the new access token has worked."""
    office = _Office(hub, name)
    _expire(office)
    account = test(hub, name)
    hub.store.audit("connection.rotate", name, {"field": FIELD})
    return account


def rotate_secret(hub: Hub, name: str, field: str, value: str) -> Account:
    """Put a new token or secret in the place of an old one, after it was tested."""
    secret = secret_of(hub, name, field)
    account = _changed(hub, name, secret, value)
    hub.store.audit("connection.rotate", name, {"field": secret.name})
    return account


def _changed(hub: Hub, name: str, secret: SecretRef, value: str) -> Account:
    connection = hub.wiring.connection(name)
    hub.wiring.patience = SHORT
    settings = _given(connection.settings, secret.name.split("."), value)
    trial = msgspec.structs.replace(connection, settings=settings)
    if isinstance(getattr(settings, "auth", None), OAuth2Auth | ClientAuth):
        _expire(_Office(hub, name))
    services = msgspec.structs.replace(hub.wiring.services(trial), cache=_TrialCache({}))
    account = _tried(hub, services, trial)
    hub.wiring.vault.put(name, secret.name, value)
    return account


def _given(settings: BaseModel, path: list[str], value: str) -> BaseModel:
    """The settings with one secret replaced."""
    head, *rest = path
    inner = _given(getattr(settings, head), rest, value) if rest else SecretRef.given(value)
    return settings.model_copy(update={head: inner})


# -- taking away -------------------------------------------------------------------------------------------------------


Told = Literal["ended the sign-in", "knew it no longer", "was not told", "had nothing to end"]


class Gone(Struct, frozen=True, kw_only=True):
    """What a disconnection did: what the vendor said to it, and what could not be taken away. ``alone``: by what is
    left it signs in again by itself."""

    vendor: Told
    flows: tuple[str, ...]
    left: tuple[str, ...]
    alone: bool


def disconnect(hub: Hub, name: str, *, only_here: bool = False) -> Gone:
    """End the sign-in at the vendor and forget it here; links, history and what waits stay. Raises TryAgain where the
    vendor does not answer: then nothing was changed."""
    connection = hub.wiring.connection(name)
    by_consent, by_app = (kind(hub, name) == way for way in ("oauth2", "client"))
    gone = by_consent and tokens_of(hub, name) is None
    ended = False if gone else _revoked(hub, name) if by_consent and not only_here else None
    known: Told = "was not told" if ended is None else "ended the sign-in" if ended else "knew it no longer"
    vendor: Told = "had nothing to end" if gone else known
    secrets = [secret for _, secret in secrets_in(connection.settings, ("connections", name))]
    grants = [secret for secret in secrets if secret.name in ("auth.token", "auth.refresh_token")]
    grants += [secret for secret in secrets if (secret.name, by_app) == ("auth.client_secret", True)]
    fields = [FIELD, consent.FIELD, *(secret.name for secret in grants if secret.way == "stored")]
    with hub.store.lock(f"sign-in {name}", wait=60.0):
        for field in fields:
            hub.wiring.vault.remove(name, field)
        publish(hub, name, {})
    alone = not ended and any(secret.way != "stored" for secret in grants)
    hub.note_connection(name, *(("ok", "disconnected; signs in by itself") if alone else ("reconnect", "disconnected")))
    hub.store.audit("connection.disconnect", name, {"vendor": vendor})
    flows = tuple(flow for flow, table in sorted(hub.project.flows.items()) if name in (table.source, table.sink))
    return Gone(vendor=vendor, flows=flows, left=tuple(_left(hub, connection, grants, ended)),
                alone=alone)  # fmt: skip


def _left(hub: Hub, connection: Connection, grants: list[SecretRef], ended: bool | None) -> Iterator[str]:
    """What only a person can take away."""
    yield from (f"{secret.key}, which is read from {secret.way}" for secret in grants if secret.way != "stored")
    if ended is None:
        yield f"the access that was given at {hub.plugins.manifests[connection.plugin].title}"


def _revoked(hub: Hub, name: str) -> bool | None:
    """Whether the vendor ended the sign-in, or knew it no longer; None where it cannot be told."""
    office, tokens = _Office(hub, name), tokens_of(hub, name)
    if tokens is None or not office.endpoints.revoke_url:
        return None
    with office.http() as http:
        return consent.revoke(http, office.endpoints, office.app, tokens, name)


# -- errors ------------------------------------------------------------------------------------------------------------


def _no_sign_in(hub: Hub, name: str) -> ConfigError:
    manifest = hub.plugins.manifests.get(hub.wiring.connection(name).plugin)
    setup = manifest.setup.format(name=name) if manifest is not None else ""
    return ConfigError(
        f"connection {name} signs in neither by oauth2 nor by a token, so there is nothing to connect",
        fix=f"set it up: {setup}" if setup else f"see what it reaches: wherry connection test {name}",
        code="WHERRY-2110", connection=name,
    )  # fmt: skip


def _redirect_needed(name: str, title: str) -> ConfigError:
    return ConfigError(
        f"{title} sends a browser back to a registered https address only, and none was named",
        fix=f"wherry connect {name} --redirect https://…, an address registered with the app; whatever stands there, "
        "the address that the browser ends at is what is asked for",
        code="WHERRY-2114", connection=name,
    )  # fmt: skip
