"""Where Intuit tells of changes: a delivery whose signature holds is kept and answered at once; others leave no trace.

A notification is a hint to read, never data. A signature speaks for the companies of the connections that have its
verifier token, and for no other company in the same delivery.
"""

from __future__ import annotations

from wherry.errors import AccessLost, WherryError
from wherry.roles import Connection, Services
from wherry.web.routes import Host, HttpRequest, HttpResponse, HttpRoute, Notification

from . import webhooks
from .settings import QuickBooksSettings

PATH = "/hooks/quickbooks/notifications"


def routes(services: Services, host: Host) -> list[HttpRoute]:
    """One address for all connections: an app has one, whatever the number of its companies."""
    return [
        HttpRoute(
            method="POST", path=PATH, handle=Notified(services, host).answer, most=webhooks.MOST,
            open="signed by Intuit with the verifier token", about="Changes in QuickBooks Online.",
        )
    ]  # fmt: skip


class Notified:
    """Takes deliveries. Safe for threads."""

    def __init__(self, services: Services, host: Host) -> None:
        self._log, self._host = services.log, host

    def answer(self, call: HttpRequest) -> HttpResponse:
        """200 once what was told is durable; 401 with no reason for a delivery that nobody signed."""
        signers = self._signers(call.body, call.headers.get(webhooks.HEADER, ""))
        if not signers:
            return HttpResponse(status=401, error=_unsigned())
        events = webhooks.events(call.body)
        companies = {realm: name for name in signers if (realm := self._realm(name))}
        told = [_notification(companies[event.realm], event) for event in events if event.realm in companies]
        fresh = self._host.notify(told)
        self._log.info("notified", events=len(events), new=fresh, of_other_companies=len(events) - len(told))
        return HttpResponse(data={"received": len(told), "new": fresh})

    def _signers(self, body: bytes, signature: str) -> list[str]:
        """The connections whose verifier token signed this; every one is tried, so that time tells nothing."""
        return [
            name for name, one in self._host.connections.items()
            if webhooks.verify(body, signature, self._tokens(one))
        ]  # fmt: skip

    def _tokens(self, connection: Connection) -> list[str]:
        settings: QuickBooksSettings = connection.settings
        found = []
        for secret in (settings.webhook_token, settings.old_webhook_token):
            if secret is not None:
                try:
                    found.append(self._host.reveal(connection.name, secret))
                except WherryError as error:
                    self._log.error("verifier token not to be had", name=connection.name, reason=error.message)
        return found

    def _realm(self, connection: str) -> str:
        settings: QuickBooksSettings = self._host.connections[connection].settings
        return settings.realm or self._host.account(connection)


def _notification(connection: str, event: webhooks.Event) -> Notification:
    return Notification(
        id=event.id, connection=connection, kind=event.entity, record=event.entity_id, what=event.operation,
        at=event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )  # fmt: skip


def _unsigned() -> AccessLost:
    return AccessLost(
        "this delivery is not signed with a verifier token of this project", code="WHERRY-5770",
        fix="compare webhook_token with the verifier token that Intuit's developer portal shows for the app",
    )  # fmt: skip
