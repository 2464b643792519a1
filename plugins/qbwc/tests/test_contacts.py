"""What ``wherry status`` says of a Web Connector: when it was here, what keeps it away, what leaves with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from wherry.operating import callers
from wherry.testing.commands import Commands

from .desk_rig import Desk, desk
from .web_rig import NAME, Served
from .work_rig import CHARGES, PROJECT


def said(site: Served, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    return Commands(site.hub.project.folder, capsys).type(line)


def test_sign_ins_that_are_refused_are_counted_until_one_is_let_in(
    site: Served, contract: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visitor = site.connector(contract / "QBWebConnectorSvc.wsdl")
    assert callers.listed(site.hub) == []
    for _ in range(3):
        assert visitor.sign_in("wrong")[1] == "nvu"
    [told] = callers.listed(site.hub, NAME)
    assert (told["refused"], told["refused_from"], told["seen_at"]) == (3, "127.0.0.1", "")
    lines = said(site, "status", capsys)
    assert f"{NAME}: the Web Connector was never let in" in lines
    told = "give the Web Connector the password of"
    assert re.search(rf"3 sign-ins refused, the last \S+ \w+ ago from 127.0.0.1: {told} {site.user}", lines)
    assert lines.rstrip().endswith(f"wherry qbwc status {NAME}")
    assert re.search(rf"^warn +contact {NAME} +3 sign-ins refused", said(site, "doctor", capsys), re.MULTILINE)
    assert "refused       3 sign-ins" in said(site, f"qbwc status {NAME}", capsys)
    assert visitor.sign_in()[1] == ""
    [told] = callers.listed(site.hub, NAME)
    assert (told["refused"], told["fix"], told["to_do"]) == (0, "", "")


def test_what_to_do_about_a_refused_sign_in_depends_on_the_user_it_gave(site: Served, contract: Path) -> None:
    visitor = site.connector(contract / "QBWebConnectorSvc.wsdl")
    visitor.user = "somebody-else"
    visitor.sign_in()
    assert f"wherry qbwc file {NAME}" in callers.listed(site.hub, NAME)[0]["fix"]


def test_it_is_silent_after_three_intervals_and_its_trouble_is_told(site: Served, contract: Path) -> None:
    visitor = site.connector(contract / "QBWebConnectorSvc.wsdl")
    site.script("<QBXML/>", problem="The file is in use.")
    visitor.sign_in()
    visitor.send()
    visitor.close()
    [told] = callers.listed(site.hub, NAME)
    assert (told["problem"], told["silent"]) == ("The file is in use.", False)
    site.clock.advance(46 * 60)
    [told] = callers.listed(site.hub, NAME)
    assert told["silent"] is True
    assert told["to_do"] == f"wherry qbwc status {NAME}"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with desk(tmp_path / "yard", monkeypatch, capsys) as made:
        (made.folder / "wherry.toml").write_text(PROJECT.format(more="", document="sales-order"), "utf-8")
        (made.folder / "charges.csv").write_text(CHARGES, "utf-8")
        yield made


def test_whatever_speaks_of_a_thing_that_is_ready_says_that_the_web_connector_comes_for_it(at: Desk) -> None:
    at.set_up()
    at.session()
    at.does("workspace import online-retail charges.csv --currency USD")
    ran = at.does("run invoices")
    assert "5 ready leave with the next update of the Web Connector" in ran
    assert "5 ready leave with the next update of the Web Connector" in at.does("status")
    told = at.does("explain 536365 --short")
    assert "is ready and leaves with the next update of the Web Connector" in told
    assert "wherry run" not in told


def test_what_waits_for_approval_is_not_said_to_wait_for_the_web_connector(at: Desk) -> None:
    path = at.folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace('"automatic"', '"required"'), "utf-8")
    at.set_up()
    at.session()
    at.does("workspace import online-retail charges.csv --currency USD")
    at.does("run invoices")
    shown = at.does("qbwc status books")
    assert "8 for approval" in shown
    assert shown.splitlines()[-1] == "Next: wherry status"
    told = at.does("status")
    assert "approval 3 sales orders wait for somebody's word" in told
    assert "leave with" not in told
    approved = at.does("approve invoices --all")
    assert approved.splitlines()[-1] == "5 ready leave with the next update of the Web Connector", approved


def test_what_was_tried_again_and_lost_is_said_to_be_looked_up_by_the_web_connector(at: Desk) -> None:
    at.set_up()
    at.session()
    at.does("workspace import online-retail charges.csv --currency USD")
    at.does("run invoices")
    at.desktop.mishaps.add("hresult", request="CustomerAdd", done=True)
    at.session()
    lost = json.loads(at.does("errors list --class unknown --output json"))["data"]["items"][0]
    assert lost["fix"] == "it is looked up by the next update of the Web Connector"
    told = at.does(f"errors retry {lost['id']}")
    assert told.splitlines()[-1] == "1 looked up by the next update of the Web Connector"
