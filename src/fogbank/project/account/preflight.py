"""A look at an account before anything bills: `fogbank doctor -s NAME`, and the first step of `fogbank up -s NAME`.

In: what the program declares and boto3 clients of the account; out: findings. Nothing is made and nothing is changed; what an account
does not let us ask is told, and stops nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from fogbank.contracts import tokens
from fogbank.contracts.errors import AwsError, PackageError
from fogbank.image import parse_reference
from fogbank.image.reference import Reference
from fogbank.project.access.deployer import statements
from fogbank.project.calling.clients import Clients
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.findings import Finding, note
from fogbank.project.declared.instances import by_quota, mismatches, uses
from fogbank.project.packaging.bases import PIN

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException"})
EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"}
)
DOCKER_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)  # fmt: skip
"""What CreateModel takes (aws/amazon-sagemaker-feedback#180; mlflow/mlflow#13834)."""
ANY_TYPE = (
    *DOCKER_TYPES, "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)  # fmt: skip
SIMULATED = 100
"""SimulatePrincipalPolicy takes some hundred action names a call."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who asks, and where: `arn` is the caller's."""

    account: str
    arn: str
    region: str

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` ..."""
        return self.arn.split(":")[1]

    @property
    def where(self) -> dict[str, str]:
        """What ARNs are made of."""
        return {"partition": self.partition, "account": self.account, "region": self.region}


def identity(clients: Clients) -> Identity:
    """Who the stack's credentials are. Raises AwsError (`account-unreachable`, `credentials-expired`)."""
    try:
        client = clients("sts")
        found = client.get_caller_identity()
        return Identity(account=found["Account"], arn=found["Arn"], region=clients("sagemaker").meta.region_name)
    except ClientError as error:
        told = error.response["Error"]
        expired = told["Code"] in EXPIRED
        raise AwsError(
            "credentials-expired" if expired else "account-unreachable",
            f"AWS does not take the stack's credentials: {told['Code']}: {told['Message']}",
            "log in again (`aws sso login --profile ...`, or new keys), then once more",
        ) from error
    except BotoCoreError as error:
        raise AwsError(
            "account-unreachable",
            f"nobody can be asked: {error}",
            "set aws:region and aws:profile of the stack, or AWS_PROFILE",
        ) from error


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """All that is looked at. `image` is the image that the stack names, `repository` where `up` pushes one; either may be empty.
    `unpinned` is the base of an image that would be built, where no file of the project says which by its digest."""

    clients: Clients
    who: Identity
    resources: Sequence[Declared]
    platform: str
    image: str = ""
    repository: str = ""
    unpinned: str = ""

    def findings(self) -> Iterator[Finding]:
        """Everything, in the order in which `up` would meet it."""
        yield from names(self.resources)
        found = uses(self.resources)
        if self.repository or not self.image:
            yield from mismatches(found, self.platform)
        for look in (self._image, self._quotas, self._model_monitor, self._permissions):
            yield from _asked(look)

    def _image(self) -> Iterator[Finding]:
        text = self.image or self.repository
        if not text:
            yield Finding(
                code="repository-unset",
                cause="the stack names no repository that the image could be pushed to",
                fix="`pulumi config set -s NAME fogbank:repository <account>.dkr.ecr.<region>.amazonaws.com/<name>`",
            )
            return
        try:
            reference = parse_reference(text)
        except PackageError as error:
            yield Finding(code=error.code, cause=error.cause, fix=error.hint)
            return
        if self.unpinned and not self.image and not reference.local:
            yield Finding(
                code="base-unpinned",
                cause=f"the image would be built on {self.unpinned}, and on another base by another machine",
                fix=PIN,
            )
        if reference.ecr is None:
            yield note(
                "repository-not-ecr",
                f"{reference.host} is not Amazon ECR; SageMaker pulls from elsewhere only within a VPC, with a role for the registry",
                "push to an ECR repository of the stack's region",
            )
            return
        _, region = reference.ecr
        if region != self.who.region:
            yield Finding(
                code="repository-elsewhere",
                cause=f"the repository is in {region}, and the stack in {self.who.region}: SageMaker takes images of its own region",
                fix=f"name a repository in {self.who.region}",
            )
        yield from self._in_ecr(reference, *reference.ecr)

    def _in_ecr(self, reference: Reference, account: str, region: str) -> Iterator[Finding]:
        ecr = self.clients("ecr")
        if region != ecr.meta.region_name:
            return
        try:
            ecr.describe_repositories(registryId=account, repositoryNames=[reference.name])
        except ecr.exceptions.RepositoryNotFoundException:
            yield Finding(
                code="repository-missing",
                cause=f"there is no repository {reference.name} in {account} and {region}",
                fix=f"aws ecr create-repository --region {region} --repository-name {reference.name}",
            )
            return
        if self.image:
            yield from self._manifest(ecr, reference, account)

    def _manifest(self, ecr: Any, reference: Reference, account: str) -> Iterator[Finding]:
        key = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.manifest_name}
        images = ecr.batch_get_image(
            registryId=account, repositoryName=reference.name, imageIds=[key], acceptedMediaTypes=list(ANY_TYPE)
        )["images"]
        if not images:
            yield Finding(
                code="image-missing",
                cause=f"the repository has no image {reference}",
                fix="push it, or name one that is there",
            )
        for image in images:
            kind = image.get("imageManifestMediaType", DOCKER_TYPES[0])
            if kind not in DOCKER_TYPES:
                yield Finding(
                    code="manifest-oci",
                    cause=f"SageMaker does not take {reference}, whose manifest is {kind}",
                    fix="build it with `docker buildx build --provenance=false --output type=image,oci-mediatypes=false`, for one platform",
                )

    def _quotas(self) -> Iterator[Finding]:
        wanted = by_quota(uses(self.resources))
        if not wanted:
            return
        pages = self.clients("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        quotas = {item["QuotaName"]: item for page in pages for item in page["Quotas"]}
        for name, count in wanted.items():
            if name in quotas and quotas[name]["Value"] < count:
                yield Finding(
                    code="quota-too-low",
                    cause=f"the quota `{name}` is {quotas[name]['Value']:g}, and the stack asks for {count}",
                    fix=f"aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code "
                    f"{quotas[name]['QuotaCode']} --desired-value {count}",
                )
            elif name not in quotas:
                yield note("quota-unknown", f"Service Quotas has no `{name}`", "look at the instance type's name")

    def _model_monitor(self) -> Iterator[Finding]:
        if not any(item.type == tokens.MONITORING_SCHEDULE for item in self.resources):
            return
        if not self.clients("sagemaker").list_monitoring_schedules(MaxResults=1)["MonitoringScheduleSummaries"]:
            yield note(
                "model-monitor-closed",
                "the stack has a monitor of SageMaker Model Monitor, of which this account has none yet: AWS opens it to no new customers",
                'leave out carrier="model-monitor": EventBridge Scheduler carries the monitor then',
            )

    def _permissions(self) -> Iterator[Finding]:
        principal = principal_of(self.who.arn)
        if principal is None:
            return
        iam = self.clients("iam")
        denied = []
        for statement in statements(self.resources, self.who.where):
            actions = [action for action in statement["Action"] if "*" not in action]
            arns = [arn.replace("*", "x") if arn != "*" else arn for arn in statement["Resource"]]
            denied += list(_denied(iam, principal, actions, arns, _context(statement)))
        if denied:
            yield Finding(
                code="permission-missing",
                cause=f"{principal} may not {', '.join(sorted({action for action, _ in denied}))}",
                fix="give it the policy that `fogbank iam deployer -s NAME` prints",
            )


def names(resources: Sequence[Declared]) -> Iterator[Finding]:
    """Names that AWS's API would refuse, by botocore's patterns and lengths."""
    from fogbank.provider.standin import TABLE

    for resource in resources:
        row = TABLE.get(resource.type)
        if row is None or "create" not in row.calls:
            continue
        for member, key in row.identity.items():
            shape, value = row.shape("create").members[member], resource.inputs.get(key)
            if not isinstance(value, str):
                continue
            pattern, longest = shape.metadata.get("pattern", ".*"), shape.metadata.get("max", len(value))
            if len(value) > longest or not re.fullmatch(pattern, value, re.DOTALL):
                yield Finding(
                    code="name-refused",
                    cause=f"{resource.name}: {row.service} takes no {member} {value!r}",
                    fix=f"at most {longest} characters of {pattern}",
                )


def principal_of(arn: str) -> str | None:
    """The user or role whose policies count; None for the account's root, who may do everything.

    >>> principal_of("arn:aws:sts::123456789012:assumed-role/deployer/session")
    'arn:aws:iam::123456789012:role/deployer'
    """
    head, _, resource = arn.rpartition(":")
    kind, _, name = resource.partition("/")
    if kind == "assumed-role":
        return f"{head.replace(':sts:', ':iam:')}:role/{name.partition('/')[0]}"
    return arn if kind in {"user", "role"} else None


def _context(statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the requests that a statement is for will say: a key that the simulator is not told of is a condition that is not met."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [value],
            "ContextKeyType": "boolean" if operator == "Bool" else "string",
        }
        for operator, keys in statement.get("Condition", {}).items()
        for key, value in keys.items()
    ]


def _denied(
    iam: Any, principal: str, actions: Sequence[str], arns: Sequence[str], context: list[dict[str, Any]]
) -> Iterator[tuple[str, str]]:
    """(action, resource) of what the principal may not do."""
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal,
        ActionNames=list(actions)[:SIMULATED],
        ResourceArns=list(arns),
        ContextEntries=context,
    )
    for result in (result for page in pages for result in page["EvaluationResults"]):
        if result["EvalDecision"] != "allowed":
            yield result["EvalActionName"], result.get("EvalResourceName", "*")


def _asked(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds; that it may not look, or cannot, is something to know."""
    subject = look.__name__.lstrip("_").replace("_", "-")
    try:
        yield from look()
    except ClientError as error:
        told = error.response["Error"]
        reason = "may not be asked" if told["Code"] in DENIED else "cannot be asked"
        yield note(
            f"{subject}-unknown", f"AWS {reason}: {told['Code']}: {told['Message']}", "allow it, or go on without"
        )
    except BotoCoreError as error:
        yield note(f"{subject}-unknown", f"AWS cannot be asked: {error}", "go on without, or try again")
