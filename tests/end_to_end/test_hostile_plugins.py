"""Broken and hostile plugins beside good ones, in a process as a command starts it: only their own flows stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from wherry.simulator import serve
from wherry_hubspot.simulator import HubSpotSimulator

from .desk import Crm, Watch

TOKEN = "pat-na1-canary-77aa01"

BASE = """
import json, sys
from wherry import Page, Record, hookimpl
from wherry.hookspecs import Manifest
from wherry.records import Answer, Create, Draft, Skip
from wherry.roles import Account

SYSTEM = "NAME"
MAP = {"deal": {"project": {"root": True, "key": "id(deal.id)", "fields": {"name": "deal.name"}}}}

class Source:
    kinds, chunk = ("deal",), 100
    def __init__(self, connection, services): self.token, self.services = TOKEN, services
    def check(self): return Account("1", SYSTEM)
    def records(self):
        return [Record(kind="deal", id=str(n), version="1", payload=json.dumps({"name": f"{SYSTEM} {n}"}).encode())
                for n in range(3)]
    def read(self, query): yield Page(self.records(), "m")
    def complete(self, records, relatives): return records

class Sink:
    entities = ("product",)
    def check(self): return Account("1", SYSTEM)
    def apply(self, documents, items): return [Answer(fate="created", target=f"X{n}") for n, _ in enumerate(items)]
    def listing(self, documents, entity): return iter(())
    def current(self, documents, entity, ids): return {}

class Mapper:
    fields, fingerprint = {"deal": ("name",)}, "1"
    def triggers(self, records): return [None] * len(records)
    def map(self, record):
        return [Draft(entity="project", key="id:" + record.id, body={"name": record.fields["name"]}, root=True)]

class Matcher:
    def match(self, drafts, catalogue): return [Create() for _ in drafts]

@hookimpl
def wherry_manifest():
    roles = ("source", "sink", "mapper", "matcher")
    return Manifest(system=SYSTEM, title=SYSTEM, roles=roles, kinds=("deal",), maps=MAP)

@hookimpl
def wherry_source_connector(connection, services):
    return Source(connection, services) if connection.plugin == SYSTEM else None

@hookimpl
def wherry_sink_writer(connection, services):
    return Sink() if connection.plugin == SYSTEM else None
"""
MAPPER = """
@hookimpl
def wherry_field_mapper(flow, kind, services): return Mapper() if flow.source == SYSTEM else None
"""
MATCHER = """
@hookimpl
def wherry_matcher(flow, entity): return Matcher() if flow.source == SYSTEM else None
"""
HOSTILE: dict[str, str] = {
    "no-import": "raise ImportError('needs libfoo ' + TOKEN)",
    "misspelt": "@hookimpl\ndef wherry_sourc_connector(connection, services): return None",
    "short-answers": "Sink.apply = lambda self, documents, items: []",
    "no-answers": "Sink.apply = lambda self, documents, items: None",
    "odd-answers": "Sink.apply = lambda self, documents, items: ['done' for _ in items]",
    "raising-sink": "def apply(self, documents, items): raise RuntimeError('lost ' + TOKEN)\nSink.apply = apply",
    "no-target": "Sink.apply = lambda self, documents, items: [Answer(fate='created') for _ in items]",
    "half-way": "def read(self, query):\n    yield Page(self.records()[:1], 'm1')\n"
                "    raise ValueError('half ' + TOKEN)\nSource.read = read",
    "exits": "def read(self, query):\n    yield Page(self.records()[:1], 'm1')\n    sys.exit(3)\nSource.read = read",
    "junk-pages": "Source.read = lambda self, query: iter([{'records': []}])",
    "junk-records": "Source.read = lambda self, query: iter([Page([{'id': 1}], 'm')])",
    "junk-payload": "Source.read = lambda self, query: iter([Page([Record(kind='deal', id='1', version='1', "
                    "payload=b'<html>')], 'm')])",
    "other-kind": "Source.read = lambda self, query: iter([Page([Record(kind='ship', id='1', version='1')], 'm')])",
    "no-complete": "Source.complete = lambda self, records, relatives: None\nMAP['deal']['customer'] = {'from': "
                   "'company', 'optional': True, 'key': 'id(company.id)', 'fields': {'name': 'company.name'}}",
    "raising-mapper": MAPPER + "\ndef bad(self, record): raise KeyError('name')\nMapper.map = bad",
    "junk-mapper": MAPPER + "\nMapper.map = lambda self, record: [1, 2]",
    "none-mapper": MAPPER + "\nMapper.map = lambda self, record: None",
    "odd-gate": MAPPER + "\nMapper.triggers = lambda self, records: [None]",
    "odd-body": MAPPER + "\nMapper.map = lambda self, record: [Draft(entity='project', key='id:1', root=True, "
                "body={'name': object()})]",
    "few-decisions": MATCHER + "\nMatcher.match = lambda self, drafts, catalogue: []",
    "junk-decisions": MATCHER + "\nMatcher.match = lambda self, drafts, catalogue: ['create' for _ in drafts]",
    "raising-matcher": MATCHER + "\ndef bad(self, drafts, catalogue): raise IndexError('x')\nMatcher.match = bad",
    "raising-observer": "@hookimpl\ndef wherry_batch_settled(flow, run, fates): raise RuntimeError('watching')",
    "no-end": MAPPER + "\ndef bad(self, record):\n    while True: pass\nMapper.map = bad",
    "no-end-at-the-gate": MAPPER + "\ndef bad(self, records):\n    while True:\n        try:\n"
                          "            while True: pass\n        finally: pass\nMapper.triggers = bad",
    "too-deep": MAPPER + "\ndef bad(self, record): return bad(self, record)\nMapper.map = bad",
    "memory-hog": MAPPER + "\ndef bad(self, record): return bytearray(1 << 62)\nMapper.map = bad",
    "changes-its-record": MAPPER + "\ngood = Mapper.map\ndef bad(self, record):\n    record.id = 'x'\n"
                          "    return good(self, record)\nMapper.map = bad",
    "changes-its-drafts": MATCHER + "\ngood = Matcher.match\ndef bad(self, drafts, catalogue):\n"
                          "    drafts[0].key = 'id:7'\n    return good(self, drafts, catalogue)\nMatcher.match = bad",
    "odd-key": MAPPER + "\nMapper.map = lambda self, record: [Draft(entity='project', key=7, body={}, root=True)]",
    "odd-target": "Sink.apply = lambda self, documents, items: [Answer(fate='created', target=7) for _ in items]",
    "odd-fate": "Sink.apply = lambda self, documents, items: [Answer(fate='perhaps', target='X') for _ in items]",
    "huge-page": "Source.read = lambda self, query: iter([Page(self.records() * 40_000, 'm')])",
    "no-page": "Source.read = lambda self, query: iter([None])",
    "odd-mark": "Source.read = lambda self, query: iter([Page(self.records(), None)])",
    "exits-hard-to-import": "import nowhere_at_all",
    "meddles": "import decimal, signal, socket, threading, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
               "os.chdir('/')\nsys.setrecursionlimit(99_999)\nsys.stdout = None\nsocket.setdefaulttimeout(0.1)\n"
               "decimal.getcontext().prec = 3\nimport logging\nlogging.disable(50)\nimport structlog\n"
               "structlog.configure(processors=[structlog.processors.JSONRenderer()])\n"
               "threading.Thread(target=time.sleep, args=(600,), daemon=True, name='lurker').start()",
    "loud": "def read(self, query):\n    print('the token is', self.token)\n"
            "    self.services.log.warning('token ' + self.token, token=self.token, note=[self.token])\n"
            "    import logging; logging.getLogger('loud').error('again %s', self.token)\n"
            "    yield Page(self.records(), 'm')\nSource.read = read",
}  # fmt: skip
SINKS = ("short-answers", "no-answers", "odd-answers", "raising-sink", "no-target", "odd-target", "odd-fate")
GOOD = ("raising-observer", "loud", "meddles")

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from wherry.operating import answers, overview
from wherry.hub import Hub
from wherry.errors import WherryError
from wherry.logs import configure_logging
configure_logging("info")
from wherry.protocol import watching
watching.ENDLESS, watching._LOOK = 1.5, 0.05
hub, out = Hub.open(sys.argv[2]), {}
for name in ["catalogue", "won-deals", *sys.argv[3:]]:
    try:
        report = hub.run(name)
        out[name] = {"exit": report.exit_code, "items": report.data["items"], "fates": report.data["fates"],
                     "error": report.data["error"] or {}}
    except WherryError as error:
        out[name] = {"exit": error.exit_code, "items": {}, "fates": {}, "error": error.as_data()}
out["again"] = hub.run("won-deals").exit_code
out["status"] = overview.status(hub)["problems"]
out["runs"] = {run["flow"]: run["state"] for run in overview.runs(hub, limit=100)}
with hub.store.documents("workspace") as documents:
    out["projects"] = sorted(body["fields"]["name"] for _, body in documents.each("project"))
hub.close()
open(sys.argv[2] + "/out.json", "w").write(json.dumps(out, default=str))
"""


def _ship(site: Path, name: str, code: str) -> None:
    info = site / f"wherry_{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    module = f"hostile_{name.replace('-', '_')}"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: wherry-{name}\nVersion: 1.0\nRequires-Dist: wherry\n")
    (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = {module}\n")
    head = "import os\nTOKEN = os.environ['HUBSPOT_TOKEN']\n"
    (site / f"{module}.py").write_text(head + textwrap.dedent(BASE).replace("NAME", name) + "\n" + code + "\n")


def _project() -> str:
    from ..projects import WON_DEALS

    enabled = ", ".join(f'"{name}"' for name in ("hubspot", "workspace", *HOSTILE))
    text = WON_DEALS.replace('"hubspot", "workspace"', enabled)
    for name in HOSTILE:
        text += f'[connections.{name}]\nplugin = "{name}"\n[flows.{name}]\n'
        text += f'source = "crm"\nsink = "{name}"\nkinds = ["product"]\n' if name in SINKS else (
            f'source = "{name}"\nsink = "platform"\nkinds = ["deal"]\n')  # fmt: skip
    return text


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every flow came to, in one process in which all of the plugins are enabled; and all that it printed."""
    folder, site = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("site")
    for name, code in HOSTILE.items():
        _ship(site, name, code)
    (folder / "wherry.toml").write_text(_project())
    sim = HubSpotSimulator(currency="USD")
    watch = Watch(sim.app())
    with serve(watch) as url:
        Crm(sim, url, watch).stock()
        environ = {**os.environ, "HUBSPOT_URL": url, "HUBSPOT_TOKEN": TOKEN, "PYTHONPATH": str(site)}
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(site), str(folder), *HOSTILE], env=environ,
                              capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    out: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return {**out, "folder": folder, "stdout": done.stdout, "stderr": done.stderr}


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in GOOD])
def test_a_plugin_that_misbehaves_is_named_and_stops_its_own_flow_only(told: dict[str, Any], name: str) -> None:
    """case_G19, case_G20, I20"""
    found = told[name]
    assert found["exit"] == 1, found
    assert found["error"]["plugin"] == name, found
    assert name in found["error"]["message"]
    assert found["error"]["fix"]
    assert found["items"] == {}, "nothing of its batch was written"
    assert told["runs"].get(name, "failed") == "failed"


@pytest.mark.parametrize("name", GOOD)
def test_an_observer_that_fails_or_a_plugin_that_talks_stops_nothing(told: dict[str, Any], name: str) -> None:
    """case_G19"""
    assert (told[name]["exit"], told[name]["items"]) == (0, {"project": {"created": 3}}), told[name]


def test_the_flows_of_good_plugins_run_before_and_after_the_bad_ones(told: dict[str, Any]) -> None:
    """case_G17, case_G19"""
    assert (told["won-deals"]["exit"], told["again"]) == (4, 4), "one question is open, as ever"
    assert sum(told["won-deals"]["fates"]["deal"].values()) == 14
    assert {name for name in told["projects"] if name.startswith("Deal")} == {f"Deal {n}" for n in range(8)}
    others = {name.rsplit(" ", 1)[0] for name in told["projects"]} - {"Deal"}
    assert others <= {*GOOD}, "of a plugin that misbehaved nothing stands"


def test_what_a_plugin_did_to_the_process_is_put_back_and_told(told: dict[str, Any]) -> None:
    """case_G19"""
    [problem] = [one for one in told["status"] if (one["plugin"], one["code"]) == ("meddles", "WHERRY-1117")]
    said = problem["message"]
    for change in ("the handler of SIGTERM", "the working folder", "the limit of recursion", "standard output",
                   "the time limit of sockets", "how decimals are computed", "what is logged", "how it is logged",
                   "left the thread lurker running"):  # fmt: skip
        assert change in said
    assert problem["fix"]


def test_a_pure_call_that_does_not_end_is_ended_and_told(told: dict[str, Any]) -> None:
    """case_G19"""
    for name, call in (("no-end", "map"), ("no-end-at-the-gate", "triggers")):
        assert told[name]["error"]["code"] == "WHERRY-1122"
        assert f"{call} did not come back within" in told[name]["error"]["message"]


def test_what_could_not_be_loaded_is_told_by_status(told: dict[str, Any]) -> None:
    """case_G18, case_G19"""
    problems = {problem["plugin"]: problem for problem in told["status"]}
    assert {"no-import", "misspelt"} <= set(problems)
    assert "wherry_source_connector" in f"{problems['misspelt']}", "the hook that was meant"


def test_the_token_is_nowhere_to_be_found(told: dict[str, Any]) -> None:
    """case_G11, case_G12, case_G21, I14: plugins printed, logged and raised it."""
    assert "***" in told["stderr"], "the plugin did log"
    assert TOKEN not in told["stderr"]
    for path in sorted(told["folder"].rglob("*")):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path
