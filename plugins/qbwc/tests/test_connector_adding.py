"""Adding an application to the Connector from its .QWC file: what it takes, what it refuses, what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from wherry.errors import ConfigError
from wherry.simulator import serve
from wherry_qbwc.simulator import NotAdded
from wherry_qbwc.simulator.adding import application
from wherry_qbwc.simulator.options import simulator

from .company_bench import desktop

OWNER, FILE_ID = "{6F1C3E0A-9F55-4F0B-8E0D-0C5B6B1F2A01}", "{B2A7E3B4-0B0E-4C57-9C43-1E0B8F6D7C02}"
GOOD = f"""<?xml version="1.0"?><QBWCXML><AppName>Hub</AppName><AppID></AppID><AppURL>https://hub.example/qbwc</AppURL>
<AppDescription>Invoices</AppDescription><AppSupport>https://hub.example/support</AppSupport>
<UserName>desktop</UserName><OwnerID>{OWNER}</OwnerID><FileID>{FILE_ID}</FileID><QBType>QBFS</QBType>
<Scheduler><RunEveryNMinutes>15</RunEveryNMinutes></Scheduler></QBWCXML>"""


@pytest.fixture
def base() -> Iterator[str]:
    async def support(request: Request) -> Response:
        return Response(status_code=404 if "missing" in request.url.path else 200)

    with serve(Starlette(routes=[Route("/{name}", support)])) as url:
        yield url.replace("127.0.0.1", "localhost")


def test_a_file_says_all_that_the_connector_needs() -> None:
    one = application(GOOD)
    assert (one.url, one.user, one.owner, one.interval) == ("https://hub.example/qbwc", "desktop", OWNER, 900.0)


def test_the_contracts_own_files_are_taken(contract: Path) -> None:
    samples = sorted((contract / "qwc").glob("*.qwc"))
    assert {application(sample.read_text("utf-8")).owner for sample in samples} == {OWNER}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("https://hub.example/support", "https://other.example/support", "QBWC1000"),
        ("https://hub.example/qbwc", "https://10.0.0.1/qbwc", "QBWC1001"),
        ("https://hub.example/support", "https://[::1]/support", "QBWC1002"),
        ("https://hub.example/qbwc", "http://hub.example/qbwc", "QBWC1010"),
        ("<UserName>desktop</UserName>", "<UserName/>", "QBWC1039"),
        ("<AppID></AppID>", "", "QBWC1039"),
        (OWNER, OWNER.strip("{}"), "QBWC1039"),
        ("QBFS", "QBXX", "QBWC1039"),
        ("</QBWCXML>", "", "QBWC1039"),
    ],
)
def test_a_file_is_refused_with_the_connectors_own_code(old: str, new: str, code: str) -> None:
    with pytest.raises(NotAdded) as caught:
        application(GOOD.replace(old, new))
    assert caught.value.code == code


def test_the_file_id_stays_in_the_company_file_and_another_of_the_owner_is_refused(base: str) -> None:
    company = desktop()
    text = GOOD.replace("https://hub.example", base)
    with httpx.Client() as http:
        made = company.add_application(text, "secret", http=http)
        company.add_application(text, "secret", http=http)
        assert (made.user, made.owner, made.interval) == ("desktop", OWNER, 900.0)
        assert company.company().extras == {OWNER: {"FileID": FILE_ID}}
        with pytest.raises(NotAdded, match="QBWC1026"):
            company.add_application(text.replace("B2A7", "B2A8"), "secret", http=http)


@pytest.mark.parametrize(
    ("support", "code"), [("{base}/missing", "QBWC1003"), ("http://localhost:9/support", "QBWC1004")]
)
def test_the_page_of_support_must_answer(base: str, support: str, code: str) -> None:
    there = support.format(base=base)
    text = GOOD.replace("https://hub.example/support", there).replace("https://hub.example", base)
    with httpx.Client() as http, pytest.raises(NotAdded, match=code):
        desktop().add_application(text, "secret", http=http)


def test_the_command_takes_a_file_and_a_password(base: str, tmp_path: Path) -> None:
    path = tmp_path / "desktop.qwc"
    path.write_text(GOOD.replace("https://hub.example", base), "utf-8")
    made = simulator({"qwc": str(path), "password": "secret", "every": "7"}).connector
    assert made is not None
    assert (made.user, made.password, made.interval) == ("desktop", "secret", 7.0)
    path.write_text(GOOD.replace("QBFS", "QBXX"), "utf-8")
    for options, code in (({"qwc": str(path)}, "WHERRY-2853"), ({"qwc": str(path), "password": "p"}, "WHERRY-2854"),
                          ({"qwc": str(tmp_path / "none"), "password": "p"}, "WHERRY-2852")):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            simulator(options)
        assert caught.value.code == code
