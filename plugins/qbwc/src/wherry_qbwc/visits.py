"""What a sink calls through: the line while the Web Connector is here, and what its latest session told while not.

A question that a person's command asks while nobody is there to answer is kept, and answered by the next session
(``statements``). What is sent, and what is looked up while sending, goes by the line alone: what a session told earlier
proves nothing of what became of a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree
from msgspec.structs import replace
from wherry.errors import TryAgain
from wherry.http import Response
from wherry.records import Call, Item, Reply
from wherry.roles import Services

from . import statements, twins
from .line import ANSWERED, FAILED, GONE, PATH, Line
from .words import replies
from .words.requests import request
from .words.sets import claiming, message_set, recovering, set_id

CLAIM, VERSION = "claim", "qbxml"
"""Headers of a look: ids of message sets that may be on their way still, and what is spoken with QuickBooks."""
KEPT, MADE = "kept-", "made"
"""Headers of its answer: what QuickBooks holds of what it did under the id that follows, as the answer to ``MADE``."""
UNCLAIMED = 503
"""The status of a look that proves nothing, since what is looked for may yet be done."""
FAILED_CLAIM, _FAILURES, _GIVEN_UP = "failed_claim", 3, "given up"
_DONE_BEFORE = "9001"
_KNOWN = ("", "0", _DONE_BEFORE, "9002")
"""Codes of message-set recovery with which QuickBooks knows the id from here on: claimed now, or done before."""


class Visits:
    """One connection's way to QuickBooks. Implements ``wherry.roles.Transport``."""

    def __init__(self, line: Line, connection: str, services: Services) -> None:
        self._line, self._name, self._services = line, connection, services
        self._sending = False
        self._asked: list[bytes] = []

    @property
    def present(self) -> bool:
        """Whether the Web Connector is here for whoever asks. From then on nothing is told from memory."""
        self._sending = self._sending or self._line.present
        return self._line.present

    def expect(self, calls: Sequence[Call]) -> None:
        """These are going to be read: kept together, they are answered together."""
        if not self._sending:
            self._asked = [*self._asked, *(call.body for call in calls)][-statements.MOST :]

    def send(self, call: Call) -> Reply:
        """As ``Line.send``."""
        return self._line.send(call)

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, lane: str = "",
    ) -> Response:  # fmt: skip
        """As ``Line.read``; while nobody is here, what the latest session told of the same question. Raises TryAgain
        where it was not asked yet.

        What may be on its way still is made void first: another computer may have taken it, and come to it hours after
        a look found nothing.
        """
        told = headers or {}
        kept = self._void(told[CLAIM].split(), told[VERSION], content) if content and CLAIM in told else {}
        if kept is None:
            return Response(status=UNCLAIMED, headers={}, content=b"", url=path)
        try:
            answer = self._line.read(method, path, params=params, content=content, headers=headers, lane=lane)
            return replace(answer, headers={**answer.headers, **kept})
        except TryAgain as error:
            if self._sending or error.code != GONE or error.where.get("sent") != "no":
                raise
        return Response(status=ANSWERED, headers={}, content=self._told(content or b"").encode(), url=path)

    def _void(self, ids: Sequence[str], version: str, content: bytes) -> dict[str, str] | None:
        """Has QuickBooks do nothing any more that comes with the ids: headers with what it has done under them. None
        where it does not keep that in mind."""
        first = etree.fromstring(content)[0][0]  # what it asks beside is all that is recent, for weeks
        with self._services.documents() as documents:
            twins.note(documents, self._name, message_set([first], version=version), self._services.clock.now())
        kept: dict[str, str] = {}
        for id in ids:
            failed = self._failed(id)
            try:
                status = _GIVEN_UP if failed >= _FAILURES else self._claimed(id, version)
                if status not in _KNOWN:
                    self._services.log.warning("QuickBooks keeps no id in mind", connection=self._name, code=status)
                    return None
                if status == _DONE_BEFORE:
                    kept[KEPT + id] = self._made(id, version)
            except TryAgain as error:
                if error.code == FAILED:
                    self._note_failure(id, failed + 1)
                raise
        return kept

    def _failed(self, id: str) -> int:
        """How often QuickBooks failed at it. Each time ends the session, and all that waits would wait for it."""
        name = f"{self._name}/{id}"
        with self._services.documents() as documents:
            return int(documents.get(FAILED_CLAIM, [name]).get(name, {}).get("times", 0))

    def _note_failure(self, id: str, times: int) -> None:
        with self._services.documents() as documents:
            documents.put(FAILED_CLAIM, [(f"{self._name}/{id}", {"times": times})])

    def _claimed(self, id: str, version: str) -> str:
        """QuickBooks' code for it."""
        return replies.parse(self._ask(claiming(id, version=version))).status

    def _made(self, id: str, version: str) -> str:
        """What QuickBooks holds now of what it made under that id; empty where it made nothing."""
        for answer in replies.parse(self._ask(recovering(id, version=version))).answers:
            row = (answer.rows or [answer.recovery])[0]
            for key in ("TxnID", "ListID"):
                if answer.name.endswith("Add") and row.get(key):
                    kind = "Item" if answer.name.startswith("Item") else answer.name.removesuffix("Add")
                    body = {key: [str(row[key])], **({"IncludeLineItems": True} if key == "TxnID" else {})}
                    return self._ask(message_set([request(f"{kind}Query", body, id=MADE)], version=version)).decode()
        return ""

    def _ask(self, content: bytes) -> bytes:
        return self._line.read("POST", PATH, content=content).content

    def _told(self, content: bytes) -> str:
        asked, soon = statements.reading(content), [statements.reading(one) for one in self._asked]
        with self._services.documents() as documents:
            found = statements.answers(documents, self._name, [asked], soon, self._services.clock.now())
        if found is None:
            raise statements.later([asked])
        return str(found[0][0]["answer"])


def claims(items: Sequence[Item], version: str) -> dict[str, str]:
    """The headers of a look for these items."""
    ids = [set_id(item.stamp) for item in items if item.sent]
    return {CLAIM: " ".join(ids), VERSION: version} if ids else {}
