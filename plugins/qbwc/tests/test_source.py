"""The lists of a company file as records, without a Web Connector at hand."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree
from wherry.roles import Connection, Query
from wherry.testing.services import services
from wherry_qbwc import fields, mirror
from wherry_qbwc.mapping import MAPS
from wherry_qbwc.settings import QbwcSettings
from wherry_qbwc.source import QbwcSource

from .work_rig import NAME, shop

FLOW = """
[flows.customers]
source = "books"
sink = "platform"
kinds = ["customer"]
[flows.customers.match.customer]
unmatched = "create"
"""

XS = "{http://www.w3.org/2001/XMLSchema}"
ANSWERS = {
    "customer": ("CustomerRet",), "account": ("AccountRet",),
    "product": ("ItemServiceRet", "ItemNonInventoryRet", "ItemInventoryRet", "ItemInventoryAssemblyRet",
                "ItemOtherChargeRet"),
}  # fmt: skip


def leaves(schema: Any, name: str) -> set[str]:
    """The fields of an element that do not repeat, those of nested ones by their path."""
    named = {(one.tag, one.get("name")): one for one in schema.getroot().iter() if one.get("name")}

    def walk(node: Any) -> Iterator[str]:
        for one in node:
            if one.tag == XS + "element" and one.get("maxOccurs") in (None, "1"):
                yield from reached(one)
            elif one.tag != XS + "element":
                yield from walk(named.get((one.tag, one.get("ref")), one))

    def reached(one: Any) -> Iterator[str]:
        top = schema.getroot().find(f"{XS}element[@name='{one.get('ref')}']") if one.get("ref") else one
        typed = named.get((XS + "complexType", top.get("type")), top)
        inner, own = list(walk(typed)), one.get("name") or one.get("ref")
        yield from (f"{own}_{field}" for field in inner) if inner else (own,)

    return set(walk(schema.getroot().find(f"{XS}element[@name='{name}']")))


def test_customers_items_and_accounts_are_read_as_they_were_at_the_last_session(tmp_path: Path) -> None:
    with shop(tmp_path) as made:
        made.session()
        source = made.hub.wiring.source(NAME)
        found = {kind: [one for page in source.read(Query(kind)) for one in page.records] for kind in MAPS}
        assert {kind: len(rows) for kind, rows in found.items()} == {"product": 3, "customer": 4, "account": 13}
        [page] = source.read(Query("customer", fields=("FullName", "ParentRef_ListID")))
        assert {"Family Room", "Cook, Brian"} & {str(one.fields["FullName"]) for one in page.records} == {"Cook, Brian"}
        assert "Abercrombie, Kristy:Family Room" in {one.fields["FullName"] for one in page.records}
        assert list(source.read(Query("customer", after=page.mark))) == []


def test_its_fields_are_those_of_intuits_schema_and_what_the_company_has_beside_them(contract: Path) -> None:
    """Whatever the schema says of an answer that does not repeat can be read by its name."""
    schema = etree.parse(str(contract / "xsd" / "qbxml160.xsd"))
    for kind, answers in ANSWERS.items():
        published = {name for answer in answers for name in leaves(schema, answer)}
        published = {field for field in published if not field.startswith("CreditCardInfo")}
        assert published - set(fields.NAMES[kind]) == set(), kind
        assert set(fields.NAMES[kind]) - published == ({"Type"} if kind == "product" else set()), kind
    told = [one.name for one in fields.described("account", [{"Name": "Cash", "Own": {"Deep": "1"}, "List": [1]}])]
    assert told == [*fields.NAMES["account"], "Own_Deep"]


def test_every_field_of_the_default_maps_can_be_read() -> None:
    for kind, made in MAPS.items():
        said = re.findall(rf"\b{kind}\.([A-Z]\w*)", str(made))
        assert said
        assert set(said) <= set(fields.NAMES[kind])


def test_customers_of_the_books_come_to_the_platform(tmp_path: Path) -> None:
    with shop(tmp_path, more=FLOW) as made:
        made.session()
        report = made.hub.run("customers")
        assert report.exit_code == 0, report.data
        with made.hub.store.documents("workspace") as documents:
            names = {held["fields"]["name"] for _, held in documents.each("customer")}
        assert "Abercrombie, Kristy:Family Room" in names


def entry(id: str, sequence: int, name: str) -> mirror.Entry:
    return mirror.Entry("CustomerRet", {"ListID": id, "EditSequence": str(sequence), "FullName": name})


def test_a_change_that_shows_late_is_read_although_a_later_one_was_read_before_it(tmp_path: Path) -> None:
    """I1: lists are told page by page, by computers whose clocks differ, and two changes may share a second"""
    with services(tmp_path, connection=NAME) as core:
        source = QbwcSource(Connection(NAME, "qbwc", QbwcSettings()), core)

        def keep(*told: mirror.Entry, **since: dt.datetime) -> None:
            with core.documents() as documents:
                mirror.keep(documents, NAME, {"customer": list(told)}, core.clock.now(), since)

        def fresh(after: str | None) -> tuple[list[str], str | None]:
            pages = list(source.read(Query("customer", after=after)))
            return [one.id for page in pages for one in page.records], pages[-1].mark if pages else after

        keep(entry("B", 500, "Bo"), entry("A", 1000, "Al"))
        found, mark = fresh(None)
        assert found == ["B", "A"]
        keep(entry("B", 999, "Bob"), entry("A", 1000, "Al"), customer=core.clock.now())
        found, mark = fresh(mark)
        assert found == ["B"], "while the page behind it was told"
        keep(entry("0", 1000, "Cy"), customer=core.clock.now())
        found, mark = fresh(mark)
        assert found == ["0"]
        keep(entry("B", 999, "Bob"), entry("A", 1000, "Al"), entry("0", 1000, "Cy"))
        assert fresh(mark) == ([], mark), "read whole, and as it was"
        assert fresh(f"{1000:016} 80-A")[0] == ["A", "B", "0"], "a mark of former versions"


def test_the_moment_since_when_a_list_is_read_is_told_although_only_some_of_its_times_say_their_zone(
    tmp_path: Path,
) -> None:
    with services(tmp_path, connection=NAME) as core, core.documents() as documents:
        told = {"A": "2026-01-05T09:00:00-08:00", "B": "2026-01-05T10:30:00", "C": ""}
        some = [mirror.Entry("CustomerRet", {**entry(id, n, id).row, "TimeModified": moment})
                for n, (id, moment) in enumerate(told.items(), 1)]  # fmt: skip
        mirror.keep(documents, NAME, {"customer": some}, core.clock.now())
        assert mirror.since(documents, NAME, core.clock.now()) == {
            "customer": dt.datetime.fromisoformat("2026-01-05T09:30:00")
        }
