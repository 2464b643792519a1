"""The protocols that plugins implement. Tiny on purpose: hook arguments may grow, protocol methods cannot.

Source: architecture.md, section 4. Optional abilities are protocols of their own; the core asks with ``isinstance``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ForwardRef, Protocol, runtime_checkable

from msgspec import Struct, field

from wherry.accounting import Balance as Balance
from wherry.accounting import Barred as Barred
from wherry.accounting import BarsAccounts as BarsAccounts
from wherry.accounting import BooksRounding as BooksRounding
from wherry.accounting import Confirms as Confirms
from wherry.accounting import HasAccounts as HasAccounts
from wherry.accounting import HasBalances as HasBalances
from wherry.accounting import HasPeriods as HasPeriods
from wherry.records import Answer, Call, Candidate, Draft, Facts, Found, Item, Listed, Page, Record, Reply, Skip
from wherry.records import Decision as Decision
from wherry.records import Description as Description
from wherry.records import FieldInfo as FieldInfo
from wherry.records import Pipeline as Pipeline
from wherry.records import Stage as Stage

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from wherry.http import Http, Profile, Response
else:  # costly to import: help() and inspect.signature() get by with their names
    FilteringBoundLogger, Http, Profile = map(ForwardRef, ("FilteringBoundLogger", "Http", "Profile"))


class Account(Struct, frozen=True):
    """Whose account a connection reaches: the vendor's own id of it, and its name for people."""

    id: str
    name: str
    details: dict[str, str] = field(default_factory=dict)


class Query(Struct, frozen=True):
    """What to read. ``after`` is a mark the source gave earlier (None: from the start), ``since`` the earliest
    modified time of interest, ``fields`` what the map needs of the heads, ``relatives`` those whose changes matter too
    (kind → fields). ``complete`` are the kinds that it will be asked for, should a list be able to tell the links.
    ``repeats``: what was made of a head follows its later changes, so it matters if it comes to belong to another."""

    kind: str
    after: str | None = None
    since: dt.datetime | None = None
    fields: tuple[str, ...] = ()
    relatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    complete: tuple[str, ...] = ()
    repeats: bool = False


@runtime_checkable
class SourceConnector(Protocol):
    """Reads one account of one system. Made once per run."""

    kinds: Sequence[str]
    """The record kinds that ``read`` knows."""
    chunk: int
    """How many heads ``complete`` takes best at once. Looked at after each page: it may depend on how they are read."""

    def check(self) -> Account:
        """Whose account is this. Raises AccessLost when nobody is let in."""
        ...

    def read(self, query: Query) -> Iterator[Page]:
        """Heads only, oldest change first. Marks are opaque; the source freezes its upper bound by its own clock."""
        ...

    def complete(self, records: list[Record], relatives: Mapping[str, tuple[str, ...]]) -> list[Record]:
        """The same records with their relatives, in as few calls as the vendor allows. Serves re-sync too."""
        ...


@runtime_checkable
class Describes(Protocol):
    """Optional: a source that can tell its fields, pipelines and stages."""

    def describe(self, kind: str, *, fresh: bool = False) -> Description:
        """Metadata may be cached; ``fresh`` asks the vendor."""
        ...


@runtime_checkable
class Sweeps(Protocol):
    """Optional: a source that can say what became of records it gave earlier."""

    def sweep(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> Iterator[Record]:
        """A head for every id: as it stands now, or with ``gone`` set (and ``merged_into``, where known)."""
        ...


@runtime_checkable
class Chooses(Protocol):
    """Optional: a source whose own settings say which records of a kind it gives, such as those of one pipeline."""

    def choice(self, kind: str) -> str:
        """Stands for these settings; empty: all records. Once it is another, the kind is read from its start: what the
        new settings let in lies before the mark."""
        ...


@runtime_checkable
class Fetches(Protocol):
    """Optional: a source that reads single records by id (re-sync, preview)."""

    def fetch(self, kind: str, ids: Sequence[str], fields: tuple[str, ...]) -> list[Record]:
        """Heads by id; an id that is not there is missing from the answer."""
        ...


@runtime_checkable
class OpensFiles(Protocol):
    """Optional: a source whose records carry files."""

    def open_file(self, file: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of a file by its source id, in pieces. Raises Rejected when it is not to be had."""
        ...


@runtime_checkable
class FieldMapper(Protocol):
    """Turns records of one kind into drafts."""

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Record kind → the source fields the map needs of it; the heads' own kind is one of them."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes when the map, the trigger or anything else changes that could change a draft."""
        ...

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        """The head gate, one answer a record: None passes. Relatives are read only for what passes."""
        ...

    def map(self, record: Record) -> list[Draft] | Skip:
        """The drafts of one complete record, the root last; or why nothing is made of it. Raises Rejected (the field
        cannot be mapped)."""
        ...


@runtime_checkable
class Narrows(Protocol):
    """Optional: a mapper that can make the drafts of some entities only, so that fewer relatives are read."""

    @property
    def root(self) -> str:
        """The entity of its root drafts."""
        ...

    @property
    def entities(self) -> Sequence[str]:
        """Every entity it makes drafts of."""
        ...

    def relatives(self, entities: Collection[str]) -> Mapping[str, tuple[str, ...]]:
        """The relatives (kind → fields) that the drafts of these entities are made from."""
        ...


@runtime_checkable
class Rounds(Protocol):
    """Optional: a mapper that counts what rounding cut."""

    @property
    def residue(self) -> Mapping[str, Decimal]:
        """Currency → unrounded minus rounded so far, in major units."""
        ...


class Catalogue(Protocol):
    """A sink's listing of one entity and the creates decided earlier in this run, ready to be searched."""

    def by_sku(self, sku: str) -> Sequence[Listed]: ...
    def by_name(self, name: str) -> Sequence[Listed]: ...
    def nearest(self, name: str, sku: str = "", limit: int = 5) -> Sequence[Candidate]: ...
    def keys_of(self, target: str) -> Sequence[str]:
        """The draft keys of this source connection that are linked to the target already."""
        ...


@runtime_checkable
class Matcher(Protocol):
    """Decides what a draft is in the target. Existing links were resolved before it is asked."""

    def match(self, drafts: Sequence[Draft], catalogue: Catalogue) -> list[Decision]:
        """One decision a draft, in order."""
        ...


class Documents(Protocol):
    """A plugin's namespaced documents inside the store's open transaction. ``known``: the ids that one of them has."""

    def get(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]: ...
    def known(self, kind: str, ids: Iterable[str]) -> set[str]: ...
    def put(self, kind: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> None: ...
    def remove(self, kind: str, ids: Iterable[str]) -> None: ...
    def each(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]: ...
    def count(self, kind: str) -> int: ...
    def changed(self, kind: str, after: int, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        """(sequence, id, body) of documents changed after the sequence number, oldest first."""

    def new_ids(self, kind: str, prefix: str, count: int) -> list[str]:
        """Fresh ids of the form ``P-1042``, never handed out twice."""
        ...


@runtime_checkable
class SinkWriter(Protocol):
    """Writes into one account of one system."""

    entities: Sequence[str]
    """What it can hold."""

    def check(self) -> Account:
        """Whose books are these."""
        ...


@runtime_checkable
class AtomicSinkWriter(SinkWriter, Protocol):
    """A sink whose data lives in the hub's own store: effect, link and fate commit together."""

    def apply(self, documents: Documents, items: Sequence[Item]) -> list[Answer]:
        """One answer an item, in order. Does no I/O of its own and does not raise for a single bad item."""
        ...

    def listing(self, documents: Documents, entity: str) -> Iterator[Listed]:
        """Everything it holds of an entity, to match against."""
        ...

    def current(self, documents: Documents, entity: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The bodies it holds now, by id, for the diff that a plan or a re-sync shows first."""
        ...


class Transport(Protocol):
    """How a sink's calls leave: ``wherry.http.Http``, or ``wherry.http.Files`` where a call is a file in a folder."""

    def send(self, call: Call) -> Reply:
        """One attempt of a call with an effect, never repeated. Raises TryAgain where there is no answer:
        ``where["sent"]`` is "no" where nothing can have left, else "perhaps". What else is raised came up before."""
        ...

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, lane: str = "",
    ) -> Response:  # fmt: skip
        """A call without effect, repeated where that helps."""
        ...


@runtime_checkable
class CallSinkWriter(SinkWriter, Protocol):
    """A sink whose system is sent calls. It does no I/O for them: it encodes items and decodes stored answers.

    The core freezes the bytes, commits, sends through ``http``, stores the raw answer, and judges what was not sent or
    lost (write-protocol.md, section 3). ``check`` is called once in a session, before anything is encoded: what
    encoding needs of the account (its currency, its tax mode) is read and kept there.
    """

    @property
    def http(self) -> Transport:
        """What calls are sent through."""
        ...

    batch: int
    """The most items that ``encode`` puts into one call."""
    width: int
    """How many calls may be on their way at once."""
    settle: float
    """Seconds after which a lost call has surely been carried out or never will be."""
    resend_for: float | None
    """Seconds for which the target recognises a repeated call by its stamp; None: it never does. To be proved."""

    def encode(self, items: Sequence[Item]) -> list[Call]:
        """The calls that carry these items, each item in exactly one. Pure: equal items give equal bytes.

        Raises Rejected, with ``item`` (its stamp) in ``where``, for an item that cannot be said in the target's words.
        """
        ...

    def decode(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, Answer]:
        """Stamp → answer. Pure. An item that is missing is unknown; whatever is raised here leaves all of them so."""
        ...

    def facts(self, item: Item) -> Facts:
        """What the target would hold once the item is written. Pure; comparable to the facts of answers and finds."""
        ...


@runtime_checkable
class Polled(Protocol):
    """Optional: a sink whose system calls us. What is ready for it stays queued until it is there."""

    @property
    def present(self) -> bool:
        """Whether it is there now, and can be sent calls by this process."""
        ...


@runtime_checkable
class Asks(Protocol):
    """Optional: a sink whose target can be asked what it holds of an item."""

    @property
    def http(self) -> Transport:
        """What calls are sent through."""
        ...

    def ask(self, items: Sequence[Item]) -> list[Call]:
        """Reading calls that look for the items: by target id where there is one, else by stamp, number or name."""
        ...

    def found(self, call: Call, items: Sequence[Item], reply: Reply) -> dict[str, list[Found]]:
        """Stamp → what is there (empty: provably nothing). An item that is missing could not be told this time. Of an
        item that several calls look for all finds count, and it is not there where each of them says so."""
        ...


@runtime_checkable
class Lists(Protocol):
    """Optional, of a sink that is sent calls: its target can list what it holds, to match against."""

    def listing(self, entity: str) -> Iterator[Listed]:
        """Everything of an entity, read through the sink's client. Raises Rejected for one that it has no list of."""
        ...


@runtime_checkable
class Simulator(Protocol):
    """An offline stand-in of a system, filled through the vendor's own API."""

    system: str

    def app(self) -> Any:
        """The ASGI application."""
        ...


class Cache(Protocol):
    """Small facts that a plugin may keep between runs, such as a vendor's metadata."""

    def get(self, key: str, max_age: float) -> Any | None:
        """The value if it is at most ``max_age`` seconds old."""
        ...

    def set(self, key: str, value: Any) -> None: ...


class Clock(Protocol):
    """Time, injectable: tests own theirs."""

    def now(self) -> dt.datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Connection(Struct, frozen=True):
    """A configured account, as a plugin's maker hook gets it. ``settings`` is the plugin's own pydantic model."""

    name: str
    plugin: str
    settings: Any


class Services(Struct, frozen=True):
    """What the core hands a plugin, and nothing else."""

    log: FilteringBoundLogger
    clock: Clock
    http: Callable[[Profile], Http]
    """The only way out: a client for one system, guarded, paced and counted by the core."""
    cache: Cache
    documents: Callable[[], AbstractContextManager[Documents]]
    """Opens a transaction on the plugin's own documents; for the embedded platform's source and commands."""
    fan_out: Callable[..., Iterator[Any]]
    """``fan_out(function, arguments)``: results in order, a bounded number of calls at once."""
    table: Callable[[str], list[dict[str, str]]] = lambda path: []
    """The rows of a CSV table of the project folder, such as ``tables/tax.csv``: column → text. Empty where there is
    no such file. Raises ConfigError for one that cannot be read."""
    folder: Path = Path()
    """The project folder: relative paths of settings start here."""
