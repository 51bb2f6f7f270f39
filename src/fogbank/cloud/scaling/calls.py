"""Application Auto Scaling's calls about SageMaker's variants and inference components; those about other services' resources are moto's.

In: JSON requests; out: answers. Source: Application Auto Scaling API Reference; botocore's model judges shapes.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import OperationNotFoundError, ServiceModel

from fogbank.cloud.api.check import check_input, without_nulls
from fogbank.cloud.api.errors import ApiError, NotOursError, validation
from fogbank.cloud.ground.store import Document
from fogbank.cloud.ground.wire import Answer, Request, error_answer, json_answer
from fogbank.cloud.scaling.book import POLICY, SCHEDULED, Book
from fogbank.cloud.scaling.checks import check_dimension, check_limits, check_policy, check_scheduled
from fogbank.cloud.scaling.dimensions import DIMENSIONS
from fogbank.cloud.scaling.scaler import Scaler
from fogbank.cloud.scaling.tracking import alarms_of
from fogbank.ground.aws import LOCAL_ACCOUNT

SERVICE, NAMESPACE = "application-autoscaling", "sagemaker"
PAGE = 50
ROLE = (
    f"arn:aws:iam::{LOCAL_ACCOUNT}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
LIMITS = ("MinCapacity", "MaxCapacity")
Params = dict[str, Any]
Operation = Callable[[str, Params], Params]


class ScalingCalls:
    """Answers the calls. `clients` makes boto3 clients of the cloud itself: a policy's alarms are CloudWatch's."""

    def __init__(self, book: Book, scaler: Scaler, clients: Callable[[str, str], Any]) -> None:
        self._book, self._scaler, self._clients = book, scaler, clients
        self._operations: Mapping[str, Operation] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._targets,
            "PutScalingPolicy": self._put_policy,
            "DeleteScalingPolicy": self._delete_policy,
            "DescribeScalingPolicies": self._policies,
            "PutScheduledAction": self._put_scheduled,
            "DeleteScheduledAction": self._delete_scheduled,
            "DescribeScheduledActions": self._scheduled,
            "DescribeScalingActivities": self._activities,
            "ListTagsForResource": self._tags,
            "TagResource": self._tag,
            "UntagResource": self._untag,
        }

    def takes(self, request: Request) -> bool:
        """Whether the request may be one of ours."""
        return request.service == SERVICE and _name(request) in self._operations

    def handle(self, request: Request) -> Answer:
        """Answer it. Raises NotOursError where it is about another service's resources."""
        name = _name(request)
        try:
            params = without_nulls(json.loads(request.body or b"{}"))
            check_input(params, _model().operation_model(name).input_shape)
            if params.get("ServiceNamespace", NAMESPACE) != NAMESPACE:
                raise NotOursError(params["ServiceNamespace"])
            check_dimension(params)
            return json_answer(self._operations[name](request.region, params))
        except ApiError as error:
            return error_answer(request, error.status, error.code, error.message)
        except ClientError as error:
            told = error.response["Error"]
            return error_answer(request, 400, "ValidationException", f"{told['Code']}: {told['Message']}")
        except (ValueError, OperationNotFoundError, AttributeError) as error:
            return error_answer(request, 400, "SerializationException", f"the body cannot be read: {error}")

    def _register(self, region: str, params: Params) -> Params:
        resource, scaled = params["ResourceId"], DIMENSIONS[params["ScalableDimension"]]
        earlier = self._book.target(region, resource, scaled.name)
        if scaled.names(resource) is None:
            raise validation(f"Unsupported service namespace, resource type or scalable dimension: {resource}")
        reading = self._scaler.read(region, params)
        if reading is None:
            raise validation(f"SageMaker {scaled.kind} doesn't exist: {resource}, or has no {scaled.noun}")
        changes = {key: params[key] for key in (*LIMITS, "SuspendedState", "RoleARN") if key in params}
        target: Document = {**(earlier or self._new_target(region, params)), **changes}
        check_limits(target, reading.least)
        self._book.put_target(region, target)
        self._scaler.enforce(region, target)
        return {"ScalableTargetARN": target["ScalableTargetARN"]}

    def _new_target(self, region: str, params: Params) -> Document:
        unique = uuid.uuid4().hex
        return {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": params["ResourceId"],
            "ScalableDimension": params["ScalableDimension"],
            "RoleARN": ROLE,
            "CreationTime": self._book.clock.epoch(),
            "SuspendedState": {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
            "ScalableTargetARN": f"arn:aws:application-autoscaling:{region}:{LOCAL_ACCOUNT}:scalable-target/{unique}",
            "_tags": params.get("Tags", {}),
        }

    def _deregister(self, region: str, params: Params) -> Params:
        self._target(region, params)
        self.end(region, params)
        return {}

    def end(self, region: str, target: Mapping[str, Any]) -> None:
        """A target goes with its policies, their alarms, and its scheduled actions."""
        resource, params = target["ResourceId"], {key: target[key] for key in ("ResourceId", "ScalableDimension")}
        for kind, name, end in (
            (POLICY, "PolicyName", self._delete_policy),
            (SCHEDULED, "ScheduledActionName", self._delete_scheduled),
        ):
            for _, each in self._book.named(kind, region):
                if each["ResourceId"] == resource and each["ScalableDimension"] == params["ScalableDimension"]:
                    end(region, {**params, name: each[name]})
        self._book.remove_target(region, resource, params["ScalableDimension"])

    def _targets(self, region: str, params: Params) -> Params:
        wanted = params.get("ResourceIds")
        found = _asked(self._book.targets(region), params)
        chosen = [_public(each) for each in found if not wanted or each["ResourceId"] in wanted]
        return _page("ScalableTargets", chosen, params)

    def _put_policy(self, region: str, params: Params) -> Params:
        self._target(region, params)
        resource, name = params["ResourceId"], params["PolicyName"]
        earlier = self._book.find(POLICY, region, resource, name)
        kind = params.get("PolicyType") or (earlier or {}).get("PolicyType", "StepScaling")
        if earlier is not None and earlier["PolicyType"] != kind:
            raise validation(f"The PolicyType of {name} is {earlier['PolicyType']} and cannot be changed.")
        policy: Document = {**params, "PolicyType": kind}
        check_policy(policy)
        where = f"arn:aws:autoscaling:{region}:{LOCAL_ACCOUNT}:scalingPolicy:{uuid.uuid4()}"
        policy["PolicyARN"] = (
            earlier["PolicyARN"] if earlier else f"{where}:resource/sagemaker/{resource}:policyName/{name}"
        )
        policy["CreationTime"] = earlier["CreationTime"] if earlier else self._book.clock.epoch()
        alarms = alarms_of(policy) if kind == "TargetTrackingScaling" else []
        cloudwatch = self._clients("cloudwatch", region)
        for alarm in alarms:
            cloudwatch.put_metric_alarm(**alarm)
        names = [alarm["AlarmName"] for alarm in alarms]
        if gone := [each["AlarmName"] for each in (earlier or {}).get("Alarms", []) if each["AlarmName"] not in names]:
            cloudwatch.delete_alarms(AlarmNames=gone)
        place = f"arn:aws:cloudwatch:{region}:{LOCAL_ACCOUNT}:alarm:"
        policy["Alarms"] = [{"AlarmName": each, "AlarmARN": place + each} for each in names]
        self._book.put(POLICY, region, name, policy)
        return {"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]}

    def _delete_policy(self, region: str, params: Params) -> Params:
        resource, name = params["ResourceId"], params["PolicyName"]
        policy = self._book.find(POLICY, region, resource, name)
        if policy is None:
            raise _missing("scaling policy", params, f", policy name: {name}")
        if policy["Alarms"]:
            names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
            self._clients("cloudwatch", region).delete_alarms(AlarmNames=names)
        self._book.remove(POLICY, region, resource, name)
        return {}

    def _policies(self, region: str, params: Params) -> Params:
        found = _asked(self._book.named(POLICY, region), params, "PolicyNames", "PolicyName")
        return _page("ScalingPolicies", [self._with_alarms(region, each) for each in found], params)

    def _with_alarms(self, region: str, policy: Document) -> Document:
        """A step scaling policy's alarms are those whose actions name it."""
        if policy["PolicyType"] != "StepScaling":
            return policy
        alarms = self._clients("cloudwatch", region).describe_alarms(ActionPrefix=policy["PolicyARN"])["MetricAlarms"]
        return {**policy, "Alarms": [{"AlarmName": each["AlarmName"], "AlarmARN": each["AlarmArn"]} for each in alarms]}

    def _put_scheduled(self, region: str, params: Params) -> Params:
        self._target(region, params)
        resource, name = params["ResourceId"], params["ScheduledActionName"]
        earlier = self._book.find(SCHEDULED, region, resource, name)
        where = f"arn:aws:autoscaling:{region}:{LOCAL_ACCOUNT}:scheduledAction:{uuid.uuid4()}"
        first = {
            "ScheduledActionARN": f"{where}:resource/sagemaker/{resource}:scheduledActionName/{name}",
            "CreationTime": self._book.clock.epoch(),
        }
        action: Document = {**(earlier or first), **params}
        reading = self._scaler.read(region, params)
        check_scheduled(action, reading.least if reading else 1)
        self._book.put(SCHEDULED, region, name, action)
        return {}

    def _delete_scheduled(self, region: str, params: Params) -> Params:
        resource, name = params["ResourceId"], params["ScheduledActionName"]
        if self._book.find(SCHEDULED, region, resource, name) is None:
            raise _missing("scheduled action", params, f", scheduled action name: {name}")
        self._book.remove(SCHEDULED, region, resource, name)
        return {}

    def _scheduled(self, region: str, params: Params) -> Params:
        found = _asked(self._book.named(SCHEDULED, region), params, "ScheduledActionNames", "ScheduledActionName")
        return _page("ScheduledActions", found, params)

    def _activities(self, region: str, params: Params) -> Params:
        if params.get("IncludeNotScaledActivities"):
            raise validation(
                "The local cloud does not have IncludeNotScaledActivities yet; it is refused, not ignored."
            )
        self._scaler.settle(region)
        found = [(region, activity) for _, _, activity in self._book.activities(region)]
        return _page("ScalingActivities", [_public(each) for each in _asked(found, params)], params)

    def _tags(self, region: str, params: Params) -> Params:
        return {"Tags": self._tagged(region, params)["_tags"]}

    def _tag(self, region: str, params: Params) -> Params:
        target = self._tagged(region, params)
        self._book.put_target(region, {**target, "_tags": {**target["_tags"], **params["Tags"]}})
        return {}

    def _untag(self, region: str, params: Params) -> Params:
        target = self._tagged(region, params)
        kept = {key: value for key, value in target["_tags"].items() if key not in params["TagKeys"]}
        self._book.put_target(region, {**target, "_tags": kept})
        return {}

    def _tagged(self, region: str, params: Params) -> Document:
        arn = params["ResourceARN"]
        found = next((each for _, each in self._book.targets(region) if each["ScalableTargetARN"] == arn), None)
        if found is None:
            raise NotOursError(arn)
        return found

    def _target(self, region: str, params: Params) -> Document:
        target = self._book.target(region, params["ResourceId"], params["ScalableDimension"])
        if target is None:
            raise _missing("scalable target", params)
        return target


def _missing(what: str, params: Params, more: str = "") -> ApiError:
    where = f"resource ID: {params['ResourceId']}, scalable dimension: {params['ScalableDimension']}"
    text = f"No {what} found for service namespace: {NAMESPACE}, {where}{more}"
    return ApiError("ObjectNotFoundException", text)


def _asked(found: Sequence[tuple[str, Document]], params: Params, names: str = "", name: str = "") -> list[Document]:
    return [
        each
        for _, each in found
        if params.get("ResourceId") in {None, each["ResourceId"]}
        and params.get("ScalableDimension") in {None, each["ScalableDimension"]}
        and (not params.get(names) or each[name] in params[names])
    ]


def _page(member: str, items: Sequence[Document], params: Params) -> Params:
    """One page; the token is the number of the first item of the next."""
    token = params.get("NextToken", "0")
    if not token.isdecimal() or int(token) > len(items):
        raise ApiError("InvalidNextTokenException", "The next token supplied was invalid.")
    first, size = int(token), params.get("MaxResults") or PAGE
    more = {"NextToken": str(first + size)} if len(items) > first + size else {}
    return {member: list(items[first : first + size]), **more}


def _public(document: Document) -> Document:
    return {key: value for key, value in document.items() if not key.startswith("_")}


def _name(request: Request) -> str:
    return request.headers.get("x-amz-target", "").rpartition(".")[2]


@lru_cache(maxsize=1)
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)
