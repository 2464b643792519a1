"""The project files of the first users: won deals into the platform, and finalised invoices into the books."""

from __future__ import annotations

WON_DEALS = """
version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
base_url = "${HUBSPOT_URL}"
auth = { kind = "token", token = { env = "HUBSPOT_TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.catalogue]
source = "crm"
sink = "platform"
kinds = ["product"]
repeat = "always"
[flows.won-deals]
source = "crm"
sink = "platform"
kinds = ["deal"]
after = ["catalogue"]
pipelines = [{ id = "default", stages = ["closedwon"] }]
changed_since = 2016-01-01
repeat = { project = "once", file = "always" }
[flows.won-deals.match.product]
order = ["link", "sku", "name"]
unmatched = "triage"
"""
INVOICES = """
version = 1
[project]
name = "shop"
timezone = "Europe/London"
currency = "GBP"
[plugins]
enabled = ["workspace", "quickbooks"]
[connections.platform]
plugin = "workspace"
[connections.books]
plugin = "quickbooks"
base_url = "${BOOKS_URL}"
environment = "simulator"
auth = { kind = "oauth2", client_id = { env = "BOOKS_CLIENT_ID" }, client_secret = { env = "BOOKS_CLIENT_SECRET" } }
[flows.invoices]
source = "platform"
sink = "books"
kinds = ["invoice"]
document = "invoice"
when = { status = "invoiced" }
repeat = "always"
books_from = 2010-12-01
approval = "automatic"
[flows.invoices.match.customer]
order = ["link", "reference"]
unmatched = "create"
[flows.invoices.match.product]
order = ["link", "sku", "name"]
unmatched = "create"
"""
