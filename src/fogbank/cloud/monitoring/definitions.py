"""Job definitions of monitors: what an execution does. They never change; one that is deleted fails the executions that come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fogbank.cloud.api.control import Operation, Params, Scope
from fogbank.cloud.api.errors import in_use, not_found, validation
from fogbank.cloud.api.listing import Listing
from fogbank.cloud.api.resource import Ground, Kind, NoState, Record, Resource
from fogbank.cloud.monitoring.kinds import MonitorKind
from fogbank.contracts.processing import Cluster
from fogbank.ground.members import decode, member


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where results lie when the analyzer has ended, and where they go."""

    local_path: str = member("S3Output.LocalPath", required=True)
    uri: str = member("S3Output.S3Uri", required=True)


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A definition as an execution reads it. `source` is the folder for captured records."""

    name: str = member("JobDefinitionName", required=True)
    image: str = member("AppSpecification.ImageUri", required=True)
    environment: Mapping[str, str] | None = member("AppSpecification.Environment")
    endpoint: str = member("JobInput.EndpointInput.EndpointName", required=True)
    source: str = member("JobInput.EndpointInput.LocalPath", required=True)
    input_mode: str | None = member("JobInput.EndpointInput.S3InputMode")
    outputs: tuple[Output, ...] = member("JobOutputConfig.MonitoringOutputs", Output, required=True)
    constraints_uri: str | None = member("BaselineConfig.ConstraintsResource.S3Uri")
    statistics_uri: str | None = member("BaselineConfig.StatisticsResource.S3Uri")
    cluster: Cluster = member("JobResources.ClusterConfig", Cluster, required=True)
    max_runtime_s: int | None = member("StoppingCondition.MaxRuntimeInSeconds")
    role: str = member("RoleArn", required=True)


def definition_kind(monitor: MonitorKind) -> Kind:
    """The row of a kind of monitor's definitions."""
    return Kind(
        path=monitor.path,
        stem=monitor.stem,
        key="JobDefinitionName",
        arn="JobDefinitionArn",
        missing=lambda arn: not_found(f"Could not find job definition {arn}."),
        taken=lambda arn: in_use(f"Job definition {arn} already exists."),
        listing=Listing(
            operation=f"List{monitor.stem}s", answer="JobDefinitionSummaries", name="MonitoringJobDefinitionName"
        ),
        summary={"MonitoringJobDefinitionName": "JobDefinitionName", "MonitoringJobDefinitionArn": "JobDefinitionArn"},
    )


class JobDefinitions(Resource[NoState]):
    """The definitions of one kind of monitor, in every region."""

    def __init__(self, monitor: MonitorKind, ground: Ground) -> None:
        super().__init__(definition_kind(monitor), NoState, ground)
        self.monitor = monitor

    def operations(self) -> Mapping[str, Operation]:
        """The calls that this room answers."""
        return {**super().operations(), f"Create{self.monitor.stem}": self.create}

    def create(self, scope: Scope, params: Params) -> Params:
        """Refuses a name that exists, and what the local cloud lacks."""
        if not params[f"{self.monitor.type}JobInput"].get("EndpointInput"):
            raise validation(
                f"The local cloud monitors endpoints so far: {self.monitor.type}JobInput needs an EndpointInput."
            )
        definition = self.read(params)
        if (definition.cluster.instance_count or 1) > 1:
            raise validation("The local cloud runs a monitor on one instance: InstanceCount must be 1.")
        if definition.input_mode == "Pipe":
            raise validation("The local cloud does not have S3InputMode Pipe yet; it is refused, not ignored.")
        record = self.add(scope, definition.name, params, NoState())
        return {"JobDefinitionArn": record.public["JobDefinitionArn"]}

    def definition(self, region: str, name: str) -> Definition:
        """A definition. Raises ResourceNotFound."""
        return self.read(self.get(region, name).public)

    def read(self, document: Params) -> Definition:
        """A definition of this kind's document. Raises MemberError."""
        return decode(Definition, self.monitor.plain(document), whole=False)

    def summary(self, record: Record[NoState]) -> Params:
        """A definition as List looks at it."""
        return {**super().summary(record), "EndpointName": self.read(record.public).endpoint}


def refusal(monitor: MonitorKind) -> Mapping[str, Operation]:
    """The calls of a kind of monitor that the local cloud does not run: its definitions are refused, not kept for nothing."""

    def create(_: Scope, __: Params) -> Params:
        raise validation(f"The local cloud does not have {monitor.type} monitors yet; it is refused, not ignored.")

    return {f"Create{monitor.stem}": create}
