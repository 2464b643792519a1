"""The fields a map reads: whether the account has them, and that none is lost on the way."""

from __future__ import annotations

import pytest
from wherry.errors import ConfigError, TryAgain
from wherry.simulator import Reply

LIST = "GET /crm/objects/{type}"


def test_so_many_fields_that_a_search_cannot_name_them_are_read_by_id(account, read):
    """The body of a search may have 3,000 characters."""
    names = tuple(f"own_property_with_a_long_name_{n:03d}" for n in range(120))
    for name in names:
        _define(account, name)
    mark = read(account.source()).mark
    account.advance(3600)
    ids = account.sim.create("deals", 150, **{names[7]: "seven {n}"})
    account.calls()
    got = read(account.source(), after=mark, fields=names)
    assert sorted(got.ids) == sorted(ids)
    assert {r.fields[names[7]] for r in got.records} == {f"seven {n}" for n in range(150)}
    assert account.calls()["POST /crm/objects/{type}/batch/read"] == 2


def test_a_change_that_cannot_be_read_by_id_is_not_passed_over(account, read, monkeypatch):
    """A 207 may hide a failure that will pass: the mark must not move past the record."""
    names = tuple(f"own_property_with_a_long_name_{n:03d}" for n in range(120))
    for name in names:
        _define(account, name)
    mark = read(account.source()).mark
    account.advance(3600)
    account.sim.create("deals", 2)
    error = {"category": "INTERNAL_ERROR", "message": "shard is down", "context": {"ids": ["7"]}}
    body = {"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]}
    true = account.sim.stage._answer
    monkeypatch.setattr(account.sim.stage, "_answer", lambda c: Reply(207, body) if "batch" in c.path else true(c))
    with pytest.raises(TryAgain, match="shard is down"):
        read(account.source(), after=mark, fields=names)


def _define(account, name, kind="deals", group="dealinformation"):
    portal = account.sim.portal
    portal.properties.add(portal.kind(kind), {"name": name, "type": "string", "groupName": group, "label": name})


def test_a_field_that_the_account_does_not_have_is_refused_before_reading(account, read):
    """case_B17: HubSpot itself would leave it out without a word."""
    _define(account, "site_manager")
    with pytest.raises(ConfigError, match=r"deal\.site_manger") as caught:
        read(account.source(), fields=("dealname", "site_manger"))
    assert "did you mean site_manager?" in caught.value.fix
    assert LIST not in account.calls()
    assert read(account.source(), fields=("dealname", "site_manager")).ids == []


def test_default_fields_need_no_look_at_the_metadata(account, read):
    """Only a map of somebody's own is checked."""
    read(account.source(), fields=("dealname", "amount", "closedate", "company_problem"))
    assert account.calls() == {LIST: 1}


def test_empty_null_and_missing_stay_three_things(account, read):
    """case_B20"""
    account.sim.create("deals", 1, dealname="", amount="5")
    (record,) = read(account.source(), fields=("dealname", "amount", "closedate")).records
    assert record.fields["dealname"] == ""
    assert record.fields["closedate"] is None
    assert "dealstage" not in record.fields
