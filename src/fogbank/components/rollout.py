"""Rollout: an endpoint's configuration as a resource of its own, which fails where AWS rolled an update back.

It is a type of fogbank's own provider. In: an endpoint's name and a configuration's; out: the configuration's name, when it is live.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from fogbank.components.naming import is_local_stack
from fogbank.contracts import names
from fogbank.contracts.tokens import LIVE_CONFIGURATION, ROLLOUT


class Rollout(pulumi.CustomResource):
    """Moves an endpoint to a configuration, and waits for it. A rolled-back update is an error, after which nothing old is deleted.

    `sleeps` says that the endpoint may be gone, and comes back by itself with the configuration. `deployment` is a DeploymentConfig as
    UpdateEndpoint has it: it counts from the next move on. Live counts and weights are kept, unless the program changes its own. Needs
    `sagemaker:DescribeEndpoint`, `DescribeEndpointConfig` and `UpdateEndpoint`, with the stack's `aws:region` and `aws:profile`. Outputs:
    `config_name`.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint_name: pulumi.Input[str],
        config_name: pulumi.Input[str],
        deployment: pulumi.Input[Mapping[str, Any]] | None = None,
        sleeps: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        guarded = {} if deployment is None else {"deployment": pulumi.Output.from_input(deployment).apply(_text)}
        asleep = {"sleeps": "true"} if sleeps else {}
        arguments = {"endpointName": endpoint_name, "configName": config_name, **guarded, **asleep, **where()}
        super().__init__(ROLLOUT, name, arguments, opts)
        self.config_name: pulumi.Output[str] = pulumi.Output.all(self.id, config_name).apply(lambda known: known[1])


def _text(deployment: Mapping[str, Any]) -> str:
    return json.dumps(deployment, sort_keys=True)


def serves_already(endpoint_name: str, component: pulumi.Resource) -> bool:
    """Whether there is an endpoint of that name: what it serves is then a Rollout's business alone."""
    arguments = {"endpointName": endpoint_name, **where()}
    answer = pulumi.runtime.invoke(LIVE_CONFIGURATION, arguments, pulumi.InvokeOptions(parent=component)).value
    return bool(answer.get("configName"))


def where(service: str = "sagemaker") -> dict[str, str]:
    """Where a service of the stack's is, as its configuration says; a local cloud is at one place.

    Raises pulumi.RunError for credentials that only pulumi-aws would use.
    """
    config = pulumi.Config("aws")
    given = [key for key in sorted(names.CREDENTIALS) if config.get(key.partition(":")[2])]
    if given and not is_local_stack():
        raise pulumi.RunError(f"the stack {pulumi.get_stack()} sets {', '.join(given)}: {names.OWN_CREDENTIALS}")
    groups = config.get_object("endpoints") or []
    urls = [group[service] for group in groups if group.get(service)]
    if not urls and is_local_stack():
        urls = [url for group in groups for url in group.values()]
    values = {"region": config.get("region"), "profile": config.get("profile"), "endpointUrl": next(iter(urls), None)}
    return {key: value for key, value in values.items() if value}
