"""The stand-in as Microsoft's own client for Python uses it: ``pip install PowerPlatform-Dataverse-Client``.

It takes 200 MB with it and speaks https alone, so it is no part of the development install: without it this is skipped.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from .conftest import Standing

pytest.importorskip("PowerPlatform.Dataverse.client", reason="needs PowerPlatform-Dataverse-Client")


class Token(NamedTuple):
    token: str
    expires_on: int


class Credential:
    """Signs in as the kit does."""

    def __init__(self, token: str) -> None:
        self.token, self.scopes = token, set[str]()

    def get_token(self, *scopes: str, **_: Any) -> Token:
        self.scopes.update(scopes)
        return Token(self.token, 9_999_999_999)


def test_microsofts_client_reads_pages_writes_and_is_refused(
    environment: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests
    from PowerPlatform.Dataverse.client import DataverseClient
    from PowerPlatform.Dataverse.core.errors import HttpError
    from wherry.testing.services import SECRET

    send, place = requests.adapters.HTTPAdapter.send, environment.url.replace("http:", "https:")

    def plainly(adapter: Any, request: Any, **more: Any) -> Any:
        request.url = request.url.replace(place, environment.url)
        return send(adapter, request, **more)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", plainly)
    credential = Credential(SECRET)
    client = DataverseClient(place, credential)
    ids = [client.records.create("account", {"name": f"Account {n}", "industrycode": 33}) for n in range(5)]
    query = {"select": ["name"], "filter": "statecode eq 0", "orderby": ["modifiedon asc", "accountid asc"]}
    pages = [list(page) for page in client.records.list_pages("account", page_size=2, **query)]
    assert ([len(page) for page in pages], [row["accountid"] for page in pages for row in page]) == ([2, 2, 1], ids)
    client.records.update("account", ids[0], {"name": "Another"})
    assert client.records.retrieve("account", ids[0], select=["name"])["name"] == "Another"
    client.records.delete("account", ids[0])
    for asked in ({"select": ["nope"]}, {"filter": "nope eq 1"}):
        with pytest.raises(HttpError, match="Could not find a property named 'nope'"):
            list(client.records.list_pages("account", **asked))
    assert credential.scopes == {f"{place}/.default"}
