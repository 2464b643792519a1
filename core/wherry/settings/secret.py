"""Secrets by reference, the two ways of signing in that name them, and what every connection's settings share."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Tag,
    model_serializer,
    model_validator,
)

from wherry.errors import AccessLost, ConfigError
from wherry.redaction import remember
from wherry.settings.mistakes import SECRET_UNREADABLE, UNSET_SECRET, wrong

WAYS = ("env", "file", "command", "stored", "keyring")
HOW_TO_WRITE = 'write { env = "NAME" }, { file = "path" }, { command = ["program", "argument"] } or { stored = true }'
_LARGEST_FILE = 64 * 1024
_SECONDS = 30
_SECRET_KEY = re.compile(
    r"(?:^|[_-])(?:token|secret|password|passwd|passphrase|pass_?code|api_?key|private_?key|access_?key|signing_?key)\Z",
    re.IGNORECASE,
)
_HEADER_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
"""What RFC 9110, 5.6.2, calls a token: names of headers and of schemes."""

Stored = Callable[[str], str | None]
"""Asks the store for a secret of one connection: the key inside the connection, such as ``auth.token`` → value."""


def looks_secret(key: str) -> bool:
    """Whether a key of this name holds a secret: ``token``, ``client_secret``, ``api_key`` …"""
    return bool(_SECRET_KEY.search(key))


def is_reference(value: object) -> bool:
    """Whether a raw value is a secret reference: a table with just one of the ways."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in WAYS


class SecretRef(BaseModel):
    """Where a secret is kept. Its value is read when ``reveal`` is called and is never shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str | None = Field(default=None, min_length=1, description="The environment variable that holds it.")
    file: str | None = Field(
        default=None, min_length=1, description="The file that holds it; relative to the project folder."
    )
    command: tuple[str, ...] | None = Field(default=None, min_length=1, description="The program that prints it.")
    stored: Literal[True] | None = Field(
        default=None, description="Kept encrypted in the store: wherry connection set-secret."
    )
    keyring: str | None = Field(default=None, pattern=r"^[^/]+/.+$", description='The system keyring: "service/user".')

    _given: str | None = PrivateAttr(default=None)
    _path: tuple[str, ...] = PrivateAttr(default=())
    _folder: Path = PrivateAttr(default_factory=Path)
    _environ: Mapping[str, str] | None = PrivateAttr(default=None)

    @model_validator(mode="wrap")
    @classmethod
    def _one_way(cls, value: Any, handler: ModelWrapValidatorHandler[SecretRef]) -> SecretRef:
        if isinstance(value, str):
            return cls.given(value)
        ref = handler(value)
        if isinstance(value, dict) and len([way for way in WAYS if value.get(way) is not None]) != 1:
            raise wrong("names not exactly one place where the secret is kept", HOW_TO_WRITE)
        return ref

    @classmethod
    def given(cls, value: str) -> SecretRef:
        """A secret that came in by the environment or by a flag. Raises a validation error when it is empty."""
        if not value:
            raise wrong("is an empty secret", HOW_TO_WRITE)
        ref = cls.model_construct()
        ref._given = value
        return ref

    def bound(self, path: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> SecretRef:
        """The same reference, knowing its key path, the project folder and the environment to look in."""
        ref = self.model_copy()
        ref._path, ref._folder, ref._environ = path, folder, environ
        return ref

    @property
    def key(self) -> str:
        """The key path of this secret, for messages: ``connections.crm.auth.token``."""
        return ".".join(self._path) or "the secret"

    @property
    def name(self) -> str:
        """The key inside its connection, under which the store keeps it: ``auth.token``."""
        return ".".join(self._path[2:])

    @property
    def way(self) -> str:
        """How it is kept: ``env``, ``file``, ``command``, ``stored``, ``keyring``, or ``given``."""
        return next((way for way in WAYS if getattr(self, way) is not None), "given")

    @property
    def is_given(self) -> bool:
        """Whether the value itself was handed in, by the environment or by a flag, in place of a reference."""
        return self._given is not None

    def reveal(self, stored: Stored | None = None) -> str:
        """The secret's value, struck from every text of ours from now on, whoever signs with it.

        Raises ConfigError when it is not set, AccessLost when the store was never given it.
        """
        return remember(self._value(stored))

    def _value(self, stored: Stored | None) -> str:
        if self._given is not None:
            return self._given
        if self.env is not None:
            return self._from_environment(self.env)
        if self.file is not None:
            return self._from_file(self.file)
        if self.command is not None:
            return self._from_command(self.command)
        if self.keyring is not None:
            return self._from_keyring(self.keyring)
        return self._from_store(stored)

    def state(self, stored: Stored | None = None) -> str:
        """``set (env)``, ``set (file)``, ``not set`` …: what may be shown of it. Runs no command."""
        if self.way in ("command", "keyring") or (self.way == "stored" and stored is None):
            return self.way
        try:
            self.reveal(stored)
        except (ConfigError, AccessLost):
            return "not set"
        return f"set ({self.way})"

    @property
    def place(self) -> Path | None:
        """The file it is kept in; None where it is kept in another way."""
        return self._folder / os.path.expanduser(self.file) if self.file is not None else None

    def fix(self, stored: Stored | None = None) -> str:
        """What to do about one that is not set; empty for one that is. Runs no command."""
        try:
            if self.state(stored) == "not set":
                self.reveal(stored)
        except (ConfigError, AccessLost) as error:
            return error.fix
        return ""

    def _from_environment(self, variable: str) -> str:
        value = (os.environ if self._environ is None else self._environ).get(variable)
        if not value:
            fix = f"set {variable} in the environment or in the .env file of the project folder"
            raise self._unset(f"the environment variable {variable} is not set", fix)
        return value

    def _from_file(self, name: str) -> str:
        path = self._folder / os.path.expanduser(name)  # a user whom nobody knows is left as it stands
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST_FILE + 1)
            value = raw.decode().rstrip("\r\n")
        except OSError as error:
            there = not isinstance(error, FileNotFoundError)
            fix = "name a file that whoever runs Wherry can read" if there else "create it, mode 0600"
            raise self._unset(f"its file {path} cannot be read: {error.strerror}", fix) from None
        except UnicodeDecodeError:
            raise self._unset(f"its file {path} is not text", "keep nothing but the secret in it") from None
        if not value or len(raw) > _LARGEST_FILE:
            raise self._unset(f"its file {path} is empty or too large", "keep nothing but the secret in it")
        return value

    def _from_command(self, command: tuple[str, ...]) -> str:
        program, fix = command[0], f"run {command[0]} by hand in the project folder and look what it says"
        environ = None if self._environ is None else dict(self._environ)
        try:
            done = subprocess.run(
                command, cwd=self._folder, env=environ, capture_output=True, timeout=_SECONDS, check=True
            )
            value = done.stdout.decode().rstrip("\r\n")
        except subprocess.CalledProcessError as error:
            raise self._unset(f"its command {program} ended with code {error.returncode}", fix) from None
        except subprocess.TimeoutExpired:
            raise self._unset(f"its command {program} gave no answer within {_SECONDS} seconds", fix) from None
        except OSError as error:
            raise self._unset(f"its command {program} cannot be run: {error.strerror}", fix) from None
        except (UnicodeDecodeError, ValueError):
            raise self._unset(f"its command {program} cannot be run or printed no text", fix) from None
        if not value:
            raise self._unset(f"its command {program} printed nothing", fix)
        return value

    def _from_keyring(self, entry: str) -> str:
        service, _, user = entry.partition("/")
        if importlib.util.find_spec("keyring") is None:
            raise self._unset("the keyring package is not installed", "pip install keyring")
        try:
            value = importlib.import_module("keyring").get_password(service, user)
        except Exception as error:
            raise self._unset(f"the keyring did not answer ({type(error).__name__})", "unlock the keyring") from None
        if not value:
            raise self._unset(f"the keyring has no entry {entry}", f"keyring set {service} {user}")
        return str(value)

    def _from_store(self, stored: Stored | None) -> str:
        value = stored(self.name) if stored is not None else None
        if not value:
            connection = self._path[1] if len(self._path) > 1 else "NAME"
            message = f"{self.key}: the store holds no such secret yet"
            token = self.name == "auth.token"
            fix = f"wherry connect {connection}" if token else f"wherry connection set-secret {connection}"
            raise AccessLost(message, fix=fix, code="WHERRY-5010", connection=connection, key=self.key)
        return value

    def _unset(self, reason: str, fix: str) -> ConfigError:
        code = UNSET_SECRET if self.way == "env" else SECRET_UNREADABLE
        return ConfigError(f"{self.key}: {reason}", fix=fix, code=code, key=self.key)

    def _masked(self) -> str:
        detail = {"env": self.env, "file": self.file, "keyring": self.keyring}.get(self.way)
        return f"<secret, {self.way} {detail}>" if detail else f"<secret, {self.way}>"

    @model_serializer(mode="plain")
    def _serialized(self) -> str:
        return self._masked()

    def __repr__(self) -> str:
        return f"SecretRef({self._masked()})"

    def __str__(self) -> str:
        return self._masked()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        yield None, self._masked()


def _text_or_ref(value: Any) -> str:
    return SecretRef.__name__ if isinstance(value, dict | SecretRef) else "text"


TextOrRef = Annotated[
    Annotated[str, Field(min_length=1), Tag("text")] | Annotated[SecretRef, Tag(SecretRef.__name__)],
    Discriminator(_text_or_ref),
]
"""Told apart by shape before either is tried: a mistake in a reference is then told as one, and not as missing text."""


class _SignIn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TokenAuth(_SignIn):
    """Sign-in by a token that the vendor gave out: a private app, a service key."""

    kind: Literal["token"] = "token"
    token: SecretRef = Field(description="The token; a reference, never the value itself.")
    scheme: str = Field(
        default="Bearer", pattern=rf"^(?:{_HEADER_WORD})?$",
        description='The word before the token: "Bearer", "token"; "" sends the token alone.',
    )  # fmt: skip
    header: str = Field(
        default="Authorization", pattern=f"^{_HEADER_WORD}$",
        description="The request header that carries it, such as X-Api-Key.",
    )  # fmt: skip


class _AppSignIn(_SignIn):
    client_id: TextOrRef = Field(description="The id of the app, as the vendor gave it out; plain text or a reference.")
    client_secret: SecretRef = Field(description="The app's secret; a reference, never the value itself.")

    def client(self, reveal: Callable[[SecretRef], str]) -> str:
        """The app's id. Raises what ``reveal`` does where it is a reference that leads nowhere."""
        return reveal(self.client_id) if isinstance(self.client_id, SecretRef) else self.client_id


class OAuth2Auth(_AppSignIn):
    """Sign-in by OAuth 2. Without ``refresh_token`` the one that ``wherry connect`` stored is used."""

    kind: Literal["oauth2"] = "oauth2"
    refresh_token: SecretRef | None = Field(default=None, description="Only where no browser can be opened to connect.")
    scopes: tuple[str, ...] = Field(default=(), description="What to ask for; the plugin's own list where left out.")


class ClientAuth(_AppSignIn):
    """Sign-in of an app by itself (OAuth 2 client credentials): no browser, and nobody who consents."""

    kind: Literal["client"] = "client"


AuthSettings = TokenAuth | OAuth2Auth
Auth = Annotated[AuthSettings, Field(discriminator="kind")]
"""``auth = { kind = "token" | "oauth2", … }``, for the settings models of plugins."""


def address(value: str | None) -> str | None:
    """A web address as it is kept: without a slash at its end, None for an empty one. Raises a validation error."""
    if not value:
        return None
    try:
        parts = urlsplit(value)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole or any(sign.isspace() for sign in value):
        raise wrong("is not a web address", "write scheme, host and, if needed, port: https://api.example.com")
    if parts.username is not None or parts.query or parts.fragment:
        raise wrong("must hold no user name, no query and no fragment", "write scheme, host and port only")
    return value.rstrip("/")


class ConnectionSettings(BaseModel):
    """What every connection may set; plugins derive their own settings model from it and add described fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    base_url: Annotated[str | None, AfterValidator(address)] = Field(
        default=None,
        description="The address to use in place of the vendor's own; exactly this host is then admitted.",
    )
