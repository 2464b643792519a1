"""The project file: what it may say, who wins, and when it is read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wherry.errors import AccessLost, ConfigError
from wherry.roles import Connection
from wherry.settings import Auth, ConnectionSettings, Project, SecretRef, compose, find_project, load, origin, schema

from .projects import INVOICES, WON_DEALS

ENVIRON = {"HUBSPOT_URL": "http://127.0.0.1:8000/", "HUBSPOT_TOKEN": "canary-token"}
Write = Callable[..., Path]


class VendorSettings(ConnectionSettings):
    auth: Auth
    environment: Literal["production", "sandbox"] = "production"
    pass_phrase_of_key: SecretRef | None = None


def model_of(system: str) -> type[ConnectionSettings] | None:
    models: dict[str, type[ConnectionSettings]] = {"hubspot": VendorSettings, "workspace": ConnectionSettings}
    return models.get(system)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = WON_DEALS, name: str = "wherry.toml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def both(folder: Path, environ: dict[str, str] = ENVIRON, **overrides: Any) -> tuple[Project, dict[str, Connection]]:
    project = load(folder, environ, overrides)
    return project, compose(project, model_of)


def test_the_sample_project_file_loads_as_it_stands(write: Write) -> None:
    project, connections = both(write())
    flow = project.flows["won-deals"]
    assert (project.name, project.timezone, project.currency) == ("acme", "America/Chicago", "USD")
    assert project.plugins.enabled == ("hubspot", "workspace")
    assert (flow.name, flow.source, flow.sink, flow.kinds, flow.after) == (
        "won-deals", "crm", "platform", ("deal",), ("catalogue",),
    )  # fmt: skip
    assert [(p.id, p.stages, p.map, p.active) for p in flow.pipelines] == [("default", ("closedwon",), None, True)]
    assert flow.since(project.timezone) == dt.datetime(2016, 1, 1, 6, tzinfo=dt.UTC)
    assert flow.match["product"].order == ("link", "sku", "name")
    assert flow.match["product"].unmatched == "triage"
    assert connections["crm"].settings.base_url == "http://127.0.0.1:8000"
    assert connections["crm"].settings.auth.token.reveal() == "canary-token"
    assert connections["platform"].plugin == "workspace"


def test_what_is_left_out_has_its_default(write: Write) -> None:
    project = load(write(), ENVIRON)
    flow = project.flows["catalogue"]
    assert (flow.files, flow.filter, flow.map, flow.schedule, flow.pipelines) == (True, None, {}, None, ())
    assert (flow.limits.fall, flow.limits.file_size) == (0.30, 100_000_000)
    assert project.store.url == f"sqlite:///{project.folder}/.wherry/wherry.db"
    assert project.store.files == project.folder / ".wherry" / "files"
    assert project.subscription is None


def test_repeat_is_said_for_all_or_by_entity_and_is_once_where_nothing_is_said(write: Write) -> None:
    flows = load(write(), ENVIRON).flows
    assert flows["catalogue"].repeat_for("product") == "always"
    assert [flows["won-deals"].repeat_for(name) for name in ("project", "file", "customer")] == [
        "once",
        "always",
        "once",
    ]
    silent = load(write(WON_DEALS.replace('repeat = "always"\n', "")), ENVIRON).flows["catalogue"]
    assert silent.repeat_for("product") == "once"


def test_pipelines_have_stages_map_and_switch_of_their_own(write: Write) -> None:
    """b_001_38 b_001_39 b_001_40 b_001_42"""
    pipelines = """pipelines = [
  { id = "default" },
  { id = "rentals", stages = "signed", map = "rental-map", active = false },
]"""
    text = WON_DEALS.replace('pipelines = [{ id = "default", stages = ["closedwon"] }]', pipelines)
    text += '[maps.rental-map.project]\nname = "deal.rental_name"\n'
    project = load(write(text), ENVIRON)
    first, second = project.flows["won-deals"].pipelines
    assert (first.stages, first.map, first.active) == (("won",), None, True)
    assert (second.stages, second.map, second.active) == (("signed",), "rental-map", False)
    assert project.maps["rental-map"] == {"project": {"name": "deal.rental_name"}}


def test_a_map_takes_expressions_false_and_dotted_fields(write: Write) -> None:
    text = (
        WON_DEALS
        + """
[flows.won-deals.map]
file = false
[flows.won-deals.map.project]
name = "deal.dealname"
description = false
custom.po_number = "deal.po"
lines.quantity = "decimal(line_item.quantity)"
"""
    )
    flow = load(write(text), ENVIRON).flows["won-deals"]
    assert flow.map["project"] == {
        "name": "deal.dealname", "description": False,
        "custom.po_number": "deal.po", "lines.quantity": "decimal(line_item.quantity)",
    }  # fmt: skip
    assert not flow.map["file"]


def test_a_start_date_may_be_a_date_or_a_time_with_or_without_offset(write: Write) -> None:
    def since(written: str) -> dt.datetime | None:
        text = WON_DEALS.replace("changed_since = 2016-01-01", f"changed_since = {written}")
        project = load(write(text), ENVIRON)
        return project.flows["won-deals"].since(project.timezone)

    assert since("2026-07-01") == dt.datetime(2026, 7, 1, 5, tzinfo=dt.UTC)
    assert since("2026-07-01T12:00:00") == dt.datetime(2026, 7, 1, 17, tzinfo=dt.UTC)
    assert since("2026-07-01T12:00:00+02:00") == dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)
    assert since('"2026-07-01"') == dt.datetime(2026, 7, 1, 5, tzinfo=dt.UTC)


def test_a_flow_of_invoices_says_what_they_become_which_are_taken_and_who_approves(write: Write) -> None:
    """b_003_16, b_003_17"""
    flow = load(write(INVOICES), {"BOOKS_URL": "http://127.0.0.1:8000"}).flows["invoices"]
    assert (flow.document, flow.needs_approval, flow.books_from) == ("invoice", False, dt.date(2010, 12, 1))
    assert flow.when is not None
    assert flow.when.status == ("invoiced",)
    assert flow.match["customer"].order == ("link", "reference")
    several = INVOICES.replace('status = "invoiced"', 'status = [" Finalized", "PAID"]')
    when = load(write(several), {"BOOKS_URL": "http://127.0.0.1:8000"}).flows["invoices"].when
    assert when is not None
    assert when.status == ("finalized", "paid"), "spelt as they are compared"


def test_a_flow_that_says_nothing_of_documents_has_none_and_needs_no_approval(write: Write) -> None:
    flow = load(write(), ENVIRON).flows["won-deals"]
    assert (flow.document, flow.when, flow.books_from, flow.needs_approval) == (None, None, None, False)


def test_flag_beats_environment_beats_dotenv_beats_local_file_beats_project_file_beats_default(write: Write) -> None:
    folder = write(WON_DEALS + '[store]\nurl = "sqlite:///main.db"\n')
    key, seen = "store.url", []
    layers: list[tuple[str, dict[str, str], dict[str, str]]] = [("", {}, {})]
    for name, text in (("wherry.local.toml", '[store]\nurl = "sqlite:///local.db"\n'),
                       (".env", "WHERRY__STORE__URL=sqlite:///dotenv.db\n")):  # fmt: skip
        seen.append(load(folder, ENVIRON).store.url)
        write(text, name)
    layers = [("", {}, {}), ("", {"WHERRY__STORE__URL": "sqlite:///environ.db"}, {}),
              ("", {"WHERRY__STORE__URL": "sqlite:///environ.db"}, {key: "sqlite:///flag.db"})]  # fmt: skip
    seen += [load(folder, {**ENVIRON, **environ}, flags).store.url for _, environ, flags in layers]
    names = ["main", "local", "dotenv", "environ", "flag"]
    assert seen == [f"sqlite:///{folder}/{name}.db" for name in names]


def test_an_underscore_in_a_variable_stands_for_the_hyphen_of_a_name(write: Write) -> None:
    environ = {**ENVIRON, "WHERRY__FLOWS__WON_DEALS__REPEAT": "always", "WHERRY__FLOWS__WON_DEALS__FILES": "false"}
    flow = load(write(), environ).flows["won-deals"]
    assert (flow.repeat_for("project"), flow.files) == ("always", False)
    environ = {**ENVIRON, "WHERRY__FLOWS__NEW_FLOW__SOURCE": "crm", "WHERRY__FLOWS__NEW_FLOW__SINK": "platform"}
    assert load(write(), environ).flows["new-flow"].source == "crm"


def test_a_list_or_table_in_a_variable_is_json(write: Write) -> None:
    environ = {**ENVIRON, "WHERRY__FLOWS__WON_DEALS__KINDS": '["deal", "ticket"]'}
    environ["WHERRY__FLOWS__WON_DEALS__PIPELINES"] = '[{"id": "p2", "stages": ["won"]}]'
    flow = load(write(), environ).flows["won-deals"]
    assert flow.kinds == ("deal", "ticket")
    assert flow.pipelines[0].id == "p2"


def test_a_secret_of_a_higher_layer_replaces_the_reference_as_a_whole(write: Write) -> None:
    folder = write()
    (folder / "token").write_text("from-file\n")
    write('[connections.crm.auth]\ntoken = { file = "token" }\n', "wherry.local.toml")
    _, connections = both(folder)
    assert connections["crm"].settings.auth.token.reveal() == "from-file"
    _, connections = both(folder, {**ENVIRON, "WHERRY__CONNECTIONS__CRM__AUTH__TOKEN": "given"})
    assert connections["crm"].settings.auth.token.reveal() == "given"


def test_variables_are_filled_in_with_defaults_and_only_once(write: Write) -> None:
    def base_url(written: str, **environ: str) -> str | None:
        _, connections = both(write(WON_DEALS.replace("${HUBSPOT_URL}", written)), {"HUBSPOT_TOKEN": "x", **environ})
        found: str | None = connections["crm"].settings.base_url
        return found

    assert base_url("${A:-http://default}") == "http://default"
    assert base_url("${A:-http://default}", A="") == "http://default"
    assert base_url("${A:-http://default}", A="http://set") == "http://set"
    assert base_url("http://${HOST}:${PORT}", HOST="h", PORT="80") == "http://h:80"
    assert base_url("${A:-}") is None
    flow = load(write(WON_DEALS.replace('kinds = ["deal"]', 'kinds = ["${A}", "$${A}"]')), {**ENVIRON, "A": "${B}"})
    assert flow.flows["won-deals"].kinds == ("${B}", "${A}")


def test_variables_may_come_from_dotenv_and_the_environment_goes_first(write: Write) -> None:
    folder = write()
    write("# comment\nexport HUBSPOT_URL='http://dotenv'\nHUBSPOT_TOKEN=t1\n", ".env")
    _, connections = both(folder, {})
    assert connections["crm"].settings.base_url == "http://dotenv"
    assert connections["crm"].settings.auth.token.reveal() == "t1"
    _, connections = both(folder, {"HUBSPOT_TOKEN": "t2"})
    assert connections["crm"].settings.auth.token.reveal() == "t2"


def test_an_unset_secret_stops_only_whoever_asks_for_it(write: Write) -> None:
    """Flows that do not use the connection load and run; the error names key and variable."""
    _, connections = both(write(), {"HUBSPOT_URL": "http://x"})
    with pytest.raises(ConfigError) as caught:
        connections["crm"].settings.auth.token.reveal()
    assert caught.value.exit_code == 2
    assert caught.value.where["key"] == "connections.crm.auth.token"
    assert "HUBSPOT_TOKEN" in caught.value.message


def test_a_variable_in_a_secret_key_is_a_reference_that_is_read_late(write: Write) -> None:
    text = WON_DEALS.replace('token = { env = "HUBSPOT_TOKEN" }', 'token = "${LATE}"')
    _, connections = both(write(text))
    with pytest.raises(ConfigError, match="LATE"):
        connections["crm"].settings.auth.token.reveal()
    _, connections = both(write(text), {**ENVIRON, "LATE": "now"})
    assert connections["crm"].settings.auth.token.reveal() == "now"


def test_a_secret_comes_from_file_command_or_store(write: Write) -> None:
    def token(written: str) -> SecretRef:
        _, connections = both(write(WON_DEALS.replace('{ env = "HUBSPOT_TOKEN" }', written)))
        found: SecretRef = connections["crm"].settings.auth.token
        return found

    folder = write()
    (folder / "secret").write_bytes(b" spaced \r\n")
    assert token('{ file = "secret" }').reveal() == " spaced "
    assert (
        token("""{ command = ["sh", "-c", "printf '%s\\n' $HUBSPOT_TOKEN"] }""".replace("\\n", "\\\\n")).reveal()
        == "canary-token"
    )
    vault = {"auth.token": "kept"}
    stored = token("{ stored = true }")
    assert stored.reveal(vault.get) == "kept"
    with pytest.raises(AccessLost, match=r"connections\.crm\.auth\.token") as caught:
        stored.reveal(lambda name: None)
    assert caught.value.fix == "wherry connect crm"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('{ file = "nowhere" }', "cannot be read"),
        ('{ file = "." }', "cannot be read"),
        ('{ file = "empty" }', "empty"),
        ('{ file = "binary" }', "not text"),
        ('{ command = ["false"] }', "ended with code 1"),
        ('{ command = ["no-such-program"] }', "cannot be run"),
        ('{ command = ["true"] }', "printed nothing"),
    ],
)
def test_a_secret_that_cannot_be_had_names_its_key_and_the_reason(write: Write, written: str, reason: str) -> None:
    folder = write(WON_DEALS.replace('{ env = "HUBSPOT_TOKEN" }', written))
    (folder / "empty").write_text("\n")
    (folder / "binary").write_bytes(b"\xff\xfe\x00")
    _, connections = both(folder)
    with pytest.raises(ConfigError, match=reason) as caught:
        connections["crm"].settings.auth.token.reveal()
    assert caught.value.where["key"] == "connections.crm.auth.token"


def test_nothing_that_is_printed_shows_a_secret(write: Write) -> None:
    """case_G11 I14"""
    environ = {**ENVIRON, "WHERRY__CONNECTIONS__CRM__AUTH__TOKEN": "canary-given",
               "WHERRY__CONNECTIONS__CRM__PASS_PHRASE_OF_KEY": "canary-phrase",
               "WHERRY__STORE__URL": "postgresql://u:canary-password@h/d"}  # fmt: skip
    project, connections = both(write(), environ)
    settings = connections["crm"].settings
    shown = [repr(project), str(project), repr(connections), str(settings), settings.model_dump_json()]
    shown += [str(settings.model_dump()), str(origin(project)), str(origin(project, connections)), repr(settings.auth)]
    assert [text for text in shown if "canary" in text] == []


def test_settings_cannot_be_changed_after_loading(write: Write) -> None:
    project = load(write(), ENVIRON)
    with pytest.raises(ValueError, match="frozen"):
        project.flows["won-deals"].files = False


def test_origin_tells_the_winner_and_what_it_hid(write: Write) -> None:
    folder = write()
    write("[flows.won-deals]\nfiles = false\n", "wherry.local.toml")
    environ = {**ENVIRON, "WHERRY__FLOWS__WON_DEALS__FILES": "true"}
    project, connections = both(folder, environ)
    rows = {row.key: row for row in origin(project, connections)}
    files = rows["flows.won-deals.files"]
    assert (files.value, files.source) == ("true", "environment WHERRY__FLOWS__WON_DEALS__FILES")
    assert [(hidden.value, hidden.source) for hidden in files.hidden] == [("false", "wherry.local.toml, line 2")]
    assert (rows["project.name"].value, rows["project.name"].source) == ("acme", "wherry.toml, line 4")
    assert (rows["connections.crm.environment"].value, rows["connections.crm.environment"].source) == (
        "production",
        "default",
    )
    assert rows["connections.crm.auth.token"].value == "set (env)"
    assert rows["flows.catalogue.files"].source == "default"
    unset = {row.key: row for row in origin(load(folder, {"HUBSPOT_URL": "http://x"}))}
    assert unset["connections.crm.auth.token"].value == "not set"


def test_the_project_is_found_from_a_folder_below(write: Write, tmp_path: Path) -> None:
    write()
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert find_project(tmp_path / "a" / "b") == tmp_path / "wherry.toml"


def test_outside_a_project_the_folder_and_the_way_out_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)) as caught:
        find_project(tmp_path)
    assert "wherry init" in caught.value.fix
    assert caught.value.exit_code == 2


def test_a_project_file_of_another_name_has_its_own_local_file(write: Write, tmp_path: Path) -> None:
    write(name="stage.toml")
    write('[project]\nname = "stage"\n', "stage.local.toml")
    assert load(tmp_path / "stage.toml", ENVIRON).name == "stage"


def test_a_connection_whose_plugin_has_no_model_is_left_out(write: Write) -> None:
    project = load(write(), ENVIRON)
    assert list(compose(project, {"workspace": ConnectionSettings}.get)) == ["platform"]


def test_a_settings_model_that_breaks_stops_only_its_own_connection(write: Write) -> None:
    """case_G20"""

    class Hostile(ConnectionSettings):
        def __init__(self, **data: Any) -> None:
            raise RuntimeError("boom")

    project = load(write(), ENVIRON)
    broken: list[str] = []
    models = {"hubspot": Hostile, "workspace": ConnectionSettings}
    assert list(compose(project, models.get, lambda system, _: broken.append(system))) == ["platform"]
    assert broken == ["hubspot"]


def test_the_schema_takes_the_sample_and_refuses_what_loading_refuses(write: Write) -> None:
    import tomllib

    whole = schema({"hubspot": VendorSettings, "workspace": ConnectionSettings})
    jsonschema.Draft202012Validator.check_schema(whole)
    judge = jsonschema.Draft202012Validator(whole)

    def mistakes(text: str) -> list[str]:
        data = json.loads(json.dumps(tomllib.loads(text), default=str))
        return [error.json_path for error in judge.iter_errors(data)]

    assert mistakes(WON_DEALS) == []
    assert mistakes(WON_DEALS.replace("base_url", "base_ulr")) == ["$.connections.crm"]
    assert mistakes(WON_DEALS.replace('"triage"', '"tirage"')) != []
    assert mistakes(WON_DEALS.replace('name = "acme"', "")) == ["$.project"]
    assert mistakes(WON_DEALS.replace('repeat = "always"', 'repeat = "never"')) != []


@hypothesis_settings(deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: "\x00" not in text))
def test_no_value_of_a_variable_is_read_as_anything_but_text(value: str) -> None:
    """A value in the environment is never filled in again, whatever ``${…}`` stands in it."""
    from wherry.settings.layers import _filled

    missing: list[str] = []
    assert _filled("${A}", {"A": value}, missing) == value
    assert missing == []
