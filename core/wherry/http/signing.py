"""Requests as they leave: signed, one after the other as the sign-in wants them.

What httpx's own client does for a request, without what takes it ten times as long as that: it looks for cookies, which
would be a credential that nobody configured, and prepares redirects, which are followed by hand.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Protocol, runtime_checkable

import httpx

from wherry.http.transport import WHOLE

LEAVING = 10.0
"""Seconds that signing out may take."""


@runtime_checkable
class SignsOut(Protocol):
    """Optional, of an ``httpx.Auth``: a vendor that counts sessions is told when one is over."""

    def sign_out(self) -> httpx.Request | None:
        """The request that ends the session, which is forgotten with that; None where there is none."""
        ...


def signed(gate: httpx.BaseTransport, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
    """The answer to a request, its body not read yet. What the sign-in asks for beside goes through the same gate."""
    with closing((auth or _NOBODY).sync_auth_flow(request)) as flow:
        wanted = next(flow)
        while True:
            answer = gate.handle_request(wanted)
            answer.request = wanted
            try:
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    answer.read()  # nobody who waits for another's sign-in holds a connection that it needs
                wanted = flow.send(answer)
                answer.read()  # so that its connection can be used again
            except StopIteration:
                return answer
            except BaseException:
                answer.close()
                raise


def sign_out(gate: httpx.BaseTransport, auth: object) -> None:
    """As well as can be: what was to be done is done, and a session that stays open ends by itself."""
    with suppress(Exception):
        request = auth.sign_out() if isinstance(auth, SignsOut) else None
        if request is None:
            return
        request.extensions[WHOLE] = LEAVING
        answer = gate.handle_request(request)
        try:
            answer.read()
        finally:
            answer.close()


_NOBODY = httpx.Auth()
