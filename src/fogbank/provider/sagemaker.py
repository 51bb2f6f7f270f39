"""SageMaker's rows of the table, and what waiting for an endpoint means.

Which inputs are updated in place is what pulumi-aws 7.51 does (its Terraform resource: everything else is ForceNew).
"""

from __future__ import annotations

import time
from typing import Any

from fogbank.contracts import tokens
from fogbank.provider.api_resource import ApiResource
from fogbank.provider.resource import Properties, ProvisionError
from fogbank.provider.shapes import Naming

TAGS = frozenset({"tags", "tagsAll"})
POLL_S = 0.05
ENDPOINT_LIMIT_S = 1800.0


def created(client: Any, inputs: Properties) -> None:
    """Wait for InService. An endpoint that failed is deleted again, so that the next `up` starts afresh."""
    found = settled(client, inputs["name"])
    if found["EndpointStatus"] != "InService":
        client.delete_endpoint(EndpointName=inputs["name"])
        raise ProvisionError(f"endpoint {inputs['name']} failed: {found.get('FailureReason', found['EndpointStatus'])}")


def updated(client: Any, inputs: Properties) -> None:
    """Wait for InService under the new configuration: an update that was rolled back is an error, never a success."""
    found = settled(client, inputs["name"])
    if found["EndpointStatus"] != "InService" or found["EndpointConfigName"] != inputs["endpointConfigName"]:
        reason = found.get("FailureReason", found["EndpointStatus"])
        raise ProvisionError(
            f"the update of endpoint {inputs['name']} was rolled back; it still serves {found['EndpointConfigName']}: {reason}"
        )


def settled(client: Any, name: str) -> Properties:
    """The endpoint when it is neither Creating nor Updating any more."""
    deadline = time.monotonic() + ENDPOINT_LIMIT_S
    while True:
        found: Properties = client.describe_endpoint(EndpointName=name)
        if found["EndpointStatus"] not in {"Creating", "Updating", "RollingBack", "SystemUpdating"}:
            return found
        if time.monotonic() > deadline:
            raise ProvisionError(f"endpoint {name} is still {found['EndpointStatus']} after {ENDPOINT_LIMIT_S:g} s")
        time.sleep(POLL_S)


ROWS = (
    ApiResource(
        token=tokens.MODEL,
        service="sagemaker",
        create_call="CreateModel",
        describe_call="DescribeModel",
        delete_call="DeleteModel",
        identity={"ModelName": "name"},
        outputs={"arn": "ModelArn"},
    ),
    ApiResource(
        token=tokens.ENDPOINT_CONFIGURATION,
        service="sagemaker",
        create_call="CreateEndpointConfig",
        describe_call="DescribeEndpointConfig",
        delete_call="DeleteEndpointConfig",
        identity={"EndpointConfigName": "name"},
        outputs={"arn": "EndpointConfigArn"},
        naming=Naming(rename={"kmsKeyArn": "KmsKeyId"}),
    ),
    ApiResource(
        token=tokens.ENDPOINT,
        service="sagemaker",
        create_call="CreateEndpoint",
        describe_call="DescribeEndpoint",
        update_call="UpdateEndpoint",
        delete_call="DeleteEndpoint",
        identity={"EndpointName": "name"},
        outputs={"arn": "EndpointArn"},
        in_place=TAGS | {"endpointConfigName", "deploymentConfig"},
        after_create=created,
        after_update=updated,
    ),
    ApiResource(
        token=tokens.DATA_QUALITY_JOB_DEFINITION,
        service="sagemaker",
        create_call="CreateDataQualityJobDefinition",
        describe_call="DescribeDataQualityJobDefinition",
        delete_call="DeleteDataQualityJobDefinition",
        identity={"JobDefinitionName": "name"},
        outputs={"arn": "JobDefinitionArn"},
        naming=Naming(single=frozenset({"monitoringOutputs"})),
    ),
    ApiResource(
        token=tokens.MONITORING_SCHEDULE,
        service="sagemaker",
        create_call="CreateMonitoringSchedule",
        describe_call="DescribeMonitoringSchedule",
        update_call="UpdateMonitoringSchedule",
        delete_call="DeleteMonitoringSchedule",
        identity={"MonitoringScheduleName": "name"},
        outputs={"arn": "MonitoringScheduleArn"},
        in_place=TAGS | {"monitoringScheduleConfig"},
    ),
)
