"""NetSuite's error bodies, and what each means for a call that only reads. A sink judges its own writes.

Facts: contracts/netsuite, API.md (the form of an error, and that a call over the limit was not run) and
status-detail-codes.json (the names of the codes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from wherry.errors import AccessLost, Rejected, TryAgain, WherryError

if TYPE_CHECKING:
    from wherry.http import Response

THROTTLED = frozenset({
    "CONCURRENCY_LIMIT_EXCEEDED", "EXCEEDED_MAX_CONCUR_RQST", "SSS_REQUEST_LIMIT_EXCEEDED",
    "WS_CONCUR_SESSION_DISALLWD", "WS_EXCEEDED_CONCUR_USERS_ALLWD", "WS_EXCEEDED_MAX_CONCUR_RQST", "WS_REQUEST_BLOCKED",
})  # fmt: skip
"""Too many calls at once: the call was not run, whatever its status."""
DENIED = frozenset({"INSUFFICIENT_PERMISSION", "PERMISSION_VIOLATION", "WS_PERMISSION_REQD"})
_FINE = 300


class Fault(Struct, frozen=True):
    """The first error of an answer. ``path`` is the field that it is about, in NetSuite's words."""

    code: str
    detail: str = ""
    path: str = ""


def fault_in(content: bytes) -> Fault | None:
    """The error that a body tells; None where it tells none."""
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    details: Any = body.get("o:errorDetails") if isinstance(body, dict) else None
    if not isinstance(details, list) or not details or not isinstance(details[0], dict):
        return None
    told = {name: " ".join(value.split()) for name, value in details[0].items() if isinstance(value, str)}
    code = told.get("o:errorCode", "")
    return Fault(code, told.get("detail", "")[:_FINE], told.get("o:errorPath", "")) if code else None


def classify(response: Response) -> WherryError | None:
    """The error of an answer to a read; None leaves it to the core's table by status (``Profile.classify``)."""
    found = fault_in(response.content)
    if response.status == 429 or (found is not None and found.code in THROTTLED):
        return TryAgain("NetSuite has too many calls at once", code="WHERRY-6791")
    if response.status == 401:
        return AccessLost(
            f"NetSuite does not accept the sign-in of this connection{_quoted(found)}", code="WHERRY-5790",
            fix="look at the certificate, its user and its role in NetSuite, then: wherry connection test NAME",
        )  # fmt: skip
    if response.status == 403 or (found is not None and found.code in DENIED):
        return AccessLost(
            f"the role of this connection may not do that in NetSuite{_quoted(found)}", code="WHERRY-5791",
            fix="give the role the permission (reading: SuiteAnalytics Workbook), then: wherry connection test NAME",
        )  # fmt: skip
    if found is None or response.status >= 500:
        return None
    return Rejected(
        f"NetSuite refused the call{_quoted(found)}", code="WHERRY-4790",
        fix="do what NetSuite says, then run it again",
    )  # fmt: skip


def _quoted(fault: Fault | None) -> str:
    return f" ({fault.code}: {fault.detail})" if fault else ""
