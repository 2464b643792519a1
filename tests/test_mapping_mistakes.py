"""Mistakes in a field map: found while the flow is wired, told with key path, what is allowed and a suggestion."""

from __future__ import annotations

import contextlib
import tomllib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import ConfigError
from wherry.mapping import MapMapper, build
from wherry.roles import Description, FieldInfo

DEFAULT: dict[str, Any] = {
    "customer": {"from": "company", "optional": True, "key": "id(company.id)", "fields": {"name": "company.name"}},
    "product": {"from": "line_item", "each": True, "key": "id(line_item.id)", "fields": {"name": "line_item.name"}},
    "project": {
        "root": True,
        "key": "id(deal.id)",
        "fields": {
            "name": "deal.dealname",
            "customer": "ref(customer)",
            "lines": {"each": "line_item", "fields": {"product": "ref(product)"}},
        },
    },
}
SOURCE = Description(fields=tuple(FieldInfo(name) for name in ("dealname", "amount", "closedate", "created")))
BASE = "flows.won-deals.map.project"


def mapper(text: str = "", default: dict[str, Any] = DEFAULT, **options: Any) -> MapMapper:
    said: dict[str, Any] = {
        "kinds": ("deal",),
        "filter": None,
        "changed_since": None,
        "map": {},
        "files": True,
        "pipelines": (),
        "document": None,
        "when": None,
    }
    flow: Any = SimpleNamespace(name="won-deals", **said | tomllib.loads(text))
    usual: dict[str, Any] = {"currency": "USD", "timezone": "America/Chicago", "description": SOURCE}
    return build(flow, "deal", default, **usual | options)


def mistake(field: str, expression: str, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        mapper(f"[map.project]\n{field} = {expression!r}", **options)
    assert caught.value.where["key"] == f"{BASE}.{field}"
    return caught.value


def test_a_path_that_reaches_into_a_field_says_how_far_a_path_goes() -> None:
    assert "a path is a record and one field of it" in mistake("name", "deal.client.name").message


def test_a_misspelt_source_field_names_the_nearest_one() -> None:
    assert "did you mean 'dealname'?" in mistake("name", "deal.dealnam").message


def test_a_misspelt_kind_names_the_nearest_one() -> None:
    error = mistake("description", "compani.name")
    assert "did you mean 'company'?" in error.message
    assert error.where["allowed"] == ["company", "deal", "line_item"]


def test_a_misspelt_transform_names_the_nearest_one() -> None:
    assert "did you mean 'money'?" in mistake("amount", "mony(deal.amount)").message


def test_an_unknown_target_field_names_the_nearest_one() -> None:
    error = mistake("close_dat", "date(deal.closedate)")
    assert "did you mean 'close_date'?" in error.message
    assert "custom.<name>" in error.fix


def test_an_unknown_entity_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"flows\.won-deals\.map\.projet.*did you mean 'project'"):
        mapper("[map.projet]\nname = 'deal.dealname'")


def test_a_flow_of_several_kinds_may_map_what_another_kind_makes() -> None:
    assert mapper("kinds = ['deal', 'ticket']\n[map.ticket]\nsubject = 'ticket.subject'")


def test_the_number_of_arguments_is_checked_and_the_names_are_told() -> None:
    assert "money takes (value, currency), not 3" in mistake("amount", "money(deal.amount, 'EUR', 'x')").message
    assert "round_money takes (value, currency), not 0" in mistake("amount", "round_money()").message


@pytest.mark.parametrize(
    ("field", "expression", "remedy"),
    [
        ("amount", "deal.amount", "money(amount, currency)"),
        ("amount", "default(deal.amount, '0')", "money(amount, currency)"),
        ("customer", "deal.dealname", "ref(entity)"),
        ("customer", "id(company.id)", "ref(entity)"),
        ("close_date", "money(deal.amount)", "date(…)"),
        ("name", "money(deal.amount)", "text(…)"),
        ("name", "yes_no(deal.amount)", "text(…)"),
        ("'custom.worth'", "money(deal.amount)", "text(…)"),
    ],
)
def test_an_expression_that_cannot_fill_its_field_is_told_what_does(field: str, expression: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mapper(f'[map.project]\n{field} = "{expression}"')
    assert caught.value.code == "WHERRY-2208"
    assert remedy in caught.value.fix


def test_a_required_field_cannot_be_dropped() -> None:
    with pytest.raises(ConfigError, match=r"project\.name is required") as caught:
        mapper("[map.project]\nname = false")
    assert caught.value.where["key"] == f"{BASE}.name"


def test_the_root_cannot_be_dropped() -> None:
    with pytest.raises(ConfigError, match="every other draft belongs to the project"):
        mapper("[map]\nproject = false")


def test_a_line_that_refers_to_what_the_flow_dropped_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="refers to the customer, which this flow leaves out"):
        mapper("[map]\ncustomer = false\n[map.project]\ncustomer = 'ref(customer)'")


def test_one_of_several_can_only_be_named_where_it_is_clear_which() -> None:
    assert "one for each line_item" in mistake("customer", "ref(product)").message


def test_a_fixed_text_without_its_own_quotes_is_told_how_to_write_it() -> None:
    assert "\"'sales'\"" in mistake("access", "sales").message


def test_a_record_without_a_field_is_told_to_name_one() -> None:
    assert "deal.name" in mistake("name", "deal").message


def test_an_unknown_time_zone_in_a_date_is_found_while_wiring() -> None:
    assert "not a time zone" in mistake("close_date", "date(deal.closedate, 'Mars/Base')").message


def test_a_pipelines_map_must_exist() -> None:
    default = DEFAULT | {"trigger": {"pipeline": "deal.pipeline", "stage": "deal.dealstage"}}
    text = "pipelines = [{id = 'default', stages = ['won'], map = 'rental', active = true}]"
    tables = tomllib.loads(text)["pipelines"]
    flow: Any = SimpleNamespace(
        name="f", kinds=("deal",), filter=None, changed_since=None, map={}, files=True, document=None, when=None,
        pipelines=[SimpleNamespace(**tables[0])],
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"flows\.f\.pipelines\.0\.map.*did you mean 'rentals'"):
        build(flow, "deal", default, currency="USD", timezone="UTC", named_maps={"rentals": {}})


@pytest.mark.parametrize(
    ("options", "key"),
    [({"currency": "USDD"}, "project.currency"), ({"timezone": "Chicago"}, "project.timezone")],
)
def test_the_projects_currency_and_zone_are_checked(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mapper(**options)
    assert caught.value.where["key"] == key


def test_a_default_map_may_name_a_field_that_this_account_lacks() -> None:
    assert mapper(description=Description(fields=(FieldInfo("amount"),)))


@pytest.mark.parametrize(
    "changed",
    [
        {"project": {**DEFAULT["project"], "root": False}},
        {"customer": {**DEFAULT["customer"], "frm": "company"}},
        {"customer": {"key": "id(company.id)"}},
        {"customer": {**DEFAULT["customer"], "root": True}},
    ],
)
def test_a_default_map_that_cannot_be_read_says_that_it_is_the_plugins(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="default map") as caught:
        mapper(default=DEFAULT | changed)
    assert caught.value.code == "WHERRY-2211"


HOSTILE = [
    "().__class__.__bases__[0].__subclasses__()",
    "deal.__class__.mro",
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "deal.dealname.format(deal)",
    "f'{deal.dealname}'",
    "[x for x in range(10**9)]",
    "9**9**9",
    "'a' * 10**9",
    "lambda: deal.dealname",
    "deal.dealname if deal.amount else 1",
    "first(*deal.dealname)",
    "first(value=deal.dealname)",
    "deal[0]",
    "deal[deal.dealname]",
    "deal.dealname[0]",
    "(x := deal.dealname)",
    "text(b'x')",
    "text(1.5)",
    "text(...)",
    "{}",
    "deal.dealname; deal.amount",
    "",
    "(" * 300,
    "-" * 900 + "1",
    "first(" + "deal.dealname," * 100 + ")",
    "'" + "a" * 2000 + "'",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_nothing_but_paths_constants_and_transforms_is_let_in(expression: str) -> None:
    """case_G16"""
    assert mistake("description", expression).code.startswith("WHERRY-22")


@given(st.text(alphabet="del.nam()[]'\"*+-_:,=0159 \n\\{}", max_size=60))
def test_whatever_is_written_either_compiles_or_is_a_config_error(expression: str) -> None:
    """case_G16: no other exception, and never a hang."""
    flow: Any = SimpleNamespace(
        name="f", kinds=("deal",), filter=None, changed_since=None, files=True, pipelines=(), document=None, when=None,
        map={"project": {"description": expression}},
    )  # fmt: skip
    with contextlib.suppress(ConfigError):
        build(flow, "deal", DEFAULT, currency="USD", timezone="UTC")
