"""The word to Traede that the books have taken entries: in tens, with a note, again without harm."""

from __future__ import annotations

from typing import Any

import pytest
from wherry.errors import AccessLost, ContractBroken, Rejected, TryAgain
from wherry.roles import Confirms, Query
from wherry_traede.mapping import ENTRY

SYSTEM = "wherry-books"
MARK = "/v10/accounting-entries/mark-as-exported"


def notes(ids: list[int], note: str = "JE-2026-W05") -> dict[str, str]:
    return {str(id): note for id in ids}


def test_ten_at_a_time_are_confirmed_until_nothing_is_offered(standing: Any, sources: Any) -> None:
    """b_002_08 b_002_09 b_002_10 b_002_11"""
    api = standing()
    ids = [api.sim.add() for _ in range(23)]
    source = sources(api)
    offered = [int(record.id) for page in source.read(Query(ENTRY)) for record in page.records]
    assert isinstance(source, Confirms)
    assert (offered, source.confirm_batch) == (ids, 10)
    for n in range(0, len(offered), source.confirm_batch):
        assert source.confirm(ENTRY, notes(offered[n : n + source.confirm_batch])) == {}
    assert api.ids() == []
    assert api.sim.exported(SYSTEM) == dict.fromkeys(ids, "JE-2026-W05")
    assert [event["note"] for event in api.sim.timeline(ids[0])] == ["JE-2026-W05"]
    assert len(api.sim.history.requests(MARK)) == 3


def test_more_than_ten_are_not_even_sent(standing: Any, sources: Any) -> None:
    """b_002_08"""
    api = standing()
    ids = [api.sim.add() for _ in range(11)]
    with pytest.raises(ContractBroken, match="11"):
        sources(api).confirm(ENTRY, notes(ids))
    assert sources(api).confirm(ENTRY, {}) == {}
    assert api.sim.history.requests(MARK) == []


def test_a_note_may_be_left_out(standing: Any, sources: Any) -> None:
    """b_002_11"""
    api = standing()
    id = api.sim.add()
    assert sources(api).confirm(ENTRY, {str(id): ""}) == {}
    assert api.sim.exported(SYSTEM) == {id: ""}


@pytest.mark.parametrize("fault", ["lost", "dropped", "truncated"])
def test_a_confirmation_whose_answer_was_lost_is_said_again(standing: Any, sources: Any, fault: str) -> None:
    """case_A5: nothing is doubled by it."""
    api = standing()
    ids = [api.sim.add() for _ in range(10)]
    api.sim.faults.add(fault, path=MARK)
    assert sources(api).confirm(ENTRY, notes(ids)) == {}
    assert set(api.sim.exported(SYSTEM)) == set(ids)
    assert [len(api.sim.timeline(id)) for id in ids] == [1] * 10


def test_a_crash_after_confirming_confirms_again_without_harm(standing: Any, sources: Any) -> None:
    """case_A3: the hub did not note that it had confirmed; Traede is told the same once more, by another run."""
    api = standing()
    ids = [api.sim.add() for _ in range(10)]
    for _ in range(2):
        assert sources(api).confirm(ENTRY, notes(ids)) == {}
        api.sim.clock.advance(3_600)
    assert [len(api.sim.timeline(id)) for id in ids] == [1] * 10
    assert api.ids() == []


def test_an_entry_that_is_gone_does_not_keep_the_others_from_being_confirmed(standing: Any, sources: Any) -> None:
    """case_A24: Traede refuses the whole call and nothing is marked, so they are said one by one."""
    api = standing()
    ids = [api.sim.add() for _ in range(5)]
    api.sim.remove(ids[2])
    refused = sources(api).confirm(ENTRY, notes(ids))
    assert list(refused) == [str(ids[2])]
    assert "does not exist" in refused[str(ids[2])]
    assert set(api.sim.exported(SYSTEM)) == {*ids} - {ids[2]}


def test_an_outage_is_told_and_nothing_is_lost(standing: Any, sources: Any) -> None:
    api = standing()
    ids = [api.sim.add() for _ in range(2)]
    source = sources(api)
    api.sim.faults.add("status", status=429, headers={"Retry-After": "3"})
    assert source.confirm(ENTRY, notes(ids[:1])) == {}, "asked to wait, it waits"
    api.sim.faults.add("status", status=503, times=10_000)
    with pytest.raises(TryAgain):
        source.confirm(ENTRY, notes(ids[1:]))
    api.sim.faults.clear()
    assert api.ids() == ids[1:], "what was not confirmed appears on the next fetch"


@pytest.mark.parametrize(("status", "error"), [(401, AccessLost), (403, AccessLost), (404, Rejected)])
def test_a_refusal_that_is_about_no_entry_is_not_laid_on_one(
    standing: Any, sources: Any, status: int, error: type[Exception]
) -> None:
    api = standing()
    ids = [api.sim.add() for _ in range(3)]
    api.sim.faults.add("status", status=status, times=10_000)
    with pytest.raises(error):
        sources(api).confirm(ENTRY, notes(ids))
    assert len(api.sim.history.requests(MARK)) <= 2
