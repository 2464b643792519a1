"""The contract of a sink that is sent calls, as checks that bite: a plugin's test subclasses ``SinkSuite``.

    class TestSink(SinkSuite):
        @pytest.fixture
        def trial(self, ...) -> SinkTrial:
            return SinkTrial(make=..., stage=..., items=..., ...)

What a sink claims (``resend_for``, ``settle``, that its target can be asked) is proved by really losing answers and
looking at the simulator's history. What it does not claim is skipped with the reason. The checks stand in modules of
their own (``sinks_encoding``, ``sinks_decoding``, …), each a class: a further entity of a sink that was tried in full
may take some of them only.
"""

from __future__ import annotations

from wherry.testing.sink_trial import SinkTrial, stamp_of
from wherry.testing.sinks_bodies import Bodies
from wherry.testing.sinks_books import Telling
from wherry.testing.sinks_changing import Arriving, Changing
from wherry.testing.sinks_decoding import Decoding
from wherry.testing.sinks_edges import Edges
from wherry.testing.sinks_encoding import Encoding
from wherry.testing.sinks_fields import Fields
from wherry.testing.sinks_guarding import Guarding
from wherry.testing.sinks_lost import Asking, Repeating
from wherry.testing.sinks_saying import Saying

__all__ = ["BriefSinkSuite", "SinkSuite", "SinkTrial", "stamp_of"]


class SinkSuite(
    Encoding, Decoding, Fields, Bodies, Edges, Saying, Changing, Arriving, Repeating, Asking, Guarding, Telling
):
    """Subclass it, name the class ``Test…`` and give it the fixture ``trial``."""


class BriefSinkSuite(Fields, Bodies, Saying, Changing, Arriving, Repeating, Asking, Telling):
    """For a further entity of a sink that ``SinkSuite`` tries already: what depends on the entity."""
