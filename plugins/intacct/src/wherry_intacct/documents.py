"""What each entity becomes, how it is asked for, and the calls that create, change, take back and read one.

Facts: a function that is carried out answers with the key of its record and no more (API.md), so what was written is
read back, many in one request. Nothing is deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from wherry.books.numbering import reversing
from wherry.posting.bodies import as_before, refusal
from wherry.posting.texts import clean
from wherry.records import Call, Item

from . import envelope, functions, lists
from .books import Books
from .client import reading
from .envelope import HEADERS, PATH
from .journals import journal, reversal
from .papers import Paper
from .queries import PAGE, query, within
from .sales import definition, sale
from .settings import AR
from .xml import Obj


class Form(Struct, frozen=True):
    """An object of Sage Intacct. ``key`` is the field of a target, ``name`` that of the number or name that people
    know it by, ``fields`` what is read of it; ``lines`` is the object of its lines, ``parent`` the field in them."""

    object: str
    key: str
    name: str
    fields: tuple[str, ...]
    lines: str = ""
    parent: str = ""
    line_fields: tuple[str, ...] = ()


_PLACES = ("LOCATIONID", "DEPARTMENTID", "PROJECTID", "CLASSID", "VENDORID", "EMPLOYEEID")
_AR = ("RECORDID", "CUSTOMERID", "WHENCREATED", "WHENDUE", "TRX_TOTALENTERED", "CURRENCY", "DESCRIPTION", "STATE",
       "EXTERNALID")  # fmt: skip
_AR_LINE = ("ACCOUNTNO", "TRX_AMOUNT", "ENTRYDESCRIPTION", "ITEMID", *_PLACES)
FORMS: dict[str, Form] = {
    form.object: form
    for form in (
        Form("CUSTOMER", "CUSTOMERID", "NAME", (
            "CUSTOMERID", "NAME", "STATUS", "COMMENTS", "DISPLAYCONTACT.EMAIL1", "DISPLAYCONTACT.PHONE1",
            "DISPLAYCONTACT.URL1",
        )),
        Form("ITEM", "RECORDNO", "ITEMID", ("ITEMID", "NAME", "STATUS", "EXTENDED_DESCRIPTION", "BASEPRICE")),
        Form("ARINVOICE", "RECORDNO", "RECORDID", _AR, "ARINVOICEITEM", "RECORDKEY", _AR_LINE),
        Form("ARADJUSTMENT", "RECORDNO", "RECORDID", _AR, "ARADJUSTMENTITEM", "RECORDKEY", _AR_LINE),
        Form("SODOCUMENT", "DOCID", "DOCNO", (
            "DOCID", "DOCNO", "CUSTVENDID", "WHENCREATED", "WHENDUE", "TRX_TOTAL", "CURRENCY", "MESSAGE", "STATE",
            "EXTERNALID",
        ), "SODOCUMENTENTRY", "DOCHDRID", ("ITEMID", "UIQTY", "TRX_PRICE", "TRX_VALUE", "MEMO", *_PLACES)),
        Form("GLBATCH", "RECORDNO", "REFERENCENO", (
            "REFERENCENO", "BATCH_TITLE", "BATCH_DATE", "STATE", "MODULE",
        ), "GLENTRY", "BATCHNO", (
            "ACCOUNTNO", "TR_TYPE", "AMOUNT", "TRX_AMOUNT", "CURRENCY", "EXCHANGE_RATE", "DESCRIPTION", "DOCUMENT",
            "CUSTOMERID", "LOCATION", "DEPARTMENT", "PROJECTID", "CLASSID", "VENDORID", "EMPLOYEEID",
        )),
    )
}  # fmt: skip
ENTITIES = ("customer", "product", "invoice", "sales_order", "credit_memo", "journal_entry")
LISTED = {"customer": "CUSTOMER", "product": "ITEM"}
AT_ONCE = 100
"""Items in one question."""
READ = "read "
"""How the memo of an item begins that was written, and is to be read back: the key comes behind it."""
TAKEN = "taken"
"""The memo of an item whose name something else has."""


def form_of(entity: str, books: Books) -> Form:
    """What an entity is in this company."""
    if entity in LISTED:
        return FORMS[LISTED[entity]]
    if entity == "journal_entry":
        return FORMS["GLBATCH"]
    booked = {"invoice": "ARINVOICE", "credit_memo": "ARADJUSTMENT"}
    return FORMS[booked[entity] if definition(entity, books) == AR else "SODOCUMENT"]


def reverses(item: Item, books: Books) -> bool:
    """Whether it takes something back by a second document, which stands beside the first."""
    return item.action == "void" and form_of(item.entity, books).object in ("GLBATCH", "ARADJUSTMENT")


def paper_of(item: Item, books: Books) -> Paper:
    """The document that an item is to become. Raises Rejected."""
    return (journal if item.entity == "journal_entry" else sale)(item, books)


# -- calls ------------------------------------------------------------


def encoded(items: Sequence[Item], books: Books) -> list[Call]:
    """The calls that carry the items. Raises Rejected for the first that cannot be said in Sage Intacct's words."""
    to_read: defaultdict[str, list[Item]] = defaultdict(list)
    to_write: list[tuple[Item, Obj]] = []
    for item in items:
        if item.memo.startswith(READ):
            to_read[form_of(item.entity, books).object].append(item)
        else:
            to_write.append((item, function_of(item, books)))
    calls = [_writing(part) for part in _parts(to_write, books.settings.batch)]
    for name, group in to_read.items():
        calls += [_reading_back(FORMS[name], part) for part in portions(group)]
    return calls


def portions(items: Sequence[Item]) -> Iterator[list[Item]]:
    """As many as one request reads whole, lines and all."""
    part: list[Item] = []
    lines = 0
    for item in items:
        more = len(item.body.get("lines", ()))
        if part and (len(part) == AT_ONCE or lines + more > PAGE):
            yield part
            part, lines = [], 0
        part.append(item)
        lines += more
    yield part


def _parts(made: list[tuple[Item, Obj]], most: int) -> Iterator[list[tuple[Item, Obj]]]:
    for n in range(0, len(made), most):
        yield made[n : n + most]


def _writing(part: list[tuple[Item, Obj]]) -> Call:
    stamps = tuple(item.stamp for item, _ in part)
    body = envelope.framed([(item.stamp, made) for item, made in part], control=stamps[0], unique=True)
    return Call(method="POST", path=PATH, items=stamps, headers=dict(HEADERS), body=body)


def _reading_back(form: Form, items: Sequence[Item]) -> Call:
    keys = [item.memo.removeprefix(READ) for item in items]
    return reading(by_key(form, keys), tuple(item.stamp for item in items))


def by_key(form: Form, keys: Sequence[str]) -> list[tuple[str, Obj]]:
    """The functions that read records and their lines."""
    told = [("heads", query(form.object, ("RECORDNO", *form.fields), within(form.key, keys)))]
    if form.lines:
        fields = ("RECORDNO", form.parent, *form.line_fields)
        told.append(("lines", query(form.lines, fields, within(form.parent, keys))))
    return told


def function_of(item: Item, books: Books) -> Obj:
    """The function of one item, without blanks that say nothing."""
    if item.action == "void":
        return _void(item, books)
    if item.target is None:
        if item.memo == TAKEN:
            raise refusal(
                item, "something else in Sage Intacct has its name or number already",
                "name" if item.entity in LISTED else "number",
                "link it to that, or rename one of the two (what was taken back may keep its number); then try it "
                "again", "WHERRY-4674",
            )  # fmt: skip
        made: Obj = _pruned(_new(item, books), {})
        return made
    told: Obj = _pruned(_changed(item, books), as_before(item, lambda last: _changed(last, books)))
    return told


def _new(item: Item, books: Books) -> Obj:
    form = form_of(item.entity, books)
    if item.entity in LISTED:
        return {"create": {form.object: _listed(item, books)}}
    paper = paper_of(item, books)
    if form.object == "GLBATCH":
        return functions.batch(paper, books, item.stamp)
    if form.object == "ARINVOICE":
        return functions.invoice(paper, books, item.stamp)
    if form.object == "ARADJUSTMENT":
        return functions.adjustment(paper, books, item.stamp)
    return functions.order(paper, books, item.stamp, definition(item.entity, books))


def _listed(item: Item, books: Books) -> Obj:
    return (lists.customer if item.entity == "customer" else lists.product)(item, books)


def _changed(item: Item, books: Books) -> Obj:
    form, key = form_of(item.entity, books), str(item.target)
    if item.entity in LISTED:
        return {"update": {form.object: _listed(item, books)}}
    paper = paper_of(item, books)
    if form.object == "GLBATCH":
        return functions.batch(paper, books, item.stamp, key)
    old = _lines_before(item, books, len(paper.lines))
    _taxed_still(item, books, paper)
    if form.object == "ARINVOICE":
        return functions.invoice_update(paper, books, key, old)
    if form.object == "ARADJUSTMENT":
        return functions.adjustment_update(paper, books, key, old)
    _same(item)
    return functions.order_update(paper, books, key, old)


def _lines_before(item: Item, books: Books, now: int) -> int:
    old = len((item.before or item.body).get("lines", ()))
    if old > now:
        raise refusal(
            item, f"it has {now} lines and had {old}: Sage Intacct takes no lines away", "lines",
            "take them out in Sage Intacct, or void it at the source and write it anew", "WHERRY-4679",
        )  # fmt: skip
    return old


def _taxed_still(item: Item, books: Books, paper: Paper) -> None:
    was = as_before(item, lambda last: {"paper": paper_of(last, books)}).get("paper")
    if was is None:
        return
    lines = zip(was.lines, paper.lines, strict=False)
    if (was.tax and not paper.tax) or any(old.detail and not new.detail for old, new in lines):
        raise refusal(
            item, "it had tax and has none now: Sage Intacct takes no tax away", "tax",
            "take it out in Sage Intacct, or void it at the source and write it anew", "WHERRY-4679",
        )  # fmt: skip


def _same(item: Item) -> None:
    changed = [name for name in ("customer", "number") if (item.before or item.body).get(name) != item.body.get(name)]
    if changed:
        raise refusal(
            item, f"its {changed[0]} has changed, and Order Entry keeps the one it was made with", changed[0],
            "change it in Sage Intacct, or void it at the source and write it anew", "WHERRY-4679",
        )  # fmt: skip


def _void(item: Item, books: Books) -> Obj:
    last = msgspec.structs.replace(item, body=item.before or item.body)
    form, key = form_of(item.entity, books), item.target
    if item.entity in LISTED or key is None:
        raise refusal(
            item, "entries of a list are not taken back: nothing is booked under them", "",
            "make it inactive in Sage Intacct if it is no longer used", "WHERRY-4672",
        )  # fmt: skip
    if form.object == "GLBATCH":
        return _told(functions.batch(reversal(last, books), books, item.stamp))
    if form.object == "ARINVOICE":
        return functions.invoice_reversal(key, str(last.body["date"]))
    if form.object == "ARADJUSTMENT":
        return _told(functions.adjustment(_against(last, books), books, item.stamp))
    if item.entity == "sales_order":
        return functions.order_closed(key)
    raise refusal(
        item, "a document of Order Entry that books is taken back by another one, which only people can choose", "",
        "take it back in Sage Intacct by hand, then: wherry errors resolve E-N --abandon", "WHERRY-4673",
    )  # fmt: skip


def _against(item: Item, books: Books) -> Paper:
    """The debit memo that takes a credit memo back."""
    made = sale(item, books)
    lines = [msgspec.structs.replace(one, amount=-one.amount, tax=-one.tax) for one in made.lines]
    return msgspec.structs.replace(
        made, lines=lines, number=reversing(clean(item.body.get("number"))), total=-made.total
    )


def _told(made: Obj) -> Obj:
    told: Obj = _pruned(made, {})
    return told


def _pruned(made: Any, old: Any) -> Any:
    """Without blanks, but for those of what was there before: that is emptied."""
    if isinstance(made, dict):
        was = old if isinstance(old, dict) else {}
        pairs = ((name, _pruned(value, was.get(name))) for name, value in made.items())
        return {name: value for name, value in pairs if not _blank(value) or not _blank(was.get(name))}
    if isinstance(made, list):
        rows = old if isinstance(old, list) else []
        return [_pruned(one, rows[n] if n < len(rows) else None) for n, one in enumerate(made)]
    return made


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == {}
