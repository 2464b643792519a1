"""What a plugin tells of its system, and what it gets back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
from msgspec import Struct, field

from wherry.decoding import NO_JSON
from wherry.errors import TryAgain, WherryError


class Limit(Struct, frozen=True):
    """At most ``count`` calls in any ``seconds`` (a rolling window). ``also`` holds as well: more calls, in a longer
    window."""

    count: int
    seconds: float
    also: Limit | None = None

    @property
    def each(self) -> tuple[Limit, ...]:
        """The limits that hold, the one of the longest window last."""
        return (self, *self.also.each) if self.also is not None else (self,)


class Pace(Struct, frozen=True):
    """What an answer's headers say of the budget: calls a window, how many are left of it, its length in seconds."""

    limit: int | None = None
    remaining: int | None = None
    seconds: float | None = None


class Response(Struct):
    """An answer, read to its end. ``data`` is the decoded body where a read was told what to ``expect``."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    content: bytes
    url: str
    data: Any = None

    def json(self) -> Any:
        """The body as plain JSON values. Raises TryAgain when it is none (see ``expect`` for reading it again)."""
        try:
            return msgspec.json.decode(self.content)
        except NO_JSON as error:
            host, path = httpx.URL(self.url).host, httpx.URL(self.url).path
            raise TryAgain(
                f"{host} answered {path} with something that is not JSON: {error}",
                code="WHERRY-6048", path=path, status=self.status,
            ) from None  # fmt: skip


class Profile(Struct, frozen=True, kw_only=True):
    """One system, as its plugin knows it; all else is the core's.

    ``hosts`` are the hosts that its client may reach over https, ``*.`` standing for any name below. A ``base_url``
    whose host they name is the vendor's own and meets the whole guard. Any other was put there by an operator, and
    admits exactly its scheme, host and port, be it a machine on the own network.
    """

    base_url: str
    auth: httpx.Auth | None = None
    """Left out, the core makes it of the connection's ``auth``. Credentials go to ``base_url``'s scheme, host and port
    only. What one of your own signs with must come from ``SecretRef.reveal``, else it is not struck from texts. Where
    the vendor counts sessions, ``sign_out`` of it makes the request that ends one (``http.signing.SignsOut``)."""
    sign: Callable[[Callable[[Any], str]], httpx.Auth] | None = None
    """Makes ``auth`` for a system that signs in in its own way: it is given what reveals a secret of the connection's
    settings (a ``SecretRef``), wherever that is kept, and asks for it when a request is signed."""
    hosts: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every call to ``base_url``, such as a version or a company; not with calls elsewhere."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Lane → limit. Lane "" is the account's general one, which every call uses; others come on top of it."""
    own_lanes: frozenset[str] = frozenset()
    """Lanes that the vendor counts apart from the general one."""
    pace: Callable[[Mapping[str, str]], Pace | None] | None = None
    """Reads the budget from an answer's headers. It corrects the lane of the call."""
    classify: Callable[[Response], WherryError | None] | None = None
    """The vendor's own word on an error answer; None leaves it to the core's table by status. A TryAgain from here
    is retried, its ``after`` kept to; no other error is. ``NAME`` in a ``fix`` becomes the connection's own name:
    ``fix="sign in again: wherry connect NAME"``."""
    retry_statuses: frozenset[int] = frozenset({429, 500, 502, 503, 504})
    answers: frozenset[int] = frozenset()
    """Statuses of a read that are answers and no errors, such as the 404 of a system that is asked for one thing by its
    key: they are handed back as if each ``read`` had allowed them."""
    timeout: float = 30.0
    """Seconds for a whole answer, first byte to last; for ``stream``, for each piece of it."""
