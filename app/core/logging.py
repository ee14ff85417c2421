"""Structured logs: one JSON object a line, with the request's id, and never a person's data.

Exceptions are logged by type, place and stable text; SQL parameters are hidden by the engine, locals are
never shown, and whatever looks like an e-mail address or a token of ours is masked last of all.
"""

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO, cast

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

# The look behind lets a match begin only where a word does: without it, a long word costs its square.
_EMAIL = re.compile(
    r"(?<![^\s@\"'<>=,;:()\[\]{}])[^\s@\"'<>=,;:()\[\]{}]+"
    r"@[^\s@\"'<>,;:()\[\]{}]+\.[^\s@\"'<>,;:()\[\]{}]+"
)
_TOKEN = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{32}(?![A-Za-z0-9_-])")
_POSTGRES_DETAIL = re.compile(r"\n(?:DETAIL|CONTEXT):.*", re.DOTALL)
# PostgreSQL quotes what it could not read in the message itself (class 22, "data exception").
_POSTGRES_INPUT = re.compile(r'((?:invalid input|invalid value|malformed)[^"\n]{0,80}: )".*"', re.DOTALL)
_http = structlog.get_logger("http")
_ANSWERED = "request:answered"
_NOISY = ("httpx", "httpcore", "stripe", "procrastinate", "uvicorn.access")


request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that is being served; every line that is logged meanwhile carries it."""
_Line = Callable[[str, str, int, float], None]
_access: list[_Line] = []


def log_request(method: str, route: str, status: int, milliseconds: float) -> None:
    """One line about a request that was answered, past structlog's processors where lines are JSON.

    Only what can hold nothing personal goes in here: the route's pattern, never the path.
    """
    if _access:
        _access[0](method, route, status, milliseconds)
    else:
        _http.info(_ANSWERED, method=method, route=route, status=status, milliseconds=milliseconds)


def configure_logging(level: str, form: str, role: str) -> None:
    """Send everything, our own and libraries', through one pipeline to standard output."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_request_id,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        if form == "json"
        else structlog.processors.format_exc_info,
        _with_role(role),
        mask,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _take_over(handler, level)
    quick = form == "json" and logging.getLogger().isEnabledFor(logging.INFO)
    _access[:] = [_json_lines(handler.stream, role)] if quick else []


def _take_over(handler: logging.Handler, level: str) -> None:
    """Have every logger, libraries' too, write by this handler alone."""
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        # Our own lines about requests take its place; as long as it has a way out, uvicorn builds its lines.
        logging.getLogger(name).propagate = name != "uvicorn.access"


def mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what should not have come here: the last net, not the first."""
    return cast(
        "EventDict", {key: _masked(value) for key, value in event.items() if key != "exc_info"} | _kept(event)
    )


def _kept(event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {"exc_info": event["exc_info"]} if event.get("exc_info") else {}


def _masked(value: Any) -> Any:  # log values are of any kind
    if isinstance(value, str):
        bare = _POSTGRES_INPUT.sub(r"\1[value]", _POSTGRES_DETAIL.sub("", value))
        return _TOKEN.sub("[token]", _EMAIL.sub("[address]", bare))
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in value]
    return value


def _with_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    known = request_id.get()
    if known is not None:
        event.setdefault("request_id", known)
    return event


def _json_lines(stream: TextIO, role: str) -> _Line:
    """Writes the very line that the processors would make, key by key, in a hundredth of their time."""
    quoted = lru_cache(1_000)(lambda text: json.dumps(text, ensure_ascii=False))
    start = f'"event": "{_ANSWERED}", "level": "info", "logger": "http", "role": {quoted(role)}'
    last: tuple[int, str] = (0, "")
    due = False

    def flush() -> None:
        nonlocal due
        due = False
        stream.flush()

    def flush_soon() -> None:
        """Once for all who are answered in the same turn of the loop: a group commit answers many at once."""
        nonlocal due
        if due:
            return
        try:
            asyncio.get_running_loop().call_soon(flush)
        except RuntimeError:  # nothing runs: a program, or a test
            flush()
        else:
            due = True

    def write(method: str, route: str, status: int, milliseconds: float) -> None:
        nonlocal last
        now = time.time()
        if int(now) != last[0]:
            last = (int(now), datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        stream.write(
            f'{{{start}, "timestamp": "{last[1]}.{int(now % 1 * 1e6):06d}Z", '
            f'"request_id": "{request_id.get()}", "method": {quoted(method)}, "route": {quoted(route)}, '
            f'"status": {status}, "milliseconds": {milliseconds:.1f}}}\n'
        )
        flush_soon()

    return write


def _with_role(role: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["role"] = role
        return event

    return add
