"""``wherry doctor``, ``db upgrade``, ``db copy``, ``version`` and ``completion``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from wherry import __version__
from wherry.cli.drawing import table
from wherry.cli.options import face


@click.command()
def doctor() -> None:
    """Check Python, plugins, settings, secrets, store and every connection.

    Exit 0 when all is well, else the code of the first trouble: 2 for settings, 5 for a sign-in, 6 for a system that
    is down.
    """
    from wherry.operating import overview

    own = face()
    data = overview.doctor(own.hub)
    own.warnings.clear()
    own.print("wherry.doctor/1", data, lambda: _doctor(data))
    own.code = data["exit_code"]


def _doctor(data: dict[str, Any]) -> Iterator[str]:
    words = {"ok": click.style("ok", fg="green"), "warn": click.style("warn", fg="yellow"),
             "fail": click.style("FAIL", fg="red")}  # fmt: skip
    rows = list(table(["CHECK", "FOUND"], [(check["what"], check["found"]) for check in data["checks"]], most=90))
    yield f"      {rows[0]}"
    for check, row in zip(data["checks"], rows[1:], strict=True):
        yield f"{words[check['state']]}{' ' * (6 - len(check['state']))}{row}"
        if check["fix"]:
            yield f"      fix: {check['fix']}"


@click.group()
def db() -> None:
    """The state store."""


@click.command("upgrade")
def db_upgrade() -> None:
    """Bring the store to the schema of this version. Safe to run at any time; back up first, with the
    version before: wherry db copy FILE."""
    from wherry.clock import SystemClock
    from wherry.project.folder import project_store
    from wherry.store.migrate import upgrade

    own = face()
    store = project_store(own.project(), SystemClock())
    before, after = upgrade(store.database)
    done = (
        f"the store is at schema {after} already"
        if before == after
        else f"upgraded from {before or 'nothing'} to {after}"
    )
    own.print("wherry.db.upgrade/1", {"before": before, "after": after}, done)


@click.command("copy")
@click.argument("to")
def db_copy(to: str) -> None:
    """Copy the whole store into an empty one: a backup, or the move to PostgreSQL and back.

    TO is a file that is not there yet, or the URL of a database. The copy is of one moment; what runs goes on. Neither
    copied files (.wherry/files) nor the key of secrets (.wherry/key) are in it.

    \b
    Examples:
      wherry db copy backups/2026-01-31.db
      wherry db copy postgresql://wherry@localhost/wherry
    """
    from wherry.clock import SystemClock
    from wherry.project.folder import project_store
    from wherry.settings.checks import ADDRESS, is_address
    from wherry.store.copying import copy
    from wherry.store.database import Database

    if "://" in to and not is_address(to):
        raise click.BadParameter(f"this is neither a file nor the address of a store; {ADDRESS}")
    target = Database(to if "://" in to else f"sqlite:///{Path(to).resolve()}")
    if target.url.password:
        raise click.BadParameter("everybody on this machine can see its password: put it into PGPASSWORD or ~/.pgpass")
    own = face()
    store = project_store(own.project(), SystemClock())
    where = target.url.render_as_string()
    try:
        rows = copy(store.database, target)
    finally:
        target.close()
    store.audit("db.copy", where, {"rows": rows})
    own.print("wherry.db.copy/1", {"to": where, "rows": rows}, f"copied to {where}: {rows:,} rows")


@click.command()
def version() -> None:
    """This version, and those of the installed plugins."""
    import platform

    from wherry.plugins import catalogue_of_installed

    own = face()
    plugins = {one.name: one.title for one in catalogue_of_installed()}
    data = {"wherry": __version__, "python": platform.python_version(), "plugins": plugins}
    lines = [
        f"wherry {__version__}   python {platform.python_version()}",
        *(f"  {title}" for title in plugins.values()),
    ]
    own.print("wherry.version/1", data, lines)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """A script that completes commands in your shell.

    \b
    Examples:
      wherry completion bash >> ~/.bashrc
      wherry completion zsh > ~/.zfunc/_wherry
      wherry completion fish > ~/.config/fish/completions/wherry.fish
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None
    script = made(click.get_current_context().find_root().command, {}, "wherry", "_WHERRY_COMPLETE").source()
    face().print("wherry.completion/1", {"shell": shell, "script": script}, script)
