"""`kill -9` of the cloud in the middle of traffic and of a transform job: nothing is lost, nothing is half there."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.ground.processes import tree
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until, until_answer

ENDED = {"Completed", "Failed", "Stopped"}


def invoke(cloud: CloudProcess, endpoint: str, body: bytes) -> bytes:
    """The endpoint's answer."""
    reply = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
    answer: bytes = reply["Body"].read()
    return answer


@dataclass
class Caller:
    """Invokes an endpoint again and again; remembers when each request began and ended, and what came of it."""

    call: Callable[[], bytes]
    answers: list[tuple[float, float, bytes]] = field(default_factory=list)
    lost: list[tuple[float, float, Exception]] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = time.monotonic()
            try:
                answer = self.call()
            except (BotoCoreError, HTTPClientError, ClientError, OSError) as error:
                self.lost.append((began, time.monotonic(), error))
                stop.wait(0.01)  # the cloud is away: the next try need not be at once
            else:
                self.answers.append((began, time.monotonic(), answer))


def objects(cloud: CloudProcess, bucket: str, prefix: str = "") -> dict[str, tuple[str, bytes]]:
    """Key to ETag and bytes."""
    s3 = cloud.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        item["Key"]: (item["ETag"], s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()) for item in listed
    }


def test_kill_9_during_traffic_and_a_job(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    expected = invoke(local_cloud, outputs["endpoint"], sample)
    local_cloud.client("s3").put_object(Bucket=outputs["bucket"], Key="in/big.csv", Body=sample * 400)
    job = transform_request(outputs, "in/big.csv")
    stop = threading.Event()
    endpoint = local_cloud.client("sagemaker-runtime")  # made once: the cloud keeps its port over a restart

    def call() -> bytes:
        reply = endpoint.invoke_endpoint(EndpointName=outputs["endpoint"], ContentType="text/csv", Body=sample)
        answer: bytes = reply["Body"].read()
        return answer

    callers = [Caller(call) for _ in range(3)]
    threads = [threading.Thread(target=caller.run, args=(stop,)) for caller in callers]
    for thread in threads:
        thread.start()
    local_cloud.client("sagemaker").create_transform_job(**job)
    until(lambda: sum(len(caller.answers) for caller in callers) >= 30, 60)
    before = {
        key: value for key, value in objects(local_cloud, outputs["bucket"]).items() if not key.startswith("capture/")
    }
    killed = time.monotonic()
    local_cloud.kill()
    assert not local_cloud.running
    local_cloud.start()
    answering = time.monotonic()
    partial = watch_job(local_cloud, job, outputs["bucket"], len(sample.splitlines()) * 400)
    until(lambda: all(caller.answers and caller.answers[-1][0] > answering for caller in callers), 60)
    stop.set()
    for thread in threads:
        thread.join()

    # What was in flight at the kill, or came while nobody listened, may be lost. Nothing else: an endpoint that comes up again
    # lets its callers wait.
    lost = [entry for caller in callers for entry in caller.lost if entry[1] < killed or entry[0] > answering]
    assert lost == []
    assert {answer for caller in callers for _, _, answer in caller.answers} == {expected}
    described = local_cloud.client("sagemaker").describe_endpoint(EndpointName=outputs["endpoint"])
    assert described["EndpointStatus"] == "InService"
    after = objects(local_cloud, outputs["bucket"])
    assert {key: after[key] for key in before} == before
    assert partial == []
    ended = local_cloud.client("sagemaker").describe_transform_job(TransformJobName=job["TransformJobName"])
    assert ended["TransformJobStatus"] == "Completed", ended.get("FailureReason")
    captured = objects(local_cloud, outputs["bucket"], "capture/")
    assert captured, "what was captured before the kill is delivered after it"


def transform_request(outputs: Any, key: str) -> dict[str, Any]:
    source = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{outputs['bucket']}/{key}"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    return {
        "TransformJobName": "killed", "ModelName": outputs["model"], "TransformInput": source, "BatchStrategy": "SingleRecord",
        "TransformOutput": {"S3OutputPath": f"s3://{outputs['bucket']}/out", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }  # fmt: skip


def watch_job(cloud: CloudProcess, job: dict[str, Any], bucket: str, rows: int) -> list[int]:
    """Follow the job to its end; the sizes of outputs that were seen and were not whole."""
    partial: list[int] = []

    def status() -> str:
        sizes = [len(body.splitlines()) for _, body in objects(cloud, bucket, "out/").values()]
        partial.extend(size for size in sizes if size != rows)
        described = cloud.client("sagemaker").describe_transform_job(TransformJobName=job["TransformJobName"])
        return str(described["TransformJobStatus"])

    until_answer(status, ENDED.__contains__, 120)
    return partial


def servers(cloud: CloudProcess) -> list[int]:
    """The processes of the cloud's instances: each server's first process, and its workers."""
    words = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in tree(cloud.address.pid)}
    return [pid for pid, said in words.items() if b"fogbank.serve" in said and b"namespaces.py" not in said]


def test_a_dead_instance_is_replaced(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    expected = invoke(local_cloud, outputs["endpoint"], sample)
    first, *workers = servers(local_cloud)
    assert len(workers) == 1
    os.kill(first, signal.SIGKILL)

    assert invoke(local_cloud, outputs["endpoint"], sample) == expected
    assert first not in servers(local_cloud)


def test_a_frozen_instance_is_found_and_replaced_and_nothing_of_it_is_left(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    expected = invoke(local_cloud, outputs["endpoint"], sample)
    frozen = servers(local_cloud)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)

    assert invoke(local_cloud, outputs["endpoint"], sample) == expected, (
        "it waits for the one that comes, and not a minute"
    )
    until(lambda: not [pid for pid in frozen if Path(f"/proc/{pid}").exists()], 20)


def test_no_process_is_left_when_the_cloud_is_killed(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    deploy(fogbank_project.root)
    running = servers(local_cloud)
    assert running

    local_cloud.kill()
    until(lambda: not [pid for pid in running if Path(f"/proc/{pid}").exists()], 10)
    local_cloud.start()
