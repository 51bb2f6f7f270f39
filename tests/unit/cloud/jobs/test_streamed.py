"""MaxPayloadInMB 0: an object is one request of any size, in chunks, and its answer is written as it comes."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.jobs.job import JobError
from fogbank.contracts.transform import ModelClient, TransformRequest
from tests.fakes.objects import MemoryObjects
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances, FakeScorer, FakeStream
from tests.unit.cloud.jobs.test_batch import REQUEST, Endless, Thrown, batch, four, outputs, shout

ANY = replace(REQUEST, max_payload_mb=0)


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
    request = replace(ANY, client=ModelClient(retries=3))
    with pytest.raises(JobError, match=r"^AlgorithmError: b/in/a: all records: connection reset$"):
        batch(request, objects, lambda: breaks, runner, []).run(threading.Event())

    assert outputs(objects) == {}
    assert breaks.bodies == [b"1\n"]


class Flows(FakeScorer):
    """Answers each part of a request with as many bytes, as it comes."""

    def stream(self, parts: Iterator[bytes], headers: Mapping[str, str], timeout_s: float) -> FakeStream:
        return FakeStream(200, (part.upper() for part in parts))


def test_memory_is_flat_whatever_the_objects_size(runner: Runner) -> None:
    objects = Endless(b={"in/a": b""})
    objects.upload = lambda bucket, key, state=None: Thrown(objects, bucket, key, *(state or ("", ())))  # type: ignore[method-assign]  # a fake of a fake
    before = Thrown.written
    tracemalloc.start()
    try:
        batch(whole(), objects, lambda: Flows(0, shout), runner, []).run(threading.Event())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert Thrown.written - before == Endless.SIZE
    assert most < Endless.SIZE // 8, most
