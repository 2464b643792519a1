"""The root command: the table of everything ``wherry`` can do, and the frame that runs one command."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from wherry import __version__
from wherry.cli.context import Face, closing
from wherry.cli.lazy import Lazy
from wherry.cli.options import FORMATS, equip
from wherry.cli.plugged import Root

_LIGHT = ("config", "dev", "plugin_check", "plugin_new", "plugins", "project", "simulate")
"""Modules of commands that a project need not be at work for."""


def _at(module: str, function: str, help: str, section: str = "") -> Lazy:
    return Lazy(f"wherry.cli.{module}:{function}", help, {}, section, at_work=module not in _LIGHT)


def _group(help: str, section: str, **commands: Lazy) -> Lazy:
    return Lazy("", help, {name.replace("_", "-"): command for name, command in commands.items()}, section)


_START, _SET, _RUN, _LOOK, _KEEP = "Start here", "Set up", "Run", "Look and decide", "Keep it running"

COMMANDS: dict[str, Lazy] = {
    "demo": _at("demo", "demo", "A whole project on sample data, in seconds, with no account.", _START),
    "init": _at("init", "init", "Make a project folder: asks, tests, and writes wherry.toml.", _START),
    "doctor": _at("project", "doctor", "Check Python, plugins, settings, secrets, store and every connection.", _START),
    "plugin": _group(
        "Plugins: what is installed, broken, and to be had.", _SET,
        list=_at("plugins", "list_", "Installed plugins, and the systems that are to be had."),
        info=_at("plugins", "info", "What one plugin can do and what it needs."),
        new=_at("plugin_new", "new", "Write a whole plugin, tests and all."),
        check=_at("plugin_check", "check", "Judge a plugin by the quality scale, rule by rule, with evidence."),
    ),
    "connect": _at("connect", "connect", "Sign in to a connection's account, by browser or by token.", _SET),
    "connection": _group(
        "Connections: the accounts that the project reaches.", _SET,
        list=_at("connections", "list_", "Every connection and its state; asks nobody."),
        test=_at("connections", "test", "Ask the system whose account this is, now."),
        set_secret=_at("connections", "set_secret", "Keep a secret, encrypted; read from a prompt or stdin."),
        rotate=_at("connections", "rotate", "Renew tokens now, or give a new token or secret."),
        rekey=_at("connections", "rekey", "Encrypt all stored secrets under the newest key."),
        disconnect=_at("connections", "disconnect", "End the sign-in at the vendor, and forget it here."),
        adopt=_at("connections", "adopt", "Give an account that is known under an old name this connection's name."),
        discover=_at("connections", "discover", "What the account holds: kinds, pipelines, stages, fields."),
    ),
    "config": _group(
        "The project file: check it, see what counts, make its schema.", _SET,
        check=_at("config", "check", "Tell every mistake of the project file."),
        show=_at("config", "show", "What counts, and with --origin where it was written."),
        schema=_at("config", "schema_", "The JSON schema for your editor, with the plugins' own settings."),
    ),
    "map": _group(
        "Field maps: what becomes of a record's fields.", _SET,
        show=_at("maps", "show", "Every line of a flow's maps, and where it comes from."),
        preview=_at("maps", "preview", "One real record, and what the map makes of it."),
    ),
    "plan": _at("running", "plan", "What a run would do now; writes nothing.", _RUN),
    "run": _at("running", "run", "Run a flow, after the flows that go before it.", _RUN),
    "resync": _at("running", "resync", "Bring records over again; the differences are shown first.", _RUN),
    "flow": _group(
        "Flows: see them, put them on their schedule, pause them.", _RUN,
        list=_at("flows", "list_", "Every flow, its state and its last run."),
        show=_at("flows", "show", "One flow with its settings in full."),
        activate=_at("flows", "activate", "Put a flow on its schedule; ends a pause."),
        pause=_at("flows", "pause", "Neither the schedule nor run starts the flow any more."),
    ),
    "schedule": _group(
        "When flows run by themselves.", _RUN,
        list=_at("schedule", "list_", "Every flow with its schedule and its next time."),
        run=_at("schedule", "run_", "Run what is due, until stopped."),
    ),
    "status": _at("flows", "status", "Flows, connections, and what waits for whom.", _LOOK),
    "triage": _group(
        "Questions that wait for a person: which product is this?", _LOOK,
        list=_at("triage", "list_", "The questions, with their candidates."),
        show=_at("triage", "show", "One question in full."),
        match=_at("triage", "match", "It is this one: match T-1 I-1001."),
        create=_at("triage", "create", "It is nothing that is there: make it."),
        ignore=_at("triage", "ignore", "It is of no interest; what waits goes on without it."),
        apply_identical=_at("triage", "apply_identical", "Give a question's answer to all questions of its name."),
        undo=_at("triage", "undo", "Take an answer back; the question is open again."),
    ),
    "errors": _group(
        "What waits for an operator: why, and what to do about it.", _LOOK,
        list=_at("errors_list", "list_", "What waits, by cause, with amounts and the next step."),
        show=_at("errors", "show", "One in full, with its requests and raw answers."),
        edit=_at("errors", "edit", "Correct what was refused: edit E-12 number=INV-9."),
        retry=_at("errors", "retry", "Try it again, now."),
        resolve=_at("errors", "resolve", "Say what a machine cannot tell: link it, send it again, give it up."),
        reopen=_at("errors", "reopen", "Decide anew: what was given up, or is no longer in the target."),
    ),
    "accounts": _group(
        "The chart of accounts, and what categories are booked to.", _LOOK,
        **{"import": _at("accounts", "import_", "Read a target's chart of accounts and keep it.")},
        list=_at("accounts", "list_", "The chart of accounts as it was last read."),
        map=_at("accounts", "map_", "A row in the accounts table for every category that has none."),
        check=_at("accounts", "check", "Whether the accounts table and the chart fit."),
    ),
    "journal": _group(
        "Journal entries: see, post and reverse them.", _LOOK,
        preview=_at("journal", "preview", "The entries as they would be posted, and what is left out."),
        show=_at("journal", "show", "One entry, and every movement in it."),
        post=_at("journal", "post", "Post the entries, exactly as they are shown."),
        reverse=_at("journal", "reverse", "Take an entry back by one with its sides turned over."),
        trial_balance=_at("journal", "trial_balance", "What the entries move, beside the target's trial balance."),
        export=_at("journal", "export", "Entries as files for another system's import screen."),
    ),
    "exports": _group(
        "What went to which target, as what, by whom and when.", _LOOK,
        list=_at("exports", "list_", "Documents that were exported, newest first."),
        show=_at("exports", "show", "One document in all targets."),
        mark=_at("exports", "mark", "It was entered in the target by hand: never post it."),
        unmark=_at("exports", "unmark", "It is not there after all: prepare it again."),
    ),
    "periods": _group(
        "Periods of the books: open or closed.", _LOOK,
        list=_at("periods", "list_", "The periods, and what lies in them."),
        close=_at("periods", "close", "Book nothing more into a period."),
        reopen=_at("periods", "reopen", "Book into a period again."),
    ),
    "approve": _at("approve", "approve", "What waits for approval; approve it and send it.", _LOOK),
    "explain": _at("explain", "explain", "Why a document is, or is not, in the target: one sentence.", _LOOK),
    "reconcile": _at("reconcile", "reconcile", "Compare source, ledger and target, document by document.", _LOOK),
    "close": _at("close", "close", "Month end: checklist, approve, post, tie out, pack, close the period.", _LOOK),
    "runs": _group(
        "What ran, and what happened in it.", _LOOK,
        list=_at("runs", "list_", "Runs, newest first."),
        show=_at("runs", "show", "One run, or what happened to one record in it."),
        undo=_at("runs", "undo", "Take back every document that a run made."),
    ),
    "audit": _group(
        "Who decided and changed what.", _LOOK,
        list=_at("audit", "list_", "The audit log, newest first."),
        verify=_at("audit", "verify", "Whether anybody changed the log afterwards."),
    ),
    "serve": _at("serve", "serve", "Serve the APIs and webhooks of the project's plugins.", _KEEP),
    "token": _group(
        "Tokens: who may call what is served.", _KEEP,
        create=_at("tokens", "create", "Make a token; it is shown this once."),
        list=_at("tokens", "list_", "Every token, its scopes and its last use."),
        revoke=_at("tokens", "revoke", "End a token."),
    ),
    "notification": _group(
        "What systems told of changes by webhook.", _KEEP,
        list=_at("serve", "notification_list", "The latest first, and whether a run has read it since."),
    ),
    "simulate": _at("simulate", "simulate", "Run the offline stand-in of a system.", _KEEP),
    "dev": _group(
        "For authors of plugins: sessions on record.", _KEEP,
        record=_at("dev", "record", "Record a session with an account, cleaned; it only reads."),
        replay=_at("dev", "replay", "Play a session again, offline, and preview what the map makes of it."),
    ),
    "db": _group(
        "The state store.", _KEEP,
        upgrade=_at("project", "db_upgrade", "Bring the store to the schema of this version."),
        copy=_at("project", "db_copy", "Copy the whole store into an empty one: a backup, or a move."),
    ),
    "completion": _at("project", "completion", "A script that completes commands in your shell.", _KEEP),
    "version": _at("project", "version", "This version, and those of the plugins.", _KEEP),
}  # fmt: skip

_HELP = """Carries records from one system into another, never twice, and shows what it does.

\b
  wherry demo                         see it work, with no account
  wherry init acme                    make a project
  wherry plan won-deals               see what a run would do
  wherry run won-deals                do it
  wherry triage list                  answer what only a person can tell
"""

_EXITS = """Exit codes: 0 done, 1 unexpected, 2 usage or settings, 3 no such thing, 4 something waits for a person,
5 sign in again, 6 try later, 7 refused by a guard, 8 plan --exit-code: changes pending, 9 already running,
130 interrupted."""


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"wherry {__version__}")
        ctx.exit(0)


def root() -> click.Group:
    """The command tree; nothing below it is imported yet."""
    group = Root("wherry", COMMANDS, help=_HELP, epilog=_EXITS,
                 context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})  # fmt: skip
    group.params.append(
        click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                     help="Show the version and exit.")
    )  # fmt: skip
    equip(group)
    return group


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises, but for what stops the interpreter."""
    face = Face(output=_wanted(arguments), debug="--debug" in arguments)
    with closing(face):
        try:
            return _invoke(face, list(arguments))
        except BrokenPipeError:
            _leave(sys.stdout)  # whoever read our output has seen enough
            return 0
        except BaseException as error:
            if isinstance(error, SystemExit | GeneratorExit):
                raise
            return _told(face, error)


def _told(face: Face, error: BaseException) -> int:
    """The exit code of what went wrong, also where there is no place left in which to say it."""
    from wherry.cli import failures

    code = int(getattr(error, "exit_code", failures.UNEXPECTED))
    try:
        code = failures.told(face, error)
        sys.stdout.flush()
    except OSError:
        _leave(sys.stdout, sys.stderr)
    return code


def _leave(*streams: TextIO) -> None:
    """Nothing more is written there: the interpreter must not try to, either, when it ends."""
    for stream in streams:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _invoke(face: Face, arguments: list[str]) -> int:
    """Not by ``main`` of click, which takes an interrupt for a no and a closed pipe for a failure."""
    group = root()
    if instruction := os.environ.get("_WHERRY_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(group, {"obj": face}, "wherry", "_WHERRY_COMPLETE", instruction)
    try:
        with group.make_context("wherry", arguments, obj=face) as context:
            group.invoke(context)
    except click.exceptions.Exit as left:
        return left.exit_code
    sys.stdout.flush()
    return face.code


def _wanted(arguments: Sequence[str]) -> str:
    """The output format, read ahead so that a mistake in the command itself is told in it too."""
    for word, value in zip(arguments, [*arguments[1:], ""], strict=False):
        text = word.removeprefix("--output=") if word.startswith("--output=") else value if word == "--output" else ""
        if text in FORMATS:
            return text
    return "text"
