"""``wherry init``: a project folder, by questions or from a template."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wherry import demo as demonstration
from wherry import plugins
from wherry.cli import starting, templates
from wherry.cli.connections import stages as draw_stages
from wherry.cli.context import Face
from wherry.cli.formats import write
from wherry.cli.options import face
from wherry.cli.starting import Carried, Connected, Plan, Secret
from wherry.errors import ConfigError, Guarded, WherryError
from wherry.settings import PROJECT_FILE, load
from wherry.settings.mistakes import nearest

if TYPE_CHECKING:
    from wherry.hookspecs import Manifest
    from wherry.hub import Hub


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--template",
    type=click.Choice(["crm", "invoices", "journals", "demo"]),
    help="Write this template and ask nothing.",
)
@click.option(
    "--into", default="", metavar="SYSTEM", help="With invoices or journals: the system that keeps the books."
)
@click.option("--from", "source", default="", metavar="SYSTEM", help="With crm: the CRM that is read.")
def init(directory: Path | None, template: str | None, into: str, source: str) -> None:
    """Make a project folder: choose systems and say how secrets are given; connections are tested, pipelines listed.

    Without a terminal, or with --no-input, the crm template is written: the installed plugins, ready to be edited.
    invoices carries the platform's invoices into the books, journals books its movements.

    \b
    Examples:
      wherry init acme
      wherry init acme --template crm --from SYSTEM
      wherry init shop --template invoices
      wherry init yard --template invoices --into SYSTEM
      wherry init acme --template demo
    """
    own = face()
    if into and template not in templates.NAMES:
        raise click.UsageError(f"--into goes with --template {' or '.join(templates.NAMES)}")
    if source and template != "crm":
        raise click.UsageError("--from goes with --template crm")
    folder = (directory or own.folder or Path(".")).absolute()
    own.folder, own.config = directory or own.folder, None
    if (folder / PROJECT_FILE).exists() and not own.yes:
        fix = "say --yes to write over it, or name another folder"
        raise Guarded(f"{folder / PROJECT_FILE} is there already", fix=fix, code="WHERRY-7080")
    others: Sequence[Manifest] = ()
    if template is None and own.asks:
        plan = _asked(own, folder)
    elif template == "demo":
        _demo(own, folder)
        return
    elif template in templates.NAMES:
        _for_books(own, folder, template, into)
        return
    else:
        plan, others = _template(folder, source)
        _write(folder, starting.text(plan))
        _list_pipelines(own, folder, plan)
    _done(own, folder, plan, template or "crm", others)


def _done(own: Face, folder: Path, plan: Plan, template: str, others: Sequence[Manifest]) -> None:
    flows = [flow.name for flow in plan.flows]
    nexts = ["wherry doctor", f"wherry plan {flows[-1]}"] if flows else ["wherry plugin list"]
    nexts = _from_there(own, folder) + nexts
    data = {"folder": str(folder), "file": str(folder / PROJECT_FILE), "template": template, "flows": flows,
            "others": [one.system for one in others]}  # fmt: skip
    lines = [f"wrote {folder / PROJECT_FILE}"]
    if others and flows:
        said = _others(others, "--template crm --from")
        lines.append(f"the CRM is {plan.connections[0].manifest.title}{said}")
    own.print("wherry.init/1", data, lines, nexts)


def _from_there(own: Face, folder: Path) -> list[str]:
    """The step into the project folder, from which the next commands work as they stand."""
    own.folder, here = None, Path.cwd()
    if folder == here:
        return []
    return [f"cd {shlex.quote(str(folder.relative_to(here) if folder.is_relative_to(here) else folder))}"]


def _list_pipelines(own: Face, folder: Path, plan: Plan) -> None:
    """Where the token is at hand already, the pipelines to choose from."""
    given = {one.name for one in plan.connections if one.secret and os.environ.get(one.secret.detail)}
    if not given & {flow.source for flow in plan.flows}:
        return
    with _opened(own, folder) as hub:
        reached = list(_tested(own, hub))
        for flow in plan.flows:
            if flow.source in reached:
                _pipelines(own, hub, flow)


def _write(folder: Path, text: str) -> None:
    write(folder / PROJECT_FILE, text, make=True)
    if not (folder / ".gitignore").exists():
        write(folder / ".gitignore", starting.GITIGNORE)


def _demo(own: Face, folder: Path) -> None:
    """The project of the demonstration, without running it: for a stand-in on its usual port."""
    system, sample = demonstration.sample()
    _write(folder, sample.PROJECT)
    demonstration.write_environment(folder, "http://127.0.0.1:8701")
    own.print("wherry.init/1", {"folder": str(folder), "file": str(folder / PROJECT_FILE), "template": "demo"},
              f"wrote {folder / PROJECT_FILE}",
              [f"wherry simulate {system} --port 8701", *_from_there(own, folder), "wherry doctor"])  # fmt: skip


def _for_books(own: Face, folder: Path, template: str, into: str) -> None:
    """A project that brings invoices or journals into the books, and the table that a bookkeeper fills in."""
    between = templates.ends(_usable(), template, into)
    name, zone = starting.project_name(folder), _zone()
    _write(folder, templates.text(template, between, name, zone, "USD", _today(zone)))
    if template == "journals" and not (folder / templates.TABLE).exists():
        (folder / templates.TABLE).parent.mkdir(parents=True, exist_ok=True)
        (folder / templates.TABLE).write_text(templates.table_head(), encoding="utf-8")
    data = {"folder": str(folder), "file": str(folder / PROJECT_FILE), "template": template,
            "flows": [templates.FLOWS[template]], "books": between.books.system,
            "others": [one.system for one in between.others]}  # fmt: skip
    said = _others(between.others, "--into")
    lines = [f"wrote {folder / PROJECT_FILE}", f"the books are {between.books.title}{said}"]
    nexts = _from_there(own, folder) + templates.after(template, between)
    own.print("wherry.init/1", data, lines, nexts)


def _others(found: Sequence[Manifest], option: str) -> str:
    return "".join(f"; for {one.title}: {option} {one.system} --yes" for one in found)


# -- from what is installed --------------------------------------------------------------------------------------------


def _usable() -> plugins.Plugins:
    """Every installed plugin, loaded: init has to know what they need."""
    return plugins.load([one.name for one in plugins.catalogue_of_installed()])


def _ends(usable: plugins.Plugins) -> dict[str, Manifest]:
    """What records can be read from or written to."""
    found = {name: one for name, one in usable.manifests.items() if {"source", "sink"} & {*one.roles}}
    return dict(sorted(found.items()))


def _template(folder: Path, wanted: str) -> tuple[Plan, Sequence[Manifest]]:
    """The project, and the other CRMs that it might read."""
    usable = _usable()
    manifests = _ends(usable).values()
    source, others = templates.crms(usable, wanted)
    sink = next((one for one in manifests if "sink" in one.roles and one.group == "platform"), None)
    connections = [
        _connected(one, Secret("env", starting.variable(one.system, "TOKEN")), usable) for one in (source, sink) if one
    ]
    plan = Plan(name=starting.project_name(folder), timezone=_zone(), currency="USD", connections=connections,
                flows=starting.flows_among(connections))  # fmt: skip
    return plan, others


def _connected(manifest: Any, secret: Secret, usable: plugins.Plugins) -> Connected:
    signs = "token" in manifest.sign_in
    return Connected(name=manifest.system, manifest=manifest, secret=secret if signs else None,
                     settings=usable.settings_model(manifest.system))  # fmt: skip


def _zone() -> str:
    """The machine's time zone, where it tells."""
    link = Path("/etc/localtime")
    name = os.environ.get("TZ") or (str(link.resolve()).partition("zoneinfo/")[2] if link.is_symlink() else "")
    import zoneinfo

    return name if name in zoneinfo.available_timezones() and not name.startswith("Etc/") else "UTC"


def _today(zone: str) -> dt.date:
    """The day on the wall: on the last evening of a month it is another month in UTC already."""
    import zoneinfo

    return dt.datetime.now(zoneinfo.ZoneInfo(zone)).date()


# -- by questions ------------------------------------------------------------------------------------------------------


def _ask(question: str, default: str = "", **settings: Any) -> str:
    return str(click.prompt(question, default=default or None, err=True, **settings)).strip()


def _asked(own: Face, folder: Path) -> Plan:
    loaded = _usable()
    usable = _ends(loaded)
    given: dict[str, str] = {}
    connections = [_connected(usable[name], _secret(name, usable[name], given), loaded)
                   for name in _systems(own, usable)]  # fmt: skip
    plan = Plan(
        name=_ask("Name of the project", starting.project_name(folder)),
        timezone=_ask("Time zone", _zone(), value_proc=_timezone),
        currency=_ask("Currency", "USD", value_proc=_currency), connections=connections,
        flows=starting.flows_among(connections),
    )  # fmt: skip
    _write(folder, starting.text(plan))
    with _opened(own, folder) as hub:
        _keep(hub, given)
        reached = list(_tested(own, hub))
        for flow in plan.flows:
            if flow.source in reached:
                _choose_stages(own, hub, flow)
    since = _since() if plan.flows else ""
    for flow in plan.flows:
        flow.since = since
    _write(folder, starting.text(plan))
    return plan


def _systems(own: Face, usable: Mapping[str, Manifest]) -> list[str]:
    """The systems to connect, of those that are installed."""
    own.note("Installed systems:")
    for name, manifest in usable.items():
        own.note(f"  {name}   {manifest.title}, {manifest.group}: {', '.join(manifest.roles)}")
    chosen = _ask("Systems to connect", " ".join(usable)).replace(",", " ").split()
    unknown = [word for word in chosen if word not in usable]
    if unknown:
        raise ConfigError(f"the plugin {unknown[0]} is not installed", fix=plugins.how_to_get(unknown[0]),
                          code="WHERRY-2320")  # fmt: skip
    return chosen


def _secret(name: str, manifest: Any, given: dict[str, str]) -> Secret:
    if "token" not in manifest.sign_in:
        return Secret()
    way = _ask(f"How is the token of {name} given?", "env", type=click.Choice(["env", "file", "stored"]))
    if way == "stored":
        given[name] = _ask(f"Token of {name}", hide_input=True)
        return Secret("stored")
    standard = starting.variable(name, "TOKEN") if way == "env" else f"{name}.token"
    return Secret(way, _ask("Variable" if way == "env" else "File", standard))


def _timezone(said: str) -> str:
    import zoneinfo

    known = zoneinfo.available_timezones()
    if said.strip() in known:
        return said.strip()
    close = nearest(said.strip(), known)
    fix = f"did you mean {close}?" if close else "Europe/Oslo is one"
    raise click.UsageError(f"{said!r} is no time zone; {fix}")


def _currency(said: str) -> str:
    from wherry.money import DECIMALS

    code = said.strip().upper()
    if code in DECIMALS:
        return code
    close = nearest(code, DECIMALS)
    raise click.UsageError(f"{said!r} is no currency; " + (f"did you mean {close}?" if close else "USD is one"))


def _since() -> str:
    said = _ask("Only what was modified since (a date, or all)", "all", value_proc=_date)
    return "" if said == "all" else said


def _date(said: str) -> str:
    import datetime as dt

    if said.strip() == "all":
        return "all"
    try:
        return dt.date.fromisoformat(said.strip()).isoformat()
    except ValueError:
        raise click.UsageError(f"{said!r} is not a date; write it like 2026-01-31") from None


def _opened(own: Face, folder: Path) -> Hub:
    from wherry.hub import Hub

    own.configure_logging()
    return Hub(load(folder))


def _keep(hub: Hub, given: dict[str, str]) -> None:
    from wherry.operating import connections

    for name, value in given.items():
        connections.set_secret(hub, name, "", value)


def _tested(own: Face, hub: Hub) -> Iterator[str]:
    """The connections that answered; what is wrong with the others is said, and does not stop the rest."""
    from wherry.operating import connections

    for name in hub.project.connections:
        try:
            account = connections.test(hub, name)
        except WherryError as error:
            own.note(f"{name}: {error.message}" + (f"\n  fix  {error.fix}" if error.fix else ""))
        else:
            own.note(f"{name} reaches {account.name} ({account.id})")
            yield name


def _pipelines(own: Face, hub: Hub, flow: Carried) -> list[Any]:
    """The pipelines that a flow may take, shown with their stages; none where its kind has none."""
    from wherry.operating import connections

    try:
        found = connections.discover(hub, flow.source, flow.kind)["kinds"].get(flow.kind, {})
    except WherryError as error:
        own.note(f"{flow.source}: {error.message}")
        return []
    pipelines: list[Any] = found.get("pipelines", [])
    if pipelines:
        own.note(f"Pipelines of {flow.kind}:")
    for line in draw_stages(pipelines):
        own.note(line)
    return pipelines


def _choose_stages(own: Face, hub: Hub, flow: Carried) -> None:
    pipelines = _pipelines(own, hub, flow)
    if not pipelines:
        return
    ids = [str(one["id"]) for one in pipelines]
    pipeline = _ask("Pipeline to take", ids[0], type=click.Choice(ids))
    said = _ask("Stages that trigger (ids, or won)", "won")
    flow.stages = {pipeline: said.replace(",", " ").split()}
