"""Intuit's qbXML schemas, as the judge of what is sent and of what the stand-in answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lxml import etree

if TYPE_CHECKING:
    from .web_rig import Served

CONTRACT = Path(os.environ.get("WHERRY_SHARED", Path(__file__).parents[3] / ".." / "shared")) / "contracts" / "qbwc"


@pytest.fixture(scope="session")
def contract() -> Path:
    """The folder of Intuit's contract; what needs it is skipped where the folder is not."""
    if not CONTRACT.is_dir():
        pytest.skip("the contract of QuickBooks Desktop is not on this machine; set WHERRY_SHARED")
    return CONTRACT


@pytest.fixture(scope="session")
def complaints(contract: Path) -> Callable[[bytes], list[str]]:
    """Judges a message set, or an answer to one, by Intuit's schema of qbXML 16: its complaints, if any."""
    schema = etree.XMLSchema(etree.parse(str(contract / "xsd" / "qbxmlops160.xsd")))

    def judge(told: bytes) -> list[str]:
        schema.validate(etree.fromstring(told))
        return [f"{error.line}: {error.message}" for error in schema.error_log]

    return judge


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    """A project's SOAP endpoint behind the real host, whose sessions do what a test scripts."""
    from .web_rig import at_work

    with at_work(tmp_path) as served:
        yield served


@pytest.fixture(scope="session")
def contract_schema(contract: Path) -> etree.XMLSchema:
    """The schema of calls and answers, cut out of Intuit's WSDL."""
    tree = etree.parse(str(contract / "QBWebConnectorSvc.wsdl"))
    found = tree.find(".//{http://www.w3.org/2001/XMLSchema}schema")
    assert found is not None
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))
