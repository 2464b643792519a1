"""What only JD Edwards does: sessions, orchestrations that each site names, answers that hold errors, days, tables."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import ValidationError
from wherry.accounting import HasBalances, ListsEntries
from wherry.errors import AccessLost, ConfigError, Rejected
from wherry.records import Item, Reply
from wherry.redaction import scrub
from wherry.roles import Asks
from wherry.simulator import serve
from wherry.testing.services import SharedClock, services
from wherry.testing.sink_trial import ask, created, lose, write
from wherry_jde.client import Client
from wherry_jde.signin import LOGIN, LOGOUT, _cookies
from wherry_jde.simulator import JdeSimulator
from wherry_jde.sink import JdeSink
from wherry_jde.sink import sink as made
from wherry_jde.texts import day, said_day

from .test_sink_contract import PASSWORD, SinkTrial, settings, thing, trial_of


@contextmanager
def site(sim: JdeSimulator, folder: Path, **more: Any) -> Iterator[JdeSink]:
    """A sink of the stand-in, until its client is closed."""
    with serve(sim.app()) as url, services(folder, clock=SharedClock(sim.clock), secret=PASSWORD) as core:
        said = settings(url, **more)
        yield made(Client(core, said), said)


def asked(sim: JdeSimulator, path: str) -> int:
    return len(sim.history.requests(f"{path}$"))


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_there_is_one_session_and_it_is_given_back(sim: JdeSimulator, tmp_path: Path) -> None:
    with site(sim, tmp_path) as sink:
        sink.check()
        created(sink, [thing("invoice", 1)])
        list(sink.listing("customer"))
        assert len(sim.sessions) == 1
    assert sim.sessions == {}
    assert (asked(sim, LOGIN), asked(sim, LOGOUT)) == (1, 1)


def test_a_cookie_that_comes_later_is_a_secret_too() -> None:
    heard = httpx.Response(200, headers={"set-cookie": "JSESSIONID=canary-later-4711; Path=/"})
    assert _cookies(heard) == {"JSESSIONID": "canary-later-4711"}
    assert "canary-later" not in scrub("it said canary-later-4711")


def test_a_session_that_has_ended_is_begun_anew_once_and_no_write_is_repeated_for_it(
    sim: JdeSimulator, tmp_path: Path
) -> None:
    """444: the call did not run. A read is made again; a write comes back, and goes again as the ledger's next step."""
    with site(sim, tmp_path) as sink:
        sink.check()
        sim.sessions.clear()
        sink.check()
        assert asked(sim, LOGIN) == 2
        sim.sessions.clear()
        item = thing("invoice", 1)
        answer = write(sink, [item])[item.stamp]
        assert (answer.fate, answer.after, asked(sim, "HUB_AddSalesOrder")) == ("queued", 0.0, 1)
        item.memo = answer.memo
        assert write(sink, [item])[item.stamp].fate == "created"
        sim.faults.add("status", status=444, method="POST", path="HUB_Add")
        later = msgspec.structs.replace(thing("invoice", 2), memo=answer.memo)
        assert (write(sink, [later])[later.stamp].after or 0.0) > 0, "the second time in a row it waits"
        sim.faults.add("status", status=444, times=5, path="discover")
        with pytest.raises(AccessLost, match="ended the session, and the next one too"):
            sink.check()


@pytest.mark.parametrize(
    ("options", "more", "error", "words"),
    [
        ({"password": "another"}, {}, AccessLost, "does not let HUBSVC in JDV920 with the role [*]ALL in [(]Auth"),
        ({"decimals": ","}, {}, ConfigError, "has ',' as decimal sign"),
        ({}, {"dates": "dd.MM.yyyy"}, ConfigError, "dates is 'dd.MM.yyyy', and the .* user HUBSVC has 'MM/dd/yyyy'"),
        ({"environment": "JPD920"}, {}, ConfigError, "a session in JPD920, and the connection is for JDV920"),
        ({}, {"company": "77"}, ConfigError, "no company 00077"),
        ({"form": "standard"}, {}, ConfigError, "HUB_AddCustomer takes JDE Standard inputs, and form is 'generic'"),
        ({}, {"orchestrations": {"invoice": {"run": "HUB_AddOder"}}}, ConfigError, "no orchestration HUB_AddOder"),
        ({}, {"orchestrations": {"invoice": {"find": "HUB_Fnd"}}}, ConfigError, "no orchestration HUB_Fnd"),
        ({}, {"orchestrations": {"invoice": {"inputs": {"memo": "Note"}}}}, ConfigError, "has no input Note"),
        ({}, {"orchestrations": {"invoice": {"fixed": {"MCU": "30"}}}}, ConfigError, "has no input MCU"),
        ({}, {"ledger": "HUB_Ledger"}, ConfigError, "no orchestration HUB_Ledger"),
    ],
)  # fmt: skip
def test_looking_names_what_does_not_fit_and_gives_the_session_back(
    options: dict[str, Any], more: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    sim = JdeSimulator(**options)
    with site(sim, tmp_path, **more) as sink, pytest.raises(error, match=words) as caught:
        sink.check()
    assert caught.value.fix  # type: ignore[attr-defined]
    assert sim.sessions == {}
    assert sim.history.effects() == []


def test_an_address_that_is_no_ais_server_is_told_before_the_password_goes_there(
    sim: JdeSimulator, tmp_path: Path
) -> None:
    with serve(sim.app()) as url, services(tmp_path, clock=SharedClock(sim.clock), secret=PASSWORD) as core:
        said = settings(f"{url}/jderest")
        with pytest.raises(ConfigError, match="it is no AIS server"):
            made(Client(core, said), said).check()
    assert asked(sim, "tokenrequest") == 0


def test_a_release_that_discovers_nothing_is_asked_for_its_catalogue(sim: JdeSimulator, tmp_path: Path) -> None:
    sim.faults.add("status", status=404, times=2, path="discover")
    sim.site.doing["HUB Odd/one"] = ((), lambda inputs: {})
    with site(sim, tmp_path, ledger="HUB Odd/one") as sink:
        assert sink.check().id == "JDV920/00001"
        sim.hides.add("HUB Odd/one")
        with pytest.raises(ConfigError, match="no orchestration HUB Odd/one"):
            sink.check()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"orchestrations": {"estimate": {}}}, "names estimate"),
        ({"orchestrations": {"invoice": {"inputs": {"colour": "X"}}}}, "invoice has no colour"),
        ({"orchestrations": {"invoice": {"find": "F0911.EXR"}}}, "is not found in F0911"),
        ({"orchestrations": {"invoice": {"find": ""}, "customer": {}}}, "has no find for invoice"),
        ({"orchestrations": {"customer": {"void": "X"}}}, "customer is not cancelled"),
        ({"version": "v2"}, "takes one line a call in v2"),
        ({"company": "A company"}, "is no company"),
        ({"dates": "tomorrow"}, "is no form of dates"),
        ({"zone": "Mars"}, "is not a time zone"),
        ({"currency": "Dollars"}, "is no ISO 4217"),
    ],
)
def test_settings_that_do_not_go_together_are_told(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings("http://127.0.0.1:1", **more)


# -- what an answer is taken for --------------------------------------------------------------------------------------

KEY = thing("invoice", 1).stamp[:25].upper()
GOOD = {"OrderNumber": "88121", "OrderType": "SO", "CustomerPO": KEY.lower()}
STEP = {"AddSO": {"ERRORS": [{"CODE": "018A", "TITLE": "Error: Account Number Invalid"}]}}


UNKNOWN, REFUSED = ("unknown", "unknown"), ("unknown", "refused")


@pytest.mark.parametrize(
    ("status", "body", "fates", "words"),
    [
        (200, {**GOOD, "jde__status": "SUCCESS"}, ("created",) * 2, ""),
        (200, {**GOOD, "jde__status": "WARN", "jde__simpleMessage": "credit limit"}, ("created",) * 2, ""),
        (200, GOOD, ("created",) * 2, ""),
        (200, {**GOOD, "CustomerPO": "ANOTHER"}, ("", ""), ""),
        (200, {"CustomerPO": KEY, "jde__status": "SUCCESS"}, UNKNOWN, "answers without OrderNumber and OrderType"),
        (200, {**GOOD, "OrderNumber": 0}, UNKNOWN, "answers without OrderNumber"),
        (200, {"jde__status": "ERROR", "jde__simpleMessage": "No such branch"}, UNKNOWN, "No such branch"),
        (200, {"sysErrors": [{"CODE": "1", "DESC": "no table"}]}, UNKNOWN, "no table (1)"),
        (200, {"Step": {"errors": [{"CODE": "0267", "TITLE": "Item invalid"}]}}, UNKNOWN, "Item invalid"),
        (200, {**GOOD, "Steps": [{}, {"errors": [{"TITLE": "Line 2"}]}]}, UNKNOWN, "Line 2 (and gives the number"),
        (500, {"message": STEP, "status": "ERROR"}, REFUSED, "Account Number Invalid (018A)"),
        (500, {"message": "x", "userDefinedErrorText": "Line rejected", "status": "ERROR"}, UNKNOWN, "Line rejected"),
        (500, {"message": "JAS did not answer", "status": "ERROR"}, UNKNOWN, "failed at it: JAS did not answer"),
        (502, {"message": STEP, "status": "ERROR"}, ("", ""), ""),
        (403, {"message": "not authorized", "status": "ERROR"}, REFUSED, "not authorized"),
        (400, {}, ("", ""), ""),
    ],
)  # fmt: skip
def test_an_answer_is_taken_for_what_it_plainly_says(
    status: int, body: dict[str, Any], fates: tuple[str, str], words: str, sim: JdeSimulator, tmp_path: Path
) -> None:
    """A 200 can hold errors, and a 500 be trouble on the way. An error does not say what was written before it: where
    something can find, it is looked for; where nothing can, only what ended with the error is believed to be none."""
    item = thing("invoice", 1)
    for finds, fate in zip(("HUB_FindSalesOrder", ""), fates, strict=True):
        with site(sim, tmp_path, orchestrations={"invoice": {"find": finds}}) as sink:
            sink.check()
            (call,) = sink.encode([item])
            answer = sink.decode(call, [item], Reply(status=status, body=json.dumps(body).encode())).get(item.stamp)
        assert (answer.fate if answer else "") == fate
        assert words in (answer.reason if answer else "")
        assert fate != "created" or (answer is not None and answer.target == "88121/SO")


@pytest.mark.parametrize(
    ("body", "after", "words"),
    [
        ({"message": STEP}, 0.0, "Account Number Invalid"),
        ({"message": "x", "userDefinedErrorText": "Line rejected"}, None, "Line rejected"),
    ],
)
def test_what_an_error_answered_is_refused_in_its_words_once_a_look_found_nothing(
    body: dict[str, Any], after: float | None, words: str, sim: JdeSimulator, tmp_path: Path
) -> None:
    """Steps that name their errors are at an end; the designer's words may stand for a server that did not answer."""
    item = thing("invoice", 1)
    with site(sim, tmp_path) as sink:
        sink.check()
        sim.faults.add("status", status=500, path="HUB_AddSalesOrder", body={**body, "status": "ERROR"})
        answer = write(sink, [item])[item.stamp]
        assert (answer.fate, answer.after) == ("unknown", after)
        assert looked(sink, item) == []
        item.memo = answer.memo
        with pytest.raises(Rejected, match=f"JD Edwards refused it: {words}") as told:
            sink.encode([item])
    assert told.value.where["item"] == item.stamp
    assert sim.history.effects() == []


# -- sites that are built otherwise -----------------------------------------------------------------------------------


class TestStandard:
    """Detail inputs, v2, days as the user writes them: found by a table where no orchestration finds."""

    @pytest.mark.parametrize(
        ("entity", "find", "dates"),
        [("journal_entry", "F0911.EXR", ("user", "MM/dd/yyyy")), ("invoice", "F4201.VR01", ("epoch", "epoch"))],
    )
    def test_what_was_lost_is_found_in_the_table(
        self, entity: str, find: str, dates: tuple[str, str], tmp_path: Path
    ) -> None:
        sim = JdeSimulator(form="standard", dates=dates[0])
        more = {"version": "v2", "form": "standard", "dates": dates[1], "orchestrations": {entity: {"find": find}}}
        with serve(sim.app()) as url, trial_of(sim, url, tmp_path, entity, **more) as trial:
            self._found(trial, sim)

    def _found(self, trial: SinkTrial, sim: JdeSimulator) -> None:
        sink, items = trial.make(), list(trial.items(3))
        assert isinstance(sink, JdeSink)
        assert isinstance(sink, Asks)
        lose(trial, sink, items[:1])
        created(sink, items[1:2])
        found: Any = ask(sink, items)  # type: ignore[arg-type]
        assert [[hit.ours for hit in found[item.stamp]] for item in items] == [[True], [True], []]
        assert "v2/orchestrator/" in sim.history.requests("HUB_Add")[0].path
        assert {entry.detail["date"] for entry in sim.history.effects()} == {"2026-01-05"}
        assert all(hit.target == trial.effects(items[0])[0].detail["id"] for hit in found[items[0].stamp])


def test_names_and_further_inputs_are_the_sites_own(sim: JdeSimulator, tmp_path: Path) -> None:
    names = {"inputs": {"number": "", "memo": "Hold Orders", "customer": "ShipTo"}, "fixed": {"BranchPlant": "30"}}
    lines = {"line_inputs": {"rate": "", "dimensions.class": "Class"}, "lines": "Grid"}
    item = thing("invoice", 1)
    item.body["lines"][0]["dimensions"] = {"class": "North"}
    odd = {**item.body, "lines": [{**item.body["lines"][1], "dimensions": {"department": "X"}}], "total": None}
    with site(
        sim, tmp_path, orchestrations={"invoice": {**names, **lines, "run": "Add order/1"}}, dates="MM/dd/yyyy"
    ) as sink:
        sim.site.doing["Add order/1"] = (
            ("CustomerPO", "Company", "ShipTo", "OrderDate", "DueDate", "Hold Orders", "Currency", "Total", "Grid",
             "BranchPlant"), lambda inputs: {},
        )  # fmt: skip
        sink.check()
        (call,) = sink.encode([item])
        with pytest.raises(Rejected, match="has the department X, and no input of a line is named"):
            sink.encode([msgspec.structs.replace(item, body=odd)])
    told = json.loads(call.body)
    assert call.path == "jderest/v3/orchestrator/Add%20order%2F1"
    assert {name: told[name] for name in ("BranchPlant", "ShipTo", "OrderDate", "Hold Orders")} == {
        "BranchPlant": "30", "ShipTo": "4242", "OrderDate": "01/05/2026", "Hold Orders": "from the yard",
    }  # fmt: skip
    assert "Number" not in told
    assert told["Grid"][0] == {"ItemNumber": "220", "Quantity": "2", "ExtendedAmount": "2.50", "Description": "Oak",
                               "Class": "North"}  # fmt: skip


def test_a_site_that_cannot_find_or_tell_is_not_said_to(sim: JdeSimulator, tmp_path: Path) -> None:
    """case_A26: with nothing to ask, what was lost is for a person; the sweep's second rig proves it."""
    with site(sim, tmp_path, orchestrations={"invoice": {"find": ""}}, ledger=None) as sink:
        assert not isinstance(sink, Asks)
        assert not isinstance(sink, HasBalances | ListsEntries)
        assert sink.resend_for is None
    with site(sim, tmp_path) as sink:
        assert isinstance(sink, Asks)
        assert isinstance(sink, HasBalances)


def test_an_answer_that_may_be_of_another_question_proves_nothing_absent(sim: JdeSimulator, tmp_path: Path) -> None:
    item = thing("invoice", 1)
    found = {"CustomerPO": KEY, "Found": [{**GOOD, "SoldTo": "4242"}]}
    with site(sim, tmp_path) as sink:
        sink.check()
        assert isinstance(sink, Asks)
        (call,) = sink.ask([item])

        def told(body: dict[str, Any]) -> Any:
            return sink.found(call, [item], Reply(status=200, body=json.dumps(body).encode()))

        (hit,) = told(found)[item.stamp]
        assert (hit.ours, hit.facts) == (True, {"customer": "4242"}), "what is not told is not compared"
        lines = [{**GOOD, "GridData": [{"ItemNumber": "220", "Freight": "1"}]}]
        assert told({**found, "Found": lines})[item.stamp][0].facts == {"line 1 product": "220"}
        assert told({**found, "Found": []}) == {item.stamp: []}
        for odd in (
            {"Found": []}, {**found, "CustomerPO": "OTHER"}, {"CustomerPO": KEY}, {**found, "Found": [{}]},
            {**found, "Found": [{**GOOD, "CustomerPO": "OTHER"}]}, {**found, "jde__status": "ERROR", "Found": []},
        ):  # fmt: skip
            assert told(odd) == {}, odd


def test_an_item_has_no_place_for_a_key_and_is_found_by_its_number(sim: JdeSimulator, tmp_path: Path) -> None:
    one, two, three = (thing("product", n) for n in (1, 2, 3))
    with site(sim, tmp_path) as sink:
        sink.check()
        assert created(sink, [one])[0].target == "T-1"
        sim.run("HUB_AddItem", {"ItemNumber": "T-2", "Description": "Something else"})
        told = [[(hit.target, hit.ours, hit.alike) for hit in looked(sink, item)] for item in (one, two, three)]
        assert told == [[("T-1", True, False)], [("T-2", False, True)], []]
        answer = write(sink, [two])[two.stamp]
        assert (answer.fate, "already exists" in answer.reason) == ("unknown", True), "the number is taken"
        assert {one.id for one in sink.listing("product")} == {"220", "T-1", "T-2"}


# -- taking back -------------------------------------------------------------------------------------------------------


def void_of(item: Item, target: str) -> Item:
    return msgspec.structs.replace(
        item, action="void", before=item.body, target=target, stamp=thing(item.entity, 99).stamp
    )


def looked(sink: JdeSink, item: Item) -> Any:
    assert isinstance(sink, Asks)
    return ask(sink, [item])[item.stamp]  # type: ignore[arg-type]


def test_a_journal_is_taken_back_by_its_mirror_and_stands_until_that_is_there(
    sim: JdeSimulator, tmp_path: Path
) -> None:
    item, day_of = thing("journal_entry", 1), dt.date(2026, 1, 5)
    with site(sim, tmp_path) as sink:
        sink.check()
        (first,) = created(sink, [item])
        void = void_of(item, first.target)
        assert [(hit.target, hit.ours, hit.facts) for hit in looked(sink, void)] == [(first.target, False, {})]
        assert isinstance(sink, HasBalances)
        assert isinstance(sink, ListsEntries)
        assert {one.code: one.debit - one.credit for one in sink.balances(None, day_of)} == {
            "1.1210": 101,
            "1.5010": -101,
        }
        assert write(sink, [void])[void.stamp].fate == "reversed"
        assert [(hit.target, hit.ours, hit.facts) for hit in looked(sink, void)] == [
            (first.target, True, {"state": "taken back"})
        ]
        assert sink.balances(None, day_of) == []
        both = list(sink.journal_entries(day_of, day_of))
        assert [(one.number, one.stamp) for one in both] == [("N-1", item.stamp), ("N-1R", void.stamp)]
        assert list(sink.journal_entries(None, dt.date(2026, 1, 4))) == []


def test_an_order_that_somebody_else_cancelled_is_not_taken_for_ours(sim: JdeSimulator, tmp_path: Path) -> None:
    item = thing("invoice", 1)
    with site(sim, tmp_path) as sink:
        sink.check()
        (first,) = created(sink, [item])
        void = void_of(item, first.target)
        assert [(hit.ours, hit.facts) for hit in looked(sink, void)] == [
            (False, sink.facts(msgspec.structs.replace(void, action="write")))
        ]
        sim.site.tables["F4201"][0]["canceled"] = "by hand"
        assert [(hit.ours, hit.facts) for hit in looked(sink, void)] == [(False, {"state": "taken back"})]
        before = len(sim.history.effects())
        assert write(sink, [void])[void.stamp].fate == "reversed", "again or not, it is cancelled"
        assert len(sim.history.effects()) == before
        sim.site.tables["F4201"].clear()
        assert isinstance(sink, Asks)
        (call,) = sink.ask([void])
        nothing = json.dumps({"Found": []}).encode()
        assert sink.found(call, [void], Reply(status=200, body=nothing)) == {}, "gone is not taken back"


def test_an_order_that_is_linked_by_a_part_of_its_number_is_not_cancelled(sim: JdeSimulator, tmp_path: Path) -> None:
    with site(sim, tmp_path) as sink:
        sink.check()
        (first,) = created(sink, [thing("invoice", 1)])
        void = void_of(thing("invoice", 1), str(first.target).removesuffix("/SO"))
        with pytest.raises(Rejected, match="is not OrderNumber and OrderType"):
            sink.encode([void])


def test_what_no_orchestration_changes_or_cancels_is_held(sim: JdeSimulator, tmp_path: Path) -> None:
    with site(sim, tmp_path, orchestrations={"customer": {}, "invoice": {}}) as sink:
        sink.check()
        order, customer = (msgspec.structs.replace(thing(one, 1), target="1/SO") for one in ("invoice", "customer"))
        for item, words in (
            (order, "no orchestration changes it"), (customer, "no orchestration changes it"),
            (msgspec.structs.replace(order, action="void"), "no orchestration takes it back"),
            (thing("product", 1), "no orchestration makes such"),
        ):  # fmt: skip
            with pytest.raises(Rejected, match=words) as caught:
                sink.encode([item])
            assert caught.value.where["item"] == item.stamp
        assert isinstance(sink, Asks)
        with pytest.raises(Rejected, match="no orchestration makes such"):
            sink.ask([thing("product", 1)])


# -- tables, days, tax ------------------------------------------------------------------------------------------------


def test_tables_are_read_page_by_page_and_without_their_padding(tmp_path: Path) -> None:
    sim = JdeSimulator(page=2)
    with site(sim, tmp_path, orchestrations={"customer": {}, "journal_entry": {}}) as sink:
        sink.check()
        (ours,) = created(sink, [thing("customer", 1)])
        listed = {one.name: (one.id, one.number) for one in sink.listing("customer")}
        assert listed == {
            "Harbour Supplies": ("4242", "4242"), "Northern Freight": ("4243", "GL-1001"),
            "Thing 1": (ours.target, ours.target),
        }  # fmt: skip
        accounts = {one.code: (one.name, one.active, one.posting) for one in sink.accounts()}
        assert accounts["1.1210"] == ("Trade accounts receivable", True, True)
        assert (accounts["1.1000"][2], accounts["1.9999"][1], len(accounts)) == (False, False, 10)
        assert [(one.id, one.sku) for one in sink.listing("product")] == [("220", "220")]
        with pytest.raises(Rejected, match="no list of invoice"):
            sink.listing("invoice")
    assert asked(sim, "dataservice/next") >= 5


@pytest.mark.parametrize(
    ("told", "form", "zone", "iso"),
    [
        ("126090", "iso", "UTC", "2026-03-31"), (99365, "iso", "UTC", "1999-12-31"),
        ("20260331", "iso", "UTC", "2026-03-31"), ("2026-03-31T00:00:00", "iso", "UTC", "2026-03-31"),
        ("03/31/2026", "MM/dd/yyyy", "UTC", "2026-03-31"), ("31.03.26", "dd.MM.yy", "UTC", "2026-03-31"),
        ("1427774400000", "epoch", "America/New_York", "2015-03-31"),
        ("126366", "iso", "UTC", ""), (" ", "iso", "UTC", ""),
    ],
)  # fmt: skip
def test_a_day_is_the_same_in_every_form(told: Any, form: str, zone: str, iso: str) -> None:
    """The milliseconds are those of the vendor's own example."""
    found = day(told, form, zone)
    assert (found.isoformat() if found else "") == iso
    if iso and (form != "iso" or "-" in str(told)):
        assert said_day(iso, form, zone) == str(told).removesuffix("T00:00:00")


def test_tax_is_held_unless_somebody_says_that_it_is_left(sim: JdeSimulator, tmp_path: Path) -> None:
    item = thing("invoice", 1)
    tax, total = {"minor": 100, "currency": "USD"}, item.body["total"]["minor"] + 100
    item.body |= {"tax": tax, "total": {"minor": total, "currency": "USD"}}
    with site(sim, tmp_path) as sink:
        sink.check()
        with pytest.raises(Rejected, match="has tax"):
            sink.encode([item])
    with site(sim, tmp_path, tax="left") as sink:
        sink.check()
        assert json.loads(sink.encode([item])[0].body)["Total"] == "22.5"
        item.body.pop("tax")
        item.body["lines"] = [{**line, "tax_rate": "10"} for line in item.body["lines"]]
        item.body["total"]["minor"] += 125
        assert json.loads(sink.encode([item])[0].body)["Total"] == "22.5"


def test_an_entry_in_another_currency_goes_by_its_home_amounts(sim: JdeSimulator, tmp_path: Path) -> None:
    item: Item = thing("journal_entry", 1)
    for line in item.body["lines"]:
        line |= {"amount": {"minor": 100, "currency": "EUR"}, "home": {"minor": 108, "currency": "USD"}}
    with site(sim, tmp_path) as sink:
        sink.check()
        told = json.loads(sink.encode([item])[0].body)
        assert [line["Amount"] for line in told["Lines"]] == ["1.08", "-1.08"]
        assert told["BatchReference"] == item.stamp.upper()
        for line in item.body["lines"]:
            line.pop("home")
        with pytest.raises(Rejected, match="is in EUR, and entries are in USD there"):
            sink.encode([item])
