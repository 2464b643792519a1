"""A map in JSONata in a real project: read by one plugin, mapped by this one, written by a third."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wherry.cli.app import run as wherry

PROJECT = """
version = 1
[project]
name = "leads"
timezone = "UTC"
currency = "USD"
[plugins]
enabled = ["csv", "jsonata", "workspace"]
[connections.leads]
plugin = "csv"
folder = "in"
quiet = 0
[connections.leads.records.customer]
files = "customer*.csv"
id = "number"
[connections.platform]
plugin = "workspace"
[flows.customers]
source = "leads"
sink = "platform"
kinds = ["customer"]
repeat = "always"
[flows.customers.mapper]
plugin = "jsonata"
map = "maps/customers.jsonata"
makes = ["customer"]
fields.customer = ["name", "city", "revenue"]
when = "$number(customer.revenue) >= 1000 ? true : 'too small'"
"""
MAP = """{
  "entity": "customer",
  "key": $id(customer.id),
  "body": { "name": $uppercase(customer.name), "city": customer.city, "custom": { "revenue": customer.revenue } }
}"""
ROWS = "number,name,city,revenue\n1,Acme,Leeds,1000.50\n2,Small,York,12\n3,Beta,Hull,2000\n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    for name in ("in", "maps"):
        (tmp_path / name).mkdir()
    (tmp_path / "wherry.toml").write_text(PROJECT)
    (tmp_path / "maps" / "customers.jsonata").write_text(MAP)
    (tmp_path / "in" / "customers.csv").write_text(ROWS)

    def run(*words: str, rc: int = 0) -> Any:
        code = wherry(["-C", str(tmp_path), *words, "--output", "json"])
        said = capsys.readouterr()
        assert code == rc, said
        return json.loads(said.out or said.err)

    return run


def test_a_flow_is_mapped_by_the_plugin_that_its_mapper_names(run: Callable[..., Any], tmp_path: Path) -> None:
    first = run("run", "customers")["data"]
    assert first["items"] == {"customer": {"created": 2}}
    assert first["fates"] == {"customer": {"created": 2, "skipped": 1}}
    assert run("run", "customers")["data"]["items"] == {}
    preview = run("map", "preview", "customers", "--record", "2")["data"]
    assert (preview["passes"], preview["reason"]) == (False, "too small")
    (tmp_path / "maps" / "customers.jsonata").write_text(MAP.replace("$uppercase", "$lowercase"))
    assert run("run", "customers")["data"]["items"] == {"customer": {"updated": 2}}, "a changed map counts at once"


def test_an_earlier_start_date_is_read_from_whoever_maps(run: Callable[..., Any], tmp_path: Path) -> None:
    """I1: what lies before the mark was left out by the date alone, of which a mapper of one's own knows nothing."""
    (tmp_path / "out").mkdir()
    more = (
        PROJECT
        + """[connections.copy]
plugin = "csv"
folder = "out"
[flows.copies]
source = "platform"
sink = "copy"
kinds = ["customer"]
approval = "automatic"
changed_since = 2200-01-01
[flows.copies.mapper]
plugin = "jsonata"
map = "maps/copies.jsonata"
makes = ["customer"]
fields.customer = ["name"]
"""
    )
    (tmp_path / "maps" / "copies.jsonata").write_text(
        '{ "entity": "customer", "key": $id(customer.id), "body": { "name": customer.name } }'
    )
    (tmp_path / "wherry.toml").write_text(more)
    run("run", "customers")
    assert run("run", "copies")["data"]["items"] == {}
    (tmp_path / "wherry.toml").write_text(more.replace("2200", "2001"))
    assert run("run", "copies")["data"]["items"] == {"customer": {"created": 2}}


def test_what_the_mapper_makes_and_the_fields_that_it_reads_are_shown(run: Callable[..., Any]) -> None:
    rows = run("map", "show", "customers")["data"]["items"]
    told = [(row["target"], row["expression"], row["origin"]) for row in rows]
    assert told == [
        ("customer", "", "made by plugin jsonata"),
        *(("", f"customer.{name}", "read by plugin jsonata") for name in ("name", "city", "revenue")),
    ]


def test_a_record_that_the_map_cannot_take_is_refused_and_the_others_go_on(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "maps" / "customers.jsonata").write_text(MAP.replace("customer.city", "$error('no city')", 1).replace(
        '"city": ', '"city": customer.name = "Beta" ? '
    ).replace("$error('no city')", "$error('no city') : customer.city"))  # fmt: skip
    found = run("run", "customers", rc=4)["data"]
    assert found["fates"] == {"customer": {"created": 1, "refused": 1, "skipped": 1}}


def test_a_mapper_that_is_not_enabled_or_misspelt_is_told_with_its_name(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    text = (tmp_path / "wherry.toml").read_text()
    (tmp_path / "wherry.toml").write_text(text.replace('"jsonata", ', ""))
    told = run("run", "customers", rc=2)["error"]
    assert "jsonata" in told["message"]
    (tmp_path / "wherry.toml").write_text(text.replace('plugin = "jsonata"', 'plugin = "csv"'))
    told = run("run", "customers", rc=2)["error"]
    assert "the plugin csv does not map records of kind customer" in told["message"]
