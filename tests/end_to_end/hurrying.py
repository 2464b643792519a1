"""Imported by the warm server: the processes that it forks, to be killed, wait for no place in a budget."""

from __future__ import annotations

import pytest
from wherry.testing.clock import hurried

hurried(pytest.MonkeyPatch())
