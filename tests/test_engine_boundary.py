"""Where the engine meets plugins: whatever a part raises or returns ends as one of the six errors, with its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wherry.errors import AccessLost, ContractBroken, Rejected, TryAgain
from wherry.protocol import boundary
from wherry.records import Create, Draft, Page, Record, Skip
from wherry.redaction import remember
from wherry.roles import Account, Query

JUNK: tuple[Any, ...] = (None, 1, "x", [1], [None, "y"], {"a": 1}, object(), [[]], (1, 2), b"z")
QUERY = Query("deal")


def record(id: str = "1", kind: str = "deal", payload: bytes = b"{}") -> Record:
    return Record(kind=kind, id=id, version="1", payload=payload)


class Part:
    """A plugin's part that does what it is told, whatever its role."""

    kinds: Sequence[str] = ("deal",)
    chunk = 10
    fields: dict[str, tuple[str, ...]] = {"deal": ()}  # noqa: RUF012
    fingerprint = "1"

    def __init__(self, act: Callable[..., Any]) -> None:
        self.read = self.complete = self.sweep = self.triggers = self.map = self.match = act

    def check(self) -> Account:
        return Account("1", "x")


def raising(error: BaseException) -> Part:
    def act(*arguments: Any) -> Any:
        raise error

    return Part(act)


def giving(value: Any) -> Part:
    return Part(lambda *arguments: value)


CALLS: dict[str, Callable[[Part], Any]] = {
    "read": lambda part: list(boundary.pages(part, QUERY)),
    "complete": lambda part: boundary.complete(part, [record()], {}),
    "sweep": lambda part: boundary.sweep(part, "deal", ["1"], ()),
    "triggers": lambda part: boundary.triggers(part, part, [record(), record("2")]),
    "map": lambda part: boundary.drafts(part, part, record()),
    "match": lambda part: boundary.decisions(part, [Draft(entity="a", key="b", body={})], None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError(), SystemExit(0), RecursionError(), AssertionError(), StopIteration()]
)
def test_whatever_a_part_raises_names_the_call_and_its_maker(call: str, error: BaseException) -> None:
    """case_G19, case_G20"""
    with pytest.raises(ContractBroken, match=f"{call} raised") as caught:
        CALLS[call](raising(error))
    assert caught.value.where["plugin"]
    assert caught.value.where["hook"].startswith("wherry_")
    assert caught.value.fix


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("error", [AccessLost("a"), TryAgain("b"), Rejected("c"), KeyboardInterrupt()])
def test_our_own_errors_and_an_operators_interrupt_pass_as_they_are(call: str, error: BaseException) -> None:
    """case_E5, I16"""
    with pytest.raises(type(error)) as caught:
        CALLS[call](raising(error))
    assert caught.value is error


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("value", JUNK, ids=lambda value: type(value).__name__)
def test_an_answer_of_the_wrong_shape_is_refused(call: str, value: Any) -> None:
    """case_G20"""
    with pytest.raises(ContractBroken):
        CALLS[call](giving(value))


def test_an_error_half_way_comes_after_what_was_good() -> None:
    """case_G20, I5"""

    def read(query: Query) -> Iterator[Page]:
        yield Page([record()], "m1")
        raise ValueError("half way")

    pages = boundary.pages(Part(read), QUERY)
    assert next(pages).mark == "m1"
    with pytest.raises(ContractBroken, match="half way"):
        next(pages)


@pytest.mark.parametrize(
    "page",
    [
        Page([record(kind="ship")], "m"),
        Page([record(kind=["deal"])], "m"),  # type: ignore[arg-type]
        Page([record("")], "m"),
        Page([record(7)], "m"),  # type: ignore[arg-type]
        Page([], None),  # type: ignore[arg-type]
        Page(None, "m"),  # type: ignore[arg-type]
    ],
)
def test_a_page_with_something_else_in_it_is_refused(page: Page) -> None:
    """case_G20"""
    with pytest.raises(ContractBroken):
        list(boundary.pages(giving([page]), QUERY))


@pytest.mark.parametrize("payload", [b"", b"<html>", b"[1]", b'"x"', b"{", b'{"a": NaN}', b"\xff{}", b"null"])
def test_a_payload_that_is_no_json_object_is_the_sources_fault(payload: bytes) -> None:
    """case_G20"""
    with pytest.raises(ContractBroken, match="payload") as caught:
        boundary.triggers(giving(None), giving([None]), [record(payload=payload)])
    assert caught.value.where["hook"] == "wherry_source_connector"


def test_a_record_that_complete_leaves_out_would_be_lost_and_is_refused() -> None:
    """I1"""
    with pytest.raises(ContractBroken, match="complete was given 2"):
        boundary.complete(giving([record("1")]), [record("1"), record("2")], {})
    swapped = [record("2"), record("1")]
    assert boundary.complete(giving(swapped), [record("1"), record("2")], {}) == swapped


@pytest.mark.parametrize("value", [0.1, [1, [2.5]], {"a": {"b": 1.0}}, object(), {1: "x"}, b"x", (1,), float("nan")])
def test_a_body_with_a_float_or_an_object_in_it_is_refused(value: Any) -> None:
    """case_C1, I8"""
    draft = Draft(entity="project", key="id:1", body={"name": "x", "amount": value})
    with pytest.raises(ContractBroken, match="project id:1"):
        boundary.drafts(giving([draft]), giving([draft]), record())


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), PLAIN))
def test_plain_bodies_pass_untouched(body: dict[str, Any]) -> None:
    """case_G20"""
    draft = Draft(entity="project", key="id:1", body=body)
    assert boundary.drafts(giving([draft]), giving([draft]), record()) == [draft]


@pytest.mark.parametrize("draft", [Draft(entity="", key="k", body={}), Draft(entity="e", key="", body={})])
def test_a_draft_without_a_name_is_refused(draft: Draft) -> None:
    """I2: two things without a key would be one."""
    with pytest.raises(ContractBroken):
        boundary.drafts(giving([draft]), giving([draft]), record())


def test_good_answers_pass() -> None:
    """I1"""
    skip = Skip("no")
    assert boundary.triggers(giving(None), giving([None, skip]), [record(), record("2")]) == [None, skip]
    assert CALLS["match"](giving([Create()])) == [Create()]
    gone = Record(kind="deal", id="1", version="", gone="deleted")
    assert boundary.sweep(giving([gone, record("2")]), "deal", ["1", "2"], ()) == [gone]


def test_a_secret_that_a_part_raises_is_struck_from_the_message() -> None:
    """case_G12, I14"""
    token = remember("tok-canary-4711")
    with pytest.raises(ContractBroken) as caught:
        CALLS["read"](raising(ValueError(f"no access with {token}")))
    assert token not in f"{caught.value} {caught.value.as_data()}"
