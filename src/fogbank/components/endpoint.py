"""Endpoint: a model that answers, under a name that stays while configurations come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.naming import beside_the_old, named_by_content
from fogbank.components.rollout import Rollout, serves_already
from fogbank.components.service import CAPTURE, ModelService
from fogbank.contracts.names import check_name
from fogbank.contracts.tokens import ENDPOINT_COMPONENT

VARIANT = "AllTraffic"
ROUTINGS = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Which share of requests is recorded: `sampling` in percent, 0 to 100."""

    sampling: int = 100

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.sampling <= 100:
            raise ValueError(f"sampling must be 0 to 100 percent, not {self.sampling}")


@dataclass(frozen=True, kw_only=True)
class Hosting:
    """How patient SageMaker is with an instance, and what it gives it; what is None is SageMaker's default.

    `startup_timeout_s` and `download_timeout_s` are 60 to 3600: how long a container may take to answer /ping, and the model's artifact
    to arrive. `volume_gb` is the size of the disk, `ami_version` of the host's image, `routing` `RANDOM` or
    `LEAST_OUTSTANDING_REQUESTS`.
    """

    startup_timeout_s: int | None = None
    download_timeout_s: int | None = None
    volume_gb: int | None = None
    ami_version: str | None = None
    routing: str | None = None

    def __post_init__(self) -> None:
        """Refuse what SageMaker would."""
        for name in ("startup_timeout_s", "download_timeout_s"):
            seconds = getattr(self, name)
            if seconds is not None and not 60 <= seconds <= 3600:
                raise ValueError(f"{name} must be 60 to 3600 seconds, not {seconds}")
        if self.volume_gb is not None and not 1 <= self.volume_gb <= 512:
            raise ValueError(f"volume_gb must be 1 to 512, not {self.volume_gb}")
        if self.routing not in {None, *ROUTINGS}:
            raise ValueError(f"routing must be {' or '.join(ROUTINGS)}, not {self.routing!r}")

    @property
    def arguments(self) -> dict[str, Any]:
        """A variant's own arguments, those that are given."""
        arguments = {
            "container_startup_health_check_timeout_in_seconds": self.startup_timeout_s,
            "model_data_download_timeout_in_seconds": self.download_timeout_s,
            "volume_size_in_gb": self.volume_gb,
            "inference_ami_version": self.ami_version,
            "routing_configs": [{"routing_strategy": self.routing}] if self.routing else None,
        }
        return {name: value for name, value in arguments.items() if value is not None}


class Endpoint(pulumi.ComponentResource):
    """A SageMaker endpoint for one model. `hosting` says how patient SageMaker is with its instances.

    The configuration's name carries the digest of what it says, so a change makes a new configuration first, moves the
    endpoint to it (`Rollout`: an update that AWS rolled back is an error), and only then deletes the old one.

    Outputs: `endpoint_name`, `endpoint_arn`, `config_name`.
    """

    def __init__(
        self,
        name: str,
        *,
        service: ModelService,
        endpoint_name: str | None = None,
        instance_type: str = "ml.m5.large",
        instance_count: int = 1,
        capture: DataCapture | None = None,
        hosting: Hosting | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if instance_count < 1:
            raise ValueError(f"instance_count must be at least 1, not {instance_count}")
        public_name = check_name("endpoint_name", endpoint_name or name)
        super().__init__(ENDPOINT_COMPONENT, name, None, opts)
        variant = {
            "variant_name": VARIANT,
            "model_name": service.model_name,
            "instance_type": instance_type,
            "initial_instance_count": instance_count,
            "initial_variant_weight": 1.0,
            **(hosting.arguments if hosting else {}),
        }
        arguments: dict[str, Any] = {
            "production_variants": [variant],
            "data_capture_config": _capture(service, capture) if capture else None,
        }
        config = aws.sagemaker.EndpointConfiguration(
            f"{name}-config", name=named_by_content(public_name, arguments), **arguments, opts=beside_the_old(self)
        )
        endpoint = aws.sagemaker.Endpoint(
            f"{name}-endpoint",
            name=public_name,
            endpoint_config_name=config.name,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=service.ready,
                ignore_changes=["endpointConfigName"] if serves_already(public_name, self) else None,
            ),
        )
        rollout = Rollout(
            f"{name}-rollout",
            endpoint_name=endpoint.name,
            config_name=config.name,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[endpoint]),
        )
        self.service = service
        self.capture_uri = service.uri(CAPTURE) if capture else None
        self.endpoint_name = endpoint.name
        self.endpoint_arn = endpoint.arn
        self.config_name = rollout.config_name
        self.register_outputs(
            {"endpoint_name": self.endpoint_name, "endpoint_arn": self.endpoint_arn, "config_name": self.config_name}
        )


def _capture(
    service: ModelService, capture: DataCapture
) -> aws.sagemaker.EndpointConfigurationDataCaptureConfigArgsDict:
    return {
        "enable_capture": True,
        "initial_sampling_percentage": capture.sampling,
        "destination_s3_uri": service.uri(CAPTURE),
        "capture_options": [{"capture_mode": "Input"}, {"capture_mode": "Output"}],
        "capture_content_type_header": {"csv_content_types": ["text/csv"], "json_content_types": ["application/json"]},
    }
