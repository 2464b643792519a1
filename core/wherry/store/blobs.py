"""The bytes of files. Each is kept under a random-looking name of our own; the name people gave it is only shown.

The name is derived from where the file came from, so that a copy that was broken off and begun again leaves one blob.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from wherry.durable import keep_names
from wherry.errors import Rejected

_DEVICES = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.I)


class Blob(Struct, frozen=True):
    name: str
    size: int
    sha256: str


class Blobs:
    """A folder of blobs, two letters deep. ``largest`` caps one file, in bytes."""

    def __init__(self, folder: Path, largest: int) -> None:
        self._folder, self._largest = folder, largest

    def path(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def find(self, origin: str) -> Blob | None:
        """The blob that was copied from this origin before, if it was copied whole."""
        path = self.path(_name(origin))
        if not path.exists():
            return None
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return Blob(path.name, path.stat().st_size, digest)

    def put(self, origin: str, pieces: Iterable[bytes]) -> Blob:
        """Copy the pieces; the blob appears whole or not at all. Raises Rejected when it is larger than allowed."""
        path = self.path(_name(origin))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        try:
            size, digest = self._copy(handle, pieces)
            os.replace(beside, path)
            keep_names(path.parent)  # the ledger is about to say that the file is here
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside)
            raise
        return Blob(path.name, size, digest)

    def _copy(self, handle: int, pieces: Iterable[bytes]) -> tuple[int, str]:
        size, digest = 0, hashlib.sha256()
        with os.fdopen(handle, "wb") as out:
            for piece in pieces:
                size += len(piece)
                if size > self._largest:
                    raise Rejected(
                        f"the file is larger than {self._largest:,} bytes",
                        fix="raise limits.file_size of the flow", code="WHERRY-4020",
                    )  # fmt: skip
                digest.update(piece)
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        return size, digest.hexdigest()


def _name(origin: str) -> str:
    return hashlib.blake2b(origin.encode(), digest_size=16, person=b"wherry-blob").hexdigest()


def shown_name(name: str) -> str:
    """A file name that is safe to show and to save under: no path, no control characters, no device, 120 bytes."""
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode())
    text = re.split(r"[\\/]", text)[-1]
    text = "".join(c for c in text if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*').strip(" .")
    if not text or _DEVICES.match(text):
        text = f"file-{text}".rstrip("-")
    stem, dot, suffix = text.rpartition(".")
    if len(text.encode()) > 120 and dot and len(suffix) <= 10:
        return f"{_cut(stem, 119 - len(suffix.encode()))}.{suffix}"
    return _cut(text, 120)


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore").rstrip(" .")
