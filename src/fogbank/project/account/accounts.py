"""A stack's account and what its program declares there, put together: the preflight, and the deployer's policy.

In: a project and a stack on AWS; out: findings, or a policy.
"""

from __future__ import annotations

import json
from typing import Any

from fogbank.contracts.config import ProjectConfig
from fogbank.contracts.errors import ProjectError
from fogbank.contracts.manifest import Manifest
from fogbank.project.access.deployer import policy, ungranted
from fogbank.project.account.account_suite import AccountSuite, fresh_prefix
from fogbank.project.account.preflight import Identity, Preflight, identity
from fogbank.project.account.stacks import stack_values
from fogbank.project.account.suite_program import SuiteStack
from fogbank.project.account.suite_report import SuiteReport
from fogbank.project.calling.clients import Clients
from fogbank.project.declared.declaration import Declared, Place, declared, texts
from fogbank.project.declared.findings import Finding
from fogbank.project.packaging.bases import unpinned
from fogbank.project.packaging.fetched import is_back, is_fetched
from fogbank.project.workplace.events import Steps

PLACEHOLDER = "123456789012"


def preflight(config: ProjectConfig, stack: str, clients: Clients, steps: Steps) -> tuple[Finding, ...]:
    """What `up` would meet in the account. Raises AwsError, ProjectError."""
    with steps(f"preflight {stack}") as step:
        who = identity(clients)
        values = stack_values(config, stack)
        look = Preflight(
            clients=clients,
            who=who,
            resources=_declared(config, stack, who),
            platform=config.platform,
            image=str(values.get("fogbank:image") or ""),
            repository=str(values.get("fogbank:repository") or ""),
            unpinned="" if is_fetched(config) or is_back(config) else unpinned(config),
        )
        findings = tuple(look.findings())
        blocking = sum(item.blocks for item in findings)
        step.done(f"{blocking} to mend, {len(findings) - blocking} to know" if findings else "nothing found")
    return findings


def verify_account(
    config: ProjectConfig, stack: str, manifest: Manifest, clients: Clients, steps: Steps
) -> SuiteReport:
    """The account suite on the stack's account, under names of its own; the report is written to `.fogbank/verify/` too. It bills.

    Raises EngineError, ProjectError.
    """
    values = stack_values(config, stack)
    prefix = fresh_prefix(config.name)
    folder = config.state / "verify"
    suite = AccountSuite(
        config=config,
        manifest=manifest,
        clients=clients,
        settings={key: str(values[key]) for key in ("aws:region", "aws:profile") if isinstance(values.get(key), str)},
        stack=SuiteStack(
            prefix=prefix,
            package=manifest,
            image=str(values.get("fogbank:image") or ""),
            repository=str(values.get("fogbank:repository") or ""),
            platform=config.platform,
        ),
        steps=steps,
        folder=folder / prefix,
    )
    report = suite.run()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report.document(), indent=1) + "\n")
    (folder / "report.md").write_text(report.markdown())
    return report


def deployer_policy(config: ProjectConfig, stack: str, account: str, steps: Steps) -> dict[str, Any]:
    """The least policy of who deploys the stack; AWS is not asked. What it leaves out is told. Raises ProjectError."""
    who, resources = offline(config, stack, account)
    if others := ungranted(resources):
        steps.notice(f"what these need is yours to add: {', '.join(others)}")
    return policy(resources, who.where)


def offline(
    config: ProjectConfig, stack: str, account: str = "", *, region: str = ""
) -> tuple[Identity, tuple[Declared, ...]]:
    """What the stack's program declares in an account, which is not asked; in `region` where the stack names none.

    Raises ProjectError (`region-unset`, `program-failed`).
    """
    values = stack_values(config, stack)
    region = str(values.get("aws:region") or region)
    if not region:
        raise ProjectError(
            "region-unset", f"the stack {stack} names no aws:region", f"`pulumi config set -s {stack} aws:region ...`"
        )
    who = Identity(
        account=account or PLACEHOLDER,
        arn=f"arn:{partition_of(region)}:iam::{account or PLACEHOLDER}:root",
        region=region,
    )
    return who, _declared(config, stack, who)


def partition_of(region: str) -> str:
    """The partition of a region.

    >>> partition_of("cn-north-1"), partition_of("us-gov-west-1"), partition_of("eu-west-1")
    ('aws-cn', 'aws-us-gov', 'aws')
    """
    for beginning, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(beginning):
            return partition
    return "aws"


def _declared(config: ProjectConfig, stack: str, who: Identity) -> tuple[Declared, ...]:
    """By the stack's configuration; where it names no image and no repository, as if it named one in the account."""
    values = texts(stack_values(config, stack))
    if not values.get("fogbank:image"):
        values.setdefault("fogbank:repository", f"{who.account}.dkr.ecr.{who.region}.amazonaws.com/{config.name}")
    place = Place(stack=stack, region=who.region, account=who.account, partition=who.partition, config=values)
    return declared(config.root, place)
