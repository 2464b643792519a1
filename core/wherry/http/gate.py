"""The last word before a call with an effect leaves: whoever sends may look again at what may have changed while it
waited for its turn, which the pacer lets last for minutes.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

LAST_WORD = "wherry.last-word"
"""The request extension that holds what is asked; None: nobody."""
Asked = Callable[[], None]
"""Raises what keeps the call from leaving: TryAgain, which then says that nothing was sent."""

_asked: contextvars.ContextVar[Asked | None] = contextvars.ContextVar("wherry.gate", default=None)


class NotSent(KeyboardInterrupt):
    """Somebody stopped us while a call waited for its turn: nothing of it has left."""


@runtime_checkable
class SignsIn(Protocol):
    """Optional: a transport that signs its calls in."""

    @property
    def sign_in(self) -> int:
        """How often its sign-in has become another one, which may open another account."""
        ...


@contextmanager
def asked_first(asked: Asked) -> Iterator[None]:
    """What this thread sends in here leaves only after ``asked`` has let it, once it has waited for its turn."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def last_word() -> Asked | None:
    """What is to be asked before a call of this thread leaves."""
    return _asked.get()
