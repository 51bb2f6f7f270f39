"""A run of a transform job: instances that work at the same time, outputs that are whole or not there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fogbank.cloud.ground.runner import Runner
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.lines import InstanceTimeoutError
from fogbank.cloud.jobs.batch import Batch
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.contracts.transform import (
    ModelClient,
    TransformInput,
    TransformOutput,
    TransformRequest,
    TransformResources,
)
from tests.fakes.objects import MemoryObjects
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


def batch(request: TransformRequest, objects: MemoryObjects, instances: Any, runner: Runner, log: list[str]) -> Batch:
    return Batch(
        request=request, store=objects, start=instances, runner=runner, key=("transform-job", "r", "j"), log=log.append
    )


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
    with pytest.raises(JobError, match=r"^ClientError: b/in/b: the instance died: connection reset"):
        batch(request, objects, instances, runner, log).run(threading.Event())

    assert [scorer.bodies[-1][:1] for scorer in instances.started] == [b"b", b"b", b"b", b"d"]
    assert sorted(outputs(objects)) == ["out/a.out", "out/c.out", "out/d.out"]
    assert log[1:] == ["b/in/b: the instance died: connection reset"]


def test_the_first_object_that_failed_is_named_and_every_one_is_tried(runner: Runner) -> None:
    def refuses(_: FakeScorer, body: bytes) -> FakeReply:
        return FakeReply(400, b"no") if body[:1] in b"bd" else FakeReply(data=body)

    objects, instances, log = four(), FakeInstances(refuses), list[str]()
    with pytest.raises(JobError, match=r"^ClientError: b/in/b: 400: no$"):
        batch(on(2), objects, instances, runner, log).run(threading.Event())

    assert sorted(outputs(objects)) == ["out/a.out", "out/c.out"]
    assert sorted(log[1:]) == ["b/in/b: 400: no", "b/in/d: 400: no"]
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
    with pytest.raises(JobError, match="503: busy"):
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
