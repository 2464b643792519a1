"""The gateway's reading calls: questions page by page, balances, whose company it is. Knows no records.

Facts: one address for all; HTTP 200 for most failures; 429 with GW-0010 where there were too many calls (API.md). Each
page of a query is a question of its own, so the next one is asked for behind the last record number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from wherry.errors import ConfigError, Rejected, TryAgain, WherryError
from wherry.http import Http, Profile, Response
from wherry.records import Call
from wherry.roles import Services

from . import envelope, queries
from .envelope import HEADERS, PATH, Result, Told
from .queries import Condition
from .settings import HOSTS, IntacctSettings
from .signin import SessionAuth, failure, throttled
from .texts import parts
from .xml import Obj, unreadable

NOT_THERE = 404
Row = dict[str, str]


def profile(settings: IntacctSettings) -> Profile:
    """What the core needs to know to talk to Sage Intacct."""
    return Profile(
        base_url=settings.url, hosts=HOSTS, headers=HEADERS, classify=_classify, timeout=300.0,
        sign=lambda reveal: SessionAuth(settings, reveal), answers=frozenset({NOT_THERE}),
    )  # fmt: skip


def _classify(response: Response) -> WherryError | None:
    return throttled() if response.status == 429 else None


def reading(functions: Sequence[tuple[str, Obj]], items: tuple[str, ...] = ()) -> Call:
    """The call of functions that only read."""
    body = envelope.framed(functions, control="read", unique=False)
    return Call(method="POST", path=PATH, items=items, headers=dict(HEADERS), body=body)


class Client:
    """The reading calls of the sink. Errors are those of ``Http.read``, and TryAgain for what cannot be read."""

    def __init__(self, services: Services, settings: IntacctSettings) -> None:
        self.settings = settings
        self.http: Http = services.http(profile(settings))

    def each(self, object: str, fields: Sequence[str], where: Condition | None = None) -> Iterator[Row]:
        """The records of an object by record number, however many."""
        last = None
        while True:
            found = [one for one in (where, queries.beyond("RECORDNO", last) if last else None) if one is not None]
            told = queries.query(object, ["RECORDNO", *fields], queries.all_of(*found) if found else None)
            result = self.run(told)
            yield from result.rows
            if not result.remaining or not result.rows:
                return
            last = result.rows[-1].get("RECORDNO")
            if not last:
                raise unreadable("a page of records without numbers")

    def balances(self, accounts: tuple[str, str], first: dt.date, last: dt.date) -> list[Row]:
        """What stands on accounts (the first and the last number) and what moved in these days."""
        told: Obj = {
            "startdate": parts(first.isoformat()), "enddate": parts(last.isoformat()),
            "showzerowithactivity": "true", "startaccountno": accounts[0], "endaccountno": accounts[1],
        }  # fmt: skip
        if self.settings.entity:
            told["locationid"] = self.settings.entity
        return self.run({"get_accountbalancesbydimensions": told}).rows

    def run(self, function: Obj) -> Result:
        """The result of one function that reads. Raises what its failure means."""
        call = reading([("read", function)])
        answer = self.http.read(call.method, call.path, content=call.body, headers=call.headers)
        if answer.status == NOT_THERE:
            raise ConfigError(
                "there is no XML gateway at the address of this connection", code="WHERRY-2711", key="base_url",
                fix="leave base_url out, or name where the stand-in listens",
            )  # fmt: skip
        told = envelope.told(answer.content)
        self._ours(told)
        if len(told.results) != 1:
            raise unreadable("it does not say what became of the call")
        return _good(told.results[0])

    def _ours(self, told: Told) -> None:
        """Raises AccessLost where nobody is let in, ConfigError where another company answers than the one named."""
        if error := failure(told):
            raise error
        names = [("company", told.company, self.settings.company), ("entity", told.entity, self.settings.entity or "")]
        for key, there, wanted in names:
            if there.casefold() != wanted.casefold():
                raise ConfigError(
                    f"the connection names the {key} {wanted or '(none)'}, and what answers is {there or '(none)'}",
                    fix=f"put the right {key} and sign-in together", code="WHERRY-2710", key=key,
                )  # fmt: skip


def _good(result: Result) -> Result:
    if result.status == "success":
        return result
    if result.status != "failure" or not result.fault.number:
        raise TryAgain("Sage Intacct did not carry out a question", code="WHERRY-6713")
    raise Rejected(
        f"Sage Intacct refused a question ({result.fault.number}: {result.fault.text})", code="WHERRY-4710",
        fix=result.fault.correction or "give the user of this connection the permission to read it, then run it again",
    )  # fmt: skip
