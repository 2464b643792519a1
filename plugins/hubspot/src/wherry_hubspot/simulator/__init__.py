"""HubSpot's offline stand-in: one account in memory behind the paths, limits and errors of the vendor's API.

Speaks the legacy paths (``/crm/v3/objects``, ``/crm/v4/associations``) and the date versions 2026-03 and
2026-09 alike. Facts come from HubSpot's API guides on developers.hubspot.com; see `facts` for the tables.
"""

import datetime as dt
import re
import zoneinfo
from collections.abc import Collection
from typing import Any

from wherry.settings.values import Currency
from wherry.simulator import Call, Clock, Handler, Options, Reply, Routes, Stage, StandIn

from .associations import Associations
from .directory import Owners, PipelineRoutes, PropertyRoutes, Schemas
from .errors import dressed, refused
from .facts import Tie
from .files import PUBLIC, SIGNED, Files
from .gate import Gate, Limits
from .oauth import OAuth, OAuthApp
from .objects import Objects
from .portal import Portal
from .search import Search
from .store import Record
from .values import to_ms

__all__ = ["HubSpotOptions", "HubSpotSimulator", "OAuthApp"]

_DATED = re.compile(r"/(crm/[a-z]+|files|oauth|account-info|crm-object-schemas)/(v[134]|2026-0[39])(?=/|$)(.*)")
_LEGACY = re.compile(r"/crm/(v[34])/(.+)")


class HubSpotOptions(Options):
    """``wherry simulate hubspot --set currency=GBP``: the account's own."""

    currency: Currency = "EUR"


class HubSpotSimulator(StandIn):
    """One account.

    `limits` is a tier (none, free, pro, enterprise, oauth); `index_lag` is in seconds; `tokens` None admits
    any bearer unless `oauth` is given; `scopes` None grants all; `association_page` links make a page.
    """

    system = "hubspot"

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        limits: str = "none",
        index_lag: float = 0.0,
        tokens: Collection[str] | None = None,
        oauth: OAuthApp | None = None,
        scopes: Collection[str] | None = None,
        portal_id: int = 48_151_623,
        timezone: str = "Europe/Berlin",
        currency: str = "EUR",
        association_page: int = 500,
    ) -> None:
        super().__init__(Stage(clock, dressed, {"owners": self._control_owners}))
        self.portal_id, self.currency = portal_id, currency
        self.zone_name, self._zone = timezone, zoneinfo.ZoneInfo(timezone)
        self.portal = Portal(self.stage, index_lag=index_lag)
        self.oauth = OAuth(self.stage, oauth or OAuthApp(), portal_id)
        self.gate = Gate(tokens, self.oauth if oauth else None, scopes)
        self.limits = Limits(self.stage.clock, limits, self._zone)
        self.files = Files(self.stage, portal_id)
        self._owners = Owners(self.portal)
        self._owners.add("ines@example.com", "Ines", "Harker")
        self._owners.add("tom@example.com", "Tom", "Askeland")
        self._open, self._closed = Routes(self._open_rows()), Routes(self._rows(association_page))

    # What a test does behind the API's back

    def touch(self, kind: str, record_id: str, stamp: str | int) -> None:
        """Force the modified stamp of a record (ISO or ms), as late commits and imports do."""
        moment = to_ms(str(stamp))
        if moment is None:
            raise ValueError(f"{stamp!r} is no moment")
        with self.stage.lock:
            self.portal.touch(self.record(kind, record_id), moment)

    def restore(self, kind: str, record_id: str) -> None:
        """Bring an archived record back."""
        with self.stage.lock:
            self.portal.restore(self.record(kind, record_id))

    def record(self, kind: str, record_id: str) -> Record:
        """A record, archived or not; KeyError when there is none."""
        found = self.portal.shelf(self.portal.kind(kind)).find(record_id)
        if found is None:
            raise KeyError(f"{kind} {record_id}")
        return found

    def create(self, kind: str, count: int = 1, **properties: Any) -> list[str]:
        """Make records quickly; ``{n}`` in a text value becomes the number of the record."""
        with self.stage.lock:
            made = [
                self.portal.create(self.portal.kind(kind), {k: str(v).format(n=n) for k, v in properties.items()})
                for n in range(count)
            ]
        return [record.id for record in made]

    def link(self, kind: str, record_id: str, other_kind: str, other_id: str, type_id: int) -> None:
        """Link two records as in old accounts: a second primary company is not prevented."""
        one, other = self.portal.kind(kind), self.portal.kind(other_kind)
        tie = self.portal.links.ties.find(one.type_id, other.type_id, type_id) or Tie(type_id, type_id)
        with self.stage.lock:
            ends = (one.type_id, record_id), (other.type_id, other_id)
            self.portal.links.add(*ends, tie, replace_primary=False)

    def add_owner(self, email: str, first: str = "", last: str = "", *, archived: bool = False) -> str:
        """Take in an owner and give back the id."""
        with self.stage.lock:
            return str(self._owners.add(email, first, last, archived=archived)["id"])

    def _control_owners(self, body: Any) -> Any:
        """``POST /__sim/owners {"email", "first", "last", "archived"}``; GET lists them."""
        return self._owners.add(**body) if body else list(self._owners.owners.values())

    # Answering

    def answer(self, call: Call) -> Reply:
        path, version = _unversioned(call.path)
        if handler := self._open.find(call, path):
            call.params["version"] = version
            return handler(call)
        self.gate.admit(call)
        handler = self._closed.find(call, path)
        if handler is None:
            raise refused(404, f"There is no {call.method} {call.path}")
        call.params["version"] = version
        return self._limited(call, handler)

    def _limited(self, call: Call, handler: Handler) -> Reply:
        search = call.route.endswith("/search")
        if refusal := self.limits.refuse(search=search):
            return refusal
        self.gate.must_hold(call, self._scopes(call))
        reply = handler(call)
        return reply if search else Reply(reply.status, reply.body, {**self.limits.headers(), **reply.headers})

    def _scopes(self, call: Call) -> list[str]:
        """Reading a record takes the scope of its type, reading associations those of both ends."""
        keys = [call.params[name] for name in ("type", "to_type") if name in call.params]
        kinds = [self.portal.kinds[key] for key in keys if key in self.portal.kinds]
        return ["files"] if call.route.split()[-1].startswith("/files") else [k.scope for k in kinds if k.scope]

    def _account(self, call: Call) -> Reply:
        """Account details."""
        offset = self.clock.date(self._zone).utcoffset() or dt.timedelta()
        hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
        sign = "-" if offset < dt.timedelta() else "+"
        return Reply(
            200,
            {
                "portalId": self.portal_id,
                "accountType": "STANDARD",
                "timeZone": self.zone_name,
                "companyCurrency": self.currency,
                "additionalCurrencies": [],
                "utcOffset": f"{sign}{hours:02d}:{minutes:02d}",
                "utcOffsetMilliseconds": int(offset.total_seconds() * 1000),
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "eu1",
            },
        )

    def _open_rows(self) -> list[tuple[str, str, Handler]]:
        """Routes that need no bearer and count towards no limit."""
        return [
            ("GET", "/oauth/authorize", self.oauth.authorize),
            ("POST", "/oauth/token", self.oauth.token),
            ("POST", "/oauth/token/introspect", self.oauth.introspect),
            ("POST", "/oauth/token/revoke", self.oauth.revoke),
            ("GET", "/oauth/access-tokens/{token}", self.oauth.info_v1),
            ("GET", "/oauth/refresh-tokens/{token}", self.oauth.info_v1),
            ("DELETE", "/oauth/refresh-tokens/{token}", self.oauth.delete_v1),
            ("GET", SIGNED + "/{id}", self.files.fetch_signed),
            ("GET", PUBLIC + "/{portal}/{id}/{name}", self.files.fetch_public),
        ]

    def _rows(self, association_page: int) -> list[tuple[str, str, Handler]]:
        objects = Objects(self.portal, min(association_page, 100))
        search = Search(self.portal, objects)
        links = Associations(self.portal, association_page)
        properties, pipelines = PropertyRoutes(self.portal), PipelineRoutes(self.portal)
        schemas = Schemas(self.portal, self.portal_id)
        one, pair = "/crm/objects/{type}/{id}", "/crm/associations/{type}/{to_type}"
        props, pipes = "/crm/properties/{type}", "/crm/pipelines/{type}"
        return [
            ("GET", "/crm/objects/{type}", objects.list),
            ("POST", "/crm/objects/{type}", objects.create),
            ("POST", "/crm/objects/{type}/search", search.answer),
            ("POST", "/crm/objects/{type}/merge", objects.merge),
            ("POST", "/crm/objects/{type}/batch/read", objects.batch_read),
            ("POST", "/crm/objects/{type}/batch/create", objects.batch_create),
            ("POST", "/crm/objects/{type}/batch/update", objects.batch_change),
            ("POST", "/crm/objects/{type}/batch/upsert", objects.batch_upsert),
            ("POST", "/crm/objects/{type}/batch/archive", objects.batch_archive),
            ("GET", one, objects.get),
            ("PATCH", one, objects.change),
            ("DELETE", one, objects.archive),
            ("GET", one + "/associations/{to_type}", links.of_one),
            ("PUT", one + "/associations/default/{to_type}/{other}", links.put_default),
            ("PUT", one + "/associations/{to_type}/{other}", links.put),
            ("DELETE", one + "/associations/{to_type}/{other}", links.delete),
            ("POST", pair + "/batch/read", links.batch_read),
            ("POST", pair + "/batch/create", links.batch_create),
            ("POST", pair + "/batch/associate/default", links.batch_default),
            ("POST", pair + "/batch/archive", links.batch_archive),
            ("GET", pair + "/labels", links.labels),
            ("POST", pair + "/labels", links.new_label),
            ("GET", props, properties.list),
            ("POST", props, properties.create),
            ("GET", props + "/groups", properties.groups),
            ("POST", props + "/groups", properties.new_group),
            ("GET", props + "/groups/{name}", properties.group),
            ("GET", props + "/{name}", properties.get),
            ("PATCH", props + "/{name}", properties.change),
            ("DELETE", props + "/{name}", properties.delete),
            ("GET", pipes, pipelines.list),
            ("POST", pipes, pipelines.create),
            ("GET", pipes + "/{pipeline}", pipelines.get),
            ("PATCH", pipes + "/{pipeline}", pipelines.change),
            ("GET", pipes + "/{pipeline}/stages", pipelines.stages),
            ("POST", pipes + "/{pipeline}/stages", pipelines.new_stage),
            ("GET", pipes + "/{pipeline}/stages/{stage}", pipelines.stage),
            ("PATCH", pipes + "/{pipeline}/stages/{stage}", pipelines.change_stage),
            ("GET", "/crm/owners", self._owners.list),
            ("GET", "/crm/owners/{id}", self._owners.get),
            ("GET", "/crm-object-schemas/schemas", schemas.list),
            ("POST", "/crm-object-schemas/schemas", schemas.create),
            ("GET", "/crm-object-schemas/schemas/{type}", schemas.get),
            ("GET", "/account-info/details", self._account),
            ("POST", "/files/files", self.files.upload),
            ("GET", "/files/files/search", self.files.search),
            ("GET", "/files/files/{id}", self.files.get),
            ("DELETE", "/files/files/{id}", self.files.delete),
            ("GET", "/files/files/{id}/signed-url", self.files.signed_url),
            ("GET", "/files/files/{id}/download", self.files.download),
        ]


def _unversioned(path: str) -> tuple[str, str]:
    """A path without its version, and the version; a path without one leads nowhere unless it is open."""
    path = path.rstrip("/")
    if match := _LEGACY.fullmatch(path):
        version, rest = match.groups()
        placed = f"/crm-object-schemas/{rest}" if rest.startswith("schemas") else f"/crm/{rest}"
        # Associations have the shape told here since v4 only, and nothing else has a v4.
        return (placed, version) if (version == "v4") == ("associations" in rest) else ("", version)
    if match := _DATED.fullmatch(path):
        area, version, rest = match.groups()
        wrong_place = area.startswith("crm/") and version.startswith("v") and area != "crm/associations"
        return ("" if wrong_place else f"/{area}{rest}", version)
    return (path, "") if path.startswith((SIGNED, PUBLIC, "/oauth/authorize")) else ("", "")
