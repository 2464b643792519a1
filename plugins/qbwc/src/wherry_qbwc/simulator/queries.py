"""Questions: filters over lists and transactions, and iterators that live as long as their session."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .company import Company, Record
from .kinds import QUERIED, TXNS
from .reading import Asked
from .refusals import Status
from .sales import offered
from .showing import Answered, only, row
from .values import Obj, moment, told_moment

EMPTY = "A query request did not find a matching object in QuickBooks"
Test = Callable[[Record], bool]


@dataclass(slots=True)
class Iterators:
    """The iterators of one session: id → (request, records still to come)."""

    open: dict[str, tuple[str, list[str]]] = field(default_factory=dict)


class Queries:
    """Questions to one company, within one session."""

    def __init__(self, company: Company, iterators: Iterators) -> None:
        self.company, self.iterators = company, iterators

    def ask(self, asked: Asked, answer: Answered) -> None:
        """Fill in the answer. Raises Status."""
        if asked.name in ("TxnDeletedQuery", "ListDeletedQuery"):
            return self._deleted(asked, answer)
        kind = asked.name.removesuffix("Query")
        if kind in TXNS:
            offered(self.company, kind)
        if asked.attributes.get("iterator"):
            return self._iterated(asked, answer)
        found = self._found(asked, answer)
        most = int(asked.body.get("MaxReturned", len(found)))
        self._show(found[:most], asked, answer)
        return None

    def _found(self, asked: Asked, answer: Answered) -> list[Record]:
        if asked.name in QUERIED:
            return self._entries(QUERIED[asked.name], asked.body, answer)
        return self._transactions(asked.name.removesuffix("Query"), asked.body, answer)

    def _show(self, found: list[Record], asked: Asked, answer: Answered) -> None:
        lines = asked.body.get("IncludeLineItems") == "true"
        wanted = asked.body.get("IncludeRetElement", [])
        answer.rows = [(f"{one.kind}Ret", only(row(self.company, one, lines=lines), wanted)) for one in found]
        answer.attributes["retCount"] = str(len(found))
        if not found and answer.code == 0:
            answer.code, answer.message = 1, EMPTY

    # Iterators

    def _iterated(self, asked: Asked, answer: Answered) -> None:
        how, key = asked.attributes["iterator"], asked.attributes.get("iteratorID", "")
        if how == "Start":
            if "MaxReturned" not in asked.body:
                raise Status(3150, 'A required element "MaxReturned" of the iterator is missing.')
            key = f"{{{uuid.uuid4()}}}"
            left = [one.id for one in self._found(asked, answer)]
        else:
            left = self._continued(asked.name, key)
        if how == "Stop":
            del self.iterators.open[key]
            return
        most = int(asked.body.get("MaxReturned", len(left)))
        page, left = left[:most], left[most:]
        self.iterators.open[key] = (asked.name, left)
        # A record that went since the iterator was started is left out.
        self._show([self.company.records[id] for id in page if id in self.company.records], asked, answer)
        answer.attributes |= {"iteratorRemainingCount": str(len(left)), "iteratorID": key}
        if not left:
            del self.iterators.open[key]

    def _continued(self, name: str, key: str) -> list[str]:
        kind, left = self.iterators.open.get(key, ("", []))
        if kind != name:
            raise Status(3391, f'The iteratorID "{key}" is not valid.')
        return left

    # Filters

    def _entries(self, kinds: tuple[str, ...], body: Obj, answer: Answered) -> list[Record]:
        if "ListID" in body:
            return _looked_up(body["ListID"], lambda id: self._of(id, kinds), answer)
        if "FullName" in body:
            return _looked_up(body["FullName"], lambda name: self.company.named(name, kinds), answer)
        tests = [_active(body.get("ActiveStatus", "ActiveOnly")), _modified(body), self._name_test(body)]
        if types := body.get("AccountType"):
            tests.append(lambda one: one.body["AccountType"] in types)
        found = [one for one in self.company.of(*kinds) if all(test(one) for test in tests)]
        return sorted(found, key=lambda one: self.company.full_name(one).casefold())

    def _name_test(self, body: Obj) -> Test:
        if match := body.get("NameFilter"):
            return lambda one: _matches(match["MatchCriterion"], one.name, match["Name"])
        if span := body.get("NameRangeFilter"):
            return lambda one: _between(one.name, span.get("FromName", ""), span.get("ToName", ""))
        return lambda one: True

    def _of(self, id: str, kinds: tuple[str, ...]) -> Record | None:
        found = self.company.records.get(id)
        return found if found and found.kind in kinds else None

    def _transactions(self, kind: str, body: Obj, answer: Answered) -> list[Record]:
        if "TxnID" in body:
            return _looked_up(body["TxnID"], lambda id: self._of(id, (kind,)), answer)
        tests = [self._numbered(body), _modified(body.get("ModifiedDateRangeFilter", {})), _dated(body)]
        if entity := body.get("EntityFilter"):
            wanted = {self._entity(entity)}
            tests.append(lambda one: bool(wanted & _entities(one)))
        if account := body.get("AccountFilter"):
            ids = {one.id for one in self._accounts(account)}
            tests.append(lambda one: any((line.get("AccountRef") or {}).get("ListID") in ids for _, line in one.lines))
        if (paid := body.get("PaidStatus", "All")) != "All":
            tests.append(lambda one: (one.body["TotalAmount"] == "0.00") == (paid == "PaidOnly"))
        return [one for one in self.company.of(kind) if all(test(one) for test in tests)]

    def _entity(self, told: Obj) -> str:
        found = [self._of(id, ("Customer", "Vendor")) for id in told.get("ListID", [])]
        found += [self.company.named(name, ("Customer", "Vendor")) for name in told.get("FullName", [])]
        if not found or found[0] is None:
            raise Status(500, "The query request has not been fully completed. A name of its filter was not found.")
        return found[0].id

    def _accounts(self, told: Obj) -> list[Record]:
        found = [self._of(id, ("Account",)) for id in told.get("ListID", [])]
        found += [self.company.named(name, ("Account",)) for name in told.get("FullName", [])]
        return [one for one in found if one]

    def _numbered(self, body: Obj) -> Test:
        if exact := body.get("RefNumberCaseSensitive"):
            return lambda one: one.body.get("RefNumber", "") in exact
        if told := body.get("RefNumber"):
            wanted = {one.casefold() for one in told}
            return lambda one: one.body.get("RefNumber", "").casefold() in wanted
        if match := body.get("RefNumberFilter"):
            return lambda one: _matches(match["MatchCriterion"], one.body.get("RefNumber", ""), match["RefNumber"])
        if span := body.get("RefNumberRangeFilter"):
            low, high = span.get("FromRefNumber", ""), span.get("ToRefNumber", "")
            return lambda one: _between(one.body.get("RefNumber", ""), low, high)
        return lambda one: True

    def _deleted(self, asked: Asked, answer: Answered) -> None:
        list_like = asked.name.startswith("List")
        kinds = asked.body["ListDelType" if list_like else "TxnDelType"]
        span = asked.body.get("DeletedDateRangeFilter", {})
        low, high = _span(span, "FromDeletedDate", "ToDeletedDate")
        found = [one for one in self.company.deleted if one.kind in kinds and low <= one.at <= high]
        kind, key, name = ("ListDelType", "ListID", "FullName") if list_like else ("TxnDelType", "TxnID", "RefNumber")
        for one in found:
            told = {kind: one.kind, key: one.id, "TimeCreated": moment(one.created), "TimeDeleted": moment(one.at)}
            answer.rows.append((asked.name.replace("Query", "Ret"), told | ({name: one.name} if one.name else {})))
        answer.attributes["retCount"] = str(len(found))
        if not found:
            answer.code, answer.message = 1, EMPTY


def _looked_up(keys: Iterable[str], find: Callable[[str], Record | None], answer: Answered) -> list[Record]:
    """What was asked for by key; a key that leads nowhere is a warning."""
    found = []
    for key in keys:
        if one := find(key):
            found.append(one)
        else:
            answer.code = 500
            answer.message = ("The query request has not been fully completed. There was a required element "
                              f'("{key}") that could not be found in QuickBooks.')  # fmt: skip
    return found


def _active(status: str) -> Test:
    return lambda one: status == "All" or one.active == (status == "ActiveOnly")


def _modified(body: Obj) -> Test:
    low, high = _span(body, "FromModifiedDate", "ToModifiedDate")
    return lambda one: low <= int(one.modified) <= high


def _span(body: Obj, first: str, last: str) -> tuple[float, float]:
    low = told_moment(body[first]) if first in body else float("-inf")
    high = told_moment(body[last], end=True) if last in body else float("inf")
    if low > high:
        raise Status(3030, "Invalid date range: From date is greater than To date.")
    return low, high


def _dated(body: Obj) -> Test:
    span = body.get("TxnDateRangeFilter", {})
    low, high = span.get("FromTxnDate", ""), span.get("ToTxnDate", "9999")
    return lambda one: low <= one.body["TxnDate"] <= high


def _entities(one: Record) -> set[str]:
    refs = [one.body.get("CustomerRef"), *(line.get("EntityRef") for _, line in one.lines)]
    return {ref["ListID"] for ref in refs if ref}


def _matches(how: str, text: str, wanted: str) -> bool:
    text, wanted = text.casefold(), wanted.casefold()
    if how == "StartsWith":
        return text.startswith(wanted)
    return text.endswith(wanted) if how == "EndsWith" else wanted in text


def _between(text: str, low: str, high: str) -> bool:
    folded = text.casefold()
    return low.casefold() <= folded and (not high or folded <= high.casefold())
