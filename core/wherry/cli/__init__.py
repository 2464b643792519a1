"""The command line. Nothing is imported here but what every start needs: a command's module comes when it is used."""

from __future__ import annotations

import sys

from wherry import __version__

_YOUNG = 50_000
"""So many new objects are looked through for circles at once: at the usual 700 a start is looked through again and
again, and all that it makes stays."""


def main() -> int:
    """The console script. Returns the exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"wherry {__version__}\n")
        return 0
    import gc

    gc.set_threshold(_YOUNG)
    from wherry.cli.app import run

    code = run(arguments)
    gc.freeze()  # the interpreter would take all its modules apart before it ends: a third of a start
    return code
