"""Requests to the outside: guarded, paced, counted, retried where that is safe, and judged."""

from wherry.http.client import Factory, Http, Through
from wherry.http.files import Files
from wherry.http.pacing import Pacer, shared_pacer
from wherry.http.profile import Limit, Pace, Profile, Response
from wherry.http.retrying import Patience

__all__ = [
    "Factory", "Files", "Http", "Limit", "Pace", "Pacer", "Patience", "Profile", "Response", "Through", "shared_pacer",
]  # fmt: skip
