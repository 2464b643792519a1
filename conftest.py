"""What one test told the process (how to log, what is secret) is not known to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from wherry import redaction


@pytest.fixture(autouse=True)
def _log_as_at_the_start() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="module")
def _know_no_secrets() -> Iterator[None]:
    yield
    for form in list(redaction._live._values):
        redaction._live._forget(form)
