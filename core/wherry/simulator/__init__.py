"""The toolkit every connector builds its offline stand-in with. It names no vendor.

A `StandIn` is a table of routes over state in memory, on a `Stage`: a clock that can be moved, faults that can be
scripted, a history that can only grow, and controls under ``/__sim``. Needs ``wherry[serve]``.
"""

from .call import Call, Handler, Refusal, Reply, Upload, whole_number
from .clock import Clock, iso
from .faults import Fault, Faults
from .history import Entry, History
from .limits import DailyQuota, RollingWindow
from .options import Options
from .routes import Routes
from .server import run, serve
from .stage import Stage, StandIn
from .tokens import Tokens, challenge_of, sent_back

__all__ = [
    "Call",
    "Clock",
    "DailyQuota",
    "Entry",
    "Fault",
    "Faults",
    "Handler",
    "History",
    "Options",
    "Refusal",
    "Reply",
    "RollingWindow",
    "Routes",
    "Stage",
    "StandIn",
    "Tokens",
    "Upload",
    "challenge_of",
    "iso",
    "run",
    "sent_back",
    "serve",
    "whole_number",
]
