"""An independent client judges the stand-in: python-quickbooks with intuit-oauth, over loopback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from wherry.simulator import Clock, serve
from wherry_quickbooks.simulator import OAuthApp, QuickBooksSimulator
from wherry_quickbooks.simulator.oauth import SCOPE

quickbooks = pytest.importorskip("quickbooks", reason="python-quickbooks is a development extra")
sign_in = pytest.importorskip("intuitlib.client", reason="intuit-oauth comes with python-quickbooks")

REALM = "123146000000001"
START = "2026-03-31T17:00:00"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def books(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[QuickBooksSimulator, Any]]:
    """A company that has one app, and the client signed in to it by its refresh token."""
    from intuitlib.config import DISCOVERY_URL

    options = getattr(request, "param", {})
    sim = QuickBooksSimulator(clock=Clock(START), oauth=OAuthApp(), limits="none", companies=(REALM,), **options)
    _, refresh = sim.oauth.sign_in()
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with serve(sim.app()) as url:
        monkeypatch.setitem(DISCOVERY_URL, "sandbox", f"{url}/.well-known/openid_configuration")
        monkeypatch.setattr(quickbooks.QuickBooks, "sandbox_api_url_v3", f"{url}/v3")
        auth = sign_in.AuthClient("client", "secret", "http://127.0.0.1/back", environment="sandbox")
        client = quickbooks.QuickBooks(auth_client=auth, refresh_token=refresh, company_id=REALM, minorversion=75)
        yield sim, client


def customer(qb: Any, name: str = "Acme Ltd") -> Any:
    from quickbooks.objects.customer import Customer

    made = Customer()
    made.DisplayName = name
    return made.save(qb=qb)


def item(qb: Any, name: str = "Installation") -> Any:
    from quickbooks.objects.base import Ref
    from quickbooks.objects.item import Item

    made, income = Item(), Ref()
    income.value = "79"
    made.Name, made.Type, made.IncomeAccountRef, made.UnitPrice = name, "Service", income, 125
    return made.save(qb=qb)


def invoice(qb: Any, to: Any, sold: Any, number: str, request_id: str | None = None) -> Any:
    from quickbooks.objects.detailline import SalesItemLine, SalesItemLineDetail
    from quickbooks.objects.invoice import Invoice

    line, made = SalesItemLine(), Invoice()
    line.Amount, line.SalesItemLineDetail = 250, SalesItemLineDetail()
    line.SalesItemLineDetail.ItemRef = sold.to_ref()
    line.SalesItemLineDetail.Qty, line.SalesItemLineDetail.UnitPrice = 2, 125
    made.Line, made.CustomerRef, made.DocNumber = [line], to.to_ref(), number
    return made.save(qb=qb, request_id=request_id)


def test_the_client_creates_updates_voids_and_deletes(books: Any) -> None:
    from quickbooks.objects.invoice import Invoice

    sim, qb = books
    made = invoice(qb, customer(qb), item(qb), "A1", request_id="r-1")
    again = invoice(qb, made_to(qb), sold(qb), "A1", request_id="r-1")
    assert again.Id == made.Id
    made.PrivateNote = "changed"
    changed = made.save(qb=qb)
    assert (changed.SyncToken, changed.PrivateNote, float(changed.TotalAmt)) == ("1", "changed", 250.0)
    changed.void(qb=qb)
    voided = Invoice.get(changed.Id, qb=qb)
    assert (float(voided.TotalAmt), voided.PrivateNote) == (0.0, "Voided - changed")
    voided.delete(qb=qb)
    assert Invoice.count(qb=qb) == 0
    told = [e.what.partition(".")[2] for e in sim.history.effects() if e.what.startswith("Invoice")]
    assert told == ["created", "updated", "voided", "deleted"]


def made_to(qb: Any) -> Any:
    from quickbooks.objects.customer import Customer

    return Customer.filter(DisplayName="Acme Ltd", qb=qb)[0]


def sold(qb: Any) -> Any:
    from quickbooks.objects.item import Item

    return Item.filter(Name="Installation", qb=qb)[0]


def test_the_client_queries_pages_and_counts(books: Any) -> None:
    from quickbooks.objects.account import Account
    from quickbooks.objects.customer import Customer

    sim, qb = books
    for n in range(120):
        sim.write("Customer", {"DisplayName": f"O'Neil {n:03d}"})
    assert Customer.count(qb=qb) == 120
    first = Customer.all(order_by="Id", qb=qb)
    rest = Customer.all(order_by="Id", start_position=101, max_results=1000, qb=qb)
    assert [c.DisplayName for c in [*first, *rest]] == [f"O'Neil {n:03d}" for n in range(120)]
    (one,) = Customer.filter(DisplayName="O'Neil 007", Active=True, qb=qb)
    assert {c.Id for c in Customer.choose([one.Id, first[0].Id], field="Id", qb=qb)} == {one.Id, first[0].Id}
    assert Customer.where("DisplayName like '%119'", qb=qb)[0].Id == rest[-1].Id
    assert "Accounts Receivable" in {a.AccountType for a in Account.all(qb=qb)}


def test_the_client_posts_a_journal_entry_and_is_refused_an_unbalanced_one(books: Any) -> None:
    from quickbooks.exceptions import ValidationException
    from quickbooks.objects.base import Ref
    from quickbooks.objects.journalentry import JournalEntry, JournalEntryLine, JournalEntryLineDetail

    _, qb = books

    def line(side: str, account: str, amount: float) -> Any:
        made, to = JournalEntryLine(), Ref()
        to.value = account
        made.Amount, made.JournalEntryLineDetail = amount, JournalEntryLineDetail()
        made.JournalEntryLineDetail.PostingType, made.JournalEntryLineDetail.AccountRef = side, to
        return made

    entry = JournalEntry()
    entry.Line = [line("Debit", "35", 12.5), line("Credit", "79", 12.5)]
    assert entry.save(qb=qb).Line[0].JournalEntryLineDetail.AccountRef.name == "Checking"
    entry = JournalEntry()
    entry.Line = [line("Debit", "35", 12.5), line("Credit", "79", 12.4)]
    with pytest.raises(ValidationException) as refused:
        entry.save(qb=qb)
    assert refused.value.error_code == 2300
    report = qb.get_report("TrialBalance", {"end_date": "2026-12-31"})
    assert report["Rows"]["Row"][-1]["Summary"]["ColData"][1]["value"] == "12.50"


def test_the_client_sends_batches_and_hears_of_the_faults_inside(books: Any) -> None:
    from quickbooks.batch import batch_create, batch_delete, batch_update
    from quickbooks.objects.customer import Customer

    _, qb = books
    new = []
    for name in ("A", "B", "a"):
        one = Customer()
        one.DisplayName = name
        new.append(one)
    answer = batch_create(new, qb=qb)
    assert ([c.DisplayName for c in answer.successes], len(answer.faults)) == (["A", "B"], 1)
    assert answer.faults[0].Error[0].code == "6240"
    for one in answer.successes:
        one.Notes = "seen"
    assert {c.SyncToken for c in batch_update(answer.successes, qb=qb).successes} == {"1"}
    kept = invoice(qb, answer.successes[0], item(qb), "A1")
    assert batch_delete([kept], qb=qb).successes[0].Id == kept.Id


def test_the_client_hears_what_changed(books: Any) -> None:
    from quickbooks.cdc import change_data_capture
    from quickbooks.objects import Customer, Invoice

    _, qb = books
    made = invoice(qb, customer(qb), item(qb), "A1")
    made.delete(qb=qb)
    told = change_data_capture(
        [Customer, Invoice], dt.datetime(2026, 3, 31, 9, 0, tzinfo=dt.UTC).replace(tzinfo=None), qb=qb
    )
    assert [c.DisplayName for c in told.Customer] == ["Acme Ltd"]
    assert [i.status for i in told.Invoice] == ["Deleted"]


def test_the_client_reads_what_a_company_has_one_of(books: Any) -> None:
    from quickbooks.objects.company_info import CompanyInfo
    from quickbooks.objects.preferences import Preferences
    from quickbooks.objects.taxcode import TaxCode

    _, qb = books
    assert CompanyInfo.get(REALM, qb=qb).CompanyName == f"Company {REALM}"
    assert Preferences.get(qb=qb).AccountingInfoPrefs.UseAccountNumbers is False
    assert {c.Id for c in TaxCode.all(qb=qb)} == {"TAX", "NON"}


def test_the_client_hears_of_staleness_and_of_what_is_not_there(books: Any) -> None:
    from quickbooks.exceptions import ObjectNotFoundException, QuickbooksException
    from quickbooks.objects.customer import Customer

    _, qb = books
    made = customer(qb)
    made.Notes = "one"
    made.save(qb=qb)
    made.Notes = "two"
    with pytest.raises(QuickbooksException) as stale:
        made.save(qb=qb)
    assert stale.value.error_code == 5010
    with pytest.raises(ObjectNotFoundException):
        Customer.get("4711", qb=qb)


def test_the_client_renews_its_token_when_it_ran_out(books: Any) -> None:
    from quickbooks.exceptions import AuthorizationException

    sim, qb = books
    sim.clock.advance(3600)
    with pytest.raises(AuthorizationException):
        customer(qb)
    qb.auth_client.refresh()
    renewed = quickbooks.QuickBooks(auth_client=qb.auth_client, company_id=REALM, minorversion=75)
    assert customer(renewed).DisplayName == "Acme Ltd"


def test_the_client_signs_in_by_consent_and_revokes(books: Any) -> None:
    import httpx
    from intuitlib.enums import Scopes

    sim, qb = books
    auth = qb.auth_client
    page = httpx.get(auth.get_authorization_url([Scopes.ACCOUNTING], "s1"))
    told = httpx.URL(page.headers["location"]).params
    assert (told["state"], told["realmId"], Scopes.ACCOUNTING.value) == ("s1", REALM, SCOPE)
    auth.get_bearer_token(told["code"], realm_id=told["realmId"])
    assert sim.oauth.state_of(auth.access_token) == "valid"
    assert auth.revoke() is True
    assert sim.oauth.state_of(auth.access_token) == "expired"


def test_the_client_agrees_with_the_signature_of_a_webhook(books: Any) -> None:
    sim, qb = books
    customer(qb)
    for shape in ("legacy", "cloudevents"):
        body, headers = sim.webhook("verifier", shape)
        assert qb.validate_webhook_signature(body.decode(), headers["intuit-signature"], "verifier")
        assert not qb.validate_webhook_signature(body.decode() + " ", headers["intuit-signature"], "verifier")


@pytest.mark.parametrize("books", [{"chart": "full"}], indirect=True)
def test_the_client_reads_a_full_chart_with_its_parents_numbers_and_inactive_accounts(books: Any) -> None:
    from quickbooks.objects.account import Account

    _, qb = books
    active = {account.AcctNum: account for account in Account.all(qb=qb, max_results=1000)}
    gone = Account.where("Active = false", qb=qb, max_results=1000)
    assert len(active) == 64
    assert (active["01210"].Name, active["01210"].ParentRef.value) == ("Bitcoin", active["01200"].Id)
    assert {account.Name for account in gone} >= {"Old Checking (deleted)", "Demurrage (deleted)"}
