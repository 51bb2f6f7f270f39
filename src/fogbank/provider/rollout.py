"""Rollout, a type of fogbank's own provider: an endpoint is moved to a configuration, and an update that AWS rolled back is an error.

It runs after the endpoint, and before anything old is deleted: where it fails, the engine deletes nothing, so the models and the
configuration that are live stay. Counts and weights that autoscaling or people set stay too, unless the program changes its own. What
scales on an instance type that changes is deregistered for the time of the move.

pulumi-aws waits for InService and looks at nothing else: a rolled-back update is a success to it, and what is live is deleted
(hashicorp/terraform-provider-aws#48997, #46663); its UpdateEndpoint resets counts (#49069). In: an endpoint's name and a
configuration's; out: an endpoint that serves it.
"""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound

from fogbank.ground.ports import is_loopback
from fogbank.provider.calls import GoneError, call, require
from fogbank.provider.declarable import Allowed
from fogbank.provider.own import WHERE, AccountClients
from fogbank.provider.resource import Difference, Failure, Properties, ProvisionError
from fogbank.provider.scaled import Targets
from fogbank.provider.shapes import UNKNOWN

LIMIT_S = 4 * 3600.0
"""An update with canaries and baking alarms may take hours."""
NOBODY = (NoCredentialsError, NoRegionError, PartialCredentialsError, ProfileNotFound)
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"})
"""Codes of credentials that AWS knows no more."""
SHORTEST_S, LONGEST_S = 0.05, 15.0
MOVING = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating"})
RETAINED = {"DesiredInstanceCount": "InitialInstanceCount", "DesiredWeight": "InitialVariantWeight"}
"""SageMaker's variant properties that an update may keep, by the configuration's own members."""


@dataclass(frozen=True)
class RolloutType:
    """The verbs of the type."""

    clients: AccountClients
    inputs: ClassVar[Allowed] = Allowed(
        keys=frozenset({"endpointName", "configName", "deployment", "sleeps"}) | WHERE,
        required=frozenset({"endpointName", "configName"}),
    )
    outputs: ClassVar[tuple[str, ...]] = ()
    auto_name: ClassVar[None] = None

    def check(self, inputs: Properties) -> tuple[Properties, list[Failure]]:
        """Inputs, and what is refused."""
        return inputs, self.inputs.failures(inputs) or _undeployable(inputs.get("deployment"))

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Another configuration is an update; another endpoint another rollout. How it moves changes nothing that is there."""
        changed = tuple(key for key in ("configName", "endpointName") if old.get(key) != new.get(key))
        return Difference(changed, tuple(key for key in changed if key == "endpointName"))

    def preview(self, inputs: Properties) -> Properties:
        """All is known that the configuration's name says."""
        return inputs

    def create(self, inputs: Properties) -> tuple[str, Properties]:
        """Move the endpoint, if it is not there yet; one that sleeps wakes up with the configuration. Raises ProvisionError."""
        guards = json.loads(inputs.get("deployment") or "{}")
        client, endpoint = self.clients("sagemaker", inputs), inputs["endpointName"]
        if not inputs.get("sleeps") or live_config(client, endpoint):
            move(client, endpoint, inputs["configName"], guards, Targets(partial(self._client, inputs)))
        return inputs["endpointName"], inputs

    def _client(self, inputs: Properties, service: str) -> Any:
        """Any service's client: SageMaker's own endpoint is a local cloud's for all."""
        if service == "sagemaker":
            return self.clients(service, inputs)
        url = str(inputs.get("endpointUrl") or "")
        return self.clients(service, {**inputs, "endpointUrl": url if is_loopback(url) else None})

    def read(self, id_: str, inputs: Properties) -> tuple[Properties, Properties] | None:
        """What the endpoint serves now: the program's configuration is a change against any other, and where a killed run has left targets that
        are not registered again, against none."""
        name = str(inputs.get("endpointName") or id_)
        live = live_config(self.clients("sagemaker", inputs), name)
        if not live:
            return None
        done = not Targets(partial(self._client, inputs)).left(name)
        fresh = {**inputs, "endpointName": name, "configName": live if done else ""}
        return fresh, fresh

    def update(self, new: Properties) -> Properties:
        """Move the endpoint. Raises ProvisionError."""
        return self.create(new)[1]

    def delete(self, id_: str, state: Properties) -> None:
        """Nothing: an endpoint goes by its own resource."""

    def live(self, arguments: Properties) -> Properties:
        """The function `liveConfiguration`: what an endpoint serves; empty where there is none, and where nobody may ask.

        Who has no credentials, or expired ones, is told so by pulumi-aws, in its words; a second refusal would only hide it.
        """
        try:
            return {"configName": live_config(self.clients("sagemaker", arguments), arguments["endpointName"])}
        except ProvisionError as error:
            if _nobody(error.__cause__):
                return {"configName": ""}
            raise


def _undeployable(text: Any) -> list[Failure]:
    """What is refused of a DeploymentConfig's JSON."""
    if not isinstance(text, str) or text == UNKNOWN:
        return []
    try:
        if isinstance(json.loads(text), dict):
            return []
    except ValueError:
        pass
    return [Failure("deployment", "must be a DeploymentConfig as JSON")]


def _nobody(cause: BaseException | None) -> bool:
    """Whether a call had no credentials that AWS takes."""
    if isinstance(cause, ClientError):
        return cause.response["Error"]["Code"] in EXPIRED
    return isinstance(cause, NOBODY)


def live_config(client: Any, endpoint: str) -> str:
    """The name of the configuration that an endpoint serves; empty where there is no endpoint. Raises ProvisionError."""
    try:
        return str(call(client, "DescribeEndpoint", EndpointName=endpoint)["EndpointConfigName"])
    except GoneError:
        return ""


def move(
    client: Any, endpoint: str, config: str, guards: Properties | None = None, targets: Targets | None = None
) -> None:
    """Update an endpoint to a configuration, guarded by a DeploymentConfig if there is one, and wait for its end. `targets` are those that
    scale, of which some step aside.

    Raises ProvisionError, with AWS's reason where it was rolled back.
    """
    before = settled(client, endpoint)["EndpointConfigName"]
    moves = before != config
    if moves and guards:
        check_names(client, endpoint, before, config)
    changed = retyped(client, before, config) if moves and targets else frozenset()
    aside = targets.aside(endpoint, changed, partial(live_variants, client, endpoint)) if targets else nullcontext()
    with aside:  # also where it serves it already: what a killed run has left is registered again
        if moves:
            kept = properties_to_keep(client, before, config)
            guarded = {"DeploymentConfig": guards} if guards else {}
            require(client, "UpdateEndpoint", EndpointName=endpoint, EndpointConfigName=config, **kept, **guarded)
            settled(client, endpoint)
    after = settled(client, endpoint)
    live, status = after["EndpointConfigName"], after["EndpointStatus"]
    if status == "InService" and live == config:
        return
    reason = after.get("FailureReason", status)
    if live != config:
        raise ProvisionError(f"the update of endpoint {endpoint} was rolled back; it still serves {live}: {reason}")
    raise ProvisionError(f"endpoint {endpoint} is {status} under {live}: {reason}")


def settled(client: Any, endpoint: str) -> Properties:
    """The endpoint when it changes no more. Raises ProvisionError."""
    deadline, pause = time.monotonic() + LIMIT_S, SHORTEST_S
    while True:
        description: Properties = require(client, "DescribeEndpoint", EndpointName=endpoint)
        if description["EndpointStatus"] not in MOVING:
            return description
        if time.monotonic() > deadline:
            raise ProvisionError(
                f"endpoint {endpoint} is still {description['EndpointStatus']} after {LIMIT_S / 3600:g} h"
            )
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_S)


def properties_to_keep(client: Any, old: str, new: str) -> Properties:
    """UpdateEndpoint's members that keep live counts and weights, but those that the program itself changed."""
    try:
        before, after = _variants(client, old), _variants(client, new)
    except GoneError:  # the live configuration was deleted: nobody knows any more what the program said then
        return {"RetainAllVariantProperties": True}
    if before.keys() != after.keys():
        return {}
    changed = [
        {"VariantPropertyType": kind}
        for kind, member in RETAINED.items()
        if any(before[name].get(member) != after[name].get(member) for name in before)
    ]
    if len(changed) == len(RETAINED):
        return {}
    return {"RetainAllVariantProperties": True, **({"ExcludeRetainedVariantProperties": changed} if changed else {})}


def check_names(client: Any, endpoint: str, old: str, new: str) -> None:
    """A guarded move is from variants to variants of the same names (Developer Guide, "Deployment guardrails", "Exclusions"). Raises
    ProvisionError; where the live configuration was deleted nobody knows, and AWS says it."""
    try:
        before, after = (sorted(_variants(client, name)) for name in (old, new))
    except GoneError:
        return
    if before != after:
        raise ProvisionError(
            f"endpoint {endpoint} has the variants {', '.join(before)}, and is to have {', '.join(after)}: a guarded deployment moves "
            "between variants of the same names; leave `deployment` away for this one `up`"
        )


def retyped(client: Any, old: str, new: str) -> frozenset[str]:
    """The variants that go, or get another instance type; none where nobody knows what they had."""
    try:
        before, after = _variants(client, old), _variants(client, new)
    except GoneError:
        return frozenset()
    return frozenset(
        name
        for name, variant in before.items()
        if name not in after or variant.get("InstanceType") != after[name].get("InstanceType")
    )


def live_variants(client: Any, endpoint: str) -> frozenset[str]:
    """The names of the variants that an endpoint has now."""
    described = require(client, "DescribeEndpoint", EndpointName=endpoint)
    return frozenset(item["VariantName"] for item in described.get("ProductionVariants", []))


def _variants(client: Any, config: str) -> dict[str, Properties]:
    """A configuration's production variants by their names. Raises GoneError, ProvisionError."""
    described = call(client, "DescribeEndpointConfig", EndpointConfigName=config)
    return {item["VariantName"]: item for item in described["ProductionVariants"]}
