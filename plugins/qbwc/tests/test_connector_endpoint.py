"""The scripted Web Connector at the served endpoint: the two were written apart and understand each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from wherry_qbwc.simulator.calling import Soap

from .company_bench import answers, desktop, order, rq, set_of

if TYPE_CHECKING:
    from .web_rig import Served

ADD = set_of(rq("SalesOrderAdd", order()), newMessageSetID="s1")
ASK = set_of("<SalesOrderQueryRq/>")


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_a_session_brings_every_answer_back(site: Served, soap: Soap) -> None:
    company, script = desktop(), site.script(ADD, ASK)
    outcome = company.connect(site.address, site.user, site.password, soap=soap, http=site.http).session()
    assert (outcome.how, outcome.percents, outcome.status) == ("done", [50, 100], "2 sent")
    assert [answers(told)[0].get("statusCode") for told, _, _ in script.answers] == ["0", "0"]
    assert script.files == [r"C:\QB\Rock Castle.QBW"] * 2
    assert "CompanyQueryRs" in script.first


def test_a_wrong_password_is_not_let_in(site: Served) -> None:
    assert desktop().connect(site.address, site.user, "wrong", http=site.http).session().how == "nvu"


@pytest.mark.parametrize(
    ("kind", "heard"), [("doubled", 1), ("other-ticket", 0), ("dies", 0), ("dies-executed", 0), ("unheard", 1)]
)
def test_work_hears_each_answer_once_or_not_at_all(site: Served, kind: str, heard: int) -> None:
    company, script = desktop(), site.script(ADD, ASK)
    company.mishaps.add(kind, request="SalesOrderAdd")
    company.connect(site.address, site.user, site.password, http=site.http).session()
    assert len([told for told, _, _ in script.answers if "SalesOrderAddRs" in told]) == heard


def test_what_quickbooks_does_not_take_is_handed_on_as_an_hresult(site: Served) -> None:
    company, script = desktop(), site.script("<nonsense/>")
    outcome = company.connect(site.address, site.user, site.password, http=site.http).session()
    assert script.answers[0][1] == "0x80040400"
    assert (outcome.how, outcome.percents) == ("error", [-1])
    assert "0x80040400" in outcome.status
