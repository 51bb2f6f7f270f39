"""SageMaker's rows of the table, and what waiting for an endpoint means.

Which inputs are updated in place is what pulumi-aws 7.51 does (its Terraform resource: everything else is ForceNew).
"""

from __future__ import annotations

import time
from typing import Any

from fogbank.contracts import tokens
from fogbank.provider.calls import GoneError, call, require
from fogbank.provider.resource import AutoName, Properties, ProvisionError
from fogbank.provider.row import Row, Session, Tagging

POLL_S = 0.05
ENDPOINT_LIMIT_S = 1800.0


def created(client: Any, inputs: Properties) -> None:
    """Wait for InService. An endpoint that failed is deleted again, so that the next `up` starts afresh."""
    endpoint = settled(client, inputs["name"])
    if endpoint["EndpointStatus"] != "InService":
        require(client, "DeleteEndpoint", EndpointName=inputs["name"])
        raise ProvisionError(
            f"endpoint {inputs['name']} failed: {endpoint.get('FailureReason', endpoint['EndpointStatus'])}"
        )


def updated(client: Any, inputs: Properties) -> None:
    """Wait for InService under the new configuration: an update that was rolled back is an error, never a success."""
    endpoint = settled(client, inputs["name"])
    if endpoint["EndpointStatus"] != "InService" or endpoint["EndpointConfigName"] != inputs["endpointConfigName"]:
        reason = endpoint.get("FailureReason", endpoint["EndpointStatus"])
        raise ProvisionError(
            f"the update of endpoint {inputs['name']} was rolled back; it still serves {endpoint['EndpointConfigName']}: {reason}"
        )


def settled(client: Any, name: str) -> Properties:
    """The endpoint when it is neither Creating nor Updating any more."""
    deadline = time.monotonic() + ENDPOINT_LIMIT_S
    while True:
        endpoint: Properties = require(client, "DescribeEndpoint", EndpointName=name)
        if endpoint["EndpointStatus"] not in {"Creating", "Updating", "RollingBack", "SystemUpdating"}:
            return endpoint
        if time.monotonic() > deadline:
            raise ProvisionError(f"endpoint {name} is still {endpoint['EndpointStatus']} after {ENDPOINT_LIMIT_S:g} s")
        time.sleep(POLL_S)


def delete_endpoint(row: Row, session: Session, id_: str, state: Properties) -> None:
    """DeleteEndpoint, and wait until it is gone, so that its name is free."""
    del row
    client, name = session.client("sagemaker"), state.get("name") or id_
    deadline = time.monotonic() + ENDPOINT_LIMIT_S
    try:
        call(client, "DeleteEndpoint", EndpointName=name)
        while time.monotonic() < deadline:
            call(client, "DescribeEndpoint", EndpointName=name)
            time.sleep(POLL_S)
    except GoneError:
        return
    raise ProvisionError(f"endpoint {name} is still there after {ENDPOINT_LIMIT_S:g} s")


def _calls(stem: str, *, updates: bool = False) -> dict[str, str]:
    calls = {"create": f"Create{stem}", "describe": f"Describe{stem}", "delete": f"Delete{stem}"}
    return {**calls, "update": f"Update{stem}"} if updates else calls


ROWS = (
    Row(
        token=tokens.MODEL,
        service="sagemaker",
        calls=_calls("Model"),
        identity={"ModelName": "name"},
        outputs={"arn": "ModelArn"},
        auto_name=AutoName(prefix_key=None),
        defaults={
            "enableNetworkIsolation": False,
            "primaryContainer.mode": "SingleModel",
            "containers[].mode": "SingleModel",
        },
        sets=frozenset({"vpcConfig.subnets", "vpcConfig.securityGroupIds"}),
        tags=Tagging.SAGEMAKER,
    ),
    Row(
        token=tokens.ENDPOINT_CONFIGURATION,
        service="sagemaker",
        calls=_calls("EndpointConfig"),
        identity={"EndpointConfigName": "name"},
        outputs={"arn": "EndpointConfigArn"},
        auto_name=AutoName(),
        renames={"kmsKeyArn": "KmsKeyId"},
        defaults={"productionVariants[].initialVariantWeight": 1, "shadowProductionVariants[].initialVariantWeight": 1},
        sets=frozenset(
            f"dataCaptureConfig.captureContentTypeHeader.{kind}" for kind in ("csvContentTypes", "jsonContentTypes")
        ),
        generated={
            "productionVariants[].variantName": "variant",
            "shadowProductionVariants[].variantName": "shadow-variant",
        },
        tags=Tagging.SAGEMAKER,
    ),
    Row(
        token=tokens.ENDPOINT,
        service="sagemaker",
        calls=_calls("Endpoint", updates=True),
        identity={"EndpointName": "name"},
        outputs={"arn": "EndpointArn"},
        auto_name=AutoName(prefix_key=None),
        renames={
            "deploymentConfig": "LastDeploymentConfig"
        },  # its read; the calls that take one have `DeploymentConfig`
        in_place=frozenset({"endpointConfigName", "deploymentConfig"}),
        seen=frozenset({"deploymentConfig"}),
        forcing=frozenset({"deploymentConfig.autoRollbackConfiguration"}),
        sets=frozenset({"deploymentConfig.autoRollbackConfiguration.alarms"}),
        tags=Tagging.SAGEMAKER,
        after_create=created,
        after_update=updated,
        deletes=delete_endpoint,
    ),
    Row(
        token=tokens.DATA_QUALITY_JOB_DEFINITION,
        service="sagemaker",
        calls=_calls("DataQualityJobDefinition"),
        identity={"JobDefinitionName": "name"},
        outputs={"arn": "JobDefinitionArn"},
        auto_name=AutoName(prefix_key=None),
        defaults={
            "stoppingCondition.maxRuntimeInSeconds": 3600,
            "dataQualityJobOutputConfig.monitoringOutputs.s3Output.s3UploadMode": "EndOfJob",
        },
        sets=frozenset({"networkConfig.vpcConfig.subnets", "networkConfig.vpcConfig.securityGroupIds"}),
        tags=Tagging.SAGEMAKER,
    ),
    Row(
        token=tokens.MONITORING_SCHEDULE,
        service="sagemaker",
        calls=_calls("MonitoringSchedule", updates=True),
        identity={"MonitoringScheduleName": "name"},
        outputs={"arn": "MonitoringScheduleArn"},
        auto_name=AutoName(prefix_key=None),
        renames={"baseline": "BaselineConfig"},
        in_place=frozenset({"monitoringScheduleConfig"}),
        tags=Tagging.SAGEMAKER,
    ),
    Row(
        token="aws:sagemaker/modelPackageGroup:ModelPackageGroup",
        service="sagemaker",
        calls=_calls("ModelPackageGroup"),
        identity={"ModelPackageGroupName": "modelPackageGroupName"},
        outputs={"arn": "ModelPackageGroupArn"},
        tags=Tagging.SAGEMAKER,
    ),
    Row(
        token="aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy",
        service="sagemaker",
        calls={
            "create": "PutModelPackageGroupPolicy",
            "describe": "GetModelPackageGroupPolicy",
            "update": "PutModelPackageGroupPolicy",
            "delete": "DeleteModelPackageGroupPolicy",
        },
        identity={"ModelPackageGroupName": "modelPackageGroupName"},
        outputs={},
        in_place=frozenset({"resourcePolicy"}),
        policies=frozenset({"resourcePolicy"}),
    ),
    Row(
        token="aws:sagemaker/pipeline:Pipeline",
        service="sagemaker",
        calls=_calls("Pipeline", updates=True),
        identity={"PipelineName": "pipelineName"},
        outputs={"arn": "PipelineArn"},
        in_place=frozenset(
            {
                "parallelismConfiguration",
                "pipelineDefinition",
                "pipelineDefinitionS3Location",
                "pipelineDescription",
                "pipelineDisplayName",
                "roleArn",
            }
        ),
        tags=Tagging.SAGEMAKER,
    ),
)
