"""A monitor carried by SageMaker's Model Monitor: a job definition and its schedule. For accounts that have it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.job_definition import JobDefinition, definition_request
from fogbank.components.naming import beside_the_old, default_tags
from fogbank.components.watch import Watch
from fogbank.contracts.monitoring import ANALYZER, CLARIFY, PROCESSING
from fogbank.contracts.names import base_name

MODEL_MONITORS = ("DataQuality", "ModelQuality")
"""The kinds that Model Monitor's own analyzer looks at; the others are Clarify's."""


def model_monitor(watch: Watch) -> pulumi.Output[str]:
    """Declare it; the schedule's name."""
    image = pulumi.Output.from_input(watch.image or _analyzer(watch))
    declare = _data_quality if watch.kind.type == "DataQuality" else _definition
    definition = declare(watch, image, [*watch.files.values(), *watch.granted(image)])
    scheduled = aws.sagemaker.MonitoringSchedule(
        f"{watch.name}-schedule",
        name=watch.public_name,
        monitoring_schedule_config={
            "monitoring_job_definition_name": definition,
            "monitoring_type": watch.kind.type,
            "schedule_config": {"schedule_expression": watch.schedule},
        },
        opts=watch.child,
    )
    return scheduled.name


def _definition(watch: Watch, image: pulumi.Output[str], needs: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
    """A definition of a kind that pulumi-aws does not have; its name."""
    known: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
        endpoint=watch.looks_at.endpoint or "",
        capture=watch.looks_at.uri,
        local_path=watch.looks_at.local_path,
        image=image,
        role=watch.looks_at.service.role_arn,
        results=watch.results,
        asks=watch.asks,
        **watch.uris(),
    )
    tags = default_tags()
    request = known.apply(lambda facts: definition_request(**facts, instance_type=watch.instance_type, tags=tags))
    definition = JobDefinition(
        base_name(watch.public_name),
        kind=watch.kind.type,
        request=request,
        opts=beside_the_old(watch.component, needs),
    )
    return definition.name


def _data_quality(watch: Watch, image: pulumi.Output[str], needs: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
    """The job definition: it never changes, so a change is a new one beside the old, under a name of its own."""
    uris = watch.uris()
    arguments: dict[str, Any] = {
        "role_arn": watch.looks_at.service.role_arn,
        "data_quality_app_specification": {"image_uri": image},
        "data_quality_baseline_config": {
            "statistics_resource": {"s3_uri": uris["statistics"]},
            "constraints_resource": {"s3_uri": uris["constraints"]},
        },
        "data_quality_job_input": _job_input(watch),
        "data_quality_job_output_config": {
            "monitoring_outputs": {
                "s3_output": {
                    "s3_uri": watch.results,
                    "local_path": f"{PROCESSING}/output",
                    "s3_upload_mode": "EndOfJob",
                }
            },
        },
        "job_resources": {
            "cluster_config": {
                "instance_count": watch.instance_count,
                "instance_type": watch.instance_type,
                "volume_size_in_gb": 20,
            }
        },
        "stopping_condition": {"max_runtime_in_seconds": 3300},
    }
    definition = aws.sagemaker.DataQualityJobDefinition(
        base_name(watch.public_name),
        **arguments,
        opts=beside_the_old(watch.component, needs),
    )
    return definition.name


def _job_input(watch: Watch) -> dict[str, Any]:
    """What data quality looks at."""
    looks_at = watch.looks_at
    if looks_at.endpoint is not None:
        return {"endpoint_input": {"endpoint_name": looks_at.endpoint, "local_path": looks_at.local_path}}
    batch = {
        "data_captured_destination_s3_uri": looks_at.uri,
        "dataset_format": {"csv": {"header": False}},
        "local_path": looks_at.local_path,
    }
    return {"batch_transform_input": batch}


def _analyzer(watch: Watch) -> pulumi.Output[str]:
    """AWS's image of the region: Model Monitor's without a tag, as the SageMaker SDK names it (pulumi-aws adds `:1`), and Clarify's."""
    options = pulumi.InvokeOptions(parent=watch.component)
    if watch.kind.type in MODEL_MONITORS:
        found = aws.sagemaker.get_prebuilt_ecr_image_output(repository_name=ANALYZER, opts=options)
        return found.registry_path.apply(lambda path: path.rpartition(":")[0])
    found = aws.sagemaker.get_prebuilt_ecr_image_output(repository_name=CLARIFY, image_tag="1.0", opts=options)
    return found.registry_path
