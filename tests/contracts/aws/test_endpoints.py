"""The AWS API wire: endpoints, by unmodified boto3 against a real local cloud process."""

from __future__ import annotations

import io
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fogbank.contracts.capture import read_line
from fogbank.pack.archive import write_archive
from tests.contracts.aws.served import ROLE, Served, code_of


def test_an_endpoint_comes_up_answers_and_goes(served: Served) -> None:
    served.endpoint()
    described = served.sagemaker.describe_endpoint(EndpointName=served.name)
    answer = served.invoke(Accept="application/json", CustomAttributes="c", InferenceId="i")

    assert described["EndpointStatus"] == "InService"
    assert described["EndpointArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{served.name}"
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "application/json"
    assert len(json.loads(answer["Body"].read())) == 5
    assert [e["EndpointName"] for e in served.sagemaker.list_endpoints(NameContains=served.name)["Endpoints"]] == [
        served.name
    ]

    served.sagemaker.delete_endpoint(EndpointName=served.name)
    served.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=served.name, WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    assert code_of(served.invoke) == ("ValidationError", f"Endpoint {served.name} of account 123456789012 not found.")


def test_names_that_exist_and_names_that_do_not(served: Served) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012"
    container = {"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"}
    config = served.config()

    assert code_of(lambda: served.sagemaker.create_model(ModelName=served.name, ExecutionRoleArn=ROLE, PrimaryContainer=container)) == (
        "ValidationException", f'Cannot create already existing model "{arn}:model/{served.name}".',
    )  # fmt: skip
    assert "already existing endpoint configuration" in code_of(served.config)[1]
    assert code_of(lambda: served.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="none")) == (
        "ValidationException", f'Could not find endpoint configuration "{arn}:endpoint-config/none".',
    )  # fmt: skip
    assert "Could not find model" in code_of(lambda: served.sagemaker.describe_model(ModelName="none"))[1]
    assert (
        "satisfy regular expression pattern"
        in code_of(lambda: served.sagemaker.describe_model(ModelName="no_underscores"))[1]
    )
    assert (
        served.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]["ModelName"]
        == served.name
    )


def test_a_bad_body_is_a_model_error_with_the_containers_words(served: Served) -> None:
    served.endpoint()
    with pytest.raises(ClientError) as caught:
        served.invoke(served.sample.replace(b",", b",x", 1))

    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert "row 1, column 'mean_texture'" in response["OriginalMessage"]
    assert 'Received client error (400) from primary with message "' in response["Error"]["Message"]
    assert "Variant none" in code_of(lambda: served.invoke(TargetVariant="none"))[1]
    assert "header is not allowed" in code_of(lambda: served.invoke(InferenceComponentName="c"))[1]


def test_an_update_moves_and_a_bad_one_stays_with_the_reason(served: Served) -> None:
    served.endpoint()
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=served.config("-2"))
    assert served.settled()["EndpointConfigName"] == f"{served.name}-2"
    environment = {"SAGEMAKER_PROGRAM": "none.py"}
    bad = served.other_version("-bad", ModelDataUrl=f"s3://{served.name}/m.tar.gz", Environment=environment)
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=bad)
    found = served.settled()

    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{served.name}-2")
    assert "no handler at code/none.py" in found["FailureReason"]
    assert len(served.invoke(Accept="text/csv")["Body"].read().splitlines()) == 5


def test_while_an_update_runs_the_old_fleet_answers_and_a_second_update_waits(served: Served, tmp_path: Path) -> None:
    """The new model loads when the test says so."""
    served.endpoint()
    go = tmp_path / "go"
    code = f"import os, time\ndef model_fn(d):\n    while not os.path.exists({str(go)!r}):\n        time.sleep(0.01)\ndef predict_fn(x, m):\n    return [[9]]\n"
    archive = io.BytesIO()
    write_archive(archive, {"code/inference.py": code.encode()})
    served.s3.put_object(Bucket=served.name, Key="slow.tar.gz", Body=archive.getvalue())
    slow = served.other_version("-slow", ModelDataUrl=f"s3://{served.name}/slow.tar.gz")
    served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=slow)

    updating = served.sagemaker.describe_endpoint(EndpointName=served.name)
    assert (updating["EndpointStatus"], updating["EndpointConfigName"]) == ("Updating", served.name)
    assert updating["PendingDeploymentSummary"]["EndpointConfigName"] == f"{served.name}-slow"
    assert len(served.invoke(Accept="text/csv")["Body"].read().splitlines()) == 5
    assert (
        "in-progress"
        in code_of(
            lambda: served.sagemaker.update_endpoint(EndpointName=served.name, EndpointConfigName=f"{served.name}-slow")
        )[1]
    )
    assert "in-progress" in code_of(lambda: served.sagemaker.delete_endpoint(EndpointName=served.name))[1]

    go.touch()
    assert served.settled()["EndpointConfigName"] == f"{served.name}-slow"
    assert served.invoke(Accept="text/csv")["Body"].read() == b"9\n"


def test_a_broken_archive_fails_with_its_cause(served: Served) -> None:
    served.s3.put_object(Bucket=served.name, Key="m.tar.gz", Body=b"not a tar")
    served.endpoint()

    found = served.sagemaker.describe_endpoint(EndpointName=served.name)
    assert found["EndpointStatus"] == "Failed"
    assert "is not a gzip tar archive" in found["FailureReason"]
    assert "is not InService (it is Failed)" in code_of(served.invoke)[1]


def test_what_the_data_plane_lacks_is_refused_and_what_nobody_has_is_a_501(served: Served) -> None:
    explainer: dict[str, Any] = {"ClarifyExplainerConfig": {"ShapConfig": {"ShapBaselineConfig": {}}}}
    assert "does not have ExplainerConfig yet" in code_of(lambda: served.config(ExplainerConfig=explainer))[1]
    code, said = code_of(lambda: served.sagemaker.describe_device_fleet(DeviceFleetName="f"))
    assert (code, "sagemaker:DescribeDeviceFleet" in said) == ("NotImplemented", True)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"EnableExplanations": "`true`"}, "EnableExplanations is refused, not ignored"),
        ({"CustomAttributes": "a" * 1025}, "at 'customAttributes' failed to satisfy constraint"),
        ({"InferenceId": "a" * 65}, "less than or equal to 64"),
    ]
    for extra, words in refused:
        code, said = code_of(partial(served.invoke, **extra))
        assert (code, words in said) == ("ValidationError", True), said


def test_two_variants_share_the_traffic_by_weight(served: Served) -> None:
    variants = [
        {
            "VariantName": name,
            "ModelName": served.name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weight,
        }
        for name, weight in (("a", 1.0), ("b", 0.0))
    ]
    served.sagemaker.create_endpoint_config(EndpointConfigName=served.name, ProductionVariants=variants)
    served.sagemaker.create_endpoint(EndpointName=served.name, EndpointConfigName=served.name)
    served.settled()

    assert {served.invoke()["InvokedProductionVariant"] for _ in range(20)} == {"a"}
    assert served.invoke(TargetVariant="b")["InvokedProductionVariant"] == "b"
    served.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=served.name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0},
            {"VariantName": "b", "DesiredWeight": 2},
        ],
    )
    assert {served.invoke()["InvokedProductionVariant"] for _ in range(20)} == {"b"}


def test_capture_is_sampled_encoded_and_delivered(served: Served) -> None:
    capture = {
        "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{served.name}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}], "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }  # fmt: skip
    served.endpoint(DataCaptureConfig=capture)
    served.invoke(Accept="text/csv", InferenceId="mine")
    served.invoke(Accept="application/json")
    served.cloud.admin.call("flush")

    described = served.sagemaker.describe_endpoint(EndpointName=served.name)["DataCaptureConfig"]
    assert (described["CaptureStatus"], described["CurrentSamplingPercentage"]) == ("Started", 100)
    keys = served.keys(f"capture/{served.name}/AllTraffic/")
    lines = [
        line
        for key in keys
        for line in served.s3.get_object(Bucket=served.name, Key=key)["Body"].read().decode().splitlines()
    ]
    first, second = sorted((read_line(line) for line in lines), key=lambda r: r.inference_id is None)
    assert first.inference_id == "mine"
    assert first.input is not None
    assert first.input.data.encode() == served.sample
    assert first.output is not None
    assert first.output.encoding == "CSV"
    assert second.output is not None
    assert second.output.encoding == "BASE64"


def test_invocations_are_counted_in_cloudwatch(served: Served) -> None:
    served.endpoint()
    for _ in range(3):
        served.invoke()
    with pytest.raises(ClientError):
        served.invoke(b"1")
    query = {
        "Namespace": "AWS/SageMaker",
        "StartTime": time.time() - 600,
        "EndTime": time.time() + 86400 * 30,
        "Period": 86400 * 60,
    }
    dimensions = [{"Name": "EndpointName", "Value": served.name}, {"Name": "VariantName", "Value": "AllTraffic"}]

    def total(metric: str) -> float:
        points = served.cloud.client("cloudwatch").get_metric_statistics(
            **query, MetricName=metric, Dimensions=dimensions, Statistics=["Sum"]
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    assert (total("Invocations"), total("Invocation4XXErrors"), total("Invocation5XXErrors")) == (4.0, 1.0, 0.0)
    assert 100 < total("ModelLatency") < 4e6
