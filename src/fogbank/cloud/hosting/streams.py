"""The answer of InvokeEndpointWithResponseStream: the container's reply as an event stream, piece by piece as it comes.

In: a reply that comes in pieces, or whole, or none; out: PayloadPart events, and in mid-stream ModelStreamError where the container
broke off (StreamBroken) or took longer than 8 minutes (ModelInvocationTimeExceeded). What fails before the first byte is an ordinary error.
Source: botocore's model of the runtime; AWS Developer Guide, "How Containers Serve Requests".
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from fogbank.cloud.ground import eventstream
from fogbank.cloud.ground.connection import Done
from fogbank.cloud.ground.live import Flow, Live
from fogbank.cloud.ground.wire import Answer, new_id
from fogbank.cloud.hosting.lines import InstanceTimeoutError, NoReplyError

HEADER = "x-amzn-sagemaker-"
LARGEST_PART = 8 << 20
"""Bytes of a part: botocore takes no message over 24 MiB."""


class Stream:
    """Such an answer; on the event loop alone. It is called with the answer that an invocation without a stream would have had: when
    it has begun, that says only how it ended."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self.variant = ""
        self.first: float | None = None
        self.failure: NoReplyError | None = None
        self.left = False
        self._live: Live | None = None
        self._flow: Flow | None = None

    @staticmethod
    def takes(given: Mapping[str, str], headers: dict[str, str]) -> None:
        """Let the container hear what the caller accepts: the call has a header of its own for it."""
        headers.pop("accept", None)
        if accept := given.get(HEADER + "accept"):
            headers["accept"] = accept

    @property
    def begun(self) -> bool:
        """Whether its head is sent: what happens from now on is told in mid-stream."""
        return self._live is not None

    def begins(self, status: int, headers: Mapping[str, str], flow: Flow) -> None:
        """The container answers well, in pieces."""
        del status
        self._flow, self._live = flow, Live(self)
        self._done(Answer(headers=as_stream(answer_headers(headers, self.variant)), live=self._live))

    def piece(self, data: bytes) -> None:
        """A piece, as it came."""
        self._first()
        if self._live is not None:
            self._live.write(eventstream.event("PayloadPart", data))

    def ends(self, failure: NoReplyError | None) -> None:
        """The container has nothing more to say, or will not say it."""
        self._flow = None
        self.failure = None if self.left else failure

    def __call__(self, answer: Answer) -> None:
        """The whole answer, or, of one that has begun, its end."""
        if self._live is None:
            self._done(self._whole(answer))
            return
        if self.failure is not None:
            slow = isinstance(self.failure, InstanceTimeoutError)
            code = "ModelInvocationTimeExceeded" if slow else "StreamBroken"
            members = {"Message": str(self.failure), "ErrorCode": code}
            self._live.write(eventstream.exception("ModelStreamError", members))
        elif answer.status != 200:
            self._live.write(eventstream.exception("InternalStreamFailure", {"Message": "the local cloud failed"}))
        self._live.close()

    # What the body calls: its flow is the container's, for as long as that answers.

    def pause(self) -> None:
        """Bring no more for now."""
        if self._flow is not None:
            self._flow.pause()

    def resume(self) -> None:
        """Go on."""
        if self._flow is not None:
            self._flow.resume()

    def leave(self) -> None:
        """The caller has gone."""
        self.left = True
        if self._flow is not None:
            self._flow.leave()

    def _whole(self, answer: Answer) -> Answer:
        """An answer that came as one is one part; an error is what it is."""
        if answer.status != 200:
            return answer
        self._first()
        body = answer.body
        parts = [body[at : at + LARGEST_PART] for at in range(0, len(body), LARGEST_PART)]
        return Answer(
            headers=as_stream(answer.headers), body=b"".join([eventstream.event("PayloadPart", part) for part in parts])
        )

    def _first(self) -> None:
        if self.first is None:
            self.first = time.perf_counter()


def measures(stream: Stream, started: float, asked: float) -> dict[str, tuple[float, str]]:
    """What CloudWatch hears of a stream of an invocation that `started`, and whose container was `asked`. Source: AWS Developer Guide,
    "Amazon SageMaker AI metrics in Amazon CloudWatch"."""
    values = {"MidStreamErrors": (float(stream.failure is not None), "None")}
    if stream.first is None:
        return values
    whole, model = stream.first - started, stream.first - asked
    seconds = {"FirstChunkLatency": whole, "FirstChunkModelLatency": model, "FirstChunkOverheadLatency": whole - model}
    return {**values, **{name: (second * 1e6, "Microseconds") for name, second in seconds.items()}}


def answer_headers(headers: Mapping[str, str], variant: str) -> dict[str, str]:
    """What an answer's head says, of a container's."""
    answered = {
        "Content-Type": headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant,
        "x-amzn-RequestId": new_id(),
    }
    if attributes := headers.get(HEADER + "custom-attributes"):
        answered["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return answered


def as_stream(answered: Mapping[str, str]) -> dict[str, str]:
    """The same of a stream, whose own type is another."""
    kind = answered["Content-Type"]
    return {**answered, "Content-Type": eventstream.CONTENT_TYPE, "X-Amzn-SageMaker-Content-Type": kind}
