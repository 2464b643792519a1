"""The kit's suite for webhooks, on what the stand-in and Intuit's samples look like, in both shapes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from wherry.roles import Connection
from wherry.testing.services import services
from wherry.testing.webhooks import WebhookSuite, WebhookTrial
from wherry_quickbooks.hooks import routes
from wherry_quickbooks.settings import QuickBooksSettings
from wherry_quickbooks.webhooks import HEADER

OURS, OTHER = "123146000000001", "123146000000002"
MOMENT, LATER = "2026-03-31T17:00:07Z", "2026-03-31T17:00:09Z"
SETTINGS = {
    "realm": OURS, "environment": "simulator", "base_url": "http://127.0.0.1:9", "webhook_token": {"env": "VERIFIER"},
    "auth": {"kind": "token", "token": {"env": "TOKEN"}},
}  # fmt: skip


def legacy(realm: str, number: int, moment: str = MOMENT) -> Any:
    entity = {"name": "Customer", "id": str(number), "operation": "Update", "lastUpdated": moment}
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": [entity]}}]}


def cloud(realm: str, number: int, moment: str = MOMENT) -> Any:
    told = {"specversion": "1.0", "id": f"event-{number}-{moment}", "source": "x", "type": "qbo.customer.updated.v1"}
    return [{**told, "time": moment, "intuitentityid": str(number), "intuitaccountid": realm, "data": {}}]


def signed(body: bytes, secret: str) -> Mapping[str, str]:
    return {HEADER: base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()}


class TestWebhook(WebhookSuite):
    @pytest.fixture(params=[legacy, cloud], ids=lambda shape: shape.__name__)
    def trial(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[WebhookTrial]:
        monkeypatch.setenv("VERIFIER", "kept by the host")
        monkeypatch.setenv("TOKEN", "token")
        shape: Callable[..., Any] = request.param
        with services(tmp_path) as kit:
            yield WebhookTrial(
                routes=lambda host: routes(kit, host),
                connection=Connection("books", "quickbooks", QuickBooksSettings.model_validate(SETTINGS)),
                sign=signed,
                body=lambda number: json.dumps(shape(OURS, number)).encode(),
                account=OURS,
                foreign=lambda number: json.dumps(shape(OTHER, number)).encode(),
                later=lambda number: json.dumps(shape(OURS, number, LATER)).encode(),
            )
