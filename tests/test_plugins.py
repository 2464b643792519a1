"""Plugins as strangers ship them: real distributions, well-made and hostile, on a path of their own.

Each case runs in a process of its own, as a command would, so that what a plugin does to the process shows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wherry import __version__
from wherry.errors import ConfigError
from wherry.plugins import how_to_get, known_systems, load
from wherry.plugins.installed import in_range

GOOD = """
import os
from wherry import Answer, Page, Record, hookimpl
from wherry.hookspecs import Manifest
from wherry.roles import Account

class Source:
    kinds, chunk = ("deal",), 10
    def __init__(self, name): self.name = name
    def check(self): return Account("1", self.name)
    def read(self, query): return iter(())
    def complete(self, records, relatives): return records

class Sink:
    entities = ("project",)
    def check(self): return Account("1", "sink")

class Sim:
    system = "NAME"
    def app(self): return None

@hookimpl
def wherry_manifest():
    return Manifest(system="NAME", title="The NAME", roles=("source", "sink", "simulator"),
                    maps={"deal": {"project": {"root": True}}}, match={"product": {"order": ["sku"]}})

@hookimpl
def wherry_source_connector(connection, services):
    return Source("NAME") if connection.plugin == "NAME" else None

@hookimpl
def wherry_sink_writer(connection, services):
    return Sink() if connection.plugin == "NAME" else None

@hookimpl
def wherry_simulator(system):
    return Sim() if system == "NAME" else None

@hookimpl
def wherry_transforms():
    return {"who": lambda: "NAME", "NAME_only": lambda: 1}
"""
HEAD = "from wherry import hookimpl\nfrom wherry.hookspecs import Manifest\n"
MANIFEST = '@hookimpl\ndef wherry_manifest(): return Manifest(system="NAME", title="NAME")\n'
ASK = """
import json, sys
from wherry import plugins
from wherry.errors import WherryError
from wherry.roles import Connection
from wherry.settings import Flow

def connection(system): return Connection(system + "-1", system, None)
def told(ask):
    try: return type(ask()).__name__
    except WherryError as error: return error.as_data()
def names(found): return [[p.plugin, p.version, p.message, p.hook, p.fix] for p in found.problems]
out = {}
"""

NURSERY = """
import json, os, sys, traceback
from wherry import entities, plugins, roles, settings
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(job["folder"])
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), number)
        sys.path.insert(0, job["site"])
        code = 1
        try:
            exec(job["script"], {})
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush(), sys.stderr.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

Ship = Callable[..., None]
Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


@pytest.fixture
def ship(site: Path) -> Ship:
    """Writes an installed distribution: its metadata, its entry point and its module."""

    def ship(name: str, code: str = GOOD, *, dist: str = "", version: str = "1.0", needs: str = "wherry>=0.1,<9",
             entry_points: str = "", module: str = "", metadata: str | None = None) -> None:  # fmt: skip
        dist, module = dist or f"wherry-{name}", module or f"{name.replace('-', '_')}_module"
        info = site / f"{dist.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        requires = f"Requires-Dist: {needs}\n" if needs else ""
        text = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\nSummary: About {name}.\n{requires}"
        (info / "METADATA").write_text(text if metadata is None else metadata)
        (info / "entry_points.txt").write_text(entry_points or f"[wherry.plugins]\n{name} = {module}\n")
        (site / f"{module}.py").write_text(textwrap.dedent(code).replace("NAME", name))

    return ship


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported the core and no plugin, and forks a child for each script."""
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def run(site: Path, nursery: subprocess.Popen[str]) -> Run:
    """Runs a script in a process that sees these distributions; what it left in ``out`` is the answer."""

    def run(script: str) -> dict[str, Any]:
        folder = site.parent
        answer = "\nopen('answer', 'w').write(json.dumps(out))\n"
        job = {"folder": str(folder), "site": str(site), "script": ASK + textwrap.dedent(script) + answer}
        assert nursery.stdin
        assert nursery.stdout
        print(json.dumps(job), file=nursery.stdin, flush=True)
        ended = nursery.stdout.readline().strip()
        printed = {name: (folder / name).read_text() for name in ("stdout", "stderr")}
        assert ended == "0", printed["stderr"]
        found: dict[str, Any] = json.loads((folder / "answer").read_text())
        return {**found, **printed}

    return run


def test_the_catalogue_comes_from_metadata_and_imports_no_plugin(ship: Ship, run: Run, site: Path) -> None:
    """case_G17"""
    ship("alpha", "raise SystemExit('imported')", version="2.3", needs="wherry>=0.1,<0.2")
    origin = site / "wherry_alpha-2.3.dist-info" / "direct_url.json"
    origin.write_text(json.dumps({"url": "file:///home/a%20b/alpha", "dir_info": {"editable": True}}))
    found = run("""
        one = next(one for one in plugins.catalogue_of_installed() if one.name == "alpha")
        out["one"] = [one.distribution, one.version, one.summary, one.api, one.editable, one.origin]
        out["imported"] = [name for name in sys.modules if name.startswith(("alpha", "wherry_"))]
    """)
    assert found["one"] == ["wherry-alpha", "2.3", "About alpha.", "<0.2,>=0.1", True, "/home/a b/alpha"]
    assert found["imported"] == []


def test_only_what_is_enabled_is_imported(ship: Ship, run: Run) -> None:
    """case_G17"""
    ship("alpha")
    ship("beta", "raise SystemExit('imported')")
    found = run("""
        loaded = plugins.load(["alpha"], {})
        out["manifests"], out["problems"] = list(loaded.manifests), names(loaded)
        out["imported"] = [name for name in ("alpha_module", "beta_module") if name in sys.modules]
    """)
    assert (found["manifests"], found["problems"], found["imported"]) == (["alpha"], [], ["alpha_module"])


@pytest.mark.parametrize(
    ("code", "hook", "said"),
    [
        ("raise RuntimeError('boom')", "", "RuntimeError: boom"),
        ("raise SystemExit(3)", "", "SystemExit: 3"),
        ("import sys; sys.exit()", "", "SystemExit"),
        ("assert False, 'no'", "", "AssertionError: no"),
        ("import nowhere_to_be_found", "", "ModuleNotFoundError"),
        ("def f(:", "", "SyntaxError"),
        ("class E(BaseException):\n    def __str__(self): raise ValueError\nraise E", "", "cannot be imported: E"),
        (HEAD + MANIFEST + "@hookimpl\ndef wherry_source_conector(connection, services): ...", "wherry_source_conector",
         "no hook of Wherry"),
        (HEAD + MANIFEST + "@hookimpl\ndef wherry_settings(sytem): ...", "wherry_settings", "sytem"),
        (HEAD + MANIFEST + "@hookimpl(wrapper=True)\ndef wherry_transforms():\n    return (yield)", "wherry_transforms",
         "wraps"),
        (HEAD + "@hookimpl\ndef wherry_manifest(): return {'system': 'NAME'}", "wherry_manifest", "it is dict"),
        (HEAD + "@hookimpl\ndef wherry_manifest(): return None", "wherry_manifest", "NoneType"),
        (HEAD + "@hookimpl\ndef wherry_manifest(): raise SystemExit", "wherry_manifest", "SystemExit"),
        (HEAD + MANIFEST.replace('system="NAME"', 'system="other"'), "wherry_manifest", "'other'"),
        (HEAD + MANIFEST.replace('title="NAME"', "title=None"), "wherry_manifest", "title must be text"),
        (HEAD + MANIFEST.replace('title="NAME"', 'title="", roles=("so",)'), "wherry_manifest", "'so' is no role"),
        (HEAD + MANIFEST.replace('title="NAME"', 'title="x", hosts="a.com"'), "wherry_manifest", "hosts must be"),
        (HEAD + MANIFEST.replace('title="NAME"', 'title="x", entities={"a": 5}'), "wherry_manifest", "shape of 'a'"),
        ("x = 1", "wherry_manifest", "does not implement wherry_manifest"),
    ],
)  # fmt: skip
def test_a_broken_plugin_is_a_problem_and_the_others_load(
    ship: Ship, run: Run, code: str, hook: str, said: str
) -> None:
    """case_G19 case_G20"""
    ship("broken", code, version="0.7")
    ship("alpha")
    found = run("""
        loaded = plugins.load(["broken", "alpha"], {})
        out["manifests"], out["problems"] = list(loaded.manifests), names(loaded)
        out["source"] = told(lambda: loaded.source(connection("alpha"), None))
        out["require"] = told(lambda: loaded.require("broken"))
        out["model"] = loaded.settings_model("broken") is None
    """)
    assert found["manifests"] == ["alpha"]
    assert found["source"] == "Source"
    assert len(found["problems"]) == 1
    plugin, version, message, named, fix = found["problems"][0]
    assert (plugin, version, named) == ("broken", "0.7", hook)
    assert said in message
    assert "wherry-broken 0.7" in message
    assert fix
    assert (found["require"]["error"], found["require"]["plugin"]) == ("ContractBroken", "broken")
    assert found["model"] is True


def test_a_misspelt_hook_names_the_nearest_one(ship: Ship, run: Run) -> None:
    ship("broken", HEAD + MANIFEST + "@hookimpl\ndef wherry_field_maper(flow, kind): ...")
    found = run('out["problems"] = names(plugins.load(["broken"], {}))')
    assert found["problems"][0][4] == "did you mean wherry_field_mapper?"


def test_what_a_plugin_prints_at_import_does_not_reach_stdout(ship: Ship, run: Run) -> None:
    """case_G19: stdout belongs to the command's answer, which may be JSON."""
    ship("noisy", "print('hello there')\n" + GOOD)
    found = run('out["manifests"] = list(plugins.load(["noisy"], {}).manifests)')
    assert (found["manifests"], found["stdout"]) == (["noisy"], "")
    assert "hello there" in found["stderr"]


def test_an_api_range_that_does_not_fit_is_refused_before_import(ship: Ship, run: Run) -> None:
    """case_G18"""
    ship("newer", "raise SystemExit", needs="wherry>=7.0", version="3.1")
    ship("older", "raise SystemExit", needs="Wherry (<0.0.5)")
    ship("plain", needs="")
    found = run("""
        loaded = plugins.load(["newer", "older", "plain"], {})
        out["manifests"], out["problems"] = list(loaded.manifests), names(loaded)
        out["require"] = told(lambda: loaded.require("newer"))
    """)
    assert found["manifests"] == ["plain"]
    assert found["problems"][0][2] == f"wherry-newer 3.1 needs wherry >=7.0; this is wherry {__version__}"
    assert "<0.0.5" in found["problems"][1][2]
    assert found["require"]["error"] == "ConfigError"


def test_a_version_that_the_project_does_not_want_is_refused_before_import(ship: Ship, run: Run) -> None:
    ship("alpha", "raise SystemExit", version="1.4")
    found = run('out["problems"] = names(plugins.load(["alpha"], {"alpha": ">=2"}))')
    assert "wherry-alpha 1.4 is installed; the project wants alpha >=2" in found["problems"][0][2]


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [("2.0rc1", ">=1,<3", True), ("1.0", "", True), ("0.2", ">=0.1,<0.2", False), ("junk", ">=1", False)],
)
def test_a_range_takes_prereleases_and_an_empty_range_takes_all(version: str, wanted: str, fits: bool) -> None:
    assert in_range(version, wanted) is fits


def test_two_distributions_that_claim_one_name_are_both_refused(ship: Ship, run: Run) -> None:
    """case_G18: also when another plugin's entry stands between them."""
    ship("alpha", "raise SystemExit", dist="good-alpha", version="1.0", module="a1")
    ship("beta")
    ship("alpha", "raise SystemExit", dist="evil-alpha", version="6.6", module="a2")
    found = run("""
        loaded = plugins.load(["beta", "alpha"], {})
        out["manifests"], out["problems"] = list(loaded.manifests), names(loaded)
        out["imported"] = [name for name in ("a1", "a2") if name in sys.modules]
    """)
    assert (found["manifests"], found["imported"]) == (["beta"], [])
    assert "evil-alpha 6.6 and good-alpha 1.0 both claim the plugin name alpha" in found["problems"][0][2]


def test_one_distribution_that_claims_a_name_twice_is_refused(ship: Ship, run: Run) -> None:
    ship("alpha", entry_points="[wherry.plugins]\nalpha = alpha_module\nalpha = os\n")
    found = run('out["problems"] = names(plugins.load(["alpha"], {}))')
    assert "both claim" in found["problems"][0][2]


def test_a_missing_plugin_names_the_nearest_and_the_command_that_installs_it(ship: Ship, run: Run) -> None:
    ship("alpha")
    found = run("""
        loaded = plugins.load(["alhpa", "zzz"], {})
        out["problems"], out["require"] = names(loaded), told(lambda: loaded.require("zzz"))
    """)
    assert "did you mean alpha?" in found["problems"][0][4]
    assert (
        found["problems"][1][4] == "install the package that brings it; those that are known here: wherry plugin list"
    )
    assert (found["require"]["error"], found["require"]["code"]) == ("ConfigError", "WHERRY-2030")


@pytest.mark.parametrize("target", ["nowhere_to_be_found", "alpha_module:nothing", "alpha_module.deeper", ""])
def test_an_entry_point_that_leads_nowhere_is_named(ship: Ship, run: Run, target: str) -> None:
    """case_G19"""
    ship("alpha", entry_points=f"[wherry.plugins]\nalpha = {target}\n")
    found = run('out["problems"] = names(plugins.load(["alpha"], {}))')
    assert [problem[0] for problem in found["problems"]] == ["alpha"]
    assert "wherry-alpha 1.0" in found["problems"][0][2]


def test_what_another_package_lacks_is_told_and_the_plugin_loads_if_it_can(ship: Ship, run: Run) -> None:
    """case_G18"""
    ship("old", needs="wherry\nRequires-Dist: httpx (<0.1)")
    ship("far", "import no_such_package_7919", needs="wherry\nRequires-Dist: no-such-package-7919>=2")
    ship("fine", needs="wherry\nRequires-Dist: httpx>=0.1\nRequires-Dist: nothing; extra == 'more'")
    found = run("""
        loaded = plugins.load(["old", "far", "fine"], {})
        out["manifests"], out["problems"] = list(loaded.manifests), names(loaded)
        out["codes"] = [problem.code for problem in loaded.problems]
    """)
    assert found["manifests"] == ["old", "fine"]
    assert [problem[0] for problem in found["problems"]] == ["old", "far", "far"]
    assert "wherry-old 1.0 needs httpx <0.1; " in found["problems"][0][2]
    assert found["problems"][1][2] == "wherry-far 1.0 needs no-such-package-7919, which is not installed"
    assert found["codes"] == ["WHERRY-1118", "WHERRY-1118", "WHERRY-1110"]


def test_an_import_that_takes_long_is_told_and_the_plugin_used(ship: Ship, run: Run) -> None:
    """case_G19"""
    ship("slow")
    found = run("""
        from wherry.plugins import loading
        moments = iter((10.0, 17.4, 20.0, 20.1))
        loading._now = lambda: next(moments)
        loaded = plugins.load(["slow"], {})
        out["problems"], out["require"] = names(loaded), told(lambda: loaded.require("slow"))
    """)
    assert found["problems"][0][2] == "the plugin slow takes 7 seconds to import, in every command that uses it"
    assert found["require"] == "Manifest"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)", "the handler of SIGINT"),
        ("import sys\nsys.stdout = sys.stderr = None", "standard output, changed standard error"),
        ("import sys\nsys.settrace(lambda *a: None)", "who traces"),
        ("import socket\nclass Own(socket.socket): ...\nsocket.socket = Own", "what sockets are"),
        ("import threading\nthreading.excepthook = print", "who hears of errors in threads"),
    ],
)
def test_what_an_import_changes_of_the_process_is_put_back(ship: Ship, run: Run, code: str, said: str) -> None:
    """case_G19"""
    ship("alpha", code + "\n" + GOOD)
    found = run("""
        import signal, socket, threading
        signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts us in the background has it ignored
        def state(): return [signal.getsignal(signal.SIGINT), sys.stdout, sys.stderr, sys.gettrace(), socket.socket,
                             threading.excepthook]
        before = state()
        loaded = plugins.load(["alpha"], {})
        out["same"], out["problems"] = state() == before, [[p.message, p.code] for p in loaded.problems]
        out["require"] = told(lambda: loaded.require("alpha"))
    """)
    assert (found["same"], found["require"]) == (True, "Manifest")
    [[message, code]] = found["problems"]
    assert (said in message, code) == (True, "WHERRY-1117")


def test_what_a_maker_prints_and_changes_is_kept_from_the_command(ship: Ship, run: Run) -> None:
    """case_G19"""
    meddling = 'import os, sys\n    print("made"); sys.setrecursionlimit(99_999); os.chdir("/")\n    '
    meddling += 'return Source("NAME")'
    ship("alpha", GOOD.replace('return Source("NAME")', meddling, 1))
    found = run("""
        before = sys.getrecursionlimit()
        loaded = plugins.load(["alpha"], {})
        loaded.source(connection("alpha"), None)
        out["same"] = sys.getrecursionlimit() == before
        out["problems"] = [[p.plugin, p.hook, p.message] for p in loaded.problems]
    """)
    assert (found["same"], found["stdout"]) == (True, "")
    [[plugin, hook, message]] = found["problems"]
    assert (plugin, hook) == ("alpha", "wherry_source_connector")
    assert "the working folder" in message


@pytest.mark.parametrize("metadata", ["", "\x00\xff", "Name wherry"])
def test_a_distribution_without_a_name_stops_nobody_else(ship: Ship, run: Run, metadata: str) -> None:
    ship("broken", metadata=metadata)
    ship("alpha")
    found = run("""
        out["catalogue"] = [one.name for one in plugins.catalogue_of_installed()]
        out["manifests"] = list(plugins.load(["alpha"], {}).manifests)
    """)
    assert "alpha" in found["catalogue"]
    assert found["manifests"] == ["alpha"]


def test_entry_points_that_cannot_be_read_stop_nobody_else(ship: Ship, run: Run) -> None:
    """They come late, because other libraries than ours trip over them while they are imported."""
    ship("alpha")
    found = run("""
        import pathlib, tempfile
        late = pathlib.Path(tempfile.mkdtemp(dir="."))
        for name, text in (("odd", b"[wherry.plugins]\\nodd odd\\n[[["), ("junk", b"wherry.plugins \\xff\\x00")):
            info = late / f"{name}-1.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: {name}\\nVersion: 1\\n")
            (info / "entry_points.txt").write_bytes(text)
        sys.path.append(str(late))
        out["catalogue"] = [[one.name, one.problem] for one in plugins.catalogue_of_installed()]
        out["manifests"] = list(plugins.load(["alpha"], {}).manifests)
        out["problems"] = names(plugins.load(["odd"], {}))
    """)
    assert ["alpha", ""] in found["catalogue"]
    assert ["odd", "its metadata cannot be read (TypeError)"] in found["catalogue"]
    assert found["manifests"] == ["alpha"]
    assert "metadata cannot be read" in found["problems"][0][2]


def test_a_changed_entry_point_is_seen_at_once(ship: Ship, run: Run, site: Path) -> None:
    ship("alpha")
    assert run('out["m"] = list(plugins.load(["alpha"], {}).manifests)')["m"] == ["alpha"]
    (site / "wherry_alpha-1.0.dist-info" / "entry_points.txt").write_text("[wherry.plugins]\nbeta = alpha_module\n")
    found = run('out["c"] = [one.name for one in plugins.catalogue_of_installed()]')
    assert "beta" in found["c"]
    assert "alpha" not in found["c"]


def test_later_in_the_list_wins_and_every_plugin_wins_over_the_defaults(ship: Ship, run: Run) -> None:
    ship("alpha")
    ship("beta")
    override = (
        HEAD
        + MANIFEST
        + """
    class Source:
        kinds, chunk = (), 1
        def check(self): ...
        def read(self, query): ...
        def complete(self, records, relatives): ...
    @hookimpl
    def wherry_source_connector(connection, services): return Source()
    """.replace("\n    ", "\n")
    )
    ship("owner", override)
    found = run("""
        class Default:
            from wherry import hookimpl
            @hookimpl
            def wherry_transforms(self): return {"who": lambda: "default", "default_only": lambda: 1}
        def who(*enabled): return plugins.load(enabled, {}, defaults=[Default()]).transforms()["who"]()
        out["who"] = [who(), who("alpha"), who("alpha", "beta"), who("beta", "alpha")]
        loaded = plugins.load(["alpha", "beta"], {}, defaults=[Default()])
        out["all"] = sorted(loaded.transforms())
        def origin(*enabled):
            return type(plugins.load(enabled, {}).source(connection("alpha"), None)).__module__
        out["origin"] = [origin("owner", "alpha"), origin("alpha", "owner")]
    """)
    assert found["who"] == ["default", "alpha", "beta", "alpha"]
    assert found["all"] == ["alpha_only", "beta_only", "default_only", "who"]
    assert found["origin"] == ["alpha_module", "owner_module"]


def test_wrappers_decorate_what_another_plugin_made(ship: Ship, run: Run) -> None:
    ship("alpha")
    ship(
        "dry",
        HEAD
        + MANIFEST
        + """
@hookimpl(wrapper=True)
def wherry_sink_writer(connection, services):
    sink = yield
    sink.dry = True
    return sink
""",
    )
    found = run('out["dry"] = plugins.load(["dry", "alpha"], {}).sink(connection("alpha"), None).dry')
    assert found["dry"] is True


@pytest.mark.parametrize("failing", ["raise KeyError('x')", "raise SystemExit(9)", "return 1 / 0"])
def test_a_maker_that_fails_for_its_own_connection_breaks_its_contract_by_name(
    ship: Ship, run: Run, failing: str
) -> None:
    """case_G20"""
    ship("alpha", GOOD.replace('return Source("NAME") if', f"{failing}\n    return Source('NAME') if"), version="1.2")
    error = run('out["e"] = told(lambda: plugins.load(["alpha"], {}).source(connection("alpha"), None))')["e"]
    assert (error["error"], error["plugin"], error["version"], error["hook"]) == (
        "ContractBroken", "alpha", "1.2", "wherry_source_connector",
    )  # fmt: skip
    assert "wherry-alpha 1.2" in error["message"]


def test_a_plugin_that_fails_on_others_connections_stops_only_its_own(ship: Ship, run: Run) -> None:
    """case_G19"""
    ship("alpha")
    ship(
        "broken",
        HEAD
        + MANIFEST.replace('title="NAME"', 'title="x", roles=("source", "sink")')
        + """
@hookimpl
def wherry_source_connector(connection, services): return connection.settings.account
@hookimpl
def wherry_sink_writer(connection, services): raise SystemExit
@hookimpl
def wherry_settings(system): raise SystemExit
@hookimpl
def wherry_simulator(system): return {}[system]
@hookimpl
def wherry_transforms(): raise RuntimeError
@hookimpl
def wherry_http_routes(services, host): return 5
""",
    )
    found = run("""
        loaded = plugins.load(["alpha", "broken"], {})
        out["own"] = told(lambda: loaded.source(connection("broken"), None))
        out["others"] = [told(lambda: loaded.source(connection("alpha"), None)),
                         told(lambda: loaded.sink(connection("alpha"), None)), told(lambda: loaded.simulator("alpha"))]
        out["transforms"], out["routes"] = sorted(loaded.transforms()), loaded.routes("broken", None, None)
        out["models"] = [loaded.settings_model("alpha").__name__, loaded.settings_model("broken")]
        out["require"] = [told(lambda: loaded.require("alpha")), told(lambda: loaded.require("broken"))["error"]]
        out["hooks"] = sorted({problem.hook for problem in loaded.problems})
    """)
    assert found["own"]["error"] == "ContractBroken"
    assert found["others"] == ["Source", "Sink", "Sim"]
    assert (found["transforms"], found["routes"]) == (["alpha_only", "who"], [])
    assert found["models"] == ["ConnectionSettings", None]
    assert found["require"] == ["Manifest", "ContractBroken"]
    assert {"wherry_settings", "wherry_sink_writer", "wherry_transforms", "wherry_http_routes"} <= set(found["hooks"])


@pytest.mark.parametrize("marker", ["@hookimpl(tryfirst=True)", "@hookimpl(wrapper=True)"])
def test_an_override_that_fails_does_not_let_the_real_sink_through(ship: Ship, run: Run, marker: str) -> None:
    """A dry-run decorator that breaks must stop the flow, not turn it into a real one."""
    ship("alpha")
    body = "raise RuntimeError('no dry run')" if "tryfirst" in marker else "yield\n    raise RuntimeError('no dry run')"
    ship("dry", f"{HEAD}{MANIFEST}{marker}\ndef wherry_sink_writer(connection, services):\n    {body}\n")
    error = run('out["e"] = told(lambda: plugins.load(["alpha", "dry"], {}).sink(connection("alpha"), None))')["e"]
    assert (error["error"], error["plugin"]) == ("ContractBroken", "dry")


def test_an_object_that_lacks_what_its_role_asks_for_is_refused_with_the_names(ship: Ship, run: Run) -> None:
    """case_G20"""
    half = GOOD.replace("    def complete(self, records, relatives): return records\n", "")
    half += "\nSource.chunk = property(lambda self: 1 / 0)\n"
    ship("alpha", half)
    found = run("""
        loaded = plugins.load(["alpha"], {})
        out["source"] = told(lambda: loaded.source(connection("alpha"), None))
    """)
    assert found["source"]["error"] == "ContractBroken"
    assert "lacks chunk, complete of SourceConnector" in found["source"]["message"]


def test_errors_of_ours_pass_as_they_are(ship: Ship, run: Run) -> None:
    code = GOOD.replace(
        'return Source("NAME") if', "from wherry import AccessLost\n    raise AccessLost('sign in')\n    x ="
    )
    ship("alpha", code.replace('x = connection.plugin == "NAME" else None', ""))
    found = run('out["e"] = told(lambda: plugins.load(["alpha"], {}).source(connection("alpha"), None))')
    assert (found["e"]["error"], found["e"]["message"]) == ("AccessLost", "sign in")


def test_a_connection_used_in_a_role_its_plugin_has_not_is_a_config_error(ship: Ship, run: Run) -> None:
    ship("alpha")
    ship("quiet", HEAD + MANIFEST)
    ship("empty", HEAD + MANIFEST.replace('title="NAME"', 'title="x", roles=("sink",)'))
    found = run("""
        loaded = plugins.load(["alpha", "quiet", "empty"], {})
        out["quiet"] = told(lambda: loaded.source(connection("quiet"), None))
        out["empty"] = told(lambda: loaded.sink(connection("empty"), None))
        out["sim"] = told(lambda: loaded.simulator("quiet"))
        out["mapper"] = told(lambda: loaded.mapper(Flow(source="a", sink="b"), "deal", None, None))
        out["nobody"] = told(lambda: loaded.source(connection("alfa"), None))
    """)
    assert (found["quiet"]["error"], "alpha" in found["quiet"]["fix"]) == ("ConfigError", True)
    assert found["empty"]["error"] == "ContractBroken"
    assert found["sim"]["error"] == "ConfigError"
    assert "nobody maps records of kind deal" in found["mapper"]["message"]
    assert "did you mean alpha?" in found["nobody"]["fix"]


def test_a_mapper_plugin_that_fails_is_named_and_stops_the_flow(ship: Ship, run: Run) -> None:
    """Nobody can know whether it was meant for this flow, so the default must not step in."""
    ship(
        "mapping",
        HEAD
        + MANIFEST.replace('title="NAME"', 'title="x", roles=("mapper",)')
        + """
@hookimpl
def wherry_field_mapper(flow, kind, services): raise LookupError(kind)
""",
    )
    found = run("""
        class Default:
            from wherry import hookimpl
            @hookimpl
            def wherry_field_mapper(self, flow, kind, services): return object()
        loaded = plugins.load(["mapping"], {}, defaults=[Default()])
        out["e"] = told(lambda: loaded.mapper(Flow(source="a", sink="b"), "deal", None, None))
    """)
    assert (found["e"]["error"], found["e"]["plugin"], found["e"]["hook"]) == (
        "ContractBroken", "mapping", "wherry_field_mapper",
    )  # fmt: skip


def test_where_a_core_default_calls_a_plugin_that_fails_the_plugin_is_named(ship: Ship, run: Run) -> None:
    ship("alpha", GOOD + "\ndef describe(kind): raise LookupError(kind)\n")
    found = run("""
        class Default:
            from wherry import hookimpl
            @hookimpl
            def wherry_field_mapper(self, flow, kind, services): sys.modules["alpha_module"].describe(kind)
            @hookimpl
            def wherry_matcher(self, flow, entity): raise ZeroDivisionError
        loaded = plugins.load(["alpha"], {}, defaults=[Default()])
        out["e"] = told(lambda: loaded.mapper(Flow(source="a", sink="b"), "deal", None, None))
        try: loaded.matcher(Flow(source="a", sink="b"), None, "product")
        except Exception as error: out["own"] = type(error).__name__
    """)
    assert (found["e"]["error"], found["e"]["plugin"]) == ("ContractBroken", "alpha")
    assert found["own"] == "ZeroDivisionError"


def test_a_failing_observer_is_logged_and_the_others_are_told(ship: Ship, run: Run) -> None:
    observer = HEAD + MANIFEST + "heard = []\n@hookimpl\ndef wherry_run_started(flow, run):\n    heard.append(run)\n"
    for name in ("first", "last"):
        ship(name, observer + "@hookimpl\ndef wherry_access_lost(reason): heard.append(reason)\n")
    ship("broken", observer + "    raise SystemExit(1)\n")
    found = run("""
        loaded = plugins.load(["first", "broken", "last"], {})
        for n in range(2):
            loaded.run_started("won-deals", f"r{n}")
        loaded.run_finished("won-deals", "r1", {})
        loaded.batch_settled("won-deals", "r1", {})
        loaded.access_lost("crm", "expired")
        out["heard"] = [sys.modules[f"{name}_module"].heard for name in ("first", "broken", "last")]
        out["problems"] = names(loaded)
        out["require"] = told(lambda: loaded.require("broken"))
    """)
    assert found["heard"] == [["r0", "r1", "expired"], ["r0", "r1"], ["r0", "r1", "expired"]]
    assert [problem[0] for problem in found["problems"]] == ["broken"]
    assert found["require"] == "Manifest"
    assert "wherry_run_started" in found["stdout"] + found["stderr"]


def test_shapes_of_plugins_join_the_cores_and_a_clash_is_a_problem(ship: Ship, run: Run) -> None:
    shapes = (
        HEAD
        + """
from wherry.entities import Entity
class Pallet(Entity, kw_only=True):
    size: str = ""
@hookimpl
def wherry_manifest():
    return Manifest(system="NAME", title="NAME", entities={"pallet": Pallet, "product": Pallet})
"""
    )
    ship("alpha", shapes)
    ship("beta", shapes.replace(', "product": Pallet', ""))
    found = run("""
        from wherry.entities import SHAPES
        loaded = plugins.load(["alpha", "beta"], {})
        shapes = loaded.shapes()
        out["pallet"], out["product"] = shapes["pallet"].__module__, shapes["product"] is SHAPES["product"]
        out["again"], out["core"] = loaded.shapes() is shapes, "pallet" in SHAPES
        out["problems"] = names(loaded)
        out["require"] = told(lambda: loaded.require("beta"))
    """)
    assert (found["pallet"], found["product"], found["again"], found["core"]) == ("alpha_module", True, True, False)
    assert [(problem[0], "which the core has" in problem[2] or "which alpha has" in problem[2])
            for problem in found["problems"]] == [("alpha", True), ("beta", True)]  # fmt: skip
    assert found["require"] == "Manifest"


def test_default_maps_and_match_rules_come_from_the_manifest(ship: Ship, run: Run) -> None:
    ship("alpha")
    ship("odd", HEAD + MANIFEST.replace('title="NAME"', 'title="x", maps={"deal": 5}'))
    found = run("""
        loaded = plugins.load(["alpha", "odd"], {})
        out["map"], out["none"] = loaded.default_map("alpha", "deal"), loaded.default_map("alpha", "x")
        out["match"] = loaded.default_match("alpha", "product")
        out["odd"] = told(lambda: loaded.default_map("odd", "deal"))
    """)
    assert (found["map"], found["none"], found["match"]) == ({"project": {"root": True}}, None, {"order": ["sku"]})
    assert found["odd"]["error"] == "ContractBroken"


def test_an_object_of_no_use_for_anothers_connection_stops_only_its_own(ship: Ship, run: Run) -> None:
    """case_G20"""
    ship("alpha")
    ship(
        "greedy",
        HEAD
        + MANIFEST.replace('title="NAME"', 'title="x", roles=("source",)')
        + """
@hookimpl
def wherry_source_connector(connection, services): return object()
""",
    )
    found = run("""
        loaded = plugins.load(["alpha", "greedy"], {})
        out["alpha"] = told(lambda: loaded.source(connection("alpha"), None))
        out["greedy"] = told(lambda: loaded.source(connection("greedy"), None))
        out["problems"] = names(loaded)
    """)
    assert found["alpha"] == "Source"
    assert (found["greedy"]["error"], found["greedy"]["plugin"]) == ("ContractBroken", "greedy")
    assert [problem[0] for problem in found["problems"]] == ["greedy"]


@pytest.mark.parametrize(
    "answer", ["return 5", "return dict", "return 'x'", "raise SystemExit", "import os; return os.nothing"]
)
def test_a_settings_model_that_is_none_takes_only_its_plugin_out_of_use(ship: Ship, run: Run, answer: str) -> None:
    """case_G20"""
    ship("broken", HEAD + MANIFEST + f"@hookimpl\ndef wherry_settings(system):\n    {answer}\n")
    ship("alpha")
    found = run("""
        loaded = plugins.load(["alpha", "broken"], {})
        out["models"] = sorted(loaded.settings_models())
        out["require"] = told(lambda: loaded.require("broken"))
    """)
    assert found["models"] == ["alpha"]
    assert (found["require"]["error"], found["require"]["hook"]) == ("ContractBroken", "wherry_settings")


def test_known_systems_have_a_group_a_status_and_a_way_to_get_them() -> None:
    """b_003_03 b_003_04 b_003_05 b_003_06 b_003_07, b_001_21 b_001_22 b_001_25 b_001_26 b_001_76 b_001_77"""
    systems = {system.name: system for system in known_systems()}
    assert {"hubspot", "salesforce", "dynamics", "quickbooks", "qbwc", "netsuite", "intacct", "xero", "jde", "csv",
            "traede", "workspace"} <= set(systems)  # fmt: skip
    assert all(system.title and system.how for system in systems.values())
    assert (systems["hubspot"].status, how_to_get("hubspot")) == ("available", "pip install wherry-hubspot")
    assert systems["salesforce"].status == systems["netsuite"].status == "on request"
    assert "on request" in how_to_get("salesforce")
    assert "pip install" not in how_to_get("never-heard-of")


def test_the_core_names_no_system_in_its_code() -> None:
    import wherry

    core = Path(wherry.__file__).parent
    code = "".join(path.read_text() for folder in ("plugins", "settings") for path in (core / folder).glob("*.py"))
    named = {
        name for name in ("hubspot", "salesforce", "quickbooks", "netsuite", "xero", "intacct") if name in code.lower()
    }
    assert named == set()


def test_nothing_enabled_means_nothing_loaded() -> None:
    loaded = load([], {})
    assert (loaded.manifests, loaded.problems, loaded.transforms(), loaded.engine("x")) == ({}, [], {}, None)
    with pytest.raises(ConfigError, match="not enabled"):
        loaded.require("anything")
