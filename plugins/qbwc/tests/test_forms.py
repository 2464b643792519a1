"""A flow into QuickBooks Desktop whose ``document`` becomes another: what stands stays the only document of it."""

from __future__ import annotations

from pathlib import Path

from .work_rig import TOTALS, Shop, shop


def becomes(made: Shop, before: str, now: str) -> None:
    """Somebody changes the project file, and Wherry is started anew."""
    path = made.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace(f'document = "{before}"', f'document = "{now}"'), "utf-8")
    made.restart()


def void(made: Shop, number: str) -> None:
    made.clock.advance(1)
    with made.hub.store.documents("workspace") as documents:
        [(id, held)] = [one for one in documents.each("invoice") if one[1]["fields"]["number"] == number]
        held["fields"]["status"] = "void"
        documents.put("invoice", [(id, held)])


def test_a_sales_order_stays_the_only_document_of_its_record_and_is_closed_with_it(tmp_path: Path) -> None:
    """I2, I10"""
    with shop(tmp_path) as made:
        made.session()
        made.run()
        made.session()
        assert made.totals() == TOTALS
        becomes(made, "sales-order", "invoice")
        assert made.run()["former"].startswith("3 sales orders that invoices wrote before its document was 'invoice'")
        void(made, "536365")
        made.run()
        made.session()
        assert made.totals() == TOTALS
        assert made.written("Invoice") == []
        bodies = [record.body for record in made.desktop.company().of("SalesOrder")]
        assert [one["RefNumber"] for one in bodies if one.get("IsManuallyClosed") == "true"] == ["536365"]


def test_what_an_edition_without_sales_orders_refused_goes_in_the_form_that_the_flow_makes_then(tmp_path: Path) -> None:
    with shop(tmp_path, edition="pro") as made:
        made.session()
        made.run()
        made.session()
        assert made.waiting()["refused"] == 3
        becomes(made, "sales-order", "invoice")
        made.run()
        made.session()
        assert made.totals("Invoice") == TOTALS
        assert not made.waiting().get("refused")
