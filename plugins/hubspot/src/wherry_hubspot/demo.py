"""Sample data of our own, loaded through HubSpot's public API alone: it fills the stand-in or a test account.

The companies are invented. Won deals of the sales pipeline use every product of the catalogue; all lines
but those of one product name match it by id, by SKU or by name up to case, spaces and punctuation. That one name
is close to a real product, so a sync asks exactly one question; the deals that wait for the answer come last.
"""

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

PROJECT = """\
version = 1

[project]
name = "acme"
timezone = "Europe/Berlin"
currency = "EUR"

[plugins]
enabled = ["hubspot", "workspace"]

[connections.crm]                       # the stand-in; wherry demo writes its address to .env
plugin = "hubspot"
base_url = "${WHERRY_DEMO_URL:-http://127.0.0.1:8701}"
auth = { kind = "token", token = { env = "WHERRY_DEMO_TOKEN" } }

[connections.platform]                  # lives in this project's own store
plugin = "workspace"

[flows.catalogue]
source = "crm"
sink = "platform"
kinds = ["product"]
repeat = "always"                       # later changes are carried over

[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
after = ["catalogue"]                   # runs first
pipelines = [{ id = "default", stages = ["won"] }]
repeat = { project = "once", file = "always" }

[flows.won-deals.match.product]
order = ["link", "sku", "name"]
unmatched = "triage"                    # what nothing matches becomes a question

[flows.won-deals.schedule]              # counts after: wherry flow activate won-deals
every = "1h"
"""

API = "2026-03"
UNKNOWN_PRODUCT = "Cylindrical Fendor 600 mm"
MEANT = "FEN-600"
SERVICE_PIPELINE = "Service contracts"
SERVICE_STAGES = {"talk": ("In talks", "0.3"), "signed": ("Signed", "1.0"), "gone": ("Not renewed", "0.0")}
STAGES = {
    "won": "closedwon",
    "lost": "closedlost",
    "open": "presentationscheduled",
    "new": "appointmentscheduled",
}

# Association numbers of HubSpot: deal to primary company and plain company, line item to deal, and so on.
TO_COMPANY, TO_SECOND_COMPANY, LINE_TO_DEAL, NOTE_TO_DEAL, EMAIL_TO_DEAL = 5, 341, 20, 214, 210
TICKET_TO_COMPANY, TICKET_TO_DEAL = 26, 28

Properties = dict[str, str]
New = tuple[Properties, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal and its lines: ``#SKU`` names a product by id, ``=SKU`` by SKU, anything else by name."""

    name: str
    company: str
    stage: str
    closed: str
    lines: tuple[str, ...]
    second_company: str = ""

    @property
    def counts(self) -> bool:
        """Whether a sync of won deals of the sales pipeline takes it."""
        return self.stage == "won"


COMPANIES = {
    "nordhav": ("Nordhav Terminals", "nordhav.example", "Norway", "Kristiansand", "NOK"),
    "brackwater": ("Brackwater Shipyard Ltd", "brackwater.example", "United Kingdom", "Hull", "GBP"),
    "elbkai": ("Elbkai Logistik GmbH", "elbkai.example", "Germany", "Hamburg", "EUR"),
    "santoro": ("Porto Santoro S.p.A.", "santoro.example", "Italy", "Genoa", "EUR"),
    "quayside": ("Quayside & Daughters", "quayside.example", "Ireland", "Cork", "EUR"),
    "marisma": ("Marisma Dragados", "marisma.example", "Spain", "Huelva", "EUR"),
    "tidewell": ("Tidewell Ferries", "tidewell.example", "United Kingdom", "Oban", "GBP"),
    "osterby": ("Österby Varv AB", "osterby.example", "Sweden", "Gävle", "SEK"),
    "lagune": ("Lagune Plaisance", "lagune.example", "France", "La Rochelle", "EUR"),
    "redbuoy": ("Red Buoy Salvage", "redbuoy.example", "Netherlands", "Vlissingen", "EUR"),
    "kestrel": ("Kestrel Offshore Wind", "kestrel.example", "Denmark", "Esbjerg", "DKK"),
    "pinnace": ("Pinnace Boat Hire", "pinnace.example", "United Kingdom", "Windermere", "GBP"),
}

PRODUCTS = {
    "FEN-600": ("Cylindrical Fender 600", "480.00"),
    "BOL-050": ("Cast Bollard 50 t", "1250.00"),
    "LAD-006": ("Quay Ladder, galvanised", "390.00"),
    "ROP-220": ("Polyester Hawser", "612.50"),
    "LGT-012": ("Solar Beacon", "275.00"),
    "PUM-080": ("Bilge Pump", "840.00"),
    "GNG-010": ("Aluminium Gangway", "7300.00"),
    "WIN-003": ("Electric Capstan", "5150.00"),
    "CHN-026": ("Studlink Chain", "96.40"),
    "ANO-005": ("Zinc Anode", "18.75"),
    "RAF-012": ("Liferaft (12 persons)", "3990.00"),
    "SUR-001": ("Underwater Survey", "2200.00"),
    "DRG-001": ("Silt Dredging", "145.00"),
    "TRN-001": ("Crew Training Day", "950.00"),
    "INS-001": ("Yearly Inspection", "1600.00"),
}

DEALS = (
    Deal("Berth 4 fenders", "nordhav", "won", "2026-01-12", ("#FEN-600 x24", "=BOL-050 x6")),
    Deal("Slipway refit", "brackwater", "won", "2026-01-15", ("#WIN-003 x1", "QUAY LADDER GALVANISED x3")),
    Deal("Container yard beacons", "elbkai", "won", "2026-01-19", ("solar  beacon x40",)),
    Deal("Old mole survey", "santoro", "won", "2026-01-22", ("=SUR-001 x2",)),
    Deal("Pontoon gangways", "quayside", "won", "2026-01-26", ("#GNG-010 x2", "#LAD-006 x4"), "tidewell"),
    Deal("Basin dredging, part one", "marisma", "won", "2026-02-02", ("Silt Dredging. x180",)),
    Deal("Car deck pumps", "tidewell", "won", "2026-02-04", ("#PUM-080 x4", "=INS-001 x1")),
    Deal("Hull anodes 2026", "osterby", "won", "2026-02-09", ("Zinc anode x600", "#CHN-026 x110")),
    Deal("Marina hawsers", "lagune", "won", "2026-02-11", ("POLYESTER HAWSER x16",)),
    Deal("Salvage tug liferafts", "redbuoy", "won", "2026-02-16", ("liferaft 12 persons x2", "#TRN-001 x2")),
    Deal("Transfer vessel training", "kestrel", "won", "2026-02-18", ("crew training day x5",)),
    Deal("Berth 5 bollards", "nordhav", "won", "2026-02-23", ("=BOL-050 x8", "#CHN-026 x40")),
    Deal("Gate beacons", "elbkai", "won", "2026-03-02", ("#LGT-012 x12",)),
    Deal("Basin dredging, part two", "marisma", "won", "2026-03-05", ("=DRG-001 x220", "#SUR-001 x1")),
    Deal("Winter lay-up inspection", "tidewell", "won", "2026-03-09", ("Yearly inspection x3",)),
    Deal("Dry dock order", "brackwater", "open", "2026-05-30", ("#BOL-050 x4",)),
    Deal("Breakwater lights", "santoro", "open", "2026-06-12", ("#LGT-012 x30",)),
    Deal("Fleet anodes", "tidewell", "open", "2026-06-20", ("=ANO-005 x200",)),
    Deal("New pontoon", "pinnace", "new", "2026-07-01", ("#GNG-010 x1",)),
    Deal("Chain renewal", "redbuoy", "new", "2026-07-15", ("#CHN-026 x90",)),
    Deal("Turbine base survey", "kestrel", "new", "2026-08-01", ()),
    Deal("Ferry ramp winch", "quayside", "lost", "2026-02-13", ("#WIN-003 x2",)),
    Deal("Yacht lift", "lagune", "lost", "2026-02-20", ("Boat lift 30 t x1",)),
    Deal("Stone fender wall", "santoro", "lost", "2026-03-03", ("#FEN-600 x60",)),
    Deal("Rental liferafts", "pinnace", "lost", "2026-03-06", ("#RAF-012 x6",)),
    Deal("Terminal care 2026", "nordhav", "signed", "2026-01-08", ("#INS-001 x4",)),
    Deal("Shipyard care 2026", "brackwater", "signed", "2026-01-09", ("#INS-001 x2",)),
    Deal("Beacon care 2026", "elbkai", "signed", "2026-01-30", ("#INS-001 x1",)),
    Deal("Pump care 2026", "tidewell", "signed", "2026-02-05", ("#INS-001 x2",)),
    Deal("Capstan care 2026", "osterby", "signed", "2026-02-06", ("#INS-001 x1",)),
    Deal("Marina care 2026", "lagune", "signed", "2026-02-12", ("#INS-001 x3",)),
    Deal("Salvage care", "redbuoy", "talk", "2026-06-01", ("#INS-001 x1",)),
    Deal("Turbine care", "kestrel", "talk", "2026-06-02", ("#INS-001 x6",)),
    Deal("Hire fleet care", "pinnace", "talk", "2026-06-03", ("#INS-001 x1",)),
    Deal("Harbour care", "santoro", "talk", "2026-06-04", ()),
    Deal("Dredger care", "marisma", "gone", "2026-02-27", ("#INS-001 x2",)),
    Deal("Ramp care", "quayside", "gone", "2026-02-28", ("#INS-001 x1",)),
    Deal("Jetty fenders", "lagune", "won", "2026-03-16", (f"{UNKNOWN_PRODUCT} x10",)),
    Deal("Lock approach", "elbkai", "won", "2026-03-18", (f"{UNKNOWN_PRODUCT.upper()} x14", "#LAD-006 x2")),
    Deal("Tender pontoon", "quayside", "won", "2026-03-20", (f"{UNKNOWN_PRODUCT} x4",)),
)

NOTES = (
    ("Berth 4 fenders", "Drawings as agreed on site.", ("berth-4.pdf", "berth-4.png")),
    ("Slipway refit", "Scope from the yard.", ("scope.txt",)),
    ("Container yard beacons", "Positions of the lights.", ("positions.csv",)),
    ("Basin dredging, part one", "Soundings before work.", ("soundings.json",)),
    ("Hull anodes 2026", "Called; no papers yet.", ()),
    ("Salvage tug liferafts", "Certificates to follow.", ("certificate.pdf",)),
    ("Jetty fenders", "Sketch by the harbour master.", ("sketch.svg",)),
    ("Yacht lift", "Their drawing of the lift.", ("lift.pdf",)),
)
EMAILS = (
    ("Pontoon gangways", "Delivery window", "We can take the gangways in week 9.", ()),
    ("Marina hawsers", "Order confirmed", "Please find our order attached.", ("order.md",)),
    ("Fleet anodes", "Question on zinc", "Do you also carry aluminium?", ()),
)
TICKETS = (
    ("Beacon 7 stays dark", "elbkai", "Container yard beacons", "HIGH"),
    ("Pump loses pressure", "tidewell", "Car deck pumps", "MEDIUM"),
    ("Invoice address changed", "osterby", "Hull anodes 2026", "LOW"),
)


def _folded(name: str) -> str:
    """A product name up to case, spaces and punctuation."""
    return "".join(c for c in name.lower() if c.isalnum())


BY_NAME = {_folded(name): sku for sku, (name, _) in PRODUCTS.items()}


def _sku_of(line: str) -> str | None:
    """The product a line means by id, SKU or name; None where only a person can tell."""
    text = line.rpartition(" x")[0]
    return text[1:] if text[0] in "#=" else BY_NAME.get(_folded(text))


def expected() -> dict[str, int]:
    """What a sync of the won deals must find once the question is answered with the product meant."""
    deals = [deal for deal in DEALS if deal.counts]
    named = {deal.name for deal in deals}
    skus = {(deal.name, line): _sku_of(line) for deal in deals for line in deal.lines}
    attached = [files for name, *_, files in (*NOTES, *EMAILS) if name in named]
    unknown = {(name, line.rpartition(" x")[0].lower()) for (name, line), sku in skus.items() if sku is None}
    return {
        "project": len(deals),
        "customer": len({deal.company for deal in deals}),
        "product": len({sku or MEANT for sku in skus.values()}),
        "file": sum(map(len, attached)),
        "triage": len({text for _, text in unknown}),
        "waiting": len({name for name, _ in unknown}),
    }


EXPECTED = expected()


class Account:
    """The account being filled."""

    def __init__(self, base_url: str, token: str) -> None:
        self.http = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call that must succeed."""
        answer = self.http.request(method, path, **options)
        answer.raise_for_status()
        return answer.json()

    def create(self, kind: str, records: Sequence[New]) -> list[str]:
        """Make records with their first links; ids come back in the order of the records."""
        inputs = [
            {"properties": properties, "associations": links, "objectWriteTraceId": str(number)}
            for number, (properties, links) in enumerate(records)
        ]
        ids: dict[str, str] = {}
        for start in range(0, len(inputs), 100):
            body = {"inputs": inputs[start : start + 100]}
            made = self.call("POST", f"/crm/objects/{API}/{kind}/batch/create", json=body)["results"]
            ids.update({record["objectWriteTraceId"]: record["id"] for record in made})
        return [ids[str(number)] for number in range(len(records))]

    def upload(self, filename: str, data: bytes) -> str:
        """Store a private file."""
        form = {"folderPath": "/deals", "options": json.dumps({"access": "PRIVATE"})}
        made = self.call("POST", f"/files/{API}/files", data=form, files={"file": (filename, data)})
        return str(made["id"])


def fill(base_url: str, token: str) -> None:
    """Load the sample data into the account that answers at `base_url`."""
    account = Account(base_url, token)
    with account.http:
        companies = _companies(account)
        products = dict(zip(PRODUCTS, account.create("products", list(_products())), strict=True))
        deals = _deals(account, companies)
        account.create("line_items", list(_lines(deals, products)))
        _activities(account, deals)
        account.create("tickets", [_ticket(t, companies, deals) for t in TICKETS])


def _companies(account: Account) -> dict[str, str]:
    names = ("name", "domain", "country", "city")
    records: list[New] = [(dict(zip(names, values, strict=False)), []) for values in COMPANIES.values()]
    return dict(zip(COMPANIES, account.create("companies", records), strict=True))


def _products() -> Iterator[New]:
    for sku, (name, price) in PRODUCTS.items():
        yield {"name": name, "price": price, "hs_sku": sku}, []


def _deals(account: Account, companies: dict[str, str]) -> dict[str, str]:
    service = _service_pipeline(account)
    owners = [o["id"] for o in account.call("GET", f"/crm/owners/{API}")["results"]]
    records: list[New] = []
    for number, deal in enumerate(DEALS):
        in_service = deal.stage in SERVICE_STAGES
        properties = {
            "dealname": deal.name,
            "pipeline": service["id"] if in_service else "default",
            "dealstage": service[deal.stage] if in_service else STAGES[deal.stage],
            "amount": f"{sum(_money(line) for line in deal.lines):.2f}",
            "deal_currency_code": COMPANIES[deal.company][4],
            "closedate": f"{deal.closed}T12:00:00Z",
        }
        owner = {"hubspot_owner_id": owners[number % len(owners)]} if owners else {}
        records.append(({**properties, **owner}, _company_links(deal, companies)))
    return dict(zip((deal.name for deal in DEALS), account.create("deals", records), strict=True))


def _company_links(deal: Deal, companies: dict[str, str]) -> list[dict[str, Any]]:
    second = [_link(companies[deal.second_company], TO_SECOND_COMPANY)] if deal.second_company else []
    return [*second, _link(companies[deal.company], TO_COMPANY)]


def _service_pipeline(account: Account) -> dict[str, str]:
    """The id of the second pipeline and of its stages; made when the account has none of its name."""
    path = f"/crm/pipelines/{API}/deals"
    found = [p for p in account.call("GET", path)["results"] if p["label"] == SERVICE_PIPELINE]
    stages = [
        {"label": label, "displayOrder": order, "metadata": {"probability": probability}}
        for order, (label, probability) in enumerate(SERVICE_STAGES.values())
    ]
    body = {"label": SERVICE_PIPELINE, "displayOrder": 1, "stages": stages}
    pipeline = found[0] if found else account.call("POST", path, json=body)
    ids = {stage["label"]: stage["id"] for stage in pipeline["stages"]}
    return {"id": pipeline["id"], **{key: ids[label] for key, (label, _) in SERVICE_STAGES.items()}}


def _money(line: str) -> float:
    return float(PRODUCTS[_sku_of(line) or MEANT][1]) * int(line.rpartition(" x")[2])


def _lines(deals: dict[str, str], products: dict[str, str]) -> Iterator[New]:
    for deal in DEALS:
        for line in deal.lines:
            yield _line(line, products, COMPANIES[deal.company][4]), [_link(deals[deal.name], LINE_TO_DEAL)]


def _line(line: str, products: dict[str, str], currency: str) -> Properties:
    text, _, quantity = line.rpartition(" x")
    name, price = PRODUCTS[_sku_of(line) or MEANT]
    properties = {"quantity": quantity, "price": price, "hs_line_item_currency_code": currency}
    if text.startswith("#"):
        return {**properties, "name": name, "hs_product_id": products[text[1:]]}
    if text.startswith("="):
        return {**properties, "name": name, "hs_sku": text[1:]}
    return {**properties, "name": text}


def _activities(account: Account, deals: dict[str, str]) -> None:
    notes, emails = [], []
    for name, body, files in NOTES:
        properties = {"hs_note_body": body, **_attached(account, files)}
        notes.append((properties, [_link(deals[name], NOTE_TO_DEAL)]))
    for name, subject, text, files in EMAILS:
        properties = {
            "hs_email_subject": subject,
            "hs_email_text": text,
            "hs_email_direction": "INCOMING_EMAIL",
        }
        emails.append(({**properties, **_attached(account, files)}, [_link(deals[name], EMAIL_TO_DEAL)]))
    account.create("notes", notes)
    account.create("emails", emails)


def _attached(account: Account, files: Sequence[str]) -> Properties:
    ids = [account.upload(name, content(name)) for name in files]
    return {"hs_timestamp": "2026-03-01T09:00:00Z", **({"hs_attachment_ids": ";".join(ids)} if ids else {})}


def _ticket(ticket: tuple[str, str, str, str], companies: dict[str, str], deals: dict[str, str]) -> New:
    subject, company, deal, priority = ticket
    properties = {
        "subject": subject,
        "hs_pipeline": "0",
        "hs_pipeline_stage": "1",
        "hs_ticket_priority": priority,
    }
    return properties, [_link(companies[company], TICKET_TO_COMPANY), _link(deals[deal], TICKET_TO_DEAL)]


def _link(to: str, type_id: int) -> dict[str, Any]:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    return {"to": {"id": to}, "types": [spec]}


def content(filename: str) -> bytes:
    """A small, well-formed file of the type its name tells."""
    title = filename.partition(".")[0]
    texts = {
        "txt": f"{title}\n\nAs discussed on site.\n",
        "md": f"# {title}\n\n- 16 pieces\n- delivery in March\n",
        "csv": "light,lat,lon\n1,53.541,9.966\n2,53.542,9.968\n",
        "json": json.dumps({"survey": title, "depths": [4.1, 4.3, 3.9]}),
        "svg": '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><circle r="8"/></svg>',
    }
    extension = filename.rpartition(".")[2]
    if extension == "png":
        return _png()
    return _pdf(title) if extension == "pdf" else texts[extension].encode()


def _png(side: int = 8) -> bytes:
    rows = b"".join(b"\0" + bytes([40, 90, 160]) * side for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    framed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def _pdf(title: str) -> bytes:
    """One page with one line of text, and a cross-reference table that fits."""
    text = f"BT /F1 18 Tf 40 100 Td ({title}) Tj ET"
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(text)}>>stream\n{text}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body, places = "%PDF-1.4\n", []
    for number, entry in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{entry}endobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{end}".encode()
