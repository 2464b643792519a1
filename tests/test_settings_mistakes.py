"""Every mistake in a project file: which key, which line, what would be allowed, and all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from wherry.errors import ConfigError
from wherry.redaction import scrub
from wherry.settings import Auth, ConnectionSettings, Schedule, SecretRef, compose, load

BASE = """version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = ["hubspot", "workspace"]
[connections.crm]
plugin = "hubspot"
auth = { kind = "token", token = { env = "TOKEN" } }
[connections.platform]
plugin = "workspace"
[flows.catalogue]
source = "crm"
sink = "platform"
[flows.won-deals]
source = "crm"
sink = "platform"
pipelines = [
  { id = "default", stages = ["won"] },
]
"""


class VendorSettings(ConnectionSettings):
    auth: Auth
    environment: Literal["production", "sandbox"] = "production"
    page: int = 100
    credential: SecretRef | None = None


def model_of(system: str) -> type[ConnectionSettings] | None:
    models: dict[str, type[ConnectionSettings]] = {"hubspot": VendorSettings, "workspace": ConnectionSettings}
    return models.get(system)


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[dict[str, Any]]:
    (folder / "wherry.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        compose(load(folder, environ or {}), model_of)
    assert caught.value.exit_code == 2
    found: list[dict[str, Any]] = caught.value.where["problems"]
    return found


def one(folder: Path, text: str, environ: dict[str, str] | None = None) -> dict[str, Any]:
    found = problems(folder, text, environ)
    assert len(found) == 1, found
    return found[0]


def changed(old: str, new: str) -> str:
    assert old in BASE
    return BASE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        (changed('stages = ["won"]', 'stagess = ["won"]'), "flows.won-deals.pipelines[0].stagess", 20,
         "did you mean stages?"),
        (changed("[flows.won-deals]\nsource", "[flows.won-deals]\nsuorce"), "flows.won-deals.suorce", 17,
         "did you mean source?"),
        (changed('"crm"\nsink', '"crmm"\nsink'), "flows.catalogue.source", 14, "did you mean crm?"),
        (changed('plugin = "hubspot"', 'plugin = "hubpsot"'), "connections.crm.plugin", 9, "did you mean hubspot?"),
        (changed("America/Chicago", "America/Chicgo"), "project.timezone", 4, "did you mean America/Chicago?"),
        (changed("USD", "usd"), "project.currency", 5, "did you mean USD?"),
        (changed('"acme"', '"Acme Corp"'), "project.name", 3, "lower case"),
        (changed("version = 1", "version = 2"), "version", 1, "update Wherry"),
        (changed("[flows.catalogue]", "[flows.Cata_logue]"), "flows.Cata_logue", 13, "lower case"),
        (changed('stages = ["won"]', 'map = "rentals"'), "flows.won-deals.pipelines[0].map", 20, "map of [maps]"),
        (changed('kind = "token"', 'kind = "tokn"'), "connections.crm.auth.kind", 10, "did you mean token?"),
        (changed('kind = "token", ', ""), "connections.crm.auth", 10, "token, oauth2"),
        (changed('{ env = "TOKEN" }', '{ envv = "TOKEN" }'), "connections.crm.auth.token.envv", 10,
         "did you mean env?"),
        (changed('{ env = "TOKEN" }', '{ env = "A", file = "b" }'), "connections.crm.auth.token", 10, "exactly one"),
        (changed('{ env = "TOKEN" }', "12"), "connections.crm.auth.token", 10, "{ env ="),
        (changed('"hubspot"\nauth', '"hubspot"\npaeg = 5\nauth'), "connections.crm.paeg", 10, "did you mean page?"),
        (changed('"hubspot"\nauth', '"hubspot"\npage = "many"\nauth'), "connections.crm.page", 10,
         "whole number, not text"),
        (changed('"hubspot"\nauth', '"hubspot"\nenvironment = "sandbx"\nauth'), "connections.crm.environment", 10,
         "did you mean sandbox?"),
        (changed('"hubspot"\nauth', '"hubspot"\nbase_url = "ftp://x"\nauth'), "connections.crm.base_url", 10, "https://"),
        (BASE + 'after = ["catalog"]\n', "flows.won-deals.after[0]", 22, "did you mean catalogue?"),
        (BASE + 'after = ["won-deals"]\n', "flows.won-deals.after", 22, "itself"),
        (BASE + 'repeat = "alway"\n', "flows.won-deals.repeat", 22, "did you mean always?"),
        (BASE + 'repeat = { file = "never" }\n', "flows.won-deals.repeat", 22, "once, always"),
        (BASE + 'changed_since = "soon"\n', "flows.won-deals.changed_since", 22, "2026-01-01"),
        (BASE + "changed_since = 0001-01-01\n", "flows.won-deals.changed_since", 22, "1970"),
        (BASE + 'kinds = "deal"\n', "flows.won-deals.kinds", 22, "a list, not text"),
        (BASE + 'kinds = ["deal", "deal"]\n', "flows.won-deals.kinds", 22, "twice"),
        (BASE + 'filter = "amount >"\n', "flows.won-deals.filter", 22, "not an expression"),
        (BASE + "[flows.won-deals.map.project]\nname = 5\n", "flows.won-deals.map.project.name", 23, "expression"),
        (BASE + '[flows.won-deals.map.project]\nlines.price = "a +"\n', "flows.won-deals.map.project.lines.price", 23,
         "not an expression"),
        (BASE + '[flows.won-deals.match.product]\nunmatched = "creat"\n', "flows.won-deals.match.product.unmatched", 23,
         "did you mean create?"),
        (BASE + '[flows.won-deals.schedule]\nevery = "2x"\n', "flows.won-deals.schedule.every", 23, "15m"),
        (BASE + '[flows.won-deals.schedule]\ncron = "61 * * * *"\n', "flows.won-deals.schedule.cron", 23,
         "five fields"),
        (BASE + '[flows.won-deals.schedule]\ncron = "0 0 30 2 *"\n', "flows.won-deals.schedule.cron", 23,
         "never comes"),
        (BASE + "[flows.won-deals.schedule]\n", "flows.won-deals.schedule", 22, "every"),
        (BASE + "[flows.won-deals.limits]\nfall = 1.5\n", "flows.won-deals.limits.fall", 23, "less than or equal to 1"),
        (BASE + '[flows.won-deals.limits]\nfile_size = "big"\n', "flows.won-deals.limits.file_size", 23, "100MB"),
        (BASE + '[subscription]\ntier = "gold"\n', "subscription.tier", 23, "free, plus, pro, enterprise"),
        (BASE + '[store]\nurl = "mysql://h/d"\n', "store.url", 23, "postgresql://"),
        (BASE + '[plugins.versions]\nhubspot = "newest"\n', "plugins.versions.hubspot", 23, ">=1.2,<2"),
        (BASE + "[flwos.x]\n", "flwos", 22, "did you mean flows?"),
    ],
)  # fmt: skip
def test_a_mistake_names_key_line_and_what_is_allowed(
    tmp_path: Path, text: str, key: str, line: int, said: str
) -> None:
    found = one(tmp_path, text)
    assert (found["key"], found["line"], found["file"]) == (key, line, "wherry.toml")
    assert said in f"{found['message']} | {found['fix']}"
    assert key in found["message"]
    assert f"line {line}" in found["message"]
    assert found["code"].startswith("WHERRY-2")


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('document = "sales_order"', "document", "did you mean sales-order? allowed: invoice, estimate, sales-order"),
        ('document = "bill"', "document", "allowed: invoice, estimate, sales-order, journal"),
        ('approval = "automatc"', "approval", "did you mean automatic? allowed: automatic, required"),
        ('when = { state = "invoiced" }', "when.state", "did you mean status?"),
        ('when = "invoiced"', "when", "must be a table, not text"),
        ("when = { status = 4 }", "when.status", "must be a list, not a number"),
        ("when = { status = [] }", "when.status", "at least 1"),
        ('when = { status = ["Paid", "paid "] }', "when.status", "names 'paid' twice"),
        ('when = { status = " " }', "when.status", "holds an empty text"),
        ('books_from = "yesterday"', "books_from", "without quotes"),
        ("books_from = 2010-12-01T08:00:00Z", "books_from", "write the day alone"),
        ("books_from = 1066-10-14", "books_from", "out of range"),
    ],
)
def test_a_mistake_about_documents_names_what_would_be_right(tmp_path: Path, line: str, key: str, said: str) -> None:
    found = one(tmp_path, f"{BASE}{line}\n")
    assert found["key"] == f"flows.won-deals.{key}"
    assert found["line"] == BASE.count("\n") + 1
    assert said in f"{found['message']} {found['fix']}"


def test_all_mistakes_of_all_kinds_are_told_at_once(tmp_path: Path) -> None:
    text = (
        BASE.replace("USD", "US").replace('stages = ["won"]', "active = 7").replace('source = "crm"', 'source = "cmr"')
    )
    found = problems(tmp_path, text + 'files = "maybe"\n')
    assert [(problem["key"], problem["line"]) for problem in found] == [
        ("project.currency", 5), ("flows.catalogue.source", 14), ("flows.won-deals.source", 17),
        ("flows.won-deals.pipelines[0].active", 20), ("flows.won-deals.files", 22),
    ]  # fmt: skip
    with pytest.raises(ConfigError, match=r"project\.currency.*\(and 4 more\)"):
        load(tmp_path, {})


def test_mistakes_of_two_connections_are_told_together(tmp_path: Path) -> None:
    text = BASE.replace('kind = "token"', 'kind = "token", scope = 1').replace(
        '"workspace"\n[', '"workspace"\nx = 1\n['
    )
    assert [found["key"] for found in problems(tmp_path, text)] == [
        "connections.crm.auth.scope",
        "connections.platform.x",
    ]


def test_flows_that_wait_for_each_other_are_named_as_a_circle(tmp_path: Path) -> None:
    text = BASE.replace('sink = "platform"', 'sink = "platform"\nafter = ["won-deals"]', 1) + 'after = ["catalogue"]\n'
    assert "catalogue → won-deals → catalogue" in one(tmp_path, text)["message"]


def test_a_long_chain_of_flows_is_no_circle(tmp_path: Path) -> None:
    chain = (
        "".join(f'[flows.f{n}]\nsource = "crm"\nsink = "platform"\nafter = ["f{n + 1}"]\n' for n in range(1500))
        + '[flows.f1500]\nsource = "crm"\nsink = "platform"\n'
    )
    (tmp_path / "wherry.toml").write_text(BASE + chain)
    assert len(load(tmp_path, {}).flows) == 1503


@pytest.mark.parametrize(
    ("tier", "schedule", "fits"),
    [
        ("free", 'every = "1d"', True), ("free", 'every = "23h"', False), ("free", 'cron = "0 6 * * *"', True),
        ("free", 'cron = "0 6,7 * * *"', False), ("free", 'cron = "0 6 * * mon-fri"', True),
        ("plus", 'every = "60m"', True), ("plus", 'every = "59m"', False), ("plus", 'cron = "0 * * * *"', True),
        ("pro", 'every = "15m"', True), ("pro", 'cron = "*/10 * * * *"', False),
        ("pro", 'cron = "0,5 9 1 1 *"', False), ("enterprise", 'every = "5m"', True),
        ("enterprise", 'every = "4m"', False),
    ],
)  # fmt: skip
def test_a_tier_sets_the_shortest_interval_of_a_schedule(tmp_path: Path, tier: str, schedule: str, fits: bool) -> None:
    """b_001_11 b_001_12"""
    text = f'{BASE}[flows.won-deals.schedule]\n{schedule}\n[subscription]\ntier = "{tier}"\n'
    if fits:
        (tmp_path / "wherry.toml").write_text(text)
        assert load(tmp_path, {}).subscription is not None
    else:
        found = one(tmp_path, text)
        assert found["key"].startswith("flows.won-deals.schedule.")
        assert tier in found["message"]
        assert schedule.partition('"')[2].rstrip('"') in found["message"]


def test_without_a_subscription_any_interval_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(f'{BASE}[flows.won-deals.schedule]\nevery = "1m"\n')
    schedule = load(tmp_path, {}).flows["won-deals"].schedule
    assert schedule is not None
    assert schedule.shortest().total_seconds() == 60


def test_the_shortest_time_of_a_cron_line_is_looked_for_beyond_its_first_two_moments() -> None:
    assert Schedule(cron="0 9,21,22 * * *").shortest().total_seconds() == 3600


@pytest.mark.parametrize(
    "written",
    ['token = "canary"', 'api_key = "canary"', 'nested = { client_secret = "canary" }',
     'list = [{ password = "canary" }]',
     'credential = "canary"', 'token = "${A:-canary}"', 'base_url = "https://user:canary@host"'],
)  # fmt: skip
def test_a_secret_written_out_in_the_file_is_refused_and_not_repeated(tmp_path: Path, written: str) -> None:
    found = problems(tmp_path, BASE.replace('plugin = "hubspot"', f'plugin = "hubspot"\n{written}'))
    assert "canary" not in str(found)
    refusals = [problem for problem in found if problem["code"] == "WHERRY-2022"]
    assert len(refusals) == 1
    assert (refusals[0]["line"], "${NAME}" in refusals[0]["fix"] or "{ env =" in refusals[0]["fix"]) == (10, True)


def test_a_password_in_the_store_address_is_refused_unless_it_is_a_variable(tmp_path: Path) -> None:
    found = one(tmp_path, BASE + '[store]\nurl = "postgresql://u:canary@h/d"\n')
    assert found["key"] == "store.url"
    assert "canary" not in str(found)
    (tmp_path / "wherry.toml").write_text(BASE + '[store]\nurl = "postgresql://u:${PW}@h/d"\n')
    assert load(tmp_path, {"PW": "x"}).store.url == "postgresql://u:x@h/d"
    for password in ("p@canary", "p@canary:/"):  # its end would be taken for the host, which errors name
        with pytest.raises(ConfigError, match="is not the address of a store") as caught:
            load(tmp_path, {"PW": password})
        assert "canary" not in str(caught.value.as_data())
    (tmp_path / "wherry.toml").write_text(BASE + '[store]\nurl = "postgresql://h/d?password=${PW}"\n')
    with pytest.raises(ConfigError, match="is not the address of a store"):  # errors and logs show the options
        load(tmp_path, {"PW": "canary"})


def test_an_unset_variable_names_key_and_variable(tmp_path: Path) -> None:
    found = one(tmp_path, BASE.replace('"hubspot"\nauth', '"hubspot"\nbase_url = "${CRM_URL}"\nauth'))
    assert (found["key"], found["line"], found["code"]) == ("connections.crm.base_url", 10, "WHERRY-2020")
    assert "CRM_URL" in found["message"]
    assert "${CRM_URL:-" in found["fix"]


def test_an_unset_variable_that_something_else_overrides_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text(BASE.replace('"hubspot"\nauth', '"hubspot"\nbase_url = "${CRM_URL}"\nauth'))
    load(tmp_path, {"WHERRY__CONNECTIONS__CRM__BASE_URL": "http://x"})


def test_a_misspelt_variable_is_named_in_place_of_a_line(tmp_path: Path) -> None:
    found = one(tmp_path, BASE, {"WHERRY__FLOWS__WON_DEALS__REPAET": "once"})
    assert (found["key"], found["file"], found["line"]) == (
        "flows.won-deals.repaet", "environment WHERRY__FLOWS__WON_DEALS__REPAET", None,
    )  # fmt: skip
    assert "did you mean repeat?" in found["fix"]


def test_a_mistake_in_the_local_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "wherry.local.toml").write_text("[flows.won-deals]\n\nfiles = 12\n")
    found = one(tmp_path, BASE)
    assert (found["key"], found["file"], found["line"]) == ("flows.won-deals.files", "wherry.local.toml", 3)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('a = "x\n', 1, "column 7"),
        ("\n\n[x\n", 3, "column 3"),
        ("[a]\n[a]\n", 2, "twice"),
        ("a = 1\na = 2\n", 2, "overwrite"),
        ("a = 2026-02-30\n", 1, "date"),
        ("a = " + "9" * 5000, None, "number"),
    ],
)
def test_a_slip_of_syntax_is_told_with_line_and_column(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    found = one(tmp_path, text)
    assert (found["file"], found["line"], found["code"]) == ("wherry.toml", line, "WHERRY-2003")
    assert said in found["message"].lower()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"# \xff\n", "UTF-8"),
        (b"a = " + b"[" * 100_000, "deeper"),
        (b"a = " + b"[" * 50 + b"]" * 50, "deeper"),
        (b".".join([b"a"] * 300) + b" = 1\n", "deeper"),
        (b"# " + b"x" * 1_000_000, "larger"),
    ],
)
def test_a_file_that_is_no_project_file_is_refused_with_a_sentence(tmp_path: Path, raw: bytes, said: str) -> None:
    """case_G24"""
    (tmp_path / "wherry.toml").write_bytes(raw)
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, {})


def test_a_project_that_is_not_there_is_a_sentence_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "nowhere.toml", {})
    (tmp_path / "wherry.toml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_bytes(b"\xef\xbb\xbf" + BASE.replace("\n", "\r\n").encode())
    assert load(tmp_path, {}).name == "acme"


def test_a_broken_line_in_dotenv_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOD=1\n=oops\n")
    found = one(tmp_path, BASE)
    assert (found["file"], found["line"]) == (".env", 2)


_SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=8), st.none(), st.floats(allow_nan=False))
_JUNK = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ["version", "project", "plugins", "store", "connections", "flows", "maps", "subscription", "flows.won-deals",
         "flows.won-deals.pipelines", "flows.won-deals.repeat", "flows.won-deals.map", "flows.won-deals.match",
         "flows.won-deals.schedule", "flows.won-deals.after", "connections.crm.auth", "plugins.versions"]  # fmt: skip


@hypothesis_settings(deadline=None)
@given(st.sampled_from(_KEYS), _JUNK)
def test_no_value_whatever_ends_in_anything_but_a_config_error(tmp_path_factory: Any, key: str, junk: Any) -> None:
    folder = tmp_path_factory.getbasetemp() / "junk"
    folder.mkdir(exist_ok=True)
    (folder / "wherry.toml").write_text(BASE)
    try:
        compose(load(folder, {}, {key: junk}), model_of)
    except ConfigError as error:
        told = error.where["problems"]
    else:
        return
    assert told
    assert all(problem["message"] and problem["code"] for problem in told)


def test_of_a_key_that_is_missing_what_it_is_for_is_told_and_no_mask_eats_it(tmp_path: Path) -> None:
    (tmp_path / "wherry.toml").write_text('version = 1\n[project]\nname = "x"\n')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert caught.value.fix == "write currency (The organisation's own currency, an ISO 4217 code)"
    assert scrub("write client_secret (The app's secret)") == "write client_secret (The app's secret)"
