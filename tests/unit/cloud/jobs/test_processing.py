"""Processing jobs: what the container finds, what becomes of what it leaves, and what is refused at once."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fogbank.cloud.api.control import Scope
from fogbank.cloud.api.errors import ApiError
from fogbank.cloud.api.resource import Ground
from fogbank.cloud.ground.roles import Grant
from fogbank.cloud.jobs.job import JobError, JobStoppedError
from fogbank.cloud.jobs.processing import Places, ProcessingJobs
from fogbank.cloud.jobs.processor import ProcessingContainer
from fogbank.contracts.processing import ProcessingRequest
from tests.fakes.cloudwatch import CloudWatch
from tests.fakes.objects import MemoryObjects
from tests.fakes.processor import FakeProcessor, Program, say
from tests.fakes.roles import granted
from tests.waiting import until

HERE = Scope("us-east-1")
ROOT = "/opt/ml/processing"


def request(uri: str = "s3://b/in/", local: str = f"{ROOT}/input", **others: Any) -> dict[str, Any]:
    """A CreateProcessingJob request with one input and one output."""
    item = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    output = {"S3Uri": "s3://b/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName": "j",
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "AppSpecification": {"ImageUri": "i"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
        },
        "ProcessingInputs": [{"InputName": "i", "S3Input": item}],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": output}]},
        **others,
    }


Process = Callable[..., dict[str, Any]]
SCHEDULE = "arn:aws:sagemaker:us-east-1:123456789012:monitoring-schedule/s"


@pytest.fixture
def metrics() -> CloudWatch:
    return CloudWatch()


@pytest.fixture
def process(ground: Ground, tmp_path: Path, metrics: CloudWatch) -> Process:
    """Runs a request to its end with a program as the container; returns what Describe answers."""

    def run(
        program: Program, objects: MemoryObjects, params: dict[str, Any] | None = None, schedule: str = ""
    ) -> dict[str, Any]:
        jobs = ProcessingJobs(
            ground, objects=objects, processor=FakeProcessor(program), cloudwatch=metrics,
            places=Places(work=tmp_path / "work", logs=tmp_path / "logs"),
            grant=granted,
        )  # fmt: skip
        if schedule:
            jobs.start_for(HERE, ProcessingRequest.decode(params or request()), schedule)
        else:
            jobs.create(HERE, params or request())
        jobs.wait(HERE.region, "j")
        assert list((tmp_path / "work").iterdir()) == []
        return jobs.describe(HERE, {"ProcessingJobName": "j"})

    return run


def copies(container: ProcessingContainer, _: threading.Event) -> int:
    """A container that copies its input to its output, and says how many files there were."""
    source, target = container.home / "processing/input", container.home / "processing/output"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    for file in files:
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    return say(container, f"Completed: {len(files)}")


@pytest.mark.parametrize(
    ("uri", "outputs"),
    [
        ("s3://b/in/", ["out/a.csv", "out/deep/b.csv"]),
        ("s3://b/in/a.csv", ["out/a.csv"]),
        ("s3://b/in/deep", ["out/b.csv"]),
    ],
)
def test_inputs_and_outputs(process: Process, uri: str, outputs: list[str]) -> None:
    objects = MemoryObjects(b={"in/": b"", "in/a.csv": b"a", "in/deep/b.csv": b"b", "other": b"x"})

    job = process(copies, objects, request(uri))

    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", f"Completed: {len(outputs)}")
    assert objects.puts == outputs


def test_a_manifest_names_its_objects(process: Process) -> None:
    objects = MemoryObjects(
        b={"m": json.dumps([{"prefix": "s3://b/in/"}, "x/1"]).encode(), "in/x/1": b"1", "in/2": b"2"}
    )
    params = request("s3://b/m")
    params["ProcessingInputs"][0]["S3Input"]["S3DataType"] = "ManifestFile"

    assert process(copies, objects, params)["ProcessingJobStatus"] == "Completed"
    assert objects.puts == ["out/x/1"]


def fails(container: ProcessingContainer, _: threading.Event) -> int:
    return say(container, "the header has the column 'a' twice", 1)


def raises(error: Exception) -> Program:
    def program(_: ProcessingContainer, __: threading.Event) -> int:
        raise error

    return program


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (fails, "AlgorithmError: the header has the column 'a' twice"),
        (lambda *_: 3, "AlgorithmError: the container ended with status 3"),
        (raises(JobError("ClientError: no engine")), "ClientError: no engine"),
        (raises(OSError(28, "No space left on device")), "InternalServerError: OSError(28, 'No space left on device')"),
    ],
)
def test_a_container_that_fails(process: Process, program: Program, reason: str) -> None:
    objects = MemoryObjects(b={"in/a": b"1"})
    job = process(program, objects)

    assert (job["ProcessingJobStatus"], job["FailureReason"], objects.puts) == ("Failed", reason, [])


@pytest.mark.parametrize(
    ("objects", "params", "reason"),
    [
        (MemoryObjects(b={}), request(), "ClientError: no object lies under s3://b/in/"),
        (MemoryObjects(), request(), "ClientError: s3://b/in/ cannot be downloaded: NoSuchBucket: b"),
        (MemoryObjects(b={"in/../../../x": b""}), request(), "would be written outside of the job's folder"),
        (
            MemoryObjects(b={"in/a": b""}),
            request(local="/etc"),
            "ClientError: LocalPath /etc does not lie under /opt/ml/",
        ),
        (
            MemoryObjects(b={"in/a": b""}),
            request(local="/opt/ml/../../x"),
            "would be written outside of the job's folder",
        ),
    ],
)
def test_inputs_that_cannot_be_there(
    process: Process, objects: MemoryObjects, params: dict[str, Any], reason: str
) -> None:
    job = process(copies, objects, params)

    assert job["ProcessingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]


def leaves(metrics: str) -> Program:
    def program(container: ProcessingContainer, _: threading.Event) -> int:
        folder = container.home / "output" / "metrics" / "cloudwatch"
        folder.mkdir(parents=True)
        (folder / "m.jsonl").write_text(metrics)
        return 0

    return program


def test_the_containers_metrics_are_put_by_namespace_in_parts(process: Process, metrics: CloudWatch) -> None:
    lines = [{"Namespace": "n", "MetricName": f"m{number}"} for number in range(501)]
    text = "".join(json.dumps(line) + "\n" for line in [*lines, {"Namespace": "a", "MetricName": "x\u2028"}])
    job = process(leaves(text), MemoryObjects(b={"in/a": b""}), schedule=SCHEDULE)

    assert job["ProcessingJobStatus"] == "Completed"
    assert [(region, namespace, len(data)) for region, namespace, data in metrics.puts] == [
        ("us-east-1", "a", 1),
        ("us-east-1", "n", 500),
        ("us-east-1", "n", 1),
    ]


def test_metrics_of_a_job_that_no_monitoring_schedule_started_are_a_file(process: Process, metrics: CloudWatch) -> None:
    line = json.dumps({"Namespace": "n", "MetricName": "m"})

    assert process(leaves(line), MemoryObjects(b={"in/a": b""}))["ProcessingJobStatus"] == "Completed"
    assert metrics.puts == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", "1"])
def test_metrics_that_are_none_fail_the_job_with_the_reason(process: Process, text: str) -> None:
    job = process(leaves(text), MemoryObjects(b={"in/a": b""}), schedule=SCHEDULE)

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: the container's metrics cannot be stored")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ProcessingInputs": [{"InputName": "i"}]}, "ProcessingInput i needs an S3Input"),
        ({"ProcessingInputs": [{"InputName": "i", "S3Input": {"S3Uri": "s3://b/x", "S3DataType": "S3Prefix"}}]}, "with a LocalPath"),
        ({"ProcessingInputs": [{"InputName": "i", "S3Input": {"S3Uri": "s3://b", "LocalPath": "/opt/ml/x", "S3DataType": "S3Prefix",
          "S3InputMode": "Pipe"}}]}, "does not have S3InputMode Pipe"),
        ({"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o"}]}}, "ProcessingOutput o needs an S3Output"),
        ({"ProcessingResources": {"ClusterConfig": {"InstanceCount": 2, "VolumeSizeInGB": 1}}, "AppSpecification": {"ImageUri": "x/fogbank-monitor"},
          "NetworkConfig": {"EnableNetworkIsolation": True}}, "EnableNetworkIsolation must be off where InstanceCount is more than 1"),
        ({"ProcessingInputs": [{"InputName": "i", "S3Input": {"S3Uri": "/not/s3", "LocalPath": "/opt/ml/x", "S3DataType": "S3Prefix"}}]},
         "not an S3 URI: '/not/s3'"),
        ({"AppSpecification": {"ImageUri": "x/fogbank-monitor", "ContainerArguments": ["x"]}}, "takes no ContainerArguments"),
    ],
)  # fmt: skip
def test_what_could_not_run_is_refused_at_once(process: Process, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as refusal:
        process(copies, MemoryObjects(b={"in/a": b""}), request(**change))

    assert refusal.value.code == "ValidationException"
    assert message in refusal.value.message


def test_a_stop_reaches_the_container(ground: Ground, tmp_path: Path, metrics: CloudWatch) -> None:
    running = threading.Event()

    def waits(_: ProcessingContainer, stop: threading.Event) -> int:
        running.set()
        assert stop.wait(20)
        raise JobStoppedError

    jobs = ProcessingJobs(
        ground, objects=MemoryObjects(b={"in/a": b""}), processor=FakeProcessor(waits), cloudwatch=metrics,
        places=Places(work=tmp_path / "work", logs=tmp_path / "logs"),
            grant=granted,
    )  # fmt: skip
    jobs.create(HERE, request())
    assert running.wait(20)
    jobs.stop_job(HERE, {"ProcessingJobName": "j"})
    jobs.wait(HERE.region, "j")

    assert jobs.describe(HERE, {"ProcessingJobName": "j"})["ProcessingJobStatus"] == "Stopped"


def test_a_job_that_cannot_be_set_up_leaves_no_credentials(ground: Ground, tmp_path: Path, metrics: CloudWatch) -> None:
    ended: list[str] = []

    def grants(role: str, session: str, region: str) -> Grant:
        shutil.rmtree(tmp_path / "work")  # as by somebody who cleans up
        return Grant(environment={}, end=lambda: ended.append(session))

    jobs = ProcessingJobs(
        ground, objects=MemoryObjects(b={"in/a": b""}), processor=FakeProcessor(copies), cloudwatch=metrics,
        places=Places(work=tmp_path / "work", logs=tmp_path / "logs"),
        grant=grants,
    )  # fmt: skip
    jobs.create(HERE, request())
    jobs.wait(HERE.region, "j")

    assert jobs.describe(HERE, {"ProcessingJobName": "j"})["ProcessingJobStatus"] == "Failed"
    assert ended == ["j"]


def test_a_container_has_its_command_and_is_told_about_its_job(process: Process) -> None:
    seen = list[ProcessingContainer]()

    def looks(container: ProcessingContainer, _: threading.Event) -> int:
        seen.append(container)
        config = json.loads((container.home / "config" / "processingjobconfig.json").read_text())
        assert config["ProcessingInputs"][0]["InputName"] == "i"
        assert config["ProcessingJobArn"] == "arn:aws:sagemaker:us-east-1:123456789012:processing-job/j"
        assert json.loads((container.home / "config" / "resourceconfig.json").read_text()) == {
            "current_host": "algo-1",
            "hosts": ["algo-1"],
        }
        return 0

    command = {"ImageUri": "i", "ContainerEntrypoint": ["python3", "x.py"], "ContainerArguments": ["--n", "1"]}
    job = process(looks, MemoryObjects(b={"in/a": b""}), request(AppSpecification=command))

    assert job["ProcessingJobStatus"] == "Completed"
    assert (seen[0].entrypoint, seen[0].arguments) == (["python3", "x.py"], ["--n", "1"])


@pytest.mark.parametrize("mode", ["EndOfJob", "Continuous"])
def test_an_output_that_leads_out_is_refused_before_anything_there_is_looked_at(
    process: Process, tmp_path: Path, mode: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def replaces(container: ProcessingContainer, _: threading.Event) -> int:
        folder = container.home / "processing" / "output"
        folder.rmdir()
        folder.symlink_to(elsewhere)
        return 0

    output = {"S3Uri": "s3://b/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": mode}
    config = {"Outputs": [{"OutputName": "o", "S3Output": output}]}
    job = process(replaces, MemoryObjects(b={"in/a": b""}), request(ProcessingOutputConfig=config))

    assert job["ProcessingJobStatus"] == "Failed"
    assert "'output' is a link that leads out of its folder" in job["FailureReason"]


@pytest.mark.parametrize("status", [0, 1])
def test_continuous_outputs_go_while_the_container_runs_however_it_ends(process: Process, status: int) -> None:
    objects = MemoryObjects(b={"in/a": b""})

    def writes(container: ProcessingContainer, _: threading.Event) -> int:
        folder = container.home / "processing" / "output"
        (folder / "first").write_text("1")
        until(lambda: "out/first" in objects.buckets["b"], 20)
        (folder / "first").write_text("22")
        (folder / "last").write_text("3")
        return status

    output = {"S3Uri": "s3://b/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "Continuous"}
    config = {"Outputs": [{"OutputName": "o", "S3Output": output}]}
    job = process(writes, objects, request(ProcessingOutputConfig=config))

    assert job["ProcessingJobStatus"] == ("Failed" if status else "Completed")
    assert {key: body for key, body in objects.buckets["b"].items() if key.startswith("out/")} == {
        "out/first": b"22",
        "out/last": b"3",
    }


def test_a_link_that_leads_out_keeps_no_continuous_output_from_going_and_is_told_at_the_end(
    process: Process, tmp_path: Path
) -> None:
    objects, secret = MemoryObjects(b={"in/a": b""}), tmp_path / "secret.txt"
    secret.write_text("own")

    def writes(container: ProcessingContainer, _: threading.Event) -> int:
        folder = container.home / "processing" / "output"
        (folder / "a").symlink_to(secret)
        (folder / "b").write_text("1")
        until(lambda: "out/b" in objects.buckets["b"], 20)
        (folder / "c").write_text("2")
        until(lambda: "out/c" in objects.buckets["b"], 20)
        return 0

    output = {"S3Uri": "s3://b/out", "LocalPath": f"{ROOT}/output", "S3UploadMode": "Continuous"}
    config = {"Outputs": [{"OutputName": "o", "S3Output": output}]}
    job = process(writes, objects, request(ProcessingOutputConfig=config))

    assert job["FailureReason"] == (
        "AlgorithmError: an output is none: below /opt/ml, 'processing/output/a' is a link that leads out of its folder: "
        "write a copy there, not a link"
    )
    assert "out/a" not in objects.buckets["b"]
