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
    )
