"""Decoders are made once, by one thread, and shared."""

from __future__ import annotations

import subprocess
import sys

RACE = """
import threading
from msgspec import defstruct
from wherry.decoding import decoder
for round in range(300):
    kind = defstruct(f"S{round}", [("a", int), ("b", str), ("c", list[int])])
    start = threading.Barrier(4)
    def use():
        start.wait()
        assert decoder(kind).decode(b'{"a":1,"b":"x","c":[1]}').a == 1
    threads = [threading.Thread(target=use) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
"""


def test_many_threads_may_meet_a_new_type_at_once() -> None:
    """Without the lock the interpreter itself crashes here: the code below is run where that harms nobody."""
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
