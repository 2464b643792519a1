"""A source on trial, and how the checks of ``wherry.testing.sources`` read it."""

from __future__ import annotations

import socket
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from msgspec import Struct, field

from wherry.errors import WherryError
from wherry.records import Page, Record
from wherry.roles import Account, Clock, Query, SourceConnector
from wherry.simulator import Faults, Reply, Stage
from wherry.testing.guarantees import tried

MOST_PAGES = 200
TURNED_AWAY = (400, 401, 417, 503)
"""Statuses under which a system may repeat what it was sent, the sign-in too. 417: no table of errors knows it."""


class Trial(Struct, kw_only=True):
    """A source on trial: how to make it, and how to move the system behind it, which holds nothing of ``kind`` yet.

    ``create`` makes that many records at one moment of the system's clock, with relatives where ``relatives`` names
    some, and returns their ids in the order of their making. ``change`` alters one of ``fields`` in a record and stamps
    it with the moment. ``wait`` lets seconds pass for the system and for the source; both clocks stand still otherwise.
    """

    make: Callable[[], SourceConnector]
    """As a run gets it: made anew each time, what it cached kept."""
    kind: str
    fields: tuple[str, ...]
    create: Callable[[int], Sequence[str]]
    change: Callable[[str], object]
    wait: Callable[[float], object]
    clock: Clock
    page: int
    """How many records the source reads at once at most."""
    relatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overlap: float = 0.0
    """Seconds that every read may go over again: how far the system's index may lag, or its stamps are coarse."""
    faults: Faults | None = None
    """Scripted faults of the system, where it is reached by network."""
    secret: str = ""
    file: tuple[str, bytes] | None = None
    """The id of a file that is there, and its bytes."""
    stage: Stage | None = None
    """The simulator's stage, whose history tells what happened in the system."""
    holds: Callable[[str], Mapping[str, Any]] | None = None
    """What the system holds of a record, field → value as JSON has it, told without the source."""
    write: Callable[[str, str], str] | None = None
    """Writes a text into the first of ``fields`` of a record; the text as it stands there then."""
    remove: Callable[[str], object] | None = None
    """Deletes or archives a record."""
    merge: Callable[[str, str], object] | None = None
    """Merges the second record into the first."""
    family: Callable[[str], Mapping[str, Sequence[str]]] | None = None
    """What the system holds of a record's relatives, kind → ids, told without the source. Give some records many: more
    than one page or call holds."""

    exact: tuple[str, Callable[[str, str], object]] | None = None
    """A field that holds a number, and what writes one, decimal text, into that of a record."""
    nothing: Any = None
    """The whole body by which the system says that there is nothing, where that is no more than ``[]``: such a body is
    no junk then."""
    move: Callable[[], object] | None = None
    """From now on what the client signs in with opens another account."""
    slow: Callable[[], object] | None = None
    """From now on changes show in the system's lists as late as they may, within ``overlap``."""
    prompt: Callable[[], object] | None = None
    """What changes from now on shows at once again, also before what changed earlier and is late."""
    touch: Callable[[str], object] | None = None
    """Changes one of the relatives that a record of three made at once has, which leaves the record as it was. The
    second of the three is asked for."""

    @property
    def settled(self) -> float:
        """Seconds after which a read goes over nothing again."""
        return self.overlap + 5.0


class Reading:
    """All pages of one read."""

    def __init__(self, pages: Iterator[Page], mark: str | None) -> None:
        self.pages: list[Page] = []
        for page in pages:
            self.pages.append(page)
            assert len(self.pages) < MOST_PAGES, f"the read did not end after {MOST_PAGES} pages"
        self.records = [record for page in self.pages for record in page.records]
        self.mark = self.pages[-1].mark if self.pages else mark

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.records]

    def newest(self) -> dict[str, tuple[str, bytes]]:
        """Id → version and payload, as read last."""
        return {record.id: (record.version, record.payload) for record in self.records}


def read(trial: Trial, after: str | None = None, between: Callable[[], object] = lambda: None) -> Reading:
    """Everything the source has after a mark; ``between`` is called after each page."""
    query = Query(kind=trial.kind, after=after, fields=trial.fields)

    def pages() -> Iterator[Page]:
        for page in trial.make().read(query):
            yield page
            between()

    return Reading(pages(), after)


def read_settled(trial: Trial) -> Reading:
    """A read of everything, long after the last change, and long before the next."""
    trial.wait(trial.settled)
    reading = read(trial)
    trial.wait(trial.settled)
    return reading


def change(trial: Trial, name: str | None) -> None:
    """Time passes, and a record is changed."""
    trial.wait(2)
    if name is not None:
        trial.change(name)


def all_there(found: Iterable[str], wanted: Collection[str], where: str = "") -> None:
    """Fails with the ids that a read has left out."""
    lost = sorted(set(wanted) - set(found))
    assert not lost, f"{len(lost)} of {len(set(wanted))} records lost{where}: {', '.join(lost[:5])}"


def each_once(found: Collection[str], wanted: Collection[str], where: str = "") -> None:
    """Fails with the ids that a read has left out, given twice, or made up."""
    all_there(found, wanted, where)
    more = sorted(name for name, times in Counter(found).items() if times > 1 or name not in wanted)
    assert not more, f"records given twice, or that nobody asked for: {', '.join(more[:5])}"


def is_new(record: Record, known: Reading) -> bool:
    """Whether a record was not read before, or not as it is now."""
    return known.newest().get(record.id) != (record.version, record.payload)


def family(record: Record) -> dict[str, list[tuple[str, bytes]]]:
    """The relatives of a record, kind → id and payload."""
    return {kind: [(one.id, one.payload) for one in some] for kind, some in record.relatives.items() if some}


def missing_id(ids: Sequence[str]) -> str:
    """An id of the same form that is not there."""
    return str(max(int(name) for name in ids) + 7_919) if all(name.isdigit() for name in ids) else "no-such-id-7919"


def offered(trial: Trial, role: type, otherwise: str) -> Any:
    """The source, if it offers this; else the check is skipped."""
    source = trial.make()
    if not isinstance(source, role):
        pytest.skip(f"the source {otherwise}")
    return source


def needed(value: Any, otherwise: str) -> Any:
    """Something of the trial, or the check is skipped."""
    if value is None:
        pytest.skip(f"the trial {otherwise}")
    return value


def faults_of(trial: Trial) -> Faults:
    """Where faults are scripted; without a network the check is skipped."""
    if trial.faults is None:
        pytest.skip("the source has no network that could fail")
    return trial.faults


def script(faults: Faults, name: str) -> None:
    """Two faults in a row, after one good answer."""
    status = {"unavailable": 503, "throttled": 429}.get(name)
    if status is not None:
        faults.add("status", status=status, times=2, after=1)
    else:
        faults.add(name, times=2, after=1)


JUNK: tuple[Any, ...] = ({}, [], "ok", b"", b"<html>Sorry</html>", {"error": "later"}, {"results": None}, b"null")


def junk(nothing: Any = None) -> list[Any]:
    """Bodies that say nothing: but for the one by which the system says that there is nothing, as bytes or as JSON."""
    return [body for body in JUNK if nothing is None or _sent(body) != _sent(nothing)]


def _sent(body: Any) -> bytes:
    return Reply(body=body).encoded()[0]


def no_account(check: Callable[[], Account], faults: Faults) -> None:
    """Raises AssertionError where junk is taken for an account. Links and marks would hang on it."""
    usual = check().id
    for body in JUNK:
        faults.add("status", status=200, body=body, times=10_000)
        try:
            found = check().id
        except WherryError:
            found = usual
        faults.clear()
        tried("answers of junk")
        assert found == usual, f"{body!r} was taken for the account {found!r}"


def echoes(words: str, stage: Stage | None, status: int) -> list[Any]:
    """Bodies of errors that hold these words: a plain one, and the stand-in's own with the words in every text."""
    own = [_told(stage.dressed(status).body, words)] if stage is not None else []
    return [{"message": words}, *(body for body in own if words in str(body))]


def _told(body: Any, words: str) -> Any:
    """The same form; its own texts stay in front, so that what goes by a code in them still does."""
    if isinstance(body, Mapping):
        return {name: _told(value, words) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [_told(value, words) for value in body]
    if isinstance(body, bytes):
        return body + words.encode()
    return f"{body} {words}" if isinstance(body, str) else body


@contextmanager
def strays() -> Iterator[list[str]]:
    """The addresses that were connected to from anywhere but the core's client."""
    found: list[str] = []
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex", "sendto"):
        patch.setattr(socket.socket, name, _watched(getattr(socket.socket, name), found))
    try:
        yield found
    finally:
        patch.undo()


def told_of(error: WherryError) -> list[str]:
    """Everything that an error says, to people and in a log."""
    return [str(error.as_data()), *traceback.format_exception(error)]


def kept_secret(secret: str, said: Iterable[str]) -> None:
    """Fails with what shows the secret."""
    shown = [text for text in said if secret in text]
    assert not shown, f"the secret is shown: {shown[0].strip()[:300]}"


def naps(plugin: object) -> AbstractContextManager[list[str]]:
    """Where code of a plugin's own package slept, whatever else sleeps in this process."""
    return _called(plugin, "sleep")


def looks(plugin: object) -> AbstractContextManager[list[str]]:
    """Where code of a plugin's own package looked at the machine's clock."""
    return _called(plugin, "time", "time_ns", "monotonic", "monotonic_ns", "localtime", "gmtime")


@contextmanager
def _called(plugin: object, *names: str) -> Iterator[list[str]]:
    """Where code of a plugin's own package called these of ``time``; what sleeps there does not."""
    package, found = type(plugin).__module__.partition(".")[0], list[str]()
    patch = pytest.MonkeyPatch()
    for name in names:
        patch.setattr(time, name, _noting(getattr(time, name), package, found))
    try:
        yield found
    finally:
        patch.undo()


def _noting(real: Callable[..., Any], package: str, found: list[str]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        caller = sys._getframe(1)
        if package != "wherry" and str(caller.f_globals.get("__name__", "")).partition(".")[0] == package:
            found.append(f"{caller.f_code.co_filename}:{caller.f_lineno}")
            return None if real.__name__ == "sleep" else real(*arguments)
        return real(*arguments)

    return call


def _watched(real: Callable[..., Any], strays: list[str]) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        frame: Any = sys._getframe(1)
        modules = set()
        while frame is not None:
            modules.add(str(frame.f_globals.get("__name__", "")))
            frame = frame.f_back
        if not any(module.startswith("wherry.http") for module in modules):
            strays.append(str(arguments[-1]))
        return real(self, *arguments)

    return call
