"""Structured logs on stderr: one JSON object a line, with the request's id and trace; never a payload.

This module is in the supervisor's process too: it imports nothing that is large.
"""

from __future__ import annotations

import contextvars
import logging
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from queue import SimpleQueue

import orjson

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")
WAITING_LIMIT = 8 << 20
CLOSE_LIMIT_S = 1.0
Write = Callable[[bytes], None]


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


class LogWriter:
    """Writes to stderr in a thread of its own: a disk that is busy, or a reader that is slow, never holds up an answer.

    What waits is bounded: beyond `limit` bytes lines are dropped, and their number is written when there is room again.
    """

    def __init__(self, descriptor: int = 2, limit: int = WAITING_LIMIT) -> None:
        self._descriptor, self._limit = descriptor, limit
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._given = self._written = self._dropped = 0
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Take whole lines; returns at once."""
        if self._given - self._written > self._limit:
            self._dropped += data.count(b"\n")
            return
        data = self._loss() + data
        self._given += len(data)
        self._queue.put(data)

    def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Write what waits, for so long at most."""
        self._queue.put(self._loss())
        self._queue.put(None)
        self._thread.join(limit_s)

    def _loss(self) -> bytes:
        """A line that says how many were dropped, where any were."""
        if not self._dropped:
            return b""
        record = {"level": "WARNING", "logger": "fogbank.serve", "message": f"{self._dropped} log lines were dropped"}
        self._dropped = 0
        return orjson.dumps(record) + b"\n"

    def _write_all(self) -> None:
        while (data := self._queue.get()) is not None:
            write_all(data, self._descriptor)
            self._written += len(data)


class WriterHandler(logging.Handler):
    """Sends log records to a writer."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        """Format and hand over."""
        try:
            self._write(self.format(record).encode("utf-8", "replace") + b"\n")
        except Exception:  # noqa: BLE001 - logging's own rule: a record that cannot be written is no reason to fail
            self.handleError(record)


def write_all(data: bytes, descriptor: int = 2) -> None:
    """Write to a descriptor, however long it takes. A log that cannot be written is lost: there is nowhere to say so."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        return


def set_up(level: str, log_format: str, write: Write = write_all) -> None:
    """Send every logger's records to `write`. Raises ValueError for a level that does not exist."""
    handler = WriterHandler(write)
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
