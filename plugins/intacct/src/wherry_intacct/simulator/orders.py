"""Order Entry of a company: documents of a transaction definition, priced by the unit, some of which book."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ..texts import iso
from . import seed
from .company import PLACES, ZERO, Company, Row, amount, cents, numbered, plain_text
from .shapes import Obj, Refused, ordered, required, several


class Orders(Company):
    """A company with Order Entry."""

    def order(self, function: str, body: Obj) -> str:
        """``create_sotransaction`` and ``update_sotransaction``; the document's ID. Raises Refused."""
        ordered(function, body)
        held = None
        if function.startswith("update"):
            held = self.find("SODOCUMENT", DOCID=str(body.get("@key", "")))
            if held is None or held["STATE"] == "Closed":
                raise Refused(f"Document {str(body.get('@key'))[:40]} does not exist, or is closed.")
        head = self._order_head(body, held)
        row = {**(held or {"RECORDNO": self._number()}), **head}
        if seed.DEFINITIONS[row["DOCPARID"]]:
            self._open(iso(row["WHENCREATED"]), iso(held["WHENCREATED"]) if held else None)
        row.setdefault("DOCNO", f"SO{row['RECORDNO']}")
        row["DOCID"] = f"{row['DOCPARID']}-{row['DOCNO']}"
        if held is None and self.find("SODOCUMENT", DOCID=row["DOCID"]):
            raise Refused(f"Document {row['DOCID'][:60]} already exists")
        lines = self._so_lines(body, row["DOCID"])
        tax = [amount(one.get("total")) for name in ("subtotals", "updatesubtotals") if isinstance(body.get(name), dict)
               for one in several(body[name], "subtotal") + several(body[name], "updatesubtotal")]  # fmt: skip
        row["TAX"] = str(sum(tax, ZERO)) if tax else row.get("TAX", "0")
        row["TRX_TOTAL"] = str(sum((Decimal(one["TRX_VALUE"]) for one in lines), ZERO) + Decimal(row["TAX"]))
        self._replace("SODOCUMENTENTRY", "DOCHDRID", row["DOCID"], lines)
        self._book_order(row)
        closes = row["STATE"] == "Closed"
        self._keep(
            "SODOCUMENT", row, "voided" if closes else "updated" if held else "created", id=row["DOCID"],
            name=row["DOCNO"], date=iso(row["WHENCREATED"]), total="" if closes else row["TRX_TOTAL"],
            stamp=row.get("EXTERNALID", ""), memo=row.get("MESSAGE", ""),
        )  # fmt: skip
        return row["DOCID"]

    def _order_head(self, body: Obj, held: Row | None) -> Row:
        if held is None:
            required(body, "transactiontype", "customerid", "datecreated")
            if not (body.get("datedue") or body.get("termname")):
                raise Refused("Required field datedue or termname is missing.")
        row = self._head({name: body[name] for name in ("datecreated", "termname", "datedue", "externalid", "currency",
                                                        "exchratetype", "customerid") if name in body},
                         None if held is None else {**held, "CUSTOMERID": held["CUSTVENDID"]})  # fmt: skip
        told = {"transactiontype": "DOCPARID", "documentno": "DOCNO", "message": "MESSAGE", "state": "STATE"}
        row |= {there: plain_text(body[ours], ours) for ours, there in told.items() if ours in body}
        if "CUSTOMERID" in row:
            row["CUSTVENDID"] = row.pop("CUSTOMERID")
        if {**(held or {}), **row}.get("DOCPARID") not in seed.DEFINITIONS:
            raise Refused(f"Transaction definition '{row.get('DOCPARID', '')[:40]}' does not exist.")
        if held is None:
            row.setdefault("STATE", "Pending")
        return row

    def _so_lines(self, body: Obj, id: str) -> list[Row]:
        inside: Any = next((body[name] for name in ("sotransitems", "updatesotransitems") if name in body), {})
        rows = list(self.lines("SODOCUMENTENTRY", "DOCHDRID", id))
        for n, one in numbered(inside, "sotransitem", len(rows)):
            ordered("sotransitem", one)
            rows[n:] = [{**(rows[n] if n < len(rows) else {}), **self._so_line(one)}, *rows[n + 1 :]]
        if not rows:
            raise Refused("At least one line is required.")
        return [{name: value for name, value in row.items() if name != "RECORDNO"} for row in rows]

    def _so_line(self, body: Obj) -> Row:
        if self.find("ITEM", ITEMID=str(body.get("itemid", ""))) is None:
            raise Refused(f"Invalid item '{str(body.get('itemid'))[:24]}' specified.")
        if self.entities and not self.entity:
            required(body, "locationid")
        quantity, price = amount(body.get("quantity"), None), amount(body.get("price", "0"), None)
        row = {"ITEMID": str(body["itemid"]), "UIQTY": str(quantity), "TRX_PRICE": str(price),
               "TRX_VALUE": str(cents(quantity * price))}  # fmt: skip
        row |= {"MEMO": plain_text(body["memo"], "memo")} if "memo" in body else {}
        return row | {f"{name.upper()}ID": str(body[f"{name}id"]) for name in PLACES if f"{name}id" in body}

    def _book_order(self, row: Row) -> None:
        kind = seed.DEFINITIONS[row["DOCPARID"]]
        if not kind:
            return
        sign, total, tax = (-1 if kind == "credit" else 1), Decimal(row["TRX_TOTAL"]), Decimal(row["TAX"])
        self._book(row, [(seed.RECEIVABLE, sign * total), (seed.SALES, -sign * (total - tax)),
                         (seed.TAX, -sign * tax)], "8.SO")  # fmt: skip
