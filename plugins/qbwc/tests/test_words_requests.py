"""What is said to QuickBooks: valid by Intuit's schema whatever the record holds, or refused with a reason."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from lxml import etree
from wherry.errors import ContractBroken, Rejected
from wherry_qbwc.words import shapes
from wherry_qbwc.words.requests import request
from wherry_qbwc.words.sets import message_set
from wherry_qbwc.words.shapes import Field
from wherry_qbwc.words.text import cleaned, lost

Judge = Callable[[bytes], list[str]]
GUID = "{0c7d4c3e-6c0f-4b0c-9b2f-2f7b7c9a1042}"
STAMP = "k3xq7amz2fwe5dhr6tby4cpl3n"
ADDRESS = {"Addr1": "Kern & Söhne", "Addr2": "12 Harbour Lane", "City": "Galveston", "State": "TX", "Note": "rear door"}
CUSTOMER = {
    "Name": "Kern & Söhne <Nord>", "IsActive": True, "CompanyName": "Kern & Söhne", "FirstName": "Lena",
    "LastName": "O'Dowd", "BillAddress": ADDRESS, "ShipAddress": {"Country": "USA"}, "Phone": "409-555-0100",
    "Email": "ledger@kern.example", "TermsRef": {"FullName": "Net 30"}, "AccountNumber": "40-1001",
    "CreditLimit": Decimal("12500"), "Notes": "calls on\nTuesdays", "CurrencyRef": {"FullName": "US Dollar"},
}  # fmt: skip
SALE = {
    "CustomerRef": {"ListID": "80000001-1700000000"}, "TxnDate": date(2026, 3, 31), "RefNumber": "INV-1042",
    "BillAddress": ADDRESS, "PONumber": "PO 77/b", "TermsRef": {"FullName": "Net 30"}, "DueDate": "2026-04-30",
    "Memo": STAMP, "Other": "spring", "ExchangeRate": Decimal("1.0825"),
}  # fmt: skip
LINES = [
    {"ItemRef": {"FullName": "Labour:Assembly"}, "Desc": "Phase 1\nof 3", "Quantity": 2, "Rate": Decimal("125")},
    {"ItemRef": {"ListID": "80000021-1700000000"}, "Quantity": Decimal("2.50"), "Amount": Decimal("999.5")},
    {"Desc": "a remark without a price"},
]
KNOWN = [{"TxnLineID": "1F5-1700000000", **LINES[0]}, {"TxnLineID": "-1", **LINES[1]}]
MOD = {"TxnID": "1F3-1700000000", "EditSequence": "1700000010"}
ITEM = {
    "Name": "Assembly", "IsActive": True, "ParentRef": {"FullName": "Labour"},
    "SalesOrPurchase": {"Desc": "Assembly on site", "Price": "125", "AccountRef": {"FullName": "Income:Services"}},
}  # fmt: skip
BOUGHT = {
    "Name": "Bracket", "SalesTaxCodeRef": {"FullName": "Non"}, "ManufacturerPartNumber": "B-7",
    "SalesAndPurchase": {
        "SalesPrice": Decimal("9.95"), "IncomeAccountRef": {"FullName": "Income"}, "PurchaseCost": Decimal("4.10005"),
        "ExpenseAccountRef": {"FullName": "Cost"},
    },
}  # fmt: skip
ENTRY = {
    "TxnDate": date(2026, 3, 31), "RefNumber": "HUB-202603", "IsAdjustment": False,
    "JournalDebitLine": {
        "AccountRef": {"FullName": "Accounts Receivable"}, "Amount": Decimal("1249.50"), "Memo": STAMP,
        "EntityRef": {"FullName": "Kern & Söhne"},
    },
    "JournalCreditLine": [
        {"AccountRef": {"FullName": "Income:Services"}, "Amount": 250},
        {"AccountRef": {"FullName": "Income:Goods"}, "Amount": "999.50", "ClassRef": {"FullName": "North"}},
    ],
}  # fmt: skip
PAGE = {"MaxReturned": 100, "ActiveStatus": "All", "FromModifiedDate": datetime(2026, 1, 1, 8), "OwnerID": ["0"]}  # noqa: DTZ001
NAMED = {"FullName": ["Kern & Söhne:Roof", "Aster Ltd"], "IncludeRetElement": ["ListID", "EditSequence"]}
NUMBERED = {"RefNumber": ["INV-1042", "INV-1043"], "IncludeLineItems": True}
DATED = {
    "MaxReturned": 20, "TxnDateRangeFilter": {"FromTxnDate": date(2026, 3, 1), "ToTxnDate": date(2026, 3, 31)},
    "EntityFilter": {"FullName": "Kern & Söhne"}, "IncludeLineItems": True,
    "RefNumberFilter": {"MatchCriterion": "StartsWith", "RefNumber": "INV"},
}  # fmt: skip
GOLDEN: list[tuple[str, dict[str, Any]]] = [
    ("CustomerAdd", CUSTOMER),
    ("CustomerMod", {"ListID": "80000001-1700000000", "EditSequence": "1700000000", "Phone": "", "Notes": ""}),
    ("CustomerQuery", PAGE),
    ("CustomerQuery", NAMED),
    ("ItemServiceAdd", ITEM),
    ("ItemNonInventoryAdd", BOUGHT),
    ("ItemServiceQuery", NAMED),
    ("ItemNonInventoryQuery", {"ListID": ["80000021-1700000000"]}),
    ("ItemQuery", PAGE),
    ("ItemQuery", NAMED),
    ("AccountQuery", {"ActiveStatus": "All", "AccountType": ["Income", "Bank"]}),
    ("SalesOrderAdd", {**SALE, "SalesOrderLineAdd": LINES}),
    ("SalesOrderMod", {**MOD, **SALE, "IsManuallyClosed": True, "SalesOrderLineMod": KNOWN}),
    ("SalesOrderQuery", NUMBERED),
    ("InvoiceAdd", {**SALE, "ARAccountRef": {"FullName": "Accounts Receivable"}, "InvoiceLineAdd": LINES}),
    ("InvoiceMod", {**MOD, **SALE, "InvoiceLineMod": KNOWN}),
    ("InvoiceQuery", {**DATED, "PaidStatus": "NotPaidOnly", "IncludeLinkedTxns": True}),
    ("EstimateAdd", {**SALE, "IsActive": True, "EstimateLineAdd": LINES}),
    ("EstimateMod", {**MOD, "IsActive": False, "EstimateLineMod": KNOWN}),
    ("EstimateQuery", DATED),
    ("CreditMemoAdd", {**SALE, "ARAccountRef": {"FullName": "Accounts Receivable"}, "CreditMemoLineAdd": LINES}),
    ("CreditMemoMod", {**MOD, **SALE, "CreditMemoLineMod": KNOWN}),
    ("CreditMemoQuery", DATED),
    ("ClassQuery", {"ActiveStatus": "All"}),
    ("CurrencyQuery", {"ActiveStatus": "All"}),
    ("SalesTaxCodeQuery", {"ActiveStatus": "All"}),
    (
        "GeneralSummaryReportQuery",
        {
            "GeneralSummaryReportType": "TrialBalance",
            "DisplayReport": False,
            "ReportBasis": "Accrual",
            "ReportPeriod": {"FromReportDate": date(2026, 1, 1), "ToReportDate": date(2026, 3, 31)},
        },
    ),
    (
        "CustomDetailReportQuery",
        {
            "CustomDetailReportType": "CustomTxnDetail",
            "DisplayReport": False,
            "ReportPostingStatusFilter": "Posting",
            "ReportPeriod": {"FromReportDate": date(2026, 1, 1), "ToReportDate": date(2026, 3, 31)},
            "SummarizeRowsBy": "TotalOnly",
            "IncludeColumn": ["TxnID", "Account", "Debit", "Credit"],
            "ReportBasis": "Accrual",
        },
    ),
    ("JournalEntryAdd", ENTRY),
    ("JournalEntryQuery", {"TxnID": ["2A1-1700000000"], "IncludeLineItems": True}),
    ("TxnVoid", {"TxnVoidType": "Invoice", "TxnID": "1F3-1700000000"}),
    ("TxnDel", {"TxnDelType": "SalesOrder", "TxnID": "1F3-1700000000"}),
    ("TxnDeletedQuery", {"TxnDelType": ["SalesOrder"], "DeletedDateRangeFilter": {"FromDeletedDate": "2026-03-01"}}),
    ("ListDeletedQuery", {"ListDelType": ["Customer", "Account"]}),
    ("CompanyQuery", {"OwnerID": [GUID]}),
    ("HostQuery", {}),
    ("PreferencesQuery", {}),
]


def said(name: str, body: Mapping[str, Any], **more: Any) -> bytes:
    return message_set([request(name, body, id=STAMP, **more)], new_id=STAMP[:23])


def inner(name: str, body: Mapping[str, Any]) -> etree._Element:
    made = request(name, body)
    return made[0] if len(made) and made[0].tag == name else made


# -- the schema --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "body"), GOLDEN, ids=[f"{n}-{name}" for n, (name, _) in enumerate(GOLDEN)])
def test_every_message_is_valid_by_intuits_schema(name: str, body: dict[str, Any], complaints: Judge) -> None:
    """case_F9."""
    assert complaints(said(name, body)) == []


def test_every_request_that_can_be_made_has_its_golden_message() -> None:
    assert {name for name, _ in GOLDEN} == set(shapes.requests())


FULL: dict[str, Any] = {
    "guid": GUID, "bool": True, "date": date(2026, 3, 31), "datetime": "2026-03-31T09:00:00-08:00", "count": 7,
    "amount": "9999999999999.99", "price": "9999999999.99999", "quantity": "-9999999999.5", "percent": "7.25",
    "rate": "1.08251234",
}  # fmt: skip


def full(field: Field, branches: Mapping[str, str]) -> Any:
    """A field at its longest."""
    if field.kind == "ref":
        return {"ListID": "8" * 36, "FullName": "N" * field.most}
    if field.kind[0].isupper():
        return filled(shapes.shape(field.kind), branches)
    if field.kind == "one":
        return list(field.words) if field.many else field.words[-1]
    return FULL.get(field.kind, "x" * (field.most or 300))


def filled(shape: shapes.Shape, branches: Mapping[str, str]) -> dict[str, Any]:
    """A body with every field of a shape, and of each group those of one branch; in no order that the schema knows."""
    body = {}
    for field in sorted(shape, key=lambda field: field.name):
        if all(branches[group] == branch or group == "mixed" for group, branch in field.groups):
            value = full(field, branches)
            body[field.name] = [value, value] if field.many and not isinstance(value, list) else value
    return body


def branchings(shape: shapes.Shape) -> Iterator[dict[str, str]]:
    """Every choice of branches of a shape and of those in it."""
    groups: dict[str, dict[str, None]] = {}

    def walk(shape: shapes.Shape) -> None:
        for field in shape:
            for group, branch in field.groups:
                groups.setdefault(group, {})[branch] = None
            if field.kind[0].isupper():
                walk(shapes.shape(field.kind))

    walk(shape)
    for chosen in product(*groups.values()):
        yield dict(zip(groups, chosen, strict=True))


@pytest.mark.parametrize("name", shapes.requests())
def test_every_field_stands_in_its_place_at_its_longest(name: str, complaints: Judge) -> None:
    """case_F9: the order and the lengths of our table are no wider than Intuit's."""
    shape = shapes.requests()[name].shape
    for branches in branchings(shape):
        assert complaints(said(name, filled(shape, branches))) == []


SIZED = (
    "CustomerAdd CustomerMod ItemServiceAdd ItemNonInventoryAdd SalesOrderAdd InvoiceMod EstimateMod JournalEntryAdd"
)


@pytest.mark.parametrize("name", SIZED.split())
def test_a_field_has_no_less_room_than_the_schema_gives_it(name: str, complaints: Judge) -> None:
    """One letter more than our table allows is more than Intuit's schema allows."""
    shape = shapes.requests()[name].shape
    branches = next(branchings(shape))
    whole = inner(name, filled(shape, branches))
    for place in whole.iter():
        parent = place.getparent()
        if len(place) or parent is None or not re.fullmatch("x+|N+", place.text or "") or parent.tag.endswith("Ref"):
            continue
        longer = copy.deepcopy(whole)
        found = longer.xpath(whole.getroottree().getpath(place).replace(f"/{name}Rq", "", 1))
        assert isinstance(found, list)
        found[0].text += "x"
        outer = etree.Element(f"{name}Rq")
        outer.append(longer)
        assert complaints(message_set([outer])), f"{parent.tag}/{place.tag} may be longer than {len(place.text or '')}"


NUMBERS = st.decimals(-(10**14), 10**14, places=6) | st.decimals(-(10**6), 10**6, places=2) | st.integers()
TEXTS = st.text(max_size=50) | st.text(st.characters(codec="cp1252"), max_size=300) | st.just("")


@st.composite
def bodies(draw: st.DrawFn, shape: shapes.Shape, depth: int = 0) -> dict[str, Any]:
    """Bodies of a shape as records may make them: any of its fields, with values of their kind, but else unbounded."""
    chosen = [field for field in shape if field.needed or draw(st.integers(0, 2 + depth)) == 0]
    taken: dict[str, str] = {}
    body = {}
    for field in chosen:
        if all(group == "mixed" or taken.setdefault(group, branch) == branch for group, branch in field.groups):
            value = st.lists(valued(field, depth), min_size=1, max_size=3) if field.many else valued(field, depth)
            body[field.name] = draw(value)
    return body


def valued(field: Field, depth: int) -> st.SearchStrategy[Any]:
    if field.kind == "ref":
        return st.fixed_dictionaries({"FullName": TEXTS}) | st.just({"ListID": "80000001-1700000000"})
    if field.kind[0].isupper():
        return bodies(shapes.shape(field.kind), depth + 1)
    if field.kind in ("amount", "price", "quantity", "percent", "rate"):
        return NUMBERS
    exact = {"date": st.dates(), "bool": st.booleans(), "count": st.integers(0, 9999), "guid": st.just(GUID),
             "datetime": st.datetimes(), "key": st.sampled_from(["-1", "1F3-1700000000", "1700000010"]),
             "one": st.sampled_from(field.words or ("",))}  # fmt: skip
    return exact.get(field.kind, TEXTS)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_whatever_a_record_holds_is_valid_or_refused_with_its_element(complaints: Judge, data: st.DataObject) -> None:
    """case_F9."""
    name = data.draw(st.sampled_from(sorted(shapes.requests())))
    body = data.draw(bodies(shapes.requests()[name].shape))
    try:
        made = said(name, body)
    except Rejected as refused:
        event(f"refused: {refused.code}")
        return
    event("valid")
    assert complaints(made) == []


@given(st.permutations(list(SALE)), st.permutations(list(LINES[0])))
def test_the_order_of_the_body_does_not_matter(head: list[str], line: list[str]) -> None:
    shuffled = {"SalesOrderLineAdd": [{name: LINES[0][name] for name in line}], **{name: SALE[name] for name in head}}
    assert said("SalesOrderAdd", shuffled) == said("SalesOrderAdd", {**SALE, "SalesOrderLineAdd": [LINES[0]]})


def test_lines_of_a_journal_stand_with_the_side_first_that_the_body_names_first() -> None:
    """A line of accounts receivable goes first, on whichever side it is."""
    turned = {"JournalCreditLine": ENTRY["JournalCreditLine"], **ENTRY}
    assert [line.tag for line in inner("JournalEntryAdd", turned)][-3:] == ["JournalCreditLine"] * 2 + [
        "JournalDebitLine"
    ]
    assert [line.tag for line in inner("JournalEntryAdd", ENTRY)][-3] == "JournalDebitLine"


# -- injection ---------------------------------------------------------------------------------------------------------

SHARP = st.sampled_from(
    ["</Name>", "<TxnDel>", "]]>", "<![CDATA[", "&lt;", "&#0;", "<!--", "-->", "<?x?>", '"', "'", "&"]
)
HOSTILE = st.lists(SHARP | st.text(max_size=5), min_size=1, max_size=8).map("".join)


@given(HOSTILE, HOSTILE)
def test_no_text_closes_its_element_or_opens_another(name: str, memo: str) -> None:
    """case_F18."""
    line = {"ItemRef": {"FullName": "Labour"}, "Desc": memo}
    body = {"CustomerRef": {"FullName": f"K{name}"}, "Memo": memo, "SalesOrderLineAdd": line}
    plain = {"CustomerRef": {"FullName": "K"}, "Memo": "x", "SalesOrderLineAdd": {**line, "Desc": "x"}}
    try:
        made = etree.fromstring(said("SalesOrderAdd", body))
    except Rejected:
        assert lost(name)
        return
    tags = [element.tag for element in made.iter() if element.tag not in ("Memo", "Desc")]
    same = etree.fromstring(said("SalesOrderAdd", plain))
    assert tags == [element.tag for element in same.iter() if element.tag not in ("Memo", "Desc")]


@given(st.text(max_size=60))
def test_a_text_arrives_as_it_was_cleaned(memo: str) -> None:
    made = etree.fromstring(said("SalesOrderAdd", {**SALE, "Memo": memo, "SalesOrderLineAdd": LINES}))
    assert (made.findtext(".//Memo") or "") == cleaned(memo, 4095)[0]


# -- what cannot be said -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("RefNumber", "INV-10421234", "12 characters, and 11 is the most; a name must not be cut"),
        ("RefNumber", "東京-1", "no letters such as 東京"),
        ("CustomerRef", {"FullName": "n" * 210}, "210 characters, and 209 is the most"),
        ("TxnDate", datetime(2026, 3, 31), "it is no plain date"),  # noqa: DTZ001
        ("TxnDate", "31.03.2026", "no plain date"),
        ("DueDate", "2026-02-30", "day"),
        ("ExchangeRate", 1.0825, "is not an exact number"),
        ("IsToBePrinted", "yes", "neither true nor false"),
        ("ExternalGUID", GUID[1:-1], "no GUID in braces"),
        ("Memo", True, "no text"),
        ("Memo", 1.5, "no text"),
    ],
)
def test_a_value_that_cannot_be_said_is_refused_with_its_element_and_reason(field: str, value: Any, why: str) -> None:
    """I16."""
    with pytest.raises(Rejected, match=why) as refused:
        request("SalesOrderAdd", {**SALE, field: value, "SalesOrderLineAdd": LINES})
    assert refused.value.code == "WHERRY-4850"
    assert refused.value.where["field"] in (field, "FullName")
    assert refused.value.fix


def test_the_name_of_a_new_entry_has_no_colon_since_that_would_put_it_below_another() -> None:
    for name in ("Kern: Nord", "Kern：Nord"):
        with pytest.raises(Rejected, match="it has a colon"):
            request("CustomerAdd", {"Name": name})
    assert request("SalesOrderAdd", {"CustomerRef": {"FullName": "Kern:Nord"}, "SalesOrderLineAdd": LINES}) is not None


@pytest.mark.parametrize(("field", "value"), [("Rate", "0.123456"), ("Quantity", "1e3"), ("Amount", "10.505"),
                                              ("Amount", 10.5), ("Amount", True)])  # fmt: skip
def test_a_number_that_has_no_room_is_refused_and_its_line_is_named(field: str, value: Any) -> None:
    with pytest.raises(Rejected, match=f"as {field} of SalesOrderLineAdd 2: ") as refused:
        request("SalesOrderAdd", {**SALE, "SalesOrderLineAdd": [LINES[0], {field: value}]})
    assert refused.value.code == "WHERRY-4850"


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("CustomerAdd", {"Phone": "1"}, "Name"),
        ("CustomerAdd", {"Name": " \u200b "}, "Name"),
        ("SalesOrderAdd", {**SALE, "SalesOrderLineAdd": []}, "SalesOrderLineAdd"),
        ("SalesOrderAdd", {**SALE, "CustomerRef": {}, "SalesOrderLineAdd": LINES}, "CustomerRef"),
        ("SalesOrderAdd", {**SALE, "CustomerRef": {"FullName": ""}, "SalesOrderLineAdd": LINES}, "CustomerRef"),
        ("SalesOrderMod", {"TxnID": "1-1", "EditSequence": ""}, "EditSequence"),
        ("ItemServiceAdd", {"Name": "A", "SalesOrPurchase": {"Price": 1}}, "AccountRef"),
        ("ItemNonInventoryAdd", {"Name": "A"}, "SalesOrPurchase or SalesAndPurchase"),
        ("JournalEntryAdd", {"JournalDebitLine": ENTRY["JournalDebitLine"]}, "JournalCreditLine"),
    ],
)
def test_what_is_missing_is_named(name: str, body: dict[str, Any], field: str) -> None:
    """I16."""
    with pytest.raises(Rejected, match=f"needs {field}") as refused:
        request(name, body)
    assert refused.value.code == "WHERRY-4851"


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("CustomerMerge", {}, "no request CustomerMerge"),
        ("CustomerAdd", {"Name": "A", "Nickname": "B"}, "Nickname is no element of CustomerAdd"),
        ("SalesOrderAdd", {**SALE, "SalesOrderLineAdd": {"Price": 1}}, "Price of SalesOrderLineAdd is no element"),
        ("CustomerAdd", {"Name": ["A", "B"]}, "comes only once"),
        ("CustomerAdd", {"Name": "A", "BillAddress": "1 High Street"}, "has elements of its own"),
        (
            "InvoiceAdd",
            {**SALE, "InvoiceLineAdd": {"Rate": 1, "RatePercent": 2}},
            "takes Rate or RatePercent, not both",
        ),
        ("CustomerQuery", {"ListID": "1-1", "ActiveStatus": "All"}, "takes ListID or ActiveStatus, not both"),
    ],
)
def test_what_no_record_can_make_right_is_a_fault_of_the_plugin(name: str, body: dict[str, Any], why: str) -> None:
    with pytest.raises(ContractBroken, match=why) as broken:
        request(name, body)
    assert broken.value.code == "WHERRY-1850"


def test_an_empty_text_empties_a_field_of_a_mod_and_is_left_out_of_an_add() -> None:
    mod = inner("CustomerMod", {"ListID": "1-1", "EditSequence": "2", "Phone": "", "Name": "", "CreditLimit": None})
    assert [(child.tag, child.text or "") for child in mod] == [("ListID", "1-1"), ("EditSequence", "2"), ("Phone", "")]
    add = inner("CustomerAdd", {"Name": "A", "Phone": "", "BillAddress": {"City": ""}, "Notes": None})
    assert [child.tag for child in add] == ["Name"]


# -- attributes --------------------------------------------------------------------------------------------------------


def test_an_iterator_is_started_continued_and_stopped(complaints: Judge) -> None:
    start = said("ItemQuery", PAGE, attributes={"iterator": "Start"})
    onward = said("ItemQuery", PAGE, attributes={"iterator": "Continue", "iteratorID": GUID})
    stop = said("ItemQuery", {}, attributes={"iterator": "Stop", "iteratorID": GUID})
    assert [complaints(one) for one in (start, onward, stop)] == [[], [], []]


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("AccountQuery", {"iterator": "Start"}),
        ("CustomerAdd", {"iterator": "Start"}),
        ("ItemQuery", {"metaData": "MetaDataOnly"}),
        ("ItemQuery", {"iterator": "Continue"}),
        ("ItemQuery", {"iterator": "Start", "iteratorID": GUID}),
        ("ItemQuery", {"iterator": "Again", "iteratorID": GUID}),
        ("ItemQuery", {"iteratorID": GUID}),
    ],
)
def test_an_iterator_that_quickbooks_does_not_take_is_a_fault_of_the_plugin(
    name: str, attributes: dict[str, str]
) -> None:
    with pytest.raises(ContractBroken):
        request(name, {"Name": "A"} if name == "CustomerAdd" else {}, attributes=attributes)


def test_a_request_id_of_more_than_fifty_characters_is_a_fault_of_the_plugin() -> None:
    assert request("HostQuery", {}, id="r" * 50).get("requestID") == "r" * 50
    with pytest.raises(ContractBroken, match="at most 50"):
        request("HostQuery", {}, id="r" * 51)
