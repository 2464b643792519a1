"""Customers, vendors, items, accounts and other lists of the stand-in: names above all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INCOME, CHECKING = {"value": "79"}, {"value": "35"}


def test_customers_and_vendors_share_one_list_of_names(api: Any) -> None:
    """case_D1"""
    first = api.customer("Acme Ltd")
    for kind, name in (("Customer", "Acme Ltd"), ("Vendor", "ACME ltd"), ("Customer", "Acme Ltd ")):
        fault = api.post(kind.lower(), {"DisplayName": name}).json()["Fault"]["Error"][0]
        assert (fault["code"], fault["Detail"].rpartition("Id=")[2]) == ("6240", first)
    assert api.made("Item", {"Name": "Acme Ltd", "IncomeAccountRef": INCOME})["Name"] == "Acme Ltd"


@pytest.mark.parametrize("sign", [":", "\t", "\n"])
@pytest.mark.parametrize(("kind", "field"), [("Customer", "DisplayName"), ("Vendor", "DisplayName"), ("Item", "Name")])
def test_colons_tabs_and_new_lines_have_no_place_in_names(api: Any, kind: str, field: str, sign: str) -> None:
    """case_D4"""
    assert (
        api.refused(kind, {field: f"A{sign}B", "IncomeAccountRef": INCOME} if kind == "Item" else {field: f"A{sign}B"})
        == "2040"
    )


@pytest.mark.parametrize(
    ("kind", "field", "most", "rest"),
    [
        ("Customer", "DisplayName", 500, {}),
        ("Item", "Name", 100, {"IncomeAccountRef": INCOME}),
        ("Account", "Name", 100, {"AccountType": "Expense"}),
    ],
)
def test_names_have_a_longest_length(api: Any, kind: str, field: str, most: int, rest: Any) -> None:
    """case_D2"""
    assert api.made(kind, {field: "n" * most, **rest})[field] == "n" * most
    assert api.refused(kind, {field: "n" * (most + 1), **rest}) == "2050"


def test_a_customer_without_a_display_name_is_called_by_the_parts_of_his_name(api: Any) -> None:
    made = api.made("Customer", {"GivenName": "Ana", "FamilyName": "Fern", "CompanyName": "Fern & Co"})
    assert (made["DisplayName"], made["PrintOnCheckName"]) == ("Ana Fern", "Ana Fern")
    assert api.made("Customer", {"CompanyName": "Fern & Co"})["DisplayName"] == "Fern & Co"
    assert api.refused("Customer", {"Notes": "nameless"}) == "6080"


def test_sub_customers_go_five_levels_deep(api: Any) -> None:
    parent = api.customer("L1")
    for level in range(2, 6):
        made = api.made("Customer", {"DisplayName": f"L{level}", "Job": True, "ParentRef": {"value": parent}})
        parent = made["Id"]
    assert (made["FullyQualifiedName"], made["Level"]) == ("L1:L2:L3:L4:L5", 4)
    assert api.refused("Customer", {"DisplayName": "L6", "Job": True, "ParentRef": {"value": parent}}) == "6180"
    assert api.refused("Customer", {"DisplayName": "L6", "Job": True}) == "6150"


def test_an_entry_made_inactive_lets_go_of_its_name(api: Any) -> None:
    for _ in range(2):
        made = api.made("Customer", {"DisplayName": "Acme"})
        gone = api.made("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False})
    assert (gone["DisplayName"], gone["Active"]) == ("Acme (deleted 1)", False)
    back = api.made("Customer", {"Id": made["Id"], "SyncToken": "1", "sparse": True, "Active": True})
    assert back["DisplayName"] == "Acme"
    assert api.refused("Customer", {"Id": made["Id"], "SyncToken": "2"}, operation="delete") == "500"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"Type": "Service"}, "2020"),
        ({"Type": "Inventory", "IncomeAccountRef": INCOME}, "2020"),
        ({"Type": "Service", "IncomeAccountRef": CHECKING}, "6430"),
        ({"Type": "Bundle", "IncomeAccountRef": INCOME}, "2170"),
        ({"Type": "Service", "IncomeAccountRef": {"value": "4711"}}, "2500"),
        ({"Type": "Service", "IncomeAccountRef": INCOME, "UnitPrice": "many"}, "2100"),
    ],
)
def test_a_malformed_item_is_refused_with_its_code(api: Any, body: dict[str, Any], code: str) -> None:
    assert api.refused("Item", {"Name": "Installation", **body}) == code


def test_items_in_different_categories_may_share_a_name(api: Any) -> None:
    places = [api.made("Item", {"Name": name, "Type": "Category"})["Id"] for name in ("Wood", "Metal")]
    made = [api.item("Beam", SubItem=True, ParentRef={"value": place}) for place in places]
    assert len(set(made)) == 2
    assert api.get(f"item/{made[1]}")["Item"]["FullyQualifiedName"] == "Metal:Beam"
    twin = {"Name": "beam", "IncomeAccountRef": INCOME, "ParentRef": {"value": places[0]}}
    assert api.refused("Item", twin) == "6240"


def test_an_accounts_type_follows_from_its_subtype_and_must_fit_it(api: Any) -> None:
    made = api.made("Account", {"Name": "Till", "AccountSubType": "CashOnHand", "AcctNum": "1000"})
    assert (made["AccountType"], made["Classification"], made["CurrentBalance"]) == ("Bank", "Asset", 0)
    assert "AcctNum" not in made
    assert api.refused("Account", {"Name": "X"}) == "6010"
    assert api.refused("Account", {"Name": "X", "AccountType": "Bank", "AccountSubType": "Vehicles"}) == "6010"
    assert api.refused("Account", {"Name": "X", "AccountType": "Pocket"}) == "2170"
    assert api.refused("Account", {"Name": "X", "AccountType": "Bank", "AcctNum": "1000"}) == "6240"
    told = {"Id": "1", "SyncToken": "0", "sparse": True, "AccountingInfoPrefs": {"UseAccountNumbers": True}}
    api.made("Preferences", told)
    assert api.get(f"account/{made['Id']}")["Account"]["AcctNum"] == "1000"


def test_what_a_company_has_one_of_is_read_but_neither_made_nor_deleted(api: Any) -> None:
    assert api.get(f"companyinfo/{api.realm}")["CompanyInfo"]["Country"] == "US"
    assert api.get("preferences")["Preferences"]["CurrencyPrefs"]["HomeCurrency"] == {"value": "USD"}
    assert api.refused("TaxCode", {"Name": "X"}) == "500"
    assert api.refused("CompanyCurrency", {"Code": "EUR"}) == "5030"
    assert api.post("salesorder", {}).status_code == 404
    assert api.made("Class", {"Name": "North"})["FullyQualifiedName"] == "North"
    assert api.made("Department", {"Name": "Quay"})["SubDepartment"] is False
    assert api.made("Term", {"Name": "Net 7", "DueDays": 7})["Type"] == "STANDARD"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=60))
def test_a_name_that_was_taken_is_found_again_by_a_query(api: Any, name: str) -> None:
    """case_D5, case_D6"""
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    answer = api.post("customer", {"DisplayName": name})
    if answer.status_code == 400:
        assert answer.json()["Fault"]["Error"][0]["code"] in ("2040", "6240", "6080")
        return
    kept = answer.json()["Customer"]["DisplayName"]
    escaped = kept.replace("\\", "\\\\").replace("'", "\\'")
    (found,) = api.asked(f"select * from Customer where DisplayName = '{escaped}'")["Customer"]
    assert found["Id"] == answer.json()["Customer"]["Id"]
