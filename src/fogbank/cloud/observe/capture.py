"""Data capture: sampled invocations become SageMaker's JSON lines in S3.

A record is on disk before it is counted as captured: lines go to a spool file, and a file a minute (or at `flush`) is
delivered to S3. What a killed process left in the spool is delivered by the next one.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Request
from fogbank.contracts.capture import CapturedPayload, CaptureRecord, captured, object_key
from fogbank.ground.aws import split_uri

log = logging.getLogger("fogbank.cloud")
HEADER = "x-amzn-sagemaker-"


class Recorder:
    """Captures invocations; `s3` makes a client of the cloud's own S3."""

    def __init__(
        self, folder: Path, clock: Clock, s3: Callable[[], Any], draw: Callable[[], float] = random.random
    ) -> None:
        self._folder, self._clock, self._s3, self._draw = folder, clock, s3, draw
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def record(
        self, request: Request, endpoint: str, variant: str, config: Document, body: bytes, content_type: str
    ) -> None:
        """Write one invocation to the spool, if the sample takes it."""
        if self._draw() * 100 >= config["InitialSamplingPercentage"]:
            return
        now = self._clock.now()
        record = capture_record(request, config, body, content_type, now)
        header = json.dumps(
            {
                "endpoint": endpoint,
                "variant": variant,
                "destination": config["DestinationS3Uri"],
                "time": now.timestamp(),
            }
        )
        spool = self._folder / f"{endpoint}.{variant}.{now:%Y%m%d%H%M}.spool"
        with self._lock:
            fresh = not spool.exists()
            try:
                with spool.open("a") as stream:
                    stream.write((header + "\n" if fresh else "") + record.line() + "\n")
            except OSError as error:  # a full disk stops capture, not the endpoint
                log.warning("an invocation of endpoint %s was not captured: %s", endpoint, error)

    def flush(self, minute_over: bool = False) -> int:
        """Deliver spool files to S3, all or only those whose minute is over; returns how many were delivered."""
        current = f"{self._clock.now():%Y%m%d%H%M}"
        delivered = 0
        with self._lock:
            for spool in sorted(self._folder.glob("*.spool")):
                if minute_over and spool.name.endswith(f".{current}.spool"):
                    continue
                delivered += self._deliver(spool)
        return delivered

    def reset(self) -> None:
        """Forget what was not delivered."""
        with self._lock:
            for spool in self._folder.glob("*.spool"):
                spool.unlink()

    def _deliver(self, spool: Path) -> int:
        header, _, lines = spool.read_text().partition("\n")
        try:
            about = json.loads(header)
            bucket, prefix = split_uri(about["destination"])
        except ValueError as error:
            log.warning("capture file %s is damaged and is put aside: %s", spool.name, error)
            spool.rename(spool.with_suffix(".damaged"))
            return 0
        whole = lines[: lines.rfind("\n") + 1]  # a line that a killed process did not finish is dropped
        time = datetime.fromtimestamp(about["time"], UTC)
        unique = str(
            uuid.uuid5(uuid.NAMESPACE_URL, f"{spool.name}/{about['time']}")
        )  # delivered twice, it is one object
        key = "/".join(
            part for part in (prefix.strip("/"), object_key(about["endpoint"], about["variant"], time, unique)) if part
        )
        try:
            self._s3().put_object(Bucket=bucket, Key=key, Body=whole.encode(), ContentType="application/jsonlines")
        except (ClientError, BotoCoreError) as error:
            log.warning(
                "capture for endpoint %s cannot be written to %s: %s", about["endpoint"], about["destination"], error
            )
            return 0
        spool.unlink()
        return 1


def capture_record(request: Request, config: Document, body: bytes, content_type: str, now: datetime) -> CaptureRecord:
    """The record of one invocation under a DataCaptureConfig."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    csv = [t.lower() for t in types.get("CsvContentTypes", [])]
    json_types = [t.lower() for t in types.get("JsonContentTypes", [])]

    def side(mode: str, data: bytes, observed: str) -> CapturedPayload | None:
        wanted = modes & {mode.title(), "InputAndOutput"}
        return captured(data, observed, mode, csv, json_types) if wanted else None  # type: ignore[arg-type]  # one of the two literals

    return CaptureRecord(
        event_id=str(uuid.uuid4()),
        time=now,
        input=side("INPUT", request.body, request.headers.get("content-type", "")),
        output=side("OUTPUT", body, content_type),
        inference_id=request.headers.get(HEADER + "inference-id"),
        custom_attributes=request.headers.get(HEADER + "custom-attributes"),
    )
