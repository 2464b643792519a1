"""Plugins: what is installed (metadata alone), what is loaded (stevedore), and what it answers (pluggy, typed)."""

from wherry.plugins.facade import Plugins, load
from wherry.plugins.installed import GROUP, Installed, catalogue_of_installed
from wherry.plugins.known import KnownSystem, how_to_get, known_systems
from wherry.plugins.loading import Problem

__all__ = [
    "GROUP",
    "Installed",
    "KnownSystem",
    "Plugins",
    "Problem",
    "catalogue_of_installed",
    "how_to_get",
    "known_systems",
    "load",
]
