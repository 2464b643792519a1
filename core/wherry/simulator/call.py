"""What a stand-in's handler gets and gives: one request read whole, one reply."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from starlette.datastructures import FormData, Headers, QueryParams, UploadFile
from starlette.requests import Request

_exactly = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form."""

    name: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Call:
    """One request; `params` holds the values of the route's template, `base` is the scheme and host asked."""

    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    base: str = ""
    form: Mapping[str, str | Upload] = field(default_factory=dict)
    route: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def bearer(self) -> str | None:
        """The bearer token, or None when the request carries none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def basic(self) -> tuple[str, str] | None:
        """Name and password of HTTP Basic as they were sent, or None when the request carries none."""
        scheme, _, told = self.headers.get("authorization", "").partition(" ")
        try:
            name, _, password = base64.b64decode(told, validate=True).decode().partition(":")
        except ValueError:
            return None
        return (name, password) if name and scheme.lower() == "basic" else None

    def whole(self, name: str, usual: int) -> int | None:
        """A whole number of the query, ``usual`` where it says none; None for what is no number, or too long a one."""
        said = self.query.get(name)
        return whole_number(said) if said else usual

    def text(self, name: str, default: str = "") -> str:
        """One text field of the form."""
        value = self.form.get(name, default)
        return value if isinstance(value, str) else default

    def object(self) -> dict[str, Any] | None:
        """The body as an object of JSON, as `json` reads it; None when it is none."""
        try:
            body = self.json()
        except ValueError:
            return None
        return body if isinstance(body, dict) else None

    def json(self, *, exact: bool = True) -> Any:
        """The body as JSON; ValueError when it is not (the stand-in words the refusal). A number with a point is a
        Decimal, so that an amount stays what was said to the last digit; a float where not ``exact``."""
        try:
            return json.loads(self.body, parse_float=Decimal if exact else None)
        except RecursionError:
            raise ValueError("too many levels") from None


@dataclass(slots=True)
class Reply:
    """One answer: a body that is bytes or text goes out as it is, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, dict[str, str]]:
        """The bytes of the body, and the headers with the content type filled in."""
        if self.body is None:
            return b"", self.headers
        if isinstance(self.body, bytes):
            return self.body, {"content-type": "application/octet-stream", **self.headers}
        if isinstance(self.body, str):
            return self.body.encode(), {"content-type": "text/html; charset=utf-8", **self.headers}
        return _written(self.body), {
            "content-type": "application/json;charset=utf-8",
            **self.headers,
        }


def _written(body: Any) -> bytes:
    """JSON; a Decimal is a number of all its digits."""
    try:
        return json.dumps(body).encode()
    except TypeError:
        return _exactly(body)


class Refusal(Exception):
    """Raised anywhere below a handler to answer with `reply`."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler = Callable[[Call], Reply]


def whole_number(text: str) -> int | None:
    """A whole number as text, zero or more; None for anything else, and for more than 18 digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


async def read_call(request: Request) -> Call:
    """Read a request whole, so that a fault can run it later, twice or never."""
    body = await request.body()
    is_form = request.headers.get("content-type", "").startswith(FORMS)
    return Call(
        method=request.method,
        path=request.url.path,
        query=request.query_params,
        headers=request.headers,
        body=body,
        base=f"{request.url.scheme}://{request.url.netloc}",
        form=await _fields(await request.form()) if is_form else {},
    )


async def _fields(form: FormData) -> dict[str, str | Upload]:
    return {name: await _field(value) for name, value in form.items()}


async def _field(value: str | UploadFile) -> str | Upload:
    if isinstance(value, str):
        return value
    return Upload(value.filename or "", value.content_type or "application/octet-stream", await value.read())
