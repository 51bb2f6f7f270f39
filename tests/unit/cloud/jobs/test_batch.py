"""A run of a transform job: instances that work at the same time, outputs that are whole or not there."""

from __future__ import annotations

import json
import threading
import tracemalloc
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.lines import InstanceTimeoutError
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.objects import Source
from fogbank.contracts.transform import (
    BatchCapture,
    DataProcessing,
    ModelClient,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)
from tests.fakes.objects import MemoryObjects, MemoryUpload
from tests.fakes.progress import MemoryProgress
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances, FakeScorer
from tests.waiting import until

REQUEST = TransformRequest(
    job="j",
    model="m",
    source=TransformInput(data_type="S3Prefix", uri="s3://b/in/", content_type="text/csv", split_type="Line"),
    target=TransformOutput(uri="s3://b/out"),
    resources=TransformResources(instance_type="ml.m5.large", instance_count=1),
)


def on(count: int, request: TransformRequest = REQUEST) -> TransformRequest:
    return replace(request, resources=replace(request.resources, instance_count=count))


def shout(_: FakeScorer, body: bytes) -> FakeReply:
    return FakeReply(data=body.upper())


def four() -> MemoryObjects:
    return MemoryObjects(b={f"in/{name}": f"{name}1\n{name}2\n".encode() for name in "abcd"})


def batch(
    request: TransformRequest, objects: MemoryObjects, instances: Any, runner: Runner, log: list[str],
    progress: MemoryProgress | None = None,
) -> Batch:  # fmt: skip
    return Batch(
        request=request, store=objects, start=instances, runner=runner, key=("transform-job", "r", "j"),
        progress=progress or MemoryProgress(), started=0, log=log.append,
    )  # fmt: skip


def outputs(objects: MemoryObjects) -> dict[str, bytes]:
    return {key: body for key, body in objects.buckets["b"].items() if key.startswith("out/")}


def test_every_object_has_its_output(runner: Runner) -> None:
    objects, instances, log = four(), FakeInstances(shout), list[str]()
    batch(REQUEST, objects, instances, runner, log).run(threading.Event())

    assert outputs(objects) == {f"out/{name}.out": f"{name}1\n{name}2\n".upper().encode() for name in "abcd"}
    assert log == ["[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD"]
    assert not any(scorer.alive() for scorer in instances.started)


def test_instances_work_at_the_same_time_each_on_its_objects(runner: Runner) -> None:
    together = threading.Barrier(4)

    def meet(_: FakeScorer, body: bytes) -> FakeReply:
        together.wait(20)  # returns when four calls are being answered at once, and raises otherwise
        return FakeReply(data=body)

    objects, instances = four(), FakeInstances(meet)
    batch(on(4), objects, instances, runner, []).run(threading.Event())

    assert sorted(outputs(objects)) == [f"out/{name}.out" for name in "abcd"]
    assert sorted(scorer.bodies for scorer in instances.started) == [
        [f"{name}1\n{name}2\n".encode()] for name in "abcd"
    ]


def test_instances_start_at_the_same_time(runner: Runner) -> None:
    together, instances = threading.Barrier(3), FakeInstances(shout)

    def start() -> FakeScorer:
        together.wait(20)
        return instances()

    batch(on(3), four(), start, runner, []).run(threading.Event())

    assert len(instances.started) == 3


def test_objects_are_spread_over_no_more_instances_than_there_are_objects(runner: Runner) -> None:
    instances = FakeInstances(shout)
    batch(on(3), four(), instances, runner, []).run(threading.Event())
    few = FakeInstances(shout)
    batch(on(9), four(), few, runner, []).run(threading.Event())

    assert sorted(len(scorer.bodies) for scorer in instances.started) == [1, 1, 2]
    assert len(few.started) == 4


def test_an_instance_that_dies_is_replaced_and_its_object_is_whole(runner: Runner) -> None:
    def dies_once(scorer: FakeScorer, body: bytes) -> FakeReply:
        return scorer.die() if scorer.number == 0 and body == b"c2\n" else FakeReply(data=body.upper())

    objects, instances = four(), FakeInstances(dies_once)
    request = on(2, replace(REQUEST, batch_strategy="SingleRecord"))
    batch(request, objects, instances, runner, []).run(threading.Event())

    assert outputs(objects) == {f"out/{name}.out": f"{name}1\n{name}2\n".upper().encode() for name in "abcd"}
    assert len(instances.started) in {2, 3}  # which of the two got object c is chance


def test_an_object_that_kills_every_instance_fails_alone(runner: Runner) -> None:
    def dies_of_b(scorer: FakeScorer, body: bytes) -> FakeReply:
        return scorer.die() if body.startswith(b"b") else FakeReply(data=body)

    objects, instances, log = four(), FakeInstances(dies_of_b), list[str]()
    request = replace(REQUEST, client=ModelClient(retries=2))
    with pytest.raises(JobError, match=r"^AlgorithmError: b/in/b: records 1-2: the instance died: connection reset$"):
        batch(request, objects, instances, runner, log).run(threading.Event())

    assert [scorer.bodies[-1][:1] for scorer in instances.started] == [b"b", b"b", b"b", b"d"]
    assert sorted(outputs(objects)) == ["out/a.out", "out/c.out", "out/d.out"]
    assert log[1:] == [
        "[sagemaker logs]: b/in/b: AlgorithmError: the instance died: connection reset",
        "[sagemaker logs]: b/in/b: records 1-2",
    ]


def test_the_first_object_that_failed_is_named_and_every_one_is_tried(runner: Runner) -> None:
    def refuses(_: FakeScorer, body: bytes) -> FakeReply:
        return FakeReply(400, b"no") if body[:1] in b"bd" else FakeReply(data=body)

    objects, instances, log = four(), FakeInstances(refuses), list[str]()
    with pytest.raises(JobError, match=r"^ClientError: b/in/b: records 1-2: 400: no$"):
        batch(on(2), objects, instances, runner, log).run(threading.Event())

    assert sorted(outputs(objects)) == ["out/a.out", "out/c.out"]
    lines = ["ClientError: 400", "records 1-2", "", "Message:", "no"]
    for item in ("b/in/b", "b/in/d"):
        assert [line for line in log if item in line] == [f"[sagemaker logs]: {item}: {line}" for line in lines]
    assert sum(len(scorer.bodies) for scorer in instances.started) == 4  # what the caller did wrong is not tried again


def test_a_request_is_tried_again_after_a_servers_error_or_silence(runner: Runner) -> None:
    problems: Iterator[FakeReply | Exception] = iter([FakeReply(503), InstanceTimeoutError("no answer within 1 s")])

    def late(_: FakeScorer, body: bytes) -> FakeReply:
        problem = next(problems, None)
        if isinstance(problem, Exception):
            raise problem
        return problem or FakeReply(data=body)

    objects = MemoryObjects(b={"in/a": b"1\n"})
    batch(REQUEST, objects, FakeInstances(late), runner, []).run(threading.Event())
    problems = iter([FakeReply(503, b"busy")] * 4)

    assert outputs(objects) == {"out/a.out": b"1\n"}
    with pytest.raises(JobError, match="AlgorithmError: b/in/a: record 1: 503: busy"):
        batch(REQUEST, objects, FakeInstances(late), runner, []).run(threading.Event())


def test_concurrent_requests_of_an_object_keep_its_order(runner: Runner) -> None:
    together = threading.Barrier(4)

    def meet(_: FakeScorer, body: bytes) -> FakeReply:
        together.wait(20)
        return FakeReply(data=body)

    lines = b"".join(b"%d\n" % number for number in range(40))
    objects = MemoryObjects(b={"in/a": lines})
    request = replace(REQUEST, batch_strategy="SingleRecord", max_concurrent=4)
    batch(request, objects, FakeInstances(meet), runner, []).run(threading.Event())

    assert outputs(objects) == {"out/a.out": lines}


def test_stopping_breaks_off_what_is_asked_and_writes_nothing(runner: Runner) -> None:
    objects, stop = four(), threading.Event()
    instances = FakeInstances(lambda scorer, _: scorer.hang())
    ends: list[Exception] = []

    def work(_: threading.Event) -> None:
        try:
            batch(on(2), objects, instances, runner, []).run(stop)
        except JobStoppedError as end:
            ends.append(end)

    task = runner.submit(("test",), work)
    until(lambda: sum(len(scorer.bodies) for scorer in instances.started) == 2)
    stop.set()

    assert task.ended.wait(20)
    assert [type(end) for end in ends] == [JobStoppedError]
    assert outputs(objects) == {}
    assert not any(scorer.alive() for scorer in instances.started)


def test_an_instance_that_does_not_start_fails_the_job_and_the_others_are_ended(runner: Runner) -> None:
    instances, first = FakeInstances(shout), threading.Lock()

    def start() -> FakeScorer:
        if first.acquire(blocking=False):
            raise StartError("no handler")
        return instances()

    with pytest.raises(JobError, match=r"^AlgorithmError: no handler$"):
        batch(on(3), four(), start, runner, []).run(threading.Event())

    assert [scorer.alive() for scorer in instances.started] == [False, False]


def test_a_runner_that_is_closed_does_nothing(runner: Runner) -> None:
    assert runner.close(5)

    with pytest.raises(JobStoppedError):
        batch(REQUEST, four(), FakeInstances(shout), runner, []).run(threading.Event())


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://b/none/", "ClientError: no object lies under s3://b/none/; there is nothing to transform"),
        ("s3://gone/in/", "ClientError: s3://gone/in/ cannot be read: NoSuchBucket: gone"),
    ],
)
def test_nothing_to_read(runner: Runner, uri: str, reason: str) -> None:
    request = replace(REQUEST, source=replace(REQUEST.source, uri=uri))
    with pytest.raises(JobError) as failure:
        batch(request, four(), FakeInstances(shout), runner, []).run(threading.Event())

    assert str(failure.value) == reason


def test_an_output_that_cannot_be_written_fails_its_object(runner: Runner) -> None:
    request = replace(REQUEST, target=TransformOutput(uri="s3://gone/out"))
    with pytest.raises(JobError, match=r"^ClientError: b/in/a: NoSuchBucket: gone$"):
        batch(request, four(), FakeInstances(shout), runner, []).run(threading.Event())


def test_a_manifest_names_its_objects(runner: Runner) -> None:
    objects = four()
    objects.buckets["b"]["manifest"] = json.dumps([{"prefix": "s3://b/in/"}, "d", "b"]).encode()
    request = replace(REQUEST, source=replace(REQUEST.source, data_type="ManifestFile", uri="s3://b/manifest"))
    batch(request, objects, FakeInstances(shout), runner, []).run(threading.Event())

    assert objects.puts == ["out/d.out", "out/b.out"]


def test_outputs_appear_whole_and_a_job_goes_on_within_an_object(runner: Runner) -> None:
    """A model that lets nobody past record 40 once: what was written before is not asked for again."""
    stop, asked = threading.Event(), list[bytes]()

    def ends_at_40(_: FakeScorer, body: bytes) -> FakeReply:
        asked.append(body)
        if body == b"40\n":
            stop.set()
        return FakeReply(data=body)

    lines = [b"%d\n" % number for number in range(1, 101)]
    objects, progress = MemoryObjects(b={"in/a": b"x\n", "in/b": b"".join(lines)}), MemoryProgress()
    objects.part = 30
    request = replace(REQUEST, batch_strategy="SingleRecord")
    with pytest.raises(JobStoppedError):
        batch(request, objects, FakeInstances(ends_at_40), runner, [], progress).run(stop)
    assert outputs(objects) == {"out/a.out": b"x\n"}
    mark = progress.marks["b/in/b"]
    assert 25 < mark.records < 40
    assert mark.offset == len(b"".join(lines[: mark.records]))
    first, asked[:] = list(asked), []
    batch(request, objects, FakeInstances(ends_at_40), runner, [], progress).run(threading.Event())

    assert outputs(objects) == {"out/a.out": b"x\n", "out/b.out": b"".join(lines)}
    assert asked == lines[mark.records :]
    assert objects.reads[-1] == ("in/b", mark.offset - 1)
    assert b"x\n" in first


@pytest.mark.parametrize("change", ["the object", "the upload"])
def test_a_job_begins_an_object_again_where_it_cannot_go_on(runner: Runner, change: str) -> None:
    stop = threading.Event()

    def ends_at_8(_: FakeScorer, body: bytes) -> FakeReply:
        if body == b"8\n":
            stop.set()
        return FakeReply(data=body)

    lines = b"".join(b"%d\n" % number for number in range(1, 10))
    objects, progress = MemoryObjects(b={"in/a": lines}), MemoryProgress()
    objects.part = 6
    request = replace(REQUEST, batch_strategy="SingleRecord")
    with pytest.raises(JobStoppedError):
        batch(request, objects, FakeInstances(ends_at_8), runner, [], progress).run(stop)
    if change == "the object":
        objects.buckets["b"]["in/a"] = lines = lines.replace(b"1", b"other")
    else:
        objects.uploads.clear()
    batch(request, objects, FakeInstances(ends_at_8), runner, [], progress).run(threading.Event())

    assert outputs(objects) == {"out/a.out": lines}
    assert objects.uploads == {}


def test_a_job_that_ends_leaves_nothing_of_what_it_wrote(runner: Runner) -> None:
    stop = threading.Event()

    def ends_at_8(_: FakeScorer, body: bytes) -> FakeReply:
        if body == b"8\n":
            stop.set()
        return FakeReply(data=body)

    objects, progress = (
        MemoryObjects(b={"in/a": b"".join(b"%d\n" % number for number in range(1, 10))}),
        MemoryProgress(),
    )
    objects.part = 6
    stopped = batch(
        replace(REQUEST, batch_strategy="SingleRecord"), objects, FakeInstances(ends_at_8), runner, [], progress
    )
    with pytest.raises(JobStoppedError):
        stopped.run(stop)
    assert objects.uploads
    stopped.forget()

    assert (objects.uploads, progress.marks, outputs(objects)) == ({}, {}, {})


def test_a_record_that_fails_is_named(runner: Runner) -> None:
    objects = MemoryObjects(b={"in/a": b'1,2\n\n3,4\n5,a"b\n'})
    csv = replace(
        REQUEST,
        target=replace(REQUEST.target, accept="text/csv", assemble_with="Line"),
        processing=DataProcessing(input_filter="$[1:]"),
    )
    log = list[str]()
    with pytest.raises(JobError, match=r'^ClientError: b/in/a: record 4: Failed to parse input as CSV: bare "'):
        batch(csv, objects, FakeInstances(shout), runner, log).run(threading.Event())

    assert log[1].startswith('[sagemaker logs]: b/in/a: ClientError: Failed to parse input as CSV: bare "')
    assert log[2] == "[sagemaker logs]: b/in/a: record 4"
    assert outputs(objects) == {}


def test_data_capture_writes_manifests_and_ids(runner: Runner) -> None:
    objects = four()
    csv = replace(
        REQUEST,
        target=replace(REQUEST.target, accept="text/csv", assemble_with="Line"),
        capture=BatchCapture(uri="s3://b/capture", generate_inference_id=True),
    )
    batch(csv, objects, FakeInstances(shout), runner, []).run(threading.Event())

    found = {key.rpartition("/")[0]: body for key, body in objects.buckets["b"].items() if key.startswith("capture/")}
    assert found == {
        "capture/input/1970/01/01/00": b'[{"prefix":"s3://b/in/"},"a","b","c","d"]',
        "capture/output/1970/01/01/00": b'[{"prefix":"s3://b/out/"},"a.out","b.out","c.out","d.out"]',
    }
    rows = [line.split(b",") for body in outputs(objects).values() for line in body.splitlines()]
    assert [row[0] for row in rows] == [f"{name}{number}".upper().encode() for name in "abcd" for number in (1, 2)]
    assert {row[2] for row in rows} == {b"1970-01-01T00:00:00Z"}
    assert len({uuid.UUID(row[1].decode()) for row in rows}) == 8


def test_one_object_is_its_own_prefix_in_a_manifest(runner: Runner) -> None:
    objects = four()
    one = replace(
        REQUEST, source=replace(REQUEST.source, uri="s3://b/in/a"), capture=BatchCapture(uri="s3://b/capture")
    )
    batch(one, objects, FakeInstances(shout), runner, []).run(threading.Event())

    assert b'[{"prefix":"s3://b/in/a"},""]' in objects.buckets["b"].values()


class Endless(MemoryObjects):
    """One long object that is made as it is read; what is written is counted and thrown away."""

    SIZE = 1 << 26
    LINE = (b"x" * 255 + b"\n") * (1 << 12)

    def read(self, bucket: str, key: str, start: int = 0) -> Source:
        assert (bucket, key, start) == ("b", "in/a", 0)
        return Source(etag='"e"', parts=(self.LINE for _ in range(self.SIZE // len(self.LINE))))

    def put(self, bucket: str, key: str, body: bytes) -> None:
        self.puts.append(f"{bucket}/{key}")


class Thrown(MemoryUpload):
    """Parts whose bytes nobody keeps."""

    written = 0

    def write(self, body: bytes) -> bool:
        type(self).written += len(body)
        return False


def test_memory_is_a_few_mini_batches_whatever_the_objects_size(runner: Runner) -> None:
    objects = Endless(b={"in/a": b""})
    objects.upload = lambda bucket, key, state=None: Thrown(objects, bucket, key, *(state or ("", ())))  # type: ignore[method-assign]  # a fake of a fake
    csv = replace(
        REQUEST, max_payload_mb=1, target=replace(REQUEST.target, accept="text/csv", assemble_with="Line"),
        processing=DataProcessing(join_source="Input"),
    )  # fmt: skip

    def forgets(scorer: FakeScorer, body: bytes) -> FakeReply:
        scorer.bodies.clear()
        return FakeReply(data=b"1\n" * body.count(b"\n"))

    tracemalloc.start()
    try:
        batch(csv, objects, FakeInstances(forgets), runner, []).run(threading.Event())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert Thrown.written == Endless.SIZE + 2 * (Endless.SIZE // 256)
    assert most < Endless.SIZE // 2, most
