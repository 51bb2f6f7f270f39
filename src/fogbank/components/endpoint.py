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


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Which share of requests is recorded: `sampling` in percent, 0 to 100."""

    sampling: int = 100

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.sampling <= 100:
            raise ValueError(f"sampling must be 0 to 100 percent, not {self.sampling}")


class Endpoint(pulumi.ComponentResource):
    """A SageMaker endpoint for one model.

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
