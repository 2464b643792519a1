"""How a command that failed says so: the sentence on standard error, the envelope for programs, the exit code."""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry.cli.context import Face, scrubbed

if TYPE_CHECKING:
    from wherry.errors import WherryError

_OURS = re.compile(r"WHERRY-\d{4}")
_NO_ROOM, _BARRED = (errno.ENOSPC, errno.EDQUOT), (errno.EACCES, errno.EPERM, errno.EROFS)
INTERRUPTED, USAGE, UNEXPECTED = 130, 2, 1
GOES_ON = "interrupted; nothing is lost: what was settled stays, and the same command goes on from there"
_LEFT_OUT = frozenset({"error", "code", "message", "fix", "problems", "hook", "version"})


def told(face: Face, error: BaseException) -> int:
    """Say what went wrong, and return the exit code."""
    from wherry.errors import WherryError

    if face.debug and not isinstance(error, click.ClickException | click.Abort):
        from wherry.cli.drawing import clean

        for line in scrubbed("".join(traceback.format_exception(error))).splitlines():
            click.echo(clean(line), err=True)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _interrupted(face, error)
    if isinstance(error, click.ClickException):
        return usage(face, error)
    if isinstance(error, WherryError):
        return known(face, error)
    if isinstance(error, OSError) and error.errno in (*_NO_ROOM, *_BARRED):
        return known(face, _of_this_machine(error))
    return unexpected(face, error)


def _of_this_machine(error: OSError) -> WherryError:
    """No room, or no right: nobody's mistake in the program."""
    from wherry.errors import ConfigError

    full = error.errno in _NO_ROOM
    fix = "make room on the disk" if full else "give whoever runs Wherry the right to it, or name another place"
    return ConfigError(
        f"{error.filename or 'this answer, or a file,'} cannot be used: {str(error.strerror).lower()}",
        fix=f"{fix}; then run it again: nothing that was settled is lost", code="WHERRY-2128",
    )  # fmt: skip


def _interrupted(face: Face, error: BaseException) -> int:
    click.echo(f"\n{GOES_ON if isinstance(error, KeyboardInterrupt) else 'stopped; nothing was changed'}", err=True)
    _envelope(face, {"error": "Interrupted", "code": "WHERRY-0130", "message": GOES_ON, "fix": ""})
    return INTERRUPTED


def usage(face: Face, error: click.ClickException) -> int:
    """A command that was typed wrong. Exit 2."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return USAGE
    path = context.command_path if context is not None else "wherry"
    message = error.format_message()
    data = {"error": "UsageError", "code": "WHERRY-2100", "message": message, "fix": f"{path} --help"}
    draw(face, data)
    _envelope(face, data)
    return USAGE


def known(face: Face, error: WherryError) -> int:
    data = error.as_data()
    draw(face, data)
    _envelope(face, data)
    return error.exit_code


def draw(face: Face, data: Mapping[str, Any]) -> None:
    """The sentence, where it happened, what to do, where to read more; every mistake of a project file, once."""
    problems = {(one["code"], one["message"]): one for one in data.get("problems") or [data]}
    for problem in problems.values():
        for line in lines(problem):
            click.echo(line, err=True, color=face.colors)
    if _OURS.fullmatch(code := str(data["code"])):  # a plugin's own codes stand in the plugin's own docs
        docs = click.style(f"  docs     docs/reference/errors.md#{code.lower()}", dim=True)
        click.echo(docs, err=True, color=face.colors)


def lines(data: Mapping[str, Any]) -> Iterator[str]:
    """One error as it stands on the screen."""
    from wherry.cli.drawing import clean

    head = click.style("error", fg="red", bold=True)
    yield f"{head} {data['code']}  {clean(scrubbed(str(data['message'])))}"
    where = {name: value for name, value in data.items() if name not in _LEFT_OUT and _is_plain(value)}
    if where:
        yield "  where    " + "   ".join(f"{name} {clean(scrubbed(str(value)))}" for name, value in where.items())
    if data.get("fix"):
        yield f"  fix      {clean(scrubbed(str(data['fix'])))}"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and value not in ("", None)


def _envelope(face: Face, data: Mapping[str, Any]) -> None:
    if face.output == "json" and not face._printed:
        from wherry.redaction import clean

        face.envelope(f"wherry.{face.command or 'error'}/1", None, (), clean(data))


def unexpected(face: Face, error: BaseException) -> int:
    """A bug of ours, or of a plugin: one sentence, and a report to send. Exit 1."""
    kept = report(face, error)
    data = {
        "error": type(error).__name__, "code": "WHERRY-1000", "report": str(kept) if kept else "",
        "message": f"this should not have happened: {type(error).__name__}: {scrubbed(str(error))[:300]}",
        "fix": "nothing that was written is lost; send the report to whoever looks after Wherry for you",
    }  # fmt: skip
    draw(face, data)
    _envelope(face, data)
    return UNEXPECTED


def report(face: Face, error: BaseException) -> Path | None:
    """What is known of a failure, in a file without secrets, readable by its owner only."""
    from wherry import __version__

    text = "".join(traceback.format_exception(error))
    head = f"wherry {__version__}\npython {sys.version}\nplatform {sys.platform}\ncommand {face.command}\n\n"
    try:
        folder = _folder(face)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%f") + ".txt"
        handle = os.open(folder / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as out:
            out.write(scrubbed(head + text))
        return folder / name
    except OSError:
        return None


def _folder(face: Face) -> Path:
    try:
        return face.project_file.parent / ".wherry" / "reports"
    except Exception:
        import tempfile

        return Path(tempfile.gettempdir()) / f"wherry-reports-{os.getuid()}"
