"""The query language, change data capture and batches of the stand-in."""

from __future__ import annotations

from typing import Any

import pytest

MINUTE = 60.0


def test_pages_start_at_one_and_hold_a_hundred_unless_said(api: Any) -> None:
    for n in range(105):
        api.sim.write("Customer", {"DisplayName": f"C{n:03d}"})
    first = api.asked("select * from Customer orderby Id")
    assert (len(first["Customer"]), first["startPosition"], first["maxResults"]) == (100, 1, 100)
    rest = api.asked("SELECT * FROM customer ORDER BY Id STARTPOSITION 101 MAXRESULTS 1000")
    assert [c["DisplayName"] for c in rest["Customer"]] == [f"C{n:03d}" for n in range(100, 105)]
    assert rest["maxResults"] == 5
    assert api.asked("select * from Customer startposition 106") == {}
    assert api.asked("select count(*) from Customer") == {"totalCount": 105}
    assert len(api.asked("select * from Customer maxresults 5000")["Customer"]) == 105


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("DisplayName = 'o\\'neil'", ["O'Neil"]),
        ("DisplayName = 'back\\\\slash'", ["back\\slash"]),
        ("DisplayName like 'A%'", ["Abe", "Ana"]),
        ("DisplayName like '%n%' and Balance = '0'", ["Ana", "O'Neil"]),
        ("DisplayName in ('abe', 'Ana', 'nobody')", ["Abe", "Ana"]),
        ("DisplayName > 'Abe' and DisplayName <= 'back\\\\slash'", ["Ana", "back\\slash"]),
        ("DisplayName < 'ana'", ["Abe"]),
        ("Active = true", ["Abe", "Ana", "O'Neil", "back\\slash"]),
        ("Active = false", ["Zed (deleted)"]),
        ("Active in (true, false)", ["Abe", "Ana", "O'Neil", "Zed (deleted)", "back\\slash"]),
        ("MetaData.LastUpdatedTime >= '2026-03-31T10:01:00-07:00'", ["O'Neil"]),
        ("MetaData.LastUpdatedTime < '2026-03-31T17:01:00Z' and Active = true", ["Abe", "Ana", "back\\slash"]),
        ("GivenName = 'Nobody'", []),
    ],
)
def test_conditions_choose_what_they_say(api: Any, where: str, names: list[str]) -> None:
    for name in ("Abe", "Ana", "back\\slash", "Zed"):
        made = api.sim.write("Customer", {"DisplayName": name})
    api.sim.write("Customer", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Active": False}, "update")
    api.sim.clock.advance(MINUTE)
    api.sim.write("Customer", {"DisplayName": "O'Neil"})
    found = api.asked(f"select * from Customer where {where}").get("Customer", [])
    assert sorted(c["DisplayName"] for c in found) == names


def test_a_projection_gives_the_fields_that_were_named(api: Any) -> None:
    api.customer("Abe")
    (row,) = api.asked("select Id, DisplayName, MetaData.CreateTime from Customer")["Customer"]
    assert set(row) == {"domain", "sparse", "Id", "DisplayName", "MetaData"}
    (whole,) = api.asked("select *, Balance from Customer")["Customer"]
    assert "SyncToken" in whole


def test_documents_are_found_by_number_date_and_customer(api: Any) -> None:
    for number, day in (("A1", "01"), ("A2", "02"), ("B1", "03")):
        api.made("Invoice", api.invoice(DocNumber=number, TxnDate=f"2026-03-{day}"))
    customer = api.asked("select Id from Customer")["Customer"][0]["Id"]
    found = api.asked("select DocNumber from Invoice where TxnDate >= '2026-03-02' orderby TxnDate desc")["Invoice"]
    assert [row["DocNumber"] for row in found] == ["B1", "A2"]
    assert len(api.asked(f"select * from Invoice where CustomerRef = '{customer}'")["Invoice"]) == 3
    (one,) = api.asked("select * from Invoice where DocNumber in ('A2','X')")["Invoice"]
    assert one["DocNumber"] == "A2"
    assert [row["DocNumber"] for row in api.asked("select * from Invoice")["Invoice"]] == ["B1", "A2", "A1"]
    assert len(api.asked("select * from Invoice where TotalAmt > '249.99' and TotalAmt < '250.01'")["Invoice"]) == 3


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("select * from Nonsense", "4001"),
        ("select * from Customer where Nonsense = 'x'", "4001"),
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Customer orderby Notes", ""),
        ("select * from Customer where DisplayName != 'x'", "4001"),
        ("select * from Customer where DisplayName = 'x' or DisplayName = 'y'", "4000"),
        ("select * from Customer where DisplayName = x", "4000"),
        ("select * from Customer where DisplayName = 'x", "4000"),
        ("select * from Customer group by Id", "4000"),
        ("select * from Customer startposition 0", "4001"),
        ("select * from Invoice where TotalAmt > 'much'", "4001"),
        ("delete from Customer", "4000"),
        ("", "4000"),
    ],
)
def test_what_is_no_query_is_refused(api: Any, statement: str, code: str) -> None:
    api.made("Invoice", api.invoice())
    if code:
        assert api.query_fault(statement) == code
    else:
        assert api.asked(statement)["Customer"]


def test_a_query_may_come_as_the_body_of_a_post(api: Any) -> None:
    api.customer("Abe")
    headers = {"content-type": "application/text"}
    path = f"/v3/company/{api.realm}/query"
    answer = api.http.post(path, content="select count(*) from Customer", headers=headers)
    assert answer.json()["QueryResponse"] == {"totalCount": 1}


def test_change_data_capture_tells_what_changed_and_what_is_gone(api: Any) -> None:
    api.customer("Old")
    api.sim.clock.advance(MINUTE)
    since = "2026-03-31T10:01:00-07:00"
    made = api.made("Invoice", {**api.invoice(), "CustomerRef": {"value": api.customer("New")}})
    api.made("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    (told,) = api.get("cdc", entities="Customer,Invoice,Account", changedSince=since)["CDCResponse"]
    customers, invoices, accounts = told["QueryResponse"]
    assert {c["DisplayName"] for c in customers["Customer"]} == {"Acme Ltd", "New"}
    assert [(i["Id"], i["status"]) for i in invoices["Invoice"]] == [(made["Id"], "Deleted")]
    assert accounts == {}


def test_change_data_capture_reaches_thirty_days_and_a_thousand_objects(api: Any) -> None:
    for n in range(1005):
        api.sim.write("Customer", {"DisplayName": f"C{n}"})
    answer = api.get("cdc", entities="Customer", changedSince="2026-03-31T09:00:00-07:00")
    assert len(answer["CDCResponse"][0]["QueryResponse"][0]["Customer"]) == 1000
    params = {"entities": "Customer", "changedSince": "2026-02-28T00:00:00Z"}
    late = api.http.get(f"/v3/company/{api.realm}/cdc", params=params)
    assert late.json()["Fault"]["Error"][0]["code"] == "2190"
    params = {"entities": "Nonsense", "changedSince": "2026-03-31T00:00:00Z"}
    assert api.http.get(f"/v3/company/{api.realm}/cdc", params=params).status_code == 400


def batch(api: Any, *items: Any, **params: str) -> Any:
    return api.post(
        "batch", {"BatchItemRequest": [{"bId": str(n), **item} for n, item in enumerate(items, 1)]}, **params
    )


def named(name: str) -> dict[str, Any]:
    return {"operation": "create", "Customer": {"DisplayName": name}}


def test_items_of_a_batch_stand_alone_with_their_faults_inside_a_200(api: Any) -> None:
    """case_A10"""
    answer = batch(
        api, named("A"), named("a"), {"Query": "select count(*) from Customer"}, {"operation": "create", "X": {}}
    )
    told = answer.json()["BatchItemResponse"]
    assert answer.status_code == 200
    assert [t["bId"] for t in told] == ["1", "2", "3", "4"]
    assert told[0]["Customer"]["DisplayName"] == "A"
    assert [t["Fault"]["Error"][0]["code"] for t in (told[1], told[3])] == ["6240", "2000"]
    assert told[2]["QueryResponse"] == {"totalCount": 1}


def test_a_batch_holds_thirty_items_told_apart_by_their_ids(api: Any) -> None:
    assert len(batch(api, *(named(f"C{n}") for n in range(30))).json()["BatchItemResponse"]) == 30
    too_long = batch(api, *(named(f"D{n}") for n in range(31)))
    assert too_long.json()["Fault"]["Error"][0]["code"] == "1040"
    twins = {"BatchItemRequest": [{"bId": "1", **named("X")}, {"bId": "1", **named("Y")}]}
    assert api.post("batch", twins).status_code == 400
    assert len(api.sim.objects("Customer")) == 30


def test_a_batch_updates_voids_and_deletes(api: Any) -> None:
    one, two = (api.made("Invoice", api.invoice()) for _ in range(2))
    token = [{"Id": body["Id"], "SyncToken": "0"} for body in (one, two)]
    note = {
        "operation": "update",
        "Customer": {"Id": one["CustomerRef"]["value"], "SyncToken": "0", "sparse": True, "Notes": "n"},
    }
    void = {"operation": "update", "optionsData": "void", "Invoice": {**token[0], "sparse": True}}
    told = batch(api, note, void, {"operation": "delete", "Invoice": token[1]}).json()["BatchItemResponse"]
    assert (told[0]["Customer"]["Notes"], told[1]["Invoice"]["TotalAmt"]) == ("n", 0)
    assert told[2]["Invoice"]["status"] == "Deleted"


def test_a_batch_that_stops_half_way_keeps_what_it_did(api: Any) -> None:
    """case_A22"""
    api.sim.mishaps.stop_after = 2
    answer = batch(api, *(named(f"C{n}") for n in range(4)))
    assert answer.status_code == 504
    assert [c["DisplayName"] for c in api.sim.objects("Customer")] == ["C0", "C1"]
    told = batch(api, named("C2"), named("C3")).json()["BatchItemResponse"]
    assert all("Customer" in t for t in told)


def test_answers_of_a_batch_may_come_in_another_order_or_not_at_all(api: Any) -> None:
    """case_A23"""
    api.sim.mishaps.reverse, api.sim.mishaps.leave_out = True, 1
    told = batch(api, *(named(f"C{n}") for n in range(3))).json()["BatchItemResponse"]
    assert [t["bId"] for t in told] == ["3", "2"]
    assert len(api.sim.objects("Customer")) == 3


def test_a_request_id_protects_a_batch_and_each_of_its_items(api: Any) -> None:
    first = batch(api, named("A"), named("B"), requestid="whole-1").json()
    assert batch(api, named("A"), named("B"), requestid="whole-1").json() == first
    item = {**named("C"), "requestid": "item-1"}
    one, other = (batch(api, item).json()["BatchItemResponse"][0] for _ in range(2))
    assert one == other
    assert len(api.sim.objects("Customer")) == 3
