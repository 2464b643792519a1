"""Wherry: a plugin-based integration hub.

What a plugin author needs lives here, in one list: the hook marker, the words (records), the roles, the six errors.
Attributes are loaded on first use, so that `wherry --version` imports none of it.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"

TYPE_CHECKING = False  # typing's own would take as long to import as all else that --version needs
if TYPE_CHECKING:
    from wherry.errors import AccessLost as AccessLost
    from wherry.errors import ConfigError as ConfigError
    from wherry.errors import ContractBroken as ContractBroken
    from wherry.errors import Rejected as Rejected
    from wherry.errors import TryAgain as TryAgain
    from wherry.errors import Unsure as Unsure
    from wherry.errors import WherryError as WherryError
    from wherry.hookspecs import hookimpl as hookimpl
    from wherry.records import Answer as Answer
    from wherry.records import Draft as Draft
    from wherry.records import Item as Item
    from wherry.records import Page as Page
    from wherry.records import Record as Record
    from wherry.records import Ref as Ref
    from wherry.records import Skip as Skip

_HOME = {
    "hookimpl": "hookspecs",
    **dict.fromkeys(
        ("AccessLost", "ConfigError", "ContractBroken", "Rejected", "TryAgain", "Unsure", "WherryError"), "errors"
    ),
    **dict.fromkeys(("Answer", "Draft", "Item", "Page", "Record", "Ref", "Skip"), "records"),
}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'wherry' has no attribute {name!r}")
    return getattr(import_module(f"wherry.{_HOME[name]}"), name)
