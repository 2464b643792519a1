"""Logging to standard error: structlog, and the standard library's loggers through the same sieve."""

from __future__ import annotations

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor

from wherry.redaction import redact, strike

_NOISY = ("httpx", "httpcore", "alembic", "apscheduler", "stevedore")
"""They would tell each request with its whole URL, or each step of their own."""
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def configure_logging(level: str = "info", json: bool = False) -> None:
    """Set both kinds of loggers to ``level`` (debug, info, warning, error) and to lines for people or JSON lines.

    Every line passes the redactor twice: by structure before it is drawn, by value afterwards. Tracebacks carry no
    local variables. May be called again.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    shared = _shared()
    structlog.configure(
        processors=[*shared, *_renderer(json), _last_sieve],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _standard_library(number, shared, json)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
    ]


def _renderer(json: bool) -> list[Processor]:
    if json:
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    draw = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return [_legible, draw]


def _legible(logger: object, method: str, event: EventDict) -> EventDict:
    """What others say neither moves a terminal nor begins a line that looks like one of ours."""
    return {key: _CONTROL.sub(_spelled, value) if isinstance(value, str) else value for key, value in event.items()}


def _spelled(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode() if found[0] != "\n" else "\n  "


def _last_sieve(logger: object, method: str, line: object) -> str:
    return strike(str(line))


def _standard_library(level: int, shared: list[Processor], json: bool) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                *_renderer(json),
                _last_sieve,
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
