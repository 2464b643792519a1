"""Whose fault something is: what a plugin's part raises is told in an error that names its plugin.

The six errors pass as they are, since they are how a plugin says that something went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from wherry.errors import ContractBroken, WherryError
from wherry.plugins.installed import catalogue_of_installed
from wherry.protocol.watching import ENDED, About, Endless, longest, watch
from wherry.protocol.watching import Call as AtWork
from wherry.redaction import scrub


@contextmanager
def blame(
    part: object, hook: str, call: str, *, pure: bool = True, about: About = str, held: bool = False
) -> Iterator[AtWork]:  # fmt: skip
    """Whatever the part raises in here that is none of the six errors becomes ContractBroken with its plugin's name.
    A pure call, one that only computes, is ended where it does not end by itself, sooner where it holds others up
    (``held``); ``about`` tells what it was at."""
    try:
        at_work = watch.enter(part, call, pure=pure, about=about, held=held)
        try:
            yield at_work
        finally:
            watch.leave(at_work)
    except (WherryError, GeneratorExit):
        raise
    except KeyboardInterrupt:
        if at_work.told:
            structlog.get_logger().warning("interrupted while a plugin was at work", plugin=maker(part)[0], call=call)
        raise
    except Endless as error:
        what = f"{call}{about()} did not come back within {longest(held):g} seconds"
        raise broken(part, hook, what, ENDED) from error
    except BaseException as error:
        raise broken(part, hook, f"{call} raised {type(error).__name__}: {error}") from error


def broken(part: object, hook: str, what: str, code: str = "WHERRY-1110") -> ContractBroken:
    """The error that says which plugin, in which version, did what it may not."""
    plugin, title = maker(part)
    return ContractBroken(
        scrub(f"{title} misbehaved: {what}"), code=code, plugin=plugin, hook=hook,
        fix="nothing of this batch was written; update or report the plugin",
    )  # fmt: skip


def maker(part: object) -> tuple[str, str]:
    """The plugin that a part's class comes from, and its distribution with version."""
    package = type(part).__module__.partition(".")[0]
    for one in catalogue_of_installed():
        if one.entry is not None and one.entry.module.partition(".")[0] == package:
            return one.name, f"plugin {one.name} ({one.title})"
    return package, f"plugin {package}"
