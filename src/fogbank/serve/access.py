"""The line of each invocation in the log: gathered, and handed over a tenth of a second at most after it happened."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from fogbank.serve.logs import Write

FLUSH_AFTER_S = 0.1
FLUSH_AT_BYTES = 1 << 16


class AccessLog:
    """One line for each invocation, gathered and written together."""

    def __init__(self, write: Write, *, enabled: bool, as_json: bool) -> None:
        self._write, self.enabled, self._json = write, enabled, as_json
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
        """Hand over what was gathered."""
        if self._lines:
            data, self._lines, self._bytes = b"".join(self._lines), [], 0
            self._write(data)

    def _stamp(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, datetime.fromtimestamp(second, UTC).isoformat()[:19]
        return f"{self._prefix}.{int(now % 1 * 1000):03d}+00:00"
