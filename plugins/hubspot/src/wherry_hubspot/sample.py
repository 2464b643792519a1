"""The sample data of the demonstration: invented companies, their deals and papers.

Won deals of the sales pipeline use every product of the catalogue; all lines but those of one product name match it by
id, by SKU or by name up to case, spaces and punctuation. That one name is close to a real product, so a sync asks
exactly one question; the deals that wait for the answer come last.
"""

import json
import struct
import zlib
from dataclasses import dataclass

UNKNOWN_PRODUCT = "Cylindrical Fendor 600 mm"
MEANT = "FEN-600"


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
