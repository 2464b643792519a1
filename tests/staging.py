"""What many tests begin with is set up once: a folder's files and a served stand-in are put back as they were then.

The stand-in goes on being the same object at the same address; what it holds is put back in place. A stage that is in
use, for a test that wants two of a kind, is left alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import random
import shutil
import tempfile
import types
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, Generic, TypeVar

import msgspec
from wherry.roles import Simulator
from wherry.simulator import serve

Sim = TypeVar("Sim", bound=Simulator)
_LEAVES = (str, bytes, int, float, bool, type(None), type, types.ModuleType, types.BuiltinFunctionType)


class Moment:
    """What can be changed of all that a thing leads to, as it stands now."""

    def __init__(self, thing: object) -> None:
        self._seen: dict[int, object] = {}
        self._back: list[Callable[[], object]] = []
        found = [thing]
        while found:
            one = found.pop()
            if not isinstance(one, _LEAVES) and id(one) not in self._seen:
                self._seen[id(one)] = one
                found += self._keep(one)

    def restore(self) -> None:
        """Everything is as it stood; what came since is dropped."""
        for put in self._back:
            put()

    def _keep(self, one: Any) -> list[Any]:
        """Note how it is put back; what it leads to."""
        if isinstance(one, dict):
            held = dict(one)
            self._back.append(lambda: (one.clear(), one.update(_again(held))))
            return [*held.keys(), *held.values()]
        if isinstance(one, (list, deque)):
            row = list(one)
            self._back.append(lambda: (one.clear(), one.extend(map(_own, row))))
            return row
        if isinstance(one, set):
            members = set(one)
            self._back.append(lambda: (one.clear(), one.update(members)))
            return list(members)
        if isinstance(one, (tuple, frozenset)):
            return list(one)
        if isinstance(one, random.Random):
            state = one.getstate()
            self._back.append(lambda: one.setstate(state))
            return []
        return self._keep_fields(one)

    def _keep_fields(self, one: Any) -> list[Any]:
        if isinstance(one, FunctionType):
            return [cell.cell_contents for cell in one.__closure__ or ()]
        if isinstance(one, types.MethodType):
            return [one.__self__]
        names = one.__struct_fields__ if isinstance(one, msgspec.Struct) else _slots(type(one))
        held = {name: _own(getattr(one, name)) for name in names if hasattr(one, name)}
        if held:
            put = msgspec.structs.force_setattr if isinstance(one, msgspec.Struct) else object.__setattr__
            self._back.append(lambda: [put(one, name, value) for name, value in _again(held).items()])
        return [*held.values(), *([vars(one)] if hasattr(one, "__dict__") else [])]


def _slots(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        said = each.__dict__.get("__slots__", ())
        yield from (name for name in ([said] if isinstance(said, str) else said) if not name.startswith("__"))


def _own(value: Any) -> Any:
    """A counter cannot be put back, only replaced by one that stands where it stood; none is copied since 3.14."""
    return itertools.count(int(repr(value)[len("count(") : -1])) if isinstance(value, itertools.count) else value


def _again(held: dict[Any, Any]) -> dict[Any, Any]:
    return {name: _own(value) for name, value in held.items()}


class Stage(Generic[Sim]):
    """A stand-in that is served, and what it and a folder held at each moment that was kept."""

    def __init__(self, sim: Sim, url: str, kept: Path) -> None:
        self.sim, self.url = sim, url
        self.busy = False
        self._kept, self._done = kept, ()
        self._moments: dict[tuple[str, ...], tuple[Path, Moment]] = {}
        self._start = Moment(sim)

    @contextlib.contextmanager
    def used(self) -> Iterator[Stage[Sim]]:
        """It stands as when it was made, and is somebody's."""
        self.busy, self._done = True, ()
        self._start.restore()
        try:
            yield self
        finally:
            self.busy = False

    def once(self, step: str, folder: Path, do: FunctionType) -> None:
        """Do it, or take up what came of it the first time.

        A step is known by its name and the place of its code (modules call theirs alike), by those before it, and by
        what lies in the folder when it begins. It must hang on nothing else.
        """
        code = do.__code__
        self._done = (*self._done, f"{step} {code.co_filename}:{code.co_firstlineno}", _print(folder))
        if self._done not in self._moments:
            do()
            files = self._kept / str(len(self._moments))
            _moved(folder, shutil.copytree(folder, files))
            self._moments[self._done] = files, Moment(self.sim)
            return
        files, moment = self._moments[self._done]
        shutil.rmtree(folder)
        _moved(files, shutil.copytree(files, folder))
        moment.restore()


class Stages:
    """The stages of a session, by the name of what is set up on them."""

    def __init__(self) -> None:
        self._held: dict[str, Stage[Any]] = {}
        self._open = contextlib.ExitStack()

    @contextlib.contextmanager
    def taken(self, name: str, make: Callable[[], Sim]) -> Iterator[Stage[Sim]]:
        """The stage of that name, on which nothing is done yet; one of its own for who wants a second at a time."""
        if name in self._held and self._held[name].busy:
            with contextlib.ExitStack() as alone:
                yield self._made(make, alone)
            return
        if name not in self._held:
            self._held[name] = self._made(make, self._open)
        with self._held[name].used() as stage:
            yield stage

    def close(self) -> None:
        """They are served no more."""
        self._held.clear()
        self._open.close()

    def _made(self, make: Callable[[], Sim], until: contextlib.ExitStack) -> Stage[Sim]:
        folder = until.enter_context(tempfile.TemporaryDirectory(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        sim = make()
        return Stage(sim, until.enter_context(serve(sim.app())), Path(folder))


def _print(folder: Path) -> str:
    """Of all files in it, wherever it is."""
    made = hashlib.blake2b()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        held = path.read_bytes().replace(bytes(folder), b"")
        made.update(b"%s %d " % (bytes(path.relative_to(folder)), len(held)) + held)
    return made.hexdigest()


def _moved(before: Path, folder: Path) -> None:
    """The project file names its store where that now is."""
    project = folder / "wherry.toml"
    if project.exists():
        project.write_text(project.read_text("utf-8").replace(str(before), str(folder)), "utf-8")


stages = Stages()
