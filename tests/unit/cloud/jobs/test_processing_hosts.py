"""Processing jobs of several instances: what each host finds, whose outputs stay, and that one that fails ends them all."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.jobs.job import JobStoppedError
from fogbank.cloud.jobs.processing import Places, ProcessingJobs
from fogbank.cloud.jobs.processing_hosts import Hosts
from fogbank.cloud.jobs.processor import ProcessingContainer
from fogbank.contracts.hosts import MEETING, Meeting
from tests.fakes.cloudwatch import CloudWatch
from tests.fakes.objects import MemoryObjects
from tests.fakes.processor import FakeProcessor, say
from tests.fakes.roles import granted
from tests.unit.cloud.jobs.test_processing import HERE, ROOT, SCHEDULE, Process, metrics, process, request

__all__ = ["metrics", "process"]


def on(count: int, *distributions: str, **others: Any) -> dict[str, Any]:
    """A request of so many instances; an input below in0/, in1/, ... for each distribution."""
    inputs = [
        {
            "InputName": f"i{number}",
            "S3Input": {
                "S3Uri": f"s3://b/in{number}/", "LocalPath": f"{ROOT}/in{number}", "S3DataType": "S3Prefix", "S3InputMode": "File",
                "S3DataDistributionType": distribution,
            },
        }
        for number, distribution in enumerate(distributions)
    ]  # fmt: skip
    cluster = {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
    return request(ProcessingInputs=inputs, ProcessingResources={"ClusterConfig": cluster}, **others)


class Containers:
    """A program that waits for all of its hosts to be there, and keeps what each of them found."""

    def __init__(self, count: int) -> None:
        self._all = threading.Barrier(count, timeout=20)
        self.found: dict[str, list[str]] = {}

    def __call__(self, container: ProcessingContainer, _: threading.Event) -> int:
        self._all.wait()
        files = (path for path in (container.home / "processing").rglob("*") if path.is_file())
        self.found[container.home.name] = sorted(str(path.relative_to(container.home / "processing")) for path in files)
        (container.home / "processing/output" / f"{container.home.name}.txt").write_text("x")
        (container.home / "processing/output" / "same.txt").write_text(container.home.name)
        return say(container, f"said by {container.home.name}")


def test_hosts_run_at_once_on_their_shares(process: Process, tmp_path: Path) -> None:
    objects = MemoryObjects(b={**{f"in0/{name}": b"" for name in "abcde"}, "in1/all": b"", "in2/f": b"", "in3/g": b""})
    program = Containers(3)

    job = process(program, objects, on(3, "ShardedByS3Key", "FullyReplicated", "ShardedByS3Key", "ShardedByS3Key"))

    assert program.found == {
        "algo-1": ["in0/a", "in0/d", "in1/all", "in3/g"],
        "algo-2": ["in0/b", "in0/e", "in1/all"],
        "algo-3": ["in0/c", "in1/all", "in2/f"],
    }
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "said by algo-1")
    outputs = {key: body for key, body in objects.buckets["b"].items() if key.startswith("out/")}
    assert outputs == {
        "out/algo-1.txt": b"x", "out/algo-2.txt": b"x", "out/algo-3.txt": b"x", "out/same.txt": b"algo-3",
    }  # fmt: skip
    logs = tmp_path / "logs/processing"
    assert (logs / "j.algo-2.log").read_text() == "[fogbank] out/same.txt of algo-1 is replaced by that of algo-2\n"


def test_a_host_without_a_share_has_an_empty_folder(process: Process) -> None:
    def looks(container: ProcessingContainer, _: threading.Event) -> int:
        return say(container, "", 0 if (container.home / "processing/in0").is_dir() else 1)

    assert (
        process(looks, MemoryObjects(b={"in0/a": b""}), on(2, "ShardedByS3Key"))["ProcessingJobStatus"] == "Completed"
    )


def test_each_host_is_told_who_it_is_and_where_they_meet(process: Process) -> None:
    said: dict[str, Any] = {}

    def looks(container: ProcessingContainer, _: threading.Event) -> int:
        config = json.loads((container.home / "config/resourceconfig.json").read_text())
        said[config["current_host"]] = (config["hosts"], container.environment[MEETING], dict(container.hosts))
        return 0

    process(looks, MemoryObjects(b={"in0/a": b""}), on(2, "FullyReplicated"))

    [(hosts, meeting, addresses)] = {json.dumps(told): told for told in said.values()}.values()
    assert (sorted(said), hosts) == (["algo-1", "algo-2"], ["algo-1", "algo-2"])
    assert Meeting.of(meeting).address == addresses["algo-1"]


def test_hosts_of_an_isolated_job_do_not_know_one_another(process: Process) -> None:
    def looks(container: ProcessingContainer, _: threading.Event) -> int:
        return say(container, "", len(container.hosts))

    params = on(2, "FullyReplicated", NetworkConfig={"EnableNetworkIsolation": True})
    assert process(looks, MemoryObjects(b={"in0/a": b""}), params)["ProcessingJobStatus"] == "Completed"


@pytest.mark.parametrize("failing", ["algo-1", "algo-2"])
def test_one_host_that_fails_ends_the_others_and_nothing_is_uploaded(process: Process, failing: str) -> None:
    def fails(container: ProcessingContainer, stop: threading.Event) -> int:
        if container.home.name == failing:
            return say(container, "no luck", 3)
        assert stop.wait(20)
        raise JobStoppedError

    objects = MemoryObjects(b={"in0/a": b""})
    job = process(fails, objects, on(3, "FullyReplicated"))

    assert (job["ProcessingJobStatus"], job["FailureReason"]) == ("Failed", f"AlgorithmError: {failing}: no luck")
    assert objects.puts == []


def test_a_stop_reaches_all_hosts(ground: Any, tmp_path: Path) -> None:
    running, ended = threading.Barrier(4, timeout=20), list[str]()

    def waits(container: ProcessingContainer, stop: threading.Event) -> int:
        running.wait()
        assert stop.wait(20)
        ended.append(container.home.name)
        raise JobStoppedError

    jobs = ProcessingJobs(
        ground, objects=MemoryObjects(b={"in0/a": b""}), processor=FakeProcessor(waits), cloudwatch=CloudWatch(),
        places=Places(work=tmp_path / "work", logs=tmp_path / "logs"), grant=granted,
    )  # fmt: skip
    jobs.create(HERE, on(3, "FullyReplicated"))
    running.wait()
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})
    jobs.wait(HERE.region, "j")

    assert sorted(ended) == ["algo-1", "algo-2", "algo-3"]
    assert jobs.describe(HERE, {"ProcessingJobName": "j"})["ProcessingJobStatus"] == "Stopped"


def test_metrics_of_all_hosts_are_put(process: Process, metrics: CloudWatch) -> None:
    def leaves(container: ProcessingContainer, _: threading.Event) -> int:
        folder = container.home / "output/metrics/cloudwatch"
        folder.mkdir(parents=True)
        (folder / "m.jsonl").write_text(json.dumps({"Namespace": "n", "MetricName": container.home.name}))
        return 0

    process(leaves, MemoryObjects(b={"in0/a": b""}), on(2, "FullyReplicated"), schedule=SCHEDULE)

    assert [data[0]["MetricName"] for _, _, data in metrics.puts] == ["algo-1", "algo-2"]


@pytest.mark.parametrize(("platform", "begins"), [("linux", "127."), ("darwin", "127.0.0.1")])
def test_addresses_are_the_jobs_own_where_the_system_has_them(platform: str, begins: str) -> None:
    hosts = Hosts.of("arn:a", 2, platform=platform)
    other = Hosts.of("arn:b", 2, platform=platform)

    assert all(address.startswith(begins) for address in hosts.addresses.values())
    assert (len({*hosts.addresses.values(), *other.addresses.values()}) == 4) == (platform == "linux")
    assert not Hosts.of("arn:a", 1).environment
