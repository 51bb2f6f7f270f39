"""An object as one request of any size, MaxPayloadInMB 0: it goes to the model in chunks, and the answer to S3, as they come.

In: an object's bytes and an instance; out: its output, in flat memory on this side. What a model keeps of a request is its own matter.
Source: CreateTransformJob in the API reference, MaxPayloadInMB: "the payload ... is transmitted using HTTP chunked encoding".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from fogbank.cloud.hosting.lines import InstanceDownError, InstanceTimeoutError
from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.objects import Upload
from fogbank.cloud.jobs.problems import ALGORITHM, CLIENT, LONGEST_QUOTE, PAUSE_S, ObjectFailedError
from fogbank.cloud.jobs.scoring import Scorer, Settings, headers_of
from fogbank.contracts.transform import TransformRequest
from fogbank.transform.association import AsItIs, Associated, AssociationError, by_lines
from fogbank.transform.flow import Flow
from fogbank.transform.records import SINGLE

NEWLINE = b"\n"


def is_streamed(request: TransformRequest, settings: Settings, associated: Associated) -> bool:
    """Whether an object is one request of any size. A value that is filtered or joined, and records with frames, are looked at in one piece."""
    split = request.source.split_type or "None"
    if settings.payload_limit:
        return False
    if split == "Line" and settings.strategy != SINGLE:
        return isinstance(associated, AsItIs) or by_lines(associated) is not None
    return split == "None" and isinstance(associated, AsItIs)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """One object: `parts` gives its bytes from the beginning, `scorer` the instance, `upload` an output that is begun. An instance that died
    is replaced and asked again, and what had come of its answer is no output."""

    request: TransformRequest
    settings: Settings
    associated: Associated
    parts: Callable[[], Iterator[bytes]]
    scorer: Callable[[], Scorer]
    upload: Callable[[], Upload]
    stop: threading.Event

    def write(self) -> None:
        """Its output, all of it or nothing. Raises ObjectFailedError, ObjectError, StartError, JobStoppedError."""
        problem = ObjectFailedError(ALGORITHM, "")
        for _ in range(self.settings.retries + 1):
            upload = self.upload()
            try:
                found = self._attempt(upload)
                if found is None:
                    upload.finish()
                    return
            except BaseException:
                upload.abort()
                raise
            upload.abort()
            problem = found
            if problem.blame == CLIENT:
                break
        raise problem

    def _attempt(self, upload: Upload) -> ObjectFailedError | None:
        """None where all of it is written; or why nothing is."""
        records = by_lines(self.associated)
        if records is None:
            return self._asked(upload, self.parts(), lambda reply: reply)
        flow = Flow(records, self.parts)
        try:
            return self._asked(upload, flow.request(), flow.output)
        except AssociationError as error:
            where = "all records" if error.record is None else f"record {flow.line(error.record)}"
            raise ObjectFailedError(CLIENT, str(error), where=where) from error

    def _asked(
        self, upload: Upload, parts: Iterator[bytes], written: Callable[[Iterator[bytes]], Iterator[bytes]]
    ) -> ObjectFailedError | None:
        """As `_attempt`: the parts of the request, and what is written of those of its answer. Raises AssociationError."""
        first = next(parts, b"")
        lines = self.request.source.split_type == "Line"
        if lines and not first:
            return None  # no line, no request
        where = "all records" if lines else "record 1"
        scorer, last = self.scorer(), b""
        if self.stop.is_set():
            raise JobStoppedError
        try:
            reply = scorer.stream(chain([first], parts), headers_of(self.request), self.settings.timeout_s)
            if reply.status != 200:
                blame = ALGORITHM if reply.status >= 500 else CLIENT
                message = next(reply.parts, b"").decode(errors="replace")
                return ObjectFailedError(blame, str(reply.status), message[:LONGEST_QUOTE], where)
            for part in written(reply.parts):
                if self.stop.is_set():
                    raise JobStoppedError
                upload.write(part)
                last = part[-1:] or last
        except (InstanceDownError, InstanceTimeoutError) as error:
            if self.stop.wait(PAUSE_S):
                raise JobStoppedError from error
            return ObjectFailedError(ALGORITHM, str(error), where=where)
        if self.request.target.assemble_with == "Line" and last != NEWLINE:
            upload.write(NEWLINE)
        return None
