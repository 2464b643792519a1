"""Traede's offline stand-in: a company's accounting entries behind the paths, paging, filters and errors of its API.

Facts come from developer.traede.com and, for the syntax of filters, from the Laravel package Bruno; what neither says
is named in the plugin's README as a choice of ours.
"""

from collections.abc import Collection
from typing import Any

import msgspec
from wherry.simulator import Call, Clock, Refusal, Reply, Routes, Stage, StandIn, whole_number

from .entries import Entries, Entry, Obj
from .filters import COLUMNS, DATES, ordered, predicate, query_of
from .marks import marks_of
from .seed import sample
from .values import Spelled, moment

__all__ = ["TraedeSimulator"]

USUAL, MOST = 20, 60
SPELLINGS = ("not_exported_since", "not_export_since")
_SAID = {401: "Unauthenticated.", 403: "This action is unauthorized.", 404: "Not found.", 429: "Too Many Attempts."}
_OTHER = 10000
_JSON = {"content-type": "application/json"}


def errors(status: int, *details: str) -> Reply:
    """An error answer in Traede's shape."""
    said = details or (_SAID.get(status, "Server Error"),)
    return Reply(status, {"errors": [{"status": status, "code": _OTHER, "detail": one} for one in said]})


class TraedeSimulator(StandIn):
    """One company with `entries` of a sample month in `currency`.

    `tokens` and `app_keys` None admit any; none at all is never admitted. `spelling` is the since-parameter that is
    understood, the other being ignored as Laravel does, or both. Without `sorts` the list comes by id, whatever was
    asked for. `iso` shows moments as ``2026-01-31T12:00:00.000000Z``. `most` is the largest page.
    """

    system = "traede"

    def __init__(
        self, *, clock: Clock | None = None, tokens: Collection[str] | None = None,
        app_keys: Collection[str] | None = None, entries: int = 0, currency: str = "DKK",
        spelling: Collection[str] = SPELLINGS, sorts: bool = True, iso: bool = False, most: int = MOST,
    ) -> None:  # fmt: skip
        controls = {
            "entries": self._control_entries,
            "change": self._control_change,
            "timeline": lambda body: self.timeline(int(body["id"])),
        }
        super().__init__(Stage(clock, errors, controls))
        self.entries = Entries(self.stage, currency)
        self.spelling, self.sorts, self.most = tuple(spelling), sorts, most
        self._spelled = Spelled(iso)
        self._tokens, self._app_keys = tokens, app_keys
        for made in sample(entries, currency):
            self.entries.add(made)
        self._routes = Routes(
            [
                ("GET", "/v10/accounting-entries/export", self._export),
                ("POST", "/v10/accounting-entries/mark-as-exported", self._mark_as_exported),
                ("GET", "/v10/accounting-entries", self._list),
            ]
        )

    # What a test does behind the API's back

    def add(self, **fields: Any) -> int:
        """Enter one as Traede itself does when something is invoiced or paid; its id. ``amount`` is decimal text."""
        with self.stage.lock:
            return self.entries.add(fields).id

    def change(self, id: int, **fields: Any) -> None:
        """Change fields of an entry; it is stamped with the moment."""
        with self.stage.lock:
            self.entries.change(id, fields)

    def remove(self, id: int) -> None:
        """Delete an entry."""
        with self.stage.lock:
            self.entries.remove(id)

    def exported(self, system: str) -> dict[int, str]:
        """Id → note of what was marked as exported to a system."""
        with self.stage.lock:
            return {one.id: one.exported[system].note for one in self.entries.all() if system in one.exported}

    def timeline(self, id: int) -> list[Obj]:
        """What a person sees beside an entry: when it was exported to which system, with which note."""
        with self.stage.lock:
            return list(self.entries.find(id).timeline)

    # Controls under /__sim

    def _control_entries(self, body: Any) -> Any:
        """A list of entries to enter, amounts as text; their ids. GET counts what is there."""
        if body is None:
            return {"entries": len(self.entries.all())}
        return [self.entries.add(one).id for one in body]

    def _control_change(self, body: Any) -> None:
        """``{"id": 17, "text": …}``"""
        self.entries.change(int(body["id"]), {name: value for name, value in body.items() if name != "id"})

    # Answering

    def answer(self, call: Call) -> Reply:
        handler = self._routes.find(call)
        if handler is None:
            return errors(404)
        self._admit(call)
        try:
            return handler(call)
        except ValueError as wrong:
            return errors(422, str(wrong))

    def _admit(self, call: Call) -> None:
        token = call.bearer or call.query.get("access_token")
        if not token or (self._tokens is not None and token not in self._tokens):
            raise Refusal(errors(401))
        key = call.headers.get("x-traede-app-key")
        if not key or (self._app_keys is not None and key not in self._app_keys):
            raise Refusal(errors(403, "The X-Traede-App-Key header does not name an API app."))

    def _export(self, call: Call) -> Reply:
        query = query_of(call.query.multi_items())
        system = query.get("system_id")
        if not isinstance(system, str) or not system:
            raise ValueError("The system id field is required.")
        said = next((query[name] for name in self.spelling if name in query), None)
        since = None if said is None else moment(said)
        offered = [one for one in self.entries.all() if one.is_offered(system, since)]
        return self._listed(offered, query, DATES)

    def _list(self, call: Call) -> Reply:
        return self._listed(self.entries.all(), query_of(call.query.multi_items()), tuple(COLUMNS))

    def _listed(self, entries: list[Entry], query: Obj, filterable: Collection[str]) -> Reply:
        holds = predicate(query.get("filter_groups"), filterable)
        found = ordered([one for one in entries if holds(one)], query.get("sort") if self.sorts else None)
        limit = min(_whole(query, "limit", USUAL), self.most)
        start = _whole(query, "page", 0) * limit
        shown = [self._spelled.entry(one) for one in found[start : start + limit]]
        return Reply(200, msgspec.json.encode({"accounting_entries": shown}), dict(_JSON))

    def _mark_as_exported(self, call: Call) -> Reply:
        marks = marks_of(call.body, self.entries.ids())
        for mark in marks:
            self.entries.mark(mark.accounting_entry_id, mark.system_id, mark.note)
        return Reply(200, {"accounting_entries": [{"id": mark.accounting_entry_id} for mark in marks]})


def _whole(query: Obj, name: str, otherwise: int) -> int:
    said = query.get(name, str(otherwise))
    number = whole_number(said) if isinstance(said, str) else None
    if number is None:
        raise ValueError(f"The {name} must be an integer.")
    return number
