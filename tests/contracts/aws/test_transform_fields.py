"""Fields of CreateTransformJob on a real instance: filters, the join, frames, capture, experiments, and what is told of a failure."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from fogbank.testing import CloudProcess
from fogbank.transform.framing import MAGIC
from tests.batch_reference import Asked, output_of
from tests.contracts.aws.scripts import ECHO, WAITS, Scripted
from tests.contracts.aws.served import code_of
from tests.contracts.aws.test_transform import ended

COUNTS = """
def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"How many cells each row has; of a row with `no` it wants nothing.\"\"\"
    text = data if isinstance(data, str) else data.decode()
    lines = [line for line in text.split("\\n") if line]
    if any("no" in line for line in lines):
        raise ValueError("not this one")
    return "\\n".join(str(line.count(",") + 1) for line in lines)
"""
LINES = {"Accept": "text/csv", "AssembleWith": "Line"}


def counts(body: bytes) -> bytes:
    return b"\n".join(b"%d" % (line.count(b",") + 1) for line in body.split(b"\n") if line)


def run(model: Scripted, job: str, target: dict[str, Any], media: str, **extra: Any) -> dict[str, Any]:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{model.name}/in/"}}}
    split = extra.pop("SplitType", "Line")
    compression = extra.pop("CompressionType", "None")
    model.start(
        job, {}, BatchStrategy=extra.pop("BatchStrategy", "SingleRecord" if split == "None" else "MultiRecord"),
        TransformInput={**source, "ContentType": media, "SplitType": split, "CompressionType": compression},
        TransformOutput={"S3OutputPath": f"s3://{model.name}/out", **target}, **extra,
    )  # fmt: skip
    return ended(model, job)


@pytest.mark.parametrize("compressed", [False, True])
def test_filters_and_the_join_are_as_the_guide_has_them(
    shared_cloud: CloudProcess, unique: str, compressed: bool
) -> None:
    model = Scripted.made(shared_cloud, unique, COUNTS)
    rows = b'id,x,y\r\n7,"a,b",3\r\n\r\n8,c,4\r\n'
    model.put(a=gzip.compress(rows) if compressed else rows, b=b"1,2,3")
    job = run(
        model, unique, LINES, "text/csv", CompressionType="Gzip" if compressed else "None",
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )  # fmt: skip

    if compressed:
        assert job["FailureReason"].startswith(f"ClientError: {unique}/in/b: CompressionType is Gzip")
        assert list(model.outputs()) == ["out/a.out"]
    else:
        assert job["TransformJobStatus"] == "Completed", job
        assert job["DataProcessing"]["OutputFilter"] == "$[0,-1]"
        assert model.outputs()["out/b.out"] == b"1,2\n"
    asked = Asked(split="Line", assemble="Line", join=True, before="$[1:]", after="$[0,-1]")
    assert model.outputs()["out/a.out"] == output_of(rows, asked, counts)[0] == b"id,2\n7,3\n8,2\n"


def test_json_lines_are_joined(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, ECHO)
    model.put(a=b'{"id":1,"features":[1,2]}\n{"id":2,"features":[3]}\n')
    media = "application/jsonlines"
    processing = {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    job = run(model, unique, {"Accept": media, "AssembleWith": "Line"}, media, DataProcessing=processing)

    assert job["TransformJobStatus"] == "Completed", job
    assert model.outputs() == {"out/a.out": b'{"id":1,"SageMakerOutput":[1,2]}\n{"id":2,"SageMakerOutput":[3]}\n'}


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_frames_reach_the_model(shared_cloud: CloudProcess, unique: str, strategy: str) -> None:
    model = Scripted.made(shared_cloud, unique, ECHO)
    body = b"".join(struct.pack("<II", MAGIC, 4) + bytes([number] * 4) for number in range(5))
    model.put(a=body)
    job = run(model, unique, {}, "application/x-recordio-protobuf", SplitType="RecordIO", BatchStrategy=strategy)

    assert job["TransformJobStatus"] == "Completed", job
    assert model.outputs() == {"out/a.out": body}


def test_the_record_that_failed_is_in_the_reason_and_in_the_log(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, COUNTS)
    model.put(a=b"1,2\n3,no\n", b=b"1,2\n")
    job = run(
        model, unique, LINES, "text/csv", BatchStrategy="SingleRecord", ModelClientConfig={"InvocationsMaxRetries": 0}
    )

    assert job["TransformJobStatus"] == "Failed"
    assert f"{unique}/in/a: record 2: 500" in job["FailureReason"]
    assert list(model.outputs()) == ["out/b.out"]
    log = (shared_cloud.folder / "logs" / "transform" / f"{unique}-data-log.log").read_text().splitlines()
    assert log[0] == "[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=SINGLE_RECORD"
    assert log[1:3] == [
        f"[sagemaker logs]: {unique}/in/a: AlgorithmError: 500",
        f"[sagemaker logs]: {unique}/in/a: record 2",
    ]
    assert f"[sagemaker logs]: {unique}/in/a: Message:" in log


def test_data_capture_leaves_manifests_and_ids(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, COUNTS)
    model.put(a=b"1,2\n3,4\n")
    capture = {"DestinationS3Uri": f"s3://{unique}/capture", "GenerateInferenceId": True}
    job = run(model, unique, LINES, "text/csv", DataCaptureConfig=capture)

    assert job["TransformJobStatus"] == "Completed", job
    assert job["DataCaptureConfig"] == capture
    rows = [line.split(",") for line in model.outputs()["out/a.out"].decode().splitlines()]
    started = job["TransformStartTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [(row[0], row[2]) for row in rows] == [("2", started)] * 2
    s3 = shared_cloud.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=unique, Prefix="capture/")["Contents"]]
    hour = job["TransformStartTime"].strftime("%Y/%m/%d/%H")
    assert [key.rpartition("/")[0] for key in keys] == [f"capture/input/{hour}", f"capture/output/{hour}"]
    manifests = [json.loads(s3.get_object(Bucket=unique, Key=key)["Body"].read()) for key in keys]
    assert manifests == [
        [{"prefix": f"s3://{unique}/in/"}, "a"],
        [{"prefix": f"s3://{unique}/out/"}, "a.out"],
    ]


def test_a_job_is_a_component_of_its_trial(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, ECHO)
    model.put(a=b"1\n")
    sagemaker = shared_cloud.client("sagemaker")
    sagemaker.create_experiment(ExperimentName=f"e-{unique}")
    sagemaker.create_trial(TrialName=f"t-{unique}", ExperimentName=f"e-{unique}")
    config = {"ExperimentName": f"e-{unique}", "TrialName": f"t-{unique}", "TrialComponentDisplayName": "nightly"}
    job = run(model, unique, {}, "text/plain", ExperimentConfig=config)

    assert job["ExperimentConfig"] == config
    component = sagemaker.describe_trial_component(TrialComponentName=f"{unique}-aws-transform-job")
    assert component["DisplayName"] == "nightly"
    trial = sagemaker.list_trial_components(TrialName=f"t-{unique}")["TrialComponentSummaries"]
    assert [item["TrialComponentName"] for item in trial] == [f"{unique}-aws-transform-job"]
    code, message = code_of(lambda: run(model, f"{unique}-2", {}, "text/plain", ExperimentConfig={"TrialName": "none"}))
    assert (code, message) == ("ResourceNotFound", "Trial 'none' does not exist.")


def test_nothing_under_the_prefix_is_refused_at_once(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, WAITS)
    code, message = code_of(lambda: run(model, unique, {}, "text/plain"))

    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "s3://{unique}/in/" given in input data source.')
    assert 'the role "arn:aws:iam::123456789012:role/r" has "s3:ListBucket"' in message


def test_an_object_of_any_size_goes_through_in_flat_memory(shared_cloud: CloudProcess, unique: str) -> None:
    model = Scripted.made(shared_cloud, unique, ECHO)
    body = (b"x" * 1023 + b"\n") * (96 << 10)
    model.put(a=body)
    pid = shared_cloud.address.pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the most that it held is counted from now on
    before = held(pid, "VmRSS")
    job = run(model, unique, {}, "text/plain", SplitType="None", MaxPayloadInMB=0)

    assert job["TransformJobStatus"] == "Completed", job
    assert held(pid, "VmHWM") - before < 64 << 10  # an output's parts are 16 MB each, and go in one piece
    assert model.outputs() == {"out/a.out": body}


def held(pid: int, what: str) -> int:
    """KiB of a process's memory."""
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{what}:")[2].split()[0])
