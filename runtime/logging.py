"""Logs: structlog, one line per fact. A terminal gets colours, everything else JSON."""

import logging
import re
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from models.plain import plain

_DIGITS = re.compile(r"\d{10,}")
_OF_SEVERAL_LINES = ("exception", "stack")
_QUIET = ("httpx", "httpcore", "alembic", "temporalio.activity")
"""httpx logs URLs, and a BPJS URL holds a NIK; the interceptor tells what activities met."""


def configure_logging(log_format: Literal["auto", "console", "json"] = "auto") -> None:
    """Set up structlog and the standard library's logging to write to stderr in one form."""
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        mask_digits,
        write_out_controls,
    ]
    colours = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    renderer: Processor = colours if console else structlog.processors.JSONRenderer()
    structlog.configure(  # straight to stderr: by way of the standard library a line costs twice as much
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def write_out_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write control characters out, so that no value forges a line or steers a terminal."""
    return {
        key: plain(value) if isinstance(value, str) and key not in _OF_SEVERAL_LINES else value
        for key, value in event.items()
    }


def mask_digits(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every run of ten or more digits: nothing of ours has one, a NIK, KK, card or phone number has."""
    return {key: _DIGITS.sub("#", value) if isinstance(value, str) else value for key, value in event.items()}
