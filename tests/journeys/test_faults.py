"""`kill -9` of the cloud in the middle of traffic and of a transform job: nothing is lost, nothing is half there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.contracts.config import ProjectConfig
from fogbank.testing import CloudProcess, Deployment
from tests.waiting import until


def answered(cloud: CloudProcess, endpoint: str, body: bytes) -> bytes | None:
    """The endpoint's answer, or None where the cloud was not there."""
    try:
        reply = cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Body=body
        )
        found: bytes = reply["Body"].read()
    except (BotoCoreError, ClientError, Exception):  # noqa: BLE001 - killed clouds fail in every way; what counts is the answers
        return None
    return found


def objects(cloud: CloudProcess, bucket: str, prefix: str = "") -> dict[str, tuple[str, bytes]]:
    """Key to ETag and bytes."""
    s3 = cloud.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: (item["ETag"], s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()) for item in found}


def test_kill_9_during_traffic_and_a_job(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    expected = answered(local_cloud, outputs["endpoint"], sample)
    local_cloud.client("s3").put_object(Bucket=outputs["bucket"], Key="in/big.csv", Body=sample * 400)
    job = transform_request(outputs, "in/big.csv")
    answers: list[bytes | None] = []
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            answers.append(answered(local_cloud, outputs["endpoint"], sample))

    callers = [threading.Thread(target=traffic) for _ in range(3)]
    for caller in callers:
        caller.start()
    local_cloud.client("sagemaker").create_transform_job(**job)
    until(lambda: len(answers) >= 30, 60)
    before = {
        key: value for key, value in objects(local_cloud, outputs["bucket"]).items() if not key.startswith("capture/")
    }
    local_cloud.kill()
    assert not local_cloud.running
    local_cloud.start()
    seen_half = watch_job(local_cloud, job, outputs["bucket"], len(sample.splitlines()) * 400)
    stop.set()
    for caller in callers:
        caller.join()

    assert {answer for answer in answers if answer is not None} == {expected}
    assert answered(local_cloud, outputs["endpoint"], sample) == expected
    described = local_cloud.client("sagemaker").describe_endpoint(EndpointName=outputs["endpoint"])
    assert described["EndpointStatus"] == "InService"
    after = objects(local_cloud, outputs["bucket"])
    assert {key: after[key] for key in before} == before
    assert not seen_half
    ended = local_cloud.client("sagemaker").describe_transform_job(TransformJobName=job["TransformJobName"])
    assert ended["TransformJobStatus"] == "Completed" or ended["FailureReason"]
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
    wrong = []
    while True:
        found = [body for _, body in objects(cloud, bucket, "out/").values()]
        wrong += [len(body.splitlines()) for body in found if len(body.splitlines()) != rows]
        status = cloud.client("sagemaker").describe_transform_job(TransformJobName=job["TransformJobName"])[
            "TransformJobStatus"
        ]
        if status not in {"InProgress", "Stopping"}:
            return wrong
        time.sleep(0.02)


def test_a_dead_instance_is_replaced(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    import os
    import signal
    from pathlib import Path

    outputs = deploy(fogbank_project.root).outputs
    sample = (fogbank_project.trained / "sample.csv").read_bytes()
    expected = answered(local_cloud, outputs["endpoint"], sample)
    servers = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"fogbank.serve" in path.read_bytes()
        and str(local_cloud.folder).encode() in (path.parent / "environ").read_bytes()
    ]
    assert len(servers) == 2  # the server's first process, and its one worker
    os.kill(min(servers), signal.SIGKILL)

    assert answered(local_cloud, outputs["endpoint"], sample) == expected


def test_no_process_is_left_when_the_cloud_is_killed(
    fogbank_project: ProjectConfig, local_cloud: CloudProcess, deploy: Callable[..., Deployment]
) -> None:
    from pathlib import Path

    deploy(fogbank_project.root)

    def servers() -> list[str]:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if (
                    str(local_cloud.folder).encode() in path.read_bytes()
                    and b"fogbank.serve" in (path.parent / "cmdline").read_bytes()
                ):
                    found.append(path.parent.name)
            except OSError:
                continue
        return found

    assert servers()
    local_cloud.kill()
    until(lambda: not servers(), 10)
    left = servers()
    local_cloud.start()

    assert left == []
