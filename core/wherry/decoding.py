"""Typed JSON decoders, each made once and alone.

msgspec (0.22) builds what it knows of a Struct on the type's first use and does not guard that against threads: two
first uses at once have crashed the interpreter. A decoder that was made before is safe to share.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec

_made: dict[Any, msgspec.json.Decoder[Any]] = {}
_making = threading.Lock()


def decoder(type: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a type, for use from any thread."""
    found = _made.get(type)
    if found is None:
        with _making:
            found = _made.setdefault(type, msgspec.json.Decoder(type))
    return found
