"""The contract of a sink whose data lives in the hub's own store: a plugin's test subclasses ``AtomicSinkSuite``.

    class TestSink(AtomicSinkSuite):
        @pytest.fixture
        def trial(self, ...) -> AtomicTrial:
            return AtomicTrial(make=..., opened=..., items=..., ...)

Effect, link and fate commit together, so nothing can be lost between them; what is proved here is that the sink holds
what it was given, answers for each item by itself, and lets people's work stand.
"""

from __future__ import annotations

from wherry.testing.atomic_bodies import Bodies, TakingBack
from wherry.testing.atomic_guarding import Beside, Harmless
from wherry.testing.atomic_trial import AtomicTrial
from wherry.testing.atomic_writing import People, Writing

__all__ = ["AtomicSinkSuite", "AtomicTrial"]


class AtomicSinkSuite(Writing, Bodies, TakingBack, People, Harmless, Beside):
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""
