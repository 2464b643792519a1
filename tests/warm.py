"""Commands typed in processes of their own that need not import everything first: a warm parent forks each.

What starts cold, with nothing imported and no plugin looked for, is for tests of starting.
"""

from __future__ import annotations

import importlib.metadata
import os
import runpy
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from wherry.testing.nursery import Nursery, Work

ROOT = Path(__file__).resolve().parents[1]
KNOWN = ("wherry.cli.app", "wherry.cli.running", "wherry.hub", "wherry.project.wiring", "wherry.simulator", "pytest")


class Warm:
    """The warm parent of a session; it starts when it is first needed."""

    def __init__(self) -> None:
        self._nursery: Nursery | None = None

    def python(
        self, *words: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: str = ""
    ) -> CompletedProcess[str]:
        """What ``python WORDS`` does: ``-m MODULE …`` or ``-c CODE …``. Folders of PYTHONPATH are looked through."""
        if self._nursery is None:
            self._nursery = Nursery(["tests.warm", *KNOWN], [ROOT])
        with tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")) as folder:
            files = [str(Path(folder) / name) for name in ("stdin", "stdout", "stderr")]
            Path(files[0]).write_text(stdin, "utf-8")
            told = {"words": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env), "files": files}
            code = self._nursery.run(Work(function="tests.warm:python", told=told)).code
            out, err = (Path(name).read_text("utf-8") for name in files[1:])
        return CompletedProcess(words, code, out, err)

    def close(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


def python(told: Mapping[str, Any]) -> int:
    """In the child: become what was asked for. Its exit code."""
    for number, name in enumerate(told["files"]):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND * bool(number), 0o600), number)
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["env"])
    sys.path[:0] = [path for path in told["env"].get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.dont_write_bytecode = bool(told["env"].get("PYTHONDONTWRITEBYTECODE"))
    importlib.invalidate_caches()
    code = _done(told["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _done(words: Sequence[str]) -> int:
    kind, what, *rest = words
    sys.argv = [what, *rest]
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    except SystemExit as said:
        if isinstance(said.code, str):
            sys.stderr.write(f"{said.code}\n")
        return said.code if isinstance(said.code, int) else int(said.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


warm = Warm()
