"""From the body of an item to the inputs of an orchestration, and the call that runs it.

Facts: generic inputs are plain names, lines an array of them; JDE standard has ``inputs`` and ``detailInputs`` with
``repeatingInputs``; every value is a text; names of orchestrations may hold blanks (API.md). Nothing is changed or
deleted: a journal is taken back by a second one, an order cancelled by an orchestration that the site names for that.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from wherry.errors import Rejected
from wherry.money import exact
from wherry.posting.bodies import refusal
from wherry.posting.texts import clean, cut
from wherry.records import Call, Item

from . import journals, sales
from .books import Books
from .client import path_of
from .faults import field_of
from .kinds import Kind
from .lines import fitting
from .settings import JdeSettings
from .texts import DESCRIPTION, NAME, NUMBER, key_of, said_day

Fields = dict[str, str]
CONTENT = {"Content-Type": "application/json"}
ADDRESS = {"street": 40, "city": 25, "region": 3, "postal_code": 12, "country": 3}
_DATES = ("date", "due_date")
REFUSED = "refused: "
"""How the memo of an item begins that was answered by an error: the words come behind it."""
_encode = msgspec.json.Encoder().encode


class Said(Struct):
    """What is said of an item, field by field; days as ISO 8601. An empty text is not sent."""

    head: Fields
    lines: list[Fields]


def cancels(item: Item, kind: Kind) -> bool:
    """Whether an order is taken back, and the site has an orchestration for that."""
    return item.action == "void" and bool(kind.void) and item.target is not None


def by_number(item: Item, kind: Kind) -> Fields:
    """The inputs that name what stands there: as its outputs are called. Raises Rejected for a part of it, which a
    person may have linked: what is cancelled by that would not be known again."""
    parts = str(item.target).split("/")
    if len(parts) != len(kind.id):
        raise refusal(
            item, f"it is linked to {item.target}, which is not {' and '.join(kind.id)} with strokes between them", "",
            f"correct it in JD Edwards by hand, then: wherry errors resolve E-N --link {'/'.join(kind.id)}",
            "WHERRY-4948",
        )  # fmt: skip
    return dict(zip(kind.id, parts, strict=True))


def _cancelling(item: Item, kind: Kind, books: Books) -> Call:
    said = Said({"reference": reference(item, books), "company": books.settings.company}, [])
    body = body_of(said, kind, books.settings, by_number(item, kind))
    path = path_of(books.settings, kind.void)
    return Call(method="POST", path=path, items=(item.stamp,), headers=dict(CONTENT), body=body)


def call_of(item: Item, books: Books) -> Call:
    """The call that carries an item. Raises Rejected where it cannot be said, and for what was answered by an error:
    it comes here again once a look has found nothing of it."""
    if item.memo.startswith(REFUSED):
        raise refused(item, item.memo.removeprefix(REFUSED))
    kind = books.kinds[item.entity]
    if cancels(item, kind):
        return _cancelling(item, kind, books)
    said = said_of(item, books)
    fixed = books.settings.orchestrations[item.entity].fixed if item.entity in books.settings.orchestrations else {}
    body = body_of(said, kind, books.settings, fixed)
    return Call(
        method="POST", path=path_of(books.settings, kind.run), items=(item.stamp,), headers=dict(CONTENT), body=body
    )


def refused(item: Item, words: str) -> Rejected:
    """The error for what JD Edwards did not take."""
    field = field_of(words)
    return refusal(
        item, f"JD Edwards refused it: {words}", field if field in item.body else "",
        "do what JD Edwards says, then try it again", "WHERRY-4949",
    )  # fmt: skip


def said_of(item: Item, books: Books) -> Said:
    """What is said of an item. Raises Rejected."""
    if item.action == "void":
        return _turned_back(item, books)
    if item.target is not None:
        raise refusal(
            item, "it stands in JD Edwards already, and no orchestration changes it there", "",
            "change it in JD Edwards by hand, then: wherry errors resolve E-N --link ID", "WHERRY-4943",
        )  # fmt: skip
    return _with_key(item, _made(item, books), books)


def _with_key(item: Item, said: Said, books: Books) -> Said:
    return Said({"reference": reference(item, books), "company": books.settings.company, **said.head}, said.lines)


def _turned_back(item: Item, books: Books) -> Said:
    """A journal is taken back by a second one; of anything else it is not known how the site does it."""
    last = msgspec.structs.replace(item, body=item.before or item.body)
    if item.entity != "journal_entry":
        raise refusal(
            item, "no orchestration takes it back", "",
            "cancel it in JD Edwards by hand, then: wherry errors resolve E-N --abandon; or name void under its "
            "orchestration", "WHERRY-4944",
        )  # fmt: skip
    return _with_key(item, Said(*journals.reversal(last, books)), books)


def _made(item: Item, books: Books) -> Said:
    if item.entity == "journal_entry":
        return Said(*journals.journal(item, books))
    if item.entity in ("invoice", "credit_memo"):
        return Said(*sales.order(item, books))
    return Said(_product(item) if item.entity == "product" else _customer(item), [])


def reference(item: Item, books: Books) -> str:
    """Our key of this write; of an item its own number, which it is found by."""
    return _code(item) if item.entity == "product" else key_of(item.stamp, books.kinds[item.entity].key)


def _customer(item: Item) -> Fields:
    _named_at_all(item)
    made = {name: cut(item.body.get(name), longest) for name, longest in ADDRESS.items()}
    plain = {name: clean(item.body.get(name)) for name in ("email", "phone", "currency", "description", "website")}
    return {**made, **plain, "name": fitting(item, "name", NAME), "number": fitting(item, "number", NUMBER)}


def _product(item: Item) -> Fields:
    _named_at_all(item)
    price = item.body.get("price")
    return {
        "name": fitting(item, "name", DESCRIPTION), "description": cut(item.body.get("description"), DESCRIPTION),
        "price": "" if price is None else format(exact(price), "f"),
        **{name: clean(item.body.get(name)) for name in ("currency", "unit", "type")},
    }  # fmt: skip


def _code(item: Item) -> str:
    """The number of an item: its SKU, or its name where it has none."""
    return fitting(item, "sku" if clean(item.body.get("sku")) else "name", NUMBER)


def _named_at_all(item: Item) -> None:
    if not clean(item.body.get("name")):
        raise refusal(item, "it has no name", "name", "give it a name at the source, then try it again", "WHERRY-4945")


# -- the body of a call -----------------------------------------------------------------------------------------------


def body_of(said: Said, kind: Kind, settings: JdeSettings, fixed: Mapping[str, str] | None = None) -> bytes:
    """The inputs in the form of the site."""
    head = {**(fixed or {}), **_named(said.head, kind.inputs, settings)}
    lines = [_named(line, kind.line_inputs, settings) for line in said.lines]
    if settings.form == "generic":
        return _encode({**head, **({kind.lines: lines} if lines else {})})
    detail = [{"name": kind.lines, "repeatingInputs": [{"inputs": _pairs(line)} for line in lines]}] if lines else []
    return _encode({"inputs": _pairs(head), **({"detailInputs": detail} if detail else {})})


def _named(fields: Fields, inputs: Mapping[str, str], settings: JdeSettings) -> dict[str, str]:
    told = {name: said_day(value, settings.dates, settings.zone) if name in _DATES else value
            for name, value in fields.items() if value}  # fmt: skip
    return {inputs[name]: value for name, value in told.items() if inputs.get(name)}


def _pairs(named: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in named.items()]
