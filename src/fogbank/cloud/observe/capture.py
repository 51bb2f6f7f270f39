"""Data capture: sampled invocations become SageMaker's JSON lines in S3.

A record is on disk before its invocation is answered: lines go to a spool file of their endpoint, region, variant, destination and
minute, all that end at the same moment in one write. A spool is delivered when its minute is over, when it is full or nothing was
added for a moment, and at `flush`; what a killed process left is delivered by the next one. No invocation waits for a delivery.
"""

from __future__ import annotations

import contextlib
import json
import logging
import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Request, new_id
from fogbank.contracts.capture import object_key, record_line, side_of
from fogbank.ground.aws import join_key, split_uri

log = logging.getLogger("fogbank.cloud")
HEADER = "x-amzn-sagemaker-"
OPEN, CLOSED, DAMAGED = ".spool", ".ready", ".damaged"
FULL_BYTES = 8 * 1024 * 1024
"""A spool of so many bytes is delivered, and another one begun: what is delivered is never large."""
INPUT, OUTPUT = frozenset({"Input", "InputAndOutput"}), frozenset({"Output", "InputAndOutput"})
"""Modes that capture a side."""
QUIET_S = 2.0
"""A spool to which nothing was added for so long is delivered before its minute is over."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A DataCaptureConfig that captures: which share, of which sides, as which encodings, to where."""

    percent: float
    destination: str
    kms_key: str
    modes: frozenset[str]
    csv_types: tuple[str, ...]
    json_types: tuple[str, ...]

    @classmethod
    def of(cls, config: Document | None) -> Self | None:
        """From the API's document; None where nothing is captured."""
        if not config or not config.get("EnableCapture", True):
            return None
        types = config.get("CaptureContentTypeHeader", {})
        return cls(
            percent=config["InitialSamplingPercentage"],
            destination=config["DestinationS3Uri"],
            kms_key=config.get("KmsKeyId", ""),
            modes=frozenset(option["CaptureMode"] for option in config["CaptureOptions"]),
            csv_types=tuple(name.lower() for name in types.get("CsvContentTypes", [])),
            json_types=tuple(name.lower() for name in types.get("JsonContentTypes", [])),
        )


class Source(NamedTuple):
    """Whose traffic is captured: a variant's, or an inference component's on it."""

    region: str
    endpoint: str
    variant: str
    component: str = ""


class _Spool:
    """An open file of lines of one minute, counted since 1970."""

    def __init__(self, path: Path, minute: int) -> None:
        self.path, self.minute = path, minute
        self.added, self.size = 0.0, 0
        self._stream = path.open("ab", buffering=0)

    def add(self, lines: str, now: float) -> None:
        """Write, to the system at least. Raises OSError."""
        left = memoryview(lines.encode())
        self.size += len(left)
        while left:
            left = left[self._stream.write(left) or 0 :]
        self.added = now

    def close(self) -> None:
        """Nothing more is written: the file may be delivered."""
        with contextlib.suppress(OSError):  # what did not fit is a last line without an end
            self._stream.close()
        with contextlib.suppress(OSError):
            self.path.rename(self.path.with_suffix(CLOSED))


class _Slot:
    """Where the records of one source go: lines that are to be written, the spool, and who may write to it."""

    def __init__(self, source: Source, destination: str) -> None:
        self.source, self.destination = source, destination
        self.lock = threading.Lock()
        self.lines: list[str] = []
        self.spool: _Spool | None = None

    def close(self) -> None:
        """Close the spool, if there is one. The lock is held."""
        spool, self.spool = self.spool, None
        if spool is not None:
            spool.close()


class Recorder:
    """Captures invocations; `s3` makes a client of the cloud's own S3."""

    def __init__(
        self, folder: Path, clock: Clock, s3: Callable[[], Any], draw: Callable[[], float] = random.random
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._s3 = s3
        self._draw = draw
        self._lock = threading.Lock()
        self._delivering = threading.Lock()
        self._slots: dict[tuple[Source, str], _Slot] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"*{OPEN}"):
            left.rename(left.with_suffix(CLOSED))

    def record(self, request: Request, source: Source, capture: Capture, body: bytes, content_type: str) -> None:
        """Take one invocation, if the sample does; it is captured when `write` has returned."""
        if self._draw() * 100 >= capture.percent:
            return
        line = record_of(request, capture, body, content_type, int(self._clock.epoch()))
        with self._lock:
            slot = self._slots.get((source, capture.destination))
            if slot is None:
                slot = self._slots[source, capture.destination] = _Slot(source, capture.destination)
            slot.lines.append(line)

    def write(self) -> None:
        """Write what was taken to the spools."""
        with self._lock:
            taken = [(slot, slot.lines) for slot in self._slots.values() if slot.lines]
            for slot, _ in taken:
                slot.lines = []
        for slot, lines in taken:
            with slot.lock:
                try:
                    self._write(slot, lines, self._clock.epoch())
                except OSError as error:  # a full disk stops capture, not the endpoint
                    log.warning("invocations of endpoint %s were not captured: %s", slot.source.endpoint, error)
                    slot.close()

    def flush(self) -> int:
        """Deliver everything to S3; returns how many files were delivered."""
        self._close_spools(lambda _: True)
        return self._deliver_closed()

    def turn(self) -> int:
        """Deliver what is ready: spools whose minute is over, or that are quiet."""
        now = self._clock.epoch()
        self._close_spools(lambda spool: spool.minute != now // 60 or now - spool.added >= QUIET_S)
        return self._deliver_closed()

    def reset(self) -> None:
        """Forget what was not delivered."""
        self._close_spools(lambda _: True)
        for path in self._folder.glob(f"*{CLOSED}"):
            path.unlink(missing_ok=True)

    def _write(self, slot: _Slot, lines: list[str], now: float) -> None:
        minute = int(now // 60)
        if slot.spool is not None and (slot.spool.minute != minute or slot.spool.size >= FULL_BYTES):
            slot.close()
        if slot.spool is None:
            source = slot.source
            at = f"{datetime.fromtimestamp(now, UTC):%Y%m%d%H%M}"
            names = (source.region, source.endpoint, source.variant, at, uuid.uuid4().hex[:8])
            slot.spool = _Spool(self._folder / (".".join(names) + OPEN), minute)
            about = {
                "endpoint": source.endpoint,
                "variant": source.variant,
                "destination": slot.destination,
                "time": now,
            }
            lines = [json.dumps(about), *lines]
        slot.spool.add("\n".join(lines) + "\n", now)

    def _close_spools(self, ready: Callable[[_Spool], bool]) -> None:
        with self._lock:
            slots = list(self._slots.values())
        for slot in slots:
            with slot.lock:
                if slot.spool is not None and ready(slot.spool):
                    slot.close()

    def _deliver_closed(self) -> int:
        with self._delivering:
            return sum(self._deliver(path) for path in sorted(self._folder.glob(f"*{CLOSED}")))

    def _deliver(self, path: Path) -> int:
        try:
            header, _, lines = path.read_text().partition("\n")
            about = json.loads(header)
            bucket, prefix = split_uri(about["destination"])
        except FileNotFoundError:  # a reset came first
            return 0
        except (ValueError, KeyError, TypeError) as error:
            log.warning("capture file %s is damaged and is put aside: %s", path.name, error)
            path.rename(path.with_suffix(DAMAGED))
            return 0
        whole = lines[: lines.rfind("\n") + 1]  # a line that a killed process did not finish is dropped
        time = datetime.fromtimestamp(about["time"], UTC)
        unique = str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"{path.stem}/{about['time']}")
        )  # delivered twice, it is one object
        key = join_key(prefix, object_key(about["endpoint"], about["variant"], time, unique))
        try:
            self._s3().put_object(Bucket=bucket, Key=key, Body=whole.encode(), ContentType="application/jsonlines")
        except (ClientError, BotoCoreError) as error:
            log.warning(
                "capture for endpoint %s cannot be written to %s: %s", about["endpoint"], about["destination"], error
            )
            return 0
        path.unlink(missing_ok=True)
        return 1


def record_of(request: Request, capture: Capture, body: bytes, content_type: str, second: int) -> str:
    """The record of one invocation, as a line without its end."""
    headers, modes, types = request.headers, capture.modes, (capture.csv_types, capture.json_types)
    sides = {}
    if not modes.isdisjoint(INPUT):
        sides["INPUT"] = side_of(request.body, headers.get("content-type", ""), "INPUT", *types)
    if not modes.isdisjoint(OUTPUT):
        sides["OUTPUT"] = side_of(body, content_type, "OUTPUT", *types)
    return record_line(
        new_id(),
        second,
        sides.get("INPUT"),
        sides.get("OUTPUT"),
        headers.get(HEADER + "inference-id"),
        headers.get(HEADER + "custom-attributes"),
    )
