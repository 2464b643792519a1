"""Whatever a record holds, the straight way makes of it what the careful way does, or leaves it to that."""

from __future__ import annotations

import gc
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields
from wherry.entities import SHAPES, InvoiceLine
from wherry.errors import Rejected
from wherry.mapping import MapMapper, build
from wherry.mapping.straight import straight
from wherry.mapping.work import Work
from wherry.records import Record

FIELDS = ("name", "code", "number", "day", "flag", "note", "kind", "places", "worth")
MAP: dict[str, Any] = {
    "customer": {"from": "company", "optional": True, "key": "id(company.id)", "label": "company.name",
                 "fields": {"name": "first(company.name, company.code, join(' ', 'Company', company.id))",
                            "domain": "default(company.note, '')", "number": "company.number",
                            "city": "upper(company.note)", "custom": {"flag": "company.flag"}}},
    "product": {"from": "line", "each": True, "optional": True, "key": "product(line.code, line.name)",
                "fields": {"name": "default(line.name, 'unnamed')", "type": "line.kind",
                           "price": "decimal(line.number)", "unit": "first(line.note, 'piece')"}},
    "invoice": {"root": True, "key": "id(sale.id)", "label": "sale.name",
                "fields": {"number": "first(sale.code, sale.id)", "date": "sale.day", "due_date": "date(sale.day)",
                           "customer": "ref(customer)", "total": "money(sale.number, sale.kind)",
                           "tax": "round_money(sale.number)", "status": "sale.note", "memo": "text(sale.number)",
                           "custom": {"flag": "yes_no(sale.flag)", "day": "sale.day", "id": "sale.id"},
                           "lines": {"each": "line", "fields": {
                               "product": "ref(product)", "quantity": "line.number", "rate": "decimal(line.number)",
                               "amount": "round_money(line.number, 'JPY')", "service": "line.name",
                               "dimensions": "as_it_came(line.places)", "tax": "as_it_came(line.worth)",
                               "custom": {"code": "line.code"}}}}},
    "file": {"from": "paper", "each": True, "key": "id(paper.id)", "file": "paper.id",
             "when": "default(paper.flag, 'yes')",
             "fields": {"name": "paper.name", "size": "paper.number", "media_type": "default(paper.note, 'text/plain')",
                        "project": "ref(invoice)"}},
}  # fmt: skip
USUAL = {
    "name": "Post",
    "code": "P-1",
    "number": "12.50",
    "day": "2026-01-31",
    "flag": True,
    "note": "",
    "kind": "USD",
    "places": {"class": "Sleepers"},
    "worth": {"currency": "USD", "minor": 1},
}
ODD: list[Any] = [
    None, "", " ", "Post", "12.50", "0", "0.00", "-0", "007", "+1", "1E+3", "0.0000001", "1.005", "9" * 40, "NaN", 0, 7,
    -3, 2**70, True, False, 1.5, "true", "no", "USD", "JPY", "eur", "product", "part", "2026-01-31", "20260131",
    "2026-02-30", "2026-01-31T23:30:00Z", 1767225600000, [], ["a"], {}, {"minor": 1, "currency": "USD"}, "a\x00b",
    {"currency": "USD", "minor": 1}, {"class": "a\x00b", "site": ""}, {"class": None},
    "text/plain", "piece",
]  # fmt: skip
VALUES = st.sampled_from(ODD)


def mapper(default: dict[str, Any] = MAP, **transforms: Any) -> MapMapper:
    said: dict[str, Any] = {"kinds": ("sale",), "filter": None, "changed_since": None, "map": {}, "files": True,
                            "pipelines": (), "document": None, "when": None}  # fmt: skip
    flow: Any = SimpleNamespace(name="sales", **said)
    return build(flow, "sale", default, currency="USD", timezone="America/Chicago", kinds=("company", "line", "paper"),
                 transforms={"as_it_came": lambda said: said, **transforms})  # fmt: skip


MAPPER = mapper()


def record(kind: str, id: str, fields: dict[str, Any], **relatives: list[Record]) -> Record:
    return Record(kind=kind, id=id, version="1", payload=json.dumps(fields).encode(), relatives=relatives)


def usual() -> Record:
    lines = [record("line", kind, {**USUAL, "kind": kind}) for kind in ("part", "product")]
    paper = record("paper", "90", {**USUAL, "number": 1200, "kind": "product"})
    return record("sale", "7", USUAL, company=[record("company", "4", USUAL)], line=lines, paper=[paper])


@st.composite
def sales(draw: st.DrawFn) -> Record:
    """A usual sale of which a few values are anything, or are missing."""
    whole = usual()
    parts = [whole, *(one for some in whole.relatives.values() for one in some)]
    for _ in range(draw(st.integers(0, 3))):
        part, name = draw(st.sampled_from(parts)), draw(st.sampled_from(FIELDS))
        fields = json.loads(part.payload)
        fields.pop(name, None)
        part.payload = json.dumps(fields | draw(st.sampled_from([{}, {name: draw(VALUES)}]))).encode()
    for kind in draw(st.lists(st.sampled_from(["company", "line", "paper"]), max_size=1)):
        whole.relatives[kind] = draw(st.sampled_from([[], [whole.relatives[kind][0]]]))
    return whole


def told(way: Any, found: MapMapper, sale: Record) -> tuple[Any, ...]:
    """What came of it, to the order of its fields, with what rounding cut; or the words of what is wrong."""
    before = dict(found.residue)
    try:
        made = way(sale)
    except Rejected as error:
        return error.message, error.fix, error.code, error.where
    return msgspec.json.encode(made), {code: rest - before.get(code, 0) for code, rest in found.residue.items()}


def carefully(sale: Record, by: MapMapper = MAPPER) -> Any:
    made = by._carefully(sale)
    if isinstance(made, Rejected):
        raise made
    return made


@settings(max_examples=60, deadline=None)
@given(sales())
def test_both_ways_make_the_same_of_a_record(sale: Record) -> None:
    assert told(MAPPER.map, MAPPER, sale) == told(carefully, MAPPER, sale)


@settings(max_examples=30, deadline=None)
@given(st.lists(sales(), min_size=2, max_size=9))
def test_records_that_are_mapped_together_come_to_what_each_comes_to_alone(many: list[Record]) -> None:
    """However many of them are unusual: what rounding cut is counted once for each that was mapped."""
    one_by_one, together = MAPPER.anew(), MAPPER.anew()
    alone = [one_by_one.map_all([sale])[0] for sale in many]
    found = together.map_all(many)
    assert [str(each) if isinstance(each, Rejected) else each for each in found] == [
        str(each) if isinstance(each, Rejected) else each for each in alone
    ]
    assert together.residue == one_by_one.residue


def test_an_odd_record_sends_no_other_the_careful_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what cannot be told of one relative makes its own record odd."""
    seen: list[str] = []
    monkeypatch.setattr(MapMapper, "_carefully", lambda self, record, begin: seen.append(record.id))
    sales = [usual() for _ in range(6)]
    for number, sale in enumerate(sales):
        sale.id = str(number)
    sales[1].relatives["line"][1].payload = b'{"code": "P-1", "number": "twelve"}'
    sales[3].relatives["company"][0].payload = b'{"name": 12}'
    sales[4].payload = b"{}"
    MAPPER.map_all(sales)
    assert seen == ["1", "3", "4"]


def test_each_call_of_a_plugins_transform_is_heard_of_and_those_of_the_core_are_not() -> None:
    """One that takes its time is not taken for one that never ends."""
    fields = {"name": "default(sale.name, '')", "sku": "slow(sale.code)"}
    found = mapper({"product": {"root": True, "key": "id(sale.id)", "fields": fields}}, slow=str.lower)
    heard: list[str] = []
    found.map_all([record("sale", id, USUAL) for id in "789"], lambda: heard.append("slow"))
    assert heard == ["slow"] * 3


def test_both_ways_make_the_same_of_every_single_oddity() -> None:
    """Each value in each field of each part in turn, and each field missing: chance alone comes to few of them."""
    for place in range(5):
        for name in FIELDS:
            for changed in ({}, *({name: value} for value in ODD)):
                sale = usual()
                part = [sale, *(one for some in sale.relatives.values() for one in some)][place]
                fields = {field: value for field, value in json.loads(part.payload).items() if field != name}
                part.payload = json.dumps(fields | changed).encode()
                assert told(MAPPER.map, MAPPER, sale) == told(carefully, MAPPER, sale), (part.kind, name, changed)


@pytest.mark.parametrize("line", ["decimal(sale.number)", "sale.number"])
def test_a_number_by_itself_is_spelled_the_same_both_ways(line: str) -> None:
    """Where nothing else of the record sends it the careful way."""
    fields = {"name": "sale.name", "price": line}
    found = mapper({"product": {"root": True, "key": "id(sale.id)", "fields": fields}})
    for value in ODD:
        sale = record("sale", "7", {"name": "Post", "number": value})
        assert told(found.map, found, sale) == told(lambda one: carefully(one, found), found, sale), value


def test_what_is_usual_goes_the_straight_way() -> None:
    """Or it would be a detour."""
    [drafts] = Work(MAPPER.plan, [usual()], {}).made()
    assert isinstance(drafts, list)
    assert [draft.entity for draft in drafts] == ["customer", "product", "file", "invoice"]


def test_every_shape_has_a_straight_way() -> None:
    """Where one has none nothing that is made with it is mapped together with others."""
    for shape in {*SHAPES.values(), InvoiceLine}:
        known = {info.encode_name: info.type for info in fields(shape)}
        lists = tuple(name for name, type in known.items() if get_origin(type) is list)
        lines: Any = {name: SimpleNamespace(text_of=None, number_of=None) for name in known if name != "custom"}
        assert straight(shape, {name: line for name, line in lines.items() if name not in lists}, lists), shape


def test_what_is_mapped_leaves_no_circles_behind() -> None:
    """In a run the collector of circles looks seldom: what goes in one would lie there with all its records."""
    sales = [usual() for _ in range(3)]
    MAPPER.map_all(sales)
    gc.collect()
    MAPPER.map_all(sales)
    assert gc.collect() == 0


def test_a_customer_that_many_records_share_is_mapped_once() -> None:
    calls: list[str] = []

    def heard(name: str) -> str:
        calls.append(name)
        return name

    said = {**MAP, "customer": {**MAP["customer"], "fields": {"name": "heard(company.name)"}}}
    found = mapper(said, heard=heard)
    company, other = (record("company", "4", {**USUAL, "name": name}) for name in ("Acme", "Acme Ltd"))
    sales = [usual() for _ in range(3)]
    for sale, its in zip(sales, (company, company, other), strict=True):
        sale.relatives["company"] = [its]
    made = [found.map(sale) for sale in sales]
    assert calls == ["Acme", "Acme Ltd"]
    assert made[0] == made[1] == carefully(sales[0], found)
    assert [drafts[0].body["name"] for drafts in made if isinstance(drafts, list)] == ["Acme", "Acme", "Acme Ltd"]


@pytest.mark.parametrize("companies", ["ABC", "ABA", "AAB", "BA"])
def test_customers_that_are_made_at_one_go_stay_with_their_records(companies: str) -> None:
    """And what is kept of them for the next records is each one's own."""
    found, sales = MAPPER.anew(), [usual() for _ in companies]
    for sale, company in zip(sales, companies, strict=True):
        sale.relatives["company"] = [record("company", company, {**USUAL, "name": f"Company {company}"})]
    alone = [carefully(sale) for sale in sales]
    assert found.map_all(sales) == alone
    assert found.map_all(sales) == alone


def test_of_lines_whose_document_is_not_made_nothing_is_counted() -> None:
    """Their record may stand beside others of which it is made."""
    lines = {"each": "line", "fields": {"amount": "round_money(line.number, 'JPY')"}}
    invoice = {"number": "company.id", "customer": "ref(product)", "date": "sale.day", "lines": lines}
    said = {"invoice": {"from": "company", "key": "id(company.id)", "when": "company.flag", "fields": invoice},
            "product": {"root": True, "key": "id(sale.id)", "fields": {"name": "sale.name"}}}  # fmt: skip
    found, sales = mapper(said), [usual(), usual()]
    sales[1].relatives["company"][0].payload = json.dumps({**USUAL, "flag": False}).encode()
    made = found.map_all(sales)
    assert [[draft.entity for draft in drafts] for drafts in made if isinstance(drafts, list)] == [
        ["invoice", "product"],
        ["product"],
    ]
    assert found.residue == {"JPY": 2 * -Decimal("0.5")}


def test_what_counts_residue_is_counted_for_every_record() -> None:
    fields = {"name": "first(company.name, round_money(company.number, 'JPY'))"}
    found = mapper({**MAP, "customer": {**MAP["customer"], "fields": fields}})
    one, sale = dict[str, Any](), usual()
    for times in (1, 2):
        found.map(sale)
        one = one or dict(found.residue)
        assert found.residue == {code: rest * times for code, rest in one.items()}
    assert one["JPY"] == 3 * -Decimal("0.5")  # of the customer and of both lines


def test_what_a_name_would_be_joined_of_is_not_read_where_another_is_taken() -> None:
    fields = {"name": "first(company.name, join(' ', 'No.', company.number))"}
    found, sale = mapper({**MAP, "customer": {**MAP["customer"], "fields": fields}}), usual()
    for name in ("Acme", ""):
        sale.relatives["company"] = [record("company", "4", {**USUAL, "name": name, "number": ["no text"]})]
        if name:
            made = found.map(sale)
            assert isinstance(made, list)
            assert made[0].body["name"] == name
        else:
            with pytest.raises(Rejected, match="a list is not text"):
                found.map(sale)
