"""Where state lives: one project, one store. See ``Store`` for what is kept and ``tables`` for how."""

from wherry.store.store import Store

__all__ = ["Store"]
