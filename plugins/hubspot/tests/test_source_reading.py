"""Reading heads: everything by list, what changed by search, nothing lost in between."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.errors import ContractBroken, TryAgain

LIST, SEARCH = "GET /crm/objects/{type}", "POST /crm/objects/{type}/search"
START_MS = 1_772_438_400_000


def test_a_full_read_lists_every_deal_once_in_the_fewest_pages(account, read):
    """b_001_04: 250 deals are three calls of the list, none of the search."""
    ids = account.sim.create("deals", 250, dealname="Deal {n}")
    got = read(account.source())
    assert got.ids == ids
    assert account.calls() == {LIST: 3}


def test_the_payload_is_hubspots_own_bytes_and_the_version_its_stamp(account, read):
    """Nothing is decoded before somebody looks."""
    account.sim.create("deals", 1, dealname="A")
    (record,) = read(account.source()).records
    assert record.decoded is None
    assert record.fields["dealname"] == "A"
    assert record.version == record.fields["hs_lastmodifieddate"] == "2026-03-02T08:00:00Z"


def test_a_read_without_change_is_exactly_one_search(account, read):
    """What a second run may cost."""
    account.sim.create("deals", 50, dealname="Deal {n}")
    account.advance(300)
    mark = read(account.source()).mark
    account.advance(300)
    account.calls()
    again = read(account.source(), after=mark)
    assert again.ids == []
    assert account.calls() == {SEARCH: 1}


def test_a_change_is_found_by_the_next_read(account, read):
    """b_001_04, b_001_47"""
    ids = account.sim.create("deals", 5, dealname="Deal {n}")
    account.advance(300)
    mark = read(account.source()).mark
    account.advance(300)
    account.sim.touch("deals", ids[3], account.sim.clock.now_ms())
    assert read(account.source(), after=mark).ids == [ids[3]]


def test_the_saved_mark_stays_the_index_lag_behind_hubspots_clock(account, read):
    """case_B5, case_B7: bounds come from the source's clock."""
    account.sim.create("deals", 1)
    account.advance(60)
    mark = json.loads(read(account.source(index_lag="2m")).mark)
    assert mark == {"v": 1, "at": START_MS - 60_000, "n": 1, "newest": START_MS}


def test_a_change_that_the_index_shows_late_is_found_by_the_run_after(hubspot, read):
    """case_B5: the search is 40 s behind; the overlap of 60 s covers it."""
    account = hubspot(index_lag=40.0)
    (deal,) = account.sim.create("deals", 1)
    account.advance(600)
    mark = read(account.source()).mark
    account.sim.touch("deals", deal, account.sim.clock.now_ms())
    account.advance(20)
    second = read(account.source(), after=mark)
    assert second.ids == []
    account.advance(30)
    assert read(account.source(), after=second.mark).ids == [deal]


def test_a_record_written_with_an_older_stamp_is_found_within_the_overlap(account, read):
    """case_B6"""
    (deal,) = account.sim.create("deals", 1)
    account.advance(600)
    mark = read(account.source()).mark
    account.sim.touch("deals", deal, account.sim.clock.now_ms() - 45_000)
    assert read(account.source(), after=mark).ids == [deal]


def test_a_source_clock_that_jumps_back_loses_nothing(account, read):
    """case_B7: what changes after the jump has stamps before the saved mark."""
    (deal,) = account.sim.create("deals", 1)
    account.advance(10_000)
    mark = read(account.source()).mark
    account.advance(-17_200)
    account.sim.touch("deals", deal, account.sim.clock.now_ms())
    got = read(account.source(), after=mark)
    assert got.ids == [deal]
    assert json.loads(got.mark)["at"] < json.loads(mark)["at"]


def test_10_050_deals_with_one_stamp_are_read_once_each(account, read):
    """case_B2: a bulk import; the search reaches 10,000 results and no more."""
    (first,) = account.sim.create("deals", 1)
    account.advance(3600)
    mark = read(account.source()).mark
    account.advance(3600)
    ids = account.sim.create("deals", 10_050, dealname="Deal {n}")
    (last,) = _later(account, 1)
    account.calls()
    got = read(account.source(), after=mark)
    assert sorted(got.ids) == sorted([*ids, last])
    assert first not in got.ids
    assert account.calls() == {SEARCH: 1 + 51 + 1}


def _later(account, count):
    account.advance(7)
    return account.sim.create("deals", count)


def test_more_than_the_search_reaches_is_read_across_stamps(account, read):
    """case_B2: 10,400 changed records in ties of 130."""
    mark = read(account.source()).mark
    account.advance(3600)
    ids = []
    for _ in range(80):
        account.advance(1)
        ids += account.sim.create("deals", 130)
    got = read(account.source(), after=mark)
    assert got.ids == ids


def test_a_deal_edited_while_we_page_is_read_at_its_final_version(account, read):
    """case_B3, case_B4: the edit moves it to the end; nothing that follows it is skipped."""
    mark = read(account.source()).mark
    account.advance(3600)
    ids = []
    for _ in range(500):
        account.advance(1)
        ids += account.sim.create("deals", 1)
    account.advance(60)
    seen: dict[str, str] = {}
    source = account.source()
    for number, page in enumerate(source.read(_query(mark))):
        seen.update((record.id, record.version) for record in page.records)
        if number == 0:
            for deal in ids[:50]:
                account.sim.touch("deals", deal, account.sim.clock.now_ms())
    assert set(seen) == set(ids)
    stamps = {deal: account.sim.record("deals", deal).properties["hs_lastmodifieddate"] for deal in ids}
    next_run = read(account.source(), after=page.mark)
    seen.update((record.id, record.version) for record in next_run.records)
    assert seen == stamps


def _query(mark, fields=("dealname",), kind="deal", relatives=None):
    from wherry.roles import Query

    return Query(kind, mark, None, fields, relatives or {})


def test_an_interrupted_read_goes_on_where_it_was(account, read):
    """E-less A1 in small: the mark of the last page that was kept brings all that is left."""
    mark = read(account.source()).mark
    account.advance(3600)
    ids = []
    for _ in range(700):
        account.advance(1)
        ids += account.sim.create("deals", 1)
    pages = account.source().read(_query(mark))
    kept = [next(pages), next(pages)]
    pages.close()
    before = [record.id for page in kept for record in page.records]
    rest = read(account.source(), after=kept[-1].mark)
    assert list(dict.fromkeys(before + rest.ids)) == ids
    assert len(rest.ids) < 320


def test_an_interrupted_full_read_resumes_its_list(account, read):
    """And its final mark still counts from when the whole read began."""
    ids = account.sim.create("deals", 250)
    pages = account.source().read(_query(None))
    first = next(pages)
    pages.close()
    account.advance(5000)
    account.calls()
    rest = read(account.source(), after=first.mark)
    assert [r.id for r in first.records] + rest.ids == ids
    assert account.calls() == {LIST: 2}
    assert json.loads(rest.mark)["at"] == START_MS - 60_000


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    ties=st.lists(st.integers(1, 9), min_size=1, max_size=12),
    gaps=st.lists(st.integers(1, 3000), min_size=12, max_size=12),
    page=st.integers(2, 6),
)
def test_ties_across_page_edges_are_neither_missed_nor_doubled(hubspot, read, monkeypatch, ties, gaps, page):
    """case_B1, case_B8: any groups of equal stamps against any page size."""
    for module in ("client", "walk"):
        monkeypatch.setattr(f"wherry_hubspot.{module}.SEARCH_PAGE", page)
    account = hubspot()
    mark = read(account.source()).mark
    account.advance(3600)
    ids = []
    for size, gap in zip(ties, gaps, strict=False):
        account.advance(gap / 1000)
        ids += account.sim.create("deals", size)
    got = read(account.source(), after=mark)
    assert got.ids == ids


def test_records_older_than_the_start_date_are_left_out(account, read):
    """b_001_46, b_001_47: modified counts, not created or closed."""
    old = account.sim.create("deals", 3)
    account.advance(86_400)
    new = account.sim.create("deals", 2)
    account.sim.touch("deals", old[0], account.sim.clock.now_ms())
    since = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    assert read(account.source(), since=since).ids == [old[0], *new]


def test_a_list_cursor_that_hubspot_rejects_restarts_the_list_once(account, read):
    """case_B9"""
    ids = account.sim.create("deals", 150)
    stale = json.dumps({"v": 1, "list": "gone-cursor", "bound": START_MS})
    got = read(account.source(), after=stale)
    assert got.ids == ids
    account.calls()
    for _ in range(2):
        account.sim.faults.add("status", method="GET", path=r"/crm/objects/[^/]+/deals$", status=410, after=1)
    with pytest.raises(TryAgain, match="twice refused its own page cursor"):
        read(account.source())


def test_a_mark_of_another_make_is_refused_in_words(account, read):
    """A mark is opaque to the core, and ours to understand."""
    with pytest.raises(ContractBroken, match="saved mark"):
        read(account.source(), after="2026-01-01")


def test_an_empty_list_is_handed_on(account, read):
    """case_B11: whether a fall to nothing is right is for the core to judge."""
    got = read(account.source())
    assert got.ids == []
    assert len(got.pages) == 1


def _answers(monkeypatch, account, bodies):
    """Let the account answer lists and searches with these bodies, the last one for ever."""
    from wherry.simulator import Reply

    answered = []
    true = account.sim.stage._answer

    def answer(call):
        if not call.path.endswith(("/deals", "/deals/search")):
            return true(call)
        answered.append(call.path)
        return Reply(200, bodies[min(len(answered), len(bodies)) - 1])

    monkeypatch.setattr(account.sim.stage, "_answer", answer)
    return answered


def _thing(number, stamp="2026-03-02T08:00:00Z"):
    return {
        "id": str(number),
        "properties": {"hs_lastmodifieddate": stamp},
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
    }


def _page(things, after=""):
    return {"results": things, "total": 9, **({"paging": {"next": {"after": after}}} if after else {})}


@pytest.mark.parametrize(
    ("bodies", "words"),
    [
        (
            [_page([_thing(1)], "a"), _page([], "b"), _page([], "c"), _page([], "d"), _page([], "e")],
            "none that are new",
        ),
        ([_page([_thing(1)], "a"), _page([_thing(2)], "b"), _page([_thing(3)], "a")], "round in a circle"),
        ([_page([_thing(1)], c) for c in "abcdefgh"], "none that are new"),
    ],
    ids=["empty pages with a next link", "a loop of links", "the same page again and again"],
)
def test_a_list_that_does_not_advance_ends_with_a_clear_error(account, read, monkeypatch, bodies, words):
    """case_B10"""
    answered = _answers(monkeypatch, account, bodies)
    with pytest.raises(TryAgain, match=words):
        read(account.source())
    assert len(answered) <= len(bodies) + 1


@pytest.mark.parametrize(
    "body",
    [_page([], "200"), _page([_thing(1, "2026-03-02T07:00:00Z"), _thing(2)], "200"), _page([_thing(1)] * 3, "200")],
    ids=["empty with a next link", "the same page for ever", "one tie for ever"],
)
def test_a_search_that_does_not_advance_ends_with_a_clear_error(account, read, monkeypatch, body):
    """case_B10"""
    answered = _answers(monkeypatch, account, [body])
    with pytest.raises(TryAgain, match="none that are new"):
        read(account.source(), after=json.dumps({"v": 1, "at": 0}))
    assert len(answered) < 10


def test_an_empty_page_amid_a_list_is_read_past(account, read, monkeypatch):
    """One empty page proves nothing."""
    _answers(monkeypatch, account, [_page([_thing(1)], "a"), _page([], "b"), _page([_thing(2)])])
    assert read(account.source()).ids == ["1", "2"]


def test_a_survivor_of_a_merge_names_those_that_went_up_in_it(account, read):
    """case_B12"""
    one, two = account.sim.create("deals", 2)
    portal = account.sim.portal
    account.advance(60)
    portal.merge(account.sim.record("deals", one), account.sim.record("deals", two))
    (record,) = read(account.source()).records
    assert (record.id, record.merged_ids) == (one, (two,))


@pytest.mark.parametrize("api", ["2026-03", "legacy"])
@pytest.mark.parametrize("kind", ["company", "product", "ticket", "deal"])
def test_every_kind_is_read_by_list_and_by_search_in_both_generations(account, read, kind, api):
    """The API version is a setting."""
    from wherry_hubspot.objects import TYPES

    source = account.source(api=api)
    (first,) = account.sim.create(TYPES[kind], 1)
    account.advance(600)
    got = read(source, kind=kind, fields=())
    assert got.ids == [first]
    account.advance(600)
    (second,) = account.sim.create(TYPES[kind], 1)
    assert read(source, kind=kind, after=got.mark, fields=()).ids == [second]
    paths = {entry.path for entry in account.sim.history.requests()}
    assert all(("/v3/" in path) == (api == "legacy") for path in paths)


def test_the_mark_of_a_later_run_stays_the_lag_behind_too(account, read):
    """case_B5: whether or not something was found."""
    mark = read(account.source()).mark
    for made in (1, 3):
        account.advance(900)
        account.sim.create("deals", made)
        mark = read(account.source(), after=mark).mark
        assert json.loads(mark)["at"] == account.sim.clock.now_ms() - 60_000
