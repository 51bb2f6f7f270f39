"""InvokeEndpointWithResponseStream: the event stream that unmodified boto3 reads, and what goes wrong in the middle of one."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, EventStreamError
from urllib3.exceptions import HTTPError

from fogbank.testing import CloudProcess
from tests.contracts.aws.scripts import ECHO, Scripted
from tests.contracts.aws.served import code_of
from tests.waiting import until, until_answer

STREAMS = """
import os, signal, time
from pathlib import Path

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    \"\"\"Says `first`, then, when it may go on, how it ends: well, broken off, or killed.\"\"\"
    place, how = Path(os.environ["PLACE"]), data if isinstance(data, str) else data.decode()
    def pieces():
        yield f"first {accept} "
        while not (place / "go").exists():
            time.sleep(0.01)
        if how == "breaks":
            raise ValueError("no more words")
        if how == "dies":
            os.kill(os.getppid(), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        yield "last"
    return pieces(), "text/plain"
"""


class Endpoint:
    """An endpoint of a script, whose model may go on when `place` has a file `go`."""

    def __init__(self, cloud: CloudProcess, name: str, code: str, place: Path, **config: Any) -> None:
        self.cloud, self.name, self.place = cloud, name, place
        Scripted.made(cloud, name, code)
        self.sagemaker = cloud.client("sagemaker")
        container = {
            "Image": "i",
            "ModelDataUrl": f"s3://{name}/model/m.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "PLACE": str(place)},
        }
        self.sagemaker.create_model(ModelName=f"{name}-m", PrimaryContainer=container)
        variant = {
            "VariantName": "v",
            "ModelName": f"{name}-m",
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **config)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.settled()

    def settled(self) -> None:
        found = until_answer(
            lambda: self.sagemaker.describe_endpoint(EndpointName=self.name),
            lambda answer: answer["EndpointStatus"] not in {"Creating", "Updating", "SystemUpdating"},
            120,
        )
        assert found["EndpointStatus"] == "InService", found

    def stream(self, body: str, **extra: Any) -> Any:
        runtime = self.cloud.client("sagemaker-runtime")
        return runtime.invoke_endpoint_with_response_stream(
            EndpointName=self.name, Body=body.encode(), ContentType="text/plain", **extra
        )

    def go(self) -> None:
        (self.place / "go").touch()

    def total(self, metric: str) -> float:
        query = {
            "Namespace": "AWS/SageMaker",
            "StartTime": time.time() - 600,
            "EndTime": time.time() + 600,
            "Period": 3600,
        }
        dimensions = [{"Name": "EndpointName", "Value": self.name}, {"Name": "VariantName", "Value": "v"}]
        points = self.cloud.client("cloudwatch").get_metric_statistics(
            **query, MetricName=metric, Dimensions=dimensions, Statistics=["Sum"]
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))


def parts(answer: Any) -> list[bytes]:
    return [event["PayloadPart"]["Bytes"] for event in answer["Body"]]


def test_pieces_come_as_the_model_says_them_and_are_counted_and_not_captured(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    capture = {
        "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{unique}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }  # fmt: skip
    endpoint = Endpoint(shared_cloud, unique, STREAMS, tmp_path, DataCaptureConfig=capture)
    answer = endpoint.stream("ends", Accept="text/plain")
    events = iter(answer["Body"])

    assert next(events) == {"PayloadPart": {"Bytes": b"first text/plain "}}
    endpoint.go()
    assert [event["PayloadPart"]["Bytes"] for event in events] == [b"last"]
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/plain", "v")
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/vnd.amazon.eventstream"
    until(lambda: endpoint.total("Invocations") == 1)
    assert (
        0
        < endpoint.total("FirstChunkModelLatency")
        <= endpoint.total("FirstChunkLatency")
        < endpoint.total("ModelLatency")
    )
    assert endpoint.total("MidStreamErrors") == 0
    shared_cloud.admin.call("flush")
    listed = shared_cloud.client("s3").list_objects_v2(Bucket=unique, Prefix="capture/")
    assert listed["KeyCount"] == 0


def test_a_model_that_breaks_off_or_dies_in_mid_stream_is_a_model_stream_error(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    endpoint = Endpoint(shared_cloud, unique, STREAMS, tmp_path)
    endpoint.go()
    for how in ("breaks", "dies"):
        events = iter(endpoint.stream(how)["Body"])
        assert next(events)["PayloadPart"]["Bytes"].startswith(b"first ")
        with pytest.raises(EventStreamError) as caught:
            list(events)
        assert caught.value.response["Error"]["Code"] == "ModelStreamError"
        assert "the connection broke" in caught.value.response["Error"]["Message"]

    until(lambda: endpoint.total("MidStreamErrors") == 2)
    assert parts(endpoint.stream("ends"))[-1] == b"last", "the one that died is replaced"


def test_an_answer_that_is_not_streamed_is_one_part_and_an_error_is_one_of_the_call(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path
) -> None:
    endpoint = Endpoint(shared_cloud, unique, ECHO, tmp_path)
    large = "x" * 3_000_000

    assert parts(endpoint.stream("echo")) == [b"echo"]
    assert parts(endpoint.stream(large)) == [large.encode()]
    runtime = shared_cloud.client("sagemaker-runtime")
    missing = partial(runtime.invoke_endpoint_with_response_stream, EndpointName="none", Body=b"")
    assert code_of(missing) == ("ValidationError", "Endpoint none of account 123456789012 not found.")
    assert code_of(lambda: endpoint.stream("x", TargetVariant="none"))[1].startswith("Variant none")


def test_a_caller_who_goes_in_mid_stream_frees_the_model_and_a_killed_cloud_streams_again(
    unique: str, tmp_path: Path
) -> None:
    cloud = CloudProcess(tmp_path / "cloud")
    cloud.start()
    try:
        place = tmp_path / "place"
        place.mkdir()
        endpoint = Endpoint(cloud, unique, STREAMS, place)
        left = endpoint.stream("ends")
        next(iter(left["Body"]))
        left["Body"].close()
        endpoint.go()
        assert parts(endpoint.stream("ends"))[-1] == b"last"
        (place / "go").unlink()
        begun = endpoint.stream("ends")
        cloud.kill()
        with pytest.raises((BotoCoreError, HTTPError)):
            parts(begun)
        cloud.start()
        endpoint.go()
        endpoint.settled()
        assert parts(endpoint.stream("ends"))[-1] == b"last"
    finally:
        cloud.stop()
