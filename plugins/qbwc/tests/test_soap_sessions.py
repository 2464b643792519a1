"""Whole sessions of the Web Connector over the real host: zeep with Intuit's own contract, on both of its ports."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from lxml import etree
from wherry_qbwc.sessions import LIFE, SILENCE, load
from zeep.exceptions import Fault

from .web_rig import NAME, OTHER, Connector, Served

ONE, TWO, THREE = ('<?xml version="1.0"?><QBXML id="' + n + '">a & b < c "é"</QBXML>' for n in "123")
DONE = '<QBXMLMsgsRs><X statusCode="0" statusSeverity="Info" statusMessage="Status OK" /></QBXMLMsgsRs>'
REFUSED = (
    '<QBXMLMsgsRs><CustomerAddRs requestID="7" statusCode="3100" statusSeverity="Error" '
    'statusMessage="The name is in use." /></QBXMLMsgsRs>'
)
PORTS = ("Soap", "Soap12")


@pytest.fixture
def wsdl(contract: Path) -> Path:
    return contract / "QBWebConnectorSvc.wsdl"


@pytest.fixture
def connector(site: Served, wsdl: Path) -> Connector:
    return site.connector(wsdl)


def kept(site: Served) -> object:
    with site.hub.store.documents("qbwc") as documents:
        return load(documents, NAME)


def judged(schema: etree.XMLSchema, connector: Connector) -> list[str]:
    """What Intuit's schema says against any answer so far."""
    for answer in connector.transport.answers:
        body = etree.fromstring(answer)[-1]
        if not schema.validate(body[0]):
            return [str(error) for error in schema.error_log]
    return []


# -- a session that goes well ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", PORTS)
def test_a_full_session_asks_every_operation_and_every_answer_is_valid(
    site: Served, wsdl: Path, port: str, contract_schema: etree.XMLSchema
) -> None:
    site.script(ONE)
    script = site.script(ONE, TWO, THREE)
    connector = site.connector(wsdl, port)
    assert str(connector.ask("serverVersion")).startswith("Wherry ")
    assert connector.ask("clientVersion", "2.3.0.215") in (None, "")
    assert connector.ask("connectionError", connector.sign_in()[0], "0x80040408", "could not start") == "done"
    ticket, file = connector.sign_in()
    assert len(ticket) == 36
    assert file == ""
    assert [connector.send(hcp="<HostQueryRs/>"), connector.receive(DONE)] == [ONE, 33]
    assert [connector.send(), connector.receive(DONE)] == [TWO, 66]
    assert [connector.send(), connector.receive(DONE)] == [THREE, 100]
    assert connector.error() == "Everything is done."
    assert connector.close() == "3 sent"
    assert script.first == "<HostQueryRs/>|US|16.0"
    assert script.files == [r"C:\books\acme.qbw"] * 3
    assert [answer[0] for answer in script.answers] == [DONE] * 3
    assert script.closed == 1
    assert len(connector.transport.answers) == 13
    assert judged(contract_schema, connector) == []


def test_what_people_ask_about_a_session_is_kept_and_its_ticket_is_not(site: Served, connector: Connector) -> None:
    site.script(ONE)
    connector.ask("clientVersion", "2.3.0.215")
    connector.sign_in()
    connector.send()
    connector.receive(REFUSED)
    connector.close()
    told = kept(site)
    assert (told.client, told.company_file, told.handed) == ("2.3.0.215", r"C:\books\acme.qbw", 1)
    assert (told.code, told.said) == ("3100", "The name is in use.")
    assert told.closed_at
    assert connector.ticket not in repr(told)


def test_the_contract_that_is_served_says_what_intuits_says(site: Served, wsdl: Path) -> None:
    served = f"{site.address}?wsdl"
    for port in PORTS:
        theirs, ours = (site.connector(one, port).service._binding for one in (wsdl, served))
        assert sorted(theirs._operations) == sorted(ours._operations)
        for name, operation in theirs._operations.items():
            other = ours._operations[name]
            assert operation.soapaction == other.soapaction
            assert operation.input.signature() == other.input.signature()
            assert operation.output.signature() == other.output.signature()


def test_a_client_that_knows_only_the_served_contract_finds_the_address_in_it(site: Served) -> None:
    answer = site.http.get(site.address, params={"WSDL": ""})
    assert answer.headers["content-type"].startswith("text/xml")
    assert f'location="{site.address}"' in answer.text
    site.script(ONE)
    connector = site.connector(f"{site.address}?wsdl")
    connector.sign_in()
    assert connector.send() == ONE


def test_people_and_the_web_connector_find_a_page(site: Served) -> None:
    assert site.http.get(f"{site.address}/support").status_code == 200
    assert "Web Connector" in site.http.get(site.address).text
    assert site.http.get(f"{site.url}/hooks/qbwc/nobody/support").status_code == 404
    assert site.http.post(f"{site.url}/hooks/qbwc/nobody").status_code == 404


# -- who may come ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["wrong", "", " ", "ü", "x" * 5000])
def test_a_wrong_password_is_nvu_and_opens_nothing(site: Served, wsdl: Path, wrong: str) -> None:
    """case_F15"""
    site.script(ONE)
    connector = site.connector(wsdl)
    told = connector.ask("authenticate", connector.user, wrong)
    assert told[1] == "nvu"
    assert told[0]
    assert site.desk.begun == []
    connector.ticket = told[0]
    assert connector.send() == ""
    assert connector.error().startswith("This session has ended")
    assert connector.close() == "Closed"


def test_another_connections_user_is_nobody_here(site: Served, wsdl: Path) -> None:
    site.set_up(OTHER)
    assert site.connector(wsdl, name=OTHER).sign_in()[1] == "nvu"


def test_before_its_set_up_a_connection_lets_nobody_in(site: Served, wsdl: Path) -> None:
    connector = site.connector(wsdl, name=OTHER)
    for user in (connector.user, "", OTHER):
        assert connector.ask("authenticate", user, "")[1] == "nvu"


def test_after_ten_wrong_passwords_an_address_waits_a_minute_whatever_it_says(
    site: Served, connector: Connector
) -> None:
    """case_F15"""
    for _ in range(10):
        connector.sign_in("guess")
    with pytest.raises(Exception, match=r"429|too many"):
        connector.sign_in()
    site.clock.advance(61)
    assert connector.sign_in()[1] == ""


def test_guessed_tickets_count_as_wrong_passwords(site: Served, connector: Connector) -> None:
    """case_F15"""
    site.script(ONE, TWO)
    connector.sign_in()
    good, connector.ticket = connector.ticket, "00000000-0000-0000-0000-000000000000"
    for number in range(10):
        assert (connector.send() if number % 2 else connector.receive(DONE)) in ("", -1)
    connector.ticket = good
    with pytest.raises(Exception, match=r"429|too many"):
        connector.send()
    site.clock.advance(61)
    assert connector.send() == ONE


# -- as it begins, and not yet ---------------------------------------------------------------------------------


def test_a_company_file_is_told(site: Served, connector: Connector) -> None:
    site.desk.company_file = r"C:\books\acme.qbw"
    assert connector.sign_in()[1:] == [r"C:\books\acme.qbw"]


def test_not_yet_is_told_as_noop_and_the_session_goes_on(site: Served, connector: Connector) -> None:
    script = site.script(ONE, problem="NoOp")
    connector.sign_in()
    assert [connector.send(), connector.error()] == ["", "NoOp"]
    script.problem = ""
    assert [connector.send(), connector.receive(DONE)] == [ONE, 100]


# -- one session -------------------------------------------------------------------------------------------------------


def test_the_second_of_two_computers_is_told_that_the_first_is_there(site: Served, wsdl: Path) -> None:
    """case_F7"""
    script = site.script(ONE, TWO)
    first, second = site.connector(wsdl), site.connector(wsdl)
    first.sign_in()
    assert first.send() == ONE
    assert second.sign_in()[1:] == ["busy", "60"]
    assert first.receive(DONE) == 50
    assert site.desk.begun == [NAME]
    assert script.closed == 0


def test_a_session_that_fell_silent_makes_room_and_its_late_answer_is_nobodys(site: Served, wsdl: Path) -> None:
    """case_F1, case_F2"""
    lost, second = site.script(ONE), site.script(TWO)
    first, again = site.connector(wsdl), site.connector(wsdl)
    first.sign_in()
    assert first.send() == ONE
    site.clock.advance(SILENCE)
    assert again.sign_in()[1] == ""
    assert lost.closed == 1
    assert first.receive(DONE) == -1
    assert first.error().startswith("This session has ended")
    assert first.close() == "Closed"
    assert lost.answers == []
    assert [again.send(), again.receive(DONE)] == [TWO, 100]
    assert [answer[0] for answer in second.answers] == [DONE]


def test_a_session_that_only_had_to_be_closed_makes_room_at_once(site: Served, connector: Connector) -> None:
    first = site.script(ONE)
    site.script(TWO)
    connector.sign_in()
    connector.send()
    assert connector.receive(DONE) == 100
    assert connector.sign_in()[1] == ""
    assert first.closed == 1


def test_two_connections_have_their_sessions_at_the_same_time(site: Served, wsdl: Path) -> None:
    one, two = site.connector(wsdl), site.connector(wsdl, name=OTHER)
    two.user, two.password = site.set_up(OTHER)
    site.script(ONE)
    site.script(TWO)
    assert [one.sign_in()[1], two.sign_in()[1]] == ["", ""]
    assert [one.send(), two.send()] == [ONE, TWO]
    one.ticket, two.ticket = two.ticket, one.ticket
    assert [one.receive(DONE), two.receive(DONE)] == [-1, -1]


def test_a_ticket_runs_out_after_half_an_hour_of_silence_not_of_work(site: Served, connector: Connector) -> None:
    """case_F15"""
    script = site.script(ONE, TWO, THREE)
    connector.sign_in()
    for expected in (ONE, TWO):
        site.clock.advance(LIFE - 1)
        assert connector.send() == expected
        assert connector.receive(DONE) > 0
    site.clock.advance(LIFE)
    assert connector.send() == ""
    assert script.closed == 1
    assert kept(site).problem.startswith("its ticket ran out")


def test_a_closed_ticket_is_good_for_nothing(site: Served, connector: Connector) -> None:
    """case_F15, case_F2"""
    script = site.script(ONE, TWO)
    connector.sign_in()
    connector.send()
    connector.close()
    assert connector.receive(DONE) == -1
    assert connector.send() == ""
    assert connector.close() == "Closed"
    assert (script.answers, script.closed) == ([], 1)


def test_after_a_restart_the_old_ticket_ends_its_session_and_a_new_one_begins_at_once(
    site: Served, connector: Connector
) -> None:
    """case_F1"""
    site.script(ONE)
    connector.sign_in()
    site.restart()
    assert connector.receive(DONE) == -1
    assert kept(site).problem == "Wherry was started anew while it went on"
    site.script(TWO)
    assert connector.sign_in()[1] == ""


def test_after_a_restart_a_session_that_still_is_heard_of_elsewhere_keeps_its_place(
    site: Served, connector: Connector
) -> None:
    """case_F7"""
    site.script(ONE)
    connector.sign_in()
    site.restart()
    assert connector.sign_in()[1:] == ["busy", "60"]
    site.clock.advance(SILENCE)
    site.script(TWO)
    assert connector.sign_in()[1] == ""


# -- what goes wrong in one --------------------------------------------------------------------------------------------


def test_the_same_answer_twice_counts_once_and_gets_the_same_number(site: Served, connector: Connector) -> None:
    """case_F2"""
    script = site.script(ONE, TWO)
    connector.sign_in()
    connector.send()
    assert [connector.receive(DONE), connector.receive(DONE)] == [50, 50]
    assert len(script.answers) == 1
    assert [connector.send(), connector.receive(DONE)] == [TWO, 100]


def test_an_answer_that_nothing_was_asked_for_ends_the_session_unread(site: Served, connector: Connector) -> None:
    """case_F2"""
    script = site.script(ONE)
    connector.sign_in()
    assert connector.receive("<other/>") == -1
    assert connector.error().startswith("An answer came that nothing was asked for")
    assert script.answers == []


def test_an_error_instead_of_an_answer_is_handed_on_with_its_code(site: Served, connector: Connector) -> None:
    """case_F4"""
    script = site.script(ONE)
    connector.sign_in()
    connector.send()
    assert connector.receive("", "0x80040400", "could not parse") == -1
    assert script.answers == [("", "0x80040400", "could not parse")]
    assert connector.error() == "QuickBooks said 0x80040400"
    assert (kept(site).code, connector.close()) == ("", "1 sent")
    assert (kept(site).code, kept(site).said) == ("0x80040400", "could not parse")


def test_another_company_file_in_the_middle_ends_the_session(site: Served, connector: Connector) -> None:
    """case_F6"""
    script = site.script(ONE, TWO)
    connector.sign_in()
    connector.send()
    connector.receive(DONE)
    assert connector.send(file=r"C:\books\other.qbw") == ""
    assert connector.error().startswith("Another company file was opened")
    assert len(script.left) == 1


def test_quickbooks_that_does_not_open_is_not_tried_with_another_file(site: Served, connector: Connector) -> None:
    script = site.script(ONE)
    connector.sign_in()
    assert connector.ask("connectionError", connector.ticket, "0x80040408", "no") == "done"
    assert script.errors == ["0x80040408 no"]
    assert connector.ask("connectionError", "nobody", "0x80040408", "no") == "done"


@pytest.mark.parametrize("step", ["send", "receive"])
def test_work_that_fails_ends_the_session_with_a_sentence_and_no_fault(
    site: Served, connector: Connector, step: str
) -> None:
    """case_F5"""
    script = site.script(ONE, TWO)
    connector.sign_in()
    if step == "receive":
        connector.send()
    script.fail = RuntimeError("secret detail")
    assert (connector.send() if step == "send" else connector.receive(DONE)) in ("", -1)
    assert connector.error().startswith("Wherry failed at this")
    script.fail = None
    assert connector.close()
    assert script.closed == 1


def test_two_calls_of_one_session_at_once_are_one_too_many(site: Served, connector: Connector, wsdl: Path) -> None:
    script = site.script(ONE, TWO)
    script.wait = threading.Event()
    connector.sign_in()
    other = site.connector(wsdl)
    other.ticket = connector.ticket
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(connector.send()))
    thread.start()
    assert script.entered.wait(10)
    with pytest.raises(Fault, match="WHERRY-7353"):
        other.send()
    script.wait.set()
    thread.join()
    assert told == [ONE]


def test_closing_lets_go_of_a_call_that_waits_and_nothing_is_handed_out_then(
    site: Served, connector: Connector, wsdl: Path
) -> None:
    script = site.script(ONE)
    script.wait = threading.Event()
    connector.sign_in()
    other = site.connector(wsdl)
    other.ticket = connector.ticket
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(connector.send()))
    thread.start()
    assert script.entered.wait(10)
    assert other.close() == "0 sent"
    thread.join(10)
    assert not thread.is_alive()
    assert told == [""]
