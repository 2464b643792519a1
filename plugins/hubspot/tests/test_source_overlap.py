"""Reading again right after a read: nothing is paid for what was read already, and nothing is lost by that."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wherry.http import Limit
from wherry.roles import Query

LIST, SEARCH = "GET /crm/objects/{type}", "POST /crm/objects/{type}/search"
LINKS = "POST /crm/associations/{type}/{to_type}/batch/read"
WATCHED = {"file": ("name",)}
NOTE_TO_DEAL = 214


def attach(account, deal):
    """A note with a file on the deal."""
    (note,) = account.sim.create("notes", 1, hs_attachment_ids=account.sim.files.add("a.txt", b"a").id)
    account.sim.link("notes", note, "deals", deal, NOTE_TO_DEAL)


def test_a_second_run_right_after_a_bulk_load_is_one_search(account, read):
    """b_001_14: 3,000 deals lie in the overlap, and none of them is read again."""
    account.sim.create("deals", 3000, dealname="Deal {n}")
    account.advance(5)
    first = read(account.source())
    account.advance(5)
    account.calls()
    second = read(account.source(), after=first.mark)
    assert (second.ids, second.mark) == ([], first.mark)
    assert account.calls() == {SEARCH: 1}


def test_where_files_are_watched_it_is_one_search_for_each_type(account, read):
    """The deals, and the five kinds of activity."""
    deals = account.sim.create("deals", 3000)
    for deal in deals[:3]:
        attach(account, deal)
    first = read(account.source(), relatives=WATCHED)
    second = read(account.source(), after=first.mark, relatives=WATCHED)
    assert [(r.id, r.touched) for r in second.records] == [(deal, True) for deal in deals[:3]]
    account.calls()
    assert read(account.source(), after=second.mark, relatives=WATCHED).ids == []
    assert account.calls() == {SEARCH: 1 + 5}


def test_a_file_that_comes_within_the_overlap_touches_its_deal_only(account, read):
    """case_B14: the deals' position stays, that of the notes moves on."""
    deals = account.sim.create("deals", 300)
    mark = read(account.source(), relatives=WATCHED).mark
    account.advance(2)
    attach(account, deals[7])
    second = read(account.source(), after=mark, relatives=WATCHED)
    assert second.ids == [deals[7]]
    assert json.loads(second.mark)["at"] == json.loads(mark)["at"]
    assert read(account.source(), after=second.mark, relatives=WATCHED).ids == []


def test_a_merger_of_companies_brings_their_deals_again(account):
    """case_B12: the links go over to the survivor, and leave no trace on the deal."""
    (deal,), (survivor, loser) = account.sim.create("deals"), account.sim.create("companies", 2, name="Pier {n}")
    account.sim.link("deals", deal, "companies", loser, 5)
    account.advance(200)
    mark = [*account.source().read(Query("deal", None, None, ("dealname",)))][-1].mark
    account.advance(200)
    query = Query("deal", mark, None, ("dealname",), complete=("company",), repeats=True)
    portal = account.sim.portal
    portal.merge(account.sim.record("companies", survivor), account.sim.record("companies", loser))
    found = [record for page in account.source().read(query) for record in page.records]
    assert [(record.id, record.touched) for record in found] == [(deal, True)]


def test_once_the_index_can_hide_nothing_more_the_overlap_is_read_a_last_time(account, read):
    """And from then on a read without change is one search that finds nothing."""
    ids = account.sim.create("deals", 450)
    mark = read(account.source()).mark
    account.advance(62)
    last = read(account.source(), after=mark)
    assert last.ids == ids
    account.calls()
    assert read(account.source(), after=last.mark).ids == []
    assert account.calls() == {SEARCH: 1}


def test_an_edit_that_appears_under_an_older_stamp_at_an_equal_count_is_still_found(hubspot, read):
    """case_B5, case_B6: one edit comes out of hiding as another goes in, so that count and newest say nothing."""
    account = hubspot(index_lag=20.0)
    ids = account.sim.create("deals", 500)
    start = account.sim.clock.now_ms()
    account.advance(30)
    mark = read(account.source()).mark
    account.sim.touch("deals", ids[3], start - 5_000)
    account.advance(5)
    hidden = read(account.source(), after=mark)
    assert ids[3] not in hidden.ids
    account.advance(8)
    account.sim.touch("deals", ids[4], start - 2_000)
    account.advance(9)
    account.calls()
    equal = read(account.source(), after=hidden.mark)
    assert (equal.ids, equal.mark, account.calls()) == ([], hidden.mark, {SEARCH: 1})
    account.advance(20)
    later = read(account.source(), after=equal.mark)
    versions = {record.id: record.version for record in later.records}
    assert versions[ids[3]] == "2026-03-02T07:59:55Z"
    assert versions[ids[4]] == "2026-03-02T07:59:58Z"


def test_an_equal_count_with_another_newest_stamp_is_read(account, read):
    """An edit of what lies in the overlap."""
    ids = account.sim.create("deals", 500)
    mark = read(account.source()).mark
    account.advance(1)
    account.sim.touch("deals", ids[9], account.sim.clock.now_ms())
    got = read(account.source(), after=mark)
    assert got.ids == [*ids[:9], *ids[10:], ids[9]]


def test_a_change_in_a_small_overlap_costs_no_second_look(account, read):
    """Where one page holds the overlap, the look is the reading."""
    ids = account.sim.create("deals", 199)
    mark = read(account.source()).mark
    account.advance(1)
    ids += account.sim.create("deals", 1)
    account.calls()
    assert read(account.source(), after=mark).ids == ids
    assert account.calls() == {SEARCH: 1}


def test_an_overlap_beyond_the_reach_of_a_search_is_read_again(account, read, monkeypatch):
    """HubSpot refuses an offset past 10,000 results."""
    monkeypatch.setattr("wherry_hubspot.walk.SEARCH_REACH", 600)
    ids = account.sim.create("deals", 401)
    mark = read(account.source()).mark
    assert sorted(read(account.source(), after=mark).ids) == ids


@pytest.mark.parametrize("seconds", [-30, -7_200])
def test_nothing_is_put_off_once_hubspots_clock_went_back(account, read, seconds):
    """case_B7: it is read again, up to the page whose stamps lie in the future."""
    ids = account.sim.create("deals", 300)
    account.advance(10)
    mark = read(account.source()).mark
    account.advance(seconds)
    again = read(account.source(), after=mark)
    assert again.ids == ids[:200]
    account.advance(-seconds)
    assert read(account.source(), after=again.mark).ids == ids


def test_a_stamp_in_the_far_future_puts_nothing_off(account, read):
    """An import can write what it likes."""
    ids = account.sim.create("deals", 5)
    account.sim.touch("deals", ids[4], account.sim.clock.now_ms() + 86_400_000)
    mark = read(account.source()).mark
    account.advance(30)
    account.sim.touch("deals", ids[0], account.sim.clock.now_ms())
    account.advance(90)
    assert ids[0] in read(account.source(), after=mark).ids


def test_nothing_is_put_off_where_no_clock_is_told(account, read, monkeypatch):
    """Without HubSpot's time nobody knows what its index may hide."""
    monkeypatch.setattr("wherry.marks.date_of", lambda text: None)
    ids = account.sim.create("deals", 3)
    mark = read(account.source()).mark
    assert json.loads(mark) == {"v": 1, "at": account.sim.clock.now_ms() - 60_000}
    again = read(account.source(), after=mark)
    assert (again.ids, again.mark) == (ids, mark)


def test_a_resumed_full_read_counts_on(account, read):
    """The count lies in the mark of each page."""
    account.sim.create("deals", 250)
    pages = account.source().read(Query("deal", None, None, ("dealname",)))
    first = next(pages)
    pages.close()
    rest = read(account.source(), after=first.mark)
    account.calls()
    assert read(account.source(), after=rest.mark).ids == []
    assert account.calls() == {SEARCH: 1}


def test_tickets_of_one_pipeline_are_counted_as_the_search_counts_them(account, read):
    """The list gives all tickets, the search those of the pipeline."""
    account.sim.create("tickets", 30, hs_pipeline="0", hs_pipeline_stage="1")
    source = {"ticket_pipeline": "0"}
    mark = read(account.source(**source), kind="ticket", fields=("subject",)).mark
    second = read(account.source(**source), kind="ticket", after=mark, fields=("subject",))
    assert read(account.source(**source), kind="ticket", after=second.mark, fields=("subject",)).ids == []


LAG, OLDER, HIDDEN, BACK = 60, 20, 20, 15
STEPS = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 9), st.integers(0, OLDER * 1000)),
    st.tuples(st.just("create"), st.integers(1, 4)),
    st.tuples(st.just("attach"), st.integers(0, 9)),
    st.tuples(st.just("time"), st.integers(-BACK * 1000, 90_000)),
    st.tuples(st.just("time"), st.integers(0, 3_000)),
    st.tuples(st.just("run"), st.sampled_from([None, None, 1, 2])),
    st.tuples(st.just("swap"), st.integers(0, 4), st.integers(0, 4)),
)


class History:
    """What happens to an account, and what a flow that is run now and then has seen of it."""

    def __init__(self, account, index_lag):
        self.account, self.sim = account, account.sim
        self.sim.portal.index_lag = index_lag
        self.ids, self.seen, self.unseen_files = self.sim.create("deals", 6, dealname="0"), {}, set()
        self.mark, self.highest, self.edits = None, self.sim.clock.now(), 0

    def edit(self, which, older):
        deal = self.ids[which % len(self.ids)]
        self.edits += 1
        with self.sim.stage.lock:
            self.sim.portal.change(self.sim.record("deals", deal), {"dealname": str(self.edits)})
        self.sim.touch("deals", deal, self.sim.clock.now_ms() - older)

    def create(self, count):
        self.ids += self.sim.create("deals", count, dealname="0")

    def attach(self, which):
        deal = self.ids[which % len(self.ids)]
        attach(self.account, deal)
        self.unseen_files.add(deal)

    def time(self, ms):
        """The clock goes on, or back by so little that the overlap covers it."""
        lowest = self.highest - BACK - self.sim.clock.now()
        self.account.advance(max(ms / 1000, lowest))
        self.highest = max(self.highest, self.sim.clock.now())

    def swap(self, one, other):
        """One edit comes out of hiding as another goes in: count and newest stay."""
        self.create(1)
        self.time(8_000)
        self.edit(one, 17_000)
        self.time(1_000)
        self.run()
        self.time(45_000)
        self.edit(other, 0)
        self.time(2_000)
        self.run()

    def run(self, pages=None):
        """One run, or one that ends after some pages."""
        reading = self.account.source().read(Query("deal", self.mark, None, ("dealname",), WATCHED))
        for number, page in enumerate(reading, 1):
            self.seen.update((record.id, record.fields["dealname"]) for record in page.records)
            self.unseen_files -= {record.id for record in page.records}
            self.mark = page.mark
            if number == pages:
                break
        reading.close()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, max_size=20), hidden=st.sampled_from([0, 7, 7, HIDDEN]), page=st.integers(2, 5))
def test_whatever_happens_one_run_after_the_lag_has_seen_every_final_version(hubspot, monkeypatch, steps, hidden, page):
    """case_B3, case_B5, case_B6, case_B7: edits, their stamps, the index, the clock and broken runs, in any order."""
    monkeypatch.setattr("wherry_hubspot.access.SEARCHES", Limit(10_000, 1.0))
    for module in ("client", "walk"):
        monkeypatch.setattr(f"wherry_hubspot.{module}.SEARCH_PAGE", page)
    monkeypatch.setattr("wherry_hubspot.walk.SEARCH_REACH", page + 20)
    history = History(hubspot(), hidden)
    for name, *arguments in [("run", None), *steps]:
        getattr(history, name)(*arguments)
    history.account.advance(LAG + BACK + 2)
    history.run()
    current = {deal: history.sim.record("deals", deal).properties["dealname"] for deal in history.ids}
    assert history.seen == current
    assert history.unseen_files == set()
