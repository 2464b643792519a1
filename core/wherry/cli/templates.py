"""Project files for books: invoices into accounting, and movements booked as journals; for the plugins installed here.

The names of connections and flows are those of the how-to pages, so that what stands there can be typed as it is.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from msgspec import Struct

from wherry.cli import required
from wherry.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wherry.hookspecs import Manifest
    from wherry.plugins import Plugins

NAMES = ("invoices", "journals")
FLOWS = {"invoices": "invoices", "journals": "wallet-journals"}
TABLE = "tables/accounts.csv"
_KINDS = {"invoices": "invoice", "journals": "ledger_transaction"}


class Ends(Struct, frozen=True):
    """The plugins that such a project goes between: the platform, the books, and others that are enabled as well."""

    platform: Manifest
    books: Manifest
    also: tuple[str, ...]
    settings: type[BaseModel] | None
    """Of the books."""
    reads: type[BaseModel] | None = None
    """Settings of the platform."""
    others: tuple[Manifest, ...] = ()
    """Other installed systems that keep books."""


def ends(usable: Plugins, template: str, into: str = "") -> Ends:
    """The installed plugins that fit; ``into`` names the one that keeps the books. Raises ConfigError where an end is
    missing."""
    found = [usable.manifests[name] for name in sorted(usable.manifests)]
    platform = next((one for one in found if one.group == "platform" and _KINDS[template] in one.maps), None)
    keeping = by_ease(usable, [one for one in found if one.group == "accounting" and "sink" in one.roles])
    books = _meant(keeping, into, "keeps books")
    if platform is None or books is None:
        what = f"a platform that has {_KINDS[template]} records" if platform is None else "a system that keeps books"
        raise ConfigError(f"no installed plugin is {what}", fix="install one; see: wherry plugin list",
                          code="WHERRY-2126")  # fmt: skip
    files = [one.system for one in found if one.group == "files" and "sink" in one.roles]
    also = tuple(files) if template == "journals" else ()
    models = usable.settings_model(books.system), usable.settings_model(platform.system)
    return Ends(platform, books, also, *models, others=tuple(one for one in keeping if one is not books))


def by_ease(usable: Plugins, found: Iterable[Manifest]) -> list[Manifest]:
    """Systems with the one that asks for least first."""
    return sorted(found, key=lambda one: (not one.sign_in, _asks_for(usable.settings_model(one.system))))


def crms(usable: Plugins, wanted: str = "") -> tuple[Manifest | None, list[Manifest]]:
    """The CRM that is read, where one is installed, and the others. Raises ConfigError where the one that is
    ``wanted`` is none."""
    found = by_ease(usable, [usable.manifests[name] for name in sorted(usable.manifests)])
    found = [one for one in found if one.group == "CRM" and "source" in one.roles]
    source = _meant(found, wanted, "is a CRM")
    return source, [one for one in found if one is not source]


def _meant(found: Iterable[Manifest], wanted: str, what: str) -> Manifest | None:
    """The first, or the one that is wanted. Raises ConfigError where that is not among them."""
    among = {one.system: one for one in found}
    if wanted and wanted not in among:
        fix = f"installed ones: {', '.join(among) or 'none'}"
        raise ConfigError(f"no installed plugin {wanted} {what}", fix=fix, code="WHERRY-2127")
    return among[wanted] if wanted else next(iter(among.values()), None)


def _asks_for(settings: type[BaseModel] | None) -> int:
    """How much has to be filled in of a system: the one that is only signed in to comes first."""
    return sum(one.is_required() for one in settings.model_fields.values()) if settings is not None else 0


def text(template: str, between: Ends, name: str, timezone: str, currency: str, today: dt.date) -> str:
    """The project file."""
    return "\n".join(_lines(template, between, name, timezone, currency, today)) + "\n"


def _lines(
    template: str, between: Ends, name: str, timezone: str, currency: str, today: dt.date
) -> Iterator[str]:  # fmt: skip
    enabled = [between.platform.system, between.books.system, *between.also]
    yield "#:schema .wherry/schema.json            # written by: wherry config schema"
    yield "version = 1"
    yield from ("", "[project]", f"name = {json.dumps(name)}")
    yield f"timezone = {json.dumps(timezone)}    # days, weeks and months are cut in this zone"
    yield f"currency = {json.dumps(currency)}    # the organisation's own"
    yield from ("", "[plugins]", f"enabled = {json.dumps(enabled)}    # only these are loaded")
    yield from ("", "[connections.platform]", f"plugin = {json.dumps(between.platform.system)}")
    yield from required.lines(between.reads, {"plugin"}, "PLATFORM")
    yield from _books(between, currency)
    body = _INVOICES if template == "invoices" else _JOURNALS
    unmatched = between.books.unmatched.get("customer", "create")
    first = today.replace(day=1).isoformat()
    yield from body.format(books_from=first, table=TABLE, unmatched=unmatched).splitlines()


def _books(between: Ends, currency: str) -> Iterator[str]:
    said = list(_told(between, currency))
    yield from said
    written = {line.partition(" = ")[0] for line in said}
    yield from required.lines(between.settings, written, "BOOKS")


def _told(between: Ends, currency: str) -> Iterator[str]:
    """What is known of the books without their settings' own keys."""
    how = {_CONNECT: "sign in", _TEST: "try it"}.get(first := _first(between), "set up")
    yield from ("", f"[connections.books]    # {between.books.title}; {how}: {first}")
    yield f"plugin = {json.dumps(between.books.system)}"
    if between.settings is not None and "currency" in between.settings.model_fields:
        yield f"currency = {json.dumps(currency)}    # what the books are kept in"
    if not between.books.sign_in:
        return
    yield 'base_url = "${BOOKS_URL:-}"    # the vendor\'s own address where BOOKS_URL is not set'
    environment = between.settings.model_fields.get("environment") if between.settings is not None else None
    choices = get_args(environment.annotation) if environment is not None else ()
    if environment is not None and choices and get_origin(environment.annotation) is Literal:
        yield f"environment = {json.dumps(environment.default)}    # {_or(choices)}"
    if "simulator" in between.books.roles and "simulator" in choices:
        yield f'# No account at hand? wherry simulate {between.books.system}, then environment = "simulator" and'
        yield "# BOOKS_URL=http://127.0.0.1:8701 with any BOOKS_CLIENT_ID and BOOKS_CLIENT_SECRET in .env"
    if "oauth2" in between.books.sign_in:
        secrets = 'client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" }'
        yield f'auth = {{ kind = "oauth2", {secrets} }}    # never the secret itself'


def _first(between: Ends) -> str:
    """The command that comes first: one that signs in by settings of its own has nothing to connect."""
    if between.books.setup:
        return between.books.setup.format(name="books")
    signs_in = between.settings is None or "auth" in between.settings.model_fields
    return _CONNECT if signs_in else _TEST


def _or(choices: Iterable[str]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


_INVOICES = """
[flows.invoices]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "invoice"    # or "estimate", "sales-order"
when = {{ status = "invoiced" }}    # or "assigned": what is assigned or further along
repeat = "always"    # later changes update the same document
books_from = {books_from}    # what is dated before this day waits for: wherry approve invoices
approval = "automatic"    # or "required": then everything waits
# [flows.invoices.schedule]    # counts after: wherry flow activate invoices
# every = "1h"

[flows.invoices.match.customer]
order = ["link", "reference"]
unmatched = "{unmatched}"    # create; or triage, a question for a person; or skip

[flows.invoices.match.product]
order = ["link", "sku", "name"]
unmatched = "create"
"""
_JOURNALS = """
[flows.wallet-journals]
source = "platform"
sink = "books"
kinds = ["ledger-transaction"]
document = "journal"
accounts = "{table}"    # which accounts a category is booked to; edit it in a spreadsheet
group = "week"    # or "none", "day", "month": what becomes one entry
week_start = "monday"
books_from = {books_from}    # what is dated before this day stays out of the books, and is listed
gains = true    # realised gains and losses are booked too
approval = "required"    # entries wait for: wherry approve wallet-journals, or wherry close
late = "next-period"    # or "hold", "correct": what comes after its group was posted
"""
_CONNECT, _TEST = "wherry connect books", "wherry connection test books"
_AFTER: Mapping[str, tuple[str, ...]] = {
    "invoices": ("wherry config check", _CONNECT, "wherry plan invoices"),
    "journals": (
        "wherry config check", _CONNECT, "wherry accounts import books",
        "wherry accounts map wallet-journals",
    ),
}  # fmt: skip


def table_head() -> str:
    """The header of the table in which a bookkeeper says what categories are booked to."""
    from wherry.books.tables import COLUMNS

    return ",".join(COLUMNS) + "\n"


def after(template: str, between: Ends) -> list[str]:
    """What comes next, in order."""
    return [_first(between) if command == _CONNECT else command for command in _AFTER[template]]
