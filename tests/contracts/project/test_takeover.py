"""An endpoint that is there already is taken into a stack: imported as it is, and nothing of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import AwsError, ProjectError
from fogbank.project.account.takeover import adopt
from fogbank.testing import CloudProcess, deploy_with_engine
from tests.stacks import team_stack


def by_hand(cloud: CloudProcess, name: str, package: Path) -> None:
    """As somebody made it in a notebook, and moved it by a guarded deployment."""
    s3, sagemaker = cloud.client("s3"), cloud.client("sagemaker")
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.upload_file(str(package / "model.tar.gz"), name, "model.tar.gz")
    container = {"Image": "i", "ModelDataUrl": f"s3://{name}/model.tar.gz", "Environment": {"camelCase_KEY": "Stays"}}
    sagemaker.create_model(
        ModelName=f"{name}-m",
        ExecutionRoleArn=role,
        PrimaryContainer=container,
        Tags=[{"Key": "madeBy", "Value": "me"}],
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{name}-m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    capture = {
        "EnableCapture": True, "InitialSamplingPercentage": 20, "DestinationS3Uri": f"s3://{name}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}], "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }  # fmt: skip
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-c", ProductionVariants=[variant], DataCaptureConfig=capture
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-c")
    wait = {"Delay": 1, "MaxAttempts": 60}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=wait)
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{name}-a", Namespace="n", MetricName="m", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName=f"{name}-c",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"{name}-a"}]},
        },
    )
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=wait)


def test_an_endpoint_is_imported_with_its_configuration_and_model_as_they_are(
    shared_cloud: CloudProcess, unique: str, tmp_path: Path, fogbank_project: ProjectConfig
) -> None:
    by_hand(shared_cloud, unique, fogbank_project.package)
    sagemaker = shared_cloud.client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName=unique)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__main__.py").write_text("")
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: python\nmain: infra/\n")
    (tmp_path / "Pulumi.local.yaml").write_text(
        team_stack(shared_cloud.url).replace("  aws:defaultTags:\n    tags:\n      team: fraud\n", "")
    )
    adoption = adopt(tmp_path, shared_cloud.client, unique)

    assert adoption.file == tmp_path / "infra" / "adopted.py"
    assert [item.name for item in adoption.resources] == [f"{unique}-m", f"{unique}-c", unique]
    assert adoption.taken_in is False
    with pytest.raises(ProjectError, match="is there already"):
        adopt(tmp_path, shared_cloud.client, unique)

    (tmp_path / "infra" / "__main__.py").write_text("import adopted\n")
    deployed = deploy_with_engine(tmp_path, shared_cloud, tmp_path / "state")
    assert deployed.summary is not None
    assert deployed.summary.changes.get("import") == 3, deployed.summary.changes
    assert set(deployed.summary.changes) <= {"import", "create"}, "the stack itself is created"
    assert sagemaker.describe_endpoint(EndpointName=unique) | {"ResponseMetadata": 0} == before | {
        "ResponseMetadata": 0
    }
    assert deployed.driver is not None
    deployed.driver.preview(lambda _: None, expect_no_changes=True)
    deployed.driver.refresh(lambda _: None)
    deployed.driver.preview(lambda _: None, expect_no_changes=True)


def test_what_is_not_there_is_not_adopted(shared_cloud: CloudProcess, tmp_path: Path) -> None:
    with pytest.raises(AwsError, match="Could not find Endpoint"):
        adopt(tmp_path, shared_cloud.client, "nobody")
