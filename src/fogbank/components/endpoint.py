"""Endpoint: a model that answers, under a name that stays while configurations come and go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pulumi
import pulumi_aws as aws

from fogbank.components.account import Account
from fogbank.components.asynchronous import Asynchronous, telling
from fogbank.components.deployments import Alarms, AllAtOnce, Deployment
from fogbank.components.grants import ciphering, granted
from fogbank.components.hours import OfficeHours, awake_alone, last_moment, timed
from fogbank.components.log_retention import ENDPOINTS, LogRetention, check_days
from fogbank.components.naming import beside_the_old
from fogbank.components.refusals import refuse
from fogbank.components.rollout import Rollout, serves_already
from fogbank.components.scaled import scaled
from fogbank.components.service import ModelService
from fogbank.components.storage import CAPTURE
from fogbank.components.variants import (
    DataCapture,
    Hosting,
    Provisioned,
    Variant,
    contradictions,
    endpoint_config,
)
from fogbank.contracts.names import base_name, check_name
from fogbank.contracts.tokens import ENDPOINT_COMPONENT


class Endpoint(pulumi.ComponentResource):
    """A SageMaker endpoint: of one model, or of several `variants` and a `shadow`.

    `service` with `instance_type`, `instance_count` and `hosting` is short for one variant that is called AllTraffic. `capture` records
    requests, `asynchronous` lets them wait for their answers in S3, `kms_key` encrypts the disks, `deployment` says how the endpoint moves to
    another configuration (all at once by default).
    `log_days` is for how long its lines are kept in CloudWatch Logs, in a group that then goes with the endpoint.
    `hours` are when it is there: in between it is deleted, and made again under the same name; `until` is when it goes for good, in UTC.
    What SageMaker would refuse is refused here, all of it at once.

    A configuration never changes: a change makes a new one under a name of its own, moves the
    endpoint to it (`Rollout`: an update that AWS rolled back is an error), and only then deletes the old one.

    Outputs: `endpoint_name`, `endpoint_arn`, `config_name`.
    """

    def __init__(
        self,
        name: str,
        *,
        service: ModelService | None = None,
        variants: Sequence[Variant] = (),
        shadow: Variant | None = None,
        endpoint_name: str | None = None,
        instance_type: str = "ml.m5.large",
        instance_count: int = 1,
        hosting: Hosting | None = None,
        capture: DataCapture | None = None,
        asynchronous: Asynchronous | None = None,
        kms_key: pulumi.Input[str] | None = None,
        deployment: Deployment | None = None,
        hours: OfficeHours | None = None,
        until: str | None = None,
        log_days: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        variants = _variants(service, variants, instance_type, instance_count, hosting)
        public_name = check_name("endpoint_name", endpoint_name or name)
        way, sleeps = deployment or AllAtOnce(), hours is not None or until is not None
        if until is not None:
            last_moment(until)
        if log_days is not None:
            check_days("log_days", log_days)
        problems = [
            *_refused(variants, shadow, capture, kms_key, asynchronous, way),
            *(awake_alone(variants) if sleeps else ()),
        ]
        refuse(problems, f"the endpoint {name} has")
        super().__init__(ENDPOINT_COMPONENT, name, None, opts)
        every = [*variants, *([shadow] if shadow else [])]
        self.service, self.asynchronous, self.kms_key = variants[0].service, asynchronous, kms_key
        self.hours, self.variant_names = hours, [variant.name for variant in every]
        self.capture_uri = self.service.uri(CAPTURE) if capture else None
        captured = capture.args(self.service.uri(CAPTURE)) if capture else None
        waiting = asynchronous.args(self.service) if asynchronous else None
        arguments = endpoint_config(variants, shadow, captured, kms_key, waiting)
        config = aws.sagemaker.EndpointConfiguration(base_name(public_name), **arguments, opts=beside_the_old(self))
        needs = _needs(self, name, public_name, every, capture, asynchronous, log_days)
        endpoint = _endpoint(self, name, public_name, config, needs, sleeps=sleeps)
        alarms = _alarms(self, name, public_name, way, variants)
        names = [alarm.name for alarm in alarms] if isinstance(way.alarms, Alarms) else list(way.alarms or [])
        self.guards = None if deployment is None else pulumi.Output.all(*names).apply(way.config)
        looking = _looking(self, name, names, every)
        rollout = Rollout(
            f"{name}-rollout",
            endpoint_name=endpoint.name,
            config_name=config.name,
            deployment=self.guards,
            sleeps=sleeps,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[endpoint, *alarms, *looking]),
        )
        scaled(self, name, public_name, variants, rollout, asynchronous=asynchronous is not None)
        if sleeps:
            boundary = self.service.permissions_boundary
            timed(self, name, public_name, rollout.config_name, hours, until, [rollout], boundary, kms_key)
        self.public_name, self.endpoint_name = public_name, endpoint.name
        self.endpoint_arn, self.config_name = endpoint.arn, rollout.config_name
        outputs = {
            "endpoint_name": self.endpoint_name,
            "endpoint_arn": self.endpoint_arn,
            "config_name": self.config_name,
        }
        self.register_outputs(outputs)


def _variants(
    service: ModelService | None, variants: Sequence[Variant], instance_type: str, count: int, hosting: Hosting | None
) -> list[Variant]:
    """All variants: that of `service`, which these arguments are of, comes first. Raises ValueError for arguments of nothing."""
    if service is not None:
        on = Provisioned(instance_type=instance_type, count=count, hosting=hosting or Hosting())
        return [Variant(service=service, on=on), *variants]
    if (instance_type, count, hosting) != ("ml.m5.large", 1, None):
        raise ValueError("instance_type, instance_count and hosting are of `service`: variants have their own")
    return list(variants)


def _needs(
    component: pulumi.Resource,
    name: str,
    public_name: str,
    every: Sequence[Variant],
    capture: DataCapture | None,
    asynchronous: Asynchronous | None,
    log_days: int | None,
) -> list[pulumi.Resource]:
    """What is there before the endpoint: what its services stand on, what their roles may, and its group of lines."""
    services = [variant.service for variant in every]
    tells = _telling(component, name, asynchronous, services[0])
    tells += ciphering(
        name, component, services, [each.kms_key for each in (capture, asynchronous) if each is not None]
    )
    kept = _kept(component, name, public_name, log_days)
    return [*(item for service in services for item in service.ready), *tells, *kept]


def _endpoint(
    component: pulumi.Resource,
    name: str,
    public_name: str,
    config: aws.sagemaker.EndpointConfiguration,
    needs: Sequence[pulumi.Resource],
    *,
    sleeps: bool,
) -> aws.sagemaker.Endpoint:
    """The endpoint itself; what Rollout moves of it is ignored here."""
    return aws.sagemaker.Endpoint(
        f"{name}-endpoint",
        name=public_name,
        endpoint_config_name=config.name,
        opts=pulumi.ResourceOptions(
            parent=component,
            depends_on=list(needs),
            ignore_changes=["deploymentConfig", *_moved_by_rollouts(public_name, component, sleeps=sleeps)],
        ),
    )


def _refused(
    variants: Sequence[Variant],
    shadow: Variant | None,
    capture: DataCapture | None,
    kms_key: object,
    asynchronous: Asynchronous | None,
    way: Deployment,
) -> Iterator[str]:
    """Everything that SageMaker would refuse."""
    if not variants:
        yield "an endpoint needs a service, or variants"
    yield from contradictions(variants, shadow, capture, kms_key, asynchronous)
    yield from way.contradictions(variants)


def _moved_by_rollouts(endpoint: str, component: pulumi.Resource, *, sleeps: bool) -> list[str]:
    """What the endpoint's own resource leaves to Rollout, when it has been made. How it moved is Rollout's at all times: pulumi-aws reads
    it out of LastDeploymentConfig, so that after a refresh what no program declares would be taken away, by a replacement or an update."""
    return ["endpointConfigName"] if sleeps or serves_already(endpoint, component) else []


def _kept(component: pulumi.Resource, name: str, endpoint: str, days: int | None) -> list[pulumi.Resource]:
    """Its group of lines, there before the endpoint, and gone after it."""
    if days is None:
        return []
    options = pulumi.ResourceOptions(parent=component)
    return [LogRetention(f"{name}-log", group=f"{ENDPOINTS}/{endpoint}", days=days, owned=True, opts=options)]


def _telling(
    component: pulumi.Resource, name: str, asynchronous: Asynchronous | None, service: ModelService
) -> list[pulumi.Resource]:
    """What the service's own role may do besides: SageMaker reads requests, writes answers and tells topics under it. A role that was brought
    is its owner's."""
    if asynchronous is None or service.role is None:
        return []
    data = granted(name, component, service, reads=asynchronous.reads, writes=asynchronous.writes)
    if not asynchronous.topics:
        return data
    policy = pulumi.Output.all(*asynchronous.topics).apply(telling)
    options = pulumi.ResourceOptions(parent=component)
    return [*data, aws.iam.RolePolicy(f"{name}-async-policy", role=service.role.name, policy=policy, opts=options)]


def _looking(
    component: pulumi.Resource, name: str, alarms: Sequence[pulumi.Input[str]], variants: Sequence[Variant]
) -> list[pulumi.Resource]:
    """The services' own roles may look at the alarms of a deployment (the Developer Guide, "Auto-Rollback Configuration and Monitoring")."""
    account = Account.of(component)
    policy = pulumi.Output.all(account.partition, account.id, *alarms).apply(lambda known: watching(*known))
    roles = {id(variant.service): variant.service.role for variant in variants} if alarms else {}
    return [
        aws.iam.RolePolicy(
            f"{name}-alarms-policy" + (f"-{number}" if number else ""),
            role=role.name,
            policy=policy,
            opts=pulumi.ResourceOptions(parent=component),
        )
        for number, role in enumerate(role for role in roles.values() if role is not None)
    ]


def watching(partition: str, account: str, *alarms: str) -> str:
    """Describe these alarms, and nothing else."""
    places = [f"arn:{partition}:cloudwatch:*:{account}:alarm:{alarm}" for alarm in alarms]
    statement = {"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": places}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _alarms(
    component: pulumi.Resource, name: str, endpoint: str, way: Deployment, variants: Sequence[Variant]
) -> list[aws.cloudwatch.MetricAlarm]:  # fmt: skip
    """The alarms that are made to roll a deployment back."""
    if not isinstance(way.alarms, Alarms):
        return []
    return [
        aws.cloudwatch.MetricAlarm(
            f"{name}-{variant.name}-{about}",
            name=f"{endpoint}-{variant.name}-{about}",
            **arguments,
            opts=pulumi.ResourceOptions(parent=component),
        )
        for variant in variants
        for about, arguments in way.alarms.args(endpoint, variant.name).items()
    ]
