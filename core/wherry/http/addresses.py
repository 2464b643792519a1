"""The addresses of one system: its base, a path below it, and what is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx

from wherry.errors import Rejected

_KEPT = 16
"""Addresses kept ready: batches are read from one after the other."""
_PLAIN = re.compile(r"/?\w[\w.-]*(?:/\w[\w.-]*)*/?", re.ASCII).fullmatch
"""A path below the base, with nothing in it that would have to be understood or quoted."""


class Addresses:
    """Makes a URL of a path below the base, or takes a whole one as it stands."""

    def __init__(self, base: httpx.URL) -> None:
        self.base = base
        self._below = lru_cache(_KEPT)(lambda target: base.copy_with(raw_path=base.raw_path.rstrip(b"/") + target))

    def of(self, path: str, params: Mapping[str, Any]) -> httpx.URL:
        """What is None is left out. Raises Rejected where a whole URL is none."""
        given = {name: value for name, value in params.items() if value is not None}
        if not _PLAIN(path):
            link = self._understood(path)  # as it was given: nothing in it is quoted anew without need
            return link.copy_merge_params(given) if given else link
        # Parsed once: the address of a page names each field that is asked for.
        query = "&".join(filter(None, [_said(name, value) for name, value in given.items()]))
        target: httpx.URL = self._below(f"/{path.lstrip('/')}{'?' if query else ''}{query}".encode())
        return target

    def _understood(self, path: str) -> httpx.URL:
        try:
            url = httpx.URL(path)
        except httpx.InvalidURL as error:
            raise Rejected(f"a link is not a URL: {error}", code="WHERRY-4044") from None
        if url.scheme or path.startswith("//"):
            return self.base.join(url)
        below: httpx.URL = self._below(b"/" + url.raw_path.lstrip(b"/"))
        return below


def _said(name: str, value: Any) -> str:
    """A parameter as a query holds it; empty for an empty list."""
    return _quoted(name, value) if value.__class__ is str else str(httpx.QueryParams({name: value}))


@lru_cache(256)
def _quoted(name: str, value: str) -> str:
    """From page to page only the cursor is another one."""
    return str(httpx.QueryParams({name: value}))
