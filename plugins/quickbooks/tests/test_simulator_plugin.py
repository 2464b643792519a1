"""The plugin as the core sees it: what it says of itself, its settings, and its stand-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from wherry import plugins
from wherry.simulator import serve
from wherry_quickbooks.settings import QuickBooksSettings

AUTH = {"kind": "oauth2", "client_id": "id", "client_secret": {"env": "BOOKS_CLIENT_SECRET"}}


def test_the_core_loads_the_stand_in_by_the_name_of_the_system() -> None:
    sim = plugins.load(["quickbooks"]).simulator("quickbooks")
    with serve(sim.app()) as url:
        (realm,) = httpx.get(f"{url}/__sim/companies").json()
        headers = {"authorization": "Bearer x", "accept": "application/json"}
        answer = httpx.get(f"{url}/v3/company/{realm}/companyinfo/{realm}", headers=headers)
        assert answer.json()["CompanyInfo"]["CompanyName"] == f"Company {realm}"


def test_the_address_follows_the_environment_unless_it_is_set() -> None:
    assert QuickBooksSettings(auth=AUTH).url == "https://quickbooks.api.intuit.com"
    assert "sandbox" in QuickBooksSettings(auth=AUTH, environment="sandbox").url
    told = QuickBooksSettings(auth=AUTH, environment="simulator", base_url="http://127.0.0.1:1")
    assert (told.url, told.minor_version, told.realm) == ("http://127.0.0.1:1", 75, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"environment": "simulator"},
        {"environment": "test"},
        {"minor_version": 74},
        {"realm": "my company"},
        {"company": "123"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QuickBooksSettings.model_validate({"auth": AUTH, **wrong})


@pytest.mark.parametrize("wrong", [{"tax": "fr"}, {"limits": "some"}, {"chart": "huge"}])
def test_a_stand_in_refuses_options_it_does_not_know(standing: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="known"):
        standing(**wrong)


def test_a_stand_in_that_is_started_by_name_has_a_full_chart_unless_told() -> None:
    loaded = plugins.load(["quickbooks"])
    full = {account["AcctNum"] for account in loaded.simulator("quickbooks").objects("Account") if "AcctNum" in account}
    assert {"01010", "01210", "40310"} <= full
    small = loaded.simulator("quickbooks", {"chart": "small"}).objects("Account")
    assert not any("AcctNum" in account for account in small)
