"""Questions to the company file: filters, iterators, message-set recovery, scripted faults."""

from __future__ import annotations

import pytest
from lxml import etree
from wherry_qbwc.simulator import HResult, QbwcSimulator

from .company_bench import answers, ask, code, desktop, one, order, row, rq, set_of

ADD = rq("SalesOrderAdd", order(), 'requestID="r1"')


def names(answer: etree._Element) -> list[str]:
    return [each.findtext("FullName") or each.findtext("RefNumber") or "" for each in answer]


def set_code(told: str) -> str:
    return answers(told).get("messageSetStatusCode", "")


# Filters


def test_a_name_that_is_not_there_is_a_warning_and_the_others_come() -> None:
    both = "<CustomerQueryRq><FullName>Nobody</FullName><FullName>Cook, Brian</FullName></CustomerQueryRq>"
    answer = one(desktop(), both)
    assert code(answer) == (500, "Warn")
    assert names(answer) == ["Cook, Brian"]


def test_a_question_that_matches_nothing_is_no_error() -> None:
    answer = one(desktop(), "<SalesOrderQueryRq><RefNumber>X</RefNumber></SalesOrderQueryRq>")
    assert (code(answer), answer.get("retCount")) == ((1, "Info"), "0")


def test_inactive_entries_come_only_when_asked_for() -> None:
    company = desktop()
    key = next(told["id"] for told in company.records("Account") if told["FullName"] == "Checking")
    company.change(key, IsActive="false")
    usual, every = ask(
        company, "<AccountQueryRq/>", "<AccountQueryRq><ActiveStatus>All</ActiveStatus></AccountQueryRq>"
    )
    assert set(names(every)) - set(names(usual)) == {"Checking"}


def test_lines_come_only_when_asked_for() -> None:
    company = desktop()
    ask(company, ADD)
    lines = (
        "<SalesOrderQueryRq><RefNumber>inv-1042</RefNumber><IncludeLineItems>{}</IncludeLineItems></SalesOrderQueryRq>"
    )
    bare, full = ask(company, lines.format("false"), lines.format("true"))
    assert [len(answer.findall(".//SalesOrderLineRet")) for answer in (bare, full)] == [0, 2]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("<RefNumberCaseSensitive>inv-1042</RefNumberCaseSensitive>", 0),
        ("<RefNumberFilter><MatchCriterion>EndsWith</MatchCriterion><RefNumber>42</RefNumber></RefNumberFilter>", 1),
        ("<TxnDateRangeFilter><FromTxnDate>2026-03-31</FromTxnDate><ToTxnDate>2026-03-31</ToTxnDate>"
         "</TxnDateRangeFilter>", 1),
        ("<TxnDateRangeFilter><ToTxnDate>2026-03-30</ToTxnDate></TxnDateRangeFilter>", 0),
        ("<EntityFilter><FullName>Cook, Brian</FullName></EntityFilter>", 1),
        ("<EntityFilter><FullName>Baker, Chris</FullName></EntityFilter>", 0),
        # The offset is not looked at: QuickBooks takes the filter for local time.
        ("<ModifiedDateRangeFilter><FromModifiedDate>2026-04-01T12:00:00+00:00</FromModifiedDate>"
         "</ModifiedDateRangeFilter>", 1),
        ("<ModifiedDateRangeFilter><FromModifiedDate>2026-04-01T12:00:01+14:00</FromModifiedDate>"
         "</ModifiedDateRangeFilter>", 0),
    ],
)  # fmt: skip
def test_a_filter_finds_what_it_says(filter: str, found: int) -> None:
    company = desktop()
    ask(company, ADD)
    assert len(one(company, f"<SalesOrderQueryRq>{filter}</SalesOrderQueryRq>")) == found


def test_only_the_elements_that_were_named_come_back() -> None:
    asked = "<CustomerQueryRq><IncludeRetElement>FullName</IncludeRetElement></CustomerQueryRq>"
    assert {child.tag for child in row(one(desktop(), asked))} == {"FullName"}


def test_the_file_shows_its_private_data_to_the_owner_who_asks() -> None:
    owner, file_id = "{6F1C3E0A-9F55-4F0B-8E0D-0C5B6B1F2A01}", "{B2A7E3B4-0B0E-4C57-9C43-1E0B8F6D7C02}"
    company = desktop(owner=owner, file_id=file_id)
    mine, other = ask(company, f"<CompanyQueryRq><OwnerID>{owner}</OwnerID></CompanyQueryRq>", "<CompanyQueryRq/>")
    assert row(mine).findtext("DataExtRet/DataExtValue") == file_id
    assert row(other).find("DataExtRet") is None


# Iterators


def page(how: str, key: str = "") -> str:
    named = f' iteratorID="{key}"' if key else ""
    body = "" if how == "Stop" else "<MaxReturned>3</MaxReturned>"
    return f'<CustomerQueryRq iterator="{how}"{named}>{body}</CustomerQueryRq>'


def test_an_iterator_shows_everything_once() -> None:
    session = desktop().computer.begin()
    first = one(session, page("Start"))
    second = one(session, page("Continue", first.get("iteratorID", "")))
    assert [first.get("iteratorRemainingCount"), second.get("iteratorRemainingCount")] == ["1", "0"]
    every = names(first) + names(second)
    assert (len(every), len(set(every))) == (4, 4)
    assert code(one(session, page("Continue", first.get("iteratorID", "")))) == (3391, "Error")


def test_an_iterator_ends_with_its_session_and_when_it_is_stopped() -> None:
    """An iterator id of one session is worth nothing in the next."""
    company = desktop()
    session = company.computer.begin()
    key = one(session, page("Start")).get("iteratorID", "")
    assert code(one(company.computer.begin(), page("Continue", key))) == (3391, "Error")
    assert code(one(session, page("Stop", key))) == (0, "Info")
    assert code(one(session, page("Continue", key))) == (3391, "Error")


# Message-set recovery


def test_the_same_set_again_gives_the_stored_response_and_does_nothing() -> None:
    """The second line of never twice."""
    company = desktop()
    text = set_of(ADD, newMessageSetID="s1")
    first, again = company.execute(text), company.execute(text)
    asked = company.execute(set_of(newMessageSetID="s1", oldMessageSetID="s1"))
    assert first == again == asked
    assert (set_code(first), len(company.records("SalesOrder"))) == ("0", 1)


def test_one_id_with_other_content_is_refused() -> None:
    company = desktop()
    company.execute(set_of(ADD, newMessageSetID="s1"))
    other = company.execute(set_of(rq("SalesOrderAdd", order(Memo="stamp-2")), newMessageSetID="s1"))
    assert (set_code(other), len(answers(other)), len(company.records("SalesOrder"))) == ("9001", 0, 1)


def test_an_id_that_was_never_kept_is_told_from_one_that_was_cleared() -> None:
    company = desktop()
    asking = set_of(newMessageSetID="s1", oldMessageSetID="s1")
    assert set_code(company.execute(asking)) == "600"
    company.execute(set_of(ADD, newMessageSetID="s1"))
    company.execute(set_of(oldMessageSetID="s1"))
    assert set_code(company.execute(asking)) == "9002"


def test_everything_kept_can_be_cleared_at_once() -> None:
    company = desktop()
    company.execute(set_of(ADD, newMessageSetID="s1"))
    company.execute(set_of(oldMessageSetID="ClearAllMessageSets"))
    assert company.company().kept == {}


@pytest.mark.parametrize("id", ["", "x" * 25, "é"])
def test_an_id_that_is_none_is_refused_and_nothing_is_done(id: str) -> None:
    company = desktop()
    assert set_code(company.execute(set_of(ADD, newMessageSetID=id))) == "9004"
    assert company.records("SalesOrder") == []


def test_a_set_without_an_id_is_not_kept_and_done_twice_when_sent_twice() -> None:
    company = desktop()
    for _ in range(2):
        company.execute(set_of(ADD))
    assert len(company.records("SalesOrder")) == 2


# Scripted faults


@pytest.mark.parametrize("done", [True, False])
def test_a_scripted_status_may_lie_about_what_was_done(done: bool) -> None:
    company = desktop()
    company.mishaps.add("status", request="SalesOrderAdd", code="3175", done=done)
    assert code(one(company, ADD)) == (3175, "Error")
    assert len(company.records("SalesOrder")) == done


@pytest.mark.parametrize(("done", "known"), [(True, "9002"), (False, "600")])
def test_after_an_hresult_recovery_tells_whether_the_set_was_seen(done: bool, known: str) -> None:
    """An empty response with an HRESULT says nothing of what was done."""
    company = desktop()
    company.mishaps.add("hresult", code="0x80040402", done=done)
    with pytest.raises(HResult, match="0x80040402"):
        company.execute(set_of(ADD, newMessageSetID="s1"))
    assert set_code(company.execute(set_of(newMessageSetID="s1", oldMessageSetID="s1"))) == known
    assert len(company.records("SalesOrder")) == done


def test_a_response_that_could_not_be_kept_is_told_at_once_and_gone_later() -> None:
    company = desktop()
    company.mishaps.add("unstored")
    assert set_code(company.execute(set_of(ADD, newMessageSetID="s1"))) == "9005"
    assert set_code(company.execute(set_of(ADD, newMessageSetID="s1"))) == "9002"
    assert len(company.records("SalesOrder")) == 1


def test_a_mishap_waits_for_its_turn_and_is_spent() -> None:
    company: QbwcSimulator = desktop()
    company.mishaps.add("status", request="Add", code="3175", after=1, times=2)
    each = [code(one(company, rq("SalesOrderAdd", order())))[0] for _ in range(4)]
    assert (each, len(company.mishaps)) == ([0, 3175, 3175, 0], 0)
    with pytest.raises(ValueError, match="unknown mishap"):
        company.mishaps.add("meteor")
