"""Six errors, each named for what the engine does next, and the table of its reactions.

Source: architecture.md, section 6. Plugins raise these and no others; whatever else they raise is ``ContractBroken``.
"""

from __future__ import annotations

from typing import Any, ClassVar

EXIT_MISSING, EXIT_PERSON, EXIT_GUARD, EXIT_PENDING, EXIT_BUSY, EXIT_INTERRUPTED = 3, 4, 7, 8, 9, 130


class WherryError(Exception):
    """A sentence for a person: ``message`` says what and why, ``fix`` what to do next, ``code`` never changes.

    ``where`` carries names of things (connection, flow, record, key, line), never values that could be secret.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "WHERRY-1000"

    def __init__(self, message: str, *, fix: str = "", code: str = "", **where: Any) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix
        self.code = code or self.default_code
        self.where: dict[str, Any] = {name: value for name, value in where.items() if value not in (None, "")}

    def as_data(self) -> dict[str, Any]:
        """The error as it stands in JSON output and in the store."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            **self.where,
        }


class ConfigError(WherryError):
    """Cannot start. ``where`` names the key path, its line, and what would be allowed there."""

    exit_code, default_code = 2, "WHERRY-2000"


class NotFound(WherryError):
    """A named thing (flow, run, question, record) does not exist."""

    exit_code, default_code = EXIT_MISSING, "WHERRY-3000"


class Rejected(WherryError):
    """This record will never pass as it is: its item is refused, the run goes on."""

    exit_code, default_code = 4, "WHERRY-4000"


class Unsure(WherryError):
    """May have been written. The item is looked up, never blindly repeated."""

    exit_code, default_code = 4, "WHERRY-4500"


class AccessLost(WherryError):
    """Somebody must sign in again. The run ends, the flow is paused, its queue is kept."""

    exit_code, default_code = 5, "WHERRY-5000"


class TryAgain(WherryError):
    """Temporary. ``after`` is the number of seconds the other side asked for, if it did."""

    exit_code, default_code = 6, "WHERRY-6000"

    def __init__(
        self, message: str, *, after: float | None = None, fix: str = "", code: str = "", **where: Any
    ) -> None:
        super().__init__(message, fix=fix or "run it again later; nothing was lost", code=code, **where)
        self.after = after


class Guarded(WherryError):
    """Refused by a guard: paused flow, stale plan, a fall of the source's count, a closed period."""

    exit_code, default_code = EXIT_GUARD, "WHERRY-7000"


class Busy(WherryError):
    """Another run holds the flow."""

    exit_code, default_code = EXIT_BUSY, "WHERRY-9000"


class ContractBroken(WherryError):
    """A plugin misbehaved: it raised what it may not, or returned what nobody can read. Names plugin and hook."""

    exit_code, default_code = 1, "WHERRY-1100"


WORST_FIRST: tuple[int, ...] = (1, 5, 6, 7, EXIT_PERSON)
"""Several outcomes at once: the first of these that occurred is the exit code (architecture.md, section 6)."""


def worst(codes: list[int]) -> int:
    """The exit code of several outcomes together."""
    return next((code for code in WORST_FIRST if code in codes), max(codes, default=0))
