"""A session with a system on record: calls and answers as one file of JSON that people can read, and diff.

Recorded and replayed at the one gate of the core's client, so that a plugin notices nothing: paging, decoding and the
judging of answers are the real ones. Sign-in is never recorded, and calls with an effect neither recorded nor
played.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import msgspec
from msgspec import Struct, field

from wherry.authoring.cleaning import Cleaner, parts
from wherry.decoding import NO_JSON
from wherry.errors import ConfigError, Guarded, NotFound
from wherry.http.transport import LANE
from wherry.redaction import STARS, is_secret_name
from wherry.signin import REPLAY

SCHEMA = "wherry.cassette/1"
LARGEST = 5 * 2**20
"""Bytes of an answer that are kept; files are left out as they are."""
_KEPT = frozenset({"content-type", "date", "etag", "last-modified", "link", "location", "retry-after"})
_KEPT_FROM = ("x-ratelimit", "ratelimit", "x-hub", "x-total", "x-page")
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Exchange(Struct, omit_defaults=True):
    """One call and its answer. ``answer`` is JSON where the answer was, else ``text``; a file is neither."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    sent: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: Any = None
    text: str = ""
    left_out: int = 0
    """Bytes of a file that were not kept."""

    @property
    def body(self) -> bytes:
        """The answer's bytes."""
        return self.text.encode() if self.answer is None else _encode(self.answer)


class Cassette(Struct, kw_only=True):
    """A session. ``recorded`` is its moment: whoever replays it lives in it."""

    schema: str = SCHEMA
    plugin: str
    version: str
    connection: str
    recorded: str
    flow: str = ""
    kinds: list[str] = field(default_factory=list)
    most: int = 20
    replaced: dict[str, int] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Writes the file. Raises ConfigError where that cannot be done."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(_encode(self), indent=1) + b"\n")
        except OSError as error:
            raise ConfigError(f"the cassette cannot be written: {error}", fix="choose another --to",
                              code="WHERRY-2406") from None  # fmt: skip


def opened(path: Path) -> Cassette:
    """A cassette from its file. Raises ConfigError where it is none."""
    try:
        made = msgspec.convert(_decode(path.read_bytes()), Cassette)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no cassette: {error}", fix="record one: wherry dev record CONNECTION --to FILE",
                          code="WHERRY-2407") from None  # fmt: skip
    if made.schema != SCHEMA:
        raise ConfigError(f"{path} is a {made.schema}, this version reads {SCHEMA}", fix="record it anew",
                          code="WHERRY-2407")  # fmt: skip
    return made


class Recorder(httpx.BaseTransport):
    """Stands before the core's transport and notes what passes; what signs somebody in passes unseen."""

    def __init__(self, inner: httpx.BaseTransport, taken: list[tuple[httpx.Request, httpx.Response]]) -> None:
        self._inner, self._taken = inner, taken

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises Guarded for a call with an effect, before it leaves."""
        if LANE not in request.extensions:
            return self._inner.handle_request(request)
        if not request.extensions.get(REPLAY):
            raise Guarded(f"{request.method} {request.url.path} would write: a session on record only reads",
                          fix="take it out of what is recorded", code="WHERRY-7120")  # fmt: skip
        request.read()
        answer = self._inner.handle_request(request)
        try:
            content = answer.read()
        finally:
            answer.close()
        whole = httpx.Response(answer.status_code, headers=_plain(answer.headers), content=content)
        self._taken.append((request, whole))
        return httpx.Response(answer.status_code, headers=_plain(answer.headers), content=content)

    def close(self) -> None:
        """Closes what it stands before."""
        self._inner.close()


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Without what was true of the bytes on the wire only."""
    gone = {"content-length", "transfer-encoding", "content-encoding"}
    return [(name, value) for name, value in headers.multi_items() if name.lower() not in gone]


def cleaned(taken: list[tuple[httpx.Request, httpx.Response]], clean: Cleaner) -> list[Exchange]:
    """Exchanges as they may be shown: all of them are learned from before the first is written."""
    made = [_exchange(request, answer) for request, answer in taken]
    for one in made:
        clean.learn(one.answer if one.answer is not None else one.text)
        clean.learn(_json(one.sent.encode()) or one.sent)
    return [_clean(one, clean) for one in made]


def _exchange(request: httpx.Request, answer: httpx.Response) -> Exchange:
    headers = {name: value for name, value in answer.headers.items() if name in _KEPT or name.startswith(_KEPT_FROM)}
    one = Exchange(request.method, request.url.path, parse_qsl(request.url.query.decode(), keep_blank_values=True),
                   request.content.decode("utf-8", "replace"), answer.status_code, headers)  # fmt: skip
    one.answer = _json(answer.content)
    if one.answer is None:
        try:
            one.text = answer.content.decode("utf-8") if len(answer.content) <= LARGEST else ""
        except UnicodeDecodeError:
            one.text = ""
        one.left_out = 0 if one.text else len(answer.content)
    return one


def _json(content: bytes) -> Any:
    """The value, or None where it is no JSON."""
    try:
        return _decode(content)
    except NO_JSON:
        return None


def _clean(one: Exchange, clean: Cleaner) -> Exchange:
    sent = _json(one.sent.encode())
    return msgspec.structs.replace(
        one, path=clean.text(one.path), query=list(parts(one.query, clean)), answer=clean.cleaned(one.answer),
        sent=_encode(clean.cleaned(sent)).decode() if sent is not None else clean.text(one.sent),
        headers={name: clean.text(value) for name, value in one.headers.items()}, text=clean.text(one.text),
    )  # fmt: skip


class Player(httpx.BaseTransport):
    """Answers from a cassette and opens no connection.

    A call that was recorded word for word has the answers it had, the last one again and again. One that asks the same
    place otherwise, as for a later day, gets what was answered there next; ``strayed`` counts those.
    """

    def __init__(self, cassette: Cassette) -> None:
        self._exact: dict[Any, list[Exchange]] = defaultdict(list)
        self._there: dict[Any, list[Exchange]] = defaultdict(list)
        self._lock = threading.Lock()
        self.strayed: list[str] = []
        for one in cassette.exchanges:
            self._exact[_key(one.method, one.path, one.query, one.sent)].append(one)
            self._there[one.method, one.path].append(one)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises NotFound for a place that was never asked, Guarded for a call with an effect."""
        if not request.extensions.get(REPLAY):
            raise Guarded(f"{request.method} {request.url.path} would write: a replay only reads",
                          fix="run the flow against the system, or its simulator", code="WHERRY-7121")  # fmt: skip
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        sent = request.read().decode("utf-8", "replace")
        with self._lock:
            one = self._next(_key(request.method, request.url.path, query, sent), request)
        return httpx.Response(one.status, headers=one.headers, content=one.body)

    def _next(self, key: Any, request: httpx.Request) -> Exchange:
        exact, place = self._exact.get(key, []), (request.method, request.url.path)
        if not exact and self._there.get(place):
            self.strayed.append(f"{place[0]} {place[1]}")
            exact = self._there[place]
        if not exact:
            raise NotFound(
                f"the cassette has no {place[0]} {place[1]}", code="WHERRY-3110",
                fix="record it anew, with what the plugin asks today: wherry dev record CONNECTION --to FILE",
            )  # fmt: skip
        return exact.pop(0) if len(exact) > 1 else exact[0]


def _key(method: str, path: str, query: list[tuple[str, str]], sent: str) -> Any:
    """What a call asks, without secrets and without the order in which it says so."""
    told = sorted((name, STARS if is_secret_name(name) else value) for name, value in query)
    said = _json(sent.encode()) if sent else None
    return method, path, tuple(told), sent if said is None else msgspec.json.encode(said, order="sorted")
