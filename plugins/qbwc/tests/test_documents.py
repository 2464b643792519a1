"""What an invoice becomes in a company file is said once, by ``document`` of the flow."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from .work_rig import CHARGES, TOTALS, shop

CREDIT = "C536370,1001,Oak bench,-2,02/12/2010 09:00,2.55,13047,United Kingdom\n"


@pytest.mark.parametrize(
    ("document", "edition", "kind"),
    [("sales-order", "enterprise", "SalesOrder"), ("estimate", "pro", "Estimate"), ("invoice", "pro", "Invoice")],
)
def test_the_document_of_the_flow_is_what_quickbooks_gets(
    tmp_path: Path, document: str, edition: str, kind: str
) -> None:
    """b_003_09, b_003_11, b_003_12, b_003_13, b_003_14: lines with item, quantity and rate, for the customer of the GL
    number, on the invoice's date. A credit note becomes a credit memo beside invoices, and is left out elsewhere."""
    with shop(tmp_path, document=document, edition=edition) as made:
        made.imports(CHARGES + CREDIT)
        made.session()
        made.run()
        assert made.session().how == "done"
        made.run()
        assert made.totals(kind) == TOTALS
        credits = {one["RefNumber"]: one["TotalAmount"] for one in made.written("CreditMemo")}
        assert credits == ({"C536370": "5.10"} if document == "invoice" else {})
        others = {"SalesOrder", "Estimate", "Invoice"} - {kind}
        assert [one for name in others for one in made.written(name)] == []
        [first] = [one for one in made.written(kind) if one["RefNumber"] == "536365"]
        assert (first["TxnDate"], first["Customer"]) == ("2010-12-01", "17850")
        told = {(line["ItemRef"], line["Quantity"], Decimal(line["Rate"])) for line in first["lines"]}
        assert told == {("Oak bench", "6", Decimal("2.55")), ("Tin lantern", "8", Decimal("2.75"))}


def test_an_order_for_an_edition_without_orders_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    with shop(tmp_path, document="sales-order", edition="pro") as made:
        made.session()
        made.run()
        made.session()
        assert made.waiting()["refused"] == len(TOTALS)
        assert not [one for one in made.desktop.history.effects() if one.what.startswith("SalesOrder")]
