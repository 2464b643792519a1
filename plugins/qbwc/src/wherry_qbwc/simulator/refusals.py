"""How QuickBooks says no: a status on one request, or an HRESULT on a whole message set.

Codes and their severities are Intuit's; the sentences are ours, in the style of QuickBooks'.
"""

from __future__ import annotations

PARSE = "0x80040400"
NOT_RUNNING = "0x80040408"
OTHER_FILE = "0x8004040A"
UNEXPECTED = "0x80040402"
VERSION = "0x80040423"


class HResult(Exception):
    """QuickBooks gave no response at all; nothing of the set was done unless `done` says otherwise."""

    def __init__(self, code: str, message: str, *, done: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.done = code, message, done


class Status(ValueError):
    """One request was refused, or was answered with less than it asked for. The control API answers 400 to it."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def severity(code: int) -> str:
    """``Info`` below 500, ``Warn`` below 1000, ``Error`` from there on."""
    return "Info" if code < 500 else "Warn" if code < 1000 else "Error"


def unparsed(what: str) -> HResult:
    """The one answer to anything that the parser does not take; QuickBooks itself never says what it was."""
    return HResult(PARSE, f"QuickBooks found an error when parsing the provided XML text stream. ({what})")


def not_found(what: str) -> Status:
    """An object that a request names is not there."""
    return Status(3120, f'Object "{what}" specified in the request cannot be found.')


def no_reference(what: str, name: str, where: str) -> Status:
    """A reference leads nowhere."""
    return Status(
        3140,
        f'There is an invalid reference to QuickBooks {what} "{name}" in the {where}. QuickBooks error message: '
        "Invalid argument. The specified record does not exist in the list.",
    )


def not_enabled() -> Status:
    """The edition does not have it, or the preferences have it switched off."""
    return Status(3250, "This feature is not enabled or not available in this version of QuickBooks.")


def unsaved(what: str, why: str) -> Status:
    """The books do not take it."""
    return Status(3180, f"There was an error when saving a {what}. QuickBooks error message: {why}")
