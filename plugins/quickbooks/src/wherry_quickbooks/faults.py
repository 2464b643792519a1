"""QuickBooks Online's faults: their two shapes, and what each means for a call that only reads.

Facts: Intuit's published error table, and its XML schema for the types of faults. A number alone is not enough: some
are used for two things, and what a person must do stands in the message. A sink judges its own writes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from wherry.errors import AccessLost, ConfigError, ContractBroken, Rejected, TryAgain, WherryError
from wherry.redaction import scrub
from wherry.wording import of_connection

if TYPE_CHECKING:
    from wherry.http import Response

WAIT = 60.0
"""Seconds to leave Intuit alone after it has refused a call for coming too fast."""
THROTTLED = frozenset({"3001"})
SIGNED_OUT = frozenset({"3200", "3202"})
BARRED = frozenset({"120", "3100"})
BUSY = frozenset({"4002", "10000"})
MISREAD = frozenset({"4000", "4001", "10100"})
_NUMBER = re.compile(r"errorCode=0*(\d+)")
_FINE = 300


class Fault(Struct, frozen=True):
    """One error of an answer. ``code`` is Intuit's number without leading zeros, ``type`` that of the whole fault."""

    code: str
    message: str = ""
    detail: str = ""
    element: str = ""
    type: str = ""

    @property
    def text(self) -> str:
        """What QuickBooks says of it, for people: the detail where it says more than the message."""
        told = self.detail if self.message and self.message in self.detail else f"{self.message}: {self.detail}"
        return " ".join(told.strip(": ").split())[:_FINE]

    def says(self, *words: str) -> bool:
        """Whether message or detail holds one of the words, whatever the case."""
        text = f"{self.message} {self.detail}".casefold()
        return any(word.casefold() in text for word in words)


def faults(body: Any) -> list[Fault]:
    """The faults of a decoded answer or batch item, in either shape; none where it holds none. Raises nothing."""
    if not isinstance(body, dict):
        return []
    whole = body.get("Fault") or body.get("fault")
    if not isinstance(whole, dict):
        return []
    errors = whole.get("Error") or whole.get("error")
    told = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else [errors]
    kind = str(whole.get("type") or "")
    return [_fault(error if isinstance(error, dict) else {}, kind) for error in told or [{}]]


def _fault(error: dict[str, Any], kind: str) -> Fault:
    told = {name.lower(): "" if value is None else str(value) for name, value in error.items()}
    message = told.get("message", "")
    named = _NUMBER.search(message)
    code = told.get("code", "").lstrip("0") or (named[1] if named else "")
    return Fault(code, message, told.get("detail", ""), told.get("element", ""), kind)


def faults_in(content: bytes) -> list[Fault]:
    """The faults of an answer's bytes; none where they are no JSON."""
    try:
        return faults(msgspec.json.decode(content))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def classify(response: Response) -> WherryError | None:
    """The error an answer stands for; None leaves it to the core's table by status (``Profile.classify``)."""
    found = faults_in(response.content)
    if response.status == 429 or any(_throttled(fault) for fault in found):
        return too_fast(None if "retry-after" in response.headers else WAIT)
    return error_of(found[0], response.status) if found else None


def too_fast(after: float | None) -> TryAgain:
    """The error for a refusal because of too many calls; ``after`` in seconds, None where a header tells it."""
    return TryAgain("QuickBooks Online asks for fewer calls", after=after, code="WHERRY-6751")


def error_of(fault: Fault, status: int = 400, connection: str = "") -> WherryError:
    """The error that a fault stands for where something was only read. ``where["fault"]`` is Intuit's own number.

    ``connection`` is told where the core does not: a fault that came with a good status passes it by.
    """
    error = _access(fault, status) or _state(fault, status)
    error.message = scrub(error.message)
    error.args = (error.message,)
    error.fix = of_connection(error.fix, connection)
    error.where |= {name: told for name, told in (("fault", fault.code), ("connection", connection)) if told}
    return error


def _throttled(fault: Fault) -> bool:
    return fault.type.upper() == "THROTTLE" or (fault.code in THROTTLED and fault.says("throttle", "limit"))


def _access(fault: Fault, status: int) -> AccessLost | None:
    if status == 401 or fault.code in SIGNED_OUT or fault.says("AuthenticationFailed"):
        return AccessLost(
            f"QuickBooks Online no longer accepts the sign-in of this connection{_quoted(fault)}",
            fix="sign in again as an administrator of the company: wherry connect NAME", code="WHERRY-5751",
        )  # fmt: skip
    if fault.code == "6190":
        return AccessLost(
            f"the subscription of this QuickBooks Online company has ended{_quoted(fault)}",
            fix="renew it in QuickBooks Online; nothing was lost meanwhile", code="WHERRY-5752",
        )  # fmt: skip
    if status == 403 or fault.code in BARRED or fault.code == "5020" or fault.type.startswith("Authorizat"):
        return AccessLost(
            f"QuickBooks Online does not let this sign-in do that in this company{_quoted(fault)}",
            fix="let an administrator of the company sign in: wherry connect NAME", code="WHERRY-5753",
        )  # fmt: skip
    return None


def _state(fault: Fault, status: int) -> WherryError:
    if fault.code == "5030":
        return ConfigError(
            f"this edition of QuickBooks Online cannot do that{_quoted(fault)}",
            fix="leave that kind out of the flow, or change the edition of the company", code="WHERRY-2751",
        )  # fmt: skip
    if fault.code in MISREAD:
        return ContractBroken(
            f"QuickBooks Online cannot read a question of this plugin{_quoted(fault)}",
            fix="look for a newer version of the QuickBooks plugin, or report this with the text above",
            code="WHERRY-1751",
        )  # fmt: skip
    if fault.code in BUSY or status >= 500 or fault.type.lower().startswith("system"):
        return TryAgain(f"QuickBooks Online is out of order{_quoted(fault)}", code="WHERRY-6752")
    return Rejected(
        f"QuickBooks Online refused the call{_quoted(fault)}",
        fix="correct what it names in QuickBooks Online or in the record, then run it again",
        code="WHERRY-4751", field=fault.element,
    )  # fmt: skip


def _quoted(fault: Fault) -> str:
    number = f" {fault.code}" if fault.code else ""
    return f" (fault{number}: {fault.text})" if fault.text else f" (fault{number})" if number else ""
