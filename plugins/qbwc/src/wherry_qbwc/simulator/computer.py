"""The computer that QuickBooks runs on: its company files, and which of them is open."""

from __future__ import annotations

from .company import Company
from .mishaps import Mishaps
from .program import Session
from .refusals import NOT_RUNNING, OTHER_FILE, HResult

HCP = """<?xml version="1.0" ?><?qbxml version="{version}"?><QBXML><QBXMLMsgsRq onError="continueOnError">
<HostQueryRq requestID="0"/><CompanyQueryRq requestID="1"><OwnerID>{owner}</OwnerID></CompanyQueryRq>
<PreferencesQueryRq requestID="2"/></QBXMLMsgsRq></QBXML>"""
"""What the Connector asks of its own accord at the beginning of a session."""


class Computer:
    """Company files by their paths; the first is open, and the program is running."""

    def __init__(self, companies: list[Company], mishaps: Mishaps | None = None) -> None:
        self.companies = {one.path: one for one in companies}
        self.mishaps = mishaps or Mishaps()
        self.open = companies[0].path

    def begin(self, path: str = "") -> Session:
        """A session on the open file, or on `path`. Raises HResult where that cannot be."""
        if mishap := self.mishaps.take("closed"):
            raise HResult(mishap.code or NOT_RUNNING, mishap.message or "Could not start QuickBooks.")
        wanted = path or self._opened()
        if wanted not in self.companies:
            raise HResult("0x80040416", f"The company file {wanted} cannot be found.")
        if self.open and wanted != self.open:
            raise HResult(OTHER_FILE, "A QuickBooks company data file is already open and it is different from the one "
                                      "requested.")  # fmt: skip
        self.open = wanted
        return Session(self.companies[wanted], self.mishaps)

    def swap(self) -> str:
        """Open the next file instead, as a person at the computer might; the path that was open."""
        paths = list(self.companies)
        before = self.open
        self.open = paths[(paths.index(before) + 1) % len(paths)] if before in paths else paths[0]
        return before

    def _opened(self) -> str:
        if not self.open:
            raise HResult("0x80040416", "QuickBooks is not running: a company file must be named.")
        return self.open
