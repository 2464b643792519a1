"""How long a command takes to start: medians of CPU and wall time over fresh processes, byte code cached.

The project is the one that ``wherry demo`` makes. ``--plugins`` more are installed which it does not use; they are
metadata alone, so whatever imports one of them fails. In a process of its own as many plugins are loaded, all at once.
Beside the figures stand bare Python, and the libraries that a command which looks into the store cannot do without: the
least that it can take. Prints one JSON line a command.
Usage: starting.py [--runs 9] [--plugins 50]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

WHERRY = ("-m", "wherry.cli")
COMMANDS: dict[str, tuple[str, ...]] = {
    "bare Python": ("-c", "pass"),
    "the libraries alone": ("-c", "import click, pydantic_settings, sqlalchemy, stevedore, structlog"),
    "wherry --version": (*WHERRY, "--version"),
    "wherry --help": (*WHERRY, "--help"),
    "wherry explain P-1001": (*WHERRY, "explain", "P-1001"),
    "wherry status": (*WHERRY, "status"),
    "wherry run, nothing new": (*WHERRY, "run", "wallet-journals"),
}
PLUGIN = """
from wherry.hookspecs import Manifest, hookimpl
from pydantic import Field
from wherry.settings import ConnectionSettings

class Settings(ConnectionSettings):
    page: int = Field(default=100, description="Records in a page.")

@hookimpl
def wherry_manifest():
    return Manifest(system="SYSTEM", title="Made up", roles=("source",), kinds=("thing",), hosts=("api.example",))

@hookimpl
def wherry_settings(system): return Settings if system == "SYSTEM" else None

@hookimpl
def wherry_source_connector(connection, services): return None

@hookimpl
def wherry_transforms(): return {"SYSTEM_word": str}
"""
LOAD = """
import sys, time
from wherry import entities, plugins, settings
began = time.process_time()
loaded = plugins.load(sys.argv[1:])
spent = time.process_time() - began
assert len(loaded.manifests) == len(sys.argv) - 1, loaded.problems
print(spent * 1000)
"""
LOADED_GOAL = 300
GOALS = {"wherry --version": 60, "wherry --help": 120, "wherry explain P-1001": 1000}
"""CPU milliseconds."""
DONE = (0, 4)
"""Exit codes of a command that did what it was asked; with 4 something waits for a person."""


def installed(folder: Path, plugins: int) -> Path:
    """A folder in which that many plugins are installed, as far as metadata goes."""
    for n in range(plugins):
        info = folder / f"wherry_made_up_{n}-1.0.dist-info"
        info.mkdir(parents=True)
        about = f"Metadata-Version: 2.1\nName: wherry-made-up-{n}\nVersion: 1.0\nSummary: Made up.\n"
        (info / "METADATA").write_text(f"{about}Requires-Dist: wherry>=0.1\n\n" + "What it does, at length.\n" * 200)
        entries = (f"[wherry.{group}]\nmade-up-{n} = wherry_made_up_{n}:it\n" for group in ("plugins", "commands"))
        (info / "entry_points.txt").write_text("".join(entries))
    return folder


def shipped(folder: Path, plugins: int) -> list[str]:
    """As many plugins that can be loaded, each a distribution of its own; their names."""
    for n in range(plugins):
        name = f"loaded-{n}"
        info = folder / f"wherry_loaded_{n}-1.0.dist-info"
        info.mkdir(parents=True)
        about = f"Metadata-Version: 2.1\nName: wherry-{name}\nVersion: 1.0\nSummary: Made up.\n"
        (info / "METADATA").write_text(f"{about}Requires-Dist: wherry>=0.1\nRequires-Dist: httpx>=0.1\n")
        (info / "entry_points.txt").write_text(f"[wherry.plugins]\n{name} = wherry_loaded_{n}.plugin\n")
        package = folder / f"wherry_loaded_{n}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(PLUGIN.replace("SYSTEM", name))
    return [f"loaded-{n}" for n in range(plugins)]


def loading(folder: Path, environ: Mapping[str, str], plugins: int, runs: int) -> dict[str, object]:
    """The median of loading them all: looked at, imported, registered, their manifests read."""
    names = shipped(folder, plugins)
    seen = {**environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", LOAD, *names]
    taken = []
    for _ in range(runs + 1):
        done = subprocess.run(command, env=seen, capture_output=True, text=True, check=True)
        taken.append(float(done.stdout))
    cpu = round(statistics.median(taken[1:]))
    return {
        "command": f"loading {plugins} plugins",
        "cpu_ms": cpu,
        "goal_ms": LOADED_GOAL,
        "reached": cpu <= LOADED_GOAL,
    }


def ran(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    """What a process says on standard error. Raises RuntimeError where it fails."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in DONE:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}: {done.stderr[-500:]}")
    return done.stderr


def once(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> tuple[float, float]:
    """CPU and wall milliseconds of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ran(arguments, folder, environ)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000, wall * 1000


def modules(arguments: Sequence[str], folder: Path, environ: Mapping[str, str]) -> int:
    """How many modules it imports."""
    said = ran(("-X", "importtime", *arguments), folder, environ)
    return sum(line.startswith("import time:") for line in said.splitlines()) - 1


def measured(name: str, folder: Path, environ: Mapping[str, str], runs: int) -> dict[str, object]:
    """Medians; the first run is not counted, since it may have to compile."""
    arguments = COMMANDS[name]
    imported = modules(arguments, folder, environ)
    taken = [once(arguments, folder, environ) for _ in range(runs)]
    cpu, wall = (round(statistics.median(column)) for column in zip(*taken, strict=True))
    goal = {"goal_ms": GOALS[name], "reached": cpu <= GOALS[name]} if name in GOALS else {}
    return {"command": name, "cpu_ms": cpu, "wall_ms": wall, "modules": imported, **goal}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--plugins", type=int, default=50)
    told = parser.parse_args()
    print(json.dumps({"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version(),
                      "plugins": told.plugins, "runs": told.runs}))  # fmt: skip
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environ |= {"PYTHONPATH": str(installed(place / "plugins", told.plugins)),
                    "PYTHONPYCACHEPREFIX": str(place / "compiled")}  # fmt: skip
        folder = place / "acme"
        once((*WHERRY, "demo", "--folder", str(folder)), place, environ)
        print(json.dumps(loading(place / "loaded", environ, told.plugins, told.runs)), flush=True)
        for name in COMMANDS:
            print(json.dumps(measured(name, folder, environ, told.runs)), flush=True)


if __name__ == "__main__":
    main()
