"""One test on the fake and on the real thing: what is tested on the fake holds for what it stands for."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.hosting.instance import Instance, LaunchPlan, ProcessLauncher
from fogbank.cloud.hosting.lines import InstanceDownError
from fogbank.cloud.jobs.objects import ObjectError, Objects, S3Objects
from fogbank.contracts.errors import PackageError
from fogbank.testing import CloudProcess
from tests.fakes.bucket import Bucket
from tests.fakes.cloudwatch import CloudWatch
from tests.fakes.instances import FakeHost
from tests.fakes.objects import MemoryObjects
from tests.fakes.probe import Probe
from tests.fakes.reply import FakeReply
from tests.fakes.scorers import FakeInstances
from tests.packages import signed

BOTH = pytest.mark.parametrize("kind", ["fake", "real"])


@pytest.fixture
def bucket(shared_cloud: CloudProcess, unique: str) -> str:
    shared_cloud.client("s3").create_bucket(Bucket=unique)
    return unique


@pytest.fixture
def objects(kind: str, request: pytest.FixtureRequest, bucket: str) -> Objects:
    if kind == "fake":
        return MemoryObjects(**{bucket: {}})
    s3 = request.getfixturevalue("shared_cloud").client("s3")
    return S3Objects(lambda: s3)


@BOTH
def test_objects_are_read_listed_and_written_over(objects: Objects, bucket: str, tmp_path: Path) -> None:
    keys = ["in/b", "in/a", "in/ä", "in/Z", "in", "out/a", "in/a/deep", "in/a b?c"]
    for key in keys:
        objects.put(bucket, key, key.encode())
    objects.put(bucket, "in/b", b"later")
    objects.download(bucket, "in/ä", tmp_path / "file")

    assert objects.get(bucket, "in/b") == b"later"
    assert objects.list(bucket, "in/") == ["in/Z", "in/a", "in/a b?c", "in/a/deep", "in/b", "in/ä"]
    assert objects.list(bucket, "") == sorted(keys, key=str.encode)
    assert objects.list(bucket, "none") == []
    assert (tmp_path / "file").read_bytes() == "in/ä".encode()


@BOTH
@pytest.mark.parametrize(
    "call",
    [
        lambda objects, bucket, _: objects.get(bucket, "none"),
        lambda objects, bucket, file: objects.download(bucket, "none", file),
        lambda objects, bucket, _: objects.get(f"no-{bucket}", "k"),
        lambda objects, bucket, _: objects.put(f"no-{bucket}", "k", b""),
        lambda objects, bucket, _: objects.list(f"no-{bucket}", ""),
    ],
)
def test_what_is_not_there_is_an_object_error_that_says_what(
    objects: Objects, bucket: str, tmp_path: Path, call: Callable[[Objects, str, Path], Any]
) -> None:
    with pytest.raises(ObjectError, match=r"NoSuch(Key|Bucket)|404|Not Found"):
        call(objects, bucket, tmp_path / "file")


@BOTH
def test_what_is_put_into_a_bucket_is_there(kind: str, shared_cloud: CloudProcess, bucket: str) -> None:
    s3: Any = Bucket() if kind == "fake" else shared_cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentType="text/plain")
    s3.put_object(Bucket=bucket, Key="k", Body=b"2")

    there = s3.objects[f"{bucket}/k"] if kind == "fake" else s3.get_object(Bucket=bucket, Key="k")["Body"].read()
    assert there == b"2"


@BOTH
def test_metrics_that_are_put_are_summed(kind: str, shared_cloud: CloudProcess, unique: str) -> None:
    values = {"SampleCount": 2.0, "Sum": 5.0, "Minimum": 1.0, "Maximum": 4.0}
    at = int(time.time()) // 3600 * 3600
    datum = {"MetricName": "m", "Timestamp": at, "StatisticValues": values}
    client: Any = CloudWatch()("us-east-1") if kind == "fake" else shared_cloud.client("cloudwatch")
    client.put_metric_data(Namespace=unique, MetricData=[datum, datum])

    if kind == "fake":
        total = sum(item["StatisticValues"]["Sum"] for item in client.named("m"))
    else:
        [point] = client.get_metric_statistics(
            Namespace=unique, MetricName="m", StartTime=at - 3600, EndTime=at + 3600, Period=3600, Statistics=["Sum"]
        )["Datapoints"]  # fmt: skip
        total = point["Sum"]
    assert total == 10.0


ECHO = "def model_fn(d): return b'm'\ndef input_fn(body, kind): return body\ndef predict_fn(data, model): return data\n"
ECHO += "def output_fn(answer, accept): return b'm:' + (answer if isinstance(answer, bytes) else answer.encode())\n"


@pytest.fixture
def instance(kind: str, tmp_path: Path) -> Iterator[Any]:
    """An instance that answers `m:` and the request: the pool's fake, the jobs' fake, and a real server."""
    if kind == "pool":
        yield FakeHost("m").start(threading.Event())
    elif kind == "jobs":
        yield FakeInstances(lambda _, body: FakeReply(200, b"m:" + body))()
    else:
        signed(tmp_path / "ml", ECHO)
        environment = {"SAGEMAKER_PROGRAM": "inference.py"}
        plan = LaunchPlan(
            launcher=ProcessLauncher(Path(sys.executable)), base_dir=tmp_path / "ml", environment=environment, log=tmp_path / "log"
        )  # fmt: skip
        real = Instance(plan)
        real.wait_ready()
        yield real
        real.stop(1)


def end(kind: str, instance: Any) -> None:
    if kind == "real":
        instance.stop(1)
    elif kind == "pool":
        instance.die()
    else:
        instance.close()


CSV = {"Content-Type": "text/csv", "Accept": "text/csv"}


@pytest.mark.parametrize("kind", ["jobs", "real"])
def test_an_instance_answers_a_job_until_it_dies_and_then_is_down(kind: str, instance: Any) -> None:
    assert instance.alive()
    reply = instance.invoke(b"1,2", CSV, 20.0)
    assert (reply.status, bytes(reply.data)) == (200, b"m:1,2")

    end(kind, instance)
    assert not instance.alive()
    with pytest.raises(InstanceDownError):
        instance.invoke(b"1,2", {}, 1.0)


@pytest.mark.parametrize("kind", ["pool", "real"])
def test_an_instance_answers_the_event_loop_until_it_dies_and_then_is_down(kind: str, instance: Any) -> None:
    async def ask() -> Any:
        replied: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        instance.ask(b"1,2", CSV, 20.0, replied.set_result)
        return await replied

    async def ask_twice() -> tuple[Any, Any]:
        reply = await ask()
        await asyncio.to_thread(end, kind, instance)
        return reply, await ask()

    reply, nothing = asyncio.run(ask_twice())
    assert (reply.status, reply.data, reply.headers["content-type"].partition("/")[0]) == (200, b"m:1,2", "text")
    assert not instance.alive()
    assert isinstance(nothing, InstanceDownError)


@BOTH
def test_a_probe_takes_a_package_that_is_whole_and_refuses_one_that_is_not(kind: str, tmp_path: Path) -> None:
    from fogbank.project.packaging.packing import probe as real

    probe = Probe() if kind == "fake" else real
    code = "def model_fn(d): return 2.0\ndef predict_fn(data, model): return data * model\n"
    signed(tmp_path / "ml", code)
    probe(tmp_path / "ml", tmp_path / "no-sample.csv")

    (tmp_path / "ml" / "model" / "code" / "inference.py").write_text(code + f"# {time.time_ns()}\n")
    with pytest.raises(PackageError):
        probe(tmp_path / "ml", tmp_path / "no-sample.csv")
