"""The lists of a company file as records, without a Web Connector at hand."""

from __future__ import annotations

from pathlib import Path

from wherry.roles import Query
from wherry_qbwc.mapping import MAPS

from .work_rig import NAME, shop

FLOW = """
[flows.customers]
source = "books"
sink = "platform"
kinds = ["customer"]
[flows.customers.match.customer]
unmatched = "create"
"""


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


def test_customers_of_the_books_come_to_the_platform(tmp_path: Path) -> None:
    with shop(tmp_path, more=FLOW) as made:
        made.session()
        report = made.hub.run("customers")
        assert report.exit_code == 0, report.data
        with made.hub.store.documents("workspace") as documents:
            names = {held["fields"]["name"] for _, held in documents.each("customer")}
        assert "Abercrombie, Kristy:Family Room" in names
