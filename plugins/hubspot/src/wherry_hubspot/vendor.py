"""What HubSpot has, as the manifest says it: kinds, hosts, scopes, and where one signs in."""

from __future__ import annotations

from wherry.endpoints import OAuthEndpoints

from .client import path_of

KINDS = ("deal", "company", "product", "ticket", "owner", "location")
REGIONS = ("na1", "na2", "na3", "eu1", "ap1", "ca1")
HOSTS = (
    "api.hubapi.com",
    "*.hubapi.com",
    "*.hubspot.com",
    "*.hubspot.net",
    *(f"*.hubspotusercontent-{region}.net" for region in REGIONS),
    *(f"*.hubspotusercontent{number}.net" for number in ("00", "10", "20", "30", "40")),
)
SCOPES = (
    "oauth",
    "crm.objects.deals.read",
    "crm.objects.companies.read",
    "crm.objects.contacts.read",
    "crm.objects.line_items.read",
    "crm.objects.owners.read",
    "crm.schemas.deals.read",
    "crm.schemas.companies.read",
    "crm.schemas.line_items.read",
    "e-commerce",
    "tickets",
    "files",
)
"""Contacts are in because HubSpot guards notes, emails, calls, meetings and tasks with that scope."""

OAUTH = OAuthEndpoints(
    token_url=path_of("2026-03", "token"),
    revoke_url=path_of("2026-03", "revoke"),
    authorize_url="https://app.hubspot.com/oauth/authorize",
    dead_grant=frozenset({"invalid_grant", "BAD_REFRESH_TOKEN"}),
)
"""Tokens come from the dated path whatever ``api`` says, since v1 ends in February 2027; client id and secret are in
the form."""
