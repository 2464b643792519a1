"""Secrets at rest: encrypted under keys that live outside the store, rotated online, never printed.

A stored value reads ``<key id>:<Fernet token>``; the encrypted text carries the connection and the field it belongs to,
so that a row copied over another one is noticed (case_G14). Source: faults-and-security.md, security model (Secrets).
"""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from wherry.durable import keep_names
from wherry.errors import ConfigError
from wherry.redaction import remember

if TYPE_CHECKING:  # imported on use: most runs open no secret
    from cryptography.fernet import Fernet

KEY_VARIABLE = "WHERRY_KEY"
KEY_FILE = Path(".wherry") / "key"


class SecretTable(Protocol):
    """Where the ciphertexts lie. Each method is one committed transaction."""

    def get(self, connection: str, field: str) -> str | None: ...
    def put(self, connection: str, field: str, value: str) -> None: ...
    def replace(self, connection: str, field: str, old: str, new: str) -> bool:
        """Put ``new`` where ``old`` still stands; whether it did. Key rotation meets running token refreshes."""
        ...

    def delete(self, connection: str, field: str) -> None: ...
    def each(self) -> Iterable[tuple[str, str, str]]:
        """Every (connection, field, value)."""
        ...


class Vault:
    """Reads and writes secrets. ``keys`` are Fernet keys, newest first: the first encrypts, all decrypt.

    Raises ConfigError for keys that are none, lost or wrong keys, and values that were moved or changed.
    """

    def __init__(self, table: SecretTable, keys: Sequence[str]) -> None:
        if not keys:
            raise ConfigError(
                "there is no key to encrypt secrets with",
                fix=f"set {KEY_VARIABLE} or restore {KEY_FILE}",
                code="WHERRY-2060",
            )
        from cryptography.fernet import MultiFernet

        self._table = table
        self._ids = [_key_id(key) for key in keys]
        self._fernet = MultiFernet([_fernet(key, place) for place, key in enumerate(keys, 1)])

    def get(self, connection: str, field: str) -> str | None:
        """The secret, or None where there is none. It is remembered by the redactor."""
        stored = self._table.get(connection, field)
        return None if stored is None else remember(self._open(connection, field, stored))

    def put(self, connection: str, field: str, value: str) -> None:
        """Store a secret; it is durable when this returns."""
        self._table.put(connection, field, self._seal(connection, field, remember(value)))

    def remove(self, connection: str, field: str) -> None:
        """Forget a secret; one that is not there is no error."""
        self._table.delete(connection, field)

    def rotate(self) -> int:
        """Encrypt what older keys hold under the newest one; how many values were moved.

        May run beside live flows and may be killed and started again: values that are done are passed over, and one
        that somebody else wrote meanwhile is left as it is, since that was written under the newest key or comes up
        again in the next rotation.
        """
        moved = 0
        for connection, field, stored in list(self._table.each()):
            if not stored.startswith(self._prefix):
                fresh = self._seal(connection, field, self._open(connection, field, stored))
                moved += self._table.replace(connection, field, stored, fresh)
        return moved

    def retired(self) -> tuple[str, ...]:
        """The ids of older keys that no value needs any more: they may be taken out of the list."""
        used = {stored.partition(":")[0] for _, _, stored in self._table.each()}
        return tuple(key for key in self._ids[1:] if key not in used)

    def fingerprint(self) -> str:
        """Names the newest key without giving it away: the first eight hex digits of its SHA-256."""
        return self._ids[0]

    @property
    def _prefix(self) -> str:
        return f"{self._ids[0]}:"

    def _seal(self, connection: str, field: str, value: str) -> str:
        return self._prefix + self._fernet.encrypt(msgspec.json.encode((connection, field, value))).decode()

    def _open(self, connection: str, field: str, stored: str) -> str:
        from cryptography.fernet import InvalidToken

        key, _, token = stored.partition(":")
        try:
            plain = self._fernet.decrypt(token)
        except InvalidToken:
            raise self._locked(connection, field, key) from None
        owner, name, value = msgspec.json.decode(plain, type=tuple[str, str, str])
        if (owner, name) != (connection, field):
            raise _moved(connection, field)
        return value

    def _locked(self, connection: str, field: str, key: str) -> ConfigError:
        if key in self._ids:
            return _moved(connection, field)
        return ConfigError(
            f"the stored {field} of connection {connection} was encrypted with key {key}, which is not among the keys "
            f"given ({', '.join(self._ids)})",
            fix=f"add that key to {KEY_VARIABLE} or restore {KEY_FILE}; if it is lost, enter the secret again: "
            + _again(connection, field),
            code="WHERRY-2061",
            connection=connection,
            field=field,
        )


def open_vault(table: SecretTable, folder: Path, environ: Mapping[str, str] = os.environ) -> Vault:
    """The project's vault: keys from ``WHERRY_KEY`` (several by comma, newest first), else from ``.wherry/key``.

    The key file is made on first need, readable by its owner only, and never while the table holds secrets: those
    would need the key that was lost.
    """
    given = [key.strip() for key in environ.get(KEY_VARIABLE, "").split(",") if key.strip()]
    if given:
        return Vault(table, given)
    path = folder / KEY_FILE
    if not path.exists():
        stored = sum(1 for _ in table.each())
        if stored:
            raise _lost(path, stored)
        _make_key_file(path)
    return Vault(table, _read_key_file(path))


def add_key(folder: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Put a new key in front of those of the key file, which still read what is there.

    Raises ConfigError where the keys come from the environment.
    """
    if environ.get(KEY_VARIABLE):
        raise ConfigError(
            f"the keys are read from {KEY_VARIABLE}, which cannot be changed from here",
            fix=f"put a new Fernet key and a comma in front of what {KEY_VARIABLE} says, restart what runs, and leave "
            "--new-key out",
            code="WHERRY-2066",
        )
    path = folder / KEY_FILE
    os.replace(_key_draft(path, _read_key_file(path) if path.exists() else []), path)
    _keep(path)


def _key_draft(path: Path, older: Sequence[str]) -> Path:
    """A file beside the key file, readable by its owner only and durable: a new key, then the older ones."""
    from cryptography.fernet import Fernet

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"key.{uuid.uuid4().hex}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in (Fernet.generate_key().decode(), *older))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _make_key_file(path: Path) -> None:
    # Linked into place when whole: of two processes that start at once, one key wins and none is read half written.
    draft = _key_draft(path, [])
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _keep(path)


def _keep(path: Path) -> None:
    """What is encrypted from now on is lost without the key; its folder may be new, too."""
    keep_names(path.parent)
    keep_names(path.parent.parent)


def _read_key_file(path: Path) -> list[str]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"the key file {path} may be read by others (mode {mode:o})",
            fix=f"chmod 600 {path}",
            code="WHERRY-2062",
            file=str(path),
        )
    try:
        text = path.read_text("ascii", "replace")
    except OSError as error:
        told = f"the key file {path} cannot be read: {error.strerror}"
        raise ConfigError(told, fix="let whoever runs Wherry read it", code="WHERRY-2067", file=str(path)) from None
    return [line.strip() for line in text.splitlines() if line.strip()]


def _fernet(key: str, place: int) -> Fernet:
    from cryptography.fernet import Fernet

    try:
        return Fernet(remember(key))
    except ValueError:
        raise ConfigError(
            f"key {place} of {KEY_VARIABLE} or {KEY_FILE} is not a Fernet key (44 characters of URL-safe base64)",
            fix="take it from where it was first noted; keys are separated by commas, newest first",
            code="WHERRY-2063",
        ) from None


def _key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _again(connection: str, field: str) -> str:
    """The command that gives it anew: what somebody signed in with, or a secret of the project file."""
    signed_in = field in ("oauth2", "consent", "auth.token")
    return f"wherry connect {connection}" if signed_in else f"wherry connection set-secret {connection}"


def _moved(connection: str, field: str) -> ConfigError:
    return ConfigError(
        f"the stored {field} of connection {connection} is damaged or was moved there from another place",
        fix=f"find out who changed the store, then enter the secret again: {_again(connection, field)}",
        code="WHERRY-2064",
        connection=connection,
        field=field,
    )


def _lost(path: Path, stored: int) -> ConfigError:
    return ConfigError(
        f"secrets are stored ({stored}) whose key is missing: {KEY_VARIABLE} is not set and {path} does not exist",
        fix=f"restore {path} from your backup, or set {KEY_VARIABLE}; if the key is lost for good, the secrets must be "
        "removed and entered again",
        code="WHERRY-2065",
        file=str(path),
    )
