"""QuickBooks itself: a session on an open company file executes message sets, and remembers those that have an id.

Message-set recovery: a set with a newMessageSetID is kept with its response. The same id again gives the stored
response and does nothing; with other content 9001. An empty set that names the id as old and new asks for it: 600 when
nothing was ever kept, 9002 when it was and the response is gone. An oldMessageSetID alone clears it.
"""

from __future__ import annotations

from collections.abc import Callable

from . import about
from .company import Company, Kept
from .journals import Journals
from .kinds import SALES
from .lists import Lists
from .mishaps import Mishap, Mishaps
from .queries import Iterators, Queries
from .reading import Asked, MessageSet, read
from .refusals import UNEXPECTED, HResult, Status
from .reports import transactions, trial_balance
from .sales import Sales
from .showing import Answered, only, response, row
from .taking import Taking
from .values import Obj

LONGEST_ID = 24
EVERYTHING = "ClearAllMessageSets"
NEVER_KEPT, OTHER_CONTENT, GONE, BAD_ID, UNSTORED = 600, 9001, 9002, 9004, 9005


class Session:
    """One session of an application on an open company file; its iterators end with it."""

    def __init__(self, company: Company, mishaps: Mishaps) -> None:
        self.company, self.mishaps = company, mishaps
        self._iterators = Iterators()

    def execute(self, text: str) -> str:
        """The response to a message set. Raises HResult."""
        with self.company.stage.lock:
            asked = read(text)
            names = " ".join(one.name for one in asked.requests) or "(none)"
            self.company.stage.effect("set", file=self.company.path, requests=names, id=asked.new_id or "",
                                      old=asked.old_id or "")  # fmt: skip
            mishap = self.mishaps.take("hresult", names)
            if mishap and not mishap.done:
                raise _no_response(mishap)
            told = self._recovered(asked, names)
            if mishap:
                self._forget_response(asked)
                raise _no_response(mishap)
            return told

    # Message-set recovery

    def _recovered(self, asked: MessageSet, names: str) -> str:
        new, old = asked.new_id, asked.old_id
        if any(one is not None and not _good_id(one) for one in (new, old)):
            return response([], new_id=(new or old or "")[:LONGEST_ID], set_code=BAD_ID)
        if new is not None and new == old:
            return self._asked_for(new)
        if old is not None:
            self._clear(old)
        if new is None:
            return response(self._all(asked))
        if kept := self.company.kept.get(new):
            return self._again(new, kept, asked.checksum)
        return self._kept(new, asked, names)

    def _asked_for(self, id: str) -> str:
        kept = self.company.kept.get(id)
        if kept and kept.response is not None:
            return kept.response
        gone = kept is not None or id in self.company.forgotten
        return response([], new_id=id, set_code=GONE if gone else NEVER_KEPT)

    def _again(self, id: str, kept: Kept, checksum: str) -> str:
        if kept.checksum != checksum:
            return response([], new_id=id, set_code=OTHER_CONTENT)
        return kept.response if kept.response is not None else response([], new_id=id, set_code=GONE)

    def _kept(self, id: str, asked: MessageSet, names: str) -> str:
        answers = self._all(asked)
        if self.mishaps.take("unstored", names):
            self.company.kept[id] = Kept(asked.checksum, None)
            return response(answers, new_id=id, set_code=UNSTORED)
        told = response(answers, new_id=id, set_code=0)
        self.company.kept[id] = Kept(asked.checksum, told)
        return told

    def _clear(self, id: str) -> None:
        gone = list(self.company.kept) if id == EVERYTHING else [id]
        for one in gone:
            if self.company.kept.pop(one, None):
                self.company.forgotten.add(one)

    def _forget_response(self, asked: MessageSet) -> None:
        if asked.new_id and asked.new_id in self.company.kept:
            self.company.kept[asked.new_id].response = None

    # Requests

    def _all(self, asked: MessageSet) -> list[Answered]:
        answers: list[Answered] = []
        failed = False
        for one in asked.requests:
            answer = Answered(one.name, one.id)
            if failed and asked.on_error == "stopOnError":
                answer.code = 3231
                answer.message = "The request has not been processed because an earlier request failed."
            else:
                self._one(one, answer, asked.new_id or "")
            failed = failed or answer.code >= 1000
            answers.append(answer)
        return answers

    def _one(self, asked: Asked, answer: Answered, set_id: str) -> None:
        mishap = self.mishaps.take("status", asked.name)
        try:
            if mishap and not mishap.done:
                raise _scripted(mishap)
            if asked.wrong:
                raise asked.wrong
            self._do(asked, answer, {"request": asked.id, "set": set_id})
            for lost in asked.lossy:
                self.company.stage.effect("lossy", file=self.company.path, request=asked.id, text=lost)
            if mishap:
                raise _scripted(mishap)
        except Status as wrong:
            answer.code, answer.message, answer.rows, answer.plain = wrong.code, wrong.message, [], {}
            answer.attributes = {}

    def _do(self, asked: Asked, answer: Answered, told: Obj) -> None:
        name, body = asked.name, asked.body
        if name.endswith(("Add", "Mod")):
            self._write(name[:-3], name[-3:], asked, answer, told)
        elif name in ("HostQuery", "CompanyQuery", "PreferencesQuery"):
            self._itself(name, body, answer)
        elif name == "GeneralSummaryReportQuery":
            answer.report = trial_balance(self.company, body)
        elif name == "CustomDetailReportQuery":
            answer.report = transactions(self.company, body)
        elif name.endswith("Query"):
            Queries(self.company, self._iterators).ask(asked, answer)
        else:
            taking = Taking(self.company, told)
            does: dict[str, Callable[[Obj], Obj]] = {
                "TxnVoid": taking.void,
                "TxnDel": taking.delete,
                "ListDel": taking.delete_entry,
            }
            answer.plain = does[name](body)

    def _write(self, kind: str, how: str, asked: Asked, answer: Answered, told: Obj) -> None:
        body = asked.body[asked.name]
        if kind == "JournalEntry":
            journals = Journals(self.company, told)
            record = journals.add(body) if how == "Add" else journals.change(body)
        else:
            books = Sales(self.company, told) if kind in SALES else Lists(self.company, told)
            record = books.add(kind, body) if how == "Add" else books.change(kind, body)
        shown = only(row(self.company, record), asked.body.get("IncludeRetElement", []))
        answer.rows = [(f"{kind}Ret", shown)]

    def _itself(self, name: str, body: Obj, answer: Answered) -> None:
        if name == "HostQuery":
            answer.rows = [("HostRet", about.host(self.company))]
        elif name == "CompanyQuery":
            answer.rows = [("CompanyRet", about.itself(self.company, body.get("OwnerID", [])))]
        else:
            answer.rows = [("PreferencesRet", about.preferences(self.company))]


def _good_id(id: str) -> bool:
    return 0 < len(id) <= LONGEST_ID and id.isascii() and id.isprintable()


def _scripted(mishap: Mishap) -> Status:
    return Status(int(mishap.code or 1000), mishap.message or "There has been an internal error (scripted).")


def _no_response(mishap: Mishap) -> HResult:
    return HResult(mishap.code or UNEXPECTED, mishap.message or "Unexpected error (scripted).", done=mishap.done)
