"""The way back, on the local cloud: a monitor's metric, an alarm, an event, `handlers/alarm` as a Lambda function, which retrains,
compares with the live model on labelled rows, registers, and rolls out by a canary. All of it by unmodified boto3, on the cloud's clock.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fogbank.pack.archive import write_archive
from fogbank.project.reporting.performance import performance
from fogbank.testing import CloudProcess
from tests.contracts.aws.served import ROLE
from tests.contracts.aws.test_lambda import TRUST, lines
from tests.contracts.aws.test_training import IMAGE, archived
from tests.waiting import until_answer

NAME, METRICS = "tumours-live", "aws/sagemaker/Endpoints/data-metrics"
SERVE = """
import json, pathlib
def model_fn(folder):
    return json.loads(pathlib.Path(folder, "model.json").read_text())["cut"]
def predict_fn(rows, cut):
    return [[int(float(row[0]) > cut)] for row in rows]
"""
TRAIN = """
import csv, json, os, pathlib, shutil
rows = [row for file in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv") for row in csv.reader(file.open())]
means = [sum(float(x) for y, x in rows if y == label) / sum(y == label for y, x in rows) for label in "01"]
folder = pathlib.Path(os.environ["SM_MODEL_DIR"])
(folder / "code").mkdir()
shutil.copy(pathlib.Path(__file__).parent / "inference.py", folder / "code" / "inference.py")
(folder / "model.json").write_text(json.dumps({"cut": sum(means) / 2}))
"""
LABELLED = "".join(f"{int(x > 10)},{x}\n" for x in range(20))
"""What is true since the data drifted: the cut is at 10, and the live model's at 1."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    """A cloud whose clock is moved, with an endpoint of two instances, a function, its rules and an alarm."""
    cloud = CloudProcess(tmp_path_factory.mktemp("way-back"))
    cloud.start()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=NAME)
    model = io.BytesIO()
    write_archive(model, {"code/inference.py": SERVE.encode(), "model.json": b'{"cut": 1}'})
    code = archived(**{"train.py": TRAIN, "inference.py": SERVE})
    bodies = {
        "model.tar.gz": model.getvalue(),
        "code.tar.gz": code,
        "train/a.csv": LABELLED.encode(),
        "recent/a.csv": LABELLED.encode(),
    }
    for key, body in bodies.items():
        s3.put_object(Bucket=NAME, Key=key, Body=body)
    serving(cloud)
    watching(cloud, function(cloud))
    yield cloud
    cloud.stop()


def serving(cloud: CloudProcess) -> None:
    sagemaker = cloud.client("sagemaker")
    container = {"Image": "i", "ModelDataUrl": f"s3://{NAME}/model.tar.gz"}
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": NAME, "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(EndpointConfigName=NAME, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.create_model_package_group(ModelPackageGroupName="tumours")
    assert until_answer(lambda: status(cloud), lambda said: said != "Creating", 120) == "InService"


def status(cloud: CloudProcess) -> str:
    return str(cloud.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointStatus"])


def function(cloud: CloudProcess) -> str:
    """`handlers/alarm.py`, as it is, in a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(Path(__file__).parents[3] / "handlers" / "alarm.py", "alarm.py")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{NAME}/train/", "S3DataDistributionType": "FullyReplicated"}
    script = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{NAME}/code.tar.gz"}
    training = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {key: json.dumps(value) for key, value in script.items()},
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}, "ContentType": "text/csv"}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{NAME}/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
    }  # fmt: skip
    own = {
        "ENDPOINT": NAME,
        "GROUP": "tumours",
        "ROLE": ROLE,
        "TRAINING": json.dumps(training),
        "LABELLED": f"s3://{NAME}/recent/",
        "MARGIN": "0.01",
    }
    role = cloud.client("iam").create_role(RoleName="way-back", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
        "Arn"
    ]
    arn: str = cloud.client("lambda").create_function(
        FunctionName="way-back", Handler="alarm.answer", Runtime="python3.11", Code={"ZipFile": out.getvalue()}, Role=role,
        Timeout=60, Environment={"Variables": own},
    )["FunctionArn"]  # fmt: skip
    return arn


def watching(cloud: CloudProcess, target: str) -> None:
    """The alarm on SageMaker's metric, and the rules that start the function: on the alarm, on jobs' ends, and each quarter."""
    dimensions = [{"Name": "Endpoint", "Value": NAME}, {"Name": "MonitoringSchedule", "Value": "quality"}]
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="drift", Namespace=METRICS, MetricName="feature_baseline_drift_x", Dimensions=dimensions, Statistic="Maximum", Period=60,
        EvaluationPeriods=1, Threshold=0.1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip
    kinds = ["SageMaker Training Job State Change", "SageMaker Transform Job State Change"]
    alarm = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": ["drift"]},
    }
    rules: dict[str, dict[str, str]] = {
        "on-alarm": {"EventPattern": json.dumps(alarm)},
        "on-jobs": {"EventPattern": json.dumps({"source": ["aws.sagemaker"], "detail-type": kinds})},
        "quarterly": {"ScheduleExpression": "cron(0 3 1 1,4,7,10 ? *)"},
    }
    for name, rule in rules.items():
        cloud.client("events").put_rule(Name=name, **rule)
        cloud.client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])


def asked(cloud: CloudProcess, rows: bytes) -> list[str]:
    reply = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=NAME, ContentType="text/csv", Accept="text/csv", Body=rows
    )
    return [line.strip() for line in reply["Body"].read().decode().split()]


def packages(cloud: CloudProcess) -> list[dict[str, Any]]:
    sagemaker = cloud.client("sagemaker")
    found = sagemaker.list_model_packages(ModelPackageGroupName="tumours")["ModelPackageSummaryList"]
    return [sagemaker.describe_model_package(ModelPackageName=item["ModelPackageArn"]) for item in found]


def test_an_alarm_ends_in_a_better_model_that_answers(cloud: CloudProcess) -> None:
    dimensions = [{"Name": "Endpoint", "Value": NAME}, {"Name": "MonitoringSchedule", "Value": "quality"}]
    assert asked(cloud, b"5\n15\n") == ["1", "1"], "the live model is wrong of 5"
    datum = {"MetricName": "feature_baseline_drift_x", "Dimensions": dimensions, "Value": 0.6}
    cloud.client("cloudwatch").put_metric_data(Namespace=METRICS, MetricData=[datum])
    cloud.advance(120)

    try:
        [package] = until_answer(lambda: packages(cloud), bool, 240)
        until_answer(lambda: status(cloud), lambda said: said == "Updating", 60)
        cloud.advance(300)
        assert (
            until_answer(lambda: status(cloud), lambda said: said not in {"Updating", "RollingBack"}, 120)
            == "InService"
        )
    except AssertionError:
        print("\n".join(lines(cloud, "way-back")))
        raise

    assert package["ModelApprovalStatus"] == "Approved"
    scores = {name: float(value) for name, value in package["CustomerMetadataProperties"].items()}
    assert scores == {"accuracy": 1.0, "live_accuracy": 0.55}
    assert asked(cloud, b"5\n15\n") == ["0", "1"]
    now = cloud.client("sagemaker").describe_endpoint(EndpointName=NAME)
    assert now["EndpointConfigName"].startswith(f"{NAME}-2")
    [served] = until_answer(
        lambda: performance(cloud.client, NAME, moment(cloud)), lambda found: found[0]["requests"] >= 2
    )
    assert (served["requests"], served["errors_4xx"], served["errors_5xx"]) == (2, 0, 0), "the report's figures"
    assert 0 < served["p50_ms"] <= served["p99_ms"]


def moment(cloud: CloudProcess) -> datetime:
    """A minute after the cloud's time."""
    return datetime.fromisoformat(cloud.admin.call("status")["time"]) + timedelta(minutes=1)


def test_a_model_that_is_no_better_is_registered_and_stays_out(cloud: CloudProcess) -> None:
    before = cloud.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    fired = cloud.advance(92 * 86400)

    assert sum("way-back" in str(item) for item in fired) == 1, "the quarterly schedule"
    newest = until_answer(lambda: packages(cloud), lambda found: len(found) == 2, 240)
    assert {item["ModelApprovalStatus"] for item in newest} == {"Approved", "Rejected"}
    assert cloud.client("sagemaker").describe_endpoint(EndpointName=NAME)["EndpointConfigName"] == before
