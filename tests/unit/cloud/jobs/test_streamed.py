"""MaxPayloadInMB 0: an object is one request of any size, in chunks, and its answer is written as it comes."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.jobs.job import JobError
from fogbank.cloud.jobs.objects import Source
from fogbank.contracts.transform import DataProcessing, ModelClient, TransformOutput, TransformRequest
from fogbank.transform.flow import BLOCK
from tests.fakes.objects import MemoryObjects
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances, FakeScorer, FakeStream
from tests.unit.cloud.jobs.test_batch import REQUEST, Endless, Thrown, batch, four, outputs, shout

ANY = replace(REQUEST, max_payload_mb=0)


def processed(before: str = "$", after: str = "$", join: str = "Input", media: str = "text/csv") -> TransformRequest:
    """Lines that are filtered and joined."""
    return replace(
        ANY,
        source=replace(ANY.source, content_type=media),
        target=TransformOutput(uri="s3://b/out", accept=media, assemble_with="Line"),
        processing=DataProcessing(input_filter=before, output_filter=after, join_source=join),
    )


def whole(request: TransformRequest = ANY) -> TransformRequest:
    """Without a SplitType."""
    return replace(request, source=replace(request.source, split_type="None"))


@pytest.mark.parametrize("assemble", ["None", "Line"])
@pytest.mark.parametrize("request_", [ANY, whole()])
def test_an_object_is_one_request_and_its_answer_the_output(
    runner: Runner, request_: TransformRequest, assemble: str
) -> None:
    objects, instances, log = four(), FakeInstances(shout), list[str]()
    objects.buckets["b"] |= {"in/e": b"without an end", "in/f": b""}
    request = replace(request_, target=replace(REQUEST.target, assemble_with=assemble))
    batch(request, objects, instances, runner, log).run(threading.Event())

    end = b"\n" if assemble == "Line" else b""
    empty = b"" if request.source.split_type == "Line" else end
    expected = {f"out/{name}.out": f"{name}1\n{name}2\n".upper().encode() for name in "abcd"}
    assert outputs(objects) == {**expected, "out/e.out": b"WITHOUT AN END" + end, "out/f.out": empty}
    asked = [b"", *objects.buckets["b"].values()][1:7]
    assert instances.started[0].bodies == [body for body in asked if body or request.source.split_type == "None"]
    assert log[0] == "[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=0, BatchStrategy=MULTI_RECORD"


def test_an_error_is_asked_again_or_named(runner: Runner) -> None:
    def says(scorer: FakeScorer, body: bytes) -> FakeReply:
        if body.startswith(b"a") and len(scorer.bodies) < 3:
            return FakeReply(500, b"not yet")
        return FakeReply(400, b"no c") if body.startswith(b"c") else FakeReply(data=body)

    objects = four()
    with pytest.raises(JobError, match=r"^ClientError: b/in/c: all records: 400: n$"):
        batch(ANY, objects, FakeInstances(says), runner, []).run(threading.Event())
    assert list(outputs(objects)) == ["out/a.out", "out/b.out", "out/d.out"]
    assert outputs(objects)["out/a.out"] == b"a1\na2\n"


class Breaks(FakeScorer):
    """Dies in the middle of its answer."""

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> FakeStream:
        self.bodies.append(b"".join(parts))

        def broken() -> Iterator[bytes]:
            yield b"half"
            raise InstanceDownError("connection reset")

        return FakeStream(200, broken())


def test_an_answer_that_breaks_off_is_no_output(runner: Runner) -> None:
    objects, breaks = MemoryObjects(b={"in/a": b"1\n"}), Breaks(0, shout)
    objects.part = 1  # each part of the answer is S3's at once
    request = replace(ANY, client=ModelClient(retries=1))
    with pytest.raises(JobError, match=r"^AlgorithmError: b/in/a: all records: connection reset$"):
        batch(request, objects, lambda: breaks, runner, []).run(threading.Event())

    assert (outputs(objects), objects.uploads) == ({}, {})
    assert breaks.bodies == [b"1\n", b"1\n"]


class BreaksOnce(FakeScorer):
    """Dies in the middle of its first answer."""

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> FakeStream:
        self.bodies.append(b"".join(parts))
        answer = self.bodies[-1].upper()

        def said() -> Iterator[bytes]:
            yield answer[:-2]
            if len(self.bodies) == 1:
                raise InstanceDownError("connection reset")
            yield answer[-2:]

        return FakeStream(200, said())


@pytest.mark.parametrize(("request_", "line"), [(ANY, b"X\n"), (processed(), b"x,X\n")])
def test_a_server_that_dies_in_its_answer_is_asked_again(
    runner: Runner, request_: TransformRequest, line: bytes
) -> None:
    objects, breaks = MemoryObjects(b={"in/a": b"x\n" * BLOCK}), BreaksOnce(0, shout)
    objects.part = 1
    batch(request_, objects, lambda: breaks, runner, []).run(threading.Event())

    assert (outputs(objects), objects.uploads) == ({"out/a.out": line * BLOCK}, {})
    assert breaks.bodies == [b"x\n" * BLOCK] * 2


@pytest.mark.parametrize(
    ("request_", "body", "asked", "expected"),
    [
        (processed("$[1:]", "$[0,-1]"), b'i,a,2\r\n\n"j,k",b,3', b"a,2\nb,3\n", b'i,2\n"j,k",3\n'),
        (processed("$[1]", join="None"), b"i,a\nj,b\n", b"a\nb\n", b"A\nB\n"),
        (
            processed("$.v", "$['id','SageMakerOutput']", media="application/jsonlines"),
            b'{"id":1,"v":[1]}\n{"id":2,"v":2}', b"[1]\n2\n",
            b'{"id":1,"SageMakerOutput":[1]}\n{"id":2,"SageMakerOutput":2}\n',
        ),
        (processed(), b"\n\n", None, b""),
    ],
)  # fmt: skip
def test_lines_are_filtered_and_joined_as_they_come(
    runner: Runner, request_: TransformRequest, body: bytes, asked: bytes | None, expected: bytes
) -> None:
    objects, instances = MemoryObjects(b={"in/a": body}), FakeInstances(shout)
    batch(request_, objects, instances, runner, []).run(threading.Event())

    assert outputs(objects) == {"out/a.out": expected}
    assert instances.started[0].bodies == ([] if asked is None else [asked])


@pytest.mark.parametrize(
    ("request_", "says", "reason"),
    [
        (processed("$[1]"), shout, "b/in/a: record 3: index 1 does not lie within"),
        (processed(after="$[5]"), shout, "b/in/a: record 1: index 5 does not lie within"),
        (processed(), lambda *_: FakeReply(data=b"1\n"), "b/in/a: all records: the model answered 2 records with 1"),
    ],
)
def test_a_record_that_cannot_be_filtered_or_joined_is_named(
    runner: Runner, request_: TransformRequest, says: Any, reason: str
) -> None:
    objects = MemoryObjects(b={"in/a": b"i,1\n\nj\n"})
    with pytest.raises(JobError, match=f"^ClientError: {reason}"):
        batch(request_, objects, FakeInstances(says), runner, []).run(threading.Event())

    assert outputs(objects) == {}


class Anew(MemoryObjects):
    """Objects that are another each time that they are read."""

    def read(self, bucket: str, key: str, start: int = 0) -> Source:
        source = super().read(bucket, key, start)
        self.buckets[bucket][key] += b"3,4\n"
        return source


def test_an_object_that_is_written_anew_is_not_joined_with_the_old_ones_answers(runner: Runner) -> None:
    objects = Anew(b={"in/a": b"1,2\n"})
    with pytest.raises(JobError, match="written anew while it was read"):
        batch(processed(), objects, FakeInstances(shout), runner, []).run(threading.Event())

    assert outputs(objects) == {}


class Flows(FakeScorer):
    """Answers each part of a request with as many bytes, as it comes."""

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> FakeStream:
        return FakeStream(200, (part.upper() for part in parts))


@pytest.mark.parametrize("request_", [whole(), processed("$[0]", "$[0]", "Input"), processed("$[0]", join="None")])
def test_memory_is_flat_whatever_the_objects_size(runner: Runner, request_: TransformRequest) -> None:
    objects = Endless(b={"in/a": b""})
    objects.upload = lambda bucket, key, state=None: Thrown(objects, bucket, key, *(state or ("", ())))  # type: ignore[method-assign]  # a fake of a fake
    before = Thrown.written
    tracemalloc.start()
    try:
        batch(request_, objects, lambda: Flows(0, shout), runner, []).run(threading.Event())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert Thrown.written - before == Endless.SIZE
    assert most < Endless.SIZE // 4, most
