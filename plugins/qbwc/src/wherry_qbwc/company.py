"""Which company file is open, and what it and its QuickBooks can do: asked first in every session, and kept."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from wherry.errors import Guarded, TryAgain
from wherry.roles import Documents

from .qwc import OWNER_ID
from .words import replies, statuses
from .words.replies import SetReply
from .words.requests import request
from .words.sets import message_set, spoken

KIND = "company"
_ORDERS = re.compile(r"premier|enterprise|accountant", re.IGNORECASE)
_NO_ORDERS = re.compile(r"\bpro\b|simple start", re.IGNORECASE)


class Company(Struct, frozen=True, kw_only=True):
    """A company file as it was in the latest session."""

    id: str
    """The FileID that the Web Connector left in it, else its name: which file it is."""
    name: str
    product: str = ""
    """QuickBooks' own name of its edition."""
    country: str = ""
    qbxml: str = "13.0"
    """The version of qbXML that is spoken with it."""
    multicurrency: bool = False
    closed_until: str = ""
    """The closing date; empty where the books are open."""
    home: str = ""
    """QuickBooks' name of the file's own currency; it tells it only of a file that keeps several."""
    classes: bool = False
    taxable: str = ""
    """The id of the code for lines with sales tax; empty where the file keeps none."""
    untaxed: str = ""
    year_from: int = 1
    """The month in which the fiscal year begins."""

    @property
    def sales_orders(self) -> bool:
        """Whether the edition has them; where that cannot be told, QuickBooks says so itself (3250)."""
        return bool(_ORDERS.search(self.product)) or not _NO_ORDERS.search(self.product)

    @property
    def lists(self) -> tuple[str, ...]:
        """The lists that it keeps, by their names here."""
        more = [*(("class",) if self.classes else ()), *(("tax_code",) if self.taxable else ()),
                *(("currency",) if self.multicurrency else ())]  # fmt: skip
        return ("customer", "item", "account", *more)


def questions(major: int, minor: int) -> bytes:
    """What asks for it all at once."""
    about = [
        request("CompanyQuery", {"OwnerID": [OWNER_ID]}, id="company"),
        request("HostQuery", {}, id="host"),
        request("PreferencesQuery", {}, id="preferences"),
    ]
    return message_set(about, version=spoken(major, minor), on_error="continueOnError")


def read(response: str, major: int, minor: int) -> Company:
    """The company file that answered. Raises TryAgain where it did not say which one it is."""
    reply = replies.parse(response)
    company, host, wishes = (_row(reply, name) for name in ("company", "host", "preferences"))
    name = str(company.get("LegalCompanyName") or company.get("CompanyName") or "")
    marks = [one for one in replies.many(company, "DataExtRet") if one.get("DataExtName") == "FileID"]
    file_id = str(marks[0].get("DataExtValue") or "") if marks else ""
    if not file_id and not name:
        raise _silent(reply)
    return Company(
        id=file_id or name, name=name or file_id, product=str(host.get("ProductName") or ""),
        country=str(host.get("Country") or ""), qbxml=spoken(major, minor), year_from=_month(company),
        **_wishes(wishes),
    )  # fmt: skip


def _wishes(told: dict[str, Any]) -> dict[str, Any]:
    """What the preferences say."""
    accounting, tax = _part(told, "AccountingPreferences"), _part(told, "SalesTaxPreferences")
    currencies = _part(told, "MultiCurrencyPreferences")
    return {
        "multicurrency": currencies.get("IsMultiCurrencyOn") == "true",
        "home": str(_part(currencies, "HomeCurrencyRef").get("FullName") or ""),
        "closed_until": str(accounting.get("ClosingDate") or "")[:10],
        "classes": accounting.get("IsUsingClassTracking") == "true",
        "taxable": str(_part(tax, "DefaultTaxableSalesTaxCodeRef").get("ListID") or ""),
        "untaxed": str(_part(tax, "DefaultNonTaxableSalesTaxCodeRef").get("ListID") or ""),
    }


def _month(company: dict[str, Any]) -> int:
    names = [name.casefold() for name in calendar.month_name]
    told = str(company.get("FirstMonthFiscalYear") or "").casefold()
    return names.index(told) if told in names[1:] else 1


def right(company: Company, bound: str, connection: str) -> None:
    """Raises Guarded where another company file is open than the one the connection is bound to."""
    if bound and company.id != bound:
        raise Guarded(
            f"the company file {company.name} is open in QuickBooks, and connection {connection} writes to another; "
            "nothing was sent",
            fix="open the right company file and update again; a second one needs a connection of its own",
            code="WHERRY-7850", connection=connection,
        )  # fmt: skip


def load(documents: Documents, connection: str) -> Company | None:
    """A connection's company file as it was last; None before its first session."""
    found = documents.get(KIND, [connection]).get(connection)
    return None if found is None else msgspec.convert(found, Company)


def known(documents: Callable[[], Any], connection: str) -> Company:
    """The same. Raises TryAgain before the first session."""
    with documents() as opened:
        found = load(opened, connection)
    if found is None:
        raise TryAgain(
            f"connection {connection}: the QuickBooks Web Connector was not here yet, so it is not known whose books "
            "these are",
            fix=f"set it up (wherry qbwc setup {connection} --url …), start wherry serve, and press Update in it once",
            code="WHERRY-6852", connection=connection,
        )  # fmt: skip
    return found


def save(documents: Documents, connection: str, company: Company) -> None:
    """Keep it."""
    documents.put(KIND, [(connection, msgspec.to_builtins(company))])


def _row(reply: SetReply, name: str) -> dict[str, Any]:
    answer = reply.answer(name)
    return answer.rows[0] if answer is not None and answer.rows else {}


def _part(row: dict[str, Any], name: str) -> dict[str, Any]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _silent(reply: SetReply) -> TryAgain:
    answer = reply.answer("company")
    why = statuses.meaning(answer.code, answer.message).meaning if answer is not None else "it did not answer"
    return TryAgain(
        f"QuickBooks does not say which company file is open: {why}",
        fix="close what is open in QuickBooks, and update again", code="WHERRY-6853",
    )  # fmt: skip
