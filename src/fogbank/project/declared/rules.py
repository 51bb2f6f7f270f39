"""A team's rules for what may be declared: encryption, nothing public, capture, instances, an end, tags; with waivers that say why. Pure.

In: declared resources and `fogbank:policy` of a stack's configuration; out: what is broken, what is waived, and waivers that waive nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self

from fogbank.contracts import tokens
from fogbank.contracts.errors import ProjectError
from fogbank.contracts.scheduler import starts
from fogbank.project.declared.declaration import Declared
from fogbank.project.declared.instances import uses
from fogbank.project.workplace.config import POLICY
from fogbank.provider.standin import TABLE

STAGES = ("production", "development")
BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ANYWHERE = {"0.0.0.0/0", "::/0"}
INGRESS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/securityGroupRule:SecurityGroupRule")
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
FUNCTION_URL = "aws:lambda/functionUrl:FunctionUrl"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Which rules hold. In `production` everything is encrypted by a key and endpoints capture; in `development` endpoints have an end.
    Nothing is public in either. `instances` are patterns of types (`ml.m5.*`), `tags` keys that whatever takes tags must have, and `waive`
    reasons by `rule resource`."""

    stage: str
    instances: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    waive: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Self:
        """By a stack's configuration: an object, or its JSON. Raises ProjectError (`policy-invalid`) with every problem."""
        document = _document(value)
        problems = [
            f"unknown key {key!r} (known: stage, instances, tags, waive)"
            for key in document
            if key not in cls.__dataclass_fields__
        ]
        if document.get("stage") not in STAGES:
            problems.append(f"stage must be {' or '.join(STAGES)}, not {document.get('stage')!r}")
        for key in ("instances", "tags"):
            if not _texts(document.get(key, [])):
                problems.append(f"{key} must be a list of texts, not {document[key]!r}")
        waive = document.get("waive", {})
        if (
            not isinstance(waive, Mapping)
            or not _texts(list(waive.values()))
            or not all(text.strip() for text in waive.values())
        ):
            problems.append("waive must give each waiver, `rule resource`, a reason")
        if problems:
            raise _invalid(problems)
        lists = {key: tuple(document.get(key, [])) for key in ("instances", "tags")}
        return cls(stage=document["stage"], waive=dict(waive), **lists)


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A rule that a resource breaks; `reason` is why that is waived, if it is."""

    rule: str
    resource: str
    cause: str
    fix: str
    reason: str = ""

    @property
    def waiver(self) -> str:
        """What a waiver would call it."""
        return f"{self.rule} {self.resource}"

    def document(self) -> dict[str, str]:
        """As JSON has it."""
        return {
            "rule": self.rule,
            "resource": self.resource,
            "cause": self.cause,
            "fix": self.fix,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Program:
    """What is judged: resources, and the keys of tags that the stack gives to all of them."""

    resources: Sequence[Declared]
    policy: Policy
    default_tags: frozenset[str] = frozenset()

    def of(self, *types: str) -> Iterator[Declared]:
        """The resources of some types."""
        return (item for item in self.resources if item.type in types)


def judged(program: Program) -> tuple[Broken, ...]:
    """Every rule that is broken, waived or not."""
    waive = program.policy.waive
    found = [
        Broken(rule=rule, resource=name, cause=cause, fix=fix)
        for rule, look in RULES.items()
        for name, cause, fix in look(program)
    ]
    return tuple(
        Broken(rule=item.rule, resource=item.resource, cause=item.cause, fix=item.fix, reason=waive.get(item.waiver, "")) for item in found
    )  # fmt: skip


def unused(program: Program, found: Sequence[Broken]) -> tuple[str, ...]:
    """Waivers that waive nothing."""
    return tuple(sorted(set(program.policy.waive) - {item.waiver for item in found}))


Found = Iterator[tuple[str, str, str]]
"""A resource's name, the cause and the fix."""


def _encryption(program: Program) -> Found:
    if program.policy.stage != "production":
        return
    yield from _open(
        program, tokens.BUCKET_ENCRYPTION, _by_key, "the bucket is not encrypted by a key of yours", "ModelService(kms_key=...)"
    )  # fmt: skip
    for item in program.of(tokens.ENDPOINT_CONFIGURATION):
        disks = any("instanceType" in variant for variant in _maps(item.inputs.get("productionVariants")))
        if disks and item.knows("kmsKeyArn") and not item.inputs.get("kmsKeyArn"):
            yield item.name, "its instances' disks are not encrypted by a key of yours", "Endpoint(kms_key=...)"
        capture = _map(item.inputs.get("dataCaptureConfig"))
        if capture.get("enableCapture") and item.knows("dataCaptureConfig", "kmsKeyId") and not capture.get("kmsKeyId"):
            yield item.name, "captured records are not encrypted by a key of yours", "DataCapture(kms_key=...)"


def _public(program: Program) -> Found:
    yield from _open(
        program, tokens.BUCKET_PUBLIC_ACCESS_BLOCK, _blocks, "the bucket may be opened to everybody",
        "a BucketPublicAccessBlock with all four settings",
    )  # fmt: skip
    for item in program.of(*INGRESS, INGRESS_RULE):
        if ANYWHERE & set(_sources(item)):
            yield item.name, "the security group lets the whole internet in", "name the networks that may come in"
    for item in program.of(FUNCTION_URL):
        if item.knows("authorizationType") and item.inputs.get("authorizationType") != "AWS_IAM":
            yield item.name, "the function answers whoever knows its URL", 'authorization_type="AWS_IAM"'


def _open(program: Program, kind: str, holds: Callable[[Declared], bool], cause: str, fix: str) -> Found:
    """Buckets to which no resource of a kind belongs that holds. A preview that does not know whose one is blames no bucket."""
    named = [_named(item, "bucket") for item in program.of(kind) if holds(item)]
    if None in named:
        return
    shut = frozenset().union(*(names for names in named if names is not None))
    for item in program.of(tokens.BUCKET):
        if item.knows("bucket") and item.inputs.get("bucket") not in shut:
            yield item.name, cause, fix


def _named(item: Declared, key: str) -> frozenset[Any] | None:
    """What a property names, or may by what it is made of; None where it may name anything."""
    return frozenset({item.inputs.get(key)}) if item.knows(key) else item.refers.get(key)


def _by_key(item: Declared) -> bool:
    return not item.knows("rules") or "aws:kms" in json.dumps(item.inputs.get("rules") or [])


def _blocks(item: Declared) -> bool:
    return all(item.inputs.get(key) is True or not item.knows(key) for key in BLOCKS)


def _sources(item: Declared) -> Iterator[str]:
    """The networks that a security group, or a rule of one, lets in."""
    if item.type == INGRESS_RULE:
        yield from (str(item.inputs[key]) for key in ("cidrIpv4", "cidrIpv6") if key in item.inputs)
        return
    own = [item.inputs] if item.inputs.get("type") == "ingress" else []
    for rule in [*_maps(item.inputs.get("ingress")), *own]:
        for key in ("cidrBlocks", "ipv6CidrBlocks"):
            yield from map(str, _list(rule.get(key)))


def _capture(program: Program) -> Found:
    if program.policy.stage != "production":
        return
    for item in program.of(tokens.ENDPOINT_CONFIGURATION):
        known = item.knows("dataCaptureConfig", "enableCapture")
        if known and not _map(item.inputs.get("dataCaptureConfig")).get("enableCapture"):
            yield (
                item.name,
                "nothing of its traffic is captured: it cannot be monitored",
                "Endpoint(capture=DataCapture())",
            )


def _instances(program: Program) -> Found:
    patterns = program.policy.instances
    for use in uses(program.resources):
        if patterns and not any(fnmatchcase(use.type, pattern) for pattern in patterns):
            yield use.resource, f"{use.type} is none of {', '.join(patterns)}", "choose one of those"


def _end(program: Program) -> Found:
    if program.policy.stage != "development":
        return
    ending = [_ended(item) for item in program.of(tokens.SCHEDULE)]
    if None in ending:
        return
    ended = frozenset().union(*(names for names in ending if names is not None))
    for item in program.of(tokens.ENDPOINT):
        if item.knows("name") and item.inputs.get("name") not in ended:
            yield (
                item.name,
                "the endpoint runs until somebody thinks of it",
                "Endpoint(hours=OfficeHours(...)) or Endpoint(until=...)",
            )


def _ended(item: Declared) -> frozenset[Any] | None:
    """The endpoints that a schedule deletes, or may; None where that may be any."""
    target = _map(item.inputs.get("target"))
    if item.knows("target", "arn") and not starts(str(target.get("arn")), "deleteEndpoint"):
        return frozenset()
    if not item.knows("target", "input"):
        return item.refers.get("target")
    request = None
    with contextlib.suppress(ValueError):
        request = json.loads(str(target.get("input")))
    return frozenset({str(_map(request).get("EndpointName"))})


def _tags(program: Program) -> Found:
    for item in program.resources:
        row = TABLE.get(item.type)
        if row is None or "tags" not in row.inputs or ("tags",) in item.unknown:
            continue
        unknown = {path[1] for path in item.unknown if path[0] == "tags"}
        there = {*program.default_tags, *_map(item.inputs.get("tags")), *unknown}
        missing = [key for key in program.policy.tags if key not in there]
        if missing:
            yield item.name, f"it has no tag {', '.join(missing)}", "aws:defaultTags of the stack, or `tags`"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]


RULES: Mapping[str, Callable[[Program], Found]] = {
    "encryption": _encryption,
    "public": _public,
    "capture": _capture,
    "instances": _instances,
    "end": _end,
    "tags": _tags,
}


def _document(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, Mapping):
        return value
    raise _invalid([f"it must be an object such as {{stage: production}}, not {value!r}"])


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _invalid(problems: list[str]) -> ProjectError:
    lines = "\n".join(f"  - {problem}" for problem in problems)
    return ProjectError("policy-invalid", f"{POLICY} has {len(problems)} problem(s):\n{lines}", "mend the stack's file")
