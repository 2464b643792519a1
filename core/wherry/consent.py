"""Consent: the OAuth 2 authorization code flow with PKCE, from the link that a person follows to tokens not yet kept.

What was begun (state and verifier) waits encrypted in the vault, for one answer and ten minutes. Source: RFC 6749
section 4.1, RFC 7636 (S256 always), RFC 8252 (loopback), RFC 9207 (issuer), RFC 9700; faults-and-security.md G5.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import msgspec
from msgspec import Struct

from wherry.decoding import decoder
from wherry.errors import AccessLost, ConfigError, TryAgain
from wherry.http import Http
from wherry.records import Call
from wherry.redaction import remember, scrub
from wherry.roles import Clock
from wherry.secrets import Vault
from wherry.signin import App, OAuthEndpoints, Tokens, granted, told

FIELD = "consent"
"""The vault's field under which what was begun waits for its answer."""
LIFE = 600.0
"""Seconds that an answer may take."""
LONGEST = 8_192
_OWN = frozenset({"code", "state", "error", "error_description", "error_uri", "iss", "scope"})
"""Parameters of the redirect that the protocol itself reads; the others are the vendor's and are kept."""


class Begun(Struct, frozen=True, kw_only=True):
    """A sign-in that waits for its answer. ``at`` is in seconds since 1970."""

    state: str
    verifier: str
    redirect: str
    at: float

    def fits(self, answer: str) -> bool:
        """Whether a redirected address can be the answer: it came to our own address with our own state."""
        ours = urlsplit(self.redirect)
        try:
            theirs = urlsplit(answer)
        except ValueError:
            return False
        same_place = (ours.scheme, ours.netloc, ours.path) == (theirs.scheme, theirs.netloc, theirs.path)
        state = dict(parse_qsl(theirs.query)).get("state", "")
        return same_place and secrets.compare_digest(state.encode(), self.state.encode())


class Consent(Struct, frozen=True, kw_only=True):
    """What came back: the code, what it can be redeemed with, and what the vendor told beside it."""

    code: str
    verifier: str
    redirect: str
    extra: dict[str, str]


def begin(
    vault: Vault, connection: str, endpoints: OAuthEndpoints, client_id: str, scopes: tuple[str, ...], redirect: str,
    clock: Clock,
) -> tuple[str, Begun]:  # fmt: skip
    """The link to follow, and what was kept to judge its answer by. What was begun before is no longer waited for.

    Raises ConfigError where the vendor has no consent page, or the redirect is one that would show the code.
    """
    if not endpoints.authorize_url.startswith("http"):
        raise ConfigError(
            f"connections.{connection}.auth: this plugin knows no page where a person could consent",
            fix="give auth a refresh_token that was had by other means", code="WHERRY-2111", connection=connection,
        )  # fmt: skip
    _check_redirect(connection, redirect)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    begun = Begun(state=state, verifier=verifier, redirect=redirect, at=clock.now().timestamp())
    vault.put(connection, FIELD, msgspec.json.encode(begun).decode())
    asked = {
        "client_id": client_id, "response_type": "code", "redirect_uri": redirect, "scope": " ".join(scopes),
        "state": state, "code_challenge": challenge_of(remember(verifier)), "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{endpoints.authorize_url}?{urlencode(asked)}", begun


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636, 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _check_redirect(connection: str, redirect: str) -> None:
    try:
        parts = urlsplit(redirect)
        at_home = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1") and parts.port != 0
        sound = (at_home or parts.scheme == "https") and parts.hostname and not (parts.query or parts.fragment)
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(
            f"connection {connection} cannot be sent back to {scrub(redirect)[:200]}: a code would travel unencrypted, "
            "or its address would be mistaken",
            fix="use an https address, or http://localhost:PORT/callback, as it is registered with the app; "
            "no ? and no # in it",
            code="WHERRY-2112", connection=connection,
        )  # fmt: skip


# -- the answer --------------------------------------------------------------------------------------------------------


def take(vault: Vault, connection: str, answer: str, endpoints: OAuthEndpoints, clock: Clock) -> Consent:
    """The consent that a redirected address brings. It is taken once: whoever brings it again is refused.

    Raises AccessLost for an answer to nothing, to somebody else, too late, or that says no.
    """
    begun = _begun(vault, connection)
    if len(answer) > LONGEST or not begun.fits(answer):
        raise _refused(
            connection, "this is no answer to the sign-in that was begun here: it is not the whole address that the "
            "browser ended at, or that of an earlier link", "WHERRY-5050", begun.redirect,
        )  # fmt: skip
    vault.remove(connection, FIELD)
    pairs = parse_qsl(urlsplit(answer).query, keep_blank_values=True)
    found = {name: value for name, value in pairs if value}
    if not 0 <= clock.now().timestamp() - begun.at <= LIFE:
        raise _refused(
            connection, f"the answer came more than {LIFE / 60:.0f} minutes after it was begun", "WHERRY-5051",
            begun.redirect,
        )  # fmt: skip
    if found.get("error"):
        said = scrub(found.get("error_description") or found["error"])[:200]
        raise _refused(connection, f"the vendor's consent page said no: {said}", "WHERRY-5052", begun.redirect)
    if "code" not in found or len(pairs) != len(dict(pairs)) or found.get("iss", endpoints.issuer) != endpoints.issuer:
        raise _refused(
            connection, "the answer is damaged or comes from another issuer: it has no single code", "WHERRY-5053"
        )
    extra = {name: value for name, value in found.items() if name not in _OWN}
    code = remember(found["code"])
    return Consent(code=code, verifier=remember(begun.verifier), redirect=begun.redirect, extra=extra)


def _begun(vault: Vault, connection: str) -> Begun:
    text = vault.get(connection, FIELD)
    if text is None:
        raise _refused(
            connection, "no sign-in waits for an answer: none was begun, or its answer was used already", "WHERRY-5054"
        )
    begun: Begun = decoder(Begun).decode(text)
    return begun


def _refused(connection: str, why: str, code: str, redirect: str = "") -> AccessLost:
    """``redirect``: where the browser was sent, told again where that is not the one that goes without saying."""
    again = f" --redirect {redirect}" if redirect.startswith("https:") else ""
    return AccessLost(
        f"connection {connection} was not connected: {why}", fix=f"begin again: wherry connect {connection}{again}",
        code=code, connection=connection,
    )  # fmt: skip


# -- at the vendor -----------------------------------------------------------------------------------------------------


def offered(http: Http, link: str) -> str:
    """Where a stand-in's consent page sends its visitor at once; empty where it shows a page, as a real one does."""
    reply = http.send(Call(method="GET", path=link, items=()))
    return reply.headers.get("location", "") if httpx.codes.is_redirect(reply.status) else ""


def redeem(
    http: Http, endpoints: OAuthEndpoints, app: App, consent: Consent, connection: str, clock: Clock, seed: str = ""
) -> Tokens:
    """Tokens for a code, asked for once: a code that is shown twice is taken for a stolen one.

    Raises AccessLost where the vendor refuses, TryAgain where it is out of order.
    """
    form = {
        "grant_type": "authorization_code", "code": consent.code, "redirect_uri": consent.redirect,
        "code_verifier": consent.verifier,
    }  # fmt: skip
    answer = _asked(http, endpoints.token_url, endpoints, app, form)
    if answer.status_code in (400, 401, 403):
        raise _refused(connection, f"the vendor did not take the code or the app: {told(answer)}", "WHERRY-5055")
    given = granted(answer)
    if given is None:
        raise _out_of_order(connection, answer, "gave no token; nothing was kept", f"wherry connect {connection}")
    if not given.refresh_token:
        raise _refused(
            connection, "the vendor gave no refresh token, so the sign-in would end within the hour", "WHERRY-5056"
        )
    now = clock.now().timestamp()
    tokens = given.tokens(now, refresh=given.refresh_token, seed=seed, extra=consent.extra)
    remember(tokens.access), remember(tokens.refresh)
    return tokens


def revoke(http: Http, endpoints: OAuthEndpoints, app: App, tokens: Tokens, connection: str) -> bool:
    """End a sign-in at the vendor (RFC 7009). False where the vendor no longer knew it. Raises TryAgain."""
    form = {"token": tokens.refresh, "token_type_hint": "refresh_token"}
    answer = _asked(http, endpoints.revoke_url, endpoints, app, form)
    alone = f"wherry connection disconnect {connection} --only-here forgets it here alone"
    if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        fix = f"run it again later; {alone}"
        raise _out_of_order(connection, answer, "did not end the sign-in; nothing was changed", fix)
    if answer.status_code in (401, 403):
        raise AccessLost(
            f"connection {connection}: the vendor did not take the app, so the sign-in stands ({told(answer)})",
            fix=f"correct client id and secret, and run it again; {alone}", code="WHERRY-5057", connection=connection,
        )  # fmt: skip
    return answer.status_code < 300


def _asked(http: Http, url: str, endpoints: OAuthEndpoints, app: App, form: dict[str, str]) -> httpx.Response:
    headers, proof = app.proof(endpoints)
    headers |= {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({**form, **proof}).encode()
    reply = http.send(Call(method="POST", path=url, items=(), headers=headers, body=body))
    return httpx.Response(reply.status, content=reply.body)


def _out_of_order(connection: str, answer: httpx.Response, what: str, fix: str) -> TryAgain:
    return TryAgain(
        f"connection {connection}: the vendor {what} ({told(answer)})", fix=fix, code="WHERRY-6060",
        connection=connection, status=answer.status_code,
    )  # fmt: skip
