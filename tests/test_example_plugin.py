"""A partner's plugin, from its own distribution: found once it is installed, enabled by the project file alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from .warm import warm

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "acme_warehouse"
KEY = "acme-canary-4b7d"
PROJECT = """
version = 1
[project]
name = "acme"
timezone = "America/Chicago"
currency = "USD"
[plugins]
enabled = [{enabled}]
[connections.platform]
plugin = "workspace"
"""
FLOWS = """
[connections.warehouse]
plugin = "acme-warehouse"
base_url = "${ACME_URL}"
auth = { kind = "token", token = { env = "ACME_KEY" } }
[flows.parts]
source = "warehouse"
sink = "platform"
kinds = ["part"]
repeat = "always"
[flows.shipments]
source = "warehouse"
sink = "platform"
kinds = ["shipment"]
"""
SYNC = """
import json, os, sys
import httpx
from acme_warehouse.simulator import AcmeSimulator
from wherry.hub import Hub
from wherry.simulator import serve

folder, key = sys.argv[1], os.environ["ACME_KEY"]
simulator = AcmeSimulator(keys=frozenset({key}))
with serve(simulator.app()) as url:
    send = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"})
    send.post("/api/v1/parts", json={"name": "Bolt M8", "number": "B-8", "bin": "A-07"})
    send.post("/api/v1/parts", json={"name": "Rail anchor", "number": "RA-1", "bin": "B-01"})
    lines = [{"part": "1001", "quantity": 4}, {"part": "1002", "quantity": 1}]
    body = {"customer": "Acme Rail", "lines": lines}
    send.post("/api/v1/shipments", json={**body, "number": "SH-1", "status": "sent"})
    send.post("/api/v1/shipments", json={**body, "number": "SH-2", "status": "packing"})
    with Hub.open(folder, environ={"ACME_URL": url, "ACME_KEY": key}) as hub:
        platform = hub.wiring.services(hub.wiring.connection("platform")).documents
        first = [hub.run(flow).data for flow in ("parts", "shipments")]
        # The part is renumbered: another record, known to the platform by its former number.
        send.post("/api/v1/parts", json={"name": "Bolt eight", "number": "N-8", "former_number": "OLD-8"})
        with platform() as documents:
            body = next(iter(documents.each("product")))[1]
            documents.put("product", [("I-9001", {**body, "fields": {"name": "Old bolt", "sku": "OLD-8"}})])
        second = [hub.run(flow).data for flow in ("parts", "shipments")]
        with platform() as documents:
            held = {k: [b["fields"] for _, b in documents.each(k)] for k in ("product", "customer", "ticket")}
    print(json.dumps({"first": [r["fates"] for r in first], "second": [r["fates"] for r in second],
                      "items": second[0]["items"], "held": held}))
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed the example into, as it would into any environment that has Wherry."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]
    command += ["--no-build-isolation"] * bool(importlib.util.find_spec("hatchling"))
    done = subprocess.run(
        [*command, "--target", str(folder), str(EXAMPLE)], capture_output=True, text=True, check=False
    )
    if done.returncode and "No matching distribution found for hatchling" in done.stderr:
        pytest.skip("needs the build backend hatchling, which pip could not fetch")
    assert done.returncode == 0, done.stderr
    return folder


def environ(installed: Path | None, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WHERRY", "ACME", "PYTEST"))}
    return {**kept, "PYTHONPATH": str(installed or ""), "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(*arguments: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return warm.python(*arguments, cwd=cwd, env=env)


def project(folder: Path, *enabled: str, flows: str = "") -> Path:
    text = PROJECT.replace("{enabled}", ", ".join(f'"{name}"' for name in enabled)) + flows
    (folder / "wherry.toml").write_text(text)
    return folder


def listed(folder: Path, env: Mapping[str, str]) -> list[dict[str, Any]]:
    done = run("-m", "wherry.cli", "--output", "json", "plugin", "list", cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)["data"]["items"]
    return rows


def test_the_plugin_is_found_once_it_is_installed(installed: Path, tmp_path: Path) -> None:
    folder = project(tmp_path, "workspace")
    before = [row["name"] for row in listed(folder, environ(None))]
    after = {row["name"]: row for row in listed(folder, environ(installed))}
    assert "acme-warehouse" not in before
    assert after["acme-warehouse"]["version"] == "0.1.0"


def test_a_whole_sync_runs_with_its_own_source_mapper_and_matcher(installed: Path, tmp_path: Path) -> None:
    folder = project(tmp_path, "acme-warehouse", "workspace", flows=FLOWS)
    done = run("-c", SYNC, str(folder), cwd=tmp_path, env=environ(installed, ACME_KEY=KEY))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["first"] == [{"part": {"created": 2}}, {"shipment": {"created": 1, "skipped": 1}}]
    assert told["second"][0]["part"]["linked"] == 1, "the renumbered part is the product of its former number"
    assert "created" not in told["items"].get("product", {})
    [ticket], [customer] = told["held"]["ticket"], told["held"]["customer"]
    assert ticket["description"] == "4 x Bolt M8\n1 x Rail anchor"
    assert customer["name"] == "Acme Rail"
    assert [row.get("type") for row in told["held"]["product"]][:2] == ["part", "part"]
    assert KEY not in done.stdout + done.stderr


def test_the_plugin_is_not_imported_unless_it_is_enabled(installed: Path, tmp_path: Path) -> None:
    folder = project(tmp_path, "workspace")
    code = "import sys; from wherry.hub import Hub; Hub.open('.').close(); print('acme_warehouse' in sys.modules)"
    assert run("-c", code, cwd=folder, env=environ(installed)).stdout.strip() == "False"
    project(folder, "workspace", "acme-warehouse")
    assert run("-c", code, cwd=folder, env=environ(installed)).stdout.strip() == "True"


def test_the_partners_own_tests_pass_against_the_installed_plugin(installed: Path, tmp_path: Path) -> None:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(EXAMPLE / "tests")]
    done = run(*command, cwd=EXAMPLE, env=environ(installed))
    assert done.returncode == 0, done.stdout[-4000:]
