"""What an endpoint configuration cannot have together, pure: a variant is on instances or serverless, and not all goes with either.

In: CreateEndpointConfig's request and its models; out: nothing, or the ValidationException. Sources: the Developer Guide's "Feature
exclusions" of serverless inference, botocore's model; the sentence is the one that SageMaker has for AsyncInferenceConfig.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fogbank.cloud.api.control import Params
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.models import containers, has_source, is_direct
from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.asynchronous import check_location
from fogbank.cloud.hosting.placement import Room, managed_by

SERVERLESS, ASYNC = "a ServerlessConfig", "an AsyncInferenceConfig"
COMPONENTS = "variants without a ModelName, which host inference components"
STEP_MB = 1024
OF_INSTANCES = (
    "InstanceType", "InitialInstanceCount", "AcceleratorType", "VolumeSizeInGB", "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds", "EnableSSMAccess", "CoreDumpConfig", "ManagedInstanceScaling",
    "RoutingConfig", "InferenceAmiVersion", "CapacityReservationConfig",
)  # fmt: skip
"""Members of a variant that are about instances."""
OF_MODELS = {"VpcConfig": "VpcConfig of the model", "EnableNetworkIsolation": "EnableNetworkIsolation of the model"}


def check_config(params: Params, models: Mapping[str, Document]) -> None:
    """Refuse what does not go together. Raises ValidationException."""
    variants = params["ProductionVariants"]
    for variant in variants:
        if "ServerlessConfig" not in variant and not {"InstanceType", "InitialInstanceCount"} <= variant.keys():
            raise validation(
                f'Variant "{variant["VariantName"]}" must have an InstanceType and an InitialInstanceCount, or a ServerlessConfig.'
            )
    for variant in variants:
        _check_managed(variant)
    if not all(variant.get("ModelName") for variant in (*variants, *params.get("ShadowProductionVariants", []))):
        _check_components(params, variants)
        return
    if any("ServerlessConfig" in variant for variant in variants):
        _check_serverless(params, variants, models)
    if "AsyncInferenceConfig" in params:
        _check_async(params, variants, models)


def _check_components(params: Params, variants: Sequence[Document]) -> None:
    if any(variant.get("ModelName") for variant in variants):
        raise validation("Either every variant must have a ModelName, or none.")
    if not params.get("ExecutionRoleArn"):
        raise validation("ExecutionRoleArn is required for an endpoint configuration whose variants have no ModelName.")
    for member in ("ShadowProductionVariants", "AsyncInferenceConfig", "ExplainerConfig"):
        if params.get(member):
            raise _excluded(member, COMPONENTS)
    for variant in variants:
        for member in ("ServerlessConfig", "ContainerStartupHealthCheckTimeoutInSeconds"):
            if member in variant:
                raise _excluded(member, COMPONENTS)
        Room.of(variant, 0)


def _check_managed(variant: Document) -> None:
    """The sentence about models is the one that others quote from AWS (hashicorp/terraform-provider-aws#45926)."""
    managed = managed_by(variant)
    if managed is None:
        return
    if variant.get("ModelName"):
        raise validation("ManagedInstanceScaling is only supported for inference component endpoints.")
    if not {"MinInstanceCount", "MaxInstanceCount"} <= managed.keys():
        raise validation("ManagedInstanceScaling must have a MinInstanceCount and a MaxInstanceCount.")
    least, most = managed["MinInstanceCount"], managed["MaxInstanceCount"]
    if not least <= variant["InitialInstanceCount"] <= most:
        raise validation(
            f"InitialInstanceCount ({variant['InitialInstanceCount']}) must be between MinInstanceCount ({least}) and "
            f"MaxInstanceCount ({most}) of ManagedInstanceScaling."
        )


def _check_serverless(params: Params, variants: Sequence[Document], models: Mapping[str, Document]) -> None:
    if len(variants) > 1:
        raise _excluded("More than one production variant", SERVERLESS)
    for member in ("DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants", "ExplainerConfig"):
        if params.get(member):
            raise _excluded(member, SERVERLESS)
    for member in ("VpcConfig", "EnableNetworkIsolation"):
        if params.get(member):
            raise _excluded(member, SERVERLESS)
    [variant] = variants
    for member in OF_INSTANCES:
        if variant.get(member):
            raise _excluded(member, SERVERLESS)
    _check_serverless_model(models.get(variant["ModelName"], {}))
    check_serverless(variant["ServerlessConfig"])


def _check_serverless_model(model: Document) -> None:
    for member, name in OF_MODELS.items():
        if model.get(member):
            raise _excluded(name, SERVERLESS)
    if len(containers(model)) > 1:
        raise _excluded("An inference pipeline", SERVERLESS)
    if any(container.multi_model for container in containers(model)):
        raise _excluded("A multi-model container", SERVERLESS)
    if has_source(model):
        raise _excluded("ModelDataSource of the model", SERVERLESS)


def check_serverless(config: Mapping[str, Any]) -> None:
    """Refuse sizes that there are not. Raises ValidationException."""
    if config["MemorySizeInMB"] % STEP_MB:
        sizes = ", ".join(str(size * STEP_MB) for size in range(1, 7))
        raise validation(
            f"Value '{config['MemorySizeInMB']}' at 'MemorySizeInMB' failed to satisfy constraint: Member must satisfy enum value "
            f"set: [{sizes}]"
        )
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise validation(
            f"ProvisionedConcurrency ({config['ProvisionedConcurrency']}) must be less than or equal to MaxConcurrency "
            f"({config['MaxConcurrency']})."
        )


def check_guardrails(config: Mapping[str, Any], live: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a DeploymentConfig that is not for these variants, by their names. Raises ValidationException.

    Source: the Developer Guide, "Deployment guardrails", "Exclusions"; the sentences are ours.
    """
    if config and sorted(live) != sorted(wanted):
        raise validation(
            f"A DeploymentConfig moves an endpoint between variants of the same names, and not from [{', '.join(sorted(live))}] to "
            f"[{', '.join(sorted(wanted))}]."
        )
    if config.get("RollingUpdatePolicy") and len(wanted) > 1:
        raise validation(f"RollingUpdatePolicy is not supported for endpoints with {len(wanted)} production variants.")


def _check_async(params: Params, variants: Sequence[Document], models: Mapping[str, Document]) -> None:
    if len(variants) > 1:
        raise _excluded("More than one production variant", ASYNC)
    for member in ("ShadowProductionVariants", "ExplainerConfig"):
        if params.get(member):
            raise _excluded(member, ASYNC)
    for model in (models.get(variant["ModelName"], {}) for variant in variants):
        if is_direct(model) or any(container.multi_model for container in containers(model)):
            raise _excluded("A container that InvokeEndpointAsync has no member to name", ASYNC)
    output = params["AsyncInferenceConfig"]["OutputConfig"]
    if not output.get("S3OutputPath"):
        raise validation("AsyncInferenceConfig.OutputConfig must have an S3OutputPath.")
    for member in ("S3OutputPath", "S3FailurePath"):
        if output.get(member):
            try:
                check_location(output[member], member)
            except ApiError as error:
                raise validation(error.message) from error


def _excluded(what: str, by: str) -> ApiError:
    return validation(f"{what} is not supported when specifying {by}.")
