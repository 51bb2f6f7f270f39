"""Endpoint configurations and endpoints: the calls, and the real transitions behind them.

An update starts the new fleet beside the old one, moves the traffic, then drains the old one. A new fleet that does not start
leaves the old one serving, and the endpoint under its old configuration with the reason, as SageMaker does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping

from fogbank.cloud.api.control import Operation, Params, Scope, page, refuse
from fogbank.cloud.api.errors import ApiError, validation
from fogbank.cloud.api.models import Models, container_of
from fogbank.cloud.ground.clock import Clock
from fogbank.cloud.ground.store import Document, Store
from fogbank.cloud.hosting.configs import EndpointConfigs
from fogbank.cloud.hosting.fleets import Fleet, VariantPlan
from fogbank.cloud.hosting.instance import StartError
from fogbank.cloud.hosting.workspace import Workspace
from fogbank.contracts.container import STARTUP_LIMIT_S
from fogbank.contracts.status import ENDPOINT, step

log = logging.getLogger("fogbank.cloud")
KIND = "endpoint"


class Endpoints:
    """The endpoints of every region, and their fleets."""

    def __init__(
        self, store: Store, clock: Clock, models: Models, configs: EndpointConfigs, workspace: Workspace
    ) -> None:
        self._store, self._clock, self._models, self._configs, self._workspace = (
            store,
            clock,
            models,
            configs,
            workspace,
        )
        self._lock = threading.RLock()
        self._fleets: dict[tuple[str, str], Fleet] = {}

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {
            "CreateEndpoint": self.create,
            "DescribeEndpoint": self.describe,
            "ListEndpoints": self.summaries,
            "UpdateEndpoint": self.update,
            "DeleteEndpoint": self.delete,
            "UpdateEndpointWeightsAndCapacities": self.update_weights,
        }

    def fleets(self) -> list[Fleet]:
        """The fleets that run now."""
        with self._lock:
            return list(self._fleets.values())

    def fleet(self, region: str, name: str) -> Fleet | None:
        """The fleet that serves an endpoint."""
        with self._lock:
            return self._fleets.get((region, name))

    def create(self, scope: Scope, params: Params) -> Params:
        """Creating, then InService or Failed."""
        refuse(params, "DeploymentConfig")
        name, arn = params["EndpointName"], scope.arn("endpoint", params["EndpointName"])
        with self._lock:
            if self._store.get(KIND, scope.region, name):
                raise validation(f'Cannot create already existing endpoint "{arn}".')
            config = self._configs.get(scope.region, params["EndpointConfigName"]).public
            now = self._clock.epoch()
            document: Document = {
                "EndpointName": name,
                "EndpointArn": arn,
                "EndpointConfigName": config["EndpointConfigName"],
                "EndpointStatus": "Creating",
                "CreationTime": now,
                "LastModifiedTime": now,
                "Tags": params.get("Tags", []),
                "_region": scope.region,
                "_config": config,
            }
            self._store.put(KIND, scope.region, name, document)
        self._background(self._bring_up, scope.region, name, config)
        return {"EndpointArn": arn}

    def update(self, scope: Scope, params: Params) -> Params:
        """Updating, then InService under the new configuration, or under the old one with the reason."""
        refuse(params, "DeploymentConfig", "RetainAllVariantProperties", "RetainDeploymentConfig")
        with self._lock:
            document = self.get(scope.region, params["EndpointName"])
            if document["EndpointStatus"] != "InService":
                raise validation(f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')
            config = self._configs.get(scope.region, params["EndpointConfigName"]).public
            self._move(scope.region, params["EndpointName"], "Updating", FailureReason=None, _pending=config)
        self._background(self._bring_up, scope.region, params["EndpointName"], config)
        return {"EndpointArn": document["EndpointArn"]}

    def update_weights(self, scope: Scope, params: Params) -> Params:
        """Change traffic weights live. Instance counts of a running fleet cannot be changed here yet, and that is said."""
        with self._lock:
            document = self.get(scope.region, params["EndpointName"])
            fleet = self.fleet(scope.region, params["EndpointName"])
            if document["EndpointStatus"] != "InService" or fleet is None:
                raise validation(f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')
            for wanted in params["DesiredWeightsAndCapacities"]:
                if "DesiredInstanceCount" in wanted or "ServerlessUpdateConfig" in wanted:
                    raise validation(
                        "The local cloud changes weights of a running endpoint, not instance counts: use UpdateEndpoint."
                    )
                if wanted["VariantName"] not in fleet.weights:
                    raise validation(f'Variant "{wanted["VariantName"]}" is not part of the endpoint.')
            fleet.weights.update(
                {
                    w["VariantName"]: w["DesiredWeight"]
                    for w in params["DesiredWeightsAndCapacities"]
                    if "DesiredWeight" in w
                }
            )
            self._store.update(
                KIND, scope.region, params["EndpointName"], _weights=fleet.weights, LastModifiedTime=self._clock.epoch()
            )
        return {"EndpointArn": document["EndpointArn"]}

    def delete(self, scope: Scope, params: Params) -> Params:
        """Deleting, then gone."""
        with self._lock:
            document = self.get(scope.region, params["EndpointName"])
            if document["EndpointStatus"] in {"Creating", "Updating", "RollingBack"}:
                raise validation(f'Cannot update in-progress endpoint "{document["EndpointArn"]}".')
            self._store.delete(KIND, scope.region, params["EndpointName"])
            fleet = self._fleets.pop((scope.region, params["EndpointName"]), None)
        if fleet:
            self._background(fleet.stop)
        return {}

    def describe(self, scope: Scope, params: Params) -> Params:
        """The endpoint with its live variants."""
        document = self.get(scope.region, params["EndpointName"])
        config = document["_config"]
        weights = document.get("_weights", {})
        described = {
            **document,
            "ProductionVariants": [_variant(item, weights) for item in config["ProductionVariants"]],
        }
        if capture := config.get("DataCaptureConfig"):
            described["DataCaptureConfig"] = {
                "EnableCapture": capture.get("EnableCapture", True),
                "CaptureStatus": "Started" if capture.get("EnableCapture", True) else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        if document["EndpointStatus"] in {"Creating", "Updating"}:
            pending = document.get("_pending") or config
            described["PendingDeploymentSummary"] = {"EndpointConfigName": pending["EndpointConfigName"]}
        return described

    def get(self, region: str, name: str) -> Document:
        """The document. Raises ValidationException."""
        document = self._store.get(KIND, region, name)
        if document is None:
            raise validation(f'Could not find endpoint "{Scope(region).arn("endpoint", name)}".')
        return document

    def summaries(self, scope: Scope, params: Params) -> Params:
        """Summaries, newest first."""
        found = self._store.all(KIND, scope.region)
        kept = [
            {**doc, "_name": doc["EndpointName"]}
            for doc in found
            if params.get("NameContains", "") in doc["EndpointName"]
            and params.get("StatusEquals", doc["EndpointStatus"]) == doc["EndpointStatus"]
        ]
        return page(kept, params, "Endpoints")

    def resume(self) -> list[threading.Thread]:
        """After a restart: start every endpoint's fleet again, under the configuration that it was going to have."""
        started = []
        for document in self._store.all(KIND):
            region, name, status = document["_region"], document["EndpointName"], document["EndpointStatus"]
            if status == "Failed":
                continue
            if status == "InService":
                self._store.update(KIND, region, name, EndpointStatus="Updating")
            started.append(self._background(self._resume, region, name, document["_config"], document.get("_pending")))
        return started

    def _resume(self, region: str, name: str, config: Document, pending: Document | None) -> None:
        if pending:  # killed in the middle of an update: the old fleet first, so that a bad new one can still roll back
            with contextlib.suppress(StartError, ApiError):
                fleet = Fleet(name, config["EndpointConfigName"], self._plans(region, config), self._workspace)
                fleet.start()
                with self._lock:
                    self._fleets[region, name] = fleet
        self._bring_up(region, name, pending or config)

    def stop(self) -> None:
        """Stop every fleet."""
        with self._lock:
            fleets, self._fleets = list(self._fleets.values()), {}
        for fleet in fleets:
            fleet.stop()

    def _bring_up(self, region: str, name: str, config: Document) -> None:
        try:
            fleet = Fleet(name, config["EndpointConfigName"], self._plans(region, config), self._workspace)
            fleet.start()
        except (StartError, ApiError) as error:
            self._failed(region, name, str(error))
            return
        with self._lock:
            if self._store.get(KIND, region, name) is None:  # deleted by a reset in the meantime
                self._background(fleet.stop)
                return
            old = self._fleets.get((region, name))
            self._fleets[region, name] = fleet
            self._move(
                region,
                name,
                "InService",
                EndpointConfigName=config["EndpointConfigName"],
                _config=config,
                _pending=None,
                _weights={},
                FailureReason=None,
            )
        if old:
            old.stop()

    def _failed(self, region: str, name: str, reason: str) -> None:
        log.warning("endpoint %s: %s", name, reason)
        with self._lock:
            status = "InService" if (region, name) in self._fleets else "Failed"
            self._move(region, name, status, FailureReason=reason[:1024], _pending=None)

    def _plans(self, region: str, config: Document) -> list[VariantPlan]:
        plans = []
        for variant in config["ProductionVariants"]:
            model = self._models.get(region, variant["ModelName"]).public
            plans.append(
                VariantPlan(
                    name=variant["VariantName"],
                    model={**model, "PrimaryContainer": container_of(model)},
                    count=variant.get("InitialInstanceCount", 1),
                    weight=variant.get("InitialVariantWeight", 1.0),
                    startup_limit_s=variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_LIMIT_S),
                )
            )
        return plans

    def _move(self, region: str, name: str, status: str, **changes: object) -> None:
        document = self._store.get(KIND, region, name)
        if document is None:
            return
        step(ENDPOINT, document["EndpointStatus"], status)
        self._store.update(KIND, region, name, EndpointStatus=status, LastModifiedTime=self._clock.epoch(), **changes)

    @staticmethod
    def _background(work: object, *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]  # a bound method
        thread.start()
        return thread


def _variant(item: Document, weights: dict[str, float]) -> Params:
    weight = weights.get(item["VariantName"], item.get("InitialVariantWeight", 1.0))
    count = item.get("InitialInstanceCount", 1)
    return {
        "VariantName": item["VariantName"],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
