"""Tags of the cloud's own SageMaker resources, of whatever kind; those of moto's resources are moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import ApiError, NotOursError, validation
from fogbank.cloud.api.resource import Record, Resource, check_tags

MOST_TAGS = 50


class Tags:
    """AddTags, ListTags, DeleteTags by ARN."""

    def __init__(self, *resources: Resource[Any]) -> None:
        self._resources = {resource.kind.path: resource for resource in resources}

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {"AddTags": self.add, "ListTags": self.listed, "DeleteTags": self.delete}

    def add(self, scope: Scope, params: Params) -> Params:
        """Add tags, or change the values of those that are there. Raises ResourceLimitExceeded, ValidationException."""
        arn = params["ResourceArn"]
        resource = self._resource(arn)
        check_tags(params["Tags"])
        with resource.lock:
            record = _find(resource, scope, arn)
            tags = {**_tags(record), **{tag["Key"]: tag["Value"] for tag in params["Tags"]}}
            if len(tags) > MOST_TAGS:
                raise ApiError("ResourceLimitExceeded", f"{arn} may have at most {MOST_TAGS} tags, not {len(tags)}.")
            return {"Tags": resource.tag(scope.region, record.name, tags)}

    def listed(self, scope: Scope, params: Params) -> Params:
        """The tags: one page has as many as there may be. Raises ValidationException for a token, since none is given."""
        if params.get("NextToken"):
            raise validation("Invalid NextToken.")
        record = _find(self._resource(params["ResourceArn"]), scope, params["ResourceArn"])
        return {"Tags": record.public.get("Tags") or []}

    def delete(self, scope: Scope, params: Params) -> Params:
        """Remove tags by key."""
        resource = self._resource(params["ResourceArn"])
        with resource.lock:
            record = _find(resource, scope, params["ResourceArn"])
            kept = {key: value for key, value in _tags(record).items() if key not in params["TagKeys"]}
            resource.tag(scope.region, record.name, kept)
        return {}

    def _resource(self, arn: str) -> Resource[Any]:
        path = arn.rpartition(":")[2].partition("/")[0]
        if path not in self._resources:
            raise NotOursError(arn)
        return self._resources[path]


def _find(resource: Resource[Any], scope: Scope, arn: str) -> Record[Any]:
    """The record of an ARN, in which names are in lower case. Raises the kind's `missing`."""
    for record in resource.all(scope.region):
        if record.public[resource.kind.arn] == arn:
            return record
    raise resource.kind.missing(arn)


def _tags(record: Record[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in record.public.get("Tags") or []}
