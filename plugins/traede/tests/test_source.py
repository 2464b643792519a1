"""The source over the stand-in: what is read when, by which questions, and what it does when Traede says no."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError
from wherry import plugins
from wherry.errors import AccessLost, ConfigError, ContractBroken, TryAgain
from wherry.records import Record
from wherry.roles import Fetches, Query
from wherry_traede.mapping import ENTRY
from wherry_traede.settings import TraedeSettings
from wherry_traede.source import TraedeSource
from wherry_traede.walk import LAG

APP_KEY, SYSTEM = "app-key-canary-51d0", "wherry-books"
EXPORT = "/v10/accounting-entries/export"


def records(source: TraedeSource, after: str | None = None) -> tuple[list[Record], str]:
    pages = list(source.read(Query(ENTRY, after=after, fields=("text", "amount"))))
    return [record for page in pages for record in page.records], pages[-1].mark


def ids(source: TraedeSource, after: str | None = None) -> list[int]:
    return [int(record.id) for record in records(source, after)[0]]


def questions(api: Any) -> list[str]:
    return [str(entry.detail.get("query", "")) for entry in api.sim.history.requests(EXPORT)]


# -- what is read ------------------------------------------------------------------------------------------------------


def test_the_first_read_takes_what_was_not_exported_under_our_name(standing: Any, sources: Any) -> None:
    """b_002_01 b_002_02 b_002_03 b_002_04"""
    api = standing()
    ours, theirs, fresh = (api.sim.add() for _ in range(3))
    api.mark(ours)
    api.mark(theirs, system="economic")
    assert ids(sources(api)) == [theirs, fresh]
    assert all(f"system_id={SYSTEM}" in question for question in questions(api))
    assert not any("export_since" in question or "exported_since" in question for question in questions(api))


def test_a_later_read_asks_by_filter_for_what_changed_and_sees_what_we_exported(standing: Any, sources: Any) -> None:
    """b_002_04 b_002_05 b_002_06: an entry that is corrected after it was exported is read again."""
    api = standing()
    first, second = api.sim.add(), api.sim.add()
    api.sim.clock.advance(2 * LAG)
    _, mark = records(sources(api))
    api.sim.clock.advance(3_600)
    assert sources(api).confirm(ENTRY, {str(first): "JE-1", str(second): "JE-1"}) == {}
    assert api.ids() == []
    api.sim.clock.advance(3_600)
    api.sim.change(second, amount="99.00")
    assert ids(sources(api), mark) == [second]
    question = questions(api)[-1]
    assert "not_exported_since=2026-02-02" in question
    assert "updated_at" in question


def test_a_read_from_the_start_is_whole_although_everything_was_confirmed(standing: Any, sources: Any) -> None:
    """case_B11: else a changed map would meet an empty list, and take that for a fall of the source's count."""
    api = standing()
    before, entry = api.sim.add(), api.sim.add()
    api.mark(before)
    api.sim.clock.advance(60)
    assert ids(sources(api)) == [entry]
    api.sim.clock.advance(60)
    sources(api).confirm(ENTRY, {str(entry): ""})
    assert ids(sources(api)) == [entry], "what was exported before our time is not ours to read"


def test_exported_entries_are_brought_back_deliberately(standing: Any, sources: Any) -> None:
    """b_002_04: also where this Traede spells it the other way."""
    for spelling in ("not_exported_since", "not_export_since"):
        api = standing(spelling=(spelling,))
        early, late = api.sim.add(), api.sim.add()
        api.mark(early)
        api.sim.clock.advance(3_600)
        api.mark(late)
        said = {"reexport_since": "2026-02-02T10:00:00", "since_parameter": spelling}
        assert ids(sources(api)) == []
        assert ids(sources(api, **said)) == [late]
        assert f"{spelling}=2026-02-02" in questions(api)[-1]


def test_entries_that_are_to_come_back_are_looked_for_from_the_start(standing: Any, sources: Any) -> None:
    """I1: they lie before the mark, as do those that were exported under another name."""
    api = standing()
    ways = [{}, {"reexport_since": "2026-02-02T10:00:00"}, {"system_id": "b"}, {"since_parameter": "not_export_since"}]
    assert len({sources(api, **said).choice(ENTRY) for said in ways}) == len(ways)
    assert sources(api, page_size=10).choice(ENTRY) == sources(api).choice(ENTRY)


def test_an_amount_is_kept_as_the_digits_that_were_sent(standing: Any, sources: Any) -> None:
    """case_C1: a binary fraction has no 123456789012345.67, and turns 0.1 into something else."""
    api = standing()
    for amount in ("123456789012345.67", "-0.1", "100.00"):
        api.sim.add(amount=amount)
    found, _ = records(sources(api))
    payloads = [record.payload.decode() for record in found]
    assert ['"amount":123456789012345.67' in payloads[0], '"amount":-0.1,' in payloads[1]] == [True, True]
    assert [str(record.fields["amount"]) for record in found] == ["123456789012345.67", "-0.1", "100"]


def test_a_month_is_read_whole_in_few_questions(standing: Any, sources: Any) -> None:
    api = standing(entries=200)
    assert len(ids(sources(api))) == len(set(ids(sources(api)))) == 200
    assert len(questions(api)) <= 2 * 8


def test_entries_that_are_confirmed_while_pages_are_read_push_no_other_out(standing: Any, sources: Any) -> None:
    """case_B4"""
    api, found = standing(entries=200), set[int]()
    everything = {entry.id for entry in api.sim.entries.all()}
    for page in sources(api).read(Query(ENTRY)):
        here = [int(record.id) for record in page.records]
        found.update(here)
        for n in range(0, len(here), 10):
            api.mark(*here[n : n + 10])
    assert found == everything


@pytest.mark.parametrize("most", [20, 30])
def test_a_traede_that_lowers_its_largest_page_hides_nothing(standing: Any, sources: Any, most: int) -> None:
    api = standing(entries=130, most=most)
    assert len(set(ids(sources(api)))) == 130


def test_a_traede_that_takes_no_order_is_asked_without_one(standing: Any, sources: Any) -> None:
    api = standing(entries=130, sorts=False)
    refusal = {"errors": [{"status": 422, "code": 10000, "detail": "There is no parameter sort."}]}
    api.sim.faults.add("status", status=422, body=refusal)
    assert len(set(ids(sources(api)))) == 130
    first, *others = questions(api)
    assert "sort" in first
    assert not any("sort" in question for question in others)


def test_the_marks_of_a_read_begin_again_where_it_stopped(standing: Any, sources: Any) -> None:
    api = standing()
    api.sim.add()
    _, mark = records(sources(api))
    assert msgspec.json.decode(mark)["at"] == int(api.sim.clock.now()) - LAG


def test_single_entries_are_read_from_the_core_api(standing: Any, sources: Any) -> None:
    """b_002_12"""
    api = standing()
    exported, fresh = api.sim.add(text="one"), api.sim.add(text="two")
    api.mark(exported)
    source = sources(api)
    assert isinstance(source, Fetches)
    found = source.fetch(ENTRY, [str(fresh), "no-such", str(exported), "99999"], ("text",))
    assert [(record.id, record.fields["text"]) for record in found] == [(str(fresh), "two"), (str(exported), "one")]
    assert questions(api) == [], "the list of what is to be exported was not asked"


def test_a_core_api_that_does_not_look_up_by_id_is_not_believed(standing: Any, sources: Any) -> None:
    api = standing()
    other, wanted = api.sim.add(), api.sim.add()
    whole = {"accounting_entries": json.loads(api.asked("/v10/accounting-entries").text)["accounting_entries"]}
    api.sim.faults.add("status", status=200, body=whole)
    with pytest.raises(ContractBroken, match=str(other)):
        sources(api).fetch(ENTRY, [str(wanted)], ("text",))


# -- what Traede says no to --------------------------------------------------------------------------------------------


def test_a_question_that_traede_refuses_names_the_settings_to_look_at(standing: Any, sources: Any) -> None:
    api = standing()
    api.sim.faults.add("status", status=422, times=9, body={"errors": [{"status": 422, "detail": "No such system."}]})
    with pytest.raises(ConfigError, match="No such system") as caught:
        sources(api).check()
    assert "system_id" in caught.value.fix


def test_a_wrong_app_key_is_lost_access_and_stands_in_no_error(standing: Any, sources: Any) -> None:
    """case_E5"""
    api = standing()
    key = "another-canary-92ab"
    api.sim.faults.add("status", status=400, body={"message": f"key {key} is unknown"}, after=1, times=2)
    with pytest.raises(AccessLost) as caught:
        sources(api, app_key=key).check()
    with pytest.raises(ConfigError) as echoed:
        sources(api, app_key=key).check()
    assert key not in str(caught.value.as_data()) + str(echoed.value.as_data())


@pytest.mark.parametrize(
    "entry", [{}, {"id": None}, {"id": 7}, {"id": 7, "updated_at": "soon"}, {"id": "x", "created_at": "2026-01-01"}]
)
def test_an_entry_without_id_or_moment_is_not_guessed_at(standing: Any, sources: Any, entry: dict[str, Any]) -> None:
    api = standing()
    api.sim.faults.add("status", status=200, times=20, body={"accounting_entries": [entry]})
    with pytest.raises(TryAgain):
        ids(sources(api))


def test_an_entry_that_was_never_changed_is_as_old_as_itself(standing: Any, sources: Any) -> None:
    api = standing()
    entry = {"id": 7, "amount": 5, "created_at": "2026-01-01 10:00:00", "updated_at": None}
    api.sim.faults.add("status", status=200, body={"accounting_entries": [entry]})
    (record,), _ = records(sources(api))
    assert record.version == "2026-01-01 10:00:00"


def test_kinds_that_traede_does_not_have_are_refused(standing: Any, sources: Any) -> None:
    source = sources(standing())
    for use in (lambda: list(source.read(Query("order"))), lambda: source.describe("order"),
                lambda: source.fetch("order", ["1"], ()), lambda: source.confirm("order", {})):  # fmt: skip
        with pytest.raises(ContractBroken, match="order"):
            use()


# -- settings ----------------------------------------------------------------------------------------------------------

USUAL = {
    "auth": {"kind": "token", "token": {"env": "TRAEDE_TOKEN"}}, "app_key": {"env": "TRAEDE_APP_KEY"},
    "system_id": "books",
}  # fmt: skip


def test_settings_have_the_usual_answers() -> None:
    said = TraedeSettings.model_validate(USUAL)
    assert (said.url, said.since_parameter, said.page_size) == ("https://api.traede.com", "not_exported_since", 60)
    assert said.account == "api.traede.com"
    assert TraedeSettings.model_validate({**USUAL, "company": "Havblik"}).account == "Havblik"
    again = TraedeSettings.model_validate({**USUAL, "reexport_since": "2026-01-01"})
    assert str(again.reexport_since) == "2026-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"system_id": ""},
        {"system_id": " books"},
        {"since_parameter": "since"},
        {"page_size": 61},
        {"page_size": 9},
        {"app_key": {"stored": True}},
        {"auth": {"kind": "oauth2", "client_id": "a", "client_secret": {"env": "B"}}},
        {"token": "x"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TraedeSettings.model_validate({**USUAL, **wrong})


def test_an_app_key_that_is_not_set_is_named(sources: Any, standing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAEDE_APP_KEY", raising=False)
    with pytest.raises(ConfigError, match="TRAEDE_APP_KEY"):
        sources(standing(), app_key={"env": "TRAEDE_APP_KEY"})


def test_the_core_knows_the_plugin() -> None:
    loaded = plugins.load(["traede"])
    manifest = loaded.manifests["traede"]
    assert (manifest.title, manifest.roles, manifest.kinds) == ("Traede", ("source", "simulator"), (ENTRY,))
    assert loaded.settings_model("traede") is TraedeSettings
    assert loaded.problems == []
