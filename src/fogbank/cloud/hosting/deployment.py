"""What an endpoint is to run, as data: a configuration with its models as they were taken, and what calls have changed since.

In: an EndpointConfig's and its models' documents; out: frozen values that lie in the store as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from fogbank.cloud.ground.store import Document
from fogbank.cloud.hosting.asynchronous import AsyncConfig
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.rollout import ROUNDING, Rollout
from fogbank.cloud.observe.capture import Capture

COUNT, WEIGHT = "DesiredInstanceCount", "DesiredWeight"
"""The properties of a variant that an update may retain, by AWS's names."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One configuration as it runs: `models` by name, `weights` and `counts` by variant, at `taken` in the cloud's time.

    `serverless` has the ServerlessConfig of variants that have one, as calls have changed it; their count is 0.
    """

    config: Document
    models: Mapping[str, Document] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    serverless: Mapping[str, Document] = field(default_factory=dict)
    taken: float = 0.0

    @classmethod
    def of(cls, config: Document, models: Mapping[str, Document], taken: float) -> Self:
        """A configuration with the weights and counts that it says itself."""
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])]
        return cls(
            config=config,
            models=models,
            weights={item["VariantName"]: item.get("InitialVariantWeight", 1.0) for item in variants},
            counts={
                item["VariantName"]: 0 if "ServerlessConfig" in item else item.get("InitialInstanceCount", 1)
                for item in variants
            },
            serverless={
                item["VariantName"]: item["ServerlessConfig"] for item in variants if "ServerlessConfig" in item
            },
            taken=taken,
        )

    @property
    def name(self) -> str:
        """The configuration's name."""
        name: str = self.config["EndpointConfigName"]
        return name

    @property
    def variants(self) -> list[Document]:
        """The production variants as the configuration has them."""
        variants: list[Document] = self.config["ProductionVariants"]
        return variants

    @property
    def shadows(self) -> list[Document]:
        """The shadow variants, of which there is one at most."""
        shadows: list[Document] = self.config.get("ShadowProductionVariants", [])
        return shadows

    @property
    def hosts_components(self) -> bool:
        """Whether its variants have no model of their own: inference components bring theirs."""
        return not self.model_names

    @property
    def model_names(self) -> frozenset[str]:
        """The models of all variants."""
        return frozenset(item["ModelName"] for item in self.all_variants if item.get("ModelName"))

    @property
    def production_counts(self) -> list[int]:
        """The counts of the production variants: traffic is shifted between those, and shadows are no part of a CapacitySize."""
        return [self.counts[item["VariantName"]] for item in self.variants]

    @property
    def all_variants(self) -> list[Document]:
        """All that runs: production and shadow variants."""
        return [*self.variants, *self.shadows]

    @property
    def capture(self) -> Capture | None:
        """What of the traffic is captured, if any."""
        return Capture.of(self.config.get("DataCaptureConfig"))

    def model(self, name: str) -> Document:
        """A model. Raises StartError where it was deleted before it was taken."""
        if name not in self.models:
            raise StartError(f"model {name} does not exist any more")
        return self.models[name]

    @property
    def asynchronous(self) -> AsyncConfig | None:
        """Its AsyncInferenceConfig, if it has one."""
        return AsyncConfig.of(self.config)

    def changed(
        self, weights: Mapping[str, float], counts: Mapping[str, int], serverless: Mapping[str, Document] | None = None
    ) -> Deployment:
        """The same with some weights and counts, and some serverless configurations."""
        return replace(
            self,
            weights={**self.weights, **weights},
            counts={**self.counts, **counts},
            serverless={**self.serverless, **(serverless or {})},
        )

    def part(self, percent: float) -> Deployment:
        """The same with a share of its instances, of each variant one at least; 0 for all."""
        if not percent:
            return self
        return self.changed(
            {}, {name: math.ceil(count * percent / 100 - ROUNDING) for name, count in self.counts.items()}
        )

    def retaining(self, live: Deployment, excluded: Collection[str]) -> Deployment:
        """The same with the live weights and counts of variants of the same name, but for the properties excluded.

        A count is retained between variants on instances; none, which only an asynchronous variant may have, by such a one alone.
        """
        weights = {name: live.weights[name] for name in self.weights if name in live.weights}
        least = 0 if self.asynchronous else 1
        on_instances = self.counts.keys() & live.counts.keys() - self.serverless.keys() - live.serverless.keys()
        counts = {name: max(live.counts[name], least) for name in on_instances}
        return self.changed({} if WEIGHT in excluded else weights, {} if COUNT in excluded else counts)

    def encode(self) -> Document:
        """As JSON values."""
        return {
            "config": self.config,
            "models": dict(self.models),
            "weights": dict(self.weights),
            "counts": dict(self.counts),
            "serverless": dict(self.serverless),
            "taken": self.taken,
        }

    @classmethod
    def decode(cls, document: Document) -> Deployment:
        """From what `encode` gave, or from a bare configuration with weights, as version 1 had it."""
        bare = cls.of(document["config"], document.get("models", {}), document.get("taken", 0.0))
        parts = (document.get(name) or {} for name in ("weights", "counts", "serverless"))
        return bare.changed(*parts)


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """What the cloud knows of an endpoint besides what Describe answers: what serves, what is to serve, and how far that is."""

    live: Deployment | None = None
    pending: Deployment | None = None
    rollout: Rollout | None = None

    @property
    def target(self) -> Deployment:
        """What the rollout that is under way leads to. Raises StartError where there is none."""
        if self.pending is None:
            raise StartError("there is no deployment to roll out")
        return self.pending

    @property
    def capture(self) -> Capture | None:
        """What is captured of the traffic that the endpoint has now."""
        return self.live.capture if self.live else None

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants that serve now."""
        return tuple(item["VariantName"] for item in self.live.variants) if self.live else ()

    def encode(self) -> Document:
        """As JSON values."""
        parts = {"live": self.live, "pending": self.pending, "rollout": self.rollout}
        return {name: part.encode() for name, part in parts.items() if part is not None}

    @classmethod
    def decode(cls, document: Document) -> Self:
        """From what `encode` gave; from version 1's `config`, `pending` and `weights` too."""
        if "config" in document:
            pending = document.get("pending")
            return cls(
                live=Deployment.decode({"config": document["config"], "weights": document.get("weights")}),
                pending=Deployment.decode({"config": pending}) if pending else None,
            )
        live, pending, rollout = (document.get(name) for name in ("live", "pending", "rollout"))
        return cls(
            live=Deployment.decode(live) if live else None,
            pending=Deployment.decode(pending) if pending else None,
            rollout=Rollout.decode(rollout) if rollout else None,
        )
