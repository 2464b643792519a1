"""Several versions of one record in one run: each is settled before the next, and the last one stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any

import msgspec
import pytest
from wherry.catalogues import Catalogues
from wherry.errors import Rejected
from wherry.matching import RuleMatcher
from wherry.matching.listing import Listing
from wherry.protocol.steps import Lane
from wherry.records import Answer, Draft, Item, Listed, Page, Record, Ref, Skip
from wherry.roles import Account
from wherry.runs import engine
from wherry.runs.job import Batch, Entry, Job, Options, Wired
from wherry.runs.merging import merged_refs
from wherry.store import Store, ledger
from wherry.store.blobs import Blobs
from wherry.store.documents import DocumentView
from wherry.store.ledger import Route, Seen

RULES = {"customer": RuleMatcher(("link", "name"), "triage"), "project": RuleMatcher(("link",), "create")}


class Source:
    kinds: Sequence[str] = ("deal",)
    chunk = 10

    def __init__(self, *pages: Page, fetched: Sequence[Record] = ()) -> None:
        self.pages, self.fetched = pages, list(fetched)

    def check(self) -> Account:
        return Account("1", "source")

    def read(self, query: object) -> Iterator[Page]:
        return iter(self.pages)

    def complete(self, records: list[Record], relatives: object) -> list[Record]:
        return records

    def fetch(self, kind: str, ids: Sequence[str], fields: object) -> list[Record]:
        return self.fetched


class Mapper:
    fields: Mapping[str, tuple[str, ...]] = MappingProxyType({"deal": ()})
    fingerprint = "1"

    def triggers(self, records: Sequence[Record]) -> list[Skip | None]:
        return [None if record.fields["stage"] == "won" else Skip("not won") for record in records]

    def map(self, record: Record) -> list[Draft]:
        said = record.fields
        if said.get("bad"):
            raise Rejected("bad record", fix="correct it")
        body = {name: said[name] for name in ("name", "note") if name in said}
        drafts, refs = [], ()
        if "customer" in said:
            customer = Ref("customer", "name:" + said["customer"])
            refs, body["customer"] = (customer,), {"entity": "customer", "key": customer.key}
            drafts.append(Draft(entity="customer", key=customer.key, body={"name": said["customer"]}))
        return [*drafts, Draft(entity="project", key=f"id:{record.id}", body=body, root=True, refs=refs)]


class Sink:
    entities: Sequence[str] = ("customer", "project")

    def check(self) -> Account:
        return Account("1", "sink")

    def apply(self, documents: DocumentView, items: Sequence[Item]) -> list[Answer]:
        return [self._one(documents, item) for item in items]

    def _one(self, documents: DocumentView, item: Item) -> Answer:
        target = item.target or documents.new_ids(item.entity, item.entity[0].upper(), 1)[0]
        documents.put(item.entity, [(target, item.body)])
        return Answer(fate="updated" if item.target else "created", target=target)

    def listing(self, documents: DocumentView, entity: str) -> Iterator[Listed]:
        return (Listed(id, str(body.get("name", ""))) for id, body in documents.each(entity))

    def current(self, documents: DocumentView, entity: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        return documents.get(entity, ids)


def deal(version: int, **said: Any) -> Record:
    payload = msgspec.json.encode({"v": version, "name": "D", "stage": "won", **said})
    return Record(kind="deal", id="1", version=str(version), payload=payload)


def run(
    store: Store, source: Source, repeat: str = "once", options: Options | None = None, flow_name: str = "f"
) -> Job:
    flow: Any = SimpleNamespace(limits=SimpleNamespace(fall=0.9), repeat_for=lambda entity: repeat, deciding={})
    sink: Any = Sink()
    lane = Lane(flow=flow_name, run="r", route=Route(1, 2), sink=sink, plugin="shelf")

    def load(entity: str) -> tuple[Listing, int]:
        with store.read() as tx:
            view = DocumentView(tx, "shelf")
            keys = ledger.keys_by_target(tx, lane.route, entity)
            return Listing(sink.listing(view, entity), keys), view.sequence()

    wired = Wired(flow=flow, lane=lane, store=store, source=source, mappers={"deal": Mapper()},
                  matchers=RULES.__getitem__, blobs=Blobs(store.files, 10**6))  # fmt: skip
    job = Job(wired=wired, options=options or Options(), catalogues=Catalogues(load))
    engine.run(job)
    return job


def seen(store: Store, flow: str = "f") -> Seen:
    with store.read() as tx:
        return ledger.find_seen(tx, flow, "deal", ["1"])["1"]


def open_states(store: Store) -> set[str]:
    with store.read() as tx:
        return {item.state for item in ledger.open_items(tx)}


def held(store: Store) -> dict[str, Any]:
    with store.documents("shelf") as documents:
        return documents.get("project", ["P-1001"]).get("P-1001", {})


@pytest.mark.parametrize("pages", [1, 2])
def test_a_version_that_passes_is_not_taken_back_for_the_sake_of_an_older_one(store: Store, pages: int) -> None:
    """case_B3, I1"""
    versions = [deal(1, stage="lost"), deal(2, customer="Acme")]
    source = Source(Page(versions, "m")) if pages == 1 else Source(*(Page([one], "m") for one in versions))
    run(store, source)
    assert (seen(store).version, seen(store).fate) == ("2", "waiting")
    assert open_states(store) == {"triage", "waiting"}


def test_what_an_older_version_was_written_as_is_remembered_when_the_newer_one_leaves_its_stage(store: Store) -> None:
    """case_B13, I7"""
    run(store, Source(Page([deal(1)], "a"), Page([deal(2, stage="lost")], "b")))
    assert (seen(store).fate, seen(store).synced) == ("skipped", "P-1001")


def test_a_refused_version_is_resolved_by_the_next_one_in_the_same_run(store: Store) -> None:
    """I1"""
    run(store, Source(Page([deal(1, bad=1)], "a"), Page([deal(2)], "b")))
    assert seen(store).fate == "created"
    assert open_states(store) == set()


def test_the_newer_version_is_what_stands_where_every_change_is_carried(store: Store) -> None:
    """case_B3, I6"""
    run(store, Source(Page([deal(1, name="old")], "a"), Page([deal(2, name="new")], "b")), "always")
    assert held(store)["name"] == "new"


@pytest.mark.parametrize("pages", [1, 2])
def test_a_merger_within_one_run_makes_no_second_project(store: Store, pages: int) -> None:
    """case_B12"""
    loser, survivor = deal(1), deal(2)
    survivor.id, survivor.merged_ids = "2", ("1",)
    source = Source(Page([loser, survivor], "m")) if pages == 1 else Source(Page([loser], "a"), Page([survivor], "b"))
    job = run(store, source)
    with store.documents("shelf") as documents:
        assert documents.count("project") == 1
    assert [notice.target for notice in job.tally.notices] == ["P-1001"]


def test_another_flow_that_writes_what_one_waits_for_tells_that_one_too(store: Store) -> None:
    """I1: both flows read the same deals into the same sink."""
    run(store, Source(Page([deal(1, customer="Acme")], "a")), flow_name="one")
    assert seen(store, "one").fate == "waiting"
    run(store, Source(Page([deal(2)], "a")), flow_name="two")
    assert (seen(store, "two").fate, seen(store, "one").fate) == ("created", "created")


def test_after_a_resync_of_one_field_the_next_run_brings_the_others(store: Store) -> None:
    """b_001_16"""
    run(store, Source(Page([deal(1, name="old", note="old")], "a")), "always")
    changed = deal(2, name="new", note="new")
    chosen = Options(records=("1",), resync=True, fields=("name",))
    run(store, Source(fetched=[changed]), "always", chosen)
    assert held(store) == {"name": "new", "note": "old"}
    run(store, Source(Page([changed], "b")), "always")
    assert held(store) == {"name": "new", "note": "new"}


@pytest.mark.parametrize("name", ["x" * 9000, "a\0b"])
def test_a_key_that_no_index_takes_refuses_its_record_and_nothing_else(store: Store, name: str) -> None:
    """case_D5, I21"""
    job = run(store, Source(Page([deal(1, customer=name)], "a")))
    assert seen(store).fate == "refused"
    assert "too long or holds a NUL" in job.tally.refused[0].reason


def test_text_that_looks_like_a_placeholder_is_kept_as_it_is(store: Store) -> None:
    """case_G15"""
    run(store, Source(Page([deal(1, name="50% off %s %(x)s %% ?")], "a")))
    assert held(store)["name"] == "50% off %s %(x)s %% ?"


def test_a_merged_record_may_be_called_by_any_signs() -> None:
    r"""case_B12: an id such as A\1 ended the run, taken for a group of a pattern"""
    draft = Draft(entity="project", key="id:2", body={})
    survivor = Entry(record=Record(kind="deal", id="2", version="1"), digest=b"", merged=r"A\1", drafts=[draft])
    assert merged_refs(Batch("deal", heads=[survivor])) == {Ref("project", r"id:A\1"): draft.ref}
