"""``wherry init --template invoices|journals``: a project for books that is in order as it is written, and works."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import Field
from wherry.cli import app, init, starting, templates
from wherry.cli.starting import Connected, Plan, Secret
from wherry.cli.templates import Ends, ends
from wherry.errors import ConfigError
from wherry.hookspecs import Manifest
from wherry.plugins import load
from wherry.settings import Auth, ConnectionSettings, SecretRef

from .projects import INVOICES
from .shop import CHARGES, Shop, shop

INVOICES = tomllib.loads(INVOICES)["flows"]["invoices"]
JOURNALS = {
    "source": "platform", "sink": "books", "kinds": ["ledger-transaction"], "document": "journal",
    "accounts": "tables/accounts.csv", "group": "week", "week_start": "monday", "gains": True, "approval": "required",
    "late": "next-period",
}  # fmt: skip


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    (tmp_path / "shop").mkdir()
    with shop(tmp_path / "shop", monkeypatch, capsys) as made:
        yield made


def written(folder: Path, template: str) -> dict[str, Any]:
    assert app.run(["init", str(folder), "--template", template]) == 0
    assert app.run(["-C", str(folder), "config", "check"]) == 0
    return tomllib.loads((folder / "wherry.toml").read_text("utf-8"))


def on_the_stand_in(folder: Path) -> None:
    path = folder / "wherry.toml"
    path.write_text(path.read_text("utf-8").replace('"production"', '"simulator"').replace('"USD"', '"GBP"'), "utf-8")


@pytest.mark.parametrize(
    ("template", "flow", "says"), [("invoices", "invoices", INVOICES), ("journals", "wallet-journals", JOURNALS)]
)
def test_a_template_says_what_such_a_project_says_and_is_in_order(
    template: str, flow: str, says: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BOOKS_URL", "BOOKS_CLIENT_ID", "BOOKS_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    told = written(tmp_path / "made", template)["flows"][flow]
    assert told.pop("books_from").day == 1
    assert told == {name: one for name, one in says.items() if name != "books_from"}
    assert (tmp_path / "made" / "tables" / "accounts.csv").exists() is (template == "journals")


def test_books_begin_with_the_month_on_the_wall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the last evening of a month they began with the next one, west of Greenwich."""

    class Evening(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime(2026, 2, 1, 2, tzinfo=dt.UTC).astimezone(tz)

    monkeypatch.setenv("TZ", "America/Chicago")
    monkeypatch.setattr(init, "dt", SimpleNamespace(datetime=Evening, date=dt.date, UTC=dt.UTC))
    assert written(tmp_path / "made", "invoices")["flows"]["invoices"]["books_from"] == dt.date(2026, 1, 1)


def test_the_template_of_invoices_carries_invoices(at: Shop, tmp_path: Path) -> None:
    at.folder = tmp_path / "made"
    written(at.folder, "invoices")
    on_the_stand_in(at.folder)
    (at.folder / "charges.csv").write_text(CHARGES, "utf-8")
    at.does("connect books --no-browser")
    at.does("workspace import online-retail charges.csv")
    assert at.ask("plan invoices")["approval"]["documents"] == {"invoice": 3}
    at.does("run invoices")
    assert at.books.objects("Customer") == []
    at.does("approve invoices --all")
    assert {one["DocNumber"] for one in at.books.objects("Invoice")} == {"536365", "536366", "536367"}


def test_the_template_of_journals_reads_the_chart_and_lists_what_has_no_account(at: Shop, tmp_path: Path) -> None:
    at.folder = tmp_path / "made"
    written(at.folder, "journals")
    on_the_stand_in(at.folder)
    at.does("connect books --no-browser")
    at.does("accounts import books")
    at.does("accounts map wallet-journals")
    assert at.ask("plan wallet-journals")["pending"] is False


def test_a_project_for_books_needs_a_platform_and_books() -> None:
    with pytest.raises(ConfigError, match="keeps books"):
        ends(load(["workspace", "csv"]), "invoices")
    with pytest.raises(ConfigError, match="invoice records"):
        ends(load(["quickbooks"]), "invoices")


def test_the_books_of_a_template_are_said_and_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["init", str(tmp_path / "made"), "--template", "invoices"]) == 0
    said = capsys.readouterr().out
    assert (
        "the books are QuickBooks Online; for Xero: --into xero --yes; for Oracle NetSuite: --into netsuite --yes"
        in said
    )
    assert app.run(["init", str(tmp_path / "made"), "--template", "invoices", "--into", "qbwc", "--yes"]) == 0
    assert "wherry qbwc setup books" in capsys.readouterr().out
    assert app.run(["-C", str(tmp_path / "made"), "config", "check"]) == 0
    made = tomllib.loads((tmp_path / "made" / "wherry.toml").read_text("utf-8"))
    assert made["connections"]["books"]["plugin"] == "qbwc"
    assert made["flows"]["invoices"]["match"]["customer"]["unmatched"] == "triage"
    assert app.run(["init", str(tmp_path / "made"), "--template", "journals", "--into", "netsuite", "--yes"]) == 0
    books = tomllib.loads((tmp_path / "made" / "wherry.toml").read_text("utf-8"))["connections"]["books"]
    assert (books["auth"]["kind"], books["auth"]["certificate"]) == ("client", "fill-in")
    for line in (["--template", "invoices", "--into", "hubspot"], ["--into", "qbwc"]):
        assert app.run(["init", str(tmp_path / "other"), *line]) == 2


def test_a_table_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    table = tmp_path / "made" / "tables" / "accounts.csv"
    table.parent.mkdir(parents=True)
    table.write_text("category,debit,credit\nfee,1,2\n")
    written(tmp_path / "made", "journals")
    assert "fee,1,2" in table.read_text()


class Demanding(ConnectionSettings):
    """Settings that need more than a sign-in."""

    auth: Auth = Field(description="The key of the company.")
    company: str = Field(min_length=1, description="The company's name, as the vendor shows it.")
    app_key: SecretRef = Field(description="The app's key.")
    tier: Literal["small", "large"] = Field(description="What was bought.")
    year: int | None = Field(description="The first year.")
    since: dt.date = Field(description="From when on.")
    stores: list[str] = Field(description="Which stores.")
    optional: str = ""
    term: str = Field("", description="Where no due date is said.", examples=["Net 30"])


@pytest.mark.parametrize("template", ["invoices", "journals"])
@pytest.mark.parametrize("sign_in", [(), ("token",)])
def test_what_a_plugin_requires_is_written_to_be_filled_in(template: str, sign_in: tuple[str, ...]) -> None:
    books = Manifest(system="ledgerly", title="Ledgerly", group="accounting", roles=("sink",), sign_in=sign_in)
    platform = Manifest(system="shop", title="Shop", group="platform", roles=("source",))
    between = Ends(platform, books, (), Demanding, Demanding)
    made = templates.text(template, between, "acme", "UTC", "USD", dt.date(2026, 1, 5))
    for name, prefix in {"books": "BOOKS", "platform": "PLATFORM"}.items():
        keys = tomllib.loads(made)["connections"][name]
        assert keys.pop("plugin")
        told = Demanding.model_validate({**keys, "base_url": None})
        assert keys["auth"] == {"kind": "token", "token": {"env": f"{prefix}_TOKEN"}}
        assert (told.app_key.env, told.tier, told.year, told.optional) == (f"{prefix}_APP_KEY", "small", 1, "")
    assert "fill in: The company's name, as the vendor shows it" in made
    assert '# term = "Net 30"    # Where no due date is said.' in made.splitlines()


class UserAndPassword(ConnectionSettings):
    """Settings of a plugin that signs by itself."""

    username: str = Field(description="Who signs in.")
    password: SecretRef = Field(description="Their password.")


def test_who_signs_in_by_settings_of_its_own_is_tried_and_not_connected() -> None:
    books = Manifest(system="ledgerly", title="Ledgerly", group="accounting", roles=("sink",))
    between = Ends(Manifest(system="shop", title="Shop"), books, (), UserAndPassword, None)
    made = templates.text("invoices", between, "acme", "UTC", "USD", dt.date(2026, 1, 5))
    assert "[connections.books]    # Ledgerly; try it: wherry connection test books" in made.splitlines()
    assert templates.after("invoices", between)[1] == "wherry connection test books"


def test_init_writes_the_required_keys_of_what_it_connects() -> None:
    manifest = Manifest(system="field-book", title="Field book", roles=("source",), sign_in=("token",))
    one = Connected(name="crm", manifest=manifest, secret=Secret("env", "FIELD_BOOK_TOKEN"), settings=Demanding)
    plan = Plan(name="acme", timezone="UTC", currency="USD", connections=[one], flows=[])
    keys = tomllib.loads(starting.text(plan))["connections"]["crm"]
    assert (keys["company"], keys["app_key"]) == ("fill-in", {"env": "FIELD_BOOK_APP_KEY"})
    assert keys["auth"]["token"] == {"env": "FIELD_BOOK_TOKEN"}
