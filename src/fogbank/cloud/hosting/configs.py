"""Endpoint configurations: CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig.

They never change, and SageMaker does not stop you from deleting one that is in use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.models import Models
from fogbank.cloud.api.resource import Ground, Kind, NoState, Resource
from fogbank.cloud.hosting.exclusions import check_config
from fogbank.cloud.hosting.router import DEFAULT_STRATEGY, STRATEGIES

ENDPOINT_CONFIG = Kind(
    path="endpoint-config",
    stem="EndpointConfig",
    key="EndpointConfigName",
    arn="EndpointConfigArn",
    missing=lambda arn: validation(f'Could not find endpoint configuration "{arn}".'),
    taken=lambda arn: validation(f'Cannot create already existing endpoint configuration "{arn}".'),
    listing=Listing(operation="ListEndpointConfigs", answer="EndpointConfigs", name="EndpointConfigName"),
)


class EndpointConfigs(Resource[NoState]):
    """The endpoint configurations of every region."""

    def __init__(self, ground: Ground, models: Models) -> None:
        super().__init__(ENDPOINT_CONFIG, NoState, ground)
        self._models = models

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), "CreateEndpointConfig": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses names that exist, models that do not, two variants of one name, and what does not go together."""
        production, shadows = params["ProductionVariants"], params.get("ShadowProductionVariants", [])
        if shadows and (len(production), len(shadows)) != (1, 1):
            raise validation(
                "With ShadowProductionVariants, you can only specify one variant for ProductionVariants and one variant for "
                "ShadowProductionVariants."
            )
        variants = [*production, *shadows]
        for name, times in Counter(variant["VariantName"] for variant in variants).items():
            if times > 1:
                raise validation(f'The variant name "{name}" was non-unique within the request.')
        for variant in variants:
            strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", DEFAULT_STRATEGY)
            if strategy not in STRATEGIES:
                raise validation(
                    f"The local cloud does not have RoutingStrategy {strategy} yet; it is refused, not ignored."
                )
        models = {
            name: self._models.get(scope.region, name).public
            for name in {item["ModelName"] for item in variants if item.get("ModelName")}
        }
        check_config(params, models)
        record = self.add(scope, params["EndpointConfigName"], params, NoState())
        return {"EndpointConfigArn": record.public["EndpointConfigArn"]}
