"""MonitoringSchedule: data quality of an endpoint's captured traffic, against the baseline that rode in with the package."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws

from fogbank.components.endpoint import Endpoint
from fogbank.components.naming import beside_the_old, named_by_content
from fogbank.components.service import MONITOR
from fogbank.contracts.monitoring import CONSTRAINTS, PROCESSING, STATISTICS
from fogbank.contracts.names import check_name
from fogbank.contracts.tokens import MONITORING
from fogbank.ground.digest import canonical_json, sha256_bytes


class MonitoringSchedule(pulumi.ComponentResource):
    """A SageMaker data quality monitor of an endpoint that captures.

    `schedule` is SageMaker's form, such as `cron(0 * ? * * *)` for hourly; `image` is the analyzer's image. Outputs:
    `schedule_name`, `results_uri`.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: Endpoint,
        image: str,
        schedule: str = "cron(0 * ? * * *)",
        schedule_name: str | None = None,
        instance_type: str = "ml.m5.large",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        if endpoint.capture_uri is None:
            raise ValueError("the endpoint captures nothing: give it capture=DataCapture() to monitor it")
        public_name = check_name("schedule_name", schedule_name or name)
        super().__init__(MONITORING, name, None, opts)
        self.results_uri = endpoint.service.uri(f"{MONITOR}/results")
        definition = self._definition(name, public_name, endpoint, image, instance_type)
        scheduled = aws.sagemaker.MonitoringSchedule(
            f"{name}-schedule",
            name=public_name,
            monitoring_schedule_config={
                "monitoring_job_definition_name": definition.name,
                "monitoring_type": "DataQuality",
                "schedule_config": {"schedule_expression": schedule},
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.schedule_name = scheduled.name
        self.register_outputs({"schedule_name": self.schedule_name, "results_uri": self.results_uri})

    def _definition(
        self, name: str, public_name: str, endpoint: Endpoint, image: str, instance_type: str
    ) -> aws.sagemaker.DataQualityJobDefinition:
        """The job definition, named after what it says: it never changes, so a change is a new one beside the old."""
        service, package = endpoint.service, endpoint.service.package
        digests = {"statistics": package.statistics_sha256, "constraints": package.constraints_sha256}
        folder = f"{MONITOR}/baseline/{sha256_bytes(canonical_json(digests))}"
        arguments: dict[str, Any] = {
            "role_arn": service.role_arn,
            "data_quality_app_specification": {"image_uri": image},
            "data_quality_baseline_config": {
                "statistics_resource": {"s3_uri": service.uri(folder, STATISTICS)},
                "constraints_resource": {"s3_uri": service.uri(folder, CONSTRAINTS)},
            },
            "data_quality_job_input": {
                "endpoint_input": {
                    "endpoint_name": endpoint.endpoint_name,
                    "local_path": f"{PROCESSING}/input/endpoint",
                },
            },
            "data_quality_job_output_config": {
                "monitoring_outputs": {
                    "s3_output": {
                        "s3_uri": self.results_uri,
                        "local_path": f"{PROCESSING}/output",
                        "s3_upload_mode": "EndOfJob",
                    }
                },
            },
            "job_resources": {
                "cluster_config": {"instance_count": 1, "instance_type": instance_type, "volume_size_in_gb": 20}
            },
            "stopping_condition": {"max_runtime_in_seconds": 3300},
        }
        return aws.sagemaker.DataQualityJobDefinition(
            f"{name}-definition",
            name=named_by_content(public_name, arguments),
            **arguments,
            opts=beside_the_old(self, self._baseline(name, folder, endpoint)),
        )

    def _baseline(self, name: str, folder: str, endpoint: Endpoint) -> list[aws.s3.BucketObjectv2]:
        """The package's baseline files, below a folder named after their digests."""
        service, package = endpoint.service, endpoint.service.package
        return [
            aws.s3.BucketObjectv2(
                f"{name}-{file.removesuffix('.json')}",
                bucket=service.bucket,
                key=f"{folder}/{file}",
                source=pulumi.FileAsset(str(path)),
                content_type="application/json",
                opts=pulumi.ResourceOptions(parent=self),
            )
            for file, path in ((STATISTICS, package.statistics_path), (CONSTRAINTS, package.constraints_path))
        ]
