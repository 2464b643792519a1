"""A table of routes: method and path template on one side, a handler on the other."""

from collections.abc import Iterable
from re import Pattern

from starlette.routing import compile_path

from .call import Call, Handler

Row = tuple[str, str, Handler]


class Routes:
    """Finds the handler of a call; rows are tried in order, templates read as in Starlette (``/a/{b}``)."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._by_shape: dict[tuple[str, int], list[tuple[Pattern[str], str, Handler]]] = {}
        for method, template, handler in rows:
            shape = (method, template.count("/"))
            self._by_shape.setdefault(shape, []).append((compile_path(template)[0], template, handler))

    def find(self, call: Call, path: str | None = None) -> Handler | None:
        """The handler of a call, whose `route` and `params` are filled in; `path` overrides its own."""
        wanted = call.path if path is None else path
        for pattern, template, handler in self._by_shape.get((call.method, wanted.count("/")), ()):
            if match := pattern.match(wanted):
                call.route, call.params = f"{call.method} {template}", match.groupdict()
                return handler
        return None
