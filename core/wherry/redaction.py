"""Keeps secrets out of logs, messages and reports: by key name, by shape, and by value.

By value means: whatever was revealed or read from the vault is remembered here and struck from every text that passes
``scrub``, however it got into that text. Source: faults-and-security.md, G12, G21 and the security model (Secrets).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

STARS = "***"
SHORTEST = 6
"""Shorter values are not struck by value: they would riddle every text, and no vendor issues such secrets."""
MOST = 4096
"""Values kept, the latest used: a server that renews tokens for months must not slow down by them."""
FEW = 64

_SECRET_NAME = re.compile(
    r"(?:^|[_\-.])(?:tokens?|secrets?|passwords?|passwd|passphrase|pwd|authorization|cookies?|credentials?"
    r"|signature|api_?key|private_?key|access_?key|code_?verifier|assertion|bearer|ticket)$"
)
_NO_SECRET = frozenset({"sync_token"})
"""Named like a secret, and none: the number of an object's version (Intuit's pages on sparse updates)."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_QUERY_NAME = (
    r"[\w\-.\[\]]*(?:token|secret|password|signature|credential|assertion)|code|state|sig|key|api_?key|code_verifier"
)
_IN_QUERY = re.compile(rf"(?i)(?P<name>(?<=[?&;#])(?:{_QUERY_NAME}))=(?P<value>[^&#\s\"'<>]*)")
_USERINFO = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)[^/\s@\"'<>?#]+@")
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(?P<gap>[\"']?\s*[:=,]\s*b?[\"']?)[^\r\n\"']+"
)
_WORD = r"(?-i:[A-Z]?[a-z]{2,20})(?![\w.~+/=\-]*[\w~+/=])"
"""A plain word: ``Basic Furniture`` is a customer. No vendor's credentials are letters of one case alone."""
_SCHEME = re.compile(rf"(?i)\b(bearer|basic)\s+(?!{_WORD})[a-z0-9._~+/=\-]{{8,}}")
_PAIR = re.compile(
    r"(?i)\b(?P<name>(?:\w+[_\-])?(?:access_?token|refresh_?token|id_?token|client_?secret|password|passphrase|api_?key"
    r"|private_?key|code_?verifier))(?P<gap>\\?[\"']?\s*[:=]\s*b?\\?[\"']?)(?P<value>[^\s\"'&,;}\\]+)"
)
_OUR_KEY = re.compile(r"\bconnections(?:\.[\w\-]+)+\.\Z")


class Redactor:
    """The live secret values of this process, and the scrubbing of texts and structures. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, None] = {}
        self._heads: dict[str, dict[str, None]] = {}
        """First letters → values: one look at a text tells which few of thousands can be in it."""

    def remember(self, value: str) -> str:
        """Strike this value from now on, as it is and as URLs and JSON spell it; gives it back."""
        if len(value) < SHORTEST:
            return value
        with self._lock:
            for form in (value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]):
                self._values.pop(form, None)
                self._values[form] = None
                self._heads.setdefault(form[:SHORTEST], {})[form] = None
            while len(self._values) > MOST:
                self._forget(next(iter(self._values)))
        return value

    def _forget(self, form: str) -> None:
        del self._values[form]
        alike = self._heads[form[:SHORTEST]]
        del alike[form]
        if not alike:
            del self._heads[form[:SHORTEST]]

    def _candidates(self, text: str) -> Iterator[str]:
        """Each of a few, which is quicker than cutting the text up; of many, those whose head shows."""
        if len(self._values) <= FEW:
            yield from self._values
            return
        heads = {text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)}
        for head in heads & self._heads.keys():
            yield from self._heads[head]

    def strike(self, text: str) -> str:
        """The text without known secrets; nothing else in it changes, so what was valid JSON stays so."""
        with self._lock:
            found = [form for form in self._candidates(text) if form in text]
        for form in sorted(found, key=len, reverse=True):
            text = text.replace(form, STARS)
        return text

    def scrub(self, text: str) -> str:
        """The text without known secrets, credentials in URLs, and values that follow a secret's name."""
        text = self.strike(text)
        text = _USERINFO.sub(rf"\1{STARS}@", text)
        text = _IN_QUERY.sub(rf"\g<name>={STARS}", text)
        text = _HEADER.sub(rf"\1\g<gap>{STARS}", text)
        text = _SCHEME.sub(rf"\1 {STARS}", text)
        return _PAIR.sub(_without_value, text)

    def clean(self, value: Any) -> Any:
        """The same structure with secret keys starred and every text scrubbed; other objects as their scrubbed repr."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, Mapping):
            return {
                self._key(key): STARS if is_secret_name(key) and item else self.clean(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(item) for item in value]
        return self.scrub(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))

    def _key(self, key: object) -> str:
        return self.scrub(key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key))


def _without_value(pair: re.Match[str]) -> str:
    """But for a sentence on a key of the project file: ``connections.books.auth.client_secret: its file …``."""
    text, value = pair.string, pair["value"]
    word = (
        pair["gap"] == ": "
        and value.isascii()
        and value.isalpha()
        and value.islower()
        and text[pair.end() :][:1] == " "
    )
    if word and _OUR_KEY.search(text[: pair.start()]):
        return pair[0]
    return f"{pair['name']}{pair['gap']}{STARS}"


def is_secret_name(name: object) -> bool:
    """Whether a key, header or setting of that name is a secret: ``refresh_token``, ``X-Api-Key``, ``dbPassword``."""
    text = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
    plain = _CAMEL.sub("_", text).lower().replace("-", "_")
    return plain not in _NO_SECRET and bool(_SECRET_NAME.search(plain))


_live = Redactor()
remember = _live.remember
strike = _live.strike
scrub = _live.scrub
clean = _live.clean


def redact(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: stands after exceptions were formatted and before the line is drawn."""
    return {key: STARS if is_secret_name(key) and item else clean(item) for key, item in event.items()}
