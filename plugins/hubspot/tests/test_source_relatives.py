"""What belongs to a deal: the right company, lines in order, files of its activities; in the fewest calls."""

from __future__ import annotations

import json
import threading

import pytest
from wherry.errors import AccessLost, Rejected, TryAgain
from wherry.records import Record
from wherry.roles import Query
from wherry_hubspot import reading
from wherry_hubspot.source import LISTED_CHUNK

LINKS = "POST /crm/associations/{type}/{to_type}/batch/read"
READ = "POST /crm/objects/{type}/batch/read"
SEARCH, LIST = "POST /crm/objects/{type}/search", "GET /crm/objects/{type}"
PRIMARY, PLAIN = 5, 341
ACTIVITY_TO_DEAL = {"notes": 214, "emails": 210, "calls": 206, "meetings": 212, "tasks": 216}


def complete(account, ids, relatives, source=None, kind="deal", decoded=None):
    source = source or account.source()
    heads = [Record(kind=kind, id=i, version="v", payload=json.dumps(decoded or {}).encode()) for i in ids]
    done = source.complete(heads, relatives)
    assert [r.id for r in done] == list(ids)
    return done


def with_company(account, deal, name, type_id=PRIMARY):
    (company,) = account.sim.create("companies", 1, name=name)
    account.sim.link("deals", deal, "companies", company, type_id)
    return company


def attach(account, deal, name="plan.pdf", data=b"bytes", kind="notes", access="PRIVATE"):
    """A file on an activity of the deal: (activity id, file id)."""
    file = account.sim.files.add(name, data, access=access)
    (activity,) = account.sim.create(kind, 1, hs_attachment_ids=file.id)
    account.sim.link(kind, activity, "deals", deal, ACTIVITY_TO_DEAL[kind])
    return activity, file.id


def test_relatives_of_a_thousand_deals_take_the_fewest_calls(account):
    """b_001_06, b_001_08: links by 1,000, objects by 100, each company once."""
    deals = account.sim.create("deals", 1000)
    companies = account.sim.create("companies", 250, name="Company {n}")
    lines = account.sim.create("line_items", 1000, name="Line {n}")
    for n, deal in enumerate(deals):
        account.sim.link("deals", deal, "companies", companies[n % 250], PRIMARY)
        account.sim.link("line_items", lines[n], "deals", deal, 20)
    account.calls()
    done = complete(account, deals, {"company": ("name",), "line_item": ("name", "quantity")})
    assert account.calls() == {LINKS: 2, READ: 3 + 10}
    assert done[251].relatives["company"][0].fields["name"] == "Company 1"
    assert [line.fields["name"] for line in done[999].relatives["line_item"]] == ["Line 999"]


def test_what_the_list_tells_of_links_is_not_asked_for_again(hubspot):
    """b_001_06, b_001_08: only several companies, and more lines than a list tells, are asked for by id."""
    account = hubspot(association_page=7)
    one, several, many, none = account.sim.create("deals", 4)
    wanted, lines = {"company": ("name",), "line_item": ("name",)}, account.sim.create("line_items", 10)
    for number, line in enumerate(lines):
        account.sim.link("line_items", line, "deals", many if number else one, 20)
    only, _ = with_company(account, one, "Only"), with_company(account, several, "First", PLAIN)
    chosen = with_company(account, several, "Second")
    source = account.source()
    query = Query("deal", None, None, ("dealname",), complete=("company", "line_item"))
    heads = [record for page in source.read(query) for record in page.records]
    account.calls()
    found = {record.id: record.relatives for record in source.complete(heads, wanted)}
    assert account.calls() == {LINKS: 1 + 2, READ: 2}
    assert {i: [c.id for c in each["company"]] for i, each in found.items()} == {
        one: [only], several: [chosen], many: [], none: [],
    }  # fmt: skip
    assert [line.id for line in found[one]["line_item"] + found[many]["line_item"]] == lines


def test_few_heads_are_completed_at_once_only_where_no_link_has_to_be_asked_for(account):
    """W2: the reads of relatives begin while the list goes on; each chunk of deals whose files are asked for costs."""
    account.sim.create("deals", 1)
    source = account.source()
    watched = {"file": ("name",)}
    asked = [
        ((), {}, 1000),
        (("company",), {}, LISTED_CHUNK),
        (("company", "file"), {}, 1000),
        (("company", "file"), watched, LISTED_CHUNK),
    ]
    for kinds, relatives, chunk in asked:
        assert list(source.read(Query("deal", None, None, ("dealname",), relatives, kinds)))
        assert source.chunk == chunk


def test_a_batch_that_would_not_be_full_takes_along_what_is_asked_for_next(account, monkeypatch):
    """W2: the lines of six deals, two deals at a time, in as few calls as all of them at once."""
    monkeypatch.setattr(reading, "BATCH", 10)
    deals, counts = account.sim.create("deals", 6), [7, 4, 6, 3, 2, 3]
    lines = account.sim.create("line_items", sum(counts))
    for deal, line in zip([deal for deal, n in zip(deals, counts, strict=True) for _ in range(n)], lines, strict=True):
        account.sim.link("line_items", line, "deals", deal, 20)
    source = account.source()
    query = Query("deal", None, None, ("dealname",), complete=("line_item",))
    heads = [record for page in source.read(query) for record in page.records]
    account.calls()
    done = [record for n in (0, 2, 4) for record in source.complete(heads[n : n + 2], {"line_item": ("name",)})]
    assert [line.id for record in done for line in record.relatives["line_item"]] == lines
    assert account.calls() == {READ: 3}


def test_what_fills_up_a_batch_keeps_nothing_else_from_being_read():
    """One that HubSpot cannot answer for, and that nobody asked for yet."""

    def read(ids):
        if "bad" in ids:
            if not found:
                waiting.start()
                waiting.join(0.05)  # it waits for what is being read here
            raise TryAgain("HubSpot could not answer for some", code="WHERRY-6707")
        return {i: i.upper() for i in ids}

    coming, found = reading.Coming(), {}
    once = reading.ReadOnce(read, coming=coming)
    waiting = threading.Thread(target=lambda: found.update(once.get(["b"])))
    coming.expect(lambda: ["left out", "a", "bad", "b"])
    assert once.get(["a"]) == {"a": "A"}
    waiting.join(5)
    assert found == {"b": "B"}
    with pytest.raises(TryAgain):
        once.get(["bad"])


def test_a_company_is_read_once_a_run(account):
    """The next chunk of deals knows it already."""
    deals = account.sim.create("deals", 2)
    company = with_company(account, deals[0], "Acme")
    account.sim.link("deals", deals[1], "companies", company, PRIMARY)
    source = account.source()
    complete(account, deals[:1], {"company": ("name",)}, source)
    account.calls()
    complete(account, deals[1:], {"company": ("name",)}, source)
    assert account.calls() == {LINKS: 1}


def test_nothing_is_asked_that_the_map_does_not_want(account):
    """Only the relatives asked for."""
    deals = account.sim.create("deals", 3)
    complete(account, deals, {})
    assert account.calls() == {}


def test_pages_of_links_are_followed_to_their_end(hubspot):
    """A deal with more lines than one page of links holds."""
    account = hubspot(association_page=7)
    deals = account.sim.create("deals", 2)
    lines = account.sim.create("line_items", 23)
    for line in lines:
        account.sim.link("line_items", line, "deals", deals[0], 20)
    one, other = complete(account, deals, {"line_item": ("name",)})
    assert [line.id for line in one.relatives["line_item"]] == lines
    assert other.relatives["line_item"] == []
    assert account.calls() == {LINKS: 4, READ: 1}


def test_lines_stand_in_the_order_of_the_quote(account):
    """Position first, then id; lines without a position come last."""
    (deal,) = account.sim.create("deals", 1)
    made = {}
    for name, position in [("late", "10"), ("none", ""), ("early", "2"), ("also early", "2")]:
        (line,) = account.sim.create("line_items", 1, name=name, hs_position_on_quote=position)
        account.sim.link("line_items", line, "deals", deal, 20)
        made[name] = line
    (record,) = complete(account, [deal], {"line_item": ("name",)})
    assert [line.fields["name"] for line in record.relatives["line_item"]] == ["early", "also early", "late", "none"]


@pytest.mark.parametrize("before", [0, 1])
def test_the_primary_company_counts_not_the_first(account, before):
    """b_001_06: by any of its association's types, which the stand-in tells in another order for each second id."""
    (deal,) = account.sim.create("deals", 1)
    account.sim.create("companies", before)
    with_company(account, deal, "First", PLAIN)
    second = with_company(account, deal, "Second", PRIMARY)
    (record,) = complete(account, [deal], {"company": ("name",)})
    assert [company.id for company in record.relatives["company"]] == [second]
    assert "company_problem" not in record.fields


def test_a_single_company_counts_without_being_primary(account):
    """Old accounts have unlabelled links."""
    (deal,) = account.sim.create("deals", 1)
    only = with_company(account, deal, "Only", PLAIN)
    (record,) = complete(account, [deal], {"company": ("name",)})
    assert [company.id for company in record.relatives["company"]] == [only]


@pytest.mark.parametrize(
    ("types", "words"),
    [((PRIMARY, PRIMARY), "2 companies are marked as primary"), ((PLAIN, PLAIN, PLAIN), "none is marked as primary")],
)
def test_a_choice_between_companies_is_not_guessed(account, types, words):
    """case_B15"""
    (deal,) = account.sim.create("deals", 1, dealname="A")
    for n, type_id in enumerate(types):
        with_company(account, deal, f"Company {n}", type_id)
    (record,) = complete(account, [deal], {"company": ("name",)}, decoded={"dealname": "A"})
    assert record.relatives["company"] == []
    assert words in record.fields["company_problem"]
    assert record.fields["dealname"] == "A"


def test_a_deal_without_a_company_has_none_and_no_problem(account):
    """A missing company is a fact, not a fault."""
    (deal,) = account.sim.create("deals", 1)
    (record,) = complete(account, [deal], {"company": ("name",)})
    assert record.relatives["company"] == []
    assert "company_problem" not in record.fields


def test_products_and_owners_come_when_asked_for(account):
    """A product by the line that names it; owners in one list, those who left included."""
    here = account.sim.add_owner("ann@example.com", "Ann", "Lee")
    left = account.sim.add_owner("bob@example.com", archived=True)
    deals = account.sim.create("deals", 2)
    (product,) = account.sim.create("products", 1, name="GTX", price="550")
    (line,) = account.sim.create("line_items", 1, hs_product_id=product)
    account.sim.link("line_items", line, "deals", deals[0], 20)
    source = account.source()
    heads = [
        Record(kind="deal", id=deals[0], version="", payload=json.dumps({"hubspot_owner_id": here}).encode()),
        Record(kind="deal", id=deals[1], version="", payload=json.dumps({"hubspot_owner_id": left}).encode()),
    ]
    one, two = source.complete(heads, {"line_item": ("name",), "product": ("name",), "owner": ("name",)})
    assert [p.fields["name"] for p in one.relatives["product"]] == ["GTX"]
    assert one.relatives["owner"][0].fields["name"] == "Ann Lee"
    assert two.relatives["owner"][0].fields["name"] == "bob@example.com"
    account.calls()
    complete(account, deals[:1], {"owner": ("name",)}, decoded={"hubspot_owner_id": here})
    assert account.calls() == {}


def test_errors_inside_a_207_are_not_read_as_nothing_there(account, monkeypatch):
    """A 207 may hide a failure that will pass."""
    from wherry.simulator import Reply

    true = account.sim.stage._answer
    body = {
        "status": "COMPLETE",
        "results": [],
        "numErrors": 1,
        "errors": [{"category": "INTERNAL_ERROR", "message": "shard is down", "context": {"ids": ["7"]}}],
    }
    monkeypatch.setattr(
        account.sim.stage, "_answer", lambda c: Reply(207, body) if "associations" in c.path else true(c)
    )
    with pytest.raises(TryAgain, match="shard is down"):
        complete(account, ["7"], {"company": ("name",)})


# -- files --


def test_files_of_all_five_kinds_of_activity_belong_to_the_deal(account):
    """b_001_52, b_001_53"""
    deals = account.sim.create("deals", 2)
    made = {kind: attach(account, deals[0], f"{kind}.pdf", kind=kind) for kind in ACTIVITY_TO_DEAL}
    one, other = complete(account, deals, {"file": ("name",)})
    files = {file.fields["name"]: file for file in one.relatives["file"]}
    assert set(files) == {f"{kind}.pdf" for kind in ACTIVITY_TO_DEAL}
    note = files["notes.pdf"]
    assert (note.id, note.fields["activity"], note.fields["activity_id"]) == (
        made["notes"][1],
        "note",
        made["notes"][0],
    )
    assert (note.fields["size"], note.fields["media_type"]) == (5, "application/pdf")
    assert other.relatives["file"] == []


def test_a_file_on_two_notes_of_a_deal_comes_once(account):
    """And once more for another deal."""
    deals = account.sim.create("deals", 2)
    _, file = attach(account, deals[0])
    for deal in deals:
        (note,) = account.sim.create("notes", 1, hs_attachment_ids=f"{file}; ")
        account.sim.link("notes", note, "deals", deal, 214)
    one, other = complete(account, deals, {"file": ("name",)})
    assert [f.id for f in one.relatives["file"]] == [f.id for f in other.relatives["file"]] == [file]
    assert other.relatives["file"][0].fields["deal_id"] == deals[1]


def test_a_full_read_asks_nothing_of_activities_that_carry_no_files(account, read):
    """Five searches for the whole run, however many chunks of deals there are."""
    deals = account.sim.create("deals", 6)
    source = account.source()
    read(source, relatives={"file": ("name",)})
    account.calls()
    for deal in deals:
        complete(account, [deal], {"file": ("name",)}, source)
    assert account.calls() == {SEARCH: 5}


def test_a_full_read_whose_files_come_once_asks_every_deal(account, read):
    """Nobody would find later what the index hid from a survey."""
    deals = account.sim.create("deals", 2)
    account.sim.portal.index_lag = 30.0
    attach(account, deals[1])
    source = account.source()
    read(source)
    done = complete(account, deals, {"file": ("name",)}, source)
    assert [len(record.relatives["file"]) for record in done] == [0, 1]


def test_a_full_read_with_few_files_asks_for_their_deals_once(account, read):
    """One page of a search names every activity with files: no deal has to be asked for its notes."""
    deals = account.sim.create("deals", 6)
    attach(account, deals[4])
    source = account.source()
    read(source, relatives={"file": ("name",)})
    account.calls()
    found = {d: complete(account, [d], {"file": ("name",)}, source)[0].relatives["file"] for d in deals}
    assert {d for d, files in found.items() if files} == {deals[4]}
    assert account.calls() == {SEARCH: 5, LINKS: 1, "GET /files/files/{id}": 1}


def test_a_full_read_with_many_files_asks_by_deal(account, read):
    """More activities than one page of a search names."""
    deals = account.sim.create("deals", 3)
    notes = account.sim.create("notes", 250, hs_attachment_ids=account.sim.files.add("a.txt", b"a").id)
    for note in notes:
        account.sim.link("notes", note, "deals", deals[1], 214)
    source = account.source()
    read(source, relatives={"file": ("name",)})
    account.calls()
    done = complete(account, deals, {"file": ("name",)}, source)
    assert [len(r.relatives["file"]) for r in done] == [0, 1, 0]
    assert account.calls() == {SEARCH: 5, LINKS: 1, READ: 3, "GET /files/files/{id}": 1}


def test_facts_of_a_hundred_files_take_one_call_and_one_more_for_each_hidden(account):
    """What HubSpot leaves out of its file search is asked for by id."""
    deals = account.sim.create("deals", 1)
    stored = [account.sim.files.add(f"{n}.pdf", b"x", access="PRIVATE").id for n in range(230)]
    stored += [account.sim.files.add(f"form {n}.pdf", b"x", access="HIDDEN_PRIVATE").id for n in range(2)]
    (note,) = account.sim.create("notes", 1, hs_attachment_ids=";".join(stored))
    account.sim.link("notes", note, "deals", deals[0], 214)
    account.calls()
    (record,) = complete(account, deals, {"file": ("name",)})
    assert [file.id for file in record.relatives["file"]] == stored
    assert {file.fields["size"] for file in record.relatives["file"]} == {1}
    found = {"GET /files/files/search": 3, "GET /files/files/{id}": 2}
    assert account.calls() == {LINKS: 5, READ: 1, **found}


def test_a_file_that_arrives_later_touches_its_deal(account, read):
    """b_001_54, case_B14: the deal itself did not change."""
    deals = account.sim.create("deals", 3)
    account.advance(600)
    source = account.source()
    mark = read(source, relatives={"file": ("name",)}).mark
    account.advance(600)
    attach(account, deals[1], kind="calls")
    account.advance(120)
    account.calls()
    got = read(account.source(), after=mark, relatives={"file": ("name",)})
    assert [(r.id, r.touched) for r in got.records] == [(deals[1], True)]
    assert account.calls() == {SEARCH: 6, LINKS: 1, READ: 1}
    account.advance(600)
    assert read(account.source(), after=got.mark, relatives={"file": ("name",)}).ids == []


def test_a_note_without_a_file_touches_nothing(account, read):
    """Sales people write many notes."""
    (deal,) = account.sim.create("deals", 1)
    account.advance(600)
    mark = read(account.source()).mark
    account.advance(600)
    (note,) = account.sim.create("notes", 1, hs_note_body="called")
    account.sim.link("notes", note, "deals", deal, 214)
    account.calls()
    assert read(account.source(), after=mark, relatives={"file": ("name",)}).ids == []
    assert account.calls() == {SEARCH: 6}


def test_an_edited_line_touches_its_deal_when_lines_are_followed(account, read):
    """case_B14"""
    deals = account.sim.create("deals", 2)
    (line,) = account.sim.create("line_items", 1, name="GTX")
    account.sim.link("line_items", line, "deals", deals[1], 20)
    account.advance(600)
    mark = read(account.source()).mark
    account.advance(600)
    account.sim.touch("line_items", line, account.sim.clock.now_ms())
    assert read(account.source(), after=mark).ids == []
    got = read(account.source(), after=mark, relatives={"line_item": ("name",)})
    assert [(r.id, r.touched) for r in got.records] == [(deals[1], True)]


def test_a_run_that_ends_amid_the_relatives_reads_them_again(account, read):
    """The mark of the heads may not pass what was not looked at."""
    deals = account.sim.create("deals", 2)
    account.advance(600)
    mark = read(account.source()).mark
    account.advance(600)
    attach(account, deals[0])
    account.sim.touch("deals", deals[1], account.sim.clock.now_ms())

    account.advance(600)
    pages = account.source().read(Query("deal", mark, None, (), {"file": ("name",)}))
    first = next(pages)
    pages.close()
    assert [r.id for r in first.records] == [deals[1]]
    assert deals[0] in read(account.source(), after=first.mark, relatives={"file": ("name",)}).ids


def test_the_bytes_come_by_a_signed_link_without_our_token(account):
    """Security: the bearer does not leave for another host."""
    (deal,) = account.sim.create("deals", 1)
    _, file = attach(account, deal, data=b"hello" * 1000)
    with account.source().open_file(file) as chunks:
        assert b"".join(chunks) == b"hello" * 1000
    (fetched,) = account.sim.history.requests("signed-files")
    assert not fetched.authorized


def test_an_expired_link_is_replaced_once_by_a_fresh_one(account):
    """case_D12"""
    _, file = attach(account, account.sim.create("deals", 1)[0])
    account.sim.faults.add("status", path="signed-files", status=403)
    with account.source().open_file(file) as chunks:
        assert b"".join(chunks) == b"bytes"
    assert len(account.sim.history.requests("signed-url")) == 2
    for status in (403, 404):
        account.sim.faults.add("status", path="signed-files", status=status, times=2)
        with pytest.raises(Rejected, match="refused twice"), account.source().open_file(file):
            pass


def test_a_deleted_file_stays_visible_and_is_refused_when_opened(account):
    """Nothing is lost without a word."""
    (deal,) = account.sim.create("deals", 1)
    _, file = attach(account, deal)
    account.sim.files.files[file].archived = True
    (record,) = complete(account, [deal], {"file": ("name",)})
    (gone,) = record.relatives["file"]
    assert (gone.id, gone.gone) == (file, "deleted")
    with pytest.raises(Rejected, match=f"file {file}"), account.source().open_file(file):
        pass


def test_a_missing_scope_of_one_end_is_named(hubspot):
    """case_E5: reading links takes the scopes of both ends."""
    account = hubspot(scopes=["crm.objects.deals.read"])
    (deal,) = account.sim.create("deals", 1)
    with pytest.raises(AccessLost, match=r"crm\.objects\.companies\.read"):
        complete(account, [deal], {"company": ("name",)})


def test_threads_that_want_the_same_company_read_it_once(account):
    """``complete`` runs in a small pool."""
    from wherry.threads import fan_out

    deals = account.sim.create("deals", 40)
    company = with_company(account, deals[0], "Acme")
    for deal in deals[1:]:
        account.sim.link("deals", deal, "companies", company, PRIMARY)
    source = account.source()
    list(fan_out(lambda deal: complete(account, [deal], {"company": ("name",)}, source), deals, 8))
    assert account.calls() == {LINKS: 40, READ: 1}
