"""The contract of a webhook: what its system signed is kept, and nothing else leaves a trace.

class TestWebhook(WebhookSuite):
    @pytest.fixture
    def trial(self, ...) -> WebhookTrial:
        return WebhookTrial(routes=..., connection=..., sign=..., body=...)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec
import pytest
import structlog
from msgspec import Struct

from wherry.errors import WherryError
from wherry.roles import Connection
from wherry.settings import SecretRef
from wherry.testing import guarantees as promise
from wherry.testing.guarantees import guarantee, tried
from wherry.testing.services import SECRET
from wherry.testing.trial import needed
from wherry.web.routes import Change, Host, HttpRequest, HttpResponse, HttpRoute, Notification, Snapshot

STRANGE = ("", "=", "not base64", "AAAA", "\x00" * 44, "0" * 64, "sha256=", "t=1,v1=", "Bearer x", "\N{SNOWMAN}")
JUNK = (b"", b"{}", b"[]", b"null", b"[[]]", b"{", b"\xff\xfe", b'"x"', b"[1]", b'{"events": [{}]}', b"[" * 5_000)
MOST = 16 << 20
"""Bytes: who takes more at once can be filled up."""


class Listener:
    """The web host as a plugin sees it: one connection, whose secret is ``secret``, and what was told of it."""

    def __init__(self, connection: Connection, account: str, secret: str) -> None:
        self.connections: Mapping[str, Connection] = {connection.name: connection}
        self.secret, self._account = secret, account
        self.told: dict[str, Notification] = {}

    def account(self, connection: str) -> str:
        """The vendor's id of the account."""
        return self._account

    def reveal(self, connection: str, secret: SecretRef) -> str:
        """Whichever secret it is."""
        return self.secret

    def notify(self, told: Sequence[Notification]) -> int:
        """Keep each once."""
        before = len(self.told)
        self.told.update({one.id: one for one in told})
        return len(self.told) - before

    def reading(self) -> AbstractContextManager[Snapshot]:
        """A webhook is a hint, never data: it needs no documents."""
        raise AssertionError("a webhook reads no documents")

    def changing(self, by: str) -> AbstractContextManager[Change]:
        """Nor does it write any."""
        raise AssertionError("a webhook writes nothing but its notifications")

    def drain(self, connection: str) -> None:
        """Nor does it send anything."""
        raise AssertionError("a webhook sends nothing")


class WebhookTrial(Struct, kw_only=True):
    """A webhook on trial. Bodies and signatures are the vendor's: made by the stand-in, or as the vendor describes."""

    routes: Callable[[Host], Sequence[HttpRoute]]
    """What ``wherry_http_routes`` gives for a host."""
    connection: Connection
    """One connection that a delivery can be for; its settings name a secret."""
    sign: Callable[[bytes, str], Mapping[str, str]]
    """The headers, in lower case, with which the vendor sends a body that it signs with a secret."""
    body: Callable[[int], bytes]
    """A delivery that tells of one change: the n-th, always the same."""
    account: str = ""
    """The vendor's id of the account that the connection is bound to."""
    foreign: Callable[[int], bytes] | None = None
    """The same, of another account of the vendor's."""
    later: Callable[[int], bytes] | None = None
    """A delivery that tells of a later change, of the same sort, to the record of the n-th."""


class WebhookSuite:
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""

    @guarantee(promise.SIGNED)
    def test_every_route_says_who_may_call_it(self, trial: WebhookTrial) -> None:
        for route in trial.routes(host(trial)):
            assert route.scope or route.open, f"{route.path}: neither a token's scope nor why none is asked for"
            assert 0 < route.most <= MOST

    @guarantee(promise.SIGNED)
    def test_a_signed_delivery_is_kept_as_a_hint(self, trial: WebhookTrial) -> None:
        listener = host(trial)
        assert called(trial, listener, trial.body(1)).status in range(200, 300)
        (told,) = listener.told.values()
        assert told.connection == trial.connection.name
        assert all((told.id, told.kind, told.record, told.what, told.at)), "which record, and what became of it?"

    @guarantee(promise.SIGNED)
    def test_a_delivery_that_comes_twice_is_one(self, trial: WebhookTrial) -> None:
        """Also to another process, and in another order with others."""
        listener = host(trial)
        for number in (1, 2, 1, 2):
            called(trial, listener, trial.body(number))
        assert len(listener.told) == 2

    @guarantee(promise.SIGNED)
    def test_a_later_change_of_a_record_is_no_repeat(self, trial: WebhookTrial) -> None:
        later, listener = needed(trial.later, "has no delivery about a later change"), host(trial)
        called(trial, listener, trial.body(1))
        called(trial, listener, later(1))
        assert len(listener.told) == 2, "the later change would be taken for the earlier one, come once more"

    @guarantee(promise.SIGNED)
    def test_what_nobody_signed_leaves_no_trace(self, trial: WebhookTrial) -> None:
        names = list(trial.sign(trial.body(1), SECRET))
        refused(trial, trial.body(1), {})
        for text in STRANGE:
            refused(trial, trial.body(1), dict.fromkeys(names, text))

    @guarantee(promise.SIGNED)
    def test_what_another_secret_signed_leaves_no_trace(self, trial: WebhookTrial) -> None:
        body = trial.body(1)
        for secret in ("another", SECRET[:-1], SECRET + "x", SECRET.upper(), ""):
            refused(trial, body, trial.sign(body, secret))

    @guarantee(promise.SIGNED)
    def test_a_signature_is_good_for_its_own_bytes_alone(self, trial: WebhookTrial) -> None:
        body = trial.body(1)
        headers = trial.sign(body, SECRET)
        refused(trial, trial.body(2), headers)
        refused(trial, body + b" ", headers)
        for at in range(0, len(body), max(1, len(body) // 20)):
            refused(trial, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], headers)

    @guarantee(promise.SIGNED)
    def test_without_a_secret_nobody_is_believed(self, trial: WebhookTrial) -> None:
        """An empty secret is known to everybody."""
        refused(trial, trial.body(1), trial.sign(trial.body(1), ""), secret="")

    @guarantee(promise.SIGNED)
    def test_a_signed_delivery_about_another_account_is_not_ours(self, trial: WebhookTrial) -> None:
        foreign = needed(trial.foreign, "has no delivery about another account")
        listener = host(trial)
        called(trial, listener, foreign(1))
        assert listener.told == {}, "kept all the same: compare the account it names with host.account(connection)"

    @guarantee(promise.HARMLESS)
    def test_signed_junk_is_refused_and_never_a_crash(self, trial: WebhookTrial) -> None:
        for body in JUNK:
            listener = host(trial)
            try:
                answer = called(trial, listener, body)
            except WherryError:
                answer = HttpResponse(status=400)
            tried("answers of junk")
            assert answer.status < 500, f"{body[:20]!r} ends with {answer.status}"
            assert listener.told == {}

    @guarantee(promise.SECRETS)
    def test_the_secret_is_in_no_answer_and_in_no_log(
        self, trial: WebhookTrial, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        said: list[str] = []
        with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as events:
            for headers in (trial.sign(trial.body(1), SECRET), {}, trial.sign(trial.body(1), "another")):
                answer = called(trial, host(trial), trial.body(1), headers)
                said.append(repr(msgspec.structs.asdict(answer)) + str(answer.error and answer.error.as_data()))
        told = [*said, caplog.text, str(events), *capfd.readouterr()]
        assert [text for text in told if SECRET in text] == []
        assert told[-2:] == ["", ""], "nothing is printed"


def host(trial: WebhookTrial, secret: str = SECRET) -> Listener:
    """A host that was told nothing yet."""
    return Listener(trial.connection, trial.account, secret)


def called(
    trial: WebhookTrial, listener: Listener, body: bytes, headers: Mapping[str, str] | None = None
) -> HttpResponse:  # fmt: skip
    """What the webhook answers to a delivery, signed if nothing else is said."""
    route = next(route for route in trial.routes(listener) if route.open)
    told = trial.sign(body, SECRET) if headers is None else headers
    return route.handle(HttpRequest(
        method=route.method, path=route.path, url=f"https://hub.example.com{route.path}", body=body, headers=told,
    ))  # fmt: skip


def refused(trial: WebhookTrial, body: bytes, headers: Mapping[str, str], secret: str = SECRET) -> None:
    """Raises AssertionError where such a delivery is believed."""
    listener = host(trial, secret)
    try:
        status = called(trial, listener, body, headers).status
    except WherryError:
        status = 401
    tried("forged deliveries")
    assert status in (401, 403), f"a delivery with {dict(headers)} is answered with {status}"
    assert listener.told == {}, f"a delivery with {dict(headers)} is believed"
