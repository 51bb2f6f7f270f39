"""Traffic at a rate: requests that are sent when they are due, whether or not the earlier ones were answered.

In: a way to send, bodies, a rate and a time; out: a report of latency and saturation. Latency counts from when a request was due, so that
an endpoint that stalls does not slow the clock that measures it (coordinated omission).
"""

from __future__ import annotations

import base64
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from botocore.exceptions import ClientError

from fogbank.contracts.capture import CapturedPayload, read_lines
from fogbank.contracts.errors import AwsError, DataError
from fogbank.project.calling.clients import Clients, aws_error
from fogbank.project.calling.invoke import Request, send_request
from fogbank.project.workplace.events import Steps

WORKERS = 64
ALONE = 20
"""Requests that are sent one after the other first: how long one takes with nobody else there."""
REACHED = 0.95
"""An endpoint that answers less than this share of what is due is saturated."""
MOST_CAPTURED = 10_000
Send = Callable[[Request], None]
"""Sends a request and waits for the answer. Raises AwsError."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request: when it was due and when its answer was there, in seconds from the start; `code` is AWS's where it failed."""

    due: float
    done: float
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """What came of it. Latencies are in milliseconds, of the requests that were answered; `alone_ms` is a request's own time."""

    rate: float
    seconds: float
    sent: int
    answered: int
    errors: dict[str, int]
    reached: float
    alone_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    most_ms: float

    @property
    def saturated(self) -> bool:
        """Whether it could not follow."""
        return self.reached < REACHED * self.rate

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**{name: _rounded(value) for name, value in vars(self).items()}, "saturated": self.saturated}


def requests_for(
    clients: Clients, endpoint: str, rows: bytes | None, sample: Path, *, captured: bool
) -> tuple[Request, ...]:
    """What is to be sent: rows that are given, what the endpoint captured, else a file's rows. Raises AwsError, DataError."""
    if rows is not None:
        return by_line(rows)
    if not captured:
        return by_line(sample.read_bytes() if sample.is_file() else b"")
    try:
        sagemaker = clients("sagemaker")
        config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        capture = sagemaker.describe_endpoint_config(EndpointConfigName=config).get("DataCaptureConfig")
        if not capture:
            raise DataError("load-empty", f"the endpoint {endpoint} captures nothing", "give a CSV with rows")
        return captured_by(clients, capture["DestinationS3Uri"], endpoint)
    except ClientError as error:
        raise aws_error(error) from error


def replay_at(
    clients: Clients, endpoint: str, requests: Sequence[Request], rate: float, seconds: float, steps: Steps
) -> LoadReport:  # fmt: skip
    """Send to an endpoint, and tell of it. Raises AwsError."""

    def send(request: Request) -> None:
        send_request(clients, endpoint, request.body, request.content_type)

    with steps(f"load {endpoint}") as step:
        found = replay(send, requests, rate, seconds, step.progress)
        step.done(f"{found.answered} of {found.sent} answered")
    return found


def replay(
    send: Send, requests: Sequence[Request], rate: float, seconds: float, progress: Callable[[str], None] = lambda _: None
) -> LoadReport:  # fmt: skip
    """Send them round and round, `rate` a second, for so many `seconds`. Raises AwsError where the first of all fails."""
    alone = _alone(send, requests)
    total = max(1, round(rate * seconds))
    start, lock, sent = time.monotonic() + 0.05, threading.Lock(), list[Sent]()

    def one(number: int) -> None:
        due, code = number / rate, ""
        time.sleep(max(0.0, start + due - time.monotonic()))
        try:
            send(requests[number % len(requests)])
        except AwsError as error:
            code = error.code
        with lock:
            sent.append(Sent(due=due, done=time.monotonic() - start, code=code))
            if len(sent) % max(1, round(rate)) == 0:
                progress(f"{len(sent)} of {total} answered")

    with ThreadPoolExecutor(max_workers=min(WORKERS, total)) as pool:
        list(pool.map(one, range(total)))
    return report(sent, rate, seconds, alone)


def _alone(send: Send, requests: Sequence[Request]) -> float:
    """The median time of one request with nobody else there, in seconds."""
    times = []
    for number in range(ALONE):
        began = time.monotonic()
        send(requests[number % len(requests)])
        times.append(time.monotonic() - began)
    return median(times)


def report(sent: Sequence[Sent], rate: float, seconds: float, alone_s: float) -> LoadReport:
    """What came of requests. Pure."""
    good = [item for item in sent if not item.code]
    latencies = sorted(1000 * (item.done - item.due) for item in good)
    took = max([seconds, *(item.done for item in sent)])
    return LoadReport(
        rate=rate,
        seconds=seconds,
        sent=len(sent),
        answered=len(good),
        errors=dict(Counter(item.code for item in sent if item.code)),
        reached=len(good) / took,
        alone_ms=1000 * alone_s,
        p50_ms=_percentile(latencies, 0.50),
        p90_ms=_percentile(latencies, 0.90),
        p99_ms=_percentile(latencies, 0.99),
        most_ms=latencies[-1] if latencies else math.nan,
    )


def by_line(body: bytes) -> tuple[Request, ...]:
    """A CSV's rows without a header, each as a request. Raises DataError (`load-empty`)."""
    return _some(Request(body=line + b"\n", content_type="text/csv") for line in body.splitlines() if line.strip())


def captured_by(clients: Clients, uri: str, endpoint: str) -> tuple[Request, ...]:
    """What an endpoint was asked, of its captured records below an S3 URI: the newest objects' first. Raises DataError (`load-empty`)."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    s3, requests = clients("s3"), list[Request]()
    place = f"{prefix.rstrip('/')}/{endpoint}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=place)
    keys = sorted((item["Key"] for page in pages for item in page.get("Contents", [])), reverse=True)
    for key in keys:
        for line in read_lines(s3.get_object(Bucket=bucket, Key=key)["Body"].read()):
            if line.record and line.record.input:
                requests.append(request_of(line.record.input))
        if len(requests) >= MOST_CAPTURED:
            break
    return _some(requests)


def request_of(payload: CapturedPayload) -> Request:
    """A captured request, as it was sent."""
    body = base64.b64decode(payload.data) if payload.encoding == "BASE64" else payload.data.encode()
    return Request(body=body, content_type=payload.content_type)


def _some(requests: Iterator[Request] | list[Request]) -> tuple[Request, ...]:
    found = tuple(requests)
    if not found:
        raise DataError(
            "load-empty", "there is nothing to send", "give a CSV with rows, or an endpoint that has captured requests"
        )
    return found


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; not a number of none."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 3)
    return value
