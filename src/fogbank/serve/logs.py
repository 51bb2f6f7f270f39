"""Structured logs on stderr: one JSON object a line, with the request's id and trace; never a payload.

The line of each invocation is written in batches, a tenth of a second at most after it happened; warnings and errors at once.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import sys
import time
from datetime import UTC, datetime

import orjson

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
FLUSH_AFTER_S = 0.1
FLUSH_AT_BYTES = 1 << 16


class JsonFormatter(logging.Formatter):
    """A log record as a JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """`time`, `level`, `logger`, `message`, and `request_id` and `traceback` where there are any."""
        document: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            document["request_id"] = current
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(document, default=str).decode()


class AccessLog:
    """One line for each invocation, gathered and written together."""

    def __init__(self, *, enabled: bool, as_json: bool, descriptor: int = 2) -> None:
        self.enabled, self._json, self._descriptor = enabled, as_json, descriptor
        self._lines: list[bytes] = []
        self._bytes = 0
        self._second, self._prefix = 0, ""

    def add(self, request: str, trace: str | None, status: int, seconds: float, bytes_in: int, bytes_out: int) -> None:
        """Note one answered invocation."""
        if not self.enabled:
            return
        stamp, milliseconds = self._stamp(), seconds * 1000
        line = (
            f'{{"time":"{stamp}","level":"INFO","logger":"fogbank.access","message":"POST /invocations",'
            f'"request_id":"{request}","status":{status},"ms":{milliseconds:.3f},"bytes_in":{bytes_in},"bytes_out":{bytes_out}'
            + (f',"trace_id":"{trace}"}}\n' if trace else "}\n")
            if self._json
            else f"{stamp} INFO fogbank.access POST /invocations {status} {milliseconds:.3f} ms {request}\n"
        ).encode()
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)
        self._lines.append(line)
        self._bytes += len(line)
        if self._bytes > FLUSH_AT_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was gathered. A log that cannot be written is lost, not waited for."""
        data, self._lines, self._bytes = b"".join(self._lines), [], 0
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return

    def _stamp(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, datetime.fromtimestamp(second, UTC).isoformat()[:19]
        return f"{self._prefix}.{int(now % 1 * 1000):03d}+00:00"


def set_up(level: str, log_format: str) -> None:
    """Send every logger's records to stderr. Raises ValueError for a level that does not exist."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
