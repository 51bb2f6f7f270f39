"""The way of an asynchronous request's outcome: its input from S3, its answer to S3, its message to SNS.

In: requests and the container's answers; out: objects and messages. What is to be published is in the store before it is, with the place
in the journal at that time: so a cloud that was killed in between knows whether it was, and no message goes twice.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Store
from fogbank.cloud.hosting.asynchronous import INPUT_LIMIT, AsyncRequest
from fogbank.cloud.hosting.notices import Clients, Notices, Result, message_of, topic_of
from fogbank.cloud.observe.capture import Source
from fogbank.cloud.observe.samples import Samples
from fogbank.ground.aws import split_uri

log = logging.getLogger("fogbank.cloud")
KIND = "async-request"
"""What accepted requests lie under in the store."""


class InputError(Exception):
    """The input of a request cannot be had; the text is its failureReason."""


class Deliveries:
    """Carries inputs and outcomes."""

    def __init__(self, store: Store, clock: Clock, clients: Clients, notices: Notices, samples: Samples) -> None:
        self._store, self._clock, self._clients = store, clock, clients
        self._notices, self._samples = notices, samples

    def fetch(self, source: Source, request: AsyncRequest) -> bytes:
        """The request's input. Raises InputError."""
        if not request.input:
            return request.inline
        started = time.perf_counter()
        bucket, key = split_uri(request.input)
        try:
            found = self._s3(request).get_object(Bucket=bucket, Key=key)
            if found["ContentLength"] > INPUT_LIMIT:
                raise InputError(f"ClientError: the input {request.input} is over the limit of {INPUT_LIMIT} bytes.")
            body: bytes = found["Body"].read()
        except (BotoCoreError, ClientError, OSError) as error:
            self._samples.add(source, "RequestDownloadFailures", 1, "Count")
            raise InputError(f"ClientError: the input {request.input} cannot be read: {error}") from error
        self._took(source, "RequestDownloadLatency", started)
        return body

    def conclude(self, source: Source, request: AsyncRequest, result: Result) -> None:
        """Write the outcome to S3, say so, and let the request go."""
        kept = self._keep(source, request, result)
        if topic := topic_of(request, kept):
            message = message_of(request, kept, self._clock.epoch())
            request = replace(request, topic=topic, message=message, told_after=self._store.next_seq() - 1)
            self._store.put(KIND, request.region, request.id, request.encode())
            self._notices.publish(source, topic, message)
        self._store.delete(KIND, request.region, request.id)
        self._samples.add(source, "InvocationFailures" if kept.reason else "InvocationsProcesssed", 1, "Count")
        taken_ms = (self._clock.epoch() - request.received) * 1e3
        self._samples.add(source, "TotalProcessingTime", taken_ms, "Milliseconds")

    def resume(self, request: AsyncRequest) -> None:
        """Say what an earlier process was about to say, if it did not."""
        if not self._was_published(request):
            self._notices.publish(Source(request.region, request.endpoint, ""), request.topic, request.message)
        self._store.delete(KIND, request.region, request.id)

    def _keep(self, source: Source, request: AsyncRequest, result: Result) -> Result:
        """Write the answer where it belongs; what came of the request after that."""
        place = request.failure if result.reason else request.output
        if not place or (result.reason and not result.body):
            return result
        started = time.perf_counter()
        bucket, key = split_uri(place)
        try:
            self._s3(request).put_object(Bucket=bucket, Key=key, Body=result.body, ContentType=result.content_type)
        except (BotoCoreError, ClientError, Boto3Error) as error:
            log.warning("endpoint %s: %s cannot be written: %s", request.endpoint, place, error)
            self._samples.add(source, "ResponseUploadFailures", 1, "Count")
            return Result(reason=result.reason or f"ClientError: the response cannot be written to {place}: {error}")
        self._took(source, "ResponseUploadLatency", started)
        return result

    def _was_published(self, request: AsyncRequest) -> bool:
        """Whether the journal has the very message: each has its own id and time."""
        for entry in self._store.journal(request.told_after):
            form = parse_qs(entry.body.decode(errors="replace")) if b"Action=Publish" in entry.body else {}
            if form.get("Message") == [request.message] and form.get("TopicArn") == [request.topic]:
                return True
        return False

    def _s3(self, request: AsyncRequest) -> Any:
        return self._clients("s3", request.region)

    def _took(self, source: Source, name: str, started: float) -> None:
        self._samples.add(source, name, (time.perf_counter() - started) * 1e6, "Microseconds")
