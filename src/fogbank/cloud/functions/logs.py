"""What functions print, as Lambda writes it: a group of the function, a stream of the process, a START, END and REPORT around each event.

In: an invocation and what was printed meanwhile; out: events of CloudWatch Logs, by the cloud's own API.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.functions.sandbox import Answered

log = logging.getLogger("fogbank.cloud")
TAIL = 4096
"""Bytes of the log that an invocation with LogType Tail is answered with."""
A_CALL = 1000
LONGEST = 256 * 1024
"""Bytes of one event of the log."""


@dataclass(frozen=True, kw_only=True)
class Invoked:
    """One event that a function answered. `init` is how its process began, where it did for this event."""

    name: str
    region: str
    version: str
    stream: str
    request_id: str
    memory_mb: int
    runtime: str
    notice: str
    init: Answered | None
    answered: Answered | None

    def lines(self) -> list[str]:
        """The events of the log."""
        lines = [f"INIT_START Runtime Version: {self.runtime}\t{self.notice}".rstrip()] if self.init else []
        lines += _printed(self.init.printed) if self.init else []
        lines += [f"START RequestId: {self.request_id} Version: {self.version}"]
        lines += _printed(self.answered.printed) if self.answered else []
        return [*lines, f"END RequestId: {self.request_id}", self._report()]

    def _report(self) -> str:
        took_ms = (self.answered.took_s if self.answered else 0.0) * 1000
        used = max(each.used_mb for each in (self.init, self.answered) if each) if self.init or self.answered else 0
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {took_ms:.2f} ms",
            f"Billed Duration: {math.ceil(took_ms)} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {used} MB",
        ]
        init = [f"Init Duration: {self.init.took_s * 1000:.2f} ms"] if self.init else []
        return "\t".join([*parts, *init]) + "\t"

    def tail(self) -> str:
        """The last 4 KB, in base64."""
        return base64.b64encode("\n".join(self.lines()).encode()[-TAIL:]).decode()


class Logs:
    """Writes them; `client` makes a client of a region's CloudWatch Logs."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def write(self, invoked: Invoked) -> None:
        """Write what was printed while a function answered."""
        self.append(invoked.region, f"/aws/lambda/{invoked.name}", invoked.stream, invoked.lines())

    def append(self, region: str, group: str, stream: str, lines: Sequence[str]) -> None:
        """Write lines now. What cannot be written is told in the cloud's log: what printed it has done its work all the same."""
        where = {"logGroupName": group, "logStreamName": stream}
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line[:LONGEST]} for line in lines if line]
        try:
            logs = self._client("logs", region)
            for start in range(0, len(events), A_CALL):
                self._put(logs, where, events[start : start + A_CALL])
        except (ClientError, BotoCoreError) as error:
            log.warning("the log %s of %s: %s", stream, group, error)

    @staticmethod
    def _put(logs: Any, where: dict[str, str], events: list[dict[str, Any]]) -> None:
        try:
            logs.put_log_events(**where, logEvents=events)
            return
        except logs.exceptions.ResourceNotFoundException:
            pass
        for create, members in (
            (logs.create_log_group, {"logGroupName": where["logGroupName"]}),
            (logs.create_log_stream, where),
        ):
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                create(**members)
        logs.put_log_events(**where, logEvents=events)


def _printed(text: str) -> list[str]:
    """A line is an event; what the runtime wrote as one, though of several lines, stays one."""
    return [line.replace("\r", "\n") for line in text.split("\n") if line]
