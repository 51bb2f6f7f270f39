"""SageMaker's SDK v3 over every kind of endpoint, as its resources are used: made, waited for, asked, changed, deleted.

In: a bucket with `m.tar.gz` (a model that says what it was asked, in pieces) and `many/one.tar.gz`, the prefix of all names; out: JSON of what
was answered. Streams are left out, and serverless endpoints (hosted_builder.py has them): 3.27 asks botocore's EventStream for `.get`,
which it has nowhere, and writes MemorySizeInMb, which botocore refuses.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3
from sagemaker.core.resources import Endpoint, EndpointConfig, InferenceComponent, Model
from sagemaker.core.shapes import (
    AsyncInferenceConfig,
    AsyncInferenceOutputConfig,
    ContainerDefinition,
    DesiredWeightAndCapacity,
    InferenceComponentCapacitySize,
    InferenceComponentComputeResourceRequirements,
    InferenceComponentDeploymentConfig,
    InferenceComponentRollingUpdatePolicy,
    InferenceComponentRuntimeConfig,
    InferenceComponentSpecification,
    InferenceExecutionConfig,
    MultiModelConfig,
    ProductionVariant,
)

name, role = sys.argv[1], "arn:aws:iam::123456789012:role/r"
seen: dict[str, Any] = {}
bucket, s3 = f"s3://{name}", boto3.client("s3")
INSTANCES: dict[str, Any] = {"instance_type": "ml.m5.xlarge", "initial_instance_count": 1}
QUICK: dict[str, Any] = {"poll": 1, "timeout": 200}


def container(hostname: str | None = None) -> ContainerDefinition:
    """One of the script that says what it was asked."""
    named = {"container_hostname": hostname} if hostname else {}
    return ContainerDefinition(image="i", model_data_url=f"{bucket}/m.tar.gz", **named)


def endpoint(suffix: str, variants: list[ProductionVariant], **config: Any) -> Endpoint:
    """One that is InService."""
    EndpointConfig.create(endpoint_config_name=name + suffix, production_variants=variants, **config)
    made = Endpoint.create(endpoint_name=name + suffix, endpoint_config_name=name + suffix)
    made.wait_for_status("InService", **QUICK)
    return made


def variant(model: str | None = name, variant_name: str = "v", **more: Any) -> ProductionVariant:
    """One on instances."""
    named = {"model_name": model} if model else {}
    return ProductionVariant(variant_name=variant_name, **named, **INSTANCES, **more)


def said(of: Endpoint, **more: Any) -> Any:
    """What it answers."""
    answer = of.invoke(body=b"hello", content_type="text/plain", **more)
    return answer.body.read().decode()


Model.create(model_name=name, execution_role_arn=role, primary_container=container())
Model.create(
    model_name=f"{name}-p", execution_role_arn=role, containers=[container("first"), container("second")],
    inference_execution_config=InferenceExecutionConfig(mode="Direct"),
)  # fmt: skip
Model.create(model_name=f"{name}-s", execution_role_arn=role, containers=[container("first"), container("second")])
many = ContainerDefinition(
    image="i", model_data_url=f"{bucket}/many/", mode="MultiModel",
    multi_model_config=MultiModelConfig(model_cache_setting="Enabled"),
)  # fmt: skip
Model.create(model_name=f"{name}-m", execution_role_arn=role, primary_container=many)

plain = endpoint("", [variant(initial_variant_weight=1.0)])
seen["plain"] = said(plain)
plain.update_weights_and_capacities(
    desired_weights_and_capacities=[DesiredWeightAndCapacity(variant_name="v", desired_instance_count=2)]
)
plain.wait_for_status("InService", **QUICK)
seen["counts"] = plain.production_variants[0].current_instance_count
EndpointConfig.create(endpoint_config_name=f"{name}-next", production_variants=[variant()], shadow_production_variants=[variant(variant_name="w")])  # fmt: skip
plain.endpoint_config_name = f"{name}-next"
plain.update()
plain.wait_for_status("InService", **QUICK)
seen["updated"] = [plain.endpoint_config_name, [each.variant_name for each in plain.shadow_production_variants]]
seen["shadowed"] = said(plain)

output = AsyncInferenceOutputConfig(s3_output_path=f"{bucket}/answers")
later = endpoint("-q", [variant()], async_inference_config=AsyncInferenceConfig(output_config=output))
s3.put_object(Bucket=name, Key="asked", Body=b"hello")
place = later.invoke_async(input_location=f"{bucket}/asked", content_type="text/plain").output_location
key = place.removeprefix(f"{bucket}/")
s3.get_waiter("object_exists").wait(Bucket=name, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
seen["asynchronous"] = s3.get_object(Bucket=name, Key=key)["Body"].read().decode()

seen["serial"] = said(endpoint("-s", [variant(f"{name}-s")]))
direct = endpoint("-p", [variant(f"{name}-p")])
seen["direct"] = said(direct, target_container_hostname="second")
seen["many"] = said(endpoint("-m", [variant(f"{name}-m")]), target_model="one.tar.gz")

hosting = endpoint("-h", [variant(None)], execution_role_arn=role)
needs = InferenceComponentComputeResourceRequirements(min_memory_required_in_mb=512, number_of_cpu_cores_required=1)
specification = InferenceComponentSpecification(model_name=name, compute_resource_requirements=needs)
component = InferenceComponent.create(
    inference_component_name=f"{name}-c", endpoint_name=f"{name}-h", variant_name="v", specification=specification,
    runtime_config=InferenceComponentRuntimeConfig(copy_count=1),
)  # fmt: skip
component.wait_for_status("InService", **QUICK)
seen["component"] = said(hosting, inference_component_name=f"{name}-c")
component.update_runtime_configs(desired_runtime_config=InferenceComponentRuntimeConfig(copy_count=2))
component.wait_for_status("InService", **QUICK)
batch = InferenceComponentCapacitySize(type="COPY_COUNT", value=1)
policy = InferenceComponentRollingUpdatePolicy(maximum_batch_size=batch, wait_interval_in_seconds=1)
component.update(
    specification=specification, deployment_config=InferenceComponentDeploymentConfig(rolling_update_policy=policy)
)
component.wait_for_status("InService", **QUICK)
rolled = component.last_deployment_config.rolling_update_policy
seen["rolled"] = [component.runtime_config.current_copy_count, rolled.maximum_batch_size.value]
component.delete()
component.wait_for_delete(**QUICK)

listed = sorted(each.endpoint_name.removeprefix(name) for each in Endpoint.get_all(name_contains=name))
seen["listed"] = listed
for suffix in listed:
    gone = Endpoint.get(endpoint_name=name + suffix)
    gone.delete()
    gone.wait_for_delete(**QUICK)
    EndpointConfig.get(endpoint_config_name=name + suffix).delete()
for suffix in ("", "-p", "-s", "-m"):
    Model.get(model_name=name + suffix).delete()
seen["left"] = [each.model_name for each in Model.get_all(name_contains=name)]
print("\n" + json.dumps(seen))
