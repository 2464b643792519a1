"""What the books say of a time: trial balances and journal entries, told by the next session after somebody asked.

QuickBooks cannot be asked now, so that a question is kept, and answered in every session of the day that follows it. An
answer counts until the session after the one that told it: then it is either told anew, or has to be asked for again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from msgspec import Struct, convert, to_builtins
from wherry.books.years import year_of
from wherry.errors import TryAgain, WherryError
from wherry.roles import Documents

from .words import replies, reports, statuses
from .words.requests import request
from .words.sets import message_set

KIND, STATE = "statement", "statement_state"
PAGE = 500
KEPT_FOR = dt.timedelta(days=35)
TOLD_FOR = {**dict.fromkeys(("balance", "entries", "documents"), dt.timedelta(days=1)), "read": dt.timedelta(hours=1)}
"""How long after a question it is answered in every session."""
MOST = 200
"""Questions that one session answers, those asked last."""
_DAY = dt.timedelta(days=1)
Ask = Callable[[bytes], str]
Rows = list[dict[str, Any]]


class Question(Struct, frozen=True):
    """The balances at the end of ``last``; the journal entries dated from ``first`` (None: all before) to it, or the
    lines of all transactions; or a message set that only reads."""

    what: Literal["balance", "entries", "documents", "read"]
    last: dt.date | None = None
    first: dt.date | None = None
    content: str = ""

    @property
    def name(self) -> str:
        """What it is kept under."""
        if self.content:
            return f"{self.what} {hashlib.sha256(self.content.encode()).hexdigest()}"
        days = (day.isoformat() if day else "" for day in (self.first, self.last))
        return " ".join((self.what, *days))


def balance(day: dt.date) -> Question:
    """The trial balance at the end of a day."""
    return Question("balance", day)


def entries(first: dt.date | None, last: dt.date) -> Question:
    """The journal entries of a time."""
    return Question("entries", last, first)


def documents(first: dt.date, last: dt.date) -> Question:
    """What every transaction of a time booked."""
    return Question("documents", last, first)


def reading(content: bytes) -> Question:
    """What a message set reads."""
    return Question("read", content=content.decode())


def around(day: dt.date) -> list[Question]:
    """What a tie-out asks as well that begins after a day, or ends with it."""
    before = day.replace(day=1) - _DAY
    after = (day + _DAY).replace(day=28) + dt.timedelta(days=4)
    end = after.replace(day=1) - _DAY
    spans = [(before + _DAY, day), (day + _DAY, end)]
    listed = [asks(first, last) for first, last in spans for asks in (entries, documents)]
    return [balance(before), balance(end), *listed]


# -- asking ------------------------------------------------------------------------------------------------------------


def answers(
    documents: Documents, connection: str, asked: Sequence[Question], soon: Iterable[Question], now: dt.datetime
) -> list[Rows] | None:
    """The answers, one a question; None where one is still to come. What is likely to be asked ``soon`` is kept too."""
    wanted = list(dict.fromkeys([*asked, *soon]))
    ids = {one: f"{connection}/{one.name}" for one in wanted}
    held = documents.get(KIND, ids.values())
    state = documents.get(STATE, [connection]).get(connection, {})
    rows = ((ids[one], {**_new(one), **held.get(ids[one], {}), "asked": now.isoformat()}) for one in wanted)
    documents.put(KIND, rows)
    found = [held.get(ids[one], {}) for one in asked]
    if not all(one.get("read") and one["read"] >= state.get("read", "") for one in found):
        return None
    return [one["rows"] for one in found]


def _new(one: Question) -> dict[str, Any]:
    return {**to_builtins(one), "read": "", "rows": []}


def later(asked: Sequence[Question]) -> TryAgain:
    """That the next session will tell."""
    day = asked[-1].last
    what = {"balance": f"its trial balance of {day}", "entries": f"its journal entries up to {day}",
            "documents": f"what its documents up to {day} booked",
            "read": "what it holds of these documents"}[asked[0].what]  # fmt: skip
    return TryAgain(
        f"QuickBooks has not told {what} since its latest session; it is asked now",
        fix="press Update in the Web Connector, or wait for it, and do this again", code="WHERRY-6855",
    )  # fmt: skip


# -- a session ---------------------------------------------------------------------------------------------------------


def open_questions(documents: Documents, connection: str, now: dt.datetime) -> list[Question]:
    """What is to be told in this session, asked last first."""
    held = [body for id, body in documents.each(KIND) if id.startswith(f"{connection}/")]
    due = [one for one in held if now - dt.datetime.fromisoformat(one["asked"]) < TOLD_FOR[one["what"]]]
    due.sort(key=lambda one: str(one["asked"]), reverse=True)
    return [_question(one) for one in due[:MOST]]


def _question(body: dict[str, Any]) -> Question:
    return convert({name: body.get(name) for name in Question.__struct_fields__ if name in body}, Question)


def read(ask: Ask, asked: Question, version: str, year_from: int) -> Rows:
    """QuickBooks' answer. Raises TryAgain where it does not tell, ContractBroken for what cannot be read."""
    if asked.what == "read":
        return [{"answer": ask(asked.content.encode())}]
    if asked.what == "entries":
        return _entries(ask, asked, version)
    if asked.what == "documents":
        return _details(ask, asked, version)
    return _balances(ask, asked, version, year_from)


def read_all(
    ask: Ask, asked: Iterable[Question], version: str, year_from: int
) -> tuple[dict[Question, Rows], WherryError | None]:  # fmt: skip
    """The answers, and the error of the first question that QuickBooks did not answer: the others do not wait for it.
    Raises TryAgain where it is the Web Connector that has gone."""
    found: dict[Question, Rows] = {}
    first: WherryError | None = None
    for one in asked:
        try:
            found[one] = read(ask, one, version, year_from)
        except WherryError as error:
            if "sent" in error.where:  # not QuickBooks' answer, but none
                raise
            first = first or error
    return found, first


def keep(documents: Documents, connection: str, told: dict[Question, Rows], now: dt.datetime) -> None:
    """Keep what was told in this session, and forget what nobody asks for any more."""
    ids = {one: f"{connection}/{one.name}" for one in told}
    held = documents.get(KIND, ids.values())
    documents.put(KIND, [(ids[one], {**held.get(ids[one], _new(one)), "read": now.isoformat(), "rows": rows})
                         for one, rows in told.items()])  # fmt: skip
    documents.put(STATE, [(connection, {"read": now.isoformat()})])
    old = [id for id, body in documents.each(KIND) if now - dt.datetime.fromisoformat(body["asked"]) > KEPT_FOR]
    documents.remove(KIND, [id for id in old if id.startswith(f"{connection}/")])


def _balances(ask: Ask, asked: Question, version: str, year_from: int) -> Rows:
    assert asked.last is not None
    period = {"FromReportDate": year_of(asked.last, year_from), "ToReportDate": asked.last}
    body = {"GeneralSummaryReportType": "TrialBalance", "DisplayReport": False, "ReportPeriod": period,
            "ReportBasis": "Accrual"}  # fmt: skip
    name = "GeneralSummaryReportQuery"
    answer = ask(message_set([request(name, body, id=asked.name)], version=version))
    _went_well(answer, name, asked.name)
    rows, total = reports.trial_balance(answer)
    return [to_builtins(one) for one in (*rows, *([total] if total else []))]


def _details(ask: Ask, asked: Question, version: str) -> Rows:
    period = {"FromReportDate": asked.first, "ToReportDate": asked.last}
    body = {"CustomDetailReportType": "CustomTxnDetail", "DisplayReport": False, "ReportPeriod": period,
            "ReportPostingStatusFilter": "Posting", "SummarizeRowsBy": "TotalOnly", "IncludeColumn": reports.DETAILS,
            "ReportBasis": "Accrual"}  # fmt: skip
    name = "CustomDetailReportQuery"
    answer = ask(message_set([request(name, body, id=asked.name)], version=version))
    _went_well(answer, name, asked.name)
    return [to_builtins(one) for one in reports.details(answer)]


def _entries(ask: Ask, asked: Question, version: str) -> Rows:
    name = "JournalEntryQuery"
    dates = {"FromTxnDate": asked.first, "ToTxnDate": asked.last}
    body = {"MaxReturned": PAGE, "TxnDateRangeFilter": dates, "IncludeLineItems": True}
    step, found, left = {"iterator": "Start"}, list[dict[str, Any]](), 0
    while True:
        id = f"{asked.name} {len(found)}"
        answer = ask(message_set([request(name, body, id=id, attributes=step)], version=version))
        reply = _went_well(answer, name, id)
        found += reply.rows
        if not reply.remaining:
            return found
        if left and reply.remaining >= left:
            raise _untold(name, "it promises more and more of them")
        left, step = reply.remaining, {"iterator": "Continue", "iteratorID": reply.iterator_id}


def _went_well(text: str, name: str, id: str) -> replies.RequestReply:
    """The answer to that very question: the one to another, come once more, is not taken for it."""
    found = replies.parse(text).answer(id)
    status = statuses.meaning(found.code, found.message) if found is not None else None
    if found is None or status is None or status.fate != "done":
        why = f"{status.meaning} ({found.code})" if found is not None and status is not None else "it did not answer"
        raise _untold(name, why)
    return found


def _untold(name: str, why: str) -> TryAgain:
    return TryAgain(
        f"QuickBooks does not tell what its books say ({name}): {why}",
        fix="update again in the Web Connector", code="WHERRY-6856",
    )  # fmt: skip
