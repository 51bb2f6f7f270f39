"""Tags of the cloud's own SageMaker resources; those of moto's resources are moto's."""

from __future__ import annotations

from collections.abc import Mapping

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import NotOursError
from fogbank.cloud.ground.store import Document, Store

ARNS: Mapping[str, tuple[str, str]] = {
    "model": ("ModelArn", "ModelName"),
    "endpoint-config": ("EndpointConfigArn", "EndpointConfigName"),
    "endpoint": ("EndpointArn", "EndpointName"),
    "transform-job": ("TransformJobArn", "TransformJobName"),
    "processing-job": ("ProcessingJobArn", "ProcessingJobName"),
    "data-quality-job-definition": ("JobDefinitionArn", "JobDefinitionName"),
    "monitoring-schedule": ("MonitoringScheduleArn", "MonitoringScheduleName"),
}
"""Kind of document to the keys of its ARN and its name."""


class Tags:
    """AddTags, ListTags, DeleteTags by ARN."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {"AddTags": self.add, "ListTags": self.listed, "DeleteTags": self.delete}

    def add(self, scope: Scope, params: Params) -> Params:
        """Add tags, or change the values of those that are there."""
        kind, document = self._find(scope, params["ResourceArn"])
        tags = {tag["Key"]: tag["Value"] for tag in [*document.get("Tags", []), *params["Tags"]]}
        return {"Tags": self._write(scope, kind, document, tags)}

    def listed(self, scope: Scope, params: Params) -> Params:
        """The tags."""
        return {"Tags": self._find(scope, params["ResourceArn"])[1].get("Tags", [])}

    def delete(self, scope: Scope, params: Params) -> Params:
        """Remove tags by key."""
        kind, document = self._find(scope, params["ResourceArn"])
        tags = {tag["Key"]: tag["Value"] for tag in document.get("Tags", []) if tag["Key"] not in params["TagKeys"]}
        self._write(scope, kind, document, tags)
        return {}

    def _write(self, scope: Scope, kind: str, document: Document, tags: Mapping[str, str]) -> list[dict[str, str]]:
        written = [{"Key": key, "Value": value} for key, value in tags.items()]
        self._store.update(kind, scope.region, document[ARNS[kind][1]], Tags=written)
        return written

    def _find(self, scope: Scope, arn: str) -> tuple[str, Document]:
        kind = arn.rpartition(":")[2].partition("/")[0]
        if kind in ARNS:
            for document in self._store.all(kind, scope.region):
                if document[ARNS[kind][0]] == arn:
                    return kind, document
        raise NotOursError(arn)
