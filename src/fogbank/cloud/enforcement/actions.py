"""Requests as IAM names them, pure: the actions that a request is, and on which resources.

In: a request; out: actions with ARNs, or None for a resource that this table does not know, which every policy's Resource then matches.
Source: the Service Authorization Reference, and for S3 the User Guide, "Required permissions for Amazon S3 API operations".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from fogbank.cloud.ground.forms import is_form, posted_key
from fogbank.cloud.ground.wire import Request
from fogbank.ground.aws import LOCAL_ACCOUNT

Act = tuple[str, str | None]
OBJECTS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject", "DELETE": "DeleteObject"}
BUCKETS = {
    "GET": "ListBucket",
    "HEAD": "ListBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
    "POST": "DeleteObject",
}
SETTINGS = {
    "policy": "BucketPolicy", "acl": "BucketAcl", "tagging": "BucketTagging", "versioning": "BucketVersioning", "cors": "BucketCORS",
    "notification": "BucketNotification", "lifecycle": "LifecycleConfiguration", "encryption": "EncryptionConfiguration",
    "publicAccessBlock": "BucketPublicAccessBlock", "logging": "BucketLogging", "ownershipControls": "BucketOwnershipControls",
    "website": "BucketWebsite", "object-lock": "BucketObjectLockConfiguration", "replication": "ReplicationConfiguration",
}  # fmt: skip
"""A bucket's settings by the query that names them."""
PREFIXES = {"monitoring": "cloudwatch", "email": "ses", "sagemaker-runtime": "sagemaker"}
"""Names in signatures to those in policies."""
REST = frozenset({"lambda", "scheduler", "batch", "eks", "efs", "sagemaker-runtime"})
ROLES = ("RoleArn", "ExecutionRoleArn", "Role")
"""Members of requests that pass a role."""
COMPONENT = "x-amzn-sagemaker-inference-component"
"""The header that names one: it is a resource of the call too, as AWS's own policies for such endpoints have it."""
INVOKE = re.compile(r"/endpoints/(?P<name>[^/]+)/(?:async-)?invocations.*")


def actions(request: Request) -> Iterator[Act]:
    """(action, the ARN of what it is done to) of a request."""
    if request.service in {"s3", ""}:
        yield from _s3(request)
        return
    if match := INVOKE.fullmatch(request.path):
        place = f"arn:aws:sagemaker:{request.region}:{LOCAL_ACCOUNT}"
        yield "sagemaker:InvokeEndpoint", f"{place}:endpoint/{unquote(match['name']).lower()}"
        if component := request.headers.get(COMPONENT):
            yield "sagemaker:InvokeEndpoint", f"{place}:inference-component/{component.lower()}"
        return
    if request.service == "apigateway":  # whose actions are the methods, and whose resources the paths
        place = request.plain_path.removeprefix("/v2")
        yield f"apigateway:{request.method}", f"arn:aws:apigateway:{request.region}::{place}"
        return
    service = PREFIXES.get(request.service, request.service)
    operation, params = operation_of(request)
    if operation:
        yield (
            f"{service}:{'InvokeFunction' if (service, operation) == ('lambda', 'Invoke') else operation}",
            _resource(request, operation, params),
        )


def passed_roles(request: Request) -> list[str]:
    """The roles that a request hands to a service."""
    _, params = operation_of(request)
    return [value for value in _roles(params) if isinstance(value, str) and ":role/" in value]


def operation_of(request: Request) -> tuple[str, Mapping[str, Any]]:
    """An operation's name and its members, as far as the protocol says them; an empty name where it does not."""
    if target := request.headers.get("x-amz-target", ""):
        return target.rpartition(".")[2], _json(request.body)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        return form.get("Action", ""), form
    if request.service in REST:
        for method, path, name in _paths(request.service):
            if method == request.method and (match := path.fullmatch(request.path)):
                named = {key: unquote(value) for key, value in match.groupdict().items()}
                body = _json(request.body) if name != "Invoke" else {}
                return name, {**body, **named}
    return "", {}


def _s3(request: Request) -> Iterator[Act]:
    bucket, _, key = request.plain_path[1:].partition("/")
    query = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
    if not bucket:
        yield "s3:ListAllMyBuckets", "*"
        return
    arn = f"arn:aws:s3:::{bucket}"
    if not key and is_form(request) and "delete" not in query:  # a browser's upload
        yield "s3:PutObject", f"{arn}/{posted_key(request)}"
        return
    if not key:
        yield f"s3:{_bucket_action(request.method, query)}", f"{arn}/*" if "delete" in query else arn
        return
    yield f"s3:{_object_action(request.method, query)}", f"{arn}/{key}"
    if source := request.headers.get("x-amz-copy-source"):
        yield "s3:GetObject", f"arn:aws:s3:::{unquote(source.partition('?')[0]).lstrip('/')}"


def _bucket_action(method: str, query: Mapping[str, str]) -> str:
    if "delete" in query:
        return "DeleteObject"
    for name, action in (
        ("versions", "ListBucketVersions"),
        ("uploads", "ListBucketMultipartUploads"),
        ("location", "GetBucketLocation"),
    ):
        if name in query:
            return action
    for name, action in SETTINGS.items():
        if name in query:
            deleting = method == "DELETE" and name == "policy"  # the others are put away by who may put them
            return f"{'Delete' if deleting else 'Get' if method in {'GET', 'HEAD'} else 'Put'}{action}"
    return BUCKETS.get(method, "ListBucket")


def _object_action(method: str, query: Mapping[str, str]) -> str:
    if "uploadId" in query and method in {"GET", "DELETE"}:
        return "ListMultipartUploadParts" if method == "GET" else "AbortMultipartUpload"
    for name in ("tagging", "acl", "retention"):
        if name in query:
            return f"{ {'GET': 'Get', 'PUT': 'Put', 'DELETE': 'Delete'}.get(method, 'Get') }Object{name.title()}"
    action = OBJECTS.get(method, "GetObject")
    return f"{action}Version" if "versionId" in query and action != "PutObject" else action


def _resource(request: Request, operation: str, params: Mapping[str, Any]) -> str | None:
    """The ARN, from what a request names; None where the table does not know."""
    region, service = request.region, request.service
    prefix = f"arn:aws:{service}:{region}:{LOCAL_ACCOUNT}"
    if isinstance(arn := params.get("ResourceArn", params.get("ResourceARN")), str) and arn.startswith("arn:"):
        return arn  # of what is tagged
    if service == "iam" and "RoleName" in params:
        return f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{params['RoleName']}"
    if service == "scheduler" and operation.endswith("Schedule"):
        return f"{prefix}:schedule/{params.get('GroupName') or 'default'}/{params.get('Name')}"
    if service == "sqs":
        name = str(params.get("QueueUrl", "")).rpartition("/")[2] or params.get("QueueName")
        return f"{prefix}:{name}" if name else None
    if service == "sns":
        return params.get("TopicArn") or params.get("TargetArn")
    if service == "lambda" and "FunctionName" in params:
        name = str(params["FunctionName"])
        return name if name.startswith("arn:") else f"{prefix}:function:{name}"
    if service == "logs" and "logGroupName" in params:
        stream = f"log-stream:{params['logStreamName']}" if "logStreamName" in params else "*"
        return f"{prefix}:log-group:{params['logGroupName']}:{stream}"
    if service == "sagemaker" and "Pipeline" in operation:
        return _pipeline(prefix, params)
    if service == "sagemaker":
        stem = re.sub(r"^(Create|Describe|Update|Delete|Stop|Start)", "", operation)
        name = params.get(f"{stem}Name") or params.get(f"{stem}Arn")
        if isinstance(name, str) and stem != operation:
            kind = re.sub(r"(?<!^)(?=[A-Z])", "-", stem).lower()
            return name if name.startswith("arn:") else f"{prefix}:{kind}/{name.lower()}"
    return None


def _pipeline(prefix: str, params: Mapping[str, Any]) -> str | None:
    """A pipeline, whose name is in its ARN as it was given, or an execution; None where a request names none, as a callback's answer."""
    named = (params.get(member) for member in ("PipelineExecutionArn", "PipelineArn", "PipelineName"))
    name = next((each for each in named if isinstance(each, str)), None)
    return name if name is None or name.startswith("arn:") else f"{prefix}:pipeline/{name}"


def _roles(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from (item for key, item in value.items() if key in ROLES)
        yield from (role for item in value.values() for role in _roles(item))
    elif isinstance(value, list):
        yield from (role for item in value for role in _roles(item))


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@lru_cache(maxsize=16)
def _paths(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """(method, path, operation) of a service whose operations are methods and paths; the longest path first."""
    from botocore.loaders import Loader

    operations = Loader().load_service_model(service, "service-2")["operations"]
    found = []
    for name, operation in operations.items():
        path = operation["http"]["requestUri"].partition("?")[0].rstrip("/")
        pattern = re.sub(r"\\\{(\w+)\\?\+?\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        found.append((operation["http"]["method"], re.compile(pattern + "/?"), name))
    return sorted(found, key=lambda each: -len(each[1].pattern))
