"""The kit that plugin authors and the core's own tests share. It imports everything; nothing imports it."""

import contextlib

with contextlib.suppress(ImportError):
    import pytest

    pytest.register_assert_rewrite(
        "wherry.testing.sources",
        "wherry.testing.matchers",
        "wherry.testing.trial",
        "wherry.testing.sinks",
        "wherry.testing.sink_trial",
        "wherry.testing.sinks_changing",
        "wherry.testing.sinks_decoding",
        "wherry.testing.sinks_encoding",
        "wherry.testing.sinks_guarding",
        "wherry.testing.sinks_lost",
        "wherry.testing.atomic_guarding",
        "wherry.testing.atomic_trial",
        "wherry.testing.atomic_writing",
        "wherry.testing.polled",
        "wherry.testing.sources_faults",
        "wherry.testing.mapper_trial",
        "wherry.testing.mappers",
        "wherry.testing.mappers_reading",
        "wherry.testing.simulator_trial",
        "wherry.testing.simulators",
    )
