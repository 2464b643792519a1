"""A folder as a target: a call is a file, written beside its place and renamed. Used as ``Http`` is.

What was placed is noted in ``.wherry/sent.jsonl`` before the rename, and the part is gone with the rename: so it can
always be told whether a file was placed, even after somebody has fetched it. A name is given once: the same bytes under
it again are recognised for ever, other bytes are refused. Source: architecture.md, section 4; case A28.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from wherry.durable import keep_names
from wherry.errors import AccessLost, Guarded, Rejected, TryAgain, WherryError
from wherry.http.profile import Response
from wherry.records import Call, Reply

MARKER, OWN, SENT = ".wherry-target", ".wherry", "sent.jsonl"
KEYS, NOTE = "keys", "note"
"""Headers of a call: what a file is found by beside the stamps it carries, as a JSON list of texts, and whatever the
sink wants to be told of it again."""
CREATED, OK, CONFLICT = 201, 200, 409
_NAME = re.compile(r"[^\W_][\w .~+-]{0,199}")
_MARK = re.compile(r"[\w-]{1,64}")
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_PIECE = 1 << 20
State = Literal["whole", "changed", "fetched"]


class Sent(Struct, frozen=True, kw_only=True):
    """A line of the folder's own list: a file, what it is found by, and the sink's note on it."""

    name: str
    sha256: str
    size: int
    keys: tuple[str, ...]
    note: str = ""


class Placed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of the reply to a call: the name, and what lies under it."""

    name: str
    sha256: str
    size: int


class Held(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that was placed, and how it is now: as it was written, changed by somebody, or fetched."""

    name: str
    state: State
    note: str


class Shelf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of the reply to a look: key → the files placed under it, oldest first."""

    held: dict[str, list[Held]]


class Files:
    """One folder. Made at no cost; nothing is read before the first call."""

    def __init__(self, folder: Path, *, connection: str = "") -> None:
        self.folder, self.connection = folder, connection
        self._own = folder / OWN
        self._known: dict[str, Sent] = {}
        self._read_to = 0

    # -- as a transport -----------------------------------------------------------------------------------------------

    def send(self, call: Call) -> Reply:
        """Place the call's body as the file ``call.path``. Status 201: placed; 200: it was before; 409: the name is
        taken by other bytes. The body says what lies there (``Placed``).

        Raises Rejected for a name that is none, AccessLost where the folder may not be written to, TryAgain where it
        cannot be now: ``where["sent"]`` is "no" where nothing was placed, else "perhaps".
        """
        name, mine = self._name(call.path), _placed(call.path, call.body)
        with self._judged("no"):
            self._open()
            known = self._sent().get(name)
            there = self._there(name, known)
            if there == mine and known is None:
                self._note(_sent(mine, call))
            if there is None and known is not None and known.sha256 != mine.sha256:
                there = _as_placed(known)
            if there is not None:
                return _reply(OK if there == mine else CONFLICT, there)
            self._write_part(name, call.body)
            if known is None:
                self._note(_sent(mine, call))
        with self._judged("perhaps"):
            os.rename(self._part(name), self.folder / name)
            keep_names(self.folder)
            keep_names(self._own)
        return _reply(CREATED, mine)

    def read(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, lane: str = "",
    ) -> Response:  # fmt: skip
        """What was placed under the keys in ``content``, a JSON list of texts (``Shelf``). Raises as ``send`` does."""
        keys = msgspec.json.decode(content or b"[]", type=list[str])
        with self._judged("no"):
            self._open()
            found = self.placed()
            held = {key: [self._held(one) for one in found if key in one.keys] for key in dict.fromkeys(keys)}
        return Response(OK, {}, msgspec.json.encode(Shelf(held=held)), path)

    # -- whose it is --------------------------------------------------------------------------------------------------

    def identity(self) -> str:
        """What the folder is known by: a word in its marker file, made once at random. Raises as ``send`` does, and
        Guarded for a marker that is none: another folder may have taken this one's place."""
        with self._judged("no"):
            self._open(make=False)
            marker = self.folder / MARKER
            if not os.path.lexists(marker):
                self._open()
                self._make_marker(marker)
            said = _text_of(marker)
        if not _MARK.fullmatch(said):
            raise Guarded(
                f"{marker} does not say which folder this is: nothing is written there",
                fix=f"put the folder's own {MARKER} back, or remove it if nothing was ever written there",
                code="WHERRY-7482", connection=self.connection,
            )  # fmt: skip
        return said

    def _make_marker(self, marker: Path) -> None:
        beside = self._own / f"target.{os.getpid()}"
        _write(beside, secrets.token_hex(8).encode() + b"\n")
        with suppress(FileExistsError):
            try:
                os.link(beside, marker)
            except FileExistsError:
                raise
            except OSError:  # a file system without links: whoever comes second reads what the first one wrote
                os.rename(beside, marker)
        beside.unlink(missing_ok=True)
        keep_names(self.folder)

    # -- what was placed ----------------------------------------------------------------------------------------------

    def placed(self) -> list[Sent]:
        """Every file that was placed, oldest first. A part that still lies beside its place was not."""
        return [one for one in self._sent().values() if not os.path.lexists(self._part(one.name))]

    def _sent(self) -> dict[str, Sent]:
        """Name → line of the list. A line that was not written to its end is none: nothing was placed after it."""
        try:
            handle = os.open(self._own / SENT, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            self._known, self._read_to = {}, 0
            return self._known
        with os.fdopen(handle, "rb") as stream:
            if os.fstat(stream.fileno()).st_size < self._read_to:
                self._known, self._read_to = {}, 0
            stream.seek(self._read_to)
            whole = stream.read().rpartition(b"\n")
        self._read_to += len(whole[0]) + len(whole[1])
        for line in whole[0].split(b"\n"):
            with suppress(msgspec.MsgspecError):
                one = _decoder.decode(line)
                self._known[one.name] = one
        return self._known

    def _there(self, name: str, known: Sent | None) -> Placed | None:
        """What was placed under the name, or what somebody else put there; None where nothing was."""
        place, part = self.folder / name, self._part(name)
        if known is not None and not os.path.lexists(part):
            return _as_placed(known)
        if not os.path.lexists(place):
            return None
        found = self._look(place)
        if known is not None and found == _as_placed(known):
            part.unlink()  # somebody has put it in its place by hand
        return found

    def _held(self, one: Sent) -> Held:
        place = self.folder / one.name
        there = os.path.lexists(place)
        state: State = "fetched" if not there else "whole" if self._look(place) == _as_placed(one) else "changed"
        return Held(name=one.name, state=state, note=one.note)

    @staticmethod
    def _look(place: Path) -> Placed:
        """What lies there; of what is no file, such as a link that leads out of the folder, with no digest."""
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return Placed(name=place.name, sha256="", size=0)
        return _placed(place.name, _bytes_of(place))

    def _note(self, one: Sent) -> None:
        line = msgspec.json.encode(one) + b"\n"
        handle = os.open(self._own / SENT, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
            _put(handle, b"\n" * torn + line)
        finally:
            os.close(handle)
        keep_names(self._own)

    # -- places -------------------------------------------------------------------------------------------------------

    def _open(self, *, make: bool = True) -> None:
        """The folder is there, and so is our own in it, which is no link to anywhere. Raises OSError, Guarded."""
        if not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "no such folder", str(self.folder))
        if make:
            with suppress(FileExistsError):
                self._own.mkdir()
        if os.path.lexists(self._own) and not stat.S_ISDIR(os.lstat(self._own).st_mode):
            raise Guarded(
                f"{self._own} is no folder of its own: what is written could end up elsewhere",
                fix="remove it; it is made again", code="WHERRY-7483", connection=self.connection,
            )  # fmt: skip

    def _name(self, name: str) -> str:
        if _NAME.fullmatch(name) and len(name.encode()) <= 200 and name.rstrip(" .") == name:
            return name
        raise Rejected(
            f"{name!r} cannot be the name of a file in {self.folder}", code="WHERRY-4820",
            fix="report this to the author of the plugin", connection=self.connection,
        )  # fmt: skip

    def _part(self, name: str) -> Path:
        return self._own / f"{name}.part"

    def _write_part(self, name: str, body: bytes) -> None:
        try:
            _write(self._part(name), body)
        except OSError:
            with suppress(OSError):
                self._part(name).unlink()
            raise

    @contextmanager
    def _judged(self, sent: Literal["no", "perhaps"]) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._problem(error, sent) from error

    def _problem(self, error: OSError, sent: str) -> WherryError:
        if error.errno in _NO_RIGHT and sent == "no":
            return AccessLost(
                f"the folder {self.folder} may not be written to: {error.strerror}",
                fix=f"give the user that runs Wherry the right to write to {self.folder}", code="WHERRY-5482",
                connection=self.connection, sent=sent,
            )  # fmt: skip
        if not self.folder.is_dir():
            return TryAgain(
                f"there is no folder {self.folder}", fix="make it, or mount the drive that it is on",
                code="WHERRY-6482", connection=self.connection, sent=sent,
            )  # fmt: skip
        return TryAgain(
            f"writing to {self.folder} failed: {error.strerror or error}",
            fix="see that its disk has room and is well, then run again", code="WHERRY-6483",
                connection=self.connection, sent=sent,
        )  # fmt: skip


_decoder = msgspec.json.Decoder(Sent)


def _sent(placed: Placed, call: Call) -> Sent:
    keys = msgspec.json.decode(call.headers.get(KEYS, "[]"), type=list[str])
    return Sent(name=placed.name, sha256=placed.sha256, size=placed.size, note=call.headers.get(NOTE, ""),
                keys=tuple(dict.fromkeys([*call.items, *keys])))  # fmt: skip


def _placed(name: str, body: bytes) -> Placed:
    return Placed(name=name, sha256=hashlib.sha256(body).hexdigest(), size=len(body))


def _as_placed(one: Sent) -> Placed:
    return Placed(name=one.name, sha256=one.sha256, size=one.size)


def _reply(status: int, body: Placed) -> Reply:
    return Reply(status=status, body=msgspec.json.encode(body))


def _write(place: Path, body: bytes) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        _put(handle, body)
    finally:
        os.close(handle)


def _put(handle: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(handle, view[:_PIECE]) :]
    os.fsync(handle)


def _bytes_of(place: Path) -> bytes:
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        return stream.read()


def _text_of(place: Path) -> str:
    return _bytes_of(place)[:200].decode("utf-8", "replace").strip()
